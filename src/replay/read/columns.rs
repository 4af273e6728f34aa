//! Events as text: a record a line, in columns between spaces or commas.
//!
//! In: lines, the text form of a source. Out: which columns a header line names; scalars by slot, or the cells of a
//! row. Must not know: rules, types. Files that AWS delivers to S3 begin with a header line, exports from `CloudWatch`
//! put a time in front of each line, Athena and Splunk write CSV.

use std::borrow::Cow;

use crate::catalog::{Catalog, LogForm, OtherLog, Shape, TextForm};
use crate::csv;
use crate::engine::project::{Slots, Tree};
use crate::engine::value::Raw;

/// Names of columns as AWS writes a format: `${version} ${account-id}`, or without the signs, between spaces or commas.
/// Terraform doubles the dollar signs.
#[must_use]
pub fn names(format: &str) -> Vec<String> {
    let bare = |word: &str| word.trim_start_matches('$').trim_matches(['{', '}']).replace('_', "-");
    format.split([' ', ',', '\t', '\n', '\r']).map(bare).filter(|word| !word.is_empty()).collect()
}

/// The first of `names` that no source with a text form has as a column, with all columns that there are.
#[must_use]
pub fn unknown<'n>(names: &'n [String], catalog: &Catalog) -> Option<(&'n str, Vec<String>)> {
    let forms = || catalog.iter().filter_map(|source| source.log.text.as_ref());
    let known: Vec<String> = forms().flat_map(TextForm::names).map(str::to_owned).collect();
    let unknown = names.iter().find(|name| !known.contains(name));
    unknown.map(|name| (name.as_str(), known))
}

/// What separates columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Separator {
    Spaces,
    Commas,
}

/// The columns of lines.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Layout {
    names: Vec<String>,
    separator: Separator,
    slots: Vec<Option<usize>>,
    shapes: Vec<Option<Shape>>,
    /// Whether a column shows that this is another log.
    is_other: bool,
}

/// What a header line may hold.
#[derive(Debug)]
pub(crate) struct Headers {
    form: Option<TextForm>,
    others: Vec<OtherLog>,
    /// Names of columns of CSV files of which one shows a header.
    cells: Vec<String>,
    /// Those of them that hold a whole event: one is enough for a file.
    wrapped: Vec<String>,
}

impl Headers {
    /// Headers of a source: columns of its text form, and in CSV the members of its events and envelopes.
    pub(crate) fn new(form: &LogForm) -> Self {
        let columns = form.text.iter().flat_map(TextForm::names).map(str::to_owned);
        let members = form.detect.iter().chain(&form.wrapped).cloned();
        let mut cells: Vec<String> = columns.chain(members).collect();
        for spelling in &form.spellings {
            cells.extend(cells.iter().map(|cell| spelling.of(cell)).collect::<Vec<_>>());
        }
        let wrapped = form.wrapped.clone();
        Self { form: form.text.clone(), others: form.others.clone(), cells, wrapped }
    }

    /// The columns of a file without a header line: those that the user names, or the vendor's default.
    pub(crate) fn of_file(&self, names: Option<&[String]>, tree: &Tree) -> Option<Layout> {
        let form = self.form.as_ref()?;
        Some(self.layout(names.unwrap_or(&form.columns).to_vec(), Separator::Spaces, tree))
    }

    fn layout(&self, names: Vec<String>, separator: Separator, tree: &Tree) -> Layout {
        let slots = names.iter().map(|name| tree.top_level(name)).collect();
        let shape = |name: &String| self.form.as_ref()?.shape.get(name).cloned();
        let shapes = names.iter().map(shape).collect();
        let is_other = self.others.iter().any(|other| names.contains(&other.key));
        Layout { names, separator, slots, shapes, is_other }
    }

    /// The names in a header line.
    pub(crate) fn read(&self, line: &[u8], tree: &Tree) -> Option<Layout> {
        if memchr::memchr(b',', line).is_some() {
            return self.commas(std::str::from_utf8(line).ok()?, tree);
        }
        let word = line.strip_prefix(b"\"").and_then(|word| word.strip_suffix(b"\"")).unwrap_or(line);
        if self.wrapped.iter().any(|name| name.as_bytes() == word) {
            return self.commas(std::str::from_utf8(line).ok()?, tree);
        }
        let form = self.form.as_ref()?;
        // Names are in lower case; nearly every record begins with a number and has a word like ACCEPT or OK.
        if !line.first()?.is_ascii_lowercase() || line.iter().any(u8::is_ascii_uppercase) {
            return None;
        }
        let names = names(std::str::from_utf8(line).ok()?);
        let is_name = |name: &String| {
            name.bytes().all(|byte| byte.is_ascii_lowercase() || b"-0123456789".contains(&byte))
        };
        let known = |name: &String| form.names().any(|known| known == name);
        let is_header = names.iter().all(is_name) && names.iter().any(known);
        is_header.then(|| self.layout(names, Separator::Spaces, tree))
    }

    fn commas(&self, line: &str, tree: &Tree) -> Option<Layout> {
        let names = header(line)?;
        let is_header = names.iter().any(|name| self.cells.contains(name));
        is_header.then(|| self.layout(names, Separator::Commas, tree))
    }

    /// What to say of a line that names columns of which none is known.
    pub(crate) fn unknown(&self, line: &str) -> Option<String> {
        let names = header(line).filter(|names| names.len() > 1)?;
        let some: Vec<&str> = names.iter().take(6).map(String::as_str).collect();
        let more = if names.len() > some.len() { ", …" } else { "" };
        let known: Vec<&str> = self.cells.iter().take(4).map(String::as_str).collect();
        let (some, known) = (some.join(", "), known.join(", "));
        Some(format!("this looks like CSV, but no column is known of {some}{more}; known are {known}, …"))
    }
}

/// The names in a line of CSV, if that may be a header line.
fn header(line: &str) -> Option<Vec<String>> {
    let cells = csv::records(line).next()?;
    let names: Vec<String> = cells.iter().map(|cell| cell.text.trim().to_owned()).collect();
    // Splunk has names such as `resources{}.ARN`, Excel ones with blanks.
    let is_name = |name: &String| {
        name.len() <= 64
            && name.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '@'))
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.@{}[]:/ ".contains(&byte))
    };
    names.iter().all(is_name).then_some(names)
}

impl Layout {
    /// Whether a column or a value of a line is this word.
    pub(crate) fn has_word(&self, line: &str, word: &str) -> bool {
        self.names.iter().any(|name| name == word) || words(line).any(|one| one == word)
    }

    /// Whether a column has this name, in any spelling of the log.
    pub(crate) fn has(&self, column: &str, form: &LogForm) -> bool {
        form.spelt(column).any(|name| self.names.contains(&name))
    }

    /// Whether the columns are cells of CSV.
    pub(crate) fn is_csv(&self) -> bool {
        self.separator == Separator::Commas
    }

    /// The scalars of a line.
    pub(crate) fn read<'l>(&self, line: &'l str, tree: &Tree) -> Result<Slots<'l>, String> {
        if self.is_other {
            return Err("columns of another log".to_owned());
        }
        let mut slots = tree.empty();
        let (mut count, mut misfit) = (0, None);
        for word in record(line) {
            if let Some(Some(slot)) = self.slots.get(count) {
                slots.set(*slot, Raw::Text(Cow::Borrowed(word)));
            }
            if let Some(Some(shape)) = self.shapes.get(count)
                && !shape.fits(word)
            {
                // Kept for the end: with a column too many, every shape behind it fails, and the number of columns is
                // the better reason.
                misfit.get_or_insert(count);
            }
            count += 1;
        }
        if count != self.slots.len() {
            return Err(format!("a record of {count} columns where the format has {}", self.slots.len()));
        }
        misfit.map_or(Ok(slots), |column| Err(self.misfit(column)))
    }

    fn misfit(&self, column: usize) -> String {
        let name = self.names.get(column).map_or("", String::as_str);
        format!(
            "column {} is no `{name}`; if the columns are in another order, name them with `--flow-format`",
            column + 1
        )
    }

    /// The columns of a line by name.
    pub(crate) fn named(&self, line: &str) -> Vec<(String, String)> {
        let words = record(line).map(str::to_owned);
        self.names.iter().cloned().zip(words).collect()
    }

    /// The cells of a line as an object.
    pub(crate) fn object(&self, line: &str) -> Result<String, String> {
        let cells = csv::records(line).next().unwrap_or_default();
        if cells.len() != self.names.len() {
            return Err(format!("a row of {} cells where the header has {}", cells.len(), self.names.len()));
        }
        // The quotes of a cell that is too long, or cut off, are not closed.
        if cells.iter().any(|cell| !cell.is_closed) {
            return Err("a cell whose quotation mark is not closed".to_owned());
        }
        // All cells are text; the types of the fields read numbers from it, and paths that go on read JSON.
        let cells = cells.into_iter().map(|cell| serde_json::Value::String(cell.text.trim().to_owned()));
        Ok(serde_json::Value::Object(self.names.iter().cloned().zip(cells).collect()).to_string())
    }
}

/// The columns of a record, without the time that `CloudWatch` puts in front: `2023-07-10T11:42:36.000Z`.
fn record(line: &str) -> impl Iterator<Item = &str> {
    let is_time = |word: &str| word.len() >= 20 && word.ends_with('Z') && word.contains('T');
    let mut words = words(line).peekable();
    words.next_if(|word| is_time(word));
    words
}

/// What is between spaces. Words are short: looking at byte after byte is faster than a search.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line.trim_ascii_start();
    std::iter::from_fn(move || {
        let length = rest.bytes().position(|byte| byte.is_ascii_whitespace()).unwrap_or(rest.len());
        let (word, after) = rest.split_at_checked(length).filter(|(word, _)| !word.is_empty())?;
        rest = after.trim_ascii_start();
        Some(word)
    })
}

/// Where JSON begins in a line that has something in front of it, such as a time; `None` if what is in front may be a
/// part of a broken value.
pub(crate) fn behind_prefix(line: &[u8]) -> Option<usize> {
    let at = memchr::memchr2(b'{', b'[', line)?;
    let before = line.get(..at)?;
    let harmless = |byte: &u8| !b"\"}]\\".contains(byte) && *byte >= b' ' || *byte == b'\t';
    let is_prefix = at > 0 && before.ends_with(b" ") || before.ends_with(b"\t");
    (is_prefix && before.iter().all(harmless)).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_read_as_people_write_them() {
        for format in [
            "${version} ${account-id}",
            "$${version} $${account-id}",
            "version, account_id",
            "{version} {account-id}",
        ] {
            assert_eq!(names(format), ["version", "account-id"], "{format}");
        }
        let catalog = Catalog::embedded().unwrap();
        assert_eq!(unknown(&names("version srcadr"), &catalog).unwrap().0, "srcadr");
        assert!(unknown(&names("version srcaddr tcp-flags"), &catalog).is_none());
    }

    #[test]
    fn a_prefix_is_no_part_of_a_value() {
        assert_eq!(behind_prefix(b"2026-01-01T00:00:00.000Z {\"a\":1}"), Some(25));
        assert_eq!(behind_prefix(b"Jan  1 00:00:00 host trail[12]: {}"), None);
        assert_eq!(behind_prefix(b"\"a\":1, {"), None);
        assert_eq!(behind_prefix(b"x{"), None);
    }
}

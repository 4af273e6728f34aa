//! Paths in raw events: how they are written, and what each part of one leads to.
//!
//! In: the text of a path in a source file. Out: its [`Part`]s, or what is wrong with it. Must not know: events,
//! targets.

use super::fault::Fault;
use crate::source::is_hidden;

/// A part of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A key of an object: `userIdentity`, or `["a.b/c"]` where it has a dot or another mark of paths.
    Key(String),
    /// An item of a list by its number, from 0: `[0]`.
    Item(usize),
    /// Every item of a list: `[]`.
    Each,
    /// The first item of a list that has a text at a key: `[displayName == "Role.DisplayName"]`.
    Where {
        /// The key.
        key: String,
        /// Its text.
        value: String,
    },
}

/// The parts of a path, without the `>` of inner items.
///
/// # Errors
/// What is wrong with it, as a label.
pub fn parts(path: &str) -> Result<Vec<Part>, &'static str> {
    let mut parts = Vec::new();
    let mut rest = path;
    loop {
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (key, behind) = rest.split_at(end);
        // A path may begin with a key in brackets.
        if !(key.is_empty() && parts.is_empty() && behind.starts_with('[')) {
            parts.push(named(key, parts.is_empty())?);
        }
        rest = behind;
        while let Some(behind) = rest.strip_prefix('[') {
            let (part, behind) = bracket(behind)?;
            parts.push(part);
            rest = behind;
        }
        match rest.strip_prefix('.') {
            Some(behind) => rest = behind,
            None if rest.is_empty() => return Ok(parts),
            None => return Err("a dot is missing"),
        }
    }
}

/// Whether it consists of keys alone, each written as it is.
pub(super) fn is_plain(path: &str) -> bool {
    !path.contains('[')
}

fn named(key: &str, first: bool) -> Result<Part, &'static str> {
    if key.is_empty() {
        Err("a name is empty")
    } else if key != key.trim() || key.contains(is_hidden) {
        Err("a name begins or ends with a space, or has a character that cannot be seen")
    } else if first && key == "$" || key.contains(['>', '*', ']', '{', '}']) {
        Err("this is not part of a name")
    } else {
        Ok(Part::Key(key.to_owned()))
    }
}

/// What stands in brackets, and what follows them.
fn bracket(text: &str) -> Result<(Part, &str), &'static str> {
    if let Some(quoted) = text.strip_prefix('"') {
        let (key, behind) = quoted.split_once("\"]").ok_or(UNCLOSED)?;
        return Ok((Part::Key(visible(key)?), behind));
    }
    if let Some((key, behind)) = condition(text) {
        let (value, behind) = behind.split_once("\"]").ok_or(UNCLOSED)?;
        return Ok((Part::Where { key: visible(key)?, value: visible(value)? }, behind));
    }
    let (inside, behind) = text.split_once(']').ok_or(UNCLOSED)?;
    if inside.is_empty() {
        return Ok((Part::Each, behind));
    }
    let number = Some(inside).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    match number.and_then(|text| text.parse().ok()) {
        Some(number) => Ok((Part::Item(number), behind)),
        None => Err("brackets hold a number, a key in quotes, `KEY == \"TEXT\"` or nothing"),
    }
}

const UNCLOSED: &str = "a bracket or quote is not closed";

/// The key of `key == "text"`, and what stands behind the quote.
fn condition(text: &str) -> Option<(&str, &str)> {
    let (key, behind) = text.split_once("==")?;
    let key = key.trim();
    let is_key = !key.is_empty() && !key.contains(['[', ']', '"', '.']);
    Some((key, behind.trim_start().strip_prefix('"')?)).filter(|_| is_key)
}

fn visible(text: &str) -> Result<String, &'static str> {
    if text.is_empty() {
        Err("a name is empty")
    } else if text.contains(is_hidden) || text.contains(['"', '\\']) {
        Err("a character that cannot be seen, a quote or a backslash cannot stand here")
    } else {
        Ok(text.to_owned())
    }
}

/// Which parts a path may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parts {
    /// Keys as they stand, joined by dots.
    Plain,
    /// Keys, also in brackets.
    Keys,
    /// Keys, and items of lists.
    All,
    /// The same, inside a group also behind a `>`.
    OfItem,
}

/// What is wrong with a path in an event or item, where it could only ever find nothing: names joined by dots, `inner`
/// ones after a `>`. Names are those of the log, so nearly every character may stand in them.
pub(super) fn bad_path(path: &str, may: Parts) -> Option<Fault> {
    let names = path.strip_prefix('>').filter(|_| may == Parts::OfItem).unwrap_or(path);
    let label = match parts(names) {
        Err(label) => label,
        Ok(_) if may == Parts::Plain && !is_plain(names) => "brackets have no place in this path",
        Ok(parts) => {
            let only_keys = parts.iter().all(|part| matches!(part, Part::Key(_)));
            if only_keys || matches!(may, Parts::All | Parts::OfItem) {
                return None;
            }
            "items of lists have no place in this path"
        }
    };
    let fault = Fault::new(&[], format!("`{path}` is not a path")).label(label);
    Some(
        fault.help(
            "a path is the names of keys, joined by dots; a list whose items are records is the `group`",
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::Part::{Each, Item, Key, Where};
    use super::*;

    #[test]
    fn every_kind_of_part() {
        let key = |text: &str| Key(text.to_owned());
        let chosen = Where { key: "displayName".to_owned(), value: "A.b \u{2013} [c]".to_owned() };
        for (path, expected) in [
            ("a", vec![key("a")]),
            ("a.b-c.d/e", vec![key("a"), key("b-c"), key("d/e")]),
            (r#"a["b.c/d"].e"#, vec![key("a"), key("b.c/d"), key("e")]),
            (r#"["a.b"][0][]"#, vec![key("a.b"), Item(0), Each]),
            (
                "a[1].b[displayName == \"A.b \u{2013} [c]\"].d",
                vec![key("a"), Item(1), key("b"), chosen, key("d")],
            ),
        ] {
            assert_eq!(parts(path), Ok(expected), "{path}");
        }
    }

    #[test]
    fn what_leads_nowhere_is_refused() {
        let wrong = [
            "",
            "a..b",
            ".a",
            "a.",
            "$.id",
            "a.[0]",
            "a[0]b",
            "a[x]",
            "a[-1]",
            "a[",
            "a[\"b]",
            "a[b == c]",
            "a[b == \"c]",
            "a b .c",
            "a{}",
            "a[*]",
            "a]",
            "a>b",
            "a[\"\"]",
            "[0",
            "a[b.c == \"d\"]",
        ];
        for path in wrong {
            assert!(parts(path).is_err(), "{path}: {:?}", parts(path));
        }
    }
}

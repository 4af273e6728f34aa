//! VPC flow logs as text: a record a line, columns between spaces.
//!
//! In: lines, the names of the columns. Out: scalars by slot.
//! Must not know: rules, types. Files that S3 delivers begin with a header line, exports from `CloudWatch` put a time
//! in front of each line.

use std::borrow::Cow;

use crate::engine::project::{Slots, Tree};
use crate::engine::value::Raw;

/// The only source with this text form.
pub(crate) const SOURCE: &str = "aws.vpcflow";

/// The columns of the default format, version 2.
const DEFAULT: [&str; 14] = [
    "version",
    "account-id",
    "interface-id",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "start",
    "end",
    "action",
    "log-status",
];

/// The names in a header line; `None` if the line is no header.
pub(crate) fn header(line: &[u8]) -> Option<Vec<String>> {
    // Names are in lower case; nearly every record begins with a number and has a word like ACCEPT or OK.
    if !line.first()?.is_ascii_lowercase() || line.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    let names = names(std::str::from_utf8(line).ok()?);
    let known = |name: &str| DEFAULT.contains(&name);
    let is_name =
        |name: &String| name.bytes().all(|byte| byte.is_ascii_lowercase() || b"-0123456789".contains(&byte));
    (names.iter().all(is_name) && names.iter().any(|name| known(name))).then_some(names)
}

/// Whether a line without names looks like a record: many columns, the first a version, an account or an interface.
pub(crate) fn looks_like_record(line: &[u8]) -> bool {
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let begins = words
        .next()
        .is_some_and(|word| word.first().is_some_and(u8::is_ascii_digit) || word.starts_with(b"eni-"));
    begins && words.count() >= 4
}

/// Names of columns as AWS writes a format: `${version} ${account-id}`, or without the signs, between spaces or commas.
#[must_use]
pub fn names(format: &str) -> Vec<String> {
    let bare = |word: &str| word.trim_start_matches("${").trim_end_matches('}').replace('_', "-");
    format.split([' ', ',', '\t']).map(str::trim).filter(|word| !word.is_empty()).map(bare).collect()
}

/// Where the columns go.
#[derive(Debug)]
pub(crate) struct Columns {
    slots: Vec<Option<usize>>,
}

impl Columns {
    /// The places of `names`, or of the default format.
    pub(crate) fn new(names: Option<&[String]>, tree: &Tree) -> Self {
        let slots = match names {
            Some(names) => names.iter().map(|name| tree.top_level(name)).collect(),
            None => DEFAULT.iter().map(|name| tree.top_level(name)).collect(),
        };
        Self { slots }
    }

    /// The scalars of a line.
    pub(crate) fn read<'l>(&self, line: &'l str, tree: &Tree) -> Result<Slots<'l>, String> {
        let mut slots = tree.empty();
        let mut count = 0;
        let is_time = |word: &str| word.len() >= 20 && word.ends_with('Z') && word.contains('T');
        for (at, word) in words(line).enumerate() {
            // `2023-07-10T11:42:36.000Z` in front, as CloudWatch exports it.
            if at == 0 && is_time(word) {
                continue;
            }
            if let Some(Some(slot)) = self.slots.get(count) {
                slots.set(*slot, Raw::Text(Cow::Borrowed(word)));
            }
            count += 1;
        }
        if count == self.slots.len() {
            Ok(slots)
        } else {
            Err(format!("a flow record of {count} columns where the format has {}", self.slots.len()))
        }
    }
}

/// What stands between spaces. Words are short: looking at byte after byte is faster than a search.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line.trim_ascii_start();
    std::iter::from_fn(move || {
        let length = rest.bytes().position(|byte| byte.is_ascii_whitespace()).unwrap_or(rest.len());
        let (word, after) = rest.split_at_checked(length).filter(|(word, _)| !word.is_empty())?;
        rest = after.trim_ascii_start();
        Some(word)
    })
}

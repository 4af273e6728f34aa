//! Which source a file is of, by its beginning.
//!
//! In: the `log` keys of all sources, the head of a file. Out: the source that it looks like.
//! Must not know: rules. A source without `detect` keys and without a text form is never recognised.

use std::io::{BufRead, BufReader, Read};

use crate::catalog::{Catalog, LogForm, Source};

/// The forms of all sources.
#[derive(Debug, Default)]
pub(crate) struct Recogniser {
    sources: Vec<(String, LogForm)>,
}

impl Recogniser {
    pub(crate) fn new(catalog: &Catalog) -> Self {
        let form = |source: &Source| (source.name.clone(), source.log.clone());
        Self { sources: catalog.iter().map(form).collect() }
    }

    /// The form of a source.
    pub(crate) fn form(&self, source: &str) -> Option<&LogForm> {
        self.sources.iter().find(|(name, _)| name == source).map(|(_, form)| form)
    }

    /// Whether a line of a text looks like an event of `own`.
    pub(crate) fn is_in(&self, text: impl Read, own: &str) -> bool {
        self.form(own).is_some_and(|form| has_line(text, form))
    }

    /// The source that a file looks like which was given as one of `own`; `None` if it may well be that.
    pub(crate) fn other(&self, head: &[u8], own: &str) -> Option<&str> {
        let form = self.form(own)?;
        if form.detect.is_empty() && form.text.is_none() || looks_like(head, form) {
            return None;
        }
        // What a source says of other logs is more than that some keys are there.
        if form.others.iter().any(|other| has_key(head, &other.key)) {
            return None;
        }
        let mut others = self.sources.iter().filter(|(name, form)| name != own && looks_like(head, form));
        others.next().map(|(name, _)| name.as_str())
    }
}

/// Longer lines are not asked: of a text as long as that, the keys of any log may stand somewhere in it.
const LONGEST: usize = 64 * 1024;

/// Whether one line of a text shows the marks of a form.
fn has_line(text: impl Read, form: &LogForm) -> bool {
    let mut text = BufReader::with_capacity(256 * 1024, text);
    let (mut line, mut is_whole) = (Vec::new(), true);
    loop {
        // A text that breaks is reported by who reads it for its own source.
        let Ok(bytes) = text.fill_buf() else { return false };
        if bytes.is_empty() {
            return is_whole && looks_like(&line, form);
        }
        let end = memchr::memchr(b'\n', bytes);
        let part = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
        is_whole &= line.len() + part.len() <= LONGEST;
        if is_whole {
            line.extend_from_slice(part);
        }
        let length = part.len() + usize::from(end.is_some());
        text.consume(length);
        if end.is_some() {
            if is_whole && looks_like(&line, form) {
                return true;
            }
            line.clear();
            is_whole = true;
        }
    }
}

fn looks_like(head: &[u8], form: &LogForm) -> bool {
    let stands = |key: &String| form.spelt(key).any(|key| has_key(head, &key));
    let by_keys = !form.detect.is_empty() && form.detect.iter().all(stands);
    by_keys || looks_like_text(head, form)
}

/// Whether a key stands anywhere, also in JSON that stands in a string.
fn has_key(head: &[u8], key: &str) -> bool {
    let key = key.rsplit('.').next().unwrap_or(key);
    let found = |text: String| memchr::memmem::find(head, text.as_bytes()).is_some();
    found(format!("\"{key}\"")) || found(format!("\\\"{key}\\\""))
}

/// Whether the first line is a record, or names columns.
fn looks_like_text(head: &[u8], form: &LogForm) -> bool {
    let Some(text) = &form.text else { return false };
    let line = head.trim_ascii_start().split(|byte| *byte == b'\n').next().unwrap_or_default();
    let Ok(line) = std::str::from_utf8(line) else { return false };
    // CloudWatch puts a time in front of a line, which is no column.
    let words: Vec<&str> = line.split_ascii_whitespace().filter(|word| !word.ends_with('Z')).collect();
    if words.len() < 4 {
        return false;
    }
    // Most of the names are enough: vendors add columns.
    let is_header =
        words.iter().filter(|word| text.names().any(|name| name == **word)).count() * 2 > words.len();
    let fits = |(name, word): (&String, &&str)| text.shape.get(name).is_none_or(|shape| shape.fits(word));
    is_header || words.len() == text.columns.len() && text.columns.iter().zip(&words).all(fits)
}

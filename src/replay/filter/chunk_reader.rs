//! What a chunk is made of to events of its source.
//!
//! In: values and lines of a file. Out: records that satisfy a step, and a count with a reason for whatever was not
//! used. Must not know: how a file is taken apart, which steps there are.
//!
//! An object is an event, or it is looked for events in it: lists of them (`container`), members that hold one
//! (`wrapped`), JSON in strings; all of that again in what is found. What remains is counted as no event, and where the
//! keys of an event stand in it nevertheless, the file counts as not read.

use std::borrow::Cow;

use super::result::{ChunkResult, NOT_UTF8};
use super::source_filter::SourceFilter;
use crate::catalog::LogForm;
use crate::engine::event::Kind;
use crate::engine::project::Slots;
use crate::replay::read::columns::{Headers, Layout, behind_prefix};
use crate::replay::read::envelope::{Members, below, items, string, values};
use crate::replay::read::form::guess_line;
use crate::replay::read::resync::Resync;
use crate::replay::read::taker::{Broken, Taker, Text};

/// What broken JSON is called.
pub(super) const NOT_JSON: &str = "not valid JSON";
/// So many events at the beginning of a file are read in full.
// They show a file of another log, and which fields this one has. With the first events filtered too, all of a file
// could be passed over without a word.
const SAMPLE: u64 = 16;
/// Envelopes within envelopes.
// Each level is a call within a call, and hostile text must not exhaust the stack.
const DEEPEST: usize = 16;

/// Reads a chunk of one source.
#[derive(Debug)]
pub(super) struct ChunkReader<'a, 's> {
    source: &'a SourceFilter,
    form: &'a LogForm,
    headers: &'a Headers,
    layout: Option<Layout>,
    /// Whether it was asked what the columns in force lack.
    is_layout_known: bool,
    /// Events that are still read in full, whatever the filters say.
    sample: u64,
    /// The columns of lines in cells of CSV.
    lines: Option<Layout>,
    /// For the text of strings that are not simply JSON.
    spare: Vec<u8>,
    result: &'a mut ChunkResult<'s>,
}

/// Whether a row of CSV ends within quotation marks.
fn is_open(line: &[u8]) -> bool {
    memchr::memchr_iter(b'"', line).count() % 2 == 1
}

/// What was found in a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Found {
    events: u64,
    /// Whether it is a list, or holds one, whose items were counted one by one.
    is_list: bool,
}

impl Found {
    const ONE: Self = Self { events: 1, is_list: false };

    fn is_nothing(self) -> bool {
        self.events == 0 && !self.is_list
    }

    fn add(&mut self, other: Self) {
        self.events += other.events;
        self.is_list |= other.is_list;
    }
}

impl<'a, 's> ChunkReader<'a, 's> {
    /// A reader for a chunk that begins with the first of two layouts in force, the second is that of lines in cells;
    /// `is_first` if it begins its file.
    pub(super) fn new(
        source: &'a SourceFilter,
        headers: &'a Headers,
        (layout, lines): (Option<Layout>, Option<Layout>),
        is_first: bool,
        result: &'a mut ChunkResult<'s>,
    ) -> Self {
        let sample = if is_first { SAMPLE } else { 0 };
        let (form, spare) = (source.form(), Vec::new());
        Self { form, source, headers, layout, is_layout_known: false, lines, sample, spare, result }
    }

    /// The columns in force at the end.
    pub(super) fn into_layout(self) -> Option<Layout> {
        self.layout
    }

    /// Whether events may go unread. Unread, they count as events that can be used; so one has to be found first that
    /// can, or a chunk of which nothing can be used would look like a sound one.
    fn filters(&self) -> bool {
        self.sample == 0 && self.result.counts.of_source > self.result.counts.unusable
    }

    /// Whether a text can be passed over; then it is counted.
    fn passes_over(&mut self, text: &[u8]) -> bool {
        // Unread, it may be broken JSON as well; `Options::thorough` finds that.
        let passes = self.filters() && self.source.passes_over(text, self.result);
        if passes {
            self.result.counts.events += 1;
            self.result.counts.of_source += 1;
        }
        passes
    }

    /// Reads a value; `None` if it is not valid JSON.
    fn read(&mut self, text: &str, number: u64, depth: usize) -> Option<Found> {
        let text = text.trim();
        if depth > DEEPEST {
            return Some(Found::default());
        }
        if text.starts_with('{') {
            if self.passes_over(text.as_bytes()) {
                return Some(Found::ONE);
            }
            let slots = self.source.scalars(text)?;
            return Some(self.object(text, &slots, number, depth));
        }
        if let Some(items) = items(text) {
            return Some(self.items(items.iter().map(|item| item.get()), number, depth));
        }
        if let Some(inside) = string(text) {
            return Some(self.text_in_string(&inside, number, depth));
        }
        serde_json::from_str::<serde::de::IgnoredAny>(text).ok().map(|_| Found::default())
    }

    /// Reads the items of a list; those that are no event are counted.
    fn items<'t>(&mut self, items: impl Iterator<Item = &'t str>, number: u64, depth: usize) -> Found {
        let mut all = Found { events: 0, is_list: true };
        for item in items {
            match self.read(item, number, depth + 1) {
                Some(found) if found.is_nothing() => self.other(item, number),
                Some(found) => all.add(found),
                None => self.not_json(number),
            }
        }
        all
    }

    /// Reads what may be events; if some of it is, the rest is counted as none.
    fn several<'t>(&mut self, texts: impl Iterator<Item = &'t str>, number: u64, depth: usize) -> Found {
        let (mut all, mut nothing) = (Found::default(), Vec::new());
        for text in texts {
            let found = self.read(text, number, depth + 1).unwrap_or_default();
            all.add(found);
            if found.is_nothing() {
                nothing.push(text);
            }
        }
        // Where nothing is an event, the value as a whole is what is none, and whoever called counts it once.
        if !all.is_nothing() {
            for text in nothing {
                self.other(text, number);
            }
        }
        all
    }

    /// Text in an envelope: JSON, one value or several, or lines of columns.
    fn text_in_string(&mut self, inside: &str, number: u64, depth: usize) -> Found {
        let inside = inside.trim();
        let begins = if inside.starts_with(['{', '[']) { Some(0) } else { behind_prefix(inside.as_bytes()) };
        let mut all = Found::default();
        if let Some(text) = begins.and_then(|begins| inside.get(begins..)) {
            let (values, is_whole) = values(text);
            if !is_whole {
                return self.broken_text_in_string(text, number, depth);
            }
            all = self.several(values.iter().map(|value| value.get()), number, depth);
        } else if self.form.text.is_some() {
            all.events = inside.lines().map(|line| u64::from(self.columns(line, number))).sum();
        }
        all
    }

    /// Text in an envelope that has other things than JSON in it, or is cut off.
    fn broken_text_in_string(&mut self, text: &str, number: u64, depth: usize) -> Found {
        let mut buffer = std::mem::take(&mut self.spare);
        let Resync { values, broken } = Resync::of(text, &self.form.container, &mut buffer);
        self.spare = buffer;
        let all = self.several(values.iter().map(String::as_str), number, depth);
        // Where nothing is an event, the text as a whole is what is none.
        if !all.is_nothing() {
            (0..broken).for_each(|_| self.not_json(number));
        }
        all
    }

    /// Reads an object whose scalars are known.
    fn object(&mut self, text: &str, slots: &Slots<'_>, number: u64, depth: usize) -> Found {
        let kind = self.source.reader().kind(slots);
        if kind != Kind::Event {
            let found = self.enclosed(text, number, depth);
            // No event in it: an event that has a member of the name of an envelope's.
            if found.events > 0 || !self.source.reader().has_keys(slots) {
                return found;
            }
        }
        let in_full = self.begin_event();
        let identity = || self.source.identity_of_json(text);
        self.source.keep(slots, (number, in_full), identity, self.result);
        Found::ONE
    }

    /// The events within an envelope.
    fn enclosed(&mut self, text: &str, number: u64, depth: usize) -> Found {
        let Some(members) = Members::of(text) else { return Found::default() };
        let mut found = Found::default();
        for container in &self.form.container {
            for list in members.at(container) {
                if let Some(items) = items(&list) {
                    found.add(self.items(items.iter().map(|item| item.get()), number, depth));
                }
            }
        }
        // The others may be the same event once more, taken apart into fields.
        for path in &self.form.wrapped {
            let in_path = self.several(members.at(path).iter().map(AsRef::as_ref), number, depth);
            if !in_path.is_nothing() {
                found.add(in_path);
                break;
            }
        }
        found
    }

    /// Counts an event; gives whether all its fields are read.
    fn begin_event(&mut self) -> bool {
        self.result.counts.events += 1;
        self.result.counts.of_source += 1;
        let in_full = self.sample > 0;
        self.sample = self.sample.saturating_sub(1);
        in_full
    }

    fn not_json(&mut self, number: u64) {
        self.result.counts.events += 1;
        self.result.skip(NOT_JSON, number);
    }

    /// Counts a value that is no event and holds none.
    fn other(&mut self, text: &str, number: u64) {
        self.result.counts.events += 1;
        let source = self.source.schema().source();
        let members = Members::of(text).unwrap_or_default();
        let other = self.form.others.iter().find(|other| !members.at(&other.key).is_empty());
        let known = other.map(|other| format!("{}, not an event of {source}", other.is));
        let reason = known.unwrap_or_else(|| format!("not an event of {source}"));
        self.result.skip(&reason, number);
        let keys: Vec<&str> = members.keys().take(6).collect();
        if other.is_none() && self.source.holds_keys(text) {
            let (count, _, _) =
                self.result.counts.enclosed.get_or_insert_with(|| (0, number, keys.join(", ")));
            *count += 1;
        }
        let advice = other.and_then(|other| other.advice.clone());
        let is = || if keys.is_empty() { String::new() } else { format!("its keys are {}", keys.join(", ")) };
        self.result.counts.first_other.get_or_insert_with(|| advice.unwrap_or_else(is));
    }

    /// Counts a line that is no event.
    fn other_line(&mut self, reason: &str, line: &str, number: u64) {
        self.result.skip(reason, number);
        let guess = || {
            let header = self.headers.unknown(line);
            header.unwrap_or_else(|| guess_line(line.as_bytes()).unwrap_or_default().to_owned())
        };
        self.result.counts.first_other.get_or_insert_with(guess);
    }

    /// Reads a line of columns, or a header line; gives whether it is an event.
    fn columns(&mut self, line: &str, number: u64) -> bool {
        let line = line.trim_ascii();
        if line.is_empty() {
            return false;
        }
        // Anywhere: files that were joined bring a header line each, maybe with other columns.
        if let Some(layout) = self.headers.read(line.as_bytes(), self.source.tree()) {
            self.layout = Some(layout);
            self.is_layout_known = false;
            return false;
        }
        // Taken out, so that a record can be read while the rest of the reader changes.
        let Some(layout) = self.layout.take() else {
            self.result.counts.events += 1;
            self.other_line(NOT_JSON, line, number);
            return false;
        };
        let is_event = if layout.is_csv() {
            // Its cells may hold lines, in columns of their own.
            self.layout = self.lines.take();
            let is_event = self.row(&layout, line, number);
            self.lines = self.layout.take();
            is_event
        } else {
            self.record(&layout, line, number)
        };
        if is_event && !self.is_layout_known {
            self.result.counts.lacking.extend(self.source.presence().lacking(&layout, self.form));
            self.is_layout_known = true;
        }
        self.layout = Some(layout);
        is_event
    }

    /// A row of CSV.
    fn row(&mut self, layout: &Layout, line: &str, number: u64) -> bool {
        match layout.object(line) {
            Ok(object) => {
                let found = self.read(&object, number, 0).unwrap_or_default();
                if found.is_nothing() {
                    self.other(&object, number);
                }
                found.events > 0
            }
            Err(reason) => {
                self.result.counts.events += 1;
                self.other_line(&reason, line, number);
                false
            }
        }
    }

    /// A record in columns between spaces.
    fn record(&mut self, layout: &Layout, line: &str, number: u64) -> bool {
        // Behind junk JSON may stand, which the filters for columns do not know.
        let filters = self.filters();
        let passes = filters && self.source.passes_over_columns(line.as_bytes());
        if passes && memchr::memchr(b'{', line.as_bytes()).is_none() {
            self.result.counts.events += 1;
            self.result.counts.of_source += 1;
            return true;
        }
        match layout.read(line, self.source.tree()) {
            Ok(slots) => {
                let in_full = self.begin_event();
                if !filters || self.source.may_follow_columns(&slots, self.result) {
                    let identity = || self.source.identity_of_columns(layout, line);
                    self.source.keep(&slots, (number, in_full), identity, self.result);
                }
                true
            }
            Err(reason) => {
                self.result.counts.events += 1;
                let other = self.form.others.iter().find(|other| layout.has_word(line, &other.key));
                let source = self.source.schema().source();
                match other {
                    Some(other) => {
                        let reason = format!("{}, not an event of {source}", other.is);
                        self.result.skip(&reason, number);
                        let advice = other.advice.clone().unwrap_or_default();
                        self.result.counts.first_other.get_or_insert(advice);
                    }
                    None => self.other_line(&reason, line, number),
                }
                false
            }
        }
    }

    /// The text of bytes; what is not UTF-8 in it is replaced, and that is noted.
    fn lossy<'t>(&mut self, bytes: &'t [u8], number: u64) -> Cow<'t, str> {
        // The check alone is several times as fast as the search for what to replace.
        if let Ok(text) = std::str::from_utf8(bytes) {
            return Cow::Borrowed(text);
        }
        self.result.note(NOT_UTF8, number);
        String::from_utf8_lossy(bytes)
    }
}

impl Taker for ChunkReader<'_, '_> {
    fn line(&mut self, line: &[u8], number: u64) -> bool {
        if self.source.detects() && self.passes_over(line) {
            return true;
        }
        // What reads to its end as one object is one.
        let Ok(text) = std::str::from_utf8(line) else { return false };
        let Some(slots) = self.source.scalars_if_plain(text) else { return false };
        if self.object(text, &slots, number, 0).is_nothing() {
            self.other(text, number);
        }
        true
    }

    fn value(&mut self, text: &[u8], number: u64) -> bool {
        if self.passes_over(text) {
            return true;
        }
        let text = self.lossy(text, number);
        let found = self.read(&text, number, 0);
        match found {
            Some(found) if found.is_nothing() => self.other(&text, number),
            Some(_) => {}
            None => self.not_json(number),
        }
        found.is_some()
    }

    fn member(&mut self, path: &str, text: &[u8], number: u64) -> bool {
        for wrapped in &self.form.wrapped {
            let Some(rest) = wrapped.strip_prefix(path) else { continue };
            let text = self.lossy(text, number);
            let values = match rest.strip_prefix('.') {
                Some(rest) => below(&text, rest),
                None if rest.is_empty() => vec![text],
                None => continue,
            };
            if self.several(values.iter().map(AsRef::as_ref), number, 0).events > 0 {
                return true;
            }
        }
        false
    }

    fn text(&mut self, line: &[u8], number: u64, may_go_on: bool) -> Text {
        let is_csv = self.layout.as_ref().is_some_and(Layout::is_csv);
        if is_csv && may_go_on && is_open(line) {
            return Text::Open;
        }
        if let Some(begins) = behind_prefix(line) {
            return Text::Prefix(begins);
        }
        let line = self.lossy(line, number);
        let before = self.result.counts.events;
        // A line that is not counted names columns.
        let is_used = self.columns(&line, number) || self.result.counts.events == before;
        // Rows of CSV hold JSON in their cells, whether they can be used or not.
        let is_row = self.layout.as_ref().is_some_and(Layout::is_csv);
        if is_used || is_row { Text::Columns } else { Text::Junk }
    }

    fn broken(&mut self, broken: Broken, number: u64) {
        match broken {
            Broken::NotJson => self.not_json(number),
            Broken::CutOff => {
                self.not_json(number);
                self.result.counts.broken = Some(format!("it breaks off within an event on line {number}"));
            }
            Broken::Unclosed => {
                self.result.counts.broken = Some(format!("it breaks off within a list, on line {number}"));
            }
        }
    }
}

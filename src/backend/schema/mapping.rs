//! What a source states for a target as a whole, entry by entry, as the target asks for it.
//!
//! In: the mapping in the source file. Out: its entries, and errors for what the target finds wrong, lacks or does not
//! ask for. Must not know: columns, any particular target.

use std::collections::BTreeMap;

use super::{Dialect, IGNORED, Reads};
use crate::backend::stated::{self, Notation};
use crate::catalog::{Group, Layout, Source, SourceMapping};
use crate::diag::{Code, Diagnostic};

/// The word for where the items of a repeated group are.
const GROUP: &str = "group";

/// Hands out the entries of a mapping. What is stated and not asked for is an error.
#[derive(Debug)]
pub(in crate::backend) struct MappingReader<'a> {
    source: &'a Source,
    target: &'static str,
    title: &'static str,
    from: &'a [String],
    filter: Option<&'a str>,
    time: &'a str,
    lag: u64,
    words: BTreeMap<&'a str, &'a str>,
    stored: &'a BTreeMap<String, String>,
    missing: &'a BTreeMap<String, String>,
    unseen: &'a [String],
    layout: Option<Layout>,
    reads: Reads,
    faults: Vec<Diagnostic>,
}

impl<'a> MappingReader<'a> {
    /// Nothing asked for yet.
    pub(super) fn new<B: Dialect>(source: &'a Source, stated: &'a SourceMapping) -> Self {
        let SourceMapping {
            from,
            filter,
            time,
            time_lag,
            time_reason: _,
            words,
            stored,
            missing,
            unseen,
            layouts: _,
            layout,
            not_held: _,
            requires: _,
        } = stated;
        Self {
            source,
            target: B::NAME,
            title: B::TITLE,
            from: &from.0,
            filter: filter.as_deref(),
            time,
            lag: *time_lag,
            words: words.iter().map(|(word, text)| (word.as_str(), text.as_str())).collect(),
            stored,
            missing,
            unseen,
            layout: *layout,
            reads: Reads::default(),
            faults: Vec::new(),
        }
    }

    /// The repeated groups of the source.
    pub(in crate::backend) fn groups(&self) -> &'a [Group] {
        &self.source.group.0
    }

    /// What `words` say of where the items of a group are, and the name of the entry: `group`, or `group.NAME` where
    /// the source has several.
    pub(in crate::backend) fn group_word(&mut self, group: &Group) -> (String, Option<&'a str>) {
        Reads::add(&mut self.reads.words, GROUP);
        let word = if group.name.is_empty() { GROUP.to_owned() } else { format!("{GROUP}.{}", group.name) };
        let text = self.words.get(word.as_str()).copied();
        (format!("words: {word}"), text)
    }

    /// Each of `from`; an error if there is none.
    pub(in crate::backend) fn homes(&mut self) -> Option<&'a [String]> {
        Reads::add(&mut self.reads.entries, "from");
        match self.from.iter().find(|home| home.trim().is_empty()) {
            None if !self.from.is_empty() => Some(self.from),
            Some(_) | None => {
                self.required("from", "");
                None
            }
        }
    }

    /// `filter`, if it is stated.
    pub(in crate::backend) fn filter(&mut self) -> Option<&'a str> {
        Reads::add(&mut self.reads.entries, "filter");
        self.filter
    }

    /// `time`, if it is stated.
    pub(in crate::backend) fn time(&mut self) -> Option<&'a str> {
        Reads::add(&mut self.reads.entries, "time");
        (!self.time.is_empty()).then_some(self.time)
    }

    /// Says that the target heeds `time_lag`.
    pub(in crate::backend) fn heeds_lag(&mut self) {
        Reads::add(&mut self.reads.entries, "time_lag");
    }

    /// A key of `words`, if it is stated.
    pub(in crate::backend) fn word(&mut self, word: &'static str) -> Option<&'a str> {
        Reads::add(&mut self.reads.words, word);
        self.words.get(word).copied()
    }

    /// The columns that hold what stands at raw paths.
    pub(in crate::backend) fn stored(&mut self) -> &'a BTreeMap<String, String> {
        Reads::add(&mut self.reads.entries, "stored");
        self.stored
    }

    /// The raw paths below which the table has nothing, with the reasons.
    pub(in crate::backend) fn missing(&mut self) -> &'a BTreeMap<String, String> {
        Reads::add(&mut self.reads.entries, "missing");
        self.missing
    }

    /// The raw paths whose place in the table was seen in no sample.
    pub(in crate::backend) fn unseen(&mut self) -> &'a [String] {
        Reads::add(&mut self.reads.entries, "unseen");
        self.unseen
    }

    /// The source.
    pub(in crate::backend) fn source(&self) -> &'a Source {
        self.source
    }

    /// The text, if it is not blank; an error otherwise. `entry` is its name, such as `from` or `words: group`.
    pub(in crate::backend) fn required(&mut self, entry: &str, text: &'a str) -> Option<&'a str> {
        if !text.trim().is_empty() {
            return Some(text);
        }
        let title = format!("`{}` has no `{entry}` for {}", self.source.name, self.title);
        let label = "the query would not know where to look";
        self.fault(entry, title, label, "state it in the source file or in `catena.yaml`");
        None
    }

    /// The text, if it is a self-contained expression; an error otherwise.
    pub(in crate::backend) fn expression(
        &mut self,
        entry: &str,
        text: &'a str,
        notation: &Notation,
    ) -> Option<&'a str> {
        match stated::whole(text, notation) {
            Ok(()) => Some(text),
            Err(problem) => {
                self.invalid(entry, &problem);
                None
            }
        }
    }

    /// An entry that cannot be used as it is: why.
    pub(in crate::backend) fn invalid(&mut self, entry: &str, problem: &str) {
        let title = format!("the `{entry}` of `{}` is invalid in {}", self.source.name, self.title);
        self.fault(entry, title, problem, "correct it in the source file or in `catena.yaml`");
    }

    fn fault(&mut self, entry: &str, title: String, label: &str, help: &str) {
        let layout = self.layout.into_iter().flat_map(|layout| ["layouts", layout.name()]);
        let target = ["targets", self.target].into_iter().chain(layout);
        let path: Vec<_> = target.chain(entry.split(": ")).collect();
        let span = self.source.place(&path);
        self.faults.push(Diagnostic::new(Code::SettingsInvalid, span, title).label(label).help(help));
    }

    /// What is wrong.
    pub(super) fn finish(mut self) -> Vec<Diagnostic> {
        let stated = [
            ("from", !self.from.is_empty()),
            ("filter", self.filter.is_some()),
            ("time", !self.time.is_empty()),
            ("time_lag", self.lag > 0),
            ("stored", !self.stored.is_empty()),
            ("missing", !self.missing.is_empty()),
            ("unseen", !self.unseen.is_empty()),
        ];
        let entries = stated.iter().filter(|(entry, stated)| *stated && !self.reads.entries.contains(entry));
        let is_read = |word: &str| {
            let is_group = word.strip_prefix(GROUP).is_some_and(|rest| rest.starts_with('.'));
            self.reads.words.contains(&if is_group { GROUP } else { word })
        };
        let words = self.words.keys().filter(|word| !is_read(word));
        let ignored: Vec<_> = entries
            .map(|(entry, _)| (*entry).to_owned())
            .chain(words.map(|word| format!("words: {word}")))
            .collect();
        for entry in ignored {
            let title = format!("the `{entry}` of `{}` is ignored by {}", self.source.name, self.title);
            self.fault(&entry, title, IGNORED.0, IGNORED.1);
        }
        self.faults
    }

    /// What was asked for.
    pub(super) fn into_reads(self) -> Reads {
        self.reads
    }
}

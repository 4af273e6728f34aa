//! What a replay read, what it skipped, and why.
//!
//! In: the counts of each chunk. Out: totals, with the first place of every kind of problem.
//! Must not know: rules.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::replay::filter::result::{ChunkResult, Counts, NOT_UTF8};
use crate::replay::read::chunk::Chunk;
use crate::replay::read::input::PassedOver;
use crate::replay::store::Sorted;

/// Totals of a replay.
#[derive(Debug, Default, Clone)]
pub struct Stats {
    /// Files read.
    pub files: u64,
    /// Bytes of text read, after decompression.
    pub bytes: u64,
    /// Events seen, those that were skipped among them.
    pub events: u64,
    /// Those of them that are events of their source.
    pub recognised: u64,
    /// Events skipped, by reason.
    pub skipped: BTreeMap<String, Skipped>,
    /// Events that were used, though something is wrong with them, by what it is.
    pub noted: BTreeMap<String, Skipped>,
    /// What else the user should know.
    pub notes: Vec<String>,
    /// What the columns of files lack: how many files, and the first.
    pub(crate) lacking: BTreeMap<String, (u64, String)>,
    /// Files that could not be read to their end or are no log of their source, and why.
    pub broken_files: Vec<(String, String)>,
    /// Records that satisfy some step of some rule and could be part of a chain; with counts or near misses all that
    /// satisfy one.
    pub kept: u64,
    /// Records of those that were delivered more than once; each counts once.
    pub duplicates: u64,
    /// Records of those that share the id of their event with another one of other content; they count as that event.
    pub conflicts: u64,
    /// Whether reading was stopped early.
    pub stopped: bool,
    /// How long it took.
    pub elapsed: Duration,
}

/// Events skipped for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// How many.
    pub count: u64,
    /// The first: file, and line or number in the file.
    pub first: (String, u64),
}

/// So many different reasons are counted separately.
const MOST_REASONS: usize = 100;

fn note(counts: &mut BTreeMap<String, Skipped>, what: &str, count: u64, file: &str, line: u64) {
    // Reasons may quote a log, so a hostile one has as many as it likes.
    let full = counts.len() >= MOST_REASONS && !counts.contains_key(what);
    let what = if full { "other reasons" } else { what };
    let first = || Skipped { count: 0, first: (file.to_owned(), line) };
    counts.entry(what.to_owned()).or_insert_with(first).count += count;
}

/// A count, and the first line.
#[derive(Debug, Clone, Copy)]
struct Counted {
    count: u64,
    line: u64,
}

/// What the chunks of a file gave together.
#[derive(Debug, Default)]
struct OfFile {
    bytes: u64,
    lines: u64,
    events: u64,
    of_source: u64,
    unusable: u64,
    skipped: BTreeMap<String, Counted>,
    noted: BTreeMap<String, Counted>,
    notes: Vec<String>,
    lacking: BTreeSet<String>,
    enclosed: Option<(u64, u64, String)>,
    first_other: Option<String>,
    broken: Vec<String>,
}

impl OfFile {
    /// Adds what the next chunk gave: lines count on from chunk to chunk.
    fn add(&mut self, result: &ChunkResult<'_>) {
        let Counts { events, of_source, unusable, skipped, noted, enclosed, first_other, lacking, broken } =
            &result.counts;
        self.events += events;
        self.of_source += of_source;
        self.unusable += unusable;
        for (all, some) in [(&mut self.skipped, skipped), (&mut self.noted, noted)] {
            for (what, (count, line)) in some {
                let first = Counted { count: 0, line: self.lines + line };
                all.entry(what.clone()).or_insert(first).count += count;
            }
        }
        if let Some((count, line, keys)) = enclosed {
            let first = || (0, self.lines + line, keys.clone());
            self.enclosed.get_or_insert_with(first).0 += count;
        }
        self.first_other = self.first_other.take().or_else(|| first_other.clone());
        self.lacking.extend(lacking.iter().cloned());
        self.broken.extend(broken.clone());
        self.notes.extend(result.read.notes.iter().cloned());
        self.bytes += result.read.bytes;
        self.lines += result.read.lines;
    }

    /// Whether nothing in it could be used, though there is something.
    fn is_useless(&self) -> bool {
        self.events > 0 && self.of_source == self.unusable
    }

    /// Why nothing in it could be used.
    fn verdict(&self, source: &str) -> String {
        let Some((reason, first)) = self.skipped.iter().max_by_key(|(_, counted)| counted.count) else {
            return format!("nothing in it is an event of {source}");
        };
        let line = first.line;
        let nothing = match self.of_source {
            0 => format!("nothing in it is an event of {source}"),
            1 => format!("its only event of {source} cannot be used"),
            all => format!("none of its {all} events of {source} can be used"),
        };
        let hint = self.first_other.as_deref().filter(|hint| !hint.is_empty());
        let hint = hint.map_or(String::new(), |hint| format!("; {hint}"));
        let enclosed = match &self.enclosed {
            Some(_) => {
                "; events may be in an envelope that is not known: name the path to them under `log.wrapped` of the source"
            }
            None => "",
        };
        format!("{nothing}: {reason} (line {line}){hint}{enclosed}")
    }
}

impl Stats {
    /// Adds what the chunks of one file gave, and whether that is anything: an event, or a problem. If reading was
    /// stopped, a file need not be whole.
    pub(crate) fn add_file(&mut self, chunk: &Chunk, results: &[ChunkResult<'_>], stopped: bool) -> bool {
        self.files += 1;
        let name = &chunk.name;
        let mut file = OfFile::default();
        for result in results {
            file.add(result);
        }
        let is_anything = file.events > 0 || !file.broken.is_empty();
        self.bytes += file.bytes;
        self.events += file.events;
        self.recognised += file.of_source;
        for (what, noted) in &file.noted {
            note(&mut self.noted, what, noted.count, name, noted.line);
        }
        self.notes.extend(file.notes.iter().map(|note| format!("{name}: {note}")));
        for what in file.lacking.iter().cloned() {
            self.lacking.entry(what).or_insert_with(|| (0, name.clone())).0 += 1;
        }
        // Whoever stopped the reading knows that its files are not whole.
        if !stopped {
            self.broken_files.extend(file.broken.iter().map(|problem| (name.clone(), problem.clone())));
        }
        let source = chunk.source.as_deref().unwrap_or("the canonical form");
        for (reason, skipped) in &file.skipped {
            self.skip(reason, skipped.count, name, skipped.line);
        }
        if file.is_useless() {
            self.broken_files.push((name.clone(), file.verdict(source)));
            return is_anything;
        }
        if let Some((count, line, keys)) = &file.enclosed {
            let values = if *count == 1 { "a value holds" } else { "values hold" };
            let problem = format!(
                "{count} {values} events of {source} in an envelope that is not known (line {line}, keys {keys})"
            );
            self.broken_files.push((name.clone(), problem));
        }
        is_anything
    }

    /// Notes a source all of whose inputs could be read, and hold nothing.
    pub(crate) fn no_event(&mut self, source: Option<&str>) {
        let source = source.unwrap_or("canonical records").to_owned();
        self.broken_files.push((source, "there is no event in any of its inputs".to_owned()));
    }

    /// Notes files of other logs in a directory, which were not read.
    pub(crate) fn other_logs(&mut self, folder: &str, count: u64, first: &str) {
        let (files, were) = if count == 1 { ("file", "was") } else { ("files", "were") };
        self.notes.push(format!("{folder}: {count} {files} of other logs {were} not read (first {first})"));
    }

    /// Notes what is in a directory or an archive and was not read.
    pub(crate) fn passed_over(&mut self, PassedOver { inside, what, files }: &PassedOver) {
        let Some(first) = files.first() else { return };
        let were = match files.len() {
            1 => format!("1 {} was", what.one()),
            count => format!("{count} {} were", what.many()),
        };
        self.notes.push(format!("{inside}: {were} not read (first {first})"));
    }

    /// Notes what the columns of files lack. All files of a flow log lack the same, so one of them stands for them.
    pub(crate) fn note_lacking(&mut self) {
        for (what, (count, first)) in std::mem::take(&mut self.lacking) {
            let more = match count {
                1 => String::new(),
                2 => "; so do those of 1 more file".to_owned(),
                _ => format!("; so do those of {} more files", count - 1),
            };
            self.notes.push(format!("{first}: {what}{more}"));
        }
    }

    /// Adds what came out of the store.
    pub(crate) fn finish(&mut self, sorted: &Sorted) {
        (self.kept, self.duplicates, self.conflicts) = (sorted.count, sorted.duplicates, sorted.conflicts);
        if let Some(error) = &sorted.in_memory {
            let folder = std::env::temp_dir();
            self.notes.push(format!(
                "records are held in memory: cannot write a temporary file in `{}`: {error}",
                folder.display()
            ));
        }
        let problem = sorted.problem.as_ref();
        self.broken_files.extend(problem.map(|problem| ("temporary file".to_owned(), problem.to_string())));
    }

    fn skip(&mut self, reason: &str, count: u64, file: &str, line: u64) {
        note(&mut self.skipped, reason, count, file, line);
    }

    /// Whether a file was not read as a whole, or is no log of its source: then the answer may lack something.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        !self.broken_files.is_empty()
    }

    /// Whether anything was not read as it should be: what `--strict` turns into a failure.
    #[must_use]
    pub fn is_flawed(&self) -> bool {
        !self.skipped.is_empty() || self.noted.contains_key(NOT_UTF8) || self.is_incomplete()
    }
}

#[cfg(test)]
mod tests {
    use super::Stats;
    use crate::replay::store::Store;

    #[test]
    fn records_that_should_be_in_a_file_and_are_not_are_told() {
        let mut sorted = Store::new(0, None).sorted(Vec::new());
        sorted.in_memory = Some(std::io::ErrorKind::StorageFull.into());
        let mut stats = Stats::default();
        stats.finish(&sorted);
        let note = stats.notes.concat();
        assert!(note.starts_with("records are held in memory: cannot write a temporary file in `"), "{note}");
        assert!(!stats.is_incomplete());
    }
}

//! Sifting: of each event only the records that satisfy a step are kept.
//!
//! In: pieces of files. Out: a [`Harvest`] for each: kept records with the steps they satisfy, counts, problems by reason.
//! Must not know: chains.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use aho_corasick::AhoCorasick;

use super::canonical::{self, CatalogFields};
use super::depth::is_deep;
use super::flow::Columns;
use super::input::{Format, Piece};
use super::json;
use super::lines::{self, Next};
use super::near::Wanted;
use super::open::open;
use super::prefilter::{Form, search};
use super::{Control, Options};
use crate::catalog::Catalog;
use crate::engine::event::Reader;
use crate::engine::predicate::{Unrunnable, Values};
use crate::engine::program::Program;
use crate::engine::project::Slots;
use crate::engine::record::{Record, Schemas};
use crate::ir::{List, Rule, Step};

/// A kept record.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) record: Record,
    /// Tells it from the other records of its event.
    pub(super) ordinal: u64,
    /// Rules and steps that it satisfies.
    pub(super) steps: Box<[(u32, u16)]>,
}

impl Kept {
    /// Whether this is `earlier` once more: the same record of the same event.
    pub(super) fn delivers_again(&self, earlier: &Self) -> bool {
        self.record.event == earlier.record.event
            && self.ordinal == earlier.ordinal
            && self.record.time == earlier.record.time
    }
}

/// What a piece gave.
#[derive(Debug, Default)]
pub(super) struct Harvest {
    pub(super) kept: Vec<Kept>,
    pub(super) events: u64,
    pub(super) lines: u64,
    pub(super) bytes: u64,
    /// Reason to count and first line.
    pub(super) skipped: BTreeMap<String, (u64, u64)>,
    pub(super) files_broken: Vec<(String, String)>,
}

impl Harvest {
    fn skip(&mut self, reason: &str, line: u64) {
        match self.skipped.get_mut(reason) {
            Some((count, _)) => *count += 1,
            None => drop(self.skipped.insert(reason.to_owned(), (1, line))),
        }
    }
}

/// Everything that reading needs, compiled once.
#[derive(Debug)]
pub(super) struct Sifter {
    sources: BTreeMap<String, OfSource>,
    catalog_fields: BTreeMap<String, CatalogFields>,
    flow_format: Option<Vec<String>>,
}

#[derive(Debug)]
struct OfSource {
    reader: Reader,
    steps: Vec<(u32, u16)>,
    programs: Vec<Arc<crate::engine::program::Step>>,
    json: Option<AhoCorasick>,
    columns: Option<AhoCorasick>,
    /// Set if records are wanted that fail one part of a step, not those that satisfy it.
    misses: Option<Arc<Wanted>>,
}

/// The most that is read of a document that runs over several lines.
const LARGEST_DOCUMENT: u64 = 1 << 30;
const NO_TIME: &str = "no usable event time";

impl Sifter {
    /// Prepares to sift for `rules`, compiled as `programs`: for records that satisfy a step, or for near misses.
    pub(super) fn new(
        rules: &[Rule],
        programs: &[Program],
        catalog: &Catalog,
        schemas: &Schemas,
        options: &Options,
        misses: Option<&Arc<Wanted>>,
    ) -> Result<Self, Unrunnable> {
        let mut sources = BTreeMap::new();
        for schema in schemas.iter() {
            let Some(source) = catalog.source(schema.source()) else { continue };
            let reader = Reader::new(source, Arc::clone(schema))?;
            let (mut steps, mut compiled, mut written) =
                (Vec::new(), Vec::new(), Vec::<(&Step, &[List])>::new());
            for ((number, rule), program) in (0..).zip(rules).zip(programs) {
                for ((at, step), program) in (0..).zip(&rule.chain.steps).zip(&program.steps) {
                    let open = misses.as_ref().is_none_or(|misses| misses.is_open((number, at)));
                    if step.source.node == source.name && open {
                        steps.push((number, at));
                        compiled.push(Arc::clone(program));
                        written.push((step, &rule.lists));
                    }
                }
            }
            let filter =
                |form| if options.thorough { None } else { search(&written, source, form, misses.is_some()) };
            let (json, columns) = (filter(Form::Json), filter(Form::Columns));
            let of_source =
                OfSource { reader, steps, programs: compiled, json, columns, misses: misses.cloned() };
            sources.insert(source.name.clone(), of_source);
        }
        let fields = catalog
            .iter()
            .filter_map(|source| Some((source.name.clone(), CatalogFields::new(&source.name, catalog)?)));
        Ok(Self { sources, catalog_fields: fields.collect(), flow_format: options.flow_format.clone() })
    }

    /// Reads a piece.
    ///
    /// # Errors
    /// When the file cannot be read to its end; what came before is kept.
    pub(super) fn read(&self, piece: &Piece, control: &Control, harvest: &mut Harvest) -> io::Result<()> {
        let Some(name) = &piece.source else {
            return each_line(piece, control, harvest, |line, number, harvest| {
                self.canonical(line, number, harvest);
            });
        };
        let Some(source) = self.sources.get(name) else {
            return Err(io::Error::other(format!("no rule reads events of {name}")));
        };
        match &piece.format {
            Format::Lines => each_line(piece, control, harvest, |line, number, harvest| {
                source.line(line, number, harvest);
            }),
            Format::Document => source.document(piece, control, harvest),
            Format::Flow(header) => {
                let names = header.as_deref().or(self.flow_format.as_deref());
                let columns = Columns::new(names, source.reader.tree());
                each_line(piece, control, harvest, |line, number, harvest| {
                    source.columns(&columns, line, number, harvest);
                })
            }
        }
    }

    fn canonical(&self, line: &[u8], number: u64, harvest: &mut Harvest) {
        harvest.events += 1;
        let found =
            std::str::from_utf8(line).map_err(|_| "not valid UTF-8".to_owned()).and_then(canonical::parse);
        let read = found.and_then(|(source, fields)| {
            let known =
                self.catalog_fields.get(&source).ok_or_else(|| format!("there is no source {source}"))?;
            let Some(of_source) = self.sources.get(&source) else { return Ok(()) };
            let (record, ordinal) = canonical::record(&fields, of_source.reader.schema(), known)?;
            let steps = of_source.satisfied(&record.values);
            if !steps.is_empty() && of_source.admits(&record) {
                harvest.kept.push(Kept { record, ordinal, steps });
            }
            Ok(())
        });
        if let Err(reason) = read {
            harvest.skip(&reason, number);
        }
    }
}

impl OfSource {
    fn satisfied(&self, values: &Values<'_>) -> Box<[(u32, u16)]> {
        let all = self.steps.iter().zip(&self.programs);
        if let Some(misses) = &self.misses {
            let time = self.reader.time(values);
            return all
                .filter(|(name, step)| misses.wants(**name, step, values, time))
                .map(|(name, _)| *name)
                .collect();
        }
        all.filter(|(_, step)| step.accepts(values)).map(|(name, _)| *name).collect()
    }

    fn admits(&self, record: &Record) -> bool {
        self.misses.as_ref().is_none_or(|misses| misses.admits(record.event))
    }

    /// A line of JSON: an event, or a list of them.
    fn line(&self, line: &[u8], number: u64, harvest: &mut Harvest) {
        if self.passes_over(line) && !json::names_records(line) {
            harvest.events += 1;
            return;
        }
        if let Ok(text) = std::str::from_utf8(line) {
            json::events(text, &mut |event| self.event(event, number, harvest));
        } else {
            harvest.events += 1;
            harvest.skip("not valid UTF-8", number);
        }
    }

    /// Whether an event that looks whole from outside can match no step.
    fn passes_over(&self, event: &[u8]) -> bool {
        let whole = event.starts_with(b"{") && event.ends_with(b"}");
        whole && self.json.as_ref().is_some_and(|search| !search.is_match(event))
    }

    /// A document over several lines: places in it are numbers of events.
    fn document(&self, piece: &Piece, control: &Control, harvest: &mut Harvest) -> io::Result<()> {
        let mut bytes = Vec::new();
        let (_, reader) = open(&piece.name)?;
        let ended = reader.take(LARGEST_DOCUMENT).read_to_end(&mut bytes);
        control.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        harvest.bytes = bytes.len() as u64;
        match std::str::from_utf8(&bytes) {
            Ok(text) => {
                let text = text.trim_start_matches('\u{feff}');
                let mut number = 0;
                json::document(text, &mut |event| {
                    number += 1;
                    self.event(event, number, harvest);
                });
            }
            Err(_) => harvest.skip("not valid UTF-8", 1),
        }
        ended.map(|_| ())
    }

    fn event(&self, event: Result<&str, String>, number: u64, harvest: &mut Harvest) {
        harvest.events += 1;
        match event {
            Ok(text) if self.passes_over(text.as_bytes()) => {}
            Ok(text) => match self.scalars(text) {
                Some(slots) => self.keep(&slots, text.as_bytes(), number, harvest),
                None => harvest.skip(json::NOT_JSON, number),
            },
            Err(reason) => harvest.skip(&reason, number),
        }
    }

    /// The scalars of an event; `None` if it is not valid JSON.
    fn scalars<'t>(&self, text: &'t str) -> Option<Slots<'t>> {
        if is_deep(text) {
            let mut parser = serde_json::Deserializer::from_str(text);
            let slots = self.reader.scalars(&mut parser).ok()?;
            return parser.end().ok().map(|()| slots);
        }
        let mut parser = sonic_rs::Deserializer::from_str(text);
        let slots = self.reader.scalars(&mut parser).ok()?;
        parser.end().ok().map(|()| slots)
    }

    fn columns(&self, columns: &Columns, line: &[u8], number: u64, harvest: &mut Harvest) {
        let line = line.trim_ascii();
        if line.is_empty() || super::flow::header(line).is_some() {
            return;
        }
        if line.starts_with(b"{") {
            return self.line(line, number, harvest);
        }
        harvest.events += 1;
        if self.columns.as_ref().is_some_and(|search| !search.is_match(line)) {
            return;
        }
        let text = std::str::from_utf8(line).map_err(|_| "not valid UTF-8".to_owned());
        match text.and_then(|text| columns.read(text, self.reader.tree())) {
            Ok(slots) => self.keep(&slots, line, number, harvest),
            Err(reason) => harvest.skip(&reason, number),
        }
    }

    /// Keeps the records of an event that satisfy a step.
    fn keep(&self, slots: &Slots<'_>, raw: &[u8], number: u64, harvest: &mut Harvest) {
        let mut ordinal = 0;
        let mut timeless = false;
        self.reader.rows(slots, |values| {
            ordinal += 1;
            timeless |= self.reader.time(values).is_none();
            let steps = self.satisfied(values);
            if steps.is_empty() {
                return;
            }
            if let Some(record) = self.reader.record(values, raw).filter(|record| self.admits(record)) {
                harvest.kept.push(Kept { record, ordinal, steps });
            }
        });
        if timeless {
            harvest.skip(NO_TIME, number);
        }
    }
}

/// Calls `each` for every line of a piece that is not blank.
fn each_line(
    piece: &Piece,
    control: &Control,
    harvest: &mut Harvest,
    mut each: impl FnMut(&[u8], u64, &mut Harvest),
) -> io::Result<()> {
    // A piece from the middle of a file begins one byte early: if that byte ends a line, the next one belongs to this piece.
    let before = piece.start.saturating_sub(1);
    let reader: Box<dyn Read> = if piece.start == 0 {
        open(&piece.name)?.1
    } else {
        let mut file = File::open(&piece.name)?;
        file.seek(SeekFrom::Start(before))?;
        Box::new(file)
    };
    let (mut pending, mut bytes) = (0, 0);
    let read = lines::each(reader, piece.start > 0, piece.end.saturating_sub(before), |line, number| {
        pending += line.len() as u64 + 1;
        if pending > 1 << 20 {
            bytes += pending;
            control.bytes.fetch_add(std::mem::take(&mut pending), Ordering::Relaxed);
        }
        let line = if number == 1 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line };
        if !line.trim_ascii().is_empty() {
            each(line, number, harvest);
        }
        harvest.lines = number;
        if control.stop.load(Ordering::Relaxed) { Next::Stop } else { Next::Line }
    });
    control.bytes.fetch_add(pending, Ordering::Relaxed);
    harvest.bytes += bytes + pending;
    read.map(|_| ())
}

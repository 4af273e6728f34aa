//! Sifting: of each event only the records that satisfy a step are kept.
//!
//! In: pieces of files. Out: a [`Harvest`] for each: counts, problems by reason; records with the steps they satisfy go
//! to the store. Must not know: chains.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::canonical::{self, CatalogFields};
use super::depth::is_deep;
use super::flow::{self, Columns};
use super::follow::{Follow, turns};
use super::input::{Format, Piece};
use super::json;
use super::kept::Parts;
use super::keys::Keys;
use super::lines::{self, Next};
use super::near::Wanted;
use super::open::{open, unpack};
use super::plain::Plain;
use super::prefilter::{Form, Search, is_escaped};
use super::steps::{Name, Steps, Written};
use super::store::{Run, Store};
use super::stream::{Stream, is_stream};
use super::{Control, Options};
use crate::catalog::Catalog;
use crate::engine::event::{Glance, Reader};
use crate::engine::predicate::{Unrunnable, Values};
use crate::engine::program::Program;
use crate::engine::program::Step;
use crate::engine::project::Slots;
use crate::engine::record::{Identity, Schemas};
use crate::ir::Rule;

/// What a piece gave.
#[derive(Debug)]
pub(super) struct Harvest<'s> {
    store: &'s Store,
    run: Run,
    /// For the text of lines.
    buffer: Vec<u8>,
    pub(super) events: u64,
    pub(super) lines: u64,
    pub(super) bytes: u64,
    /// Reason to count and first line.
    pub(super) skipped: BTreeMap<String, (u64, u64)>,
    pub(super) files_broken: Vec<(String, String)>,
}

impl<'s> Harvest<'s> {
    /// Nothing yet; records will go to `store`.
    pub(super) fn new(store: &'s Store, buffer: Vec<u8>) -> Self {
        Self {
            store,
            run: Run::default(),
            buffer,
            events: 0,
            lines: 0,
            bytes: 0,
            skipped: BTreeMap::new(),
            files_broken: Vec::new(),
        }
    }

    fn keep(&mut self, head: (i64, u16, Identity), parts: &Parts<'_, '_>) {
        if let Some(keys) = self.store.keys() {
            keys.add(parts.steps, parts.values);
        }
        self.run.push(head, parts);
        if self.run.is_full() {
            self.store.add(std::mem::take(&mut self.run));
        }
    }

    /// Hands over what was kept last, and gives the buffer back.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        self.store.add(std::mem::take(&mut self.run));
        std::mem::take(&mut self.buffer)
    }

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
    /// By order of name.
    number: u16,
    reader: Reader,
    glance: Glance,
    steps: Steps,
    json: Option<Search>,
    columns: Option<Search>,
    /// When its events are read, and how the link keys of an event say that it follows nothing.
    turn: usize,
    follow: Option<Follow>,
    /// Set if records are wanted that fail one part of a step, not those that satisfy it.
    misses: Option<Misses>,
}

#[derive(Debug)]
struct Misses {
    wanted: Arc<Wanted>,
    steps: Vec<(Name, Arc<Step>)>,
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
        let turns = turns(programs);
        for (number, schema) in (0..).zip(schemas.iter()) {
            let Some(source) = catalog.source(schema.source()) else { continue };
            let reader = Reader::new(source, Arc::clone(schema))?;
            let mut written = steps_on(&source.name, rules, programs);
            written.retain(|step| misses.is_none_or(|misses| misses.is_open(step.name)));
            let near = misses.is_some();
            let filter =
                |form| if options.thorough { None } else { Search::new(&written, source, form, near) };
            let (json, columns) = (filter(Form::Json), filter(Form::Columns));
            let steps = Steps::new(&written);
            // Whether a record could be a near miss is for its keys to say as well.
            let places = if near { (0..schema.fields().len()).collect() } else { steps.places() };
            let misses = misses.map(|wanted| Misses {
                wanted: Arc::clone(wanted),
                steps: written.iter().map(|step| (step.name, Arc::clone(step.compiled))).collect(),
            });
            let glance = reader.glance(&places);
            let turn = turns.get(schema.source()).copied().unwrap_or_default();
            let follow = Follow::new(&written, programs, source, (schema, reader.tree()));
            let of_source = OfSource { number, reader, glance, steps, json, columns, turn, follow, misses };
            sources.insert(source.name.clone(), of_source);
        }
        let fields = catalog
            .iter()
            .filter_map(|source| Some((source.name.clone(), CatalogFields::new(&source.name, catalog)?)));
        Ok(Self { sources, catalog_fields: fields.collect(), flow_format: options.flow_format.clone() })
    }

    /// When a piece is read.
    pub(super) fn turn(&self, piece: &Piece) -> usize {
        let source = piece.source.as_ref().and_then(|name| self.sources.get(name));
        source.map_or(0, |source| source.turn)
    }

    /// Reads a piece.
    ///
    /// # Errors
    /// When the file cannot be read to its end; what came before is kept.
    pub(super) fn read(&self, piece: &Piece, control: &Control, harvest: &mut Harvest<'_>) -> io::Result<()> {
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

    fn canonical(&self, line: &[u8], number: u64, harvest: &mut Harvest<'_>) {
        harvest.events += 1;
        let found =
            std::str::from_utf8(line).map_err(|_| "not valid UTF-8".to_owned()).and_then(canonical::parse);
        let read = found.and_then(|(source, fields)| {
            let known =
                self.catalog_fields.get(&source).ok_or_else(|| format!("there is no source {source}"))?;
            let Some(of_source) = self.sources.get(&source) else { return Ok(()) };
            let (record, ordinal) = canonical::record(&fields, of_source.reader.schema(), known)?;
            let steps = of_source.satisfied(&record.values);
            if !steps.is_empty() && of_source.admits(record.event) {
                let head = (record.time, of_source.number, record.event);
                harvest.keep(head, &Parts { ordinal, steps: &steps, values: &record.values });
            }
            Ok(())
        });
        if let Err(reason) = read {
            harvest.skip(&reason, number);
        }
    }
}

impl OfSource {
    fn satisfied(&self, values: &Values<'_>) -> Vec<Name> {
        let Some(Misses { wanted, steps }) = &self.misses else { return self.steps.satisfied(values) };
        let time = self.reader.time(values);
        let could_miss = steps.iter().filter(|(name, step)| wanted.wants(*name, step, values, time));
        could_miss.map(|(name, _)| *name).collect()
    }

    fn admits(&self, event: Identity) -> bool {
        self.misses.as_ref().is_none_or(|misses| misses.wanted.admits(event))
    }

    /// The link keys that were seen, if they tell of an event that it can be part of no chain.
    fn seen<'s>(&self, harvest: &Harvest<'s>) -> Option<&'s Keys> {
        harvest.store.keys().filter(|keys| keys.are_complete_for(self.turn))
    }

    /// A line of JSON: an event, or a list of them.
    fn line(&self, line: &[u8], number: u64, harvest: &mut Harvest<'_>) {
        if self.passes_over(line, harvest) && !json::names_records(line) {
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

    /// Whether an event that looks whole from outside can match no step, or be part of no chain.
    fn passes_over(&self, event: &[u8], harvest: &Harvest<'_>) -> bool {
        let whole = event.starts_with(b"{") && event.ends_with(b"}");
        let matches = self.json.as_ref().is_none_or(|search| search.finds(event));
        let admitted = matches && self.may_follow(harvest, |follow, keys| follow.admits_json(event, keys));
        whole && !admitted && !is_escaped(event)
    }

    /// Whether an event may be part of a chain; `admits` asks its link keys.
    fn may_follow(&self, harvest: &Harvest<'_>, admits: impl FnOnce(&Follow, &Keys) -> bool) -> bool {
        let seen = self.follow.as_ref().zip(self.seen(harvest));
        seen.is_none_or(|(follow, keys)| admits(follow, keys))
    }

    /// A document over several lines: places in it are numbers of events.
    fn document(&self, piece: &Piece, control: &Control, harvest: &mut Harvest<'_>) -> io::Result<()> {
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

    fn event(&self, event: Result<&str, String>, number: u64, harvest: &mut Harvest<'_>) {
        harvest.events += 1;
        match event {
            Ok(text) if self.passes_over(text.as_bytes(), harvest) => {}
            Ok(text) => match self.scalars(text) {
                Some(slots) => self.keep(&slots, text.as_bytes(), number, harvest),
                None => harvest.skip(json::NOT_JSON, number),
            },
            Err(reason) => harvest.skip(&reason, number),
        }
    }

    /// The scalars of an event; `None` if it is no JSON object.
    fn scalars<'t>(&self, text: &'t str) -> Option<Slots<'t>> {
        let mut plain = Plain::new(text);
        if let Ok(slots) = self.reader.scalars(&mut plain)
            && plain.is_at_end()
        {
            return Some(slots);
        }
        if is_deep(text) {
            let mut parser = serde_json::Deserializer::from_str(text);
            let slots = self.reader.scalars(&mut parser).ok()?;
            return parser.end().ok().map(|()| slots);
        }
        let mut parser = sonic_rs::Deserializer::from_str(text);
        let slots = self.reader.scalars(&mut parser).ok()?;
        parser.end().ok().map(|()| slots)
    }

    fn columns(&self, columns: &Columns, line: &[u8], number: u64, harvest: &mut Harvest<'_>) {
        let line = line.trim_ascii();
        if line.is_empty() || flow::header(line).is_some() {
            return;
        }
        if line.starts_with(b"{") {
            return self.line(line, number, harvest);
        }
        harvest.events += 1;
        if self.columns.as_ref().is_some_and(|search| !search.finds(line)) {
            return;
        }
        let text = std::str::from_utf8(line).map_err(|_| "not valid UTF-8".to_owned());
        match text.and_then(|text| columns.read(text, self.reader.tree())) {
            Ok(slots) => {
                if self.may_follow(harvest, |follow, keys| follow.admits_columns(&slots, keys)) {
                    self.keep(&slots, line, number, harvest);
                }
            }
            Err(reason) => harvest.skip(&reason, number),
        }
    }

    /// Keeps the records of an event that satisfy a step.
    fn keep(&self, slots: &Slots<'_>, raw: &[u8], number: u64, harvest: &mut Harvest<'_>) {
        let mut ordinal = 0;
        let mut timeless = false;
        let choose = |values: &Values<'_>| {
            ordinal += 1;
            let time = self.reader.time(values);
            timeless |= time.is_none();
            let steps = self.satisfied(values);
            if steps.is_empty() { None } else { Some((time?, ordinal, steps)) }
        };
        self.reader.rows(slots, &self.glance, choose, |values, (time, ordinal, steps)| {
            let event = self.reader.identity(values, raw);
            let follows = self.seen(harvest).is_none_or(|keys| keys.any_can_follow(&steps, values));
            if follows && self.admits(event) {
                harvest.keep((time, self.number, event), &Parts { ordinal, steps: &steps, values });
            }
        });
        if timeless {
            harvest.skip(NO_TIME, number);
        }
    }
}

/// The steps on `source`, in order of rules and steps.
fn steps_on<'r>(source: &str, rules: &'r [Rule], programs: &'r [Program]) -> Vec<Written<'r>> {
    let mut found = Vec::new();
    for ((number, rule), program) in (0..).zip(rules).zip(programs) {
        for ((at, step), compiled) in (0..).zip(&rule.chain.steps).zip(&program.steps) {
            if step.source.node == source {
                found.push(Written { name: (number, at), step, lists: &rule.lists, compiled });
            }
        }
    }
    found
}

/// Calls `each` for every line of a piece that is not blank.
fn each_line(
    piece: &Piece,
    control: &Control,
    harvest: &mut Harvest<'_>,
    mut each: impl FnMut(&[u8], u64, &mut Harvest<'_>),
) -> io::Result<()> {
    // A piece from the middle of a file begins one byte early: if that byte ends a line, the next one belongs to this
    // piece.
    let before = piece.start.saturating_sub(1);
    let reader: Box<dyn Read + '_> = if is_stream(&piece.name) {
        unpack(Stream::new(&piece.name, &control.stop)?)?.1
    } else if piece.start == 0 {
        open(&piece.name)?.1
    } else {
        let mut file = File::open(&piece.name)?;
        file.seek(SeekFrom::Start(before))?;
        Box::new(file)
    };
    let (mut pending, mut bytes) = (0, 0);
    let mut buffer = std::mem::take(&mut harvest.buffer);
    let end = piece.end.saturating_sub(before);
    let read = lines::each(reader, &mut buffer, piece.start > 0, end, |line, number| {
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
    harvest.buffer = buffer;
    control.bytes.fetch_add(pending, Ordering::Relaxed);
    harvest.bytes += bytes + pending;
    read.map(|_| ())
}

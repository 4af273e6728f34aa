//! Of each event only the records that satisfy a step are kept.
//!
//! In: chunks of files, rules. Out: a [`ChunkResult`] for each chunk; records with the steps they satisfy go to the
//! store. Must not know: chains.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use super::chunk_reader::ChunkReader;
use super::phases::read_phases;
use super::probe_filter::ProbeFilter;
use super::result::ChunkResult;
use super::source_filter::SourceFilter;
use super::source_step::steps_on;
use crate::catalog::Catalog;
use crate::engine::predicate::CompileError;
use crate::engine::program::Program;
use crate::engine::record::Schemas;
use crate::ir::Rule;
use crate::replay::options::{Control, Options};
use crate::replay::read::canonical::{self, CatalogFields};
use crate::replay::read::chunk::{Chunk, Continuation, Extent};
use crate::replay::read::columns::{Headers, Layout};
use crate::replay::read::recognise::Recogniser;
use crate::replay::read::taker::{Broken, Taker, Text};

/// Everything that reading needs, compiled once.
#[derive(Debug)]
pub(crate) struct LogFilter {
    sources: BTreeMap<String, OfSource>,
    catalog_fields: BTreeMap<String, CatalogFields>,
    flow_format: Option<Vec<String>>,
    recogniser: Recogniser,
}

#[derive(Debug)]
struct OfSource {
    filter: SourceFilter,
    headers: Headers,
}

impl LogFilter {
    /// Prepares to filter for `rules`, compiled as `programs`: for records that satisfy a step, or for `probes` of near
    /// misses.
    pub(crate) fn new(
        rules: &[Rule],
        programs: &[Program],
        catalog: &Catalog,
        schemas: &Schemas,
        options: &Options,
        probes: Option<&Arc<ProbeFilter>>,
    ) -> Result<Self, CompileError> {
        let mut sources = BTreeMap::new();
        let phases = read_phases(programs);
        // The numbers follow the names, since the engine orders records by the name of their source.
        for (number, schema) in (0..).zip(schemas.iter()) {
            let Some(source) = catalog.source(schema.source()) else { continue };
            let steps = steps_on(&source.name, rules, programs);
            let phase = phases.get(schema.source()).copied().unwrap_or_default();
            let filter = SourceFilter::new((number, phase), source, schema, steps, options, probes)?;
            let headers = Headers::new(&source.log);
            sources.insert(source.name.clone(), OfSource { filter, headers });
        }
        let fields = catalog
            .iter()
            .filter_map(|source| Some((source.name.clone(), CatalogFields::new(&source.name, catalog)?)));
        let recogniser = Recogniser::new(catalog);
        let flow_format = options.flow_format.clone();
        Ok(Self { sources, catalog_fields: fields.collect(), flow_format, recogniser })
    }

    /// The phase in which a chunk is read.
    pub(crate) fn phase(&self, chunk: &Chunk) -> usize {
        let source = chunk.source.as_ref().and_then(|name| self.sources.get(name));
        source.map_or(0, |source| source.filter.phase())
    }

    /// Reads a chunk, as it goes on from the one before it if that is known.
    ///
    /// # Errors
    /// When the file cannot be read to its end; what came before is kept.
    pub(crate) fn read(
        &self,
        chunk: &Chunk,
        before: Option<&Continuation>,
        control: &Control,
        result: &mut ChunkResult<'_>,
    ) -> io::Result<()> {
        let (mut buffer, mut read) = (std::mem::take(&mut result.buffer), Extent::default());
        let ended = match &chunk.source {
            None => {
                let mut reader = CanonicalReader { filter: self, result };
                chunk.read(&[], control, &mut buffer, &mut read, &mut reader)
            }
            Some(name) => {
                let unread = || io::Error::other(format!("no rule reads events of {name}"));
                let source = self.sources.get(name).ok_or_else(unread)?;
                let layout =
                    before.map_or_else(|| self.layout(source, chunk), |before| before.layout.clone());
                result.layouts.0.clone_from(&layout);
                let lines = source.headers.of_file(self.flow_format.as_deref(), source.filter.tree());
                let (layouts, is_first) = ((layout, lines), chunk.is_first());
                let mut reader = ChunkReader::new(&source.filter, &source.headers, layouts, is_first, result);
                let container = &source.filter.form().container;
                let ended = chunk.read(container, control, &mut buffer, &mut read, &mut reader);
                let layout = reader.into_layout();
                result.layouts.1 = layout;
                ended
            }
        };
        (result.buffer, result.read) = (buffer, read);
        ended
    }

    /// The columns in force where a chunk begins, if its file goes on as it begins.
    fn layout(&self, OfSource { filter, headers }: &OfSource, chunk: &Chunk) -> Option<Layout> {
        // A header line says what is in the file; the user's format is for files without one.
        let header = chunk.first_line.as_ref().and_then(|line| headers.read(line, filter.tree()));
        header.or_else(|| headers.of_file(self.flow_format.as_deref(), filter.tree()))
    }

    /// Sentences about fields that rules read and no log had.
    pub(crate) fn missing_fields(&self) -> Vec<String> {
        self.sources.values().flat_map(|source| source.filter.presence().missing()).collect()
    }

    /// How the files of all sources are recognised.
    pub(crate) fn recogniser(&self) -> &Recogniser {
        &self.recogniser
    }

    /// A record; `None` stands for what is none.
    fn canonical(&self, fields: Option<canonical::Fields>, number: u64, result: &mut ChunkResult<'_>) {
        result.counts.events += 1;
        let read = canonical::source_of(fields).and_then(|(source, fields)| {
            let known =
                self.catalog_fields.get(&source).ok_or_else(|| format!("there is no source {source}"))?;
            // One file may hold records of many sources; those that no rule reads are in order.
            let Some(OfSource { filter, .. }) = self.sources.get(&source) else { return Ok(()) };
            let (record, ordinal) = canonical::record(&fields, filter.schema(), known)?;
            filter.keep_record(&record, ordinal, result);
            Ok(())
        });
        match read {
            Ok(()) => result.counts.of_source += 1,
            Err(reason) => result.skip(&reason, number),
        }
    }
}

/// Reads canonical records.
struct CanonicalReader<'a, 's> {
    filter: &'a LogFilter,
    result: &'a mut ChunkResult<'s>,
}

impl Taker for CanonicalReader<'_, '_> {
    fn line(&mut self, line: &[u8], number: u64) -> bool {
        // More than one record on a line is taken apart.
        let fields = canonical::object(line);
        fields.map(|fields| self.filter.canonical(Some(fields), number, self.result)).is_some()
    }

    fn value(&mut self, text: &[u8], number: u64) -> bool {
        self.filter.canonical(canonical::object(text), number, self.result);
        true
    }

    fn member(&mut self, _: &str, _: &[u8], _: u64) -> bool {
        false
    }

    fn text(&mut self, _: &[u8], number: u64, _: bool) -> Text {
        self.filter.canonical(None, number, self.result);
        Text::Junk
    }

    fn broken(&mut self, broken: Broken, number: u64) {
        match broken {
            Broken::NotJson => self.filter.canonical(None, number, self.result),
            Broken::CutOff => {
                self.filter.canonical(None, number, self.result);
                self.result.counts.broken = Some(format!("it breaks off within a record on line {number}"));
            }
            Broken::Unclosed => {
                self.result.counts.broken = Some(format!("it breaks off within a list, on line {number}"));
            }
        }
    }
}

//! Of each event only the records that satisfy a step are kept.
//!
//! In: chunks of files, rules. Out: a [`ChunkResult`] for each chunk; records with the steps they satisfy go to the
//! store. Must not know: chains.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

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
use crate::replay::read::chunk::{Chunk, Format};
use crate::replay::read::flow::Columns;

/// Everything that reading needs, compiled once.
#[derive(Debug)]
pub(crate) struct LogFilter {
    sources: BTreeMap<String, SourceFilter>,
    catalog_fields: BTreeMap<String, CatalogFields>,
    flow_format: Option<Vec<String>>,
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
        for (number, schema) in (0..).zip(schemas.iter()) {
            let Some(source) = catalog.source(schema.source()) else { continue };
            let steps = steps_on(&source.name, rules, programs);
            let phase = phases.get(schema.source()).copied().unwrap_or_default();
            let filter = SourceFilter::new((number, phase), source, schema, steps, options, probes)?;
            sources.insert(source.name.clone(), filter);
        }
        let fields = catalog
            .iter()
            .filter_map(|source| Some((source.name.clone(), CatalogFields::new(&source.name, catalog)?)));
        Ok(Self { sources, catalog_fields: fields.collect(), flow_format: options.flow_format.clone() })
    }

    /// The phase in which a chunk is read.
    pub(crate) fn phase(&self, chunk: &Chunk) -> usize {
        let source = chunk.source.as_ref().and_then(|name| self.sources.get(name));
        source.map_or(0, SourceFilter::phase)
    }

    /// Reads a chunk.
    ///
    /// # Errors
    /// When the file cannot be read to its end; what came before is kept.
    pub(crate) fn read(
        &self,
        chunk: &Chunk,
        control: &Control,
        result: &mut ChunkResult<'_>,
    ) -> io::Result<()> {
        let Some(name) = &chunk.source else {
            return each_line(chunk, control, result, |line, number, result| {
                self.canonical(line, number, result);
            });
        };
        let Some(source) = self.sources.get(name) else {
            return Err(io::Error::other(format!("no rule reads events of {name}")));
        };
        match &chunk.format {
            Format::Lines => each_line(chunk, control, result, |line, number, result| {
                source.line(line, number, result);
            }),
            Format::Document => {
                let (bytes, ended) = chunk.whole(control)?;
                result.read.bytes = bytes.len() as u64;
                source.document(&bytes, result);
                ended
            }
            Format::Flow(header) => {
                let names = header.as_deref().or(self.flow_format.as_deref());
                let columns = Columns::new(names, source.tree());
                each_line(chunk, control, result, |line, number, result| {
                    source.columns(&columns, line, number, result);
                })
            }
        }
    }

    fn canonical(&self, line: &[u8], number: u64, result: &mut ChunkResult<'_>) {
        result.events += 1;
        let found =
            std::str::from_utf8(line).map_err(|_| "not valid UTF-8".to_owned()).and_then(canonical::parse);
        let read = found.and_then(|(source, fields)| {
            let known =
                self.catalog_fields.get(&source).ok_or_else(|| format!("there is no source {source}"))?;
            let Some(of_source) = self.sources.get(&source) else { return Ok(()) };
            let (record, ordinal) = canonical::record(&fields, of_source.schema(), known)?;
            of_source.keep_record(&record, ordinal, result);
            Ok(())
        });
        if let Err(reason) = read {
            result.skip(&reason, number);
        }
    }
}

/// Calls `each` for every line of a chunk that is not blank.
fn each_line(
    chunk: &Chunk,
    control: &Control,
    result: &mut ChunkResult<'_>,
    mut each: impl FnMut(&[u8], u64, &mut ChunkResult<'_>),
) -> io::Result<()> {
    let (mut buffer, mut read) = (std::mem::take(&mut result.buffer), result.read);
    let ended = chunk.each_line(control, &mut buffer, &mut read, |line, number| each(line, number, result));
    (result.buffer, result.read) = (buffer, read);
    ended
}

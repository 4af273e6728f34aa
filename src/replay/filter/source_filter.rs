//! The events of one source: read if they can matter, kept if they satisfy a step.
//!
//! In: lines, documents and columns of one source. Out: records that satisfy a step, to the result of the chunk.
//! Must not know: other sources, how files are opened.

use std::sync::Arc;

use super::key_filter::KeyFilter;
use super::prefilter::{Form, Prefilter, is_escaped};
use super::probe_filter::ProbeFilter;
use super::result::ChunkResult;
use super::source_step::SourceStep;
use super::step_index::StepIndex;
use crate::catalog::Source;
use crate::engine::event::{Projection, Reader};
use crate::engine::predicate::{CompileError, Values};
use crate::engine::program::Step;
use crate::engine::project::{Slots, Tree};
use crate::engine::record::{Identity, Record, Schema};
use crate::replay::options::Options;
use crate::replay::read::fast_json::FastJson;
use crate::replay::read::flow::{self, Columns};
use crate::replay::read::json;
use crate::replay::store::packed::{RecordParts, StepId};
use crate::replay::store::seen_keys::SeenKeys;

/// The filters of one source.
#[derive(Debug)]
pub(super) struct SourceFilter {
    /// Number of the source in order of name.
    number: u16,
    reader: Reader,
    projection: Projection,
    steps: StepIndex,
    json: Option<Prefilter>,
    columns: Option<Prefilter>,
    /// The phase in which its events are read.
    phase: usize,
    /// Passes over events whose link keys no earlier record has.
    key_filter: Option<KeyFilter>,
    /// Set if records are wanted that fail one part of a step, not those that satisfy it.
    probes: Option<Probes>,
}

/// Which records a near miss may need.
#[derive(Debug)]
struct Probes {
    wanted: Arc<ProbeFilter>,
    steps: Vec<(StepId, Arc<Step>)>,
}

const NO_TIME: &str = "no usable event time";
const NOT_UTF8: &str = "not valid UTF-8";

impl SourceFilter {
    /// Prepares the filters of `source`, whose number and read phase are given, for `steps` or for `probes`.
    pub(super) fn new(
        (number, phase): (u16, usize),
        source: &Source,
        schema: &Arc<Schema>,
        mut steps: Vec<SourceStep<'_>>,
        options: &Options,
        probes: Option<&Arc<ProbeFilter>>,
    ) -> Result<Self, CompileError> {
        let reader = Reader::new(source, Arc::clone(schema))?;
        steps.retain(|step| probes.is_none_or(|probes| probes.is_open(step.id)));
        let near = probes.is_some();
        let prefilter =
            |form| if options.thorough { None } else { Prefilter::new(&steps, source, form, near) };
        let index = StepIndex::new(&steps);
        // Whether a record may be a near miss depends on its link keys as well, so all fields are read at once.
        let places = if near { (0..schema.fields().len()).collect() } else { index.places() };
        let probes = probes.map(|wanted| Probes {
            wanted: Arc::clone(wanted),
            steps: steps.iter().map(|step| (step.id, Arc::clone(step.compiled))).collect(),
        });
        Ok(Self {
            number,
            projection: reader.projection(&places),
            json: prefilter(Form::Json),
            columns: prefilter(Form::Columns),
            phase,
            key_filter: KeyFilter::new(&steps, source, (schema, reader.tree())),
            steps: index,
            reader,
            probes,
        })
    }

    /// The phase in which its events are read.
    pub(super) fn phase(&self) -> usize {
        self.phase
    }

    /// The schema of its records.
    pub(super) fn schema(&self) -> &Arc<Schema> {
        self.reader.schema()
    }

    /// The paths that are read of an event.
    pub(super) fn tree(&self) -> &Tree {
        self.reader.tree()
    }

    /// Keeps a record that was read already, if it satisfies a step.
    pub(super) fn keep_record(&self, record: &Record, ordinal: u64, result: &mut ChunkResult<'_>) {
        let steps = self.satisfied(&record.values);
        if !steps.is_empty() && self.admits(record.event) {
            let head = (record.time, self.number, record.event);
            result.keep(head, &RecordParts { ordinal, steps: &steps, values: &record.values });
        }
    }

    fn satisfied(&self, values: &Values<'_>) -> Vec<StepId> {
        let Some(Probes { wanted, steps }) = &self.probes else { return self.steps.satisfied(values) };
        let time = self.reader.time(values);
        let could_miss = steps.iter().filter(|(id, step)| wanted.wants(*id, step, values, time));
        could_miss.map(|(id, _)| *id).collect()
    }

    fn admits(&self, event: Identity) -> bool {
        self.probes.as_ref().is_none_or(|probes| probes.wanted.admits(event))
    }

    /// The link keys that were seen, if a key that is not among them will never be.
    fn seen<'s>(&self, result: &ChunkResult<'s>) -> Option<&'s SeenKeys> {
        result.store().keys().filter(|keys| keys.are_complete_for(self.phase))
    }

    /// A line of JSON: an event, or a list of them.
    pub(super) fn line(&self, line: &[u8], number: u64, result: &mut ChunkResult<'_>) {
        if self.passes_over(line, result) && !json::names_records(line) {
            result.events += 1;
            return;
        }
        if let Ok(text) = std::str::from_utf8(line) {
            json::events(text, &mut |event| self.event(event, number, result));
        } else {
            result.events += 1;
            result.skip(NOT_UTF8, number);
        }
    }

    /// Whether an event that looks whole from outside can match no step, or be part of no chain. What does not look
    /// whole is read, so that it is reported as broken; so is an event with escapes, whose keys and texts may be spelt
    /// in another way.
    fn passes_over(&self, event: &[u8], result: &ChunkResult<'_>) -> bool {
        let whole = event.starts_with(b"{") && event.ends_with(b"}");
        let matches = self.json.as_ref().is_none_or(|prefilter| prefilter.finds(event));
        let admitted =
            matches && self.may_follow(result, |key_filter, keys| key_filter.admits_json(event, keys));
        whole && !admitted && !is_escaped(event)
    }

    /// Whether an event may be part of a chain; `admits` asks its link keys.
    fn may_follow(
        &self,
        result: &ChunkResult<'_>,
        admits: impl FnOnce(&KeyFilter, &SeenKeys) -> bool,
    ) -> bool {
        let seen = self.key_filter.as_ref().zip(self.seen(result));
        seen.is_none_or(|(key_filter, keys)| admits(key_filter, keys))
    }

    /// A document over several lines: places in it are numbers of events.
    pub(super) fn document(&self, bytes: &[u8], result: &mut ChunkResult<'_>) {
        let Ok(text) = std::str::from_utf8(bytes) else { return result.skip(NOT_UTF8, 1) };
        let mut number = 0;
        json::document(text.trim_start_matches('\u{feff}'), &mut |event| {
            number += 1;
            self.event(event, number, result);
        });
    }

    fn event(&self, event: Result<&str, String>, number: u64, result: &mut ChunkResult<'_>) {
        result.events += 1;
        match event {
            Ok(text) if self.passes_over(text.as_bytes(), result) => {}
            Ok(text) => match self.scalars(text) {
                Some(slots) => self.keep(&slots, text.as_bytes(), number, result),
                None => result.skip(json::NOT_JSON, number),
            },
            Err(reason) => result.skip(&reason, number),
        }
    }

    /// The scalars of an event; `None` if it is no JSON object.
    fn scalars<'t>(&self, text: &'t str) -> Option<Slots<'t>> {
        let mut json = FastJson::new(text);
        if let Ok(slots) = self.reader.scalars(&mut json)
            && json.is_at_end()
        {
            return Some(slots);
        }
        // This one calls itself for each level and gives up at the 128th, so no nesting exhausts the stack.
        let mut json = serde_json::Deserializer::from_str(text);
        let slots = self.reader.scalars(&mut json).ok()?;
        json.end().ok().map(|()| slots)
    }

    /// A line of a flow log.
    pub(super) fn columns(&self, columns: &Columns, line: &[u8], number: u64, result: &mut ChunkResult<'_>) {
        let line = line.trim_ascii();
        if line.is_empty() || flow::header(line).is_some() {
            return;
        }
        if line.starts_with(b"{") {
            return self.line(line, number, result);
        }
        result.events += 1;
        if self.columns.as_ref().is_some_and(|search| !search.finds(line)) {
            return;
        }
        let text = std::str::from_utf8(line).map_err(|_| NOT_UTF8.to_owned());
        match text.and_then(|text| columns.read(text, self.reader.tree())) {
            Ok(slots) => {
                if self.may_follow(result, |key_filter, keys| key_filter.admits_columns(&slots, keys)) {
                    self.keep(&slots, line, number, result);
                }
            }
            Err(reason) => result.skip(&reason, number),
        }
    }

    /// Keeps the records of an event that satisfy a step.
    fn keep(&self, slots: &Slots<'_>, raw: &[u8], number: u64, result: &mut ChunkResult<'_>) {
        let mut ordinal = 0;
        let mut timeless = false;
        let choose = |values: &Values<'_>| {
            ordinal += 1;
            let time = self.reader.time(values);
            timeless |= time.is_none();
            let steps = self.satisfied(values);
            if steps.is_empty() { None } else { Some((time?, ordinal, steps)) }
        };
        self.reader.rows(slots, &self.projection, choose, |values, (time, ordinal, steps)| {
            let event = self.reader.identity(values, raw);
            // Exact where the key filter was not: the values are read now.
            let follows = self.seen(result).is_none_or(|keys| keys.any_can_follow(&steps, values));
            if follows && self.admits(event) {
                result.keep((time, self.number, event), &RecordParts { ordinal, steps: &steps, values });
            }
        });
        if timeless {
            result.skip(NO_TIME, number);
        }
    }
}

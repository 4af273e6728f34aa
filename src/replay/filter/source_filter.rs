//! The events of one source: read if they can matter, kept if they satisfy a step.
//!
//! In: lines, documents and columns of one source. Out: records that satisfy a step, to the result of the chunk.
//! Must not know: other sources, how files are opened.

use std::borrow::Cow;
use std::sync::Arc;

use super::json_key::JsonKey;
use super::key_filter::KeyFilter;
use super::prefilter::{Form, Prefilter, is_escaped};
use super::presence::{Known, Presence};
use super::probe_filter::ProbeFilter;
use super::result::ChunkResult;
use super::source_step::SourceStep;
use super::step_index::StepIndex;
use crate::catalog::{LogForm, Source};
use crate::engine::event::{Projection, Reader, flat};
use crate::engine::predicate::{CompileError, Values};
use crate::engine::program::Step;
use crate::engine::project::{Slots, Tree};
use crate::engine::record::{Identity, Record, Schema};
use crate::replay::options::Options;
use crate::replay::read::columns::Layout;
use crate::replay::read::fast_json::FastJson;
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
    /// All fields at once.
    whole: Projection,
    /// A key that every event has once.
    detect: Option<JsonKey>,
    presence: Presence,
    form: LogForm,
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
        // A step that no chain reaches from both sides has no near misses; without it the filters can demand more.
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
            whole: reader.projection(&(0..schema.fields().len()).collect()),
            detect: source.log.detect.first().and_then(|key| JsonKey::of(key)),
            presence: Presence::new(schema, source, &steps),
            form: source.log.clone(),
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

    /// Whether a text that looks like one whole event can match no step, or be part of no chain. What has escapes is
    /// read: its keys and texts may be spelt in another way, or be JSON in a string.
    ///
    /// The first `detect` key stands in it exactly once. So it is not several events on a line, and it is an event, or
    /// one in an envelope, rather than something else that nobody would hear of.
    pub(super) fn passes_over(&self, event: &[u8], result: &ChunkResult<'_>) -> bool {
        let whole = event.starts_with(b"{") && event.ends_with(b"}");
        let matches = self.json.as_ref().is_none_or(|prefilter| prefilter.finds(event));
        let admitted =
            matches && self.may_follow(result, |key_filter, keys| key_filter.admits_json(event, keys));
        whole
            && !admitted
            && !is_escaped(event)
            && self.detect.as_ref().is_none_or(|key| key.is_once_in(event))
    }

    /// Whether lines need not be taken apart to know that they are one event.
    pub(super) fn detects(&self) -> bool {
        self.detect.is_some()
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

    /// The scalars of an object of ordinary JSON; `None` if it is anything else.
    pub(super) fn scalars_if_plain<'t>(&self, text: &'t str) -> Option<Slots<'t>> {
        let mut json = FastJson::new(text);
        self.reader.scalars(&mut json).ok().filter(|_| json.is_at_end())
    }

    /// The scalars of an object; `None` if it is no valid JSON.
    pub(super) fn scalars<'t>(&self, text: &'t str) -> Option<Slots<'t>> {
        let plain = self.scalars_if_plain(text);
        if plain.is_some() {
            return plain;
        }
        // This one calls itself for each level and gives up at the 128th, so no nesting exhausts the stack.
        let mut json = serde_json::Deserializer::from_str(text);
        let slots = self.reader.scalars(&mut json).ok()?;
        json.end().ok().map(|()| slots)
    }

    /// Whether a line of columns can match no step.
    pub(super) fn passes_over_columns(&self, line: &[u8]) -> bool {
        self.columns.as_ref().is_some_and(|prefilter| !prefilter.finds(line))
    }

    /// Whether the columns of a record may be part of a chain.
    pub(super) fn may_follow_columns(&self, slots: &Slots<'_>, result: &ChunkResult<'_>) -> bool {
        self.may_follow(result, |key_filter, keys| key_filter.admits_columns(slots, keys))
    }

    /// How files of the source are written.
    pub(super) fn form(&self) -> &LogForm {
        &self.form
    }

    /// Whether all keys of an event stand anywhere in a text.
    pub(super) fn holds_keys(&self, text: &str) -> bool {
        let detect = &self.form.detect;
        let last = |path: &String| path.rsplit('.').next().map(str::to_owned).unwrap_or_default();
        let holds = |path: &String| text.split(last(path).as_str()).skip(1).any(is_end_of_key);
        !detect.is_empty() && detect.iter().all(holds)
    }

    /// What identifies an event without an id that is written as JSON.
    pub(super) fn identity_of_json<'t>(&self, text: &'t str) -> Cow<'t, [u8]> {
        if !self.reader.is_identified_by_fields() {
            return Cow::Borrowed(text.as_bytes());
        }
        let fields = serde_json::from_str(text).map(|event| flat(&event)).unwrap_or_default();
        Cow::Owned(self.reader.identifying_text(fields.into_iter()))
    }

    /// What identifies an event without an id that is written in columns.
    pub(super) fn identity_of_columns<'t>(&self, layout: &Layout, line: &'t str) -> Cow<'t, [u8]> {
        if !self.reader.is_identified_by_fields() {
            return Cow::Borrowed(line.as_bytes());
        }
        Cow::Owned(self.reader.identifying_text(layout.named(line).into_iter()))
    }

    /// How events are read.
    pub(super) fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Keeps the records of an event that satisfy a step. `identity` gives what identifies an event without an id.
    ///
    /// An event that is read `in_full` shows which fields the log has.
    pub(super) fn keep<'e>(
        &self,
        slots: &Slots<'_>,
        (number, in_full): (u64, bool),
        identity: impl Fn() -> Cow<'e, [u8]>,
        result: &mut ChunkResult<'_>,
    ) {
        let mut ordinal = 0;
        let mut timeless = false;
        let choose = |values: &Values<'_>| {
            ordinal += 1;
            let time = self.reader.time(values);
            timeless |= time.is_none();
            self.presence.see(values, if in_full { Known::Whole } else { Known::Conditions });
            let steps = self.satisfied(values);
            if steps.is_empty() { None } else { Some((time?, ordinal, steps)) }
        };
        let projection = if in_full { &self.whole } else { &self.projection };
        self.reader.rows(slots, projection, choose, |values, (time, ordinal, steps)| {
            // Again: more of its fields are known than when it was chosen.
            if !in_full {
                self.presence.see(values, Known::Rest);
            }
            // The identity of an event without an id takes the whole event, so it waits until a row is chosen.
            let event = self.reader.identity(values, &identity());
            // Exact where the key filter was not: the values are read now.
            let follows = self.seen(result).is_none_or(|keys| keys.any_can_follow(&steps, values));
            if follows && self.admits(event) {
                result.keep((time, self.number, event), &RecordParts { ordinal, steps: &steps, values });
            }
        });
        self.presence.count(in_full);
        if self.reader.is_omitted(slots) {
            result.note("the log has left out a part of it (`omitted`), so fields are missing", number);
        }
        if timeless {
            result.counts.unusable += 1;
            result.skip(NO_TIME, number);
        }
    }

    /// The fields that the log has.
    pub(super) fn presence(&self) -> &Presence {
        &self.presence
    }
}

/// Whether a key ends where `behind` begins, however deep in strings it stands.
fn is_end_of_key(behind: &str) -> bool {
    let behind = behind.trim_start_matches('\\');
    behind.strip_prefix('"').is_some_and(|behind| behind.trim_start().starts_with(':'))
}

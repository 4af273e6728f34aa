//! A rule, ready to run.
//!
//! In: a rule of the IR and the schemas of its records, by way of `compile`. Out: [`Program`]: compiled selections,
//! keys by place, windows in microseconds. Must not know: raw logs, and how records reach it.

use std::sync::Arc;

pub use super::keys::Key;
use super::keys::Keys;
pub(super) use super::keys::{folded_key, key, side};
use super::predicate::{Predicate, Values};
use super::record::{Record, Schema};
use super::value::Value;
use crate::ir::{Case, CompareOp, Neighbour, When};

/// A compiled rule.
#[derive(Debug)]
pub struct Program {
    /// Name of the rule.
    pub name: String,
    /// The steps, in order, each by its first alternative.
    pub steps: Vec<Arc<Step>>,
    /// Link `i` joins step `i` to step `i + 1`.
    pub links: Vec<Link>,
    /// Longest time from the first to the last step, microseconds.
    pub total: i64,
    /// From when on records are records of steps, microseconds. Those before are history: absences find them, and they
    /// are counted.
    pub from: i64,
    /// Which alerts count as one.
    pub dedupe: Option<Dedupe>,
    /// What a record can be to the rule. Role `i` is step `i` by its first alternative, as long as there are steps.
    pub roles: Vec<Role>,
    /// What it says beyond steps and links.
    pub clauses: Clauses,
}

/// A compiled selection: the condition of a step or of an absence on one source.
#[derive(Debug)]
pub struct Step {
    /// Name of the step or absence.
    pub name: String,
    /// Records of this schema can satisfy it.
    pub schema: Arc<Schema>,
    /// Filter.
    pub filter: Predicate,
    /// Exceptions.
    pub excepts: Vec<Predicate>,
    /// Alternatives of the same source in front of it: a record that satisfies one of them is theirs.
    pub earlier: Vec<Arc<Step>>,
}

/// A compiled link.
#[derive(Debug, Clone)]
pub struct Link {
    /// Longest time from the earlier to the later record, microseconds.
    pub gap: i64,
    /// Places of the keys in the earlier record, if its step is satisfied by its first alternative.
    pub left: Vec<usize>,
    /// Places of the keys in the later record, likewise.
    pub right: Vec<usize>,
    /// Whether a part of the key is a field of which any value counts.
    pub any: bool,
}

/// Compiled de-duplication.
#[derive(Debug, Clone)]
pub struct Dedupe {
    /// How long further alerts with the same keys stay silent, microseconds.
    pub window: i64,
    /// The keys.
    pub by: Vec<Shown>,
}

/// A value that an alert has of one of its steps.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The step.
    pub step: usize,
    /// Which value.
    pub of: ShownValue,
}

/// Which value of a step.
#[derive(Debug, Clone)]
pub enum ShownValue {
    /// Of a field: its place in each alternative that has it.
    Field(Vec<(Arc<Step>, Option<usize>)>),
    /// How many events or values there were.
    Count,
    /// From when on there were enough.
    FirstTime,
}

/// What a record can be to a rule.
#[derive(Debug, Clone)]
pub struct Role {
    /// Records that satisfy this have it.
    pub selection: Arc<Step>,
    /// What they are.
    pub part: Part,
}

/// What the records of a role are.
#[derive(Debug, Clone)]
pub enum Part {
    /// Records of a step.
    Step {
        /// Which.
        step: usize,
        /// Where they have what clauses read.
        reads: Reads,
    },
    /// What must not be there.
    Absence {
        /// By which of [`Clauses::absences`].
        absence: usize,
        /// What it shares with a record of the step.
        key: Fields,
    },
}

/// Places of fields, each with how its text compares.
pub type Fields = Box<[(usize, Case)]>;

/// Where a record of a step has what clauses read.
#[derive(Debug, Clone, Default)]
pub struct Reads {
    /// Towards the step before, if a link leads here.
    pub key_in: Option<Fields>,
    /// Towards the step after, or what steps in any order share.
    pub key_out: Option<Fields>,
    /// For each absence of the step its number and what is shared with it.
    pub absences: Vec<(usize, Fields)>,
    /// What counted records share.
    pub group: Fields,
    /// The field whose values are counted.
    pub counted: Option<(usize, Case)>,
    /// What the link that leads here compares, and what the absences on it share with this side.
    pub side_in: Fields,
    /// The same of the link that leads on.
    pub side_out: Fields,
}

/// What a rule says beyond steps and links.
#[derive(Debug, Clone, Default)]
pub struct Clauses {
    /// What must not be there.
    pub absences: Vec<Absence>,
    /// For each step how often its records must come.
    pub repetitions: Vec<Option<Repetition>>,
    /// For each link what must hold between its records.
    pub links: Vec<LinkClauses>,
    /// Whether the steps come in any order.
    pub together: bool,
}

/// What must not be there.
#[derive(Debug, Clone, Copy)]
pub struct Absence {
    /// Where it must not be.
    pub when: When,
    /// How long a record that must not be there matters to what comes after it; of `after` how long a record of the
    /// step waits. Microseconds.
    pub window: i64,
}

/// How often records must come.
#[derive(Debug, Clone, Copy)]
pub struct Repetition {
    /// How many events or values.
    pub least: usize,
    /// Whether values are counted.
    pub distinct: bool,
    /// Within which time, microseconds.
    pub window: i64,
}

/// What must hold between two neighbours.
#[derive(Debug, Clone, Default)]
pub struct LinkClauses {
    /// How the first values of both sides compare.
    pub comparisons: Vec<CompareOp>,
    /// What must not be between them.
    pub absences: Vec<Between>,
}

/// What must not be between two neighbours.
#[derive(Debug, Clone)]
pub struct Between {
    /// Its number among [`Clauses::absences`].
    pub absence: usize,
    /// For each part of its key the neighbour that has it, and where on its side.
    pub parts: Vec<(Neighbour, usize)>,
}

impl Step {
    /// Whether the values of a record of this step's schema satisfy it.
    #[must_use]
    pub fn accepts(&self, values: &Values<'_>) -> bool {
        let Self { name: _, schema: _, filter, excepts, earlier } = self;
        filter.holds(values)
            && !excepts.iter().any(|except| except.holds(values))
            && !earlier.iter().any(|earlier| earlier.accepts(values))
    }

    /// Calls `add` with the place of every field that decides it.
    pub fn each_place(&self, add: &mut dyn FnMut(usize)) {
        std::iter::once(&self.filter).chain(&self.excepts).for_each(|pred| pred.each_place(add));
        self.earlier.iter().for_each(|earlier| earlier.each_place(add));
    }

    /// Whether a record satisfies it.
    #[must_use]
    pub fn takes(&self, record: &Record) -> bool {
        // A predicate reads by place, and places are those of one source: asked of a record of another one, it would
        // look at the wrong fields.
        self.schema.source() == record.schema.source() && self.accepts(&record.values)
    }
}

impl Program {
    /// What keeps parts of the program that know steps and links alone from working on the rule, in the words of the
    /// language; `None` if it has nothing but these.
    #[must_use]
    pub fn beyond_links(&self) -> Option<&'static str> {
        let Clauses { absences, repetitions, links, together } = &self.clauses;
        let folds = |role: &Role| match &role.part {
            Part::Step { reads, .. } => reads.key_in.iter().flatten().any(|(_, case)| *case == Case::Ignore),
            Part::Absence { .. } => false,
        };
        if *together {
            Some("`together`")
        } else if repetitions.iter().any(Option::is_some) {
            Some("`at least`")
        } else if !absences.is_empty() {
            Some("`unless` or `first`")
        } else if links.iter().any(|link| !link.comparisons.is_empty()) {
            Some("a comparison of neighbours")
        } else if self.roles.len() > self.steps.len() {
            Some("`or from`")
        } else if self.roles.iter().any(folds) {
            Some("a link that ignores case")
        } else if self.links.iter().any(|link| link.any) {
            Some("`any` in a link")
        } else {
            None
        }
    }

    /// The key by which `record`, as step `step`, is found from the step before; `None` if a part is missing.
    #[must_use]
    pub fn key_in(&self, step: usize, record: &Record) -> Option<Key> {
        key(&record.values, &self.links.get(step.checked_sub(1)?)?.right)
    }

    /// The key by which `record`, as step `step`, finds the step after it.
    #[must_use]
    pub fn key_out(&self, step: usize, record: &Record) -> Option<Key> {
        key(&record.values, &self.links.get(step)?.left)
    }

    /// The keys of `record`, as a record of step `step` by whichever alternative: towards the step before, and towards
    /// the step after or, in any order, towards the others.
    #[must_use]
    pub fn keys(&self, step: usize, record: &Record) -> (Keys, Keys) {
        let reads = self.matched(record).find_map(|role| match &self.roles.get(role)?.part {
            Part::Step { step: of, reads } => (*of == step).then_some(reads),
            Part::Absence { .. } => None,
        });
        let keys = |fields: &Option<Fields>| {
            fields.as_ref().map(|fields| Keys::of(&record.values, fields)).unwrap_or_default()
        };
        reads.map_or((Keys::None, Keys::None), |reads| (keys(&reads.key_in), keys(&reads.key_out)))
    }

    /// The roles that `record` has.
    pub fn matched<'p>(&'p self, record: &'p Record) -> impl Iterator<Item = usize> + 'p {
        let all = self.roles.iter().enumerate();
        all.filter(move |(_, role)| role.selection.takes(record)).map(|(index, _)| index)
    }

    /// The step of a role; `None` for what must not be there.
    #[must_use]
    pub fn step_of(&self, role: usize) -> Option<usize> {
        match &self.roles.get(role)?.part {
            Part::Step { step, .. } => Some(*step),
            Part::Absence { .. } => None,
        }
    }

    /// The link that leads to a role and the key on its side, if a record of that role matters only with a predecessor
    /// of that key, compared as it is logged.
    #[must_use]
    pub fn needs(&self, role: usize) -> Option<(usize, &Fields)> {
        let Part::Step { step, reads } = &self.roles.get(role)?.part else { return None };
        let key = reads.key_in.as_ref()?;
        let counted = self.clauses.repetitions.get(*step).is_some_and(Option::is_some);
        // A record that is counted matters to all of its group: it may be left out only if the whole group shares its
        // key, and so has no predecessor either.
        let alone = counted && !key.iter().all(|field| reads.group.contains(field));
        let folded = key.iter().any(|(_, case)| *case == Case::Ignore);
        let link = step.checked_sub(1)?;
        // Of several values each is a key of its own; the filter knows one key of a record.
        let any = self.links.get(link)?.any;
        (!alone && !folded && !any).then_some((link, key))
    }

    /// The link that leads on from a role and the key on its side.
    #[must_use]
    pub fn offers(&self, role: usize) -> Option<(usize, &Fields)> {
        let Part::Step { step, reads } = &self.roles.get(role)?.part else { return None };
        (!self.links.get(*step)?.any).then_some((*step, reads.key_out.as_ref()?))
    }
}

impl Shown {
    /// The value of a field in the record of the step.
    #[must_use]
    pub fn field<'r>(&self, record: &'r Record) -> Option<&'r Value<'static>> {
        let ShownValue::Field(alternatives) = &self.of else { return None };
        let of_record = |(selection, _): &&(Arc<Step>, Option<usize>)| match alternatives.as_slice() {
            [_] => true,
            [] | [_, ..] => selection.takes(record),
        };
        record.at(alternatives.iter().find(of_record)?.1?)
    }
}

/// Seconds of a window as the microseconds in which records count; the longest if they are too many.
#[must_use]
pub fn in_micros(seconds: u64) -> i64 {
    // An `i64` of microseconds spans 292,000 years; a longer window than that excludes nothing.
    i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000)
}

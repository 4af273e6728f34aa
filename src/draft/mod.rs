//! A rule proposed from incidents: events that belong together, found more than once.
//!
//! In: the records of each incident, the catalog. Out: a [`Proposal`], and its text as a rule file. Must not know:
//! files, how records are read, the checker. What it proposes is a guess from few examples, so the caller shows that it
//! holds on them and narrows it until it is silent on other logs.
//!
//! Steps are the longest sequence of kinds of events (source and action) that all incidents have in that order
//! (`align`). A condition is what the events of a step have in common and what names no one: action, provider, outcome,
//! flags, enumerations; a link a field of each neighbour whose values are equal in every incident, those first that
//! differ between incidents (`common`). A window is the longest gap, rounded up.

mod align;
mod common;
mod text;

use crate::catalog::Catalog;
use crate::engine::record::Record;
use common::{Link, Test};

pub use align::MOST_STEPS;

/// A rule in the making.
#[derive(Debug, Clone)]
pub struct Proposal {
    name: String,
    id: String,
    date: String,
    steps: Vec<Step>,
    links: Vec<Joined>,
    /// For each incident the records of its steps.
    examples: Vec<Vec<Record>>,
}

#[derive(Debug, Clone)]
struct Step {
    name: String,
    source: String,
    tests: Vec<Test>,
    /// What else the events have in common, and could be asked for.
    spare: Vec<Test>,
}

#[derive(Debug, Clone)]
struct Joined {
    keys: Vec<Link>,
    spare: Vec<Link>,
    /// Seconds.
    gap: u64,
}

/// Something that a proposal could ask for as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Narrowing {
    /// A test of a step.
    Test {
        /// Which step.
        step: usize,
        /// Which of its spare tests.
        spare: usize,
    },
    /// A key of a link.
    Key {
        /// Which link.
        link: usize,
        /// Which of its spare keys.
        spare: usize,
    },
}

/// What a proposal is called.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// The name of the rule.
    pub name: &'a str,
    /// Its date.
    pub date: &'a str,
}

impl Proposal {
    /// Proposes a rule for incidents; the records of each are in any order.
    ///
    /// # Errors
    /// A sentence on what the incidents lack: steps in common, or fields that join them.
    pub fn new(incidents: &[Vec<Record>], catalog: &Catalog, named: Named<'_>) -> Result<Self, String> {
        let examples = align::align(incidents)?;
        let number = examples.first().map_or(0, Vec::len);
        let (mut steps, mut links) = (Vec::new(), Vec::new());
        for at in 0..number {
            let records: Vec<&Record> = examples.iter().filter_map(|path| path.get(at)).collect();
            let source = records.first().map_or("", |record| record.schema.source());
            let known = catalog.source(source).ok_or_else(|| format!("there is no source `{source}`"))?;
            let (tests, spare) = common::tests(&records, known);
            if tests.is_empty() && spare.is_empty() {
                return Err(format!("the events of step {} ({source}) have nothing in common", at + 1));
            }
            let taken: Vec<String> = steps.iter().map(|step: &Step| step.name.clone()).collect();
            let name = align::step_name(&records, &taken);
            // A step needs a condition; where nothing in common stands out, the first thing that there is.
            let (tests, spare) = if tests.is_empty() {
                (spare.iter().take(1).cloned().collect(), spare.iter().skip(1).cloned().collect())
            } else {
                (tests, spare)
            };
            steps.push(Step { name, source: source.to_owned(), tests, spare });
            if let Some(before) = at.checked_sub(1) {
                let both: Vec<(&Record, &Record)> =
                    examples.iter().filter_map(|path| Some((path.get(before)?, path.get(at)?))).collect();
                links.push(joined(&both, catalog, (&steps, at))?);
            }
        }
        let id = align::id(&examples);
        let (name, date) = (named.name.to_owned(), named.date.to_owned());
        Ok(Self { name, id, date, steps, links, examples })
    }

    /// What else it could ask for.
    #[must_use]
    pub fn narrowings(&self) -> Vec<Narrowing> {
        let of_step = |(step, written): (usize, &Step)| {
            (0..written.spare.len()).map(move |spare| Narrowing::Test { step, spare }).collect::<Vec<_>>()
        };
        let of_link = |(link, written): (usize, &Joined)| {
            (0..written.spare.len()).map(move |spare| Narrowing::Key { link, spare }).collect::<Vec<_>>()
        };
        let tests = self.steps.iter().enumerate().flat_map(of_step);
        tests.chain(self.links.iter().enumerate().flat_map(of_link)).collect()
    }

    /// The proposal that asks for more.
    #[must_use]
    pub fn narrowed(&self, by: Narrowing) -> Self {
        let mut narrowed = self.clone();
        match by {
            Narrowing::Test { step, spare } => {
                if let Some(step) = narrowed.steps.get_mut(step).filter(|step| spare < step.spare.len()) {
                    let test = step.spare.remove(spare);
                    step.tests.push(test);
                }
            }
            Narrowing::Key { link, spare } => {
                if let Some(link) = narrowed.links.get_mut(link).filter(|link| spare < link.spare.len()) {
                    let key = link.spare.remove(spare);
                    link.keys.push(key);
                }
            }
        }
        narrowed
    }

    /// For each incident, the records of its steps.
    #[must_use]
    pub fn examples(&self) -> &[Vec<Record>] {
        &self.examples
    }

    /// The rule file, in the canonical style.
    #[must_use]
    pub fn text(&self, catalog: &Catalog) -> String {
        text::rule(self, catalog)
    }
}

/// What joins a step to the one before it.
fn joined(
    both: &[(&Record, &Record)],
    catalog: &Catalog,
    (steps, at): (&[Step], usize),
) -> Result<Joined, String> {
    let mut keys = common::links(both, catalog);
    if keys.is_empty() {
        let name = |at: usize| steps.get(at).map_or("?", |step| step.name.as_str());
        return Err(format!(
            "nothing joins `{}` and `{}`: no field of the one has the value of a field of the other in every incident",
            name(at - 1),
            name(at)
        ));
    }
    let spare = keys.split_off(1);
    let longest = both.iter().map(|(left, right)| right.time.saturating_sub(left.time)).max().unwrap_or(0);
    let coarse = |record: &Record| catalog.source(record.schema.source()).map_or(0, |one| one.granularity);
    let coarsest = both.iter().map(|(left, right)| coarse(left).max(coarse(right))).max().unwrap_or(0);
    Ok(Joined { keys, spare, gap: align::rounded_up(longest, coarsest) })
}

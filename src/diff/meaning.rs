//! The clauses in which two rules differ.
//!
//! In: two rules. Out: changes, in the order of the clauses, and which step of one is which of the other. Must not
//! know: events, engine runs.

use crate::engine::words;
use crate::ir::{
    self, Absence, AbsenceKey, Alert, Case, Chain, Comparison, GroupField, Key, Link, List, Neighbour,
    Repetition, Rule, Selection, Step, StepField, Together, When,
};

use super::align::{self, Alignment};
use super::clause::{Change, Clause, between};
use super::entries;
use super::normal::{self, ListNames};
use super::remarks;

/// What differs between two rules.
#[derive(Debug)]
pub(super) struct Changes {
    /// What can make other alerts.
    pub(super) meaning: Vec<Change>,
    /// What cannot.
    pub(super) text: Vec<Change>,
    /// For each step of the new rule the one of the old rule.
    pub(super) steps: Alignment,
}

/// Changes of meaning, and of text alone. Steps are what they do, not what they are called: of the ways to pair them
/// the one with the fewest changes counts.
pub(super) fn changes(old: &Rule, new: &Rule) -> Changes {
    let lists = entries::renamed(old, new);
    let text = between(&remarks::text(old), &remarks::text(new));
    let mut best: Option<(Vec<Change>, Alignment)> = None;
    for steps in align::ways(old, new, &lists) {
        let meaning = of_meaning(old, new, &steps, &lists);
        if best.as_ref().is_none_or(|(known, _)| meaning.len() < known.len()) {
            best = Some((meaning, steps));
        }
    }
    let (meaning, steps) = best.unwrap_or_default();
    Changes { meaning, text, steps }
}

fn of_meaning(old: &Rule, new: &Rule, steps: &Alignment, lists: &ListNames) -> Vec<Change> {
    let none = ListNames::new();
    let after = Reading::new(new, (0..new.chain.steps.len()).collect(), &none);
    let number = |step: usize| {
        let same = steps.iter().position(|known| *known == Some(step));
        same.unwrap_or(new.chain.steps.len() + step)
    };
    let mut before = Reading::new(old, (0..old.chain.steps.len()).map(number).collect(), lists);
    before.follow(&after);
    let [before, after] = [before, after].map(Reading::clauses);
    between(&before, &after)
}

/// A rule as it is read for a comparison.
struct Reading<'r> {
    rule: &'r Rule,
    lists: &'r ListNames,
    /// For each step its number in the new rule.
    numbers: Vec<usize>,
    clauses: Vec<Clause>,
    absent: Vec<Absent>,
}

/// What must not be there.
struct Absent {
    /// Of which step or link.
    anchor: String,
    name: String,
    clauses: Vec<Clause>,
}

impl Absent {
    fn says(&self) -> Vec<(&str, &str)> {
        self.clauses.iter().map(|clause| (clause.key.as_str(), clause.says.as_str())).collect()
    }
}

impl<'r> Reading<'r> {
    fn new(rule: &'r Rule, numbers: Vec<usize>, lists: &'r ListNames) -> Self {
        let mut reading = Self { rule, lists, numbers, clauses: Vec::new(), absent: Vec::new() };
        reading.read();
        reading
    }

    /// Everything that the engine heeds.
    fn read(&mut self) {
        // Taken apart without `..`: a new clause has to be compared as well.
        let Rule { name: _, meta: _, params: _, lists, chain, alert, playbook: _, tests: _, span: _ } =
            self.rule;
        let Chain { total, total_is_explicit: _, scope: _, steps, links, together } = chain;
        self.order(steps, together.as_ref());
        for (index, step) in steps.iter().enumerate() {
            self.step(index, step);
        }
        for (index, link) in links.iter().enumerate() {
            self.link(index, link);
        }
        self.plain("total window", ir::duration(total.seconds));
        let Alert { entities: _, show: _, dedupe } = alert;
        if let Some(ir::Dedupe { window, by }) = dedupe {
            self.plain("dedupe window", ir::duration(window.seconds));
            let text = |of: &dyn Fn(&StepField) -> String| sorted(by.iter().map(of));
            let says = text(&|field| format!("{}.{}", self.number(field.step), field.field.name));
            let shown = text(&|field| format!("{}.{}", self.name(field.step), field.field.name));
            self.add("dedupe keys".to_owned(), "dedupe keys".to_owned(), says, shown);
        }
        for list in lists {
            self.list(list);
        }
    }

    fn add(&mut self, key: String, title: String, says: String, shown: String) {
        self.clauses.push(Clause { key, title, says, shown });
    }

    fn plain(&mut self, title: &str, says: String) {
        self.clauses.push(Clause::plain(title, says));
    }

    fn number(&self, step: usize) -> usize {
        self.numbers.get(step).copied().unwrap_or(step)
    }

    fn name(&self, step: usize) -> &'r str {
        self.rule.chain.steps.get(step).map_or("", |step| step.name.node.as_str())
    }

    fn order(&mut self, steps: &[Step], together: Option<&Together>) {
        let numbers: Vec<_> = (0..steps.len()).map(|step| self.number(step).to_string()).collect();
        let names: Vec<_> = (0..steps.len()).map(|step| self.name(step).to_owned()).collect();
        let Some(Together { keys, span: _ }) = together else {
            let title = "order of steps".to_owned();
            self.add(title.clone(), title, numbers.join(", then "), names.join(", then "));
            return;
        };
        let title = "steps in any order".to_owned();
        self.add(title.clone(), title, sorted(numbers.into_iter()), sorted(names.into_iter()));
        self.plain("keys of all steps", sorted(keys.iter().map(group)));
    }

    fn step(&mut self, index: usize, step: &Step) {
        let Step { name, main, others, absences, repetition, span: _ } = step;
        let (number, name) = (self.number(index).to_string(), &name.node);
        let mut found = of_selection(main, &number, name, self);
        for (place, other) in (2..).zip(others) {
            let of = format!(", alternative {place}");
            found.extend(of_selection(other, &(number.clone() + &of), &format!("{name}{of}"), self));
        }
        self.clauses.extend(found);
        for absence in absences {
            self.absence(absence, &number, name);
        }
        if let Some(Repetition { least, distinct, window, by, by_is_explicit: _, span: _ }) = repetition {
            let what =
                distinct.as_ref().map(|counted| format!(" different {}", group(counted))).unwrap_or_default();
            let by = sorted(by.iter().map(group));
            let text = format!("{least}{what} within {} by {by}", ir::duration(window.seconds));
            let (key, title) = (format!("repetition of {number}"), format!("repetition of {name}"));
            self.add(key, title, text.clone(), text);
        }
    }

    /// `number` and `name` are those of the step, or of the two steps of a link.
    fn absence(&mut self, absence: &Absence, number: &str, name: &str) {
        let Absence { name: called, selections, when, keys, span: _ } = absence;
        let called = called.as_ref().map(|called| called.node.as_str());
        let title = format!("absence of {} at {name}", called.unwrap_or("an earlier record"));
        let place = match when {
            When::Before(window) => format!("within {} before", ir::duration(window.seconds)),
            When::After(window) => format!("within {} after", ir::duration(window.seconds)),
            When::Between => "between".to_owned(),
        };
        let one = |AbsenceKey { of, left, right, case }: &AbsenceKey| {
            let side = if *of == Neighbour::Earlier { "the earlier step's " } else { "" };
            format!("{side}{} {} {}", left.name, words::equal(*case), right.name)
        };
        let says = format!("{place} on {}", sorted(keys.iter().map(one)));
        let mut clauses =
            vec![Clause { key: String::new(), title: title.clone(), shown: says.clone(), says }];
        // The records that `first` asks for are the step's own, which are compared as such.
        if called.is_some() {
            for (place, selection) in selections.iter().enumerate() {
                clauses.extend(of_selection(selection, &place.to_string(), &title, self));
            }
        }
        let name = called.unwrap_or_default().to_owned();
        self.absent.push(Absent { anchor: number.to_owned(), name, clauses });
    }

    fn link(&mut self, index: usize, link: &Link) {
        let Link { gap, keys, comparisons, absences, span: _ } = link;
        let number = format!("{} to {}", self.number(index), self.number(index + 1));
        let name = format!("{} to {}", self.name(index), self.name(index + 1));
        let mut say = |what: &str, says: String| {
            self.add(format!("{what} {number}"), format!("{what} {name}"), says.clone(), says);
        };
        say("window", ir::duration(gap.seconds));
        say("keys", sorted(keys.iter().map(key)));
        if !comparisons.is_empty() {
            let one = |Comparison { left, op, right, span: _ }: &Comparison| {
                format!("{} {} {}", left.name, words::compared(*op), right.name)
            };
            say("comparisons", sorted(comparisons.iter().map(one)));
        }
        for absence in absences {
            self.absence(absence, &number, &name);
        }
    }

    /// An entry is a clause of its own, whatever is said of it beside its value; one that another covers is none.
    fn list(&mut self, list: &List) {
        for (matched, text) in entries::counting(list) {
            let (key, says) = entries::clause(list, self.lists, &matched);
            let (title, _) = entries::clause(list, self.lists, text);
            self.add(key, title, says.to_owned(), says.to_owned());
        }
    }

    /// Puts what must not be there in the order of another rule: equal ones are the same, then those of one name, then
    /// those of one place.
    fn follow(&mut self, other: &Self) {
        let mut free: Vec<Absent> = std::mem::take(&mut self.absent);
        let of_other = other.absent.iter().enumerate();
        let mut places: Vec<(usize, Absent)> = Vec::new();
        for same in [
            (|own: &Absent, other: &Absent| own.says() == other.says()) as fn(&Absent, &Absent) -> bool,
            |own, other| own.name == other.name,
            |_, _| true,
        ] {
            for (place, theirs) in of_other.clone() {
                let is_taken = places.iter().any(|(taken, _)| *taken == place);
                let mut own = free.iter();
                let found = own.position(|own| own.anchor == theirs.anchor && same(own, theirs));
                if let Some(index) = found.filter(|_| !is_taken) {
                    places.push((place, free.remove(index)));
                }
            }
        }
        let more = other.absent.len();
        places.extend(free.into_iter().enumerate().map(|(index, absent)| (more + index, absent)));
        for (place, absent) in places {
            self.clauses.extend(numbered(absent, place));
        }
    }

    fn clauses(mut self) -> Vec<Clause> {
        for (place, absent) in std::mem::take(&mut self.absent).into_iter().enumerate() {
            self.clauses.extend(numbered(absent, place));
        }
        self.clauses
    }
}

fn numbered(absent: Absent, place: usize) -> impl Iterator<Item = Clause> {
    let Absent { anchor, name: _, clauses } = absent;
    clauses
        .into_iter()
        .map(move |clause| Clause { key: format!("absence {place} at {anchor}: {}", clause.key), ..clause })
}

fn of_selection(selection: &Selection, number: &str, name: &str, reading: &Reading<'_>) -> Vec<Clause> {
    // The filter and the exceptions are one condition.
    let Selection { source, renames, filter: _, excepts: _, span: _ } = selection;
    let clause = |what: &str, says: String| Clause {
        key: format!("{what} of {number}"),
        title: format!("{what} of {name}"),
        shown: says.clone(),
        says,
    };
    let mut clauses = vec![clause("source", source.node.clone())];
    if !renames.is_empty() {
        let one = |rename: &ir::Rename| format!("{}: {}", rename.name, rename.of);
        clauses.push(clause("names", sorted(renames.iter().map(one))));
    }
    clauses.push(clause("condition", normal::condition(selection, reading.rule, reading.lists)));
    clauses
}

fn group(GroupField { field, case }: &GroupField) -> String {
    match case {
        Case::Sensitive => field.name.clone(),
        Case::Ignore => format!("{} (ignoring letter case)", field.name),
    }
}

fn key(Key { left, right, case, folds: _, any, from_scope: _ }: &Key) -> String {
    let side = |field: &str, any| if any { format!("any({field})") } else { field.to_owned() };
    if left.name == right.name && *case == Case::Sensitive && !any.of_one() {
        left.name.clone()
    } else {
        let [left, right] = [side(&left.name, any.left), side(&right.name, any.right)];
        format!("{left} {} {right}", words::equal(*case))
    }
}

fn sorted(texts: impl Iterator<Item = String>) -> String {
    let mut texts: Vec<_> = texts.collect();
    texts.sort();
    texts.dedup();
    texts.join(", ")
}

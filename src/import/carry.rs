//! Conditions of another language in the rule language.
//!
//! In: a condition with the names of a target, a source. Out: the condition with canonical fields. What cannot be said
//! is left out such that the condition holds for more events, and reported. Must not know: notations.

use crate::catalog::Source;
use crate::source::Span;

use super::cond::Cond;
use super::expr::{Expr, Leaf, Test};
use super::field::{self, Found, Held, Into};
use super::made::{self, Asked, Instead};
use super::report::{Loss, Report};
use super::test;

/// What a step selects.
#[derive(Debug, Default)]
pub(super) struct Carried {
    pub(super) condition: Option<Cond>,
    pub(super) exceptions: Vec<Cond>,
}

/// The actions that events can have, if the condition tells.
pub(super) type Actions = Option<Vec<String>>;

/// The condition of a step; `keys` are fields that have a value in every record that counts.
pub(super) fn carry(expr: Expr, into: Into<'_>, keys: &[&str], report: &mut Report<'_>) -> Carried {
    let is_nothing = |field: &str, value: &str| is_nothing(into, field, value);
    let parts = expr.simplified(&is_nothing, &|field| is_single(into, field), keys).into_parts();
    let mut carrier = Carrier { into, report, lost: false };
    let actions = carrier.actions(&parts, None);
    let (filters, rest): (Vec<_>, Vec<_>) =
        parts.into_iter().partition(|part| matches!(part, Expr::Except(_)));
    let condition = carrier.all(rest, &actions);
    let mut exceptions = Vec::new();
    let mut conditions: Vec<Cond> = condition.into_iter().collect();
    conditions.extend(carrier.constants(actions.as_ref()));
    for filter in filters {
        let Some(filter) = carrier.node(filter, &actions) else { continue };
        if filter.excludes() {
            exceptions.push(filter.opposite());
        } else {
            conditions.push(filter);
        }
    }
    Carried { condition: Cond::all(conditions), exceptions }
}

/// Whether a text stands for no value.
fn is_nothing(into: Into<'_>, name: &str, value: &str) -> bool {
    if value.is_empty() {
        return true;
    }
    let is_it = |texts: &[String]| texts.iter().any(|text| text == value);
    let held = match field::find(into.source, into.target, name, None) {
        Found::Field(held) => vec![held],
        Found::Several(held) | Found::Made(held) => held,
        Found::Nothing(_) => return false,
    };
    is_it(&into.source.placeholder.0)
        || held.iter().any(|held| {
            let column = held.column.and_then(|column| column.placeholder.as_deref());
            is_it(&held.field.placeholders) || column == Some(value)
        })
}

/// Whether a name is that of something with one value at most.
fn is_single(into: Into<'_>, name: &str) -> bool {
    let one = |held: &Held<'_>| !held.field.many && !held.column.is_some_and(|column| column.multi);
    match field::find(into.source, into.target, name, None) {
        Found::Field(held) => one(&held),
        Found::Made(held) => held.iter().all(one),
        Found::Several(_) | Found::Nothing(_) => false,
    }
}

pub(super) struct Carrier<'c, 'r> {
    pub(super) into: Into<'c>,
    pub(super) report: &'c mut Report<'r>,
    lost: bool,
}

impl<'c> Carrier<'c, '_> {
    pub(super) fn lose(&mut self, loss: &Loss) -> Option<Cond> {
        self.lost = true;
        self.report.left_out(loss);
        None
    }

    fn node(&mut self, expr: Expr, actions: &Actions) -> Option<Cond> {
        match expr {
            // What always holds says nothing; what never does would make a step of no event.
            Expr::Always(true) => None,
            Expr::Always(false) => Some(Cond::test("event.time < \"1970-01-01\"")),
            Expr::Leaf(leaf) => self.leaf(&leaf, actions),
            Expr::All(parts) => {
                let inside = self.actions(&parts, actions.as_ref());
                self.all(parts, &inside)
            }
            Expr::Any(parts) => self.any(parts, actions),
            Expr::Except(inner) => self.node(*inner, actions),
            Expr::Lost(loss) => self.lose(&loss),
        }
    }

    fn all(&mut self, parts: Vec<Expr>, actions: &Actions) -> Option<Cond> {
        let (made, rest) = made::together(self.into, parts, actions.as_ref());
        let lost_before = std::mem::take(&mut self.lost);
        let (mut carried, rest) = self.grouped(rest, true, actions);
        for part in rest {
            let part = self.node(part, actions);
            carried.extend(part);
        }
        carried.extend(made);
        let is_lost = self.lost;
        self.lost |= lost_before;
        // A part of what must not be lost is nothing.
        if is_lost && !self.into.may_widen { None } else { Cond::all(carried) }
    }

    /// One of the parts. If one is lost, so are the others: that one could have been the one.
    fn any(&mut self, parts: Vec<Expr>, actions: &Actions) -> Option<Cond> {
        let (mut carried, rest) = made::instead(self.into, parts, actions.as_ref());
        let place = rest.iter().chain(None).find_map(place);
        let lost_before = std::mem::take(&mut self.lost);
        let (grouped, rest) = self.grouped(rest, false, actions);
        carried.extend(grouped);
        let mut is_whole = true;
        for part in rest {
            let part = self.node(part, actions);
            is_whole &= part.is_some();
            carried.extend(part);
        }
        self.lost |= lost_before;
        if is_whole || !self.into.may_widen {
            return Cond::any(carried);
        }
        if let (Some(span), false) = (place, carried.is_empty()) {
            let why = "with what is left out, the alternatives that `or` joins to it are left out too";
            self.report.left_out(&Loss::new(span, why, "write them once the field of the other is known"));
        }
        None
    }

    /// Tests of one place of which a field is made, as one test of that field where that says just the same.
    fn grouped(&mut self, parts: Vec<Expr>, all: bool, actions: &Actions) -> (Vec<Cond>, Vec<Expr>) {
        let (mut carried, mut rest) = (Vec::new(), parts);
        let names: Vec<String> = rest.iter().filter_map(leaf_of).map(|leaf| leaf.field.clone()).collect();
        for (number, name) in names.iter().enumerate() {
            let is_first = names.iter().position(|other| other == name) == Some(number);
            let is_repeated = names.iter().filter(|other| *other == name).count() > 1;
            if !is_first || !is_repeated {
                continue;
            }
            let found = field::find(self.into.source, self.into.target, name, actions.as_deref());
            let Found::Made(held) = found else { continue };
            let is_it =
                |part: &Expr| leaf_of(part).is_some_and(|leaf| leaf.field == *name && !leaf.is_canonical);
            let leaves: Vec<Leaf> =
                rest.iter().filter(|part| is_it(part)).filter_map(leaf_of).cloned().collect();
            let asked = Asked { leaves: &leaves, all };
            let Ok(Instead { condition, wider: None }) =
                made::alone(self.into, asked, &held, actions.as_ref())
            else {
                continue;
            };
            carried.push(condition);
            rest.retain(|part| !is_it(part));
        }
        (carried, rest)
    }

    /// The actions that all of these parts together admit.
    fn actions(&self, parts: &[Expr], outer: Option<&Vec<String>>) -> Actions {
        let source = self.into.source;
        let stated = parts.iter().filter_map(|part| {
            let Expr::Leaf(Leaf {
                field,
                test: Test::Equal { values, folds },
                negated: false,
                is_canonical,
                ..
            }) = part
            else {
                return None;
            };
            if *is_canonical {
                return (*field == source.discriminator).then_some((values, *folds));
            }
            let Found::Field(held) = field::find(source, self.into.target, field, None) else { return None };
            (held.field.name == source.discriminator).then_some((values, *folds))
        });
        let known = known_actions(source);
        let spelt = |value: &String, folds: bool| {
            let same = known.iter().find(|known| folds && known.eq_ignore_ascii_case(value));
            same.map_or_else(|| value.clone(), |known| (*known).to_owned())
        };
        let mut stated =
            stated.map(|(values, folds)| values.iter().map(|value| spelt(value, folds)).collect());
        stated.next().or_else(|| outer.cloned())
    }

    /// What holds for every event that the other language calls so, and not for every event of the source.
    fn constants(&self, actions: Option<&Vec<String>>) -> Vec<Cond> {
        if actions.is_some() {
            return Vec::new();
        }
        let constant = |held: &crate::catalog::FieldDef| {
            let column = held.columns.get(self.into.target)?;
            let [only] = column.variants() else { return None };
            let [case] = only.cases.as_slice() else { return None };
            let asked = Test::Equal { values: vec![case.value.clone()], folds: false };
            case.when.is_empty().then(|| test::test(held, &asked).ok())?
        };
        self.into.source.fields.values().filter_map(constant).collect()
    }

    fn leaf(&mut self, leaf: &Leaf, actions: &Actions) -> Option<Cond> {
        if leaf.test == Test::Empty && !self.empty(leaf) {
            return None;
        }
        let found = match self.into.source.field(&leaf.field).filter(|_| leaf.is_canonical) {
            Some(field) => Found::Field(Held { field, column: None }),
            None => field::find(self.into.source, self.into.target, &leaf.field, actions.as_deref()),
        };
        match found {
            Found::Field(held) => self.tested(leaf, held, actions),
            Found::Several(held) => {
                if let Some(held) = made::told_apart(leaf, &held) {
                    return self.tested(leaf, held, actions);
                }
                let names: Vec<_> = held.iter().map(|held| format!("`{}`", held.field.name)).collect();
                let why = format!("`{}` can mean {}", leaf.field, names.join(" or "));
                self.lose(&Loss::new(leaf.span, why, "write the test of the one that is meant"))
            }
            Found::Made(held) => match made::alone(
                self.into,
                Asked { leaves: std::slice::from_ref(leaf), all: true },
                &held,
                actions.as_ref(),
            ) {
                Ok(Instead { wider: Some(why), .. }) if !self.into.may_widen => {
                    self.lose(&Loss::new(leaf.span, why, ""))
                }
                Ok(carried) => {
                    if let Some(why) = carried.wider {
                        self.report.inexact(&Loss::new(leaf.span, why, "narrow the condition, or keep it"));
                    }
                    Some(carried.condition)
                }
                Err(why) => self.lose(&Loss::new(leaf.span, why, "")),
            },
            Found::Nothing(near) => {
                let why = format!("{} has no field for `{}`", self.into.source.name, leaf.field);
                let help = match near {
                    Some(near) => format!("if {near} is meant, write the test with it"),
                    None => format!("`catena sources {}` lists its fields", self.into.source.name),
                };
                self.lose(&Loss::new(leaf.span, why, help))
            }
        }
    }

    /// A text that stands for no value, alone: the language does not tell it from a missing field.
    fn empty(&mut self, leaf: &Leaf) -> bool {
        let name = &leaf.field;
        if leaf.negated {
            let why = format!(
                "a missing `{name}` is not an empty one here, and the language has no other empty value"
            );
            let loss = Loss::new(leaf.span, why, "if the field must have a value, write `exists(…)`");
            self.lose(&loss);
            return false;
        }
        let why = format!("an empty `{name}` counts as missing, so an event without it passes as well");
        self.report.inexact(&Loss::new(leaf.span, why, "keep it, or remove it"));
        true
    }

    fn tested(&mut self, leaf: &Leaf, held: Held<'c>, actions: &Actions) -> Option<Cond> {
        let made = if let Test::Field { place, other, folds } = &leaf.test {
            match field::find(self.into.source, self.into.target, other, actions.as_deref()) {
                Found::Field(other) => test::of_field(held.field, *place, other.field, *folds),
                Found::Several(_) | Found::Made(_) | Found::Nothing(_) => {
                    Err(format!("{} has no field for `{other}`", self.into.source.name))
                }
            }
        } else {
            test::test(held.field, &leaf.test)
        };
        let made = match made {
            Ok(made) => made,
            Err(why) => return self.lose(&Loss::new(leaf.span, why, "")),
        };
        let scoped = self.scoped(made, leaf, held, actions)?;
        Some(if leaf.negated { scoped.not() } else { scoped })
    }

    /// The test where the column is that of the field, and what to say where it is not.
    fn scoped(&mut self, made: Cond, leaf: &Leaf, held: Held<'_>, actions: &Actions) -> Option<Cond> {
        let Some(column) = held.column else { return Some(made) };
        let name = &held.field.name;
        if let Some(why) = column.superset.as_ref().or(column.subset.as_ref()) {
            let why = format!("`{}` is not quite `{name}`: {why}", leaf.field);
            self.report.inexact(&Loss::new(leaf.span, why, ""));
        }
        if column.multi {
            let why = format!("`{}` has the values of all items, `{name}` that of one", leaf.field);
            self.report.inexact(&Loss::new(leaf.span, why, ""));
        }
        let is_listed = |action: &String| column.for_actions.contains(action);
        if column.for_actions.is_empty() {
            let others = field::others(self.into.source, held);
            let is_plain = others.is_empty()
                || actions.as_ref().is_some_and(|all| all.iter().all(|one| !others.contains(&one.as_str())));
            if !is_plain {
                let why =
                    format!("`{name}` stands elsewhere than in `{}` for {}", leaf.field, others.join(", "));
                self.report.inexact(&Loss::new(leaf.span, why, ""));
            }
            return Some(made);
        }
        match actions {
            Some(actions) if actions.iter().all(is_listed) => Some(made),
            Some(actions) if !actions.iter().any(is_listed) => {
                let why = format!("events with the action {} have no `{}`", actions.join(", "), leaf.field);
                self.lose(&Loss::new(leaf.span, why, ""))
            }
            Some(_) | None => {
                let discriminator = self.into.source.field(&self.into.source.discriminator)?;
                let asked = Test::Equal { values: column.for_actions.clone(), folds: false };
                Cond::all([test::test(discriminator, &asked).ok()?, made])
            }
        }
    }
}

/// The actions that a source speaks of.
fn known_actions(source: &Source) -> Vec<&str> {
    let columns = source.fields.values().flat_map(|field| field.columns.values());
    let variants = columns.flat_map(crate::catalog::Column::variants);
    let mut known: Vec<&str> = variants.flat_map(|one| one.for_actions.iter().map(String::as_str)).collect();
    known.sort_unstable();
    known.dedup();
    known
}

fn leaf_of(part: &Expr) -> Option<&Leaf> {
    if let Expr::Leaf(leaf) = part { Some(leaf) } else { None }
}

/// Where a condition stands.
pub(super) fn place(expr: &Expr) -> Option<Span> {
    match expr {
        Expr::Always(_) => None,
        Expr::Leaf(leaf) => Some(leaf.span),
        Expr::All(parts) | Expr::Any(parts) => parts.iter().find_map(place),
        Expr::Except(inner) => place(inner),
        Expr::Lost(loss) => Some(loss.span),
    }
}

//! Fields that are made of what the other language asks for: `event.outcome`, of an error code and a message.
//!
//! In: tests of what a column's cases read, alone or beside each other. Out: the test of the canonical field, exact or
//! wider. Must not know: notations.

use crate::catalog::{Case, FieldDef, Mapped};

use super::cond::Cond;
use super::expr::{Expr, Leaf, Test};
use super::field::{self, Held, Into};
use super::test;

/// A test of a field in place of one that cannot be asked.
#[derive(Debug)]
pub(super) struct Instead {
    pub(super) condition: Cond,
    /// In what it is wider, if it is.
    pub(super) wider: Option<String>,
}

/// Tests of one place, of which all must hold, or one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'l> {
    pub(super) leaves: &'l [Leaf],
    pub(super) all: bool,
}

impl Asked<'_> {
    fn field(&self) -> &str {
        self.leaves.first().map_or("", |leaf| leaf.field.as_str())
    }

    /// Whether what stands in the place passes; nothing if it may or may not.
    fn holds(&self, class: Class<'_>, known: &[&str]) -> Option<bool> {
        let mut is_sure = true;
        for leaf in self.leaves {
            match passes(&leaf.test, class, known) {
                Some(passes) if (passes != leaf.negated) != self.all => return Some(!self.all),
                Some(_) => {}
                None => is_sure = false,
            }
        }
        is_sure.then_some(self.all)
    }
}

/// What stands in a place: one of the values that cases name, another one, or nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Class<'c> {
    Value(&'c str),
    Other,
    Nothing,
}

/// The test of one of the fields that are made of what a leaf asks.
///
/// # Errors
/// Why none says it.
pub(super) fn alone(
    into: Into<'_>,
    asked: Asked<'_>,
    held: &[Held<'_>],
    actions: Option<&Vec<String>>,
) -> Result<Instead, String> {
    let mut best: Option<Instead> = None;
    let mut candidates: Vec<&Held<'_>> = held.iter().filter(|held| is_possible(held, actions)).collect();
    // What tells events apart is the last to be tested for something else.
    candidates.sort_by_key(|held| held.field.name == into.source.discriminator);
    for held in candidates {
        let Some(found) = of_field(into, asked, *held, actions) else { continue };
        if best.as_ref().is_none_or(|best| best.wider.is_some() && found.wider.is_none()) {
            best = Some(found);
        }
    }
    best.ok_or_else(|| {
        let mut names: Vec<_> = held.iter().map(|held| format!("`{}`", held.field.name)).collect();
        names.dedup();
        let name = asked.field();
        format!("{} of {} does not tell this of `{name}`", names.join(" or "), into.source.name)
    })
}

/// Whether events with these actions have the field from this column.
fn is_possible(held: &Held<'_>, actions: Option<&Vec<String>>) -> bool {
    let (Some(column), Some(actions)) = (held.column, actions) else { return true };
    if column.for_actions.is_empty() {
        let others = siblings(held).filter(|other| !other.for_actions.is_empty());
        let listed: Vec<&String> = others.flat_map(|other| &other.for_actions).collect();
        return actions.iter().any(|action| !listed.contains(&action));
    }
    actions.iter().any(|action| column.for_actions.contains(action))
}

fn siblings<'h>(held: &'h Held<'_>) -> impl Iterator<Item = &'h Mapped> {
    let of = held.field.columns.values().map(crate::catalog::Column::variants);
    of.filter(|all| held.column.is_some_and(|column| all.contains(column))).flatten()
}

fn of_field(
    into: Into<'_>,
    asked: Asked<'_>,
    held: Held<'_>,
    actions: Option<&Vec<String>>,
) -> Option<Instead> {
    let column = held.column?;
    let cases = column.cases();
    let key = |case: &Case| case.when.keys().all(|key| key.eq_ignore_ascii_case(asked.field()));
    let made = if cases.iter().all(key) {
        by_classes(asked, held.field, &cases)
    } else {
        let [leaf] = asked.leaves else { return None };
        by_presence(leaf, held.field, &cases)
    }?;
    // The place is one of events with these actions only.
    let is_settled = actions.is_some_and(|all| all.iter().all(|action| column.for_actions.contains(action)));
    if column.for_actions.is_empty() || is_settled {
        return Some(made);
    }
    let discriminator = into.source.field(&into.source.discriminator)?;
    let listed = Test::Equal { values: column.for_actions.clone(), folds: false };
    let scope = test::test(discriminator, &listed).ok()?;
    // Other events have nothing there.
    let condition = if asked.holds(Class::Nothing, &[]) == Some(true) {
        Cond::any([scope.not(), made.condition])?
    } else {
        Cond::all([scope, made.condition])?
    };
    Some(Instead { condition, wider: made.wider })
}

/// Of a field whose value follows from what one place has.
fn by_classes(asked: Asked<'_>, field: &FieldDef, cases: &[Case]) -> Option<Instead> {
    let stated = cases.iter().flat_map(|case| case.when.values()).flatten();
    // An impossible value stands for "missing".
    let mut classes: Vec<Class<'_>> = stated.map(|value| Class::Value(value.as_str())).collect();
    classes.extend([Class::Other, Class::Nothing]);
    let known: Vec<&str> =
        cases.iter().flat_map(|case| case.when.values()).flatten().map(String::as_str).collect();
    let holds = |class: Class<'_>| asked.holds(class, &known);
    let value_of = |class: Class<'_>| {
        let fits = |case: &&Case| case.when.values().all(|wanted| is_class(class, wanted.as_deref()));
        cases.iter().find(fits).map(|case| case.value.as_str()).filter(|value| !value.is_empty())
    };
    let (mut wanted, mut unsure, mut missing) = (Vec::new(), false, false);
    let mut is_unknown = false;
    for class in &classes {
        let passes = holds(*class);
        unsure |= passes.is_none();
        if passes == Some(false) {
            continue;
        }
        match value_of(*class) {
            Some(value) if !wanted.contains(&value) => wanted.push(value),
            Some(_) => {}
            // Another value than those that the field knows is no value of it.
            None if passes.is_none() => is_unknown = true,
            None => missing = true,
        }
    }
    let spills = classes.iter().any(|class| {
        holds(*class) == Some(false) && value_of(*class).is_some_and(|value| wanted.contains(&value))
    });
    if wanted.is_empty() && !missing {
        return None;
    }
    let name = asked.field();
    let wider = if is_unknown {
        Some(format!("`{}` has no value for another `{name}` than those that its source names", field.name))
    } else if unsure || spills {
        Some(format!("`{}` is {} for other values of `{name}` too", field.name, wanted.join(" or ")))
    } else {
        None
    };
    let values: Vec<String> = wanted.iter().map(|value| (*value).to_owned()).collect();
    let tested =
        (!values.is_empty()).then(|| test::test(field, &Test::Equal { values, folds: false }).ok()).flatten();
    let condition = Cond::any(tested.into_iter().chain(missing.then(|| test::exists(field).not())))?;
    Some(Instead { condition, wider })
}

fn is_class(class: Class<'_>, wanted: Option<&str>) -> bool {
    match (class, wanted) {
        (Class::Nothing, None) => true,
        (Class::Value(value), Some(wanted)) => value == wanted,
        (Class::Value(_) | Class::Other, None) | (Class::Other | Class::Nothing, Some(_)) => false,
    }
}

/// Whether what stands in a place passes; nothing if it may or may not.
fn passes(asked: &Test, class: Class<'_>, known: &[&str]) -> Option<bool> {
    match (asked, class) {
        (Test::Missing | Test::Empty, class) => Some(class == Class::Nothing),
        (Test::Equal { values, folds }, Class::Value(known)) => {
            Some(values.iter().any(|value| is_same(value, known, *folds)))
        }
        (_, Class::Nothing) => Some(false),
        // Another value is none of those that are asked for, if the field knows them all.
        (Test::Equal { values, folds }, Class::Other)
            if values.iter().all(|value| known.iter().any(|known| is_same(value, known, *folds))) =>
        {
            Some(false)
        }
        (
            Test::Equal { .. }
            | Test::Like { .. }
            | Test::Text { .. }
            | Test::Regex(_)
            | Test::Network(_)
            | Test::Order { .. }
            | Test::Field { .. },
            Class::Value(_) | Class::Other,
        ) => None,
    }
}

fn is_same(value: &str, known: &str, folds: bool) -> bool {
    value == known || (folds && value.eq_ignore_ascii_case(known))
}

/// Of a field that is made of several places: what a value in one of them tells of it.
fn by_presence(leaf: &Leaf, field: &FieldDef, cases: &[Case]) -> Option<Instead> {
    let has_value = leaf.is_of_value() != leaf.negated || (leaf.negated && !leaf.is_of_value());
    if !has_value || (leaf.is_of_value() && leaf.negated) {
        return None;
    }
    let mut wanted: Vec<String> = Vec::new();
    for case in cases {
        let forbids =
            case.when.iter().any(|(key, value)| key.eq_ignore_ascii_case(&leaf.field) && value.is_none());
        if !forbids && !wanted.contains(&case.value) {
            wanted.push(case.value.clone());
        }
    }
    let all: Vec<&String> = cases.iter().map(|case| &case.value).collect();
    if all.iter().all(|value| wanted.contains(value)) {
        return None;
    }
    let wider =
        format!("`{}` is {} for other reasons than `{}` too", field.name, wanted.join(" or "), leaf.field);
    let condition = test::test(field, &Test::Equal { values: wanted, folds: false }).ok()?;
    Some(Instead { condition, wider: Some(wider) })
}

/// The tests of fields that several of the parts make together, and the parts that are left.
pub(super) fn together(
    into: Into<'_>,
    parts: Vec<Expr>,
    actions: Option<&Vec<String>>,
) -> (Vec<Cond>, Vec<Expr>) {
    several(into, parts, actions, false)
}

/// The same of parts of which one must hold: what they say is that the field has another value.
pub(super) fn instead(
    into: Into<'_>,
    parts: Vec<Expr>,
    actions: Option<&Vec<String>>,
) -> (Vec<Cond>, Vec<Expr>) {
    several(into, parts, actions, true)
}

fn several(
    into: Into<'_>,
    mut parts: Vec<Expr>,
    actions: Option<&Vec<String>>,
    negated: bool,
) -> (Vec<Cond>, Vec<Expr>) {
    let mut carried = Vec::new();
    for field in into.source.fields.values() {
        let variants =
            field.columns.get(into.target).map(crate::catalog::Column::variants).unwrap_or_default();
        for column in
            variants.iter().filter(|column| is_possible(&Held { field, column: Some(column) }, actions))
        {
            let Some(case) = column.cases.first().filter(|case| case.when.len() > 1) else { continue };
            let says = |part: &Expr, (name, value): (&String, &Option<String>)| {
                matches!(part, Expr::Leaf(leaf) if leaf.negated == negated
                    && leaf.field.eq_ignore_ascii_case(name) && asks(&leaf.test, value.as_deref()))
            };
            if !case.when.iter().all(|wanted| parts.iter().any(|part| says(part, wanted))) {
                continue;
            }
            let Some(test) = of_case(field, column, case, negated) else { continue };
            parts.retain(|part| !case.when.iter().any(|wanted| says(part, wanted)));
            carried.push(test);
        }
    }
    (carried, parts)
}

fn asks(asked: &Test, wanted: Option<&str>) -> bool {
    match (asked, wanted) {
        (Test::Missing, None) => true,
        (Test::Equal { values, .. }, Some(wanted)) => {
            matches!(values.as_slice(), [only] if only.eq_ignore_ascii_case(wanted))
        }
        (
            Test::Missing
            | Test::Empty
            | Test::Equal { .. }
            | Test::Like { .. }
            | Test::Text { .. }
            | Test::Regex(_)
            | Test::Network(_)
            | Test::Order { .. }
            | Test::Field { .. },
            None | Some(_),
        ) => false,
    }
}

/// That the first case holds, or does not.
fn of_case(field: &FieldDef, column: &Mapped, case: &Case, negated: bool) -> Option<Cond> {
    let value = match (negated, column.cases.as_slice()) {
        (true, [_, other]) if other.when.is_empty() => &other.value,
        _ => &case.value,
    };
    let test = test::test(field, &Test::Equal { values: vec![value.clone()], folds: false }).ok()?;
    Some(if negated && value == &case.value { test.not() } else { test })
}

/// The one of several fields that a value can be of: by how its values begin.
pub(super) fn told_apart<'s>(leaf: &Leaf, held: &[Held<'s>]) -> Option<Held<'s>> {
    let Test::Equal { values, .. } = &leaf.test else { return None };
    let begins = |held: &&Held<'s>| {
        let prefix =
            held.column.and_then(|column| column.single.as_ref()).map(|single| single.prefix.as_str());
        prefix.is_some_and(|prefix| values.iter().all(|value| value.starts_with(prefix)))
    };
    held.iter().find(begins).copied()
}

/// The field that both sides of a link have, where a name can mean several.
pub(super) fn shared<'s>(into: Into<'s>, name: &str, other: Option<&str>) -> Result<&'s FieldDef, String> {
    joining(into, name, other).map(|held| held.field)
}

/// The same, with the column that has it.
pub(super) fn joining<'s>(into: Into<'s>, name: &str, other: Option<&str>) -> Result<Held<'s>, String> {
    match field::find(into.source, into.target, name, None) {
        field::Found::Field(held) => Ok(held),
        field::Found::Several(held) => {
            let same = held.iter().find(|held| Some(held.field.name.as_str()) == other);
            // Else the only one whose name ends as that of the other.
            let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
            let mut alike = held.iter().filter(|held| other.map(last) == Some(last(&held.field.name)));
            let only = alike.next().filter(|_| alike.next().is_none());
            let names: Vec<_> = held.iter().map(|held| format!("`{}`", held.field.name)).collect();
            same.or(only).copied().ok_or_else(|| format!("`{name}` can mean {}", names.join(" or ")))
        }
        field::Found::Made(_) | field::Found::Nothing(None) => {
            Err(format!("{} has no field for `{name}`", into.source.name))
        }
        field::Found::Nothing(Some(near)) => {
            Err(format!("{} has no field for `{name}`; {near} is near", into.source.name))
        }
    }
}

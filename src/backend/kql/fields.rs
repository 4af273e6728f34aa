//! How a step reads its fields: as columns of the table, by an expression on the spot, or by one that gets a name
//! first.
//!
//! In: the fields of a bound step. Out: text for whoever prints a test or an output, and the named expressions.
//! Must not know: how a test is printed, joins, what the source files state.

use super::Kql;
use super::check::{Check, one_of};
use super::column::{Column, Reach, cast};
use super::literal::{self, Frag};
use crate::backend::bind::{self, BoundField, BoundSelection, BoundTest};
use crate::backend::truth::{Truth, unique};
use crate::ir::{self, TestKind, Type};

/// A field of a step.
pub(super) type Field<'a> = bind::BoundField<'a, Column>;

/// What is read: records of a selection, under the name of a step or of what must not be there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'b, 'a> {
    /// That name.
    pub(super) name: &'b str,
    /// The selection.
    pub(super) selection: &'b BoundSelection<'a, Kql>,
    /// Selections of the same source that come before it: what satisfies one of them is none of its records.
    pub(super) before: &'b [&'b BoundSelection<'a, Kql>],
    /// The keys for which its records are tested, by itself or by what equals them.
    pub(super) keys: &'b [&'b Field<'a>],
    /// What it passes on as it is, each under the name of a column.
    pub(super) passed: &'b [(String, &'b Field<'a>)],
}

impl Reading<'_, '_> {
    /// The name of a field of it.
    pub(super) fn column_name(&self, field: &str) -> String {
        ir::column_name(self.name, field)
    }

    /// Whether records are tested for the field. By its columns, for a field that an alternative renames bears the name
    /// of another one.
    fn is_tested(&self, field: &Field<'_>) -> bool {
        let reads = |key: &Field<'_>, column: *const Column| {
            key.ways.iter().any(|way| std::ptr::eq(std::ptr::from_ref(way.column), column))
        };
        self.keys.iter().any(|key| field.ways.iter().any(|way| reads(key, std::ptr::from_ref(way.column))))
    }
}

/// An expression under a name.
#[derive(Debug, Clone)]
pub(super) struct Named {
    /// Its name, the one under which the step passes the field on.
    pub(super) name: Frag,
    /// The expression.
    pub(super) value: Frag,
    /// From where on it can stand.
    pub(super) stage: Stage,
    /// Whether the step passes it on.
    pub(super) passed_on: bool,
}

/// Where a text can stand in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Site {
    /// From where on.
    pub(super) stage: Stage,
    /// Whether it reads nothing but what the step passes on under a name.
    pub(super) by_name: bool,
}

/// From where on a text can be evaluated in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Stage {
    /// It reads the table alone.
    Table,
    /// It reads a named expression over the table.
    Named,
    /// It reads how many values of a field pass a test.
    Values,
    /// It reads an item of the repeated group.
    Item,
}

/// The fields of what is read.
pub(super) struct Fields<'b, 'a> {
    reading: Reading<'b, 'a>,
    named: Vec<Named>,
    /// What is counted of the values of fields that can have several, each list once.
    counted: Vec<Counted>,
    /// By group.
    reach: Vec<Reach>,
    site: Site,
}

/// What is counted of the values of a list.
#[derive(Debug)]
struct Counted {
    stage: Stage,
    list: Frag,
    /// The columns of the counts, and what each value is asked.
    counts: Vec<(Frag, Frag)>,
}

/// Nothing has been read.
const NOWHERE: Site = Site { stage: Stage::Table, by_name: true };

impl Named {
    /// The name with the expression.
    pub(super) fn assigned(&self) -> Frag {
        literal::assign(&self.name, &self.value)
    }
}

impl<'b, 'a> Fields<'b, 'a> {
    /// The fields of what is read. `keys` are those of its keys that it tests by itself.
    pub(super) fn new(reading: Reading<'b, 'a>, keys: &[&Field<'a>]) -> Self {
        let mut fields =
            Self { reading, named: Vec::new(), counted: Vec::new(), reach: Vec::new(), site: NOWHERE };
        fields.named = fields.worth_a_name(keys);
        fields
    }

    /// The expressions that tests read and that the step passes on, or that several tests read: what is only passed on
    /// is calculated for the few rows that are left, and a short test of a stored column needs no name.
    fn worth_a_name(&self, keys: &[&Field<'a>]) -> Vec<Named> {
        let Reading { selection, before, passed, .. } = self.reading;
        let conditions = std::iter::once(&selection).chain(before).map(|selection| &selection.condition);
        let tests = conditions.flat_map(Truth::tests).flat_map(|(test, _)| test_reads(test));
        let reads = tests.chain(keys.iter().map(|key| (*key, true)));
        let mut found: Vec<(Named, usize)> = Vec::new();
        for (field, cleaned) in reads {
            let Some(value) = self.expression(field, cleaned) else { continue };
            let name = literal::name(&self.reading.column_name(field.name));
            if let Some((known, uses)) = found.iter_mut().find(|(known, _)| known.name == name) {
                *uses += usize::from(known.value == value);
                continue;
            }
            let stage = if reach(field) == Reach::Event { Stage::Named } else { Stage::Item };
            // A test of an address reads it several times.
            let uses = if field.ty == Type::Ip { 2 } else { 1 };
            found.push((Named { name, value, stage, passed_on: false }, uses));
        }
        let passed_on = |named: &Named| {
            let output = passed.iter().find(|(column, _)| column == named.name.text());
            output.is_some_and(|(_, field)| self.expression(field, true).as_ref() == Some(&named.value))
        };
        let found = found.into_iter().map(|(named, uses)| {
            let passed_on = passed_on(&named);
            (Named { passed_on, ..named }, uses)
        });
        found.filter(|(named, uses)| *uses > 1 || named.passed_on).map(|(named, _)| named).collect()
    }

    /// The field as the language means it: empty or null exactly when it is missing (an address may be any text).
    pub(super) fn value(&mut self, field: &Field<'_>) -> Frag {
        self.read(field, true)
    }

    /// The field as the table stores it, for tests that no text for "no value" can pass.
    pub(super) fn stored(&mut self, field: &Field<'_>) -> Frag {
        self.read(field, false)
    }

    fn read(&mut self, field: &Field<'_>, cleaned: bool) -> Frag {
        let reach = reach(field);
        field.ways.iter().for_each(|way| self.reaches(way.column));
        let value = self.expression(field, cleaned);
        let named = value.as_ref().and_then(|value| self.named.iter().find(|named| named.value == *value));
        let own = if reach > Reach::Event { Stage::Item } else { Stage::Table };
        let stage = named.map_or(own, |named| named.stage);
        let by_name = self.site.by_name && named.is_some_and(|named| named.passed_on);
        self.site = Site { stage: self.site.stage.max(stage), by_name };
        let name = named.map(|named| named.name.clone());
        // A field has a way at least; the constant only completes the match.
        name.or(value).or_else(|| plain(field)).unwrap_or_else(|| literal::truth(false))
    }

    /// For a test that reads stored columns in place of the field's value: the column of the action.
    pub(super) fn stored_columns(&mut self, field: &Field<'_>) -> Option<Frag> {
        field.ways.iter().for_each(|way| self.reaches(way.column));
        let stage = if reach(field) > Reach::Event { Stage::Item } else { Stage::Table };
        self.site = Site { stage: self.site.stage.max(stage), by_name: false };
        self.action()
    }

    fn reaches(&mut self, column: &Column) {
        let Column { reach, group, .. } = column;
        if *reach == Reach::Event {
            return;
        }
        if self.reach.len() <= *group {
            self.reach.resize(*group + 1, Reach::Event);
        }
        self.reach.get_mut(*group).into_iter().for_each(|known| *known = (*known).max(*reach));
    }

    /// The list of a field that can have several values.
    pub(super) fn list(&mut self, field: &Field<'_>) -> Frag {
        field.ways.iter().for_each(|way| self.reaches(way.column));
        self.by_action(field)
    }

    /// The column of how many values of a list pass a test.
    pub(super) fn count(&mut self, column: &Column, test: Frag) -> Frag {
        self.reaches(column);
        let stage = if column.reach > Reach::Event { Stage::Item } else { Stage::Values };
        self.site = Site { stage: self.site.stage.max(stage), by_name: false };
        let known = self.counted.iter().map(|counted| counted.counts.len()).sum::<usize>();
        let list = self.counted.iter_mut().find(|counted| counted.list == column.value);
        if let Some((name, _)) =
            list.as_ref().and_then(|list| list.counts.iter().find(|(_, other)| *other == test))
        {
            return name.clone();
        }
        let name = literal::helper("values", u64::try_from(known).unwrap_or(0) + 1);
        let counts = vec![(name.clone(), test)];
        match list {
            Some(list) => list.counts.extend(counts),
            None => self.counted.push(Counted { stage, list: column.value.clone(), counts }),
        }
        name
    }

    /// The operators that count values in a stage.
    pub(super) fn counting(&self, stage: Stage) -> impl Iterator<Item = Frag> {
        let of_stage = self.counted.iter().filter(move |counted| counted.stage == stage);
        of_stage.map(|counted| literal::count_values(&counted.list, &counted.counts))
    }

    /// Where all that was read since the last call can stand.
    pub(super) fn take_site(&mut self) -> Site {
        std::mem::replace(&mut self.site, NOWHERE)
    }

    /// The named expressions of a stage, in order of first use.
    pub(super) fn named(&self, stage: Stage) -> impl Iterator<Item = &Named> {
        self.named.iter().filter(move |named| named.stage == stage)
    }

    /// How deep into a repeated group anything looks that was read.
    pub(super) fn reach(&self, group: usize) -> Reach {
        self.reach.get(group).copied().unwrap_or(Reach::Event)
    }

    /// The column of the action, if it decides how fields are read.
    pub(super) fn action(&self) -> Option<Frag> {
        let Reading { selection, before, .. } = self.reading;
        let mut actions = std::iter::once(&selection).chain(before).filter_map(|one| one.action.as_ref());
        let only = actions.next().and_then(BoundField::only);
        only.map(|way| way.column.value.clone())
    }

    /// What reads the field, unless it is a column of the table as it stands; `cleaned` of the texts for "no value".
    fn expression(&self, field: &Field<'_>, cleaned: bool) -> Option<Frag> {
        // A key is tested for them before anything else reads it.
        let absent = if cleaned && !self.reading.is_tested(field) { absent(field) } else { Vec::new() };
        let column = plain(field);
        if absent.is_empty() && column.is_some() {
            return None;
        }
        let absent = if column.is_none() { self::absent(field) } else { absent };
        let value = column.unwrap_or_else(|| self.by_action(field));
        Some(absent.iter().fold(value, |value, text| without(&value, text)))
    }

    /// The value by the way that the action asks for.
    fn by_action(&self, field: &Field<'_>) -> Frag {
        // A bound field has a way at least; the constant only completes the match.
        let Some((last, others)) = field.ways.split_last() else { return literal::truth(false) };
        let Some(action) = self.action().filter(|_| !others.is_empty()) else {
            return last.column.value.clone();
        };
        let mut arguments = Vec::new();
        for way in others {
            arguments.push(literal::one_of(&action, &texts(way.actions), false));
            arguments.push(branch(way.column, field.ty));
        }
        arguments.push(branch(last.column, field.ty));
        literal::call(if others.len() == 1 { "iff" } else { "case" }, &arguments)
    }
}

/// The fields that a test reads, each with whether it takes a text for "no value" for one.
fn test_reads<'t, 'a>(test: &'t BoundTest<'a, Kql>) -> impl Iterator<Item = (&'t Field<'a>, bool)> {
    let has_several = matches!(test.test.kind, TestKind::Values(_));
    let field = (!asks_as_stored(test) && !has_several).then_some((&test.field, is_fooled(test)));
    field.into_iter().chain(test.other.as_ref().map(|other| (other, true)))
}

/// Whether a text for "no value" in the column could pass the test; a regular expression always sees the column as the
/// language means it.
pub(super) fn is_fooled(test: &BoundTest<'_, Kql>) -> bool {
    let is_regex = matches!(test.test.kind, TestKind::Matches { .. });
    absent(&test.field).iter().any(|text| is_regex || test.could_pass(text))
}

/// Whether the test asks for values which stored columns answer without the field's own: by the cases of a field with a
/// few values, or by the number of which it is the text.
pub(super) fn asks_as_stored(test: &BoundTest<'_, Kql>) -> bool {
    matches!(test.test.kind, TestKind::Equals { .. })
        && test.field.ways.iter().all(|way| !way.column.cases.is_empty() || way.column.number.is_some())
}

/// A test of the way to read a field that the action asks for.
pub(super) fn by_way<'w>(
    field: &'w Field<'_>,
    action: Option<Frag>,
    test: &mut impl FnMut(&'w bind::Way<'_, Column>) -> Check,
) -> Check {
    let Some((last, others)) = field.ways.split_last() else { return Truth::Always(false) };
    let Some(action) = action.filter(|_| !others.is_empty()) else { return test(last) };
    let named: Vec<_> = others.iter().flat_map(|way| texts(way.actions)).collect();
    let ways: Vec<_> =
        others.iter().map(|way| Truth::all([one_of(&action, &texts(way.actions)), test(way)])).collect();
    let rest = Truth::all([one_of(&action, &unique(named)).not(), test(last)]);
    Truth::any(ways.into_iter().chain([rest]))
}

/// How deep into the repeated group the field looks, whatever the action.
pub(super) fn reach(field: &Field<'_>) -> Reach {
    field.ways.iter().map(|way| way.column.reach).fold(Reach::Event, Reach::max)
}

/// The texts for "no value" that the field's columns may hold. Only texts can be told from one by their value alone; as
/// a number or an address it does not parse.
pub(super) fn absent<'a>(field: &Field<'a>) -> Vec<&'a str> {
    if field.ty != Type::String {
        return Vec::new();
    }
    let held = |way: &bind::Way<'a, Column>| {
        let (column, placeholders) = (way.column, way.placeholders);
        placeholders.iter().map(String::as_str).filter(|text| column.can_be(text))
    };
    unique(field.ways.iter().flat_map(held).collect())
}

/// Names of actions, printed.
pub(super) fn texts(actions: &[String]) -> Vec<Frag> {
    actions.iter().map(|text| literal::string(text)).collect()
}

/// The column, if the field is just that.
pub(super) fn plain(field: &Field<'_>) -> Option<Frag> {
    field.only().filter(|way| way.column.plain).map(|way| way.column.value.clone())
}

/// One way of several: all must have one type, and tables store numbers in several.
fn branch(column: &Column, ty: Type) -> Frag {
    let number = matches!(ty, Type::Int | Type::Float);
    if number && column.as_stored { cast(&column.value, ty) } else { column.value.clone() }
}

/// The text, or nothing where it is the placeholder.
fn without(value: &Frag, placeholder: &str) -> Frag {
    let is_placeholder = literal::binary(value, "==", &literal::string(placeholder));
    // Kusto's strings are never null: the empty string is its missing text.
    literal::call("iff", [&is_placeholder, &literal::string(""), value])
}

//! The fields of a step: each that it uses as a clean column `chain_f_<field>`, of the right type or missing.
//!
//! In: the fields of a bound step. Out: `spath` commands and assignments, by the phase of the branch in which they run.
//! Must not know: predicates, chains, what the source files state.

use super::check::{all, any};
use super::column::{self, Column, Read, Stage, spath};
use super::literal::{self, Frag, Refusal, spl};
use super::records::{self, Records};
use super::{Spl, refuse, regex, shown_of};
use crate::backend::Report;
use crate::backend::bind::{self, BoundStep, BoundTest, Output};
use crate::backend::truth::Truth;
use crate::catalog::Stored;
use crate::ir::{TestKind, Type};

type Field<'a> = bind::BoundField<'a, Column>;

/// When a command of a branch runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Before the tests of the event.
    Tests,
    /// After them, while the raw event is there.
    Rest,
    /// After the group has been expanded.
    Item,
    /// After the group inside the item has been expanded.
    Inner,
}

/// The columns of one step.
#[derive(Debug, Default)]
pub(super) struct Columns {
    /// Commands that read paths, each once.
    paths: Vec<(Phase, Frag)>,
    assignments: Vec<(Phase, Frag)>,
    /// How deep they look, by group.
    stages: Vec<Stage>,
    /// Columns made before the expansion that are needed after it; some more than once.
    pub(super) kept: Vec<Frag>,
}

impl Columns {
    /// Every field that the step reads or hands on. What cannot be written goes to the report.
    pub(super) fn of(records: &Records<'_, '_>, report: &mut Report) -> Self {
        Self::of_all(std::slice::from_ref(records), report)
    }

    /// The same of records that share a search, so all are of one source.
    pub(super) fn of_all(records: &[Records<'_, '_>], report: &mut Report) -> Self {
        let mut columns = Self::default();
        let action = records.first().map_or("", |first| &first.selection.source.discriminator);
        for used in used(records) {
            if let Err(reason) = columns.add(action, &used) {
                refuse(used.field.span, reason, report);
            }
        }
        columns
    }

    /// How deep into a group any of the columns looks.
    pub(super) fn stage(&self, group: usize) -> Stage {
        self.stages.get(group).copied().unwrap_or(Stage::Event)
    }

    fn reach(&mut self, group: usize, stage: Stage) {
        if self.stages.len() <= group {
            self.stages.resize(group + 1, Stage::Event);
        }
        self.stages.get_mut(group).into_iter().for_each(|known| *known = (*known).max(stage));
    }

    /// The commands that read paths in a phase.
    pub(super) fn paths(&self, phase: Phase) -> impl Iterator<Item = Frag> {
        self.paths.iter().filter(move |(of, _)| *of == phase).map(|(_, command)| command.clone())
    }

    /// What is assigned in a phase.
    pub(super) fn assignments(&self, phase: Phase) -> impl Iterator<Item = Frag> {
        self.assignments.iter().filter(move |(of, _)| *of == phase).map(|(_, assignment)| assignment.clone())
    }

    fn add(&mut self, action: &str, used: &Used<'_, '_>) -> Result<(), Refusal> {
        let field = used.field;
        let name = used.column.clone();
        let phase = match stage_of(field) {
            Stage::Event if used.tested => Phase::Tests,
            Stage::Event => Phase::Rest,
            Stage::Item => Phase::Item,
            Stage::Inner => Phase::Inner,
        };
        let mut values = Vec::with_capacity(1);
        for (number, way) in (0..).zip(&field.ways) {
            let number = literal::number(number);
            let own =
                if field.only().is_some() { name.clone() } else { spl!("{name}_{number}", name, number) };
            values.push(self.read(way.column, own, phase));
        }
        if used.kept && phase <= Phase::Rest {
            self.kept.push(name.clone());
        }
        let mut raw = choose(action, field, values, used.cleaned)?;
        if used.cleaned == Cleaned::Each {
            self.assign(phase, &name, raw.tested());
            return Ok(());
        }
        if let Raw::Expression(text) = &raw {
            // Evaluated once, into the column: cleaning names its operand several times. Later assignments of one
            // `eval` see earlier ones.
            self.assign(phase, &name, text);
            // Such an expression of a source file gives one of the field's values, or an instant.
            if field.ty == Type::Time || field.ways.iter().any(|way| way.column.listed) {
                return Ok(());
            }
            raw = Raw::Made(name.clone());
        }
        self.assign(phase, &name, &clean(field, used.cleaned, &raw)?);
        Ok(())
    }

    fn assign(&mut self, phase: Phase, name: &Frag, value: &Frag) {
        if name != value {
            self.assignments.push((phase, literal::assign(name, value)));
        }
    }

    /// Makes one way to read a field usable in a phase; `own` is the name of a column for it.
    fn read(&mut self, column: &Column, own: Frag, phase: Phase) -> Raw {
        let of_event = phase.min(Phase::Rest);
        column.needs.iter().for_each(|command| self.run(of_event, command.clone()));
        let raw = match &column.read {
            Read::Field(name) => Raw::Field(name.clone()),
            Read::Expression(text) => Raw::Expression(text.clone()),
            Read::Path(Stage::Event, _, path) => {
                self.run(of_event, spath(&own, path));
                Raw::Made(own.clone())
            }
            Read::Path(Stage::Item, group, path) => {
                let item = column::item(*group);
                self.reach(*group, Stage::Item);
                self.run(Phase::Item, spl!("spath input={item} output={own} path={path}", item, own, path));
                Raw::Made(own.clone())
            }
            Read::Path(Stage::Inner, group, path) => {
                let inner = column::inner(*group);
                self.reach(*group, Stage::Inner);
                self.run(
                    Phase::Inner,
                    spl!("spath input={inner} output={own} path={path}", inner, own, path),
                );
                Raw::Made(own.clone())
            }
        };
        if column.read.stage() == Stage::Event && phase > Phase::Rest { self.keep(&raw, own) } else { raw }
    }

    /// A value of the event that is read after the expansion must be a column of our own by then.
    fn keep(&mut self, raw: &Raw, own: Frag) -> Raw {
        self.kept.push(own.clone());
        self.assign(Phase::Rest, &own, raw.tested());
        Raw::Made(own)
    }

    fn run(&mut self, phase: Phase, command: Frag) {
        match self.paths.iter_mut().find(|(_, known)| *known == command) {
            Some((known, _)) => *known = phase.min(*known),
            None => self.paths.push((phase, command)),
        }
    }
}

/// At which stage a field can be read.
fn stage_of(field: &Field<'_>) -> Stage {
    field.ways.iter().map(|way| way.column.read.stage()).max().unwrap_or(Stage::Event)
}

/// Whether a part of a step's condition reads items of the group.
pub(super) fn tests_items(part: &Truth<BoundTest<'_, Spl>>) -> bool {
    part.tests()
        .into_iter()
        .any(|(bound, _)| std::iter::once(&bound.field).chain(&bound.other).any(reads_items))
}

/// Whether a field is one of the group's.
pub(super) fn reads_items(field: &Field<'_>) -> bool {
    stage_of(field) > Stage::Event
}

/// A field of a step.
struct Used<'b, 'a> {
    field: &'b Field<'a>,
    /// The column that holds it.
    column: Frag,
    /// How its values are cleaned.
    cleaned: Cleaned,
    /// Whether a test of the event reads it.
    tested: bool,
    /// Whether it is needed after the tests of the event.
    kept: bool,
}

/// How a value is cleaned before it is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cleaned {
    /// Not at all: there can be several, and each is looked at where it is tested.
    Each,
    /// To one of the field's type, or nothing; an address may be any text.
    Value,
    /// An address to one, or nothing.
    Address,
}

impl Cleaned {
    /// Of one value; `checked` says whether it matters that an address is one.
    fn one(checked: bool) -> Self {
        if checked { Self::Address } else { Self::Value }
    }
}

impl<'b, 'a> Used<'b, 'a> {
    /// A field of the condition.
    fn of(field: &'b Field<'a>) -> Self {
        let column = literal::field(field.name);
        Self { field, column, cleaned: Cleaned::Value, tested: false, kept: false }
    }
}

/// Each field once; the discriminator first, since it may choose between the ways to read others.
fn used<'b, 'a>(records: &'b [Records<'b, 'a>]) -> Vec<Used<'b, 'a>> {
    let mut used: Vec<Used<'_, '_>> = Vec::new();
    for one in records.iter().flat_map(uses) {
        match used.iter_mut().find(|known| known.column == one.column) {
            Some(known) => {
                known.cleaned = known.cleaned.max(one.cleaned);
                known.tested |= one.tested;
                known.kept |= one.kept;
            }
            None => used.push(one),
        }
    }
    let discriminator = records.first().map(|first| literal::field(&first.selection.source.discriminator));
    used.sort_by_key(|used| Some(&used.column) != discriminator.as_ref());
    used
}

/// Whether both read every column that they have in common in the same way.
pub(super) fn agree(one: &Records<'_, '_>, other: &Records<'_, '_>) -> bool {
    let others = used(std::slice::from_ref(other));
    used(std::slice::from_ref(one)).iter().all(|one| {
        let same = |other: &&Used<'_, '_>| other.column == one.column;
        others.iter().find(same).is_none_or(|other| {
            // A column of several values is one for both, or for neither.
            let each = |used: &Used<'_, '_>| used.cleaned == Cleaned::Each;
            records::same(one.field, other.field) && each(one) == each(other)
        })
    })
}

/// What clauses of a step use, some of it more than once.
fn uses<'b, 'a>(records: &'b Records<'b, 'a>) -> impl Iterator<Item = Used<'b, 'a>> {
    let selection = records.selection;
    let last = records.step.is_some_and(|step| step.last);
    let tests = records.parts().into_iter().flat_map(|(part, _)| {
        let items = tests_items(part);
        part.tests().into_iter().flat_map(move |(bound, _)| {
            let BoundTest { test, field, other, .. } = bound;
            // Tests with constants and networks need no check: what is no address equals none of them and lies in none.
            let checked = other.is_some() || matches!(test.kind, TestKind::Exists);
            let several = matches!(test.kind, TestKind::Values(_));
            let cleaned = if several { Cleaned::Each } else { Cleaned::one(checked) };
            let other = other.iter().map(|other| (other, Cleaned::Address));
            let all = std::iter::once((field, cleaned)).chain(other);
            all.map(move |(field, cleaned)| Used { cleaned, tested: !items, kept: items, ..Used::of(field) })
        })
    });
    let clause = move |field: &'b Field<'a>, checked, tested| {
        let column = records.column(field);
        Used { field, column, cleaned: Cleaned::one(checked), tested, kept: true }
    };
    let keys = selection.keys.iter().map(move |field| clause(field, true, true));
    let reads = selection.reads.iter().map(move |field| clause(field, true, false));
    let any = selection.any.iter().map(move |field| Used {
        column: records.column(field),
        cleaned: Cleaned::Each,
        tested: false,
        kept: true,
        field,
    });
    let shown = shown_of(selection).map(move |output| clause(&output.field, !last, false));
    let action = records.actions().map(|field| Used { tested: true, kept: true, ..Used::of(field) });
    tests.chain(keys).chain(reads).chain(any).chain(shown).chain(action)
}

/// The column of a field that the last step shows. Whether an address is one is tested here, after all rows that are
/// no alert have gone, unless a link has asked before.
pub(super) fn late(step: &BoundStep<'_, Spl>, output: &Output<'_, Spl>) -> Frag {
    let name = literal::field(output.field.name);
    if output.field.ty == Type::Ip && !step.main.is_key(output.field.name) { address(&name) } else { name }
}

/// A value that is an address, or nothing.
pub(super) fn address(value: &Frag) -> Frag {
    let address = literal::fixed(regex::ADDRESS);
    spl!("if(match({value}, \"{address}\"), {value}, null())", value, address)
}

/// A value that has not been cleaned yet.
#[derive(Debug)]
enum Raw {
    /// A field of the event; Splunk may hold it several times over.
    Field(Frag),
    /// A column of our own.
    Made(Frag),
    /// Anything else.
    Expression(Frag),
}

impl Raw {
    /// The text to compare: of a field that Splunk extracted twice, any of its equal values will do.
    fn tested(&self) -> &Frag {
        match self {
            Self::Field(text) | Self::Made(text) | Self::Expression(text) => text,
        }
    }

    /// The text of one value.
    fn operand(&self) -> Frag {
        match self {
            Self::Field(name) => literal::call("mvindex", [name, &literal::number(0)]),
            Self::Made(text) | Self::Expression(text) => text.clone(),
        }
    }
}

/// The value by the way that the event's action asks for.
fn choose(action: &str, field: &Field<'_>, values: Vec<Raw>, cleaned: Cleaned) -> Result<Raw, Refusal> {
    let operand = |raw: &Raw| if cleaned == Cleaned::Each { raw.tested().clone() } else { raw.operand() };
    let mut ways = field.ways.iter().zip(values).rev();
    let Some((_, last)) = ways.next() else { return Err("it has no column") };
    if ways.len() == 0 {
        return Ok(last);
    }
    let action = literal::field(action);
    // From the inside out: the last way is that of all other actions.
    let mut chosen = operand(&last);
    for (way, raw) in ways {
        let is = |text: &String| Ok(literal::compare(&action, "=", &literal::text(text)?));
        let tests = way.actions.iter().map(is).collect::<Result<_, Refusal>>()?;
        chosen = literal::call("if", [&any(tests), &operand(&raw), &chosen]);
    }
    Ok(Raw::Expression(chosen))
}

/// The value as one of the field's type, or nothing.
fn clean(field: &Field<'_>, cleaned: Cleaned, raw: &Raw) -> Result<Frag, Refusal> {
    let (tested, value) = (raw.tested(), &raw.operand());
    Ok(match field.ty {
        Type::Ip if cleaned == Cleaned::Address => address(value),
        Type::String | Type::Ip => present(field, value)?,
        // Null for any text that is no number, such as `-`.
        Type::Int | Type::Float => literal::call("tonumber", [value]),
        // JSON booleans arrive as these texts; any other text does not parse and counts as missing.
        Type::Bool => {
            spl!("if({tested}=\"true\" OR {tested}=\"false\", {value}, null())", tested, value)
        }
        Type::Time => instant(field.only().and_then(|way| way.column.stored), tested, value),
    })
}

/// One of the values of a column that holds any number of them.
pub(super) struct One {
    /// As one of the field's type; null where it does not parse.
    pub(super) value: Frag,
    /// Whether it is a value at all: no empty text, and none that means "no value".
    pub(super) is_value: Frag,
}

/// Each of the values of a column, where it is tested.
pub(super) fn one(field: &Field<'_>, column: &Frag) -> Result<One, Refusal> {
    let parsed = |value: Frag| One { is_value: literal::call("isnotnull", [&value]), value };
    let same = |is_value| One { value: column.clone(), is_value };
    Ok(match field.ty {
        Type::String => {
            let none = std::iter::once("").chain(field.placeholders());
            let differs = none.map(|none| Ok(literal::compare(column, "!=", &literal::text(none)?)));
            same(all(differs.collect::<Result<_, Refusal>>()?))
        }
        Type::Ip => {
            let address = literal::fixed(regex::ADDRESS);
            same(spl!("match({column}, \"{address}\")", column, address))
        }
        Type::Int | Type::Float => parsed(literal::call("tonumber", [column])),
        Type::Bool => same(spl!("({column}=\"true\" OR {column}=\"false\")", column)),
        Type::Time => parsed(instant(field.only().and_then(|way| way.column.stored), column, column)),
    })
}

/// Whether what is no value of a list could pass the test: only a text can, for it need not parse.
pub(super) fn is_fooled(bound: &BoundTest<'_, Spl>) -> bool {
    bound.field.ty != Type::String
        || std::iter::once("").chain(bound.field.placeholders()).any(|none| bound.could_pass(none))
}

/// The empty string and a stored text for "no value" are missing.
fn present(field: &Field<'_>, value: &Frag) -> Result<Frag, Refusal> {
    // To Splunk an empty string is a value, and two of them would join each other.
    std::iter::once("")
        .chain(field.placeholders())
        .try_fold(value.clone(), |value, none| Ok(literal::call("nullif", [&value, &literal::text(none)?])))
}

/// Seconds since 1970.
pub(super) fn instant(stored: Option<Stored>, tested: &Frag, value: &Frag) -> Frag {
    match stored {
        Some(Stored::Number) => literal::call("tonumber", [value]),
        Some(Stored::String) => {
            // `%Z` would leave the meaning of "Z" to the search head's own time zone.
            let text = spl!("replace({value}, \"(Z|[+]00:00)(?!.)\", \"+0000\")", value);
            // Two formats, because one of `strptime` has no optional part for the fraction of a second.
            spl!(
                "coalesce(strptime({text}, \"%Y-%m-%dT%H:%M:%S%z\"), strptime({text}, \"%Y-%m-%dT%H:%M:%S.%6N%z\"))",
                text
            )
        }
        Some(Stored::Time | Stored::Bool) | None => tested.clone(),
    }
}

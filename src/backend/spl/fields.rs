//! The fields of a step: each that it uses as a clean column `chain_f_<field>`, of the right type or missing.
//!
//! In: the fields of a bound step. Out: `spath` commands and assignments, by the stage of the branch at which they can
//! run. Must not know: predicates, chains, what the source files state.

use super::check::any;
use super::column::{Column, Read, Stage, spath};
use super::literal::{self, Frag, Refusal, spl};
use super::{Spl, refuse, regex, shown};
use crate::backend::Report;
use crate::backend::bind::{self, BoundStep, BoundTest};
use crate::catalog::Stored;
use crate::ir::{ACTION, TestKind, Type};

type Field<'a> = bind::BoundField<'a, Column>;

/// The columns of one step.
#[derive(Debug, Default)]
pub(super) struct Columns {
    /// Commands that read paths, each once.
    paths: Vec<(Stage, Frag)>,
    assignments: Vec<(Stage, Frag)>,
    /// Columns made before the expansion that are needed after it; some more than once.
    pub(super) kept: Vec<Frag>,
}

impl Columns {
    /// Every field that the step reads or hands on. What cannot be written goes to the report.
    pub(super) fn of(step: &BoundStep<'_, Spl>, report: &mut Report) -> Self {
        let mut columns = Self::default();
        for (field, checked) in used(step) {
            if let Err(reason) = columns.add(field, checked) {
                refuse(field.span, reason, report);
            }
        }
        columns
    }

    /// The furthest stage that any of the columns needs.
    pub(super) fn stage(&self) -> Stage {
        let work = self.paths.iter().chain(&self.assignments);
        work.map(|(stage, _)| *stage).max().unwrap_or(Stage::Event)
    }

    /// The commands that read paths at a stage.
    pub(super) fn paths(&self, stage: Stage) -> impl Iterator<Item = Frag> {
        self.paths.iter().filter(move |(of, _)| *of == stage).map(|(_, command)| command.clone())
    }

    /// What is assigned at a stage.
    pub(super) fn assignments(&self, stage: Stage) -> impl Iterator<Item = Frag> {
        self.assignments.iter().filter(move |(of, _)| *of == stage).map(|(_, assignment)| assignment.clone())
    }

    fn add(&mut self, field: &Field<'_>, checked: bool) -> Result<(), Refusal> {
        let name = literal::field(field.name);
        let stage = field.ways.iter().map(|way| way.column.read.stage()).max().unwrap_or(Stage::Event);
        let mut values = Vec::with_capacity(1);
        for (number, way) in (0..).zip(&field.ways) {
            let number = literal::number(number);
            let own =
                if field.only().is_some() { name.clone() } else { spl!("{name}_{number}", name, number) };
            values.push(self.read(way.column, own, stage));
        }
        if stage == Stage::Event {
            self.kept.push(name.clone());
        }
        let mut raw = choose(field, values)?;
        if let Raw::Expression(text) = &raw {
            // Evaluated once, into the column: cleaning names its operand several times. Later assignments of one
            // `eval` see earlier ones.
            self.assign(stage, &name, text);
            // Such an expression of a source file gives one of the field's values, or an instant.
            if field.ty == Type::Time || field.ways.iter().any(|way| way.column.listed) {
                return Ok(());
            }
            raw = Raw::Made(name.clone());
        }
        self.assign(stage, &name, &clean(field, checked, &raw)?);
        Ok(())
    }

    fn assign(&mut self, stage: Stage, name: &Frag, value: &Frag) {
        if name != value {
            self.assignments.push((stage, literal::assign(name, value)));
        }
    }

    /// Makes one way to read a field usable at `stage`; `own` is the name of a column for it.
    fn read(&mut self, column: &Column, own: Frag, stage: Stage) -> Raw {
        column.needs.iter().for_each(|command| self.run(Stage::Event, command.clone()));
        let raw = match &column.read {
            Read::Field(name) => Raw::Field(name.clone()),
            Read::Expression(text) => Raw::Expression(text.clone()),
            Read::Path(from, path) => {
                let command = match from {
                    Stage::Event => spath(&own, path),
                    Stage::Item => spl!("spath input=chain_item output={own} path={path}", own, path),
                    Stage::Inner => spl!("spath input=chain_inner output={own} path={path}", own, path),
                };
                self.run(*from, command);
                Raw::Made(own.clone())
            }
        };
        if column.read.stage() == Stage::Event && stage > Stage::Event { self.keep(&raw, own) } else { raw }
    }

    /// A value of the event that a later stage reads must be a column of our own by then.
    fn keep(&mut self, raw: &Raw, own: Frag) -> Raw {
        self.kept.push(own.clone());
        self.assign(Stage::Event, &own, raw.tested());
        Raw::Made(own)
    }

    fn run(&mut self, stage: Stage, command: Frag) {
        let command = (stage, command);
        if !self.paths.contains(&command) {
            self.paths.push(command);
        }
    }
}

/// Each field once, and whether it matters that an address is one; [`ACTION`] first, since it may choose between the
/// ways to read others.
fn used<'b, 'a>(step: &'b BoundStep<'a, Spl>) -> Vec<(&'b Field<'a>, bool)> {
    let tested = step.condition.tests().into_iter().flat_map(|(bound, _)| {
        let BoundTest { test, field, other, .. } = bound;
        // Tests with constants and networks need no check: what is no address equals none of them and lies in none.
        let checked = other.is_some() || matches!(test.kind, TestKind::Exists);
        std::iter::once((field, checked)).chain(other.iter().map(|other| (other, true)))
    });
    let handed = step.keys.iter().chain(shown(step).map(|output| &output.field));
    let all = tested.chain(handed.map(|field| (field, true)));
    let mut used: Vec<(&Field<'_>, bool)> = Vec::new();
    for (field, checked) in all.chain(step.action.iter().map(|action| (action, false))) {
        match used.iter_mut().find(|(known, _)| known.name == field.name) {
            Some((_, known)) => *known |= checked,
            None => used.push((field, checked)),
        }
    }
    used.sort_by_key(|(field, _)| field.name != ACTION);
    used
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
fn choose(field: &Field<'_>, values: Vec<Raw>) -> Result<Raw, Refusal> {
    let mut ways = field.ways.iter().zip(values).rev();
    let Some((_, last)) = ways.next() else { return Err("it has no column") };
    if ways.len() == 0 {
        return Ok(last);
    }
    let action = literal::field(ACTION);
    // From the inside out: the last way is that of all other actions.
    let mut chosen = last.operand();
    for (way, raw) in ways {
        let is = |text: &String| Ok(literal::compare(&action, "=", &literal::text(text)?));
        let tests = way.actions.iter().map(is).collect::<Result<_, Refusal>>()?;
        chosen = literal::call("if", [&any(tests), &raw.operand(), &chosen]);
    }
    Ok(Raw::Expression(chosen))
}

/// The value as one of the field's type, or nothing.
fn clean(field: &Field<'_>, checked: bool, raw: &Raw) -> Result<Frag, Refusal> {
    let (tested, value) = (raw.tested(), &raw.operand());
    Ok(match field.ty {
        Type::Ip if checked => {
            let address = literal::fixed(regex::ADDRESS);
            spl!("if(match({value}, \"{address}\"), {value}, null())", value, address)
        }
        Type::String | Type::Ip => present(field, tested, value)?,
        // Null for any text that is no number, such as `-`.
        Type::Int | Type::Float => literal::call("tonumber", [value]),
        // JSON booleans arrive as these texts; any other text does not parse and counts as missing.
        Type::Bool => {
            spl!("if({tested}=\"true\" OR {tested}=\"false\", {value}, null())", tested, value)
        }
        Type::Time => instant(field.only().and_then(|way| way.column.stored), tested, value),
    })
}

/// The empty string and a stored text for "no value" are missing.
fn present(field: &Field<'_>, tested: &Frag, value: &Frag) -> Result<Frag, Refusal> {
    // To Splunk an empty string is a value, and two of them would join each other.
    let texts = std::iter::once("").chain(field.placeholders());
    let is = |text| Ok(literal::compare(tested, "=", &literal::text(text)?));
    let is_none = any(texts.map(is).collect::<Result<_, Refusal>>()?);
    Ok(spl!("if({is_none}, null(), {value})", is_none, value))
}

/// Seconds since 1970.
fn instant(stored: Option<Stored>, tested: &Frag, value: &Frag) -> Frag {
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

//! The columns of a step: every canonical field it uses as a clean `chain_f_<field>`, of the right type or missing.
//!
//! In: fields and where the source file says they live. Out: `spath` commands and assignments, by the stage of the
//! branch at which they can run. Must not know: predicates, chains.

use std::collections::BTreeSet;

use crate::backend::columns::{self, Place};
use crate::backend::print::{Frag, phrase};
use crate::backend::{Job, Report, stated};
use crate::catalog::{Mapped, Stored};
use crate::diag::{Code, Diagnostic};
use crate::ir::{Field, Step, Type};

use super::literal::{self, Refusal};
use super::{Spl, regex};

/// When a value can be read: from the event, from an item of its group, from an inner item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// While the raw event is there.
    Event,
    /// After the group has been expanded.
    Item,
    /// After the group inside the item has been expanded.
    Inner,
}

/// What one stage runs: first the paths, then the assignments.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub(super) paths: Vec<Frag>,
    pub(super) assignments: Vec<Frag>,
}

/// The columns of one step.
pub(super) struct Columns<'a, 'r> {
    pub(super) job: &'a Job<'a>,
    pub(super) step: &'a Step,
    pub(super) report: &'r mut Report,
    pub(super) event: Work,
    pub(super) item: Work,
    pub(super) inner: Work,
    /// Columns made before the expansion that are needed after it.
    pub(super) kept: BTreeSet<String>,
}

impl<'a, 'r> Columns<'a, 'r> {
    /// No columns yet.
    pub(super) fn new(job: &'a Job<'a>, step: &'a Step, report: &'r mut Report) -> Self {
        Self {
            job,
            step,
            report,
            event: Work::default(),
            item: Work::default(),
            inner: Work::default(),
            kept: BTreeSet::new(),
        }
    }

    /// The furthest stage that any of the columns needs.
    pub(super) fn stage(&self) -> Stage {
        match (self.inner.assignments.is_empty(), self.item.assignments.is_empty()) {
            (false, _) => Stage::Inner,
            (true, false) => Stage::Item,
            (true, true) => Stage::Event,
        }
    }

    /// Adds the column of a field; `checked` where it matters whether an address is one.
    pub(super) fn add(&mut self, field: &Field, checked: bool) {
        let Some(place) = columns::place(self.job, &Spl, self.step, field, self.report) else { return };
        if let Err(reason) = self.column(&place, checked) {
            let title = format!("the source file's column for `{}` cannot be written in SPL", field.name);
            self.report.error(Diagnostic::new(Code::NotExpressible, field.span, title).label(reason));
        }
    }

    fn column(&mut self, place: &Place<'_>, checked: bool) -> Result<(), Refusal> {
        let name = literal::column("f", &place.def.name);
        let stage = place.variants.iter().map(|way| stage_of(way)).max().unwrap_or(Stage::Event);
        let mut ways = Vec::new();
        for (index, way) in place.variants.iter().enumerate() {
            let own = if place.variants.len() == 1 { name.clone() } else { phrase!("{name}_{index}") };
            ways.push((way.actions, self.read(way, &own, stage)?));
        }
        if stage == Stage::Event {
            self.kept.insert(name.clone());
        }
        let raw = choose(&ways)?;
        let assignment = clean(place, checked, &name, &raw);
        let work = self.work(stage);
        work.assignments.extend(assignment);
        Ok(())
    }

    fn work(&mut self, stage: Stage) -> &mut Work {
        match stage {
            Stage::Event => &mut self.event,
            Stage::Item => &mut self.item,
            Stage::Inner => &mut self.inner,
        }
    }

    /// Makes one variant readable as an operand at `stage`.
    fn read(&mut self, way: &Mapped, own: &str, stage: Stage) -> Result<Raw, Refusal> {
        for (name, path) in &way.needs {
            let (name, path) = (literal::option(name)?, literal::option(path)?);
            let command = phrase!("spath output={} path={}", name.text(), path.text());
            self.path(Stage::Event, Frag::atom(command));
        }
        let raw = if let Some(field) = &way.field {
            Raw::Field(literal::name(field)?.text().to_owned())
        } else if let Some(path) = &way.path {
            let path = literal::option(path)?;
            self.path(Stage::Event, Frag::atom(phrase!("spath output={own} path={}", path.text())));
            Raw::Made(own.to_owned())
        } else if let Some(item) = &way.item {
            let (stage, input, path) = match item.strip_prefix('>') {
                Some(path) => (Stage::Inner, "chain_inner", path),
                None => (Stage::Item, "chain_item", item.as_str()),
            };
            let path = literal::option(path)?;
            self.path(stage, Frag::atom(phrase!("spath input={input} output={own} path={}", path.text())));
            Raw::Made(own.to_owned())
        } else {
            let expression = way.expr.clone().ok_or("a column for SPL is a field, path, item or expr")?;
            stated::whole(&expression, &literal::EXPRESSION).map_err(
                |_| "its `expr` does not stay in its place: a quote or bracket lacks its partner, or `|` ends it",
            )?;
            Raw::Expression(expression)
        };
        Ok(if stage_of(way) == Stage::Event && stage != Stage::Event { self.keep(raw, own) } else { raw })
    }

    /// A value of the event that a later stage reads must be a column of our own by then.
    fn keep(&mut self, raw: Raw, own: &str) -> Raw {
        self.kept.insert(own.to_owned());
        match raw {
            Raw::Made(name) => Raw::Made(name),
            Raw::Field(text) | Raw::Expression(text) => {
                self.event.assignments.push(Frag::atom(phrase!("{own}={text}")));
                Raw::Made(own.to_owned())
            }
        }
    }

    fn path(&mut self, stage: Stage, command: Frag) {
        let work = self.work(stage);
        if !work.paths.contains(&command) {
            work.paths.push(command);
        }
    }
}

fn stage_of(way: &Mapped) -> Stage {
    match &way.item {
        Some(item) if item.starts_with('>') => Stage::Inner,
        Some(_) => Stage::Item,
        None => Stage::Event,
    }
}

/// A value that has not been cleaned yet.
#[derive(Debug, Clone)]
enum Raw {
    /// A field of the event; Splunk may hold it several times over.
    Field(String),
    /// A column of our own.
    Made(String),
    /// Anything else.
    Expression(String),
}

/// The variant that the event's action asks for.
fn choose(ways: &[(&[String], Raw)]) -> Result<Raw, Refusal> {
    let Some(((_, last), others)) = ways.split_last() else { return Err("a column without variants") };
    if others.is_empty() {
        return Ok(last.clone());
    }
    let mut chosen = last.operand();
    for (actions, raw) in others.iter().rev() {
        let mut tests = Vec::new();
        for action in *actions {
            tests.push(phrase!("{}={}", literal::column("f", "event.action"), literal::text(action)?.text()));
        }
        chosen = phrase!("if({}, {}, {chosen})", tests.join(" OR "), raw.operand());
    }
    Ok(Raw::Expression(chosen))
}

impl Raw {
    fn operand(&self) -> String {
        match self {
            Self::Field(name) => phrase!("mvindex({name}, 0)"),
            Self::Made(text) | Self::Expression(text) => text.clone(),
        }
    }

    /// The text to compare: of a field that Splunk extracted twice, any of its equal values will do.
    fn tested(&self) -> &str {
        match self {
            Self::Field(text) | Self::Made(text) | Self::Expression(text) => text,
        }
    }
}

/// The assignments after which `name` holds a value of the field's type or nothing.
fn clean(place: &Place<'_>, checked: bool, name: &str, raw: &Raw) -> Vec<Frag> {
    let mut assignments = Vec::new();
    let raw = match raw {
        Raw::Expression(expression) => {
            assignments.push(Frag::atom(phrase!("{name}={expression}")));
            if !place.def.values.is_empty() || place.def.ty == Type::Time {
                return assignments;
            }
            Raw::Made(name.to_owned())
        }
        Raw::Field(_) | Raw::Made(_) => raw.clone(),
    };
    let (tested, operand) = (raw.tested(), raw.operand());
    let value = match place.def.ty {
        Type::Ip if checked => {
            phrase!("if(match({operand}, \"{}\"), {operand}, null())", regex::ADDRESS)
        }
        Type::String | Type::Ip => absent(place, tested, &operand),
        Type::Int | Type::Float => phrase!("tonumber({operand})"),
        Type::Bool => phrase!("if({tested}=\"true\" OR {tested}=\"false\", {operand}, null())"),
        Type::Time => time(place, tested, &operand),
    };
    if value != name {
        assignments.push(Frag::atom(phrase!("{name}={value}")));
    }
    assignments
}

/// Empty text and the source's word for "no value" are missing.
fn absent(place: &Place<'_>, tested: &str, operand: &str) -> String {
    let words = place
        .placeholder
        .into_iter()
        .chain(place.variants.iter().filter_map(|way| way.placeholder.as_deref()));
    let mut tests = vec![phrase!("{tested}=\"\"")];
    tests.extend(words.filter_map(|word| Some(phrase!("{tested}={}", literal::text(word).ok()?.text()))));
    phrase!("if({}, null(), {operand})", tests.join(" OR "))
}

fn time(place: &Place<'_>, tested: &str, operand: &str) -> String {
    let stored = place.variants.iter().find_map(|way| way.stored);
    match stored {
        Some(Stored::Number) => phrase!("tonumber({operand})"),
        Some(Stored::String) => {
            // `%Z` would leave the meaning of "Z" to the search head's own time zone.
            let text = phrase!("replace({operand}, \"(Z|[+]00:00)(?!.)\", \"+0000\")");
            phrase!(
                "coalesce(strptime({text}, \"%Y-%m-%dT%H:%M:%S%z\"), strptime({text}, \"%Y-%m-%dT%H:%M:%S.%6N%z\"))"
            )
        }
        Some(Stored::Time | Stored::Bool) | None => tested.to_owned(),
    }
}

//! Where the fields of one step stand in its rows: plain columns, or columns that the step derives first.
//!
//! In: the step's source. Out: names for the predicate printer, and the derived columns those names rely on.
//! Must not know: predicates, joins.

use std::collections::BTreeMap;

use super::{literal, step};
use crate::backend::columns::{self, Inexact, Place, Variant};
use crate::backend::print::Frag;
use crate::backend::{Job, Report, Target, stated};
use crate::catalog::{Home, Mapped, Stored};
use crate::diag::{Code, Diagnostic};
use crate::ir::{Field, Step, Type};

/// How deep into the repeated group an expression looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// Not at all.
    Event,
    /// Into an item.
    Item,
    /// Into the inner item of an item.
    Inner,
}

/// A column for a field that the table does not hold as such.
#[derive(Debug, Clone)]
pub(super) struct Derived {
    /// Its name, the one under which the step passes the field on.
    pub(super) name: Frag,
    /// Its value.
    pub(super) value: Frag,
}

/// A field as the step can read it.
#[derive(Debug, Clone)]
struct Access {
    /// The column that holds it, a text for "no value" included.
    column: Option<Frag>,
    /// The derived column that holds it as the language means it, if that takes one.
    derived: Option<Derived>,
    reach: Reach,
    inexact: Vec<Inexact>,
    placeholder: Option<String>,
}

/// The fields of one step.
pub(super) struct Fields<'a> {
    job: &'a Job<'a>,
    target: &'a dyn Target,
    /// The step.
    pub(super) step: &'a Step,
    home: &'a Home,
    known: BTreeMap<String, Option<Access>>,
    derived: Vec<Derived>,
    reach: Reach,
    deferred: bool,
}

impl<'a> Fields<'a> {
    /// The fields of `step`, whose source lives in `home`.
    pub(super) fn new(job: &'a Job<'a>, target: &'a dyn Target, step: &'a Step, home: &'a Home) -> Self {
        let (known, derived) = (BTreeMap::new(), Vec::new());
        Self { job, target, step, home, known, derived, reach: Reach::Event, deferred: false }
    }

    /// Short name of the target, the key of its columns in the source files.
    pub(super) fn target_name(&self) -> &'static str {
        self.target.name()
    }

    /// The field as the language means it: empty or null exactly when it is missing (an address may be any text).
    pub(super) fn value(&mut self, field: &Field, report: &mut Report) -> Option<Frag> {
        let access = self.access(field, report)?;
        let Some(derived) = access.derived.clone() else { return access.column.clone() };
        let reach = access.reach;
        self.deferred = true;
        self.reach = self.reach.max(reach);
        let name = derived.name.clone();
        if !self.derived.iter().any(|known| known.name == name) {
            self.derived.push(derived);
        }
        Some(name)
    }

    /// The field as the table stores it, for tests that no text for "no value" can pass.
    pub(super) fn stored(&mut self, field: &Field, report: &mut Report) -> Option<Frag> {
        match &self.access(field, report)?.column {
            Some(column) => Some(column.clone()),
            None => self.value(field, report),
        }
    }

    /// The text for "no value" that the field's column may hold.
    pub(super) fn placeholder(&mut self, field: &Field, report: &mut Report) -> Option<String> {
        self.access(field, report)?.placeholder.clone()
    }

    /// Why the field's column is not exactly the field.
    pub(super) fn inexact(&mut self, field: &Field, report: &mut Report) -> Vec<Inexact> {
        self.access(field, report).map(|access| access.inexact.clone()).unwrap_or_default()
    }

    /// Whether a derived column was used since the last call.
    pub(super) fn take_deferred(&mut self) -> bool {
        std::mem::take(&mut self.deferred)
    }

    /// The derived columns in order of first use, and how deep they look.
    pub(super) fn derived(self) -> (Vec<Derived>, Reach) {
        (self.derived, self.reach)
    }

    fn access(&mut self, field: &Field, report: &mut Report) -> Option<&Access> {
        if !self.known.contains_key(&field.name) {
            let access = self.locate(field, report);
            self.known.insert(field.name.clone(), access);
        }
        self.known.get(&field.name)?.as_ref()
    }

    fn locate(&mut self, field: &Field, report: &mut Report) -> Option<Access> {
        let place = columns::place(self.job, self.target, self.step, field, report)?;
        let inexact = columns::inexact(place.variants.iter().map(|variant| variant.column));
        let reach = place.variants.iter().map(|mapped| reach_of(mapped)).max().unwrap_or(Reach::Event);
        if reach > Reach::Event && self.group().is_none() {
            report.error(
                self.unusable(field, "the source file does not say where the group is (`words: group`)"),
            );
            return None;
        }
        let placeholder = placeholder_of(&place, field);
        let plain = plain_column(&place.variants);
        let value = match &plain {
            Some(column) if placeholder.is_none() => {
                return Some(Access {
                    column: Some(column.clone()),
                    derived: None,
                    reach,
                    inexact,
                    placeholder,
                });
            }
            Some(column) => column.clone(),
            None => self.variants(&place.variants, field, report)?,
        };
        let value = placeholder.as_deref().map_or(value.clone(), |text| without(&value, text));
        let derived = Some(Derived { name: step::column_name(self.step, &field.name), value });
        Some(Access { column: plain, derived, reach, inexact, placeholder })
    }

    /// The array of the repeated group.
    pub(super) fn group(&self) -> Option<Frag> {
        self.home.words.get("group").map(|text| literal::expression(text))
    }

    /// The variants of a column, told apart by the action.
    fn variants(&mut self, variants: &[Variant<'_>], field: &Field, report: &mut Report) -> Option<Frag> {
        let (last, others) = variants.split_last()?;
        if others.is_empty() {
            return self.read(last, field, report);
        }
        let action = Field { name: "event.action".to_owned(), ty: Type::String, span: field.span };
        let place = columns::place(self.job, self.target, self.step, &action, report)?;
        let Some(action) = plain_column(&place.variants) else {
            report.error(self.unusable(field, "its variants need a plain column for `event.action`"));
            return None;
        };
        let mut arguments = Vec::new();
        for variant in others {
            let actions: Vec<_> = variant.actions.iter().map(|text| literal::string(text)).collect();
            arguments.push(literal::one_of(&action, &actions, false));
            arguments.push(self.branch(variant, field, report)?);
        }
        arguments.push(self.branch(last, field, report)?);
        Some(literal::call(if others.len() == 1 { "iff" } else { "case" }, &arguments))
    }

    /// One way of several: all must have one type, and tables store numbers in several.
    fn branch(&self, mapped: &Mapped, field: &Field, report: &mut Report) -> Option<Frag> {
        let value = self.read(mapped, field, report)?;
        let as_stored = mapped.stored.is_none() && mapped.item.is_none() && mapped.path.is_none();
        let number = matches!(field.ty, Type::Int | Type::Float);
        Some(if number && as_stored { cast(&value, field.ty) } else { value })
    }

    /// One way to read a field, as a value of its type.
    fn read(&self, mapped: &Mapped, field: &Field, report: &mut Report) -> Option<Frag> {
        if !mapped.cases.is_empty() || !mapped.needs.is_empty() {
            report.error(self.unusable(field, "a KQL column takes an `expr`, not `cases` or `needs`"));
            return None;
        }
        if let Some(item) = &mapped.item {
            let base = if item.starts_with('>') { INNER } else { ITEM };
            return Some(cast(&literal::path(&Frag::atom(base), item.trim_start_matches('>')), field.ty));
        }
        if let Some(path) = &mapped.path {
            let (column, rest) = path.split_once('.').unwrap_or((path, ""));
            let parsed = literal::call("parse_json", [&literal::name(column)]);
            return Some(cast(&literal::path(&parsed, rest), field.ty));
        }
        if let Some(problem) =
            mapped.expr.as_deref().and_then(|text| stated::whole(text, &literal::EXPRESSION).err())
        {
            report.error(self.unusable(field, &format!("its `expr` does not stay in its place: {problem}")));
            return None;
        }
        let column = mapped.field.as_deref().map(literal::name);
        let found = column.or_else(|| mapped.expr.as_deref().map(literal::expression))?;
        Some(converted(found, field.ty, mapped.stored))
    }

    fn unusable(&self, field: &Field, why: &str) -> Diagnostic {
        let title = format!("`{}` cannot be read in {}", field.name, self.target.title());
        Diagnostic::new(Code::NotExpressible, field.span, title)
            .label(why)
            .help("correct the column in the source file or in `catena.yaml`")
    }
}

/// Only texts can be told from a placeholder by their value alone; as a number or an address it does not parse.
fn placeholder_of(place: &Place<'_>, field: &Field) -> Option<String> {
    let own = place.variants.iter().find_map(|variant| variant.placeholder.as_deref());
    own.or(place.placeholder).filter(|_| field.ty == Type::String).map(str::to_owned)
}

/// The column into which a step expands the items of its event.
pub(super) const ITEM: &str = "_item";
/// The column into which a step expands the inner items of an item.
pub(super) const INNER: &str = "_inner";

fn reach_of(mapped: &Mapped) -> Reach {
    match mapped.item.as_deref() {
        Some(path) if path.starts_with('>') => Reach::Inner,
        Some(_) => Reach::Item,
        None => Reach::Event,
    }
}

/// The column, if the field is just that.
fn plain_column(variants: &[Variant<'_>]) -> Option<Frag> {
    let [only] = variants else { return None };
    if only.stored.is_some() { None } else { only.field.as_deref().map(literal::name) }
}

/// The text, or nothing where it is the placeholder.
fn without(value: &Frag, placeholder: &str) -> Frag {
    let is_placeholder = literal::binary(value, "==", &literal::string(placeholder));
    literal::call("iff", [&is_placeholder, &literal::string(""), value])
}

/// A dynamic value as one of the field's type; null or empty where it is none.
fn cast(value: &Frag, ty: Type) -> Frag {
    literal::call(caster(ty), [value])
}

fn caster(ty: Type) -> &'static str {
    match ty {
        Type::String | Type::Ip => "tostring",
        Type::Int => "tolong",
        Type::Float => "todouble",
        Type::Bool => "tobool",
        Type::Time => "todatetime",
    }
}

/// A column as a value of the field's type, where it is stored as another.
fn converted(column: Frag, ty: Type, stored: Option<Stored>) -> Frag {
    let is_same = match stored {
        None => true,
        Some(Stored::String) => matches!(ty, Type::String | Type::Ip),
        Some(Stored::Number) => matches!(ty, Type::Int | Type::Float),
        Some(Stored::Bool) => ty == Type::Bool,
        Some(Stored::Time) => ty == Type::Time,
    };
    if is_same {
        column
    } else if stored == Some(Stored::Number) && ty == Type::Time {
        literal::call("unixtime_seconds_todatetime", [&column])
    } else {
        cast(&column, ty)
    }
}

//! The condition of a step: every test of the language as a KQL test that is never null.
//!
//! In: a step's fields and condition. Out: conjuncts, and whether each reads plain columns only.
//! Must not know: how steps are joined.

use super::check::{Check, Truth, joined};
use super::fields::Fields;
use super::{lists, literal, network, pattern};
use crate::backend::print::{self, Bind, Frag, Nnf};
use crate::backend::{Job, Report};
use crate::ir::{Case, Field, FieldTest, OrderOp, Pattern, PatternPart, TestKind, Type, Value};

/// The condition of a step, cut where `and` joins it.
#[derive(Debug, Default)]
pub(super) struct Condition {
    /// Tests of plain columns: they come first.
    pub(super) plain: Vec<Frag>,
    /// Tests of derived columns.
    pub(super) derived: Vec<Frag>,
}

/// Prints the condition of a step.
pub(super) fn condition(job: &Job<'_>, fields: &mut Fields<'_>, report: &mut Report) -> Option<Condition> {
    let whole = print::condition(fields.step);
    let mut printer = Printer { job, fields, report };
    let parts = match whole {
        Nnf::All(parts) => parts,
        other @ (Nnf::Any(_) | Nnf::Leaf { .. }) => vec![other],
    };
    let mut found = Condition::default();
    for part in &parts {
        printer.fields.take_deferred();
        let truth = printer.pred(part, true)?;
        let deferred = printer.fields.take_deferred();
        let tests = if deferred { &mut found.derived } else { &mut found.plain };
        tests.extend(truth.conjuncts());
    }
    let [plain, derived] = [found.plain, found.derived].map(literal::unique);
    Some(Condition { plain, derived })
}

/// The test that a join key is there, and whether it reads a plain column.
pub(super) fn present(fields: &mut Fields<'_>, field: &Field, report: &mut Report) -> Option<(Frag, bool)> {
    fields.take_deferred();
    let column = fields.value(field, report)?;
    let plain = !fields.take_deferred();
    let tests = exists(&column, field.ty).print(false, true).conjuncts();
    Some((Frag::join(tests, " and ", Bind::And), plain))
}

fn exists(column: &Frag, ty: Type) -> Check {
    match ty {
        Type::String => pattern::present(column),
        Type::Ip => network::is_address(column),
        Type::Int | Type::Float | Type::Bool | Type::Time => Check::Atom {
            holds: literal::call("isnotnull", [column]),
            fails: literal::call("isnull", [column]),
        },
    }
}

struct Printer<'p, 'a> {
    job: &'p Job<'p>,
    fields: &'p mut Fields<'a>,
    report: &'p mut Report,
}

impl Printer<'_, '_> {
    fn pred(&mut self, pred: &Nnf<'_>, bare: bool) -> Option<Truth> {
        match pred {
            Nnf::All(parts) => self.join(parts, true, bare),
            Nnf::Any(parts) => self.join(parts, false, false),
            Nnf::Leaf { test, negated } => {
                self.note_inexact(test, *negated);
                Some(self.test(test)?.print(*negated, bare))
            }
        }
    }

    fn join(&mut self, parts: &[Nnf<'_>], all: bool, bare: bool) -> Option<Truth> {
        let parts: Option<Vec<_>> = parts.iter().map(|part| self.pred(part, bare)).collect();
        Some(joined(parts?, all))
    }

    fn note_inexact(&mut self, test: &FieldTest, negated: bool) {
        for field in test.fields() {
            for inexact in self.fields.inexact(field, self.report) {
                inexact.tested(test, negated, self.report);
            }
        }
    }

    fn test(&mut self, test: &FieldTest) -> Option<Check> {
        let placeholder = self.fields.placeholder(&test.field, self.report);
        let matters = placeholder.is_some_and(|text| may_match(&test.kind, &text, self.job));
        let column = if matters {
            self.fields.value(&test.field, self.report)
        } else {
            self.fields.stored(&test.field, self.report)
        }?;
        Some(match &test.kind {
            TestKind::Exists => exists(&column, test.field.ty),
            TestKind::Equals { values, case } => equals(&column, values, *case),
            TestKind::InNetworks { networks } => network::within(&column, networks),
            TestKind::InList { list } => lists::within(&column, self.job, *list, self.report),
            TestKind::Order { op, value } => {
                Check::Nullable(literal::binary(&column, operator(*op), &literal::value(value)))
            }
            TestKind::Like { pattern, case } => pattern::like(&column, pattern, *case),
            TestKind::Substring { place, text, case } => pattern::substring(&column, *place, text, *case),
            TestKind::Matches { regex } => pattern::matches(&column, regex),
            TestKind::SameAs { other } => {
                same(&column, &self.fields.value(other, self.report)?, test.field.ty)
            }
        })
    }
}

/// Equality with constants; the values are all of one type.
pub(super) fn equals(column: &Frag, values: &[Value], case: Case) -> Check {
    let (mut texts, mut networks, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for value in values {
        match value {
            Value::String(text) => texts.push(text.as_str()),
            Value::Ip(address) => networks.push((*address).into()),
            Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Time(_) => {
                others.push(literal::value(value));
            }
        }
    }
    let mut parts = Vec::new();
    if !texts.is_empty() {
        parts.push(pattern::equals(column, texts, case));
    }
    if !networks.is_empty() {
        parts.push(network::within(column, &networks));
    }
    if !others.is_empty() {
        parts.push(Check::one_of(column, &literal::unique(others)));
    }
    Check::Any(parts)
}

fn same(one: &Frag, other: &Frag, ty: Type) -> Check {
    match ty {
        Type::String => Check::All(vec![pattern::present(one), Check::compare(one, "==", "!=", other)]),
        Type::Ip => network::same(one, other),
        Type::Int | Type::Float | Type::Bool | Type::Time => {
            let present = exists(one, ty);
            Check::All(vec![present, Check::Nullable(literal::binary(one, "==", other))])
        }
    }
}

fn operator(op: OrderOp) -> &'static str {
    match op {
        OrderOp::Less => "<",
        OrderOp::LessEqual => "<=",
        OrderOp::Greater => ">",
        OrderOp::GreaterEqual => ">=",
    }
}

/// Whether a column that holds the source's text for "no value" could pass the test, in any case. Where it could not,
/// the column is compared as it is stored.
fn may_match(kind: &TestKind, placeholder: &str, job: &Job<'_>) -> bool {
    let placeholder = placeholder.to_lowercase();
    let occurs = |text: &str| placeholder.contains(&text.to_lowercase());
    // A pattern needs all of its texts.
    let fits = |pattern: &Pattern| {
        pattern.parts.iter().all(|part| match part {
            PatternPart::Text(text) => occurs(text),
            PatternPart::Any | PatternPart::One => true,
        })
    };
    match kind {
        TestKind::Equals { values, .. } => {
            values.iter().any(|value| matches!(value, Value::String(text) if occurs(text)))
        }
        TestKind::Substring { text, .. } => occurs(text),
        TestKind::Like { pattern, .. } => fits(pattern),
        TestKind::InList { list } => {
            job.rule.lists.get(*list).is_some_and(|list| list.by_kind().patterns.into_iter().any(fits))
        }
        TestKind::Exists | TestKind::Matches { .. } | TestKind::SameAs { .. } => true,
        // Not on text.
        TestKind::InNetworks { .. } | TestKind::Order { .. } => false,
    }
}

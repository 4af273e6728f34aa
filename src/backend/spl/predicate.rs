//! The condition of a step: every test of the language as a test of columns `chain_f_<field>`.
//!
//! In: a bound step. Out: one `where`, after the lookups that it needs. Must not know: where the columns come from.

use ipnet::IpNet;

use super::check::{Check, all, any, is_there, passes, present, some};
use super::fields::One;
use super::literal::{self, Frag, Refusal, spl};
use super::records::Records;
use super::{Spl, backtrack, fields, lines, refuse, text, two_texts};
use crate::backend::bind::BoundTest;
use crate::backend::schema::Inexact;
use crate::backend::truth::{Truth, unique};
use crate::backend::{Effect, External, Options, Report};
use crate::ir::{Case, List, OrderOp, Pattern, Quantifier, TestKind, Type, Value, ValuesTest};

/// The commands that drop what does not satisfy a step, or lacks a field by which a link joins it: what reads items of
/// the group, or all the rest.
pub(super) fn commands(
    records: &Records<'_, '_>,
    of_items: bool,
    options: &Options,
    report: &mut Report,
) -> Vec<Frag> {
    let (mut commands, parts) = parts(records, of_items, options, report);
    commands.extend(lines(parts, " AND").map(|parts| spl!("where {parts}", parts)));
    commands
}

/// The commands that these tests need before them, and the tests, all of which must hold; each once.
pub(super) fn parts(
    records: &Records<'_, '_>,
    of_items: bool,
    options: &Options,
    report: &mut Report,
) -> (Vec<Frag>, Vec<Frag>) {
    let absent = records.step.is_none();
    let mut tests = Tests { options, report, absent, before: Vec::new() };
    let mut leaf = |test: &BoundTest<'_, Spl>, negated, bare| Truth::Test(tests.print(test, negated, bare));
    let mut parts: Vec<_> = records
        .parts()
        .into_iter()
        .filter(|(part, _)| fields::tests_items(part) == of_items)
        .map(|(part, negated)| part.settle(negated, true, &mut leaf).text())
        .collect();
    let keys = records.keys().filter(|key| fields::reads_items(key) == of_items);
    parts.extend(keys.map(|key| is_there(&records.column(key))));
    (unique(tests.before), unique(parts))
}

/// Prints the tests of one step.
struct Tests<'r> {
    options: &'r Options,
    report: &'r mut Report,
    /// Whether they find what must not be there.
    absent: bool,
    /// Commands to run before.
    before: Vec<Frag>,
}

impl Tests<'_> {
    /// A test as one fragment, whatever it consists of.
    fn print(&mut self, bound: &BoundTest<'_, Spl>, negated: bool, bare: bool) -> Frag {
        if bound.other.is_some() && bound.field.ty == Type::Ip {
            // Splunk documents no function that brings an IPv6 address into one notation.
            Inexact::addresses_as_text(negated != self.absent, bound.test.span, self.report);
        }
        let check = self.check(bound).unwrap_or_else(|reason| {
            refuse(bound.test.span, reason, self.report);
            Truth::Always(false)
        });
        check.print(negated, bare).text()
    }

    fn check(&mut self, bound: &BoundTest<'_, Spl>) -> Result<Check, Refusal> {
        let column = &literal::field(bound.field.name);
        match &bound.test.kind {
            TestKind::Exists => Ok(present(column)),
            TestKind::InList { list, case } => self.in_list(bound, *list, *case, column),
            TestKind::Like { pattern, .. } if pattern.matches_everything() => Ok(present(column)),
            TestKind::Values(test) => self.of_values(bound, test, column),
            TestKind::SameAs { other } => {
                let other = literal::field(&other.name);
                Ok(passes(column, vec![same(column, &other, bound.field.ty)]))
            }
            TestKind::TextOf { place, other, case } => {
                let at = literal::found("at", self.before.len(), bound.field.name);
                let (before, test) =
                    two_texts::test([column, &literal::field(&other.name)], *place, *case, &at);
                self.before.extend(before);
                Ok(passes(column, vec![test]))
            }
            kind @ (TestKind::Like { .. }
            | TestKind::Equals { .. }
            | TestKind::InNetworks { .. }
            | TestKind::Order { .. }
            | TestKind::Substring { .. }
            | TestKind::Matches { .. }) => Ok(passes(column, self.of_value(bound, kind, column)?)),
        }
    }

    /// What is asked of one value: one of the tests.
    fn of_value(
        &mut self,
        bound: &BoundTest<'_, Spl>,
        kind: &TestKind,
        value: &Frag,
    ) -> Result<Vec<Frag>, Refusal> {
        Ok(match kind {
            TestKind::Like { pattern, case } => text::like(value, pattern, *case)?,
            TestKind::Equals { values, case } => equals(value, values, *case)?,
            TestKind::InNetworks { networks } => in_networks(value, networks),
            TestKind::Order { op, value: bound } => {
                vec![literal::compare(value, operator(*op), &literal::value(bound)?)]
            }
            TestKind::Substring { place, text, case } => vec![text::substring(value, *place, text, *case)?],
            TestKind::Matches { regex } => {
                if backtrack::may_give_up(regex.exact()) {
                    self.report.note(Effect::Engine, bound.test.span, MATCH_LIMIT);
                }
                vec![text::matches(value, regex.exact())?]
            }
            TestKind::InList { list, case } => match bound.list(*list) {
                Some(list) => entries(value, list, *case, list.exact().keys())?,
                None => Vec::new(),
            },
            // Neither is a test of one value.
            TestKind::Exists | TestKind::SameAs { .. } | TestKind::TextOf { .. } | TestKind::Values(_) => {
                Vec::new()
            }
        })
    }

    /// Whether one value of the column passes, or all do and there is one. `mvfilter` asks each; a lookup would take
    /// several values in a way that Splunk does not document, so the entries of a list stand in the text.
    fn of_values(
        &mut self,
        bound: &BoundTest<'_, Spl>,
        test: &ValuesTest,
        column: &Frag,
    ) -> Result<Check, Refusal> {
        let One { value, is_value } = fields::one(&bound.field, column)?;
        let mut tests = Vec::new();
        for kind in &test.tests {
            let is_any = matches!(kind, TestKind::Like { pattern, case: _ } if pattern.matches_everything());
            tests.extend(if is_any { vec![is_there(&value)] } else { self.of_value(bound, kind, &value)? });
        }
        let found = (!tests.is_empty()).then(|| any(tests));
        let opposite = |found: Option<Frag>| found.map(|found| literal::not(&found));
        let and_is_value = |found: Frag| all(vec![is_value.clone(), found]);
        Ok(match test.quantifier {
            Quantifier::Any => match (found, test.negated) {
                (None, false) => Truth::Always(false),
                (None, true) => some(is_value),
                (Some(found), true) => some(and_is_value(literal::not(&found))),
                // What no text for "no value" can pass needs no more.
                (Some(found), false) if fields::is_fooled(bound) => some(and_is_value(found)),
                (Some(found), false) => some(found),
            },
            Quantifier::All => {
                let fails = if test.negated { found } else { opposite(found.clone()) };
                let fails = match (fails, test.negated) {
                    (Some(fails), _) => some(and_is_value(fails)),
                    // Nothing can be asked for.
                    (None, true) => Truth::Always(false),
                    (None, false) => some(is_value.clone()),
                };
                Truth::all([some(is_value), fails.not()])
            }
        })
    }

    fn in_list(
        &mut self,
        bound: &BoundTest<'_, Spl>,
        index: usize,
        case: Case,
        column: &Frag,
    ) -> Result<Check, Refusal> {
        let Some(list) = bound.list(index) else { return Ok(Truth::Always(false)) };
        if list.by_kind().wildcards().any(Pattern::matches_everything) {
            return Ok(present(column));
        }
        let mut exact = list.exact();
        let mut found = Vec::new();
        // A lookup tells letter case apart or not for all who read it, so what ignores it stays in the text.
        if case == Case::Sensitive && self.options.lists.by_lookup(exact.len()) {
            let hit = literal::found("hit", index, bound.field.name);
            let until = literal::found("until", index, bound.field.name);
            self.look_up(
                External::new(literal::flat(&list.name.node).text().to_owned(), list, &exact),
                column,
                &hit,
                &until,
            );
            exact.clear();
            found.push(present(&hit));
        }
        found.push(passes(column, entries(column, list, case, exact.keys())?));
        Ok(Truth::any(found))
    }

    /// Has a lookup write into `hit` what it finds of the column, if that has not expired. A day that cannot be read
    /// gives null, which `if` takes for false: what is not known to be approved is not exempt.
    fn look_up(&mut self, external: External, column: &Frag, hit: &Frag, until: &Frag) {
        let name = literal::flat(&external.name);
        let found = spl!(
            "lookup {name} value AS {column} OUTPUT value AS {hit} until AS {until}",
            name,
            column,
            hit,
            until
        );
        let counts = spl!(
            "eval {hit} = if(isnull({until}) OR {until}=\"\" OR \
             strptime({until} . \"+0000\", \"%Y-%m-%d%z\") + 86400 > now(), {hit}, null())",
            hit,
            until
        );
        self.before.extend([found, counts]);
        self.report.require(format!(
            "lookup definition `{}` with case_sensitive_match = true and no match_type, over {}",
            external.name,
            external.contents()
        ));
        self.report.read(external);
    }
}

const MATCH_LIMIT: &str = "Splunk gives up on a long value with many repetitions (`match_limit`) and then finds no match: \
                           write the regular expression without nested or adjacent repetitions, or use `like`";

/// Whether a value matches an entry of a list: one of the exact texts that are given, or any other entry.
fn entries<'t>(
    value: &Frag,
    list: &List,
    case: Case,
    exact: impl Iterator<Item = &'t String>,
) -> Result<Vec<Frag>, Refusal> {
    let entries = list.by_kind();
    let mut tests = text::equals(value, exact.map(String::as_str), case)?;
    tests.extend(equals(value, &entries.values, Case::Sensitive)?);
    for pattern in entries.wildcards() {
        if pattern.matches_everything() {
            tests.push(is_there(value));
        } else {
            tests.extend(text::like(value, pattern, case)?);
        }
    }
    tests.extend(in_networks(value, &entries.wider_networks().collect::<Vec<_>>()));
    Ok(tests)
}

/// Whether the column equals one of the values, which are all of its type.
fn equals(column: &Frag, values: &[Value], case: Case) -> Result<Vec<Frag>, Refusal> {
    let (mut texts, mut networks, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for value in values {
        match value {
            Value::String(text) => texts.push(text.as_str()),
            // An IPv6 address has many notations, an IPv4 address one.
            Value::Ip(address) if address.is_ipv6() => networks.push(IpNet::from(*address)),
            Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Time(_) | Value::Ip(_) => {
                others.push(literal::value(value)?);
            }
        }
    }
    let mut all = text::equals(column, texts, case)?;
    all.extend(literal::one_of(column, &others));
    all.extend(in_networks(column, &networks));
    Ok(all)
}

/// `cidrmatch` says nothing about networks and addresses of different families; a colon tells them apart.
fn in_networks(column: &Frag, networks: &[IpNet]) -> Vec<Frag> {
    let (v4, v6): (Vec<_>, Vec<_>) = networks.iter().partition(|network| matches!(network, IpNet::V4(_)));
    let colon = literal::call("match", [column, &spl!("\":\"")]);
    let family = |colon: Frag, networks: Vec<&IpNet>| {
        let inside = |network| literal::call("cidrmatch", [&literal::network(network), column]);
        let tests: Vec<_> = networks.into_iter().map(inside).collect();
        (!tests.is_empty()).then(|| all(vec![colon, any(tests)]))
    };
    family(literal::not(&colon), v4).into_iter().chain(family(colon, v6)).collect()
}

/// How an order is written.
pub(super) fn operator(op: OrderOp) -> &'static str {
    match op {
        OrderOp::Less => " < ",
        OrderOp::LessEqual => " <= ",
        OrderOp::Greater => " > ",
        OrderOp::GreaterEqual => " >= ",
    }
}

/// A leading `=` keeps Splunk from comparing two texts as numbers; both are guarded, since `printf` writes `Null` for
/// nothing.
fn same(one: &Frag, other: &Frag, ty: Type) -> Frag {
    let side = |column: &Frag| match ty {
        Type::String | Type::Ip => spl!("printf(\"=%s\", {column})", column),
        Type::Int | Type::Float | Type::Bool | Type::Time => column.clone(),
    };
    all(vec![is_there(one), is_there(other), literal::compare(&side(one), "=", &side(other))])
}

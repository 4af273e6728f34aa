//! Conditions in EQL. Elasticsearch, and the `eql` package in its own way, take a comparison with a missing field for
//! null; so each test is printed such that it is false on a missing field and its negation true, in both.
//!
//! In: a step. Out: [`Frag`]s to be joined by `and`. Must not know: chains, stages. Columns that hold the values of all
//! items of an event together are [`super::multi`]'s.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::text::{self, Alternative};
use super::{literal, multi};
use crate::backend::columns::{self, Place};
use crate::backend::print::{self, Bind, Frag, Nnf, phrase};
use crate::backend::{Job, Report, Target};
use crate::catalog::{Mapped, Stored};
use crate::diag::{Code, Diagnostic};
use crate::ir::{Case, Field, FieldTest, List, OrderOp, Step, TestKind, Type, Value};

/// Why a test cannot be said, and the best way round.
pub(super) struct Refusal {
    /// Why.
    pub(super) reason: String,
    /// The way round.
    pub(super) help: String,
}

impl Refusal {
    pub(super) fn new(reason: impl Into<String>, help: impl Into<String>) -> Self {
        Self { reason: reason.into(), help: help.into() }
    }
}

/// One item of a sequence, as its condition sees it.
pub(super) struct Item<'a> {
    /// The job.
    pub(super) job: Job<'a>,
    /// The target, whose columns are read.
    pub(super) target: &'a dyn Target,
    /// The step.
    pub(super) step: &'a Step,
    /// The texts of which the step demands one, by field.
    pub(super) demanded: BTreeMap<&'a str, BTreeSet<String>>,
    /// Physical fields by which the sequence joins this item and that hold several values, each with the canonical
    /// field that is meant.
    pub(super) joined: Vec<(String, String)>,
}

/// The step's condition; problems go to `report`.
pub(super) fn condition(item: &Item<'_>, report: &mut Report) -> Vec<Frag> {
    match print::condition(item.step) {
        Nnf::All(parts) => {
            parts.iter().map(|part| print(item, part, report)).filter(|part| !is(part, TRUE)).collect()
        }
        other @ (Nnf::Any(_) | Nnf::Leaf { .. }) => vec![print(item, &other, report)],
    }
}

/// The test that a field is present: not absent, and none of the texts that stand for "no value".
pub(super) fn present(name: &Frag, absent: &[String]) -> Frag {
    let found = Frag::test(phrase!("{} != null", name.text()));
    all(std::iter::once(found).chain(none_of(name, absent)).collect())
}

const TRUE: &str = "true";
const FALSE: &str = "false";

fn is(frag: &Frag, constant: &str) -> bool {
    frag.text() == constant
}

fn print(item: &Item<'_>, pred: &Nnf<'_>, report: &mut Report) -> Frag {
    match pred {
        Nnf::All(parts) => all(parts.iter().map(|part| print(item, part, report)).collect()),
        Nnf::Any(parts) => any(parts.iter().map(|part| print(item, part, report)).collect()),
        Nnf::Leaf { test, negated } => leaf(item, test, *negated, report),
    }
}

/// Parts joined by `and`; what always holds is left out.
pub(super) fn all(mut parts: Vec<Frag>) -> Frag {
    parts.retain(|part| !is(part, TRUE));
    if parts.is_empty() { Frag::atom(TRUE) } else { Frag::join(parts, " and ", Bind::And) }
}

/// Parts joined by `or`; what never holds is left out.
pub(super) fn any(mut parts: Vec<Frag>) -> Frag {
    parts.retain(|part| !is(part, FALSE));
    if parts.iter().any(|part| is(part, TRUE)) {
        return Frag::atom(TRUE);
    }
    if parts.is_empty() { Frag::atom(FALSE) } else { Frag::join(parts, " or ", Bind::Or) }
}

/// The negation of a test that is neither null nor a constant.
pub(super) fn not(test: &Frag) -> Frag {
    Frag::test(phrase!("not {}", test.inside(Bind::And)))
}

/// `name == null`.
pub(super) fn missing(name: &Frag) -> Frag {
    Frag::test(phrase!("{} == null", name.text()))
}

fn leaf(item: &Item<'_>, test: &FieldTest, negated: bool, report: &mut Report) -> Frag {
    let Some(place) = columns::place_among(
        &item.job,
        item.target,
        item.step,
        &test.field,
        item.demanded.get(ACTION),
        report,
    ) else {
        return Frag::atom(FALSE);
    };
    let Some((last, others)) = place.variants.split_last() else { return Frag::atom(FALSE) };
    let mut parts = Vec::new();
    let mut named: Vec<String> = Vec::new();
    for variant in others {
        let here = actions(variant.actions);
        parts.push(all(vec![here, column(item, test, &place, variant, negated, report)]));
        named.extend(variant.actions.iter().cloned());
    }
    let rest = column(item, test, &place, last, negated, report);
    parts.push(if named.is_empty() {
        rest
    } else {
        let elsewhere = any(vec![missing(&literal::field(ACTION)), not(&actions(&named))]);
        all(vec![elsewhere, rest])
    });
    any(parts)
}

/// The test that a text field has exactly this value.
pub(super) fn equals(item: &Item<'_>, field: Field, value: &str, report: &mut Report) -> Frag {
    let span = field.span;
    let values = vec![Value::String(value.to_owned())];
    let kind = TestKind::Equals { values, case: Case::Sensitive };
    leaf(item, &FieldTest { field, kind, span }, false, report)
}

/// Where Elastic's common schema keeps the action, by which variants of a column are told apart.
const ACTION: &str = "event.action";

fn actions(names: &[String]) -> Frag {
    let names: Vec<_> = names.iter().map(|name| literal::string(name)).collect();
    text::one_of(&literal::field(ACTION), "in", &names)
}

fn column(
    item: &Item<'_>,
    test: &FieldTest,
    place: &Place<'_>,
    column: &Mapped,
    negated: bool,
    report: &mut Report,
) -> Frag {
    for inexact in columns::inexact([column]) {
        inexact.tested(test, negated, report);
    }
    let printed = if column.multi {
        multi::print(item, test, column, negated, report)
    } else {
        single(item, test, place, column, negated, report)
    };
    let readable =
        |printed: Frag| if literal::is_misread(printed.text()) { Err(hidden()) } else { Ok(printed) };
    printed.and_then(readable).unwrap_or_else(|refusal| {
        let title = format!("{} cannot express this test of `{}`", item.target.title(), test.field.name);
        report.error(
            Diagnostic::new(Code::NotExpressible, test.span, title).label(refusal.reason).help(refusal.help),
        );
        Frag::atom(FALSE)
    })
}

fn hidden() -> Refusal {
    Refusal::new(
        "the value has several characters that cannot be seen, and readers of EQL disagree on more than one of them",
        "compare with a part of the value, or use `like` with `?` in their place",
    )
}

/// How Elasticsearch holds a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Bool,
    Ip,
    Date,
}

pub(super) fn kind(ty: Type, column: &Mapped) -> Option<Kind> {
    match (ty, column.stored) {
        (Type::Time, Some(Stored::String)) => None,
        (_, Some(Stored::String)) | (Type::String, None) => Some(Kind::Text),
        (Type::Int | Type::Float, None | Some(Stored::Number)) => Some(Kind::Number),
        (Type::Bool, None | Some(Stored::Bool)) => Some(Kind::Bool),
        (Type::Ip, None) => Some(Kind::Ip),
        (Type::Time, None | Some(Stored::Time)) => Some(Kind::Date),
        (
            Type::String | Type::Int | Type::Float | Type::Bool | Type::Ip | Type::Time,
            Some(Stored::Number | Stored::Bool | Stored::Time),
        ) => None,
    }
}

/// The texts that stand for "no value" in a column: none where it does not hold texts.
pub(super) fn absent_texts(place: &Place<'_>, column: &Mapped) -> Vec<String> {
    if kind(place.def.ty, column) != Some(Kind::Text) {
        return Vec::new();
    }
    let placeholder = column.placeholder.as_deref().or(place.placeholder);
    std::iter::once("").chain(placeholder).map(str::to_owned).collect()
}

fn single(
    item: &Item<'_>,
    test: &FieldTest,
    place: &Place<'_>,
    column: &Mapped,
    negated: bool,
    report: &mut Report,
) -> Result<Frag, Refusal> {
    let Some(name) = column.field.as_deref().map(literal::field) else {
        return Err(Refusal::new(
            "the source file places the field in a way that EQL cannot read",
            "give the column as `field`, or compile for other targets",
        ));
    };
    let holds = kind(place.def.ty, column).ok_or_else(|| {
        Refusal::new(
            "the source file stores the field in a type it cannot be compared as",
            "correct `stored`",
        )
    })?;
    let absent = absent_texts(place, column);
    let (found, inverse) = positive(item, test, &name, holds, report)?;
    // A text that means "no value" may satisfy the test as a text; the field is missing all the same.
    let fooled: Vec<_> = absent.into_iter().filter(|text| could_hold(item, test, text)).collect();
    Ok(if is(&found, FALSE) {
        Frag::atom(if negated { TRUE } else { FALSE })
    } else if negated {
        let mut parts = vec![missing(&name)];
        parts.extend(fooled.iter().map(|text| equal(&name, &literal::string(text))));
        if test.kind != TestKind::Exists {
            parts.push(inverse.unwrap_or_else(|| not(&found)));
        }
        any(parts)
    } else {
        all(std::iter::once(found).chain(none_of(&name, &fooled)).collect())
    })
}

/// `name == value`.
pub(super) fn equal(name: &Frag, value: &Frag) -> Frag {
    Frag::test(phrase!("{} == {}", name.text(), value.text()))
}

fn none_of(name: &Frag, texts: &[String]) -> Vec<Frag> {
    texts
        .iter()
        .map(|text| Frag::test(phrase!("{} != {}", name.text(), literal::string(text).text())))
        .collect()
}

/// Whether a text could satisfy the test.
fn could_hold(item: &Item<'_>, test: &FieldTest, value: &str) -> bool {
    match &test.kind {
        TestKind::Exists => true,
        TestKind::Order { .. } | TestKind::InNetworks { .. } | TestKind::SameAs { .. } => false,
        TestKind::Equals { .. }
        | TestKind::InList { .. }
        | TestKind::Like { .. }
        | TestKind::Substring { .. }
        | TestKind::Matches { .. } => text::alternatives(&test.kind, &item.job.rule.lists)
            .iter()
            .any(|alternative| alternative.could_match(value)),
    }
}

/// The test, false or null on a missing field, and its negation where that is not just `not`.
fn positive(
    item: &Item<'_>,
    test: &FieldTest,
    name: &Frag,
    holds: Kind,
    report: &mut Report,
) -> Result<(Frag, Option<Frag>), Refusal> {
    let lists = &item.job.rule.lists;
    let plain = |found| Ok((found, None));
    match &test.kind {
        TestKind::Exists => plain(Frag::test(phrase!("{} != null", name.text()))),
        TestKind::Order { op, value } => plain(order(name, *op, value, holds)?),
        TestKind::InNetworks { networks: list } => plain(networks(name, list, holds)?),
        TestKind::SameAs { .. } => {
            Err(Refusal::new("EQL cannot compare two fields", "compare with literals"))
        }
        TestKind::InList { list } => plain(in_list(item, test, lists.get(*list), name, holds, report)?),
        TestKind::Equals { values, .. } if holds != Kind::Text => values_in(name, values, holds),
        TestKind::Equals { .. }
        | TestKind::Like { .. }
        | TestKind::Substring { .. }
        | TestKind::Matches { .. } => {
            if holds != Kind::Text {
                return Err(Refusal::new(
                    "Elastic does not hold the field as text",
                    "use a comparison of its type",
                ));
            }
            texts(name, &text::alternatives(&test.kind, lists))
        }
    }
}

fn texts(name: &Frag, alternatives: &[Alternative]) -> Result<(Frag, Option<Frag>), Refusal> {
    let inverse = match alternatives {
        [only] => only
            .plain()
            .map(|value| Frag::test(phrase!("{} != {}", name.text(), literal::string(value).text()))),
        _ => None,
    };
    Ok((any(text::print(name, alternatives).map_err(too_long)?), inverse))
}

pub(super) fn too_long(reason: String) -> Refusal {
    Refusal::new(reason, "use `like`, `contains`, `starts_with` or `ends_with`, or a shorter expression")
}

/// An allowlist. Elasticsearch bounds how many values and clauses one query may have.
fn in_list(
    item: &Item<'_>,
    test: &FieldTest,
    list: Option<&List>,
    name: &Frag,
    holds: Kind,
    report: &mut Report,
) -> Result<Frag, Refusal> {
    let entries = list.map(List::by_kind).unwrap_or_default();
    require_limits(list.map_or(0, |list| list.entries.len()), report);
    let (nets, values) = (entries.networks, entries.values);
    let mut parts = Vec::new();
    if !nets.is_empty() {
        parts.push(networks(name, &nets, holds)?);
    }
    if !values.is_empty() {
        parts.push(values_in(name, &values, holds)?.0);
    }
    parts.push(texts(name, &text::alternatives(&test.kind, &item.job.rule.lists))?.0);
    Ok(any(parts))
}

/// The most values that one `in` may have by default (`index.max_terms_count`).
const TERMS: usize = 65_536;
/// About the least number of clauses that every Elasticsearch accepts.
const CLAUSES: usize = 1_024;

pub(super) fn require_limits(entries: usize, report: &mut Report) {
    if entries > TERMS {
        report
            .require(phrase!("index setting index.max_terms_count of at least {entries} (a long allowlist)"));
    }
    if entries > CLAUSES {
        report.require(phrase!(
            "memory for queries of {entries} clauses (indices.query.bool.max_clause_count, if the allowlist has patterns)"
        ));
    }
}

fn values_in(name: &Frag, values: &[Value], holds: Kind) -> Result<(Frag, Option<Frag>), Refusal> {
    if holds == Kind::Ip {
        return addresses(name, values);
    }
    let literals: Vec<_> = values
        .iter()
        .map(|value| literal::value(value, holds == Kind::Text))
        .collect::<Option<_>>()
        .ok_or_else(instant)?;
    let inverse = match literals.as_slice() {
        [only] => Some(Frag::test(phrase!("{} != {}", name.text(), only.text()))),
        _ => None,
    };
    Ok((text::one_of(name, "in", &literals), inverse))
}

fn instant() -> Refusal {
    Refusal::new("Elasticsearch holds instants in milliseconds", "round the instant to a millisecond")
}

/// One IPv4 address reads best as `==`; everything else goes through `cidrMatch`, which knows every notation of IPv6.
fn addresses(name: &Frag, values: &[Value]) -> Result<(Frag, Option<Frag>), Refusal> {
    let mut nets = Vec::new();
    for value in values {
        match value {
            Value::Ip(address) => nets.push(IpNet::from(*address)),
            Value::String(_) | Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Time(_) => {}
        }
    }
    if let [only @ IpNet::V4(_)] = nets.as_slice() {
        let address = literal::string(&only.addr().to_string());
        return Ok((
            equal(name, &address),
            Some(Frag::test(phrase!("{} != {}", name.text(), address.text()))),
        ));
    }
    Ok((networks(name, &nets, Kind::Ip)?, None))
}

fn networks(name: &Frag, networks: &[IpNet], holds: Kind) -> Result<Frag, Refusal> {
    if holds != Kind::Ip {
        return Err(Refusal::new(
            "Elastic holds the field as text, not as an address",
            "compare with `==` or `like`",
        ));
    }
    let (mut plain, mut parts) = (Vec::new(), Vec::new());
    for network in networks {
        let text = literal::string(&network.trunc().to_string());
        match mapped(network) {
            Mapping::None => plain.push(text),
            // Elasticsearch keeps IPv4 addresses inside ::ffff:0:0/96, so such a network would hold all of them.
            Mapping::Holds => {
                parts.push(all(vec![matched(name, &[text]), not(&matched(name, &[every_v4()]))]));
            }
            Mapping::Inside => {
                return Err(Refusal::new(
                    phrase!("Elasticsearch takes addresses of `{network}` for IPv4 addresses"),
                    "write the network in IPv4 notation",
                ));
            }
        }
    }
    if !plain.is_empty() {
        parts.insert(0, matched(name, &plain));
    }
    Ok(any(parts))
}

fn every_v4() -> Frag {
    literal::string("0.0.0.0/0")
}

fn matched(name: &Frag, networks: &[Frag]) -> Frag {
    Frag::atom(phrase!("cidrMatch({}, {})", name.text(), text::listed(networks)))
}

/// How an IPv6 network stands to the part of IPv6 in which Elasticsearch keeps IPv4.
enum Mapping {
    None,
    Holds,
    Inside,
}

fn mapped(network: &IpNet) -> Mapping {
    const V4_IN_V6: IpAddr = IpAddr::V6(std::net::Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0));
    match network {
        IpNet::V6(v6) if network.contains(&V4_IN_V6) && v6.prefix_len() <= 96 => Mapping::Holds,
        IpNet::V6(v6) if v6.addr().to_ipv4_mapped().is_some() => Mapping::Inside,
        IpNet::V4(_) | IpNet::V6(_) => Mapping::None,
    }
}

fn order(name: &Frag, op: OrderOp, value: &Value, holds: Kind) -> Result<Frag, Refusal> {
    let sign = match op {
        OrderOp::Less => "<",
        OrderOp::LessEqual => "<=",
        OrderOp::Greater => ">",
        OrderOp::GreaterEqual => ">=",
    };
    match holds {
        Kind::Number | Kind::Date => {
            let bound = literal::value(value, false).ok_or_else(instant)?;
            Ok(Frag::test(phrase!("{} {sign} {}", name.text(), bound.text())))
        }
        Kind::Text | Kind::Bool | Kind::Ip => Err(Refusal::new(
            "Elastic holds the field as text, and texts do not order as numbers do",
            "list the values with `in`",
        )),
    }
}

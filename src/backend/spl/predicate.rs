//! A step's condition as the arguments of one `where`.
//!
//! In: predicates over the columns `chain_f_<field>`, which hold a clean value or nothing. Out: parts to be joined by
//! `AND`, and the lookups they need. Must not know: where the columns come from.
//!
//! Splunk's comparisons with nothing are neither true nor false. So a test directly under the `where` stands bare
//! (nothing drops the row, as false would), below an OR it is guarded by `isnotnull`, and a negated one reads
//! `isnull(f) OR NOT …`.

use std::collections::BTreeSet;

use crate::backend::print::{self, Bind, Frag, Nnf, phrase};
use crate::backend::{Effect, External, Job, Report, columns};
use crate::catalog::Source;
use crate::diag::{Code, Diagnostic};
use crate::ir::{Case, Field, FieldTest, List, OrderOp, Pattern, PatternPart, Step, TestKind, Type, Value};
use crate::source::Span;
use ipnet::IpNet;

use super::literal::{self, Refusal};
use super::{Spl, regex};

/// Prints conditions of one step.
pub(super) struct Predicates<'a, 'r> {
    pub(super) job: &'a Job<'a>,
    pub(super) step: &'a Step,
    pub(super) report: &'r mut Report,
    /// `lookup` commands to run before the `where`.
    pub(super) lookups: Vec<Frag>,
}

/// A test in two parts: what is two-valued by itself (with its opposite), and what needs the field to be there.
#[derive(Default)]
struct Leaf {
    settled: Vec<(Frag, Frag)>,
    tests: Vec<Frag>,
}

impl Predicates<'_, '_> {
    /// The parts of the step's condition that all must hold.
    pub(super) fn condition(&mut self) -> Vec<Frag> {
        match print::condition(self.step) {
            Nnf::All(parts) => parts.iter().map(|part| self.print(part, true)).collect(),
            whole @ (Nnf::Any(_) | Nnf::Leaf { .. }) => vec![self.print(&whole, true)],
        }
    }

    fn print(&mut self, part: &Nnf<'_>, top: bool) -> Frag {
        match part {
            Nnf::All(parts) => all(parts.iter().map(|part| self.print(part, top)).collect()),
            Nnf::Any(parts) => any(parts.iter().map(|part| self.print(part, false)).collect()),
            Nnf::Leaf { test, negated } => {
                self.note_inexact(test, *negated);
                self.note_notation(test, *negated);
                let field = literal::column("f", &test.field.name);
                let leaf = self.leaf(test, &field).unwrap_or_else(|reason| {
                    self.refuse(test.span, reason);
                    Leaf::default()
                });
                if *negated { leaf.negative(&field) } else { leaf.positive(&field, top) }
            }
        }
    }

    fn refuse(&mut self, span: Span, reason: &str) {
        self.report.error(
            Diagnostic::new(Code::NotExpressible, span, "Splunk SPL cannot carry this value exactly")
                .label(reason)
                .help("use a value that SPL can carry, or leave Splunk out with `--target`"),
        );
    }

    fn note_inexact(&mut self, test: &FieldTest, negated: bool) {
        for field in test.fields() {
            for inexact in columns::inexact_field(self.job, &Spl, self.step, field) {
                inexact.tested(test, negated, self.report);
            }
        }
    }

    /// Splunk documents no function that brings an IPv6 address into one notation.
    fn note_notation(&mut self, test: &FieldTest, negated: bool) {
        if matches!(test.kind, TestKind::SameAs { .. }) && test.field.ty == Type::Ip {
            let effect = if negated { Effect::Superset } else { Effect::Subset };
            self.report.note(effect, test.span, columns::BY_TEXT);
        }
    }

    fn leaf(&mut self, test: &FieldTest, field: &str) -> Result<Leaf, Refusal> {
        let is_text = test.field.ty == Type::String;
        let tests = match &test.kind {
            TestKind::Exists => {
                let settled = vec![(call("isnotnull", &[field]), call("isnull", &[field]))];
                return Ok(Leaf { settled, tests: Vec::new() });
            }
            TestKind::InList { list } => return self.in_list(*list, test, field),
            TestKind::Equals { values, case } if is_text => {
                equals_text(values.iter().filter_map(string), field, *case)?
            }
            TestKind::Equals { values, .. } => equals_typed(values, field)?,
            TestKind::InNetworks { networks } => in_networks(networks, field),
            TestKind::Order { op, value } => vec![order(*op, value, field)?],
            TestKind::Like { pattern, case } => like(pattern, field, *case)?,
            TestKind::Substring { place, text, case } => {
                let how = Compared::new(field, [text.as_str()], *case);
                let regex = regex::substring(*place, &how.fold.fold(text), how.letters);
                vec![matched(&how.subject, &regex)?]
            }
            TestKind::Matches { regex } => match regex::portable(regex) {
                Ok(regex) => vec![matched(field, &regex)?],
                Err(reason) => {
                    self.refuse(test.span, &reason);
                    Vec::new()
                }
            },
            TestKind::SameAs { other } => vec![same(test, field, other)],
        };
        Ok(Leaf { settled: Vec::new(), tests })
    }

    fn in_list(&mut self, index: usize, test: &FieldTest, field: &str) -> Result<Leaf, Refusal> {
        let Some(list) = self.job.rule.lists.get(index) else { return Ok(Leaf::default()) };
        let entries = list.by_kind();
        if entries.wildcards().any(Pattern::matches_everything) {
            return Ok(Leaf { settled: Vec::new(), tests: vec![call("isnotnull", &[field])] });
        }
        let mut leaf = Leaf::default();
        let exact = entries.exact();
        if self.job.options.lists.by_lookup(exact.len()) {
            leaf.settled.push(self.look_up(index, list, &test.field, field, &exact));
        } else {
            leaf.tests.extend(equals_text(exact.iter().map(String::as_str), field, Case::Sensitive)?);
        }
        if !entries.values.is_empty() {
            leaf.tests.extend(equals_typed(&entries.values, field)?);
        }
        for pattern in entries.wildcards() {
            leaf.tests.extend(like(pattern, field, Case::Sensitive)?);
        }
        let networks: Vec<_> = entries.wider_networks().collect();
        if !networks.is_empty() {
            leaf.tests.extend(in_networks(&networks, field));
        }
        Ok(leaf)
    }

    fn look_up(
        &mut self,
        index: usize,
        list: &List,
        field: &Field,
        column: &str,
        values: &[String],
    ) -> (Frag, Frag) {
        let name = literal::flat(&list.name.node);
        // By number: names of lists and fields joined by underscores could be one name.
        let hit = literal::column(&phrase!("hit{}", index + 1), &field.name);
        let command = phrase!("lookup {name} value AS {column} OUTPUT value AS {hit}");
        if !self.lookups.iter().any(|known| known.text() == command) {
            self.lookups.push(Frag::atom(command));
        }
        self.report.require(phrase!(
            "lookup definition `{name}` with case_sensitive_match = true and no match_type, over a CSV file whose column \
             `value` holds the {} plain values of the allowlist `{}`",
            values.len(),
            list.name.node
        ));
        self.report.read(External::new(&list.name, values.iter().map(String::as_str)));
        (call("isnotnull", &[&hit]), call("isnull", &[&hit]))
    }
}

impl Leaf {
    fn positive(self, field: &str, top: bool) -> Frag {
        let Self { settled, tests } = self;
        let bare = top && settled.is_empty();
        let mut choices: Vec<_> = settled.into_iter().map(|(holds, _)| holds).collect();
        if !tests.is_empty() {
            let tests = any(tests);
            let guard = || call("isnotnull", &[field]);
            choices.push(if bare || tests == guard() { tests } else { all(vec![guard(), tests]) });
        }
        if choices.is_empty() { Frag::test("1=0") } else { any(choices) }
    }

    fn negative(self, field: &str) -> Frag {
        let Self { settled, tests } = self;
        let mut parts: Vec<_> = settled.into_iter().map(|(_, fails)| fails).collect();
        if !tests.is_empty() {
            parts.push(any(vec![call("isnull", &[field]), not(&any(tests))]));
        }
        if parts.is_empty() { Frag::test("1=1") } else { all(parts) }
    }
}

/// Joined by `AND`; a joined part gets parentheses, whatever joins it.
pub(super) fn all(parts: Vec<Frag>) -> Frag {
    Frag::join(parts, " AND ", Bind::And)
}

/// Joined by `OR`; the result ranks as `AND` does, because in SPL the two are told apart by parentheses alone.
pub(super) fn any(parts: Vec<Frag>) -> Frag {
    Frag::join(parts, " OR ", Bind::And)
}

fn not(part: &Frag) -> Frag {
    Frag::atom(phrase!("NOT {}", part.inside(Bind::Test)))
}

pub(super) fn call(function: &str, arguments: &[&str]) -> Frag {
    Frag::atom(phrase!("{function}({})", arguments.join(", ")))
}

fn matched(subject: &str, regex: &str) -> Result<Frag, Refusal> {
    Ok(call("match", &[subject, literal::text(regex)?.text()]))
}

/// How texts are compared: where case is ignored, both sides in lower case if the texts are ASCII; else each letter in
/// all its spellings, for Splunk does not say what `lower()` makes of letters beyond ASCII.
struct Compared {
    subject: String,
    /// How a text is folded before it is printed.
    fold: Case,
    /// In which spellings its letters are printed.
    letters: Case,
}

impl Compared {
    fn new<'t>(field: &str, texts: impl IntoIterator<Item = &'t str>, case: Case) -> Self {
        let lowered = case == Case::Ignore && texts.into_iter().all(str::is_ascii);
        if lowered {
            Self { subject: phrase!("lower({field})"), fold: Case::Ignore, letters: Case::Sensitive }
        } else {
            Self { subject: field.to_owned(), fold: Case::Sensitive, letters: case }
        }
    }
}

fn folded(pattern: &Pattern, case: Case) -> Pattern {
    let fold = |part: &PatternPart| match part {
        PatternPart::Text(text) => PatternPart::Text(case.fold(text).into_owned()),
        PatternPart::Any | PatternPart::One => part.clone(),
    };
    Pattern { parts: pattern.parts.iter().map(fold).collect() }
}

fn texts(pattern: &Pattern) -> impl Iterator<Item = &str> {
    pattern.parts.iter().filter_map(|part| match part {
        PatternPart::Text(text) => Some(text.as_str()),
        PatternPart::Any | PatternPart::One => None,
    })
}

fn string(value: &Value) -> Option<&str> {
    if let Value::String(text) = value { Some(text) } else { None }
}

/// Text that looks like a number goes through `match`: `=` might compare it by value, and `01` is not `1`.
fn equals_text<'t>(
    values: impl Iterator<Item = &'t str>,
    field: &str,
    case: Case,
) -> Result<Vec<Frag>, Refusal> {
    let (plain, spelled): (Vec<_>, Vec<_>) =
        values.partition(|value| case == Case::Sensitive || value.is_ascii());
    let how = Compared::new(field, plain.iter().copied(), case);
    let plain = plain.into_iter().map(|value| how.fold.fold(value));
    let (numeric, plain): (Vec<_>, Vec<_>) = plain.partition(|value| literal::looks_numeric(value));
    let mut tests = Vec::new();
    let plain = plain.iter().map(|value| literal::text(value)).collect::<Result<Vec<_>, _>>()?;
    tests.extend(among(&plain, &how.subject));
    if !numeric.is_empty() {
        let numeric = numeric.iter().map(AsRef::as_ref);
        tests.push(matched(&how.subject, &regex::one_of(numeric, Case::Sensitive))?);
    }
    if !spelled.is_empty() {
        tests.push(matched(field, &regex::one_of(spelled, case))?);
    }
    Ok(tests)
}

fn among(values: &[Frag], subject: &str) -> Option<Frag> {
    match values {
        [] => None,
        [only] => Some(Frag::test(phrase!("{subject}={}", only.text()))),
        several => {
            let operands: Vec<_> = std::iter::once(subject).chain(several.iter().map(Frag::text)).collect();
            Some(call("in", &operands))
        }
    }
}

fn equals_typed(values: &[Value], field: &str) -> Result<Vec<Frag>, Refusal> {
    let mut plain = Vec::new();
    let mut networks = Vec::new();
    for value in values {
        match value {
            // An IPv6 address has many notations, an IPv4 address one.
            Value::Ip(address) if address.is_ipv6() => networks.push(IpNet::from(*address)),
            Value::String(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Bool(_)
            | Value::Time(_)
            | Value::Ip(_) => plain.push(literal::value(value)?),
        }
    }
    let mut tests = Vec::from_iter(among(&plain, field));
    if !networks.is_empty() {
        tests.extend(in_networks(&networks, field));
    }
    Ok(tests)
}

/// `cidrmatch` says nothing about networks and addresses of different families; a colon tells them apart.
fn in_networks(networks: &[IpNet], field: &str) -> Vec<Frag> {
    let (v4, v6): (Vec<_>, Vec<_>) = networks.iter().partition(|network| matches!(network, IpNet::V4(_)));
    let inside = |network: &IpNet| call("cidrmatch", &[&phrase!("\"{}\"", network.trunc()), field]);
    let colon = call("match", &[field, "\":\""]);
    let mut tests = Vec::new();
    if !v4.is_empty() {
        tests.push(all(vec![not(&colon), any(v4.into_iter().map(inside).collect())]));
    }
    if !v6.is_empty() {
        tests.push(all(vec![colon, any(v6.into_iter().map(inside).collect())]));
    }
    tests
}

fn order(op: OrderOp, value: &Value, field: &str) -> Result<Frag, Refusal> {
    let sign = match op {
        OrderOp::Less => "<",
        OrderOp::LessEqual => "<=",
        OrderOp::Greater => ">",
        OrderOp::GreaterEqual => ">=",
    };
    Ok(Frag::test(phrase!("{field} {sign} {}", literal::value(value)?.text())))
}

fn like(pattern: &Pattern, field: &str, case: Case) -> Result<Vec<Frag>, Refusal> {
    match pattern.literal() {
        Some("") => Ok(Vec::new()),
        Some(text) => equals_text(std::iter::once(text), field, case),
        None if pattern.matches_everything() => Ok(vec![call("isnotnull", &[field])]),
        None => {
            let how = Compared::new(field, texts(pattern), case);
            let regex = regex::wildcard(&folded(pattern, how.fold), how.letters);
            Ok(vec![matched(&how.subject, &regex)?])
        }
    }
}

/// A leading `=` keeps Splunk from comparing two texts as numbers; both are guarded, since `printf` writes `Null` for
/// nothing.
fn same(test: &FieldTest, field: &str, other: &Field) -> Frag {
    let other = literal::column("f", &other.name);
    let equal = match test.field.ty {
        Type::String | Type::Ip => phrase!("printf(\"=%s\", {field})=printf(\"=%s\", {other})"),
        Type::Int | Type::Float | Type::Bool | Type::Time => phrase!("{field}={other}"),
    };
    all(vec![call("isnotnull", &[field]), call("isnotnull", &[&other]), Frag::test(equal)])
}

/// Tests for the base search that every record of the step passes: equality of texts on fields that Splunk extracts by
/// itself.
pub(super) struct Prefilter<'a> {
    pub(super) job: &'a Job<'a>,
    pub(super) step: &'a Step,
    pub(super) source: &'a Source,
    /// The actions that the step admits.
    pub(super) admitted: Option<&'a BTreeSet<String>>,
}

impl Prefilter<'_> {
    /// The terms, if there are any.
    pub(super) fn print(&self) -> Option<Frag> {
        let whole = match print::condition(self.step) {
            whole @ Nnf::All(_) => whole,
            part @ (Nnf::Any(_) | Nnf::Leaf { .. }) => Nnf::All(vec![part]),
        };
        self.superset(&whole)
    }

    fn superset(&self, part: &Nnf<'_>) -> Option<Frag> {
        match part {
            Nnf::All(parts) => {
                let terms = parts.iter().filter_map(|part| self.superset(part));
                // The source stands before the terms, so even a lone OR needs its parentheses.
                let mut terms: Vec<_> = terms.map(|term| Frag::atom(term.inside(Bind::And))).collect();
                terms.dedup();
                (!terms.is_empty()).then(|| Frag::join(terms, " ", Bind::And))
            }
            Nnf::Any(parts) => {
                let terms: Option<Vec<_>> = parts.iter().map(|part| self.superset(part)).collect();
                Some(any(terms?))
            }
            Nnf::Leaf { test, negated: false } => {
                let TestKind::Equals { values, .. } = &test.kind else { return None };
                let column = self.plain_column(&test.field)?;
                let term = |value: &Value| literal::term(&column, string(value)?);
                Some(any(values.iter().map(term).collect::<Option<Vec<_>>>()?))
            }
            Nnf::Leaf { negated: true, .. } => None,
        }
    }

    /// The one column of a text field that Splunk extracts by itself and that holds the value as it is.
    fn plain_column(&self, field: &Field) -> Option<String> {
        if self.source.field(&field.name)?.ty != Type::String {
            return None;
        }
        let mut unused = Report::default();
        let place = columns::place_among(self.job, &Spl, self.step, field, self.admitted, &mut unused)?;
        let [only] = place.variants.as_slice() else { return None };
        if only.stored.is_some() { None } else { only.field.clone() }
    }
}

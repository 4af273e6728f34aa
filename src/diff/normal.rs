//! Predicates in one form: what says the same in other words has the same text.
//!
//! In: a predicate and the lists of its rule. Out: its normal form as text. Must not know: steps, records.
//!
//! Negation goes down to the tests, `and` and `or` are flat, sorted and without repetitions, values of one field that
//! `or` joins are one set, and a pattern is the simplest test that asks the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::engine::words::{self, tilde};
use crate::ir::{
    Case, FieldTest, LookupTest, Pattern, PatternPart, Place, Pred, Quantifier, Rule, Selection, TestKind,
    ValuesTest,
};

/// What lists are called, where another version calls them otherwise.
pub(super) type ListNames = BTreeMap<String, String>;

/// A predicate in normal form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Normal {
    All(BTreeSet<Normal>),
    Any(BTreeSet<Normal>),
    Test(Test),
}

/// A test, or its opposite.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Test {
    subject: Subject,
    asked: Asked,
    negated: bool,
}

/// What is tested.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    /// The value of a field.
    Field(String),
    /// Some value of a field with several.
    AnyOf(String),
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    /// It is one of the values, in any letter case if that is said.
    OneOf { ignores_case: bool, values: BTreeSet<String> },
    /// It lies in one of the networks.
    Networks(BTreeSet<String>),
    /// Anything else, in words; `{}` stands where `not` does.
    Other(String),
}

/// The whole condition of a selection: an exception is what must not hold.
pub(super) fn condition(selection: &Selection, rule: &Rule, lists: &ListNames) -> String {
    let kept = selection.excepts.iter().map(|except| normal(except, rule, lists, false));
    let parts = std::iter::once(normal(&selection.filter, rule, lists, true)).chain(kept);
    all(parts).to_string()
}

/// The form of a predicate, or of its opposite if it is not `wanted`.
fn normal(pred: &Pred, rule: &Rule, lists: &ListNames, wanted: bool) -> Normal {
    let each = |parts: &[Pred]| -> Vec<Normal> {
        parts.iter().map(|part| normal(part, rule, lists, wanted)).collect()
    };
    match (pred, wanted) {
        (Pred::Test(test), _) => self::test(test, rule, lists, !wanted),
        (Pred::Not(inner), _) => normal(inner, rule, lists, !wanted),
        (Pred::And(parts), true) | (Pred::Or(parts), false) => all(each(parts).into_iter()),
        (Pred::Or(parts), true) | (Pred::And(parts), false) => any(each(parts).into_iter()),
    }
}

fn all(parts: impl Iterator<Item = Normal>) -> Normal {
    let flat = parts.flat_map(|part| match part {
        Normal::All(parts) => parts.into_iter().collect(),
        Normal::Any(_) | Normal::Test(_) => vec![part],
    });
    // `a != 1 and a != 2` is `a not in (1, 2)`.
    only_or(united(flat, true), Normal::All)
}

fn any(parts: impl Iterator<Item = Normal>) -> Normal {
    let flat = parts.flat_map(|part| match part {
        Normal::Any(parts) => parts.into_iter().collect(),
        Normal::All(_) | Normal::Test(_) => vec![part],
    });
    only_or(united(flat, false), Normal::Any)
}

fn only_or(mut parts: BTreeSet<Normal>, joined: impl Fn(BTreeSet<Normal>) -> Normal) -> Normal {
    match (parts.pop_first(), parts.is_empty()) {
        (Some(only), true) => only,
        (first, _) => {
            parts.extend(first);
            joined(parts)
        }
    }
}

/// The parts with the values of one field in one test, where it is negated as is said.
fn united(parts: impl Iterator<Item = Normal>, negated: bool) -> BTreeSet<Normal> {
    let mut sets: BTreeMap<(Subject, Option<bool>), BTreeSet<String>> = BTreeMap::new();
    let mut found = BTreeSet::new();
    for part in parts {
        match part {
            Normal::Test(Test { subject, asked: Asked::OneOf { ignores_case, values }, negated: not })
                if not == negated =>
            {
                sets.entry((subject, Some(ignores_case))).or_default().extend(values);
            }
            Normal::Test(Test { subject, asked: Asked::Networks(networks), negated: not })
                if not == negated =>
            {
                sets.entry((subject, None)).or_default().extend(networks);
            }
            part @ (Normal::All(_) | Normal::Any(_) | Normal::Test(_)) => _ = found.insert(part),
        }
    }
    for ((subject, kind), values) in sets {
        let asked = match kind {
            Some(ignores_case) => Asked::OneOf { ignores_case, values },
            None => Asked::Networks(values),
        };
        found.insert(Normal::Test(Test { subject, asked, negated }));
    }
    found
}

fn test(test: &FieldTest, rule: &Rule, lists: &ListNames, negated: bool) -> Normal {
    let field = &test.field.name;
    let one = |subject, asked| Normal::Test(Test { subject, asked, negated });
    let TestKind::Values(ValuesTest { quantifier, negated: not, tests }) = &test.kind else {
        // Of two fields that are equal either may come first.
        let subject = match test.kind.compared() {
            Some((other, None)) => field.min(&other.name),
            Some((_, Some(_))) | None => field,
        };
        return one(Subject::Field(subject.clone()), asked(field, &test.kind, rule, lists));
    };
    let name = format!("{}({field})", quantifier.word());
    let each = tests.iter().map(|kind| {
        let subject = Subject::AnyOf(name.clone());
        Normal::Test(Test { subject, asked: asked(&name, kind, rule, lists), negated: false })
    });
    let whole = any(each);
    match whole {
        // Some value is one of these: the values of several such tests are one set. That all are is another matter.
        Normal::Test(whole) if *quantifier == Quantifier::Any && !not => {
            Normal::Test(Test { negated, ..whole })
        }
        whole @ (Normal::All(_) | Normal::Any(_) | Normal::Test(_)) => {
            let not = if *not { "none of: " } else { "" };
            one(Subject::Field(name), Asked::Other(format!("{{}}{not}{whole}")))
        }
    }
}

fn asked(name: &str, kind: &TestKind, rule: &Rule, lists: &ListNames) -> Asked {
    match kind {
        TestKind::Exists => Asked::Other(format!("{{}}exists({name})")),
        TestKind::Equals { values, case } => {
            let ignores_case = *case == Case::Ignore;
            let text = |value| case.fold(&words::literal(value)).into_owned();
            Asked::OneOf { ignores_case, values: values.iter().map(text).collect() }
        }
        TestKind::InNetworks { networks } => {
            Asked::Networks(networks.iter().map(|network| format!("\"{network}\"")).collect())
        }
        TestKind::InList { list, case } => {
            let list = rule.lists.get(*list);
            let lookup = list.and_then(|list| list.lookup.as_ref());
            Asked::Other(match (lookup, list) {
                (Some(LookupTest { name: _, test }), _) => format!("{{}}{test}"),
                (None, list) => {
                    let own = list.map_or("?", |list| list.name.node.as_str());
                    let known = lists.get(own).map_or(own, String::as_str);
                    format!("{name} {{}}in{} {known}", tilde(*case))
                }
            })
        }
        TestKind::Order { op, value } => {
            Asked::Other(format!("{{}}{name} {} {}", words::order(*op), words::literal(value)))
        }
        TestKind::Like { pattern, case } => like(name, pattern, *case),
        TestKind::Substring { place, text, case } => substring(name, *place, text, *case),
        TestKind::Matches { regex } => Asked::Other(format!("{name} {{}}matches r\"{}\"", regex.written())),
        TestKind::SameAs { other } => Asked::Other(same(name, "==", &other.name)),
        TestKind::TextOf { place: None, other, case } => {
            Asked::Other(same(name, words::equal(*case), &other.name))
        }
        TestKind::TextOf { place: Some(place), other, case } => {
            Asked::Other(format!("{name} {{}}{}{} {}", place.word(), tilde(*case), other.name))
        }
        // Only the test of a field has values; none of them has values of its own.
        TestKind::Values(_) => Asked::Other(format!("{{}}{name}")),
    }
}

/// Which of two equal fields comes first means nothing.
fn same(one: &str, op: &str, other: &str) -> String {
    let (first, second) = if one <= other { (one, other) } else { (other, one) };
    format!("{{}}{first} {op} {second}")
}

fn substring(name: &str, place: Place, text: &str, case: Case) -> Asked {
    Asked::Other(format!("{name} {{}}{}{} {:?}", place.word(), tilde(case), case.fold(text)))
}

/// The simplest test that a pattern is.
fn like(name: &str, pattern: &Pattern, case: Case) -> Asked {
    if pattern.matches_everything() {
        return Asked::Other(format!("{{}}exists({name})"));
    }
    match pattern.parts.as_slice() {
        [PatternPart::Text(text)] => {
            let value = case.fold(&format!("{text:?}")).into_owned();
            Asked::OneOf { ignores_case: case == Case::Ignore, values: BTreeSet::from([value]) }
        }
        [PatternPart::Any, PatternPart::Text(text), PatternPart::Any] => {
            substring(name, Place::Anywhere, text, case)
        }
        [PatternPart::Text(text), PatternPart::Any] => substring(name, Place::Start, text, case),
        [PatternPart::Any, PatternPart::Text(text)] => substring(name, Place::End, text, case),
        parts => {
            let text = words::notation(&in_order(parts));
            Asked::Other(format!("{name} {{}}like{} {:?}", tilde(case), case.fold(&text)))
        }
    }
}

/// The same pattern with `?` before `*` where they stand side by side, and one `*` there.
fn in_order(parts: &[PatternPart]) -> Vec<PatternPart> {
    let is_text = |part: &PatternPart| matches!(part, PatternPart::Text(_));
    let mut ordered = Vec::new();
    for run in parts.chunk_by(|one, other| is_text(one) == is_text(other)) {
        ordered.extend(run.iter().filter(|part| **part != PatternPart::Any).cloned());
        ordered.extend(run.iter().find(|part| **part == PatternPart::Any).cloned());
    }
    ordered
}

impl fmt::Display for Normal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut joined = |parts: &BTreeSet<Self>, word: &str| {
            for (number, part) in parts.iter().enumerate() {
                let before = if number > 0 { word } else { "" };
                match part {
                    Self::Test(test) => write!(f, "{before}{test}")?,
                    Self::All(_) | Self::Any(_) => write!(f, "{before}({part})")?,
                }
            }
            Ok(())
        };
        match self {
            Self::All(parts) => joined(parts, " and "),
            Self::Any(parts) => joined(parts, " or "),
            Self::Test(test) => write!(f, "{test}"),
        }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, asked, negated } = self;
        // `any(f) != "a"` says that some value is another one, not that none is this.
        let (Subject::Field(name) | Subject::AnyOf(name)) = subject;
        let is_any = matches!(subject, Subject::AnyOf(_));
        let (before, not) = match (negated, is_any) {
            (true, true) => ("not ", ""),
            (true, false) => ("", "not "),
            (false, _) => ("", ""),
        };
        match asked {
            Asked::OneOf { ignores_case, values } => {
                let all = values.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
                let op = match (values.len() == 1, ignores_case, not.is_empty()) {
                    (true, false, true) => "==",
                    (true, false, false) => "!=",
                    (true, true, true) => "=~",
                    (true, true, false) => "!~",
                    (false, ignores_case, _) => {
                        let tilde = if *ignores_case { "~" } else { "" };
                        return write!(f, "{before}{name} {not}in{tilde} ({all})");
                    }
                };
                write!(f, "{before}{name} {op} {all}")
            }
            Asked::Networks(networks) => {
                let all = networks.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
                write!(f, "{before}{name} {not}in ({all})")
            }
            Asked::Other(text) => write!(f, "{before}{}", text.replacen("{}", not, 1)),
        }
    }
}

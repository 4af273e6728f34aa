//! Texts of which one must stand in an event for it to match any step: what lets most lines be passed over unread.
//!
//! In: the steps on one source. Out: a set of literals to search for, or nothing where some step demands none.
//! Must not know: how events are read. The answer is a superset: an event without any of the literals cannot match, one with may.
//!
//! JSON can spell a character as `\u0041` or `\/`; a line with such an escape always passes.

use aho_corasick::AhoCorasick;

use crate::catalog::{Raw, Source};
use crate::engine::near::conjuncts;
use crate::ir::{Case, EntryValue, FieldTest, List, Pattern, PatternPart, Pred, Step, TestKind, Value};

/// Which form of the events the literals are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Columns,
}

/// Longer sets of literals are not worth a search.
const MOST: usize = 256;

/// The search for `steps`, each with the lists of its rule; if `near`, for events that may fail one part of a step as well.
pub(super) fn search(
    steps: &[(&Step, &[List])],
    source: &Source,
    form: Form,
    near: bool,
) -> Option<AhoCorasick> {
    let mut literals: Vec<String> = match form {
        Form::Json => vec!["\\u".to_owned(), "\\/".to_owned()],
        Form::Columns => Vec::new(),
    };
    for (step, lists) in steps {
        let demands = Demands { lists, source, form };
        let demand =
            if near { demanded_but_one(&step.filter, &demands) } else { demanded(&step.filter, &demands) };
        literals.extend(demand?.literals);
    }
    literals.sort();
    literals.dedup();
    if literals.len() > MOST {
        return None;
    }
    AhoCorasick::new(literals).ok()
}

struct Demands<'a> {
    lists: &'a [List],
    source: &'a Source,
    form: Form,
}

/// One of `literals` must be there; the higher the rank, the fewer events have one.
struct Demand {
    literals: Vec<String>,
    rank: usize,
}

fn demanded(pred: &Pred, demands: &Demands<'_>) -> Option<Demand> {
    match pred {
        Pred::And(parts) => {
            parts.iter().filter_map(|part| demanded(part, demands)).max_by_key(|demand| demand.rank)
        }
        Pred::Or(parts) => {
            let parts = parts.iter().map(|part| demanded(part, demands)).collect::<Option<Vec<_>>>()?;
            let rank = parts.iter().map(|demand| demand.rank).min()?;
            Some(Demand { literals: parts.into_iter().flat_map(|demand| demand.literals).collect(), rank })
        }
        Pred::Not(_) => None,
        Pred::Test(test) => by_value(test, demands).or_else(|| by_key(test, demands)),
    }
}

/// What an event must have that fails at most one of several parts: what either of two parts demands, as one of them holds.
fn demanded_but_one(pred: &Pred, demands: &Demands<'_>) -> Option<Demand> {
    let parts = conjuncts(pred);
    if parts.len() == 1 {
        return demanded(pred, demands);
    }
    let mut found: Vec<_> = parts.into_iter().filter_map(|part| demanded(part, demands)).collect();
    found.sort_by_key(|demand| std::cmp::Reverse(demand.rank));
    let (first, second) = found.split_first().and_then(|(first, rest)| Some((first, rest.first()?)))?;
    let literals = first.literals.iter().chain(&second.literals).cloned().collect();
    Some(Demand { literals, rank: second.rank })
}

/// Texts of the value itself, where the raw event holds it as it is.
fn by_value(test: &FieldTest, demands: &Demands<'_>) -> Option<Demand> {
    let Raw::Path(_) = demands.source.field(&test.field.name)?.raw.as_ref()? else { return None };
    let literals: Vec<String> = match &test.kind {
        TestKind::Equals { values, case: Case::Sensitive } => {
            values.iter().map(text_of).collect::<Option<_>>()?
        }
        TestKind::Like { pattern, case: Case::Sensitive } => vec![longest(pattern)?],
        TestKind::Substring { text, case: Case::Sensitive, .. } => vec![text.clone()],
        TestKind::InList { list } => {
            let entries = &demands.lists.get(*list)?.entries;
            let fixed = |value: &EntryValue| match value {
                EntryValue::Pattern(pattern) => longest(pattern),
                EntryValue::Network(_) | EntryValue::Value(_) => None,
            };
            entries.iter().map(|entry| fixed(&entry.value)).collect::<Option<_>>()?
        }
        TestKind::Equals { .. }
        | TestKind::Like { .. }
        | TestKind::Substring { .. }
        | TestKind::Exists
        | TestKind::InNetworks { .. }
        | TestKind::Order { .. }
        | TestKind::Matches { .. }
        | TestKind::SameAs { .. } => return None,
    };
    let shortest = literals.iter().map(String::len).min()?;
    let usable = literals.iter().all(|literal| literal.len() >= 3 && is_plain(literal));
    let named = usize::from(test.field.name == "event.action") * 1000;
    (usable && literals.len() <= MOST).then_some(Demand { literals, rank: 100 + named + shortest.min(99) })
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Time(_) | Value::Ip(_) => None,
    }
}

fn longest(pattern: &Pattern) -> Option<String> {
    let texts = pattern.parts.iter().filter_map(|part| match part {
        PatternPart::Text(text) => Some(text.clone()),
        PatternPart::Any | PatternPart::One => None,
    });
    texts.max_by_key(String::len)
}

/// Printable ASCII that JSON writes as it is, but for the escapes that always pass.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\')
}

/// The key of the field in JSON: a test of a missing field is false, so the key must be there.
fn by_key(test: &FieldTest, demands: &Demands<'_>) -> Option<Demand> {
    if demands.form != Form::Json {
        return None;
    }
    let paths: Vec<&str> = match demands.source.field(&test.field.name)?.raw.as_ref()? {
        Raw::Path(path) => vec![path],
        Raw::Variants(variants) => variants
            .iter()
            .map(|variant| if variant.absent.is_none() { variant.path.as_deref() } else { None })
            .collect::<Option<_>>()?,
    };
    let key = |path: &str| format!("\"{}\"", path.rsplit(['.', '>']).next().unwrap_or(path));
    let literals: Vec<String> = paths.into_iter().map(key).collect();
    literals.iter().all(|literal| is_plain(literal.trim_matches('"'))).then_some(Demand { literals, rank: 1 })
}

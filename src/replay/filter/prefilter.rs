//! Texts of which one must be in an event for it to match any step: what lets most lines be passed over unread.
//!
//! In: the steps on one source. Out: a set of literals to search for, or nothing where some step requires none.
//! Must not know: how events are read. The answer is a superset: an event without any of the literals cannot match, one
//! with may.
//!
//! JSON can spell a character as `\u0041` or `\/`; a line with such an escape always passes.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, packed};
use foldhash::HashSet;
use memchr::{memchr_iter, memmem::Finder};

use super::bounds::Bounds;
use super::json_key::{JsonKey, is_plain, last_key, plain_text};
use super::location::Location;
use super::source_step::SourceStep;
use crate::catalog::Source;
use crate::ir::{self, Case, Entries, FieldTest, List, Pattern, PatternPart, Pred, TestKind, Value};

/// Which form of the events the literals are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Columns,
}

/// Longer lists of texts are not worth a search.
const MOST: usize = 256;
/// So many texts are found one after another before one search for all of them is faster.
const FEW: usize = 5;

/// What to look for in an event.
#[derive(Debug)]
pub(super) struct Prefilter {
    texts: Texts,
    keyed: Vec<Keyed>,
    bounds: Bounds,
}

/// Texts anywhere in an event.
#[derive(Debug)]
enum Texts {
    /// One after another.
    Few(Vec<Finder<'static>>),
    /// All at once, by vector instructions.
    Packed(packed::Searcher),
    /// All at once, byte by byte.
    Many(AhoCorasick),
}

/// Values of a key, anywhere in a JSON event: the time to find one does not depend on how many values are looked for.
#[derive(Debug)]
struct Keyed {
    key: JsonKey,
    values: HashSet<Box<[u8]>>,
}

impl Prefilter {
    /// The search for `steps`; if `near`, for events that may fail one part of a step as well. `None` where some step
    /// requires nothing.
    pub(super) fn new(steps: &[SourceStep<'_>], source: &Source, form: Form, near: bool) -> Option<Self> {
        let mut texts: Vec<Literal> = Vec::new();
        // Exceptions only take records away, so what the filter of a step requires is required; a link asks nothing of
        // an event alone.
        for SourceStep {
            id: _,
            rule: _,
            filter,
            excepts: _,
            earlier: _,
            lists,
            compiled: _,
            link_in: _,
            link_out: _,
        } in steps
        {
            let context = Context { lists, source, form };
            let found = if near { required_but_one(filter, &context) } else { required(filter, &context) };
            texts.extend(found?.literals);
        }
        texts.sort();
        texts.dedup();
        let mut by_key: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (key, text) in texts.iter().filter_map(|literal| Some((literal.key.clone()?, &literal.text))) {
            by_key.entry(key).or_default().push(text.clone());
        }
        // A few values are found faster as texts than by looking behind every occurrence of the key.
        // What a number may mean need not stand in the event as it does here: `1.23e5` has the text `123000`. Behind
        // its key a number is seen to be one, and passes.
        by_key.retain(|_, values| values.len() > FEW || values.iter().any(|value| may_be_number(value)));
        let keyed = |literal: &Literal| literal.key.as_ref().is_some_and(|key| by_key.contains_key(key));
        let mut texts: Vec<String> =
            texts.iter().filter(|literal| !keyed(literal)).map(|literal| literal.text.clone()).collect();
        texts.dedup();
        let keyed = by_key.into_iter().map(|(key, values)| Keyed {
            key: JsonKey::new(&key),
            values: values.into_iter().map(|value| value.into_bytes().into()).collect(),
        });
        // The bound may be the one part that a near miss fails.
        let bounded = form == Form::Json && !near;
        let bounds = if bounded { Bounds::new(steps, source) } else { Bounds::default() };
        Some(Self { keyed: keyed.collect(), texts: Texts::new(&texts)?, bounds })
    }

    /// Whether the event must be read.
    pub(super) fn finds(&self, event: &[u8]) -> bool {
        let found = self.texts.find(event) || self.keyed.iter().any(|keyed| keyed.find(event));
        found && self.bounds.admit(event)
    }
}

impl Texts {
    fn new(texts: &[String]) -> Option<Self> {
        if texts.len() <= FEW {
            let finder = |text: &String| Finder::new(text.as_bytes()).into_owned();
            return Some(Self::Few(texts.iter().map(finder).collect()));
        }
        // For at most 128 texts, on processors that have the instructions; else there is no such searcher.
        if let Some(packed) = packed::Searcher::new(texts) {
            return Some(Self::Packed(packed));
        }
        if texts.len() > MOST {
            return None;
        }
        AhoCorasick::new(texts).ok().map(Self::Many)
    }

    fn find(&self, event: &[u8]) -> bool {
        match self {
            Self::Few(finders) => finders.iter().any(|finder| finder.find(event).is_some()),
            Self::Packed(searcher) => searcher.find(event).is_some(),
            Self::Many(automaton) => automaton.is_match(event),
        }
    }
}

impl Keyed {
    /// Whether the key stands anywhere with one of the values, or with one that cannot be told from outside.
    fn find(&self, event: &[u8]) -> bool {
        self.key.values(event).any(|value| match value.first() {
            Some(b'"') => plain_text(value).is_none_or(|text| self.values.contains(text)),
            // Objects and lists are no values. A number or a word passes: only reading it tells what it is as text.
            first => !matches!(first, Some(b'{' | b'[')),
        })
    }
}

/// Whether a character is spelt as `\u0041` or `\/`, or a quotation mark as `\"`, as in JSON that stands in a string.
pub(super) fn is_escaped(event: &[u8]) -> bool {
    memchr_iter(b'\\', event).any(|at| matches!(event.get(at + 1), Some(b'u' | b'/' | b'"')))
}

/// A text that may stand in an event, and the key that it is the value of, if it is the whole value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Literal {
    text: String,
    key: Option<String>,
}

struct Context<'a> {
    lists: &'a [List],
    source: &'a Source,
    form: Form,
}

/// One of `literals` must be there; the higher the rank, the fewer events have one.
struct Required {
    literals: Vec<Literal>,
    rank: usize,
}

impl ir::Demand for Required {
    fn all(parts: Vec<Self>) -> Self {
        let best = parts.into_iter().max_by_key(|found| found.rank);
        best.unwrap_or(Self { literals: Vec::new(), rank: 0 })
    }

    fn any(parts: Vec<Self>) -> Self {
        let rank = parts.iter().map(|found| found.rank).min().unwrap_or(0);
        Self { literals: parts.into_iter().flat_map(|found| found.literals).collect(), rank }
    }
}

fn required(pred: &Pred, context: &Context<'_>) -> Option<Required> {
    pred.fold(&|test| by_value(test, context).or_else(|| by_key(test, context)))
}

/// What an event must have that fails at most one of several parts: what either of two parts requires, as one of them
/// holds.
fn required_but_one(pred: &Pred, context: &Context<'_>) -> Option<Required> {
    let parts = pred.conjuncts();
    if parts.len() == 1 {
        return required(pred, context);
    }
    let mut found: Vec<_> = parts.into_iter().filter_map(|part| required(part, context)).collect();
    found.sort_by_key(|found| std::cmp::Reverse(found.rank));
    let (first, second) = found.split_first().and_then(|(first, rest)| Some((first, rest.first()?)))?;
    let literals = first.literals.iter().chain(&second.literals).cloned().collect();
    Some(Required { literals, rank: second.rank })
}

/// Texts of the value itself, where the raw event holds it as it is.
fn by_value(test: &FieldTest, context: &Context<'_>) -> Option<Required> {
    let Location::AsIs(path) = Location::of(context.source, &test.field.name) else { return None };
    let literals: Vec<String> = match &test.kind {
        TestKind::Equals { values, case: Case::Sensitive } => {
            values.iter().map(text_of).collect::<Option<_>>()?
        }
        TestKind::Like { pattern, case: Case::Sensitive } => vec![longest(pattern)?],
        TestKind::Substring { text, case: Case::Sensitive, .. } => vec![text.clone()],
        TestKind::InList { list, case: Case::Sensitive } => {
            let Entries { patterns, networks, values } = context.lists.get(*list)?.by_kind();
            // No text stands for a network, and one entry without a text makes the others no demand.
            let only_texts = networks.is_empty() && values.is_empty();
            let texts = patterns.into_iter().map(longest).collect::<Option<_>>();
            texts.filter(|_| only_texts)?
        }
        TestKind::Equals { .. }
        | TestKind::InList { .. }
        | TestKind::Like { .. }
        | TestKind::Substring { .. }
        | TestKind::Exists
        | TestKind::InNetworks { .. }
        | TestKind::Order { .. }
        | TestKind::Matches { .. }
        | TestKind::SameAs { .. }
        | TestKind::TextOf { .. }
        | TestKind::Values(_) => return None,
    };
    let whole = matches!(test.kind, TestKind::Equals { .. }) && context.form == Form::Json;
    let key = whole.then(|| last_key(path)).filter(|key| is_plain(key));
    let shortest = literals.iter().map(String::len).min()?;
    // One or two characters are in nearly every event, and what JSON may escape need not be there as it is.
    let usable = literals.iter().all(|literal| {
        literal.len() >= 3
            && is_plain(literal)
            && (key.is_some() || context.form == Form::Columns || !may_be_number(literal))
    });
    // Rarity is guessed: the action tells the kinds of events apart, so it comes before any other field; else a longer
    // text is taken for the rarer one.
    let named = usize::from(test.field.name == "event.action") * 1000;
    let literal = |text| Literal { text, key: key.map(str::to_owned) };
    let literals = literals.into_iter().map(literal).collect();
    usable.then_some(Required { literals, rank: 100 + named + shortest.min(99) })
}

/// Whether a text could be a number as JSON writes it, or a part of one.
fn may_be_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        // 443 may be written `443`, `"443"`, `443.0` or `4.43e2`: no one text must be there.
        Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Time(_) | Value::Ip(_) => None,
    }
}

fn longest(pattern: &Pattern) -> Option<String> {
    let texts = pattern.parts.iter().filter_map(|part| match part {
        PatternPart::Text(text) => Some(text.clone()),
        PatternPart::Any | PatternPart::One => None,
    });
    // Each text of a pattern must be there; the longest is the least likely to be there by chance.
    texts.max_by_key(String::len)
}

/// The key of the field in JSON: a test of a missing field is false, so the key must be there.
fn by_key(test: &FieldTest, context: &Context<'_>) -> Option<Required> {
    if context.form != Form::Json {
        return None;
    }
    let keys = Location::of(context.source, &test.field.name).keys()?;
    let literal = |key: &&str| Literal { text: JsonKey::text(key), key: None };
    let literals = keys.iter().map(literal).collect();
    keys.iter().all(|key| is_plain(key)).then_some(Required { literals, rank: 1 })
}

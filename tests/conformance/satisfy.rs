//! Bending an event towards a predicate: for each test, a value just on the wanted side of it.
//!
//! In: a predicate, whether it should hold, an event. Out: the event, changed. It need not have worked (two parts of a
//! rule can ask for opposite things): the engine is asked afterwards. Must not know: chains, targets.

use std::net::IpAddr;

use catena::catalog::Source;
use catena::ir::{
    Case, EntryValue, FieldTest, List, OrderOp, Pattern, PatternPart, Place, Pred, Quantifier, TestKind,
    Type, Value, ValuesTest,
};
use fastrand::Rng;
use ipnet::IpNet;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::raw::{Content, Event};
use super::samples;

/// Characters that some target's patterns would take for any text.
const WILD: [char; 4] = ['*', '?', '%', '_'];

/// What it takes to satisfy a predicate.
pub(super) struct Satisfier<'a> {
    pub(super) source: &'a Source,
    pub(super) lists: &'a [List],
    pub(super) item: usize,
}

impl Satisfier<'_> {
    /// Changes `event` so that `pred` comes out as `wanted`, as far as one pass can.
    pub(super) fn satisfy(&self, pred: &Pred, wanted: bool, event: &mut Event, rng: &mut Rng) {
        match (pred, wanted) {
            (Pred::And(parts), true) | (Pred::Or(parts), false) => {
                // Of several tests of one field the last has its way, and it should not always be the same one.
                let mut parts: Vec<&Pred> = parts.iter().collect();
                rng.shuffle(&mut parts);
                for part in parts {
                    self.satisfy(part, wanted, event, rng);
                }
            }
            (Pred::And(parts), false) | (Pred::Or(parts), true) => {
                if let Some(part) = rng.choice(parts) {
                    self.satisfy(part, wanted, event, rng);
                }
            }
            (Pred::Not(inner), _) => self.satisfy(inner, !wanted, event, rng),
            (Pred::Test(test), _) => self.satisfy_test(test, wanted, event, rng),
        }
    }

    /// Flips one of the tests, whichever way it helps `pred` to hold; more often one of a list, where one entry
    /// of many may be what a query lacks.
    pub(super) fn flip_one(&self, pred: &Pred, event: &mut Event, rng: &mut Rng) {
        let mut tests = Vec::new();
        for (test, wanted) in pred.signed_tests() {
            let weight = if matches!(test.kind, TestKind::InList { .. }) { 3 } else { 1 };
            tests.extend(std::iter::repeat_n((test, wanted), weight));
        }
        if let Some((test, wanted)) = rng.choice(tests) {
            self.satisfy_test(test, !wanted, event, rng);
        }
    }

    fn satisfy_test(&self, test: &FieldTest, wanted: bool, event: &mut Event, rng: &mut Rng) {
        if let TestKind::Values(asked) = &test.kind {
            return self.satisfy_values(&test.field.name, asked, wanted, event, rng);
        }
        let name = test.field.name.as_str();
        let samples = samples::of(&self.source.name, name);
        let mut set = |name: &str, content| event.set(self.source, name, content, self.item);
        if let TestKind::TextOf { place, other, case } = &test.kind {
            let (whole, part) = text_and_part(*place, *case, wanted, rng);
            set(name, Content::Text(&whole));
            set(&other.name, Content::Text(&part));
        } else if let TestKind::SameAs { other } = &test.kind {
            let shared = samples::of(&self.source.name, &other.name);
            let Some(first) = rng.choice(if samples.is_empty() { shared } else { samples }) else { return };
            let longer = format!("{first}x");
            let second = match (wanted, rng.bool()) {
                (true, _) => *first,
                (false, true) => *rng.choice(shared).unwrap_or(first),
                (false, false) => longer.as_str(),
            };
            // Either of two texts may begin with the other.
            let (first, second) = if rng.bool() { (*first, second) } else { (second, *first) };
            set(name, Content::Text(first));
            set(&other.name, Content::Text(second));
        } else if !wanted && rng.u8(0..4) == 0 {
            set(name, if rng.bool() { Content::Absent } else { Content::Empty });
        } else if let Some(near) = self.near(&test.kind, wanted, rng) {
            set(name, Content::Text(&near));
        } else if let Some(any) = rng.choice(samples) {
            set(name, Content::Text(any));
        }
    }

    /// Gives a field several values, of which as many pass as it takes; texts that are no value among them.
    fn satisfy_values(&self, name: &str, asked: &ValuesTest, wanted: bool, event: &mut Event, rng: &mut Rng) {
        let samples = samples::of(&self.source.name, name);
        let value = |passes: bool, rng: &mut Rng| {
            let kind = rng.choice(&asked.tests)?;
            let near = self.near(kind, passes != asked.negated, rng);
            near.or_else(|| rng.choice(samples).map(|text| (*text).to_owned()))
        };
        let one = match (asked.quantifier, wanted) {
            (Quantifier::Any, true) => Some(true),
            (Quantifier::All, false) => Some(false),
            (Quantifier::Any, false) | (Quantifier::All, true) => None,
        };
        let others = one.map_or(wanted, |one| !one);
        let least = usize::from(one.is_none() && wanted);
        let mut values: Vec<_> = one.into_iter().map(|passes| value(passes, rng)).collect();
        values.extend((0..rng.usize(least..3)).map(|_| value(others, rng)));
        if rng.u8(0..5) == 0 {
            values.push(rng.bool().then(String::new));
        }
        if !wanted && rng.u8(0..6) == 0 {
            values.clear();
        }
        rng.shuffle(&mut values);
        event.set_values(self.source, name, values);
    }

    /// A text for which a test comes out as wanted, close to where it changes; `None`: any.
    fn near(&self, kind: &TestKind, wanted: bool, rng: &mut Rng) -> Option<String> {
        match kind {
            TestKind::Exists | TestKind::SameAs { .. } | TestKind::TextOf { .. } | TestKind::Values(_) => {
                None
            }
            TestKind::Equals { values, case } => {
                let wild = |value: &&Value| value.text().contains(WILD);
                let hard = values.iter().find(wild).filter(|_| rng.bool());
                let value = hard.or_else(|| rng.choice(values))?;
                let text = value.text();
                if !wanted && !matches!(value, Value::String(_)) {
                    return unequal(value, rng);
                }
                match (wanted, case) {
                    (true, Case::Sensitive) => Some(text),
                    (true, Case::Ignore) => Some(swap_case(&text, rng)),
                    (false, Case::Sensitive) if text.contains(WILD) && rng.bool() => {
                        Some(text.replace(WILD, "z"))
                    }
                    (false, Case::Sensitive) if rng.bool() => Some(swap_case(&text, rng)),
                    (false, Case::Sensitive | Case::Ignore) => rng.bool().then(|| format!("{text}x")),
                }
            }
            TestKind::InNetworks { networks } => Some(address(*rng.choice(networks)?, wanted, rng)),
            TestKind::InList { list, case: _ } => self.entry(*list, wanted, rng),
            TestKind::Order { op, value } => Some(near_bound(*op, value, wanted, rng)),
            TestKind::Like { pattern, case } => {
                let text = fill(pattern, rng);
                let text = if wanted { text } else { spoil(&text, rng) };
                Some(if *case == Case::Ignore { swap_case(&text, rng) } else { text })
            }
            TestKind::Substring { place, text, case } => {
                let core = if *case == Case::Ignore { swap_case(text, rng) } else { text.clone() };
                let core = if wanted { core } else { spoil(&core, rng) };
                Some(match place {
                    Place::Anywhere if rng.bool() => format!("x{core}y"),
                    Place::Start if rng.bool() => format!("{core} y"),
                    Place::End if rng.bool() => format!("x {core}"),
                    Place::Anywhere | Place::Start | Place::End => core,
                })
            }
            TestKind::Matches { regex } => {
                let text = matching(regex.exact(), rng);
                Some(if wanted { text } else { spoil(&text, rng) })
            }
        }
    }

    fn entry(&self, list: usize, wanted: bool, rng: &mut Rng) -> Option<String> {
        let entries = &self.lists.get(list)?.entries;
        let entry = if rng.bool() { entries.first() } else { rng.choice(entries) }?;
        Some(match &entry.value {
            EntryValue::Value(value) if wanted => value.text(),
            EntryValue::Value(value) => unequal(value, rng)?,
            EntryValue::Pattern(pattern) if wanted => fill(pattern, rng),
            EntryValue::Pattern(pattern) => spoil(&fill(pattern, rng), rng),
            EntryValue::Network(network) => address(*network, wanted, rng),
        })
    }
}

/// A value of the same type beside a value that is no text; `None`: any.
fn unequal(value: &Value, rng: &mut Rng) -> Option<String> {
    match value {
        Value::Bool(truth) => Some((!truth).to_string()),
        Value::Ip(ip) => Some(address(IpNet::from(*ip), false, rng)),
        Value::Int(_) | Value::Float(_) | Value::Time(_) => {
            Some(near_bound(OrderOp::Less, value, false, rng))
        }
        Value::String(_) => None,
    }
}

fn swap_case(text: &str, rng: &mut Rng) -> String {
    let swap = |c: char| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
    text.chars().map(|c| if c.is_ascii() && rng.bool() { swap(c) } else { c }).collect()
}

/// One character less, more or other.
fn spoil(text: &str, rng: &mut Rng) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let at = rng.usize(0..chars.len().max(1));
    match rng.u8(0..3) {
        0 if !chars.is_empty() => drop(chars.remove(at)),
        1 if !chars.is_empty() => chars[at] = 'Q',
        _ => chars.insert(at, 'Q'),
    }
    chars.into_iter().collect()
}

fn fill(pattern: &Pattern, rng: &mut Rng) -> String {
    let filling = |part: &PatternPart, rng: &mut Rng| match part {
        PatternPart::Text(text) => text.clone(),
        PatternPart::Any => rng.choice(["", "x", "a/b c", "*", "a\nb"]).unwrap_or_default().to_owned(),
        PatternPart::One => rng.choice(["x", "é", "?"]).unwrap_or_default().to_owned(),
    };
    pattern.parts.iter().map(|part| filling(part, rng)).collect()
}

/// An address of the network, its first or last one often, or one just outside.
fn address(network: IpNet, inside: bool, rng: &mut Rng) -> String {
    let shifted = |address: IpAddr, by: i8| match address {
        IpAddr::V4(v4) => IpAddr::from(u32::from(v4).wrapping_add_signed(by.into()).to_be_bytes()),
        IpAddr::V6(v6) => IpAddr::from(u128::from(v6).wrapping_add_signed(by.into()).to_be_bytes()),
    };
    let (first, last) = (network.network(), network.broadcast());
    let address = match (inside, rng.bool()) {
        (true, true) => first,
        (true, false) => last,
        (false, true) => shifted(first, -1),
        (false, false) => shifted(last, 1),
    };
    if let IpAddr::V4(v4) = address
        && !inside
        && rng.u8(0..4) == 0
    {
        // The same bits as an IPv6 address are another address.
        return v4.to_ipv6_mapped().to_string();
    }
    address.to_string()
}

fn near_bound(op: OrderOp, bound: &Value, wanted: bool, rng: &mut Rng) -> String {
    let up = matches!(op, OrderOp::Greater | OrderOp::GreaterEqual) == wanted;
    let on_bound = matches!(op, OrderOp::LessEqual | OrderOp::GreaterEqual) == wanted;
    let step = if on_bound && rng.bool() {
        0
    } else if up {
        1
    } else {
        -1
    };
    match bound {
        Value::Int(number) => number.saturating_add(step).to_string(),
        #[expect(clippy::cast_precision_loss, reason = "steps are small")]
        Value::Float(number) => (number + step as f64).to_string(),
        Value::Time(instant) => {
            jiff::Timestamp::from_second(instant.as_second() + step).unwrap_or(*instant).to_string()
        }
        Value::String(_) | Value::Bool(_) | Value::Ip(_) => bound.text(),
    }
}

/// A text in which the expression is found.
fn matching(regex: &str, rng: &mut Rng) -> String {
    let bare = regex.trim_start_matches("(?i)").trim_start_matches('^').trim_end_matches('$');
    let seed: Vec<u8> = (0..32).map(|_| rng.u8(..)).collect();
    let mut runner =
        TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let made = proptest::string::string_regex(bare).ok().and_then(|any| any.new_tree(&mut runner).ok());
    made.map_or_else(|| bare.to_owned(), |tree| tree.current())
}

/// The fields that a predicate looks at, with their types.
pub(super) fn fields_of<'p>(pred: &'p Pred, add: &mut dyn FnMut(&'p str, Type)) {
    pred.fields().for_each(|field| add(&field.name, field.ty));
}

/// A text and one that is in it at a place, or is not; close to where that changes.
fn text_and_part(place: Option<Place>, case: Case, wanted: bool, rng: &mut Rng) -> (String, String) {
    let part = *rng.choice(&samples::HOSTILE).unwrap();
    let text = match place {
        None => part.to_owned(),
        // In the middle of words.
        Some(Place::Start) => format!("{part}y"),
        Some(Place::End) => format!("x{part}"),
        Some(Place::Anywhere) => format!("x{part}y"),
    };
    let elsewhere = match place {
        None | Some(Place::Start) => format!("+{part}"),
        Some(Place::End) => format!("{part}+"),
        Some(Place::Anywhere) => part.chars().skip(1).collect(),
    };
    // Letters beyond ASCII are folded in ways of their own.
    let turned = if rng.bool() { part.to_ascii_uppercase() } else { part.to_ascii_lowercase() };
    match (wanted, case, rng.u8(0..4)) {
        (true, Case::Ignore, _) | (false, Case::Sensitive, 0) => (text, turned),
        (true, Case::Sensitive, _) => (text, part.to_owned()),
        (false, _, 1) => (text, String::new()),
        (false, _, 2) => (text, format!("{part}x")),
        (false, _, _) => (elsewhere, part.to_owned()),
    }
}

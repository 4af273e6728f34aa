//! What may stand in a detection: field names, values with Sigma's own escapes, modifiers, names of selections and the
//! expressions over them. No other file turns a rule's text into any of these.
//!
//! In: text of a rule or a source. Out: newtypes that nothing else can build; serde or the key of the language write
//! them. Must not know: predicates, and YAML beyond the quotes that [`crate::yaml`] offers.

use foldhash::{HashMap, HashSet};
use serde::{Serialize, Serializer};

use super::Sigma;
use crate::backend::print::{self, Bind, Language, phrase};
use crate::ir::{Case, OrderOp, Pattern, PatternPart, Place};
use crate::yaml::{self, Quoted};

/// A piece of the expression over selections.
pub(super) type Frag = print::Frag<Sigma>;

/// What it takes to make a [`Frag`]: this file alone can.
#[derive(Debug)]
pub(in crate::backend) struct Key(());

impl Language for Sigma {
    type Key = Key;
}

/// It does not hold.
pub(super) fn not(term: &Frag) -> Frag {
    Frag::new(&Key(()), phrase!("not {}", term.inside(Bind::Test)), Bind::Test)
}

/// No filter holds.
pub(super) fn no_filter() -> Frag {
    Frag::new(&Key(()), "not 1 of filter_main_*", Bind::Test)
}

/// What always holds, or never, whatever the named selection is.
pub(super) fn constant(name: &Frag, truth: bool) -> Frag {
    let word = if truth { "or" } else { "and" };
    Frag::new(&Key(()), phrase!("({0} {word} not {0})", name.text()), Bind::Atom)
}

/// Gives out names, each of which once.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: HashSet<String>,
    /// The last number that told names like this one apart.
    numbers: HashMap<String, usize>,
}

impl Names {
    /// Takes the name itself, if nobody has it.
    pub(super) fn claim(&mut self, name: &FieldName) -> bool {
        self.taken.insert(name.0.clone())
    }

    /// A name made of the prefix and the letters and digits of `about`, with a number if it is taken.
    pub(super) fn unused(&mut self, prefix: &'static str, about: &str) -> Frag {
        let mut name = about.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        if !prefix.is_empty() {
            let gap = if name.is_empty() { "" } else { "_" };
            name = [prefix, gap, &name].concat();
        }
        let number = self.numbers.entry(name.clone()).or_insert(1);
        let mut unused = name.clone();
        while !self.taken.insert(unused.clone()) {
            *number += 1;
            unused = phrase!("{name}_{number}");
        }
        Frag::new(&Key(()), unused, Bind::Atom)
    }
}

/// A field that every reader of Sigma takes for one name: no modifier bar, no brackets, nothing to quote.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::backend) struct FieldName(String);

impl FieldName {
    /// The name, if it is made of letters, digits, `_`, `.` and `-`.
    pub(super) fn new(name: &str) -> Option<Self> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        (!name.is_empty() && name.chars().all(fits)).then(|| Self(name.to_owned()))
    }

    /// A name for conditions that hold whatever the field is.
    pub(super) fn any() -> Self {
        Self("any".to_owned())
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

/// How an item compares its field with its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Modifier {
    /// The value has a text at a place, or is all of it. Numbers, booleans and null are compared like this, too.
    Text {
        /// Where; `None`: it is the whole value.
        place: Option<Place>,
        /// Whether upper and lower case differ.
        cased: bool,
    },
    /// A regular expression matches.
    Regex,
    /// An address is in a network.
    Network,
    /// Another field has the same value, or a text that is at a place of this one.
    Field(Option<Place>),
    /// A number is less or greater.
    Order(OrderOp),
}

impl Modifier {
    /// The whole value, ignoring case.
    pub(super) const PLAIN: Self = Self::Text { place: None, cased: false };

    /// Whether it compares text case-sensitively.
    pub(super) fn is_cased(self) -> bool {
        matches!(self, Self::Text { cased: true, .. })
    }

    /// The key of an item.
    pub(super) fn behind(self, field: &FieldName) -> String {
        let word = match self {
            Self::Text { place: None, .. } => "",
            Self::Text { place: Some(Place::Anywhere), .. } => "|contains",
            Self::Text { place: Some(Place::Start), .. } => "|startswith",
            Self::Text { place: Some(Place::End), .. } => "|endswith",
            Self::Regex => "|re",
            Self::Network => "|cidr",
            Self::Field(None) => "|fieldref",
            Self::Field(Some(Place::Anywhere)) => "|fieldref|contains",
            Self::Field(Some(Place::Start)) => "|fieldref|startswith",
            Self::Field(Some(Place::End)) => "|fieldref|endswith",
            Self::Order(OrderOp::Less) => "|lt",
            Self::Order(OrderOp::LessEqual) => "|lte",
            Self::Order(OrderOp::Greater) => "|gt",
            Self::Order(OrderOp::GreaterEqual) => "|gte",
        };
        [field.text(), word, if self.is_cased() { "|cased" } else { "" }].concat()
    }
}

/// A value in a detection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Scalar {
    /// Text in which `*` and `?` are wildcards and `\` escapes.
    Text(String),
    /// Text that its modifier reads in its own way: a regular expression, a network, a field name.
    Raw(String),
    /// An integer.
    Int(i64),
    /// The bits of a decimal that every reader of YAML reads alike: never NaN, and zero has one sign.
    Float(u64),
    /// True or false.
    Bool(bool),
    /// Null or absent.
    Null,
}

impl Scalar {
    /// This text and no other.
    pub(super) fn text(text: &str) -> Self {
        Self::Text(escaped(text))
    }

    /// Whether a reader sees every character of it.
    pub(super) fn is_visible(&self) -> bool {
        match self {
            Self::Text(text) | Self::Raw(text) => yaml::is_visible(text),
            Self::Int(_) | Self::Float(_) | Self::Bool(_) | Self::Null => true,
        }
    }

    /// A decimal, if it can be written without an exponent: readers of YAML disagree on those.
    pub(super) fn float(number: f64) -> Option<Self> {
        let plain = number == 0.0 || (1e-4..1e15).contains(&number.abs());
        // `+ 0.0` turns the negative zero into the positive one.
        plain.then_some(Self::Float((number + 0.0).to_bits()))
    }
}

impl Serialize for Scalar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) | Self::Raw(text) => Quoted(text).serialize(serializer),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Float(bits) => serializer.serialize_f64(f64::from_bits(*bits)),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
            Self::Null => serializer.serialize_unit(),
        }
    }
}

/// Wildcards and the escape character, each behind a backslash; everything else is itself.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        // SigmaHQ leaves a lone backslash bare. A doubled one is read alike and needs no look at what follows: a bare
        // one before `*` makes that a literal star.
        if matches!(c, '*' | '?' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A pattern with its wildcards.
fn wildcards(pattern: &Pattern) -> String {
    let part = |part: &PatternPart| match part {
        PatternPart::Text(text) => escaped(text),
        PatternPart::Any => "*".to_owned(),
        PatternPart::One => "?".to_owned(),
    };
    pattern.parts.iter().map(part).collect()
}

/// One of the patterns, as modifier and values: only their texts, if those are all at one place. Values that count as
/// equal are there once.
pub(super) fn patterns(patterns: &[&Pattern], case: Case) -> (Modifier, Vec<Scalar>) {
    let texts: Vec<_> = patterns.iter().filter_map(|pattern| text_at(pattern)).collect();
    let place = texts
        .first()
        .map(|(place, _)| *place)
        .filter(|place| texts.len() == patterns.len() && texts.iter().all(|(other, _)| other == place));
    let mut values: Vec<_> = match place {
        Some(_) => texts.into_iter().map(|(_, text)| escaped(text)).collect(),
        None => patterns.iter().map(|pattern| wildcards(pattern)).collect(),
    };
    let mut seen = HashSet::default();
    values.retain(|value| seen.insert(case.fold(value).into_owned()));
    // Only where it matters: pySigma's backends for Splunk and Kusto refuse `cased`.
    let cased = case == Case::Sensitive && values.iter().any(|value| has_case(value));
    (Modifier::Text { place, cased }, values.into_iter().map(Scalar::Text).collect())
}

/// The one text of the pattern and its place, if nothing but `*` is around it.
fn text_at(pattern: &Pattern) -> Option<(Place, &str)> {
    use PatternPart::{Any, Text};
    match pattern.parts.as_slice() {
        [Text(text), Any] => Some((Place::Start, text)),
        [Any, Text(text)] => Some((Place::End, text)),
        [Any, Text(text), Any] => Some((Place::Anywhere, text)),
        _ => None,
    }
}

/// Whether upper and lower case differ in the text: if not, the cheaper comparison that ignores case is exact.
fn has_case(text: &str) -> bool {
    text.chars()
        .any(|c| c.is_lowercase() || c.is_uppercase() || c.to_lowercase().ne([c]) || c.to_uppercase().ne([c]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_three_characters_are_escaped() {
        assert_eq!(escaped(r"a*b?c\d%_[x]"), r"a\*b\?c\\d%_[x]");
    }

    #[test]
    fn patterns_become_modifiers() {
        let text = |place, cased| Modifier::Text { place, cased };
        for (texts, modifier, values) in [
            (&["a*", r"1\**", "a*"][..], text(Some(Place::Start), true), &["a", r"1\*"][..]),
            (&["*1"], text(Some(Place::End), false), &["1"]),
            (&[r"*a\**"], text(Some(Place::Anywhere), true), &[r"a\*"]),
            (&["a*", "*a"], text(None, true), &["a*", "*a"]),
            (&["a*b", "?a"], text(None, true), &["a*b", "?a"]),
            (&[r"a\\*b*"], text(None, true), &[r"a\\*b*"]),
        ] {
            let parsed: Vec<_> = texts.iter().map(|text| Pattern::parse(text).unwrap()).collect();
            let values = values.iter().map(|text| Scalar::Text((*text).to_owned())).collect();
            assert_eq!(patterns(&parsed.iter().collect::<Vec<_>>(), Case::Sensitive), (modifier, values));
        }
        let [one, other] = ["aB", "Ab"].map(Pattern::exactly);
        assert_eq!(patterns(&[&one, &other], Case::Ignore), (Modifier::PLAIN, vec![Scalar::text("aB")]));
    }

    #[test]
    fn no_two_names_are_equal() {
        let mut names = Names::default();
        let found =
            [("", "actor.id"), ("", "actor_id"), ("filter", "a b"), ("filter", ""), ("", "actor_id_2")]
                .map(|(prefix, about)| names.unused(prefix, about).into_text());
        assert_eq!(found, ["actor_id", "actor_id_2", "filter_a_b", "filter", "actor_id_2_2"]);
    }

    #[test]
    fn case_matters_only_with_letters() {
        assert!(has_case("1a") && has_case("Ä") && has_case("ǅ"));
        assert!(!has_case("123-4:/") && !has_case("日本"));
    }

    #[test]
    fn field_names_are_plain() {
        assert!(FieldName::new("userIdentity.arn").is_some() && FieldName::new("account-id").is_some());
        assert!(["", "a|b", "a b", "items[0]", "a:", "é"].iter().all(|name| FieldName::new(name).is_none()));
    }
}

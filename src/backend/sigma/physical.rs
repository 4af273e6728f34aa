//! Tests of one physical field as conditions.
//!
//! In: a test, and the field that it reads. Out: a [`Cond`], or why Sigma cannot express it.
//! Must not know: steps, variants of columns, reports.

use std::net::IpAddr;
use std::rc::Rc;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::Sigma;
use super::item::{Cond, Item};
use super::literal::{self, FieldName, Modifier, Scalar};
use crate::backend::bind::{BoundTest, fits};
use crate::backend::truth::{Truth, unique};
use crate::catalog::{LetterCase, Stored};
use crate::ir::{Case, Entries, List, OrderOp, Pattern, Quantifier, TestKind, Type, Value, ValuesTest};

/// Why a test cannot be expressed.
pub(super) type Reason = &'static str;

/// A physical field and how it holds its values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Physical<'a> {
    /// Its name.
    pub(super) name: &'a FieldName,
    /// Type of the canonical field.
    pub(super) ty: Type,
    /// How the value is stored, where that is not the type.
    pub(super) stored: Option<Stored>,
    /// What is known of the letter case of the values.
    pub(super) spelling: Option<LetterCase>,
    /// The texts that mean "no value".
    pub(super) placeholders: &'a [String],
    /// What a selection that begins with it is named after: a canonical field or a list.
    pub(super) about: &'a str,
}

impl Physical<'_> {
    /// Compared with one of the values.
    pub(super) fn item(&self, modifier: Modifier, values: Vec<Scalar>) -> Cond {
        if values.is_empty() {
            return Truth::Always(false);
        }
        let (field, about) = (self.name.clone(), self.about.to_owned());
        Truth::Test(Rc::new(Item { field, modifier, values, about }))
    }

    /// The field is absent, null, empty or a text that means "no value".
    pub(super) fn missing(&self) -> Cond {
        if self.ty == Type::Bool {
            return self.boolean().not();
        }
        // Null stands for an absent field, too. `exists` would say that, but pySigma's backends for EQL and LogScale
        // refuse it. Each has an item of its own, for null may not stand in a list.
        let none = [Scalar::Null, Scalar::text("")].map(|none| self.item(Modifier::PLAIN, vec![none]));
        Truth::any(none.into_iter().chain([self.blank()]))
    }

    /// The field has a text that means "no value", in this spelling: in another one it is a value.
    fn blank(&self) -> Cond {
        let texts: Vec<_> = self.placeholders.iter().map(|text| Pattern::exactly(text)).collect();
        self.one_of(&texts.iter().collect::<Vec<_>>(), Case::Sensitive)
    }

    /// The field matches one of the patterns, and be it a text that means "no value". Letter case is ignored where it
    /// cannot make a difference: most converters refuse `cased`.
    fn one_of(&self, patterns: &[&Pattern], case: Case) -> Cond {
        let is_settled = |letters: LetterCase| {
            !patterns.is_empty() && patterns.iter().all(|pattern| letters.settles(pattern))
        };
        let case = if self.spelling.is_some_and(is_settled) { Case::Ignore } else { case };
        let (modifier, values) = literal::patterns(patterns, case);
        self.item(modifier, values)
    }

    /// The field has a value of its type.
    pub(super) fn present(&self) -> Cond {
        match self.ty {
            // Present is not enough: CloudTrail writes `AWS Internal` where there is no address (docs/semantics.md, 3).
            Type::Ip => self.networks(&[Ipv4Net::default().into(), Ipv6Net::default().into()]),
            Type::Bool => self.boolean(),
            Type::String | Type::Int | Type::Float | Type::Time => self.missing().not(),
        }
    }

    /// The field is true or false.
    fn boolean(&self) -> Cond {
        self.item(Modifier::PLAIN, [true, false].map(|value| self.truth(value)).into())
    }

    /// A boolean as the field stores it: as text, unless the source says otherwise. Engines match that with true, too,
    /// and six of pySigma's backends refuse a boolean.
    fn truth(&self, value: bool) -> Scalar {
        match self.stored {
            Some(Stored::Number) => Scalar::Int(i64::from(value)),
            Some(Stored::Bool) => Scalar::Bool(value),
            Some(Stored::String | Stored::Time) | None => Scalar::text(&value.to_string()),
        }
    }

    /// The condition, and not a text that means "no value" where one could satisfy it.
    fn unless_blank(&self, cond: Cond, could_pass: impl Fn(&str) -> bool) -> Cond {
        if self.placeholders.iter().any(|text| could_pass(text)) {
            Truth::all([cond, self.blank().not()])
        } else {
            cond
        }
    }

    /// The field is one of these texts.
    pub(super) fn equals<T: AsRef<str>>(&self, texts: impl IntoIterator<Item = T>, case: Case) -> Cond {
        let patterns: Vec<_> = texts.into_iter().map(|text| Pattern::exactly(text.as_ref())).collect();
        self.texts(&patterns, case)
    }

    /// The field matches one of the patterns.
    fn texts(&self, patterns: &[Pattern], case: Case) -> Cond {
        if patterns.iter().any(Pattern::matches_everything) {
            return self.present();
        }
        // No value is the empty text or one that means "no value".
        let is_none = |text: &str| text.is_empty() || self.placeholders.iter().any(|none| none == text);
        let is_value = |pattern: &&Pattern| pattern.literal().is_none_or(|text| !is_none(text));
        let patterns: Vec<_> = patterns.iter().filter(is_value).collect();
        self.unless_blank(self.one_of(&patterns, case), |blank| {
            patterns.iter().any(|pattern| fits(pattern, case, blank))
        })
    }

    fn networks(&self, networks: &[IpNet]) -> Cond {
        // An IPv4 address has one spelling, so addresses are a list of texts; pySigma's backend for LogScale refuses
        // several networks in one item.
        let single =
            |network: &IpNet| network.addr().is_ipv4() && network.prefix_len() == network.max_prefix_len();
        let listed = if networks.iter().all(single) {
            let texts = networks.iter().map(|network| Scalar::text(&network.addr().to_string()));
            self.item(Modifier::PLAIN, unique(texts.collect()))
        } else {
            let texts = networks.iter().map(|network| Scalar::Raw(network.trunc().to_string()));
            self.item(Modifier::Network, unique(texts.collect()))
        };
        self.unless_blank(listed, |blank| {
            blank.parse::<IpAddr>().is_ok_and(|blank| networks.iter().any(|network| network.contains(&blank)))
        })
    }

    fn values(&self, values: &[Value], case: Case) -> Result<Cond, Reason> {
        match self.ty {
            Type::String => Ok(self.equals(values.iter().map(Value::text), case)),
            Type::Ip => {
                let address =
                    |value: &Value| if let Value::Ip(ip) = value { Some((*ip).into()) } else { None };
                Ok(self.networks(&values.iter().filter_map(address).collect::<Vec<_>>()))
            }
            Type::Time => Err("Sigma cannot compare timestamps"),
            Type::Int | Type::Float | Type::Bool => {
                let scalars = values.iter().map(|value| self.scalar(value)).collect::<Result<_, _>>()?;
                Ok(self.item(Modifier::PLAIN, unique(scalars)))
            }
        }
    }

    /// A number or boolean as the field stores it.
    fn scalar(&self, value: &Value) -> Result<Scalar, Reason> {
        let as_text = self.stored == Some(Stored::String);
        match value {
            Value::Int(_) | Value::Float(_) if as_text => Ok(Scalar::text(&value.text())),
            Value::Int(number) => Ok(Scalar::Int(*number)),
            Value::Float(number) => {
                Scalar::float(*number).ok_or("YAML readers disagree on numbers with an exponent")
            }
            Value::Bool(truth) => Ok(self.truth(*truth)),
            Value::String(_) | Value::Time(_) | Value::Ip(_) => Err("the value is not of the field's type"),
        }
    }

    fn order(&self, op: OrderOp, value: &Value) -> Result<Cond, Reason> {
        // To SQLite any text is greater than any number, whatever it says.
        if self.stored == Some(Stored::String) {
            return Err("the field holds text, and Sigma cannot compare text numerically");
        }
        Ok(self.item(Modifier::Order(op), vec![self.scalar(value)?]))
    }

    /// A regular expression sees texts that count as missing, so those are taken out where it can match them.
    fn matches(&self, regex: &str, empty_too: bool) -> Cond {
        let matched = self.item(Modifier::Regex, vec![Scalar::Raw(regex.to_owned())]);
        let empty = empty_too.then(|| Scalar::text(""));
        let empty = self.item(Modifier::PLAIN, empty.into_iter().collect());
        Truth::all([matched, Truth::any([empty, self.blank()]).not()])
    }

    fn list(self, list: &List, case: Case) -> Result<Cond, Reason> {
        let column = Physical { about: &list.name.node, ..self };
        let Entries { patterns, networks, values } = list.by_kind();
        let patterns: Vec<_> = patterns.into_iter().cloned().collect();
        let mut parts = vec![column.texts(&patterns, case), column.networks(&networks)];
        if !values.is_empty() {
            parts.push(column.values(&values, Case::Sensitive)?);
        }
        Ok(Truth::any(parts))
    }

    /// The test as a condition over the field. Comparisons with another field are not tests of one field.
    pub(super) fn tested(self, bound: &BoundTest<'_, Sigma>) -> Result<Cond, Reason> {
        self.tested_for(&bound.test.kind, bound)
    }

    fn tested_for(self, kind: &TestKind, bound: &BoundTest<'_, Sigma>) -> Result<Cond, Reason> {
        match kind {
            TestKind::Exists => Ok(self.present()),
            TestKind::Equals { values, case } => self.values(values, *case),
            TestKind::InNetworks { networks } => Ok(self.networks(networks)),
            TestKind::InList { list, case } => {
                bound.list(*list).map_or(Ok(Truth::Always(false)), |list| self.list(list, *case))
            }
            TestKind::Order { op, value } => self.order(*op, value),
            TestKind::Like { pattern, case } => Ok(self.texts(std::slice::from_ref(pattern), *case)),
            TestKind::Substring { place, text, case } => {
                Ok(self.texts(&[Pattern::around(*place, text)], *case))
            }
            TestKind::Matches { regex } => Ok(self.matches(regex.exact(), bound.kind_could_pass(kind, ""))),
            TestKind::SameAs { .. } | TestKind::TextOf { .. } => Err("two fields are compared"),
            TestKind::Values(asked) => self.values_of(asked, bound),
        }
    }

    /// A test of the values of a field: an item holds if one of them passes, and its negation if none does.
    fn values_of(self, asked: &ValuesTest, bound: &BoundTest<'_, Sigma>) -> Result<Cond, Reason> {
        if asked.quantifier == Quantifier::All || asked.negated {
            return Err(
                "an item asks whether one value of a list passes, and nothing asks whether one fails",
            );
        }
        let none = std::iter::once("").chain(self.placeholders.iter().map(String::as_str));
        let could_pass = |text| asked.tests.iter().any(|kind| bound.kind_could_pass(kind, text));
        if none.into_iter().any(could_pass) {
            return Err(
                "a text that means \"no value\" could pass, and an item cannot tell it from the other values",
            );
        }
        let passes = asked.tests.iter().map(|kind| self.tested_for(kind, bound));
        Ok(Truth::any(passes.collect::<Result<Vec<_>, _>>()?))
    }
}

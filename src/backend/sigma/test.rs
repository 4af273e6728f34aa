//! A test of one physical field as a condition.
//!
//! In: a test and the column it reads. Out: a [`Cond`], or why Sigma has no words for it.
//! Must not know: steps, variants of columns, names of selections.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::backend::Job;
use crate::catalog::Stored;
use crate::ir::{Case, Entries, FieldTest, OrderOp, Pattern, PatternPart, TestKind, Type, Value};

use super::address::{V4, V6, V6_V4};
use super::cond::{Cond, Item};
use super::literal::{FieldName, Scalar, Shape, has_case, text_modifiers, wildcards};
use super::lower::word;

/// Why a test cannot be said.
pub(super) type Reason = &'static str;

/// A physical field and how it holds its values.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// Its name.
    pub(super) field: FieldName,
    /// Type of the canonical field.
    pub(super) ty: Type,
    /// How the value is stored, where that is not the type.
    pub(super) stored: Option<Stored>,
    /// The text that means "no value".
    pub(super) placeholder: Option<String>,
    /// What a selection about it is called.
    pub(super) word: String,
}

impl Column {
    fn item(&self, modifiers: &'static str, values: Vec<Scalar>) -> Cond {
        if values.is_empty() { Cond::Never } else { Item::cond(&self.field, modifiers, values, &self.word) }
    }

    /// The field is absent, null, empty or a text that means "no value".
    pub(super) fn missing(&self) -> Cond {
        if self.ty == Type::Bool {
            return self.boolean().not();
        }
        let none = [Scalar::Null, Scalar::text("")].map(|none| self.item("", vec![none]));
        Cond::any(none.into_iter().chain([self.blank()]))
    }

    /// The field has the text that means "no value".
    fn blank(&self) -> Cond {
        let value = self.placeholder.as_deref().map(Scalar::text);
        self.item("", value.into_iter().collect())
    }

    /// The field has a value of its type.
    pub(super) fn present(&self) -> Cond {
        match self.ty {
            Type::Ip => self.addresses(&[V4, V6, V6_V4]),
            Type::Bool => self.boolean(),
            Type::String | Type::Int | Type::Float | Type::Time => self.missing().not(),
        }
    }

    /// The field is true or false. A column of booleans need not be compared with a text then.
    fn boolean(&self) -> Cond {
        Cond::any([true, false].map(|value| self.item("", vec![self.truth(value)])))
    }

    /// A boolean as the field stores it.
    fn truth(&self, value: bool) -> Scalar {
        match self.stored {
            Some(Stored::String) => Scalar::text(&value.to_string()),
            Some(Stored::Number) => Scalar::Int(i64::from(value)),
            Some(Stored::Bool | Stored::Time) | None => Scalar::Bool(value),
        }
    }

    /// The field has the form of an address.
    fn addresses(&self, forms: &[&str]) -> Cond {
        let forms = forms.iter().map(|form| Scalar::Raw((*form).to_owned())).collect();
        self.unless_blank(self.item("|re", forms), |blank| blank.parse::<IpAddr>().is_ok())
    }

    /// Whether the text that means "no value" would be read as a number or boolean, which no filter could tell apart.
    fn blank_is_value(&self) -> bool {
        let blank = self.placeholder.as_deref().unwrap_or_default();
        match self.ty {
            Type::Int | Type::Float => blank.parse::<f64>().is_ok(),
            Type::Bool => blank.parse::<bool>().is_ok(),
            Type::String | Type::Ip | Type::Time => false,
        }
    }

    /// The condition, and not the text that means "no value" where that text could satisfy it.
    fn unless_blank(&self, cond: Cond, could_match: impl Fn(&str) -> bool) -> Cond {
        match &self.placeholder {
            Some(blank) if could_match(blank) => Cond::all([cond, self.blank().not()]),
            Some(_) | None => cond,
        }
    }

    /// The field is one of these texts, in this spelling.
    pub(super) fn equals(&self, texts: &[&str]) -> Cond {
        self.texts(&texts.iter().map(|text| Pattern::exactly(text)).collect::<Vec<_>>(), Case::Sensitive)
    }

    /// The field matches one of the patterns.
    fn texts(&self, patterns: &[Pattern], case: Case) -> Cond {
        if patterns.iter().any(Pattern::matches_everything) {
            return self.present();
        }
        let mut seen = BTreeSet::new();
        let shapes: Vec<_> = patterns
            .iter()
            .filter(|pattern| {
                pattern
                    .literal()
                    .is_none_or(|text| !text.is_empty() && Some(text) != self.placeholder.as_deref())
            })
            .filter(|pattern| seen.insert(case.fold(&wildcards(pattern)).into_owned()))
            .map(Shape::of)
            .collect();
        let first = shapes.first().and_then(|shape| shape.place);
        let place = first.filter(|place| shapes.iter().all(|shape| shape.place == Some(*place)));
        let cased = case == Case::Sensitive && patterns.iter().any(|pattern| texts_of(pattern).any(has_case));
        let values = shapes.iter().map(|shape| shape.value(place)).collect();
        let matched = self.item(text_modifiers(place, cased), values);
        // Saying too often that a pattern could match costs only a filter.
        self.unless_blank(matched, |blank| {
            patterns.iter().any(|pattern| {
                pattern.literal().is_none() && texts_of(pattern).all(|text| blank.contains(text))
            })
        })
    }

    fn networks(&self, networks: &[IpNet]) -> Cond {
        let (whole, parts): (Vec<_>, Vec<_>) = networks.iter().partition(|network| network.prefix_len() == 0);
        let single =
            |network: &IpNet| network.addr().is_ipv4() && network.prefix_len() == network.max_prefix_len();
        let listed = if parts.iter().all(single) {
            let texts = distinct(parts.iter().map(|network| network.addr().to_string()));
            self.item("", texts.iter().map(|text| Scalar::text(text)).collect())
        } else {
            let texts = distinct(parts.iter().map(|network| network.trunc().to_string()));
            self.item("|cidr", texts.into_iter().map(Scalar::Raw).collect())
        };
        let listed = self.unless_blank(listed, |blank| {
            blank.parse::<IpAddr>().is_ok_and(|blank| networks.iter().any(|network| network.contains(&blank)))
        });
        // Converters make a wildcard for any text out of `0.0.0.0/0`, so this is the form of an address.
        let form =
            |network: &IpNet| self.addresses(if network.addr().is_ipv4() { &[V4] } else { &[V6, V6_V4] });
        Cond::any(whole.iter().map(form).chain([listed]))
    }

    fn values(&self, values: &[Value], case: Case) -> Result<Cond, Reason> {
        match self.ty {
            Type::String => Ok(self.texts(&values.iter().filter_map(text_of).collect::<Vec<_>>(), case)),
            Type::Ip => Ok(self.networks(&values.iter().filter_map(network_of).collect::<Vec<_>>())),
            Type::Time => Err("it has no notion of instants"),
            Type::Int | Type::Float | Type::Bool => {
                let scalars: Result<Vec<_>, _> = values.iter().map(|value| self.scalar(value)).collect();
                Ok(Cond::any(scalars?.into_iter().map(|scalar| self.item("", vec![scalar]))))
            }
        }
    }

    /// A number or boolean as the field stores it.
    fn scalar(&self, value: &Value) -> Result<Scalar, Reason> {
        let as_text = self.stored == Some(Stored::String);
        match value {
            Value::Int(number) if as_text => Ok(Scalar::text(&number.to_string())),
            Value::Float(number) if as_text => Ok(Scalar::text(&number.to_string())),
            Value::Int(number) => Ok(Scalar::Int(*number)),
            Value::Float(number) => {
                Scalar::float(*number).ok_or("YAML readers disagree on numbers with an exponent")
            }
            Value::Bool(truth) => Ok(self.truth(*truth)),
            Value::String(_) | Value::Time(_) | Value::Ip(_) => Err("the value is not of the field's type"),
        }
    }

    fn order(&self, op: OrderOp, value: &Value) -> Result<Cond, Reason> {
        if self.stored == Some(Stored::String) {
            return Err("the field holds text, and text cannot be compared by size");
        }
        let modifier = match op {
            OrderOp::Less => "|lt",
            OrderOp::LessEqual => "|lte",
            OrderOp::Greater => "|gt",
            OrderOp::GreaterEqual => "|gte",
        };
        Ok(self.item(modifier, vec![self.scalar(value)?]))
    }

    /// A regular expression sees texts that count as missing, so those are taken out where it can match them.
    fn matches(&self, regex: &str) -> Cond {
        let matched = self.item("|re", vec![Scalar::Raw(regex.to_owned())]);
        let empty = if matches_empty(regex) { self.item("", vec![Scalar::text("")]) } else { Cond::Never };
        Cond::all([matched, Cond::any([empty, self.blank()]).not()])
    }

    fn list(&self, job: &Job<'_>, list: usize) -> Result<Cond, Reason> {
        let Some(list) = job.rule.lists.get(list) else { return Ok(Cond::Never) };
        let column = Self { word: word(&list.name.node), ..self.clone() };
        let Entries { patterns, networks, values } = list.by_kind();
        let patterns: Vec<_> = patterns.into_iter().cloned().collect();
        let patterns = column.texts(&patterns, Case::Sensitive);
        let networks = if networks.is_empty() { Cond::Never } else { column.networks(&networks) };
        let values = if values.is_empty() { Cond::Never } else { column.values(&values, Case::Sensitive)? };
        Ok(Cond::any([patterns, networks, values]))
    }
}

/// The test as a condition over its column. Comparisons with another field are not tests of one field.
pub(super) fn tested(job: &Job<'_>, test: &FieldTest, column: &Column) -> Result<Cond, Reason> {
    if column.blank_is_value() {
        return Err("the source's text for \"no value\" is a value of this type");
    }
    match &test.kind {
        TestKind::Exists => Ok(column.present()),
        TestKind::Equals { values, case } => column.values(values, *case),
        TestKind::InNetworks { networks } => Ok(column.networks(networks)),
        TestKind::InList { list } => column.list(job, *list),
        TestKind::Order { op, value } => column.order(*op, value),
        TestKind::Like { pattern, case } => Ok(column.texts(std::slice::from_ref(pattern), *case)),
        TestKind::Substring { place, text, case } => {
            Ok(column.texts(&[Pattern::around(*place, text)], *case))
        }
        TestKind::Matches { regex } => Ok(column.matches(regex)),
        TestKind::SameAs { .. } => Err("two fields are compared"),
    }
}

fn text_of(value: &Value) -> Option<Pattern> {
    match value {
        Value::String(text) => Some(Pattern::exactly(text)),
        Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Time(_) | Value::Ip(_) => None,
    }
}

fn network_of(value: &Value) -> Option<IpNet> {
    let whole = |address: &IpAddr| IpNet::from(*address);
    match value {
        Value::Ip(address) => Some(whole(address)),
        Value::String(_) | Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Time(_) => None,
    }
}

fn texts_of(pattern: &Pattern) -> impl Iterator<Item = &str> {
    pattern.parts.iter().filter_map(|part| match part {
        PatternPart::Text(text) => Some(text.as_str()),
        PatternPart::Any | PatternPart::One => None,
    })
}

fn distinct(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    texts.filter(|text| seen.insert(text.clone())).collect()
}

/// Whether the expression matches the empty text; yes if it cannot be read.
fn matches_empty(regex: &str) -> bool {
    regex_syntax::parse(regex)
        .map_or(true, |parsed| parsed.properties().minimum_len().is_none_or(|length| length == 0))
}

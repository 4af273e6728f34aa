//! Parameters: their values in force, and which of them are used.
//!
//! In: `param` clauses and the texts of the settings. Out: [`ir::Param`]s.
//! Must not know: where a parameter is used.

use std::collections::BTreeMap;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::ir::{self, ParamValue};
use crate::settings::{Given, Settings};
use crate::source::Span;
use crate::syntax::ast::{Clause, LiteralKind, Name, Param, Rule};

use super::naming;
use super::resolutions::{DefinitionKind, Meaning, Resolutions};
use super::sink::Sink;

/// The parameters of a rule.
#[derive(Debug, Default)]
pub(super) struct Params<'a> {
    known: Vec<Known<'a>>,
    by_name: BTreeMap<&'a str, usize>,
}

/// A parameter.
#[derive(Debug)]
pub(super) struct Known<'a> {
    pub(super) name: &'a Name,
    /// `None` if its value is wrong, which has been reported.
    pub(super) value: Option<ParamValue>,
    /// Where the default stands.
    pub(super) default: Span,
    overridden: bool,
}

impl<'a> Params<'a> {
    /// Reads the parameters of a rule; the settings override the defaults.
    pub(super) fn read(rule: &'a Rule, settings: &Settings, sink: &mut Sink) -> Self {
        let mut params = Self::default();
        for param in params_of(rule) {
            naming::length(&param.name, &mut sink.diags);
            sink.define(DefinitionKind::Param, &param.name, param.span);
            if let Some(first) = params.get(&param.name.node) {
                naming::twice("parameter", &param.name, first.name.span, &mut sink.diags);
                continue;
            }
            let known = read_one(param, (&rule.name.node, settings), &mut sink.diags);
            params.by_name.insert(&param.name.node, params.known.len());
            params.known.push(known);
        }
        params
    }

    /// The parameter of a name.
    pub(super) fn get(&self, name: &str) -> Option<&Known<'a>> {
        self.by_name.get(name).and_then(|index| self.known.get(*index))
    }

    /// Whether a parameter of this name exists.
    pub(super) fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// The names, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.known.iter().map(|known| known.name.node.as_str())
    }

    /// Warns of parameters that nothing used.
    pub(super) fn warn_unused(&self, sink: &mut Sink) {
        for known in self.known.iter().filter(|known| !sink.is_used(known.name.span)).collect::<Vec<_>>() {
            let title = format!("unused parameter `{}`", known.name.node);
            let found = Diagnostic::new(Code::UnusedParam, known.name.span, title)
                .label("changing it has no effect")
                .help("use it as a window or a value, or remove it");
            sink.report(found);
        }
    }

    /// The parameters with their values in force.
    pub(super) fn lower(&self, resolutions: &Resolutions) -> Vec<ir::Param> {
        let lower = |known: &Known<'_>| {
            Some(ir::Param {
                name: known.name.clone(),
                value: known.value.clone()?,
                overridden: known.overridden,
                uses: resolutions.uses_of(&Meaning::Param(known.name.span)).collect(),
            })
        };
        self.known.iter().filter_map(lower).collect()
    }
}

fn params_of(rule: &Rule) -> impl Iterator<Item = &Param> {
    rule.clauses.iter().filter_map(|clause| match clause {
        Clause::Param(param) => Some(param),
        Clause::Meta(_)
        | Clause::Allow(_)
        | Clause::Chain(_)
        | Clause::Alert(_)
        | Clause::Playbook(_)
        | Clause::Test(_) => None,
    })
}

fn read_one<'a>(param: &'a Param, (rule, settings): (&str, &Settings), diags: &mut Diagnostics) -> Known<'a> {
    let default = match &param.value.kind {
        LiteralKind::Str(text) => Some(ParamValue::String(text.clone())),
        LiteralKind::Int(number) => Some(ParamValue::Int(*number)),
        LiteralKind::Float(number) => Some(ParamValue::Float(*number)),
        LiteralKind::Bool(truth) => Some(ParamValue::Bool(*truth)),
        LiteralKind::Duration(seconds) => Some(ParamValue::Duration(*seconds)),
        LiteralKind::Date(_) | LiteralKind::Word(_) | LiteralKind::Unknown => None,
    };
    if default.is_none() && param.value.kind != LiteralKind::Unknown {
        let title = format!("invalid value for parameter `{}`", param.name.node);
        diags.push(
            Diagnostic::new(Code::WrongType, param.value.span, title)
                .label("expected a duration, number, string, `true` or `false`")
                .help("quote the value if it is a string"),
        );
    }
    let mut known = Known { name: &param.name, value: default, default: param.value.span, overridden: false };
    // The default gives the type; without one that can be read there is nothing to read the override as.
    if let (Some(stated), Some(default)) = (settings.param(rule, &param.name.node), &known.value) {
        let given = parse_as(default, stated.text);
        if given.is_none() {
            diags.push(bad_override(param, stated, default));
        }
        known.overridden = given.as_ref().is_some_and(|given| given != default);
        // Nothing where the override is wrong: checks that went on with the default would speak of a rule that nobody
        // asked for.
        known.value = given;
    }
    known
}

fn bad_override(param: &Param, given: Given<'_>, default: &ParamValue) -> Diagnostic {
    let (what, example) = match default {
        ParamValue::Duration(_) => ("a duration", "15m"),
        ParamValue::Int(_) => ("an integer", "443"),
        ParamValue::Float(_) => ("a number", "1.5"),
        ParamValue::String(_) => ("a string", "text"),
        ParamValue::Bool(_) => ("a boolean", "true"),
    };
    let name = &param.name.node;
    let title = format!("invalid value `{}` for parameter `{name}`", given.text);
    let found = match given.place {
        Some(place) => Diagnostic::new(Code::BadOverride, place, title)
            .label(format!("expected {what}"))
            .also(param.value.span, "the default"),
        None => Diagnostic::new(Code::BadOverride, param.value.span, title)
            .label(format!("the default is {what}")),
    };
    found.help(format!("provide {what}: `--set {name}={example}`, or the same in the environment file"))
}

/// Reads a text in the type of `default`.
fn parse_as(default: &ParamValue, text: &str) -> Option<ParamValue> {
    match default {
        ParamValue::Duration(_) => duration(text).map(ParamValue::Duration),
        ParamValue::Int(_) => text.parse().ok().map(ParamValue::Int),
        ParamValue::Float(_) => {
            // Rust reads `inf` and `NaN` as numbers; the language has no such literal.
            text.parse().ok().filter(|number: &f64| number.is_finite()).map(ParamValue::Float)
        }
        ParamValue::String(_) => Some(ParamValue::String(text.to_owned())),
        // YAML has `True` and `TRUE` too.
        ParamValue::Bool(_) => text.to_ascii_lowercase().parse().ok().map(ParamValue::Bool),
    }
}

/// `90s`, `15m`, `1h30m`: seconds, each unit once, the largest first.
fn duration(text: &str) -> Option<u64> {
    let (mut total, mut rest, mut last) = (0u64, text, u64::MAX);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: u64 = rest.get(..digits)?.parse().ok()?;
        let mut chars = rest.get(digits..)?.chars();
        let unit = match chars.next()? {
            'd' => 86_400,
            'h' => 3_600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        if unit >= last {
            return None;
        }
        last = unit;
        total = total.checked_add(count.checked_mul(unit)?)?;
        rest = chars.as_str();
    }
    (last != u64::MAX).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_in_rules() {
        for (text, seconds) in [("90s", 90), ("15m", 900), ("1h30m", 5_400), ("1d", 86_400), ("0s", 0)] {
            assert_eq!(duration(text), Some(seconds), "{text}");
        }
        for text in ["", "15", "m", "15x", "1m1h", "1m1m", "-1m", "99999999999999999999d", "1h 30m", "١m"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}

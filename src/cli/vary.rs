//! `--vary NAME=VALUES`: which windows of a rule vary, and over which lengths of time.
//!
//! In: the option and a checked rule with its text. Out: the windows of the rule for each value, the value in force
//! among them. Must not know: logs, output.

use anyhow::bail;

use crate::engine::program::in_micros;
use crate::engine::tune::Setting;
use crate::engine::words::duration;
use crate::ir::{ParamValue, Rule};
use crate::replay::tune::Windows;
use crate::source::{Sources, Span};
use crate::syntax;

use super::report::did_you_mean;

/// The name that stands for the whole length of a chain.
const TOTAL: &str = "total";
/// So many values are tried at most.
const MOST: u64 = 1000;
/// So many steps a range without a step has at most.
const STEPS: u64 = 60;
/// A year and a day, as the checker has it.
const LONGEST: u64 = 366 * 86_400;

/// A parameter, or the total, and the values to try, in seconds, rising.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Vary {
    pub(super) name: String,
    values: Vec<u64>,
}

/// Reads the option: `NAME=1m..60m`, `NAME=1m..60m/5m`, `NAME=1m,5m,30m`.
pub(super) fn parse(text: &str) -> Result<Vary, String> {
    let usage = "expected NAME=VALUES, such as console_to_launch=1m..60m or console_to_launch=1m,5m,30m";
    let Some((name, values)) = text.split_once('=') else { return Err(usage.to_owned()) };
    let (name, values) = (name.trim(), values.trim());
    if name.is_empty() || values.is_empty() {
        return Err(usage.to_owned());
    }
    let mut found = match values.split_once("..") {
        Some((from, rest)) => range(from, rest)?,
        None => values.split(',').map(length).collect::<Result<_, _>>()?,
    };
    found.sort_unstable();
    found.dedup();
    if found.len() as u64 > MOST {
        return Err(too_many(found.len() as u64));
    }
    Ok(Vary { name: name.to_owned(), values: found })
}

fn length(text: &str) -> Result<u64, String> {
    let text = text.trim();
    match syntax::duration(text) {
        Some(seconds) if seconds <= LONGEST => Ok(seconds),
        Some(_) => Err(format!("`{text}` is longer than a year")),
        None => Err(format!("`{text}` is not a duration such as `90s`, `15m` or `1h30m`")),
    }
}

fn range(from: &str, rest: &str) -> Result<Vec<u64>, String> {
    let (to, step) = match rest.split_once('/') {
        Some((to, step)) => (to, Some(length(step)?)),
        None => (rest, None),
    };
    let (first, last) = (length(from)?, length(to)?);
    let Some(span) = last.checked_sub(first) else {
        return Err(format!("the range {from}..{to} is empty: it ends before it begins"));
    };
    let step = step.unwrap_or_else(|| round_step(span));
    if step == 0 {
        return Err("a range needs a step of some length".to_owned());
    }
    if span / step >= MOST {
        return Err(too_many(span / step + 1));
    }
    let mut values: Vec<u64> = (0..=span / step).map(|count| first + count * step).collect();
    // The steps need not reach the end; where they do, `parse` drops the second one.
    values.push(last);
    Ok(values)
}

fn too_many(count: u64) -> String {
    format!("{count} values are too many, at most {MOST} are tried; give a longer step, such as `1m..60m/5m`")
}

/// The shortest round length of which no more than [`STEPS`] fit into `span`.
fn round_step(span: u64) -> u64 {
    const ROUND: [u64; 15] =
        [1, 5, 10, 15, 30, 60, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400];
    let fits = |step: &u64| span <= step * STEPS;
    ROUND.into_iter().find(fits).unwrap_or_else(|| span.div_ceil(STEPS * 86_400).max(1) * 86_400)
}

/// What varies in one rule.
#[derive(Debug)]
pub(super) struct Plan {
    /// The values, rising, seconds; the one in force is among them.
    pub(super) values: Vec<u64>,
    /// The number of the value in force.
    pub(super) in_force: usize,
    /// For each value.
    pub(super) windows: Vec<Windows>,
    /// What varies, in words.
    pub(super) varied: Vec<String>,
}

/// Which windows have the value.
#[derive(Debug)]
struct Uses {
    links: Vec<bool>,
    total: bool,
    dedupe: bool,
}

impl Vary {
    /// Whether a rule has a parameter of this name, or could mean its total by it.
    pub(super) fn concerns(&self, rule: &Rule) -> bool {
        self.name == TOTAL || rule.params.iter().any(|param| param.name.node == self.name)
    }

    /// The end of a message about a name that no rule has.
    pub(super) fn hint<'r>(&self, rules: impl Iterator<Item = &'r Rule>) -> String {
        let params = rules.flat_map(|rule| &rule.params);
        let lengths = params.filter(|param| matches!(param.value, ParamValue::Duration(_)));
        let mut known: Vec<&str> = lengths.map(|param| param.name.node.as_str()).chain([TOTAL]).collect();
        known.sort_unstable();
        known.dedup();
        match did_you_mean(&self.name, known.iter().copied()) {
            hint if hint.is_empty() => format!("; there is {}", known.join(", ")),
            hint => hint,
        }
    }

    /// The windows of `rule` under each value.
    pub(super) fn plan(&self, rule: &Rule, sources: &Sources) -> anyhow::Result<Plan> {
        let (in_force, uses) = self.uses(rule, sources)?;
        let mut values = self.values.clone();
        if let Err(place) = values.binary_search(&in_force) {
            values.insert(place, in_force);
        }
        let place = values.iter().position(|value| *value == in_force).unwrap_or_default();
        let windows = values.iter().map(|value| uses.windows(rule, *value)).collect();
        Ok(Plan { in_force: place, windows, varied: uses.words(rule), values })
    }

    /// The value in force, and what has it. A window is written as a length of time or as the name of a parameter.
    fn uses(&self, rule: &Rule, sources: &Sources) -> anyhow::Result<(u64, Uses)> {
        let (name, chain) = (&self.name, &rule.chain);
        // The IR has only the length of a window; that a parameter gave it is seen in the text.
        let has = |span: Span| sources.snippet(span) == name;
        let param = rule.params.iter().find(|param| param.name.node == *name);
        let Some(param) = param else {
            let links = vec![false; chain.links.len()];
            return Ok((chain.total.seconds, Uses { links, total: true, dedupe: false }));
        };
        let what = match &param.value {
            ParamValue::Duration(seconds) => {
                let uses = Uses {
                    links: chain.links.iter().map(|link| has(link.gap.span)).collect(),
                    total: chain.total_is_explicit && has(chain.total.span),
                    dedupe: rule.alert.dedupe.as_ref().is_some_and(|dedupe| has(dedupe.window.span)),
                };
                if uses.total || uses.links.contains(&true) {
                    return Ok((*seconds, uses));
                }
                "is no window of the chain: neither a gap nor the total uses it"
            }
            ParamValue::Int(_) | ParamValue::Float(_) => "is a number, not a length of time",
            ParamValue::String(_) => "is a text, not a length of time",
            ParamValue::Bool(_) => "is `true` or `false`, not a length of time",
        };
        bail!("`--vary {name}=…`: `{name}` {what}")
    }
}

impl Uses {
    fn windows(&self, rule: &Rule, value: u64) -> Windows {
        let chain = &rule.chain;
        let gap = |(link, varies): (&crate::ir::Link, &bool)| if *varies { value } else { link.gap.seconds };
        let gaps: Vec<u64> = chain.links.iter().zip(&self.links).map(gap).collect();
        let total = match (self.total, chain.total_is_explicit) {
            (true, _) => value,
            (false, true) => chain.total.seconds,
            // Without a total of its own the chain may take as long as its gaps.
            (false, false) => gaps.iter().fold(0, |sum: u64, gap| sum.saturating_add(*gap)),
        };
        let dedupe = rule.alert.dedupe.as_ref();
        let dedupe = dedupe.map(|dedupe| in_micros(if self.dedupe { value } else { dedupe.window.seconds }));
        let setting = Setting { gaps: gaps.into_iter().map(in_micros).collect(), total: in_micros(total) };
        Windows { setting, dedupe }
    }

    fn words(&self, rule: &Rule) -> Vec<String> {
        let names = rule.chain.steps.windows(2).zip(&self.links).filter(|(_, varies)| **varies);
        let gaps = names.filter_map(|(sides, _)| match sides {
            [left, right] => Some(format!("the gap from {} to {}", left.name.node, right.name.node)),
            _ => None,
        });
        let rest = [(self.total, "the total"), (self.dedupe, "the window of `dedupe`")];
        gaps.chain(rest.into_iter().filter(|(varies, _)| *varies).map(|(_, name)| name.to_owned())).collect()
    }
}

/// Seconds as the language writes them.
pub(super) fn words(seconds: u64) -> String {
    duration(in_micros(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_lists() {
        let values = |text: &str| parse(&format!("x={text}")).map(|vary| vary.values);
        assert_eq!(values("1m,30s, 5m,1m"), Ok(vec![30, 60, 300]));
        assert_eq!(values("1m..3m/1m"), Ok(vec![60, 120, 180]));
        assert_eq!(values("1m..2m30s/1m"), Ok(vec![60, 120, 150]));
        assert_eq!(values("5m..5m"), Ok(vec![300]));
        assert_eq!(values("1m..60m").map(|values| values.len()), Ok(60));
        assert_eq!(values("0s..1d").map(|values| (values.len(), values[1])), Ok((49, 1_800)));
        assert!(values("0s..366d").unwrap().len() <= 62);
        for (text, hint) in [
            ("", "expected NAME=VALUES"),
            ("60m..1m", "is empty"),
            ("1m..", "`` is not a duration"),
            ("1m..5m/0s", "a step of some length"),
            ("soon", "`soon` is not a duration"),
            ("1m,,2m", "`` is not a duration"),
            ("400d", "longer than a year"),
            ("1s..1d/1s", "86400 values are too many"),
            ("1m..5m/1m/1m", "is not a duration"),
            ("9..8", "is not a duration"),
        ] {
            let found = values(text).unwrap_err();
            assert!(found.contains(hint), "{text}: {found}");
        }
        assert!(parse("nothing").unwrap_err().contains("expected NAME=VALUES"));
    }
}

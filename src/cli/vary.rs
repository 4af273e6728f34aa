//! `--vary NAME=VALUES`: which windows or counts of a rule vary, and over which values.
//!
//! In: the option and a checked rule with its text. Out: the rule with each value, the value in force among them.
//! Must not know: logs, output.

use anyhow::bail;

use crate::engine::program::in_micros;
use crate::engine::words::duration;
use crate::ir::{Absence, Chain, ParamValue, Rule, Step, When, Window};
use crate::source::Sources;
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

/// What values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Seconds.
    Time,
    /// Events, or values of a field.
    Count,
}

/// A parameter, or the total, and the values to try, rising.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Vary {
    pub(super) name: String,
    unit: Unit,
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
    let is_of_count = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '/' | ' ');
    let unit = if values.chars().all(is_of_count) { Unit::Count } else { Unit::Time };
    let mut found = match values.split_once("..") {
        Some((from, rest)) => range(from, rest, unit)?,
        None => values.split(',').map(|text| one(text, unit)).collect::<Result<_, _>>()?,
    };
    found.sort_unstable();
    found.dedup();
    if found.len() as u64 > MOST {
        return Err(too_many(found.len() as u64));
    }
    Ok(Vary { name: name.to_owned(), unit, values: found })
}

fn length(text: &str) -> Result<u64, String> {
    let text = text.trim();
    match syntax::duration(text) {
        Some(seconds) if seconds <= LONGEST => Ok(seconds),
        Some(_) => Err(format!("`{text}` is longer than a year")),
        None => Err(format!("`{text}` is not a duration such as `90s`, `15m` or `1h30m`")),
    }
}

/// The numbers that `at least` takes.
const COUNTS: std::ops::RangeInclusive<u64> = 2..=10_000;

fn one(text: &str, unit: Unit) -> Result<u64, String> {
    let count = || text.trim().parse().ok().filter(|count| COUNTS.contains(count));
    match unit {
        Unit::Time => length(text),
        Unit::Count => count().ok_or_else(|| format!("`{}` is not a number from 2 to 10000", text.trim())),
    }
}

fn range(from: &str, rest: &str, unit: Unit) -> Result<Vec<u64>, String> {
    let (to, step) = match rest.split_once('/') {
        Some((to, step)) => (to, Some(step)),
        None => (rest, None),
    };
    let step = match (step, unit) {
        (Some(step), Unit::Time) => Some(length(step)?),
        (Some(step), Unit::Count) => {
            let number = step.trim().parse().map_err(|_| format!("`{}` is not a step", step.trim()))?;
            Some(number)
        }
        (None, _) => None,
    };
    let (first, last) = (one(from, unit)?, one(to, unit)?);
    let Some(span) = last.checked_sub(first) else {
        return Err(format!("the range {from}..{to} is empty: it ends before it begins"));
    };
    let step = step.unwrap_or_else(|| match unit {
        Unit::Time => round_step(span),
        Unit::Count => span.div_ceil(STEPS).max(1),
    });
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
    /// The values, rising; the one in force is among them.
    pub(super) values: Vec<u64>,
    /// What they are.
    pub(super) unit: Unit,
    /// The number of the value in force.
    pub(super) in_force: usize,
    /// The rule with each value.
    pub(super) rules: Vec<Rule>,
    /// What varies, in words.
    pub(super) varied: Vec<String>,
}

/// What has the value.
#[derive(Debug, Default)]
struct Uses {
    /// For each link.
    links: Vec<bool>,
    total: bool,
    dedupe: bool,
    /// For each step and each of its absences.
    absences: Vec<Vec<bool>>,
    /// For each step the window in which it counts.
    counted: Vec<bool>,
    /// For each step the number to which it counts.
    least: Vec<bool>,
}

impl Vary {
    /// Whether a rule has a parameter of this name, or could mean its total by it.
    pub(super) fn concerns(&self, rule: &Rule) -> bool {
        self.name == TOTAL || rule.params.iter().any(|param| param.name.node == self.name)
    }

    /// The end of a message about a name that no rule has.
    pub(super) fn hint<'r>(&self, rules: impl Iterator<Item = &'r Rule>) -> String {
        let params = rules.flat_map(|rule| &rule.params);
        let is_varied = |param: &&crate::ir::Param| match param.value {
            ParamValue::Duration(_) => self.unit == Unit::Time,
            ParamValue::Int(_) => self.unit == Unit::Count,
            ParamValue::Float(_) | ParamValue::String(_) | ParamValue::Bool(_) => false,
        };
        let total = (self.unit == Unit::Time).then_some(TOTAL);
        let mut known: Vec<&str> =
            params.filter(is_varied).map(|param| param.name.node.as_str()).chain(total).collect();
        known.sort_unstable();
        known.dedup();
        match did_you_mean(&self.name, known.iter().copied()) {
            hint if hint.is_empty() => format!("; there is {}", known.join(", ")),
            hint => hint,
        }
    }

    /// The rule under each value.
    pub(super) fn plan(&self, rule: &Rule, sources: &Sources) -> anyhow::Result<Plan> {
        let (in_force, uses) = self.uses(rule, sources)?;
        let mut values = self.values.clone();
        if let Err(place) = values.binary_search(&in_force) {
            values.insert(place, in_force);
        }
        let place = values.iter().position(|value| *value == in_force).unwrap_or_default();
        let rules = values.iter().map(|value| uses.with(rule, *value)).collect();
        Ok(Plan { in_force: place, rules, varied: uses.words(rule), values, unit: self.unit })
    }

    /// The value in force, and what has it. A window is written as a length of time or as the name of a parameter.
    fn uses(&self, rule: &Rule, sources: &Sources) -> anyhow::Result<(u64, Uses)> {
        let name = &self.name;
        let Some(param) = rule.params.iter().find(|param| param.name.node == *name) else {
            if self.unit == Unit::Count {
                bail!("`--vary {name}=…`: the total is a length of time, such as `{name}=1m..60m`");
            }
            let uses = Uses { total: true, ..Uses::default() };
            return Ok((rule.chain.total.seconds, uses));
        };
        let what = match (&param.value, self.unit) {
            (ParamValue::Duration(seconds), Unit::Time) => {
                let uses = Uses::of_window(name, rule, sources);
                if uses.vary_chains() {
                    return Ok((*seconds, uses));
                }
                "is no window of the chain: neither a gap nor the total, an absence or a count uses it"
            }
            (ParamValue::Int(count), Unit::Count) => {
                let uses = Uses::of_count(name, rule, sources);
                if let (true, Ok(count)) = (uses.vary_chains(), u64::try_from(*count)) {
                    return Ok((count, uses));
                }
                "is no count of the chain: no `at least` uses it"
            }
            (ParamValue::Duration(_), Unit::Count) => "is a length of time, not a number",
            (ParamValue::Int(_), Unit::Time) => "is a number, not a length of time",
            (ParamValue::Float(_), _) => "is a decimal, which no window or count has",
            (ParamValue::String(_), _) => "is a text, not a length of time",
            (ParamValue::Bool(_), _) => "is `true` or `false`, not a length of time",
        };
        bail!("`--vary {name}=…`: `{name}` {what}")
    }
}

impl Uses {
    /// What has the length of a parameter.
    fn of_window(name: &str, rule: &Rule, sources: &Sources) -> Self {
        // The IR has only the length of a window; that a parameter gave it is seen in the text.
        let has = |window: &Window| sources.snippet(window.span) == name;
        let chain = &rule.chain;
        let absence = |absence: &Absence| match &absence.when {
            When::Before(window) | When::After(window) => has(window),
            When::Between => false,
        };
        let counted = |step: &Step| step.repetition.as_ref().is_some_and(|one| has(&one.window));
        Self {
            links: chain.links.iter().map(|link| has(&link.gap)).collect(),
            total: chain.total_is_explicit && has(&chain.total),
            dedupe: rule.alert.dedupe.as_ref().is_some_and(|dedupe| has(&dedupe.window)),
            absences: chain.steps.iter().map(|step| step.absences.iter().map(absence).collect()).collect(),
            counted: chain.steps.iter().map(counted).collect(),
            least: Vec::new(),
        }
    }

    /// What counts to a parameter.
    fn of_count(name: &str, rule: &Rule, sources: &Sources) -> Self {
        // `at least NAME …`
        let counts = |step: &Step| {
            let written = step.repetition.as_ref().map(|one| sources.snippet(one.span));
            written.is_some_and(|text| text.split_whitespace().nth(2) == Some(name))
        };
        Self { least: rule.chain.steps.iter().map(counts).collect(), ..Self::default() }
    }

    /// Whether anything varies that makes a chain.
    fn vary_chains(&self) -> bool {
        let lists = [&self.links, &self.counted, &self.least];
        let lists = lists.into_iter().chain(&self.absences);
        self.total || lists.into_iter().any(|list| list.contains(&true))
    }

    fn with(&self, rule: &Rule, value: u64) -> Rule {
        let mut rule = rule.clone();
        let chain = &mut rule.chain;
        for (link, varies) in chain.links.iter_mut().zip(&self.links) {
            if *varies {
                link.gap.seconds = value;
            }
        }
        let absences = chain.steps.iter_mut().flat_map(|step| &mut step.absences);
        for (absence, varies) in absences.zip(self.absences.iter().flatten()) {
            if let (true, When::Before(window) | When::After(window)) = (*varies, &mut absence.when) {
                window.seconds = value;
            }
        }
        let is = |list: &[bool], at: usize| list.get(at).copied().unwrap_or(false);
        for (at, step) in chain.steps.iter_mut().enumerate() {
            let Some(repetition) = &mut step.repetition else { continue };
            if is(&self.counted, at) {
                repetition.window.seconds = value;
            }
            if is(&self.least, at) {
                repetition.least = u32::try_from(value).unwrap_or(u32::MAX);
            }
        }
        if self.total {
            chain.total.seconds = value;
        } else if !chain.total_is_explicit {
            chain.total.seconds = implied_total(chain);
        }
        if let Some(dedupe) = rule.alert.dedupe.as_mut().filter(|_| self.dedupe) {
            dedupe.window.seconds = value;
        }
        rule
    }

    fn words(&self, rule: &Rule) -> Vec<String> {
        let names = rule.chain.steps.windows(2).zip(&self.links).filter(|(_, varies)| **varies);
        let gaps = names.filter_map(|(sides, _)| match sides {
            [left, right] => Some(format!("the gap from {} to {}", left.name.node, right.name.node)),
            _ => None,
        });
        let steps = || rule.chain.steps.iter();
        let of_step = |(step, varies): (&Step, &Vec<bool>)| -> Vec<String> {
            let asked = step.absences.iter().zip(varies).filter(|(_, varies)| **varies);
            let word = |(absence, _): (&Absence, &bool)| match &absence.name {
                Some(name) => format!("the window of `unless {}`", name.node),
                None => format!("the window of `first` of {}", step.name.node),
            };
            asked.map(word).collect()
        };
        let absences = steps().zip(&self.absences).flat_map(of_step);
        let counted = steps().zip(&self.counted).filter(|(_, varies)| **varies);
        let counted = counted.map(|(step, _)| format!("the window in which {} counts", step.name.node));
        let least = steps().zip(&self.least).filter(|(_, varies)| **varies);
        let least = least.map(|(step, _)| format!("the number to which {} counts", step.name.node));
        let rest = [(self.total, "the total"), (self.dedupe, "the window of `dedupe`")];
        let rest = rest.into_iter().filter(|(varies, _)| *varies).map(|(_, name)| name.to_owned());
        gaps.chain(absences).chain(counted).chain(least).chain(rest).collect()
    }
}

/// The longest time that a chain without a total of its own may take.
fn implied_total(chain: &Chain) -> u64 {
    let burst = chain.steps.first().map_or(0, Step::burst);
    chain.links.iter().fold(burst, |sum, link| sum.saturating_add(link.gap.seconds))
}

impl Plan {
    /// A value as the language writes it.
    pub(super) fn words(&self, value: u64) -> String {
        match self.unit {
            Unit::Time => duration(in_micros(value)),
            Unit::Count => value.to_string(),
        }
    }
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
        assert_eq!(values("3..5"), Ok(vec![3, 4, 5]));
        assert_eq!(values("3, 10, 4"), Ok(vec![3, 4, 10]));
        assert_eq!(values("2..202").map(|values| values.len()), Ok(51));
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
            ("9..8", "is empty"),
            ("1..8", "`1` is not a number from 2 to 10000"),
            ("2..8/x", "is not a duration"),
            ("3..8/0", "a step of some length"),
        ] {
            let found = values(text).unwrap_err();
            assert!(found.contains(hint), "{text}: {found}");
        }
        assert!(parse("nothing").unwrap_err().contains("expected NAME=VALUES"));
    }
}

//! Which rules are not meant for a target that the user named, said in few lines.
//!
//! In: names of rules with the targets they are meant for. Out: a line for each, or one line for many of a target.
//! Must not know: why a rule is not meant for a target.

use std::collections::BTreeMap;

use crate::source::visible;

use super::output;

/// How many rules of a target have a line of their own.
const APART: usize = 3;

/// The rules that a target does not get.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    /// By target: each rule, and the targets it is meant for.
    of: BTreeMap<&'static str, Vec<(String, String)>>,
}

impl LeftOut {
    /// A rule that is meant for the targets `meant`, not for `target`.
    pub(super) fn add(&mut self, target: &'static str, rule: &str, meant: &[String]) {
        self.of.entry(target).or_default().push((rule.to_owned(), meant.join(", ")));
    }

    pub(super) fn extend(&mut self, other: Self) {
        for (target, rules) in other.of {
            self.of.entry(target).or_default().extend(rules);
        }
    }

    /// Says it on standard error.
    pub(super) fn report(&self) {
        for (target, rules) in &self.of {
            output::report(&told(target, rules));
        }
    }
}

fn told(target: &str, rules: &[(String, String)]) -> String {
    if rules.len() > APART {
        let names: Vec<&str> = rules.iter().map(|(rule, _)| rule.as_str()).collect();
        let (count, names) = (rules.len(), names.join(", "));
        return format!(
            "{count} rules are left out of {target}, which their `targets` do not name: {}\n",
            visible(&names)
        );
    }
    let line = |(rule, meant): &(String, String)| {
        format!("rule `{rule}` is left out of {target}: its `targets` are {meant}\n")
    };
    rules.iter().map(line).collect()
}

//! Warnings that rules and environment files accept.
//!
//! In: findings, and what accepts some of them. Out: the other findings, a count, and what accepts nothing.
//! Must not know: what a finding is about.

use std::collections::{BTreeMap, BTreeSet};

use crate::backend;
use crate::check;
use crate::diag::{Code, Diagnostic, Diagnostics, Severity};
use crate::ir;
use crate::settings::Settings;
use crate::source::Span;
use crate::syntax::ast;

/// A clause `allow` of a rule, or an entry of an environment file.
#[derive(Debug, Clone)]
pub struct Allowance {
    code: Code,
    /// Where the code stands.
    place: Span,
    /// The rule; findings anywhere if there is none.
    within: Option<Span>,
    /// The targets that the rule is meant for; all if it names none.
    targets: Option<Vec<String>>,
}

impl Allowance {
    /// What the rules of a file and its environment accept. `sound` are the rules without errors.
    pub(super) fn all(file: &ast::File, sound: &[ir::Rule], settings: &Settings) -> Vec<Self> {
        let of_rule = |rule: &ast::Rule| -> Vec<Self> {
            if check::allows(rule).next().is_none() {
                return Vec::new();
            }
            let known = sound.iter().find(|known| known.span == rule.span);
            let targets = known.and_then(|rule| rule.meta.targets.clone());
            let allowance = |allow: &ast::Allow| {
                let (code, place) = (Code::find(&allow.code.node)?, allow.code.span);
                Some(Self { code, place, within: Some(rule.span), targets: targets.clone() })
            };
            check::allows(rule).filter_map(allowance).collect()
        };
        let mut all: Vec<_> = file.rules.iter().flat_map(of_rule).collect();
        all.extend(Self::of_settings(settings));
        all
    }

    /// What an environment file accepts.
    pub(super) fn of_settings(settings: &Settings) -> Vec<Self> {
        let accepted = settings.accepted();
        accepted.map(|(code, place)| Self { code, place, within: None, targets: None }).collect()
    }

    fn accepts(&self, found: &Diagnostic) -> bool {
        let Span { file, start, end } = found.primary.span;
        let is_inside = |rule: Span| rule.file == file && rule.start <= start && end <= rule.end;
        found.code == self.code && found.severity() == Severity::Warning && self.within.is_none_or(is_inside)
    }

    /// Whether a run could have found what is accepted. `compiled` are the targets it compiled for; a run over single
    /// files does not know what an environment file is there for.
    fn is_judged(&self, compiled: &[String], whole: bool) -> bool {
        let is_compiled = |target: &str| compiled.iter().any(|known| known == target);
        let all_compiled = || match &self.targets {
            Some(named) => named.iter().all(|target| is_compiled(target)),
            None => backend::ALL.iter().all(|target| is_compiled(target.name())),
        };
        // Warnings of targets are found only by compiling: one that was not found may belong to a target that was left
        // out.
        (whole || self.within.is_some()) && (!self.code.is_of_target() || all_compiled())
    }
}

/// The warnings that were accepted.
#[derive(Debug, Clone, Default)]
pub struct Accepted {
    found: Diagnostics,
    /// Allowances that accepted something, by their place.
    used: BTreeSet<Span>,
    /// Allowances seen.
    known: BTreeMap<Span, Allowance>,
}

impl Accepted {
    /// Takes out of some findings what is accepted.
    #[must_use]
    pub fn sift(&mut self, found: Diagnostics, allowances: &[Allowance]) -> Diagnostics {
        if allowances.is_empty() {
            return found;
        }
        self.known.extend(allowances.iter().map(|allowance| (allowance.place, allowance.clone())));
        let mut rest = Diagnostics::default();
        for found in found.into_sorted() {
            let mut accepting = allowances.iter().filter(|allowance| allowance.accepts(&found)).peekable();
            if accepting.peek().is_none() {
                rest.push(found);
                continue;
            }
            self.used.extend(accepting.map(|allowance| allowance.place));
            self.found.push(found);
        }
        rest
    }

    /// Adds what was accepted elsewhere.
    pub fn extend(&mut self, other: Self) {
        self.found.extend(other.found);
        self.used.extend(other.used);
        self.known.extend(other.known);
    }

    /// How many warnings were accepted, each once.
    #[must_use]
    pub fn count(&self) -> usize {
        self.found.clone().into_sorted().len()
    }

    /// A warning for each allowance that accepted nothing in a run that could have found something.
    pub(super) fn warn_unused(&self, compiled: &[String], whole: bool, diags: &mut Diagnostics) {
        let unused = self.known.values().filter(|allowance| !self.used.contains(&allowance.place));
        for Allowance { code, place, .. } in unused.filter(|known| known.is_judged(compiled, whole)) {
            let title = format!("`allow` accepts nothing: there is no {}", code.id());
            let found = Diagnostic::new(Code::UnusedAllow, *place, title);
            diags.push(
                found.label("it changes nothing").help("remove it, so that it does not hide the next one"),
            );
        }
    }
}

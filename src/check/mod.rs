//! The checker: syntax tree to IR, with everything a senior reviewer would catch.
//!
//! In: a [`Unit`] and a [`Context`]. Out: the rules without errors.
//! Must not know: targets, engines, files.
//!
//! One folder, one concern a file: `names`, `params` and `lists` say what words refer to; `values`, `predicates`,
//! `sets`, `texts` and `regex` type the conditions; `logic` finds conditions that never or always hold; `chain`,
//! `links` and `windows` build the chain; `meta`, `alert`, `playbook` and `testing` the rest; `identity` looks across
//! files.

mod alert;
mod chain;
mod entries;
mod glob;
mod identity;
mod links;
mod lists;
mod logic;
mod meta;
mod names;
mod params;
mod playbook;
mod predicates;
mod regex;
mod sets;
mod testing;
mod texts;
mod values;
mod windows;

use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::catalog::Catalog;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::ir;
use crate::settings::Settings;
use crate::source::Span;
use crate::syntax::ast::{self, Clause, File, LiteralKind, Operand, Pred, PredKind, Rule, Understood};
use crate::unit::Unit;

use lists::Lists;
use names::Scope;
use params::Params;

pub use identity::{Identities, clashing};

/// The most steps of a chain.
const MOST_STEPS: usize = 16;

/// What the checker may know besides the text.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The sources.
    pub catalog: &'a Catalog,
    /// Parameters and look-back of the organisation.
    pub settings: &'a Settings,
    /// The day on which allowlist entries are judged.
    pub as_of: Date,
}

/// Checks every rule of the unit's file. Rules with errors are left out; their problems are in `diags`.
///
/// A unit with broken text gives no rules, and nothing is said about what may stand in text that was not understood.
pub fn check(unit: &Unit<'_>, context: &Context<'_>, diags: &mut Diagnostics) -> Vec<ir::Rule> {
    let files = || std::iter::once(unit.file).chain(unit.imported.iter().copied());
    let mut found = Diagnostics::default();
    let rules = check_all(unit, context, &mut found);
    if files().all(|file| file.understood == Understood::Whole) {
        diags.extend(found);
        return rules;
    }
    if files().all(|file| file.understood != Understood::Partly) {
        diags.extend(found);
        return Vec::new();
    }
    let certain = found.into_sorted().into_iter().filter(|diagnostic| !ABSENCES.contains(&diagnostic.code));
    certain.for_each(|diagnostic| diags.push(diagnostic));
    Vec::new()
}

/// Findings about something that is not there.
const ABSENCES: &[Code] = &[
    Code::UnknownStep,
    Code::UnknownList,
    Code::UnknownName,
    Code::NoStep,
    Code::UnusedParam,
    Code::UnusedList,
    Code::ChainShape,
    Code::ChainLength,
    Code::NoChain,
    Code::LinkSteps,
    Code::LinkField,
    Code::TotalNeverBinds,
    Code::EmptyList,
    Code::MissingMeta,
    Code::NoEntity,
    Code::NoDedupe,
    Code::NoTests,
    Code::NoExpectation,
    Code::NoEvents,
    Code::CannotAlert,
    Code::EmptyFile,
];

fn check_all(unit: &Unit<'_>, context: &Context<'_>, diags: &mut Diagnostics) -> Vec<ir::Rule> {
    let lists = Lists::read(unit, &words(unit), context, diags);
    let mut rules = Vec::new();
    for rule in &unit.file.rules {
        rules.extend(lower(unit, rule, &lists, context, diags));
    }
    let File { id, rules: written, lists: own, imports, .. } = unit.file;
    // A file of lists alone is there to be imported.
    if !written.is_empty() {
        lists.warn_unused(diags);
    } else if own.is_empty() && imports.is_empty() {
        let found = Diagnostic::new(Code::EmptyFile, Span::new(*id, 0, 0), "there is no rule in this file");
        diags.push(
            found.label("nothing to compile, nothing to import").help("`rule NAME { … }` begins a rule"),
        );
    }
    rules
}

#[expect(clippy::too_many_lines, reason = "lowering and lints of a rule are being taken apart")]
fn lower(
    unit: &Unit<'_>,
    rule: &Rule,
    lists: &Lists<'_>,
    context: &Context<'_>,
    diags: &mut Diagnostics,
) -> Option<ir::Rule> {
    let mark = diags.len();
    names::length(&rule.name, diags);
    let clauses = Clauses::of(rule, diags);
    let meta = meta::lower(rule, diags);
    let params = Params::read(rule, context.settings, diags);
    let steps = names::steps(rule, context.catalog, diags);
    let mut scope =
        Scope { context, sources: unit.sources, params, steps, lists, used_lists: Vec::new(), diags };
    if clauses.chain.is_none() {
        scope.report(
            Diagnostic::new(
                Code::NoChain,
                rule.name.span,
                format!("the rule `{}` has no chain", rule.name.node),
            )
            .label("detects nothing")
            .help("add `chain within TOTAL { step … then … step … }`"),
        );
    }
    let chain = clauses.chain.and_then(|chain| chain::lower(&mut scope, chain));
    let alert = alert::lower(&mut scope, rule, clauses.alert);
    if let (Some(chain), Some(alert)) = (&chain, &alert) {
        let at = clauses.alert.map_or(rule.name.span, |alert| Span {
            end: alert.span.end.min(alert.span.start.saturating_add(5)),
            ..alert.span
        });
        alert::lint(&mut scope, chain, alert, at);
        alert::columns(&mut scope, chain, alert);
    }
    let playbook = clauses.playbook.map(|text| playbook::lower(&mut scope, text));
    let tests = testing::lower(&mut scope, &clauses.tests, chain.as_ref());
    if clauses.tests.is_empty() {
        scope.report(
            Diagnostic::new(
                Code::NoTests,
                rule.name.span,
                format!("the rule `{}` has no tests", rule.name.node),
            )
            .label("never tried")
            .help("add a `test` that alerts and one that stays silent"),
        );
    }
    let Scope { params, used_lists, diags, .. } = scope;
    params.warn_unused(diags);
    if diags.errors_since(mark) {
        return None;
    }
    let used = used_lists.iter().map(|index| lists.get(*index).and_then(|listed| listed.list.clone()));
    Some(ir::Rule {
        name: rule.name.clone(),
        meta: meta?,
        params: params.lower(),
        lists: used.collect::<Option<_>>()?,
        chain: chain?,
        alert: alert?,
        playbook: match playbook {
            Some(playbook) => Some(playbook?),
            None => None,
        },
        tests: tests?,
        span: rule.span,
    })
}

/// The clauses of a rule that occur once, and its tests.
#[derive(Debug, Default)]
struct Clauses<'a> {
    chain: Option<&'a ast::Chain>,
    alert: Option<&'a ast::Alert>,
    playbook: Option<&'a ast::Text>,
    tests: Vec<&'a ast::Test>,
}

impl<'a> Clauses<'a> {
    fn of(rule: &'a Rule, diags: &mut Diagnostics) -> Self {
        let mut clauses = Self::default();
        for clause in &rule.clauses {
            let again = match clause {
                Clause::Chain(chain) => {
                    put(&mut clauses.chain, chain).map(|first| ("chain", chain.span, first.span))
                }
                Clause::Alert(alert) => {
                    put(&mut clauses.alert, alert).map(|first| ("alert", alert.span, first.span))
                }
                Clause::Playbook(text) => {
                    put(&mut clauses.playbook, text).map(|first| ("playbook", text.span, first.span))
                }
                Clause::Test(test) => {
                    clauses.tests.push(test);
                    None
                }
                Clause::Meta(_) | Clause::Param(_) => None,
            };
            if let Some((what, span, first)) = again {
                let head = |span: Span| Span { end: span.end.min(span.start.saturating_add(5)), ..span };
                diags.push(
                    Diagnostic::new(Code::RepeatedClause, head(span), format!("a second `{what}`"))
                        .label("again here")
                        .also(head(first), "first here")
                        .help("a rule has one; write a second rule"),
                );
            }
        }
        clauses
    }
}

/// Fills an empty slot; gives what a full one holds.
fn put<'a, T>(slot: &mut Option<&'a T>, value: &'a T) -> Option<&'a T> {
    let first = *slot;
    if first.is_none() {
        *slot = Some(value);
    }
    first
}

/// The chain of a clause.
fn chain_of(clause: &Clause) -> Option<&ast::Chain> {
    match clause {
        Clause::Chain(chain) => Some(chain),
        Clause::Meta(_) | Clause::Param(_) | Clause::Alert(_) | Clause::Playbook(_) | Clause::Test(_) => None,
    }
}

/// Every bare word on the right of a comparison: the lists that may be used are among them.
fn words<'a>(unit: &'a Unit<'_>) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    for step in unit.file.rules.iter().flat_map(names::steps_of) {
        for pred in std::iter::once(&step.filter).chain(&step.excepts) {
            words_of(pred, &mut found);
        }
    }
    found
}

fn words_of<'a>(pred: &'a Pred, found: &mut BTreeSet<&'a str>) {
    match &pred.kind {
        PredKind::Or(parts) | PredKind::And(parts) => parts.iter().for_each(|part| words_of(part, found)),
        PredKind::Not(inner) => words_of(inner, found),
        PredKind::Exists(_) | PredKind::Truth(_) | PredKind::Compare { value: Operand::Set(..), .. } => {}
        PredKind::Compare { value: Operand::One(literal), .. } => {
            if let LiteralKind::Word(word) = &literal.kind {
                found.insert(word);
            }
        }
    }
}

//! The checker: syntax tree to IR, with everything a senior reviewer would catch.
//!
//! In: a [`Unit`] and a [`Context`]. Out: the rules without errors.
//! Must not know: targets, engines, files.
//!
//! One folder, one concern a file, in three layers. Names: `params`, `lists`, `names` and `fields` make a table that
//! nothing changes afterwards. Lowering: `values`, `constants`, `comparison`, `predicates`, `sets`, `texts` and `regex`
//! type the conditions; `chain`, `links` and `windows` build the chain; `meta`, `alert`, `playbook` and `testing` the
//! rest. Lints: `lint` judges what is well formed. Findings, and what every name stands for, go to a sink. `identity`
//! looks across files.

mod absences;
mod alert;
mod allow;
mod alternatives;
mod chain;
mod columns;
mod comparison;
mod constants;
mod entries;
mod fields;
mod glob;
mod identity;
mod lacking;
mod links;
mod lint;
mod lists;
mod lookups;
mod meta;
mod names;
mod naming;
mod neighbours;
mod params;
mod playbook;
mod predicates;
mod raw;
mod regex;
mod repetition;
mod resolutions;
mod selection;
mod sets;
mod shape;
mod sink;
mod step;
mod testing;
mod texts;
mod together;
mod values;
mod windows;

use jiff::civil::Date;

use crate::catalog::Catalog;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::ir;
use crate::settings::Settings;
use crate::source::Span;
use crate::syntax::ast::{self, Clause, File, LiteralKind, Operand, Pred, PredKind, Rule, Understood};
use crate::unit::Unit;

use lists::Lists;
use lookups::Lookups;
use names::Names;
use params::Params;
use sink::Sink;

pub use allow::allows;
pub use identity::{Identities, clashing};
pub use regex::not_portable;
pub use resolutions::{Definition, DefinitionKind, Meaning, Resolutions, Use};

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

/// What the checker makes of a unit.
#[derive(Debug)]
pub struct Checked {
    /// The rules without errors.
    pub rules: Vec<ir::Rule>,
    /// What the names of the file stand for, also in rules with errors.
    pub resolutions: Resolutions,
}

/// Checks every rule of the unit's file. Rules with errors are left out; their problems are in `diags`.
///
/// A unit with broken text gives no rules, and nothing is said about what may stand in text that was not understood.
pub fn check(unit: &Unit<'_>, context: &Context<'_>, diags: &mut Diagnostics) -> Vec<ir::Rule> {
    analyse(unit, context, diags).rules
}

/// As [`check`], with what every name stands for: for editors, which ask about files with errors too.
pub fn analyse(unit: &Unit<'_>, context: &Context<'_>, diags: &mut Diagnostics) -> Checked {
    let files = || std::iter::once(unit.file).chain(unit.imported.iter().copied());
    let mut sink = Sink::default();
    let rules = check_all(unit, context, &mut sink);
    let Sink { diags: found, mut resolutions, .. } = sink;
    resolutions.sort();
    // Imported files count as well: a list of theirs that was not understood would be missing from the rule.
    if files().all(|file| file.understood == Understood::Whole) {
        diags.extend(found);
        return Checked { rules, resolutions };
    }
    if files().all(|file| file.understood != Understood::Partly) {
        diags.extend(found);
    } else {
        // What seems to be missing may stand in the text that was not understood: a parameter is not unused because the
        // step that uses it is broken.
        let certain = found.into_sorted().into_iter().filter(|found| !found.code.is_absence());
        certain.for_each(|diagnostic| diags.push(diagnostic));
    }
    Checked { rules: Vec::new(), resolutions }
}

fn check_all(unit: &Unit<'_>, context: &Context<'_>, sink: &mut Sink) -> Vec<ir::Rule> {
    let File { id, rules: written, lists: own, lookups: own_lookups, imports, .. } = unit.file;
    for path in imports {
        sink.resolve(path.span, Meaning::File(path.node.clone()));
    }
    // Before any name is resolved: imported lists are read by need, and what a rule needs is known from its words
    // alone.
    let wanted = written.iter().flat_map(words).collect();
    let lists = Lists::read(unit, &wanted, context, sink);
    let wanted = written.iter().flat_map(prefixes).collect();
    let lookups = Lookups::read(unit, &wanted, &lists, context, sink);
    let tables = (&lists, &lookups);
    let rules = written.iter().filter_map(|rule| lower(unit, rule, tables, context, sink)).collect();
    // A file of lists and lookups alone is there to be imported.
    if !written.is_empty() {
        lists.warn_unused(sink);
        lookups.warn_unused(sink);
    } else if own.is_empty() && own_lookups.is_empty() && imports.is_empty() {
        let found = Diagnostic::new(Code::EmptyFile, Span::new(*id, 0, 0), "the file contains no rule");
        sink.report(found.label("nothing to compile or import").help("add a rule: `rule NAME { … }`"));
    }
    rules
}

fn lower(
    unit: &Unit<'_>,
    rule: &Rule,
    (lists, lookups): (&Lists<'_>, &Lookups<'_>),
    context: &Context<'_>,
    sink: &mut Sink,
) -> Option<ir::Rule> {
    let mark = sink.diags.len();
    sink.folded.clear();
    naming::length(&rule.name, &mut sink.diags);
    sink.define(DefinitionKind::Rule, &rule.name, rule.span);
    let clauses = Clauses::of(rule, &mut sink.diags);
    let mut meta = meta::lower(rule, sink);
    // The environment knows where a rule runs; its author knew only where it can.
    if let (Some(meta), Some(here)) = (&mut meta, context.settings.targets_of(&rule.name.node)) {
        meta.targets = Some(here);
    }
    let names = Names {
        context,
        unit,
        params: Params::read(rule, context.settings, sink),
        steps: names::steps(rule, context.catalog, sink),
        lists,
        lookups,
        used_lists: lists.used_by(words(rule)),
    };
    // Does not wait for the lowering: a rule whose chain is broken lacks its tests all the same.
    lint::written(sink, rule, &clauses);
    let chain = clauses.chain.and_then(|chain| lower_chain(&names, sink, chain));
    let alert = alert::lower(&names, sink, clauses.alert);
    if let (Some(chain), Some(alert)) = (&chain, &alert) {
        let at = clauses.alert.map_or(rule.name.span, |alert| keyword(alert.span, 5));
        lint::alert(&names, sink, chain, alert, at);
        alert::columns(&names, sink, chain, alert);
    }
    let playbook = clauses.playbook.map(|text| playbook::lower(&names, sink, text));
    if let (Some(chain), Some(alert)) = (&chain, &alert) {
        lint::renames::lint(&names, sink, chain, alert, playbook.as_ref().and_then(Option::as_ref));
    }
    let tests = testing::lower(&names, sink, &clauses.tests, chain.as_ref());
    tests.iter().flatten().for_each(|test| lint::test(&names, sink, chain.as_ref(), test));
    names.params.warn_unused(sink);
    // Errors of lints count too: a step that can never match is well formed and still no rule to deploy.
    if sink.diags.errors_since(mark) {
        return None;
    }
    // In the order of `used_lists`, for the tests `in LIST` of the chain hold indices into it.
    let used = names.used_lists.iter().map(|index| lists.get(*index).and_then(|listed| listed.list.clone()));
    let folded = std::mem::take(&mut sink.folded).into_iter().map(Some);
    Some(ir::Rule {
        name: rule.name.clone(),
        meta: meta?,
        params: names.params.lower(&sink.resolutions),
        lists: used.chain(folded).collect::<Option<_>>()?,
        chain: chain?,
        alert: alert?,
        playbook: match playbook {
            Some(playbook) => Some(playbook?),
            None => None,
        },
        tests: tests.into_iter().collect::<Option<_>>()?,
        span: rule.span,
    })
}

fn lower_chain(names: &Names<'_>, sink: &mut Sink, written: &ast::Chain) -> Option<ir::Chain> {
    let parts = chain::lower(names, sink, written);
    lint::parts(names, sink, &parts);
    let chain = parts.whole(written.span)?;
    lint::chain(names, sink, written, &chain);
    Some(chain)
}

/// The keyword that a clause begins with.
fn keyword(span: Span, length: u32) -> Span {
    Span { end: span.start.saturating_add(length).min(span.end), ..span }
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
                Clause::Meta(_) | Clause::Allow(_) | Clause::Param(_) => None,
            };
            if let Some((what, span, first)) = again {
                diags.push(
                    Diagnostic::new(Code::RepeatedClause, keyword(span, 5), format!("a second `{what}`"))
                        .label("again here")
                        .also(keyword(first, 5), "first here")
                        .help("a rule has only one; write a second rule"),
                );
            }
        }
        if clauses.chain.is_none() {
            let name = &rule.name;
            diags.push(
                Diagnostic::new(Code::NoChain, name.span, format!("the rule `{}` has no chain", name.node))
                    .label("detects nothing")
                    .help("add `chain within TOTAL { step … then … step … }`"),
            );
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
        Clause::Meta(_)
        | Clause::Allow(_)
        | Clause::Param(_)
        | Clause::Alert(_)
        | Clause::Playbook(_)
        | Clause::Test(_) => None,
    }
}

/// Every bare word on the right of a comparison, in order: the allowlists that the rule may use are among them.
fn words(rule: &Rule) -> Vec<&str> {
    let mut found = Vec::new();
    conditions(rule).for_each(|pred| words_of(pred, &mut found));
    found
}

/// What stands before the first dot of a field that a condition tests: the lookups that the rule may use are among
/// them.
fn prefixes(rule: &Rule) -> Vec<&str> {
    let mut found = Vec::new();
    conditions(rule).for_each(|pred| prefixes_of(pred, &mut found));
    found
}

/// The conditions of a rule.
fn conditions(rule: &Rule) -> impl Iterator<Item = &Pred> {
    let mut selections = Vec::new();
    for item in rule.clauses.iter().filter_map(chain_of).flat_map(|chain| &chain.items) {
        if let ast::ChainItem::Then(then) = item {
            selections.extend(then.unless.iter().map(|unless| &unless.selection));
        }
        for step in item.steps() {
            selections.extend(step.selections());
            for clause in &step.clauses {
                if let ast::StepClause::Unless(unless) = clause {
                    selections.push(&unless.selection);
                }
            }
        }
    }
    selections.into_iter().flat_map(|selection| std::iter::once(&selection.filter).chain(&selection.excepts))
}

fn prefixes_of<'a>(pred: &'a Pred, found: &mut Vec<&'a str>) {
    match &pred.kind {
        PredKind::Or(parts) | PredKind::And(parts) => parts.iter().for_each(|part| prefixes_of(part, found)),
        PredKind::Not(inner) => prefixes_of(inner, found),
        PredKind::Exists(name)
        | PredKind::Truth(name)
        | PredKind::Compare { field: name, .. }
        | PredKind::Many { field: name, .. } => {
            found.extend(name.node.split_once('.').map(|(first, _)| first));
        }
    }
}

fn words_of<'a>(pred: &'a Pred, found: &mut Vec<&'a str>) {
    match &pred.kind {
        PredKind::Or(parts) | PredKind::And(parts) => parts.iter().for_each(|part| words_of(part, found)),
        PredKind::Not(inner) => words_of(inner, found),
        // Words in parentheses are parameters; a list stands alone.
        PredKind::Exists(_)
        | PredKind::Truth(_)
        | PredKind::Compare { value: Operand::Set(..), .. }
        | PredKind::Many { value: Operand::Set(..), .. } => {}
        PredKind::Compare { value: Operand::One(literal), .. }
        | PredKind::Many { value: Operand::One(literal), .. } => {
            if let LiteralKind::Word(word) = &literal.kind {
                found.push(word);
            }
        }
    }
}

//! The way of a rule through a target: gate, lowering, fidelity.
//!
//! In: a job, a target. Out: an [`Emission`], or diagnostics that say what cannot be expressed.
//! Must not know: any particular target, how a rule is lowered.

use super::caps::{Feature, Support};
use super::features;
use super::{Effect, Emission, Job, Part, Report, Target, shape, wording};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::Span;

/// Compiles a rule for a target: gate, plan and print, fidelity. Findings go to `diags`; `None` if one is an error.
pub fn compile(job: &Job<'_>, target: &dyn Target, diags: &mut Diagnostics) -> Option<Emission> {
    compile_for(target, job, &features::of(job.rule, job.catalog), diags)
}

/// Compiles a rule for several targets, as [`compile`] does for each.
pub fn compile_all(job: &Job<'_>, targets: &[&dyn Target], diags: &mut Diagnostics) -> Vec<Emission> {
    // Whatever the target they are the same, and finding them walks every entry of the rule's lists.
    let features = features::of(job.rule, job.catalog);
    targets.iter().filter_map(|target| compile_for(*target, job, &features, diags)).collect()
}

fn compile_for(
    target: &dyn Target,
    job: &Job<'_>,
    features: &[(Feature, Span)],
    diags: &mut Diagnostics,
) -> Option<Emission> {
    let mut report = Report::default();
    gate(features, target, &mut report);
    // What the gate refuses is not lowered: the plan would report the same clause again, in words of its own.
    let parts = if report.errors.is_empty() { lower(job, target, &mut report) } else { Vec::new() };
    let fidelity = report.fidelity();
    // A query that is not written for other reasons is not reported as one that could miss events.
    let refused = !report.errors.is_empty() || refuse_subset(job, target, &report, diags);
    for error in std::mem::take(&mut report.errors) {
        diags.push(error);
    }
    if refused {
        return None;
    }
    warn(target, &report, diags);
    for warning in std::mem::take(&mut report.warnings) {
        diags.push(warning);
    }
    let Report { notes, requires, lists, .. } = report;
    let rule = job.rule.name.node.clone();
    Some(Emission {
        rule,
        target: target.name(),
        fidelity,
        level: target.level(job.rule),
        notes,
        requires,
        lists,
        parts,
    })
}

/// Lowers a rule, as the columns of the target have to be asked.
fn lower(job: &Job<'_>, target: &dyn Target, report: &mut Report) -> Vec<Part> {
    match wording::asked(job, target.name(), report) {
        Some(rule) => target.emit(&Job { rule: &rule, ..*job }, report),
        None => target.emit(job, report),
    }
}

/// Steps in any order whose events could be the same one, in a language that finds each row by its last step: why that
/// is refused.
pub(super) fn refuse_shared(
    language: &str,
    why: &'static str,
    job: &Job<'_>,
    report: &mut Report,
) -> Option<()> {
    let chain = &job.rule.chain;
    let Some(together) = chain.together.as_ref().filter(|_| shape::together_shares(chain, job.catalog))
    else {
        return Some(());
    };
    let title = format!("{language} cannot express steps in any order that one event could match twice");
    report.error(
        Diagnostic::new(Code::NotExpressible, together.span, title).label(why).help(
            "let the conditions of the steps exclude each other, or write a chain of `step` and `then`",
        ),
    );
    None
}

/// A rule whose last log cannot be read in two stages, as has been asked for: why.
pub(super) fn refuse_staged(language: &str, span: Span, why: &'static str, report: &mut Report) {
    let title = format!("{language} cannot read the last log of this rule in two stages");
    let help = "leave this rule out of `--staged` and of `staged` in the environment file";
    report.error(Diagnostic::new(Code::NotExpressible, span, title).label(why).help(help));
}

/// Asks the target about every feature of the rule, before anything is lowered.
fn gate(features: &[(Feature, Span)], target: &dyn Target, report: &mut Report) {
    for &(feature, span) in features {
        match target.support(feature) {
            Support::Native | Support::Emulated(_) => {}
            Support::Widened(reason) => report.note(Effect::Superset, span, reason),
            Support::Narrowed(reason) => report.note(Effect::Subset, span, reason),
            Support::Conditional(reason) => report.note(Effect::Conditional, span, reason),
            Support::Engine(reason) => report.note(Effect::Engine, span, reason),
            Support::No { reason, help } => {
                let title = format!("{} cannot express {}", target.title(), feature.title());
                report.error(Diagnostic::new(Code::NotExpressible, span, title).label(reason).help(help));
            }
        }
    }
}

fn refuse_subset(job: &Job<'_>, target: &dyn Target, report: &Report, diags: &mut Diagnostics) -> bool {
    let narrowing = || report.notes.iter().filter(|note| note.effect == Effect::Subset);
    if job.options.allow_subset {
        return false;
    }
    for note in narrowing() {
        let title = format!("the {} query could miss events", target.title());
        diags.push(
            Diagnostic::new(Code::Subset, note.span, title)
                .label(note.message.clone())
                .help("change the clause, or accept it with `--allow-subset`"),
        );
    }
    narrowing().next().is_some()
}

fn warn(target: &dyn Target, report: &Report, diags: &mut Diagnostics) {
    for note in &report.notes {
        let (code, what) = match note.effect {
            Effect::Superset => (Code::Superset, "may match more than the rule"),
            Effect::Conditional => (Code::Conditional, "may miss events in some engines"),
            // A subset that gets here was accepted by `--allow-subset`; the other two do not change the fidelity.
            Effect::Subset | Effect::Engine | Effect::Shown => continue,
        };
        let title = format!("the {} query {what}", target.title());
        diags.push(Diagnostic::new(code, note.span, title).label(note.message.clone()));
    }
}

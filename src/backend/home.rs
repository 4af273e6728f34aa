//! The home of a source: where a target finds its records, and whether what is stated there can stand in a query.
//!
//! In: a step, what its target reads of a home and says of its texts. Out: the home, or diagnostics at the step.
//! Must not know: any one target, fields and their columns.

use crate::backend::{Job, Reads, Report, Target, columns};
use crate::catalog::{Fault, Home, Misfit};
use crate::diag::{Code, Diagnostic};
use crate::ir::Step;

/// Where the step's source lives in the target. An error if the target does not have it, misses something there or
/// cannot use what is stated; what the source requires goes to the report.
pub(super) fn of<'a>(
    job: &Job<'a>,
    target: &dyn Target,
    step: &Step,
    report: &mut Report,
) -> Option<&'a Home> {
    let Some(home) = columns::source(job, step).and_then(|source| source.targets.get(target.name())) else {
        report.error(homeless(step, target));
        return None;
    };
    home.requires.iter().for_each(|what| report.require(what));
    let misfits = home.misfits(|home| {
        let mut found = unread(home, target.reads());
        found.extend(target.judge(home));
        found
    });
    for misfit in misfits {
        report.error(diagnostic(misfit, step, target));
    }
    misfits.is_empty().then_some(home)
}

/// An entry that a target cannot do without, if it is empty.
pub(super) fn missing(entry: &str, text: &str) -> Option<Misfit> {
    text.trim().is_empty().then(|| Misfit { entry: entry.to_owned(), fault: Fault::Missing })
}

/// An entry in the target's own language, if it cannot stand in a query.
pub(super) fn broken<T>(entry: &str, checked: Result<T, String>) -> Option<Misfit> {
    checked.err().map(|problem| Misfit { entry: entry.to_owned(), fault: Fault::Broken(problem) })
}

/// What a home states and a target does not read.
fn unread(home: &Home, reads: Reads) -> Vec<Misfit> {
    let stated = [
        ("from", !home.from.is_empty()),
        ("filter", home.filter.is_some()),
        ("time", !home.time.is_empty()),
        ("time_lag", home.time_lag > 0),
    ];
    let entries = stated.iter().filter(|(entry, stated)| *stated && !reads.entries.contains(entry));
    let entries = entries.map(|(entry, _)| (*entry).to_owned());
    let words = home.words.keys().filter(|word| !reads.words.contains(&word.as_str()));
    let words = words.map(|word| format!("words: {word}"));
    entries.chain(words).map(|entry| Misfit { entry, fault: Fault::Unread }).collect()
}

fn homeless(step: &Step, target: &dyn Target) -> Diagnostic {
    let title = format!("{} has no home for `{}`", target.title(), step.source.node);
    Diagnostic::new(Code::NotExpressible, step.source.span, title)
        .label("the source file gives none for this target")
        .help("add one to the source file, or compile for other targets")
}

fn diagnostic(misfit: &Misfit, step: &Step, target: &dyn Target) -> Diagnostic {
    let (entry, source, target) = (&misfit.entry, &step.source.node, target.title());
    let (title, label, help) = match &misfit.fault {
        Fault::Missing => (
            format!("`{source}` has no `{entry}` for {target}"),
            "the query would not know where to look",
            "give it in the source file or in `catena.yaml`",
        ),
        Fault::Unread => {
            (format!("the `{entry}` of `{source}` means nothing in {target}"), UNREAD.0, UNREAD.1)
        }
        Fault::Broken(problem) => (
            format!("the `{entry}` of `{source}` cannot stand in {target}"),
            problem.as_str(),
            "correct it in the source file or in `catena.yaml`",
        ),
    };
    Diagnostic::new(Code::NotExpressible, step.source.span, title).label(label).help(help)
}

/// What is said of something that a target does not read: label and help.
pub(super) const UNREAD: (&str, &str) = (
    "the query would be written without it",
    "take it out of the source file or of `catena.yaml`; what it says can be a test in the rule",
);

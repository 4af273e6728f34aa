//! Steps: alternatives, absences and repetition, in the order in which they act.
//!
//! In: a `step` clause. Out: [`ir::Step`].
//! Must not know: links, but for the fields by which they join the step.

use crate::diag::{Code, Diagnostic};
use crate::ir;
use crate::syntax::ast::{AtLeast, Step, StepClause};

use super::absences::{AbsenceParts, Around, FirstParts};
use super::names::Names;
use super::selection::{self, SelectionParts};
use super::sink::Sink;
use super::{absences, keyword, repetition};

/// A step; what is missing has been reported.
#[derive(Debug)]
pub(super) struct StepParts<'a> {
    pub(super) written: &'a Step,
    /// The first is the main one.
    pub(super) selections: Vec<SelectionParts<'a>>,
    pub(super) absences: Vec<AbsenceParts<'a>>,
    firsts: Vec<FirstParts>,
    /// What each `at least` is lowered to; a second one has been reported.
    repetitions: Vec<Option<ir::Repetition>>,
    order_is_right: bool,
}

/// Lowers step `index`; `linked` are the fields by which links join it.
pub(super) fn lower<'a>(
    names: &Names<'a>,
    sink: &mut Sink,
    index: usize,
    written: &'a Step,
    linked: Option<&[ir::GroupField]>,
) -> StepParts<'a> {
    selection::refuse_renames(sink, &written.main);
    let selections = written.selections().map(|one| selection::lower(names, sink, &written.name, one));
    let mut parts = StepParts {
        written,
        selections: selections.collect(),
        absences: Vec::new(),
        firsts: Vec::new(),
        repetitions: Vec::new(),
        order_is_right: in_order(sink, &written.clauses),
    };
    // A step beyond the table of names is one of a second chain, which has been reported.
    let Some(step) = names.steps.get(index).copied() else { return parts };
    for clause in &written.clauses {
        match clause {
            StepClause::Unless(unless) => {
                parts.absences.push(absences::unless(names, sink, Around::Step(step), unless));
            }
            StepClause::First(first) => {
                parts.firsts.push(absences::first_seen(names, sink, step, first));
            }
            StepClause::AtLeast(at_least) => {
                parts.repetitions.push(repetition::lower(names, sink, step, at_least, linked));
            }
        }
    }
    parts
}

impl StepParts<'_> {
    /// The step, if all of it is right.
    pub(super) fn whole(self) -> Option<ir::Step> {
        let Step { name, main: _, others: _, clauses: _, span } = self.written;
        let selections: Option<Vec<_>> = self.selections.into_iter().map(SelectionParts::whole).collect();
        let selections = selections?;
        let mut absences: Vec<_> =
            self.absences.into_iter().map(AbsenceParts::whole).collect::<Option<_>>()?;
        for first in self.firsts {
            absences.push(first.whole(&selections)?);
        }
        let repetitions: Vec<_> = self.repetitions.into_iter().collect::<Option<_>>()?;
        if !self.order_is_right {
            return None;
        }
        let mut selections = selections.into_iter();
        Some(ir::Step {
            name: name.clone(),
            main: selections.next()?,
            others: selections.collect(),
            absences,
            repetition: repetitions.into_iter().next(),
            span: *span,
        })
    }
}

/// `unless`, then `first`, then one `at least`: each clause sees what the ones before it left.
fn in_order(sink: &mut Sink, clauses: &[StepClause]) -> bool {
    let rank = |clause: &StepClause| match clause {
        StepClause::Unless(_) => 0,
        StepClause::First(_) => 1,
        StepClause::AtLeast(_) => 2,
    };
    let mut right = true;
    for pair in clauses.windows(2) {
        let [before, after] = pair else { continue };
        let (title, help) = match (before, after) {
            (StepClause::AtLeast(_), StepClause::AtLeast(_)) => {
                ("a second `at least` in one step", "a step counts once; write a further step")
            }
            _ if rank(before) > rank(after) => (
                "the clauses of a step are in the wrong order",
                "the order is `where`, `except`, `or from`, `unless`, `first`, `at least`: each clause sees what \
                 the ones before it left",
            ),
            _ => continue,
        };
        let at = after.span();
        let found = Diagnostic::new(Code::ClauseOrder, keyword(at, keyword_length(after)), title)
            .label("stands behind what it comes before")
            .also(keyword(before.span(), keyword_length(before)), "this clause")
            .help(help);
        sink.report(match (before, after) {
            (StepClause::AtLeast(AtLeast { span, .. }), StepClause::AtLeast(_)) => {
                found.label("again here").also(*span, "first here")
            }
            _ => found,
        });
        right = false;
    }
    right
}

fn keyword_length(clause: &StepClause) -> u32 {
    match clause {
        StepClause::Unless(_) => 6,
        StepClause::First(_) => 5,
        StepClause::AtLeast(_) => 8,
    }
}

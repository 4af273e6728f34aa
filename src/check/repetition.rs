//! Repetition: how often records must come.
//!
//! In: `at least N …`. Out: [`ir::Repetition`].
//! Must not know: conditions, absences.

use crate::diag::{Code, Diagnostic};
use crate::ir::{self, ParamValue};
use crate::syntax::ast::{AtLeast, LiteralKind, Name};

use super::names::{self, Names, StepRef};
use super::sink::Sink;
use super::{alternatives, constants, windows};

/// The most events or values: Splunk keeps no longer window of rows (`max_stream_window` in limits.conf).
const MOST: i64 = 10_000;

/// Lowers the clause; `linked` are the fields by which links join the step, for one without `by`.
pub(super) fn lower(
    names: &Names<'_>,
    sink: &mut Sink,
    step: StepRef<'_>,
    written: &AtLeast,
    linked: Option<&[ir::GroupField]>,
) -> Option<ir::Repetition> {
    let least = count(names, sink, written);
    let window = windows::window(names, sink, &written.window);
    let mut group = |name: &Name| {
        let field = alternatives::field(names, sink, step, name)?;
        let case = ir::Case::folding(names::folds(names, step, &field));
        Some(ir::GroupField { field, case })
    };
    let distinct = written.distinct.as_ref().map(&mut group);
    let by: Vec<_> = written.by.iter().map(group).collect();
    let by_is_explicit = !by.is_empty();
    let by = if by_is_explicit {
        by.into_iter().collect()
    } else {
        // A wrong link has been reported; then nobody knows what it would have joined.
        let linked = linked?;
        if linked.is_empty() {
            let found = Diagnostic::new(
                Code::NoGroup,
                written.span,
                "`at least` counts events that have nothing in common",
            )
            .label("the step has no link, and there is no `by`")
            .help("name what the events share: `at least N within D by FIELD`");
            sink.report(found);
            return None;
        }
        let single: Vec<_> = linked.iter().map(|by| names::is_single(names, sink, step, &by.field)).collect();
        (!single.contains(&false)).then(|| linked.to_vec())
    };
    let distinct = if let Some(distinct) = distinct { Some(distinct?) } else { None };
    Some(ir::Repetition {
        least: least?,
        distinct,
        window: window?,
        by: by?,
        by_is_explicit,
        span: written.span,
    })
}

/// The number: written, or a parameter.
fn count(names: &Names<'_>, sink: &mut Sink, written: &AtLeast) -> Option<u32> {
    let count = match &written.count.kind {
        LiteralKind::Int(number) => Some(*number),
        LiteralKind::Word(word) if names.params.has(word) => {
            match constants::parameter(names, sink, word, written.count.span)?.value.clone()? {
                ParamValue::Int(number) => Some(number),
                ParamValue::Duration(_)
                | ParamValue::Float(_)
                | ParamValue::String(_)
                | ParamValue::Bool(_) => None,
            }
        }
        LiteralKind::Unknown => return None,
        LiteralKind::Str(_)
        | LiteralKind::Float(_)
        | LiteralKind::Bool(_)
        | LiteralKind::Duration(_)
        | LiteralKind::Date(_)
        | LiteralKind::Word(_) => None,
    };
    if let Some(least) =
        count.filter(|count| (2..=MOST).contains(count)).and_then(|count| u32::try_from(count).ok())
    {
        return Some(least);
    }
    let help = if count == Some(1) {
        "one event is what a step asks for anyway: remove the clause".to_owned()
    } else {
        format!("write an integer from 2 to {MOST}, or a parameter that is one")
    };
    let title = "`at least` needs a number of events";
    let found = Diagnostic::new(Code::BadCount, written.count.span, title)
        .label(format!("not an integer from 2 to {MOST}"))
        .help(help);
    sink.report(found);
    None
}

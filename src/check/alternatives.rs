//! Fields that every alternative of a step must have: what links, counts, comparisons and absences read.
//!
//! In: a step, a field by its name in the rule. Out: the field, if all alternatives have it with one type.
//! Must not know: what reads the field.

use crate::diag::{Code, Diagnostic};
use crate::ir;
use crate::syntax::ast::Name;

use super::fields;
use super::names;
use super::names::{Names, StepRef};
use super::resolutions::Meaning;
use super::sink::Sink;
use super::values::words;

/// A field of all alternatives of a step.
pub(super) fn field(names: &Names<'_>, sink: &mut Sink, step: StepRef<'_>, name: &Name) -> Option<ir::Field> {
    let source = step.source?;
    let Some(first) = source.field(&name.node) else {
        let found = names
            .lookups
            .elsewhere(&name.node, name.span)
            .unwrap_or_else(|| fields::unknown(sink, name, source))
            .also(step.name.span, "the step");
        sink.report(found);
        return None;
    };
    sink.resolve(name.span, Meaning::Field { source: source.name.clone(), field: first.name.clone() });
    let field = ir::Field { name: first.name.clone(), ty: first.ty, span: name.span };
    everywhere(names, sink, step, &field).then_some(field)
}

/// Whether every alternative of a step has one value for a field that its first one has; reports the one that lacks it.
pub(super) fn everywhere(names: &Names<'_>, sink: &mut Sink, step: StepRef<'_>, field: &ir::Field) -> bool {
    names::is_single(names, sink, step, field) && all_have(names, sink, step, field)
}

/// Whether every alternative of a step has a field that its first one has, with one value or several; reports the one
/// that lacks it.
pub(super) fn all_have(names: &Names<'_>, sink: &mut Sink, step: StepRef<'_>, field: &ir::Field) -> bool {
    for (selection, found) in names.fields(step, &field.name).into_iter().skip(1) {
        // An unknown source has been reported.
        let Some(source) = names.source_of(selection) else { continue };
        let report = match found {
            None => {
                let title = format!("not every alternative of `{}` has `{}`", step.name.node, field.name);
                Diagnostic::new(Code::AlternativeField, field.span, title)
                    .label("read for every record of the step")
                    .also(selection.source.span, format!("`{}` lacks it", source.name))
                    .help(format!(
                        "name its counterpart: `or from {} as {{ {}: FIELD }}`",
                        source.name, field.name
                    ))
            }
            Some(other) if other.ty != field.ty => {
                let title = format!("`{}` has a different type in `{}`", field.name, source.name);
                Diagnostic::new(Code::AlternativeField, field.span, title)
                    .label(words(field.ty))
                    .also(selection.source.span, format!("here it is {}", words(other.ty)))
                    .help("an alternative must give the field with the same type")
            }
            Some(_) => continue,
        };
        sink.report(report);
        return false;
    }
    true
}

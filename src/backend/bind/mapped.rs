//! What a target makes of a source, or why a rule cannot read it there.
//!
//! In: the name of a source in a rule, the schemas. Out: its schema; an error otherwise. Must not know: fields, steps.

use crate::backend::schema::{Known, SourceSchema};
use crate::backend::target::Backend;
use crate::backend::{Job, Report};
use crate::diag::{Code, Diagnostic};
use crate::source::Spanned;

/// What the target makes of a source.
pub(super) fn mapped<'a, B: Backend>(
    job: &Job<'a>,
    source: &Spanned<String>,
    report: &mut Report,
) -> Option<&'a SourceSchema<B>> {
    match B::schema(job.schemas).source(&source.node, job.catalog) {
        Known::Sound(schema) => return Some(schema),
        Known::Unmapped if is_laid_out::<B>(job, &source.node) => {
            let title = format!("Amazon Security Lake has no table of `{}`", source.node);
            let help = format!(
                "state `from` and `stored` of a table of your own under `targets.{}.{}` in `catena.yaml`, or compile \
                 with `--layout athena`",
                B::NAME,
                source.node
            );
            report.error(
                Diagnostic::new(Code::NotExpressible, source.span, title)
                    .label("not among the logs that it collects by itself")
                    .help(help),
            );
        }
        Known::Unmapped => {
            let title = format!("{} has no mapping for `{}`", B::TITLE, source.node);
            report.error(
                Diagnostic::new(Code::NotExpressible, source.span, title)
                    .label("the source file gives none for this target")
                    .help("add one to the source file, or compile for other targets"),
            );
        }
        Known::Broken => {
            let title = format!("the mapping of `{}` for {} is invalid", source.node, B::TITLE);
            report.error(
                Diagnostic::new(Code::SettingsInvalid, source.span, title)
                    .label("nothing can be compiled with it")
                    .help("correct it in the source file or in `catena.yaml`"),
            );
        }
    }
    None
}

/// Whether a layout was chosen that has no table for a source.
fn is_laid_out<B: Backend>(job: &Job<'_>, source: &str) -> bool {
    let mapping = job.catalog.source(source).and_then(|source| source.targets.get(B::NAME));
    mapping.is_some_and(|mapping| mapping.not_held)
}

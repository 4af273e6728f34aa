//! Selections: what a step, an alternative or an absence matches.
//!
//! In: `from SOURCE as { … } where … except …`. Out: [`ir::Selection`].
//! Must not know: what the records are for.

use std::collections::BTreeMap;

use crate::diag::{Code, Diagnostic};
use crate::ir;
use crate::source::Span;
use crate::syntax::ast::{Name, Rename, Selection};

use super::names::{Names, Subject};
use super::resolutions::Meaning;
use super::sink::Sink;
use super::{fields, predicates};

/// A selection; what is missing has been reported.
#[derive(Debug)]
pub(super) struct SelectionParts<'a> {
    pub(super) written: &'a Selection,
    pub(super) subject: Subject<'a>,
    pub(super) filter: Option<ir::Pred>,
    pub(super) excepts: Vec<Option<ir::Pred>>,
    renames: Option<Vec<ir::Rename>>,
}

/// Lowers what `owner` matches.
pub(super) fn lower<'a>(
    names: &Names<'a>,
    sink: &mut Sink,
    owner: &'a Name,
    written: &'a Selection,
) -> SelectionParts<'a> {
    let subject = Subject { name: owner, source: names.source_of(written) };
    let filter = predicates::lower(names, sink, subject, &written.filter);
    let excepts = written.excepts.iter().map(|except| predicates::lower(names, sink, subject, except));
    let excepts = excepts.collect();
    SelectionParts { written, subject, filter, excepts, renames: renames(sink, subject, &written.renames) }
}

/// Refuses a renaming where no other alternative needs one.
pub(super) fn refuse_renames(sink: &mut Sink, selection: &Selection) {
    if let (Some(first), Some(last)) = (selection.renames.first(), selection.renames.last()) {
        let found = Diagnostic::new(
            Code::Renaming,
            first.name.span.to(last.of.span),
            "only further alternatives rename fields",
        )
        .label("these names are those of the rule already")
        .help("remove `as { … }`; `or from SOURCE as { FIELD: FIELD_OF_THIS_SOURCE }` renames");
        sink.report(found);
    }
}

fn renames(sink: &mut Sink, subject: Subject<'_>, written: &[Rename]) -> Option<Vec<ir::Rename>> {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    let mut renames = Vec::with_capacity(written.len());
    for Rename { name, of } in written {
        if let Some(first) = seen.insert(&name.node, name.span) {
            let title = format!("`{}` is renamed twice", name.node);
            let found = Diagnostic::new(Code::Renaming, name.span, title).label("again here");
            sink.report(found.also(first, "first here").help("keep one of them"));
            continue;
        }
        let Some(source) = subject.source else { continue };
        let Some(field) = source.field(&of.node) else {
            let found = fields::unknown(sink, of, source);
            sink.report(found);
            continue;
        };
        sink.resolve(of.span, Meaning::Field { source: source.name.clone(), field: field.name.clone() });
        renames.push(ir::Rename { name: name.node.clone(), of: of.node.clone() });
    }
    (renames.len() == written.len()).then_some(renames)
}

impl SelectionParts<'_> {
    /// The selection, if all of it is right.
    pub(super) fn whole(self) -> Option<ir::Selection> {
        Some(ir::Selection {
            source: self.written.source.clone(),
            renames: self.renames?,
            filter: self.filter?,
            excepts: self.excepts.into_iter().collect::<Option<_>>()?,
            span: self.written.span,
        })
    }
}

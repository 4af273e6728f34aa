//! Absences: what must not be there for a record, or a pair of neighbours, to count.
//!
//! In: `unless …` and `first …`. Out: [`ir::Absence`]s.
//! Must not know: how the step itself is lowered.

use crate::catalog::FieldDef;
use crate::diag::{Code, Diagnostic, Fix};
use crate::ir::{self, Case, Neighbour, When};
use crate::source::Span;
use crate::syntax::ast::{First, Link, LinkSide, Name, Side, Unless, UnlessWindow};

use super::names::{Names, StepRef, Subject};
use super::selection::{self, SelectionParts};
use super::sink::Sink;
use super::values::words;
use super::{alternatives, fields, names, windows};

/// An absence; what is missing has been reported.
#[derive(Debug)]
pub(super) struct AbsenceParts<'a> {
    pub(super) name: &'a Name,
    pub(super) selection: SelectionParts<'a>,
    pub(super) when: Option<When>,
    pub(super) keys: Option<Vec<ir::AbsenceKey>>,
    span: Span,
}

/// Whose neighbourhood an absence is about.
#[derive(Debug, Clone, Copy)]
pub(super) enum Around<'a> {
    /// A record of a step.
    Step(StepRef<'a>),
    /// The records of two neighbours.
    Link(StepRef<'a>, StepRef<'a>),
}

impl<'a> Around<'a> {
    /// The step whose fields stand alone: of two neighbours the later.
    fn own(self) -> StepRef<'a> {
        match self {
            Self::Step(step) | Self::Link(_, step) => step,
        }
    }

    /// The step of a side; a step alone is both.
    fn step(self, of: Neighbour) -> StepRef<'a> {
        match (self, of) {
            (Self::Step(step) | Self::Link(step, _), Neighbour::Earlier)
            | (Self::Step(step) | Self::Link(_, step), Neighbour::Later) => step,
        }
    }

    /// The step of a name.
    fn named(self, name: &str) -> Option<(Neighbour, StepRef<'a>)> {
        match self {
            Self::Step(step) | Self::Link(_, step) if step.name.node == name => {
                Some((Neighbour::Later, step))
            }
            Self::Link(step, _) if step.name.node == name => Some((Neighbour::Earlier, step)),
            Self::Step(_) | Self::Link(..) => None,
        }
    }
}

/// Lowers an `unless`.
pub(super) fn unless<'a>(
    names: &Names<'a>,
    sink: &mut Sink,
    around: Around<'a>,
    written: &'a Unless,
) -> AbsenceParts<'a> {
    let Unless { name, selection, within, links, span } = written;
    selection::refuse_renames(sink, selection);
    names::source(&selection.source, names.context.catalog, sink);
    let selection = selection::lower(names, sink, name, selection);
    let when = when(names, sink, around, within.as_ref(), *span);
    let subject = selection.subject;
    let keys: Vec<_> = links.iter().map(|link| key(names, sink, around, subject, link)).collect();
    AbsenceParts { name, selection, when, keys: keys.into_iter().collect(), span: *span }
}

impl AbsenceParts<'_> {
    /// The absence, if all of it is right.
    pub(super) fn whole(self) -> Option<ir::Absence> {
        Some(ir::Absence {
            name: Some(self.name.clone()),
            selections: vec![self.selection.whole()?],
            when: self.when?,
            keys: self.keys?,
            span: self.span,
        })
    }
}

fn when(
    names: &Names<'_>,
    sink: &mut Sink,
    around: Around<'_>,
    within: Option<&UnlessWindow>,
    clause: Span,
) -> Option<When> {
    let keyword = Span { end: clause.start.saturating_add(6).min(clause.end), ..clause };
    match (around, within) {
        (Around::Link(..), None) => Some(When::Between),
        (Around::Link(..), Some(UnlessWindow { window, .. })) => {
            let found = Diagnostic::new(
                Code::AbsenceWindow,
                window.span,
                "an absence between two steps has no window of its own",
            )
            .label("the two steps bound it")
            .help("remove it, or move the clause to a step: `unless … within D before on FIELD`");
            sink.report(found);
            None
        }
        (Around::Step(_), None) => {
            let found = Diagnostic::new(Code::AbsenceWindow, keyword, "this absence has no window")
                .label("how long before or after the step?")
                .help("write `within D before on FIELD` or `within D after on FIELD`");
            sink.report(found);
            None
        }
        (Around::Step(_), Some(UnlessWindow { window, side })) => {
            let length = windows::absence(names, sink, window);
            let Some(side) = side else {
                let found = Diagnostic::new(Code::AbsenceWindow, window.span, "before the step or after it?")
                    .label("one side of the step is meant")
                    .help("write `before` or `after` behind the window");
                sink.report(found);
                return None;
            };
            Some(match side.node {
                Side::Before => When::Before(length?),
                Side::After => When::After(length?),
            })
        }
    }
}

/// A field of the step, and the field of what must not be there that equals it.
fn key(
    names: &Names<'_>,
    sink: &mut Sink,
    around: Around<'_>,
    subject: Subject<'_>,
    link: &Link,
) -> Option<ir::AbsenceKey> {
    if let Some(at) = std::iter::once(&link.left).chain(&link.right).find_map(|side| side.any) {
        let found = Diagnostic::new(Code::NotYet, at, "`any` in an absence is reserved for a later version")
            .label("not part of the language yet")
            .help("join what must not be there by fields that have one value");
        sink.report(found);
        return None;
    }
    let (of, left, right) = match &link.right {
        None => {
            let left = alternatives::field(names, sink, around.own(), &link.left.name)?;
            (Neighbour::Later, left, own_field(names, sink, subject, &link.left.name)?)
        }
        Some(right) => pair(names, sink, around, subject, link, right)?,
    };
    if left.ty != right.ty {
        let found = Diagnostic::new(Code::LinkTypes, link.span, "the two sides have different types")
            .label(format!("{} on the left, {} on the right", words(left.ty), words(right.ty)))
            .help("both sides must have the same type");
        sink.report(found);
        return None;
    }
    let own = subject.source.and_then(|source| source.field(&right.name));
    let folds = own.is_some_and(FieldDef::ignores_case) || names::folds(names, around.step(of), &left);
    let case = Case::folding(link.ignore_case || folds);
    Some(ir::AbsenceKey { of, left, right, case })
}

/// `on STEP.FIELD == ABSENCE.FIELD`.
fn pair(
    names: &Names<'_>,
    sink: &mut Sink,
    around: Around<'_>,
    subject: Subject<'_>,
    link: &Link,
    right: &LinkSide,
) -> Option<(Neighbour, ir::Field, ir::Field)> {
    let cut = |side: &LinkSide| {
        let (first, rest) = side.name.node.split_once('.')?;
        let start = side.name.span.start.saturating_add(u32::try_from(first.len() + 1).unwrap_or(0));
        Some((first.to_owned(), Name { node: rest.to_owned(), span: Span { start, ..side.name.span } }))
    };
    let (Some((left_name, left_field)), Some((right_name, right_field))) = (cut(&link.left), cut(right))
    else {
        sink.report(not_a_pair(around, subject, link.span));
        return None;
    };
    if left_name == subject.name.node && around.named(&right_name).is_some() {
        let (left, right) = (&link.left.name, &right.name);
        let replacement = format!("{} == {}", right.node, left.node);
        let mut found =
            Diagnostic::new(Code::LinkSteps, link.span, "the sides of this link are in the wrong order")
                .label("what must not be there is on the left")
                .help(format!("write `{replacement}`"));
        found.fix = Some(Fix { span: link.span, replacement });
        sink.report(found);
        return None;
    }
    let Some((of, step)) = around.named(&left_name).filter(|_| right_name == subject.name.node) else {
        sink.report(not_a_pair(around, subject, link.span));
        return None;
    };
    let left = alternatives::field(names, sink, step, &left_field);
    let right = own_field(names, sink, subject, &right_field);
    Some((of, left?, right?))
}

fn not_a_pair(around: Around<'_>, subject: Subject<'_>, span: Span) -> Diagnostic {
    let (step, absence) = (&around.own().name.node, &subject.name.node);
    let title = format!("this link joins `{step}` and `{absence}`");
    Diagnostic::new(Code::LinkSteps, span, title)
        .label("expected a field of each")
        .help(format!("write `on FIELD`, or `on {step}.FIELD == {absence}.FIELD`"))
}

fn own_field(names: &Names<'_>, sink: &mut Sink, subject: Subject<'_>, name: &Name) -> Option<ir::Field> {
    let source = subject.source?;
    if source.field(&name.node).is_some() {
        let def = names::of_any_number(names, sink, subject, name)?;
        if def.many {
            sink.report(names::several(&name.node, name.span));
            return None;
        }
        return Some(ir::Field { name: def.name.clone(), ty: def.ty, span: name.span });
    }
    let found = names
        .lookups
        .elsewhere(&name.node, name.span)
        .unwrap_or_else(|| fields::unknown(sink, name, source))
        .also(subject.name.span, "what must not be there");
    sink.report(found);
    None
}

/// A `first`, which asks for the records of its own step; what is missing has been reported.
#[derive(Debug)]
pub(super) struct FirstParts {
    window: Option<ir::Window>,
    keys: Option<Vec<ir::AbsenceKey>>,
    span: Span,
}

/// Lowers a `first`: none of the step's own records before it.
pub(super) fn first_seen(
    names: &Names<'_>,
    sink: &mut Sink,
    step: StepRef<'_>,
    written: &First,
) -> FirstParts {
    let window = windows::absence(names, sink, &written.window);
    let fields: Vec<_> = written.by.iter().map(|name| alternatives::field(names, sink, step, name)).collect();
    let key = |field: ir::Field| ir::AbsenceKey {
        of: Neighbour::Later,
        left: field.clone(),
        case: Case::folding(names::folds(names, step, &field)),
        right: field,
    };
    let keys = fields.into_iter().map(|field| field.map(key)).collect();
    FirstParts { window, keys, span: written.span }
}

impl FirstParts {
    /// The absence, if all of it is right; `selections` are those of the step.
    pub(super) fn whole(self, selections: &[ir::Selection]) -> Option<ir::Absence> {
        Some(ir::Absence {
            name: None,
            selections: selections.to_vec(),
            when: When::Before(self.window?),
            keys: self.keys?,
            span: self.span,
        })
    }
}

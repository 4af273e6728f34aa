//! The log source of a step.
//!
//! In: what another rule says of its events. Out: a source, by fixed rules, so that the same text always gives the same
//! draft. Must not know: notations.

use crate::catalog::{Catalog, Source};
use crate::diag::Code;
use crate::source::Span;

use super::field;
use super::report::{Loss, Report};

/// The source that the user names.
pub(super) fn given<'c>(
    catalog: &'c Catalog,
    name: &str,
    span: Span,
    report: &mut Report<'_>,
) -> Option<&'c Source> {
    let found = catalog.source(name);
    if found.is_none() {
        let why = format!("there is no source `{}`", crate::source::visible(name));
        none(span, why, report);
    }
    found
}

/// Says that there is no source.
pub(super) fn none(span: Span, why: String, report: &mut Report<'_>) {
    let help = "name one with `--source-of`; `catena sources` lists them";
    report.error(Code::NoSource, "no log source for a step", &Loss::new(span, why, help));
}

/// One of several sources that fit: the one that knows most of the fields, else the first by name.
pub(super) fn among<'c>(
    mut fitting: Vec<&'c Source>,
    (target, names): (&str, &[String]),
    span: Span,
    report: &mut Report<'_>,
) -> Option<&'c Source> {
    if let [only] = fitting.as_slice() {
        return Some(only);
    }
    fitting.sort_by(|one, other| one.name.cmp(&other.name));
    let known = |source: &Source| field::known(source, target, names);
    let most = fitting.iter().map(|source| known(source)).max()?;
    let best: Vec<&Source> = fitting.iter().copied().filter(|source| known(source) == most).collect();
    let chosen = *best.first()?;
    if best.len() == 1 && most == names.len() && most > 0 {
        return Some(chosen);
    }
    let others: Vec<String> = fitting
        .iter()
        .filter(|source| source.name != chosen.name)
        .map(|source| format!("`{}`", source.name))
        .collect();
    let why = if best.len() > 1 {
        format!("`{}` is the first that fits; {} fit as well", chosen.name, others.join(", "))
    } else {
        format!("`{}` knows most of the fields; {} fit as well", chosen.name, others.join(", "))
    };
    report.chosen(&Loss::new(span, why, "name the one that is meant with `--source-of`"));
    Some(chosen)
}

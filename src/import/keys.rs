//! Keys that join steps.
//!
//! In: names that another language has for them. Out: links of the rule language. Must not know: notations.

use crate::source::Span;

use super::draft::link;
use super::field::{Held, Into};
use super::made::{joining, shared};
use super::report::{Loss, Report};

/// A key of one of two steps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Side<'a> {
    /// The step.
    pub(super) step: &'a str,
    pub(super) into: Into<'a>,
    /// The key, as the other language calls it.
    pub(super) key: &'a str,
    pub(super) span: Span,
}

/// Stands where nothing joins two steps: `check` asks for a field in its place.
pub(super) const NO_KEY: &str = "a_field_of_both_steps";

/// The link that a key makes of two steps; what makes none is reported.
pub(super) fn join(before: Side<'_>, after: Side<'_>, report: &mut Report<'_>) -> Option<String> {
    let hint = shared(after.into, after.key, None).ok().map(|field| field.name.clone());
    let left = joining(before.into, before.key, hint.as_deref());
    let hint = left.as_ref().ok().map(|held| held.field.name.clone());
    let right = joining(after.into, after.key, hint.as_deref());
    let (left, right) = match (left, right) {
        (Ok(left), Ok(right)) => (left, right),
        (Err(why), _) => return lost(&why, before, report),
        (_, Err(why)) => return lost(&why, after, report),
    };
    shares(left, before, report);
    shares(right, after, report);
    let (left, right) = (left.field, right.field);
    if left.ty != right.ty {
        let why = format!("`{}` and `{}` have different types", left.name, right.name);
        return lost(&why, after, report);
    }
    Some(link((before.step, &left.name, left.many), (after.step, &right.name, right.many)))
}

/// Says where a key of the other language is not quite the field.
fn shares(held: Held<'_>, side: Side<'_>, report: &mut Report<'_>) {
    let Some(column) = held.column else { return };
    let name = &held.field.name;
    let why = if column.multi {
        format!("any value of `{}` joins, and `{name}` is one of them", side.key)
    } else if let Some(why) = column.superset.as_ref().or(column.subset.as_ref()) {
        format!("`{}` is not quite `{name}`: {why}", side.key)
    } else {
        return;
    };
    report.inexact(&Loss::new(side.span, why, "see that this field is meant"));
}

fn lost(why: &str, side: Side<'_>, report: &mut Report<'_>) -> Option<String> {
    let why = format!("the key `{}` does not join `{}`: {why}", side.key, side.step);
    let help = "without it the draft joins more events; name a field of both steps";
    report.left_out(&Loss::new(side.span, crate::source::visible(&why), help));
    None
}

/// The links, or what stands in their place, which is reported.
pub(super) fn or_none(on: Vec<String>, span: Span, report: &mut Report<'_>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for one in on {
        if !kept.contains(&one) {
            kept.push(one);
        }
    }
    if kept.is_empty() {
        let why = "nothing joins the steps, and a chain needs a key";
        report.left_out(&Loss::new(span, why, format!("write a field of both steps in place of `{NO_KEY}`")));
        kept.push(NO_KEY.to_owned());
    }
    kept
}

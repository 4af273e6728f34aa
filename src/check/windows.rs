//! Windows: durations that are written or that parameters give.
//!
//! In: durations and parameters. Out: [`ir::Window`]s.
//! Must not know: keys, predicates.

use crate::diag::{Code, Diagnostic, Fix};
use crate::ir::{self, Window};
use crate::syntax::ast::{Literal, LiteralKind};

use super::constants;
use super::constants::Purpose;
use super::names::Names;
use super::sink::Sink;
use super::values::Kind;

/// The longest window at all, in seconds: a year and a day, so that sums stay far from overflow everywhere.
const LONGEST: u64 = 366 * 86_400;

/// The length of time that a literal or a parameter gives.
pub(super) fn window(names: &Names<'_>, sink: &mut Sink, literal: &Literal) -> Option<Window> {
    // A warning: equal times count as in order, so such a link can hold.
    let label = "matches only events with identical timestamps";
    of_time(names, sink, literal, label, "specify the maximum time between the events, such as `15m`")
}

/// The window of an absence, to whose instant nothing is before or after.
pub(super) fn absence(names: &Names<'_>, sink: &mut Sink, literal: &Literal) -> Option<Window> {
    let label = "nothing is before or after an event at its own time, so the clause exempts nothing";
    of_time(names, sink, literal, label, "specify how far to look, such as `30d`, or remove the clause")
}

fn of_time(
    names: &Names<'_>,
    sink: &mut Sink,
    literal: &Literal,
    if_zero: &str,
    help: &str,
) -> Option<Window> {
    let seconds = offset(names, sink, literal)?;
    if seconds == 0 {
        let found = Diagnostic::new(Code::ZeroWindow, literal.span, "this window is zero");
        sink.report(found.label(if_zero).help(help));
    }
    Some(Window { seconds, span: literal.span })
}

/// A length of time that may be zero.
pub(super) fn offset(names: &Names<'_>, sink: &mut Sink, literal: &Literal) -> Option<u64> {
    let constant = constants::constant(names, sink, Purpose::Duration, literal)?;
    let Kind::Duration(seconds) = constant.kind else {
        let mut found = Diagnostic::new(Code::NotADuration, literal.span, "expected a duration")
            .label("not a duration")
            .help("write a duration such as `90s`, `15m`, `2h`, `1d` or `1h30m`");
        if let Some(default) = constant.param {
            found = found.also(default, "the parameter gets its type here");
        } else if let LiteralKind::Int(number) = literal.kind {
            found.fix = Some(Fix { span: literal.span, replacement: format!("{number}s") });
        }
        sink.report(found);
        return None;
    };
    if seconds > LONGEST {
        let mut found =
            Diagnostic::new(Code::WindowTooLong, literal.span, "this window is longer than a year")
                .label(ir::duration(seconds))
                .help("no SIEM search looks back that far");
        if let Some(default) = constant.param {
            found = found.also(default, "the parameter gets its default here");
        }
        sink.report(found);
        return None;
    }
    Some(seconds)
}

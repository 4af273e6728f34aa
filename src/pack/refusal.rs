//! What a SIEM would refuse, as findings.
//!
//! In: a limit and what passes it. Out: diagnostics. Must not know: packs.

use crate::diag::{Code, Diagnostic};
use crate::ir;
use crate::source::Span;

/// Something that a SIEM does not take.
pub(super) fn limit(span: Span, title: String, label: String, help: &str) -> Diagnostic {
    Diagnostic::new(Code::PackLimit, span, title).label(label).help(help)
}

/// A part that needs to look further back than it may.
pub(super) fn look_back(rule: &ir::Rule, part: &str, needed: u64, allowed: u64, whose: &str) -> Diagnostic {
    let [needed, allowed] = [needed, allowed].map(ir::duration);
    let title = format!("a schedule of `{part}` would lose chains: it needs the last {needed}");
    let beyond = rule.chain.looks_beyond().filter(|(window, _)| window.seconds > rule.chain.total.seconds);
    let (at, clause) = match beyond {
        Some((window, clause)) => {
            (window.span, format!("`{clause}` looks {} further, and ", ir::duration(window.seconds)))
        }
        None => (rule.chain.total.span, String::new()),
    };
    Diagnostic::new(Code::ScheduleLoses, at, title)
        .label(format!("{clause}{whose} looks back {allowed} at most"))
        .help("shorten the windows, or raise `lookback` in `catena.yaml` where the SIEM allows it")
}

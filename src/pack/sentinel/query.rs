//! The query of a rule: with its own slice of time, and short enough.
//!
//! In: the text of a part, a plan. Out: text. Must not know: what the query finds.

use crate::diag::{Code, Diagnostic};
use crate::ir;
use crate::pack::input::Ruled;
use crate::pack::schedule::{Plan, short};

/// The longest query of a scheduled rule, in characters as Azure counts them.
pub(super) const LONGEST: usize = 10_000;

/// The query with the slice of a plan; comments go if it is too long with them.
///
/// `ago` counts from the run: Microsoft's own pattern for delayed logs relies on it ("Handle ingestion delay in
/// scheduled analytics rules"). A literal of Kusto has one unit: `135m`, not `2h15m`.
pub(super) fn sliced(ruled: &Ruled<'_>, text: &str, plan: Plan) -> Result<String, Box<Diagnostic>> {
    // Of steps in any order each can be the last one.
    let any_order = ruled.rule.chain.together.is_some();
    let time = if any_order { "TimeGenerated".to_owned() } else { ruled.time_column() };
    let delay = plan.delay;
    let (from, to) = (short(delay.saturating_add(plan.every)), short(delay));
    let to = if delay == 0 { "now()".to_owned() } else { format!("ago({to})") };
    let slice = format!("| where {time} > ago({from}) and {time} <= {to}");
    let whole = format!("{}\n{slice}", text.trim_end());
    if length(&whole) <= LONGEST {
        return Ok(whole);
    }
    // A line that begins so is a comment: no literal holds a line end.
    let bare: Vec<&str> = whole.lines().filter(|line| !line.starts_with("//")).collect();
    let bare = bare.join("\n");
    if length(&bare) <= LONGEST { Ok(bare) } else { Err(Box::new(too_long(ruled, length(&bare)))) }
}

fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

fn too_long(ruled: &Ruled<'_>, length: usize) -> Diagnostic {
    let title = format!("the query of a Sentinel rule has {length} characters and may have {LONGEST}");
    let entries = |list: &ir::List| list.entries.iter().map(|entry| entry.text.len()).sum::<usize>();
    let longest =
        ruled.rule.lists.iter().max_by_key(|list| entries(list)).filter(|list| entries(list) > 1_000);
    let (span, label, help) = match longest {
        Some(list) => (
            list.name.span,
            format!("{} is {} characters of it", list.described(), entries(list)),
            "`--lists lookup` moves its exact values into a watchlist; merge patterns and networks into wider ones",
        ),
        None => (
            ruled.rule.span,
            "no allowlist stands out".to_owned(),
            "move values after `in (…)` into an allowlist and build with `--lists lookup`, or split the rule",
        ),
    };
    Diagnostic::new(Code::PackLimit, span, title).label(label).help(help)
}

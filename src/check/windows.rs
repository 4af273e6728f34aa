//! Windows: lengths of time, and what is odd about them.
//!
//! In: durations and parameters. Out: [`ir::Window`]s.
//! Must not know: keys, predicates.

use crate::diag::{Code, Diagnostic, Fix};
use crate::ir::{self, Window};
use crate::source::Span;
use crate::syntax::ast::{Chain, ChainItem, Literal, LiteralKind};

use super::names::Scope;
use super::values::{self, Kind};

/// The longest window at all, in seconds: a year and a day, so that sums stay far from overflow everywhere.
const LONGEST: u64 = 366 * DAY;
/// What scheduled searches look back at most (Sentinel), in seconds.
const LONGEST_SEARCH: u64 = 14 * DAY;
const DAY: u64 = 86_400;

/// The length of time that a literal or a parameter gives.
pub(super) fn window(scope: &mut Scope<'_, '_>, literal: &Literal) -> Option<Window> {
    let seconds = offset(scope, literal)?;
    if seconds == 0 {
        let found = Diagnostic::new(Code::ZeroWindow, literal.span, "this window has no length")
            .label("only events of the same instant")
            .help("give the time that may pass, such as `15m`");
        scope.report(found);
    }
    Some(Window { seconds, span: literal.span })
}

/// A length of time that may be zero.
pub(super) fn offset(scope: &mut Scope<'_, '_>, literal: &Literal) -> Option<u64> {
    let constant = values::constant(scope, None, literal)?;
    let Kind::Duration(seconds) = constant.kind else {
        let mut found = Diagnostic::new(Code::NotADuration, literal.span, "expected a length of time")
            .label("has no unit of time")
            .help("write a duration such as `90s`, `15m`, `2h`, `1d` or `1h30m`");
        if let Some(default) = constant.param {
            found = found.also(default, "the parameter gets its type here");
        } else if let LiteralKind::Int(number) = literal.kind {
            found.fix = Some(Fix { span: literal.span, replacement: format!("{number}s") });
        }
        scope.report(found);
        return None;
    };
    if seconds > LONGEST {
        let mut found =
            Diagnostic::new(Code::WindowTooLong, literal.span, "this window is longer than a year")
                .label(words(seconds))
                .help("no SIEM can look back so far");
        if let Some(default) = constant.param {
            found = found.also(default, "the parameter gets its default here");
        }
        scope.report(found);
        return None;
    }
    Some(seconds)
}

/// Seconds as people write them.
pub(super) fn words(seconds: u64) -> String {
    let mut text = String::new();
    let mut rest = seconds;
    for (unit, name) in [(DAY, "d"), (3_600, "h"), (60, "m"), (1, "s")] {
        if rest >= unit {
            text.push_str(&(rest / unit).to_string());
            text.push_str(name);
            rest %= unit;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// Looks at how the windows of a chain fit each other, its sources and the schedule.
pub(super) fn lint(scope: &mut Scope<'_, '_>, written: &Chain, chain: &ir::Chain) {
    let sum = chain.links.iter().fold(0u64, |sum, link| sum.saturating_add(link.gap.seconds));
    if chain.total_is_explicit && !chain.links.is_empty() {
        totals(scope, written, chain, sum);
    }
    granularity(scope, chain);
    reach(scope, chain, sum.min(chain.total.seconds));
}

fn totals(scope: &mut Scope<'_, '_>, written: &Chain, chain: &ir::Chain, sum: u64) {
    let total = chain.total;
    let mut over = false;
    for link in &chain.links {
        if link.gap.seconds > total.seconds {
            over = true;
            let title = format!("this gap of {} never binds", words(link.gap.seconds));
            let found = Diagnostic::new(Code::GapOverTotal, link.gap.span, title)
                .label("longer than the whole chain may take")
                .also(total.span, format!("the whole chain: {}", words(total.seconds)))
                .help("shorten the gap, or lengthen the total");
            scope.report(found);
        }
    }
    // Gaps that are parameters can be raised from outside; the total then bounds them, which may be its purpose.
    let fixed = written.items.iter().all(|item| match item {
        ChainItem::Then(then) => !matches!(then.gap.kind, LiteralKind::Word(_)),
        ChainItem::Step(_) => true,
    });
    if !over && fixed && sum < total.seconds {
        let title = format!("the total of {} never binds", words(total.seconds));
        let found = Diagnostic::new(Code::TotalNeverBinds, total.span, title)
            .label(format!("the gaps add up to {}", words(sum)))
            .help("leave the total out, or shorten it");
        scope.report(found);
    }
}

/// A record that stands for ten minutes cannot be placed within five.
fn granularity(scope: &mut Scope<'_, '_>, chain: &ir::Chain) {
    for (index, link) in chain.links.iter().enumerate() {
        let grain = [index, index + 1]
            .into_iter()
            .filter_map(|step| grain_of(scope, step))
            .max_by_key(|grain| grain.0);
        if let Some(found) = grain.and_then(|grain| too_fine(link.gap, &grain)) {
            scope.report(found);
        }
    }
    if !chain.total_is_explicit || chain.links.is_empty() {
        return;
    }
    let grain = (0..chain.steps.len()).filter_map(|step| grain_of(scope, step)).max_by_key(|grain| grain.0);
    if let Some(found) = grain.and_then(|grain| too_fine(chain.total, &grain)) {
        scope.report(found);
    }
}

fn grain_of(scope: &Scope<'_, '_>, step: usize) -> Option<(u64, String, Span)> {
    let step = scope.steps.get(step)?;
    let source = step.source?;
    Some((source.granularity, source.name.clone(), step.name.span))
}

fn too_fine(window: Window, (grain, source, step): &(u64, String, Span)) -> Option<Diagnostic> {
    // A zero window has been reported, and single events have a granularity of one second.
    if window.seconds == 0 || window.seconds >= *grain {
        return None;
    }
    let title = format!("a window of {} may miss events of `{source}`", words(window.seconds));
    Some(
        Diagnostic::new(Code::BelowGranularity, window.span, title)
            .label("shorter than the log's own steps")
            .also(*step, format!("one record stands for up to {}", words(*grain)))
            .help(format!("give it at least {}, unless the log is known to be finer", words(*grain))),
    )
}

/// The chain and the delay of its logs against what a search looks back.
fn reach(scope: &mut Scope<'_, '_>, chain: &ir::Chain, longest: u64) {
    if longest > LONGEST_SEARCH {
        let title = format!("the chain may take {}", words(longest));
        let found = Diagnostic::new(Code::LongWindow, chain.total.span, title)
            .label("scheduled searches look back 14 days at most (Sentinel)")
            .help("shorten the windows, or split the rule");
        scope.report(found);
        return;
    }
    let delay =
        scope.steps.iter().filter_map(|step| step.source).map(|source| source.delay).max().unwrap_or(0);
    let needed = longest.saturating_add(delay);
    let lookback = scope.context.settings.lookback;
    if needed > lookback {
        let title = format!("a search that looks back {} may miss this chain", words(lookback));
        let found = Diagnostic::new(Code::PastLookback, chain.total.span, title)
            .label(format!("takes up to {}, and its logs arrive up to {} late", words(longest), words(delay)))
            .help(format!("look back at least {}: set `lookback` in the environment file", words(needed)));
        scope.report(found);
    }
}

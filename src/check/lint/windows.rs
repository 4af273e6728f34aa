//! Windows that do not fit each other, their sources or the schedule.
//!
//! In: a lowered chain. Out: warnings.
//! Must not know: keys, predicates.

use crate::check::names::Names;
use crate::check::sink::Sink;
use crate::diag::{Code, Diagnostic};
use crate::ir::{self, Window, duration};
use crate::source::Span;
use crate::syntax::ast::{Chain, ChainItem, LiteralKind};

/// What scheduled searches look back at most (Sentinel), in seconds.
const LONGEST_SEARCH: u64 = 14 * 86_400;

/// Looks at how the windows of a chain fit each other, its sources and the schedule.
pub(in crate::check) fn lint(names: &Names<'_>, sink: &mut Sink, written: &Chain, chain: &ir::Chain) {
    // A first step that repeats begins with the first event of its burst.
    let burst = chain.steps.first().map_or(0, ir::Step::burst);
    let sum = chain.links.iter().fold(burst, |sum, link| sum.saturating_add(link.gap.seconds));
    // A chain of one step has no gaps whose sum could be compared with the total.
    if chain.total_is_explicit && !chain.links.is_empty() {
        totals(sink, written, chain, sum);
    }
    granularity(names, sink, chain);
    let longest = if chain.together.is_some() { chain.total.seconds } else { sum.min(chain.total.seconds) };
    reach(names, sink, chain, longest.saturating_add(history(chain)));
}

/// How much further back, or later, than the chain its absences and bursts look.
fn history(chain: &ir::Chain) -> u64 {
    chain.looks_beyond().map_or(0, |(window, _)| window.seconds)
}

/// What takes longest: a clause that looks further than all of the chain takes, else the chain.
fn longest_of(chain: &ir::Chain, taken: u64) -> (Span, Option<String>) {
    match chain.looks_beyond() {
        Some((window, clause)) if window.seconds > taken.saturating_sub(window.seconds) => {
            (window.span, Some(format!("`{clause}` looks {} further", duration(window.seconds))))
        }
        Some(_) | None => (chain.total.span, None),
    }
}

fn totals(sink: &mut Sink, written: &Chain, chain: &ir::Chain, sum: u64) {
    let total = chain.total;
    for link in &chain.links {
        if link.gap.seconds > total.seconds {
            let title = format!("this gap of {} has no effect", duration(link.gap.seconds));
            let found = Diagnostic::new(Code::GapOverTotal, link.gap.span, title)
                .label("longer than the total window")
                .also(total.span, format!("the total window: {}", duration(total.seconds)))
                .help("shorten the gap, or lengthen the total");
            sink.report(found);
        }
    }
    // Gaps that are parameters can be raised from outside; the total then bounds them, which may be its purpose.
    let fixed = written.items.iter().all(|item| match item {
        ChainItem::Then(then) => !matches!(then.gap.kind, LiteralKind::Word(_)),
        ChainItem::Step(_) | ChainItem::Together(_) => true,
    });
    // Not where a gap is longer than the total: then so is the sum.
    if fixed && sum < total.seconds {
        let title = format!("the total window of {} is never the limit", duration(total.seconds));
        let found = Diagnostic::new(Code::TotalNeverBinds, total.span, title)
            .label(format!("the gaps add up to {}", duration(sum)))
            .help("omit the total, or shorten it");
        sink.report(found);
    }
}

/// A record that stands for ten minutes cannot be placed within five.
fn granularity(names: &Names<'_>, sink: &mut Sink, chain: &ir::Chain) {
    for (index, link) in chain.links.iter().enumerate() {
        // The coarser side decides: its record may stand for any moment of its interval.
        let grain = [index, index + 1]
            .into_iter()
            .filter_map(|step| grain_of(names, step))
            .max_by_key(|grain| grain.0);
        if let Some(found) = grain.and_then(|grain| too_fine(link.gap, &grain)) {
            sink.report(found);
        }
    }
    if !chain.total_is_explicit || chain.links.is_empty() {
        return;
    }
    let grain = (0..chain.steps.len()).filter_map(|step| grain_of(names, step)).max_by_key(|grain| grain.0);
    if let Some(found) = grain.and_then(|grain| too_fine(chain.total, &grain)) {
        sink.report(found);
    }
}

fn grain_of(names: &Names<'_>, step: usize) -> Option<(u64, String, Span)> {
    let step = names.steps.get(step)?;
    let source = step.source?;
    Some((source.granularity, source.name.clone(), step.name.span))
}

fn too_fine(window: Window, (grain, source, step): &(u64, String, Span)) -> Option<Diagnostic> {
    // A zero window has been reported, and single events have a granularity of one second.
    if window.seconds == 0 || window.seconds >= *grain {
        return None;
    }
    let title = format!("a window of {} may miss events of `{source}`", duration(window.seconds));
    Some(
        Diagnostic::new(Code::BelowGranularity, window.span, title)
            .label("shorter than the source's aggregation interval")
            .also(*step, format!("one record covers up to {}", duration(*grain)))
            .help(format!("use at least {}, unless the log is known to be finer-grained", duration(*grain))),
    )
}

/// The chain and the delay of its logs against what a search looks back.
fn reach(names: &Names<'_>, sink: &mut Sink, chain: &ir::Chain, longest: u64) {
    // Past this no `lookback` helps, so the advice to raise it is not given as well.
    if longest > LONGEST_SEARCH {
        let why = "scheduled searches look back at most 14 days (Sentinel)";
        let (at, clause) = longest_of(chain, longest);
        let (title, label, help) = match clause {
            None => (
                format!("the chain can take up to {}", duration(longest)),
                why.to_owned(),
                "shorten the windows, or split the rule",
            ),
            Some(clause) => (
                format!("the chain with what it looks back on can take up to {}", duration(longest)),
                format!("{clause}; {why}"),
                "shorten this window, or split the rule",
            ),
        };
        let found = Diagnostic::new(Code::LongWindow, at, title).label(label).help(help);
        sink.report(found);
        return;
    }
    // The slowest log counts: a chain is seen as a whole once its last record to arrive has arrived.
    let sources = names.steps.iter().filter_map(|step| step.source);
    let delay = sources.map(|source| source.lateness(0)).max().unwrap_or(0);
    let settings = &names.context.settings;
    let needed = longest.saturating_add(delay).saturating_add(settings.interval);
    let lookback = settings.lookback;
    if needed > lookback {
        let title = format!("a search that looks back {} may miss this chain", duration(lookback));
        let (at, clause) = longest_of(chain, longest);
        let clause = clause.map_or(String::new(), |clause| format!("{clause}: the whole "));
        let found = Diagnostic::new(Code::PastLookback, at, title)
            .label(format!(
                "{clause}can take up to {}, its logs arrive up to {} late, and searches run every {}",
                duration(longest),
                duration(delay),
                duration(settings.interval)
            ))
            .help(format!("set `lookback` in the environment file to at least {}", duration(needed)));
        sink.report(found);
    }
}

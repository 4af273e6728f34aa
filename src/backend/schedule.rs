//! How often a part of an emission must run and how far back it must look, so that no chain falls between two runs.
//!
//! In: the windows of a bound rule, how late its logs are, the interval of the user. Out: a [`Schedule`], and its line
//! for the head of a query. Must not know: targets, and who runs a query.

use serde::Serialize;

use super::bind::{Bound, BoundSelection, BoundStep};
use super::target::Backend;
use super::{Job, shape};
use crate::ir::{self, Chain, When};

/// Seconds between two runs where the user says nothing: what Elastic and Sentinel propose for a new rule.
pub const DEFAULT_INTERVAL: u64 = 300;

/// Seconds between two runs of the search that keeps a list, where the rules do not run less often. What it costs is
/// twice that of every run of the query, and reading it each time.
const LIST_INTERVAL: u64 = HOUR;

/// Seconds that a scheduled rule of Sentinel leaves between two runs at least.
const SHORTEST: u64 = 300;

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// How often a part must run, and over how much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Schedule {
    /// Seconds from one run to the next.
    pub every: u64,
    /// Seconds before a run from which on it must read events.
    pub look_back: u64,
    /// What the look-back is made of: seconds from the first to the last event of what the part finds.
    #[serde(skip)]
    span: u64,
    /// Seconds before its first event, for what must not have come before or has to be counted.
    #[serde(skip)]
    history: u64,
    /// Seconds before that which a list that it asks may not hold yet.
    #[serde(skip)]
    stale: u64,
    /// Seconds after its last event in which something must not come.
    #[serde(skip)]
    wait: u64,
    /// Seconds from the time of its last event until all of its events can be read.
    #[serde(skip)]
    late: u64,
    /// Seconds after that until a list that it asks for keys has them.
    #[serde(skip)]
    behind: u64,
}

impl Schedule {
    /// For what takes `span` seconds and can be read `late` seconds after its end. The last run that could miss it is
    /// just before that moment, and the next one, `every` seconds later, must still see its first event.
    pub(in crate::backend) fn new(every: u64, span: u64, late: u64) -> Self {
        Self { every, look_back: 0, span, history: 0, stale: 0, wait: 0, late, behind: 0 }.summed()
    }

    fn summed(self) -> Self {
        let Self { every, look_back: _, span, history, stale, wait, late, behind } = self;
        let least = [history, stale, wait, late, behind, every].into_iter().fold(span, u64::saturating_add);
        Self { look_back: in_minutes(least), ..self }
    }

    /// For a query that finds the whole chain.
    pub(in crate::backend) fn of<B: Backend>(bound: &Bound<'_, B>, job: &Job<'_>) -> Self {
        let chain = &job.rule.chain;
        let absences = bound.links.iter().flat_map(|link| &link.absences);
        let of_links = absences.map(|absence| latest(&absence.selections)).max().unwrap_or(0);
        let (span, history, wait) = (shape::longest(chain, 0), shape::history(chain), shape::wait(chain));
        let (every, late) = (job.options.interval, lateness(&bound.steps).max(of_links));
        Self { every, look_back: 0, span, history, stale: 0, wait, late, behind: 0 }.summed()
    }

    /// The same of a query that asks lists for what must not have come before, where `is_kept` says so of the time in
    /// which it must not.
    pub(in crate::backend) fn with_lists(self, chain: &Chain, is_kept: impl Fn(u64) -> bool) -> Self {
        let history = shape::history_but(chain, is_kept);
        Self { history, stale: 2 * self.between_lists(), ..self }.summed()
    }

    /// Of the search that keeps the lists which such a query asks. A list holds what came up to the earliest event that
    /// can decide about what the query reports, so no event of its own can hide an earlier one. The query reads what is
    /// not in the list yet, for two intervals of the list: one run may be left out.
    pub(in crate::backend) fn of_list(self) -> Self {
        let Self { every, look_back: _, span, history, stale: _, wait: _, late: _, behind: _ } = self;
        let of_slice = in_minutes(self.late()).saturating_add(every);
        let end = in_minutes(of_slice.saturating_add(span).saturating_add(history));
        let between = self.between_lists();
        Self::new(between, between, end)
    }

    /// Of the search that keeps the keys of chains that lack their last step. One of its runs may be left out.
    pub(in crate::backend) fn of_keys(self) -> Self {
        Self { span: self.span.saturating_add(self.every), ..self }.summed()
    }

    /// The same of a query that reads of the log of its last step only what has one of these keys. Whatever a run
    /// reports must have its key in the list as that was two intervals before: one run of the search that keeps it may
    /// be late or left out, and Splunk needs time to hand a list to its indexers.
    pub(in crate::backend) fn with_keys(self, of_keys: Self) -> Self {
        let kept = in_minutes(of_keys.late()).saturating_add(of_keys.every.saturating_mul(2));
        Self { behind: kept.saturating_sub(self.late), ..self }.summed()
    }

    /// From one run of the search that keeps a list to the next.
    fn between_lists(self) -> u64 {
        self.every.max(LIST_INTERVAL)
    }

    /// The same of a query that leaves out what must not be there.
    pub(in crate::backend) fn without_absences<B: Backend>(bound: &Bound<'_, B>, job: &Job<'_>) -> Self {
        Self { history: shape::counted(&job.rule.chain), wait: 0, ..Self::of(bound, job) }.summed()
    }

    /// How many seconds before a run the last event of something new can lie, where older things can seem new because
    /// the run does not see what came before them. What is counted cannot: with less of it there are fewer.
    pub(in crate::backend) fn new_within(self, chain: &Chain) -> Option<u64> {
        let Self { every, look_back: _, span: _, history: _, stale: _, wait: _, late: _, behind: _ } = self;
        let asks = chain.absences().any(|absence| matches!(absence.when, When::Before(_)));
        asks.then(|| every.saturating_add(self.late()))
    }

    /// As a scheduled rule of Sentinel takes it: five minutes apart at least, and an hour over two days and more
    /// ("Create a custom analytics rule from scratch"). Measured as the rule is written, with the delay in whole
    /// minutes.
    #[must_use]
    pub fn for_sentinel(self) -> Self {
        let Self { every, look_back: _, span: _, history: _, stale: _, wait: _, late: _, behind: _ } = self;
        let every = in_minutes(every.max(SHORTEST));
        let delay = in_minutes(self.late());
        let before = self.span().saturating_add(delay).saturating_add(every);
        let long = in_minutes(before) >= 2 * DAY;
        self.every(if long { every.max(HOUR) } else { every })
    }

    /// The same with another time between two runs.
    #[must_use]
    pub fn every(self, every: u64) -> Self {
        Self { every, ..self }.summed()
    }

    /// Seconds from the earliest event that decides about what the part finds to its last event.
    #[must_use]
    pub fn span(self) -> u64 {
        self.span.saturating_add(self.history).saturating_add(self.stale)
    }

    /// Seconds from the time of its last event until all can be read that decides about it.
    #[must_use]
    pub fn late(self) -> u64 {
        self.late.saturating_add(self.wait).saturating_add(self.behind)
    }

    /// Seconds after its last event in which something must not come.
    #[must_use]
    pub fn wait(self) -> u64 {
        self.wait
    }

    /// For the head of a query.
    pub(in crate::backend) fn remark(self) -> String {
        let Self { every, look_back, span, history, stale, wait, late, behind } = self;
        let before =
            if history > 0 { format!(", {} before it", ir::duration(history)) } else { String::new() };
        let before = before + &of_list(stale);
        let after = if wait > 0 { format!(", {} after it", ir::duration(wait)) } else { String::new() };
        let keys = if behind > 0 {
            format!(", {} more for the list of keys", ir::duration(behind))
        } else {
            String::new()
        };
        let [every, look_back, span, late] = [every, look_back, span, late].map(ir::duration);
        format!(
            "schedule: run every {every} over the last {look_back} (chain {span}{before}{after}, logs up to {late} \
             late{keys}, one interval)"
        )
    }
}

fn of_list(stale: u64) -> String {
    if stale > 0 { format!(", {} that a list may lack", ir::duration(stale)) } else { String::new() }
}

/// In whole minutes, as all the products take it.
fn in_minutes(seconds: u64) -> u64 {
    seconds.checked_next_multiple_of(60).unwrap_or(seconds)
}

/// How many seconds after its time an event of the steps can be read at the latest.
pub(in crate::backend) fn lateness<'b, 'a: 'b, B: Backend + 'b>(
    steps: impl IntoIterator<Item = &'b BoundStep<'a, B>>,
) -> u64 {
    let of_step = |step: &'b BoundStep<'a, B>| {
        let absences = step.absences.iter().flat_map(|absence| &absence.selections);
        latest(step.selections().chain(absences))
    };
    steps.into_iter().map(of_step).max().unwrap_or(0)
}

/// The same of selections.
pub(in crate::backend) fn latest<'b, 'a: 'b, B: Backend + 'b>(
    selections: impl IntoIterator<Item = &'b BoundSelection<'a, B>>,
) -> u64 {
    let late = |selection: &BoundSelection<'a, B>| selection.source.lateness(selection.schema.lag);
    selections.into_iter().map(late).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{Schedule, shape};
    use crate::backend::fixture::{equals, group_field, link, rule, step};
    use crate::catalog::Source;
    use crate::ir::{Absence, Repetition, Type, When, Window};
    use crate::source::Span;

    #[test]
    fn a_record_that_stands_for_an_interval_is_late_by_it() {
        let source = |delay, granularity| {
            let mut source = Source::default();
            (source.delay, source.granularity) = (delay, granularity);
            source
        };
        assert_eq!([source(600, 1).lateness(0), source(600, 600).lateness(0)], [600, 1_200]);
        assert_eq!([source(600, 1).lateness(300), source(600, 600).lateness(300)], [900, 1_200]);
        assert_eq!(source(u64::MAX, 600).lateness(0), u64::MAX);
    }

    #[test]
    fn look_back_is_chain_lateness_and_interval_in_whole_minutes() {
        assert_eq!(Schedule::new(300, 1_500, 1_200).look_back, 3_000);
        assert_eq!(Schedule::new(300, 1_501, 1_200).look_back, 3_060);
        assert_eq!(Schedule::new(60, 0, 0).look_back, 60);
        assert_eq!(Schedule::new(u64::MAX, 1, 1).look_back, u64::MAX);
    }

    #[test]
    fn a_rule_looks_back_over_what_it_counts_and_waits_for_what_must_not_come() {
        let step = |name| step(name, "aws.cloudtrail", equals("event.action", name), vec![]);
        let mut chain = rule(vec![step("a"), step("b")], vec![link(600, &["actor.id"], &[])], 600, &[]).chain;
        assert_eq!([shape::history(&chain), shape::wait(&chain)], [0, 0]);
        let (span, window) = (Span::default(), |seconds| Window { seconds, span: Span::default() });
        let main = chain.steps[1].main.clone();
        let absence = |when| {
            let (selections, keys) = (vec![main.clone()], Vec::new());
            Absence { name: None, selections, when, keys, span }
        };
        chain.steps[1].absences =
            vec![absence(When::Before(window(3_600))), absence(When::After(window(300)))];
        assert_eq!([shape::history(&chain), shape::wait(&chain)], [3_000, 300]);
        let by = vec![group_field("actor.id", Type::String)];
        let (least, distinct, by_is_explicit) = (2, None, true);
        let repetition = Repetition { least, distinct, window: window(900), by, by_is_explicit, span };
        chain.steps[0].repetition = Some(repetition);
        chain.steps[1].absences.clear();
        // The burst may begin with nothing of the chain, whose total is no longer than its gap.
        assert_eq!([shape::history(&chain), shape::wait(&chain)], [900, 0]);
    }

    #[test]
    fn another_interval_keeps_what_the_schedule_is_made_of() {
        let schedule = Schedule {
            every: 300,
            look_back: 0,
            span: 600,
            history: 3_000,
            stale: 0,
            wait: 300,
            late: 600,
            behind: 0,
        }
        .summed();
        assert_eq!(schedule.look_back, 4_800);
        let hourly = schedule.every(3_600);
        assert_eq!((hourly.look_back, hourly.span(), hourly.late()), (8_100, 3_600, 900));
    }

    #[test]
    fn the_burst_of_a_first_step_is_part_of_the_chain() {
        let a = step("a", "aws.cloudtrail", equals("event.action", "a"), vec![]);
        let b = step("b", "aws.cloudtrail", equals("event.action", "b"), vec![]);
        let by = || vec![group_field("actor.id", Type::String)];
        let burst = |seconds| {
            let (window, span) = (Window { seconds, span: Span::default() }, Span::default());
            Some(Repetition { least: 2, distinct: None, window, by: by(), by_is_explicit: true, span })
        };
        let mut alone = rule(vec![a.clone()], vec![], 900, &[]).chain;
        alone.steps[0].repetition = burst(900);
        assert_eq!([shape::longest(&alone, 0), shape::history(&alone)], [900, 0]);
        let mut pair = rule(vec![a, b], vec![link(600, &["actor.id"], &[])], 1_500, &[]).chain;
        pair.steps[0].repetition = burst(900);
        assert_eq!([shape::longest(&pair, 0), shape::history(&pair)], [1_500, 0]);
        // That of a later step can begin before the chain.
        pair.steps[0].repetition = None;
        pair.steps[1].repetition = burst(900);
        assert_eq!([shape::longest(&pair, 0), shape::history(&pair)], [600, 300]);
        // With less of what is counted there are fewer: nothing seems new.
        let schedule = Schedule {
            every: 300,
            look_back: 0,
            span: 600,
            history: 300,
            stale: 0,
            wait: 0,
            late: 60,
            behind: 0,
        };
        assert_eq!(schedule.new_within(&pair), None);
        let (selections, keys, span) = (vec![pair.steps[0].main.clone()], Vec::new(), Span::default());
        let when = When::Before(Window { seconds: 300, span });
        pair.steps[1].absences = vec![Absence { name: None, selections, when, keys, span }];
        assert_eq!(schedule.new_within(&pair), Some(360));
    }

    #[test]
    fn a_rule_of_sentinel_runs_hourly_where_it_looks_back_over_two_days() {
        let day = 86_400;
        let said = |every, span| {
            let schedule = Schedule::new(every, span, 330).for_sentinel();
            (schedule.every, schedule.look_back)
        };
        assert_eq!(said(300, 600), (300, 1_260));
        assert_eq!(said(60, 600), (300, 1_260));
        // The delay counts in whole minutes, as the rule is written: 47:49 and 11 minutes, or a minute less.
        assert_eq!(said(300, 2 * day - 660), (3_600, 2 * day + 3_300));
        assert_eq!(said(300, 2 * day - 720).0, 300);
        assert_eq!(said(7_200, 7 * day), (7_200, 7 * day + 7_560));
    }

    #[test]
    fn a_list_ends_where_the_search_that_asks_it_begins() {
        let whole = Schedule {
            every: 300,
            look_back: 0,
            span: 600,
            history: 604_800,
            stale: 0,
            wait: 0,
            late: 650,
            behind: 0,
        };
        let mut chain = rule(vec![step("a", "s", equals("x", "a"), vec![])], vec![], 600, &[]).chain;
        let main = chain.steps[0].main.clone();
        let when = When::Before(Window { seconds: 604_800, span: Span::default() });
        let (selections, keys, span) = (vec![main], Vec::new(), Span::default());
        chain.steps[0].absences = vec![Absence { name: None, selections, when, keys, span }];
        let asks = whole.summed().with_lists(&chain, |window| window > 86_400);
        // Two hours beside the chain, its logs and an interval, in place of a week.
        assert_eq!((asks.history, asks.look_back), (0, 600 + 7_200 + 650 + 300 + 10));
        let list = asks.of_list();
        assert_eq!((list.every, list.late()), (3_600, 660 + 300 + 600));
        // The search reads two hours more than the list lacks when it is new.
        assert_eq!(asks.span() + 660 + 300, list.late() + 7_200);
        assert_eq!(asks.with_lists(&chain, |_| false).history, 604_800);
        assert_eq!(Schedule { every: 7_200, ..asks }.of_list().every, 7_200);
    }

    #[test]
    fn a_query_that_asks_for_keys_waits_until_they_are_kept() {
        let of_keys = Schedule::new(300, 900, 870).of_keys();
        assert_eq!((of_keys.span(), of_keys.look_back), (1_200, 1_200 + 870 + 300 + 30));
        let asks = Schedule::new(300, 1_500, 1_200).with_keys(of_keys);
        // 15 minutes and two intervals.
        assert_eq!((asks.late(), asks.look_back), (1_500, 1_500 + 1_500 + 300));
        assert!(asks.remark().contains("logs up to 20m late, 5m more for the list of keys, one interval"));
        assert_eq!(Schedule::new(300, 1_500, 7_200).with_keys(of_keys), Schedule::new(300, 1_500, 7_200));
    }

    #[test]
    fn the_head_says_what_it_is_made_of() {
        assert_eq!(
            Schedule::new(900, 1_500, 1_200).remark(),
            "schedule: run every 15m over the last 1h (chain 25m, logs up to 20m late, one interval)"
        );
    }
}

//! A saved search: the query with its own slice of time, schedule, suppression and actions.
//!
//! In: a part of an emission of SPL. Out: a [`Search`] and its stanza. Must not know: other searches, files.

use super::action;
use super::conf::{self, Stanza};
use crate::backend::{Emission, External, Part, Role};
use crate::catalog::SourceMapping;
use crate::diag::{Diagnostic, Diagnostics};
use crate::ir::{Rule, Severity};
use crate::pack::input::Ruled;
use crate::pack::schedule::{self, Plan};
use crate::pack::{name, refusal};
use crate::source::Span;

/// The longest name of a search that its views show whole.
const LONGEST_NAME: usize = 100;
/// A lookup file up to here is sent to the indexers with every search (`limits.conf`, `max_memtable_bytes`); a longer
/// one is indexed on disk, which loses nothing, but no app should bring one.
const LONGEST_LIST: usize = 25 * 1024 * 1024;

/// A saved search.
#[derive(Debug)]
pub(in crate::pack) struct Search {
    /// As Splunk shows it.
    pub(in crate::pack) name: String,
    /// The macro at its end; none of a search whose answers are no alerts.
    pub(super) filter: Option<String>,
    /// When it runs.
    pub(super) plan: Plan,
    /// Macros of its sources that the source files define, with their definitions.
    pub(super) macros: Vec<(String, String)>,
    /// The lookups that it reads.
    pub(super) lists: Vec<External>,
    /// What is left out or changed, and why.
    pub(super) remarks: Vec<String>,
    settings: Vec<(String, String)>,
    span: Span,
}

impl Search {
    /// The search of a part; what Splunk would refuse goes to `diags`.
    pub(super) fn new(
        ruled: &Ruled<'_>,
        emission: &Emission,
        part: &Part,
        diags: &mut Diagnostics,
    ) -> Option<Self> {
        let rule = ruled.rule;
        let (every, cron) = schedule::cron(part.schedule.every);
        let plan = Plan::sliced(part.schedule, every);
        if plan.look_back > ruled.lookback {
            let whose = "`lookback` of the environment";
            diags.push(refusal::look_back(rule, &part.name, plan.look_back, ruled.lookback, whose));
            return None;
        }
        let filter =
            matches!(part.role, Role::Query | Role::Stage).then(|| format!("{}_filter", rule.name.node));
        let (query, unread) = match &filter {
            Some(filter) => {
                let slice = Slice::of(ruled, plan);
                (query(ruled, part, slice, filter), slice.unread)
            }
            None => (part.text.trim_end().to_owned(), plan.read_until()),
        };
        if !conf::can_hold(&query) {
            let title = "a conf file of Splunk cannot hold this search".to_owned();
            let label = "a line of it ends in a backslash".to_owned();
            diags.push(refusal::limit(rule.span, title, label, "change the value that ends in a backslash"));
            return None;
        }
        let name = name(ruled, part);
        let macros: Vec<_> = ruled.mappings("spl").into_iter().filter_map(definition).collect();
        let mut refused =
            refused_name(ruled, &name).into_iter().chain(refused_macros(rule, &macros)).peekable();
        if refused.peek().is_some() {
            refused.for_each(|found| diags.push(found));
            return None;
        }
        let mut search = Self {
            name,
            filter,
            plan,
            macros,
            lists: emission.lists.clone(),
            remarks: Vec::new(),
            settings: Vec::new(),
            span: rule.name.span,
        };
        search.set("description", &name::one_line(&rule.meta.description, 2_000));
        search.set("search", &query);
        search.schedule(&cron, unread);
        match part.role {
            Role::Query | Role::Stage => {
                search.track();
                search.suppress(ruled);
                for (key, value) in action::settings(ruled, &search.name) {
                    search.set(&key, &value);
                }
            }
            Role::Baseline | Role::Keys => {}
        }
        Some(search)
    }

    fn set(&mut self, key: &str, value: &str) {
        self.settings.push((key.to_owned(), value.to_owned()));
    }

    /// Continuous scheduling: a run that comes late looks at the time that was meant for it, and none is left out
    /// (`realtime_schedule = 0`). `unread`: how many seconds before the run it stops to read.
    fn schedule(&mut self, cron: &str, unread: u64) {
        let look_back = self.plan.look_back;
        self.set("cron_schedule", cron);
        self.set("dispatch.earliest_time", &format!("-{}m@m", look_back / 60));
        self.set(
            "dispatch.latest_time",
            &if unread == 0 { "@m".to_owned() } else { format!("-{}m@m", unread / 60) },
        );
        self.set("enableSched", "1");
        self.set("disabled", "1");
        self.set("realtime_schedule", "0");
        self.set("schedule_window", "0");
    }

    /// Every answer is an alert.
    fn track(&mut self) {
        self.set("counttype", "number of events");
        self.set("relation", "greater than");
        self.set("quantity", "0");
        self.set("alert.track", "1");
        // Each answer by itself: one chain is one alert.
        self.set("alert.digest_mode", "0");
    }

    /// `dedupe` as suppression. Splunk counts from the run that alerted, not from the event: one interval less, so that
    /// nothing that lies after the window is dropped with it.
    fn suppress(&mut self, ruled: &Ruled<'_>) {
        let severity = severity(ruled.rule);
        self.set("alert.severity", severity);
        let Some(dedupe) = &ruled.rule.alert.dedupe else { return };
        let period = dedupe.window.seconds.saturating_sub(self.plan.every);
        let span = crate::ir::duration(dedupe.window.seconds);
        if period == 0 {
            self.remarks
                .push(format!("`dedupe {span}` is no longer than the interval: nothing is suppressed"));
            return;
        }
        self.set("alert.suppress", "1");
        self.set("alert.suppress.fields", &ruled.dedupe_columns().join(","));
        self.set("alert.suppress.period", &format!("{period}s"));
        let every = crate::ir::duration(self.plan.every);
        self.remarks.push(format!(
            "`dedupe {span}` is suppressed for one interval less: Splunk counts from the run, and an alert of the last \
             {every} of the window may be repeated; none is lost"
        ));
    }

    /// Its stanza of savedsearches.conf.
    pub(super) fn stanza(&self) -> Stanza {
        let stanza = Stanza::new(&self.name);
        self.settings.iter().fold(stanza, |stanza, (key, value)| stanza.set(key, value))
    }
}

/// As Splunk shows the search of a part.
fn name(ruled: &Ruled<'_>, part: &Part) -> String {
    let title = &ruled.rule.meta.title;
    match part.role {
        Role::Query | Role::Stage => name::one_line(title, LONGEST_NAME),
        Role::Baseline | Role::Keys => {
            // What the part adds to the name of the rule: `baseline`, `baseline_2`, `keys`.
            let what = part.name.strip_prefix(ruled.rule.name.node.as_str()).unwrap_or(&part.name);
            let what = what.replace('_', " ");
            format!("{} -{what}", name::one_line(title, LONGEST_NAME.saturating_sub(what.len() + 2)))
        }
    }
}

/// The time whose chains are those of one run, in seconds before what the search reads ends.
#[derive(Debug, Clone, Copy)]
struct Slice {
    /// From the end of what is read to the run.
    unread: u64,
    /// From the end of the slice to the end of what is read.
    read: u64,
    /// How long the slice is.
    length: u64,
}

impl Slice {
    /// Splunk selects events by `_time`. Where a source has its time elsewhere, `_time` may be later than that (the end
    /// of a flow, or when it came): events of the slice would be left out of its run, and not be in the slice of the
    /// next. So such a search reads up to its run.
    fn of(ruled: &Ruled<'_>, plan: Plan) -> Self {
        let selected_by_its_time = ruled.mappings("spl").iter().all(|mapping| mapping.time == "_time");
        // What must not come after an event is read up to its end, which lies behind the slice.
        let unread = if selected_by_its_time { plan.read_until() } else { 0 };
        Self { unread, read: plan.delay.saturating_sub(unread), length: plan.every }
    }
}

/// The query, what of its answers is this run's, and the macro for what a team leaves out.
fn query(ruled: &Ruled<'_>, part: &Part, Slice { unread: _, read, length }: Slice, filter: &str) -> String {
    let (text, time) = (part.text.trim_end(), ruled.time_column());
    let before = |seconds: u64| if seconds == 0 { String::new() } else { format!(" - {seconds}") };
    let (begin, end) = (before(read + length), before(read));
    format!(
        "{text}\n| addinfo\n| where {time} >= info_max_time{begin} AND {time} < info_max_time{end}\n\
         | fields - info_min_time, info_max_time, info_search_time, info_sid\n| `{filter}`"
    )
}

/// The macro that is all of a base search, with the definition that the source states for it.
fn definition(mapping: &SourceMapping) -> Option<(String, String)> {
    // A source with several homes names several macros, and one definition would be that of none of them.
    let [home] = mapping.from.0.as_slice() else { return None };
    let name = home.trim().strip_prefix('`')?.strip_suffix('`')?;
    Some((name.to_owned(), mapping.words.get("macro")?.clone()))
}

/// A title whose stanza would be no search.
fn refused_name(ruled: &Ruled<'_>, name: &str) -> Option<Diagnostic> {
    let rule = ruled.rule;
    let title = format!("the title of `{}` is no name of a search in Splunk", rule.name.node);
    let label = format!("a stanza `[{name}]` would hold for every search of the app");
    let help = "give the rule a title that says what it finds";
    conf::is_reserved(name).then(|| refusal::limit(rule.name.span, title, label, help))
}

/// Macros of source files that macros.conf cannot hold.
fn refused_macros(rule: &Rule, macros: &[(String, String)]) -> Vec<Diagnostic> {
    let cannot =
        |(name, definition): &&(String, String)| conf::is_reserved(name) || !conf::can_hold(definition);
    let refused = |(name, _): &(String, String)| {
        let title = format!("macros.conf of Splunk cannot hold the macro `{name}`");
        let label = "a step of this rule reads it".to_owned();
        let help = "in the source or environment file, give `macro` a definition whose lines do not end in a backslash, \
                    and a name that is not `default`";
        refusal::limit(rule.name.span, title, label, help)
    };
    macros.iter().filter(cannot).map(refused).collect()
}

/// From 1 (info) to 5 (critical), as the alert views have it.
fn severity(rule: &Rule) -> &'static str {
    match rule.meta.severity {
        Severity::Informational => "1",
        Severity::Low => "2",
        Severity::Medium => "3",
        Severity::High => "4",
        Severity::Critical => "5",
    }
}

/// Lists that are too long for an app, or whose name stands for something else in transforms.conf.
pub(super) fn check_lists(searches: &[&Search], diags: &mut Diagnostics) {
    for search in searches {
        for list in search.lists.iter().filter(|list| conf::is_reserved(&list.name)) {
            let title = format!("`{}` is no name of a lookup in Splunk", list.name);
            let label = format!("a stanza `[{}]` of transforms.conf is no lookup", list.name);
            let found = refusal::limit(list.place(), title, label, "give the list another name");
            diags.push(found.also(search.span, "read by this rule"));
        }
        for list in search.lists.iter().filter(|list| list.text.len() > LONGEST_LIST) {
            let title = format!("the lookup `{}` has {} bytes", list.name, list.text.len());
            let label = format!("a lookup of an app takes {LONGEST_LIST} bytes before it is indexed on disk");
            diags.push(
                refusal::limit(list.place(), title, label, "split the list, or keep it in a KV store")
                    .also(search.span, "read by this rule"),
            );
        }
    }
}

//! What came long before, kept in a list: the search that keeps it, and how the search of the rule asks it.
//!
//! In: a bound rule, its absences. Out: parts of their own, commands and tests. Must not
//! know: how a branch is made, when a SIEM runs a search.
//!
//! The list has a row for each key: when it was seen first and last. It holds what came before the earliest event that
//! can decide about an answer of a run, and the search reads what came since, so the newest time of a key is the one to
//! ask. It is asked for its time and never for the key alone: a key that the list got from the very event would exempt
//! it, and a chain would be missed.

use minijinja::{Value, context};
use uuid::Uuid;

use super::absences::{self, Absent};
use super::kept::{self, Kept, TIMES};
use super::literal::{self, Frag, spl};
use super::{SEARCH, Spl, records};
use crate::backend::bind::Bound;
use crate::backend::schema::Dialect as _;
use crate::backend::{Effect, External, Job, Part, Report, Role, Schedule};
use crate::ir::{self, When};

/// For ids of parts that follow from the rule's own.
const NAMESPACE: Uuid = Uuid::from_u128(0x3b7e_02c6_91d4_5f0a_8c1d_6e59_d0b4_27f8);

/// The absences that are asked of a list.
pub(super) fn kept(bound: &Bound<'_, Spl>, job: &Job<'_>) -> Vec<Kept> {
    let long = absences::all(bound).into_iter().filter_map(|absent| match absent.absence.when {
        When::Before(window) if job.options.baseline.keeps(window.seconds) => Some((absent, window.seconds)),
        When::Before(_) | When::After(_) | When::Between => None,
    });
    let rule = &job.rule.name.node;
    let numbered =
        |what: &str, at: u64| if at == 1 { format!("{rule}_{what}") } else { format!("{rule}_{what}_{at}") };
    let of = |(at, (absent, window)): (u64, (Absent<'_, '_>, u64))| Kept {
        number: absent.number,
        row: absences::row(bound, absent.number),
        window,
        list: literal::flat(&numbered("seen", at)).text().to_owned(),
        part: numbered("baseline", at),
        keys: keys(&absent),
        span: absent.absence.span,
        clause: absent.absence.clause(),
    };
    (1..).zip(long).map(of).collect()
}

/// The keys of an absence, each under a name of its own.
fn keys(absent: &Absent<'_, '_>) -> Vec<(Frag, String)> {
    let names = kept::key_names(absent.absence.keys.iter().map(|key| key.right.name.as_str()), &TIMES);
    let columns = (1..).map(|at| literal::absent_key(absent.number, at));
    columns.zip(names).collect()
}

/// The schedule of the search of the rule.
pub(super) fn schedule(bound: &Bound<'_, Spl>, job: &Job<'_>, kept: &[Kept]) -> Schedule {
    let schedule = Schedule::of(bound, job);
    if kept.is_empty() {
        return schedule;
    }
    schedule.with_lists(&job.rule.chain, |window| job.options.baseline.keeps(window))
}

/// How far back the list has to reach, in seconds.
fn reach(kept: &Kept, schedule: Schedule) -> u64 {
    kept.window.saturating_add(schedule.look_back)
}

/// Says what the list is, and what the search promises with it. `schedule` is that of the search that keeps it.
pub(super) fn tell(kept: &Kept, schedule: Schedule, report: &mut Report) {
    let Kept { list, part, window, span, clause, .. } = kept;
    let [window, stale, reach] =
        [*window, schedule.every.saturating_mul(2), reach(kept, schedule)].map(ir::duration);
    report.note(
        Effect::Superset,
        *span,
        format!(
            "{clause} over {window} asks the list `{list}` for what is no longer read: exact while `{part}` runs on \
             time; until it has read {window}, and where it is more than {stale} behind, more counts as new, never \
             less"
        ),
    );
    report.require(format!(
        "lookup definition `{list}` with case_sensitive_match = true and no match_type, over `{list}.csv` as \
         `compile -o` writes it, which is empty: `{part}` fills it; run that once over the last {reach} first, and \
         do not put the empty file in its place again"
    ));
    let columns: Vec<&str> = kept.keys.iter().map(|(_, name)| name.as_str()).chain(TIMES).collect();
    report.read(External::kept(list.clone(), &columns, *span));
}

/// The search that keeps the list.
pub(super) fn part(
    bound: &Bound<'_, Spl>,
    kept: &Kept,
    job: &Job<'_>,
    schedule: Schedule,
    report: &mut Report,
) -> Option<Part> {
    let records = records::all(bound).into_iter().filter(|records| records.number == kept.row);
    let branches: Vec<Value> = records.map(|records| super::branch(bound, &[records], job, report)).collect();
    let context = context! {
        chained => branches.len() > 1,
        head => super::values(head(kept, job, schedule)),
        branches,
        tail => super::values(commands(kept, schedule)),
    };
    let text = SEARCH.print(Spl::TITLE, job.rule.span, context, report)?;
    let (name, id) = (kept.part.clone(), derived(job.rule, kept.number));
    let (role, indexes, keys) = (Role::Baseline, Vec::new(), Vec::new());
    Some(Part { name, id, role, schedule, indexes, keys, lake: None, text })
}

/// The id of a part that follows from the rule's own.
pub(super) fn derived(rule: &ir::Rule, what: impl std::fmt::Display) -> String {
    let seed = format!("{}/{}/{what}", rule.meta.id, Spl::NAME);
    Uuid::new_v5(&NAMESPACE, seed.as_bytes()).to_string()
}

fn head(kept: &Kept, job: &Job<'_>, schedule: Schedule) -> Vec<Frag> {
    let (rule, Kept { list, .. }) = (job.rule, kept);
    let [every, look_back, window, reach] =
        [schedule.every, schedule.look_back, kept.window, reach(kept, schedule)].map(ir::duration);
    let lines = [
        rule.meta.title.clone(),
        format!(
            "baseline of rule {} ({}): keeps the list `{list}` that its search asks",
            rule.name.node, rule.meta.id
        ),
        format!(
            "schedule: run every {every} over the last {look_back}; once, before the first run of the rule's search, \
             over the last {reach}: what the list lacks of the last {window} counts as never seen"
        ),
    ];
    lines.iter().map(|line| literal::comment(line)).collect()
}

/// Adds the times of what was read to those in the list.
fn commands(kept: &Kept, schedule: Schedule) -> Vec<Frag> {
    let keys: Vec<_> = kept.named().collect();
    let columns = literal::list(keys.iter().map(|(column, _)| column));
    // Also where somebody runs it over other times: what lies in the time of the rule's search would hide what came
    // before that.
    let [end, oldest] = [schedule.late(), reach(kept, schedule)].map(literal::number);
    let mut found = vec![
        spl!("where _time < now() - {end}", end),
        spl!("stats min(_time) AS first_seen, max(_time) AS last_seen BY {columns}", columns),
    ];
    let lasts = spl!("last_seen >= now() - {oldest}", oldest);
    let times = [("first_seen", "min"), ("last_seen", "max")];
    found.extend(kept::merged(&literal::flat(&kept.list), &keys, &times, &lasts));
    found
}

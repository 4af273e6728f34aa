//! A large last log, read in two stages: a search keeps the keys of chains that lack their last step, and the rule's
//! search reads of that log only what has one of them.
//!
//! In: a job, its bound rule. Out: the search that keeps the keys, commands for the branches of the last step, or why
//! that cannot be. Must not know: how a branch is made, when a SIEM runs a search.
//!
//! The list is a filter and nothing more. The rule's search finds the whole chain by itself, so a key too many costs
//! rows and never an alert; a key too few is an alert missed, and the rule's search reports no later than the list can
//! answer for ([`Schedule::with_keys`]). What keeps the keys is the same rule without its last step.

use minijinja::{Value, context};

use super::literal::{self, Frag, spl};
use super::records::{self, Records};
use super::{SEARCH, Spl, baseline, chain, kept, shared};
use crate::backend::bind::{self, Bound, BoundLink};
use crate::backend::schema::Dialect as _;
use crate::backend::{Effect, External, Job, Options, Part, Report, Role, Rows, Schedule, gate};
use crate::ir::{self, Alert, Chain, Rule, StepField};
use crate::source::Span;

/// How much longer than its chain needs it a key is kept, in seconds: after an outage Splunk runs what it left out, and
/// the rule's search may be first.
const OUTAGE: u64 = 86_400;
/// The column behind the keys.
const UNTIL: &str = "open_until";

/// The search that keeps the keys, and the schedule of the search that asks for them; nothing if the rule is not
/// staged. Errors go to the report.
pub(super) fn part(
    bound: &Bound<'_, Spl>,
    job: &Job<'_>,
    schedule: Schedule,
    report: &mut Report,
) -> Option<(Part, Schedule)> {
    if !job.options.staged {
        return None;
    }
    if let Some((span, why)) = reason_against(bound, job) {
        gate::refuse_staged(Spl::TITLE, span, why, report);
        return None;
    }
    let rule = without_last(job.rule)?;
    let options = Options { staged: false, rows: Rows::All, ..job.options.clone() };
    let earlier = Job { rule: &rule, options: &options, ..*job };
    // Whatever it would say of the steps before the last one is said of the whole rule too.
    let mut found = Report::default();
    let part = keep(bound, &earlier, schedule, &mut found);
    let Report { errors, warnings: _, notes: _, requires: _, lists, .. } = found;
    for error in errors {
        report.error(error);
    }
    for list in lists {
        report.read(list);
    }
    let (part, asks) = part?;
    tell(bound, job, &part, report);
    Some((part, asks))
}

/// Why a rule cannot be staged, and where that is.
fn reason_against(bound: &Bound<'_, Spl>, job: &Job<'_>) -> Option<(Span, &'static str)> {
    let Chain { steps, together, .. } = &job.rule.chain;
    let (last, before) = steps.split_last()?;
    let sources = |step: &ir::Step| step.selections().map(|one| one.source.node.clone()).collect::<Vec<_>>();
    let absences = job.rule.chain.absences().flat_map(|absence| &absence.selections);
    let others = before.iter().flat_map(ir::Step::selections).chain(absences);
    let large = sources(last);
    let read_twice = others.into_iter().find(|one| large.contains(&one.source.node)).map(|one| one.span);
    if let Some(together) = together {
        return Some((together.span, "its steps come in any order, so each of them can be the last"));
    }
    let Some(link) = bound.links.last() else {
        return Some((job.rule.name.span, "it has one step, and no key by which another could be found"));
    };
    if link.keys.is_empty() {
        return Some((link.span, "no single value is the key of its last step"));
    }
    if last.repetition.is_some() {
        return Some((last.span, "its last step counts records, of which those before the chain count too"));
    }
    if let Some(span) = read_twice {
        return Some((span, "the log of the last step is read here too, whole"));
    }
    let kept = baseline::kept(bound, job).into_iter().next();
    kept.map(|kept| {
        (kept.span, "this asks a list of its own, which each of the two searches would have to keep")
    })
}

/// The rule without its last step; what an alert shows are the keys by which that is found.
fn without_last(rule: &Rule) -> Option<Rule> {
    let mut rule = rule.clone();
    rule.chain.steps.pop()?;
    let link = rule.chain.links.pop()?;
    let step = rule.chain.steps.len().checked_sub(1)?;
    let keys = link.keys.into_iter().filter(|key| !key.any.of_one());
    let show = keys.map(|key| StepField { step, field: key.left }).collect();
    rule.alert = Alert { entities: Vec::new(), show, dedupe: None };
    Some(rule)
}

/// The keys of the last link: the column of the later record, the name in the list, and the value of the earlier one.
fn keys(link: &BoundLink<'_, Spl>, number: u64) -> Vec<(Frag, Frag, Frag)> {
    let names = kept::key_names(link.keys.iter().map(|(left, _)| left.name.as_str()), &[UNTIL]);
    let sides = link.keys.iter().zip(&link.folded);
    let keys = (1..).zip(sides.zip(names));
    keys.map(|(at, (((left, _), folded), name))| {
        let value = literal::joined(&left.name, left.ty, *folded);
        (literal::key(number, at), literal::flat(&name), value)
    })
    .collect()
}

/// The last link and its number.
fn last<'b, 'a>(bound: &'b Bound<'a, Spl>) -> Option<(u64, &'b BoundLink<'a, Spl>)> {
    (1..).zip(&bound.links).last()
}

fn list(rule: &Rule) -> Frag {
    literal::flat(&format!("{}_open", rule.name.node))
}

/// Leaves of the records of the last step those whose key is in the list.
pub(super) fn ask(bound: &Bound<'_, Spl>, records: &Records<'_, '_>, job: &Job<'_>) -> Vec<Frag> {
    let is_last = records.step.is_some_and(|step| step.last);
    let Some((number, link)) = last(bound).filter(|_| job.options.staged && is_last) else {
        return Vec::new();
    };
    let pairs =
        keys(link, number).into_iter().map(|(column, name, _)| spl!("{name} AS {column}", name, column));
    let (list, pairs) = (list(job.rule), literal::list(&pairs.collect::<Vec<_>>()));
    vec![
        spl!("lookup {list} {pairs} OUTPUT open_until AS chain_open", list, pairs),
        spl!("where isnotnull(chain_open) AND _time <= tonumber(chain_open)"),
        spl!("fields - chain_open"),
    ]
}

/// The search that keeps the keys, of a job whose rule has no last step any more.
fn keep(
    bound: &Bound<'_, Spl>,
    earlier: &Job<'_>,
    schedule: Schedule,
    report: &mut Report,
) -> Option<(Part, Schedule)> {
    let of_earlier = bind::bind::<Spl>(earlier, report)?;
    let branches = shared::grouped(records::all(&of_earlier), earlier);
    let branches: Vec<Value> =
        branches.iter().map(|group| super::branch(&of_earlier, group, earlier, report)).collect();
    let of_keys = Schedule::of(&of_earlier, earlier).of_keys();
    let asks = schedule.with_keys(of_keys);
    let mut tail = chain::found(&of_earlier, &[], branches.len() == 1, report);
    tail.extend(commands(bound, earlier.rule, asks)?);
    if !report.errors.is_empty() {
        return None;
    }
    let context = context! {
        chained => branches.len() > 1,
        head => super::values(head(earlier.rule, of_keys, asks)),
        branches,
        tail => super::values(tail),
    };
    let text = SEARCH.print(Spl::TITLE, earlier.rule.span, context, report)?;
    let name = format!("{}_keys", earlier.rule.name.node);
    let id = baseline::derived(earlier.rule, "keys");
    let (role, indexes, keys) = (Role::Keys, Vec::new(), Vec::new());
    Some((Part { name, id, role, schedule: of_keys, indexes, keys, lake: None, text }, asks))
}

fn head(rule: &Rule, schedule: Schedule, asks: Schedule) -> Vec<Frag> {
    let list = list(rule);
    let [every, look_back, first] = [schedule.every, schedule.look_back, asks.look_back].map(ir::duration);
    let lines = [
        rule.meta.title.clone(),
        format!(
            "keys of rule {} ({}): keeps the list `{}` of chains that lack their last step",
            rule.name.node,
            rule.meta.id,
            list.text()
        ),
        format!(
            "schedule: run every {every} over the last {look_back}; once, before the first run of the rule's search, \
             over the last {first}: a key that the list lacks is not looked for"
        ),
    ];
    lines.iter().map(|line| literal::comment(line)).collect()
}

/// Adds the keys of what was found to those in the list. A key is open for the gap after its newest chain, and a second
/// for times whose digits a list does not hold.
fn commands(bound: &Bound<'_, Spl>, rule: &Rule, asks: Schedule) -> Option<Vec<Frag>> {
    let (number, link) = last(bound)?;
    let keys = keys(link, number);
    let made: Vec<Frag> = keys.iter().map(|(column, _, value)| literal::assign(column, value)).collect();
    let columns = literal::list(keys.iter().map(|(column, ..)| column));
    let gap = super::links::window(bound, link).saturating_add(1);
    let since = asks.late().saturating_add(asks.every.saturating_mul(2)).saturating_add(OUTAGE);
    let [gap, since] = [gap, since].map(literal::number);
    let mut out = Vec::from_iter(super::eval(made));
    out.extend([
        spl!("stats max(_time) AS open_until BY {columns}", columns),
        spl!("eval open_until=open_until + {gap}", gap),
    ]);
    let keys: Vec<_> = keys.into_iter().map(|(column, name, _)| (column, name)).collect();
    let lasts = spl!("open_until >= now() - {since}", since);
    out.extend(kept::merged(&list(rule), &keys, &[(UNTIL, "max")], &lasts));
    Some(out)
}

/// Says what the list is, and what the search promises with it.
fn tell(bound: &Bound<'_, Spl>, job: &Job<'_>, part: &Part, report: &mut Report) {
    let Some((number, link)) = last(bound) else { return };
    let (list, name) = (list(job.rule).text().to_owned(), &part.name);
    let step = bound.steps.last().map_or("", |step| step.name.node.as_str());
    let every = ir::duration(part.schedule.every);
    report.note(
        Effect::Conditional,
        link.span,
        format!(
            "`{step}` is looked for where the list `{list}` has its key: exact while no two runs of `{name}` in a row \
             are late or left out, and the list is on the indexers within {every}; else chains are missed"
        ),
    );
    report.require(format!(
        "lookup definition `{list}` with case_sensitive_match = true and no match_type, over `{list}.csv` as `compile \
         -o` writes it, which is empty: `{name}` fills it; run that once over the time that its head says, and do not \
         put the empty file in its place again. The file must be among those that search heads hand to the indexers \
         (distsearch.conf, replicationDenylist), or the search fails there"
    ));
    let names: Vec<String> = keys(link, number).iter().map(|(_, name, _)| name.text().to_owned()).collect();
    let columns: Vec<&str> = names.iter().map(String::as_str).chain([UNTIL]).collect();
    report.read(External::kept(list, &columns, link.span));
}

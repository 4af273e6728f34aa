//! Schedules as built, over events that arrive late and out of order: each chain is reported once.

use std::collections::BTreeMap;
use std::sync::Arc;

use catena::Project;
use catena::catalog::Catalog;
use catena::engine::alert;
use catena::engine::program::Program;
use catena::engine::record::{Identity, Record, Schemas};
use catena::engine::value::Value;
use serde_json::Value as Json;

use crate::program::{AS_OF, catena, path, scratch};

const RULE: &str = r#"
rule launch {
  title       "A launch, then egress"
  id          "0d1c2a54-3a0e-4c0c-9c3e-6a9d2b7f5c4d"
  description "A sign-in, a launch, and the instance calls out."
  severity    high
  chain within 24m {
    step login from aws.cloudtrail where event.action == "ConsoleLogin"
    then within 15m on actor.id
    step start from aws.cloudtrail where event.action == "RunInstances"
    then within 10m on instance.eni
    step egress from aws.vpcflow where flow.action == "ACCEPT"
  }
  alert { entity account start.actor.id  dedupe 1h by start.actor.id, start.instance.eni }
}
"#;

/// What must not come after the last step, and may be read last of all.
const WAITS: &str = r#"
rule key {
  title       "An access key, and no second factor after it"
  id          "5f0c7d0a-0c7e-4f0e-9f57-0b6d1f6f3b1a"
  description "A sign-in, then a key, and nobody adds a second factor."
  severity    high
  chain {
    step login from aws.cloudtrail where event.action == "ConsoleLogin"
    then within 10m on actor.id
    step key from aws.cloudtrail where event.action == "CreateAccessKey"
      unless mfa from aws.cloudtrail where event.action == "EnableMFADevice" within 430s after on actor.id
  }
  alert { entity account key.actor.id  dedupe 1h by key.actor.id }
}
"#;

const SECOND: i64 = 1_000_000;

/// When a search runs, in seconds, as the manifest says it.
#[derive(Debug, Clone, Copy)]
struct Plan {
    every: i64,
    look_back: i64,
    delay: i64,
    /// How far before a run it stops to read, by the time that the SIEM selects events by.
    unread: i64,
    /// How much of the delay is waited for what must not come.
    wait: i64,
    slices: bool,
    /// Whether a slice has its start, and not its end, as Splunk's times do; Kusto's test is the other way round.
    has_start: bool,
}

/// The plan of each target that has a schedule of its own.
fn plans(rule: &str) -> BTreeMap<String, Plan> {
    let folder = scratch("schedules", &[("r.chain", rule.as_bytes())]);
    // Elastic's sequences have one key: of this rule they are two parts, whose plans are of each part alone.
    let arguments = ["--target", "spl", "--target", "kql", "--as-of", AS_OF, "-o", &path(&folder, "dist")];
    let file = path(&folder, "r.chain");
    let ran = catena(&[["build", &file].as_slice(), &arguments].concat());
    assert_eq!(ran.status, 0, "{}", ran.err);
    let manifest: Json =
        serde_json::from_slice(&std::fs::read(folder.path().join("dist/manifest.json")).unwrap()).unwrap();
    let saved = path(&folder, "dist/splunk/catena_detections/default/savedsearches.conf");
    let saved = std::fs::read_to_string(saved).unwrap();
    let until = saved.lines().find_map(|line| line.strip_prefix("dispatch.latest_time = ")).unwrap();
    let until = until.strip_suffix("@m").unwrap();
    let minutes =
        until.strip_prefix('-').map_or(0, |until| until.strip_suffix('m').unwrap().parse().unwrap());
    let mut plans = BTreeMap::new();
    for target in manifest["rules"][0]["targets"].as_array().unwrap() {
        let schedule = &target["parts"][0]["schedule"];
        let seconds = |key: &str| schedule[key].as_i64().unwrap();
        let wait = schedule["wait"].as_i64().unwrap_or(0);
        let name = target["target"].as_str().unwrap();
        let plan = Plan {
            every: seconds("every"),
            look_back: seconds("look_back"),
            delay: seconds("delay"),
            unread: if name == "spl" { 60 * minutes } else { 0 },
            wait,
            slices: schedule["slices"].as_bool().unwrap(),
            has_start: name == "spl",
        };
        plans.insert(name.to_owned(), plan);
    }
    plans
}

/// An event and when a SIEM can read it, in seconds.
struct Arriving {
    record: Record,
    at: i64,
    /// The `_time` of Splunk. Which one a flow gets is a matter of the add-on: its start, its end, when it came.
    stamp: i64,
    arrives: i64,
}

struct Bench {
    catalog: Catalog,
    schemas: Schemas,
    program: Program,
}

impl Bench {
    fn new(rule: &str) -> Self {
        let checked = Project::of("r.chain", rule).check().unwrap();
        let catalog = Catalog::embedded().unwrap();
        let schemas = Schemas::for_rules(&catalog, &checked.rules);
        let program = Program::new(&checked.rules[0], &schemas).unwrap();
        Self { catalog, schemas, program }
    }

    fn event(
        &self,
        number: usize,
        at: i64,
        source: &str,
        fields: &[(&str, &str)],
        random: &mut fastrand::Rng,
    ) -> Arriving {
        let schema = self.schemas.get(source).unwrap();
        let mut values = schema.empty();
        for (name, value) in fields {
            values[schema.place(name).unwrap()] = Some(Value::Text((*value).to_owned().into()));
        }
        let bound = i64::try_from(self.catalog.source(source).unwrap().lateness(0)).unwrap();
        let late = if random.bool() { bound } else { random.i64(0..=bound) };
        let event = Identity::of(source, number);
        let record = Record { schema: Arc::clone(schema), time: at * SECOND, event, values: values.into() };
        let stamp = if source == "aws.vpcflow" { at + random.i64(0..=late) } else { at };
        Arriving { record, at, stamp, arrives: at + late }
    }

    /// Chains and parts of chains, at the edges of the windows half of the time.
    fn world(&self, random: &mut fastrand::Rng) -> Vec<Arriving> {
        let mut events = Vec::new();
        for chain in 0..random.usize(1..=3) {
            let gap = |longest: i64, random: &mut fastrand::Rng| {
                if random.bool() { longest } else { random.i64(0..=longest + 30) }
            };
            let end = random.i64(6_000..8_000);
            let start = end - gap(600, random);
            let login = start - gap(if random.bool() { 840 } else { 900 }, random);
            let (actor, eni) = (format!("a{}", chain / 2), format!("eni-{}", random.u8(0..2)));
            let n = chain * 10;
            let signs_in = [("event.action", "ConsoleLogin"), ("actor.id", &actor)];
            let starts = [("event.action", "RunInstances"), ("actor.id", &actor), ("instance.eni", &eni)];
            events.push(self.event(n, login, "aws.cloudtrail", &signs_in, random));
            events.push(self.event(n + 1, start, "aws.cloudtrail", &starts, random));
            for flow in 0..random.usize(1..=2) {
                let at = end + i64::try_from(flow).unwrap() * random.i64(0..200);
                let flows = [("flow.action", "ACCEPT"), ("instance.eni", eni.as_str())];
                events.push(self.event(n + 2 + flow, at, "aws.vpcflow", &flows, random));
            }
        }
        random.shuffle(&mut events);
        events
    }

    /// Keys at the edge of their window, and second factors at the edge of theirs.
    fn waiting(&self, random: &mut fastrand::Rng) -> Vec<Arriving> {
        let mut events = Vec::new();
        for chain in 0..random.usize(1..=3) {
            let key = random.i64(6_000..8_000);
            let login = key - if random.bool() { 600 } else { random.i64(0..=630) };
            let after = key + if random.bool() { 430 } else { random.i64(-60..=460) };
            let actor = format!("a{}", chain / 2);
            let times = [(login, "ConsoleLogin"), (key, "CreateAccessKey"), (after, "EnableMFADevice")];
            let some = if random.u8(0..3) == 0 { 2 } else { 3 };
            for (number, (at, action)) in times.into_iter().take(some).enumerate() {
                let fields = [("event.action", action), ("actor.id", actor.as_str())];
                events.push(self.event(chain * 10 + number, at, "aws.cloudtrail", &fields, random));
            }
        }
        random.shuffle(&mut events);
        events
    }

    /// The last events of the chains among some events.
    fn ends(&self, events: &[&Arriving]) -> Vec<Identity> {
        let records: Vec<Record> = events.iter().map(|event| event.record.clone()).collect();
        let found = alert::run(&self.program, &records);
        found.iter().map(|alert| records[*alert.records.last().unwrap()].event).collect()
    }

    /// How often each chain is reported by all runs, the first of which is at `phase`.
    fn reports(&self, plan: Plan, events: &[Arriving], phase: i64) -> BTreeMap<Identity, usize> {
        let mut counts = BTreeMap::new();
        let last = events.iter().map(|event| event.at).max().unwrap() + plan.delay + 2 * plan.every;
        let mut run = phase;
        while run <= last {
            let (start, end) = (run - plan.delay - plan.every, run - plan.delay);
            let is_own =
                |at: i64| if plan.has_start { start <= at && at < end } else { start < at && at <= end };
            if events.iter().any(|event| is_own(event.at)) {
                let is_read = |event: &&Arriving| {
                    let by = if plan.has_start { event.stamp } else { event.at };
                    event.arrives <= run && run - plan.look_back <= by && by <= run - plan.unread
                };
                let visible: Vec<&Arriving> = events.iter().filter(is_read).collect();
                for id in self.ends(&visible) {
                    let at = events.iter().find(|event| event.record.event == id).unwrap().at;
                    if is_own(at) {
                        *counts.entry(id).or_insert(0) += 1;
                    }
                }
            }
            run += plan.every;
        }
        counts
    }
}

/// A world of some chains.
type World = fn(&Bench, &mut fastrand::Rng) -> Vec<Arriving>;

/// What the runs over many worlds report.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    chains: usize,
    missed: usize,
    doubled: usize,
    added: usize,
}

/// Over 10,000 worlds.
fn simulate(bench: &Bench, plan: Plan, world: World) -> Tally {
    let mut random = fastrand::Rng::with_seed(15);
    let mut tally = Tally::default();
    for _ in 0..10_000 {
        let events = world(bench, &mut random);
        let phase = random.i64(0..plan.every);
        let found = bench.reports(plan, &events, phase);
        let expected = bench.ends(&events.iter().collect::<Vec<_>>());
        tally.chains += expected.len();
        tally.missed += expected.iter().filter(|id| !found.contains_key(*id)).count();
        tally.doubled += found.values().filter(|count| **count > 1).count();
        tally.added += found.keys().filter(|id| !expected.contains(id)).count();
    }
    tally
}

#[test]
fn a_built_schedule_neither_misses_nor_doubles() {
    let bench = Bench::new(RULE);
    let plans = plans(RULE);
    assert_eq!(plans.len(), 2);
    for (target, plan) in plans {
        assert!(plan.slices && plan.delay == 1_200 && plan.every == 300, "{target}: {plan:?}");
        let Tally { chains, missed, doubled, added } = simulate(&bench, plan, Bench::world);
        assert!(chains > 10_000, "{chains}");
        assert_eq!((missed, doubled, added), (0, 0, 0), "{target}: {plan:?}");
        // A minute less, and chains are lost; a slice that is shorter or longer than the interval loses or repeats.
        let shorter = Plan { look_back: plan.look_back - 60, ..plan };
        assert!(simulate(&bench, shorter, Bench::world).missed > 0, "{target}: {shorter:?} is as good");
        let sooner = Plan { delay: plan.delay - 60, ..plan };
        assert!(simulate(&bench, sooner, Bench::world).missed > 0, "{target}: {sooner:?} is as good");
        // A flow of the slice may have a later time in Splunk.
        let blind = Plan { unread: plan.delay, ..plan };
        assert!(
            !plan.has_start || simulate(&bench, blind, Bench::world).missed > 0,
            "{target}: {blind:?} is as good"
        );
    }
}

#[test]
fn a_built_schedule_waits_for_what_must_not_come() {
    let bench = Bench::new(WAITS);
    for (target, plan) in plans(WAITS) {
        // 10 minutes of CloudTrail and 430 seconds, in whole minutes.
        assert!(plan.slices && plan.delay == 1_080 && plan.wait == 430, "{target}: {plan:?}");
        let Tally { chains, missed, doubled, added } = simulate(&bench, plan, Bench::waiting);
        assert!(chains > 4_000, "{chains}");
        assert_eq!((missed, doubled, added), (0, 0, 0), "{target}: {plan:?}");
        let sooner = Plan { delay: plan.delay - 120, ..plan };
        assert!(simulate(&bench, sooner, Bench::waiting).added > 0, "{target}: {sooner:?} is as good");
        // What is not read cannot be waited for.
        let blind = Plan { unread: plan.delay, ..plan };
        assert!(simulate(&bench, blind, Bench::waiting).added > 0, "{target}: {blind:?} is as good");
    }
}

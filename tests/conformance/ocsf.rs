//! SQL over the tables of Amazon Security Lake: events converted as AWS documents, and the answers compared with the
//! engine's over the events themselves, for every rule whose fields survive.
//!
//! In: rules of files, random ones, and some over logs that the worlds of the comparison do not have. Out: what
//! differs. Must not know: how a table is read.

use catena::backend::{self, Emission, Job, ListDelivery, Options, Schemas, SqlDialect};
use catena::catalog::{Catalog, Layout};
use catena::diag::Diagnostics;
use serde_json::{Value, json};

use super::harness::Harness;
use super::judge::{Answer, judge};
use super::raw::Event;
use super::samples::FLOW;
use super::scenarios::Maker;
use super::subjects::{self, Subject};
use super::{BEGIN, scenarios_for};
use crate::rules;

const LAYOUTS: [(Layout, &str); 2] = [(Layout::Ocsf1, "ocsf1"), (Layout::Ocsf2, "ocsf2")];
/// Scenarios of each rule, and how many random rules are tried.
const SCENARIOS: usize = 5;
const RANDOM: usize = 120;

fn laid_out(layout: Layout) -> (Catalog, Schemas) {
    let (mut catalog, mut found) = (Catalog::embedded().unwrap(), Diagnostics::default());
    catalog.lay_out(layout);
    let schemas = backend::schemas(&catalog, &mut found);
    assert!(found.is_empty(), "{found:?}");
    (catalog, schemas)
}

fn compile(subject: &Subject, (catalog, schemas): &(Catalog, Schemas)) -> Option<Emission> {
    let options = Options { lists: subject.delivery, dialect: SqlDialect::DuckDb, ..Options::default() };
    let job = Job { rule: &subject.rule, catalog, schemas, options: &options };
    backend::compile(&job, backend::by_name("sql").unwrap(), &mut Diagnostics::default())
}

/// A flow record as Security Lake collects it: with every field of version 5, so that its direction says at which end
/// the interface is.
fn collected(place: usize, mut event: Event) -> Event {
    if event.source != FLOW {
        return event;
    }
    if !["ingress", "egress"].contains(&event.raw["flow-direction"].as_str().unwrap_or_default()) {
        event.raw["flow-direction"] = json!(if place.is_multiple_of(2) { "egress" } else { "ingress" });
    }
    // Security Lake translates the words that AWS writes; there are no others.
    let action = event.raw["action"].as_str().unwrap_or_default().to_ascii_uppercase();
    event.raw["action"] = json!(if ["ACCEPT", "REJECT"].contains(&action.as_str()) { &action } else { "-" });
    for [seen, packet] in [["srcaddr", "pkt-srcaddr"], ["dstaddr", "pkt-dstaddr"]] {
        let is_unknown = |value: &Value| matches!(value.as_str(), None | Some("-"));
        if is_unknown(&event.raw[packet]) || is_unknown(&event.raw[seen]) {
            event.raw[packet] = event.raw[seen].clone();
        }
    }
    event
}

/// What differs of one rule, and how many alerts there were.
fn compare(
    subject: &Subject,
    emission: &Emission,
    harness: &mut Harness,
    maker: &Maker<'_>,
    worlds: &[(i64, Vec<Event>)],
) -> Result<usize, String> {
    let text = &emission.parts[0].text;
    let rows = harness
        .ask(emission, worlds)
        .map_err(|problem| format!("{} refused: {problem}\n{text}", subject.name))?;
    let mut alerts = 0;
    for ((_, world), rows) in worlds.iter().zip(&rows) {
        let answer = Answer::of(maker, world);
        alerts += answer.alerts.len();
        judge(maker, emission, &answer, rows).map_err(|differs| {
            let events: Vec<_> = world.iter().map(|event| event.raw.to_string()).collect();
            format!("{}: {differs}\n{}\n{rows:?}\n{text}", subject.name, events.join("\n"))
        })?;
    }
    Ok(alerts)
}

#[test]
fn tables_of_security_lake_give_the_answers_of_the_engine() {
    let as_logged = Catalog::embedded().unwrap();
    for (layout, name) in LAYOUTS {
        let mapped = laid_out(layout);
        let mut harness = Harness::start(name);
        let (mut compared, mut alerts, mut differences) = (0, 0, Vec::new());
        for subject in subjects::of_files().into_iter().chain(subjects::random(&as_logged).take(RANDOM)) {
            let Some(emission) = compile(&subject, &mapped) else { continue };
            let maker = Maker::new(&subject.rule, &as_logged);
            let worlds = scenarios_for(&maker, &emission).take(SCENARIOS).map(|(begin, world)| {
                let world = world.into_iter().enumerate().map(|(place, event)| collected(place, event));
                (begin, world.collect())
            });
            let worlds: Vec<_> = worlds.collect();
            compared += 1;
            match compare(&subject, &emission, &mut harness, &maker, &worlds) {
                Ok(found) => alerts += found,
                Err(difference) => differences.push(difference),
            }
        }
        println!("{name}: {compared} rules, {alerts} alerts");
        assert!(differences.is_empty(), "{} differences in {name}\n{}", differences.len(), differences[0]);
        assert!(compared > 100 && alerts > 500, "{name}: {compared} rules, {alerts} alerts");
    }
}

/// Over logs of which the worlds of the comparison know nothing.
const OTHERS: [(&str, &str, &str); 6] = [
    ("dns_a", "aws.route53", r#"dns.question.name == "bad.example" and dns.question.type == "A""#),
    ("dns_b", "aws.route53", r#"dns.response_code == "NXDOMAIN" or any(dns.answers) == "192.0.2.9""#),
    ("dns_c", "aws.route53", r#"dns.response_code != "NOERROR" and source.ip in ("10.0.0.0/8")"#),
    ("eks_a", "kubernetes.audit", r#"event.action == "create" and any(actor.groups) == "system:masters""#),
    ("eks_b", "kubernetes.audit", r#"event.status_code == 403 and object.namespace == "kube-system""#),
    ("eks_c", "kubernetes.audit", r#"any(container.images) starts_with "evil/" or source.ip == "192.0.2.5""#),
];

fn other(name: &str, source: &str, condition: &str) -> Subject {
    let shown = if source == "aws.route53" {
        "instance.id, ask.instance.vpc_id"
    } else {
        "actor.id, ask.user_agent.original"
    };
    let text = format!(
        r#"rule {name} {{
  title "One step"
  id "0a7c1a50-7a0e-4bd5-9d6c-1f0d5c9a0b{number:02}"
  description "One step over a log of Security Lake."
  severity low
  chain {{ step ask from {source} where {condition} }}
  alert {{ show ask.{shown} }}
}}"#,
        number = name.bytes().map(u32::from).sum::<u32>() % 90 + 10,
    );
    let rule = rules::from_text(&text).pop().unwrap();
    Subject { name: name.to_owned(), origin: text, rule, delivery: ListDelivery::Auto, seed: None }
}

fn look_up(number: usize, time: &str) -> Value {
    let name = ["bad.example.", "good.example.", "BAD.example.", ""][number % 4];
    let kind = if number.is_multiple_of(2) { "A" } else { "TXT" };
    let code = ["NOERROR", "NXDOMAIN", "SERVFAIL"][number % 3];
    let answers = [
        json!([]),
        json!([{ "Rdata": "192.0.2.9", "Type": "A", "Class": "IN" }]),
        json!([{ "Rdata": "a", "Type": "TXT", "Class": "IN" }, { "Rdata": "192.0.2.9", "Type": "A", "Class": "IN" }]),
    ][number % 3]
        .clone();
    json!({
        "version": "1.100000", "account_id": "111122223333", "region": "eu-west-1", "vpc_id": "vpc-1",
        "query_timestamp": time, "query_name": name, "query_type": kind,
        "query_class": "IN", "rcode": code, "answers": answers, "srcaddr": format!("10.0.0.{number}"),
        "srcport": "5300", "transport": "UDP", "srcids": { "instance": format!("i-{number}") },
    })
}

fn request(number: usize, time: &str) -> Value {
    let verb = if number.is_multiple_of(2) { "create" } else { "get" };
    let groups =
        [json!(["system:masters", "system:authenticated"]), json!(["a"]), json!([])][number % 3].clone();
    let images =
        [json!([{ "name": "a", "image": "evil/a" }]), json!([{ "name": "b", "image": "b" }]), Value::Null];
    let containers = images[number % 3].clone();
    let (namespace, code) = (["kube-system", "default"][number % 2], [200, 403, 201][number % 3]);
    json!({
        "kind": "Event", "level": "RequestResponse", "auditID": format!("id-{number}"), "stage": "ResponseComplete",
        "verb": verb, "user": { "username": "jo", "groups": groups },
        "sourceIPs": [format!("192.0.2.{number}")], "userAgent": "kubectl",
        "objectRef": { "resource": "pods", "namespace": namespace, "name": "x" },
        "responseStatus": { "code": code },
        "requestObject": { "spec": { "containers": containers } },
        "requestReceivedTimestamp": time, "stageTimestamp": time,
    })
}

#[test]
fn dns_and_eks_of_security_lake_give_the_answers_of_the_engine() {
    let as_logged = Catalog::embedded().unwrap();
    for (layout, name) in LAYOUTS {
        let mapped = laid_out(layout);
        let mut harness = Harness::start(name);
        for (rule, source, test) in OTHERS {
            let subject = other(rule, source, test);
            let emission = compile(&subject, &mapped);
            assert_eq!(emission.is_some(), layout == Layout::Ocsf2 || source == "aws.route53", "{rule}");
            let Some(emission) = emission else { continue };
            let world = |number: usize| {
                let begin = BEGIN + i64::try_from(number).unwrap() * 86_400;
                let time = jiff::Timestamp::from_second(begin).unwrap().to_string();
                let raw =
                    if source == "aws.route53" { look_up(number, &time) } else { request(number, &time) };
                (begin, vec![Event { source: source.to_owned(), raw }])
            };
            let worlds: Vec<_> = (0..24).map(world).collect();
            let maker = Maker::new(&subject.rule, &as_logged);
            let alerts = compare(&subject, &emission, &mut harness, &maker, &worlds).unwrap();
            assert!((1..24).contains(&alerts), "{rule} in {name}: {alerts} alerts");
        }
    }
}

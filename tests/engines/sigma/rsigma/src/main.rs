//! Runs Sigma files on small scenarios of events with rsigma-eval.
//!
//! In: a request a line on stdin, by the contract of ../../README.md. Out: an answer a line on stdout.
//! A row names the event at which the rule fired: rsigma does not say which other events it rests on.

use std::collections::BTreeSet;
use std::io::{BufRead, Write};

use rsigma_eval::event::JsonEvent;
use rsigma_eval::{CorrelationConfig, CorrelationEngine, LogSourceExtractor, TimestampFallback};
use rsigma_parser::{SigmaCollection, parse_sigma_yaml};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Fields added to an event for the engine; no AWS event has such names.
const TIME: &str = "harness_time";
const PRODUCT: &str = "harness_product";
const SERVICE: &str = "harness_service";

#[derive(Deserialize)]
struct Request {
    parts: Vec<Part>,
    scenarios: Vec<Vec<Event>>,
}

#[derive(Deserialize)]
struct Part {
    text: String,
}

#[derive(Deserialize)]
struct Event {
    source: String,
    raw: Value,
}

#[derive(Serialize)]
struct Row {
    events: Vec<usize>,
    key: Vec<Option<String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Answers(Vec<Vec<Row>>),
    Error(String),
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line?)?;
        let answer = answers(&request).map_or_else(Answer::Error, Answer::Answers);
        serde_json::to_writer(&mut out, &answer)?;
        writeln!(out)?;
        out.flush()?;
    }
    Ok(())
}

fn answers(request: &Request) -> Result<Vec<Vec<Row>>, String> {
    let texts: Vec<&str> = request.parts.iter().map(|part| part.text.as_str()).collect();
    let collection = parse_sigma_yaml(&texts.join("---\n")).map_err(|error| error.to_string())?;
    if let Some(error) = collection.errors.first() {
        return Err(error.to_string());
    }
    let top = Top::of(&collection)?;
    request.scenarios.iter().map(|scenario| run(&collection, &top, scenario)).collect()
}

/// The rule that no other names: what a correlation names does not alert.
struct Top {
    id: String,
    group_by: Vec<String>,
}

impl Top {
    fn of(collection: &SigmaCollection) -> Result<Self, String> {
        let named: BTreeSet<&str> =
            collection.correlations.iter().flat_map(|rule| &rule.rules).map(String::as_str).collect();
        let free = |name: Option<&String>, id: Option<&String>| {
            ![name, id].into_iter().flatten().any(|known| named.contains(known.as_str()))
        };
        let bases =
            collection.rules.iter().map(|rule| (rule.name.as_ref(), rule.id.as_ref(), &[] as &[String]));
        let joins = collection
            .correlations
            .iter()
            .map(|rule| (rule.name.as_ref(), rule.id.as_ref(), rule.group_by.as_slice()));
        let mut alerting = bases.chain(joins).filter(|(name, id, _)| free(*name, *id));
        match (alerting.next(), alerting.next()) {
            (Some((_, Some(id), group_by)), None) => Ok(Self { id: id.clone(), group_by: group_by.to_vec() }),
            _ => Err("exactly one rule must alert, and it needs an id".to_owned()),
        }
    }
}

fn run(collection: &SigmaCollection, top: &Top, scenario: &[Event]) -> Result<Vec<Row>, String> {
    let mut engine = CorrelationEngine::new(CorrelationConfig {
        timestamp_fields: vec![TIME.to_owned()],
        timestamp_fallback: TimestampFallback::Skip,
        ..CorrelationConfig::default()
    });
    engine.set_logsource_extractor(Some(LogSourceExtractor::new().with_field_names(
        PRODUCT,
        SERVICE,
        "harness_category",
    )));
    engine.add_collection(collection).map_err(|error| error.to_string())?;
    let mut events: Vec<_> =
        scenario.iter().enumerate().filter_map(|(number, event)| prepared(number, event)).collect();
    events.sort_by_key(|(time, number, _)| (*time, *number));
    let mut rows = Vec::new();
    for (_, number, event) in &events {
        for result in engine.process_event(&JsonEvent::borrow(event)) {
            if result.header.rule_id.as_deref() != Some(top.id.as_str()) {
                continue;
            }
            let known = result.as_correlation().map(|body| body.group_key.as_slice()).unwrap_or_default();
            let value =
                |key: &String| known.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
            rows.push(Row { events: vec![*number], key: top.group_by.iter().map(value).collect() });
        }
    }
    Ok(rows)
}

/// The event as the engine sees it, with its instant in microseconds; `None` for one without a time.
/// Texts that are numbers stay texts: the engine compares them as numbers.
fn prepared(number: usize, event: &Event) -> Option<(i64, usize, Value)> {
    let text = |name: &str| event.raw.get(name)?.as_str();
    let (service, micros) = match event.source.as_str() {
        "aws.cloudtrail" => {
            ("cloudtrail", text("eventTime")?.parse::<jiff::Timestamp>().ok()?.as_microsecond())
        }
        "aws.vpcflow" => ("vpcflow", text("start")?.parse::<i64>().ok()?.checked_mul(1_000_000)?),
        _ => return None,
    };
    let mut seen = event.raw.clone();
    let fields = seen.as_object_mut()?;
    if service == "vpcflow" {
        // As Athena and the Splunk add-on name them, and the rules.
        *fields = std::mem::take(fields).into_iter().map(|(name, value)| (name.replace('-', "_"), value)).collect();
    }
    fields.insert(TIME.to_owned(), json!(micros.div_euclid(1_000_000)));
    fields.insert(PRODUCT.to_owned(), json!("aws"));
    fields.insert(SERVICE.to_owned(), json!(service));
    Some((micros, number, seen))
}

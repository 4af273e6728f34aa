//! Log files beside a plain JSON reader.
//!
//! In: the bytes of a file. Promise: no event that a plain reader finds is lost without a message and a status other
//! than 0. The plain reader takes one JSON value after another, as `jq` does, up to the first error, and looks for
//! events in lists, in members of objects, and in JSON that stands in a string.

use std::io::Write;
use std::sync::LazyLock;

use catena::replay::input::Input;
use catena::replay::{Control, Options, Plan, Report};
use serde_json::Value;

use super::files::{CATALOG, sound};

/// A rule that passes over most events.
static PLAN: LazyLock<Plan> = LazyLock::new(|| {
    let rules = sound(include_str!("reading.chain"));
    Plan::new(&rules, &CATALOG, &Options::default()).expect("the rules can run")
});

fn report(bytes: &[u8]) -> Report {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(bytes).expect("a file");
    let path = file.path().to_string_lossy().into_owned();
    PLAN.replay(&[Input { source: Some("aws.cloudtrail".to_owned()), path }], &Control::default())
}

/// Any bytes are a `CloudTrail` file.
pub(crate) fn plain(bytes: &[u8]) {
    let found = events_in_text(bytes);
    let report = report(bytes);
    let stats = &report.stats;
    assert!(
        stats.recognised >= found || stats.is_incomplete(),
        "{} of {found} events, and nothing is said: {stats:?}",
        stats.recognised
    );
    if stats.events > 0 && stats.recognised == 0 {
        assert!(stats.is_incomplete(), "a file without an event counts as read: {stats:?}");
    }
}

fn events_in_text(bytes: &[u8]) -> u64 {
    let whole = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(problem) => std::str::from_utf8(&bytes[..problem.valid_up_to()]).unwrap_or_default(),
    };
    let text = whole.trim_start_matches('\u{feff}');
    let values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    values.map_while(Result::ok).map(|value| events_in(&value)).sum()
}

/// Lists of events, as the source names them.
const LISTS: [&str; 4] = ["Records", "Events", "events", "logEvents"];

fn events_in(value: &Value) -> u64 {
    match value {
        Value::Array(items) => items.iter().map(events_in).sum(),
        Value::String(text) if text.trim_start().starts_with(['{', '[']) => {
            events_in_text(text.trim().as_bytes())
        }
        Value::Object(fields) => {
            let listed = LISTS.iter().filter_map(|key| fields.get(*key)).map(events_in).sum::<u64>();
            let is_other =
                ["s3", "dynamodb", "insightDetails", "digestStartTime", "configurationItems", "class_uid"]
                    .iter()
                    .any(|key| fields.get(*key).is_some_and(|value| !value.is_null()));
            if listed > 0 || is_other {
                return listed;
            }
            if fields.get("eventName").is_some_and(|name| !name.is_null()) {
                return 1;
            }
            fields.values().map(events_in).max().unwrap_or_default()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

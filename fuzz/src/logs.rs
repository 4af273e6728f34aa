//! Log files: `CloudTrail`, flow logs, canonical records.
//!
//! In: the bytes of a file. Promises: no file stops a replay, counts and places add up, whatever is printed can be
//! read, and passing over what cannot match changes no answer.

use std::io::Write;
use std::sync::LazyLock;

use catena::ir::Rule;
use catena::replay::input::Input;
use catena::replay::{Control, Options, Plan, Report, columns as format, misses, output};
use tempfile::NamedTempFile;

use super::files::{CATALOG, SHIPPED, sound};

const STEPS: &str = include_str!("reading.chain");

/// Rules to replay: those shipped, and some that pass over more.
static RULES: LazyLock<Vec<Rule>> =
    LazyLock::new(|| SHIPPED.iter().chain([&STEPS]).flat_map(|text| sound(text)).collect());

/// Two ways to read that must agree.
pub(crate) struct Ways {
    quick: Plan,
    thorough: Plan,
}

impl Ways {
    /// The rules over flow logs whose files name no columns.
    fn new(flow_format: Option<&[String]>) -> Self {
        let plan = |thorough| {
            let flow_format = flow_format.map(<[_]>::to_vec);
            let options = Options { thorough, flow_format, near: Some(3), ..Options::default() };
            Plan::new(&RULES, &CATALOG, &options).expect("the rules can run")
        };
        Self { quick: plan(false), thorough: plan(true) }
    }

    fn agree(&self, source: Option<&str>, bytes: &[u8]) {
        let file = file(bytes);
        let quick = replayed(&self.quick, source, &file);
        let thorough = replayed(&self.thorough, source, &file);
        holds(&quick, bytes);
        holds(&thorough, bytes);
        assert_eq!(output::ndjson(&quick), output::ndjson(&thorough), "alerts");
        assert_eq!(misses::ndjson(&quick), misses::ndjson(&thorough), "near misses");
        assert_eq!(quick.stats.events, thorough.stats.events, "events");
        assert_eq!(quick.stats.kept, thorough.stats.kept, "records");
    }
}

/// Without a format for flow logs.
static WAYS: LazyLock<Ways> = LazyLock::new(|| Ways::new(None));

/// Any bytes are a `CloudTrail` file.
pub(crate) fn cloudtrail(bytes: &[u8]) {
    WAYS.agree(Some("aws.cloudtrail"), bytes);
}

/// Any bytes are a flow log. A first line that AWS would take for a format (`${…} ${…}`) is the format of the rest.
pub(crate) fn flow(bytes: &[u8]) {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    match std::str::from_utf8(line) {
        Ok(line) if line.starts_with("${") => {
            let rest = bytes.get(line.len() + 1..).unwrap_or_default();
            Ways::new(Some(&format::names(line))).agree(Some("aws.vpcflow"), rest);
        }
        Ok(_) | Err(_) => WAYS.agree(Some("aws.vpcflow"), bytes),
    }
}

/// Any bytes are canonical records.
pub(crate) fn canonical(bytes: &[u8]) {
    WAYS.agree(None, bytes);
}

/// What a `CloudTrail` file gives.
pub(crate) fn report(bytes: &[u8]) -> Report {
    replayed(&WAYS.quick, Some("aws.cloudtrail"), &file(bytes))
}

fn file(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a file");
    file.write_all(bytes).expect("a file");
    file
}

fn replayed(plan: &Plan, source: Option<&str>, file: &NamedTempFile) -> Report {
    let path = file.path().to_string_lossy().into_owned();
    let inputs = [Input { source: source.map(str::to_owned), path }];
    plan.replay(&inputs, &Control::default())
}

/// The promises of one report of a plain file.
fn holds(report: &Report, bytes: &[u8]) {
    let lines = bytes.split(|byte| *byte == b'\n').count() as u64;
    let stats = &report.stats;
    for (reason, skipped) in &stats.skipped {
        let (_, place) = skipped.first;
        assert!((1..=lines.max(stats.events)).contains(&place), "{reason}: at {place} of {lines} lines");
        assert!((1..=stats.events.max(1)).contains(&skipped.count), "{reason}: {}", skipped.count);
    }
    for line in output::ndjson(report).lines().chain(misses::ndjson(report).lines()) {
        let read: Result<serde_json::Value, _> = serde_json::from_str(line);
        assert!(read.is_ok(), "not JSON: {line}");
    }
    for text in [output::timelines(report), misses::timelines(report), misses::table(report)] {
        assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    }
    assert!(!output::table(report).is_empty() && !output::summary(stats).is_empty());
}

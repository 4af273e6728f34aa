//! Inputs that give nothing: it is said, whatever their size.

use super::files::{MIDNIGHT, RULE, Scenario, TWO_CALLS, call, flow, launch};
use crate::program::{catena_with_input, path, scratch};

/// The problems of the files of a scenario, without their names.
fn problems(scenario: &Scenario, rule: &str) -> Vec<String> {
    scenario.run(rule).stats.broken_files.into_iter().map(|(_, problem)| problem).collect()
}

fn times_that_nobody_reads(count: usize) -> String {
    let event = call("1", "00:00:00", "Describe").replace("T00:00:00Z", " 00:00:00.000 UTC") + "\n";
    event.repeat(count)
}

/// What is passed over unread is no event that could be used, or a file would be sound that is long enough.
#[test]
fn events_without_a_time_are_no_log_however_many() {
    for count in [6, 26] {
        let scenario = Scenario::new().file("aws.cloudtrail", "log", times_that_nobody_reads(count));
        let none = format!(
            "none of its {count} events of aws.cloudtrail can be used: no usable event time (line 1)"
        );
        assert_eq!(problems(&scenario, TWO_CALLS), [none]);
    }
    // One that can be used makes it a log, wherever it stands.
    let mixed = times_that_nobody_reads(26) + &call("2", "00:00:00", "Describe");
    assert!(problems(&Scenario::new().file("aws.cloudtrail", "log", mixed), TWO_CALLS).is_empty());
}

#[test]
fn columns_in_another_order_are_no_log_in_any_part_of_a_file() {
    let line = flow("eni-1", 60).replace("2 123", "5 123") + " vpc-1 subnet-1 i-1\n";
    let text = line.repeat((17 << 20) / line.len() + 1);
    let scenario = Scenario::new().file("aws.cloudtrail", "trail", launch("1", "00:00:00", "eni-1")).file(
        "aws.vpcflow",
        "flow",
        text,
    );
    let problems = problems(&scenario, RULE);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(
        problems[0].starts_with("nothing in it is an event of aws.vpcflow: a record of 17 columns"),
        "{problems:?}"
    );
}

/// The status of `replay` and what it prints on standard error, of rules in files.
fn replay(rules: &[(&str, &str)], more: &[&str], input: &str) -> (i32, String) {
    let files: Vec<_> = rules.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    let folder = scratch("unusable", &files);
    let rules: Vec<String> = rules.iter().map(|(name, _)| path(&folder, name)).collect();
    let all: Vec<&str> = ["replay"].into_iter().chain(rules.iter().map(String::as_str)).collect();
    let ran = catena_with_input(&[&all, more].concat(), input.as_bytes());
    (ran.status, ran.err)
}

/// The absence of alerts is no answer of a rule that reads a source of which nothing was given.
#[test]
fn a_source_that_is_not_given_is_named() {
    let calls = call("1", "00:00:00", "CreateUser") + "\n" + &call("2", "00:01:00", "RunInstances");
    let events = ["--events", "aws.cloudtrail=-"];
    let (status, err) = replay(&[("one.chain", RULE)], &events, &calls);
    let sentence = "aws.vpcflow: no log of this source is given, so no alert is possible of `test`; give one with `--events aws.vpcflow=PATH`\n";
    assert!(status == 2 && err.contains(sentence), "{status}: {err}");
    // The others run, and what they find is an answer.
    let both = [("one.chain", RULE), ("two.chain", TWO_CALLS)];
    let (status, err) = replay(&both, &events, &calls);
    assert!(status == 0 && err.contains(sentence) && err.contains("1 alert"), "{status}: {err}");
    let (status, err) = replay(&[("one.chain", TWO_CALLS)], &events, &calls);
    assert!(status == 0 && !err.contains("no log of this source"), "{status}: {err}");
    // Canonical records may be of any source.
    let record = r#"{"source":"aws.cloudtrail","event.time":0}"#;
    let (status, err) = replay(&[("one.chain", RULE)], &["--canonical", "-"], record);
    assert!(status == 0 && !err.contains("no log of this source"), "{status}: {err}");
}

#[test]
fn standard_input_is_of_one_source() {
    for second in [["--events", "aws.vpcflow=-"], ["--canonical", "-"]] {
        let more = [&["--events", "aws.cloudtrail=-"][..], &second].concat();
        let (status, err) = replay(&[("one.chain", RULE)], &more, &call("1", "00:00:00", "CreateUser"));
        assert!(status == 2 && err.contains("it can be read only once"), "{status}: {err}");
    }
    let twice = ["--events", "aws.cloudtrail=-", "--events", "aws.cloudtrail=-"];
    let calls = call("1", "00:00:00", "CreateUser");
    assert_eq!(replay(&[("one.chain", TWO_CALLS)], &twice, &calls).0, 0);
}

/// Nothing read is nothing known. It was "0 alerts" and status 0.
#[test]
fn a_source_of_which_all_inputs_are_empty_is_named() {
    let none = ["there is no event in any of its inputs"];
    let scenario = Scenario::new().file("aws.cloudtrail", "a", "").file("aws.cloudtrail", "b", "");
    assert_eq!(problems(&scenario, TWO_CALLS), none);
    assert_eq!(problems(&Scenario::new().file("canonical", "a", ""), TWO_CALLS), none);
    assert_eq!(problems(&Scenario::new().file("aws.cloudtrail", "a", r#"{"Records":[]}"#), TWO_CALLS), none);
    // One of them that has an event makes the others quiet hours.
    let scenario = scenario.file("aws.cloudtrail", "c", call("1", "00:00:00", "CreateUser"));
    assert!(problems(&scenario, TWO_CALLS).is_empty());
    // What is wrong with an input is said once.
    let trail = launch("1", "00:00:00", "eni-1");
    let scenario =
        Scenario::new().file("aws.cloudtrail", "trail", &trail).file("aws.vpcflow", "flow", &trail);
    assert_eq!(
        problems(&scenario, RULE),
        ["this looks like aws.cloudtrail, but it was given as aws.vpcflow"]
    );
    for input in ["-", "/dev/null"] {
        let (status, err) =
            replay(&[("one.chain", TWO_CALLS)], &["--events", &format!("aws.cloudtrail={input}")], "");
        let sentence = "aws.cloudtrail: there is no event in any of its inputs\n";
        assert!(status == 2 && err.contains(sentence), "{input}: {status}: {err}");
    }
}

/// A step that asks for a column that the header does not name finds nothing. It was "0 alerts" without a word.
#[test]
fn columns_that_rules_read_and_no_header_names_are_told() {
    let trail = launch("1", "00:00:00", "eni-1");
    let notes = |scenario: &Scenario| scenario.run(RULE).stats.notes;
    let scenario = |header: &str, record: &str| {
        let log = format!("{header}\n{record}\n{record}\n");
        let scenario = Scenario::new().file("aws.cloudtrail", "trail", &trail);
        scenario.file("aws.vpcflow", "flow-a", &log).file("aws.vpcflow", "flow-b", &log)
    };
    let start = "account-id srcaddr dstaddr srcport dstport start end";
    let record = format!("1 10.0.0.1 198.51.100.7 40000 443 {MIDNIGHT} {MIDNIGHT}");
    let both = scenario(start, &record);
    let sentence = "flow-a: its columns lack `action` (`flow.action`) and `interface-id` (`instance.eni`), which rules read; so do those of 1 more file";
    let found = notes(&both);
    assert!(found.len() == 1 && found[0].ends_with(sentence), "{found:?}");
    assert!(!both.run(RULE).stats.is_incomplete());
    let one = scenario(&format!("{start} interface-id"), &format!("{record} eni-1"));
    assert!(notes(&one)[0].contains("its columns lack `action` (`flow.action`), which rules read"));
    let csv = |text: &str| text.replace(' ', ",").replace('-', "_");
    let one = scenario(&csv(&format!("{start} interface-id")), &format!("{record} eni-1").replace(' ', ","));
    assert!(notes(&one)[0].contains("its columns lack `action` (`flow.action`), which rules read"));
    for (header, record) in [
        (format!("{start} action interface-id"), format!("{record} ACCEPT eni-1")),
        (csv(&format!("{start} action interface-id")), format!("{record} ACCEPT eni-1").replace(' ', ",")),
        // The columns of lines that are none.
        (String::new(), flow("eni-1", 60)),
    ] {
        assert_eq!(notes(&scenario(&header, &record)), [""; 0]);
    }
    // Named by the user.
    let mut named =
        Scenario::new().file("aws.cloudtrail", "trail", &trail).file("aws.vpcflow", "flow", &record);
    named.options.flow_format = Some(start.split(' ').map(str::to_owned).collect());
    assert!(notes(&named)[0].contains("its columns lack `action` (`flow.action`) and `interface-id`"));
}

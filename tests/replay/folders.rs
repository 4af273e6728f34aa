//! Which files of a folder are read, by the folders that they are in.

use catena::replay::Report;
use catena::replay::input::Input;

use super::files::{Scenario, TWO_CALLS, alerts, call};

/// What a folder gives as `CloudTrail` that holds two events in a file of this name, and another log.
fn read(name: &str, given: &str) -> Report {
    let text = call("1", "00:00:00", "CreateUser") + "\n" + &call("2", "00:05:00", "RunInstances");
    let other = "AWSLogs/123456789012/elasticloadbalancing/eu-west-1/lb.log";
    let mut scenario = Scenario::new().file("x", name, text).file("x", other, "http 2026 app/lb 10.0.0.1\n");
    let path = scenario.folder.path().join(given).to_string_lossy().into_owned();
    scenario.inputs = vec![Input { source: Some("aws.cloudtrail".to_owned()), path }];
    scenario.run(TWO_CALLS)
}

#[test]
fn folders_of_ones_own_are_read() {
    for name in [
        "cases/CloudTrail-2025/a.json",
        "AWSLogs/incident-7/a.json",
        "AWSLogs/incident-7/123456789012/CloudTrail/a.json",
        "AWSLogs/aws-account-id=123456789012/aws-service=CloudTrail/aws-region=eu-west-1/year=2026/a.json",
    ] {
        let report = read(name, "");
        assert!(alerts(&report) == 1 && !report.stats.is_flawed(), "{name}: {:?}", report.stats);
    }
}

#[test]
fn what_the_user_names_is_read() {
    for (name, given) in [
        ("AWSLogs/1/CloudTrail-Digest/a.json", "AWSLogs/1/CloudTrail-Digest"),
        ("AWSLogs/1/Config/2026/a.json", "AWSLogs/1/Config"),
        ("old/CloudTrail-Insight/x/a.json", "old/CloudTrail-Insight"),
    ] {
        assert_eq!(alerts(&read(name, given)), 1, "{name}");
    }
    // Below what is named it is another log.
    assert_eq!(alerts(&read("AWSLogs/1/Config/2026/a.json", "AWSLogs/1")), 0);
}

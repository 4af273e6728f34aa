//! Which files of a folder are read, by the folders that they are in.

use catena::catalog::Catalog;
use catena::replay::input::Input;
use catena::replay::{Control, Plan, Report};

use super::files::{MIDNIGHT, RULE, Scenario, TWO_CALLS, alerts, call, flow, launch};
use crate::rules;

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

/// The notes about a folder, without its path.
fn notes(report: &Report, folder: &str) -> Vec<String> {
    report.stats.notes.iter().map(|note| note.replace(folder, "")).collect()
}

fn of_folder(mut scenario: Scenario, sources: &[&str], rule: &str) -> (Report, String) {
    let path = scenario.folder.path().to_string_lossy().into_owned();
    let input = |source: &&str| Input { source: Some((*source).to_owned()), path: path.clone() };
    scenario.inputs = sources.iter().map(input).collect();
    (scenario.run(rule), path)
}

/// A file was judged by its first 64 KiB, and what another source has behind them was lost.
#[test]
fn a_file_of_two_logs_is_read_for_both() {
    let calls = (0..800).map(|number| call(&number.to_string(), "00:00:01", "Describe") + "\n");
    let trail: String = calls.chain([launch("x", "00:00:00", "eni-1") + "\n"]).collect();
    let json =
        format!(r#"{{"interface-id":"eni-1","start":{},"action":"ACCEPT","dstport":443}}"#, MIDNIGHT + 60);
    for flow in [json, flow("eni-1", 60)] {
        let scenario = Scenario::new().file("x", "a.ndjson", format!("{trail}{flow}\n"));
        let scenario = scenario.file("x", "b.log", super::files::flow("eni-9", 60) + "\n");
        let (report, _) = of_folder(scenario, &["aws.cloudtrail", "aws.vpcflow"], RULE);
        assert_eq!(alerts(&report), 1, "{flow}: {:?}", report.stats);
    }
}

#[test]
fn hidden_files_and_pipes_are_named() {
    let scenario = Scenario::new().file("x", "a.json", call("1", "00:00:00", "CreateUser"));
    let scenario = scenario.file("x", ".b.json", call("2", "00:05:00", "RunInstances"));
    let scenario = scenario.file("x", "c/.d.json", "");
    #[cfg(unix)]
    let _socket = std::os::unix::net::UnixListener::bind(scenario.folder.path().join("s")).unwrap();
    let (report, folder) = of_folder(scenario, &["aws.cloudtrail"], TWO_CALLS);
    let found = notes(&report, &folder);
    assert!(found.contains(&": 2 hidden files were not read (first /.b.json)".to_owned()), "{found:?}");
    #[cfg(unix)]
    assert!(found.contains(&": 1 pipe or device was not read (first /s)".to_owned()), "{found:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_no_text_is_said() {
    use std::os::unix::ffi::OsStrExt as _;
    let scenario = Scenario::new().file("x", "a.json", call("1", "00:00:00", "CreateUser"));
    let name = std::ffi::OsStr::from_bytes(b"b\xff.json");
    std::fs::write(scenario.folder.path().join(name), call("2", "00:05:00", "RunInstances")).unwrap();
    let (report, _) = of_folder(scenario, &["aws.cloudtrail"], TWO_CALLS);
    let problem = &report.stats.broken_files[0].1;
    assert_eq!(problem, "its name is not valid UTF-8; rename the file");
}

/// An archive of stored members, some of one name.
#[cfg(feature = "zip")]
fn archive(members: &[(&str, &str)]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    let put = |out: &mut Vec<u8>, magic: &[u8], text: &str, name: &str, between: &[u8], behind: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(text.as_bytes());
        out.extend(magic);
        out.extend([0; 6]);
        out.extend([0x00, 0x00, 0x21, 0x00]);
        out.extend(crc.sum().to_le_bytes());
        out.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
        out.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
        out.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        out.extend(between);
        out.extend(name.as_bytes());
        out.extend(behind);
    };
    for (name, text) in members {
        let at = u32::try_from(bytes.len()).unwrap().to_le_bytes();
        put(&mut directory, b"PK\x01\x02\x14\0", text, name, &[&[0; 12][..], &at].concat(), &[]);
        put(&mut bytes, b"PK\x03\x04", text, name, &[0; 2], text.as_bytes());
    }
    let (begins, length) = (u32::try_from(bytes.len()).unwrap(), u32::try_from(directory.len()).unwrap());
    bytes.extend(directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    let count = u16::try_from(members.len()).unwrap().to_le_bytes();
    bytes.extend([count, count].concat());
    bytes.extend([length.to_le_bytes(), begins.to_le_bytes()].concat());
    bytes.extend([0, 0]);
    bytes
}

#[cfg(feature = "zip")]
#[test]
fn all_members_of_an_archive_are_read_or_named() {
    let (first, second) = (call("1", "00:00:00", "CreateUser"), call("2", "00:05:00", "RunInstances"));
    let same = archive(&[("a.json", &first), ("a.json", &second)]);
    let replay = |scenario: &Scenario| {
        let catalog = Catalog::embedded().unwrap();
        let plan = Plan::new(&rules::from_text(TWO_CALLS), &catalog, &scenario.options).unwrap();
        plan.replay(&scenario.inputs, &Control::default())
    };
    let report = replay(&Scenario::new().file("aws.cloudtrail", "same.zip", same));
    assert_eq!((alerts(&report), report.stats.files), (1, 2), "{:?}", report.stats);
    let mixed = archive(&[("a.json", &first), ("flow.log", &flow("eni-1", 60)), (".b.json", &second)]);
    let scenario = Scenario::new().file("aws.cloudtrail", "mixed.zip", mixed);
    let folder = scenario.folder.path().to_string_lossy().into_owned();
    let report = replay(&scenario);
    assert_eq!(
        notes(&report, &folder),
        [
            "/mixed.zip: 1 hidden file was not read (first .b.json)",
            "/mixed.zip: 1 file of another log was not read (first /mixed.zip!flow.log)"
        ]
    );
}

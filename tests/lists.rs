//! `catena lists`: findings with a status for CI, entries added in order, images imported.

use crate::program::{Ran, catena, path, scratch};

const ABOUT: [&str; 8] =
    ["--reason", "golden image", "--owner", "platform", "--until", "2027-06-30", "--as-of", "2026-11-24"];

fn add(file: &str, value: &str) -> Ran {
    catena(&[&["lists", "add", file, value], ABOUT.as_slice()].concat())
}

#[test]
fn an_entry_is_added_where_it_belongs() {
    let folder = scratch("lists", &[]);
    let file = path(&folder, "images.csv");
    let read = || std::fs::read_to_string(folder.path().join("images.csv")).unwrap();
    for value in ["ami-2", "ami-1", "ami, 3"] {
        assert_eq!(add(&file, value).status, 0);
    }
    let row = |value: &str| format!("{value},golden image,platform,,2027-06-30\n");
    let expected =
        format!("value,reason,owner,ticket,until\n{}{}{}", row("\"ami, 3\""), row("ami-1"), row("ami-2"));
    assert_eq!(read(), expected);
    // What is there already is not written twice, and a day that has passed exempts nothing.
    assert_eq!(add(&file, "ami-1").status, 2);
    let late = catena(&[
        "lists",
        "add",
        &file,
        "ami-4",
        "--reason",
        "r",
        "--owner",
        "o",
        "--until",
        "2026-01-01",
        "--as-of",
        "2026-11-24",
    ]);
    assert!(late.status == 2 && late.err.contains("has passed"), "{}", late.err);
    assert_eq!(read(), expected);
    // A later day renews an entry.
    let renewed = catena(&[
        "lists",
        "add",
        &file,
        "ami-1",
        "--reason",
        "r",
        "--owner",
        "o",
        "--until",
        "2028-01-01",
        "--as-of",
        "2026-11-24",
    ]);
    assert_eq!(renewed.status, 0, "{}", renewed.err);
    assert!(read().contains("ami-1,r,o,,2028-01-01"));
    // A file with problems is left alone.
    std::fs::write(folder.path().join("bad.csv"), "value,who\nx,y\n").unwrap();
    assert_eq!(add(&path(&folder, "bad.csv"), "ami-1").status, 2);
    assert_eq!(std::fs::read_to_string(folder.path().join("bad.csv")).unwrap(), "value,who\nx,y\n");
}

#[test]
fn images_are_imported_as_far_as_criteria_admit_them() {
    let images = r#"{"Images": [
        {"ImageId": "ami-1", "Name": "golden-1", "OwnerId": "111111111111", "State": "available"},
        {"ImageId": "ami-2", "Name": "golden-2", "OwnerId": "222222222222"},
        {"ImageId": "ami-3", "Name": "al2023", "OwnerId": "137112412989", "ImageOwnerAlias": "amazon"},
        {"ImageId": "ami-4", "Name": "test-1", "OwnerId": "111111111111"}]}"#;
    let criteria = r#"{"State": "enabled", "ImageCriteria": [
        {"ImageProviders": ["amazon"]}, {"ImageProviders": ["111111111111"], "ImageNames": ["golden-*"]}]}"#;
    let unknown = r#"{"State": "enabled", "ImageCriteria": [{"CreationDateCondition": {"MaximumDaysSinceCreated": 30}}]}"#;
    let folder = scratch(
        "lists",
        &[
            ("images.json", images.as_bytes()),
            ("criteria.json", criteria.as_bytes()),
            ("unknown.json", unknown.as_bytes()),
        ],
    );
    let [images, criteria, unknown, list] =
        ["images.json", "criteria.json", "unknown.json", "list.csv"].map(|file| path(&folder, file));
    let import =
        |files: &[&str]| catena(&[&["lists", "import", "-o", &list], files, ABOUT.as_slice()].concat());
    let ran = import(&[&images, &criteria]);
    assert!(ran.status == 0 && ran.err.starts_with("2 of 4 images added"), "{}", ran.err);
    let text = std::fs::read_to_string(folder.path().join("list.csv")).unwrap();
    let expected = "value,reason,owner,ticket,until\nami-1,\"golden image: golden-1, owner 111111111111\",platform,,2027-06-30\n\
                    ami-3,\"golden image: al2023, owner amazon\",platform,,2027-06-30\n";
    assert_eq!(text, expected);
    // Criteria alone name no image, and a condition that is not understood is not passed over.
    let alone = import(&[&criteria]);
    assert!(
        alone.status == 2 && alone.err.contains("describe-images --owners amazon 111111111111"),
        "{}",
        alone.err
    );
    assert_eq!(import(&[&images, &unknown]).status, 2);
    assert!(import(&[&images, &criteria]).err.starts_with("0 of 4 images added"));
}

#[test]
fn images_are_renewed_and_what_is_no_image_is_refused_by_name() {
    let folder = scratch("lists", &[]);
    let list = folder.path().join("list.csv");
    let rows = "value,reason,owner,ticket,until\nami-1,seen,me,,2020-01-01\nami-2,seen,me,,\n";
    std::fs::write(&list, rows).unwrap();
    let import = |text: &str| {
        std::fs::write(folder.path().join("in.json"), text).unwrap();
        let (list, file) = (path(&folder, "list.csv"), path(&folder, "in.json"));
        catena(&[&["lists", "import", "-o", &list, &file], ABOUT.as_slice()].concat())
    };
    let two = r#"{"Images": [{"ImageId": "ami-1", "Name": "one"}, {"ImageId": "ami-2", "Name": "two\nlines"},
        {"ImageId": "ami-3", "Name": "three\r\nlines", "OwnerId": "1"}]}"#;
    let ran = import(two);
    assert!(ran.status == 0 && ran.err.starts_with("1 of 3 images added"), "{}", ran.err);
    assert!(ran.err.contains("1 renewed, 0 not admitted"), "{}", ran.err);
    let renewed = std::fs::read_to_string(&list).unwrap();
    assert!(renewed.contains("ami-1,seen,me,,2027-06-30\nami-2,seen,me,,\nami-3,"), "{renewed}");
    assert!(renewed.contains("three lines"), "{renewed}");
    let criterion =
        |condition: &str| format!(r#"{{"State": "enabled", "ImageCriteria": [{{{condition}}}]}}"#);
    let refused = [
        (r#"{"Images": [{"ImageId": "*", "Name": "a"}]}"#.to_owned(), "`*` (`a`) is no id of an image"),
        (r#"{"Images": [{"ImageId": "ami-*"}]}"#.to_owned(), "`ami-*` is no id"),
        (r#"{"Images": [{"ImageId": ""}]}"#.to_owned(), "`` is no id"),
        (r#"{"Images": []}"#.to_owned(), "there is no image in the files given"),
        ("[]".to_owned(), "no object with `Images` or `ImageCriteria`"),
        (
            criterion(r#""CreationDateCondition": {"MaximumDaysSinceCreated": 30}"#),
            "has `CreationDateCondition`: which",
        ),
        (criterion(r#""MarketplaceProductCodes": ["x"]"#), "has `MarketplaceProductCodes`: products"),
        (
            criterion(r#""DeprecationTimeCondition": {"MaximumDaysSinceDeprecated": 0}"#),
            "has `DeprecationTimeCondition`",
        ),
    ];
    for (text, says) in refused {
        let ran = import(&text);
        assert!(
            ran.status == 2 && ran.err.contains(says) && !ran.err.contains("unknown field"),
            "{text}: {}",
            ran.err
        );
    }
    assert_eq!(std::fs::read_to_string(&list).unwrap(), renewed);
}

#[cfg(unix)]
#[test]
fn a_shared_list_is_written_through_its_link() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder =
        scratch("lists", &[("shared/real.csv", b"value,reason,owner,ticket,until\n"), ("own/x", b"")]);
    let top = folder.path();
    symlink("../shared/real.csv", top.join("own/link.csv")).unwrap();
    symlink("link.csv", top.join("own/again.csv")).unwrap();
    let ran = add(&path(&folder, "own/again.csv"), "ami-1");
    assert!(
        ran.status == 0 && !ran.err.contains("new file") && ran.err.contains("now 1 entry\n"),
        "{}",
        ran.err
    );
    assert!(top.join("own/again.csv").is_symlink() && top.join("own/link.csv").is_symlink());
    assert!(std::fs::read_to_string(top.join("shared/real.csv")).unwrap().contains("ami-1"));
    // A path that is typed wrong is said to be new.
    assert!(add(&path(&folder, "own/typo.csv"), "ami-1").err.contains("typo.csv` is a new file"));
    let locked = top.join("shared/real.csv");
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o444)).unwrap();
    let ran = add(&path(&folder, "own/link.csv"), "ami-2");
    assert!(ran.status == 2 && ran.err.contains("read-only"), "{}", ran.err);
}

#[test]
fn findings_have_a_status_for_ci() {
    let check = |more: &[&str]| {
        catena(
            &[&["lists", "check", "tests/cases/warn_W0412_entries.chain", "--as-of", "2026-11-24"], more]
                .concat(),
        )
    };
    let ran = check(&[]);
    assert_eq!(ran.status, 0);
    for code in ["W0402", "W0412", "W0413", "W0414"] {
        assert!(ran.err.contains(&format!("[{code}]")), "{code}: {}", ran.err);
    }
    assert!(!check(&["--within", "1d"]).err.contains("[W0412]"));
    assert_eq!(check(&["--deny"]).status, 1);
}

#[test]
fn entries_are_shown_with_the_alerts_that_they_hide() {
    let rule = r#"
allowlist images: image.id { "ami-1" reason "r" owner "o" "ami-2" reason "r" owner "o" }
rule launch {
  title "An image is launched" id "0d1c2a54-3a0e-4c0c-9c3e-6a9d2b7f0415" description "An image is launched."
  severity low
  chain { step launch from aws.cloudtrail where event.action == "RunInstances" except image.id in images }
  alert { entity account launch.actor.id dedupe 1h by launch.actor.id }
  test "t" { launch at 0s { image.id: "ami-3", actor.id: "a" } expect alert at 0s }
}
"#;
    let record = |id: &str, image: &str, minute: u32| {
        format!(
            "{{\"source\":\"aws.cloudtrail\",\"event.time\":\"2026-01-01T00:{minute:02}:00Z\",\"event.id\":\"{id}\",\
             \"event.action\":\"RunInstances\",\"actor.id\":\"a\",\"image.id\":\"{image}\"}}\n"
        )
    };
    let log = record("1", "ami-1", 0) + &record("2", "ami-1", 1) + &record("3", "ami-3", 2);
    let folder = scratch("lists", &[("r.chain", rule.as_bytes()), ("log.ndjson", log.as_bytes())]);
    let ran =
        catena(&["lists", "check", &path(&folder, "r.chain"), "--canonical", &path(&folder, "log.ndjson")]);
    let expected = "images ami-1: hides 2 alerts (launch at 2026-01-01T00:00:00Z, launch at 2026-01-01T00:01:00Z)\n\
                    images ami-2: hides nothing in these logs\n";
    assert_eq!((ran.status, ran.out.as_str()), (0, expected), "{}", ran.err);
    // What programs read is the findings alone.
    let (rules, log) = (path(&folder, "r.chain"), path(&folder, "log.ndjson"));
    for format in ["json", "sarif", "github"] {
        let ran = catena(&["lists", "check", &rules, "--canonical", &log, "--format", format]);
        assert!(ran.err.contains(expected), "{}", ran.err);
        assert!(!ran.out.contains("hides"), "{}", ran.out);
        assert!(
            format == "github" || serde_json::from_str::<serde_json::Value>(&ran.out).is_ok(),
            "{}",
            ran.out
        );
    }
}

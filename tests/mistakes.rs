//! What people write in their first hour: one mistake gives one finding, at its place, with what to write instead.

use serde_json::Value;

use crate::program::{AS_OF, Ran, catena, root};

/// Cases with one mistake each; how many findings it gives, and whether there is a change ready.
const CASES: &[(&str, usize, bool)] = &[
    ("err_E0101_all_of_link", 1, true),
    ("err_E0101_any_of_condition", 1, false),
    ("err_E0101_any_of_nothing", 1, false),
    ("err_E0101_any_without_test", 1, false),
    ("err_E0101_at_most", 1, false),
    ("err_E0101_brackets_of_a_list", 1, false),
    ("err_E0101_comparison_half", 1, false),
    ("err_E0101_comparison_of_nothing", 1, false),
    ("err_E0101_comparison_with_value", 1, false),
    ("err_E0101_distinct_behind", 1, false),
    ("err_E0101_half_clause_1", 1, false),
    ("err_E0101_half_clause_2", 1, false),
    ("err_E0101_half_clause_3", 1, false),
    ("err_E0101_half_clause_4", 1, false),
    ("err_E0101_half_clause_5", 1, false),
    ("err_E0101_half_clause_6", 1, false),
    ("err_E0101_half_clause_7", 1, false),
    ("err_E0101_half_clause_8", 1, false),
    ("err_E0101_keys_with_and", 1, true),
    ("err_E0101_renaming_half", 1, false),
    ("err_E0101_renaming_without_braces", 1, false),
    ("err_E0101_then_in_together", 1, false),
    ("err_E0101_together_alone", 1, false),
    ("err_E0101_together_without_on", 1, false),
    ("err_E0101_unless_of_link", 1, false),
    ("err_E0101_unless_on_first", 1, false),
    ("err_E0101_unless_side_first", 1, false),
    ("err_E0101_unless_without_name", 1, false),
    ("err_E0101_unless_without_on", 1, false),
    ("err_E0102_severty", 1, true),
    ("err_E0102_stpe", 1, true),
    ("err_E0103_any", 1, false),
    ("err_E0103_missing_brace", 1, false),
    ("err_E0103_strings", 1, false),
    ("err_E0106_curly_quotes", 1, true),
    ("err_E0107_assignment", 1, true),
    ("err_E0107_glued", 3, true),
    ("err_E0107_ignoring_case", 6, true),
    ("err_E0107_tilde", 3, true),
    ("err_E0109_minutes", 1, true),
    ("err_E0109_no_unit", 1, false),
    ("err_E0109_weeks", 1, false),
    ("err_E0110_american", 1, true),
    ("err_E0110_unclear", 1, false),
    ("err_E0117_no_break_space", 1, true),
    ("err_E0121_eql", 1, false),
    ("err_E0121_esql", 1, false),
    ("err_E0121_kusto", 1, false),
    ("err_E0121_sigma", 1, false),
    ("err_E0121_splunk", 1, false),
    ("err_E0122_backslash", 1, true),
    ("err_E0122_block_comment", 1, false),
    ("err_E0122_brackets", 1, true),
    ("err_E0122_brackets_of_metadata", 1, true),
    ("err_E0122_comment", 1, true),
    ("err_E0122_equal_to_brackets", 1, true),
    ("err_E0122_slashes", 1, true),
    ("err_E0152_import_cycle", 1, false),
    ("err_E0161_columns", 3, true),
    ("err_E0161_no_header", 1, false),
    ("err_E0161_semicolons", 1, false),
    ("err_E0162_dates", 3, false),
    ("err_E0201_letter_case", 1, true),
    ("err_E0202_actor_arn", 1, true),
    ("err_E0202_not_in_the_source", 1, false),
    ("err_E0202_playbook", 1, true),
    ("err_E0202_tabs", 1, true),
    ("err_E0202_vendor", 7, true),
    ("err_E0202_vendor_derived", 1, false),
    ("err_E0202_vendor_of_a_list", 1, true),
    ("err_E0202_vendor_of_several", 2, false),
    ("err_E0204_list", 1, true),
    ("err_E0205_test_event", 3, true),
    ("err_E0212_unless", 1, false),
    ("err_E0217_lists", 4, false),
    ("err_E0225_exists", 1, false),
    ("err_E0307_vendor", 1, true),
    ("err_E0404_scientific", 1, false),
    ("err_E0502_missing_comparison", 1, false),
    ("err_E0502_missing_count", 1, false),
    ("err_E0502_missing_together", 1, false),
    ("err_E0502_unless", 1, false),
    ("err_E0502_unless_except", 1, false),
    ("err_E0507_wildcard", 1, true),
    ("err_E0508_range_without_start", 1, false),
    ("err_E0601_missing", 4, false),
    ("err_E0602_id", 1, false),
    ("err_E0606_quoted_date", 1, true),
    ("warn_W0312_unless", 2, false),
    ("warn_W0316_first", 1, false),
    ("warn_W0317_unless", 1, false),
    ("warn_W0328_renaming", 2, false),
    ("warn_W0411_zeros", 1, true),
    ("warn_W0510_address_in_a_list", 1, true),
    ("warn_W0510_any", 1, false),
    ("warn_W0510_arn", 1, true),
    ("warn_W0510_backslash", 1, true),
    ("warn_W0510_contains", 1, true),
    ("warn_W0510_equality", 1, true),
    ("warn_W0510_ignoring_case", 1, true),
    ("warn_W0510_in_regex", 1, true),
    ("warn_W0510_inequality", 1, true),
    ("warn_W0510_inside", 1, true),
    ("warn_W0510_list", 1, true),
    ("warn_W0510_mixed", 1, false),
    ("warn_W0510_parameter", 1, true),
    ("warn_W0510_regex", 1, true),
    ("warn_W0510_regex_like", 1, true),
    ("warn_W0510_regex_list", 1, true),
    ("warn_W0510_sql", 1, true),
    ("warn_W0510_starts_with", 1, true),
    ("warn_W0511_like", 1, true),
    ("warn_W0511_list", 1, true),
];

/// What `check` finds in a file, but for tests that are missing.
fn findings(path: &str) -> Vec<Value> {
    let Ran { out, err, .. } = catena(&["check", "--as-of", AS_OF, "--format", "json", path]);
    let found: Vec<Value> = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{path}: {out}{err}"));
    found.into_iter().filter(|found| found["code"] != "W0610").collect()
}

#[test]
fn one_mistake_is_one_finding_that_says_what_to_do() {
    for (case, count, fixes) in CASES {
        let code = case.split('_').nth(1).unwrap();
        let found = findings(&format!("tests/cases/{case}.chain"));
        assert_eq!(found.len(), *count, "{case}: {found:#?}");
        for finding in &found {
            assert_eq!(finding["code"], code, "{case}: {finding:#}");
            let helps = !finding["help"].as_array().unwrap().is_empty();
            assert!(helps || finding["fix"].is_object(), "{case} does not say what to do: {finding:#}");
            assert!(finding["place"]["label"].is_string(), "{case} does not say what it is: {finding:#}");
        }
        if *fixes {
            assert!(found.iter().all(|finding| finding["fix"].is_object()), "{case}: {found:#?}");
        }
    }
}

/// Nothing is put in the place of a value that cannot be read, so no later stage judges it.
#[test]
fn a_value_that_cannot_be_read_is_one_finding() {
    const RULE: &str = r#"
allowlist known: source.ip { "192.0.2.1" reason "r" until UNTIL }
rule r {
  title       "A rule"
  id          "2eb8f46f-c074-5f39-bb9b-e4c8295e0b66"
  description "Shows a finding."
  severity    low
  date        DATE
  param gap = GAP
  chain within TOTAL {
    step first from aws.vpcflow where destination.port == PORT
    then within gap on instance.id
    step second from aws.vpcflow where destination.port == 22 except source.ip in known
  }
  alert { entity ip second.source.ip  dedupe AGAIN by second.instance.id }
  test "t" { second at OFFSET { source.ip: "192.0.2.2" } expect no alert }
}"#;
    let right = [
        ("TOTAL", "20m"),
        ("PORT", "443"),
        ("AGAIN", "1d"),
        ("DATE", "2026-01-01"),
        ("GAP", "20m"),
        ("OFFSET", "0s"),
        ("UNTIL", "2099-01-01"),
    ];
    let written = |place: &str, value: &str| {
        let own = RULE.replace(place, value);
        right.iter().fold(own, |text, (place, value)| text.replace(place, value))
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rule.chain");
    let found = |text: &str| {
        std::fs::write(&path, text).unwrap();
        let found = findings(&path.display().to_string());
        found.iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let sound = written("TOTAL", "20m");
    assert_eq!(found(&sound), [""; 0], "{sound}");
    for (places, values, code) in [
        (
            &["TOTAL", "AGAIN", "GAP", "OFFSET"][..],
            &["5w", "40000d", "1h30", "1h1d", "-5w", "500ms"][..],
            "E0109",
        ),
        (&["TOTAL", "AGAIN", "OFFSET"], &["30", "\"5m\""], "E0109"),
        (&["PORT", "GAP"], &["9223372036854775808", "007", "0xg", "1e999"], "E0111"),
        (&["DATE", "UNTIL"], &["2027-02-30", "2027-13-01", "11/12/2026"], "E0110"),
        (&["PORT"], &["null"], "E0120"),
        (&["== PORT"], &["frobs \"4*\"", "frobs (1, 1)"], "E0107"),
    ] {
        for (place, value) in places.iter().flat_map(|place| values.iter().map(move |value| (place, value))) {
            assert_eq!(found(&written(place, value)), [code], "{place} {value}");
        }
    }
}

/// The text of a file after the changes that a run suggests for it.
fn fixed(path: &std::path::Path) -> String {
    let mut text = std::fs::read_to_string(path).unwrap();
    let mut found = findings(&path.display().to_string());
    found.sort_by_key(|finding| std::cmp::Reverse(finding["fix"]["place"]["start"]["offset"].as_u64()));
    for finding in found {
        let fix = &finding["fix"];
        let offset = |end: &str| usize::try_from(fix["place"][end]["offset"].as_u64().unwrap()).unwrap();
        text.replace_range(offset("start")..offset("end"), fix["replacement"].as_str().unwrap());
    }
    text
}

/// A change that is offered is right: applied, the finding is gone and nothing else is found.
#[test]
fn fixes_are_right_when_applied() {
    for (case, ..) in CASES.iter().filter(|(.., fixes)| *fixes) {
        let path = root().join(format!("tests/cases/{case}.chain"));
        let source = std::fs::read_to_string(&path).unwrap();
        let list = source.contains("from \"lists/").then(|| findings(&path.display().to_string()));
        if list.is_some_and(|found| {
            found.iter().any(|one| one["place"]["file"].as_str().unwrap().contains(".csv"))
        }) {
            continue;
        }
        let text = fixed(&path);
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("rule.chain");
        std::fs::create_dir(folder.path().join("lists")).unwrap();
        std::fs::copy(root().join("tests/cases/lists/ok.csv"), folder.path().join("lists/ok.csv")).unwrap();
        std::fs::write(&copy, &text).unwrap();
        let left = findings(&copy.display().to_string());
        assert!(left.is_empty(), "{case}: {left:#?}\n{text}");
    }
}

#[test]
fn lists_of_other_encodings_and_paths_with_blanks() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let rule = std::fs::read_to_string(root().join("tests/cases/err_E0122_backslash.chain")).unwrap();
    let utf16: Vec<u8> = "\u{feff}value\nami-1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (list, content, title) in [
        ("utf 16.csv", utf16.as_slice(), Some("the file is UTF-16, not UTF-8")),
        ("latin 1.csv", b"value,reason\nami-1,caf\xe9\n", Some("byte 22 (0xe9) is not UTF-8")),
        ("of windows.csv", b"value,reason\r\nami-1,ok\r\n", None),
    ] {
        std::fs::write(place(list), content).unwrap();
        std::fs::write(place("rule.chain"), rule.replace("lists\\ok.csv", list)).unwrap();
        let found = findings(&place("rule.chain").display().to_string());
        let titles: Vec<&str> = found.iter().filter_map(|found| found["title"].as_str()).collect();
        assert_eq!(titles, title.into_iter().collect::<Vec<_>>(), "{list}");
    }
}

#[test]
fn targets_are_known_by_the_names_of_their_siems() {
    let rule = "tests/cases/pattern_lists.chain";
    for (name, target) in [
        ("splunk", "spl"),
        ("sentinel", "kql"),
        ("Kusto", "kql"),
        ("elastic", "eql"),
        ("SPL", "spl"),
        ("Spark", "sql"),
        ("ALL", "all"),
    ] {
        assert_eq!(
            catena(&["compile", rule, "--target", name]).out,
            catena(&["compile", rule, "--target", target]).out,
            "{name}"
        );
    }
    for name in ["qradar", "slp"] {
        let ran = catena(&["compile", rule, "--target", name]);
        assert!(
            ran.status == 2 && ran.err.contains("expected spl, sigma, kql, eql, sql, all"),
            "{name}: {}",
            ran.err
        );
    }
}

/// A mistake that was copied ten thousand times is drawn a few times, listed fifty times and counted.
#[test]
fn equal_findings_are_bounded() {
    let many = vec!["event.action == \"Create*\""; 10_000].join(" or ");
    let rule = std::fs::read_to_string(root().join("tests/cases/warn_W0510_equality.chain")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rule.chain");
    std::fs::write(&path, rule.replace("event.action == \"Console*\"", &many)).unwrap();
    let ran = catena(&["check", &path.display().to_string()]);
    assert!(ran.err.len() < 60_000, "{}", ran.err.len());
    assert!(ran.err.contains("9950 more of this kind in this file"), "{}", ran.err);
    assert!(ran.err.contains("10000 warnings"), "{}", ran.err);
}

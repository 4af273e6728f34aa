//! `catena check --fix`.

use crate::program::{catena, chains, path, root, scratch};

/// How many errors and warnings a run reports.
fn count(folder: &str, more: &[&str]) -> (usize, String) {
    let arguments = ["check", folder, "--format", "json", "--as-of", "2026-11-24"];
    let ran = catena(&[&arguments[..], more].concat());
    let found: serde_json::Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}", ran.err));
    (found.as_array().unwrap().len(), ran.err)
}

#[test]
fn fixes_are_applied_until_none_is_left() {
    let (mut fixed, mut applied) = (0, 0);
    // Each look is a run of the program: a third of the cases will do.
    for name in chains("tests/cases").iter().filter(|name| name.contains("/err_")).step_by(3) {
        let text = std::fs::read(root().join(name)).unwrap();
        let folder = scratch("fix", &[("rule.chain", &text)]);
        let here = path(&folder, "rule.chain");
        let (before, _) = count(&here, &[]);
        let (after, said) = count(&here, &["--fix"]);
        let changed = std::fs::read(folder.path().join("rule.chain")).unwrap() != text;
        assert_eq!(changed, !said.starts_with("0 fixes"), "{name}: {said}");
        // A fix of the grammar lets later stages look for the first time, so more may be found; nothing has a fix left.
        let (again, said) = count(&here, &["--fix"]);
        assert!(said.starts_with("0 fixes") && again == after, "{name}: {said}");
        fixed += usize::from(after < before);
        applied += usize::from(changed);
    }
    assert!(applied > 10 && fixed > 7, "{applied} {fixed}");
}

#[test]
fn a_rule_becomes_right_by_its_fixes() {
    let text = std::fs::read_to_string(root().join("rules/an1318/aws.chain")).unwrap();
    let text = text.replace("import \"lists/", "import \"");
    let broken =
        text.replace("severity    high", "severty hihg").replace("event.outcome ==", "event.outcom =");
    let lists = ["known_good.chain", "approved_images.csv"];
    let read = |name: &str| std::fs::read(root().join("rules/an1318/lists").join(name)).unwrap();
    let mut files = vec![("rule.chain", broken.into_bytes())];
    files.extend(lists.map(|name| (name, read(name))));
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (*name, text.as_slice())).collect();
    let folder = scratch("fix", &files);
    let ran = catena(&["check", &path(&folder, ""), "--fix", "--as-of", "2026-11-24"]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    let fixed = std::fs::read_to_string(folder.path().join("rule.chain")).unwrap();
    assert_eq!(fixed, text.replace("severity    high", "severity high"));
}

#[test]
fn standard_input_is_not_fixed() {
    let ran = catena(&["check", "--fix", "-"]);
    assert!(ran.status == 2 && ran.err.contains("--fix"), "{}", ran.err);
}

/// A column that a table does not have is no slip for one that it has.
#[test]
fn no_fix_names_a_column_twice() {
    let rule = r#"
lookup roles: actor.id from "roles.csv" { a: int }
rule r {
  title "A sign-in" id "0d1c2a54-3a0e-4c0c-9c3e-6a9d2b7f0e61" description "A sign-in." severity low
  chain { step s from aws.cloudtrail where event.action == "ConsoleLogin" and roles.a > 3 }
  alert { entity account s.actor.id dedupe 1h by s.actor.id }
}
"#;
    let list = "allowlist good: actor.id from \"good.csv\"\n";
    let tables = [
        ("roles.csv", "key,a,b\nbob,1,2\n", rule),
        ("roles.csv", "key,a,until,untill\nbob,1,,\n", rule),
        ("good.csv", "value,reason,owner,owners,reasons\nbob,r,o,p,s\n", list),
        ("good.csv", "value,team,contact\nbob,p,s\n", list),
    ];
    for (name, table, text) in tables {
        let folder = scratch("fix", &[("r.chain", text.as_bytes()), (name, table.as_bytes())]);
        let ran = catena(&["check", &path(&folder, "r.chain"), "--fix"]);
        let fixed = std::fs::read_to_string(folder.path().join(name)).unwrap();
        let mut header: Vec<&str> = fixed.lines().next().unwrap().split(',').collect();
        let columns = header.len();
        header.sort_unstable();
        header.dedup();
        assert_eq!(header.len(), columns, "{fixed}{}", ran.err);
    }
}

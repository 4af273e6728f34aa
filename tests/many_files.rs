//! Several files of one run: rules, lists and files that meet where one name must mean one thing.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::program::{AS_OF, catena, path, root, scratch};

#[test]
fn rules_that_clash_are_not_written() {
    let first = std::fs::read_to_string(root().join("tests/cases/one_step.chain")).unwrap();
    let same_id = first.replace("rule one_step ", "rule same_id ");
    let same_name = first.replace("22bed5ba", "32bed5ba");
    let unrelated = first.replace("rule one_step ", "rule unrelated ").replace("22bed5ba", "42bed5ba");
    let both = format!("{first}\n{same_name}");
    for (one, other) in [(&first, &same_id), (&first, &same_name), (&both, &unrelated)] {
        let files =
            [("a.chain", one.as_bytes()), ("b.chain", other.as_bytes()), ("c.chain", unrelated.as_bytes())];
        let count = if other == &unrelated { 2 } else { 3 };
        let folder = scratch("clash", &files[..count]);
        let out = path(&folder, "out");
        let ran = catena(&["compile", &path(&folder, ""), "--target", "spl", "-o", &out]);
        assert_eq!(ran.status, 1, "{}", ran.err);
        assert!(ran.err.contains("E0212") && ran.err.contains("wrote 1 file under"), "{}", ran.err);
        let written: Vec<_> = std::fs::read_dir(root().join(out).join("spl")).unwrap().collect();
        assert_eq!(written.len(), 1);
        assert_eq!(written[0].as_ref().unwrap().file_name(), "unrelated.spl");
    }
}

#[test]
fn lists_that_clash_in_the_siem_are_not_written() {
    let list = |role: &str| format!("allowlist roles: actor.issuer.id {{ \"{role}\" \"role/both\" }}\n");
    let rule = |name: &str, id: &str| {
        let case = std::fs::read_to_string(root().join("tests/cases/one_step.chain")).unwrap();
        let case = case.replace("rule one_step ", &format!("rule {name} ")).replace("22bed5ba", id);
        case.replacen("\n  }\n", "\n      except actor.issuer.id in roles\n  }\n", 1)
    };
    let (first, other) = (list("role/a"), list("role/b"));
    let turned = "allowlist roles: actor.issuer.id { \"role/both\" \"role/a\" }\n";
    let files = [
        ("a.chain", first + &rule("a", "22bed5ba")),
        ("b.chain", other + &rule("b", "32bed5ba")),
        ("c.chain", turned.to_owned() + &rule("c", "42bed5ba")),
    ];
    let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    let folder = scratch("lists", &files);
    let out = path(&folder, "out");
    let compile = |target: &str, lists: &str| {
        catena(&["compile", &path(&folder, ""), "--target", target, "--lists", lists, "-o", &out])
    };
    for target in ["spl", "kql"] {
        let ran = compile(target, "lookup");
        assert_eq!(ran.status, 1, "{}", ran.err);
        assert!(ran.err.contains("E0410") && ran.err.contains("wrote 3 files under"), "{}", ran.err);
        let mut written: Vec<_> = std::fs::read_dir(Path::new(&out).join(target)).unwrap().collect();
        written.sort_by_key(|entry| entry.as_ref().unwrap().file_name());
        let names: Vec<_> = written.iter().map(|entry| entry.as_ref().unwrap().file_name()).collect();
        assert_eq!(names, [&format!("a.{target}"), &format!("c.{target}"), "roles.csv"]);
    }
    let both = compile("all", "lookup").err;
    assert_eq!(both.matches("E0410").count(), 1, "said once, not for each target: {both}");
    // In the text of the queries, and where the SIEM has no such lists, nothing is shared.
    for (target, lists) in [("spl", "inline"), ("spl", "auto"), ("sigma", "lookup"), ("eql", "lookup")] {
        let ran = compile(target, lists);
        assert_eq!(ran.status, 0, "{target} {lists}: {}", ran.err);
    }
    std::fs::write(path(&folder, "catena.yaml"), "lists: lookup\n").unwrap();
    let checked = catena(&["check", &path(&folder, ""), "--target", "kql"]);
    assert!(checked.status == 1 && checked.err.contains("E0410"), "{}", checked.err);
}

/// Two runs into one folder: the second would fill the list that the query of the first one reads.
#[test]
fn a_list_of_another_rule_file_is_not_overwritten() {
    let text = |name: &str, id: &str, role: &str| {
        let case = std::fs::read_to_string(root().join("tests/cases/one_step.chain")).unwrap();
        let case = case.replace("rule one_step ", &format!("rule {name} ")).replace("22bed5ba", id);
        let case = case.replacen("\n  }\n", "\n      except actor.issuer.id in roles\n  }\n", 1);
        format!("allowlist roles: actor.issuer.id {{ \"{role}\" }}\n{case}")
    };
    let files = [
        ("a.chain", text("a", "22bed5ba", "role/a")),
        ("b.chain", text("b", "32bed5ba", "role/b")),
        ("c.chain", text("c", "42bed5ba", "role/a")),
    ];
    let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    let folder = scratch("lists_of_runs", &files);
    let out = path(&folder, "out");
    let compile = |file: &str| {
        catena(&["compile", &path(&folder, file), "--target", "spl", "--lists", "lookup", "-o", &out])
    };
    let list = || std::fs::read_to_string(Path::new(&out).join("spl/roles.csv")).unwrap();
    assert_eq!(compile("a.chain").status, 0);
    let before = list();
    let ran = compile("b.chain");
    assert!(ran.status == 2 && ran.err.contains("would be overwritten"), "{}", ran.err);
    assert_eq!(list(), before);
    assert_eq!(compile("c.chain").status, 0, "the same values");
    // A list that changes is written anew, and so is one whose file is gone.
    std::fs::write(path(&folder, "c.chain"), text("c", "42bed5ba", "role/c")).unwrap();
    let ran = compile("c.chain");
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(list().contains("role/c"));
    std::fs::rename(path(&folder, "c.chain"), path(&folder, "d.chain")).unwrap();
    std::fs::write(path(&folder, "d.chain"), text("c", "42bed5ba", "role/d")).unwrap();
    assert_eq!(compile("d.chain").status, 0);
    assert!(list().contains("role/d"));
}

#[test]
fn the_list_that_a_query_reads_is_written_beside_it() {
    let rows = "value,reason,until,ticket\n\
                role/b,\"on call, \"\"nights\"\"\",2099-12-31,\n\
                role/gone,,2026-01-31,\n\
                role/twice,,2030-01-01,\nrole/twice,,,SEC-1\n\
                role/again,,2030-01-01,\nrole/again,,2031-02-28,\n\
                role/ci-*,,2028-02-29,\n";
    let rule = std::fs::read_to_string(root().join("tests/cases/one_step.chain")).unwrap();
    let rule = rule.replacen("\n  }\n", "\n      except actor.issuer.id in roles\n  }\n", 1);
    let rule = format!("allowlist roles: actor.issuer.id from \"roles.csv\"\n{rule}");
    let folder = scratch("beside", &[("rule.chain", rule.as_bytes()), ("roles.csv", rows.as_bytes())]);
    let (place, out) = (path(&folder, "rule.chain"), path(&folder, "out"));
    let compile = |more: &[&str]| {
        let ran = catena(&[&["compile", &place, "--as-of", AS_OF, "--lists"], more].concat());
        assert_eq!(ran.status, 0, "{}", ran.err);
        ran
    };
    let held = "value,until,reason,owner,ticket\n\
                role/b,2099-12-31,\"on call, \"\"nights\"\"\",,\n\
                role/twice,,,,SEC-1\n\
                role/again,2031-02-28,,,\n";
    let written = |target: &str| std::fs::read_to_string(format!("{out}/{target}/roles.csv")).ok();
    compile(&["lookup", "-o", &out]);
    for (target, expected) in [("spl", Some(held)), ("kql", Some(held)), ("eql", None), ("sigma", None)] {
        assert_eq!(written(target).as_deref(), expected, "{target}");
    }
    // What the query itself says of entries that stand in it, and of those that do not.
    let expiry = |lists: &str, target: &str| {
        let ran = compile(&[lists, "--target", target]);
        let told = ran.out.lines().find(|line| line.contains("a new compilation when"));
        told.and_then(|line| line.split_whitespace().find(|word| word.starts_with("20"))).map(str::to_owned)
    };
    for target in ["spl", "kql"] {
        assert_eq!(expiry("lookup", target).as_deref(), Some("2028-02-29"), "the pattern stays in the text");
    }
    for target in ["spl", "kql", "eql"] {
        assert_eq!(expiry("inline", target).as_deref(), Some("2028-02-29"));
    }
    let json: Value =
        serde_json::from_str(&compile(&["lookup", "--target", "kql", "--format", "json"]).out).unwrap();
    assert_eq!(json[0]["lists"], json!([{ "name": "roles", "file": "roles.csv", "text": held }]));
    // A query that carries the values needs no list, so the file of the run before is left over.
    let left_over = compile(&["inline", "-o", &out, "--prune"]).err;
    assert!(left_over.contains("spl/roles.csv") && written("spl").is_none(), "{left_over}");
}

#[test]
fn one_file_is_checked_once_however_it_is_spelled() {
    let rule = std::fs::read("tests/cases/one_step.chain").unwrap();
    let folder = scratch(
        "spelled",
        &[("a.chain", &rule), ("sub/b.chain", b"import \"../list.chain\"\n"), ("list.chain", b"")],
    );
    let (root, a) = (path(&folder, ""), path(&folder, "a.chain"));
    let dotted = path(&folder, "./a.chain");
    let around = path(&folder, "sub/../a.chain");
    for paths in [vec![a.as_str(), a.as_str()], vec![&a, &dotted, &around], vec![&a, &root], vec![&root, &a]]
    {
        let mut arguments = vec!["check"];
        arguments.extend(&paths);
        let ran = catena(&arguments);
        assert!(!ran.err.contains("E0212"), "{paths:?}: {}", ran.err);
    }
    #[cfg(unix)]
    {
        let (link, linked) = (path(&folder, "link.chain"), path(&folder, "linked"));
        std::os::unix::fs::symlink("a.chain", &link).unwrap();
        std::os::unix::fs::symlink(folder.path(), &linked).unwrap();
        for paths in [[&a, &link], [&link, &a], [&root, &linked], [&linked, &a]] {
            let ran = catena(&["compile", paths[0], paths[1], "--target", "kql"]);
            assert_eq!(ran.status, 0, "{paths:?}: {}", ran.err);
        }
        // It goes by the name that came first, and a file that imports itself by a link imports itself.
        std::fs::write(&a, "import \"link.chain\"\n").unwrap();
        let ran = catena(&["check", &link, &a]);
        assert!(ran.err.contains("error[E0152]") && ran.err.contains("1 file"), "{}", ran.err);
        assert!(ran.err.contains("link.chain:1:8"), "{}", ran.err);
    }
}

#[test]
fn a_file_called_like_standard_input_can_be_named() {
    let folder = scratch("dash", &[("-", b"rule {")]);
    let ran = Command::new(env!("CARGO_BIN_EXE_catena"))
        .args(["check", "./-"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
}

#[test]
fn two_rules_never_share_a_file() {
    // Sigma wants file names of ten characters or more, so the name of the chain is filled up.
    let case =
        |name: &str| std::fs::read_to_string(root().join(format!("tests/cases/{name}.chain"))).unwrap();
    let short = case("three_steps_gaps").replacen("rule three_steps_gaps", "rule a", 1);
    let long = case("one_step").replacen("rule one_step", "rule correlation_a", 1);
    let folder = scratch("share", &[("a.chain", short.as_bytes()), ("b.chain", long.as_bytes())]);
    let out = path(&folder, "out");
    let ran = catena(&["compile", &path(&folder, ""), "--target", "sigma", "-o", &out]);
    assert_eq!(ran.status, 2, "{}", ran.err);
    assert!(ran.err.contains("rules `a` and `correlation_a` would both be written"), "{}", ran.err);
}

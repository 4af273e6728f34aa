//! Environment files, source files and the options around them: what is wrong in them is said, and nothing is compiled.

use crate::program::{Ran, catena, root};

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix("environment").tempdir_in(root().join("target")).unwrap();
    let rule = std::fs::read_to_string(root().join("tests/cases/two_steps.chain")).unwrap();
    std::fs::write(folder.path().join("rule.chain"), rule).unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn compile(folder: &tempfile::TempDir, target: &str, more: &[&str]) -> Ran {
    let rule = folder.path().join("rule.chain").display().to_string();
    catena(&[&["compile", &rule, "--target", target], more].concat())
}

/// An environment file with one entry of a mapping; `words: product` is a key of `words`.
fn mapping_with(target: &str, entry: &str, value: &str) -> String {
    let stated = match entry.split_once(": ") {
        Some((words, word)) => format!("{words}: {{{word}: {value}}}"),
        None => format!("{entry}: {value}"),
    };
    format!("targets: {{{target}: {{aws.cloudtrail: {{{stated}}}}}}}\n")
}

#[test]
fn nothing_is_compiled_under_a_broken_environment() {
    for (text, code, message) in [
        ("lookbak: 1h\n", "E0903", "unknown key `lookbak`"),
        ("lookback: 24h\nlookback: 25h\n", "E0901", "the key `lookback` occurs twice"),
        ("- 1\n", "E0901", "expected keys with values"),
        ("params: {a: [1]}\n", "E0901", "the value of `a` has the wrong form"),
        ("sources: one.yaml\n", "E0901", "expected a list"),
        ("lookback: 1h\n---\nlookback: 2h\n", "E0902", "expected one document"),
        ("targets: {splunk: {}}\n", "E0905", "there is no target `splunk`"),
        ("targets: {kql: {aws.cloudtrail: {fields: {event.action: {}}}}}\n", "E0901", "exactly one of field"),
        ("targets: {kql: {aws.cloudtrail: {fields: {event.action: []}}}}\n", "E0901", "at least one variant"),
        ("targets: {kql: {aws.cloudtrail: {time_lag: -1}}}\n", "E0901", "expected an integer, 0 or more"),
        ("targets: {kql: {aws.cloudtrail: {time_lag: 99999999999}}}\n", "E0901", "`time_lag` is at most"),
        ("sources: [gone.yaml]\n", "E0901", "cannot read `gone.yaml`"),
        ("sources: [/etc/passwd]\n", "E0901", "a source file ends in `.yaml`"),
    ] {
        let ran = compile(&folder(&[("catena.yaml", text)]), "kql", &[]);
        assert_eq!((ran.status, ran.out.as_str()), (1, ""), "{text}: {}", ran.err);
        assert!(ran.err.contains(code) && ran.err.contains(message), "{text}: {}", ran.err);
        assert!(!ran.err.contains(" at line "), "the place is in the picture: {}", ran.err);
    }
}

/// Two environments, one source file: what is wrong in it is said once.
#[test]
fn a_source_file_of_two_environments_is_one_file() {
    let folder = folder(&[("more.yaml", "extends: aws.cloudtrail\ntargest: {}\n")]);
    let rule = std::fs::read_to_string(folder.path().join("rule.chain")).unwrap();
    for name in ["one", "two"] {
        let own = folder.path().join(name);
        std::fs::create_dir(&own).unwrap();
        std::fs::write(own.join("catena.yaml"), "sources: [../more.yaml]\n").unwrap();
        std::fs::write(own.join("rule.chain"), rule.replace("two_steps", name)).unwrap();
    }
    let place = |name: &str| folder.path().join(name).display().to_string();
    let ran = catena(&["check", &place("one"), &place("two")]);
    assert_eq!(ran.status, 1, "{}", ran.err);
    assert_eq!(ran.err.matches("unknown key `targest`").count(), 1, "{}", ran.err);
    let shown = folder.path().strip_prefix(root()).unwrap().join("more.yaml").display().to_string();
    assert!(ran.err.contains(&format!("--> {shown}:2:1")), "{}", ran.err);
}

/// The name counts where the file is searched, not where the user names it.
#[test]
fn only_a_file_that_is_searched_must_have_the_name() {
    let folder = folder(&[("ours.yml", "lookback: 24h\n"), ("catena.yml", "lookback: 24h\n")]);
    let file = folder.path().join("ours.yml").display().to_string();
    let ran = compile(&folder, "kql", &["--env", &file]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    let ran = compile(&folder, "kql", &[]);
    assert_eq!((ran.status, ran.out.as_str()), (1, ""), "{}", ran.err);
    assert!(ran.err.contains("rename it to `catena.yaml`"), "{}", ran.err);
    std::fs::write(folder.path().join("catena.yaml"), "lookback: 24h\n").unwrap();
    let ran = compile(&folder, "kql", &[]);
    assert_eq!((ran.status, ran.out.as_str()), (1, ""), "{}", ran.err);
    assert!(ran.err.contains("move what it says into the `catena.yaml` beside it"), "{}", ran.err);
}

#[test]
fn a_file_without_settings_changes_nothing() {
    let plain = compile(&folder(&[]), "kql", &[]);
    for text in ["", "# a comment\n", "---\n", "~\n", "null\n", "\u{feff}# a comment\n"] {
        let ran = compile(&folder(&[("catena.yaml", text)]), "kql", &[]);
        assert_eq!((ran.status, &ran.out), (0, &plain.out), "{text:?}: {}", ran.err);
    }
}

#[test]
fn a_mapping_that_says_too_little_is_an_error() {
    for (target, entry, value) in [
        ("kql", "from", "' '"),
        ("kql", "time", "' '"),
        ("spl", "from", "' '"),
        ("eql", "from", "' '"),
        ("sigma", "words", "{ product: ' ', service: '' }"),
    ] {
        let text = format!("targets: {{{target}: {{aws.cloudtrail: {{{entry}: {value}}}}}}}\n");
        let ran = compile(&folder(&[("catena.yaml", &text)]), target, &[]);
        assert_eq!((ran.status, ran.out.as_str()), (1, ""), "{text}: {}", ran.err);
        assert!(ran.err.contains(&format!("`aws.cloudtrail` has no `{entry}`")), "{text}: {}", ran.err);
    }
}

/// What a shell makes of `<(…)` can be read once, and never ends where nobody writes.
#[cfg(unix)]
#[test]
fn files_can_be_pipes_of_a_shell() {
    let through = |options: &str| {
        let script = format!("\"$0\" check <(cat tests/cases/two_steps.chain) {options}");
        let ran = std::process::Command::new("bash")
            .args(["-c", &script, env!("CARGO_BIN_EXE_catena")])
            .current_dir(root())
            .output()
            .unwrap();
        (ran.status.code(), String::from_utf8(ran.stderr).unwrap())
    };
    let (status, err) = through("--env <(echo 'lookbak: 1h')");
    assert_eq!(status, Some(1), "{err}");
    assert!(err.contains("unknown key `lookbak`"), "{err}");
    let (status, err) = through("--env <(echo 'lookback: 1h') --source <(cat sources/aws.vpcflow.yaml)");
    assert_eq!(status, Some(0), "{err}");
}

#[cfg(unix)]
#[test]
fn nothing_waits_for_a_named_pipe() {
    let folder = folder(&[("catena.yaml", "sources: [pipe.yaml]\n")]);
    let place = |name: &str| folder.path().join(name).display().to_string();
    let pipe = place("pipe.yaml");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::os::unix::fs::symlink(&pipe, folder.path().join("link.chain")).unwrap();
    let rule = place("rule.chain");
    for (arguments, status) in [
        (vec!["check", &place("link.chain")], 2),
        (vec!["compile", &pipe], 2),
        (vec!["check", &rule, "--env", &pipe], 2),
        (vec!["check", &rule, "--source", &pipe], 2),
        (vec!["check", &rule], 1),
    ] {
        let ran = catena(&arguments);
        assert_eq!((ran.status, ran.out.as_str()), (status, ""), "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains("a named pipe"), "{arguments:?}: {}", ran.err);
    }
}

#[test]
fn environment_and_source_files_are_bounded() {
    let long = format!("# {}\n", "x".repeat(4 << 20));
    let folder = folder(&[("long.yaml", &long)]);
    let place = |name: &str| folder.path().join(name).display().to_string();
    for option in ["--env", "--source"] {
        let ran = catena(&["check", &place("rule.chain"), option, &place("long.yaml")]);
        assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{}", ran.err);
        assert!(ran.err.contains("it has more than 4194304 bytes"), "{}", ran.err);
    }
}

/// What a mapping states in a target's own language stands in the query as it is, so it must be a self-contained
/// expression.
#[test]
fn what_a_mapping_states_is_self_contained() {
    for (target, entry, text, problem) in [
        ("eql", "filter", "event.kind =! \"event\"", "an operator expected, not `=!`"),
        ("eql", "filter", "event.kind == \"event\" // all", "a comment at the end"),
        ("eql", "filter", "", "a field expected, not the end"),
        ("eql", "time", "event.start", "events are ordered by `@timestamp`"),
        ("kql", "filter", "Kind == 1 | take 1", "`|` ends it"),
        ("kql", "filter", "Kind == 1 // all", "`//` begins a comment"),
        ("kql", "time", "todatetime(When", "`(` is unbalanced"),
        ("kql", "words: group", "todynamic(Items))", "`)` is unbalanced"),
        ("spl", "filter", "kind=\"event", "`\"` is unbalanced"),
        ("spl", "filter", " ", "it is empty"),
        ("spl", "from", "index=a ] | delete", "`]` is unbalanced"),
        ("spl", "from", "index=aws | head 100000", "`|` ends it"),
        ("spl", "from", "index=aws \"a", "`\"` is unbalanced"),
        ("spl", "time", "strptime(when, \"%s\"))", "`)` is unbalanced"),
    ] {
        let settings = mapping_with(target, entry, &format!("'{text}'"));
        let ran = compile(&folder(&[("catena.yaml", &settings)]), target, &[]);
        assert_eq!((ran.status, ran.out.as_str()), (1, ""), "{settings}: {}", ran.err);
        let title = format!("error[E0901]: the `{entry}` of `aws.cloudtrail` is invalid in");
        assert!(ran.err.contains(&title) && ran.err.contains(problem), "{settings}: {}", ran.err);
    }
    for (target, text) in [
        ("kql", "tolower(Name"),
        ("kql", "Name // all"),
        ("kql", "strcat(A, B), C = D"),
        ("spl", "lower(\"name)"),
        ("spl", "coalesce(a, b), user=c"),
    ] {
        let settings = format!(
            "targets: {{{target}: {{aws.cloudtrail: {{fields: {{event.action: {{expr: '{text}'}}}}}}}}}}\n"
        );
        let ran = compile(&folder(&[("catena.yaml", &settings)]), target, &[]);
        assert_eq!((ran.status, ran.out.as_str()), (1, ""), "{settings}: {}", ran.err);
        assert!(ran.err.contains("its `expr` is not a self-contained expression"), "{settings}: {}", ran.err);
    }
    let needs = "targets: {spl: {aws.cloudtrail: {fields: {event.action: {needs: {a | b: c}, expr: x}}}}}\n";
    let ran = compile(&folder(&[("catena.yaml", needs)]), "spl", &[]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(ran.out.contains("spath output=\"a | b\" path=c"), "{}", ran.out);
    for (target, text, printed) in [
        ("eql", r#"a == "x" or b == "y""#, r#"(a == "x" or b == "y") and"#),
        ("kql", r#"A == "|)" or B == @"\""#, r#"where A == "|)" or B == @"\""#),
        ("spl", r#"a="|]" OR b="y""#, r#"(a="|]" OR b="y") eventName="#),
    ] {
        let text = text.replace('\'', "''");
        let settings = format!("targets: {{{target}: {{aws.cloudtrail: {{filter: '{text}'}}}}}}\n");
        let ran = compile(&folder(&[("catena.yaml", &settings)]), target, &[]);
        assert_eq!(ran.status, 0, "{settings}: {}", ran.err);
        assert!(ran.out.contains(printed), "{settings}: {}", ran.out);
    }
}

/// Sentinel: a table by its name, or by an expression that stands as it is; what would break out of it is refused.
#[test]
fn tables_by_name_and_by_expression() {
    for (from, printed) in [
        ("AWSCloudTrail", "= AWSCloudTrail\n"),
        ("a b-c", "= [\"a b-c\"]\n"),
        ("['a b']", "= ['a b']\n"),
        ("MyParser()", "= MyParser()\n"),
        ("union A, B", "= union A, B\n"),
        ("union isfuzzy=true A, (B | where C == 1)", "= union isfuzzy=true A, (B | where C == 1)\n"),
        ("workspace(\"w\").AWSCloudTrail", "= workspace(\"w\").AWSCloudTrail\n"),
        (
            "_Im_AuditEvent(starttime=ago(1d), disabled=False)",
            "= _Im_AuditEvent(starttime=ago(1d), disabled=False)\n",
        ),
    ] {
        let settings =
            format!("targets: {{kql: {{aws.cloudtrail: {{from: '{}'}}}}}}\n", from.replace('\'', "''"));
        let ran = compile(&folder(&[("catena.yaml", &settings)]), "kql", &[]);
        assert_eq!(ran.status, 0, "{from}: {}", ran.err);
        assert!(ran.out.contains(printed), "{from}: {}", ran.out);
    }
    for (from, problem) in [
        ("A | take 1", "`|` ends it"),
        ("A, B", "`,` ends it"),
        ("union A, B | take 1", "`|` ends it"),
        ("A; B", "`;` ends it"),
        ("f(x", "`(` is unbalanced"),
        ("f(x) // all", "`//` begins a comment"),
        ("workspace(\"w).A", "`\"` is unbalanced"),
    ] {
        let settings = format!("targets: {{kql: {{aws.cloudtrail: {{from: '{from}'}}}}}}\n");
        let ran = compile(&folder(&[("catena.yaml", &settings)]), "kql", &[]);
        assert_eq!((ran.status, ran.out.as_str()), (1, ""), "{from}: {}", ran.err);
        assert!(
            ran.err.contains("the `from` of `aws.cloudtrail`") && ran.err.contains(problem),
            "{from}: {}",
            ran.err
        );
    }
}

/// Splunk: a filter is part of the base search; the language of `where` would mean other terms there.
#[test]
fn a_filter_of_splunk_is_a_search() {
    for (filter, problem) in
        [("like(a, \"b%\")", "a function of `where`"), ("a=1 or b=1", "write `OR`"), ("a==1", "`==`")]
    {
        let settings = format!("targets: {{spl: {{aws.cloudtrail: {{filter: '{filter}'}}}}}}\n");
        let ran = compile(&folder(&[("catena.yaml", &settings)]), "spl", &[]);
        assert_eq!((ran.status, ran.out.as_str()), (1, ""), "{filter}: {}", ran.err);
        assert!(ran.err.contains("catena.yaml:1:") && ran.err.contains(problem), "{filter}: {}", ran.err);
    }
}

/// However many rules read the source, in one or in all targets, and whether or not anything is compiled.
#[test]
fn a_fault_of_a_mapping_is_one_error() {
    let settings = mapping_with("kql", "filter", r#"'a == "b'"#);
    let folder = folder(&[("catena.yaml", &settings)]);
    let rule = std::fs::read_to_string(folder.path().join("rule.chain")).unwrap();
    for number in 0..20 {
        let name = format!("rule{number}.chain");
        let rule = rule.replace("rule two_steps", &format!("rule two_steps_{number}"));
        let rule = rule.replace("641e33b9", &format!("{number:08}"));
        std::fs::write(folder.path().join(name), rule).unwrap();
    }
    let path = folder.path().display().to_string();
    for command in [vec!["check", &path], vec!["compile", &path], vec!["test", &path]] {
        let ran = catena(&command);
        assert_eq!((ran.status, ran.err.matches("error[").count()), (1, 1), "{command:?}: {}", ran.err);
        assert!(ran.err.contains("error[E0901]: the `filter` of `aws.cloudtrail` is invalid"), "{}", ran.err);
    }
}

/// Several faults are reported at once.
#[test]
fn every_fault_of_a_mapping_is_reported() {
    let settings = "targets:\n  kql:\n    aws.cloudtrail:\n      filter: a | b\n      time: f(\n      words: { product: x }\n      \
                    fields:\n        event.id: { path: \"A.items[x]\" }\n        event.action: { expr: f( }\n";
    let ran = compile(&folder(&[("catena.yaml", settings)]), "all", &[]);
    for part in
        ["`|` ends it", "`(` is unbalanced", "`words: product`", "`A.items[x]` is not a path", "its `expr`"]
    {
        assert!(ran.err.contains(part), "{part}: {}", ran.err);
    }
    assert_eq!((ran.status, ran.out.as_str()), (1, ""), "{}", ran.err);
    assert_eq!(ran.err.matches("error[").count(), 5, "each once: {}", ran.err);
}

/// What a mapping states and its target makes nothing of would be lost, and the query would be wider than the user
/// thinks.
#[test]
fn what_a_target_does_not_read_is_refused() {
    for (target, entry, value) in [
        ("sigma", "filter", "eventVersion == 1"),
        ("sigma", "from", "index=aws"),
        ("sigma", "time", "eventTime"),
        ("sigma", "time_lag", "60"),
        ("sigma", "words: prodcut", "aws"),
        ("spl", "time_lag", "60"),
        ("spl", "words: from", "index=aws"),
        ("kql", "words: product", "aws"),
        ("eql", "words: group", "items"),
    ] {
        let settings = mapping_with(target, entry, value);
        let ran = compile(&folder(&[("catena.yaml", &settings)]), target, &[]);
        assert_eq!((ran.status, ran.out.as_str()), (1, ""), "{settings}: {}", ran.err);
        let title = format!("error[E0901]: the `{entry}` of `aws.cloudtrail` is ignored by");
        assert!(ran.err.contains(&title), "{settings}: {}", ran.err);
    }
    let words =
        "targets: {sigma: {aws.cloudtrail: {words: {category: api, definition: Logs of all regions}}}}\n";
    let ran = compile(&folder(&[("catena.yaml", words)]), "sigma", &[]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(ran.out.contains("    category: api\n    product: aws\n"), "{}", ran.out);
    assert!(ran.out.contains("    definition: Logs of all regions"), "{}", ran.out);
}

#[test]
fn source_files_are_judged_whole() {
    let source = |fields: &str| {
        format!(
            "name: our.proxy\ntitle: t\ndescription: d\ndelay: 1\ngranularity: 1\ntargets: {{}}\nfields:\n  event.time: {{ type: time, description: d }}\n{fields}"
        )
    };
    let capture = |text: &str| {
        source(&format!("  a: {{ type: string, description: d, raw: [{{ path: a, capture: '{text}' }}] }}\n"))
    };
    let column = |column: &str| {
        source(&format!("  a: {{ type: string, description: d, columns: {{ kql: {column} }} }}\n"))
            .replace("targets: {}", "targets: { kql: { from: T, time: t } }")
    };
    for (text, message) in [
        (String::new(), "the file is empty"),
        ("[]\n".to_owned(), "expected keys with values"),
        (source("  time: { type: string, description: d }\n"), "STEP_time"),
        (source("").replace("type: time", "type: string"), "`event.time` is of type `time`"),
        (
            source("  a: { type: int, description: d }\n").replace("event.time", "event.at"),
            "has no field `event.time`",
        ),
        (source("  a: { type: text, description: d }\n"), "`text` cannot stand here"),
        (capture("("), "not a regular expression with a group"),
        (column("{ item: b }"), "`item` is for fields of the repeated group"),
        (column("{ field: b, needs: { c: d } }"), "`needs` is for an `expr`"),
        (column("{ field: b, text: { field: c, key: d } }"), "`text` is for a field with `multi: true`"),
        (capture("abc"), "not a regular expression with a group"),
    ] {
        let folder = folder(&[("our.yaml", &text)]);
        let file = folder.path().join("our.yaml").display().to_string();
        let ran = compile(&folder, "kql", &["--source", &file]);
        assert_eq!((ran.status, ran.out.as_str()), (1, ""), "{text}: {}", ran.err);
        assert!(ran.err.contains(message) && ran.err.contains("our.yaml"), "{text}: {}", ran.err);
    }
}

/// A requirement that an organisation does not meet: it says so, and what would miss by it is refused.
#[test]
fn a_column_that_lacks_values_is_refused() {
    let lacking = "targets:\n  eql:\n    aws.cloudtrail:\n      fields:\n        \
                   instance.id: { field: related.entity, multi: true, subset: ours leaves some out }\n";
    for (settings, more, status) in [("", "", 0), (lacking, "", 1), (lacking, "--allow-subset", 0)] {
        let folder = folder(&[("catena.yaml", settings)]);
        let env = folder.path().join("catena.yaml").display().to_string();
        let more = [more, "--target=eql"].into_iter().filter(|option| !option.is_empty());
        let rule = ["compile", "rules/an1318/aws_flow_v5.chain", "--env", &env];
        let ran = catena(&rule.into_iter().chain(more).collect::<Vec<_>>());
        assert_eq!(ran.status, status, "{settings}: {}", ran.err);
        let refused = ran.err.contains("error[E0803]")
            && ran.err.contains("then within launch_to_egress on instance.id");
        assert_eq!(refused, status == 1, "{}", ran.err);
        let owns_up = ran.out.contains("// may miss: ours leaves some out");
        assert_eq!(owns_up, !settings.is_empty() && status == 0, "{}", ran.out);
    }
}

#[test]
fn a_day_is_written_as_in_the_language() {
    let folder = folder(&[]);
    for (day, status) in [
        ("2026-11-24", 0),
        ("2024-02-29", 0),
        ("2026-02-29", 2),
        ("20261124", 2),
        ("2026-11-24T23:00-05:00", 2),
        ("2026-11-24T23:00Z", 2),
        ("2026-11-24[Europe/Berlin]", 2),
        ("+002026-11-24", 2),
        ("today", 2),
        ("", 2),
    ] {
        let ran = compile(&folder, "kql", &[&format!("--as-of={day}")]);
        assert_eq!(ran.status, status, "{day}: {}", ran.err);
        assert_eq!(ran.err.contains("expected a day such as 2026-11-24"), status == 2, "{day}: {}", ran.err);
    }
}

#[test]
fn a_file_that_the_user_names_and_that_cannot_be_read_is_io() {
    let folder = folder(&[]);
    for option in ["--env", "--source"] {
        for gone in ["gone.yaml", "."] {
            let path = folder.path().join(gone).display().to_string();
            let ran = compile(&folder, "kql", &[option, &path]);
            assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{option} {gone}: {}", ran.err);
            assert!(ran.err.contains("cannot read"), "{option} {gone}: {}", ran.err);
        }
    }
}

/// `1.10` is a version and `007` an agent: what is not quoted in YAML is still what the author wrote.
#[test]
fn a_value_of_a_parameter_is_text_as_written() {
    for (written, value) in [
        ("1.10", "1.10"),
        ("007", "007"),
        ("12345678901234567890123", "12345678901234567890123"),
        ("1e3", "1e3"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("+5", "+5"),
        ("true", "true"),
        ("Yes", "Yes"),
        ("'1.10'", "1.10"),
        ("a b", "a b"),
    ] {
        for place in ["params", "rules: {two_steps: {params"] {
            let close = "}".repeat(place.matches('{').count());
            let folder = folder(&[("catena.yaml", &format!("{place}: {{v: {written}}}{close}\n"))]);
            let rule = std::fs::read_to_string(folder.path().join("rule.chain")).unwrap();
            let rule = rule.replacen("  chain", "  param v = \"x\"\n  chain", 1);
            let rule = rule.replacen("event.action ==", "actor.name == v and event.action ==", 1);
            std::fs::write(folder.path().join("rule.chain"), &rule).unwrap();
            let ran = compile(&folder, "kql", &[]);
            assert!(
                ran.out.contains(&format!("\"{value}\"")),
                "{place} {written}: {}{}{rule}",
                ran.err,
                ran.out
            );
        }
    }
}

#[test]
fn an_empty_value_of_a_parameter_is_none() {
    for text in ["params: {v: ~}\n", "params: {v: }\n", "params: {v: null}\n"] {
        let ran = compile(&folder(&[("catena.yaml", text)]), "kql", &[]);
        assert!(
            ran.status == 1 && ran.err.contains("the value of `v` has the wrong form"),
            "{text}: {}",
            ran.err
        );
    }
}

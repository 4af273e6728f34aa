//! SQL for lakes: what the statements of each dialect look like, and what tables a rule needs.

use catena::backend::{self, Job, Options, SqlDialect};
use catena::diag::Diagnostics;

use crate::program::{AS_OF, Ran, catena, catena_with_input, is_long_run, path, root, scratch};

/// The rule of the front page in every dialect, and one case for each kind of clause in the first.
const SHOWN: [(&str, &str); 14] = [
    ("rules/an1318/aws.chain", "duckdb"),
    ("rules/an1318/aws.chain", "spark"),
    ("rules/an1318/aws.chain", "trino"),
    ("tests/cases/one_event_both_steps.chain", "duckdb"),
    ("tests/cases/one_event_both_steps.chain", "spark"),
    ("tests/cases/absence_between_two_steps.chain", "duckdb"),
    ("tests/cases/alternatives_of_two_sources.chain", "duckdb"),
    ("tests/cases/any_order.chain", "duckdb"),
    ("tests/cases/repeated_in_the_middle.chain", "duckdb"),
    ("tests/cases/predicates_ip.chain", "trino"),
    ("tests/cases/hostile_text.chain", "spark"),
    ("tests/cases/many_values_aws.chain", "duckdb"),
    ("tests/cases/many_values_aws.chain", "trino"),
    ("tests/cases/any_link_later.chain", "spark"),
];

#[test]
fn statements_of_every_dialect() {
    for (path, dialect) in SHOWN {
        let Ran { status, out, err } =
            catena(&["compile", path, "--target", "sql", "--dialect", dialect, "--as-of", AS_OF]);
        assert_eq!(status, 0, "{path}: {err}");
        let name = path.rsplit('/').next().unwrap().trim_end_matches(".chain");
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(root().join("snapshots/sql"));
        settings.set_prepend_module_to_snapshot(false);
        settings.bind(|| insta::assert_snapshot!(format!("{name}.{dialect}"), out));
    }
}

/// A slice of time, by instants and by the markers of each dialect, and what is none.
#[test]
fn slices_of_time() {
    let path = "tests/cases/absence_after_a_step.chain";
    let compile = |more: &[&str]| {
        let mut arguments = vec!["compile", path, "--target", "sql", "--as-of", AS_OF];
        arguments.extend(more);
        catena(&arguments)
    };
    let between = ["--from", "2026-01-01", "--to", "2026-01-01T01:00:00Z"];
    let mut shown = compile(&between).out;
    for dialect in ["duckdb", "spark", "trino"] {
        let Ran { status, out, err } = compile(&["--dialect", dialect, "--markers"]);
        assert_eq!(status, 0, "{err}");
        let lines: Vec<&str> = out.lines().collect();
        let table = lines.iter().position(|line| line.starts_with("slice_of_time AS")).unwrap();
        let table = lines[table - 1..=table + 2].join("\n");
        shown = format!("{shown}\n-- markers of {dialect}\n{table}\n");
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(root().join("snapshots/sql"));
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!("slices_of_time", shown));
    for (wrong, said) in [
        (vec!["--from", "2026-01-02", "--to", "2026-01-02"], "`--from` is not before `--to`"),
        (vec!["--from", "2026-01-02"], "--to <TIME>"),
        (vec!["--from", "yesterday", "--to", "2026-01-02"], "expected a day such as"),
        (vec!["--markers", "--from", "2026-01-01", "--to", "2026-01-02"], "cannot be used with"),
    ] {
        let ran = compile(&wrong);
        assert!(ran.status == 2 && ran.err.contains(said), "{wrong:?}: {}", ran.err);
    }
}

/// A query of another target has no bounds, so they are refused where no SQL is written and taken where it is.
#[test]
fn a_slice_of_time_that_no_target_reads() {
    let rule = "rules/an1318/aws.chain";
    for slice in [vec!["--from", "2026-01-01", "--to", "2026-01-02"], vec!["--markers"]] {
        let ran = catena(&[&["compile", rule, "--target", "kql"][..], &slice].concat());
        assert!(
            ran.status == 2 && ran.out.is_empty() && ran.err.contains("only SQL reads a slice of time"),
            "{}",
            ran.err
        );
        let ran = catena(&[&["compile", rule, "--target", "kql", "--target", "sql"][..], &slice].concat());
        assert_eq!(ran.status, 0, "{}", ran.err);
    }
}

/// The text that keeps chains without their last step, and the one that reads them. Their table has another name when
/// what fills it is another, and no other when the last step, the slice or a comment is.
#[test]
fn a_rule_in_two_texts() {
    let rule = "tests/cases/absence_after_a_step.chain";
    let text = std::fs::read_to_string(root().join(rule)).unwrap();
    let name = text.lines().next().unwrap().split_whitespace().nth(1).unwrap().to_owned();
    let texts = |text: &str, more: &[&str]| {
        let folder = scratch("two_texts", &[("rule.chain", text.as_bytes())]);
        let rule = path(&folder, "rule.chain");
        let arguments =
            ["compile", &rule, "--target", "sql", "--as-of", AS_OF, "--allow-subset", "--staged", &name];
        catena(&[&arguments[..], more].concat())
    };
    let Ran { status, out, err } = texts(&text, &["--markers"]);
    assert_eq!(status, 0, "{err}");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(root().join("snapshots/sql"));
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!("two_texts", out));
    let table = |ran: Ran| {
        let found = ran.out.lines().find_map(|line| line.trim().strip_prefix("FROM ")?.split_once("_open_"));
        found.map_or_else(|| panic!("{}", ran.err), |(_, digest)| digest.to_owned())
    };
    let as_it_was = table(texts(&text, &["--markers"]));
    let slice = ["--from", "2026-01-01", "--to", "2026-01-02"];
    assert_eq!(table(texts(&text, &slice)), as_it_was);
    let title = text.replacen("title       \"", "title       \"Other: ", 1);
    assert_ne!(title, text);
    assert_eq!(table(texts(&title, &["--markers"])), as_it_was);
    let first = text.replacen("event.action == \"", "event.action == \"Un", 1);
    assert_ne!(first, text);
    assert_ne!(table(texts(&first, &["--markers"])), as_it_was);
    for rule in ["tests/cases/one_step.chain", "tests/cases/any_order.chain"] {
        let name = rule.rsplit('/').next().unwrap().trim_end_matches(".chain");
        let ran = catena(&["compile", rule, "--target", "sql", "--staged", name]);
        assert!(
            ran.status == 1 && ran.err.contains("cannot read the last log of this rule in two stages"),
            "{}",
            ran.err
        );
    }
}

/// One step over a source of which no file says how a lake stores it.
const FACTORS: &str = r#"rule factors {
  title "Factors of a user are reset"
  id "0d1c2a54-3a0e-4c0c-9c3e-0000000000aa"
  description "One step over a source of which no file says how a lake stores it."
  severity low
  chain { step reset from okta.system where event.action == "user.mfa.factor.reset_all" }
  alert { show reset.actor.id }
}
"#;

/// A source of which no file says how a lake stores it is one column of JSON.
#[test]
fn any_source_has_a_table_of_raw_events() {
    let Ran { status, out, err } =
        catena_with_input(&["compile", "-", "--target", "sql"], FACTORS.as_bytes());
    assert_eq!(status, 0, "{err}");
    assert!(out.contains("-- needs: a table or view `okta_system` whose text column `event`"), "{out}");
    assert!(out.contains("FROM okta_system AS logs"), "{out}");
}

#[test]
fn a_dialect_that_does_not_exist_is_named() {
    let ran = catena(&["compile", "rules/an1318/aws.chain", "--target", "sql", "--dialect", "oracle"]);
    assert_eq!(ran.status, 2);
    assert!(ran.err.contains("oracle") && ran.err.contains("duckdb, spark, trino"), "{}", ran.err);
}

/// Engines copy a calculated column into every comparison that names it, so none may be named twice in a test of
/// networks; and a text for Spark has no frame that it would compute anew for every row.
#[test]
fn nothing_is_computed_over_and_over() {
    let sliding = regex::Regex::new(r"BETWEEN [1-9]\d* PRECEDING").unwrap();
    for path in
        ["tests/cases/predicates_ip.chain", "rules/an1318/aws.chain", "tests/cases/flow_to_flow.chain"]
    {
        for dialect in ["spark", "trino"] {
            let text = catena(&["compile", path, "--target", "sql", "--dialect", dialect]).out;
            assert!(text.contains("UNBOUNDED PRECEDING"), "{path}");
            assert!(!sliding.is_match(&text), "{path} in {dialect}: {text}");
            let substituted = text.lines().find(|line| line.contains("${") || line.contains("{{"));
            assert!(dialect == "trino" || substituted.is_none(), "{path}: {substituted:?}");
        }
    }
}

/// Odd spellings of addresses as Python's `ipaddress` reads them, and literals that try to leave their quotes, through
/// the lexers of the engines.
#[test]
fn addresses_and_hostile_texts_are_read_as_meant() {
    for (environment, dialect, addresses) in
        [("sql", "duckdb", "1500"), ("sql", "trino", "1500"), ("spark", "spark", "300")]
    {
        let mut command = crate::engines::python(environment, "sql/spellings.py");
        command.arg(env!("CARGO_BIN_EXE_catena")).args(["--dialect", dialect, "--addresses", addresses]);
        let output = command.current_dir(root()).output().unwrap();
        assert!(output.status.success(), "{dialect}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Instants, integers and texts as logs write them, in sessions of another zone.
#[test]
fn scalars_are_read_as_replay_reads_them() {
    for (environment, dialect) in [("sql", "duckdb"), ("sql", "trino"), ("spark", "spark")] {
        let mut command = crate::engines::python(environment, "sql/scalars.py");
        let output = command.arg(env!("CARGO_BIN_EXE_catena")).args(["--dialect", dialect]).output().unwrap();
        assert!(output.status.success(), "{dialect}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// `run.py` on Spark over files: all of it in a long run.
#[test]
fn the_program_for_spark_gives_the_alerts_of_replay() {
    let mut command = crate::engines::python("spark", "sql/run_selftest.py");
    command.arg(env!("CARGO_BIN_EXE_catena"));
    if !is_long_run() {
        command.args(["damaged", "without_java", "refusals"]);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What a chain of plain links costs, by the plans of the engines.
#[test]
fn plans_join_no_row_with_every_row() {
    for (environment, dialect) in [("sql", "duckdb"), ("spark", "spark")] {
        let mut command = crate::engines::python(environment, "sql/plans.py");
        let rules = [
            "rules/an1318/aws.chain",
            "tests/cases/six_steps.chain",
            "tests/cases/flow_to_flow.chain",
            "tests/cases/any_link_later.chain",
        ];
        command.arg(env!("CARGO_BIN_EXE_catena")).args(rules).args(["--dialect", dialect]);
        let output = command.current_dir(root()).output().unwrap();
        assert!(output.status.success(), "{dialect}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// A long window in microseconds still fits.
#[test]
fn windows_of_any_length_are_numbers() {
    let rule = crate::rules::from_file(&root().join("tests/cases/two_steps.chain")).pop().unwrap();
    let catalog = catena::catalog::Catalog::embedded().unwrap();
    let mut found = Diagnostics::default();
    let schemas = backend::schemas(&catalog, &mut found);
    for dialect in [SqlDialect::DuckDb, SqlDialect::Spark, SqlDialect::Trino] {
        let mut rule = rule.clone();
        for link in &mut rule.chain.links {
            link.gap.seconds = u64::MAX / 2;
        }
        rule.chain.total.seconds = u64::MAX / 2;
        let options = Options { dialect, ..Options::default() };
        let job = Job { rule: &rule, catalog: &catalog, schemas: &schemas, options: &options };
        let emission = backend::compile(&job, backend::by_name("sql").unwrap(), &mut found).unwrap();
        assert!(emission.parts[0].text.contains("31536000000000000"), "{}", emission.parts[0].text);
    }
}

/// Tables of Amazon Security Lake: the statement of the front page, what they do not have, what is no layout.
#[test]
fn tables_of_security_lake() {
    let compile = |path: &str, layout: &str, more: &[&str]| {
        let mut arguments = vec!["compile", path, "--target", "sql", "--layout", layout, "--as-of", AS_OF];
        arguments.extend(more);
        catena(&arguments)
    };
    for dialect in ["duckdb", "spark", "trino"] {
        let Ran { status, out, err } = compile("rules/an1318/aws.chain", "ocsf", &["--dialect", dialect]);
        assert_eq!(status, 0, "{err}");
        let needs = "-- needs: `sessionCredentialFromConsole` in `unmapped['sessionCredentialFromConsole']`";
        assert!(out.contains(needs), "{out}");
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(root().join("snapshots/sql"));
        settings.set_prepend_module_to_snapshot(false);
        settings.bind(|| insta::assert_snapshot!(format!("aws_ocsf2.{dialect}"), out));
    }
    let ran = compile("rules/an1318/aws.chain", "ocsf1", &[]);
    assert_eq!(ran.status, 1);
    assert!(ran.err.contains("E0801") && ran.err.contains("--layout ocsf2"), "{}", ran.err);
    let arguments = ["compile", "-", "--target", "sql", "--layout", "ocsf"];
    let ran = catena_with_input(&arguments, FACTORS.as_bytes());
    assert!(
        ran.status == 1 && ran.err.contains("Security Lake has no table of `okta.system`"),
        "{}",
        ran.err
    );
    let ran = compile("rules/an1318/aws.chain", "ecs", &[]);
    assert!(ran.status == 2 && ran.err.contains("athena, ocsf1, ocsf2"), "{}", ran.err);
    for (source, dialect, said) in [
        ("aws.cloudtrail", "trino", "amazon_security_lake_table_REGION_cloud_trail_mgmt_2_0"),
        ("aws.vpcflow", "spark", "amazon_security_lake_table_REGION_vpc_flow_2_0"),
        (
            "kubernetes.audit",
            "duckdb",
            "CREATE OR REPLACE VIEW eks_audit_2_0 AS\nSELECT * FROM iceberg_scan('LOCATION')",
        ),
    ] {
        let out = catena(&["sources", source, "--layout", "ocsf", "--ddl", dialect]).out;
        assert!(out.contains(said), "{out}");
    }
    let ran = catena(&["sources", "okta.system", "--layout", "ocsf", "--ddl", "trino"]);
    assert!(ran.status != 0 && ran.err.contains("no table of `okta.system`"), "{}", ran.err);
}

/// The environment file names the layout for good, and what lies elsewhere is said as ever.
#[test]
fn an_environment_has_a_layout() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catena.yaml");
    let compile = |text: &str, layout: &[&str]| {
        std::fs::write(&file, text).unwrap();
        let mut arguments =
            vec!["compile", "rules/an1318/aws.chain", "--target", "sql", "--as-of", AS_OF, "--env"];
        arguments.push(file.to_str().unwrap());
        arguments.extend(layout);
        catena(&arguments)
    };
    let lake = "sql: { layout: ocsf }\ntargets: { sql: { aws.vpcflow: { from: lake.flows } } }\n";
    let out = compile(lake, &[]).out;
    assert!(
        out.contains("FROM cloud_trail_mgmt_2_0 AS logs") && out.contains("FROM lake.flows AS logs"),
        "{out}"
    );
    let out = compile(lake, &["--layout", "athena"]).out;
    assert!(out.contains("FROM cloudtrail_logs AS logs") && out.contains("FROM lake.flows AS logs"), "{out}");
    let ran = compile("sql: { layout: ecs }\n", &[]);
    assert!(ran.status == 1 && ran.err.contains("ocsf2"), "{}", ran.err);
}

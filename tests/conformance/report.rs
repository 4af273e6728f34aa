//! `docs/conformance.md`: what was run where, and what came out.
//!
//! In: the tally of each target. Out: the generated parts of the page. The run of the test suite compares the first
//! part with the page and fails when it is stale; `CATENA_UPDATE=1 cargo test conformance` writes it. The long run
//! writes the second part.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use catena::backend::{Fidelity, Level};

use super::{Compiled, Lane, harness, mutants};
use crate::generated;
use crate::program::{is_long_run, root};

/// What ran in one target without a difference.
pub(super) struct Tally {
    target: &'static str,
    title: &'static str,
    level: Option<Level>,
    pub(super) refused: usize,
    files: usize,
    random: usize,
    last_seed: u64,
    exact: usize,
    /// Rules that needed names of fields from an environment file.
    named: usize,
    scenarios: usize,
    alerts: usize,
    /// Feature to rules, scenarios and alerts.
    features: BTreeMap<&'static str, (usize, usize, usize)>,
}

impl Tally {
    pub(super) fn new(lane: &Lane) -> Self {
        Self {
            target: lane.name,
            title: lane.title,
            level: None,
            refused: 0,
            files: 0,
            random: 0,
            last_seed: 0,
            exact: 0,
            named: 0,
            scenarios: 0,
            alerts: 0,
            features: BTreeMap::new(),
        }
    }

    pub(super) fn add(
        &mut self,
        Compiled { emission, is_named }: &Compiled,
        seed: Option<u64>,
        features: &BTreeSet<&'static str>,
        scenarios: usize,
        alerts: usize,
    ) {
        *(if seed.is_some() { &mut self.random } else { &mut self.files }) += 1;
        self.last_seed = seed.unwrap_or(self.last_seed);
        // Rules of one step are at record level everywhere; the table says what holds for all.
        if self.level != Some(Level::Key) {
            self.level = Some(emission.level);
        }
        self.exact += usize::from(emission.fidelity == Fidelity::Exact);
        self.named += usize::from(*is_named);
        self.scenarios += scenarios;
        self.alerts += alerts;
        for feature in features {
            let counts = self.features.entry(feature).or_default();
            *counts = (counts.0 + 1, counts.1 + scenarios, counts.2 + alerts);
        }
    }
}

/// Packages whose versions the page names, by target.
const ENGINES: [(&str, &str, &str, &[&str]); 7] = [
    ("spl", "our translation of the emitted subset to SQL", "kql/requirements-execute.txt", &["duckdb"]),
    (
        "sigma",
        "SQLite, and our reading of the correlation specification",
        "sigma/requirements-execute.txt",
        &["pySigma", "pySigma-backend-sqlite"],
    ),
    (
        "kql",
        "duckdb-kql, extended by network functions and watchlists",
        "kql/requirements-execute.txt",
        &["duckdb", "duckdb-kql"],
    ),
    (
        "eql",
        "the parser of eql, and our emulator of the documented matcher",
        "eql/requirements.txt",
        &["eql"],
    ),
    ("sql", "DuckDB itself", "sql/requirements.txt", &["duckdb"]),
    ("spark", "Spark itself, in one process", "sql/requirements-spark.txt", &["pyspark"]),
    ("trino", "DuckDB, in translation", "sql/requirements.txt", &["duckdb", "sqlglot"]),
];

fn engine(target: &str) -> String {
    let (_, what, file, packages) = ENGINES.iter().find(|engine| engine.0 == target).unwrap();
    let pinned = std::fs::read_to_string(root().join("tests/engines").join(file)).unwrap();
    let version = |package: &&str| {
        let line = pinned.lines().find_map(|line| {
            let (name, version) = line.split_once("==")?;
            name.eq_ignore_ascii_case(package).then(|| version.split_whitespace().next())?
        });
        format!("{package} {}", line.unwrap_or_else(|| panic!("{package} is not pinned in {file}")))
    };
    format!("{what} ({})", packages.iter().map(version).collect::<Vec<_>>().join(", "))
}

fn totals(tallies: &[Tally]) -> String {
    let mut text = String::from(
        "\n| target | engine | level | rules of the repository | random rules | of them exact | refused | scenarios | alerts | differences |\n\
         |---|---|---|---|---|---|---|---|---|---|\n",
    );
    for tally in tallies {
        let level = match tally.level {
            Some(Level::Record) => "record",
            Some(Level::Key) => "key",
            None => "none",
        };
        writeln!(
            text,
            "| {} | {} | {level} | {} | {} (seeds 0 to {}) | {} | {} | {} | {} | 0 |",
            tally.title,
            engine(tally.target),
            tally.files,
            tally.random,
            tally.last_seed,
            tally.exact,
            tally.refused,
            tally.scenarios,
            tally.alerts
        )
        .unwrap();
    }
    text += "\nA random rule is derived from its seed and the scenarios of a rule from its name, so every run has the same ones.\n";
    for tally in tallies.iter().filter(|tally| tally.named > 0) {
        write!(
            text,
            "\n{} of the rules of {} read flow fields of versions 3 to 5, whose names its add-on does not document. They are compared \
             under one mapping only, that of\n`tests/engines/{}/catena.yaml`.\n",
            tally.named, tally.title, tally.target
        )
        .unwrap();
    }
    text
}

fn by_feature(tallies: &[Tally]) -> String {
    let titles: Vec<&str> = tallies.iter().map(|tally| tally.title).collect();
    let mut text = format!(
        "\n## By feature\n\nRules / scenarios / alerts of the rules that have the feature; 0 differences in each.\n\n| feature | {} |\n|---|{}\n",
        titles.join(" | "),
        "---|".repeat(titles.len())
    );
    let names: BTreeSet<&str> = tallies.iter().flat_map(|tally| tally.features.keys().copied()).collect();
    for name in names {
        let cell = |tally: &Tally| match tally.features.get(name) {
            Some((rules, scenarios, alerts)) => format!("{rules} / {scenarios} / {alerts}"),
            None => "refused".to_owned(),
        };
        writeln!(text, "| {name} | {} |", tallies.iter().map(cell).collect::<Vec<_>>().join(" | ")).unwrap();
    }
    text
}

fn of_mutants(tallies: &[Tally]) -> String {
    let mut text =
        String::from("\n## Mutants\n\nThe suite detects each of these faults in the emitted queries.\n\n");
    for tally in tallies {
        // The dialects are printed by one walk, so the faults of one are those of all.
        for mutant in mutants::of(tally.target).unwrap_or_default() {
            writeln!(text, "- {}: **{}**. {}", tally.title, mutant.name, mutant.why).unwrap();
        }
    }
    text
}

/// Compares the page with the run, or writes it.
pub(super) fn keep(tallies: &[Tally]) {
    let own = tallies.iter().filter(|tally| !harness::is_another(tally.target)).count();
    let complete = own == ENGINES.len();
    let is_long = is_long_run();
    let part = if is_long { "long run" } else { "generated" };
    let text =
        if is_long { totals(tallies) } else { totals(tallies) + &by_feature(tallies) + &of_mutants(tallies) };
    if !complete {
        println!("{text}\nnot all targets ran in the harnesses of the page, so it is not compared");
        return;
    }
    let current = generated::is_current("docs/conformance.md", part, &(text + "\n"));
    // The long run is no part of the suite, so nothing can say whether its figures are of today.
    assert!(current || is_long, "docs/conformance.md is out of date: CATENA_UPDATE=1 cargo test conformance");
}

//! Columns of lookups against fields: the same conditions, asked of a table by key and of records that have its cells.
//!
//! The left rule reads a column, the right one a field of the column's type. A record of the left has a key; that of
//! the right has the cells of the row in force, found by hand here. Both must alert for the same keys.

use std::collections::BTreeMap;
use std::fmt::Write;

use fastrand::Rng;

use crate::program::{AS_OF, Ran, catena, path, scratch};

/// Columns with their types, and the fields of `aws.cloudtrail` that stand for them.
const COLUMNS: [(&str, &str, &str); 5] = [
    ("owner", "string", "actor.account.id"),
    ("public", "bool", "session.from_console"),
    ("built", "time", "session.created"),
    ("address", "ip", "source.ip"),
    ("other", "string", "user_agent.original"),
];

const CELLS: [&[&str]; 5] = [
    &["", "amazon", "Amazon", "111122223333", "a,b", "x*", "ünder"],
    &["", "true", "FALSE", "yes", "false"],
    &["", "2026-01-01T00:00:00Z", "2026-11-24", "soon", "2027-01-01T02:00:00+02:00"],
    &["", "10.0.0.1", "2001:DB8:0::1", "10.0.0.0/8", "192.0.2.7"],
    &["", "amazon", "a", "%"],
];

/// Tests of each column, with `F` for it.
const TESTS: [&[&str]; 5] = [
    &[
        "F == \"amazon\"",
        "F != \"amazon\"",
        "F =~ \"AMAZON\"",
        "F in (\"amazon\", \"a,b\")",
        "F not in~ (\"AMAZON\")",
        "F like \"*a*\"",
        "F not like~ (\"am?zon\", \"x\\\\*\")",
        "F contains \"zon\"",
        "F starts_with (\"1\", \"x\")",
        "F matches r\"^[0-9]+$\"",
        "exists(F)",
        "F in owners",
        "F not in owners",
    ],
    &["F", "not F", "F == false", "F != true", "exists(F)"],
    &["F >= \"2026-11-24T00:00:00Z\"", "F < 2026-06-01", "not F > 2026-06-01", "not exists(F)"],
    &[
        "F == \"2001:db8::1\"",
        "F in (\"10.0.0.0/8\", \"192.0.2.7\")",
        "F not in (\"10.0.0.0/8\")",
        "exists(F)",
    ],
    &["F == \"a\"", "F != \"a\"", "F ends_with~ \"ZON\""],
];

const KEYS: [&str; 7] = ["k1", "k2", "K1", "k*", "gone", "none", ""];

/// A row of the table: key, cells, last day.
#[derive(Debug)]
struct Row {
    key: &'static str,
    cells: [&'static str; 5],
    until: &'static str,
}

fn table(rng: &mut Rng) -> Vec<Row> {
    let keys = ["k1", "k2", "K1", "k*", "gone"];
    let keys = keys.into_iter().filter(|key| *key == "gone" || rng.u8(0..4) > 0).collect::<Vec<_>>();
    let row = |key: &'static str| Row {
        key,
        cells: std::array::from_fn(|column| CELLS[column][rng.usize(0..CELLS[column].len())]),
        // The day before counts no more, the day itself does.
        until: if key == "gone" { "2026-11-23" } else { ["", AS_OF, "2027-01-01"][rng.usize(0..3)] },
    };
    keys.into_iter().map(row).collect()
}

fn csv(rows: &[Row]) -> String {
    let mut text = "key,owner,public,built,address,other,until\n".to_owned();
    for Row { key, cells, until } in rows {
        let cells =
            cells.map(|cell| if cell.contains(',') { format!("\"{cell}\"") } else { cell.to_owned() });
        writeln!(text, "{key},{},{until}", cells.join(",")).unwrap();
    }
    text
}

/// A condition over some columns, with `F0` … `F4` for them.
fn condition(rng: &mut Rng, depth: usize) -> String {
    if depth == 0 || rng.u8(0..3) == 0 {
        let column = rng.usize(0..TESTS.len());
        let test = TESTS[column][rng.usize(0..TESTS[column].len())];
        return test.replace('F', &format!("F{column}"));
    }
    let parts = [condition(rng, depth - 1), condition(rng, depth - 1)];
    match rng.u8(0..3) {
        0 => format!("({} and {})", parts[0], parts[1]),
        1 => format!("({} or {})", parts[0], parts[1]),
        _ => format!("not ({})", parts[0]),
    }
}

fn rule(head: &str, condition: &str) -> String {
    format!(
        "{head}allowlist owners: actor.id {{ \"am*n\" until {AS_OF} \"a,b\" \"1*\" until 2026-11-01 }}\n\
         rule r {{ title \"T\" id \"0d1c2a54-3a0e-4c0c-9c3e-6a9d2b7f0001\" description \"D.\" severity low \
         chain {{ step one from aws.cloudtrail where event.action == \"RunInstances\" and ({condition}) \
         then within 1m on actor.id \
         step two from aws.cloudtrail where event.action == \"StopInstances\" }} \
         alert {{ entity account two.actor.id }} }}\n"
    )
}

/// The records of every key: one that may be a first step, one a second after it that ends the chain.
fn records(cells: impl Fn(&str) -> BTreeMap<&'static str, String>) -> String {
    let mut lines = String::new();
    for (number, key) in KEYS.iter().enumerate() {
        let mut one = cells(key);
        one.insert("event.action", "RunInstances".to_owned());
        for (second, mut fields) in
            [one, BTreeMap::from([("event.action", "StopInstances".to_owned())])].into_iter().enumerate()
        {
            fields.insert("source", "aws.cloudtrail".to_owned());
            fields.insert("event.time", format!("2026-11-24T00:00:0{second}Z"));
            fields.insert("event.id", format!("e{number}-{second}"));
            fields.insert("actor.id", format!("key{number}"));
            lines += &serde_json::to_string(&fields).unwrap();
            lines.push('\n');
        }
    }
    lines
}

/// The keys, by number, for which the rule alerts.
fn alerts(folder: &tempfile::TempDir, rule: &str, events: &str) -> Vec<String> {
    let args = ["replay", &path(folder, rule), "--canonical", &path(folder, events), "--as-of", AS_OF];
    let Ran { status, out, err } = catena(&args);
    // A step that no record satisfies is refused: then the other side has no alert either.
    if status == 1
        && err.contains("error[E0502]")
        && err.matches("error[").count() == err.matches("E0502]").count()
    {
        return Vec::new();
    }
    assert_eq!(status, 0, "{err}");
    let actor = |line: &str| {
        let alert: serde_json::Value = serde_json::from_str(line).unwrap();
        alert["steps"]["two"]["actor.id"].as_str().unwrap().to_owned()
    };
    let mut keys: Vec<_> = out.lines().map(actor).collect();
    keys.sort();
    keys
}

/// What the join by hand may get wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Nothing.
    None,
    /// A row counts after its last day.
    ExpiredRowKept,
    /// A key without a row takes the cells of another one.
    MissingRowCounts,
    /// A key is compared ignoring case.
    KeyIgnoresCase,
    /// A key is a pattern.
    KeyIsAPattern,
}

fn cells_of(rows: &[Row], key: &str, fault: Fault) -> BTreeMap<&'static str, String> {
    let is = |row: &&Row| match fault {
        Fault::KeyIgnoresCase => row.key.eq_ignore_ascii_case(key),
        Fault::KeyIsAPattern => row.key == key || row.key == "k*" && key.starts_with('k'),
        Fault::None | Fault::ExpiredRowKept | Fault::MissingRowCounts => row.key == key,
    };
    let in_force = |row: &&Row| row.until.is_empty() || row.until >= AS_OF || fault == Fault::ExpiredRowKept;
    let other = || rows.first().filter(|_| fault == Fault::MissingRowCounts);
    let Some(row) = rows.iter().filter(is).find(in_force).or_else(other) else { return BTreeMap::new() };
    let cells = COLUMNS.iter().zip(row.cells).filter(|(_, cell)| !cell.is_empty());
    // A day in a cell is its first instant; a log has instants.
    let instant = |cell: &str| if cell == AS_OF { format!("{cell}T00:00:00Z") } else { cell.to_owned() };
    cells.map(|((_, _, field), cell)| (*field, instant(cell))).collect()
}

/// How often, in some random tables and conditions, a join by hand with a fault differs from the lookup.
fn differences(fault: Fault, rounds: usize) -> usize {
    let mut rng = Rng::with_seed(14);
    let mut differences = 0;
    for round in 0..rounds {
        let rows = table(&mut rng);
        let condition = condition(&mut rng, 2);
        let with = |name: &dyn Fn(usize) -> String| {
            (0..COLUMNS.len())
                .fold(condition.clone(), |text, column| text.replace(&format!("F{column}"), &name(column)))
        };
        let declared = COLUMNS.map(|(name, ty, _)| format!("{name}: {ty}")).join(", ");
        let head = format!("lookup t: image.id from \"t.csv\" {{ {declared} }}\n");
        let left = rule(&head, &with(&|column| format!("t.{}", COLUMNS[column].0)));
        let right = rule("", &with(&|column| COLUMNS[column].2.to_owned()));
        let of_key = |key: &str| {
            let key = (!key.is_empty()).then(|| ("image.id", key.to_owned()));
            key.into_iter().collect::<BTreeMap<_, _>>()
        };
        let folder = scratch(
            &format!("lookups_{fault:?}_{round}"),
            &[
                ("t.csv", csv(&rows).as_bytes()),
                ("left.chain", left.as_bytes()),
                ("right.chain", right.as_bytes()),
                ("left.ndjson", records(of_key).as_bytes()),
                ("right.ndjson", records(|key| cells_of(&rows, key, fault)).as_bytes()),
            ],
        );
        let sides = [("left.chain", "left.ndjson"), ("right.chain", "right.ndjson")];
        let [left, right] = sides.map(|(rule, events)| alerts(&folder, rule, events));
        if left != right {
            differences += 1;
            assert_ne!(fault, Fault::None, "{condition}\n{}\n{left:?}\n{right:?}", csv(&rows));
        }
    }
    differences
}

#[test]
fn a_column_is_a_field_with_the_cell_of_the_row() {
    assert_eq!(differences(Fault::None, 100), 0);
}

#[test]
fn the_comparison_sees_planted_faults() {
    for fault in [Fault::ExpiredRowKept, Fault::MissingRowCounts, Fault::KeyIgnoresCase, Fault::KeyIsAPattern]
    {
        assert!(differences(fault, 25) > 0, "{fault:?}");
    }
}

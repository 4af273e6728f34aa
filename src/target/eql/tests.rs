//! What comes out for whole rules and for every kind of test.

use super::{Eql, regex};
use crate::diag::Diagnostics;
use crate::ir::{Pred, Rule};
use crate::target::fixture::{self, an1318, catalog, equals, link, rule, step};
use crate::target::{Effect, Emission, Fidelity, Job, Options, Role, compile};

pub(super) fn compiled(rule: &Rule) -> (Option<Emission>, Diagnostics) {
    let (catalog, options) = (catalog(), Options { allow_subset: true, ..Options::default() });
    let mut diags = Diagnostics::default();
    let job = Job { rule, catalog: &catalog, options: &options };
    (compile(&job, &Eql, &mut diags), diags)
}

fn emitted(rule: &Rule) -> Emission {
    let (emission, diags) = compiled(rule);
    emission.unwrap_or_else(|| panic!("{diags:#?}"))
}

fn shown(emission: &Emission) -> String {
    let parts =
        emission.parts.iter().map(|part| format!("{} {:?} {}\n{}", part.name, part.role, part.id, part.text));
    let notes = emission.notes.iter().map(|note| format!("{:?}: {}\n", note.effect, note.message));
    let requires = emission.requires.iter().map(|what| format!("requires: {what}\n"));
    format!(
        "{:?}\n{}{}\n{}",
        emission.fidelity,
        notes.collect::<String>(),
        requires.collect::<String>(),
        parts.collect::<Vec<_>>().join("\n")
    )
}

macro_rules! snapshot {
    ($name:literal, $value:expr) => {
        insta::with_settings!({ snapshot_path => "../../../snapshots/eql", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!($name, $value);
        });
    };
}

#[test]
fn an1318_becomes_two_parts() {
    let emission = emitted(&an1318());
    assert_eq!(emission.fidelity, Fidelity::Superset);
    assert_eq!(emission.parts.iter().map(|part| part.role).collect::<Vec<_>>(), [Role::Stage, Role::Query]);
    snapshot!("an1318", shown(&emission));
}

#[test]
fn searches_become_whole_value_matches() {
    let portable = [
        "abc",
        "^abc",
        "abc$",
        "^abc$",
        "a|b",
        "^a|b$",
        "(?:^|/)x",
        "^(a|b)$",
        "a.b",
        r"\d+",
        r"[\w.-]+@x",
        "(?i)Ks",
        r"\bfoo",
        "(?m)^a",
        "a{2,3}(bc)?",
        "[^,]+",
        "a|",
        "",
        "^$",
        r"é\x{1F600}",
        r#"a"b#c@d&e<f>g~h"#,
        "[a&&b]",
        r"\S",
        "x^y",
        "(?s).",
        r"(?x) a \s b",
        r"[\D.]x",
        "(a|^b)c",
        "(ab)*c+?",
    ];
    let lines = portable.map(|portable| {
        let found =
            regex::search(portable).map_or_else(|reason| format!("refused: {reason}"), |found| found.text);
        format!("{portable:24} {found:?}")
    });
    snapshot!("regex", lines.join("\n"));
}

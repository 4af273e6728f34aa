//! Shipped rules, compiled to Sigma and EQL and imported again: the drafts pass the rules' own tests, or it has been
//! said why not.

use crate::program::{AS_OF, catena, catena_with_input, path, root, scratch, shipped};

/// A rule whose tests say less of its events than a log does: they give `logon.type_name` without `logon.type`, of
/// which it is made and which the draft tests.
const TESTED_BY_ANOTHER_FIELD: (&str, &str) = ("rules/windows/remote_logon_installs_service.chain", "sigma");

/// What a rule is after the round.
#[derive(Debug, PartialEq)]
enum Round {
    /// The rule passes its tests, and nothing was said.
    Whole,
    /// It passes them or not, and the query or the import says in what it differs.
    Said,
}

/// The round of a rule file; nothing if the target cannot say it.
fn round(file: &str, target: &str) -> Option<Round> {
    let compiled = catena(&["compile", file, "--target", target, "--as-of", AS_OF]);
    if compiled.status != 0 || compiled.out.trim().is_empty() {
        return None;
    }
    let imported = catena_with_input(&["import", "-"], compiled.out.as_bytes());
    assert_eq!(imported.status, 0, "{file} {target}: {}", imported.err);
    let source = std::fs::read_to_string(root().join(file)).unwrap();
    let draft = with_tests(&imported.out, &source);
    let folder = scratch("round", &[("draft.chain", draft.as_bytes())]);
    let place = path(&folder, "draft.chain");
    let checked = catena(&["check", &place, "--as-of", AS_OF]);
    // A rule of several parts becomes several rules, to the first of which its tests do not belong.
    let is_one = imported.out.lines().filter(|line| line.starts_with("rule ")).count() == 1;
    let differs = compiled.out.contains("may add") || compiled.out.contains("It may match more");
    let is_said = imported.err.contains("warning[W1") || differs;
    assert!(
        !is_one || is_said || !checked.err.contains("error["),
        "{file} {target}: {}\n{draft}",
        checked.err
    );
    let passes = is_one && catena(&["test", &place, "--as-of", AS_OF]).status == 0;
    if passes && !imported.err.contains("warning[W1") {
        return Some(Round::Whole);
    }
    let is_said = is_said || (file, target) == TESTED_BY_ANOTHER_FIELD;
    assert!(
        is_said || !is_one,
        "{file} {target}: the draft fails the rule's tests, and nobody said so\n{draft}"
    );
    Some(Round::Said)
}

/// The draft with the alert and the tests of the rule it comes from.
fn with_tests(draft: &str, source: &str) -> String {
    let steps = |text: &str| {
        let lines = text.lines().filter_map(|line| line.trim_start().strip_prefix("step "));
        lines.map(|line| line.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let mut draft = draft.trim_end().trim_end_matches('}').to_owned();
    // A query of one event has no name for its step.
    if let ([own], [other]) = (steps(&draft).as_slice(), steps(source).as_slice()) {
        draft = draft.replace(&format!("step {own} from"), &format!("step {other} from"));
    }
    let alert = source.find("\n  alert {").unwrap();
    let end = source.rfind('}').unwrap();
    format!("{draft}{}\n}}\n", &source[alert..end])
}

#[test]
fn rules_come_back() {
    for (target, least) in [("sigma", 16), ("eql", 13)] {
        let files = shipped();
        let rounds: Vec<(&String, Round)> =
            files.iter().filter_map(|file| Some((file, round(file, target)?))).collect();
        let whole = rounds.iter().filter(|(_, round)| *round == Round::Whole).count();
        assert!(whole >= least, "{target}: {whole} of {} come back whole", rounds.len());
    }
}

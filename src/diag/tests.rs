//! Findings in order, their positions, and the forms they are printed in.

use serde_json::Value;

use super::{
    Code, Diagnostic, Diagnostics, Findings, Fix, Grouped, MOST_SHOWN, Severity, github, json, nearest,
    render, sarif,
};
use crate::source::{FileId, SourceFile, Sources, Span};

const TEXT: &str = "rule r {\n  titel \"é, ok\"\n}\n";

fn sources() -> (Sources, FileId) {
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::new("rules/a b.chain", TEXT));
    (sources, id)
}

/// A finding at the first occurrence of `what`.
fn at(file: FileId, code: Code, what: &str) -> Diagnostic {
    let start = TEXT.find(what).unwrap();
    Diagnostic::new(code, Span::new(file, start, start + what.len()), format!("{what} is wrong"))
}

fn with_fix(file: FileId) -> Diagnostic {
    let mut found =
        at(file, Code::UnknownClause, "titel").label("not a keyword").help("did you mean `title`?");
    found.fix = Some(Fix { span: found.primary.span, replacement: "title".to_owned() });
    found
}

#[test]
fn findings_are_sorted_by_place_and_stand_once() {
    let (_, file) = sources();
    let mut diags = Diagnostics::default();
    for found in
        [at(file, Code::NoTests, "}"), at(file, Code::BadEscape, "titel"), at(file, Code::NoTests, "}")]
    {
        diags.push(found);
    }
    diags.push(at(file, Code::Syntax, "titel"));
    let order: Vec<_> = diags.into_sorted().into_iter().map(|found| found.code).collect();
    assert_eq!(order, [Code::Syntax, Code::BadEscape, Code::NoTests]);
}

#[test]
fn only_errors_count_as_errors() {
    let (_, file) = sources();
    let mut diags = Diagnostics::default();
    diags.push(at(file, Code::NoTests, "r"));
    let mark = diags.len();
    assert!(!diags.has_errors() && !diags.errors_since(0));
    diags.push(at(file, Code::Syntax, "r"));
    assert!(diags.has_errors() && diags.errors_since(mark) && !diags.errors_since(mark + 1));
}

#[test]
fn a_finding_of_several_units_stands_once_and_one_without_its_file_not_at_all() {
    let (sources, file) = sources();
    let mut findings = Findings::of(&[with_fix(file)], &sources);
    findings.add(&[with_fix(file), at(file, Code::NoTests, "r")], &sources);
    findings.add(&[Diagnostic::new(Code::Syntax, Span::default(), "nowhere")], &Sources::default());
    let codes: Vec<_> = findings.findings().iter().map(|finding| finding.code).collect();
    assert_eq!(codes, [Code::NoTests, Code::UnknownClause]);
    assert_eq!((findings.count(Severity::Error), findings.count(Severity::Warning)), (1, 1));
}

#[test]
fn positions_count_characters_from_one() {
    let (sources, file) = sources();
    let findings = Findings::of(&[at(file, Code::Syntax, "ok")], &sources);
    let [finding] = findings.findings() else { panic!("one finding") };
    let location = &finding.primary;
    assert_eq!((location.start.line, location.start.column), (2, 13), "`é` is one character");
    assert_eq!((location.end.line, location.end.column), (2, 15));
    assert_eq!(location.range, TEXT.find("ok").unwrap()..TEXT.find("ok").unwrap() + 2);
}

#[test]
fn a_place_past_the_text_or_within_a_character_is_moved_into_it() {
    let (sources, file) = sources();
    let inside = TEXT.find('é').unwrap() + 1;
    let spans = [Span::new(file, inside, inside + 1), Span::new(file, 9_000, 9_001)];
    for span in spans {
        let findings = Findings::of(&[Diagnostic::new(Code::Syntax, span, "somewhere")], &sources);
        let location = &findings.findings()[0].primary;
        assert!(TEXT.get(location.range.clone()).is_some(), "{span:?}");
        assert!(render::one(&findings.findings()[0], false).contains("somewhere"));
    }
}

#[test]
fn text_shows_the_line_the_label_and_the_fix() {
    let (sources, file) = sources();
    insta::assert_snapshot!(render::text(&[with_fix(file)], &sources, false).trim_end(), @r#"
    error[E0102]: titel is wrong
     --> rules/a b.chain:2:3
      |
    2 |   titel "é, ok"
      |   ^^^^^ not a keyword
      |
      = help: did you mean `title`?
    help: suggested fix
      |
    2 -   titel "é, ok"
    2 +   title "é, ok"
      |
    "#);
}

#[test]
fn a_very_long_line_is_clipped_around_the_place() {
    let mut sources = Sources::default();
    let text = format!("{}here{}", "a".repeat(5_000), "b".repeat(5_000));
    let file = sources.add(SourceFile::new("long.chain", &text));
    let found = Diagnostic::new(Code::Syntax, Span::new(file, 5_000, 5_004), "found").label("this");
    let shown = render::text(&[found], &sources, false);
    assert!(shown.len() < 1_000 && shown.contains("here") && shown.contains('…'), "{shown}");
    assert!(shown.contains("long.chain:1:5001"), "{shown}");
}

#[test]
fn github_commands_are_one_line_with_encoded_parts() {
    let (sources, file) = sources();
    let shown = github::render(&Findings::of(&[with_fix(file)], &sources));
    assert_eq!(shown.lines().count(), 1);
    let start = "::error file=rules/a b.chain,line=2,col=3,endLine=2,endColumn=7,title=E0102 ";
    assert!(shown.starts_with(start), "{shown}");
    assert!(shown.ends_with("::titel is wrong%0Anot a keyword%0Adid you mean `title`?\n"), "{shown}");
    let empty = Diagnostic::new(Code::Syntax, Span::new(file, 2, 2), "a%b, c");
    let shown = github::render(&Findings::of(&[empty], &sources));
    assert!(shown.contains("col=3,endLine=1,endColumn=3,") && shown.contains("a%25b, c"), "{shown}");
}

#[test]
fn sarif_has_every_code_and_where_the_fix_goes() {
    let (sources, file) = sources();
    let found = with_fix(file).also(Span::new(file, 0, 4), "the rule");
    let log: Value = serde_json::from_str(&sarif::render(&Findings::of(&[found], &sources))).unwrap();
    let run = &log["runs"][0];
    assert_eq!(run["tool"]["driver"]["rules"].as_array().unwrap().len(), Code::ALL.len());
    let result = &run["results"][0];
    let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
    assert_eq!(result["level"], "error");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "rules/a%20b.chain");
    assert_eq!(place["region"]["startColumn"], 3);
    assert_eq!(result["relatedLocations"][0]["message"]["text"], "the rule");
    let change = &result["fixes"][0]["artifactChanges"][0]["replacements"][0];
    assert_eq!(change["insertedContent"]["text"], "title");
}

#[test]
fn json_has_offsets_and_the_fix() {
    let (sources, file) = sources();
    let shown: Value =
        serde_json::from_str(&json::render(&Findings::of(&[with_fix(file)], &sources))).unwrap();
    assert_eq!(shown[0]["place"]["start"]["offset"], TEXT.find("titel").unwrap());
    assert_eq!(shown[0]["fix"]["replacement"], "title");
    assert_eq!(json::render(&Findings::default()), "[]\n");
}

#[test]
fn the_nearest_name_is_near() {
    assert_eq!(nearest("titel", ["title", "test"]), Some("title"));
    assert_eq!(nearest("title", ["title"]), None, "the same name is no suggestion");
    let fields = [
        "event.time",
        "event.id",
        "event.action",
        "session.mfa",
        "instance.id",
        "source.ip",
        "cloud.account.id",
    ];
    for (found, meant) in [
        ("event.acton", Some("event.action")),
        ("evnt.id", Some("event.id")),
        ("eventaction", Some("event.action")),
        ("event_id", Some("event.id")),
        ("cloud.acount.id", Some("cloud.account.id")),
        ("event.type", None),
        ("event.kind", None),
        ("event.reason", None),
        ("session.id", None),
        ("instance.ip", None),
        ("sourcetype", None),
    ] {
        assert_eq!(nearest(found, fields), meant, "{found}");
    }
    assert_eq!(nearest("zzz", ["title", "test"]), None);
}

#[test]
fn every_code_has_the_letter_of_its_severity_and_a_number_of_its_own() {
    let mut numbers: Vec<_> = Code::ALL.iter().map(|code| code.id().trim_start_matches(['E', 'W'])).collect();
    for code in Code::ALL {
        let letter = match code.severity() {
            Severity::Error => 'E',
            Severity::Warning => 'W',
        };
        assert!(code.id().starts_with(letter), "{}", code.id());
        assert!(!(code.is_repaired() && code.is_absence()));
    }
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), Code::ALL.len());
}

#[test]
fn one_mistake_made_often_is_bounded_and_counted() {
    let mut diags = Diagnostics::default();
    let file = FileId(0);
    for at in 0..10_000 {
        diags.push(Diagnostic::new(Code::Syntax, Span::new(file, at, at + 1), "wrong"));
    }
    diags.push(Diagnostic::new(Code::UnusedParam, Span::new(file, 5, 6), "unused"));
    diags.push(Diagnostic::new(Code::Syntax, Span::new(FileId(1), 0, 1), "wrong"));
    let bounded = diags.bounded();
    assert_eq!(bounded.shown.len(), MOST_SHOWN + 3);
    let more = bounded.shown.iter().find(|found| found.title != "wrong").unwrap();
    assert_eq!(more.title, "unused");
    let said = bounded.shown.iter().filter(|found| found.title.starts_with("9950 more of this kind")).count();
    assert_eq!((said, bounded.hidden(Severity::Error), bounded.hidden(Severity::Warning)), (1, 9_949, 0));
}

#[test]
fn many_warnings_of_a_kind_are_a_list() {
    let (sources, file) = sources();
    let warnings = |count: usize| -> Vec<_> {
        let place = |at| Span::new(file, at, at + 1);
        (0..count).map(|at| Diagnostic::new(Code::NoTests, place(at), format!("rule {at}"))).collect()
    };
    let drawn = |found: &[Diagnostic]| {
        let findings = Findings::of(found, &sources);
        let grouped = Grouped::of(findings.findings().iter());
        (grouped.drawn.len(), grouped.listed.values().map(Vec::len).sum::<usize>())
    };
    assert_eq!(drawn(&warnings(6)), (6, 0), "a list of one says no less than the finding");
    assert_eq!(drawn(&warnings(7)), (5, 2));
    let errors: Vec<_> = (0..9).map(|at| at_place(file, at)).collect();
    assert_eq!(drawn(&errors), (9, 0));

    let mut found = warnings(7);
    found[6] = Diagnostic { title: "rule 5".to_owned(), ..found[6].clone().label("a label") };
    let findings = Findings::of(&found, &sources);
    let grouped = Grouped::of(findings.findings().iter());
    let shown = render::rest(Code::NoTests, &grouped.listed[&Code::NoTests], false);
    insta::assert_snapshot!(shown.trim_end(), @"
    warning[W0610]: 2 more of this kind: the rule has no tests
     |
     = rules/a b.chain:1:6: rule 5
     = rules/a b.chain:1:7: a label
    ");
}

fn at_place(file: FileId, at: usize) -> Diagnostic {
    Diagnostic::new(Code::Syntax, Span::new(file, at, at + 1), format!("error {at}"))
}

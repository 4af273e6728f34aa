//! A picture whose texts try to leave their place, and how lines are cut.

use super::{Absent, Arrow, Gate, Picture, StepBox, Theme, svg, text, wrap};

#[test]
fn texts_stay_in_their_place() {
    let hostile = "</text><script>alert(1)</script>\u{202e}\u{1b}[31m".to_owned();
    let texts = || vec![hostile.clone(), "x".repeat(300)];
    let gates = || vec![Gate { text: hostile.clone(), entries: Some(1) }];
    let absences = vec![Absent {
        name: "b".to_owned(),
        source: "s".to_owned(),
        condition: texts(),
        gates: gates(),
        place: hostile.clone(),
    }];
    let step = StepBox {
        name: "a".to_owned(),
        source: "s".to_owned(),
        condition: texts(),
        gates: gates(),
        absences: absences.clone(),
        count: Some(hostile.clone()),
    };
    let arrow = Arrow {
        window: "1m".to_owned(),
        keys: texts(),
        comparisons: vec![hostile.clone()],
        changes: true,
        absences,
    };
    let steps = vec![step.clone(), step];
    let picture = Picture { title: hostile.clone(), steps, arrows: vec![arrow], whole: vec![] };
    let drawn = svg(&picture, Theme::Light);
    assert!(!drawn.contains("<script") && !drawn.contains(['\u{202e}', '\u{1b}']), "{drawn}");
    let shown = text(&picture);
    assert!(!shown.contains(['\u{202e}', '\u{1b}']), "{shown}");
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
}

#[test]
fn lines_are_cut_at_blanks_and_long_words_anywhere() {
    assert_eq!(wrap("aa bb cc", 5, 9), ["aa bb", "cc"]);
    assert_eq!(wrap("aaaaaaaa b", 3, 9), ["aaa", "aaa", "aa", "b"]);
    assert_eq!(wrap("a b c d", 1, 2), ["a", "b…"]);
    assert_eq!(wrap("", 5, 9), [""]);
}

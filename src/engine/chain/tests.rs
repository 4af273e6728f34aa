//! What a machine remembers.

use super::*;
use crate::engine::keys::Keys;
use crate::engine::program::{Key, Link};
use crate::engine::record::Identity;
use crate::engine::value::Atom;

/// Three steps, each gap ten long.
fn machine() -> Machine<i64> {
    let link = || Link { gap: 10, left: Vec::new(), right: Vec::new(), any: false };
    let (name, links) = (String::new(), vec![link(), link()]);
    Machine::new(&Program {
        from: i64::MIN,
        name,
        steps: Vec::new(),
        links,
        total: 20,
        dedupe: None,
        roles: Vec::new(),
        clauses: Clauses::default(),
    })
}

/// A candidate of every step at `time`; gives the number of alerts.
fn all_steps(machine: &mut Machine<i64>, time: i64, key: i64) -> usize {
    let candidate = |step: usize| {
        let (event, key) = (Identity::of("", (time, step)), Key::from([Atom::Int(key)]));
        Candidate {
            step,
            event,
            key_in: Keys::One(key.clone()),
            key_out: Keys::One(key),
            payload: time,
            more: More::default(),
        }
    };
    machine.advance(time, (0..3).map(candidate).collect(), Vec::new()).len()
}

#[test]
fn a_key_that_all_records_share_is_no_more_to_remember() {
    let mut machine = machine();
    let most = (0..10_000).map(|time| {
        assert_eq!(all_steps(&mut machine, time, 1), 1);
        machine.remembered()
    });
    assert!(most.max().unwrap() <= 4);
}

#[test]
fn what_no_window_reaches_is_forgotten() {
    let mut machine = machine();
    let most = (0..10_000).map(|time| {
        assert_eq!(all_steps(&mut machine, time, time), 1);
        machine.remembered()
    });
    // Two links, and keys of at most two gaps.
    assert!(most.max().unwrap() <= 2 * (2 * 10 + 2));
    assert_eq!(all_steps(&mut machine, 1_000_000, 1), 1);
    assert_eq!(machine.remembered(), 2);
}

/// Two steps of which the second repeats, with an absence of every kind and a comparison.
fn with_every_clause() -> Machine<i64> {
    use crate::engine::program::{Absence, Between, LinkClauses, Repetition};
    use crate::ir::{CompareOp, Neighbour, When, Window};
    let window = |seconds| Window { seconds, span: crate::source::Span::default() };
    let absences = vec![
        Absence { when: When::Before(window(10)), window: 10 },
        Absence { when: When::After(window(5)), window: 5 },
        Absence { when: When::Between, window: 10 },
    ];
    let between = Between { absence: 2, parts: vec![(Neighbour::Later, 1)] };
    let links = vec![LinkClauses { comparisons: vec![CompareOp::NotEqual], absences: vec![between] }];
    let repetitions = vec![None, Some(Repetition { least: 2, distinct: true, window: 10 })];
    Machine::new(&Program {
        from: i64::MIN,
        name: String::new(),
        steps: Vec::new(),
        links: vec![Link { gap: 10, left: Vec::new(), right: Vec::new(), any: false }],
        total: 20,
        dedupe: None,
        roles: Vec::new(),
        clauses: Clauses { absences, repetitions, links, together: false },
    })
}

/// A candidate of both steps at `time`, each with values of its own, and something of another key that must not be
/// there; gives the number of alerts.
fn every_clause(machine: &mut Machine<i64>, time: i64, key: i64) -> usize {
    let (key, other) = (Key::from([Atom::Int(key)]), Key::from([Atom::Int(-1 - key)]));
    let candidate = |step: usize| Candidate {
        step,
        event: Identity::of("", (time, step)),
        key_in: Keys::One(key.clone()),
        key_out: Keys::One(key.clone()),
        payload: time,
        more: More {
            absences: vec![(0, Some(key.clone())), (1, Some(key.clone()))],
            group: Some(key.clone()),
            counted: Some(Atom::Int(time)),
            side_in: Box::from([Some(Atom::Int(time)), key.first().cloned()]),
            side_out: Box::from([Some(Atom::Int(time))]),
            ..More::default()
        },
    };
    let exempting = (0..3).map(|absence| Exempting { absence, key: other.clone() }).collect();
    machine.advance(time, (0..2).map(candidate).collect(), exempting).len()
}

#[test]
fn clauses_remember_no_more_than_their_windows_hold() {
    type Keys = (fn(i64) -> i64, bool);
    let keys: [Keys; 3] = [(|_| 1, true), (|time| time / 5, true), (|time| time % 1000, false)];
    for (key_of, alert) in keys {
        let (mut machine, mut alerts, mut most) = (with_every_clause(), 0, 0);
        for time in 0..10_000 {
            alerts += every_clause(&mut machine, time, key_of(time));
            most = most.max(machine.remembered());
        }
        // A few dozen instants, each with two records and three things that must not be there.
        assert!(most < 200, "{most}");
        assert_eq!(alerts > 1_000, alert, "{alerts}");
        // Long after, with what waits taken too, only the last instant is left.
        every_clause(&mut machine, 1_000_000, 1);
        machine.finish();
        assert!(machine.remembered() <= 12, "{}", machine.remembered());
    }
}

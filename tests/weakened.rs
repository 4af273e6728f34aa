//! Weakened rules: a shipped rule with a window a second longer or shorter, or without one exception, one shared field,
//! one comparison or one excuse. A test of the rule must fail on each: what no test holds can be lost unnoticed.

use catena::catalog::Catalog;
use catena::engine::trial::{Outcome, run_tests};
use catena::ir::{Chain, Rule, Step, When, Window};

use crate::library::library;

/// What was changed, and the rule with the change.
type Weakened = (String, Rule);

/// The rule with a change in its chain.
fn changed(rule: &Rule, what: String, change: impl Fn(&mut Chain)) -> Weakened {
    let mut weakened = rule.clone();
    change(&mut weakened.chain);
    (what, weakened)
}

/// One second more or less.
fn moved(window: &mut Window, longer: bool) {
    window.seconds = if longer { window.seconds + 1 } else { window.seconds - 1 };
}

/// The windows between neighbours and of the whole chain. A total that is the sum of the gaps, or more, moves with each
/// of them and limits nothing itself.
fn windows_of_the_chain(rule: &Rule) -> Vec<Weakened> {
    let chain = &rule.chain;
    let gaps: u64 = chain.links.iter().map(|link| link.gap.seconds).sum();
    let mut found = Vec::new();
    for longer in [true, false] {
        let sign = if longer { "longer" } else { "shorter" };
        for index in 0..chain.links.len() {
            found.push(changed(rule, format!("gap {index} {sign}"), |chain| {
                moved(&mut chain.links[index].gap, longer);
                moved(&mut chain.total, longer);
            }));
        }
        if chain.together.is_some() || chain.total.seconds < gaps {
            found.push(changed(rule, format!("total {sign}"), |chain| moved(&mut chain.total, longer)));
        }
    }
    found
}

/// The windows of a step's own clauses, and how often its records must come.
fn windows_of_steps(rule: &Rule) -> Vec<Weakened> {
    let mut found = Vec::new();
    for (at, step) in rule.chain.steps.iter().enumerate() {
        let name = &step.name.node;
        for longer in [true, false] {
            let sign = if longer { "longer" } else { "shorter" };
            for (index, absence) in step.absences.iter().enumerate() {
                let when = match absence.when {
                    When::Before(mut window) => {
                        moved(&mut window, longer);
                        When::Before(window)
                    }
                    When::After(mut window) => {
                        moved(&mut window, longer);
                        When::After(window)
                    }
                    When::Between => When::Between,
                };
                let what = format!("{name}: absence {index} {sign}");
                found.push(changed(rule, what, |chain| chain.steps[at].absences[index].when = when));
            }
            if step.repetition.is_some() {
                found.push(changed(rule, format!("{name}: count {sign}"), |chain| {
                    moved(&mut chain.steps[at].repetition.as_mut().unwrap().window, longer);
                    // A chain that begins with a count is as long as the count.
                    moved(&mut chain.total, longer);
                }));
                found.push(changed(rule, format!("{name}: one record {sign}"), |chain| {
                    let least = &mut chain.steps[at].repetition.as_mut().unwrap().least;
                    *least = if longer { *least + 1 } else { *least - 1 };
                }));
            }
        }
    }
    found
}

/// What a record is excused by: exceptions and absences.
fn excuses(rule: &Rule) -> Vec<Weakened> {
    let mut found = Vec::new();
    for (at, step) in rule.chain.steps.iter().enumerate() {
        let Step { name, main, others, absences, repetition: _, span: _ } = step;
        for index in 0..main.excepts.len() {
            found.push(changed(rule, format!("{}: without exception {index}", name.node), |chain| {
                chain.steps[at].main.excepts.remove(index);
            }));
        }
        for (other, selection) in others.iter().enumerate() {
            for index in 0..selection.excepts.len() {
                found.push(changed(
                    rule,
                    format!("{}: without exception {other}.{index}", name.node),
                    |chain| {
                        chain.steps[at].others[other].excepts.remove(index);
                    },
                ));
            }
            found.push(changed(rule, format!("{}: without alternative {other}", name.node), |chain| {
                chain.steps[at].others.remove(other);
            }));
        }
        for index in 0..absences.len() {
            found.push(changed(rule, format!("{}: without absence {index}", name.node), |chain| {
                chain.steps[at].absences.remove(index);
            }));
        }
    }
    for (at, link) in rule.chain.links.iter().enumerate() {
        for index in 0..link.absences.len() {
            found.push(changed(rule, format!("link {at}: without absence {index}"), |chain| {
                chain.links[at].absences.remove(index);
            }));
        }
    }
    found
}

/// What records share: fields of links, of absences, of counts and of `together`; and what links compare. The last
/// shared field stays: without any, a link is none.
fn shared_fields(rule: &Rule) -> Vec<Weakened> {
    let mut found = Vec::new();
    let several = |count: usize| if count > 1 { 0..count } else { 0..0 };
    for (at, link) in rule.chain.links.iter().enumerate() {
        for index in several(link.keys.len()) {
            let what = format!("link {at}: without {}", link.keys[index].left.name);
            found.push(changed(rule, what, |chain| {
                let key = chain.links[at].keys.remove(index);
                if key.from_scope {
                    for link in &mut chain.links {
                        link.keys.retain(|other| !other.from_scope || other.left.name != key.left.name);
                    }
                }
            }));
        }
        for index in 0..link.comparisons.len() {
            found.push(changed(rule, format!("link {at}: without comparison {index}"), |chain| {
                chain.links[at].comparisons.remove(index);
            }));
        }
    }
    for (at, step) in rule.chain.steps.iter().enumerate() {
        for (absence, of) in step.absences.iter().enumerate() {
            for index in several(of.keys.len()) {
                let what =
                    format!("{}: absence {absence} without {}", step.name.node, of.keys[index].left.name);
                found.push(changed(rule, what, |chain| {
                    chain.steps[at].absences[absence].keys.remove(index);
                }));
            }
        }
        for index in several(step.repetition.as_ref().map_or(0, |repetition| repetition.by.len())) {
            found.push(changed(rule, format!("{}: count without key {index}", step.name.node), |chain| {
                chain.steps[at].repetition.as_mut().unwrap().by.remove(index);
            }));
        }
    }
    for index in several(rule.chain.together.as_ref().map_or(0, |together| together.keys.len())) {
        found.push(changed(rule, format!("together without key {index}"), |chain| {
            chain.together.as_mut().unwrap().keys.remove(index);
        }));
    }
    found
}

#[test]
fn a_test_of_each_rule_notices_every_weakening() {
    let catalog = Catalog::embedded().unwrap();
    let (mut tried, mut unnoticed) = (0, Vec::new());
    for (file, rule) in library() {
        let all =
            [windows_of_the_chain(&rule), windows_of_steps(&rule), excuses(&rule), shared_fields(&rule)];
        for (what, weakened) in all.into_iter().flatten() {
            tried += 1;
            // A rule that the engine refuses is noticed as well.
            let passes =
                run_tests(&weakened, &catalog).is_ok_and(|outcomes| outcomes.iter().all(Outcome::passed));
            if passes {
                unnoticed.push(format!("{file}: {what}"));
            }
        }
    }
    assert!(tried > 300, "{tried}");
    assert!(
        unnoticed.is_empty(),
        "{} of {tried} weakened rules pass their tests:\n{}",
        unnoticed.len(),
        unnoticed.join("\n")
    );
}

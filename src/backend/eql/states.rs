//! Whether Lucene can run an expression: it makes it deterministic first, within a bound.
//!
//! In: an expression in Lucene's notation. Out: whether the bound holds. Must not know: where it comes from.
//!
//! `a.{14}b` anywhere in a text takes 65,536 states, and Elasticsearch then fails every run of the rule: `regexp` has
//! `max_determinized_states` 10,000, and EQL offers no way to raise it. Since Lucene 9 that number bounds the effort:
//! each set of states that is visited costs as much as it has members, and ten times the number may be spent
//! (LUCENE-9981, `Operations.determinize`:
//! <https://github.com/apache/lucene/blob/main/lucene/core/src/java/org/apache/lucene/util/automaton/Operations.java>).

use std::collections::{HashSet, VecDeque};

use regex_automata::nfa::thompson::{self, NFA, State};
use regex_automata::util::primitives::StateID;
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, ClassUnicode, Hir, HirKind};

/// `max_determinized_states` of Elasticsearch. A part is kept back, for Lucene builds its automaton a little otherwise.
const MOST: usize = 9_000;
/// The effort that Lucene spends for each of them.
const EFFORT: usize = 10;

/// Whether the expression, matched against a whole value, stays within the bound.
pub(super) fn are_few(lucene: &str) -> bool {
    // Lucene's `.` is any character, line ends included.
    let parsed = ParserBuilder::new().dot_matches_new_line(true).build().parse(&unescaped(lucene));
    let Ok(hir) = parsed else { return false };
    let config = thompson::Config::new()
        .utf8(false)
        .nfa_size_limit(Some(MOST * 4_096))
        .which_captures(thompson::WhichCaptures::None);
    let nfa: Result<NFA, _> = thompson::Compiler::new().configure(config).build_from_hir(&bytes(&hir));
    nfa.is_ok_and(|nfa| is_little(&nfa))
}

/// Makes the automaton deterministic as Lucene does, and stops at the bound. A set has the states to which characters
/// lead: Lucene's automata have no empty transitions.
fn is_little(nfa: &NFA) -> bool {
    let start = vec![nfa.start_anchored()];
    let mut known = HashSet::from([start.clone()]);
    let mut work = VecDeque::from([start]);
    let classes: Vec<u8> = nfa
        .byte_classes()
        .representatives(..)
        .filter_map(regex_automata::util::alphabet::Unit::as_u8)
        .collect();
    let mut effort = 0;
    while let Some(set) = work.pop_front() {
        effort += set.len();
        // States are bounded as well, as they were before Lucene 9.
        if effort >= MOST * EFFORT || known.len() > MOST {
            return false;
        }
        let moves = moves(nfa, &set);
        for &byte in &classes {
            let reached = moves.iter().filter(|(range, _)| range.0 <= byte && byte <= range.1);
            let mut next: Vec<StateID> = reached.map(|&(_, next)| next).collect();
            next.sort_unstable();
            next.dedup();
            if !next.is_empty() && !known.contains(&next) {
                known.insert(next.clone());
                work.push_back(next);
            }
        }
    }
    true
}

/// The first and the last byte, and the state to which all between them lead.
type Move = ((u8, u8), StateID);

/// Where bytes lead from a set of states.
fn moves(nfa: &NFA, set: &[StateID]) -> Vec<Move> {
    let mut moves = Vec::new();
    let mut seen: HashSet<StateID> = set.iter().copied().collect();
    let mut stack = set.to_vec();
    while let Some(id) = stack.pop() {
        let mut follow = |id: StateID| {
            if seen.insert(id) {
                stack.push(id);
            }
        };
        match nfa.state(id) {
            State::ByteRange { trans } => moves.push(((trans.start, trans.end), trans.next)),
            State::Sparse(sparse) => {
                moves.extend(sparse.transitions.iter().map(|trans| ((trans.start, trans.end), trans.next)));
            }
            State::Dense(dense) => {
                let each = (0..=u8::MAX).zip(dense.transitions.iter());
                // State 0 is the one that fails.
                moves.extend(
                    each.filter(|(_, next)| **next != StateID::ZERO)
                        .map(|(byte, next)| ((byte, byte), *next)),
                );
            }
            State::Look { next, .. } | State::Capture { next, .. } => follow(*next),
            State::Union { alternates } => alternates.iter().copied().for_each(follow),
            State::BinaryUnion { alt1, alt2 } => {
                follow(*alt1);
                follow(*alt2);
            }
            State::Fail | State::Match { .. } => {}
        }
    }
    moves
}

/// Lucene's notation escapes every sign; `\<` and `\>` mean something else to the parser.
fn unescaped(lucene: &str) -> String {
    let (mut out, mut escaped) = (String::with_capacity(lucene.len()), false);
    for c in lucene.chars() {
        match (escaped, c) {
            (true, '<' | '>') => out.push(c),
            (true, _) => out.extend(['\\', c]),
            (false, '\\') => {}
            (false, _) => out.push(c),
        }
        escaped = !escaped && c == '\\';
    }
    out
}

/// The same over bytes, one for each ASCII character and one kind for all others: Lucene's states are of characters,
/// not of the bytes that encode them.
fn bytes(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Hir::empty(),
        HirKind::Literal(literal) => {
            let text = String::from_utf8_lossy(&literal.0);
            Hir::literal(text.chars().map(byte).collect::<Vec<u8>>())
        }
        HirKind::Class(Class::Unicode(class)) => Hir::class(Class::Bytes(class_of(class))),
        HirKind::Class(Class::Bytes(class)) => Hir::class(Class::Bytes(class.clone())),
        HirKind::Repetition(repetition) => {
            let mut repetition = repetition.clone();
            repetition.sub = Box::new(bytes(&repetition.sub));
            Hir::repetition(repetition)
        }
        HirKind::Capture(capture) => bytes(&capture.sub),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(bytes).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(bytes).collect()),
    }
}

fn byte(c: char) -> u8 {
    // One byte for all others. It is no valid UTF-8, which the automaton is told not to expect.
    u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or(u8::MAX)
}

fn class_of(class: &ClassUnicode) -> ClassBytes {
    let ranges = class.ranges().iter().flat_map(|range| {
        let ascii = range.start().is_ascii().then(|| {
            let end = if range.end().is_ascii() { byte(range.end()) } else { 0x7f };
            ClassBytesRange::new(byte(range.start()), end)
        });
        let beyond = (!range.end().is_ascii()).then(|| ClassBytesRange::new(0x80, 0xff));
        ascii.into_iter().chain(beyond)
    });
    ClassBytes::new(ranges)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What subset construction gives for `.*a[^\n]{n}b.*`: 8,192 states for 11, 16,384 for 12. Lucene 9 counts the
    /// members of their sets, about n / 2 each: 10 is over the bound by that.
    #[test]
    fn states_grow_with_what_must_be_remembered() {
        for (count, few) in [(3, true), (8, true), (12, false), (14, false)] {
            assert_eq!(are_few(&format!(r".*a[^\n]{{{count}}}b.*")), few, "{count}");
        }
        for lucene in
            [r"arn\:aws\:iam\:\:.*\:role\/(dev|ops)\-.*", r".*\<script\>.*", "[Éé]1[kK]", "(a|b){1,100}", ""]
        {
            assert!(are_few(lucene), "{lucene}");
        }
    }

    /// Few states, of which each stands for many: what Lucene 9 refuses and Lucene 8 did not.
    #[test]
    fn the_members_of_sets_are_counted() {
        assert!(are_few(".*(a|ab|abc){1,20}.*"));
        for (count, few) in [(200, true), (600, false)] {
            assert_eq!(are_few(&format!(".*[a-z]{{1,{count}}}x.*y.*")), few, "{count}");
        }
    }
}

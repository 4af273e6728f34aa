//! Whether Lucene can run an expression: it makes it deterministic first, within a bound.
//!
//! In: an expression in Lucene's notation. Out: whether the bound holds. Must not know: where it comes from.
//!
//! `a.{14}b` anywhere in a text takes 65,536 states, and Elasticsearch then fails every run of the rule: `regexp` has
//! `max_determinized_states` 10,000, and EQL offers no way to raise it.

use regex_automata::dfa::{StartKind, dense};
use regex_automata::nfa::thompson::{self, NFA};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, ClassUnicode, Hir, HirKind};

/// `max_determinized_states` of Elasticsearch. A part is kept back, for Lucene counts a little otherwise.
const MOST: usize = 9_000;

/// Whether the expression, matched against a whole value, stays within the bound.
pub(super) fn are_few(lucene: &str) -> bool {
    // Lucene's `.` is any character, line ends included.
    let parsed = ParserBuilder::new().dot_matches_new_line(true).build().parse(&unescaped(lucene));
    let Ok(hir) = parsed else { return false };
    let config = thompson::Config::new().utf8(false).which_captures(thompson::WhichCaptures::None);
    let nfa: Result<NFA, _> = thompson::Compiler::new().configure(config).build_from_hir(&bytes(&hir));
    let Ok(nfa) = nfa else { return false };
    // Of each state a row of 32-bit entries is kept; the smallest alphabet gives the smallest rows.
    let stride = nfa.byte_classes().alphabet_len().next_power_of_two();
    let config = dense::Config::new()
        .start_kind(StartKind::Anchored)
        .accelerate(false)
        .dfa_size_limit(Some(MOST * stride * 4))
        .determinize_size_limit(Some(MOST * 4_096));
    dense::Builder::new().configure(config).build_from_nfa(&nfa).is_ok()
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

    /// What subset construction gives for `.*a[^\n]{n}b.*`: 8,192 states for 11, 16,384 for 12.
    #[test]
    fn states_grow_with_what_must_be_remembered() {
        for (count, few) in [(3, true), (10, true), (12, false), (14, false)] {
            assert_eq!(are_few(&format!(r".*a[^\n]{{{count}}}b.*")), few, "{count}");
        }
        for lucene in
            [r"arn\:aws\:iam\:\:.*\:role\/(dev|ops)\-.*", r".*\<script\>.*", "[Éé]1[kK]", "(a|b){1,100}", ""]
        {
            assert!(are_few(lucene), "{lucene}");
        }
    }
}

//! Whether Splunk's regular expression engine may give up on an expression.
//!
//! In: a portable expression. Out: yes or no. Must not know: fields, how expressions are printed.
//!
//! PCRE tries the ways in which repetitions can share a text, and stops after `match_limit` attempts (100,000 by
//! default): then nothing matches. One repetition alone has as many ways as the text is long. Two that can both take a
//! character have the square of that, which a text of about 500 characters exceeds, and nested ones double with each
//! character.

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Repetition};

/// Repetitions up to this often are few ways.
const FEW: u32 = 8;

/// Whether there are texts on which the search for the expression exceeds the limit, though they are not long.
pub(super) fn may_give_up(exact: &str) -> bool {
    regex_syntax::parse(exact).is_ok_and(|hir| ways(&hir, &ClassUnicode::empty()) > 1)
}

/// How many repetitions, one after another, can end in several places where one of `next` follows; nested ones count
/// twice.
fn ways(hir: &Hir, next: &ClassUnicode) -> usize {
    match hir.kind() {
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => 0,
        HirKind::Capture(capture) => ways(&capture.sub, next),
        HirKind::Alternation(parts) => parts.iter().map(|part| ways(part, next)).max().unwrap_or(0),
        HirKind::Repetition(repetition) => ways_of_repetition(repetition, next),
        HirKind::Concat(parts) => {
            let mut next = next.clone();
            let mut all = 0;
            // From the right: in how many places a repetition can end depends on what may follow it.
            for part in parts.iter().rev() {
                all += ways(part, &next);
                // All of its characters, not only those it can begin with: that errs towards a note.
                let mut first = characters(part);
                if may_be_empty(part) {
                    first.union(&next);
                }
                next = first;
            }
            all
        }
    }
}

fn ways_of_repetition(repetition: &Repetition, next: &ClassUnicode) -> usize {
    let own = characters(&repetition.sub);
    // The next round of the repetition may follow as well.
    let mut after = own.clone();
    after.union(next);
    let inner = ways(&repetition.sub, &after);
    if repetition.max.is_none_or(|most| most > FEW) {
        let mut shared = own;
        shared.intersect(next);
        if inner > 0 { 2 } else { usize::from(!shared.ranges().is_empty()) }
    } else {
        inner * usize::try_from(repetition.max.unwrap_or(1)).unwrap_or(usize::MAX)
    }
}

fn may_be_empty(hir: &Hir) -> bool {
    hir.properties().minimum_len().is_none_or(|least| least == 0)
}

/// The characters that what an expression matches may consist of.
fn characters(hir: &Hir) -> ClassUnicode {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => ClassUnicode::empty(),
        HirKind::Literal(literal) => {
            let text = String::from_utf8_lossy(&literal.0);
            ClassUnicode::new(text.chars().map(|c| ClassUnicodeRange::new(c, c)))
        }
        HirKind::Class(Class::Unicode(class)) => class.clone(),
        HirKind::Class(Class::Bytes(_)) => ClassUnicode::new([ClassUnicodeRange::new('\0', char::MAX)]),
        HirKind::Repetition(repetition) => characters(&repetition.sub),
        HirKind::Capture(capture) => characters(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            let mut all = ClassUnicode::empty();
            for part in parts {
                all.union(&characters(part));
            }
            all
        }
    }
}

#[cfg(test)]
mod tests {
    use super::may_give_up;

    #[test]
    fn repetitions_that_share_a_text_are_found() {
        for regex in
            ["(a+)+b", "(?:a|a*)*c", "(a{1,99}){1,99}!", "aws.*cli.*linux", "[a-z]*[a-y]+y", r"(\w+\s?)+!"]
        {
            assert!(may_give_up(regex), "{regex}");
        }
        for regex in [
            "^a.*b",
            r"([a-z]+\.)+internal",
            "[0-9]{1,3}[.][0-9]{1,3}",
            ".*evil.*",
            r"^\d+-\d+$",
            "(?:ab|cd)*e",
            "a+b+",
        ] {
            assert!(!may_give_up(regex), "{regex}");
        }
    }
}

//! Mechanical changes, applied.
//!
//! In: a text and changes to it. Out: the changed text. Must not know: what the changes are for.

use std::ops::Range;

/// Replaces ranges of a text. Of two that overlap the later one is left out, and so is one that is not in the text;
/// the count is of those that were made.
#[must_use]
pub fn apply<'f>(text: &str, fixes: impl IntoIterator<Item = (Range<usize>, &'f str)>) -> (String, usize) {
    let mut fixes: Vec<_> = fixes.into_iter().collect();
    fixes.sort_by_key(|(range, _)| (range.start, range.end));
    let (mut out, mut done, mut count) = (String::with_capacity(text.len()), 0, 0);
    let mut last: Option<Range<usize>> = None;
    for (range, replacement) in fixes {
        // Two insertions at one place would depend on their order.
        let is_apart = last.as_ref().is_none_or(|last| last.end <= range.start && last.start < range.start);
        let Some(kept) = text.get(done..range.start).filter(|_| is_apart && text.is_char_boundary(range.end))
        else {
            continue;
        };
        if range.end < range.start {
            continue;
        }
        out.push_str(kept);
        out.push_str(replacement);
        (done, count) = (range.end, count + 1);
        last = Some(range);
    }
    out.push_str(text.get(done..).unwrap_or_default());
    (out, count)
}

#[cfg(test)]
mod tests {
    use super::apply;

    #[test]
    fn changes_that_overlap_are_left_out() {
        let fixes =
            [(4..5, "E"), (0..2, "xy"), (1..3, "no"), (4..4, "no"), (6..6, "!"), (2..3, "Z"), (9..12, "no")];
        // Of the insertion at 4 and the replacement from there on, the shorter one counts as the first.
        assert_eq!(apply("abcdef", fixes), ("xyZdnoef!".to_owned(), 4));
    }

    #[test]
    fn characters_stay_whole() {
        assert_eq!(apply("äb", [(1..2, "no"), (2..3, "c")]), ("äc".to_owned(), 1));
    }
}

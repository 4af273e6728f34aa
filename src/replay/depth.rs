//! How deep JSON nests.
//!
//! In: the text of an event. Out: whether a parser that calls itself for each level may read it.
//! Must not know: events. Nobody's log is that deep, but whoever can put a value into a log can make it so.

use super::brackets::{self, Bracket};

/// As many levels fit on the smallest stack with room to spare; `CloudTrail` has fewer than ten.
const DEEPEST: usize = 32;

/// Whether the brackets of `text` nest deeper than a parser that calls itself should follow.
pub(super) fn is_deep(text: &str) -> bool {
    let text = text.as_bytes();
    // Most events have fewer brackets than that.
    memchr::memchr2_iter(b'{', b'[', text).nth(DEEPEST).is_some() && deepest(text) > DEEPEST
}

/// The most brackets that are open at one place, as far as the text is JSON.
fn deepest(text: &[u8]) -> usize {
    let (mut depth, mut most) = (0_usize, 0);
    let _: Option<()> = brackets::find(text, |_, bracket| {
        match bracket {
            Bracket::Opens => depth += 1,
            Bracket::Closes => depth = depth.saturating_sub(1),
        }
        most = most.max(depth);
        None
    });
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nests_is_deep() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(!is_deep(&nested(DEEPEST)));
        assert!(is_deep(&nested(DEEPEST + 1)));
        assert!(!is_deep(&format!("[{}]", "{},".repeat(1_000))));
        assert!(!is_deep(&format!(r#"{{"a":"{}\"[","b":[]}}"#, "[".repeat(1_000))));
        // Closing brackets within strings close nothing.
        assert!(is_deep(&r#"{"]}":"#.repeat(1_000)));
    }
}

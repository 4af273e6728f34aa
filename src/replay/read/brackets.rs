//! The brackets of JSON, found 64 bytes at a time.
//!
//! In: text that should be JSON. Out: its brackets outside of strings and its line ends, in order.
//! Must not know: what is between them; only brackets, quotation marks, backslashes and line ends are looked at.

use wide::i8x16;

/// What is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bracket {
    /// `{` or `[`.
    Opens,
    /// `}` or `]`.
    Closes,
    /// A line end outside of strings.
    LineEnd,
    /// A line end within a string, where JSON has none: the string is broken.
    LineEndInString,
}

const BLOCK: usize = 64;

/// Calls `bracket` with the place of every bracket until it gives an answer.
pub(crate) fn find<T>(text: &[u8], mut bracket: impl FnMut(usize, Bracket) -> Option<T>) -> Option<T> {
    let mut strings = Strings::default();
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    // Blanks are no marks, so nothing is found in the padding.
    let mut last = [b' '; BLOCK];
    last.iter_mut().zip(rest).for_each(|(place, byte)| *place = *byte);
    for (begins, block) in (0..).step_by(BLOCK).zip(blocks.iter().chain([&last])) {
        let marks = Marks::new(block);
        let outside = !strings.inside(&marks);
        let mut brackets = (marks.opens | marks.closes) & outside | marks.line_ends;
        while brackets != 0 {
            let at = brackets.trailing_zeros();
            let is = |bits: u64| bits >> at & 1 == 1;
            let kind = match () {
                () if is(marks.opens) => Bracket::Opens,
                () if is(marks.closes) => Bracket::Closes,
                () if is(outside) => Bracket::LineEnd,
                () => Bracket::LineEndInString,
            };
            let answer = bracket(begins + at as usize, kind);
            if answer.is_some() {
                return answer;
            }
            brackets &= brackets - 1;
        }
    }
    None
}

/// Which bytes of a block are of a kind: one bit for each.
struct Marks {
    quotes: u64,
    backslashes: u64,
    opens: u64,
    closes: u64,
    line_ends: u64,
}

impl Marks {
    fn new(block: &[u8; BLOCK]) -> Self {
        let mut marks = Self { quotes: 0, backslashes: 0, opens: 0, closes: 0, line_ends: 0 };
        for (part, bytes) in block.as_chunks::<16>().0.iter().enumerate() {
            let bytes = i8x16::new(bytes.map(u8::cast_signed));
            // `[` and `{`, `]` and `}` differ in one bit only.
            let folded = bytes | i8x16::splat(0x20);
            let mark = |bytes: i8x16, wanted: u8| {
                let equal = bytes.simd_eq(i8x16::splat(wanted.cast_signed()));
                u64::from(equal.to_bitmask() & 0xffff) << (16 * part)
            };
            marks.quotes |= mark(bytes, b'"');
            marks.backslashes |= mark(bytes, b'\\');
            marks.line_ends |= mark(bytes, b'\n');
            marks.opens |= mark(folded, b'{');
            marks.closes |= mark(folded, b'}');
        }
        marks
    }
}

/// What one block leaves to the next.
#[derive(Debug, Default)]
struct Strings {
    /// All ones within a string.
    inside: u64,
    /// Whether the next byte is escaped.
    escaped: bool,
}

impl Strings {
    /// The bytes of the next block that are within a string.
    fn inside(&mut self, marks: &Marks) -> u64 {
        let quotes = marks.quotes & !self.escaped(marks.backslashes);
        // Each bit becomes the parity of the bits up to it.
        let inside = [1, 2, 4, 8, 16, 32].iter().fold(quotes, |bits, by| bits ^ bits << by) ^ self.inside;
        self.inside = if inside >> 63 == 1 { u64::MAX } else { 0 };
        inside
    }

    /// The bytes that a backslash stands before which is not itself escaped.
    fn escaped(&mut self, mut backslashes: u64) -> u64 {
        // One by one, since there are few: of 3,260 real events 1.4 % have a backslash at all.
        let mut escaped = u64::from(std::mem::take(&mut self.escaped));
        backslashes &= !escaped;
        while backslashes != 0 {
            let at = backslashes.trailing_zeros();
            let next = 1_u64.checked_shl(at + 1).unwrap_or_default();
            self.escaped = next == 0;
            escaped |= next;
            backslashes &= backslashes - 1;
            backslashes &= !next;
        }
        escaped
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(text: &[u8]) -> Vec<(usize, Bracket)> {
        let mut found = Vec::new();
        let none: Option<()> = find(text, |at, bracket| {
            found.push((at, bracket));
            None
        });
        assert_eq!(none, None);
        found
    }

    /// The same, byte by byte.
    fn slowly(text: &[u8]) -> Vec<(usize, Bracket)> {
        let (mut found, mut inside, mut escaped) = (Vec::new(), false, false);
        for (at, byte) in text.iter().enumerate() {
            let is_escaped = std::mem::take(&mut escaped);
            match byte {
                b'\\' => escaped = !is_escaped,
                b'"' if !is_escaped => inside = !inside,
                b'\n' if inside => found.push((at, Bracket::LineEndInString)),
                b'\n' => found.push((at, Bracket::LineEnd)),
                b'{' | b'[' if !inside => found.push((at, Bracket::Opens)),
                b'}' | b']' if !inside => found.push((at, Bracket::Closes)),
                _ => {}
            }
        }
        found
    }

    #[test]
    fn brackets_within_strings_do_not_count() {
        let text = br#"{"a}":["]\"[","\\",{}]}"#;
        let places: Vec<usize> = found(text).into_iter().map(|(at, _)| at).collect();
        assert_eq!(places, [0, 6, 19, 20, 21, 22]);
        assert_eq!(find(text, |at, bracket| (bracket == Bracket::Closes).then_some(at)), Some(20));
    }

    proptest! {
        #[test]
        fn blocks_do_not_matter(text in prop::collection::vec(prop::sample::select(b"{}[]\"\"\\\\\\a~Z|*\n".to_vec()), 0..300)) {
            prop_assert_eq!(found(&text), slowly(&text));
        }
    }
}

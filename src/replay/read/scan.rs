//! Where a JSON value ends, as far as brackets, quotation marks and line ends tell.
//!
//! In: text from the beginning of a value on. Out: [`End`]; for a value that is not closed, what is open in it.
//! Must not know: sources; what is between the brackets is not looked at.

use super::brackets::{self, Bracket};

/// Where a value ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Before this byte.
    At(usize),
    /// Not in the text.
    Open,
    /// It cannot go on behind the line end at this byte: what follows is another value, or no JSON.
    Broken(usize),
}

/// Where the object or list ends that `text` begins with.
///
/// A value over several lines may be cut off and followed by others: without a look at the line ends one such value
/// would swallow them, up to where brackets happen to balance.
pub(crate) fn end_of_brackets(text: &[u8]) -> End {
    // The kinds of the innermost brackets that are open: a bit each, set for a list. Deeper ones are forgotten.
    let (mut depth, mut kinds) = (0_usize, 0_u128);
    // Up to here blanks were looked at: of a run of line ends the first decides.
    let mut blank_to = 0;
    let found = brackets::find(text, |at, bracket| match bracket {
        Bracket::Opens => {
            depth += 1;
            kinds = kinds << 1 | u128::from(text.get(at) == Some(&b'['));
            None
        }
        Bracket::Closes => {
            // The text begins with a bracket, so none closes at depth 0. Whether the two are of one kind is left to the
            // parser: broken JSON has to end somewhere too.
            depth -= 1;
            kinds >>= 1;
            (depth == 0).then_some(End::At(at + 1))
        }
        Bracket::LineEnd if at < blank_to || depth > 128 => None,
        Bracket::LineEnd if goes_on(text, at, kinds & 1 == 1) => {
            let after = text.get(at..).unwrap_or_default();
            blank_to = text.len() - after.trim_ascii_start().len();
            None
        }
        Bracket::LineEnd | Bracket::LineEndInString => Some(End::Broken(at)),
    });
    found.unwrap_or(End::Open)
}

/// Whether a value can go on behind the line end at `at`, directly within a list or an object.
fn goes_on(text: &[u8], at: usize, in_list: bool) -> bool {
    let (before, after) = text.split_at_checked(at).unwrap_or_default();
    let Some(before) = before.trim_ascii_end().last() else { return true };
    let Some(after) = after.trim_ascii_start().first() else { return true };
    match before {
        b'{' | b'[' | b':' => true,
        // In an object a key follows a comma, so a `{` there begins another value.
        b',' => in_list || matches!(after, b'"' | b'}' | b','),
        _ => matches!(after, b',' | b'}' | b']' | b':'),
    }
}

/// Where the value ends that `text` begins with.
pub(crate) fn end_of_value(text: &[u8]) -> End {
    match text.first() {
        Some(b'{' | b'[') => end_of_brackets(text),
        Some(b'"') => end_of_string(text, 1).map_or(End::Open, |end| End::At(end + 1)),
        // A number or a word, or junk in front of the next value.
        _ => {
            let ends = |byte: &u8| b",]}:[{".contains(byte) || byte.is_ascii_whitespace();
            text.iter().position(ends).map_or(End::Open, End::At)
        }
    }
}

/// Where the string ends whose text begins at `at`: the place of its closing quotation mark.
fn end_of_string(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text.get(at) == Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

/// Whether `text` begins as a string does whose text is a JSON object with a key, or a list of them.
pub(super) fn holds_json(text: &[u8]) -> bool {
    let inside = text.strip_prefix(b"\"").map(<[u8]>::trim_ascii_start).unwrap_or_default();
    let inside = inside.strip_prefix(b"[").map_or(inside, <[u8]>::trim_ascii_start);
    let Some(key) = inside.strip_prefix(b"{") else { return false };
    // Line ends and tabs of pretty JSON stand there as escapes.
    let blank = [&b" "[..], b"\\n", b"\\r", b"\\t"];
    let mut key = key;
    while let Some(behind) = blank.iter().find_map(|blank| key.strip_prefix(*blank)) {
        key = behind;
    }
    key.starts_with(b"\\\"")
}

/// A member of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Member<'t> {
    /// Its key, and where its value begins.
    At(&'t [u8], usize),
    /// It goes on behind the text.
    Open,
    /// It is none.
    Broken,
}

/// The member that `text` begins with, at the quotation mark of its key.
pub(crate) fn member(text: &[u8]) -> Member<'_> {
    let Some(end) = end_of_string(text, 1) else { return Member::Open };
    let (Some(key), Some(after)) = (text.get(1..end), text.get(end + 1..)) else { return Member::Broken };
    let colon = after.trim_ascii_start();
    match colon.first() {
        None => Member::Open,
        Some(b':') => {
            let value = colon.get(1..).unwrap_or_default().trim_ascii_start();
            if value.is_empty() { Member::Open } else { Member::At(key, text.len() - value.len()) }
        }
        Some(_) => Member::Broken,
    }
}

/// A bracket that is open at the end of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Opened<'t> {
    /// Its place.
    pub(crate) at: usize,
    /// `{` or `[`.
    pub(crate) bracket: u8,
    /// The key that it is the value of, if it is in an object.
    pub(crate) key: Option<&'t [u8]>,
}

/// The brackets that are open at the end of `text`, from outside to inside.
pub(crate) fn open_brackets(text: &[u8]) -> impl Iterator<Item = Opened<'_>> {
    let mut stack = Vec::new();
    let _: Option<()> = brackets::find(text, |at, bracket| {
        match bracket {
            Bracket::Opens => stack.push(at),
            Bracket::Closes => drop(stack.pop()),
            Bracket::LineEnd | Bracket::LineEndInString => {}
        }
        None
    });
    let key = |at: usize| {
        let before = text.get(..at)?.trim_ascii_end().strip_suffix(b":")?.trim_ascii_end();
        let before = before.strip_suffix(b"\"")?;
        let begins = memchr::memrchr(b'"', before)?;
        before.get(begins + 1..)
    };
    let opened = move |at: usize| Opened { at, bracket: text.get(at).copied().unwrap_or(b'{'), key: key(at) };
    stack.into_iter().map(opened)
}

/// Bytes of what may stand between values, whether a line ends among them, and how many of them are zeros.
pub(super) fn separators(bytes: &[u8]) -> (usize, bool, u64) {
    let (mut length, mut ends_line, mut zeros) = (0, false, 0);
    loop {
        match bytes.get(length..) {
            Some([b'\n', ..]) => (ends_line, length) = (true, length + 1),
            Some([0, ..]) => (zeros, length) = (zeros + 1, length + 1),
            // `0x1e` is the record separator of JSON text sequences.
            Some([b' ' | b'\t' | b'\r' | b',' | 0x0b | 0x0c | 0x1e, ..]) => length += 1,
            Some([0xef, 0xbb, 0xbf, ..]) => length += 3,
            Some(_) | None => return (length, ends_line, zeros),
        }
    }
}

/// The key of the first member of an object, and the text from its value on.
pub(super) fn first_member(inside: &[u8]) -> Option<(&[u8], &[u8])> {
    // Keys that lead to lists of events are short. Without an end, hostile text would be searched to its own end at
    // each `{"`.
    const LONGEST_KEY: usize = 64;
    let start = inside.get(1..)?;
    let end = memchr::memchr(b'"', start.get(..LONGEST_KEY.min(start.len()))?)?;
    let (key, after) = (start.get(..end)?, start.get(end + 1..)?);
    Some((key, after.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start()))
}

/// Where in a broken value another one begins with the same key.
pub(super) fn next_like_it(text: &[u8]) -> Option<usize> {
    let inside = text.strip_prefix(b"{\"")?;
    let key = memchr::memchr(b'"', inside).filter(|end| *end > 0)?;
    let beginning = text.get(..key + 3)?;
    memchr::memmem::find(text.get(1..)?, beginning).map(|at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_end_where_their_brackets_do() {
        for (text, end) in [
            (r#"{"a":[{}]} {"#, End::At(10)),
            (r#"{"b":"]}\"\\"},"#, End::At(14)),
            (r#"{"a":"#, End::Open),
            ("{\"a\":1,\n \"b\":[\n{\"c\":2},\n{}\n]\n}\n{", End::At(30)),
            ("{\"a\":1\n{\"a\":2}", End::Broken(6)),
            ("{\"a\":1,\n{\"a\":2}", End::Broken(7)),
            ("{\"a\":[1,\n{\"a\":2}]}", End::At(18)),
            ("{\"a\":\"x\n{\"a\":2}", End::Broken(7)),
            ("{\"a\":1\n,\"b\":2}", End::At(14)),
            ("{\"a\"\n:1}", End::At(8)),
            ("{\"a\":1\nRun", End::Broken(6)),
            ("{\"a\":1\n", End::Open),
            (r#""a\"b",1"#, End::At(6)),
            ("12,", End::At(2)),
            ("12", End::Open),
        ] {
            assert_eq!(end_of_value(text.as_bytes()), end, "{text}");
        }
    }

    #[test]
    fn what_is_open_has_its_key() {
        let text = br#"{"took":1,"hits" : {"x":{},"hits":[{"a":{"b""#;
        let found: Vec<_> = open_brackets(text).map(|one| (one.bracket, one.key)).collect();
        let key = |key: &'static str| Some(key.as_bytes());
        assert_eq!(
            found,
            [(b'{', None), (b'{', key("hits")), (b'[', key("hits")), (b'{', None), (b'{', key("a"))]
        );
        assert_eq!(member(br#""a" : [1"#), Member::At(b"a", 6));
        assert_eq!(member(br#""a" "#), Member::Open);
        assert_eq!(member(br#""a", "#), Member::Broken);
    }
}

//! Where reading goes on behind what is no JSON.
//!
//! In: text from the beginning of the junk on. Out: where on its line a value begins.
//! Must not know: sources, what an event is.

/// What stands behind junk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behind {
    /// A value, from this byte on.
    Value(usize),
    /// Nothing up to the end of the line at this byte.
    Nothing(usize),
}

/// What stands behind the junk that `text` begins with; `None` if that cannot be told before there is more of it.
pub(super) fn behind_junk(text: &[u8], is_ended: bool) -> Option<Behind> {
    for at in memchr::memchr3_iter(b'{', b'[', b'\n', text) {
        let (before, value) = text.split_at_checked(at)?;
        if value.first() == Some(&b'\n') {
            return Some(Behind::Nothing(at));
        }
        if is_inner(before) {
            continue;
        }
        match begins_value(value) {
            Some(true) => return Some(Behind::Value(at)),
            Some(false) => {}
            None if is_ended => {}
            None => return None,
        }
    }
    is_ended.then_some(Behind::Nothing(text.len()))
}

/// Whether a value behind `before` is the value of a member or the first item of a list: a part of a broken value.
fn is_inner(before: &[u8]) -> bool {
    match before.trim_ascii_end() {
        [.., b'['] => true,
        [key @ .., b':'] => key.trim_ascii_end().ends_with(b"\""),
        _ => false,
    }
}

/// Whether `text` is an object with a key, or a list of objects or lists; `None` if it is too short to tell. Text that
/// is no JSON has brackets too, and CSV doubles the quotation marks of the JSON in it.
fn begins_value(text: &[u8]) -> Option<bool> {
    let (bracket, inside) = text.split_first()?;
    match (bracket, inside.trim_ascii_start()) {
        (_, []) | (b'{', [b'"']) => None,
        (b'{', [b'"', second, ..]) => Some(*second != b'"'),
        (b'[', [b'{' | b'[', ..]) => Some(true),
        (_, [_, ..]) => Some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_goes_on_at_the_next_value() {
        for (text, expected) in [
            (r#";{"a":1}"#, Behind::Value(1)),
            (r#"x [ {"a":1}]"#, Behind::Value(2)),
            ("null{\n \"a\":1}", Behind::Value(4)),
            ("\"{\"a\":1}", Behind::Value(1)),
            (r#":{"a":1}"#, Behind::Value(1)),
            (r#"a[1]: {"b":1}"#, Behind::Value(6)),
            ("no\n{\"a\":1}", Behind::Nothing(2)),
            (r#""a": {"b":1}"#, Behind::Nothing(12)),
            (r#""a":[{"b":1}"#, Behind::Nothing(12)),
            (r#""1","{""b"":1}""#, Behind::Nothing(15)),
            ("{ret} x {", Behind::Nothing(9)),
        ] {
            assert_eq!(behind_junk(text.as_bytes(), true), Some(expected), "{text}");
        }
        for open in ["x", "x{", "x{ \"", "x[ "] {
            assert_eq!(behind_junk(open.as_bytes(), false), None, "{open}");
        }
    }
}

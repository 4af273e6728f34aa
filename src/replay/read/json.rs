//! JSON texts to single events.
//!
//! In: a line or a whole document. Out: the text of each event in it.
//! Must not know: sources, rules. `Records` files, lists and events one after another are all taken apart.

use super::brackets::{self, Bracket};

/// Calls `event` with the text of every event in `text`, or with what is wrong where there should be one.
pub(crate) fn events<'t>(text: &'t str, event: &mut dyn FnMut(Result<&'t str, String>)) {
    let trimmed = text.trim_start();
    if !trimmed.starts_with('[') && !names_records(trimmed.as_bytes()) {
        event(Ok(text));
        return;
    }
    let list = if trimmed.starts_with('[') { Ok(trimmed) } else { records(trimmed) };
    match list {
        Ok(list) => each(list, event),
        Err(problem) => event(Err(problem)),
    }
}

/// Calls `event` for every event of a document that runs over several lines.
pub(crate) fn document<'t>(text: &'t str, event: &mut dyn FnMut(Result<&'t str, String>)) {
    if text.trim_start().starts_with('[') {
        return events(text, event);
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<serde::de::IgnoredAny>();
    loop {
        let begins = values.byte_offset();
        match values.next() {
            None => return,
            Some(Ok(_)) => events(text.get(begins..values.byte_offset()).unwrap_or_default().trim(), event),
            Some(Err(_)) => return event(Err(NOT_JSON.to_owned())),
        }
    }
}

/// What broken JSON is called.
pub(crate) const NOT_JSON: &str = "not valid JSON";

/// Whether the first key of an object is `Records`.
pub(crate) fn names_records(text: &[u8]) -> bool {
    let inside = text.strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    inside.is_some_and(|inside| inside.starts_with(b"\"Records\""))
}

/// The text from the list under `Records` on.
fn records(text: &str) -> Result<&str, String> {
    let after = text.split_once("\"Records\"").map_or("", |(_, after)| after.trim_start());
    let value = after.strip_prefix(':').ok_or(NOT_JSON)?.trim_start();
    if value.starts_with('[') {
        return Ok(value);
    }
    let is_value = value.starts_with(|first: char| "{\"-tfn".contains(first) || first.is_ascii_digit());
    Err(if is_value { "`Records` is not a list".to_owned() } else { NOT_JSON.to_owned() })
}

/// Calls `event` for every item of the list that `text` begins with. Where the list breaks off, what came before
/// counts.
fn each<'t>(text: &'t str, event: &mut dyn FnMut(Result<&'t str, String>)) {
    let mut rest = text.strip_prefix('[').unwrap_or_default().trim_ascii_start();
    if rest.starts_with(']') {
        return;
    }
    loop {
        let Some((item, after)) = end_of_value(rest.as_bytes()).and_then(|end| rest.split_at_checked(end))
        else {
            return event(Err(NOT_JSON.to_owned()));
        };
        event(Ok(item));
        let after = after.trim_ascii_start();
        match after.strip_prefix(',') {
            Some(next) => rest = next.trim_ascii_start(),
            None if after.starts_with(']') => return,
            None => return event(Err(NOT_JSON.to_owned())),
        }
    }
}

/// Where the value that `text` begins with ends, as far as brackets and quotation marks tell; what is between them is
/// not looked at.
fn end_of_value(text: &[u8]) -> Option<usize> {
    match text.first()? {
        b'{' | b'[' => end_of_brackets(text),
        b'"' => end_of_string(text, 1).map(|end| end + 1),
        // A number or a word.
        _ => {
            let ends = |byte: &u8| b",]}".contains(byte) || byte.is_ascii_whitespace();
            text.iter().position(ends).filter(|end| *end > 0)
        }
    }
}

/// The place after the bracket that closes the first one.
fn end_of_brackets(text: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    brackets::find(text, |at, bracket| {
        match bracket {
            Bracket::Opens => depth += 1,
            Bracket::Closes => depth -= 1,
        }
        (depth == 0).then_some(at + 1)
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        events(text, &mut |event| {
            found.push(event.map_or_else(|problem| format!("! {problem}"), str::to_owned));
        });
        found
    }

    #[test]
    fn lists_come_apart() {
        for (text, expected) in [
            (r#"{"Records":[]}"#, &[][..]),
            (r#"{ "Records" : [ {"a":[{}]} , {"b":"]}\"\\"} ] }"#, &[r#"{"a":[{}]}"#, r#"{"b":"]}\"\\"}"#]),
            (r#"[{"a":1},2,"x,]",null ,[3]]"#, &[r#"{"a":1}"#, "2", r#""x,]""#, "null", "[3]"]),
            (r#"{"Records":[{"a":1},{"b":"#, &[r#"{"a":1}"#, "! not valid JSON"]),
            (r#"{"Records":[{"a":1} {"b":2}]}"#, &[r#"{"a":1}"#, "! not valid JSON"]),
            (r#"{"Records":[{"a":1},]}"#, &[r#"{"a":1}"#, "! not valid JSON"]),
            (r#"{"Records":[{"a":"x"#, &["! not valid JSON"]),
            (r#"{"Records":{"a":1}}"#, &["! `Records` is not a list"]),
            (r#"{"Records":"#, &["! not valid JSON"]),
            (r#"{"Records"}"#, &["! not valid JSON"]),
            ("[", &["! not valid JSON"]),
            ("[,1]", &["! not valid JSON"]),
            ("[1", &["! not valid JSON"]),
        ] {
            assert_eq!(parts(text), expected, "{text}");
        }
    }
}

//! JSON texts to single events.
//!
//! In: a line or a whole document. Out: the text of each event in it.
//! Must not know: sources, rules. `Records` files, lists and events one after another are all taken apart.

use sonic_rs::{JsonValueTrait, LazyValue};

/// Calls `event` with the text of every event in `text`, or with what is wrong where there should be one.
pub(super) fn events<'t>(text: &'t str, event: &mut dyn FnMut(Result<&'t str, String>)) {
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
pub(super) fn document<'t>(text: &'t str, event: &mut dyn FnMut(Result<&'t str, String>)) {
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
pub(super) const NOT_JSON: &str = "not valid JSON";

/// Whether the first key of an object is `Records`.
pub(super) fn names_records(text: &[u8]) -> bool {
    let inside = text.strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    inside.is_some_and(|inside| inside.starts_with(b"\"Records\""))
}

/// The text of the list under `Records`.
fn records(text: &str) -> Result<&str, String> {
    let value = sonic_rs::get(text, ["Records"]).map_err(|_| NOT_JSON.to_owned())?;
    if !value.is_array() {
        return Err("`Records` is not a list".to_owned());
    }
    slice_of(text, &value).ok_or_else(|| NOT_JSON.to_owned())
}

fn each<'t>(list: &'t str, event: &mut dyn FnMut(Result<&'t str, String>)) {
    for value in sonic_rs::to_array_iter(list) {
        match value {
            Ok(value) => event(slice_of(list, &value).ok_or_else(|| NOT_JSON.to_owned())),
            Err(_) => return event(Err(NOT_JSON.to_owned())),
        }
    }
}

/// The part of `text` that a lazy value shows.
fn slice_of<'t>(text: &'t str, value: &LazyValue<'t>) -> Option<&'t str> {
    match value.as_raw_cow() {
        std::borrow::Cow::Borrowed(part) => Some(part),
        std::borrow::Cow::Owned(part) => text.find(&part).and_then(|at| text.get(at..at + part.len())),
    }
}

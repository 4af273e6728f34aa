//! The values of a text in memory, whatever stands between them: what a string in an envelope holds.
//!
//! In: a text that is not simply one JSON value after another. Out: its values, and how much of it was none.
//! Must not know: sources, what an event is. It is taken apart as a file is.

use super::columns::behind_prefix;
use super::split::Splitter;
use super::taker::{Broken, Taker, Text};
use super::window::Window;
use crate::replay::options::Control;

/// What a text is made of.
#[derive(Debug, Default)]
pub(crate) struct Resync {
    /// Its values.
    pub(crate) values: Vec<String>,
    /// Places that are no JSON.
    pub(crate) broken: u64,
}

impl Resync {
    /// Takes `text` apart; lists at the paths `containers` are entered. What `buffer` holds does not matter.
    pub(crate) fn of(text: &str, containers: &[String], buffer: &mut Vec<u8>) -> Self {
        let control = Control::default();
        let window = Window::new(text.as_bytes(), 0, std::mem::take(buffer), &control);
        let mut splitter = Splitter::new(window, containers, Vec::new());
        let mut found = Self::default();
        // A text in memory can be read to its end.
        let ended = splitter.run(u64::MAX, &mut found);
        found.broken += u64::from(ended.is_err());
        *buffer = splitter.into_buffer();
        found
    }
}

impl Taker for Resync {
    fn line(&mut self, _: &[u8], _: u64) -> bool {
        false
    }

    fn value(&mut self, text: &[u8], _: u64) -> bool {
        let text = String::from_utf8_lossy(text);
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
        if is_json {
            self.values.push(text.into_owned());
        } else {
            self.broken += 1;
        }
        is_json
    }

    fn member(&mut self, _: &str, _: &[u8], _: u64) -> bool {
        false
    }

    fn text(&mut self, line: &[u8], _: u64, _: bool) -> Text {
        let begins = behind_prefix(line);
        self.broken += u64::from(begins.is_none());
        begins.map_or(Text::Junk, Text::Prefix)
    }

    fn broken(&mut self, _: Broken, _: u64) {
        self.broken += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_behind_broken_ones() {
        for (text, values, broken) in [
            (r#"{"a":1},{"b":2}"#, &[r#"{"a":1}"#, r#"{"b":2}"#][..], 0),
            ("{\"a\":1}\n{\"a\"\n{\"b\":2}", &[r#"{"a":1}"#, r#"{"b":2}"#], 1),
            (r#"{"a":1};{"b":2}"#, &[r#"{"a":1}"#, r#"{"b":2}"#], 1),
            (r#"{"Records":[{"a":1},{"b":2},{"c"#, &[r#"{"a":1}"#, r#"{"b":2}"#], 1),
        ] {
            let found = Resync::of(text, &["Records".to_owned()], &mut Vec::new());
            assert!(found.values == values && found.broken == broken, "{text}: {found:?}");
        }
    }
}

//! What stands behind a key of a JSON event, found without reading the event.
//!
//! In: a path of a source, the bytes of an event. Out: the event from each value on.
//! Must not know: rules. A key or value spelt with escapes is not found: whoever passes over an event looks for escapes
//! as well.

use memchr::memmem::Finder;

/// The last key of a path, wherever it stands in an event.
#[derive(Debug)]
pub(super) struct JsonKey(Finder<'static>);

impl JsonKey {
    /// The key `key`.
    pub(super) fn new(key: &str) -> Self {
        Self(Finder::new(Self::text(key).as_bytes()).into_owned())
    }

    /// What stands in an event that has the key `key`: it may be the end of a path that stands as one key.
    pub(super) fn text(key: &str) -> String {
        format!("{key}\"")
    }

    /// The last key of `path`; `None` if JSON may write it in another way.
    pub(super) fn of(path: &str) -> Option<Self> {
        let key = last_key(path);
        is_plain(key).then(|| Self::new(key))
    }

    /// Whether the key stands in a text once, and as a key.
    pub(super) fn is_once_in(&self, text: &[u8]) -> bool {
        let mut found = self.0.find_iter(text).filter(|at| begins(text, *at));
        let (Some(at), None) = (found.next(), found.next()) else { return false };
        if !text.get(..at).is_some_and(|before| before.ends_with(b"\"")) {
            return false;
        }
        let after = text.get(at + self.0.needle().len()..).unwrap_or_default();
        after.trim_ascii_start().starts_with(b":")
    }

    /// The event from each value of the key on.
    pub(super) fn values<'e>(&self, event: &'e [u8]) -> impl Iterator<Item = &'e [u8]> {
        self.0.find_iter(event).filter(|at| begins(event, *at)).filter_map(|at| {
            let after = event.get(at + self.0.needle().len()..)?;
            // What no colon follows is a value itself.
            after.trim_ascii_start().strip_prefix(b":").map(<[u8]>::trim_ascii_start)
        })
    }
}

/// Whether a key, or the last part of a path that stands as one key, begins at `at`.
fn begins(text: &[u8], at: usize) -> bool {
    text.get(..at).is_some_and(|before| before.ends_with(b"\"") || before.ends_with(b"."))
}

/// The text that a value is, if it is one without escapes.
pub(super) fn plain_text(value: &[u8]) -> Option<&[u8]> {
    let text = value.strip_prefix(b"\"")?;
    let end = memchr::memchr2(b'"', b'\\', text)?;
    text.get(..end).filter(|_| text.get(end) == Some(&b'"'))
}

/// The key at the end of a path.
pub(super) fn last_key(path: &str) -> &str {
    path.rsplit(['.', '>']).next().unwrap_or(path)
}

/// Printable ASCII that JSON writes as it is, but for the escapes that always pass.
pub(super) fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\')
}

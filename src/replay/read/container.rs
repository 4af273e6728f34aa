//! Which lists and objects hold events.
//!
//! In: the dotted paths of lists of events, text. Out: whether a value is such a list or leads to one.
//! Must not know: sources, what an event is.

use super::place::Frame;
use super::scan::open_brackets;

/// Whether the value at a path is a list of events, or an object that leads to one.
pub(super) fn leads_to_events(containers: &[String], path: &str, value: &[u8]) -> Option<bool> {
    let leads = |container: &String| container.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
    match value.first()? {
        b'[' if containers.iter().any(|container| container == path) => Some(true),
        b'{' if containers.iter().any(leads) => Some(false),
        _ => None,
    }
}

/// Whether a value is a list of nothing.
pub(super) fn is_empty_list(value: &[u8]) -> bool {
    value.strip_prefix(b"[").is_some_and(|inside| inside.trim_ascii_start().starts_with(b"]"))
}

/// How far to go into the value that `text` begins with to be in a list of events that is open at its end, and the
/// frames to there.
pub(super) fn open_container(containers: &[String], text: &[u8]) -> Option<(usize, Vec<Frame>)> {
    let mut frames = Vec::new();
    let mut path = String::new();
    for one in open_brackets(text) {
        let is_list = one.bracket == b'[';
        if let Some(key) = one.key {
            path = join(&path, key);
            if leads_to_events(containers, &path, &[one.bracket]) != Some(is_list) {
                return None;
            }
        }
        frames.push(Frame::new(is_list, path.clone()));
        if is_list {
            return Some((one.at + 1, frames));
        }
    }
    None
}

/// The path of a member of the object at a path.
pub(super) fn join(path: &str, key: &[u8]) -> String {
    let key = String::from_utf8_lossy(key);
    if path.is_empty() { key.into_owned() } else { format!("{path}.{key}") }
}

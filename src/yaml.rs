//! YAML, read and written. The only user of the YAML crate.
//!
//! In: text or a serialisable value. Out: a value, or text in which every string survives YAML 1.1 and 1.2 readers.
//! Must not know: what the documents mean.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why a document could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError {
    /// What is wrong, without the place.
    pub message: String,
    /// First byte of the place, if it is known.
    pub offset: Option<usize>,
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

/// Reads one document.
///
/// # Errors
/// What is wrong and where; unknown keys, duplicate keys and deep nesting are refused.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, ReadError> {
    serde_saphyr::from_str(text).map_err(|error| {
        let offset = error.location().and_then(|place| byte_offset(text, place.line(), place.column()));
        let message = error.without_snippet().to_string();
        ReadError { message: message.lines().next().unwrap_or_default().to_owned(), offset }
    })
}

fn byte_offset(text: &str, line: u64, column: u64) -> Option<usize> {
    let start = match usize::try_from(line).ok()? {
        0 => return None,
        1 => 0,
        line => text.match_indices('\n').nth(line - 2)?.0 + 1,
    };
    let column = usize::try_from(column).ok()?.saturating_sub(1);
    let within = text.get(start..)?.char_indices().nth(column).map(|(at, _)| at);
    Some(within.map_or(text.len(), |at| start + at))
}

/// Writes one document without document markers.
///
/// # Errors
/// When the value has something YAML cannot say.
pub fn write<T: Serialize>(value: &T) -> Result<String, String> {
    serde_saphyr::to_string(value).map_err(|error| error.to_string())
}

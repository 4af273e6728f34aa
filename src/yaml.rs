//! YAML, read and written. The only user of the YAML crate.
//!
//! In: text or a serialisable value. Out: a value, or text in which every string survives YAML 1.1 and 1.2 readers.
//! Must not know: what the documents mean.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads one document.
///
/// # Errors
/// A message with line and column; nesting, aliases and duplicate keys are refused.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_saphyr::from_str(text).map_err(|error| error.to_string())
}

/// Writes one document without document markers.
///
/// # Errors
/// When the value has something YAML cannot say.
pub fn write<T: Serialize>(value: &T) -> Result<String, String> {
    serde_saphyr::to_string(value).map_err(|error| error.to_string())
}

//! What differs between organisations: the environment file `catena.yaml` and the options that override it.
//!
//! In: YAML text. Out: [`Settings`], and a catalog with the organisation's tables, indexes and macros in place.
//! Must not know: rules, and where the file was found.

use std::collections::BTreeMap;

/// The settings in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Values of parameters by name, as text in the notation of the language (`15m`, `443`, `true`, or plain text).
    pub params: BTreeMap<String, String>,
    /// How far back a scheduled search usually looks, in seconds.
    pub lookback: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { params: BTreeMap::new(), lookback: 24 * 3600 }
    }
}

//! Instants of the command line.
//!
//! In: a word. Out: microseconds since 1970, or what was expected. Must not know: what the instant bounds.

use super::session::day;
use crate::engine::value::micros;

/// A day, from its beginning in UTC, or an instant with its offset; microseconds.
pub(super) fn parse(text: &str) -> Result<i64, String> {
    let found = match day(text) {
        Ok(day) => jiff::tz::Offset::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok(),
        Err(_) => text.parse().ok(),
    };
    let wanted = "expected a day such as 2026-11-24 or an instant such as 2026-11-24T08:00:00Z";
    found.map(micros).ok_or_else(|| wanted.to_owned())
}

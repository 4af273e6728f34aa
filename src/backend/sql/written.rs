//! In which ways an event that stands as JSON may be written: what `aliases`, `dotted` and `json_text` of a source say.
//!
//! In: the `log` key of a source, raw paths. Out: the routes on which a value may stand. Must not know: fields,
//! dialects, query text.

use std::collections::BTreeMap;

use super::place::{Route, Spot};
use crate::catalog::{self, Part, Source};

/// How the events of a source are written.
#[derive(Debug, Clone, Default)]
pub(super) struct Written {
    aliases: BTreeMap<String, String>,
    /// Whether a top-level key may be a path.
    dotted: bool,
    /// Where a text may be JSON, the shorter ones first.
    json_text: Vec<Vec<Part>>,
}

impl Written {
    pub(super) fn of(source: &Source) -> Self {
        let log = &source.log;
        let mut json_text: Vec<_> =
            log.json_text.iter().filter_map(|path| catalog::path(path).ok()).collect();
        json_text.sort_by_key(Vec::len);
        Self { aliases: log.aliases.clone(), dotted: log.dotted, json_text }
    }

    /// The spot of a path with all ways to it. `at` is what the column stands for: nothing if it holds whole events.
    pub(super) fn complete(&self, mut spot: Spot, path: &str, at: &[Part]) -> Spot {
        let is_whole = at.is_empty();
        let alias = self.aliases.get(path).filter(|_| is_whole);
        let paths = std::iter::once(path).chain(alias.map(String::as_str));
        let ways = paths.filter_map(|path| catalog::path(path).ok()).flat_map(|parts| {
            let joined = if is_whole && self.dotted { joinable(&parts) } else { 0 };
            let routes: Vec<_> = std::iter::once(self.route(&parts, at.len()))
                .chain((2..=joined).map(|count| self.joined(&parts, count)))
                .collect();
            routes
        });
        let mut ways = ways.collect::<Vec<_>>().into_iter();
        spot.route = ways.next().unwrap_or_default();
        spot.others = ways.collect();
        spot
    }

    /// The way to a path, without its first `skipped` parts.
    fn route(&self, parts: &[Part], skipped: usize) -> Route {
        self.cut(parts, parts.get(skipped..).unwrap_or_default(), skipped)
    }

    /// The way to a path whose first parts, so many, are one key.
    fn joined(&self, parts: &[Part], count: usize) -> Route {
        let (first, rest) = parts.split_at(count.min(parts.len()));
        let key = first.iter().filter_map(name).collect::<Vec<_>>().join(".");
        let written: Vec<_> = std::iter::once(Part::Key(key)).chain(rest.iter().cloned()).collect();
        self.cut(parts, &written, count.saturating_sub(1))
    }

    /// The way that `written` is, cut where texts are JSON: it stands for a path, and is shorter by `less` parts.
    fn cut(&self, parts: &[Part], written: &[Part], less: usize) -> Route {
        let mut texts = Vec::new();
        let mut from = 0;
        for text in self.json_text.iter().filter(|text| parts.starts_with(text) && parts.len() > text.len()) {
            let to = text.len().saturating_sub(less);
            if let Some(step) = written.get(from..to).filter(|step| !step.is_empty()) {
                texts.push(Route::new(step).keys);
                from = to;
            }
        }
        Route { texts, ..Route::new(written.get(from..).unwrap_or_default()) }
    }
}

/// How many keys a path begins with that one key can be made of.
fn joinable(parts: &[Part]) -> usize {
    parts.iter().map_while(name).count()
}

fn name(part: &Part) -> Option<&str> {
    match part {
        Part::Key(key) if !key.contains('.') => Some(key),
        Part::Key(_) | Part::Item(_) | Part::Each | Part::Where { .. } => None,
    }
}

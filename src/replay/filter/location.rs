//! Where a field stands in the raw text of an event, as far as a filter may rely on it.
//!
//! In: a field of the catalog. Out: [`Location`].
//! Must not know: rules, how events are read.

use super::json_key::last_key;
use crate::catalog::{FieldDef, LogForm, Raw, RawVariant, Source, Spelling};

/// Where a field stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Location<'s> {
    /// The value stands at this path as it is.
    AsIs(&'s str),
    /// The value is made of what stands at one of these paths; if all of them are absent, it is missing.
    MadeOf(Vec<&'s str>),
    /// It may have a value whatever the event holds.
    Anywhere,
}

impl<'s> Location<'s> {
    /// Where `field` of `source` stands, whoever wrote the event.
    pub(super) fn of(source: &'s Source, field: &str) -> Self {
        let found = source.field(field).map_or(Self::Anywhere, Self::of_field);
        let is_named = |path: &&&str| !path.contains('[') && has_one_name(path, &source.log);
        if found.paths().iter().filter(is_named).count() == found.paths().len() {
            found
        } else {
            Self::Anywhere
        }
    }

    /// A new entry of [`FieldDef`] or [`RawVariant`] must be answered for here: may it give a field a value that does
    /// not stand at its path, or in another spelling?
    fn of_field(field: &'s FieldDef) -> Self {
        let FieldDef {
            name: _,
            ty: _,
            description: _,
            values: _,
            in_group: _,
            spelling: _,
            weak_key: _,
            requires: _,
            absent_for: _,
            fold: _,
            many: _,
            placeholders: _,
            digits: _,
            raw,
            columns: _,
        } = field;
        match raw {
            None => Self::Anywhere,
            Some(Raw::Path(path)) => Self::AsIs(path),
            Some(Raw::Variants(variants)) => {
                let paths: Option<Vec<Vec<_>>> = variants.iter().map(of_variant).collect();
                paths.map_or(Self::Anywhere, |paths| Self::MadeOf(paths.concat()))
            }
        }
    }

    /// The last keys of which one must be in the event for the field to have a value; `None` if it may have one
    /// without.
    pub(super) fn keys(&self) -> Option<Vec<&'s str>> {
        match self {
            Self::AsIs(_) | Self::MadeOf(_) => Some(self.paths().iter().map(|path| last_key(path)).collect()),
            Self::Anywhere => None,
        }
    }

    fn paths(&self) -> &[&'s str] {
        match self {
            Self::AsIs(path) => std::slice::from_ref(path),
            Self::MadeOf(paths) => paths,
            Self::Anywhere => &[],
        }
    }
}

/// Whether no writer of the log has another name for what stands at `path`, in an event that a filter is asked about.
fn has_one_name(path: &str, LogForm { aliases, spellings, detect, .. }: &LogForm) -> bool {
    let is_aliased = aliases
        .keys()
        .any(|alias| path.strip_prefix(alias.as_str()).is_some_and(|rest| !rest.starts_with(|c| c != '.')));
    // Filters ask events alone in which the first key of `detect` stands as it is: where that has another spelling
    // too, an event in that spelling is read whole.
    let differs = |path: &str, spelling: &Spelling| spelling.of(path) != path;
    let shows = |spelling: &Spelling| detect.first().is_some_and(|key| differs(key, spelling));
    !is_aliased && spellings.iter().all(|spelling| !differs(path, spelling) || shows(spelling))
}

/// The paths without which a variant gives no value.
fn of_variant(variant: &RawVariant) -> Option<Vec<&str>> {
    let RawVariant {
        for_actions: _,
        path: _,
        paths: _,
        placeholders: _,
        from_event: _,
        capture: _,
        map: _,
        absent,
        otherwise: _,
    } = variant;
    // A value for what is absent needs nothing in the event. `otherwise` does: it stands for values that are present.
    let paths: Vec<&str> = variant.paths().collect();
    (absent.is_none() && !paths.is_empty()).then_some(paths)
}

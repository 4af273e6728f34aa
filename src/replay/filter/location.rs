//! Where a field stands in the raw text of an event, as far as a filter may rely on it.
//!
//! In: a field of the catalog. Out: [`Location`].
//! Must not know: rules, how events are read.

use super::json_key::last_key;
use crate::catalog::{FieldDef, Raw, RawVariant, Source};

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
    /// Where `field` of `source` stands.
    pub(super) fn of(source: &'s Source, field: &str) -> Self {
        source.field(field).map_or(Self::Anywhere, Self::of_field)
    }

    /// A new entry of [`FieldDef`] or [`RawVariant`] must be answered for here: may it give a field a value that does
    /// not stand at its path, or in another spelling?
    pub(super) fn of_field(field: &'s FieldDef) -> Self {
        let FieldDef {
            name: _,
            ty: _,
            description: _,
            values: _,
            in_group: _,
            weak_key: _,
            requires: _,
            absent_for: _,
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
            Self::AsIs(path) => Some(vec![last_key(path)]),
            Self::MadeOf(paths) => Some(paths.iter().map(|path| last_key(path)).collect()),
            Self::Anywhere => None,
        }
    }
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

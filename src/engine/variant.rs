//! The ways to read a field from a raw event.
//!
//! In: a field of the catalog. Out: [`Variant`]s, which turn raw values into canonical ones.
//! Must not know: rows, records.

use std::borrow::Cow;
use std::collections::BTreeMap;

use regex::Regex;

use super::predicate::CompileError;
use super::project::Tree;
use super::value::Raw;
use crate::catalog::{self, FieldDef, RawVariant, Source};

/// One way: where the value stands, and what is made of it.
#[derive(Debug)]
pub(super) struct Variant {
    pub(super) actions: Vec<String>,
    /// Where it may stand: the first that is present counts.
    pub(super) at: Vec<(Level, usize)>,
    placeholders: Vec<String>,
    capture: Option<Regex>,
    map: BTreeMap<String, String>,
    absent: Option<String>,
    otherwise: Option<String>,
}

/// Which object a slot belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Level {
    Event,
    /// The item of the group of this number.
    Item(usize),
    /// The inner item of that.
    Inner(usize),
}

impl Variant {
    /// The raw value as it is.
    fn plain(at: (Level, usize)) -> Self {
        Self {
            actions: Vec::new(),
            at: vec![at],
            placeholders: Vec::new(),
            capture: None,
            map: BTreeMap::new(),
            absent: None,
            otherwise: None,
        }
    }

    /// Whether it takes the raw value as it is, whatever the action.
    pub(super) fn is_plain(&self) -> bool {
        self.actions.is_empty()
            && self.at.len() == 1
            && self.placeholders.is_empty()
            && self.capture.is_none()
            && self.map.is_empty()
            && self.absent.is_none()
            && self.otherwise.is_none()
    }

    pub(super) fn is_placeholder(&self, raw: &Raw<'_>) -> bool {
        match raw {
            Raw::Text(text) => self.placeholders.iter().any(|placeholder| placeholder == text.as_ref()),
            Raw::Int(_) | Raw::Float(_) | Raw::Bool(_) | Raw::Many(_) => false,
        }
    }

    /// The raw value after capture and map.
    pub(super) fn canonical<'de>(&self, raw: Option<Raw<'de>>) -> Option<Raw<'de>> {
        let constant = |text: &String| Raw::Text(Cow::Owned(text.clone()));
        if let Some(Raw::Many(all)) = raw {
            let each = all.into_iter().filter(|raw| !self.is_placeholder(raw));
            let all: Vec<_> = each.filter_map(|raw| self.canonical(Some(raw))).collect();
            return if all.is_empty() { self.absent.as_ref().map(constant) } else { Some(Raw::Many(all)) };
        }
        let raw = match (&self.capture, raw) {
            (Some(regex), Some(raw)) => {
                let text = raw.into_text();
                // What a capture does not find is absent: then `absent` gives the value, and the map is not asked.
                let captured = regex.captures(&text).and_then(|found| found.get(1));
                captured
                    .filter(|found| !found.is_empty())
                    .map(|found| Raw::Text(Cow::Owned(found.as_str().to_owned())))
            }
            (_, raw) => raw,
        };
        let Some(raw) = raw else { return self.absent.as_ref().map(constant) };
        if self.map.is_empty() && self.otherwise.is_none() {
            return Some(raw);
        }
        self.map.get(raw.into_text().as_ref()).or(self.otherwise.as_ref()).map(constant)
    }
}

/// The ways to read `field`; none where the log does not carry it.
pub(super) fn compile(
    field: &FieldDef,
    source: &Source,
    tree: &mut Tree,
) -> Result<Vec<Variant>, CompileError> {
    // The type comes from the schema. A new entry of a field must be answered for here: does it change what the field's
    // value is?
    let FieldDef {
        name: _,
        ty: _,
        description: _,
        values: _,
        in_group: _,
        spelling: _,
        weak_key: _,
        requires: _,
        // A promise about logs, for rules: what an event has all the same is read.
        absent_for: _,
        // Of comparisons; how values are typed is the reader's.
        fold: _,
        many: _,
        placeholders: own_placeholders,
        digits: _,
        raw,
        columns: _,
    } = field;
    let group = source.group_of(field);
    let mut place = |path: &str, from_event: bool| match group {
        Some((number, group)) if !from_event => {
            let items = tree.group(&group.path, number);
            match (path.strip_prefix('>'), &group.inner) {
                (Some(path), Some(inner)) => (Level::Inner(number), items.group(inner, 0).slot(path)),
                (Some(path), None) => (Level::Item(number), items.slot(path)),
                (None, _) => (Level::Item(number), items.slot(path)),
            }
        }
        Some(_) | None => (Level::Event, tree.slot(path)),
    };
    let variants = match raw {
        None => return Ok(Vec::new()),
        Some(catalog::Raw::Path(path)) => {
            let placeholders = own_placeholders.clone();
            return Ok(vec![Variant { placeholders, ..Variant::plain(place(path, false)) }]);
        }
        Some(catalog::Raw::Variants(variants)) => variants,
    };
    let each = variants.iter().map(|variant| one(variant, own_placeholders, &mut place));
    each.collect()
}

fn one(
    variant: &RawVariant,
    own_placeholders: &[String],
    place: &mut impl FnMut(&str, bool) -> (Level, usize),
) -> Result<Variant, CompileError> {
    let RawVariant {
        for_actions,
        path: _,
        paths: _,
        placeholders,
        from_event,
        capture,
        map,
        absent,
        otherwise,
    } = variant;
    let regex = capture.as_deref().map(Regex::new).transpose();
    Ok(Variant {
        actions: for_actions.clone(),
        at: variant.paths().map(|path| place(path, *from_event)).collect(),
        placeholders: [own_placeholders, placeholders].concat(),
        capture: regex.map_err(|problem| CompileError(problem.to_string()))?,
        map: map.clone(),
        absent: absent.clone(),
        otherwise: otherwise.clone(),
    })
}

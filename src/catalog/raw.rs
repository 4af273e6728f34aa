//! What is wrong with the way in which a field is read from the log.
//!
//! In: a field. Out: faults, by their paths below it. Must not know: events, the other fields.

use super::fault::Fault;
use super::path::{self, Part, Parts, bad_path};

use super::{FieldDef, Raw, RawVariant};

/// What is wrong with the paths by which the engine reads a field.
pub(super) fn paths(field: &FieldDef) -> Vec<Fault> {
    let below = |path: &str, fault: Fault| fault.below(&[path]);
    match &field.raw {
        None => Vec::new(),
        Some(Raw::Path(path)) => {
            bad_path(path, Parts::OfItem).map(|fault| below("raw", fault)).into_iter().collect()
        }
        Some(Raw::Variants(variants)) => {
            let each = |(at, variant)| of_variant(variant).into_iter().map(move |fault| (at, fault));
            let faults = variants.iter().enumerate().flat_map(each);
            faults.map(|(at, fault): (usize, _)| below("raw", fault.below(&[&at.to_string()]))).collect()
        }
    }
}

fn of_variant(variant: &RawVariant) -> Vec<Fault> {
    let one = variant.path.iter().filter_map(|path| Some(bad_path(path, Parts::OfItem)?.below(&["path"])));
    let several = variant
        .paths
        .iter()
        .enumerate()
        .filter_map(|(at, path)| Some(bad_path(path, Parts::OfItem)?.below(&["paths", &at.to_string()])));
    let both = (variant.path.is_some() && !variant.paths.is_empty())
        .then(|| Fault::new(&["paths"], "`path` and `paths` cannot both be given".to_owned()).on_key());
    let capture =
        variant.capture.iter().filter_map(|capture| Some(bad_capture(capture)?.below(&["capture"])));
    one.chain(several).chain(both).chain(capture).chain(leads_nowhere(variant)).collect()
}

/// A way to read a field that names no path. Without anything else it says that some events have no value, and with
/// `absent` that the value is always the same.
fn leads_nowhere(variant: &RawVariant) -> Option<Fault> {
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
    let needs_raw = !placeholders.is_empty()
        || *from_event
        || capture.is_some()
        || !map.is_empty()
        || otherwise.is_some();
    let is_nothing = absent.is_none() && for_actions.is_empty();
    let is_wrong = variant.paths().next().is_none() && (needs_raw || is_nothing);
    is_wrong.then(|| {
        let fault = Fault::new(&[], "this way to read the field names no path".to_owned());
        fault.label("it reads nothing").help("name a `path`, or several as `paths`")
    })
}

/// A field has several values just where a path says that it takes every item.
pub(super) fn single_or_many(field: &FieldDef) -> Option<Fault> {
    let variants: &[RawVariant] = if let Some(Raw::Variants(variants)) = &field.raw { variants } else { &[] };
    let plain = if let Some(Raw::Path(path)) = &field.raw { Some(path.as_str()) } else { None };
    let mut paths = plain.into_iter().chain(variants.iter().flat_map(RawVariant::paths));
    let each = paths.any(|path| path::parts(path).is_ok_and(|parts| parts.contains(&Part::Each)));
    let title =
        || format!("field `{}` takes every item of a list, so it can have several values", field.name);
    if each && !field.many {
        return Some(Fault::new(&["raw"], title()).help("add `many: true`, or choose an item: `[0]`"));
    }
    let title = || format!("field `{}` can have several values, and its paths lead to one", field.name);
    (field.many && !each && field.raw.is_some()).then(|| {
        Fault::new(&["raw"], title()).help("end the path of the list with `[]`, or leave `many` out")
    })
}

fn bad_capture(capture: &str) -> Option<Fault> {
    let fault = |label: &str| {
        let title = format!("`{capture}` is not a regular expression with a group to capture");
        Fault::new(&[], title).label(label)
    };
    // Compiled, as one can be well formed and too large. The whole match counts as a capture as well.
    match regex::Regex::new(capture) {
        Ok(regex) if regex.captures_len() > 1 => None,
        Ok(_) => Some(fault("it has no group").help("put what is the value in parentheses")),
        Err(regex::Error::CompiledTooBig(_)) => Some(fault("it is too large")),
        Err(_) => Some(fault("it cannot be read")),
    }
}

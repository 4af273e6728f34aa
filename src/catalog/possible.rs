//! Values that a field of a source can have, against those that the source names for it.
//!
//! In: a field. Out: faults. Must not know: where in the log or in a table the values are.
//!
//! A rule is told which values a field can have. One that a map gives and the field cannot have can be asked for by no
//! rule, and the one that was meant never comes. An action that no event has selects nothing.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::describe::type_name;
use super::fault::Fault;
use super::{FieldDef, LetterCase, Mapped, Raw, RawVariant};
use crate::ir::Type;

/// What a source does with a value where it names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    /// Lists it among the values of the field.
    Listed,
    /// Gives it to the field.
    Given,
    /// Asks events for it.
    Asked,
}

/// What is wrong with the values that a field lists, and with those that it is given as it is read from the log.
pub(super) fn values(field: &FieldDef) -> Vec<Fault> {
    let listed = field.values.iter().enumerate();
    let listed = listed.filter_map(|(at, value)| {
        let wrong = never(field, value, Named::Listed).or_else(|| same_letters(field, value));
        Some(wrong?.below(&["values", &at.to_string()]))
    });
    let variants: &[RawVariant] = if let Some(Raw::Variants(variants)) = &field.raw { variants } else { &[] };
    let given = variants.iter().enumerate().flat_map(|(at, variant)| {
        let RawVariant { map, absent, otherwise, .. } = variant;
        let faults = translated(field, map, [("absent", absent), ("otherwise", otherwise)]);
        faults.into_iter().map(move |fault| fault.below(&["raw", &at.to_string()]))
    });
    listed.chain(given).collect()
}

/// What is wrong with the values that one way to read it in a target gives a field.
pub(super) fn given(field: &FieldDef, mapped: &Mapped) -> Vec<Fault> {
    let Mapped { map, absent, otherwise, cases, .. } = mapped;
    let mut faults = translated(field, map, [("absent", absent), ("otherwise", otherwise)]);
    let cases = cases.iter().enumerate();
    faults.extend(cases.filter_map(|(at, case)| {
        Some(never(field, &case.value, Named::Given)?.below(&["cases", &at.to_string(), "value"]))
    }));
    faults
}

fn translated(
    field: &FieldDef,
    map: &BTreeMap<String, String>,
    rest: [(&str, &Option<String>); 2],
) -> Vec<Fault> {
    let mapped = map.iter();
    let mapped =
        mapped.filter_map(|(stored, value)| Some(never(field, value, Named::Given)?.below(&["map", stored])));
    let rest = rest
        .into_iter()
        .filter_map(|(key, value)| Some(never(field, value.as_deref()?, Named::Given)?.below(&[key])));
    mapped.chain(rest).collect()
}

/// Why a field can never have a value, where a source names it; nothing if it can.
pub(super) fn never(field: &FieldDef, value: &str, named: Named) -> Option<Fault> {
    // An empty value is none.
    if value.is_empty() {
        return None;
    }
    let known = || field.values.iter().map(String::as_str);
    let (verb, add) = match named {
        Named::Listed => ("has", ""),
        Named::Given => ("is given", "give it one of its values, or add this one to `values`"),
        Named::Asked => ("is asked for", "name one of its values, or add this one to `values`"),
    };
    let fault =
        |reason: &str| Fault::new(&[], format!("`{}` {verb} the value `{value}`, {reason}", field.name));
    if !is_of(field.ty, value) {
        let fault = fault(&format!("which is none of type `{}`", type_name(field.ty)));
        return Some(fault.help("correct the value or the `type`"));
    }
    if named != Named::Listed && !field.values.is_empty() {
        let fault = || fault("which its `values` do not have").near(value, known()).help(add);
        return (!known().any(|one| one == value)).then(fault);
    }
    let case = match field.spelling? {
        case if case.may_have(value) => return None,
        LetterCase::Upper => "upper",
        LetterCase::Lower | LetterCase::One => "lower",
    };
    let fault = fault(&format!("and its `spelling` is `{case}`"));
    Some(fault.help("write it as events have it, and say so in `spelling`"))
}

/// A value that letter case alone tells from another one, where letter case is said to tell none apart.
fn same_letters(field: &FieldDef, value: &str) -> Option<Fault> {
    let is_other = |other: &&String| *other != value && other.eq_ignore_ascii_case(value);
    let other = field.values.iter().find(is_other).filter(|_| field.spelling == Some(LetterCase::One))?;
    // Of the two the later in the alphabet is reported.
    let title =
        || format!("`{}` has the values `{other}` and `{value}`, and its `spelling` is `one`", field.name);
    (value > other.as_str()).then(|| Fault::new(&[], title()).help("leave `spelling` out, or one of the two"))
}

/// Whether a text is a value of a type. For a time it is enough that it begins like one.
fn is_of(ty: Type, value: &str) -> bool {
    let number = || value.parse::<f64>().ok().filter(|number| number.is_finite());
    match ty {
        Type::String => true,
        Type::Int => value.parse::<i64>().is_ok(),
        Type::Float => number().is_some(),
        Type::Bool => value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false"),
        Type::Ip => value.parse::<IpAddr>().is_ok(),
        Type::Time => value.starts_with(|c: char| c.is_ascii_digit() || c == '-'),
    }
}

//! Values that a field of a source says it has, against those that its paths and columns give it.
//!
//! In: a field. Out: faults. Must not know: where in the log or in a table the values are.
//!
//! A rule is told which values a field can have. One that a map gives and the field does not name can be asked for by
//! no rule, and the one that was meant never comes.

use super::fault::Fault;
use super::{FieldDef, Raw};

/// The values that are given and not named; nothing where the field has any value.
pub(super) fn unnamed(field: &FieldDef) -> Vec<Fault> {
    if field.values.is_empty() {
        return Vec::new();
    }
    let mut faults = Vec::new();
    if let Some(Raw::Variants(variants)) = &field.raw {
        for (at, variant) in variants.iter().enumerate() {
            let given = variant.map.values().chain(&variant.absent).chain(&variant.otherwise);
            faults.extend(
                given.filter_map(|value| Some(fault(field, value)?.below(&["raw", &at.to_string()]))),
            );
        }
    }
    for (target, column) in &field.columns {
        let variants = column.variants();
        for (at, mapped) in variants.iter().enumerate() {
            let number = at.to_string();
            let path: &[&str] =
                if variants.len() > 1 { &["columns", target, &number] } else { &["columns", target] };
            let cases = mapped.cases();
            faults.extend(cases.iter().filter_map(|case| Some(fault(field, &case.value)?.below(path))));
        }
    }
    faults
}

fn fault(field: &FieldDef, value: &str) -> Option<Fault> {
    let known = || field.values.iter().map(String::as_str);
    // An empty value is none.
    if value.is_empty() || known().any(|one| one == value) {
        return None;
    }
    let title = format!("`{}` is given the value `{value}`, which its `values` do not have", field.name);
    Some(
        Fault::new(&[], title)
            .near(value, known())
            .help("give it one of its values, or add this one to `values`"),
    )
}

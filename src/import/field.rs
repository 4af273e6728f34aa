//! Fields of other languages, and tests of them in ours.
//!
//! In: the name that a vendor has for a field, an operator, values. Out: a test of the canonical field, or why not.
//! Must not know: the notation it was written in.

use crate::catalog::{Column, FieldDef, Source};
use crate::ir::Type;
use crate::syntax::quoted;

use super::cond::Cond;

/// How values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Equal,
    Like,
    Contains,
    Starts,
    Ends,
    Matches,
    Network,
    Order(&'static str),
}

/// The field of a source that a name means in a target, or why there is none.
pub(super) fn find<'s>(source: &'s Source, target: &str, name: &str) -> Result<&'s FieldDef, String> {
    let is_column = |field: &&FieldDef| {
        let variants = field.columns.get(target).map(Column::variants);
        variants.into_iter().flatten().any(|mapped| mapped.field.as_deref() == Some(name))
    };
    // A name may be that of another field here: what the target stores under it counts.
    let same = source.field(name).filter(is_column);
    let stored = same.or_else(|| source.fields.values().find(is_column)).or_else(|| source.field(name));
    if let Some(field) = stored {
        return Ok(field);
    }
    let meant = source.meant_by(name).map(|meant| meant.fields).unwrap_or_default();
    match meant.as_slice() {
        [field] => Ok(field),
        [] => Err(format!("{} has no field for `{name}`", source.name)),
        several => {
            let names: Vec<&str> = several.iter().map(|field| field.name.as_str()).collect();
            Err(format!("`{name}` can mean {} of {}", names.join(" or "), source.name))
        }
    }
}

/// The test of a field; of several values one must fit.
pub(super) fn test(field: &FieldDef, op: Op, values: &[String], folds: bool) -> Result<Cond, String> {
    let name = field.name.as_str();
    // Where all values are spelt in one way, letter case says nothing.
    let tilde = if folds && field.ty == Type::String && field.spelling.is_none() { "~" } else { "" };
    let is_network = field.ty == Type::Ip && values.iter().any(|value| value.contains('/'));
    let op = if is_network && matches!(op, Op::Equal | Op::Like) { Op::Network } else { op };
    // Where a field has few values, they are spelt as the source spells them.
    let spelt = |value: &String| {
        let known = field.values.iter().find(|known| known.eq_ignore_ascii_case(value));
        known.filter(|_| op == Op::Equal).unwrap_or(value).clone()
    };
    let values: Vec<String> = values.iter().map(spelt).collect();
    let literals = values.iter().map(|value| literal(field.ty, op, value)).collect::<Result<Vec<_>, _>>()?;
    let one = match literals.as_slice() {
        [one] => Some(one.as_str()),
        _ => None,
    };
    let set = format!("({})", literals.join(", "));
    let word = |word: &str| format!("{name} {word}{tilde} {}", one.unwrap_or(&set));
    Ok(Cond::Test(match (op, one) {
        (Op::Equal, Some("true")) if field.ty == Type::Bool => name.to_owned(),
        (Op::Equal, Some("false")) if field.ty == Type::Bool => return Ok(Cond::Test(name.to_owned()).not()),
        (Op::Equal, Some(value)) if tilde.is_empty() => format!("{name} == {value}"),
        (Op::Equal, Some(value)) => format!("{name} =~ {value}"),
        (Op::Equal, None) => format!("{name} in{tilde} {set}"),
        (Op::Network, _) => format!("{name} in {set}"),
        (Op::Like, _) => word("like"),
        (Op::Contains, _) => word("contains"),
        (Op::Starts, _) => word("starts_with"),
        (Op::Ends, _) => word("ends_with"),
        (Op::Matches, Some(value)) => format!("{name} matches {value}"),
        (Op::Order(op), Some(value)) => format!("{name} {op} {value}"),
        (Op::Matches | Op::Order(_), None) => return Err("one value at a time can be compared so".to_owned()),
    }))
}

fn literal(ty: Type, op: Op, value: &str) -> Result<String, String> {
    let wrong = || format!("`{value}` is no value of the field's type");
    match (ty, op) {
        (Type::Int, _) => value.parse::<i64>().map(|number| number.to_string()).map_err(|_| wrong()),
        (Type::Float, _) => value.parse::<f64>().map(|number| number.to_string()).map_err(|_| wrong()),
        (Type::Bool, _) => match value.to_ascii_lowercase().as_str() {
            "true" | "1" => Ok("true".to_owned()),
            "false" | "0" => Ok("false".to_owned()),
            _ => Err(wrong()),
        },
        (Type::String, Op::Matches) if value.contains('"') || crate::source::has_hidden(value) => {
            Err("an expression with a quote or a hidden character must be rewritten by hand".to_owned())
        }
        (Type::String, Op::Matches) => Ok(format!("r\"{value}\"")),
        (Type::String, Op::Like) => Ok(quoted(&pattern(value))),
        (Type::String | Type::Ip | Type::Time, _) => Ok(quoted(value)),
    }
}

/// A wildcard pattern as the language has it, in which every backslash that escapes nothing is doubled.
fn pattern(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        out.push(c);
        if c == '\\' {
            match rest.next_if(|next| matches!(next, '*' | '?' | '\\')) {
                Some(escaped) => out.push(escaped),
                None => out.push('\\'),
            }
        }
    }
    out
}

/// That a field has a value.
pub(super) fn exists(field: &FieldDef) -> Cond {
    Cond::Test(format!("exists({})", field.name))
}

//! Entities and custom details: which columns of a result say who and what an alert is about.
//!
//! In: the alert of a rule. Out: mappings within the limits of a scheduled rule. Must not know: queries.

use serde::Serialize;

use crate::ir::{Entity, EntityKind};
use crate::pack::input::Ruled;

/// The most mappings that Azure-Sentinel's CI accepts; the service takes ten.
const MOST_ENTITIES: usize = 5;
/// The most custom details of a rule.
const MOST_DETAILS: usize = 20;
/// The longest name of a custom detail.
const LONGEST_DETAIL: usize = 20;

/// An entity and the column of its identifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Mapping {
    /// Sentinel's word.
    pub(super) entity_type: &'static str,
    /// One identifier.
    pub(super) field_mappings: [FieldMapping; 1],
}

/// An identifier of an entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FieldMapping {
    /// Sentinel's word.
    pub(super) identifier: &'static str,
    /// The column.
    pub(super) column_name: String,
}

/// What an alert shows.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// Entities.
    pub(super) entities: Vec<Mapping>,
    /// Names and columns of custom details.
    pub(super) details: Vec<(String, String)>,
    /// What is left out, and why.
    pub(super) remarks: Vec<String>,
}

/// What the alert of a rule shows.
pub(super) fn shown(ruled: &Ruled<'_>) -> Shown {
    let mut shown = Shown::default();
    for entity in &ruled.rule.alert.entities {
        match mapping(ruled, entity) {
            Some(mapping) if shown.entities.contains(&mapping) => {}
            Some(mapping) if shown.entities.len() < MOST_ENTITIES => shown.entities.push(mapping),
            Some(_) => shown.remarks.push(format!(
                "{} is a custom detail only: a rule takes {MOST_ENTITIES} entities",
                ruled.written(&entity.field)
            )),
            None => shown.remarks.push(format!(
                "{} is a custom detail only: Sentinel has no entity for a resource outside Azure",
                ruled.written(&entity.field)
            )),
        }
    }
    // Keys of `dedupe` first: incidents are grouped by them.
    let mut fields = ruled.alert_fields();
    let keys = ruled.dedupe_columns();
    fields.sort_by_key(|field| !keys.contains(&ruled.column(field)));
    for field in fields {
        let column = ruled.column(field);
        if shown.details.len() == MOST_DETAILS {
            shown.remarks.push(format!("{column} is no custom detail: a rule takes {MOST_DETAILS}"));
            continue;
        }
        let name = detail(&column, &shown.details);
        shown.details.push((name, column));
    }
    shown
}

/// An account by its full name, which takes an ARN as well as a UPN.
fn mapping(ruled: &Ruled<'_>, Entity { kind, field }: &Entity) -> Option<Mapping> {
    let (entity_type, identifier) = match kind {
        EntityKind::Account => ("Account", "FullName"),
        EntityKind::Ip => ("IP", "Address"),
        EntityKind::Host => ("Host", "FullName"),
        EntityKind::Url => ("URL", "Url"),
        EntityKind::Resource => return None,
    };
    Some(Mapping {
        entity_type,
        field_mappings: [FieldMapping { identifier, column_name: ruled.column(field) }],
    })
}

/// `launch_instance_eni` as `LaunchInstanceEni`, without as many of the first words as it takes to be short enough, and
/// told from those that are there.
fn detail(column: &str, known: &[(String, String)]) -> String {
    let word = |word: &str| {
        let mut chars = word.chars();
        chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect::<String>()
    };
    let words: Vec<String> = column.split('_').filter(|part| !part.is_empty()).map(word).collect();
    let ends = (0..words.len()).filter_map(|first| Some(words.get(first..)?.concat()));
    let fits =
        |name: &String| name.len() <= LONGEST_DETAIL && name.starts_with(|c: char| c.is_ascii_alphabetic());
    let last = || words.last().map(|word| word.chars().take(LONGEST_DETAIL).collect::<String>());
    let name = ends.into_iter().find(fits).or_else(|| last().filter(fits)).unwrap_or_default();
    let is_taken = |name: &str| known.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
    if !is_taken(&name) && !name.is_empty() {
        return name;
    }
    let numbered = (2..).map(|number| {
        let end = format!("_{number}");
        let kept: String = name.chars().take(LONGEST_DETAIL - end.len()).collect();
        format!("{}{end}", if kept.is_empty() { "Detail" } else { &kept })
    });
    numbered.into_iter().find(|name| !is_taken(name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_details_are_short_and_different() {
        let mut known = Vec::new();
        for column in
            ["launch_instance_eni", "a_very_long_step_instance_eni", "b_very_long_step_instance_eni", "x1"]
        {
            let name = detail(column, &known);
            assert!(
                name.len() <= LONGEST_DETAIL && name.starts_with(|c: char| c.is_ascii_alphabetic()),
                "{name}"
            );
            known.push((name, column.to_owned()));
        }
        let names: Vec<_> = known.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["LaunchInstanceEni", "LongStepInstanceEni", "LongStepInstanceEn_2", "X1"]);
    }
}

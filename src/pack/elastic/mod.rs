//! Elastic Security: rules as TOML of elastic/detection-rules, and all of them as one file that Kibana imports.
//!
//! In: emissions of EQL. Out: files. Must not know: how a query was lowered.

mod kibana;
mod rule;
mod threat;
mod toml;

use std::collections::BTreeSet;

use super::Piece;
use super::file::{File, Path};
use super::input::{Choices, Ruled};
use super::name::Named;
use super::{manifest, refusal};
use crate::backend::{Emission, Role, file_name};
use crate::diag::Diagnostics;
use crate::ir::EntryValue;

pub(super) use kibana::Object;
use rule::EqlRule;

/// The short name of the target.
pub(super) const TARGET: &str = "eql";

/// Adds the rules of all parts: building blocks first, each read by the next by its id.
pub(super) fn add(
    ruled: &Ruled<'_>,
    emission: &Emission,
    _choices: &Choices,
    piece: &mut Piece,
    diags: &mut Diagnostics,
) {
    refuse_long_lists(ruled, diags);
    for part in &emission.parts {
        let Some(rule) = EqlRule::new(ruled, emission, part, diags) else { continue };
        // Where elastic/detection-rules keeps them; its tests want it so.
        let folder = match part.role {
            Role::Query => "elastic/rules",
            Role::Stage | Role::Baseline | Role::Keys => "elastic/rules_building_block",
        };
        let path = Path::new(folder, &file_name(&part.name, "toml"));
        piece.files.push(File::of(&piece.rule, Some(TARGET), path.clone(), toml::print(&rule)));
        let files = vec![path, Path::new("elastic", kibana::FILE)];
        let made = manifest::Made { part, plan: rule.plan, text: &part.text, files };
        piece.entry.add(ruled, emission, &[made]);
        piece.entry.remark(TARGET, &format!("{}: {}", part.name, rule.plan.remark().as_str()));
        rule.remarks
            .iter()
            .for_each(|remark| piece.entry.remark(TARGET, &format!("{}: {remark}", part.name)));
        piece.names.push(Named {
            siem: "Elastic",
            name: rule.name.clone(),
            rule: piece.rule.clone(),
            span: ruled.rule.name.span,
        });
        piece.kibana.extend(kibana::objects(&rule));
    }
}

/// The most values that Elasticsearch takes in one query of terms, which the values of a list become
/// (`index.max_terms_count`, Elasticsearch reference, index modules).
const MOST_TERMS: usize = 65_536;

/// Reports lists that Elasticsearch would refuse at each run of the rule.
fn refuse_long_lists(ruled: &Ruled<'_>, diags: &mut Diagnostics) {
    for list in &ruled.rule.lists {
        // A pattern with wildcards is a query of its own.
        let is_term = |value: &EntryValue| match value {
            EntryValue::Value(_) | EntryValue::Network(_) => true,
            EntryValue::Pattern(pattern) => pattern.literal().is_some(),
        };
        let terms =
            list.entries.iter().filter(|entry| is_term(&entry.value)).map(|entry| entry.text.as_str());
        let values = terms.collect::<BTreeSet<_>>().len();
        if values > MOST_TERMS {
            let title = format!("{} has {values} values", list.described());
            let label = format!("a query of Elasticsearch takes {MOST_TERMS} (`index.max_terms_count`)");
            let help =
                "drop values that patterns or networks of the list cover, or leave `eql` out of `targets`";
            diags.push(
                refusal::limit(list.name.span, title, label, help)
                    .also(ruled.rule.name.span, "read by this rule"),
            );
        }
    }
}

/// The file of all rules; nothing without any.
pub(super) fn import(objects: Vec<Object>) -> Option<File> {
    let text = kibana::print(objects)?;
    let path = Path::new("elastic", kibana::FILE);
    Some(File::shared(Some(TARGET), path, text))
}

//! Microsoft Sentinel and Defender: analytics rules as YAML and as ARM templates, custom detections, watchlists.
//!
//! In: emissions of KQL. Out: files. Must not know: how a query was lowered.
//!
//! Forms and limits: Azure-Sentinel's CI models of detection templates, `Microsoft.SecurityInsights/alertRules`
//! 2022-11-01, Sentinel's service limits, Graph's `detectionRule` (beta).

mod arm;
mod defender;
mod entity;
mod query;
mod rule;
mod template;
mod watchlist;

use super::Piece;
use super::file::{File, Path};
use super::input::{Choices, Ruled};
use super::manifest;
use super::name::Named;
use crate::backend::{Emission, file_name};
use crate::diag::Diagnostics;

use rule::AnalyticsRule;

/// The short name of the target.
pub(super) const TARGET: &str = "kql";

/// Adds the rule in all its forms, and the lists that it reads.
pub(super) fn add(
    ruled: &Ruled<'_>,
    emission: &Emission,
    _choices: &Choices,
    piece: &mut Piece,
    diags: &mut Diagnostics,
) {
    for part in &emission.parts {
        let Some(rule) = AnalyticsRule::new(ruled, part, diags) else { continue };
        let detection = defender::Detection::new(ruled, part, diags);
        let name = piece.rule.clone();
        let file = |folder, extension: &str, text: Option<String>| {
            Some(File::of(&name, Some(TARGET), Path::new(folder, &file_name(&part.name, extension)), text?))
        };
        let files = [
            file("sentinel/rules", "yaml", Some(template::print(&rule))),
            file("sentinel/arm", "json", Some(arm::print(&rule))),
            file("sentinel/defender", "json", detection.as_ref().map(|detection| detection.print(&rule))),
        ];
        let files: Vec<_> = files.into_iter().flatten().collect();
        let paths = files.iter().map(|file| file.path.clone()).collect();
        let made = manifest::Made { part, plan: rule.plan, text: &rule.query, files: paths };
        piece.entry.add(ruled, emission, &[made]);
        piece.entry.remark(TARGET, rule.plan.remark().as_str());
        rule.remarks.iter().for_each(|remark| piece.entry.remark(TARGET, remark));
        let remarks = detection.iter().flat_map(|detection| &detection.remarks);
        remarks.for_each(|remark| piece.entry.remark(TARGET, remark));
        piece.names.push(Named {
            siem: "Sentinel",
            name: rule.name.clone(),
            rule: piece.rule.clone(),
            span: ruled.rule.name.span,
        });
        piece.files.extend(files);
    }
    piece.files.extend(emission.lists.iter().flat_map(|list| watchlist::files(list, diags)));
}

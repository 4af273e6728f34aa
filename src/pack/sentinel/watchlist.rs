//! Watchlists: the file that fills one, and its ARM template.
//!
//! In: a list that a query reads. Out: files, findings for lists that are too large. Must not know: queries.

use serde_json::json;

use super::{TARGET, arm};
use crate::backend::{External, file_name};
use crate::diag::Diagnostics;
use crate::pack::file::{File, Path};
use crate::pack::refusal;

/// The largest file that an upload takes, and the longest line in it.
const LARGEST: usize = 3_800_000;
const LONGEST_LINE: usize = 10_240;

/// The files of a list.
pub(super) fn files(list: &External, diags: &mut Diagnostics) -> Vec<File> {
    let line = list.text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
    for (what, size, limit) in
        [("bytes", list.text.len(), LARGEST), ("characters in a line", line, LONGEST_LINE)]
    {
        if size > limit {
            let title = format!("the watchlist `{}` has {size} {what}", list.name);
            let label = format!("a watchlist takes {limit}");
            let help = "drop values that patterns or networks of the list cover, or split the list";
            diags.push(refusal::limit(list.place(), title, label, help));
        }
    }
    let name = &list.name;
    let resource = json!({
        "type": "Microsoft.OperationalInsights/workspaces/providers/Watchlists",
        "name": format!("[concat(parameters('workspace'),'/Microsoft.SecurityInsights/{name}')]"),
        "apiVersion": "2022-11-01",
        "properties": {
            "displayName": name,
            "watchlistAlias": name,
            "description": format!("Allowlist {name}; `until` is the last day on which a value counts"),
            "provider": "Catena",
            "source": list.file,
            "itemsSearchKey": "value",
            "contentType": "text/csv",
            "numberOfLinesToSkip": 0,
            "rawContent": arm::literal(&list.text),
        },
    });
    let file = |name: String, text: String| {
        File::shared(Some(TARGET), Path::new("sentinel/watchlists", &name), text)
    };
    vec![file(list.file.clone(), list.text.clone()), file(file_name(name, "json"), arm::template(&resource))]
}

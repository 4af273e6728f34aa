//! Allowlists: in the text, or their exact values in a watchlist of the workspace.
//!
//! In: a column and a list of the rule. Out: a [`Check`]; [`watchlist`] says what the watchlist must hold.
//! Must not know: fields, joins, how a watchlist is deployed.

use super::check::{Check, compare};
use super::literal::{self, Frag};
use super::{network, pattern, predicate};
use crate::backend::print::phrase;
use crate::backend::truth::Truth;
use crate::backend::{External, ListDelivery, Report};
use crate::ir::{Case, EntryValue, List, Value};

/// The values of a list that a watchlist can hold, each once: texts without wildcards and single IPv4 addresses. Patterns
/// and networks stay in the query.
#[must_use]
pub fn watchlist(list: &List) -> Vec<String> {
    let mut seen = std::collections::BTreeSet::new();
    let values = list.entries.iter().filter_map(|entry| match &entry.value {
        EntryValue::Pattern(pattern) => pattern.literal().map(str::to_owned),
        EntryValue::Network(network) => {
            let host = network.addr().is_ipv4() && network.prefix_len() == 32;
            host.then(|| network.addr().to_string())
        }
        EntryValue::Value(_) => None,
    });
    values.filter(|value| !value.is_empty() && seen.insert(value.clone())).collect()
}

/// Whether the column matches an entry.
pub(super) fn within(column: &Frag, list: &List, delivery: ListDelivery, report: &mut Report) -> Check {
    let exact = watchlist(list);
    let mut parts = Vec::new();
    if delivery.by_lookup(exact.len()) {
        report.require(phrase!(
            "watchlist `{}` whose SearchKey column holds the {} exact values of allowlist `{}`",
            list.name.node,
            exact.len(),
            list.name.node
        ));
        report.read(External::new(&list.name, exact.iter().map(String::as_str)));
        parts.push(in_watchlist(column, &list.name.node));
    } else if !exact.is_empty() {
        parts.push(pattern::equals(column, exact.iter().map(String::as_str), Case::Sensitive));
    }
    parts.extend(others(column, list));
    Truth::any(parts)
}

fn in_watchlist(column: &Frag, alias: &str) -> Check {
    let watchlist = literal::search_keys(alias);
    compare(column, "in", "!in", &watchlist)
}

/// The entries that are not exact texts.
fn others(column: &Frag, list: &List) -> Vec<Check> {
    let mut parts = Vec::new();
    let (mut networks, mut values): (Vec<_>, Vec<Value>) = (Vec::new(), Vec::new());
    for entry in &list.entries {
        match &entry.value {
            EntryValue::Pattern(pattern) if pattern.literal().is_none() => {
                parts.push(pattern::like(column, pattern, Case::Sensitive));
            }
            EntryValue::Network(network) if network.addr().is_ipv6() || network.prefix_len() < 32 => {
                networks.push(*network);
            }
            EntryValue::Value(value) => values.push(value.clone()),
            EntryValue::Pattern(_) | EntryValue::Network(_) => {}
        }
    }
    if !networks.is_empty() {
        parts.push(network::within(column, &networks));
    }
    if !values.is_empty() {
        parts.push(predicate::equals(column, &values, Case::Sensitive));
    }
    parts
}

//! Several values at once: constants, and allowlists, in the text or their exact values in a watchlist of the
//! workspace.
//!
//! In: a column and a list of the rule. Out: a [`Check`].
//! Must not know: fields, joins, how a watchlist is deployed.

use super::check::{Check, compare, one_of};
use super::literal::{self, Frag};
use super::{network, pattern};
use crate::backend::print::phrase;
use crate::backend::truth::{Truth, unique};
use crate::backend::{External, ListDelivery, Report};
use crate::ir::{Case, Entries, List, Value};

/// Whether the column matches an entry. Patterns, networks and numbers stay in the query.
pub(super) fn within(column: &Frag, list: &List, delivery: ListDelivery, report: &mut Report) -> Check {
    let entries = list.by_kind();
    let exact = list.exact();
    let mut parts = Vec::new();
    if delivery.by_lookup(exact.len()) {
        let external = External::new(list.name.node.clone(), list, &exact);
        report.require(phrase!(
            "watchlist `{}` with `value` as its SearchKey, from {}",
            external.name,
            external.contents()
        ));
        parts.push(in_watchlist(column, &external.name));
        report.read(external);
    } else if !exact.is_empty() {
        parts.push(pattern::equals(column, exact.keys().map(String::as_str), Case::Sensitive));
    }
    parts.extend(others(column, &entries));
    Truth::any(parts)
}

fn in_watchlist(column: &Frag, alias: &str) -> Check {
    let watchlist = literal::search_keys(alias);
    compare(column, "in", "!in", &watchlist)
}

/// The entries that are not exact texts.
fn others(column: &Frag, entries: &Entries<'_>) -> Vec<Check> {
    let mut parts: Vec<_> =
        entries.wildcards().map(|pattern| pattern::like(column, pattern, Case::Sensitive)).collect();
    let networks: Vec<_> = entries.wider_networks().collect();
    if !networks.is_empty() {
        parts.push(network::within(column, &networks));
    }
    if !entries.values.is_empty() {
        parts.push(equals(column, &entries.values, Case::Sensitive));
    }
    parts
}

/// Equality with constants; the values are all of one type.
pub(super) fn equals(column: &Frag, values: &[Value], case: Case) -> Check {
    let (mut texts, mut networks, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for value in values {
        match value {
            Value::String(text) => texts.push(text.as_str()),
            Value::Ip(address) => networks.push((*address).into()),
            Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Time(_) => {
                others.push(literal::value(value));
            }
        }
    }
    let mut parts = Vec::new();
    if !texts.is_empty() {
        parts.push(pattern::equals(column, texts, case));
    }
    if !networks.is_empty() {
        parts.push(network::within(column, &networks));
    }
    if !others.is_empty() {
        parts.push(one_of(column, &unique(others)));
    }
    Truth::any(parts)
}

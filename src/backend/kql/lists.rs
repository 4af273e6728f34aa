//! Several values at once: constants, and allowlists, at the top of the text or their exact values in a watchlist of
//! the workspace.
//!
//! In: a column and a list of the rule. Out: a [`Check`].
//! Must not know: fields, joins, how a watchlist is deployed.

use super::check::{Check, compare, one_of, test};
use super::lets::Lets;
use super::literal::{self, Frag};
use super::{network, pattern, wild};
use crate::backend::print::phrase;
use crate::backend::truth::{Truth, unique};
use crate::backend::{External, ListDelivery, Report};
use crate::ir::{Case, Entries, List, Value};

/// Whether the column matches an entry. Patterns, networks and numbers stay in the query.
pub(super) fn within(
    column: &Frag,
    (list, case): (&List, Case),
    delivery: ListDelivery,
    lets: &mut Lets<'_, '_>,
    report: &mut Report,
) -> Check {
    let entries = list.by_kind();
    let exact = list.exact();
    let (within, without) = match case {
        Case::Sensitive => ("in", "!in"),
        Case::Ignore => ("in~", "!in~"),
    };
    let mut parts = Vec::new();
    if delivery.by_lookup(exact.len()) {
        let external = External::new(list.name.node.clone(), list, &exact);
        report.require(phrase!(
            "watchlist `{}` with `value` as its SearchKey, from {}",
            external.name,
            external.contents()
        ));
        parts.push(compare(column, within, without, &literal::search_keys(&external.name)));
        report.read(external);
    } else if !exact.is_empty() {
        let texts: Vec<_> = exact.keys().map(|text| literal::string(text)).collect();
        let name = lets.name(&list.name.node, "_values", literal::array(&texts));
        parts.push(compare(column, within, without, &literal::tuple(&[name])));
    }
    parts.extend(patterns(column, &list.name.node, &entries, case, lets));
    parts.extend(networks(column, &list.name.node, &entries, lets));
    if !entries.values.is_empty() {
        parts.push(equals(column, &entries.values, Case::Sensitive));
    }
    Truth::any(parts)
}

/// One regular expression for all patterns: Kusto runs each of its own over every row.
fn patterns(
    column: &Frag,
    list: &str,
    entries: &Entries<'_>,
    case: Case,
    lets: &mut Lets<'_, '_>,
) -> Option<Check> {
    let patterns: Vec<_> = entries.wildcards().collect();
    match patterns.as_slice() {
        [] => None,
        [only] => Some(pattern::like(column, only, case)),
        // It asks no more than that there is a text.
        _ if patterns.iter().any(|pattern| pattern.matches_everything()) => Some(pattern::present(column)),
        _ => {
            let regex = literal::string(&wild::any_of(patterns, case));
            let name =
                lets.name(list, if case == Case::Ignore { "_patterns_any_case" } else { "_patterns" }, regex);
            Some(test(wild::matching(column, &name)))
        }
    }
}

fn networks(column: &Frag, list: &str, entries: &Entries<'_>, lets: &mut Lets<'_, '_>) -> Option<Check> {
    let networks: Vec<_> = entries.wider_networks().collect();
    let network::Printed { hosts: _, v4, v6 } = network::printed(&networks);
    let mut array = |suffix, networks: &[Frag]| {
        (!networks.is_empty()).then(|| lets.name(list, suffix, literal::array(networks)))
    };
    let (v4, v6) = (array("_networks", &v4), array("_networks_v6", &v6));
    network::within_arrays(column, v4.as_ref(), v6.as_ref())
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

//! Tests of addresses. KQL keeps addresses as text, and its functions answer null for what they cannot read.
//!
//! In: a column and networks. Out: [`Check`]s. Must not know: fields, lists.

use std::net::IpAddr;

use ipnet::IpNet;

use super::check::Check;
use super::literal;
use crate::target::print::Frag;

/// Whether the column holds an address of one of the networks.
pub(super) fn within(column: &Frag, networks: &[IpNet]) -> Check {
    let (mut hosts, mut v4, mut v6) = (Vec::new(), Vec::new(), Vec::new());
    for network in networks {
        match network.addr() {
            // An IPv4 address has one spelling, so equal text is equal address.
            IpAddr::V4(host) if network.prefix_len() == 32 => {
                push_new(&mut hosts, literal::string(&host.to_string()));
            }
            IpAddr::V4(_) => push_new(&mut v4, network.trunc().to_string()),
            IpAddr::V6(_) => push_new(&mut v6, network.trunc().to_string()),
        }
    }
    let mut parts = Vec::new();
    if !hosts.is_empty() {
        parts.push(texts(column, &hosts));
    }
    if !v4.is_empty() {
        parts.push(in_range(column, "ipv4", &v4));
    }
    if !v6.is_empty() {
        parts.push(Check::All(vec![is_v6(column), in_range(column, "ipv6", &v6)]));
    }
    Check::Any(parts)
}

fn texts(column: &Frag, hosts: &[Frag]) -> Check {
    Check::Atom { holds: literal::one_of(column, hosts, false), fails: literal::one_of(column, hosts, true) }
}

fn push_new<T: PartialEq>(known: &mut Vec<T>, new: T) {
    if !known.contains(&new) {
        known.push(new);
    }
}

fn in_range(column: &Frag, family: &str, networks: &[String]) -> Check {
    let ranges = networks.iter().map(String::as_str);
    let (suffix, argument) = match networks {
        [one] => ("is_in_range", literal::string(one)),
        _ => ("is_in_any_range", literal::array(ranges)),
    };
    Check::Nullable(literal::call(&[family, suffix].join("_"), [column, &argument]))
}

/// Kusto's IPv6 functions read an IPv4 address as one of `::ffff:0:0/96`; in the language the families never meet.
fn is_v6(column: &Frag) -> Check {
    Check::compare(column, "contains", "!contains", &literal::string(":"))
}

/// Whether the column holds an address of either family; `AWS Internal` and `-` are none.
pub(super) fn is_address(column: &Frag) -> Check {
    let parsed = literal::call("parse_ipv6", [column]);
    Check::Atom { holds: literal::call("isnotempty", [&parsed]), fails: literal::call("isempty", [&parsed]) }
}

/// Whether two columns hold the same address. IPv6 has many spellings of one.
pub(super) fn same(one: &Frag, other: &Frag) -> Check {
    let equal_text = Check::All(vec![is_address(one), Check::compare(one, "==", "!=", other)]);
    let matching = Check::Nullable(literal::call("ipv6_is_match", [one, other]));
    Check::Any(vec![equal_text, Check::All(vec![is_v6(one), is_v6(other), matching])])
}

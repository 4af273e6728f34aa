//! Tests of addresses. KQL keeps addresses as text, and its functions answer null for what they cannot read.
//!
//! In: a column and networks. Out: [`Check`]s. Must not know: fields, lists.

use std::net::IpAddr;

use ipnet::IpNet;

use super::check::{Check, atom, compare, nullable, one_of};
use super::literal::{self, Frag};
use crate::backend::print::Bind;
use crate::backend::truth::{Truth, unique};

/// Networks as KQL tests them, each once.
pub(super) struct Printed {
    /// Single IPv4 addresses.
    pub(super) hosts: Vec<Frag>,
    /// Other IPv4 networks.
    pub(super) v4: Vec<Frag>,
    /// IPv6 networks.
    pub(super) v6: Vec<Frag>,
}

/// Prints networks.
pub(super) fn printed(networks: &[IpNet]) -> Printed {
    let (mut hosts, mut v4, mut v6) = (Vec::new(), Vec::new(), Vec::new());
    for network in networks {
        let text = |network: IpNet| literal::string(&network.to_string());
        match network.addr() {
            // An IPv4 address has one spelling, so equal text is equal address.
            IpAddr::V4(host) if network.prefix_len() == 32 => hosts.push(literal::string(&host.to_string())),
            IpAddr::V4(_) => v4.push(text(network.trunc())),
            IpAddr::V6(_) => v6.push(text(network.trunc())),
        }
    }
    let [hosts, v4, v6] = [hosts, v4, v6].map(unique);
    Printed { hosts, v4, v6 }
}

/// Whether the column holds an address of one of the networks.
pub(super) fn within(column: &Frag, networks: &[IpNet]) -> Check {
    let Printed { hosts, v4, v6 } = printed(networks);
    let hosts = (!hosts.is_empty()).then(|| one_of(column, &hosts));
    let v4 = (!v4.is_empty()).then(|| in_range(column, ["ipv4_is_in_range", "ipv4_is_in_any_range"], &v4));
    let v6 = (!v6.is_empty()).then(|| in_range(column, ["ipv6_is_in_range", "ipv6_is_in_any_range"], &v6));
    Truth::any(hosts.into_iter().chain(in_ranges(column, v4, v6)))
}

/// Whether the column holds an address of one of the networks that arrays name.
pub(super) fn within_arrays(column: &Frag, v4: Option<&Frag>, v6: Option<&Frag>) -> Option<Check> {
    let v4 = v4.map(|array| nullable(literal::call("ipv4_is_in_any_range", [column, array])));
    let v6 = v6.map(|array| nullable(literal::call("ipv6_is_in_any_range", [column, array])));
    in_ranges(column, v4, v6)
}

/// Whether it is in a range. To Kusto a network is an address too: `10.0.0.5/8` would be in `10.0.0.0/8`.
fn in_ranges(column: &Frag, v4: Option<Check>, v6: Option<Check>) -> Option<Check> {
    let v6 = v6.map(|range| Truth::all([is_v6(column), range]));
    let parts: Vec<_> = v4.into_iter().chain(v6).collect();
    (!parts.is_empty()).then(|| Truth::all([is_bare(column), Truth::any(parts)]))
}

fn in_range(column: &Frag, [of_one, of_any]: [&'static str; 2], networks: &[Frag]) -> Check {
    // Null for what the function cannot read as an address, such as `AWS Internal`.
    nullable(match networks {
        [network] => literal::call(of_one, [column, network]),
        _ => literal::call(of_any, [column, &literal::array(networks)]),
    })
}

/// Kusto's IPv6 functions read an IPv4 address as one of `::ffff:0:0/96`; in the language the families never meet.
fn is_v6(column: &Frag) -> Check {
    compare(column, "contains_cs", "!contains_cs", &literal::string(":"))
}

/// Whether the column holds an address of either family; `AWS Internal` and `-` are none. For Kusto a network such as
/// `10.0.0.0/8` is an address too (`parse_ipv6` and `ipv6_is_match` take a mask in IP-prefix notation), so that is
/// asked first.
pub(super) fn is_address(column: &Frag) -> Check {
    let parsed = literal::call("parse_ipv6", [column]);
    let readable = atom(literal::call("isnotempty", [&parsed]), literal::call("isempty", [&parsed]));
    Truth::all([is_bare(column), readable])
}

/// The address that the column holds, or an empty text.
pub(super) fn address_or_nothing(column: &Frag) -> Frag {
    let bare = literal::binary(column, "!contains_cs", &literal::string("/"));
    let readable = literal::call("isnotempty", [&literal::call("parse_ipv6", [column])]);
    let is_address = Frag::join(vec![bare, readable], " and ", Bind::And);
    literal::call("iff", [&is_address, column, &literal::string("")])
}

fn is_bare(column: &Frag) -> Check {
    compare(column, "!contains_cs", "contains_cs", &literal::string("/"))
}

/// Whether two columns hold the same address. IPv6 has many spellings of one.
pub(super) fn same(one: &Frag, other: &Frag) -> Check {
    // One check is enough: the other side is the same text.
    let equal_text = Truth::all([is_address(one), compare(one, "==", "!=", other)]);
    // To this function `10.0.0.1` and `::ffff:10.0.0.1` are one address, to the language two of different families.
    let matching = nullable(literal::call("ipv6_is_match", [one, other]));
    let both_v6 = [is_v6(one), is_v6(other), is_bare(one), is_bare(other), matching];
    Truth::any([equal_text, Truth::all(both_v6)])
}

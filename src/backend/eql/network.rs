//! Tests of addresses.
//!
//! In: a field that holds addresses. Out: a test of it, null where the field is missing. Must not know: steps, lists.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;

use super::column::{Column, Kind};
use super::literal::{self, Frag};
use super::refusal::Refusal;
use crate::backend::print::phrase;
use crate::backend::truth::Truth;
use crate::ir::Value;

/// The address, if `==` compares with it: an IPv4 address has one notation, and IPv6 is for [`within`].
pub(super) fn v4(value: &Value) -> Option<Frag> {
    if let Value::Ip(IpAddr::V4(address)) = value {
        Some(literal::string(&address.to_string()))
    } else {
        None
    }
}

/// Whether the field holds one of the addresses.
pub(super) fn equals(column: &Column, values: &[Value]) -> Result<Truth<Frag>, Refusal> {
    if let [value] = values
        && let Some(address) = v4(value)
    {
        return Ok(Truth::Test(literal::compare(&column.name, "==", &address)));
    }
    // Several go to `cidrMatch`: the validation of elastic/detection-rules refuses `in` on an address.
    let address =
        |value: &Value| if let Value::Ip(address) = value { Some(IpNet::from(*address)) } else { None };
    within(column, &values.iter().filter_map(address).collect::<Vec<_>>())
}

/// Whether the field holds an address of one of the networks.
pub(super) fn within(column: &Column, networks: &[IpNet]) -> Result<Truth<Frag>, Refusal> {
    if column.kind != Kind::Ip {
        let reason = "Elastic holds the field as text, not as an address";
        return Err(Refusal::new(reason, "compare with `==` or `like`"));
    }
    let matched = |networks: &[Frag]| Truth::Test(literal::in_networks(&column.name, networks));
    let (mut plain, mut wide) = (Vec::new(), Vec::new());
    for network in networks {
        let text = literal::string(&network.trunc().to_string());
        match v4_inside(network) {
            V4::None => plain.push(text),
            // Without the second test such a network would hold every IPv4 address.
            V4::All => {
                let any_v4 = matched(&[literal::string("0.0.0.0/0")]);
                wide.push(Truth::all([matched(&[text]), any_v4.not()]));
            }
            V4::Only => {
                let reason = phrase!("Elasticsearch takes addresses of `{network}` for IPv4 addresses");
                return Err(Refusal::new(reason, "write the network in IPv4 notation"));
            }
        }
    }
    let plain = (!plain.is_empty()).then(|| matched(&plain));
    Ok(Truth::any(plain.into_iter().chain(wide)))
}

/// What an IPv6 network has of `::ffff:0:0/96`, where Elasticsearch keeps IPv4 addresses.
enum V4 {
    None,
    All,
    Only,
}

fn v4_inside(network: &IpNet) -> V4 {
    const FIRST: IpAddr = IpAddr::V6(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0));
    match network {
        IpNet::V6(v6) if network.contains(&FIRST) && v6.prefix_len() <= 96 => V4::All,
        IpNet::V6(v6) if v6.addr().to_ipv4_mapped().is_some() => V4::Only,
        IpNet::V4(_) | IpNet::V6(_) => V4::None,
    }
}

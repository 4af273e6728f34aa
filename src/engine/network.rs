//! Sets of networks.
//!
//! In: addresses and networks. Out: membership in a binary search, however many there are.
//! Must not know: fields, records. An IPv4 network never contains an IPv6 address, mapped ones included.

use std::net::IpAddr;

use ipnet::IpNet;

/// The union of networks, as disjoint ranges of addresses.
#[derive(Debug, Clone, Default)]
pub struct Networks {
    v4: Vec<(u128, u128)>,
    v6: Vec<(u128, u128)>,
}

impl Networks {
    /// The union of `networks`.
    pub fn new<'n>(networks: impl IntoIterator<Item = &'n IpNet>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for network in networks {
            let range = (number(network.network()), number(network.broadcast()));
            if network.addr().is_ipv4() { v4.push(range) } else { v6.push(range) }
        }
        Self { v4: merged(v4), v6: merged(v6) }
    }

    /// Whether one of the networks contains `address`.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let ranges = if address.is_ipv4() { &self.v4 } else { &self.v6 };
        let wanted = number(address);
        // The ranges are disjoint: only the last one that begins at or before the address can hold it.
        let after = ranges.partition_point(|(first, _)| *first <= wanted);
        after.checked_sub(1).and_then(|at| ranges.get(at)).is_some_and(|(_, last)| wanted <= *last)
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn merged(mut ranges: Vec<(u128, u128)>) -> Vec<(u128, u128)> {
    ranges.sort_unstable();
    let mut out: Vec<(u128, u128)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match out.last_mut() {
            // Adjacent ranges stay two: membership is the same, and `end + 1` overflows behind the last IPv6 address.
            Some((_, end)) if first <= *end => *end = last.max(*end),
            Some(_) | None => out.push((first, last)),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn membership_keeps_families_apart() {
        let all: Vec<IpNet> =
            ["10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/32", "192.0.2.7/32", "::/96", "2001:db8::/32"]
                .iter()
                .map(|text| text.parse().unwrap())
                .collect();
        let networks = Networks::new(&all);
        for (address, expected) in [
            ("10.255.255.255", true),
            ("11.0.0.0", false),
            ("0.0.0.0", true),
            ("0.0.0.1", false),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("::ffff:10.0.0.1", false),
            ("::1", true),
            ("2001:db8:ffff::", true),
            ("2001:db9::", false),
        ] {
            assert_eq!(networks.contains(address.parse().unwrap()), expected, "{address}");
        }
        assert!(!Networks::default().contains("::".parse().unwrap()));
    }
}

//! Tests of addresses. Lakes keep addresses as text, and no two engines share a function that reads one.
//!
//! In: a column and networks. Out: [`Check`]s. Must not know: fields, lists.
//!
//! A valid IPv4 address has one spelling: a network is a beginning of the text and one octet. IPv6 addresses have many:
//! they are written out as 32 digits, which sort as addresses do.

use std::net::IpAddr;

use ipnet::IpNet;

use super::check::{Check, nullable, one_of};
use super::dialect;
use super::literal::{self, Frag, test, whole};
use crate::backend::SqlDialect;
use crate::backend::print::Bind;
use crate::backend::truth::{Truth, unique};

const OCTET: &str = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
const GROUP: &str = "[0-9a-fA-F]{1,4}";

/// Whether the column holds an address of one of the networks. One test, however long: its opposite is the opposite of
/// the whole.
pub(super) fn within(dialect: SqlDialect, column: &Frag, networks: &[IpNet]) -> Check {
    match parts(dialect, column, networks) {
        Truth::All(parts) => nullable(super::check::text(&Truth::All(parts))),
        Truth::Any(parts) => nullable(super::check::text(&Truth::Any(parts))),
        part @ (Truth::Always(_) | Truth::Test(_) | Truth::Not(_)) => part,
    }
}

fn parts(dialect: SqlDialect, column: &Frag, networks: &[IpNet]) -> Check {
    let (mut hosts, mut v4, mut v6) = (Vec::new(), Vec::new(), Vec::new());
    for network in networks {
        match network.addr() {
            IpAddr::V4(host) if network.prefix_len() == 32 => {
                hosts.push(literal::text(dialect, &host.to_string()));
            }
            IpAddr::V4(_) => v4.push(network.trunc()),
            IpAddr::V6(_) => v6.push(network.trunc()),
        }
    }
    let hosts = one_of(column, &unique(hosts));
    let v4 = (!v4.is_empty()).then(|| in_v4(dialect, column, &unique(v4)));
    let v6 = (!v6.is_empty()).then(|| in_v6(dialect, column, &unique(v6)));
    Truth::any([hosts].into_iter().chain(v4).chain(v6))
}

/// The beginnings first: the regular expression is asked of few.
fn in_v4(dialect: SqlDialect, column: &Frag, networks: &[IpNet]) -> Check {
    let ranges = networks.iter().map(|network| v4_range(dialect, column, network));
    Truth::all([Truth::any(ranges), is_v4(dialect, column)])
}

fn v4_range(dialect: SqlDialect, column: &Frag, network: &IpNet) -> Check {
    let (bits, IpAddr::V4(address)) = (network.prefix_len(), network.addr()) else {
        return Truth::Always(false);
    };
    let octets = address.octets();
    let whole_octets = usize::from(bits / 8);
    let prefix = (whole_octets > 0).then(|| {
        let known = octets.iter().take(whole_octets).map(u8::to_string).collect::<Vec<_>>();
        let pattern = literal::text(dialect, &format!("{}.%", known.join(".")));
        nullable(test("{()} LIKE {}", &[column, &pattern]))
    });
    let part = (!bits.is_multiple_of(8)).then(|| {
        let first = octets.get(whole_octets).copied().unwrap_or(0);
        let last = first | (0xff_u8 >> (bits % 8));
        let place = literal::number(i64::try_from(whole_octets + 1).unwrap_or(1));
        let octet = whole("TRY_CAST(split_part({}, '.', {}) AS INTEGER)", &[column, &place]);
        let bounds = [first, last].map(|octet| literal::number(i64::from(octet)));
        nullable(test("{} BETWEEN {} AND {}", &[&octet, &bounds[0], &bounds[1]]))
    });
    Truth::all(prefix.into_iter().chain(part))
}

fn in_v6(dialect: SqlDialect, column: &Frag, networks: &[IpNet]) -> Check {
    let digits = digits(dialect, column);
    let range = |network: &IpNet| {
        let [first, last] = [network.network(), network.broadcast()].map(|address| match address {
            IpAddr::V6(address) => literal::text(dialect, &format!("{:032x}", u128::from(address))),
            IpAddr::V4(_) => literal::text(dialect, ""),
        });
        test("v BETWEEN {} AND {}", &[&first, &last])
    };
    let ranges: Vec<_> = networks.iter().map(range).collect();
    let any = Frag::join(ranges, " OR ", Bind::Or);
    Truth::all([is_v6(dialect, column), nullable(dialect::once(dialect, &digits, &any))])
}

fn is_v4(dialect: SqlDialect, column: &Frag) -> Check {
    let regex = format!("^{OCTET}([.]{OCTET}){{3}}{}", dialect::end_of_text(dialect));
    nullable(dialect::matches(dialect, column, &regex))
}

fn is_v6(dialect: SqlDialect, column: &Frag) -> Check {
    nullable(dialect::matches(dialect, column, &format!("^{}{}", v6(), dialect::end_of_text(dialect))))
}

/// All forms of RFC 4291, section 2.2: eight groups, `::` in place of at least one, an IPv4 address in place of the
/// last two.
fn v6() -> String {
    let tail = format!("{OCTET}([.]{OCTET}){{3}}");
    let mut forms = vec![format!("({GROUP}:){{7}}{GROUP}"), format!("({GROUP}:){{6}}{tail}")];
    for left in 0..8_usize {
        let before = match left {
            0 => String::new(),
            1 => GROUP.to_owned(),
            _ => format!("{GROUP}(:{GROUP}){{{0}}}", left - 1),
        };
        let right = 7 - left;
        let after =
            if right > 0 { format!("({GROUP}(:{GROUP}){{0,{}}})?", right - 1) } else { String::new() };
        forms.push(format!("{before}::{after}"));
        if right >= 2 {
            forms.push(format!("{before}::({GROUP}:){{0,{}}}{tail}", right - 2));
        }
    }
    format!("({})", forms.join("|"))
}

/// Whether the column holds an address of either family; `AWS Internal` and `-` are none.
pub(super) fn is_address(dialect: SqlDialect, column: &Frag) -> Check {
    let regex = format!("^({OCTET}([.]{OCTET}){{3}}|{}){}", v6(), dialect::end_of_text(dialect));
    nullable(dialect::matches(dialect, column, &regex))
}

/// Whether two columns hold the same address. IPv6 has many spellings of one.
pub(super) fn same(dialect: SqlDialect, one: &Frag, other: &Frag) -> Check {
    let equal_text = Truth::all([nullable(test("{()} = {()}", &[one, other])), is_address(dialect, one)]);
    let digits = [one, other].map(|column| digits(dialect, column));
    let equal_digits = nullable(test("{} = {}", &[&digits[0], &digits[1]]));
    Truth::any([equal_text, Truth::all([is_v6(dialect, one), is_v6(dialect, other), equal_digits])])
}

/// A valid IPv6 address as 32 digits; anything for what is none. Each stage names what it reads as `v`, once.
fn digits(dialect: SqlDialect, column: &Frag) -> Frag {
    let lower = whole("lower({})", &[column]);
    let flat = dialect::bound(dialect, &lower, &without_dots(dialect));
    let long = dialect::bound(dialect, &flat, &without_gap());
    // A gap at the beginning leaves an empty group there.
    let trimmed =
        dialect::bound(dialect, &long, &whole("CASE WHEN v LIKE ':%' THEN substr(v, 2) ELSE v END", &[]));
    whole("substr({}, 1, 32)", &[&dialect::padded_groups(dialect, &trimmed)])
}

/// A tail in dots as two groups.
fn without_dots(dialect: SqlDialect) -> Frag {
    let [tail, rest] = match dialect {
        SqlDialect::DuckDb => ["regexp_extract(v, '[0-9.]*$', 0)", "regexp_replace(v, '[0-9.]*$', '')"],
        SqlDialect::Spark => {
            ["regexp_extract(v, '[0-9.]*\\\\z', 0)", "regexp_replace(v, '[0-9.]+\\\\z', '')"]
        }
        SqlDialect::Trino => ["regexp_extract(v, '[0-9.]*\\z')", "regexp_replace(v, '[0-9.]+\\z', '')"],
    }
    .map(|template| whole(template, &[]));
    let octet = |number: i64| {
        // In the end of a text that is no address any number may stand: 256 times it is no INTEGER any more.
        whole("TRY_CAST(split_part({}, '.', {}) AS BIGINT)", &[&tail, &literal::number(number)])
    };
    let pair = |first: i64| {
        let number = literal::code(Bind::Or, "{} * 256 + {}", &[&octet(first), &octet(first + 1)]);
        dialect::hexadecimal(dialect, &number)
    };
    whole("CASE WHEN v LIKE '%.%' THEN concat({}, {}, ':', {}) ELSE v END", &[&rest, &pair(1), &pair(3)])
}

/// `::` as the groups of zeros that it stands for: eight, less those that are there.
fn without_gap() -> Frag {
    whole(
        "CASE WHEN v LIKE '%::%' THEN replace(v, '::', concat(':', rpad('', CAST(2 * GREATEST(CASE WHEN v LIKE '::%' \
         OR v LIKE '%::' THEN 9 ELSE 8 END - (length(v) - length(replace(v, ':', ''))), 0) AS INTEGER), '0:'))) ELSE v \
         END",
        &[],
    )
}

//! The form of an address as a regular expression without look-around, which regex engines behind Sigma lack.
//!
//! In: nothing. Out: expressions that match every text the language takes for an address, and no other.
//! Must not know: fields, conditions.

macro_rules! v4 {
    () => {
        r"(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}"
    };
}

/// Four hexadecimal digits at most.
macro_rules! h {
    () => {
        "[0-9A-Fa-f]{1,4}"
    };
}

/// An IPv4 address.
pub(super) const V4: &str = concat!("^", v4!(), "$");

/// An IPv6 address: eight groups, or fewer and one `::`.
#[rustfmt::skip]
pub(super) const V6: &str = concat!(
    "^((", h!(), ":){7}", h!(),
    "|(", h!(), ":){1,7}:",
    "|(", h!(), ":){1,6}:", h!(),
    "|(", h!(), ":){1,5}(:", h!(), "){2}",
    "|(", h!(), ":){1,4}(:", h!(), "){3}",
    "|(", h!(), ":){1,3}(:", h!(), "){4}",
    "|(", h!(), ":){1,2}(:", h!(), "){5}",
    "|", h!(), ":(:", h!(), "){6}",
    "|:(:", h!(), "){1,7}|::)$",
);

/// An IPv6 address that ends in an IPv4 address.
#[rustfmt::skip]
pub(super) const V6_V4: &str = concat!(
    "^((", h!(), ":){6}",
    "|::(", h!(), ":){0,5}",
    "|", h!(), "::(", h!(), ":){0,4}",
    "|(", h!(), ":){2}:(", h!(), ":){0,3}",
    "|(", h!(), ":){3}:(", h!(), ":){0,2}",
    "|(", h!(), ":){4}:(", h!(), ":)?",
    "|(", h!(), ":){5}:)", v4!(), "$",
);

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use regex::RegexSet;

    use super::*;

    fn agrees(text: &str) -> Result<(), TestCaseError> {
        static FORMS: LazyLock<RegexSet> = LazyLock::new(|| RegexSet::new([V4, V6, V6_V4]).unwrap());
        prop_assert_eq!(FORMS.is_match(text), text.parse::<IpAddr>().is_ok(), "{}", text);
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn the_forms_are_those_of_addresses(
            groups in prop::collection::vec(prop::sample::select(vec!["", "0", "1", "aB", "ffff", "12345", "g"]), 0..11),
            ends in prop::sample::select(vec!["", "1.2.3.4", ":1.2.3.4", ":01.2.3.4", ":256.1.1.1", ":", "::", "%eth0"]),
        ) {
            agrees(&format!("{}{ends}", groups.join(":")))?;
        }
    }

    #[test]
    fn every_number_of_groups_with_every_place_of_the_gap() {
        for head in 0..10 {
            for tail in 0..10 {
                for end in ["", "192.0.2.1"] {
                    let tail = [vec!["2"; tail], if end.is_empty() { vec![] } else { vec![end] }].concat();
                    let text = format!("{}::{}", vec!["1"; head].join(":"), tail.join(":"));
                    agrees(&text).unwrap();
                    agrees(&text.replace("::", ":")).unwrap();
                }
            }
        }
        for text in ["", ":", "::::", "12:34", "1.2.3", "10.0.0.1", "::ffff:10.0.0.1", "AWS Internal"] {
            agrees(text).unwrap();
        }
    }
}

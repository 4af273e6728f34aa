//! ATT&CK ids as Sigma tags.
//!
//! In: ids as a rule writes them. Out: tags, and the ids that have none.
//! Must not know: rules, documents.

/// Tactics by id.
const TACTICS: &[(&str, &str)] = &[
    ("TA0001", "initial-access"),
    ("TA0002", "execution"),
    ("TA0003", "persistence"),
    ("TA0004", "privilege-escalation"),
    ("TA0005", "defense-evasion"),
    ("TA0006", "credential-access"),
    ("TA0007", "discovery"),
    ("TA0008", "lateral-movement"),
    ("TA0009", "collection"),
    ("TA0010", "exfiltration"),
    ("TA0011", "command-and-control"),
    ("TA0040", "impact"),
    ("TA0042", "resource-development"),
    ("TA0043", "reconnaissance"),
];

/// The tactics of the techniques that cloud rules use, ATT&CK 18; sub-techniques have those of their technique. Sigma
/// wants a technique's tactics beside it. A technique that is not here is tagged alone.
const TECHNIQUES: &[(&str, &[&str])] = &[
    ("initial-access", &["T1078", "T1133", "T1190", "T1195", "T1199", "T1566"]),
    ("execution", &["T1053", "T1059", "T1204", "T1609", "T1610", "T1648", "T1651"]),
    ("persistence", &["T1053", "T1078", "T1098", "T1133", "T1136", "T1525", "T1546", "T1556"]),
    ("privilege-escalation", &["T1053", "T1078", "T1098", "T1484", "T1546", "T1548"]),
    ("defense-evasion", &["T1078", "T1484", "T1535", "T1548", "T1550", "T1556", "T1562", "T1578", "T1610"]),
    ("credential-access", &["T1110", "T1528", "T1552", "T1555", "T1556", "T1621"]),
    ("discovery", &["T1046", "T1069", "T1087", "T1526", "T1538", "T1580", "T1613", "T1619"]),
    ("lateral-movement", &["T1021", "T1550"]),
    ("collection", &["T1074", "T1119", "T1213", "T1530"]),
    ("command-and-control", &["T1071", "T1090", "T1095", "T1102", "T1105", "T1571", "T1573"]),
    ("exfiltration", &["T1020", "T1041", "T1048", "T1537", "T1567"]),
    ("impact", &["T1485", "T1486", "T1489", "T1490", "T1491", "T1496", "T1498", "T1531"]),
];

/// What becomes of a rule's ATT&CK ids.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Attack {
    /// Tags, tactics before techniques, each once.
    pub(super) tags: Vec<String>,
    /// Ids that Sigma has no tag for: detection strategies, analytics, data components.
    pub(super) others: Vec<String>,
}

impl Attack {
    /// Sorts the ids.
    pub(super) fn of(ids: &[String]) -> Self {
        let (mut tactics, mut rest, mut others) = (Vec::new(), Vec::new(), Vec::new());
        for id in ids {
            let upper = id.to_ascii_uppercase();
            if let Some((_, tactic)) = TACTICS.iter().find(|(known, _)| *known == upper) {
                tactics.push(format!("attack.{tactic}"));
            } else if has_tag(&upper) {
                let technique = upper.split('.').next().unwrap_or_default();
                let of_technique = TECHNIQUES.iter().filter(|(_, known)| known.contains(&technique));
                tactics.extend(of_technique.map(|(tactic, _)| format!("attack.{tactic}")));
                rest.push(format!("attack.{}", upper.to_ascii_lowercase()));
            } else {
                others.push(id.clone());
            }
        }
        let mut tags = Vec::new();
        for tag in tactics.into_iter().chain(rest) {
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        Self { tags, others }
    }
}

/// Whether Sigma's `attack` namespace knows ids of this form: techniques, groups and software.
fn has_tag(id: &str) -> bool {
    let digits =
        |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(technique) = id.strip_prefix('T') {
        let (main, sub) =
            technique.split_once('.').map_or((technique, None), |(main, sub)| (main, Some(sub)));
        return digits(main, 4) && sub.is_none_or(|sub| digits(sub, 3));
    }
    id.strip_prefix(['G', 'S']).is_some_and(|number| digits(number, 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_become_tags_with_their_tactics() {
        let ids = ["T1204.003", "DET0478", "AN1318", "TA0002", "S0002", "T9999"].map(str::to_owned);
        let attack = Attack::of(&ids);
        assert_eq!(attack.tags, ["attack.execution", "attack.t1204.003", "attack.s0002", "attack.t9999"]);
        assert_eq!(attack.others, ["DET0478", "AN1318"]);
    }
}

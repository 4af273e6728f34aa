//! MITRE ATT&CK: tactics, and the techniques that cloud rules use, ATT&CK 18.
//!
//! In: ids as a rule writes them, in capitals. Out: tactics and names. Must not know: rules, targets.

/// A tactic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tactic {
    /// Such as `TA0002`.
    pub id: &'static str,
    /// Such as `credential-access`.
    pub slug: &'static str,
    /// Such as `Credential Access`.
    pub name: &'static str,
}

const TACTICS: &[Tactic] = &[
    Tactic { id: "TA0001", slug: "initial-access", name: "Initial Access" },
    Tactic { id: "TA0002", slug: "execution", name: "Execution" },
    Tactic { id: "TA0003", slug: "persistence", name: "Persistence" },
    Tactic { id: "TA0004", slug: "privilege-escalation", name: "Privilege Escalation" },
    Tactic { id: "TA0005", slug: "defense-evasion", name: "Defense Evasion" },
    Tactic { id: "TA0006", slug: "credential-access", name: "Credential Access" },
    Tactic { id: "TA0007", slug: "discovery", name: "Discovery" },
    Tactic { id: "TA0008", slug: "lateral-movement", name: "Lateral Movement" },
    Tactic { id: "TA0009", slug: "collection", name: "Collection" },
    Tactic { id: "TA0010", slug: "exfiltration", name: "Exfiltration" },
    Tactic { id: "TA0011", slug: "command-and-control", name: "Command and Control" },
    Tactic { id: "TA0040", slug: "impact", name: "Impact" },
    Tactic { id: "TA0042", slug: "resource-development", name: "Resource Development" },
    Tactic { id: "TA0043", slug: "reconnaissance", name: "Reconnaissance" },
];

/// The techniques of each tactic; sub-techniques have those of their technique. A technique that is not here has no
/// known tactic.
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

/// Names of techniques.
const NAMES: &[(&str, &str)] = &[
    ("T1020", "Automated Exfiltration"),
    ("T1021", "Remote Services"),
    ("T1041", "Exfiltration Over C2 Channel"),
    ("T1046", "Network Service Discovery"),
    ("T1048", "Exfiltration Over Alternative Protocol"),
    ("T1053", "Scheduled Task/Job"),
    ("T1059", "Command and Scripting Interpreter"),
    ("T1069", "Permission Groups Discovery"),
    ("T1071", "Application Layer Protocol"),
    ("T1074", "Data Staged"),
    ("T1078", "Valid Accounts"),
    ("T1087", "Account Discovery"),
    ("T1090", "Proxy"),
    ("T1095", "Non-Application Layer Protocol"),
    ("T1098", "Account Manipulation"),
    ("T1102", "Web Service"),
    ("T1105", "Ingress Tool Transfer"),
    ("T1110", "Brute Force"),
    ("T1119", "Automated Collection"),
    ("T1133", "External Remote Services"),
    ("T1136", "Create Account"),
    ("T1190", "Exploit Public-Facing Application"),
    ("T1195", "Supply Chain Compromise"),
    ("T1199", "Trusted Relationship"),
    ("T1204", "User Execution"),
    ("T1213", "Data from Information Repositories"),
    ("T1484", "Domain or Tenant Policy Modification"),
    ("T1485", "Data Destruction"),
    ("T1486", "Data Encrypted for Impact"),
    ("T1489", "Service Stop"),
    ("T1490", "Inhibit System Recovery"),
    ("T1491", "Defacement"),
    ("T1496", "Resource Hijacking"),
    ("T1498", "Network Denial of Service"),
    ("T1525", "Implant Internal Image"),
    ("T1526", "Cloud Service Discovery"),
    ("T1528", "Steal Application Access Token"),
    ("T1530", "Data from Cloud Storage"),
    ("T1531", "Account Access Removal"),
    ("T1535", "Unused/Unsupported Cloud Regions"),
    ("T1537", "Transfer Data to Cloud Account"),
    ("T1538", "Cloud Service Dashboard"),
    ("T1546", "Event Triggered Execution"),
    ("T1548", "Abuse Elevation Control Mechanism"),
    ("T1550", "Use Alternate Authentication Material"),
    ("T1552", "Unsecured Credentials"),
    ("T1555", "Credentials from Password Stores"),
    ("T1556", "Modify Authentication Process"),
    ("T1562", "Impair Defenses"),
    ("T1566", "Phishing"),
    ("T1567", "Exfiltration Over Web Service"),
    ("T1571", "Non-Standard Port"),
    ("T1573", "Encrypted Channel"),
    ("T1578", "Modify Cloud Compute Infrastructure"),
    ("T1580", "Cloud Infrastructure Discovery"),
    ("T1609", "Container Administration Command"),
    ("T1610", "Deploy Container"),
    ("T1613", "Container and Resource Discovery"),
    ("T1619", "Cloud Storage Object Discovery"),
    ("T1621", "Multi-Factor Authentication Request Generation"),
    ("T1648", "Serverless Execution"),
    ("T1651", "Cloud Administration Command"),
];

/// The tactic of an id.
#[must_use]
pub fn tactic(id: &str) -> Option<Tactic> {
    TACTICS.iter().copied().find(|tactic| tactic.id == id)
}

/// The tactics of a technique or sub-technique, in the order of ATT&CK's matrix.
pub fn tactics_of(technique: &str) -> impl Iterator<Item = Tactic> {
    let technique = technique.split('.').next().unwrap_or_default().to_owned();
    let named = TECHNIQUES.iter().filter(move |(_, known)| known.contains(&technique.as_str()));
    named.filter_map(|(slug, _)| TACTICS.iter().copied().find(|tactic| tactic.slug == *slug))
}

/// The name of a technique, if it is known; that of a sub-technique is not.
#[must_use]
pub fn name_of(technique: &str) -> Option<&'static str> {
    NAMES.iter().find(|(id, _)| *id == technique).map(|(_, name)| *name)
}

/// The id of the technique, and whether there is a sub-technique: `T1078.004` is `T1078` with one.
#[must_use]
pub fn technique(id: &str) -> Option<(&str, Option<&str>)> {
    let digits =
        |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    let (main, sub) = id.split_once('.').map_or((id, None), |(main, sub)| (main, Some(sub)));
    let is_technique = main.strip_prefix('T').is_some_and(|number| digits(number, 4));
    (is_technique && sub.is_none_or(|sub| digits(sub, 3))).then_some((main, sub))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_technique_has_a_name_and_every_name_a_tactic() {
        for id in TECHNIQUES.iter().flat_map(|(_, ids)| *ids) {
            assert!(name_of(id).is_some(), "{id}");
        }
        for (id, _) in NAMES {
            assert!(tactics_of(id).next().is_some(), "{id}");
        }
    }

    #[test]
    fn ids_are_taken_apart() {
        assert_eq!(technique("T1078.004"), Some(("T1078", Some("004"))));
        assert_eq!([technique("TA0002"), technique("AN1318"), technique("T1078.4")], [None; 3]);
    }
}

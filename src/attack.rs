//! MITRE ATT&CK for Enterprise 18.1: tactics, techniques and sub-techniques.
//!
//! In: ids as a rule writes them, in capitals. Out: tactics and names. Must not know: rules, targets.

use std::sync::LazyLock;

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

/// Lines of id, name and tactics between tabs, sorted by id; lines with `#` are remarks.
const TECHNIQUES: &str = include_str!("attack/techniques.tsv");

/// A technique or sub-technique.
struct Technique {
    id: &'static str,
    name: &'static str,
    tactics: &'static str,
}

/// Read once: a build of many rules asks for each id of each rule.
static TABLE: LazyLock<Vec<Technique>> = LazyLock::new(|| {
    let lines = TECHNIQUES.lines().filter(|line| !line.starts_with('#'));
    let technique = |line: &'static str| {
        let (id, rest) = line.split_once('\t')?;
        let (name, tactics) = rest.split_once('\t')?;
        Some(Technique { id, name, tactics })
    };
    lines.filter_map(technique).collect()
});

fn row(id: &str) -> Option<&'static Technique> {
    let place = TABLE.binary_search_by(|technique| technique.id.cmp(id)).ok()?;
    TABLE.get(place)
}

/// The tactic of a name such as `credential-access`.
#[must_use]
pub fn by_slug(slug: &str) -> Option<Tactic> {
    TACTICS.iter().copied().find(|tactic| tactic.slug == slug)
}

/// The tactic of an id.
#[must_use]
pub fn tactic(id: &str) -> Option<Tactic> {
    TACTICS.iter().copied().find(|tactic| tactic.id == id)
}

/// The tactics of a technique or sub-technique, in the order of ATT&CK's matrix; of a sub-technique that is not known
/// those of its technique.
pub fn tactics_of(technique: &str) -> impl Iterator<Item = Tactic> {
    let main = technique.split('.').next().unwrap_or_default();
    let tactics = row(technique).or_else(|| row(main)).map_or("", |row| row.tactics);
    tactics.split(' ').filter_map(|slug| TACTICS.iter().copied().find(|tactic| tactic.slug == slug))
}

/// The name of a technique or sub-technique, if ATT&CK has it.
#[must_use]
pub fn name_of(technique: &str) -> Option<&'static str> {
    row(technique).map(|row| row.name)
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
    fn the_table_is_sorted_and_names_known_tactics() {
        let lines = TECHNIQUES.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(TABLE.len(), lines);
        assert!(TABLE.is_sorted_by(|one, other| one.id < other.id));
        for Technique { id, name, tactics } in TABLE.iter() {
            assert!(technique(id).is_some() && !name.is_empty(), "{id}");
            assert_eq!(tactics_of(id).count(), tactics.split(' ').count(), "{id}");
        }
    }

    #[test]
    fn techniques_have_names_and_tactics() {
        assert_eq!(name_of("T1078.004"), Some("Cloud Accounts"));
        let slugs = |id| tactics_of(id).map(|tactic| tactic.slug).collect::<Vec<_>>();
        assert_eq!(slugs("T1003.001"), ["credential-access"]);
        assert_eq!(slugs("T1003.999"), ["credential-access"]);
        assert_eq!((name_of("T1003.999"), name_of("T9999"), slugs("T9999")), (None, None, vec![]));
    }

    #[test]
    fn ids_are_taken_apart() {
        assert_eq!(technique("T1078.004"), Some(("T1078", Some("004"))));
        assert_eq!([technique("TA0002"), technique("AN1318"), technique("T1078.4")], [None; 3]);
    }
}

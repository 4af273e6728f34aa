//! ATT&CK ids as Sigma tags.
//!
//! In: ids as a rule writes them. Out: tags, and the ids that have none.
//! Must not know: rules, documents.

use crate::attack;

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
            if let Some(tactic) = attack::tactic(&upper) {
                tactics.push(format!("attack.{}", tactic.slug));
            } else if has_tag(&upper) {
                tactics.extend(attack::tactics_of(&upper).map(|tactic| format!("attack.{}", tactic.slug)));
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

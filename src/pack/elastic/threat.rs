//! ATT&CK as Elastic's rules have it: tactics with the techniques below each.
//!
//! In: ids of a rule. Out: [`Threat`]s. Must not know: rules.

use serde::Serialize;

use crate::attack::{self, Tactic};

/// A tactic with techniques.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Threat {
    framework: &'static str,
    technique: Vec<Technique>,
    tactic: Named,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Technique {
    id: String,
    name: String,
    reference: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subtechnique: Vec<Named>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Named {
    id: String,
    name: String,
    reference: String,
}

/// The tactics that ids name or that their techniques belong to, each once, in the order of the matrix.
pub(super) fn tactics(ids: &[String]) -> impl Iterator<Item = Tactic> {
    let mut tactics: Vec<Tactic> = Vec::new();
    for id in ids.iter().map(|id| id.to_ascii_uppercase()) {
        tactics.extend(attack::tactic(&id));
        tactics.extend(attack::technique(&id).into_iter().flat_map(|_| attack::tactics_of(&id)));
    }
    tactics.sort_unstable();
    tactics.dedup();
    tactics.into_iter()
}

/// The ids as threats.
pub(super) fn of(ids: &[String]) -> Vec<Threat> {
    tactics(ids).map(|tactic| threat(tactic, ids)).collect()
}

fn threat(tactic: Tactic, ids: &[String]) -> Threat {
    let mut techniques: Vec<Technique> = Vec::new();
    for id in ids.iter().map(|id| id.to_ascii_uppercase()) {
        let Some((main, sub)) = attack::technique(&id) else { continue };
        if !attack::tactics_of(&id).any(|known| known == tactic) {
            continue;
        }
        let reference = format!("https://attack.mitre.org/techniques/{main}/");
        let place = techniques.iter().position(|known| known.id == main).unwrap_or_else(|| {
            let name = attack::name_of(main).unwrap_or(main).to_owned();
            techniques.push(Technique {
                id: main.to_owned(),
                name,
                reference: reference.clone(),
                subtechnique: Vec::new(),
            });
            techniques.len() - 1
        });
        if let (Some(sub), Some(technique)) = (sub, techniques.get_mut(place)) {
            let reference = format!("{reference}{sub}/");
            let name = attack::name_of(&id).unwrap_or(&id).to_owned();
            technique.subtechnique.push(Named { id: id.clone(), name, reference });
        }
    }
    let (id, name) = (tactic.id.to_owned(), tactic.name.to_owned());
    let reference = format!("https://attack.mitre.org/tactics/{id}/");
    Threat { framework: "MITRE ATT&CK", technique: techniques, tactic: Named { id, name, reference } }
}

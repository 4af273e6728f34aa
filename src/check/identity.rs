//! What must be unique in a run: names and ids of rules, over all files.
//!
//! In: the rules of many units. Out: a finding for each name or id that occurs again.
//! Must not know: anything else about the rules.

use std::collections::HashMap;

use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{Clause, LiteralKind, Rule};
use crate::unit::Unit;

/// The name and the id of a rule, with their places in words for other files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    name: String,
    name_span: Span,
    id: Option<(String, Span)>,
    place: String,
}

/// The identities of the rules of a unit.
#[must_use]
pub fn identities(unit: &Unit) -> Vec<Identity> {
    unit.file.rules.iter().map(|rule| identity(unit, rule)).collect()
}

fn identity(unit: &Unit, rule: &Rule) -> Identity {
    let place = unit.sources.locate(rule.name.span);
    Identity {
        name: rule.name.node.clone(),
        name_span: rule.name.span,
        id: id_of(rule),
        place: place.map(|(file, at)| format!("{file}:{}:{}", at.line, at.column)).unwrap_or_default(),
    }
}

/// The id of a rule as written, in lower case.
pub(super) fn id_of(rule: &Rule) -> Option<(String, Span)> {
    rule.clauses.iter().find_map(|clause| match clause {
        Clause::Meta(meta) if meta.key.node == "id" => {
            meta.values.first().and_then(|literal| match &literal.kind {
                LiteralKind::Str(text) => Some((text.trim().to_ascii_lowercase(), literal.span)),
                LiteralKind::Int(_)
                | LiteralKind::Float(_)
                | LiteralKind::Bool(_)
                | LiteralKind::Duration(_)
                | LiteralKind::Date(_)
                | LiteralKind::Word(_) => None,
            })
        }
        Clause::Meta(_)
        | Clause::Param(_)
        | Clause::Chain(_)
        | Clause::Alert(_)
        | Clause::Playbook(_)
        | Clause::Test(_) => None,
    })
}

/// Names and ids that occur in more than one unit. Each finding comes with the index of the unit whose sources its spans
/// belong to; repetitions inside one unit are `check`'s.
#[must_use]
pub fn duplicates(units: &[Vec<Identity>]) -> Vec<(usize, Diagnostic)> {
    let mut names: HashMap<&str, (usize, &Identity)> = HashMap::new();
    let mut ids: HashMap<&str, (usize, &Identity)> = HashMap::new();
    let mut found = Vec::new();
    for (unit, identities) in units.iter().enumerate() {
        for identity in identities {
            let first = *names.entry(&identity.name).or_insert((unit, identity));
            if first.0 != unit {
                let title = format!("a second rule is called `{}`", identity.name);
                found.push((unit, elsewhere(identity.name_span, title, first.1)));
            }
            let Some((id, span)) = &identity.id else { continue };
            let first = *ids.entry(id).or_insert((unit, identity));
            if first.0 != unit {
                let title = format!("another rule has the id `{id}`");
                found.push((unit, elsewhere(*span, title, first.1)));
            }
        }
    }
    found
}

fn elsewhere(span: Span, title: String, first: &Identity) -> Diagnostic {
    Diagnostic::new(Code::DefinedTwice, span, title)
        .label("defined again here")
        .help(format!("the first is `{}` at {}", first.name, first.place))
        .help("SIEMs replace a rule by another of the same name or id; change one of them")
}

//! What must be unique in a run: names and ids of rules.
//!
//! In: the rules of a run, file by file. Out: a finding for each name or id that occurs again.
//! Must not know: anything else about the rules.

use std::collections::{HashMap, HashSet};

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::Span;
use crate::syntax::Heading;
use crate::syntax::ast::{Clause, File, LiteralKind, Name, Rule};

use super::naming;

/// The names of all rules of a run, first ones included, that share a name or an id with another: no SIEM can hold
/// both, and which of them is meant is for the author to say.
#[must_use]
pub fn clashing(headings: &[Heading]) -> HashSet<&str> {
    let mut names = HashSet::with_capacity(headings.len());
    let mut ids = HashMap::with_capacity(headings.len());
    let mut clashing = HashSet::new();
    for Heading { name, id } in headings {
        if !names.insert(name.as_str()) {
            clashing.insert(name.as_str());
        }
        let other = id.as_deref().and_then(|id| ids.insert(comparable(id), name.as_str()));
        clashing.extend(other.into_iter().flat_map(|other| [other, name.as_str()]));
    }
    clashing
}

/// An id as it is compared.
fn comparable(id: &str) -> String {
    id.trim().to_ascii_lowercase()
}

/// The names and ids of the rules of a run so far.
#[derive(Debug, Default)]
pub struct Identities {
    names: HashMap<String, Span>,
    ids: HashMap<String, Span>,
}

impl Identities {
    /// Adds the rules of one more file; reports names and ids that an earlier rule has, in this file or in another.
    pub fn add(&mut self, file: &File, diags: &mut Diagnostics) {
        for rule in &file.rules {
            self.add_rule(rule, diags);
        }
    }

    fn add_rule(&mut self, rule: &Rule, diags: &mut Diagnostics) {
        let Name { node, span } = &rule.name;
        // The first one finds itself here.
        let first = *self.names.entry(node.clone()).or_insert(*span);
        if first != *span {
            naming::twice("rule", &rule.name, first, diags);
        }
        // From the text, not from the lowered rule: a rule with errors elsewhere has its id all the same, and the next
        // run would report the clash.
        let Some((id, span)) = id_of(rule) else { return };
        let first = *self.ids.entry(id).or_insert(span);
        if first != span {
            diags.push(
                Diagnostic::new(Code::DefinedTwice, span, "another rule has this ID")
                    .label("defined again here")
                    .also(first, "first defined here")
                    .help("SIEMs overwrite a rule with another of the same ID; use a unique ID"),
            );
        }
    }
}

/// The id of a rule as written, in lower case.
fn id_of(rule: &Rule) -> Option<(String, Span)> {
    let literal = rule.clauses.iter().find_map(|clause| match clause {
        Clause::Meta(meta) if meta.key.node == "id" => meta.values.first(),
        Clause::Meta(_)
        | Clause::Allow(_)
        | Clause::Param(_)
        | Clause::Chain(_)
        | Clause::Alert(_)
        | Clause::Playbook(_)
        | Clause::Test(_) => None,
    })?;
    match &literal.kind {
        LiteralKind::Str(text) => Some((comparable(text), literal.span)),
        LiteralKind::Int(_)
        | LiteralKind::Float(_)
        | LiteralKind::Bool(_)
        | LiteralKind::Duration(_)
        | LiteralKind::Date(_)
        | LiteralKind::Word(_)
        | LiteralKind::Unknown => None,
    }
}

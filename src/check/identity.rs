//! What must be unique in a run: names and ids of rules.
//!
//! In: the rules of one file, or of many. Out: a finding for each name or id that occurs again.
//! Must not know: anything else about the rules.

use std::collections::{BTreeSet, HashMap};

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::Span;
use crate::syntax::ast::{Clause, File, LiteralKind, Name, Rule};

use super::names;

/// Reports names and ids that several rules of one file have.
pub(super) fn within(rules: &[Rule], diags: &mut Diagnostics) {
    let mut seen = Seen::default();
    for rule in rules {
        seen.add(rule, |_| true, diags);
    }
}

/// The names and ids of the rules of a run so far.
#[derive(Debug, Default)]
pub struct Identities(Seen);

impl Identities {
    /// Adds the rules of one more file; reports names and ids that another file has. [`super::check`] reports those that
    /// occur twice inside one.
    pub fn add(&mut self, file: &File, diags: &mut Diagnostics) {
        for rule in &file.rules {
            self.0.add(rule, |first| first.file != rule.name.span.file, diags);
        }
    }

    /// Whether a rule shares its name or its id with another one so far: no SIEM can hold both, and which of them is meant is
    /// for the author to say.
    #[must_use]
    pub fn clash(&self, rule: &str) -> bool {
        self.0.clashing.contains(rule)
    }
}

#[derive(Debug, Default)]
struct Seen {
    names: HashMap<String, Span>,
    ids: HashMap<String, (Span, String)>,
    clashing: BTreeSet<String>,
}

impl Seen {
    /// Adds a rule; reports what it repeats if `wanted` says so of the first place.
    fn add(&mut self, rule: &Rule, wanted: impl Fn(Span) -> bool, diags: &mut Diagnostics) {
        let Name { node, span } = &rule.name;
        let first = *self.names.entry(node.clone()).or_insert(*span);
        if first != *span {
            self.clashing.insert(node.clone());
            if wanted(first) {
                names::twice("rule", &rule.name, first, diags);
            }
        }
        let Some((id, span)) = id_of(rule) else { return };
        let (first, other) = self.ids.entry(id).or_insert_with(|| (span, node.clone())).clone();
        if first == span {
            return;
        }
        self.clashing.extend([node.clone(), other]);
        if wanted(first) {
            diags.push(
                Diagnostic::new(Code::DefinedTwice, span, "another rule has this id")
                    .label("defined again here")
                    .also(first, "first defined here")
                    .help("SIEMs replace a rule by another of the same id; give each its own"),
            );
        }
    }
}

/// The id of a rule as written, in lower case.
fn id_of(rule: &Rule) -> Option<(String, Span)> {
    let literal = rule.clauses.iter().find_map(|clause| match clause {
        Clause::Meta(meta) if meta.key.node == "id" => meta.values.first(),
        Clause::Meta(_)
        | Clause::Param(_)
        | Clause::Chain(_)
        | Clause::Alert(_)
        | Clause::Playbook(_)
        | Clause::Test(_) => None,
    })?;
    match &literal.kind {
        LiteralKind::Str(text) => Some((text.trim().to_ascii_lowercase(), literal.span)),
        LiteralKind::Int(_)
        | LiteralKind::Float(_)
        | LiteralKind::Bool(_)
        | LiteralKind::Duration(_)
        | LiteralKind::Date(_)
        | LiteralKind::Word(_) => None,
    }
}

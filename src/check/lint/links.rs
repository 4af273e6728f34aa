//! Join keys that are right but weak: named twice, or shared by unrelated events.
//!
//! In: the keys of a link as written and as lowered. Out: warnings.
//! Must not know: windows, predicates.

use std::collections::BTreeMap;

use crate::catalog::Source;
use crate::check::lacking;
use crate::check::links::strong;
use crate::check::names::Names;
use crate::check::naming;
use crate::check::sink::Sink;
use crate::diag::{Code, Diagnostic};
use crate::ir::{self, Type};
use crate::syntax::ast::Then;

/// Warns of keys named twice and of links that only weak keys hold.
pub(in crate::check) fn lint(
    names: &Names<'_>,
    sink: &mut Sink,
    index: usize,
    then: &Then,
    keys: &[ir::Key],
) {
    // A scope such as `cloud.account.id` is shared by design, so it neither makes a link weak nor selective.
    let own: Vec<_> = keys.iter().filter(|key| !key.from_scope).collect();
    let mut seen: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (position, key) in own.iter().enumerate() {
        let first = *seen.entry((&key.left.name, &key.right.name)).or_insert(position);
        if first != position
            && let (Some(link), Some(earlier)) = (then.links.get(position), then.links.get(first))
        {
            let found = Diagnostic::new(Code::RepeatedKey, link.span, "duplicate key in the link")
                .label("again here")
                .also(earlier.span, "first here")
                .help("remove one of them");
            sink.report(found);
        }
    }
    if let Some(found) = weak(names, index, then, &own) {
        sink.report(found);
    }
}

fn weak(names: &Names<'_>, index: usize, then: &Then, own: &[&ir::Key]) -> Option<Diagnostic> {
    let (left, right) = (names.source(index)?, names.source(index + 1)?);
    let mut reasons = Vec::new();
    for (key, link) in own.iter().zip(&then.links) {
        // One selective key is enough for the link.
        let why = why_weak(left, &key.left.name).or_else(|| why_weak(right, &key.right.name))?;
        reasons.push((key, link.span, why));
    }
    let ((key, span, why), others) = reasons.split_first()?;
    let title = format!("`{}` alone is a weak join key", key.left.name);
    let mut found = Diagnostic::new(Code::WeakKey, *span, title).label(why.clone());
    for (_, span, why) in others {
        found = found.also(*span, why.clone());
    }
    let (before, after) = names.neighbours(index)?;
    let common: Vec<&str> = left
        .fields
        .values()
        .filter(|field| right.field(&field.name).is_some_and(|other| other.ty == field.ty))
        .map(|field| field.name.as_str())
        .filter(|name| strong(left, name) && strong(right, name))
        .filter(|name| lacking::may_have(names, before, name) && lacking::may_have(names, after, name))
        .take(5)
        .collect();
    Some(if common.is_empty() {
        found.help("add a more selective key; otherwise unrelated events within the window are joined")
    } else {
        found.help(format!("join by a more selective field: {}", naming::ticked(&common)))
    })
}

/// Why a field of a source is shared by unrelated events, if it is.
pub(super) fn why_weak(source: &Source, field: &str) -> Option<String> {
    let def = source.field(field)?;
    if def.ty == Type::Bool {
        return Some("has only two values".to_owned());
    }
    def.weak_key.clone()
}

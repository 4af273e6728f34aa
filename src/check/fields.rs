//! Fields that a source lacks: what was meant.
//!
//! In: a name and the sources that should have it. Out: a finding with the field to write instead. A guess is never
//! wrong in silence: a name that the vendor uses is looked up, not compared letter by letter.
//! Must not know: where the name stands.

use crate::catalog::{FieldDef, KnownBy, Meant, Raw, Source};
use crate::diag::{self, Code, Diagnostic, Fix};
use crate::syntax::ast::Name;

use super::naming;
use super::sink::Sink;

/// The finding for a field that a source lacks.
pub(super) fn unknown(sink: &mut Sink, name: &Name, source: &Source) -> Diagnostic {
    let title = format!("`{}` has no field `{}`", source.name, name.node);
    let found = Diagnostic::new(Code::UnknownField, name.span, title).label("unknown field");
    // A look-up compares the name with every name that the source has in the log and in each target; of many wrong
    // names only the first are shown.
    if !sink.may_guess() {
        return found;
    }
    let (mut found, certain) = suggest(found, name, &[source], |_| true);
    if found.help.is_empty() && is_foreign(&name.node) {
        found = found.help(format!(
            "the source file does not have it; a file with `extends: {}` can add it",
            source.name
        ));
    }
    if certain { found } else { found.help(listing(source)) }
}

/// Adds what was meant by a name that the sources lack, among their fields that are `allowed`; and whether that is
/// certain.
pub(super) fn suggest(
    found: Diagnostic,
    name: &Name,
    sources: &[&Source],
    allowed: impl Fn(&str) -> bool,
) -> (Diagnostic, bool) {
    let known = sources.iter().filter_map(|source| source.meant_by(&name.node));
    let meant = known.filter_map(|meant| {
        let fields: Vec<&FieldDef> = meant.fields.into_iter().filter(|field| allowed(&field.name)).collect();
        (!fields.is_empty()).then_some(Meant { fields, ..meant })
    });
    // The surest reading first; of equally sure ones the source that leaves fewest candidates.
    if let Some(meant) = meant.min_by_key(|meant| (rank(meant.by), meant.fields.len())) {
        return (say(found, &meant), meant.by != KnownBy::Derived);
    }
    let fields =
        || sources.iter().flat_map(|source| source.fields.values()).filter(|field| allowed(&field.name));
    let names = fields().map(|field| field.name.as_str());
    // What a vendor calls a field is far from what it is called here: one letter may differ, not a third of them.
    let near = if let Some(field) = fields().find(|field| is_called(field, &name.node)) {
        Some(field.name.as_str())
    } else if is_foreign(&name.node) {
        let lower = name.node.to_ascii_lowercase();
        names.filter(|known| diag::distance(&lower, known) <= 1).min()
    } else {
        diag::nearest(&name.node, names)
    };
    let Some(near) = near else { return (found, false) };
    (with_fix(found.help(format!("did you mean `{near}`?")), near), false)
}

/// Whether a name has the last word of the field's path in the log behind the rest of the field's own name: `actor.arn`
/// of `actor.id`, which is `userIdentity.arn`.
fn is_called(field: &FieldDef, name: &str) -> bool {
    let path = match &field.raw {
        Some(Raw::Path(path)) => path.rsplit('.').next(),
        Some(Raw::Variants(_)) | None => None,
    };
    let (own, found) = (field.name.rsplit_once('.'), name.rsplit_once('.'));
    matches!((own, found), (Some((before, _)), Some((rest, last))) if before == rest && path == Some(last))
}

fn rank(by: KnownBy) -> usize {
    match by {
        KnownBy::Vendor => 0,
        KnownBy::Derived => 1,
        KnownBy::Spelling => 2,
        KnownBy::NearVendor => 3,
    }
}

fn say(mut found: Diagnostic, meant: &Meant<'_>) -> Diagnostic {
    let names: Vec<&str> = meant.fields.iter().map(|field| field.name.as_str()).collect();
    let listed = naming::ticked(&names);
    let listed = match listed.rsplit_once(", ") {
        Some((head, last)) => format!("{head} or {last}"),
        None => listed,
    };
    match meant.by {
        KnownBy::Vendor => {
            "the vendor's name".clone_into(&mut found.primary.text);
            found = found.help(format!("write {listed}: fields have the same names for every target"));
        }
        KnownBy::Derived => {
            "the vendor's name".clone_into(&mut found.primary.text);
            // No fix: `responseElements.ConsoleLogin == "Failure"` would become `event.outcome == "Failure"`, which is
            // never true.
            return found.help(format!("{listed} is made of it, with values of its own"));
        }
        KnownBy::Spelling | KnownBy::NearVendor => found = found.help(format!("did you mean {listed}?")),
    }
    match names.as_slice() {
        [one] => with_fix(found, one),
        _ => found,
    }
}

fn with_fix(mut found: Diagnostic, replacement: &str) -> Diagnostic {
    found.fix = Some(Fix { span: found.primary.span, replacement: replacement.to_owned() });
    found
}

/// Whether a name is spelled as names of this language never are.
fn is_foreign(name: &str) -> bool {
    name.bytes().any(|b| b.is_ascii_uppercase() || b == b'-')
}

pub(super) fn listing(source: &Source) -> String {
    format!("`catena sources {}` lists its fields", source.name)
}

//! What `replay` reads of raw events for a rule, and where.
//!
//! In: two versions of a rule, each with the sources in force for it. Out: the fields and sources that are read in
//! another way. Must not know: conditions, events, targets.

use crate::catalog::{Catalog, FieldDef, Group, OnlyOf, Raw, RawTexts, RawVariant, Source};
use crate::engine::record::Schemas;
use crate::ir::Rule;

use super::clause::Change;

/// What differs of the fields that both versions read.
#[must_use]
pub fn reads((old, before): (&Rule, &Catalog), (new, after): (&Rule, &Catalog)) -> Vec<Change> {
    let (known, read) = (Schemas::for_rules(before, [old]), Schemas::for_rules(after, [new]));
    let mut changes = Vec::new();
    for schema in read.iter() {
        let name = schema.source();
        let (Some(known), Some(was), Some(is)) = (known.get(name), before.source(name), after.source(name))
        else {
            continue;
        };
        changes.extend(of_source(was, is));
        for (field, _) in schema.fields().iter().filter(|(field, _)| known.place(field).is_some()) {
            if let (Some(was), Some(is)) = (was.field(field), is.field(field)) {
                changes.extend(of_field(name, was, is));
            }
        }
    }
    changes
}

fn of_field(source: &str, old: &FieldDef, new: &FieldDef) -> Option<Change> {
    let name = &new.name;
    let ([was_at, is_at], [was, is]) = ([old, new].map(path), [old, new].map(how));
    let (clause, old, new) = if was != is {
        (format!("replay reads `{name}` of {source} otherwise"), was_at + &was, is_at + &is)
    } else if was_at != is_at {
        (format!("replay reads `{name}` of {source} from another path"), was_at, is_at)
    } else {
        return None;
    };
    Some(Change { clause, old: Some(old), new: Some(new) })
}

fn path(field: &FieldDef) -> String {
    match &field.raw {
        None => "not in the log".to_owned(),
        Some(Raw::Path(path)) => path.clone(),
        Some(Raw::Variants(variants)) => variants.iter().map(variant).collect::<Vec<_>>().join("; "),
    }
}

/// A way to read a field, with everything that it says.
fn variant(variant: &RawVariant) -> String {
    let RawVariant {
        for_actions,
        path: _,
        paths: _,
        placeholders,
        from_event,
        capture,
        map,
        absent,
        otherwise,
    } = variant;
    let mut text = variant.paths().collect::<Vec<_>>().join(" or ");
    let mut add = |word: &str, what: String| {
        if !what.is_empty() {
            text += &[", ", word, " ", &what].concat();
        }
    };
    add("for", for_actions.join(" "));
    add("no value", placeholders.join(" "));
    add("of", if *from_event { "the event".to_owned() } else { String::new() });
    add("capture", capture.clone().unwrap_or_default());
    let map: Vec<_> = map.iter().map(|(raw, value)| format!("{raw}={value}")).collect();
    add("map", map.join(" "));
    add("absent", absent.clone().unwrap_or_default());
    add("otherwise", otherwise.clone().unwrap_or_default());
    text
}

/// What else decides about the value of a field.
fn how(field: &FieldDef) -> String {
    let mut text = format!(" as {}", format!("{:?}", field.ty).to_lowercase());
    for (says, words) in [(field.many, ", with several values"), (field.fold, ", in any letter case")] {
        if says {
            text.push_str(words);
        }
    }
    if let Some(group) = &field.in_group {
        text += ", of an item of group ";
        text += group;
    }
    if !field.placeholders.is_empty() {
        text += ", no value ";
        text += &field.placeholders.join(" ");
    }
    text
}

/// What decides which records an event gives.
fn of_source(old: &Source, new: &Source) -> Vec<Change> {
    let texts = |texts: &RawTexts| {
        let each = texts.iter().map(|(path, values)| format!("{path}: {}", values.join(" ")));
        each.collect::<Vec<_>>().join(", ")
    };
    let only = |source: &Source| {
        let others = source.only_of.iter();
        let others = others.map(|OnlyOf { events, only }| format!("{} of {}", texts(only), texts(events)));
        let usual = std::iter::once(texts(&source.only)).filter(|usual| !usual.is_empty());
        usual.chain(others).collect::<Vec<_>>().join("; ")
    };
    let group = |source: &Source| {
        let one = |Group { name: _, path, inner, key, for_actions }: &Group| {
            let inner = inner.as_ref().map(|inner| format!(" > {inner}")).unwrap_or_default();
            format!("{path}{inner} by {} {}", key.join(" "), for_actions.join(" ")).trim_end().to_owned()
        };
        source.group.0.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    let source = &new.name;
    let parts = [
        ("takes other events for those", only(old), only(new)),
        ("tells apart by another id the events", old.event_id.0.join(" "), new.event_id.0.join(" ")),
        ("tells by another field the kinds", old.discriminator.clone(), new.discriminator.clone()),
        ("takes other texts for no value", old.placeholder.0.join(" "), new.placeholder.0.join(" ")),
        ("reads other groups", group(old), group(new)),
    ];
    let said = |text: String| (!text.is_empty()).then_some(text);
    let differing = parts.into_iter().filter(|(_, old, new)| old != new);
    let change = |(what, old, new): (&str, String, String)| Change {
        clause: format!("replay {what} of {source}"),
        old: said(old),
        new: said(new),
    };
    let mut changes: Vec<_> = differing.map(change).collect();
    if old.log != new.log {
        let clause = format!("replay recognises the events of {source} otherwise");
        changes.push(Change { clause, old: None, new: None });
    }
    changes
}

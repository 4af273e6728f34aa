//! What a source says of some of its events: of those whose discriminator has one of a few values.
//!
//! In: a source. Out: faults in the values that it names, and whether an event that has one has items. Must not know:
//! rules, targets.

use super::fault::Fault;
use super::possible::{self, Named};
use super::{FieldDef, Group, Mapped, Raw, RawVariant, Source};

impl Source {
    /// What is wrong with the field by which events are told apart.
    pub(super) fn discriminates(&self) -> Option<Fault> {
        let field = self.field(&self.discriminator)?;
        let reason = match (&field.in_group, field.many) {
            (Some(_), _) => "it belongs to the repeated group, and an event can have several items",
            (None, true) => "it can have several values",
            (None, false) => return None,
        };
        let title = format!("`{}` cannot tell events apart", field.name);
        Some(Fault::new(&[], title).label(reason).help("name a field of which every event has one value"))
    }

    /// What is wrong with a field that is to identify an event.
    pub(super) fn identifies(&self, name: &str) -> Option<Fault> {
        let field = self.field(name)?;
        let is_time = |name: &String| self.field(name).is_some_and(|field| field.ty == crate::ir::Type::Time);
        let reason = if field.in_group.is_some() {
            "it belongs to the repeated group, and an event can have several items"
        } else if field.many {
            "it can have several values"
        } else if self.event_id.0.iter().all(is_time) {
            "two events that happen at one instant would be one"
        } else {
            return None;
        };
        let fault = Fault::new(&[], format!("`{name}` cannot identify an event")).label(reason);
        Some(fault.help("name fields that do together, or leave `event_id` out: then all raw fields do"))
    }

    /// What is wrong with the values of the discriminator that a field names beside its columns.
    pub(super) fn actions_of(&self, field: &FieldDef) -> Vec<Fault> {
        let mut faults = self.no_actions("absent_for", &field.absent_for);
        for (number, variant) in ways(field).iter().enumerate() {
            let number = number.to_string();
            let wrong = self.no_actions("for_actions", &variant.for_actions).into_iter();
            faults.extend(wrong.map(|fault| fault.below(&["raw", &number])));
        }
        faults
    }

    /// Those of a list of values of the discriminator that no event has.
    pub(super) fn no_actions(&self, key: &str, actions: &[String]) -> Vec<Fault> {
        let Some(field) = self.field(&self.discriminator) else { return Vec::new() };
        let wrong = |(at, action): (usize, &String)| {
            Some(possible::never(field, action, Named::Asked)?.below(&[key, &at.to_string()]))
        };
        actions.iter().enumerate().filter_map(wrong).collect()
    }

    /// Whether a field of a repeated group is read from items in events for which one of its columns counts.
    pub(crate) fn has_items(&self, field: &FieldDef, mapped: &Mapped, others: &[Mapped]) -> bool {
        let Some((_, group)) = self.group_of(field) else { return false };
        if !mapped.for_actions.is_empty() {
            return mapped.for_actions.iter().any(|action| is_in_item(field, group, Some(action)));
        }
        let elsewhere = |action: &&String| !others.iter().any(|other| other.for_actions.contains(action));
        let mut named = group.for_actions.iter().chain(ways(field).iter().flat_map(|way| &way.for_actions));
        is_in_item(field, group, None)
            || named.any(|action| elsewhere(&action) && is_in_item(field, group, Some(action)))
    }
}

/// Whether a field is read from an item in an event with an action; without one, with any that nothing names.
fn is_in_item(field: &FieldDef, group: &Group, action: Option<&String>) -> bool {
    let may_have = match action {
        Some(action) => group.for_actions.is_empty() || group.for_actions.contains(action),
        None => group.for_actions.is_empty(),
    };
    let counts = |way: &&RawVariant| action.is_some_and(|action| way.for_actions.contains(action));
    let rest = |way: &&RawVariant| way.for_actions.is_empty();
    let way = ways(field).iter().find(counts).or_else(|| ways(field).iter().find(rest));
    may_have && !way.is_some_and(|way| way.from_event)
}

fn ways(field: &FieldDef) -> &[RawVariant] {
    if let Some(Raw::Variants(variants)) = &field.raw { variants } else { &[] }
}

//! What was found of one object: scalars by slot, and items of its groups.
//!
//! In: values as they are read. Out: the same by slot. Must not know: paths, JSON.

use crate::engine::value::Raw;

/// Scalars of one object by slot, and those of the items of its group.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Slots<'de> {
    /// By slot.
    pub scalars: Vec<Option<Raw<'de>>>,
    /// The items of its groups, in order.
    pub items: Vec<Slots<'de>>,
    /// The number of the group of which it is an item.
    pub(super) group: usize,
    /// Whether there was an object at all.
    pub(super) is_object: bool,
    /// The marks that were found, a bit each.
    pub(super) marks: u32,
}

impl<'de> Slots<'de> {
    /// The scalar in a slot.
    #[must_use]
    pub fn get(&self, slot: usize) -> Option<&Raw<'de>> {
        self.scalars.get(slot)?.as_ref()
    }

    /// The items of one group.
    pub fn items_of(&self, group: usize) -> impl Iterator<Item = &Slots<'de>> {
        self.items.iter().filter(move |item| item.group == group)
    }

    /// Whether all marks of `mask` were found.
    #[must_use]
    pub fn has_all(&self, mask: u32) -> bool {
        self.marks & mask == mask
    }

    /// Whether a mark of `mask` was found.
    #[must_use]
    pub fn has_any(&self, mask: u32) -> bool {
        self.marks & mask != 0
    }

    /// Takes over what was found in JSON text that is gone afterwards.
    pub(super) fn adopt(&mut self, inner: Slots<'_>) {
        for (place, found) in self.scalars.iter_mut().zip(inner.scalars) {
            if let Some(raw) = found {
                *place = Some(raw.into_owned());
            }
        }
        self.marks |= inner.marks;
        if !inner.items.is_empty() {
            self.items = inner.items.into_iter().map(Slots::into_owned).collect();
        }
    }

    fn into_owned(self) -> Slots<'static> {
        Slots {
            scalars: self.scalars.into_iter().map(|raw| raw.map(Raw::into_owned)).collect(),
            items: self.items.into_iter().map(Slots::into_owned).collect(),
            group: self.group,
            is_object: self.is_object,
            marks: self.marks,
        }
    }

    /// Fills a slot.
    pub fn set(&mut self, slot: usize, value: Raw<'de>) {
        if let Some(place) = self.scalars.get_mut(slot) {
            *place = Some(value);
        }
    }
}

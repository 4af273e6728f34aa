//! Keys: fields of several steps that a chain wants equal.
//!
//! In: a chain, records of its steps. Out: the records with equal values where links join them. Must not know: times,
//! what comes of the records.

use super::example;
use super::pair::Pair;
use super::solve::Fields;
use crate::ir::{Chain, Type};

/// A field of a step.
#[derive(Debug, Clone, PartialEq)]
struct Member {
    step: usize,
    field: String,
    ty: Type,
}

/// Fields that are equal.
#[derive(Debug, Default)]
struct Classes(Vec<Vec<Member>>);

impl Classes {
    fn of(&self, member: &Member) -> Option<usize> {
        self.0.iter().position(|class| class.contains(member))
    }

    fn add(&mut self, member: Member) -> usize {
        self.of(&member).unwrap_or_else(|| {
            self.0.push(vec![member]);
            self.0.len() - 1
        })
    }

    fn join(&mut self, one: Member, other: Member) {
        let (one, other) = (self.add(one), self.add(other));
        if one == other {
            return;
        }
        let moved = self.0.swap_remove(one.max(other));
        if let Some(class) = self.0.get_mut(one.min(other)) {
            class.extend(moved);
        }
    }

    /// What the links of a chain make equal; keys of the other rule alone are there too, each by itself.
    fn new(chain: &Chain, pair: Pair<'_>) -> Self {
        let mut classes = Self::default();
        for (step, link) in chain.links.iter().enumerate() {
            for key in &link.keys {
                let left = Member { step, field: key.left.name.clone(), ty: key.left.ty };
                classes
                    .join(left, Member { step: step + 1, field: key.right.name.clone(), ty: key.right.ty });
            }
        }
        let keys = pair.rules.iter().flat_map(|rule| &rule.chain.links).flat_map(|link| &link.keys);
        for field in keys.flat_map(|key| [&key.left, &key.right]) {
            for (index, step) in chain.steps.iter().enumerate() {
                let source = pair.catalog.source(&step.main.source.node);
                if source.is_some_and(|source| source.field(&field.name).is_some()) {
                    classes.add(Member { step: index, field: field.name.clone(), ty: field.ty });
                }
            }
        }
        classes
    }
}

/// The records with keys: of equal fields, the value that step `first` has, else any of them. A key that no condition
/// is about has a value for its name, so that it is equal everywhere.
pub(super) fn join(
    chain: &Chain,
    mut records: Vec<Fields>,
    first: Option<usize>,
    pair: Pair<'_>,
) -> Vec<Fields> {
    let mut names: Vec<String> = Vec::new();
    for class in Classes::new(chain, pair).0 {
        let Some(Member { field: name, ty, .. }) = class.first() else { continue };
        let number = names.iter().position(|known| known == name).unwrap_or_else(|| {
            names.push(name.clone());
            names.len() - 1
        });
        let of = |member: &Member| records.get(member.step)?.get(&member.field).cloned();
        let preferred = class.iter().filter(|member| Some(member.step) == first);
        let known = preferred.chain(&class).find_map(of);
        let value = known.unwrap_or_else(|| example::plain(*ty, number));
        for Member { step, field, ty: _ } in class {
            if let Some(fields) = records.get_mut(step) {
                fields.insert(field, value.clone());
            }
        }
    }
    records
}

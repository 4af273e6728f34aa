//! Keys: fields of several records that a rule wants equal, and comparisons between neighbours.
//!
//! In: the nodes of a scenario, records of them. Out: the records with equal values where links, `together` and what
//! must not be there want them. Must not know: times, what comes of the records.

use super::cast::{Cast, Node, Part};
use super::example;
use super::fields::{Fields, Held};
use super::pair::{Side, View};
use crate::ir::{AbsenceKey, Chain, CompareOp, Field, OrderOp, Repetition, Together, Type, Value};

/// A field of a node, by its name in the source.
#[derive(Debug, Clone, PartialEq)]
struct Member {
    node: usize,
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

    /// What a rule makes equal; keys that only the other rule has are there too, each by itself.
    fn new(cast: &Cast<'_>, view: View<'_>) -> Self {
        let mut classes = Self::default();
        let member = |node: usize, field: &Field| {
            let of = cast.nodes.get(node)?;
            Some(Member { node, field: of.selection.field(&field.name).to_owned(), ty: field.ty })
        };
        let mut join = |one: Option<Member>, other: Option<Member>| {
            if let (Some(one), Some(other)) = (one, other) {
                classes.join(one, other);
            }
        };
        let chain = &view.own.rule.chain;
        for (step, link) in chain.links.iter().enumerate() {
            for key in &link.keys {
                join(member(step, &key.left), member(step + 1, &key.right));
            }
        }
        for key in chain.together.iter().flat_map(Together::fields) {
            for step in 1..cast.steps {
                join(member(0, key), member(step, key));
            }
        }
        for (index, node) in cast.nodes.iter().enumerate() {
            let Part::Absence { absence, step } = node.part else { continue };
            for AbsenceKey { of, left, right, case: _ } in &absence.keys {
                let step = Cast::of(step, *of);
                join(step.and_then(|step| member(step, left)), member(index, right));
            }
        }
        for (index, node) in cast.nodes.iter().enumerate() {
            for (field, ty) in of_node(node, view) {
                classes.add(Member { node: index, field, ty });
            }
        }
        classes
    }
}

/// The fields of a node, by their names in the source, that a key of either rule could be.
pub(super) fn of_node(node: &Node<'_>, view: View<'_>) -> Vec<(String, Type)> {
    let Some((source, _)) = view.place(node.selection) else { return Vec::new() };
    let mut found: Vec<(String, Type)> = Vec::new();
    for field in view.sides().into_iter().flat_map(named) {
        for name in [field.name.as_str(), node.selection.field(&field.name)] {
            let is_new = !found.iter().any(|(known, _)| known == name);
            if let Some(def) = source.field(name).filter(|_| is_new) {
                found.push((name.to_owned(), def.ty));
            }
        }
    }
    found
}

/// The fields that a rule's clauses around the conditions name.
fn named<'p>(side: &'p Side<'p>) -> Vec<&'p Field> {
    let Chain { total: _, total_is_explicit: _, scope: _, steps, links, together } = &side.rule.chain;
    let keys = links.iter().flat_map(|link| &link.keys).flat_map(|key| [&key.left, &key.right]);
    let shared = together.iter().flat_map(Together::fields);
    let absent = side.rule.chain.absences().flat_map(|absence| &absence.keys);
    let absent = absent.flat_map(|key| [&key.left, &key.right]);
    let counted = steps.iter().filter_map(|step| step.repetition.as_ref());
    let counted = counted.flat_map(Repetition::fields);
    keys.chain(shared).chain(absent).chain(counted).collect()
}

/// A record for each node, with equal keys; `None` if a step has none.
pub(super) fn records<'p>(cast: &Cast<'p>, view: View<'p>) -> Option<Vec<Fields>> {
    let base = |index: usize| {
        let found = cast.base(index, view);
        if index < cast.steps { found } else { Some(found.unwrap_or_default()) }
    };
    let records = (0..cast.nodes.len()).map(base).collect::<Option<Vec<_>>>()?;
    Some(join(cast, records, None, view))
}

/// The records with keys: of equal fields, the value that node `first` has, else any of them. A key that no condition
/// is about has a value for its name, so that it is equal everywhere.
pub(super) fn join(
    cast: &Cast<'_>,
    mut records: Vec<Fields>,
    first: Option<usize>,
    view: View<'_>,
) -> Vec<Fields> {
    let mut names: Vec<String> = Vec::new();
    for class in Classes::new(cast, view).0 {
        let Some(Member { field: name, ty, .. }) = class.first() else { continue };
        let number = names.iter().position(|known| known == name).unwrap_or_else(|| {
            names.push(name.clone());
            names.len() - 1
        });
        let of = |member: &Member| records.get(member.node)?.get(&member.field)?.values().first().cloned();
        let preferred = class.iter().filter(|member| Some(member.node) == first);
        let known = preferred.chain(&class).find_map(of);
        let value = known.unwrap_or_else(|| example::plain(*ty, number));
        for Member { node, field, ty: _ } in class {
            set(cast, &mut records, node, &field, value.clone(), view);
        }
    }
    settle(cast, &mut records, view);
    records
}

/// Gives a field of a node a value, beside those that it has where it can have several.
fn set(cast: &Cast<'_>, records: &mut [Fields], node: usize, field: &str, value: Value, view: View<'_>) {
    let (Some(of), Some(fields)) = (cast.nodes.get(node), records.get_mut(node)) else { return };
    let Some(def) = view.place(of.selection).and_then(|(source, _)| source.field(field)) else { return };
    let held = match fields.get(field) {
        Some(held) if def.many => held.with(value),
        Some(_) | None => Held::of(def, value),
    };
    fields.insert(field.to_owned(), held);
}

/// How the two sides of a comparison can stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sides {
    Equal,
    Less,
    Greater,
}

impl Sides {
    pub(super) const ALL: [Self; 3] = [Self::Equal, Self::Less, Self::Greater];
}

/// The records with the two sides of a comparison at link `link` so.
pub(super) fn compared(
    cast: &Cast<'_>,
    records: &[Fields],
    link: usize,
    (left, right): (&Field, &Field),
    sides: Sides,
    view: View<'_>,
) -> Vec<Fields> {
    let mut records = records.to_vec();
    let [one, other] = match sides {
        Sides::Equal => [60, 60],
        Sides::Less => [60, 61],
        Sides::Greater => [61, 60],
    };
    for (node, field, number) in [(link, left, one), (link + 1, right, other)] {
        let Some(of) = cast.nodes.get(node) else { continue };
        let name = of.selection.field(&field.name).to_owned();
        if let Some(fields) = records.get_mut(node) {
            fields.remove(&name);
        }
        set(cast, &mut records, node, &name, example::plain(field.ty, number), view);
    }
    records
}

/// Makes the comparisons of the rule hold that do not.
fn settle(cast: &Cast<'_>, records: &mut Vec<Fields>, view: View<'_>) {
    for (index, link) in view.own.rule.chain.links.iter().enumerate() {
        for comparison in &link.comparisons {
            let (left, right) = (&comparison.left, &comparison.right);
            let sides = match comparison.op {
                CompareOp::NotEqual | CompareOp::Order(OrderOp::Less | OrderOp::LessEqual) => Sides::Less,
                CompareOp::Order(OrderOp::Greater | OrderOp::GreaterEqual) => Sides::Greater,
            };
            let value = |node: usize, field: &Field| {
                let name = cast.nodes.get(node)?.selection.field(&field.name);
                records.get(node)?.get(name).cloned()
            };
            let [one, other] = [value(index, left), value(index + 1, right)];
            // What conditions and keys have decided stays, where it will do.
            let typed = [&one, &other].map(|held| held.as_ref().and_then(Held::typed));
            let will_do = match (comparison.op, typed) {
                (CompareOp::NotEqual, [Some(one), Some(other)]) => !one.same(&other),
                (CompareOp::Order(_), [Some(one), Some(other)]) => match sides {
                    Sides::Less => one.order(&other).is_some_and(std::cmp::Ordering::is_lt),
                    Sides::Greater | Sides::Equal => one.order(&other).is_some_and(std::cmp::Ordering::is_gt),
                },
                (CompareOp::NotEqual | CompareOp::Order(_), _) => false,
            };
            if !will_do {
                *records = compared(cast, records, index, (left, right), sides, view);
            }
        }
    }
}

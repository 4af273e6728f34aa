//! Lays a condition out as a Sigma detection: named selections, filters, and the expression that joins them.
//!
//! In: a [`Cond`] and the guard of the join keys. Out: a [`Detection`] for serde.
//! Must not know: canonical fields, chains.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashMap;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::cond::{Cond, Item, Meaning, Selection};
use super::literal::{FieldName, Scalar};
use crate::backend::print::{Bind, Frag, phrase};

/// The `detection` of a base rule.
#[derive(Debug)]
pub(super) struct Detection {
    selections: Vec<(String, Selection)>,
    condition: String,
}

impl Detection {
    /// Whether any text in it is compared case-sensitively.
    pub(super) fn is_cased(&self) -> bool {
        self.selections.iter().any(|(_, selection)| selection.is_cased())
    }
}

impl Serialize for Detection {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.selections.len() + 1))?;
        for (name, selection) in &self.selections {
            map.serialize_entry(name, selection)?;
        }
        map.serialize_entry("condition", &self.condition)?;
        map.end()
    }
}

/// The positive tests in one `selection`, every simple exclusion as a `filter_main_…`, and whatever is left as an
/// expression over named selections. `no_key` holds where a join key is missing; `any_field` is some field of the
/// source, for conditions that do not depend on the event.
pub(super) fn detection(cond: Cond, no_key: &Cond, any_field: &FieldName) -> Detection {
    let mut layout = Layout::default();
    let (mut filters, mut positive) = (Vec::new(), Vec::new());
    for part in cond.conjuncts() {
        match &part {
            Cond::Not(inner) => match Selection::of(inner) {
                Some(selection) => filters.push(selection),
                None => positive.push(part),
            },
            Cond::Always | Cond::Never | Cond::Item(_) | Cond::All(_) | Cond::Any(_) => positive.push(part),
        }
    }
    let mut terms = layout.positive(&positive, any_field);
    if let Some(selection) = Selection::of(no_key) {
        layout.add("filter_main_no_key", selection);
    }
    for selection in filters {
        let name = phrase!("filter_main_{}", selection.word());
        layout.add(&name, selection);
    }
    if layout.selections.iter().any(|(name, _)| name.starts_with("filter_main_")) {
        terms.push(Frag::test("not 1 of filter_main_*"));
    }
    if terms.is_empty() {
        terms.push(layout.constant(true, any_field));
    }
    let condition = Frag::join(terms, " and ", Bind::And).text().to_owned();
    Detection { selections: layout.selections, condition }
}

#[derive(Default)]
struct Layout {
    selections: Vec<(String, Selection)>,
    /// What is said already, as a filter or not, and under which name.
    known: HashMap<(bool, Meaning), String>,
    taken: BTreeSet<String>,
    /// The last number that told names like this one apart.
    numbers: BTreeMap<String, usize>,
}

impl Layout {
    fn positive(&mut self, parts: &[Cond], any_field: &FieldName) -> Vec<Frag> {
        let (gathered, rest) = Selection::gather(parts);
        let mut terms: Vec<_> =
            gathered.map(|selection| self.add("selection", selection)).into_iter().collect();
        for part in rest {
            match Selection::of(part) {
                Some(selection) if terms.is_empty() => {
                    terms.push(self.add("selection", selection));
                }
                Some(_) | None => terms.push(self.expression(part, any_field)),
            }
        }
        terms
    }

    fn expression(&mut self, cond: &Cond, any_field: &FieldName) -> Frag {
        if let Some(selection) = Selection::of(cond) {
            let name = phrase!("selection_{}", selection.word());
            return self.add(&name, selection);
        }
        match cond {
            Cond::Not(inner) => {
                Frag::test(phrase!("not {}", self.expression(inner, any_field).inside(Bind::Test)))
            }
            Cond::All(parts) => {
                let (gathered, rest) = Selection::gather(parts);
                let mut terms = Vec::with_capacity(parts.len());
                if let Some(selection) = gathered {
                    let name = phrase!("selection_{}", selection.word());
                    terms.push(self.add(&name, selection));
                }
                terms.extend(rest.into_iter().map(|part| self.expression(part, any_field)));
                Frag::join(terms, " and ", Bind::And)
            }
            Cond::Any(parts) => {
                let terms = parts.iter().map(|part| self.expression(part, any_field)).collect();
                // Joined as if it were `and`: mixed joins then have parentheses, which no reader has to know precedence
                // for.
                Frag::join(terms, " or ", Bind::And)
            }
            Cond::Always | Cond::Item(_) => self.constant(true, any_field),
            Cond::Never => self.constant(false, any_field),
        }
    }

    /// True or false for every event: Sigma has no word for either.
    fn constant(&mut self, truth: bool, any_field: &FieldName) -> Frag {
        let item = Item::cond(any_field, "", vec![Scalar::Null], "");
        let Some(selection) = Selection::of(&item) else { return Frag::atom("selection") };
        let name = self.add("selection_any", selection);
        let word = if truth { "or" } else { "and" };
        Frag::atom(phrase!("({0} {word} not {0})", name.text()))
    }

    /// The name of the selection: that of an equal one of the same kind if there is one, else a new one like `name`.
    fn add(&mut self, name: &str, selection: Selection) -> Frag {
        let said = (name.starts_with("filter_"), selection.meaning());
        if let Some(known) = self.known.get(&said) {
            return Frag::atom(known);
        }
        let mut unique = name.to_owned();
        let number = self.numbers.entry(unique.clone()).or_insert(1);
        while !self.taken.insert(unique.clone()) {
            *number += 1;
            unique = phrase!("{name}_{number}");
        }
        self.known.insert(said, unique.clone());
        self.selections.push((unique.clone(), selection));
        Frag::atom(unique)
    }
}

//! Lays a condition out as a Sigma detection: named selections, filters, and the expression that joins them.
//!
//! In: a [`Cond`] and when a join key is missing. Out: a [`Detection`] for serde.
//! Must not know: canonical fields, chains.

use std::rc::Rc;

use foldhash::HashMap;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::item::{Cond, Item, Selection, conjuncts};
use super::literal::{self, FieldName, Frag, Modifier, Names, Scalar};
use crate::backend::print::Bind;
use crate::backend::truth::Truth;

/// The `detection` of a base rule.
#[derive(Debug)]
pub(super) struct Detection {
    selections: Vec<(Frag, Selection)>,
    condition: Frag,
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
            map.serialize_entry(name.text(), selection)?;
        }
        map.serialize_entry("condition", self.condition.text())?;
        map.end()
    }
}

/// The positive tests in one `selection`, every simple exclusion as a `filter_main_…`, and whatever is left as an
/// expression over named selections. `no_key` holds where a join key is missing; `any_field` is some field of the
/// source, for conditions that do not depend on the event.
pub(super) fn detection(cond: Cond, no_key: &Cond, any_field: FieldName) -> Detection {
    let mut layout = Layout::new(any_field);
    let (mut filters, mut positive) = (Vec::new(), Vec::new());
    for part in conjuncts(cond) {
        let excluded = if let Truth::Not(inner) = &part { Selection::of(inner) } else { None };
        match excluded {
            Some(selection) => filters.push(selection),
            None => positive.push(part),
        }
    }
    let mut terms = layout.all(&positive, true);
    // One selection, or nothing: a key whose absence is more than that is demanded by the condition (see `plan`).
    let no_key = Selection::of(no_key);
    let has_filters = no_key.is_some() || !filters.is_empty();
    if let Some(selection) = no_key {
        layout.add(FILTER, "no_key", selection);
    }
    for selection in filters {
        let about = selection.about().to_owned();
        layout.add(FILTER, &about, selection);
    }
    if has_filters {
        terms.push(literal::no_filter());
    }
    if terms.is_empty() {
        terms.push(layout.constant(true));
    }
    Detection { selections: layout.selections, condition: Frag::join(terms, " and ", Bind::And) }
}

/// How names of selections begin that the condition names.
const SELECTION: &str = "selection";
/// How names of selections begin that the condition excludes, all at once.
const FILTER: &str = "filter_main";

struct Layout {
    any_field: FieldName,
    selections: Vec<(Frag, Selection)>,
    /// The name of each selection.
    known: HashMap<(&'static str, Selection), Frag>,
    names: Names,
}

impl Layout {
    fn new(any_field: FieldName) -> Self {
        Self { any_field, selections: Vec::new(), known: HashMap::default(), names: Names::default() }
    }

    /// Terms for all parts. If they are the `main` ones, the first selection is just called that.
    fn all(&mut self, parts: &[Cond], main: bool) -> Vec<Frag> {
        let (gathered, rest) = Selection::gather(parts);
        let mut terms: Vec<_> =
            gathered.map(|selection| self.selection(selection, main)).into_iter().collect();
        for part in rest {
            terms.push(self.expression(part, main && terms.is_empty()));
        }
        terms
    }

    fn expression(&mut self, cond: &Cond, main: bool) -> Frag {
        if let Some(selection) = Selection::of(cond) {
            return self.selection(selection, main);
        }
        match cond {
            Truth::Always(truth) => self.constant(*truth),
            Truth::Test(item) => self.selection(Selection::item(item), main),
            Truth::Not(inner) => literal::not(&self.expression(inner, false)),
            Truth::All(parts) => Frag::join(self.all(parts, false), " and ", Bind::And),
            Truth::Any(parts) => {
                let terms = parts.iter().map(|part| self.expression(part, false)).collect();
                // Joined as if it were `and`: mixed joins then have parentheses, which no reader has to know precedence
                // for.
                Frag::join(terms, " or ", Bind::And)
            }
        }
    }

    /// True or false for every event: Sigma has no word for either.
    fn constant(&mut self, truth: bool) -> Frag {
        let field = self.any_field.clone();
        let item =
            Item { field, modifier: Modifier::PLAIN, values: vec![Scalar::Null], about: "any".to_owned() };
        let name = self.selection(Selection::item(&Rc::new(item)), false);
        literal::constant(&name, truth)
    }

    fn selection(&mut self, selection: Selection, main: bool) -> Frag {
        let about = if main { String::new() } else { selection.about().to_owned() };
        self.add(SELECTION, &about, selection)
    }

    /// The name of the selection: that of an equal one whose name begins alike, or else a new one.
    fn add(&mut self, prefix: &'static str, about: &str, selection: Selection) -> Frag {
        // By prefix as well: `not 1 of filter_main_*` excludes whatever has such a name, and an equal selection may be
        // demanded elsewhere.
        let said = (prefix, selection);
        if let Some(known) = self.known.get(&said) {
            return known.clone();
        }
        let name = self.names.unused(prefix, about);
        self.selections.push((name.clone(), said.1.clone()));
        self.known.insert(said, name.clone());
        name
    }
}

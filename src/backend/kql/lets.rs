//! What stands at the top of a query under a name, where an analyst tunes it: windows and allowlists.
//!
//! In: values with the names that the rule gives them. Out: names for the query, and the statements. Must not know:
//! steps, joins, what the values mean.

use super::Kql;
use super::literal::{self, Frag};
use crate::backend::bind::{Bound, BoundStep};

/// A name and its value.
#[derive(Debug, Clone)]
pub(super) struct Let {
    /// Its name.
    pub(super) name: Frag,
    /// Its value.
    pub(super) value: Frag,
}

/// The names declared so far.
pub(super) struct Lets<'b, 'a> {
    steps: &'b [BoundStep<'a, Kql>],
    found: Vec<Let>,
}

/// Functions and types that a query calls; they are no names for a value.
const TAKEN: &[&str] = &[
    "ago",
    "arg_max",
    "array_length",
    "bin",
    "bool",
    "case",
    "coalesce",
    "datetime",
    "distinct",
    "dynamic",
    "extend",
    "extract",
    "hash_sha256",
    "iff",
    "isempty",
    "isnotempty",
    "isnotnull",
    "isnull",
    "join",
    "let",
    "matches",
    "not",
    "now",
    "null",
    "pack_array",
    "parse_ipv6",
    "parse_json",
    "real",
    "regex",
    "startofday",
    "summarize",
    "todatetime",
    "todouble",
    "tolong",
    "tostring",
];

impl<'b, 'a> Lets<'b, 'a> {
    /// None yet.
    pub(super) fn new(bound: &'b Bound<'a, Kql>) -> Self {
        Self { steps: &bound.steps, found: Vec::new() }
    }

    /// The name of a value: the one that is wanted, with `suffix` where that means something else in the query.
    pub(super) fn name(&mut self, wanted: &str, suffix: &'static str, value: Frag) -> Frag {
        let mut text = wanted.to_owned();
        loop {
            let name = literal::name(&text);
            let known = self.found.iter().find(|known| known.name == name);
            if known.is_some_and(|known| known.value == value) {
                return name;
            }
            if known.is_none() && !self.is_taken(&text) {
                self.found.push(Let { name: name.clone(), value });
                return name;
            }
            text.push_str(suffix);
        }
    }

    /// The statements, in order of declaration.
    pub(super) fn into_statements(self) -> Vec<Let> {
        self.found
    }

    /// Kusto takes a name for a column where it can, so that a value under the name of one would not be read at all.
    fn is_taken(&self, name: &str) -> bool {
        TAKEN.contains(&name)
            || ["step_", "chain_"].iter().any(|own| name.starts_with(own))
            || self.steps.iter().any(|step| is_column(step, name))
    }
}

/// Whether the step has a column of the name, or an expression that reads something of it.
fn is_column(step: &BoundStep<'_, Kql>, name: &str) -> bool {
    let of_step = name.strip_prefix(step.name.node.as_str()).and_then(|rest| rest.strip_prefix('_'));
    if of_step == Some("time") {
        return true;
    }
    let is_field = || step.main.schema.fields.keys().any(|field| step.column_name(field) == name);
    if of_step.is_some() && is_field() {
        return true;
    }
    let columns = step.main.schema.fields.values().flat_map(|field| &field.variants);
    let mut columns = columns.filter_map(|variant| variant.column.as_ref().ok());
    let mapping = &step.main.schema.mapping;
    let of_table = [Some(&mapping.table), mapping.filter.as_ref(), Some(&mapping.time)];
    of_table.into_iter().flatten().any(|text| text.text().contains(name))
        || columns.any(|column| match &column.name {
            Some(known) => known == name,
            None => column.value.text().contains(name),
        })
}

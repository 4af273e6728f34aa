//! What stands at the top of a query under a name, where an analyst tunes it: windows and allowlists.
//!
//! In: values with the names that the rule gives them. Out: names for the query, and the statements. Must not know:
//! steps, joins, what the values mean.

use super::Kql;
use super::literal::{self, Frag};
use crate::backend::bind::{Bound, BoundAbsence, BoundSelection};
use crate::ir;

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
    bound: &'b Bound<'a, Kql>,
    found: Vec<Let>,
}

/// Functions and types that a query calls; they are no names for a value.
const TAKEN: &[&str] = &[
    "ago",
    "arg_max",
    "array_length",
    "array_sort_desc",
    "bin",
    "bool",
    "case",
    "coalesce",
    "count",
    "countif",
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
    "long",
    "make_list",
    "matches",
    "max",
    "max_of",
    "min",
    "not",
    "now",
    "null",
    "pack_array",
    "parse_ipv6",
    "parse_json",
    "real",
    "regex",
    "startofday",
    "strcat",
    "summarize",
    "todatetime",
    "todouble",
    "tolong",
    "tolower",
    "tostring",
    "union",
];

impl<'b, 'a> Lets<'b, 'a> {
    /// None yet.
    pub(super) fn new(bound: &'b Bound<'a, Kql>) -> Self {
        Self { bound, found: Vec::new() }
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
        let of_steps = self.bound.steps.iter().flat_map(|step| {
            let own = step.selections().map(|selection| (step.name.node.as_str(), selection));
            own.chain(step.absences.iter().flat_map(selections))
        });
        let of_links = self.bound.links.iter().flat_map(|link| &link.absences).flat_map(selections);
        TAKEN.contains(&name)
            || ["step_", "chain_", "absent_", "end_"].iter().any(|own| name.starts_with(own))
            || of_steps.chain(of_links).any(|(of, selection)| is_column(of, selection, name))
    }
}

fn selections<'b, 'a>(
    absence: &'b BoundAbsence<'a, Kql>,
) -> impl Iterator<Item = (&'b str, &'b BoundSelection<'a, Kql>)> {
    absence.selections.iter().map(|selection| (absence.name.as_str(), selection))
}

/// Whether what is read under the name `of` has a column of the name, or an expression that reads something of it.
fn is_column(of: &str, selection: &BoundSelection<'_, Kql>, name: &str) -> bool {
    let own = name.strip_prefix(of).and_then(|rest| rest.strip_prefix('_'));
    if own.is_some_and(|own| ["time", ir::COUNT, ir::FIRST_TIME].contains(&own)) {
        return true;
    }
    // An alternative may rename a field.
    let renamed = || selection.keys.iter().chain(&selection.reads).map(|field| field.name);
    let outputs = || selection.outputs.iter().map(|output| output.field.name);
    let fields = selection.schema.fields.keys().map(String::as_str);
    if own.is_some()
        && fields.chain(renamed()).chain(outputs()).any(|field| ir::column_name(of, field) == name)
    {
        return true;
    }
    let columns = selection.schema.fields.values().flat_map(|field| &field.variants);
    let mut columns = columns.filter_map(|variant| variant.column.as_ref().ok());
    let mapping = &selection.schema.mapping;
    let of_table = [Some(&mapping.table), mapping.filter.as_ref(), Some(&mapping.time)];
    of_table.into_iter().flatten().any(|text| text.text().contains(name))
        || columns.any(|column| match &column.name {
            Some(known) => known == name,
            None => column.value.text().contains(name),
        })
}

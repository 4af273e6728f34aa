//! What the source files state for Sigma: log sources, and columns as field names or cases over them.
//!
//! In: the entries of a mapping, the options of a column. Out: [`Mapping`], [`Column`], or errors at what cannot be
//! used. Must not know: rules, steps, tests.

use indexmap::IndexMap;

use super::literal::FieldName;
use crate::backend::schema::cases::Case;
use crate::backend::schema::{ColumnReader, MappingReader, Place};
use crate::catalog::Stored;

/// A log source.
#[derive(Debug)]
pub(in crate::backend) struct Mapping {
    /// `category`, `product` and `service`, as far as they are stated.
    pub(super) words: IndexMap<&'static str, String>,
    /// What must be configured, in words.
    pub(super) definition: Option<String>,
}

/// One way to read a field.
#[derive(Debug)]
pub(in crate::backend) enum Column {
    /// A field of the record, and how it stores the value, where that is not the type of the canonical field.
    Field(FieldName, Option<Stored>),
    /// The first case whose condition holds gives the value.
    Cases(Vec<Case<When>>),
}

/// Fields, and the text that each of them has; `None`: it has no value.
pub(in crate::backend) type When = Vec<(FieldName, Option<String>)>;

/// Reads a mapping.
pub(super) fn mapping(reader: &mut MappingReader<'_>) -> Mapping {
    let words = ["category", "product", "service"].map(|key| Some((key, reader.word(key)?.to_owned())));
    let words: IndexMap<_, _> = words.into_iter().flatten().collect();
    if words.values().all(|word| word.trim().is_empty()) {
        reader.required("words", "");
    }
    Mapping { words, definition: reader.word("definition").map(str::to_owned) }
}

/// Reads a column.
pub(super) fn column(reader: &mut ColumnReader<'_>) -> Option<Column> {
    if reader.multi() {
        reader.is_wider("the field holds the values of all items of an event together");
    }
    reader.wording();
    let place = reader.place()?;
    let mut name = |option, text: &str| {
        let found = FieldName::new(text);
        if found.is_none() {
            let problem = format!("`{text}` is not a field name: letters, digits, `_`, `.` and `-`");
            reader.invalid(option, &problem);
        }
        found
    };
    let field = match place {
        Place::Field(text) => name("field", text),
        Place::Path(text) => name("path", text),
        Place::Item(text) => name("item", text),
        Place::Expr(..) => {
            reader.invalid("expr", "Sigma has no expressions");
            None
        }
        Place::Cases(cases) => {
            let mut when =
                |(field, value): (&String, &Option<String>)| Some((name("cases", field)?, value.clone()));
            let read = Case::read(&cases, |case| case.when.iter().map(&mut when).collect());
            return read.map(Column::Cases);
        }
    };
    Some(Column::Field(field?, reader.stored))
}

//! What the source files state for EQL: indexes, and columns as fields of Elastic's documents.
//!
//! In: the entries of a mapping, the options of a column. Out: [`Mapping`], [`Column`], or errors at what cannot be
//! used. Must not know: rules, steps, tests.

use super::cases::{self, Held};
use super::literal::{self, Frag};
use super::validate;
use crate::backend::schema::cases::Case;
use crate::backend::schema::{ColumnReader, MappingReader, Place};
use crate::backend::truth::unique;
use crate::catalog::{Single, Stored, TextOf};
use crate::ir::Type;

/// Where the events of a source are.
#[derive(Debug)]
pub(in crate::backend) struct Mapping {
    /// The pattern of its indexes.
    pub(super) index: String,
    /// What holds for the source's events, where the indexes have others too.
    pub(super) filter: Option<Frag>,
    /// The `event.category` of its events; `any` if they have several or none.
    pub(super) category: Frag,
}

/// A field of Elastic's documents.
#[derive(Debug)]
pub(in crate::backend) struct Column {
    /// Its name.
    pub(super) name: Frag,
    /// How Elasticsearch holds it.
    pub(super) kind: Kind,
    /// Whether it holds the values of all items of an event together.
    pub(super) multi: bool,
    /// A text that may have values which the field lacks.
    pub(super) text: Option<TextOf>,
    /// How the only value is told from the others.
    pub(super) single: Option<Single>,
    /// Which texts that mean "no value" the field can hold.
    empty: Empty,
    /// What alerts have of it.
    pub(super) on_alerts: OnAlerts,
    /// The cases from which its value follows; none where the field holds it.
    pub(super) cases: Vec<Case<Vec<Held>>>,
}

/// Texts that mean "no value" and that Elastic keeps: a field which holds one exists, by the documentation of the
/// `exists` query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Empty {
    /// The empty text, and the placeholder if there is one.
    Kept,
    /// The integration drops both.
    Dropped,
    /// The integration drops the empty text, and keeps the placeholder in this column.
    PlaceholderKept,
}

/// How Elasticsearch holds a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Bool,
    Ip,
    Date,
}

/// What an alert has of a field of its event.
#[derive(Debug)]
pub(super) enum OnAlerts {
    /// The field itself.
    Same,
    /// Another field that names the same.
    Other(Frag),
    /// Nothing.
    Nothing,
}

impl Column {
    /// The texts that mean "no value": none where it does not hold one text.
    pub(super) fn absent<'a>(&self, placeholders: &'a [String]) -> Vec<&'a str> {
        if self.kind != Kind::Text || self.multi {
            return Vec::new();
        }
        let placeholders = placeholders.iter().map(String::as_str);
        match self.empty {
            Empty::Kept => unique(std::iter::once("").chain(placeholders).collect()),
            Empty::Dropped => Vec::new(),
            Empty::PlaceholderKept => placeholders.collect(),
        }
    }
}

/// The word of `words: empty`: the integration drops empty texts and the placeholder of the source.
const DROPPED: &str = "dropped";

/// Reads a mapping.
pub(super) fn mapping(reader: &mut MappingReader<'_>) -> Option<Mapping> {
    let (index, filter, time) = (reader.homes(), reader.filter(), reader.time());
    reader.heeds_lag();
    if time.is_some_and(|time| time != "@timestamp") {
        let problem =
            "events are ordered by `@timestamp`; how much later it is than the event is the `time_lag`";
        reader.invalid("time", problem);
    }
    // What no index is called, nor a pattern of them:
    // <https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-indices-create>.
    let no_index = |c: char| c.is_whitespace() || matches!(c, '\\' | '"' | '|' | '?' | '#' | '`');
    if index.is_some_and(|index| index.iter().any(|home| home.contains(no_index))) {
        reader.invalid("from", "an index or a pattern of indices; a condition is the `filter`");
    }
    let filter = filter.and_then(|text| match validate::filter(text) {
        Ok(joined) => Some(literal::filter(text, joined)),
        Err(problem) => {
            reader.invalid("filter", &problem);
            None
        }
    });
    if reader.word("empty").is_some_and(|word| word != DROPPED) {
        reader.invalid("words: empty", "the only word is `dropped`");
    }
    let category = match reader.word("category") {
        Some(name) if !validate::is_category(name) => {
            reader.invalid(
                "words: category",
                "it is no category of Elastic's common schema, such as `network`",
            );
            return None;
        }
        Some(name) => literal::category(name),
        None => literal::category("any"),
    };
    Some(Mapping { index: index?.join(","), filter, category })
}

/// Reads a column.
pub(super) fn column(reader: &mut ColumnReader<'_>) -> Option<Column> {
    let (multi, text, single) = (reader.multi(), reader.text().cloned(), reader.single().cloned());
    let alert_field = reader.alert_field();
    reader.wording();
    let empty = match (reader.word("empty") == Some(DROPPED), reader.has_placeholder()) {
        (false, _) => Empty::Kept,
        (true, false) => Empty::Dropped,
        (true, true) => Empty::PlaceholderKept,
    };
    let kind = kind(reader.def.ty, reader.stored);
    if kind.is_none() && !matches!(reader.place(), Some(Place::Cases(_))) {
        reader.invalid("stored", "Elasticsearch cannot compare it as a value of the field's type");
    }
    let option = match reader.place()? {
        Place::Field(field) => {
            let on_alerts = match alert_field {
                Some("") => OnAlerts::Nothing,
                Some(other) => OnAlerts::Other(literal::field(other)),
                None if !multi && is_on_alerts(field) => OnAlerts::Same,
                None => OnAlerts::Nothing,
            };
            let name = literal::field(field);
            let cases = Vec::new();
            return Some(Column { name, kind: kind?, multi, text, single, empty, on_alerts, cases });
        }
        Place::Cases(stated) => {
            let Some(cases) = cases::read(&stated, reader.stored) else {
                reader.invalid("stored", "a case does not hold a value of this form");
                return None;
            };
            // Its name is that of one of the fields: tests go by the cases, and nothing joins by it.
            let name = cases::fields(&cases).next().cloned().unwrap_or_else(|| literal::field("event.kind"));
            let (kind, on_alerts) = (Kind::Text, OnAlerts::Nothing);
            return Some(Column { name, kind, multi, text, single, empty, on_alerts, cases });
        }
        Place::Path(_) => "path",
        Place::Item(_) => "item",
        Place::Expr(..) => "expr",
    };
    reader.invalid(option, "EQL only reads fields of a document: state the column as `field`");
    None
}

fn kind(ty: Type, stored: Option<Stored>) -> Option<Kind> {
    match (ty, stored) {
        // Elasticsearch orders keyword values letter by letter, not by the instants that they name.
        (Type::Time, Some(Stored::String)) => None,
        (_, Some(Stored::String)) | (Type::String, None) => Some(Kind::Text),
        (Type::Int | Type::Float, None | Some(Stored::Number)) => Some(Kind::Number),
        (Type::Bool, None | Some(Stored::Bool)) => Some(Kind::Bool),
        (Type::Ip, None) => Some(Kind::Ip),
        (Type::Time, None | Some(Stored::Time)) => Some(Kind::Date),
        (_, Some(Stored::Number | Stored::Bool | Stored::Time)) => None,
    }
}

/// Field sets of Elastic's common schema, which is what the alerts index can search; `data_stream` and `related.entity`
/// are not mapped there, nor is anything of an integration's own.
const ON_ALERTS: &str = "agent client cloud container destination device dll dns email event file group host http \
    network observer orchestrator organization package process registry rule server service source threat tls trace \
    url user user_agent vulnerability";

fn is_on_alerts(field: &str) -> bool {
    let set = field.split('.').next();
    ON_ALERTS.split(' ').any(|known| Some(known) == set)
}

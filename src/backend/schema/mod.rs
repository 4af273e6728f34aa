//! What each target makes of the sources: their mappings and columns, read once into the target's own types.
//!
//! In: the catalog; what a target says it can use. Out: a [`Schema`] for each target, or errors at the places in the
//! source or environment file where something is stated that the target cannot use, lacks, or would ignore. Must not
//! know: rules, and what a target makes of a column.

pub(in crate::backend) mod cases;
mod column;
mod inexact;
mod mapping;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::net::IpAddr;
use std::sync::OnceLock;

use super::Schemas;
use crate::catalog::{
    Catalog, Column, FieldDef, Group, Groups, LetterCase, Mapped, Raw, RawVariant, Source, SourceMapping,
};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::ir::Type;

pub(in crate::backend) use column::{ColumnReader, Place};
pub(in crate::backend) use inexact::Inexact;
pub(in crate::backend) use mapping::MappingReader;

/// Where the schema of a target is kept; every target of the list has one.
pub(in crate::backend) trait Listed {
    /// The target's schema.
    fn schema(schemas: &Schemas) -> &Schema<Self>
    where
        Self: Dialect;
}

/// What a target makes of the entries of a source.
pub(in crate::backend) trait Dialect: Listed + Debug + Sized + Sync + 'static {
    /// Short name, the key of the target in the sources: `spl`, `sigma`, `kql`, `eql`.
    const NAME: &'static str;
    /// For headings and messages, such as "Splunk SPL".
    const TITLE: &'static str;

    /// What it knows of a source as a whole.
    type Mapping: Debug + Send + Sync;
    /// One way to read a field.
    type Column: Debug + Send + Sync;

    /// Reads what a source states for the target. What it cannot use it tells the reader.
    fn mapping(reader: &mut MappingReader<'_>) -> Option<Self::Mapping>;

    /// Reads one variant of a column. What it cannot use it tells the reader.
    fn column(reader: &mut ColumnReader<'_>) -> Option<Self::Column>;

    /// Whether its tables hold events as they were logged. Then a source needs no mapping, and a field no column: it is
    /// read as `raw` says.
    const READS_LOG: bool = false;

    /// Reads one way in which the log has a field; why its table does not have that, if it does not.
    fn logged(
        _mapping: &Self::Mapping,
        _source: &Source,
        _def: &FieldDef,
        _raw: &RawVariant,
    ) -> Result<Self::Column, String> {
        Err("the target reads columns, not the log".to_owned())
    }

    /// What must hold of the table where a field is read in one way.
    fn presumed(_mapping: &Self::Mapping, _raw: &RawVariant) -> Option<String> {
        None
    }

    /// Why a column of the discriminator cannot select between the variants of another column, if it cannot.
    fn undecided(_action: &Self::Column) -> Option<&'static str> {
        None
    }
}

/// What a target makes of the sources.
#[derive(Debug)]
pub(in crate::backend) struct Schema<B: Dialect> {
    /// By name. What is built in is read when a rule asks for it: most rules name one or two sources.
    sources: BTreeMap<String, OnceLock<Read<B>>>,
}

/// What came of reading a source for a target.
#[derive(Debug)]
enum Read<B: Dialect> {
    /// The file has an error.
    Broken,
    /// It has no mapping for the target.
    Unmapped,
    /// All of it.
    Sound(SourceSchema<B>),
}

/// What a target makes of a source.
#[derive(Debug)]
pub(in crate::backend) struct SourceSchema<B: Dialect> {
    /// The source as a whole.
    pub(in crate::backend) mapping: B::Mapping,
    /// By how many seconds the target's clock may be later than the event.
    pub(in crate::backend) lag: u64,
    /// Why, if the file says so.
    pub(in crate::backend) lag_reason: Option<String>,
    /// What must be configured.
    pub(in crate::backend) requires: Vec<String>,
    /// Its fields, sorted by name; those for which the target has no column are not among them.
    pub(in crate::backend) fields: BTreeMap<String, FieldSchema<B::Column>>,
}

/// What a target makes of a field.
#[derive(Debug)]
pub(in crate::backend) struct FieldSchema<C> {
    /// Its type.
    pub(in crate::backend) ty: Type,
    /// What is known of the letter case of its values.
    pub(in crate::backend) spelling: Option<LetterCase>,
    /// The variants of its column; never empty, and the last one names no actions.
    pub(in crate::backend) variants: Vec<Variant<C>>,
    /// What must be configured.
    pub(in crate::backend) requires: Option<String>,
}

/// One way to read a field.
#[derive(Debug)]
pub(in crate::backend) struct Variant<C> {
    /// The actions of the events that it is for; none: of all others.
    pub(in crate::backend) actions: Vec<String>,
    /// The column, or why there is none.
    pub(in crate::backend) column: Result<C, Unavailable>,
    /// The values that it can have, where it translates what is stored; nothing where it can have any.
    pub(in crate::backend) gives: Option<Vec<String>>,
    /// The stored texts that mean "no value": the column's own or else the source's, and the field's.
    pub(in crate::backend) placeholders: Vec<String>,
    /// Why it is not exactly the field; mostly nothing.
    pub(in crate::backend) inexact: Vec<Inexact>,
    /// What must be configured.
    pub(in crate::backend) requires: Option<String>,
}

/// Why a target cannot see a field.
#[derive(Debug)]
pub(in crate::backend) struct Unavailable {
    /// In words.
    pub(in crate::backend) reason: String,
    /// Fields to use instead.
    pub(in crate::backend) instead: Vec<String>,
}

/// A source as a target knows it.
pub(in crate::backend) enum Known<'a, B: Dialect> {
    /// Its file has an error, which has been reported.
    Broken,
    /// The target has no mapping for it.
    Unmapped,
    /// Without a fault.
    Sound(&'a SourceSchema<B>),
}

impl<B: Dialect> Schema<B> {
    /// Reads the sources of the organisation. What is wrong with them goes to `diags`.
    pub(in crate::backend) fn read(catalog: &Catalog, diags: &mut Diagnostics) -> Self {
        let sources = catalog.names().map(|name| {
            let read = (!catalog.is_as_built_in(name)).then(|| Read::of(catalog, name, diags));
            (name.to_owned(), read.map_or_else(OnceLock::new, OnceLock::from))
        });
        Self { sources: sources.collect() }
    }

    /// The source of a name.
    pub(in crate::backend) fn source(&self, name: &str, catalog: &Catalog) -> Known<'_, B> {
        let Some(source) = self.sources.get(name) else { return Known::Unmapped };
        match source.get_or_init(|| Read::of(catalog, name, &mut Diagnostics::default())) {
            Read::Broken => Known::Broken,
            Read::Unmapped => Known::Unmapped,
            Read::Sound(source) => Known::Sound(source),
        }
    }
}

impl<B: Dialect> Read<B> {
    fn of(catalog: &Catalog, name: &str, diags: &mut Diagnostics) -> Self {
        let Some(source) = catalog.source(name) else { return Self::Broken };
        let as_logged = SourceMapping::default();
        let stated = source.targets.get(B::NAME).or(B::READS_LOG.then_some(&as_logged));
        let Some(mapping) = stated.filter(|mapping| !mapping.not_held) else { return Self::Unmapped };
        let mut faults = Vec::new();
        // One fault spoils the source: a query over what is left of it could lose a filter or a field in silence.
        let read = SourceSchema::read(source, mapping, &mut faults).filter(|_| faults.is_empty());
        diags.extend_with(faults);
        read.map_or(Self::Broken, Self::Sound)
    }
}

impl<B: Dialect> SourceSchema<B> {
    fn read(source: &Source, stated: &SourceMapping, faults: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut reader = MappingReader::new::<B>(source, stated);
        let mapping = B::mapping(&mut reader);
        faults.extend(reader.finish());
        let mut fields = BTreeMap::new();
        for def in source.fields.values() {
            let read = match def.columns.get(B::NAME) {
                Some(column) => field::<B>(source, def, column, faults),
                None if B::READS_LOG => {
                    mapping.as_ref().and_then(|mapping| logged::<B>(mapping, source, def))
                }
                None => None,
            };
            fields.extend(read.map(|read| (def.name.clone(), read)));
        }
        // A broken column of the action has been reported; that it cannot decide would only follow from it.
        if faults.is_empty() {
            faults.extend(undecided::<B>(source, &fields));
        }
        let (lag_reason, requires) = (stated.time_reason.clone(), stated.requires.clone());
        Some(Self { mapping: mapping?, lag: stated.time_lag, lag_reason, requires, fields })
    }
}

/// A field, unless something is wrong with its column.
fn field<B: Dialect>(
    source: &Source,
    def: &FieldDef,
    column: &Column,
    faults: &mut Vec<Diagnostic>,
) -> Option<FieldSchema<B::Column>> {
    let FieldDef {
        name: _,
        ty,
        description: _,
        values: _,
        in_group: _,
        spelling,
        weak_key: _,
        requires,
        absent_for: _,
        digits: _,
        raw: _,
        // Those who write a rule decide how it compares and what of it they ask for.
        fold: _,
        many: _,
        // Of every column.
        placeholders: _,
        columns: _,
    } = def;
    let stated = column.variants();
    let read = |(index, mapped)| {
        let number = (stated.len() > 1).then_some(index);
        variant::<B>(source, def, mapped, number, faults)
    };
    let variants: Vec<_> = stated.iter().enumerate().map(read).collect();
    let variants = variants.into_iter().collect::<Option<Vec<_>>>()?;
    Some(FieldSchema { ty: *ty, spelling: *spelling, variants, requires: requires.clone() })
}

/// A field as the log has it.
fn logged<B: Dialect>(
    mapping: &B::Mapping,
    source: &Source,
    def: &FieldDef,
) -> Option<FieldSchema<B::Column>> {
    let variant = |raw: &RawVariant| Variant {
        actions: raw.for_actions.clone(),
        column: B::logged(mapping, source, def, raw)
            .map_err(|reason| Unavailable { reason, instead: Vec::new() }),
        gives: (!raw.map.is_empty())
            .then(|| raw.map.values().chain(&raw.absent).chain(&raw.otherwise).cloned().collect()),
        placeholders: Vec::new(),
        inexact: Vec::new(),
        requires: B::presumed(mapping, raw),
    };
    let variants: Vec<_> = match def.raw.as_ref()? {
        Raw::Path(path) => {
            vec![variant(&RawVariant { path: Some(path.clone()), ..RawVariant::default() })]
        }
        Raw::Variants(stated) => stated.iter().map(variant).collect(),
    };
    let requires = def.requires.clone();
    Some(FieldSchema { ty: def.ty, spelling: def.spelling, variants, requires })
}

fn variant<B: Dialect>(
    source: &Source,
    def: &FieldDef,
    mapped: &Mapped,
    number: Option<usize>,
    faults: &mut Vec<Diagnostic>,
) -> Option<Variant<B::Column>> {
    let mut reader = ColumnReader::new::<B>(source, def, mapped, number);
    let column = match &mapped.unavailable {
        Some(reason) => Some(Err(Unavailable { reason: reason.clone(), instead: mapped.instead.clone() })),
        None if reader.has_name() => B::column(&mut reader).map(Ok),
        None => None,
    };
    if matches!(column, Some(Ok(_))) {
        reader.heeds_items(mapped, def.columns.get(B::NAME).map(Column::variants).unwrap_or_default());
    }
    let (inexact, found) = reader.finish();
    faults.extend(found);
    let stored = mapped.placeholder.as_ref().map_or(source.placeholder.0.as_slice(), std::slice::from_ref);
    let placeholders = [stored, &def.placeholders].concat();
    let mistaken = placeholders.iter().find(|text| reads_as(def.ty, text)).map(|text| Unavailable {
        reason: format!("`{text}` means \"no value\", and a query would take it for a value"),
        instead: Vec::new(),
    });
    Some(Variant {
        actions: mapped.for_actions.clone(),
        column: column?.and_then(|column| mistaken.map_or(Ok(column), Err)),
        gives: given(mapped),
        placeholders,
        inexact,
        requires: mapped.requires.clone(),
    })
}

/// The values of a column that translates what is stored, or is derived from it.
fn given(mapped: &Mapped) -> Option<Vec<String>> {
    let cases = mapped.cases();
    // The empty text stands for a missing value.
    let values = cases.into_iter().map(|case| case.value).filter(|value| !value.is_empty());
    Some(values.collect::<Vec<_>>()).filter(|values| !values.is_empty())
}

/// Whether a text, once it is read as a value of a type, is one like any other.
fn reads_as(ty: Type, text: &str) -> bool {
    match ty {
        // As a text it is still itself.
        Type::String => false,
        Type::Int | Type::Float | Type::Time => text.trim().parse::<f64>().is_ok(),
        Type::Bool => text.parse::<bool>().is_ok(),
        Type::Ip => text.parse::<IpAddr>().is_ok(),
    }
}

/// Variants are told apart by the action, so the target must be able to read it.
fn undecided<B: Dialect>(
    source: &Source,
    fields: &BTreeMap<String, FieldSchema<B::Column>>,
) -> Option<Diagnostic> {
    let (name, _) = fields.iter().find(|(_, field)| field.variants.len() > 1)?;
    let reason = match fields.get(&source.discriminator).map(|field| field.variants.as_slice()) {
        Some([Variant { column: Ok(action), .. }]) => B::undecided(action)?,
        Some(_) => "it has several variants itself, or is not available",
        None => "it has no column",
    };
    let action = &source.discriminator;
    let title = format!("`{action}` cannot decide between the variants of `{name}` in {}", B::TITLE);
    let span = source.place(&["fields", name, "columns", B::NAME]);
    let found = Diagnostic::new(Code::SettingsInvalid, span, title).label(reason);
    Some(found.help(format!("give `{action}` a column that holds the action as it is")))
}

/// What a target makes use of in a source: whatever else is stated for it is an error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reads {
    /// Of a mapping's `from`, `filter`, `time` and `time_lag`.
    pub entries: Vec<&'static str>,
    /// Keys of a mapping's `words`.
    pub words: Vec<&'static str>,
    /// Of a column's `multi`, `text` and `alert_field`.
    pub options: Vec<&'static str>,
}

impl Reads {
    fn add(known: &mut Vec<&'static str>, name: &'static str) {
        if !known.contains(&name) {
            known.push(name);
        }
    }
}

/// What a target makes use of: what it asks for, when it is given a source that states nothing.
pub(in crate::backend) fn reads<B: Dialect>() -> Reads {
    // With a group, as targets ask where its items are.
    let (mut source, stated) = (Source::nothing(), SourceMapping::default());
    source.group = Groups(vec![Group::at("items")]);
    let mut mapping = MappingReader::new::<B>(&source, &stated);
    B::mapping(&mut mapping);
    let def = FieldDef::plain("field", Type::String);
    let mapped = Mapped { field: Some("field".to_owned()), ..Mapped::default() };
    let mut column = ColumnReader::new::<B>(&source, &def, &mapped, None);
    B::column(&mut column);
    Reads { options: column.into_reads(), ..mapping.into_reads() }
}

/// What is said of something that a target ignores: label and help.
const IGNORED: (&str, &str) = (
    "the query would be written without it",
    "remove it from the source file or from `catena.yaml`; what it says can be a test in the rule",
);

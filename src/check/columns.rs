//! Columns of lookups in conditions: a test of a column becomes a test of the key.
//!
//! In: a test whose field is a column. Out: the test that the key is among those of the rows that pass: an allowlist of
//! the rule, so that long ones are delivered as allowlists are. Where there is no row, no cell or no key, both tests
//! are false.
//! Must not know: how a table was read.

use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::diag::{Code, Diagnostic};
use crate::ir::{self, Case, Entry, FieldTest, List, LookupTest, OrderOp, Pred, TestKind};
use crate::source::{Span, Spanned};
use crate::syntax::ast::{self, Name, PredKind};

use super::lookups::{self, Looked, Rows};
use super::names::{self, Names, Subject};
use super::resolutions::Meaning;
use super::sink::Sink;
use super::values;

/// A field of the record that a condition reads, or a column of a lookup.
pub(super) fn field(
    names: &Names<'_>,
    sink: &mut Sink,
    subject: Subject<'_>,
    name: &Name,
) -> Option<ir::Field> {
    let Some(looked) = of(names, subject, &name.node) else {
        return names::field(names, sink, subject, name);
    };
    let prefix = u32::try_from(looked.ast.name.node.len()).unwrap_or_default();
    let prefix = Span { end: name.span.start.saturating_add(prefix).min(name.span.end), ..name.span };
    sink.resolve(prefix, Meaning::Lookup(looked.ast.name.span));
    let is_meant =
        |(column, _): &&(&Name, ir::Type)| name.node.split_once('.').is_some_and(|(_, c)| c == column.node);
    let column = looked.columns.iter().find(is_meant);
    // What was declared wrong has been reported where it is declared.
    if column.is_none() && looked.is_right {
        sink.report(lookups::unknown_column(looked, name));
    }
    key(names, sink, subject, looked, name.span)?;
    let (_, ty) = column?;
    Some(ir::Field { name: name.node.clone(), ty: *ty, span: name.span })
}

/// The lookup whose column a name in a condition means: a field of the source comes first.
fn of<'n, 'a>(names: &'n Names<'a>, subject: Subject<'_>, name: &str) -> Option<&'n Looked<'a>> {
    let looked = names.lookups.of_column(name)?;
    subject.source?.field(name).is_none().then_some(looked)
}

/// A column where a field with several values is asked for.
pub(super) fn of_one_value(names: &Names<'_>, subject: Subject<'_>, name: &Name) -> Option<ir::Field> {
    of(names, subject, &name.node)?;
    Some(ir::Field { name: name.node.clone(), ty: ir::Type::String, span: name.span })
}

/// The field of the record that has the key.
fn key(
    names: &Names<'_>,
    sink: &mut Sink,
    subject: Subject<'_>,
    looked: &Looked<'_>,
    span: Span,
) -> Option<(ir::Field, Case)> {
    let (source, wanted, ty) = (subject.source?, &looked.ast.key, looked.key?);
    let refuse = |title: String| {
        Diagnostic::new(Code::LookupKey, span, title)
            .label(format!("`{}` is looked up by `{}`", looked.ast.name.node, wanted.node))
            .also(wanted.span, "the key")
    };
    let Some(def) = source.field(&wanted.node) else {
        let having: Vec<_> = names
            .steps
            .iter()
            .filter(|step| step.source.is_some_and(|source| source.field(&wanted.node).is_some()))
            .map(|step| step.name.node.as_str())
            .collect();
        let found = refuse(format!("`{}` has no field `{}`", source.name, wanted.node));
        sink.report(
            found.help(match having.first() {
                Some(step) => format!("test it in step `{step}`, whose source has the key"),
                None => {
                    "test it in a step whose source has the key, or declare a lookup by a field of this one"
                        .to_owned()
                }
            }),
        );
        return None;
    };
    if def.many {
        sink.report(names::several(&wanted.node, span).also(wanted.span, "the key of the lookup"));
        return None;
    }
    if def.ty != ty {
        let title = format!("`{}` is {} in `{}`", wanted.node, values::words(def.ty), source.name);
        sink.report(refuse(title).help(format!("the keys of the lookup are read as {}", values::words(ty))));
        return None;
    }
    let case = Case::folding(def.fold);
    Some((ir::Field { name: def.name.clone(), ty, span }, case))
}

/// A condition of `pred`, in which a test of a column becomes a test of its key; any other stays as it is.
pub(super) fn fold(
    names: &Names<'_>,
    sink: &mut Sink,
    subject: Subject<'_>,
    written: &ast::Pred,
    pred: Pred,
) -> Option<Pred> {
    let Some(column) = pred.tests().next().map(|test| test.field.clone()) else { return Some(pred) };
    let Some(looked) = of(names, subject, &column.name) else { return Some(pred) };
    if let Some(other) = pred.tests().find_map(FieldTest::other) {
        sink.report(two_fields(&column, other.span));
        return None;
    }
    let (field, case) = key(names, sink, subject, looked, column.span)?;
    let rows = looked.rows.as_ref()?;
    if let (Case::Ignore, Some((key, first))) = (case, &rows.alike) {
        sink.report(lookups::twice(key, *first));
        return None;
    }
    let mut entries = passing(names, rows, &pred)?;
    entries.sort_by_key(|entry| entry.row);
    let test = text(names, written);
    let list = List {
        name: Spanned { node: name(names, looked, &column, &pred), span: looked.ast.name.span },
        ty: field.ty,
        entries,
        expired: Vec::new(),
        file: Some(looked.ast.file.node.clone()),
        lookup: Some(LookupTest { name: looked.ast.name.node.clone(), test }),
    };
    let list = names.used_lists.len() + sink.fold(list);
    Some(Pred::Test(FieldTest { field, kind: TestKind::InList { list, case }, span: written.span }))
}

/// The keys of the rows that pass. A test of membership in an allowlist passes only as long as an entry counts: of the
/// entries that match, the one that counts longest.
fn passing(names: &Names<'_>, rows: &Rows, pred: &Pred) -> Option<Vec<Entry>> {
    let used = names.used_lists.iter().map(|index| names.lists.get(*index)?.list.as_ref());
    let lists: Vec<&List> = used.collect::<Option<_>>()?;
    let asked: Vec<usize> = pred.tests().filter_map(FieldTest::list).collect();
    let last_day = |until: Option<Date>| until.unwrap_or(Date::MAX);
    let ends = asked.iter().filter_map(|index| lists.get(*index)).flat_map(|list| &list.entries);
    let mut days: BTreeSet<Date> = ends.map(|entry| last_day(entry.until)).collect();
    if asked.is_empty() {
        days.insert(Date::MAX);
    }
    let mut seen = BTreeSet::new();
    let mut entries = Vec::new();
    for day in days.into_iter().rev() {
        let in_force = |(index, list): (usize, &&List)| {
            let counts = |entry: &&Entry| asked.contains(&index) && last_day(entry.until) >= day;
            List {
                name: list.name.clone(),
                ty: list.ty,
                entries: list.entries.iter().filter(counts).cloned().collect(),
                expired: Vec::new(),
                file: None,
                lookup: None,
            }
        };
        let lists: Vec<List> = lists.iter().enumerate().map(in_force).collect();
        for number in rows.cells.passing(pred, &lists)? {
            let Some(key) = rows.keys.get(number).filter(|_| seen.insert(number)) else { continue };
            let until = last_day(key.until).min(day);
            entries.push(Entry {
                until: (until < Date::MAX).then_some(until),
                row: key.row,
                span: key.span,
                ..Entry::plain(&key.text, key.value.clone())
            });
        }
    }
    Some(entries)
}

/// A test without its negation, as it was written.
fn text(names: &Names<'_>, pred: &ast::Pred) -> String {
    let written =
        |span: Span| names.unit.sources.snippet(span).split_whitespace().collect::<Vec<_>>().join(" ");
    match &pred.kind {
        PredKind::Compare { field, op, value } => {
            let operator = match written(op.span).as_str() {
                "!=" => "==".to_owned(),
                "!~" => "=~".to_owned(),
                other => other.trim_start_matches("not ").to_owned(),
            };
            let value = match value {
                ast::Operand::One(literal) => literal.span,
                ast::Operand::Set(_, span) => *span,
            };
            format!("{} {operator} {}", field.node, written(value))
        }
        PredKind::Or(_)
        | PredKind::And(_)
        | PredKind::Not(_)
        | PredKind::Exists(_)
        | PredKind::Truth(_)
        | PredKind::Many { .. } => written(pred.span),
    }
}

/// The name of the list of keys: the SIEM has one of each name, so it says the column and the test.
fn name(names: &Names<'_>, looked: &Looked<'_>, column: &ir::Field, pred: &Pred) -> String {
    let kinds: Vec<&TestKind> = pred.tests().map(|test| &test.kind).collect();
    let short = match kinds.as_slice() {
        [TestKind::Exists] => Some("given".to_owned()),
        [TestKind::Equals { values, case: Case::Sensitive }] => match values.as_slice() {
            [one] => Some(format!("is_{}", one.as_text())),
            [] | [_, _, ..] => None,
        },
        [TestKind::Order { op, value }] => {
            let word = match op {
                OrderOp::Less => "below",
                OrderOp::LessEqual => "up_to",
                OrderOp::Greater => "above",
                OrderOp::GreaterEqual => "from",
            };
            Some(format!("{word}_{}", value.as_text()))
        }
        [TestKind::InList { list, case: _ }] => {
            let listed = names.used_lists.get(*list).and_then(|index| names.lists.get(*index));
            listed.map(|listed| format!("in_{}", listed.ast.name.node))
        }
        _ => None,
    };
    let is_plain = |text: &String| {
        text.len() <= LONGEST
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    // Other values would be cut: two tests must not share a name.
    let short = short.filter(is_plain).unwrap_or_else(|| digest(&kinds));
    let name = format!("{}_{short}", column.name.replace('.', "_"));
    let is_taken = names.lists.by_name(&name).is_some() || names.lookups.by_name(&name).is_some();
    let name = if is_taken { format!("{name}_{}", digest(&kinds)) } else { name };
    // The names of lists are bounded, since those of macros and files are made of them.
    if name.len() <= LONGEST_NAME {
        name
    } else {
        format!("{}_{}", looked.ast.name.node.get(..40).unwrap_or(&looked.ast.name.node), digest(&kinds))
    }
}

/// The longest words that say a test.
const LONGEST: usize = 32;
const LONGEST_NAME: usize = 64;

/// Eight hexadecimal digits that stand for a test, the same in every version of the compiler (FNV-1a).
fn digest(kinds: &[&TestKind]) -> String {
    let text = format!("{kinds:?}");
    let hash =
        text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("{hash:08x}")
}

fn two_fields(column: &ir::Field, other: Span) -> Diagnostic {
    let title = format!("`{}` is compared with another field", column.name);
    Diagnostic::new(Code::LookupField, other, title)
        .label("a column compares with values, lists and parameters")
        .help("a column is asked when the rule is compiled, and the values of a field are not known then; write them out: `in (…)`")
}

/// Reports the tests of columns that no row passes.
pub(super) fn lint(sink: &mut Sink, lists: usize, preds: &[&Pred]) {
    for test in preds.iter().flat_map(|pred| pred.tests()) {
        let index = test.list().and_then(|list| list.checked_sub(lists));
        let folded = index.and_then(|index| sink.folded.get(index));
        let Some(List { name, lookup: Some(LookupTest { name: of, test: _ }), .. }) =
            folded.filter(|list| list.entries.is_empty())
        else {
            continue;
        };
        let found =
            Diagnostic::new(Code::NoRowPasses, test.span, format!("no row of `{of}` passes this test"))
                .label("never true")
                .also(name.span, "the lookup")
                .help("correct the value or the table");
        sink.report(found);
    }
}

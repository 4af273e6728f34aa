//! Lookup tables: CSV with the column `key`, other columns, and optionally `until`.
//!
//! In: one [`SourceFile`]. Out: its rows as texts, with every problem reported at row and column.
//! Must not know: which columns a rule declares, what a key or a cell means.

use super::{Kind, MOST_COLUMNS, Parser, short};
use crate::csv::{self, Cell};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::{FileId, SourceFile, Span, Spanned};
use crate::syntax::ast::Date;

/// The most rows of a lookup table.
pub const MAX_ROWS: usize = 1_000_000;

const LOOKUP: Kind = Kind {
    header: Code::TableHeader,
    row: Code::TableRow,
    file: "the table",
    column: "key",
    first_row: "the first row names the columns: key, those that the lookup declares, and `until` if rows expire",
};

/// The rows of a lookup table.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LookupTable {
    /// The columns beside `key` and `until`, as the header has them.
    pub columns: Vec<Spanned<String>>,
    /// Whether there is a column `until`.
    pub expires: bool,
    /// The rows, in order.
    pub rows: Vec<LookupRow>,
    /// Whether something could not be read: then the rows are not all that was meant.
    pub broken: bool,
}

/// A row of a lookup table.
#[derive(Debug, Clone, PartialEq)]
pub struct LookupRow {
    /// Line on which the row starts; the header is line 1.
    pub number: usize,
    /// Column `key`, never empty.
    pub key: Spanned<String>,
    /// Column `until`.
    pub until: Option<Spanned<Date>>,
    /// The cells of the other columns, in their order; `None` where one is empty or left out.
    pub cells: Box<[Option<Spanned<String>>]>,
}

/// Reads a lookup table. Rows with problems are left out, the others are kept.
pub fn parse(source: &SourceFile, id: FileId, diags: &mut Diagnostics) -> LookupTable {
    let mark = diags.len();
    let body = source.text.strip_prefix('\u{feff}').unwrap_or(&source.text);
    let offset = source.text.len() - body.len();
    let parser = Parser { kind: &LOOKUP, id, source, offset, columns: Vec::new(), diags };
    let mut table = read(parser, body);
    table.broken = diags.errors_since(mark);
    table
}

/// Which column of the file is which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Key,
    Until,
    /// One of those that the lookup names; its number.
    Other(usize),
}

fn read(mut parser: Parser<'_>, body: &str) -> LookupTable {
    let mut table = LookupTable::default();
    let mut records = csv::records(body);
    let columns = if let Some(header) = records.next() {
        header_of(&mut parser, &header, &mut table)
    } else {
        parser.missing_header();
        Vec::new()
    };
    // Without the column of the keys every row would be a finding of its own.
    if !columns.contains(&Column::Key) {
        return table;
    }
    for (count, record) in records.enumerate() {
        if count == MAX_ROWS {
            let at = record.first().map_or(0, |cell| cell.start);
            let title = format!("the table has more than {MAX_ROWS} rows");
            let found = Diagnostic::new(Code::TableRow, parser.span(at, at), title);
            parser.diags.push(found.help("keep the rows whose cells a rule asks for"));
            break;
        }
        table.rows.extend(row(&mut parser, &columns, table.columns.len(), &record));
    }
    table
}

fn header_of(parser: &mut Parser<'_>, cells: &[Cell<'_>], table: &mut LookupTable) -> Vec<Column> {
    let has_key = cells.iter().any(|cell| cell.text.trim() == LOOKUP.column);
    if parser.unclosed(cells, LOOKUP.header) || !has_key && parser.no_header(cells) {
        return Vec::new();
    }
    let mut columns: Vec<Column> = Vec::new();
    for cell in cells {
        let (name, span) = (cell.text.trim(), parser.span(cell.start, cell.end));
        let again = |column: &Column| match column {
            Column::Key => name == "key",
            Column::Until => name == "until",
            Column::Other(number) => table.columns.get(*number).is_some_and(|known| known.node == name),
        };
        if columns.iter().any(again) {
            let title = format!("column `{}` occurs twice", short(name));
            let found = Diagnostic::new(LOOKUP.header, span, title).help("keep one of them");
            if columns.len() < MOST_COLUMNS {
                parser.diags.push(found);
            }
        }
        columns.push(match name {
            "key" => Column::Key,
            "until" => {
                table.expires = true;
                Column::Until
            }
            _ => {
                table.columns.push(Spanned { node: name.to_owned(), span });
                Column::Other(table.columns.len() - 1)
            }
        });
    }
    if !has_key {
        let (start, end) = cells.first().map_or((0, 0), |cell| (cell.start, cell.end));
        let found = Diagnostic::new(LOOKUP.header, parser.span(start, end), "the table has no column `key`");
        parser.diags.push(found.label("header row").help(LOOKUP.first_row));
    }
    columns
}

fn row(parser: &mut Parser<'_>, columns: &[Column], others: usize, record: &[Cell<'_>]) -> Option<LookupRow> {
    if parser.unclosed(record, LOOKUP.row) {
        return None;
    }
    let (start, end) =
        (record.first().map_or(0, |cell| cell.start), record.last().map_or(0, |cell| cell.end));
    let span = parser.span(start, end);
    let number = parser.source.position(span.start as usize).line;
    if let Some(extra) = record.get(columns.len()) {
        parser.too_many(extra, number, record.len(), columns.len());
        return None;
    }
    let (mut key, mut until) = (None, None);
    let mut cells: Box<[Option<Spanned<String>>]> = vec![None; others].into();
    // Fewer cells than columns are no fault: the last ones may be left out where they are empty.
    for (cell, column) in record.iter().zip(columns) {
        let text = cell.text.trim();
        if text.is_empty() {
            continue;
        }
        let value = Spanned { node: text.to_owned(), span: parser.span(cell.start, cell.end) };
        match column {
            Column::Key => key = Some(value),
            Column::Until => until = Some(parser.date(&value, number)?),
            Column::Other(at) => {
                if let Some(slot) = cells.get_mut(*at) {
                    *slot = Some(value);
                }
            }
        }
    }
    let Some(key) = key else {
        if until.is_some() || cells.iter().any(Option::is_some) {
            parser.without_key(span, number);
        }
        return None;
    };
    Some(LookupRow { number, key, until, cells })
}

impl Parser<'_> {
    fn without_key(&mut self, span: Span, number: usize) {
        let found = Diagnostic::new(Code::TableRow, span, format!("row {number} has no key"));
        self.diags.push(found.label("column `key` is empty here").help("give a key or delete the row"));
    }
}

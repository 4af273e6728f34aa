//! List files and lookup tables: CSV with a header row.
//!
//! In: one [`SourceFile`]. Out: its rows, with every problem reported at row and column.
//! Must not know: what a value means to a field.

mod header;
mod lookup;

pub use lookup::{LookupRow, LookupTable, MAX_ROWS, parse as parse_lookup};

use crate::csv::{self, Cell};
use crate::diag::{Code, Diagnostic, Diagnostics, Fix};
use crate::source::{FileId, SourceFile, Span, Spanned};
use crate::syntax::ast::Date;
use crate::syntax::day;

/// The largest list file, in bytes.
pub const MAX_BYTES: usize = 64 << 20;

/// How many unknown columns of a file are named.
const MOST_COLUMNS: usize = 20;

/// What the messages about a kind of file say.
#[derive(Debug)]
struct Kind {
    header: Code,
    row: Code,
    /// The file, in words.
    file: &'static str,
    /// The column that every row fills.
    column: &'static str,
    first_row: &'static str,
}

const LIST: Kind = Kind {
    header: Code::ListHeader,
    row: Code::ListRow,
    file: "the list file",
    column: "value",
    first_row: "the first row names the columns: value, reason, owner, ticket, until",
};

/// The rows of a list file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// The rows with a value, in order.
    pub rows: Vec<Row>,
    /// Whether something could not be read: then the rows are not all that was meant.
    pub broken: bool,
}

/// A row of a list file.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Line on which the row starts; the header is line 1.
    pub number: usize,
    /// Column `value`, never empty.
    pub value: Spanned<String>,
    /// Column `reason`.
    pub reason: Option<Spanned<String>>,
    /// Column `owner`.
    pub owner: Option<Spanned<String>>,
    /// Column `ticket`.
    pub ticket: Option<Spanned<String>>,
    /// Column `until`.
    pub until: Option<Spanned<Date>>,
    /// The whole row.
    pub span: Span,
}

/// Reads a list file. Rows with problems are left out, the others are kept.
pub fn parse(source: &SourceFile, id: FileId, diags: &mut Diagnostics) -> Table {
    let mark = diags.len();
    let rows = rows(source, id, diags);
    Table { rows, broken: diags.errors_since(mark) }
}

fn rows(source: &SourceFile, id: FileId, diags: &mut Diagnostics) -> Vec<Row> {
    let body = source.text.strip_prefix('\u{feff}').unwrap_or(&source.text);
    let offset = source.text.len() - body.len();
    let mut parser = Parser { kind: &LIST, id, source, offset, columns: Vec::new(), diags };
    let mut records = csv::records(body);
    match records.next() {
        Some(header) => parser.header(&header),
        None => parser.missing_header(),
    }
    // Without the column of the values every row would be a finding of its own.
    if !parser.columns.contains(&Some(0)) {
        return Vec::new();
    }
    records.filter_map(|record| parser.row(&record)).collect()
}

struct Parser<'a> {
    kind: &'static Kind,
    id: FileId,
    source: &'a SourceFile,
    /// Bytes before the scanned text in the file: a byte order mark.
    offset: usize,
    /// For each column of the file, its index in [`COLUMNS`] if it is known.
    columns: Vec<Option<usize>>,
    diags: &'a mut Diagnostics,
}

impl Parser<'_> {
    fn header(&mut self, cells: &[Cell<'_>]) {
        if self.unclosed(cells, self.kind.header) || self.no_header(cells) {
            return;
        }
        let mut unknown = Vec::new();
        for cell in cells {
            let known = header::column(&cell.text);
            if known.is_none() {
                unknown.push(cell);
            } else if self.columns.contains(&known) {
                let title = format!("column `{}` occurs twice", cell.text.trim());
                let span = self.span(cell.start, cell.end);
                self.diags.push(Diagnostic::new(self.kind.header, span, title).help("keep one of them"));
            }
            self.columns.push(known);
        }
        if !self.columns.contains(&Some(0)) {
            self.no_value_column(cells, &mut unknown);
        }
        let mut taken = self.columns.clone();
        for cell in unknown.into_iter().take(MOST_COLUMNS) {
            // A name that the header has already would stand twice.
            let meant = header::meant(&cell.text).filter(|name| !taken.contains(&header::column(name)));
            taken.extend(meant.map(header::column));
            self.unknown_column(&cell.text, meant, self.span(cell.start, cell.end));
        }
    }

    /// Reports a first row that names no columns: with other marks between them, or with values in it.
    fn no_header(&mut self, cells: &[Cell<'_>]) -> bool {
        let Some(first) = cells.first() else { return false };
        let whole = self.span(first.start, cells.last().map_or(first.end, |cell| cell.end));
        let text = first.text.trim();
        let found = if text.len() == 5 && text.to_ascii_lowercase().starts_with("sep=") {
            Diagnostic::new(self.kind.header, whole, "this line is for a spreadsheet, not a header")
                .label("names a separator")
                .help("remove the line, and separate the columns by commas")
        } else if let Some(mark) = header::separator(text) {
            let name = if mark == '\t' { "tabs".to_owned() } else { format!("`{mark}`") };
            let title = format!("columns are separated by {name}, not by commas");
            Diagnostic::new(self.kind.header, whole, title)
                .label("header row")
                .help("save the file with commas between the columns; spreadsheets take the separator from the regional settings")
        } else if header::is_data(&cells.iter().map(|cell| &*cell.text).collect::<Vec<_>>()) {
            let mut found =
                Diagnostic::new(self.kind.header, whole, format!("{} has no header", self.kind.file))
                    .label("the first row looks like data")
                    .help(self.kind.first_row);
            if cells.len() == 1 {
                let span = self.span(first.start, first.start);
                found.fix = Some(Fix { span, replacement: format!("{}\n", self.kind.column) });
            }
            found
        } else {
            return false;
        };
        self.diags.push(found);
        true
    }

    /// Reports that no column has the values, at the column that most likely has them.
    fn no_value_column(&mut self, cells: &[Cell<'_>], unknown: &mut Vec<&Cell<'_>>) {
        let meant = |cell: &&Cell<'_>| header::meant(&cell.text);
        let by_name = unknown.iter().position(|cell| meant(cell) == Some("value"));
        let likely = by_name.or_else(|| unknown.iter().position(|cell| meant(cell).is_none()));
        let found = |start, end| {
            let span = self.span(start, end);
            Diagnostic::new(self.kind.header, span, "the list file has no column `value`").label("header row")
        };
        let found = if let Some(index) = likely {
            let cell = unknown.remove(index);
            let mut found = found(cell.start, cell.end)
                .label(format!("is `{}` the column with the entries?", short(cell.text.trim())))
                .help("the column with the entries is called `value`");
            found.fix = Some(Fix { span: found.primary.span, replacement: "value".to_owned() });
            found
        } else {
            let (start, end) = cells.first().map_or((0, 0), |cell| (cell.start, cell.end));
            found(start, end).help(self.kind.first_row)
        };
        self.diags.push(found);
    }

    fn missing_header(&mut self) {
        let found =
            Diagnostic::new(self.kind.header, self.span(0, 0), format!("{} is empty", self.kind.file));
        self.diags.push(found.help(self.kind.first_row));
    }

    fn unknown_column(&mut self, name: &str, meant: Option<&str>, span: Span) {
        let title = format!("unknown column `{}`", short(name.trim()));
        let mut found = Diagnostic::new(self.kind.header, span, title)
            .label("a list file has the columns value, reason, owner, ticket and until");
        if let Some(meant) = meant {
            found = found.help(format!("did you mean `{meant}`?"));
            found.fix = Some(Fix { span, replacement: meant.to_owned() });
        }
        self.diags.push(found);
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> Option<Row> {
        if self.unclosed(cells, self.kind.row) {
            return None;
        }
        let (start, end) =
            (cells.first().map_or(0, |cell| cell.start), cells.last().map_or(0, |cell| cell.end));
        let span = self.span(start, end);
        let number = self.source.position(span.start as usize).line;
        if let Some(extra) = cells.get(self.columns.len()) {
            self.too_many(extra, number, cells.len(), self.columns.len());
            return None;
        }
        let mut values: [Option<Spanned<String>>; 5] = Default::default();
        // Fewer cells than columns are no fault: the last ones may be left out where they are empty.
        for (cell, column) in cells.iter().zip(&self.columns) {
            let text = cell.text.trim();
            if let Some(slot) = column.and_then(|column| values.get_mut(column))
                && !text.is_empty()
            {
                *slot = Some(Spanned { node: text.to_owned(), span: self.span(cell.start, cell.end) });
            }
        }
        let [value, reason, owner, ticket, until] = values;
        // Before the value is missed, so that one run reports both.
        let until = until.and_then(|until| self.date(&until, number));
        let Some(value) = value else {
            if cells.iter().any(|cell| !cell.text.trim().is_empty()) {
                let found = Diagnostic::new(self.kind.row, span, format!("row {number} has no value"));
                self.diags
                    .push(found.label("column `value` is empty here").help("give a value or delete the row"));
            }
            return None;
        };
        Some(Row { number, value, reason, owner, ticket, until, span })
    }

    /// Reports a cell that has no column.
    fn too_many(&mut self, extra: &Cell<'_>, number: usize, cells: usize, columns: usize) {
        let title = format!("row {number} has {cells} cells, the header has {columns}");
        let found = Diagnostic::new(self.kind.row, self.span(extra.start, extra.end), title)
            .label("no column for this cell");
        self.diags.push(found.help("put quotes around a cell that has a comma in it"));
    }

    fn date(&mut self, cell: &Spanned<String>, number: usize) -> Option<Spanned<Date>> {
        if let Some(node) = parse_date(&cell.node) {
            return Some(Spanned { node, span: cell.span });
        }
        let title = format!("row {number}, column `until`: `{}` is not a date", short(&cell.node));
        let mut found = Diagnostic::new(self.kind.row, cell.span, title).label("expected YYYY-MM-DD");
        let days: Vec<String> = day::readings(&cell.node).into_iter().map(day::written).collect();
        found = match days.as_slice() {
            [one] => {
                found.fix = Some(Fix { span: cell.span, replacement: one.clone() });
                found
            }
            [one, other] => found.help(format!("write `{one}` or `{other}`")),
            _ => found.help("write the last day on which the entry counts"),
        };
        self.diags.push(found);
        None
    }

    /// Whether a quote opens and never closes, so that the rest of the file would be one cell; that is reported.
    fn unclosed(&mut self, cells: &[Cell<'_>], code: Code) -> bool {
        let Some(last) = cells.last().filter(|cell| !cell.is_closed) else { return false };
        let span = self.span(last.start, last.start + 1);
        let line = self.source.position(span.start as usize).line;
        let title = format!("the quote that opens in line {line} is never closed");
        let found = Diagnostic::new(code, span, title).label("this one");
        self.diags.push(found.help("close it; a quote inside quotes is written twice"));
        true
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.id, self.offset + start, self.offset + end)
    }
}

/// A cell as a title shows it.
fn short(cell: &str) -> String {
    const SHOWN: usize = 60;
    match cell.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", cell.get(..end).unwrap_or_default()),
        None => cell.to_owned(),
    }
}

fn parse_date(text: &str) -> Option<Date> {
    let date: jiff::civil::Date = text.parse().ok()?;
    // jiff also reads `20270630`, and dates with a time of day.
    (text.len() == 10).then(|| Date { year: date.year(), month: date.month(), day: date.day() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Table, Vec<String>) {
        let source = SourceFile::new("list.csv", text);
        let mut diags = Diagnostics::default();
        let table = parse(&source, FileId(0), &mut diags);
        let found = diags.into_sorted();
        let shown = found.iter().map(|one| {
            let at = source.position(one.primary.span.start as usize);
            let text = source.text.get(one.primary.span.range()).unwrap();
            format!("{}:{} [{text}] {}", at.line, at.column, one.title)
        });
        (table, shown.collect())
    }

    #[test]
    fn rows_keep_their_places() {
        let (table, problems) =
            read("\u{feff}value,reason,until\r\nami-1,\"golden, signed\",2027-06-30\r\n\r\n ami-2 ,,\r\n");
        assert_eq!(problems, Vec::<String>::new());
        let [first, second] = table.rows.as_slice() else { panic!("two rows: {table:?}") };
        assert_eq!((first.number, first.value.node.as_str()), (2, "ami-1"));
        assert_eq!(first.reason.as_ref().unwrap().node, "golden, signed");
        assert_eq!(first.until.as_ref().unwrap().node, Date { year: 2027, month: 6, day: 30 });
        assert_eq!((second.number, second.value.node.as_str()), (4, "ami-2"));
    }

    #[test]
    fn problems_name_row_and_column() {
        let (table, problems) = read("value,resaon,value\nami-1,x,y,z\n,why,\nami-2,,\n");
        assert_eq!(table.rows.len(), 1);
        insta::assert_snapshot!(problems.join("\n"), @r"
        1:7 [resaon] unknown column `resaon`
        1:14 [value] column `value` occurs twice
        2:11 [z] row 2 has 4 cells, the header has 3
        3:1 [,why,] row 3 has no value
        ");
    }

    /// A file that is no CSV is not repeated in the message.
    #[test]
    fn titles_stay_short() {
        let (_, problems) = read(&format!("value,{}\n", "x".repeat(200)));
        let short = format!("unknown column `{}…`", "x".repeat(60));
        assert!(problems.iter().any(|problem| problem.ends_with(&short)), "{problems:?}");
    }

    #[test]
    fn one_cause_is_one_finding() {
        for (text, title) in [
            (
                "\u{feff}value;reason;until\nami-1;ok;2027-01-01\n",
                "columns are separated by `;`, not by commas",
            ),
            ("value\treason\nami-1\tok\n", "columns are separated by tabs, not by commas"),
            ("sep=;\nvalue;reason\n", "this line is for a spreadsheet, not a header"),
            ("10.0.0.0/8,office\n10.1.0.0/16,x\n", "the list file has no header"),
            ("ami-1\nami-2\n", "the list file has no header"),
            ("image\nami-1\n", "the list file has no column `value`"),
            ("Value\nami-1\n", "the list file has no column `value`"),
            ("reason\nami-1\n", "the list file has no column `value`"),
        ] {
            let (table, problems) = read(text);
            assert!(table.rows.is_empty() && table.broken, "{text}");
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert!(problems[0].ends_with(title), "{problems:?}");
        }
        let (_, problems) = read("ip,comment,expires\n10.0.0.0/8,ok,2027-01-01\n");
        insta::assert_snapshot!(problems.join("\n"), @r"
        1:1 [ip] the list file has no column `value`
        1:4 [comment] unknown column `comment`
        1:12 [expires] unknown column `expires`
        ");
    }

    /// Half a file as one value would excuse nothing, in silence.
    #[test]
    fn a_quote_that_is_never_closed_is_an_error() {
        let (table, problems) = read("value,reason\nami-1,ok\n\"ami-2,why\nami-3,ok\n");
        assert_eq!(problems, ["3:1 [\"] the quote that opens in line 3 is never closed"]);
        assert!(table.broken && table.rows.len() == 1);
        assert_eq!(read("\"value\nami-1\n").1, ["1:1 [\"] the quote that opens in line 1 is never closed"]);
        assert_eq!(read("value\n\"a\"\"").1, ["2:1 [\"] the quote that opens in line 2 is never closed"]);
        for fine in
            ["value\n\"a\"", "value\n\"a\"\"\"", "value\n5\" disk", "value\n\"a\"b\"", "value\n\"\"\n"]
        {
            assert_eq!(read(fine).1, Vec::<String>::new(), "{fine}");
        }
        let (_, problems) = read("value,reason\n5\" disk,\"a \"\"b\"\" c\",x\n");
        assert_eq!(problems, ["2:21 [x] row 2 has 3 cells, the header has 2"]);
    }

    #[test]
    fn a_quotation_mark_within_a_cell_quotes_nothing() {
        let (table, problems) =
            read("value,reason\nami-1,a 2\" disk\n\"ami\"-2,\"b \"\"x, y\"\"\" z\nami-3,30.06.\n");
        assert_eq!(problems, Vec::<String>::new());
        let rows: Vec<_> = table.rows.iter().map(|row| (row.number, row.value.node.as_str())).collect();
        assert_eq!(rows, [(2, "ami-1"), (3, "ami-2"), (4, "ami-3")]);
        let reasons = table.rows.iter().filter_map(|row| row.reason.as_ref());
        let reasons: Vec<_> = reasons.map(|reason| (reason.node.as_str(), reason.span.range())).collect();
        assert_eq!(reasons, [("a 2\" disk", 19..28), ("b \"x, y\" z", 37..51), ("30.06.", 58..64)]);
    }

    #[test]
    fn a_file_without_rows_or_header_says_so() {
        assert_eq!(read("").1, ["1:1 [] the list file is empty"]);
        assert_eq!(
            read("value,until\nami-1,2027-02-30\n").1,
            ["2:7 [2027-02-30] row 2, column `until`: `2027-02-30` is not a date"]
        );
    }
}

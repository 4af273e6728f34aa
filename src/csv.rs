//! CSV (RFC 4180) to records of cells, each with its place, and back.
//!
//! In: a text. Out: the cells of each record: their text without quotes, where they begin and end, whether their quotes
//! are closed. Must not know: what a cell means.
//!
//! As spreadsheets and the usual readers have it: a quote counts at the beginning of a cell alone, text behind a
//! closing quote belongs to the cell, a record ends at `\n`, `\r` or `\r\n`, and empty lines are no records.

use std::borrow::Cow;

/// A cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell<'t> {
    /// Without its quotes.
    pub(crate) text: Cow<'t, str>,
    /// First byte, a quote included.
    pub(crate) start: usize,
    /// One past the last byte.
    pub(crate) end: usize,
    /// Whether a quote that opens the cell is closed. If not, the cell is the rest of the text.
    pub(crate) is_closed: bool,
}

/// The records of `text`.
pub(crate) fn records(text: &str) -> impl Iterator<Item = Vec<Cell<'_>>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..)?;
        at += rest.len() - rest.trim_start_matches(['\r', '\n']).len();
        if at >= text.len() {
            return None;
        }
        let mut cells = Vec::new();
        loop {
            let cell = cell(text, at);
            at = cell.end;
            cells.push(cell);
            if !text.get(at..).is_some_and(|rest| rest.starts_with(',')) {
                return Some(cells);
            }
            at += 1;
        }
    })
}

/// The cell that begins at `start`; behind it comes a comma, a line end or nothing.
fn cell(text: &str, start: usize) -> Cell<'_> {
    let rest = text.get(start..).unwrap_or_default();
    let (quoted, behind, is_closed) = match rest.strip_prefix('"') {
        Some(inside) => quoted(inside),
        None => (Cow::default(), rest, true),
    };
    let plain = behind.split([',', '\n', '\r']).next().unwrap_or_default();
    let end = start + (rest.len() - behind.len()) + plain.len();
    Cell { text: quoted + plain, start, end, is_closed }
}

/// The text up to the closing quote, in which a quote is written twice; what comes behind it; and whether there is one.
fn quoted(inside: &str) -> (Cow<'_, str>, &str, bool) {
    let mut text = Cow::default();
    let mut rest = inside;
    loop {
        let Some((part, behind)) = rest.split_once('"') else { return (text + rest, "", false) };
        text += part;
        let Some(again) = behind.strip_prefix('"') else { return (text, behind, true) };
        text += "\"";
        rest = again;
    }
}

/// One record, with its line end: a cell that could be read otherwise stands in quotes.
pub(crate) fn record<'c>(cells: impl IntoIterator<Item = &'c str>) -> String {
    let quoted = |cell: &'c str| {
        let is_plain = !cell.contains(['"', ',', '\n', '\r']) && cell.trim().len() == cell.len();
        if is_plain { Cow::Borrowed(cell) } else { Cow::Owned(format!("\"{}\"", cell.replace('"', "\"\""))) }
    };
    let cells: Vec<_> = cells.into_iter().map(quoted).collect();
    cells.join(",") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: &str) -> Vec<Vec<(String, &str, bool)>> {
        let show = |cell: Cell<'_>| {
            (cell.text.into_owned(), text.get(cell.start..cell.end).unwrap_or("?"), cell.is_closed)
        };
        records(text).map(|record| record.into_iter().map(show).collect()).collect()
    }

    #[test]
    fn cells_have_text_and_place() {
        let closed = |text: &str, raw: &'static str| (text.to_owned(), raw, true);
        assert_eq!(cells(""), Vec::<Vec<_>>::new());
        assert_eq!(cells("\r\n\n"), Vec::<Vec<_>>::new());
        assert_eq!(
            cells("a,b\r\n\rc\n,\n\"d,\ne\"\"\",f"),
            [
                vec![closed("a", "a"), closed("b", "b")],
                vec![closed("c", "c")],
                vec![closed("", ""), closed("", "")],
                vec![closed("d,\ne\"", "\"d,\ne\"\"\""), closed("f", "f")],
            ]
        );
        assert_eq!(
            cells("5\" disk,\"a\"b\""),
            [[closed("5\" disk", "5\" disk"), closed("ab\"", "\"a\"b\"")]]
        );
        assert_eq!(cells("a,"), [[closed("a", "a"), closed("", "")]]);
        assert_eq!(cells("a,\"b\n"), [[closed("a", "a"), ("b\n".to_owned(), "\"b\n", false)]]);
    }
}

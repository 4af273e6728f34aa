//! A page of the documentation as text for terminals.
//!
//! In: Markdown. Out: plain text: headings underlined, blocks of code indented, columns of tables aligned, links as
//! their text. Names stay in backticks, as messages have them. Must not know: which page, terminals.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// Columns of a line of prose.
const WIDTH: usize = 80;
/// Between two columns of a table.
const GAP: &str = "  ";
/// Before a line of code.
const CODE: &str = "    ";

/// The page as text.
pub(super) fn text(page: &str) -> String {
    let mut printer = Printer::default();
    for event in Parser::new_ext(page, Options::ENABLE_TABLES) {
        printer.take(event);
    }
    printer.out
}

#[derive(Debug, Default)]
struct Printer {
    out: String,
    /// The prose that is being read, without line ends of its own but for forced ones.
    line: String,
    /// The number of the next item of each open list; none of a list without numbers.
    lists: Vec<Option<u64>>,
    /// The mark of an item that has not been printed yet.
    mark: Option<String>,
    /// The rows of a table that is being read.
    rows: Vec<Vec<String>>,
    /// Where a link leads that is not another page.
    address: Option<String>,
    in_code: bool,
    /// Whether a blank line has to come before the next block.
    is_apart: bool,
}

impl Printer {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.begin(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.in_code => self.code(&text),
            Event::Text(text) | Event::InlineHtml(text) | Event::Html(text) => self.line.push_str(&text),
            Event::Code(text) => self.line.extend(["`", &text, "`"]),
            Event::SoftBreak => self.line.push(' '),
            Event::HardBreak => self.line.push('\n'),
            Event::Rule => self.block("", &"─".repeat(WIDTH)),
            Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::TaskListMarker(_) => {}
        }
    }

    fn begin(&mut self, tag: Tag<'_>) {
        if let Tag::CodeBlock(_) = tag {
            self.flush();
            self.separate();
            self.in_code = true;
        } else if let Tag::List(first) = tag {
            self.flush();
            self.lists.push(first);
        } else if let Tag::Item = tag {
            let number = self.lists.last_mut().and_then(Option::as_mut);
            self.mark = Some(number.map_or("- ".to_owned(), |number| {
                let mark = format!("{number}. ");
                *number += 1;
                mark
            }));
        } else if let Tag::TableHead | Tag::TableRow = tag {
            self.rows.push(Vec::new());
        } else if let Tag::Link { dest_url, .. } = tag {
            // A path leads to a page that a terminal does not have.
            self.address = dest_url.contains("://").then(|| dest_url.into_string());
        }
    }

    fn end(&mut self, tag: TagEnd) {
        if let TagEnd::Heading(level) = tag {
            self.heading(level);
        } else if tag == TagEnd::Paragraph {
            self.flush();
        } else if tag == TagEnd::Item {
            self.flush();
            self.mark = None;
        } else if tag == TagEnd::CodeBlock {
            self.in_code = false;
            self.is_apart = true;
        } else if let TagEnd::List(_) = tag {
            self.lists.pop();
            self.is_apart = true;
        } else if tag == TagEnd::TableCell {
            let cell = std::mem::take(&mut self.line);
            self.rows.last_mut().into_iter().for_each(|row| row.push(cell.clone()));
        } else if tag == TagEnd::Table {
            self.table();
        } else if tag == TagEnd::Link
            && let Some(address) =
                self.address.take().filter(|address| !self.line.ends_with(address.as_str()))
        {
            self.line.extend([" (", &address, ")"]);
        }
    }

    /// A blank line between blocks.
    fn separate(&mut self) {
        if std::mem::take(&mut self.is_apart) {
            self.out.push('\n');
        }
    }

    fn heading(&mut self, level: HeadingLevel) {
        let title = std::mem::take(&mut self.line);
        let mark = if level == HeadingLevel::H1 { "═" } else { "─" };
        self.block("", &title);
        self.is_apart = false;
        self.block("", &mark.repeat(title.chars().count()));
    }

    fn code(&mut self, text: &str) {
        for line in text.lines() {
            let line = format!("{}{CODE}{line}", self.indent());
            self.out.push_str(line.trim_end());
            self.out.push('\n');
        }
    }

    /// White space before the blocks of the innermost item.
    fn indent(&self) -> String {
        "  ".repeat(self.lists.len())
    }

    /// Prints the prose that has been read.
    fn flush(&mut self) {
        let prose = std::mem::take(&mut self.line);
        if prose.trim().is_empty() {
            return;
        }
        let outer = "  ".repeat(self.lists.len().saturating_sub(1));
        let mark = self.mark.take();
        let is_item = mark.is_some();
        let first = mark.map_or_else(|| self.indent(), |mark| outer + &mark);
        self.block(&first, &prose);
        // Items stand close together; what follows the last one does not.
        self.is_apart = !is_item;
    }

    /// Prose, wrapped; its first line begins with `first`, the others are as far in.
    fn block(&mut self, first: &str, prose: &str) {
        self.separate();
        let rest = " ".repeat(first.chars().count());
        for (at, line) in wrapped(prose, WIDTH - rest.len()).iter().enumerate() {
            self.out.push_str(if at == 0 { first } else { &rest });
            self.out.push_str(line);
            self.out.push('\n');
        }
        self.is_apart = true;
    }

    /// A table, its columns aligned; where that is too wide, a line for each cell behind the title of its column.
    fn table(&mut self) {
        let rows = std::mem::take(&mut self.rows);
        let Some((titles, records)) = rows.split_first() else { return };
        let cell = |row: &[String], column: usize| row.get(column).map_or(0, |cell| cell.chars().count());
        let columns = 0..titles.len();
        let widths: Vec<usize> =
            columns.map(|column| rows.iter().map(|row| cell(row, column)).max().unwrap_or(0)).collect();
        self.separate();
        if widths.iter().map(|width| width + GAP.len()).sum::<usize>() <= WIDTH + GAP.len() {
            let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
            for row in [titles, &rule].into_iter().chain(records) {
                let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
                self.out.push_str(cells.collect::<Vec<_>>().join(GAP).trim_end());
                self.out.push('\n');
            }
        } else {
            let width = titles.iter().map(|title| title.chars().count()).max().unwrap_or(0);
            for record in records {
                for (title, cell) in titles.iter().zip(record) {
                    self.is_apart = false;
                    self.block(&format!("{title:<width$}{GAP}"), cell);
                }
                self.out.push('\n');
            }
            self.out.truncate(self.out.len() - 1);
        }
        self.is_apart = true;
    }
}

/// Lines of at most so many characters, as far as words let them.
fn wrapped(prose: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in prose.split('\n') {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

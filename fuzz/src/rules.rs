//! Rule files and list files, through the whole front end and, where nothing is wrong, into every target.

use catena::backend::{ListDelivery, Rows, Slice, SqlDialect};
use catena::diag::Diagnostics;
use catena::project::CompileOptions;
use catena::source::{FileId, SourceFile, Sources};
use catena::syntax::{self, ast};
use catena::table;

use super::files::{LIST, Texts, can_be_pasted, compiled, json, tested};
use super::findings::{lies_in, shown};

/// Lists of several types, all from one list file.
const LISTS: &str = include_str!("lists.chain");

/// Any bytes are a rule file: it gives findings that can be shown, or queries; and the same twice.
pub(crate) fn parse(bytes: &[u8]) {
    let text = match syntax::decode(bytes.to_vec(), FileId(0)) {
        Ok(text) => text,
        Err(broken) => {
            let (text, found) = *broken;
            let mut sources = Sources::default();
            sources.add(SourceFile::new("broken.chain", text));
            let mut diags = Diagnostics::default();
            diags.push(found);
            shown(diags, &sources);
            return;
        }
    };
    assert_eq!(whole(&text, LIST), whole(&text, LIST), "the same text gives two answers");
}

/// Any text is a list file: its rows and findings point into it, and rules with lists from it compile or say why not.
pub(crate) fn list(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (mut sources, mut diags) = (Sources::default(), Diagnostics::default());
    let id = sources.add(SourceFile::new("list.csv", text));
    let source = sources.get(id).expect("just added");
    let table = table::parse(source, id, &mut diags);
    assert_eq!(table.broken, diags.has_errors());
    for row in &table.rows {
        lies_in(row.span, &sources);
        assert_eq!(row.number, source.position(row.span.range().start).line);
        assert!(!row.value.node.is_empty() && row.value.node == row.value.node.trim(), "{row:?}");
        let cells = [&row.reason, &row.owner, &row.ticket].map(|cell| cell.as_ref().map(|cell| cell.span));
        let cells = cells.into_iter().chain([Some(row.value.span), row.until.as_ref().map(|day| day.span)]);
        for cell in cells.flatten() {
            lies_in(cell, &sources);
            assert_eq!(cell.to(row.span), row.span, "a cell outside of its row");
        }
    }
    whole(LISTS, text);
}

/// All that the compiler makes of a rule file.
fn whole(text: &str, list: &str) -> String {
    outline_agrees(text);
    let mut session = Texts::of(text, list).open().expect("a rule file");
    // Which options: any will do, so long as every one has its turn as the text changes.
    let lists = [ListDelivery::Auto, ListDelivery::Inline, ListDelivery::Lookup];
    let lists = Some(lists[text.len() % lists.len()]);
    let options = CompileOptions {
        lists,
        allow_subset: text.len() % 4 < 2,
        time_buckets: text.len() % 8 < 4,
        split: text.len() % 16 < 8,
        rows: if text.len() % 32 < 16 { Rows::OnePerKey } else { Rows::All },
        dialect: [SqlDialect::DuckDb, SqlDialect::Spark, SqlDialect::Trino][text.len() % 3],
        slice: [Slice::Whole, Slice::Marked, Slice::Between(-1, i64::MAX)][text.len() % 5 % 3],
    };
    let emissions = compiled(&mut session, options);
    emissions.iter().for_each(can_be_pasted);
    let tests: String = session.files.iter().map(|file| tested(file, &session.found.sources)).collect();
    [json(&emissions), tests, shown(session.found.diags, &session.found.sources)].concat()
}

/// The outline of a text has the rules of its tree.
fn outline_agrees(text: &str) {
    let file = syntax::parse(&SourceFile::new("rule.chain", text), FileId(0), &mut Diagnostics::default());
    if file.understood == ast::Understood::Whole {
        let seen: Vec<String> = syntax::outline(text).into_iter().map(|heading| heading.name).collect();
        let meant: Vec<String> = file.rules.iter().map(|rule| rule.name.node.clone()).collect();
        assert_eq!(seen, meant);
    }
}

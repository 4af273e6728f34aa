//! Blocks as a page of Markdown or HTML.
//!
//! In: a title, blocks. Out: text. Must not know: rules.

use super::content::Block;
use crate::pack::html::Html;
use crate::pack::markdown;

/// As Markdown.
pub(super) fn markdown(title: &str, blocks: &[Block]) -> String {
    let mut lines = vec![format!("# {}", markdown::text(title))];
    for block in blocks {
        lines.push(String::new());
        match block {
            Block::Heading(text) => lines.push(format!("## {}", markdown::text(text))),
            Block::Text(text) => lines.push(markdown::text(text)),
            Block::Points(points) => {
                lines.extend(points.iter().map(|point| format!("- {}", markdown::text(point))));
            }
            Block::Table(head, rows) => lines.extend(table(head, rows)),
            Block::Markdown(text) => lines.push(text.clone()),
            Block::Command(text) => lines.extend(fenced(text.clone())),
            Block::Picture(picture) => lines.extend(fenced(picture.text())),
        }
    }
    lines.join("\n") + "\n"
}

fn fenced(text: String) -> [String; 3] {
    ["```".to_owned(), text, "```".to_owned()]
}

fn table(head: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let mut lines = vec![format!("| {} |", head.join(" | ")), format!("|{}", "---|".repeat(head.len()))];
    for row in rows {
        let cells = row.iter().enumerate();
        let cells =
            cells.map(|(index, cell)| if index == 0 { markdown::code(cell) } else { markdown::text(cell) });
        lines.push(format!("| {} |", cells.collect::<Vec<_>>().join(" | ")));
    }
    lines
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;\
color:#1b1f24;background:#fff}table{border-collapse:collapse;width:100%}td,th{border:1px solid #ccd;padding:.3rem \
.5rem;text-align:left;vertical-align:top}pre,code{font-family:ui-monospace,monospace;background:#f3f4f6}\
pre{padding:.6rem;overflow:auto}svg{max-width:100%}svg rect{fill:#eef3fb;stroke:#36c}svg path{stroke:#36c;\
stroke-width:2}@media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#15181c}pre,code{background:#23272e}\
svg rect{fill:#1d2a44}svg text{fill:#e6e6e6}}";

/// As HTML that needs nothing else.
pub(super) fn html(title: &str, blocks: &[Block]) -> String {
    let mut page = Html::default();
    page.rendered("<!doctype html>\n").open("html", &[("lang", "en")]).open("head", &[]);
    page.open("meta", &[("charset", "utf-8")]);
    page.open("meta", &[("name", "viewport"), ("content", "width=device-width")]);
    let policy = "default-src 'none'; style-src 'unsafe-inline'";
    page.open("meta", &[("http-equiv", "Content-Security-Policy"), ("content", policy)]);
    page.element("title", title).open("style", &[]).rendered(STYLE).close("style").close("head");
    page.open("body", &[]).element("h1", title);
    for block in blocks {
        add(&mut page, block);
    }
    page.close("body").close("html");
    page.into_text()
}

fn add(page: &mut Html, block: &Block) {
    match block {
        Block::Heading(text) => _ = page.element("h2", text),
        Block::Text(text) => _ = page.element("p", text),
        Block::Points(points) => {
            page.open("ul", &[]);
            for point in points {
                page.element("li", point);
            }
            page.close("ul");
        }
        Block::Table(head, rows) => {
            page.open("table", &[]).open("tr", &[]);
            for cell in head {
                page.element("th", cell);
            }
            page.close("tr");
            for row in rows {
                page.open("tr", &[]);
                for (index, cell) in row.iter().enumerate() {
                    page.open("td", &[]);
                    _ = if index == 0 { page.element("code", cell) } else { page.text(cell) };
                    page.close("td");
                }
                page.close("tr");
            }
            page.close("table");
        }
        Block::Markdown(text) => _ = page.add(&markdown::to_html(text)),
        Block::Command(text) => _ = page.element("pre", text),
        Block::Picture(picture) => _ = page.add(&picture.svg()),
    }
}

//! Markdown: text of anybody in it, and a playbook's own Markdown as HTML.
//!
//! In: texts. Out: Markdown in which a text stands for itself; HTML without raw markup and without links that run
//! something. Must not know: what is shown.

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, html};

use super::html::Html;

/// What means something to Markdown; all of ASCII.
const MARKS: [char; 11] = ['\\', '`', '*', '_', '[', ']', '<', '>', '#', '|', '~'];

/// A text on one line that Markdown shows as it is.
pub(super) fn text(text: &str) -> String {
    let mut shown = String::with_capacity(text.len() + text.len() / 8);
    for word in text.split_whitespace() {
        if !shown.is_empty() {
            shown.push(' ');
        }
        // What lies between two marks is copied as a whole.
        let mut rest = word;
        while let Some((plain, mark)) = rest.find(MARKS).and_then(|at| rest.split_at_checked(at)) {
            shown.push_str(plain);
            shown.push('\\');
            let (mark, after) = mark.split_at_checked(1).unwrap_or((mark, ""));
            shown.push_str(mark);
            rest = after;
        }
        shown.push_str(rest);
    }
    shown
}

/// A text as code, on one line.
pub(super) fn code(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
    let longest = line.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    if longest == 0 { format!("`{line}`") } else { format!("{fence} {line} {fence}") }
}

/// Markdown as HTML.
pub(super) fn to_html(markdown: &str) -> Html {
    let events =
        Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH).map(harmless);
    let mut text = String::new();
    html::push_html(&mut text, events);
    let mut piece = Html::default();
    piece.rendered(&text);
    piece
}

/// Markup stands for itself, and a link leads to a page or nowhere.
fn harmless(event: Event<'_>) -> Event<'_> {
    match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Link { link_type, dest_url: page(dest_url), title, id })
        }
        Event::Start(Tag::Image { link_type, dest_url: _, title, id }) => {
            // A picture from elsewhere would tell its server who reads.
            Event::Start(Tag::Image { link_type, dest_url: CowStr::Borrowed(""), title, id })
        }
        other @ (Event::Start(_)
        | Event::End(_)
        | Event::Text(_)
        | Event::Code(_)
        | Event::InlineMath(_)
        | Event::DisplayMath(_)
        | Event::FootnoteReference(_)
        | Event::SoftBreak
        | Event::HardBreak
        | Event::Rule
        | Event::TaskListMarker(_)) => other,
    }
}

fn page(address: CowStr<'_>) -> CowStr<'_> {
    let is_page = ["https://", "http://", "mailto:", "#"].iter().any(|start| address.starts_with(start));
    if is_page { address } else { CowStr::Borrowed("#") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_of_a_playbook_stands_for_itself() {
        let html =
            to_html("1. <img src=x onerror=y> [a](javascript:z) ![b](https://t.example/p.png)").into_text();
        assert!(
            !html.contains("<img src=x") && !html.contains("javascript") && !html.contains("t.example"),
            "{html}"
        );
        assert!(html.contains("&lt;img"), "{html}");
    }

    #[test]
    fn texts_stand_for_themselves() {
        assert_eq!(text("a|b\n*c* `d`"), "a\\|b \\*c\\* \\`d\\`");
        assert_eq!(code("a`b"), "`` a`b ``");
        let shown = to_html(&text("<b> *x* [y](z)")).into_text();
        assert_eq!(shown, "<p>&lt;b&gt; *x* [y](z)</p>\n");
    }
}

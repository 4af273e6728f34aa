//! An explanation as one page that needs nothing but itself.
//!
//! In: explanations. Out: HTML. Must not know: files. Everything that a rule says is escaped; the page loads nothing
//! and says so to the browser.

use std::fmt::Write as _;

use super::{Explanation, InTarget, Made, Query};
use crate::engine::report::xml;
use crate::picture::{self, Theme};
use crate::source::visible;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The page.
#[must_use]
pub fn html(explained: &[Explanation]) -> String {
    let title = match explained {
        [one] => text(&one.title),
        several => format!("{} rules", several.len()),
    };
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'unsafe-inline'\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n"
    );
    for one in explained {
        article(one, &mut out);
    }
    let _ = write!(out, "</main>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n");
    out
}

/// Text of a rule in a page.
fn text(text: &str) -> String {
    xml(&visible(text))
}

fn article(explained: &Explanation, out: &mut String) {
    let Explanation { rule, title, facts, description, when, steps, after, picture, targets } = explained;
    let _ = writeln!(out, "<article id=\"{}\">\n<h1>{}</h1>", text(rule), text(title));
    let facts: Vec<String> = facts.iter().map(|fact| text(fact)).collect();
    let _ = writeln!(out, "<p class=\"facts\"><code>{}</code> · {}</p>", text(rule), facts.join(" · "));
    let _ = writeln!(out, "<p>{}</p>\n<p>{}</p>\n<ol>", text(description), text(when));
    for step in steps {
        let _ = writeln!(out, "<li>{}</li>", text(step));
    }
    out.push_str("</ol>\n");
    for line in after {
        let _ = writeln!(out, "<p>{}</p>", text(line));
    }
    let _ = writeln!(out, "<figure>\n{}</figure>", picture::svg(picture, Theme::Adaptive));
    out.push_str(
        "<table>\n<thead><tr><th scope=\"col\">Target<th scope=\"col\">Fidelity<th scope=\"col\">Level\
         <th scope=\"col\">Must run</tr></thead>\n<tbody>\n",
    );
    for InTarget { title, made } in targets {
        let (class, cells) = match made {
            Made::Query(query) => (query.fidelity, [query.fidelity, query.level, &query.schedule]),
            Made::Refused(_) => ("refused", ["no query", "", ""]),
            Made::NotMeant => ("none", ["not meant for it", "", ""]),
        };
        let cells = cells.join("<td>");
        let _ = writeln!(out, "<tr class=\"{class}\"><th scope=\"row\">{title}<td>{cells}</tr>");
    }
    out.push_str("</tbody>\n</table>\n");
    for target in targets {
        details(target, out);
    }
    out.push_str("</article>\n");
}

fn details(target: &InTarget, out: &mut String) {
    let InTarget { title, made } = target;
    let item = |word: &str, what: &str| format!("<li><b>{word}</b> {}</li>\n", text(what));
    match made {
        Made::NotMeant => {}
        Made::Refused(reasons) => {
            let reasons: String = reasons.iter().map(|reason| item("refused", reason)).collect();
            let _ = writeln!(out, "<section>\n<h2>{title}</h2>\n<ul>\n{reasons}</ul>\n</section>");
        }
        Made::Query(Query { fidelity: _, level: _, schedule: _, reasons, requires, cost, parts }) => {
            let reasons = reasons.iter().map(|(word, reason)| item(word, reason));
            let needs = requires.iter().map(|what| item("needs", what));
            let cost = cost.iter().map(|what| item("cost", what));
            let items: String = reasons.chain(needs).chain(cost).collect();
            let _ = writeln!(out, "<section>\n<h2>{title}</h2>\n<ul>\n{items}</ul>");
            for part in parts {
                let _ = writeln!(
                    out,
                    "<details open>\n<summary>{}</summary>\n<button type=\"button\">Copy</button>\n\
                     <pre tabindex=\"0\"><code>{}</code></pre>\n</details>",
                    text(&part.name),
                    // As it is: what is copied must be the query. Where it has hidden characters, they are escaped
                    // by its own language.
                    xml(&part.text)
                );
            }
            out.push_str("</section>\n");
        }
    }
}

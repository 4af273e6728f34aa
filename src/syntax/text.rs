//! String tokens to the text they stand for.
//!
//! In: a token with its quotes. Out: the text, and what is wrong with the token.
//! Must not know: where the token stands.

use std::ops::Range;

use super::problem::Problem;
use crate::diag::Code;

const BLOCK: &str = "\"\"\"";

/// Decodes `"…"`, `r"…"` or `"""…"""`.
pub(super) fn string(token: &str) -> (String, Vec<Problem>) {
    if let Some(body) = token.strip_prefix(BLOCK) {
        let ended = body.strip_suffix(BLOCK);
        let problems = if ended.is_some() { Vec::new() } else { vec![endless(0..BLOCK.len(), BLOCK)] };
        return (unindent(ended.unwrap_or(body)), problems);
    }
    if let Some(body) = token.strip_prefix("r\"") {
        let ended = body.strip_suffix('"');
        let problems =
            if ended.is_some() { Vec::new() } else { vec![endless(0..token.trim_end().len(), "\"")] };
        return (ended.unwrap_or(body).to_owned(), problems);
    }
    plain(token)
}

fn endless(range: Range<usize>, mark: &str) -> Problem {
    Problem::new(Code::UnterminatedString, range, "this string is not terminated")
        .label(format!("no `{mark}` closes it"))
        .help(if mark == BLOCK {
            "close the block with `\"\"\"` on its own line"
        } else {
            "close it with `\"`; use `\"\"\"` for multi-line strings"
        })
}

/// A `"…"` with escapes.
fn plain(token: &str) -> (String, Vec<Problem>) {
    let mut out = String::with_capacity(token.len());
    let mut problems = Vec::new();
    let mut rest = token.get(1..).unwrap_or_default();
    while let Some(stop) = rest.find(['"', '\\']) {
        out.push_str(rest.get(..stop).unwrap_or_default());
        let tail = rest.get(stop..).unwrap_or_default();
        if tail.starts_with('"') {
            return (out, problems);
        }
        let start = token.len() - tail.len();
        let (used, decoded) = escape(tail);
        match decoded {
            Ok(c) => out.push(c),
            Err(problem) => {
                // Kept as written: `C:\Users` is more likely a path than a text without its backslash.
                out.push_str(tail.get(..used).unwrap_or_default());
                problems.push(problem.moved(start));
            }
        }
        rest = tail.get(used..).unwrap_or_default();
    }
    out.push_str(rest);
    problems.push(endless(0..token.trim_end().len(), "\""));
    (out, problems)
}

/// The escape at the start of `text`: how long it is and what it stands for.
fn escape(text: &str) -> (usize, Result<char, Problem>) {
    let mut chars = text.chars();
    let Some(letter) = chars.by_ref().nth(1) else {
        return (text.len(), Err(unknown_escape(text)));
    };
    let decoded = match letter {
        '"' | '\\' => letter,
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => return unicode(text),
        _ => {
            let used = 1 + letter.len_utf8();
            return (used, Err(unknown_escape(text.get(..used).unwrap_or_default())));
        }
    };
    (2, Ok(decoded))
}

fn unknown_escape(text: &str) -> Problem {
    Problem::new(Code::BadEscape, 0..text.len(), format!("`{text}` is not an escape sequence"))
        .label("unknown escape sequence")
        .help("valid escapes are `\\\"` `\\\\` `\\n` `\\r` `\\t` `\\u{…}`; write a backslash as `\\\\`, or use `r\"…\"`")
}

fn unicode(text: &str) -> (usize, Result<char, Problem>) {
    let digits = text.strip_prefix("\\u{").and_then(|rest| rest.split_once('}')).map(|(digits, _)| digits);
    let well_formed = digits
        .filter(|digits| (1..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit()));
    let Some(digits) = well_formed else {
        let problem =
            Problem::new(Code::BadEscape, 0..2, "`\\u` requires one to six hexadecimal digits in braces")
                .label("incomplete escape sequence")
                .help("write it as `\\u{e9}`");
        return (2, Err(problem));
    };
    let used = digits.len() + 4;
    let found = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
    (
        used,
        found.ok_or_else(|| {
            Problem::new(Code::BadEscape, 0..used, format!("`\\u{{{digits}}}` is not a character"))
                .label("not a Unicode character")
                .help("valid code points are up to `10ffff`, except `d800` to `dfff`")
        }),
    )
}

/// A text block without its first line break, its last blank line and its common indentation; line ends are `\n`.
fn unindent(body: &str) -> String {
    let mut lines: Vec<&str> = body.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).collect();
    let blank = |line: &&str| line.trim().is_empty();
    if lines.len() > 1 && lines.last().is_some_and(blank) {
        lines.pop();
    }
    // Text right after the opening quotes has no indentation of its own.
    let first = lines.first().copied().filter(|line| !line.trim().is_empty());
    let rest = lines.get(1..).unwrap_or_default();
    let indent = indentation(rest.iter().copied());
    let stripped = rest.iter().map(|line| line.strip_prefix(indent).unwrap_or(line.trim_start()));
    let lines: Vec<&str> =
        first.into_iter().chain(stripped.map(|line| if blank(&line) { "" } else { line })).collect();
    lines.join("\n")
}

/// What all lines begin with. Blank lines do not count, for editors strip their indentation.
pub(super) fn indentation<'a>(lines: impl Iterator<Item = &'a str>) -> &'a str {
    lines.filter(|line| !line.trim().is_empty()).map(leading).reduce(common).unwrap_or_default()
}

fn leading(line: &str) -> &str {
    line.get(..line.len() - line.trim_start().len()).unwrap_or_default()
}

fn common<'a>(a: &'a str, b: &'a str) -> &'a str {
    let length: usize = a.chars().zip(b.chars()).take_while(|(x, y)| x == y).map(|(x, _)| x.len_utf8()).sum();
    a.get(..length).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(token: &str) -> String {
        let (text, problems) = string(token);
        assert!(problems.is_empty(), "{token}: {problems:?}");
        text
    }

    #[test]
    fn escapes_stand_for_their_characters() {
        assert_eq!(clean(r#""a\"b\\c\n\r\t\u{e9}\u{1F600}""#), "a\"b\\c\n\r\té😀");
        assert_eq!(clean(r#""""#), "");
    }

    #[test]
    fn raw_strings_keep_backslashes() {
        assert_eq!(clean(r#"r"^\d+\\$""#), r"^\d+\\$");
    }

    #[test]
    fn blocks_lose_common_indentation() {
        assert_eq!(clean("\"\"\"\n    a\n      b\n\n    c \\d\n  \"\"\""), "a\n  b\n\nc \\d");
        assert_eq!(clean("\"\"\"\r\n\ta\r\n\tb\r\n\t\"\"\""), "a\nb");
        assert_eq!(clean("\"\"\"one\n  two\"\"\""), "one\ntwo");
        assert_eq!(clean("\"\"\"\"\"\""), "");
        assert_eq!(clean("\"\"\"\n\"\"\""), "");
    }

    #[test]
    fn faults_have_exact_places() {
        let ranges = |token| string(token).1.into_iter().map(|p| (p.code.id(), p.range)).collect::<Vec<_>>();
        assert_eq!(ranges(r#""a\qb\u{110000}""#), [("E0105", 2..4), ("E0105", 5..15)]);
        assert_eq!(ranges(r#""a\u12""#), [("E0105", 2..4)]);
        assert_eq!(ranges("\"abc"), [("E0104", 0..4)]);
        assert_eq!(ranges("\"abc\\"), [("E0105", 4..5), ("E0104", 0..5)]);
        assert_eq!(ranges("\"\"\"abc\n"), [("E0104", 0..3)]);
    }
}

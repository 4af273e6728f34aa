//! The words of an EQL query.
//!
//! In: a text. Out: words, texts and marks with their places; comments apart. Must not know: the grammar. After the EQL
//! syntax reference of Elasticsearch.

/// A word of a query.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// First byte and one past the last.
    pub(super) start: usize,
    pub(super) end: usize,
    /// The comment before it, if there is one.
    pub(super) comment: String,
}

/// What a word is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// A keyword or a part of a name, or a name in backticks.
    Word(String),
    /// A string, with what it stands for.
    Text(String),
    Number(String),
    Mark(&'static str),
}

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Problem {
    pub(super) why: String,
    pub(super) start: usize,
    pub(super) end: usize,
}

const MARKS: [&str; 22] = [
    "==", "!=", "<=", ">=", "=", "<", ">", "[", "]", "(", ")", ",", ":", "?", "!", "|", "~", "+", "-", "*",
    "/", "%",
];

/// The words of a text.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Problem> {
    let mut found = Vec::new();
    let mut comment = String::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(c) = rest.chars().next() else { break };
        if c.is_whitespace() || c == '\u{feff}' {
            at += c.len_utf8();
            continue;
        }
        if let Some((said, length)) = remark(rest) {
            comment = said;
            at += length;
            continue;
        }
        let problem = |why: &str, length: usize| Problem { why: why.to_owned(), start: at, end: at + length };
        let (kind, length) = if c == '"' || c == '\'' {
            let (value, length) = string(rest, c).map_err(|why| problem(why, c.len_utf8()))?;
            (Kind::Text(value), length)
        } else if c == '`' || is_letter(c) {
            let (name, length) = name(rest).ok_or_else(|| problem("a backtick is not closed", 1))?;
            (Kind::Word(name), length)
        } else if c.is_ascii_digit() {
            let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.')).unwrap_or(rest.len());
            (Kind::Number(rest.get(..length).unwrap_or_default().to_owned()), length)
        } else if let Some(mark) = MARKS.iter().find(|mark| rest.starts_with(**mark)) {
            (Kind::Mark(mark), mark.len())
        } else {
            return Err(problem("this character does not belong to EQL", c.len_utf8()));
        };
        found.push(Token { kind, start: at, end: at + length, comment: std::mem::take(&mut comment) });
        at += length;
    }
    Ok(found)
}

fn is_letter(c: char) -> bool {
    c.is_alphabetic() || c == '_' || c == '@'
}

/// A comment and its length.
fn remark(text: &str) -> Option<(String, usize)> {
    let (body, length) = if let Some(body) = text.strip_prefix("//") {
        let end = body.find('\n').unwrap_or(body.len());
        (body.get(..end)?, end + 2)
    } else {
        let body = text.strip_prefix("/*")?;
        let end = body.find("*/").unwrap_or(body.len());
        (body.get(..end)?, (end + 4).min(text.len()))
    };
    Some((body.split_whitespace().collect::<Vec<_>>().join(" "), length))
}

/// A name: parts joined by dots, each plain or in backticks.
fn name(text: &str) -> Option<(String, usize)> {
    let (mut name, mut at) = (String::new(), 0);
    loop {
        let rest = text.get(at..)?;
        if let Some(quoted) = rest.strip_prefix('`') {
            let (part, length) = backticked(quoted)?;
            name.push_str(&part);
            at += length + 1;
        } else {
            let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '@');
            let length = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
            name.push_str(rest.get(..length)?);
            at += length;
        }
        let mut next = text.get(at..)?.chars();
        let goes_on = next.next() == Some('.')
            && next.next().is_some_and(|c| is_letter(c) || c.is_ascii_digit() || c == '`');
        if !goes_on {
            return Some((name, at));
        }
        name.push('.');
        at += 1;
    }
}

fn backticked(text: &str) -> Option<(String, usize)> {
    let mut part = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c != '`' {
            part.push(c);
        } else if chars.next_if(|(_, next)| *next == '`').is_some() {
            part.push('`');
        } else {
            return Some((part, at + 1));
        }
    }
    None
}

/// A string and its length: `"…"`, `"""…"""`, or `'…'` of older versions.
fn string(text: &str, quote: char) -> Result<(String, usize), &'static str> {
    const UNENDED: &str = "the string is not closed";
    if let Some(body) = text.strip_prefix("\"\"\"") {
        // One or two quotes may stand before the three that close.
        let mut end = body.find("\"\"\"").ok_or(UNENDED)?;
        while body.get(end + 3..).is_some_and(|rest| rest.starts_with('"')) {
            end += 1;
        }
        return Ok((body.get(..end).unwrap_or_default().to_owned(), end + 6));
    }
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        if c == quote {
            return Ok((value, at + 1));
        }
        if c == '\n' {
            break;
        }
        if c != '\\' {
            value.push(c);
            continue;
        }
        match chars.next().map(|(_, c)| c) {
            Some('n') => value.push('\n'),
            Some('r') => value.push('\r'),
            Some('t') => value.push('\t'),
            Some('b') => value.push('\u{8}'),
            Some('f') => value.push('\u{c}'),
            Some('u') => {
                let digits: String = chars
                    .by_ref()
                    .map(|(_, c)| c)
                    .skip_while(|c| *c == '{')
                    .take_while(|c| *c != '}')
                    .collect();
                let number = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                value.push(number.ok_or("the string has an escape that names no character")?);
            }
            Some(c @ ('"' | '\'' | '\\')) => value.push(c),
            Some(_) => return Err("the string has an escape that EQL does not know"),
            None => break,
        }
    }
    Err(UNENDED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Kind> {
        tokens(text).unwrap().into_iter().map(|token| token.kind).collect()
    }

    #[test]
    fn names_may_have_backticks_and_strings_three_quotes() {
        let word = |text: &str| Kind::Word(text.to_owned());
        let text = |text: &str| Kind::Text(text.to_owned());
        assert_eq!(
            kinds("labels.`my-field`.`a``b` @timestamp"),
            [word("labels.my-field.a`b"), word("@timestamp")]
        );
        assert_eq!(
            kinds(r#""a\"\\\n\u{1f600}" """C:\x""" """"q"""""#),
            [text("a\"\\\n😀"), text(r"C:\x"), text("\"q\"")]
        );
        assert_eq!(
            kinds("5m >= 1.5"),
            [Kind::Number("5m".into()), Kind::Mark(">="), Kind::Number("1.5".into())]
        );
    }

    #[test]
    fn comments_are_kept_beside_what_follows() {
        let found = tokens("// one\n[/* two */ any").unwrap();
        assert_eq!(found.iter().map(|token| token.comment.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    }

    #[test]
    fn what_is_not_closed_has_a_place() {
        for (text, start) in [("a \"b", 2), ("a `b", 2), ("a ; b", 2), ("\"\\q\"", 0), ("\"\"\"a", 0)] {
            assert_eq!(tokens(text).unwrap_err().start, start, "{text}");
        }
    }
}

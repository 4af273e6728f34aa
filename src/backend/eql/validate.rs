//! A structural check of finished queries: what Elasticsearch refuses though other parsers let it pass.
//!
//! In: the text of a query. Out: the first thing that is wrong. It reads the text with a lexer of its own, so that a
//! literal that broke out of its quotes is found as well. Must not know: plans, or how the text was made.

use std::iter::Peekable;
use std::str::Chars;

use super::literal::KEYWORDS;

/// A piece of a query.
#[derive(Debug, PartialEq, Eq)]
enum Token {
    /// A field, keyword, function or sign; parts of a field in backticks keep them.
    Word(String),
    Text(String),
    Number(String),
}

/// Checks a query.
///
/// # Errors
/// What is wrong.
pub(super) fn query(text: &str) -> Result<(), String> {
    parse(&lex(text)?)
}

/// Checks a filter of a source file: comparisons as in the queries themselves. Whatever else EQL has is not known here.
/// Returns whether it has an `or`.
///
/// # Errors
/// What is wrong.
pub(super) fn filter(text: &str) -> Result<bool, String> {
    let tokens = lex(&format!("any where {text}"))?;
    parse(&tokens)?;
    // A comment at the end would swallow what follows.
    query(&format!("any where ({text})")).map_err(|_| "a comment at the end".to_owned())?;
    Ok(tokens.iter().any(|token| is_word(token, "or")))
}

/// The string literals of a query, read back.
#[cfg(test)]
pub(super) fn literals(text: &str) -> Result<Vec<String>, String> {
    query(text)?;
    let texts = lex(text)?.into_iter().filter_map(|token| match token {
        Token::Text(text) => Some(text),
        Token::Word(_) | Token::Number(_) => None,
    });
    Ok(texts.collect())
}

fn lex(text: &str) -> Result<Vec<Token>, String> {
    let mut chars = text.chars().peekable();
    let mut tokens = Vec::new();
    while let Some(&c) = chars.peek() {
        match c {
            ' ' | '\n' | '\t' | '\r' => {
                chars.next();
            }
            '/' => comment(&mut chars)?,
            '"' => tokens.push(Token::Text(string(&mut chars)?)),
            // A question mark, if the field is optional, is no part of its name.
            '?' => {
                chars.next();
                tokens.push(Token::Word(name(&mut chars)?));
            }
            '`' | '_' | 'a'..='z' | 'A'..='Z' => tokens.push(Token::Word(name(&mut chars)?)),
            '0'..='9' => {
                tokens.push(Token::Number(take(&mut chars, |c| c.is_ascii_alphanumeric() || c == '.')));
            }
            '=' | '!' | '<' | '>' => tokens.push(Token::Word(take(&mut chars, |c| "=!<>".contains(c)))),
            '[' | ']' | '(' | ')' | ',' | ':' | '-' | '+' => {
                chars.next();
                tokens.push(Token::Word(c.to_string()));
            }
            _ => return Err(format!("`{c}` outside a literal")),
        }
    }
    Ok(tokens)
}

fn take(chars: &mut Peekable<Chars<'_>>, fits: impl Fn(char) -> bool) -> String {
    std::iter::from_fn(|| chars.next_if(|&c| fits(c))).collect()
}

fn comment(chars: &mut Peekable<Chars<'_>>) -> Result<(), String> {
    chars.next();
    if chars.next() != Some('/') {
        return Err("a single slash".to_owned());
    }
    take(chars, |c| c != '\n' && c != '\r');
    Ok(())
}

fn string(chars: &mut Peekable<Chars<'_>>) -> Result<String, String> {
    chars.next();
    let mut out = String::new();
    loop {
        match chars.next() {
            Some('"') if out.is_empty() && chars.peek() == Some(&'"') => {
                // They begin a raw string, in which nothing is escaped. No printer writes one, so a literal has lost
                // its end.
                return Err("three quotes".to_owned());
            }
            Some('"') => return Ok(out),
            Some('\\') => out.push(escaped(chars)?),
            Some('\n' | '\r') | None => return Err("a string that does not end".to_owned()),
            Some(c) => out.push(c),
        }
    }
}

fn escaped(chars: &mut Peekable<Chars<'_>>) -> Result<char, String> {
    match chars.next() {
        Some('n') => Ok('\n'),
        Some('r') => Ok('\r'),
        Some('t') => Ok('\t'),
        Some('b') => Ok('\u{8}'),
        Some('f') => Ok('\u{c}'),
        Some(c @ ('"' | '\\')) => Ok(c),
        Some('u') => code_point(chars),
        _ => Err("an unknown escape".to_owned()),
    }
}

/// `{…}` with two to eight hexadecimal digits.
fn code_point(chars: &mut Peekable<Chars<'_>>) -> Result<char, String> {
    let opened = chars.next() == Some('{');
    let digits = take(chars, |c| c.is_ascii_hexdigit());
    let closed = chars.next() == Some('}');
    let found = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
    found
        .filter(|_| opened && closed && (2..=8).contains(&digits.len()))
        .ok_or_else(|| "an escape that is no character".to_owned())
}

/// Parts joined by dots, some in backticks; or a word with `~` at its end.
fn name(chars: &mut Peekable<Chars<'_>>) -> Result<String, String> {
    let mut out = String::new();
    while let Some(&c) = chars.peek() {
        match c {
            '`' => {
                out.extend(chars.next());
                out.push_str(&take(chars, |c| c != '`' && c != '\n' && c != '\r'));
                let end = chars.next_if_eq(&'`').ok_or("a field name that does not end")?;
                out.push(end);
            }
            '~' => {
                out.extend(chars.next());
                break;
            }
            '.' | '_' | '0'..='9' | 'a'..='z' | 'A'..='Z' => out.extend(chars.next()),
            _ => break,
        }
    }
    Ok(out)
}

/// Whether `event.category` may have the value: <https://www.elastic.co/docs/reference/ecs/ecs-allowed-values-event-category>.
pub(super) fn is_category(name: &str) -> bool {
    const CATEGORIES: &str = "api authentication configuration database driver email file host iam \
        intrusion_detection library malware network package process registry session threat vulnerability web";
    CATEGORIES.split(' ').any(|known| known == name)
}

fn is_word(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(found) if found == word)
}

fn is_field(name: &str) -> bool {
    let begins = name.starts_with(|c: char| c == '`' || c == '_' || c.is_ascii_alphabetic());
    begins && !name.ends_with('~') && !KEYWORDS.contains(&name)
}

fn parse(tokens: &[Token]) -> Result<(), String> {
    let mut reader = Reader { tokens };
    if reader.take("sequence") {
        sequence(&mut reader)?;
    } else {
        event(&mut reader)?;
    }
    if reader.tokens.is_empty() { Ok(()) } else { Err(format!("{} after the end", reader.ahead())) }
}

/// What is still to be read.
struct Reader<'t> {
    tokens: &'t [Token],
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Option<&'t Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.tokens.first().is_some_and(|token| is_word(token, word));
        if found {
            self.next();
        }
        found
    }

    fn need(&mut self, word: &str) -> Result<(), String> {
        if self.take(word) { Ok(()) } else { Err(self.expected(&format!("`{word}`"))) }
    }

    fn expected(&self, what: &str) -> String {
        format!("{what} expected, not {}", self.ahead())
    }

    /// The next token in a message.
    fn ahead(&self) -> String {
        match self.tokens.first() {
            Some(Token::Word(text) | Token::Number(text)) => format!("`{text}`"),
            Some(Token::Text(_)) => "a string".to_owned(),
            None => "the end".to_owned(),
        }
    }

    fn field(&mut self) -> Result<(), String> {
        match self.tokens.first() {
            Some(Token::Word(name)) if is_field(name) => {
                self.next();
                Ok(())
            }
            _ => Err(self.expected("a field")),
        }
    }

    /// The number of fields of a `by`, if there is one.
    fn by(&mut self) -> Result<usize, String> {
        if !self.take("by") {
            return Ok(0);
        }
        // A field, nothing else: the `eql` package lets a function pass here, Elasticsearch does not.
        self.field()?;
        let mut count = 1;
        while self.take(",") {
            self.field()?;
            count += 1;
        }
        Ok(count)
    }

    /// A literal that `fits`.
    fn literal(&mut self, fits: &dyn Fn(&Token) -> bool) -> Result<&'t Token, String> {
        let signed = self.take("-");
        let found = self.tokens.first().filter(|token| match token {
            Token::Number(_) => true,
            Token::Text(_) => !signed,
            Token::Word(word) => !signed && ["true", "false"].contains(&word.as_str()),
        });
        let found =
            found.filter(|token| fits(token)).ok_or_else(|| self.expected("a literal of the right kind"))?;
        self.next();
        Ok(found)
    }

    /// Literals of one kind up to the closing parenthesis.
    fn literals(&mut self, fits: &dyn Fn(&Token) -> bool) -> Result<(), String> {
        let kind = std::mem::discriminant(self.literal(fits)?);
        while self.take(",") {
            self.literal(&|token| fits(token) && std::mem::discriminant(token) == kind)?;
        }
        self.need(")")
    }

    fn one_or_more(&mut self, fits: &dyn Fn(&Token) -> bool) -> Result<(), String> {
        if self.take("(") { self.literals(fits) } else { self.literal(fits).map(|_| ()) }
    }
}

/// Two items or more, a positive maxspan in a known unit, and the same number of keys in each item.
fn sequence(reader: &mut Reader<'_>) -> Result<(), String> {
    let shared = reader.by()?;
    ["with", "maxspan", "="].into_iter().try_for_each(|word| reader.need(word))?;
    maxspan(reader)?;
    let mut counts = Vec::new();
    let mut runs_twice = false;
    loop {
        let is_missing = reader.take("!");
        if !reader.take("[") {
            break if is_missing { Err(reader.expected("`[`")) } else { Ok(()) };
        }
        event(reader)?;
        reader.need("]")?;
        counts.push(reader.by()?);
        if reader.take("with") {
            runs(reader)?;
            runs_twice = true;
        }
    }?;
    match counts.as_slice() {
        // The `eql` package lets a sequence of one item pass, Elasticsearch does not.
        [] => Err("a sequence of no items".to_owned()),
        [_] if !runs_twice => Err("a sequence of fewer than two items".to_owned()),
        [first, others @ ..] if shared + first == 0 || others.iter().any(|count| count != first) => {
            Err("items with different numbers of keys, or none".to_owned())
        }
        [_, ..] => Ok(()),
    }
}

fn maxspan(reader: &mut Reader<'_>) -> Result<(), String> {
    let Some(Token::Number(span)) = reader.next() else { return Err("a time span expected".to_owned()) };
    let amount = span.strip_suffix(['s', 'm', 'h', 'd']).and_then(|amount| amount.parse::<u64>().ok());
    amount.filter(|amount| *amount > 0).map(|_| ()).ok_or_else(|| format!("time span {span}"))
}

/// Elasticsearch takes 1 to 100.
fn runs(reader: &mut Reader<'_>) -> Result<(), String> {
    ["runs", "="].into_iter().try_for_each(|word| reader.need(word))?;
    let Some(Token::Number(count)) = reader.next() else {
        return Err("a number of runs expected".to_owned());
    };
    let count = count.parse::<u32>().ok().filter(|count| (1..=100).contains(count));
    count.map(|_| ()).ok_or_else(|| "runs are 1 to 100".to_owned())
}

fn event(reader: &mut Reader<'_>) -> Result<(), String> {
    match reader.tokens.first() {
        Some(Token::Word(word)) if word == "any" || is_category(word) => reader.next(),
        _ => return Err(reader.expected("a category")),
    };
    reader.need("where")?;
    condition(reader)
}

/// Counts parentheses instead of calling itself: a source file may have any number of them.
fn condition(reader: &mut Reader<'_>) -> Result<(), String> {
    let mut open = 0_usize;
    loop {
        loop {
            if reader.take("(") {
                open += 1;
            } else if !reader.take("not") {
                break;
            }
        }
        if !reader.take("true") && !reader.take("false") {
            test(reader)?;
        }
        while open > 0 && reader.take(")") {
            open -= 1;
        }
        if !reader.take("and") && !reader.take("or") {
            return if open == 0 { Ok(()) } else { reader.need(")") };
        }
    }
}

/// The functions that ask one field for the text of another.
const OF_FIELDS: [&str; 6] =
    ["startsWith", "startsWith~", "endsWith", "endsWith~", "stringContains", "stringContains~"];

/// A comparison of a field with literals of one kind, or `cidrMatch`; or a function of two fields.
fn test(reader: &mut Reader<'_>) -> Result<(), String> {
    let any = |_: &Token| true;
    let text = |token: &Token| matches!(token, Token::Text(_));
    // `index.max_regex_length` is 1,000 unless an index says otherwise.
    let regex = |token: &Token| matches!(token, Token::Text(text) if text.chars().count() <= 1_000);
    if reader.take("cidrMatch") {
        reader.need("(")?;
        reader.field()?;
        reader.need(",")?;
        return reader.literals(&text);
    }
    if OF_FIELDS.iter().any(|function| reader.take(function)) {
        reader.need("(")?;
        reader.field()?;
        reader.need(",")?;
        reader.field()?;
        return reader.need(")");
    }
    reader.field()?;
    let operator = match reader.tokens.first() {
        Some(Token::Word(word)) => word.as_str(),
        Some(Token::Text(_) | Token::Number(_)) | None => "",
    };
    let wrong = reader.expected("an operator");
    reader.next();
    match operator {
        "==" | "!=" if reader.take("null") => Ok(()),
        "==" | "!=" | "<" | "<=" | ">" | ">=" => reader.literal(&any).map(|_| ()),
        "in" => reader.need("(").and_then(|()| reader.literals(&any)),
        "in~" => reader.need("(").and_then(|()| reader.literals(&text)),
        ":" => reader.literal(&text).map(|_| ()),
        "like" | "like~" => reader.one_or_more(&text),
        "regex" => reader.one_or_more(&regex),
        _ => Err(wrong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEM: &str = r#"[any where a.b == "x"]"#;

    #[test]
    fn what_elasticsearch_runs_passes() {
        for text in [
            "any where a == 1 // tail",
            r#"any where not (a in ("x", "\"y\\") or b != null) and cidrMatch(c.d, "10.0.0.0/8")"#,
            r#"any where `@timestamp` >= "2026-01-01" and x.`sequence` == -1.5 and y regex (".*", "a") and z == true"#,
            &format!("sequence by k, l with maxspan=15m {ITEM} {ITEM}"),
            &format!("sequence with maxspan=1d {ITEM} by k {ITEM} by m"),
        ] {
            assert_eq!(query(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn filters_stay_in_their_place() {
        for (text, joined) in [
            ("a == 1", false),
            ("a == 1 or not (b like~ \"x*\")", true),
            ("a == 1 // one\n and b == \"x or y\"", false),
        ] {
            assert_eq!(filter(text), Ok(joined), "{text}");
        }
        let deep = "(".repeat(100_000);
        for (text, problem) in [
            ("", "a field expected, not the end"),
            ("a =! \"x\"", "an operator expected, not `=!`"),
            ("a == \"x", "a string that does not end"),
            ("a == 1) or (b == 2", "`)` after the end"),
            ("a == 1 // one", "a comment at the end"),
            ("a == 1 | head 1", "`|` outside a literal"),
            ("(a == 1", "`)` expected, not the end"),
            (&deep, "a field expected, not the end"),
        ] {
            assert_eq!(filter(text), Err(problem.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_elasticsearch_refuses_is_found() {
        for text in [
            &format!("sequence by k with maxspan=1m {ITEM}"),
            &format!("sequence with maxspan=1m {ITEM} {ITEM}"),
            &format!("sequence by k with maxspan=0s {ITEM} {ITEM}"),
            &format!("sequence by k with maxspan=1w {ITEM} {ITEM}"),
            &format!("sequence by k {ITEM} {ITEM}"),
            &format!("sequence with maxspan=1m {ITEM} by a {ITEM} by b, c"),
            &format!("sequence by k with maxspan=1m {ITEM} {ITEM} fork"),
            &format!("sequence by toLower(k) with maxspan=1m {ITEM} {ITEM}"),
            &format!("join by k {ITEM} {ITEM}"),
            "any where child of [any where true]",
            "any where true | count",
            "any where foo(a) == 1",
            "any where a == b",
            "any where a = 1",
            "any where a == 'x'",
            "any where a == ?\"x\"",
            r#"any where a == """x""""#,
            "any where a in ()",
            r#"any where a in ("x", 1)"#,
            r"any where a in~ (1)",
            "any where a == \"x\ny\"",
            r#"any where a == "x" "y""#,
            r#"any where a == "\q""#,
            &format!("any where a regex \"{}\"", "x".repeat(1_001)),
        ] {
            assert!(query(text).is_err(), "{text}");
        }
    }
}

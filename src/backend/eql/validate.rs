//! A structural check of finished queries: what Elasticsearch refuses though other parsers let it pass.
//!
//! In: the text of a query. Out: the first thing that is wrong. It reads the text with a lexer of its own, so that a
//! literal that broke out of its quotes is found as well. Must not know: plans, or how the text was made.

use std::iter::Peekable;
use std::str::Chars;

/// A piece of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// A field, keyword or function name; parts in backticks keep them.
    Name(String),
    Text(String),
    Number(String),
    Sign(String),
}

/// Checks a query.
///
/// # Errors
/// What is wrong.
pub(super) fn query(text: &str) -> Result<(), String> {
    let tokens = lex(text)?;
    let mut reader = Reader { tokens: &tokens, at: 0 };
    if reader.peek_name("sequence") {
        sequence(&mut reader)?;
    } else {
        event(&mut reader)?;
    }
    reader.end()
}

/// Checks a filter of a source file: comparisons as in the queries themselves. Whatever else EQL has is not known here.
///
/// # Errors
/// What is wrong.
pub(super) fn filter(text: &str) -> Result<(), String> {
    query(&format!("any where {text}"))?;
    // A comment at the end would swallow what follows.
    query(&format!("any where ({text})")).map_err(|_| "a comment at the end".to_owned())
}

/// Whether a filter has an `or`, next to which an `and` needs parentheses.
pub(super) fn joins(filter: &str) -> bool {
    lex(filter).is_ok_and(|tokens| tokens.contains(&Token::Name("or".to_owned())))
}

/// Checks the time of a mapping: a sequence has no clock of its own choice.
///
/// # Errors
/// What is wrong.
pub(super) fn time(text: &str) -> Result<(), String> {
    match text {
        "" | "@timestamp" => Ok(()),
        _ => Err("events are ordered by `@timestamp`; how much later it is than the event is the `time_lag`"
            .to_owned()),
    }
}

/// The string literals of a query, read back.
#[cfg(test)]
pub(super) fn literals(text: &str) -> Result<Vec<String>, String> {
    query(text)?;
    let texts = lex(text)?.into_iter().filter_map(|token| match token {
        Token::Text(text) => Some(text),
        Token::Name(_) | Token::Number(_) | Token::Sign(_) => None,
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
            '"' => tokens.push(string(&mut chars)?),
            '`' | '_' | 'a'..='z' | 'A'..='Z' => tokens.push(name(&mut chars)?),
            '0'..='9' => {
                tokens.push(Token::Number(take(&mut chars, |c| c.is_ascii_alphanumeric() || c == '.')));
            }
            '=' | '!' | '<' | '>' => tokens.push(Token::Sign(take(&mut chars, |c| "=!<>".contains(c)))),
            '[' | ']' | '(' | ')' | ',' | '-' | '+' => {
                chars.next();
                tokens.push(Token::Sign(c.to_string()));
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

fn string(chars: &mut Peekable<Chars<'_>>) -> Result<Token, String> {
    chars.next();
    let mut out = String::new();
    loop {
        match chars.next() {
            Some('"') => break,
            Some('\\') => match chars.next() {
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some('t') => out.push('\t'),
                Some('b') => out.push('\u{8}'),
                Some('f') => out.push('\u{c}'),
                Some(c @ ('"' | '\\')) => out.push(c),
                Some('u') => out.push(code_point(chars)?),
                _ => return Err("an unknown escape".to_owned()),
            },
            Some('\n' | '\r') | None => return Err("a string that does not end".to_owned()),
            Some(c) => out.push(c),
        }
    }
    if out.is_empty() && chars.peek() == Some(&'"') {
        Err("three quotes".to_owned())
    } else {
        Ok(Token::Text(out))
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

fn name(chars: &mut Peekable<Chars<'_>>) -> Result<Token, String> {
    let mut out = String::new();
    loop {
        if chars.peek() == Some(&'`') {
            chars.next();
            let quoted = take(chars, |c| c != '`' && c != '\n' && c != '\r');
            if chars.next() != Some('`') {
                return Err("a field name that does not end".to_owned());
            }
            out.push('`');
            out.push_str(&quoted);
            out.push('`');
        } else {
            out.push_str(&take(chars, |c| c.is_ascii_alphanumeric() || c == '_'));
        }
        match chars.peek() {
            Some('.') => out.extend(chars.next()),
            Some('`') => {}
            Some('~') => {
                out.extend(chars.next());
                break;
            }
            _ => break,
        }
    }
    Ok(Token::Name(out))
}

/// A token in a message.
fn told(token: Option<&Token>) -> String {
    match token {
        Some(Token::Name(text) | Token::Number(text) | Token::Sign(text)) => format!("`{text}`"),
        Some(Token::Text(_)) => "a string".to_owned(),
        None => "the end".to_owned(),
    }
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<&Token> {
        self.at += 1;
        self.tokens.get(self.at - 1)
    }

    fn peek_name(&self, word: &str) -> bool {
        matches!(self.tokens.get(self.at), Some(Token::Name(name)) if name == word)
    }

    fn peek_sign(&self, sign: &str) -> bool {
        matches!(self.tokens.get(self.at), Some(Token::Sign(found)) if found == sign)
    }

    fn take_name(&mut self, word: &str) -> bool {
        let found = self.peek_name(word);
        self.at += usize::from(found);
        found
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let found = self.peek_sign(sign);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, found: bool, what: &str) -> Result<(), String> {
        if found { Ok(()) } else { Err(format!("`{what}` expected, not {}", told(self.tokens.get(self.at)))) }
    }

    fn name(&mut self, what: &str) -> Result<(), String> {
        let found = self.take_name(what);
        self.expect(found, what)
    }

    fn sign(&mut self, what: &str) -> Result<(), String> {
        let found = self.take_sign(what);
        self.expect(found, what)
    }

    fn end(&self) -> Result<(), String> {
        let token = self.tokens.get(self.at);
        token.map_or(Ok(()), |_| Err(format!("{} after the end", told(token))))
    }

    fn field(&mut self) -> Result<String, String> {
        match self.next() {
            Some(Token::Name(name))
                if !super::literal::KEYWORDS.contains(&name.as_str()) && !name.ends_with('~') =>
            {
                Ok(name.clone())
            }
            other => Err(format!("a field expected, not {}", told(other))),
        }
    }

    fn fields(&mut self) -> Result<usize, String> {
        let mut count = 1;
        self.field()?;
        while self.take_sign(",") {
            self.field()?;
            count += 1;
        }
        Ok(count)
    }
}

/// Two items or more, a positive maxspan in a known unit, and the same number of keys in each item.
fn sequence(reader: &mut Reader<'_>) -> Result<(), String> {
    reader.name("sequence")?;
    let shared = if reader.take_name("by") { reader.fields()? } else { 0 };
    reader.name("with")?;
    reader.name("maxspan")?;
    reader.sign("=")?;
    maxspan(reader)?;
    let mut counts = Vec::new();
    while reader.take_sign("[") {
        event(reader)?;
        reader.sign("]")?;
        counts.push(if reader.take_name("by") { reader.fields()? } else { 0 });
    }
    match counts.split_first() {
        Some((first, others)) if !others.is_empty() => {
            if others.iter().any(|count| count != first) || shared + first == 0 {
                return Err("items with different numbers of keys, or none".to_owned());
            }
            Ok(())
        }
        _ => Err("a sequence of fewer than two items".to_owned()),
    }
}

fn maxspan(reader: &mut Reader<'_>) -> Result<(), String> {
    let Some(Token::Number(span)) = reader.next() else { return Err("a time span expected".to_owned()) };
    let unit = span.trim_start_matches(|c: char| c.is_ascii_digit());
    let amount = span.strip_suffix(unit).and_then(|amount| amount.parse::<u64>().ok());
    if ["s", "m", "h", "d"].contains(&unit) && amount.is_some_and(|amount| amount > 0) {
        Ok(())
    } else {
        Err(format!("time span {span}"))
    }
}

fn event(reader: &mut Reader<'_>) -> Result<(), String> {
    reader.name("any")?;
    reader.name("where")?;
    condition(reader)
}

/// Counts parentheses instead of calling itself: a source file may have any number of them.
fn condition(reader: &mut Reader<'_>) -> Result<(), String> {
    let mut open = 0_usize;
    loop {
        loop {
            if reader.take_sign("(") {
                open += 1;
            } else if !reader.take_name("not") {
                break;
            }
        }
        if !reader.take_name("true") && !reader.take_name("false") {
            test(reader)?;
        }
        while open > 0 && reader.take_sign(")") {
            open -= 1;
        }
        if !reader.take_name("and") && !reader.take_name("or") {
            return if open == 0 { Ok(()) } else { reader.sign(")") };
        }
    }
}

/// A comparison of a field with literals of one kind, or `cidrMatch`; no other functions, no field on the right.
fn test(reader: &mut Reader<'_>) -> Result<(), String> {
    if reader.take_name("cidrMatch") {
        reader.sign("(")?;
        reader.field()?;
        reader.sign(",")?;
        return rest_of_list(reader, true, usize::MAX);
    }
    reader.field()?;
    match reader.next().cloned() {
        Some(Token::Sign(sign)) if ["==", "!="].contains(&sign.as_str()) => {
            if reader.take_name("null") {
                Ok(())
            } else {
                literal(reader).map(|_| ())
            }
        }
        Some(Token::Sign(sign)) if ["<", "<=", ">", ">="].contains(&sign.as_str()) => {
            literal(reader).map(|_| ())
        }
        Some(Token::Name(word)) => match word.as_str() {
            "in" => {
                reader.sign("(")?;
                rest_of_list(reader, false, usize::MAX)
            }
            "in~" => {
                reader.sign("(")?;
                rest_of_list(reader, true, usize::MAX)
            }
            "like" | "like~" => one_or_more(reader, usize::MAX),
            "regex" => one_or_more(reader, 1_000),
            _ => Err(format!("`{word}` is no operator")),
        },
        other => Err(format!("an operator expected, not {}", told(other.as_ref()))),
    }
}

fn one_or_more(reader: &mut Reader<'_>, longest: usize) -> Result<(), String> {
    if reader.take_sign("(") {
        rest_of_list(reader, true, longest)
    } else {
        bounded(&literal(reader)?, longest)
    }
}

/// Literals of one kind up to the closing parenthesis.
fn rest_of_list(reader: &mut Reader<'_>, text: bool, longest: usize) -> Result<(), String> {
    let first = literal(reader)?;
    bounded(&first, longest)?;
    if text && !matches!(first, Token::Text(_)) {
        return Err(format!("a string expected, not {}", told(Some(&first))));
    }
    while reader.take_sign(",") {
        let other = literal(reader)?;
        bounded(&other, longest)?;
        if std::mem::discriminant(&first) != std::mem::discriminant(&other) {
            return Err("literals of different kinds in one list".to_owned());
        }
    }
    reader.sign(")")
}

fn bounded(literal: &Token, longest: usize) -> Result<(), String> {
    match literal {
        Token::Text(text) if text.chars().count() > longest => {
            Err("an expression that is too long".to_owned())
        }
        Token::Text(_) | Token::Number(_) | Token::Name(_) | Token::Sign(_) => Ok(()),
    }
}

fn literal(reader: &mut Reader<'_>) -> Result<Token, String> {
    let signed = reader.take_sign("-");
    match reader.next().cloned() {
        Some(token @ Token::Number(_)) => Ok(token),
        Some(token @ Token::Text(_)) if !signed => Ok(token),
        Some(Token::Name(word)) if !signed && ["true", "false"].contains(&word.as_str()) => {
            Ok(Token::Name(word))
        }
        other => Err(format!("a literal expected, not {}", told(other.as_ref()))),
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
            assert_eq!((filter(text), joins(text)), (Ok(()), joined), "{text}");
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

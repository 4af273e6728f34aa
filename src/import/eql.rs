//! EQL sequences.
//!
//! In: the text of a sequence. Out: a draft. Must not know: files. After Elastic's EQL syntax reference; what is not
//! understood is said at its step.

use crate::catalog::{Catalog, Source};

use super::Given;
use super::cond::Cond;
use super::draft::{Draft, Step, link};
use super::field::{self, Op};

/// A token: a word, a mark, or a string with what it stands for.
#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Mark(String),
}

impl Token {
    fn is(&self, text: &str) -> bool {
        matches!(self, Self::Word(word) | Self::Mark(word) if word == text)
    }
}

pub(super) fn draft(text: &str, given: &Given<'_>) -> Result<Draft, String> {
    let tokens = tokens(text)?;
    let mut reader = Reader { tokens: &tokens, at: 0, lost: Vec::new() };
    reader.expect("sequence")?;
    let shared = if reader.take("by") { reader.names() } else { Vec::new() };
    let mut total = String::new();
    if reader.take("with") {
        reader.expect("maxspan")?;
        reader.expect("=")?;
        total = reader.next_word();
    }
    let mut draft = Draft {
        name: super::draft::name(given.name, "imported_sequence"),
        id: given.id.clone(),
        total: if total.is_empty() { "1h".to_owned() } else { total.clone() },
        ..Draft::default()
    };
    if total.is_empty() {
        draft.lost.push("the sequence has no maxspan, and a chain needs a window".to_owned());
    }
    let mut before: Option<(usize, Vec<String>)> = None;
    let mut sources: Vec<&Source> = Vec::new();
    while reader.at < tokens.len() {
        if reader.take("until") {
            draft.lost.push("`until` ends a sequence at an event".to_owned());
            reader.skip_item();
            continue;
        }
        let is_missing = reader.take("!");
        let (item, own) = reader.item(given)?;
        if is_missing {
            draft.lost.push("an event that must not come (`![…]`)".to_owned());
            continue;
        }
        let keys: Vec<String> = shared.iter().chain(&own).cloned().collect();
        let number = sources.len() + 1;
        let mut step =
            Step { name: format!("step_{number}"), source: item.source.name.clone(), ..Step::default() };
        step.condition = item.condition;
        step.lost = item.lost;
        if let Some((index, earlier)) = &before {
            let pair = sources.get(*index).copied();
            if let Some(source) = pair {
                links(&mut step, (&format!("step_{}", index + 1), source, earlier), (item.source, &keys));
            }
        }
        before = Some((sources.len(), keys));
        sources.push(item.source);
        draft.steps.push(step);
    }
    if draft.steps.len() < 2 {
        return Err("the sequence has fewer than two events".to_owned());
    }
    draft.title = format!("Sequence of {} events", draft.steps.len());
    Ok(draft)
}

/// The links that the keys of two neighbours make.
fn links(step: &mut Step, before: (&str, &Source, &[String]), after: (&Source, &[String])) {
    for (one, other) in before.2.iter().zip(after.1) {
        match (field::find(before.1, "eql", one), field::find(after.0, "eql", other)) {
            (Ok(left), Ok(right)) => {
                let name = step.name.clone();
                step.links.push(link((before.0, before.1, &left.name), (&name, after.0, &right.name)));
            }
            (Err(why), _) | (_, Err(why)) => step.lost.push(format!("the key `{other}`: {why}")),
        }
    }
}

/// An event of a sequence.
struct Item<'c> {
    source: &'c Source,
    condition: Option<Cond>,
    lost: Vec<String>,
}

struct Reader<'t> {
    tokens: &'t [Token],
    at: usize,
    lost: Vec<String>,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.at)
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.peek().is_some_and(|token| token.is(text));
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, text: &str) -> Result<(), String> {
        if self.take(text) {
            Ok(())
        } else {
            Err(format!("expected `{text}` in the sequence, at token {}", self.at + 1))
        }
    }

    fn next_word(&mut self) -> String {
        let word = match self.peek() {
            Some(Token::Word(word) | Token::Text(word)) => word.clone(),
            Some(Token::Mark(_)) | None => return String::new(),
        };
        self.at += 1;
        word
    }

    fn names(&mut self) -> Vec<String> {
        let mut names = vec![self.next_word()];
        while self.take(",") {
            names.push(self.next_word());
        }
        names.retain(|name| !name.is_empty());
        names
    }

    /// Goes past an event in brackets and the keys behind it.
    fn skip_item(&mut self) {
        let mut depth = 0_usize;
        while let Some(token) = self.peek() {
            self.at += 1;
            depth += usize::from(token.is("["));
            if token.is("]") {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    break;
                }
            }
        }
        if self.take("by") {
            self.names();
        }
    }

    /// `[category where condition] by keys`.
    fn item<'c>(&mut self, given: &Given<'c>) -> Result<(Item<'c>, Vec<String>), String> {
        self.expect("[")?;
        let category = self.next_word();
        self.expect("where")?;
        let begin = self.at;
        let end = self.tokens.iter().skip(begin).position(|token| token.is("]")).map(|count| begin + count);
        let inside = self.tokens.get(begin..end.unwrap_or(self.tokens.len())).unwrap_or_default();
        let source = source(inside, given)?;
        self.lost.clear();
        if category != "any" {
            self.lost.push(format!("the category `{category}`, which the source stands for"));
        }
        let condition = self.or(source);
        if !self.take("]") {
            return Err(format!("the condition of an event is not understood, at token {}", self.at + 1));
        }
        let keys = if self.take("by") { self.names() } else { Vec::new() };
        if self.take("with") {
            let what = [self.next_word(), String::new()];
            self.take("=");
            let count = self.next_word();
            self.lost.push(format!("`with {}={count}`", what.concat()));
        }
        Ok((Item { source, condition, lost: std::mem::take(&mut self.lost) }, keys))
    }

    fn or(&mut self, source: &Source) -> Option<Cond> {
        let mut parts = vec![self.and(source)];
        while self.take("or") {
            parts.push(self.and(source));
        }
        if parts.iter().any(Option::is_some) && parts.iter().any(Option::is_none) {
            self.lost.push("with it, what is joined to it by `or`".to_owned());
        }
        Cond::any(parts)
    }

    fn and(&mut self, source: &Source) -> Option<Cond> {
        let mut parts = vec![self.unary(source)];
        while self.take("and") {
            parts.push(self.unary(source));
        }
        Cond::all(parts)
    }

    fn unary(&mut self, source: &Source) -> Option<Cond> {
        if self.take("not") {
            let known = self.lost.len();
            let inner = self.unary(source).map(Cond::not);
            // The opposite of a part would exclude more than the opposite of the whole.
            return inner.filter(|_| self.lost.len() == known);
        }
        if self.take("(") {
            let inner = self.or(source);
            self.take(")");
            return inner;
        }
        self.compare(source)
    }

    fn compare(&mut self, source: &Source) -> Option<Cond> {
        self.take("?");
        let name = self.next_word();
        if name.eq_ignore_ascii_case("true") {
            return None;
        }
        if self.take("(") {
            return self.function(&name, source);
        }
        let op = match self.peek() {
            Some(Token::Word(word) | Token::Mark(word)) => word.clone(),
            Some(Token::Text(_)) | None => String::new(),
        };
        self.at += usize::from(!op.is_empty());
        let negated = op == "not";
        let op = if negated { self.next_word() } else { op };
        let folds = self.take("~") || op == ":";
        let values = self.values();
        if is_dataset(&name) {
            // It chose the source.
            return None;
        }
        let found = match field::find(source, "eql", &name) {
            Ok(found) => found,
            Err(why) => return self.lose(&name, &why),
        };
        let is_null = values.iter().any(|value| value == "null");
        let (kind, flips) = match op.as_str() {
            "==" if is_null => return Some(field::exists(found).not()),
            "!=" if is_null => return Some(field::exists(found)),
            "!=" => (Op::Equal, true),
            "==" | "in" => (Op::Equal, false),
            ":" | "like" => (Op::Like, false),
            "regex" => (Op::Matches, false),
            "<" => (Op::Order("<"), false),
            "<=" => (Op::Order("<="), false),
            ">" => (Op::Order(">"), false),
            ">=" => (Op::Order(">="), false),
            other => return self.lose(&name, &format!("the operator `{other}` is not known")),
        };
        let has_wildcard = values.iter().any(|value| value.contains(['*', '?']));
        let kind = if kind == Op::Like && !has_wildcard { Op::Equal } else { kind };
        self.tested(found, kind, &values, folds, negated != flips)
    }

    fn function(&mut self, called: &str, source: &Source) -> Option<Cond> {
        let folds = called.ends_with('~');
        let mut arguments = self.values_inside();
        let name = if arguments.is_empty() { String::new() } else { arguments.remove(0) };
        let kind = match called.trim_end_matches('~') {
            "cidrMatch" => Op::Network,
            "startsWith" => Op::Starts,
            "endsWith" => Op::Ends,
            "stringContains" => Op::Contains,
            "wildcard" => Op::Like,
            "match" => Op::Matches,
            _ => return self.lose(&name, &format!("the function `{called}` is not known")),
        };
        match field::find(source, "eql", &name) {
            Ok(found) => self.tested(found, kind, &arguments, folds, false),
            Err(why) => self.lose(&name, &why),
        }
    }

    fn tested(
        &mut self,
        found: &crate::catalog::FieldDef,
        op: Op,
        values: &[String],
        folds: bool,
        negated: bool,
    ) -> Option<Cond> {
        match field::test(found, op, values, folds) {
            Ok(test) if negated => Some(test.not()),
            Ok(test) => Some(test),
            Err(why) => self.lose(&found.name, &why),
        }
    }

    fn lose(&mut self, name: &str, why: &str) -> Option<Cond> {
        self.lost.push(format!("the test of `{name}`: {why}"));
        None
    }

    fn values(&mut self) -> Vec<String> {
        if self.take("(") { self.values_inside() } else { vec![self.next_word()] }
    }

    fn values_inside(&mut self) -> Vec<String> {
        let mut values = Vec::new();
        while self.peek().is_some() && !self.take(")") {
            let before = self.at;
            let value = self.next_word();
            self.take(",");
            // Whatever else stands there ends the list, so that nothing goes on for ever.
            if self.at == before {
                break;
            }
            values.push(value);
        }
        values
    }
}

fn is_dataset(name: &str) -> bool {
    ["data_stream.dataset", "event.dataset", "event.module", "event.kind"].contains(&name)
}

/// The source of an event: the one that it names, else the one that has most of its fields.
fn source<'c>(condition: &[Token], given: &Given<'c>) -> Result<&'c Source, String> {
    let catalog: &'c Catalog = given.catalog;
    if let Some(name) = given.source {
        return catalog.source(name).ok_or_else(|| format!("there is no source `{name}`"));
    }
    let texts: Vec<&str> = condition
        .iter()
        .filter_map(|token| match token {
            Token::Text(text) => Some(text.as_str()),
            Token::Word(_) | Token::Mark(_) => None,
        })
        .collect();
    if let Some(named) = texts.iter().find_map(|text| catalog.source(text)) {
        return Ok(named);
    }
    let words: Vec<&str> = condition
        .iter()
        .filter_map(|token| match token {
            Token::Word(word) if word.contains('.') => Some(word.as_str()),
            Token::Word(_) | Token::Text(_) | Token::Mark(_) => None,
        })
        .collect();
    let known =
        |source: &&Source| words.iter().filter(|word| field::find(source, "eql", word).is_ok()).count();
    let best = catalog.iter().max_by_key(known).filter(|source| known(source) > 0);
    best.ok_or_else(|| "no source has the fields of an event; name one with `--source-of`".to_owned())
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = if c.is_whitespace() {
            c.len_utf8()
        } else if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if c == '"' {
            let (value, length) = string(rest)?;
            found.push(Token::Text(value));
            length
        } else if c.is_alphanumeric() || matches!(c, '_' | '@' | '-') {
            let length =
                rest.find(|c: char| !(c.is_alphanumeric() || "._@-".contains(c))).unwrap_or(rest.len());
            let word = rest.get(..length).unwrap_or_default();
            found.push(Token::Word(word.to_owned()));
            length
        } else {
            let two = ["==", "!=", "<=", ">="].iter().find(|mark| rest.starts_with(**mark));
            let mark = two.map_or_else(|| c.to_string(), |mark| (*mark).to_owned());
            let length = mark.len();
            found.push(Token::Mark(mark));
            length
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    Ok(found)
}

/// `"…"` or `"""…"""`, and its length.
fn string(text: &str) -> Result<(String, usize), String> {
    let unended = || "a string is not terminated".to_owned();
    if let Some(body) = text.strip_prefix("\"\"\"") {
        let end = body.find("\"\"\"").ok_or_else(unended)?;
        return Ok((body.get(..end).unwrap_or_default().to_owned(), end + 6));
    }
    let (mut value, mut escaped) = (String::new(), false);
    for (at, c) in text.char_indices().skip(1) {
        match c {
            'n' if escaped => value.push('\n'),
            'r' if escaped => value.push('\r'),
            't' if escaped => value.push('\t'),
            c if escaped => value.push(c),
            '\\' => {}
            '"' => return Ok((value, at + 1)),
            c => value.push(c),
        }
        escaped = c == '\\' && !escaped;
    }
    Err(unended())
}

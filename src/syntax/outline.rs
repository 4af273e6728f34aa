//! The outline of a file: which rules it has, found without parsing it. So a run over many files knows what clashes
//! before it works on the first. Also which parenthesis is open in a text that the grammar could not read.
//!
//! In: the text of a file. Out: a [`Heading`] for each rule, the same that its tree has; of a broken text, what can be
//! seen. Must not know: the grammar of anything inside a rule.

use super::text;

/// What a rule is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// Its name.
    pub name: String,
    /// Its id as written.
    pub id: Option<String>,
}

/// The rules of a file, in order.
#[must_use]
pub fn outline(text: &str) -> Vec<Heading> {
    let mut headings: Vec<Heading> = Vec::new();
    let (mut depth, mut before) = (0_usize, "");
    for token in Tokens(text) {
        match (token, before, depth) {
            (Token::Word(name), "rule", 0) => headings.push(Heading { name: name.to_owned(), id: None }),
            (Token::Text(id), "id", 1) => {
                // A second `id` is an error; the first is the one that the checker compares.
                if let Some(heading) = headings.last_mut().filter(|heading| heading.id.is_none()) {
                    heading.id = Some(text::string(id).0);
                }
            }
            (Token::Open, ..) => depth += 1,
            (Token::Close, ..) => depth = depth.saturating_sub(1),
            (Token::Word(_) | Token::Text(_) | Token::Mark(_), ..) => {}
        }
        before = if let Token::Word(word) = token { word } else { "" };
    }
    headings
}

/// What [`Parens`] knows of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Paren {
    Open,
    Close,
    /// A predicate begins or ends here, and with it what its parentheses can enclose.
    Bound,
}

/// The parentheses of a text, outside of strings and comments.
#[derive(Debug)]
pub(super) struct Parens(Vec<(usize, Paren)>);

impl Parens {
    pub(super) fn of(text: &str) -> Self {
        let mut tokens = Tokens(text);
        let mut found = Vec::new();
        while let Some(token) = tokens.next() {
            let paren = match token {
                Token::Mark("(") => Paren::Open,
                Token::Mark(")") => Paren::Close,
                Token::Open | Token::Close | Token::Word("where" | "except") => Paren::Bound,
                Token::Word(_) | Token::Text(_) | Token::Mark(_) => continue,
            };
            found.push((text.len() - tokens.0.len() - 1, paren));
        }
        Self(found)
    }

    /// The last parenthesis before `at`, in its predicate, that nothing has closed.
    pub(super) fn open_before(&self, at: usize) -> Option<usize> {
        let mut depth = 0usize;
        let before = self.0.partition_point(|(offset, _)| *offset < at);
        for (offset, paren) in self.0.get(..before)?.iter().rev().take(MOST_PARENS) {
            match paren {
                Paren::Close => depth += 1,
                Paren::Open if depth == 0 => return Some(*offset),
                Paren::Open => depth -= 1,
                Paren::Bound => return None,
            }
        }
        None
    }
}

/// How many parentheses are looked back for one that is open.
const MOST_PARENS: usize = 4_000;

#[derive(Debug, Clone, Copy)]
enum Token<'a> {
    Word(&'a str),
    Text(&'a str),
    Open,
    Close,
    Mark(&'a str),
}

/// The tokens of what is left of a text. Words and numbers are one; comments are none.
struct Tokens<'a>(&'a str);

impl<'a> Tokens<'a> {
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.0.split_at_checked(length).unwrap_or((self.0, ""));
        self.0 = rest;
        taken
    }

    fn line_end(&self) -> usize {
        self.0.find('\n').unwrap_or(self.0.len())
    }

    /// The length of a text in quotes that starts here.
    fn quoted(&self) -> usize {
        let text = self.0;
        if text.starts_with("\"\"\"") {
            let end = text.get(3..).and_then(|rest| rest.find("\"\"\""));
            return end.map_or(text.len(), |at| 3 + at + 3);
        }
        // The end of the line is not looked for ahead: all of a long file may be one line.
        let raw = text.starts_with('r');
        let mut escaped = false;
        for (at, byte) in text.bytes().enumerate().skip(if raw { 2 } else { 1 }) {
            match byte {
                b'\n' => return at,
                b'"' if raw || !escaped => return at + 1,
                b'\\' => escaped = !escaped,
                _ => escaped = false,
            }
        }
        text.len()
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            self.0 = self.0.trim_ascii_start();
            if !self.0.starts_with('#') {
                break;
            }
            self.take(self.line_end());
        }
        let first = self.0.chars().next()?;
        Some(match first {
            '"' => Token::Text(self.take(self.quoted())),
            'r' if self.0.starts_with("r\"") => Token::Text(self.take(self.quoted())),
            '{' | '}' => {
                self.take(1);
                if first == '{' { Token::Open } else { Token::Close }
            }
            _ => match self.0.bytes().take_while(|&byte| of_word(byte)).count() {
                0 => Token::Mark(self.take(first.len_utf8())),
                length => Token::Word(self.take(length)),
            },
        })
    }
}

fn of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each text was followed by a search for the end of its line once: minutes for a line of two megabytes.
    #[test]
    fn a_long_line_is_read_once() {
        let line = format!("rule r {{ step a from s where f in ({}) }}", "\"v\", ".repeat(400_000));
        assert_eq!(Tokens(&line).filter(|token| matches!(token, Token::Text(_))).count(), 400_000);
    }

    #[test]
    fn an_open_parenthesis_is_found_past_strings() {
        for (text, open) in [
            ("where (a", Some(6)),
            (r#"where (a == "except x" or b"#, Some(6)),
            (r#"where (a == "where" or b"#, Some(6)),
            (r#"where (a == ")" or b"#, Some(6)),
            (r#"where (a == r"\)" or b"#, Some(6)),
            (r#"where (a == "}" or nowhere.x"#, Some(6)),
            ("where (a # except )\n or b", Some(6)),
            (r#"where a == "(" or b"#, None),
            ("where (a) or b", None),
            ("where ((a) or b", Some(6)),
            ("where (a except b", None),
            ("where (a { b", None),
        ] {
            assert_eq!(Parens::of(text).open_before(text.len()), open, "{text}");
        }
    }

    #[test]
    fn a_text_ends_with_its_quote_or_its_line() {
        let texts = |text: &str| -> Vec<String> {
            let of_token = |token| if let Token::Text(text) = token { Some(text.to_owned()) } else { None };
            Tokens(text).filter_map(of_token).collect()
        };
        assert_eq!(texts(r#""a\"b" r"a\" "open"#), [r#""a\"b""#, r#"r"a\""#, "\"open"]);
        assert_eq!(
            texts("\"open\nr\"open\n\"x\" \"\"\"a\n\"b"),
            ["\"open", "r\"open", "\"x\"", "\"\"\"a\n\"b"]
        );
    }
}

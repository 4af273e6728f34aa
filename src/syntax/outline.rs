//! The outline of a file: which rules it has, found without parsing it. So a run over many files knows what clashes
//! before it works on the first.
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
                if let Some(heading) = headings.last_mut().filter(|heading| heading.id.is_none()) {
                    heading.id = Some(text::string(id).0);
                }
            }
            (Token::Open, ..) => depth += 1,
            (Token::Close, ..) => depth = depth.saturating_sub(1),
            (Token::Word(_) | Token::Text(_) | Token::Mark, ..) => {}
        }
        before = if let Token::Word(word) = token { word } else { "" };
    }
    headings
}

#[derive(Debug, Clone, Copy)]
enum Token<'a> {
    Word(&'a str),
    Text(&'a str),
    Open,
    Close,
    Mark,
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
        let end = |from: usize, mark: &str| {
            text.get(from..).and_then(|rest| rest.find(mark)).map(|at| from + at + mark.len())
        };
        if text.starts_with("\"\"\"") {
            return end(3, "\"\"\"").unwrap_or(text.len());
        }
        let line_end = self.line_end();
        if text.starts_with('r') {
            return end(2, "\"").map_or(line_end, |end| end.min(line_end));
        }
        let mut escaped = false;
        for (at, byte) in text.bytes().enumerate().skip(1).take_while(|&(_, byte)| byte != b'\n') {
            match byte {
                b'"' if !escaped => return at + 1,
                b'\\' => escaped = !escaped,
                _ => escaped = false,
            }
        }
        line_end
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
                0 => {
                    self.take(first.len_utf8());
                    Token::Mark
                }
                length => Token::Word(self.take(length)),
            },
        })
    }
}

fn of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

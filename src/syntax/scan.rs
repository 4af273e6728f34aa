//! The scan before the grammar: one pass over the characters that finds comments, refuses what cannot be seen, and
//! bounds nesting.
//!
//! In: the text of a file. Out: the comments, and a text of the same length in which everything refused is blank, so
//! that the grammar can go on and every offset stays true.
//! Must not know: clauses.

use std::borrow::Cow;

use super::{DEPTH, FILE_SIZE, FINDINGS};
use crate::diag::{Code, Diagnostic, Diagnostics, Fix};
use crate::source::{FileId, Span, is_hidden_at, is_tag};

/// What the scan found.
#[derive(Debug)]
pub(super) struct Scan<'a> {
    /// The text for the grammar.
    pub(super) text: Cow<'a, str>,
    /// Every comment, from `#` to the end of its line.
    pub(super) comments: Vec<Span>,
}

/// Scans `text`; a file past the size limit gives an empty one.
pub(super) fn scan<'a>(text: &'a str, file: FileId, diags: &mut Diagnostics) -> Scan<'a> {
    if text.len() > FILE_SIZE {
        // It was read no further than that.
        let title = format!("the file has more than {FILE_SIZE} bytes");
        let found = Diagnostic::new(Code::Limit, Span::new(file, 0, 0), title)
            .help("split it, or move long lists to CSV files: `allowlist NAME: FIELD from \"list.csv\"`");
        diags.push(found);
        return Scan { text: Cow::Borrowed(""), comments: Vec::new() };
    }
    let mut scanner = Scanner {
        text,
        file,
        diags,
        mode: Mode::Code,
        parens: 0,
        braces: 0,
        blanks: Vec::new(),
        deep: false,
    };
    let comments = scanner.run();
    let blanks = scanner.blanks;
    let text = if blanks.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(blank(text, &blanks)) };
    Scan { text, comments }
}

/// `text` with the given ranges, ascending and apart, replaced by blanks.
fn blank(text: &str, ranges: &[(usize, usize)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for &(start, end) in ranges {
        out.push_str(text.get(done..start).unwrap_or_default());
        (start..end).for_each(|_| out.push(' '));
        done = end;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Code,
    Comment(usize),
    Text,
    Raw,
    Block,
}

struct Scanner<'a, 'd> {
    text: &'a str,
    file: FileId,
    diags: &'d mut Diagnostics,
    mode: Mode,
    parens: usize,
    braces: usize,
    blanks: Vec<(usize, usize)>,
    deep: bool,
}

impl Scanner<'_, '_> {
    fn run(&mut self) -> Vec<Span> {
        let mut comments = Vec::new();
        let mut skip_to = 0;
        let mut before = '\n';
        for (at, c) in self.text.char_indices() {
            if at < skip_to {
                continue;
            }
            // Most characters are these, and none of them means anything to the scan.
            if c.is_ascii_alphanumeric() || matches!(c, ' ' | '.' | '_') {
                before = c;
                continue;
            }
            if let Mode::Comment(start) = self.mode
                && c == '\n'
            {
                comments.push(self.comment(start, at));
                self.mode = Mode::Code;
            }
            skip_to = self.step(at, c, before);
            before = c;
        }
        if let Mode::Comment(start) = self.mode {
            comments.push(self.comment(start, self.text.len()));
        }
        comments
    }

    /// A comment without the carriage return of its line end; the grammar does not see it.
    fn comment(&mut self, start: usize, end: usize) -> Span {
        let text = self.text.get(start..end).unwrap_or_default();
        let end = start + text.trim_end_matches('\r').len();
        // What could not be seen inside the comment is blank already.
        while self.blanks.last().is_some_and(|&(at, _)| at >= start) {
            self.blanks.pop();
        }
        self.blanks.push((start, end));
        Span::new(self.file, start, end)
    }

    /// Takes one character; returns the offset before which nothing more is to be looked at.
    fn step(&mut self, at: usize, c: char, before: char) -> usize {
        self.visible(at, c);
        match (self.mode, c) {
            (Mode::Code, '#') => self.mode = Mode::Comment(at),
            // Only where a token can begin: `10.0.0.0/8` and `2026-11-24` have the same characters inside.
            (Mode::Code, '/' | '-') if before.is_ascii_whitespace() || matches!(before, '{' | '}' | ',') => {
                return self.foreign_comment(at).unwrap_or(at + 1);
            }
            (Mode::Code, '"') if self.rest(at).starts_with("\"\"\"") => {
                self.mode = Mode::Block;
                return at + 3;
            }
            (Mode::Code, '"') => {
                self.mode = if before == 'r' && self.raw(at) { Mode::Raw } else { Mode::Text }
            }
            (Mode::Code, '(' | ')' | '{' | '}') => self.bracket(at, c),
            (Mode::Code, ';') => self.semicolon(at),
            // A quote behind a backslash does not close the string, but the end of the line always does.
            (Mode::Text, '\\') if !self.rest(at).starts_with("\\\n") => {
                let next = self.rest(at + 1).chars().next();
                if let Some(next) = next {
                    self.visible(at + 1, next);
                }
                return at + 1 + next.map_or(0, char::len_utf8);
            }
            (Mode::Text | Mode::Raw, '"' | '\n') => self.mode = Mode::Code,
            (Mode::Block, '"') if self.rest(at).starts_with("\"\"\"") => {
                self.mode = Mode::Code;
                return at + 3;
            }
            _ => {}
        }
        at + c.len_utf8()
    }

    /// A comment of another language: reported, and read as one.
    fn foreign_comment(&mut self, at: usize) -> Option<usize> {
        let rest = self.rest(at);
        let (mark, end) = if rest.starts_with("/*") {
            ("/*", rest.find("*/").map(|end| at + end + 2))
        } else if rest.starts_with("//") {
            ("//", None)
        } else if rest.starts_with("-- ") {
            ("--", None)
        } else {
            return None;
        };
        let span = Span::new(self.file, at, at + mark.len());
        let mut found = Diagnostic::new(Code::ForeignNotation, span, "comments begin with `#`")
            .label("begins a comment in other languages");
        let is_line = end.is_none_or(|end| !self.text.get(at..end).unwrap_or_default().contains('\n'));
        if mark != "/*" {
            found.fix = Some(Fix { span, replacement: "#".to_owned() });
        } else if !is_line {
            found = found.help("begin each of its lines with `#`");
        }
        if self.diags.len() <= FINDINGS {
            self.diags.push(found);
        }
        if let Some(end) = end {
            self.blanks.push((at, end));
            return Some(end);
        }
        self.mode = Mode::Comment(at);
        Some(at + mark.len())
    }

    /// The end of a clause in other languages: reported, and left out. Between commands of a pasted query it is not the
    /// fault.
    fn semicolon(&mut self, at: usize) {
        let rest = self.rest(at + 1);
        let line = rest.split('\n').next().unwrap_or_default().trim();
        let is_end = line.is_empty() || line.starts_with(['#', '}', '{']) || self.braces > 0;
        if !is_end || self.diags.len() > FINDINGS {
            return;
        }
        let span = Span::new(self.file, at, at + 1);
        let mut found =
            Diagnostic::new(Code::ForeignNotation, span, "nothing ends with `;` here").label("leave it out");
        found.fix = Some(Fix { span, replacement: String::new() });
        self.diags.push(found);
        self.blanks.push((at, at + 1));
    }

    fn rest(&self, at: usize) -> &str {
        self.text.get(at..).unwrap_or_default()
    }

    /// Whether the `r` before the quote at `at` is a word of its own.
    fn raw(&self, at: usize) -> bool {
        let head = self.text.get(..at - 1).unwrap_or_default();
        !head.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.')
    }

    /// Brackets past the depth limit are blanked together with their partners: what is inside is still read.
    fn bracket(&mut self, at: usize, c: char) {
        let depth = if matches!(c, '(' | ')') { &mut self.parens } else { &mut self.braces };
        let excess = match c {
            '(' | '{' => {
                *depth += 1;
                *depth > DEPTH
            }
            _ => {
                let excess = *depth > DEPTH;
                *depth = depth.saturating_sub(1);
                excess
            }
        };
        // A parenthesis never spans a brace: one left open must not count against the next clause.
        if matches!(c, '{' | '}') {
            self.parens = 0;
        }
        if !excess {
            return;
        }
        self.blanks.push((at, at + 1));
        if !std::mem::replace(&mut self.deep, true) {
            let span = Span::new(self.file, at, at + 1);
            let found =
                Diagnostic::new(Code::Limit, span, format!("brackets are nested deeper than {DEPTH}"))
                    .label("nesting limit exceeded here")
                    .help("a chain of `and` or `or` needs no parentheses of its own");
            self.diags.push(found);
        }
    }

    fn visible(&mut self, at: usize, c: char) {
        if c.is_ascii_graphic() || matches!(c, ' ' | '\n' | '\r' | '\t') {
            return;
        }
        let end = at + c.len_utf8();
        // Editors of Windows write a byte order mark by themselves.
        if c == '\u{feff}' && at == 0 {
            self.blanks.push((at, end));
            return;
        }
        let blank = matches!(c, '\u{a0}' | '\u{2000}'..='\u{200d}' | '\u{202f}' | '\u{3000}');
        let hidden = is_hidden_at(self.text, at, c);
        // Embeddings and isolates reorder what a reviewer sees; tags spell what only a program reads.
        let anywhere = c.is_control()
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            || hidden && is_tag(c);
        let refused = match self.mode {
            Mode::Code => anywhere || hidden || blank,
            // A comment may hold what other scripts need; what changes the order of the code around it may stand
            // nowhere.
            Mode::Comment(_) => anywhere,
            Mode::Text | Mode::Raw | Mode::Block => anywhere || hidden,
        };
        if refused {
            self.blanks.push((at, end));
            if self.diags.len() > FINDINGS {
                return;
            }
            let span = Span::new(self.file, at, end);
            let mut found =
                Diagnostic::new(Code::BadCharacter, span, format!("{} is not allowed here", called(c)))
                    .label("not printable");
            if self.mode == Mode::Code && !anywhere {
                found.fix = Some(Fix { span, replacement: " ".to_owned() });
                found = found.help("use a plain blank");
            } else {
                found = found.help(format!("remove it; inside a string write `\\u{{{:x}}}`", u32::from(c)));
            }
            self.diags.push(found);
        }
    }
}

/// A character that cannot be shown, in words.
fn called(c: char) -> String {
    let code = u32::from(c);
    match c {
        '\0' => "the NUL character".to_owned(),
        '\u{a0}' | '\u{202f}' => format!("a no-break space (U+{code:04X})"),
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => format!("a direction mark (U+{code:04X})"),
        _ if is_tag(c) => format!("a tag character (U+{code:04X})"),
        _ if c.is_control() => format!("a control character (U+{code:04X})"),
        _ => format!("a hidden character (U+{code:04X})"),
    }
}

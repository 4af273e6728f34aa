//! Query text in the making: fragments with a binding strength, and predicates with negation pushed to the tests.
//!
//! In: predicates. Out: [`Nnf`] for the targets to print, and [`Frag`]s that only target code can build.
//! Must not know: any particular language.

use std::borrow::Cow;

use crate::ir::{FieldTest, Pred, Step};
use crate::source::is_hidden;

/// A predicate in which only single tests are negated. Logic is two-valued, so this is always possible.
#[derive(Debug)]
pub(in crate::backend) enum Nnf<'a> {
    /// All hold.
    All(Vec<Nnf<'a>>),
    /// One holds.
    Any(Vec<Nnf<'a>>),
    /// The test, or its negation: true also when the field is missing.
    Leaf {
        /// The test.
        test: &'a FieldTest,
        /// Whether it is negated.
        negated: bool,
    },
}

/// Pushes negation down to the tests and flattens nested joins of one kind.
pub(in crate::backend) fn nnf(pred: &Pred, negated: bool) -> Nnf<'_> {
    match pred {
        Pred::Not(inner) => nnf(inner, !negated),
        Pred::Test(test) => Nnf::Leaf { test, negated },
        Pred::And(parts) => join(parts.iter().map(|part| nnf(part, negated)), !negated),
        Pred::Or(parts) => join(parts.iter().map(|part| nnf(part, negated)), negated),
    }
}

/// The whole condition of a step: its filter holds, and none of its exceptions.
pub(in crate::backend) fn condition(step: &Step) -> Nnf<'_> {
    let filter = nnf(&step.filter, false);
    if step.excepts.is_empty() {
        return filter;
    }
    join(std::iter::once(filter).chain(step.excepts.iter().map(|except| nnf(except, true))), true)
}

fn join<'a>(parts: impl Iterator<Item = Nnf<'a>>, all: bool) -> Nnf<'a> {
    let mut flat = Vec::with_capacity(parts.size_hint().0);
    for part in parts {
        match part {
            Nnf::All(inner) if all => flat.extend(inner),
            Nnf::Any(inner) if !all => flat.extend(inner),
            Nnf::All(_) | Nnf::Any(_) | Nnf::Leaf { .. } => flat.push(part),
        }
    }
    if all { Nnf::All(flat) } else { Nnf::Any(flat) }
}

/// As `format!`, with room for a line from the start: most texts of a query are one, and growing up to it takes longer
/// than printing.
macro_rules! phrase {
    ($($part:tt)*) => {{
        let mut text = String::with_capacity(80);
        // Writing to a string cannot fail.
        let _ = std::fmt::Write::write_fmt(&mut text, format_args!($($part)*));
        text
    }};
}
pub(in crate::backend) use phrase;

/// How tightly a fragment holds together, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::backend) enum Bind {
    /// Joined by `or`.
    Or,
    /// Joined by `and`.
    And,
    /// A comparison.
    Test,
    /// A name, literal, call or anything in parentheses.
    Atom,
}

/// Query text that a target's printer has built; nothing else may stand unquoted in a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::backend) struct Frag {
    text: String,
    bind: Bind,
}

impl Frag {
    /// Text that needs no parentheses anywhere.
    pub(in crate::backend) fn atom(text: impl Into<String>) -> Self {
        Self { text: text.into(), bind: Bind::Atom }
    }

    /// A comparison.
    pub(in crate::backend) fn test(text: impl Into<String>) -> Self {
        Self { text: text.into(), bind: Bind::Test }
    }

    /// Text of unknown strength: it gets parentheses next to any operator.
    pub(in crate::backend) fn loose(text: impl Into<String>) -> Self {
        Self { text: text.into(), bind: Bind::Or }
    }

    /// The text as it is.
    pub(in crate::backend) fn text(&self) -> &str {
        &self.text
    }

    /// The text, taken out.
    pub(in crate::backend) fn into_text(self) -> String {
        self.text
    }

    /// Parts joined by `word` (` and `, ` OR `, …) at strength `bind`; weaker parts get parentheses.
    pub(in crate::backend) fn join(parts: Vec<Frag>, word: &str, bind: Bind) -> Frag {
        match <[Frag; 1]>::try_from(parts) {
            Ok([only]) => only,
            Err(parts) => {
                let length = parts.iter().map(|part| part.text.len() + word.len() + 2).sum();
                let mut text = String::with_capacity(length);
                for (index, part) in parts.iter().enumerate() {
                    text.push_str(if index > 0 { word } else { "" });
                    part.write(bind, &mut text);
                }
                Frag { text, bind }
            }
        }
    }

    /// Parts on lines of their own, each but the first behind `indent` spaces, each but the last followed by `mark`;
    /// parts weaker than `bind` get parentheses. Nothing if there are no parts.
    pub(in crate::backend) fn lines(parts: &[Frag], mark: &str, indent: usize, bind: Bind) -> Option<Frag> {
        let (first, rest) = parts.split_first()?;
        let length = parts.iter().map(|part| part.text.len() + mark.len() + indent + 3).sum();
        let mut text = String::with_capacity(length);
        first.write(bind, &mut text);
        for part in rest {
            text.push_str(mark);
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', indent));
            part.write(bind, &mut text);
        }
        Some(Frag::loose(text))
    }

    /// The text, in parentheses unless it binds more tightly than `bind`.
    pub(in crate::backend) fn inside(&self, bind: Bind) -> Cow<'_, str> {
        if self.bind > bind {
            return Cow::Borrowed(&self.text);
        }
        let mut text = String::with_capacity(self.text.len() + 2);
        self.write(bind, &mut text);
        Cow::Owned(text)
    }

    fn write(&self, bind: Bind, out: &mut String) {
        let (open, close) = if self.bind > bind { ("", "") } else { ("(", ")") };
        out.push_str(open);
        out.push_str(&self.text);
        out.push_str(close);
    }
}

impl From<Frag> for minijinja::Value {
    fn from(frag: Frag) -> Self {
        Self::from_safe_string(frag.text)
    }
}

/// A text for a comment: on one line, with nothing in it that a reader would not see.
pub(in crate::backend) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split(|c: char| c.is_whitespace() || is_hidden(c)).filter(|word| !word.is_empty()) {
        line.push_str(if line.is_empty() { "" } else { " " });
        line.push_str(word);
    }
    line
}

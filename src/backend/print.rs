//! Query text in the making: fragments with a binding strength.
//!
//! In: texts that a target's printer has quoted. Out: [`Frag`]s, joined and laid out. Must not know: any particular
//! language, predicates.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use crate::source::marked;

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

/// A query language, and the right to make fragments of it. The file of a target that turns texts of a rule into query
/// text implements this with a key that nobody else can make, so no other file can write unquoted text into a query.
pub(in crate::backend) trait Language {
    /// What a constructor demands; its only field is private to the file that declares it.
    type Key;
}

/// Query text that a target's printer has built; nothing else may stand unquoted in a query.
pub(in crate::backend) struct Frag<L> {
    text: String,
    bind: Bind,
    // A function, because a fragment holds no value of the language: it is `Send` and `Sync` whatever the marker is.
    language: PhantomData<fn() -> L>,
}

impl<L: Language> Frag<L> {
    /// Text that holds together as `bind` says; [`Bind::Or`] for text of unknown strength.
    pub(in crate::backend) fn new(_key: &L::Key, text: impl Into<String>, bind: Bind) -> Self {
        Self::of(text.into(), bind)
    }
}

impl<L> Frag<L> {
    fn of(text: String, bind: Bind) -> Self {
        Self { text, bind, language: PhantomData }
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
    pub(in crate::backend) fn join(parts: Vec<Self>, word: &'static str, bind: Bind) -> Self {
        match <[Self; 1]>::try_from(parts) {
            // Nothing has been joined, so it keeps a strength that may spare it parentheses.
            Ok([only]) => only,
            Err(parts) => {
                let length = parts.iter().map(|part| part.text.len() + word.len() + 2).sum();
                let mut text = String::with_capacity(length);
                for (index, part) in parts.iter().enumerate() {
                    text.push_str(if index > 0 { word } else { "" });
                    part.write(bind, &mut text);
                }
                Self::of(text, bind)
            }
        }
    }

    /// Parts on lines of their own, each but the first behind `indent` spaces, each but the last followed by `mark`;
    /// parts weaker than `bind` get parentheses. Nothing if there are no parts.
    pub(in crate::backend) fn lines(
        parts: &[Self],
        mark: &'static str,
        indent: usize,
        bind: Bind,
    ) -> Option<Self> {
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
        // The weakest, for the mark may be anything: ` and`, but also a comma.
        Some(Self::of(text, Bind::Or))
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
        // Equal strength gets parentheses, too: a comparison inside a comparison; and `or` inside `and` where a printer
        // gives both one strength, so that no reader has to know which binds more tightly.
        let (open, close) = if self.bind > bind { ("", "") } else { ("(", ")") };
        out.push_str(open);
        out.push_str(&self.text);
        out.push_str(close);
    }
}

// Written out, for what is derived would ask the same of the language.

impl<L> Clone for Frag<L> {
    fn clone(&self) -> Self {
        Self::of(self.text.clone(), self.bind)
    }
}

impl<L> std::fmt::Debug for Frag<L> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} ({:?})", self.text, self.bind)
    }
}

impl<L> PartialEq for Frag<L> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.bind == other.bind
    }
}

impl<L> Eq for Frag<L> {}

impl<L> Hash for Frag<L> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl<L> From<Frag<L>> for minijinja::Value {
    fn from(frag: Frag<L>) -> Self {
        // The mark by which a layout tells a fragment from a plain string, which it refuses.
        Self::from_safe_string(frag.text)
    }
}

/// The lines of a query that are no comment, where a comment has lines of its own that begin with `mark`.
pub(in crate::backend) fn without_comments<'t>(text: &'t str, mark: &str) -> Vec<&'t str> {
    text.lines().filter(|line| !line.trim_start().starts_with(mark) && !line.trim().is_empty()).collect()
}

/// A text for a comment: on one line, with nothing in it that a reader would not see.
pub(in crate::backend) fn one_line(text: &str) -> String {
    // Nearly every line is such already, and a query has dozens.
    let is_plain = text.bytes().all(|byte| (b' '..0x7f).contains(&byte));
    if is_plain && text.trim().len() == text.len() && !text.contains("  ") {
        return text.to_owned();
    }
    let mut line = String::with_capacity(text.len());
    let mut apart = false;
    for (_, c, hidden) in marked(text) {
        if c.is_whitespace() || hidden {
            apart = !line.is_empty();
            continue;
        }
        if std::mem::take(&mut apart) {
            line.push(' ');
        }
        line.push(c);
    }
    line
}

//! Forms: which keys a YAML file of an organisation may have, and what stands behind each.
//!
//! In: the text of a source or environment file, a [`Form`] that says what may stand there. Out: everything that does
//! not fit, at its place; a value in which what does not fit is replaced; and the form as a JSON schema ([`schema`]).
//! Must not know: what the keys are for.

mod check;
mod document;
pub mod schema;

pub use check::{Checked, check};
pub use document::Document;

/// What may stand at a place of a file.
#[derive(Debug)]
pub enum Form {
    /// A text; numbers and the like are texts as well.
    Text,
    /// One of some words.
    Word(&'static [&'static str]),
    /// An integer, 0 or more.
    Count,
    /// `true` or `false`.
    Truth,
    /// A text in a notation of its own.
    Notation(&'static Notation),
    /// A form, or nothing.
    OrNull(&'static Form),
    /// Items of one form.
    List(&'static Form),
    /// A list or map that has an entry: one without any would say nothing, or the opposite of what was meant.
    Filled(&'static Form),
    /// Keys that the file makes up, with values of one form.
    Map(&'static Form),
    /// Keys that are known.
    Keys(&'static [Key]),
    /// One of several forms, of which only one is a single value, only one a list and only one has keys.
    Either(&'static [Form]),
}

/// A text in a notation of its own.
#[derive(Debug)]
pub struct Notation {
    /// What it is, such as "a duration such as `24h`".
    pub title: &'static str,
    /// A regular expression for editors; it may let through more than `fits`.
    pub pattern: &'static str,
    /// Whether a text is in the notation.
    pub fits: fn(&str) -> bool,
}

/// A key that is known.
#[derive(Debug)]
pub struct Key {
    /// The key.
    pub name: &'static str,
    /// What stands behind it.
    pub form: Form,
    /// What it is for, in a sentence.
    pub about: &'static str,
    /// Whether it must be there.
    pub required: bool,
    /// Whether nothing may stand behind it, as if it was not there.
    pub nullable: bool,
}

/// A key that must be there.
#[must_use]
pub const fn required(name: &'static str, form: Form, about: &'static str) -> Key {
    Key { name, form, about, required: true, nullable: false }
}

/// A key that may be left out; nothing behind it is a mistake.
#[must_use]
pub const fn optional(name: &'static str, form: Form, about: &'static str) -> Key {
    Key { name, form, about, required: false, nullable: false }
}

/// A key that may be left out or have nothing behind it.
#[must_use]
pub const fn nullable(name: &'static str, form: Form, about: &'static str) -> Key {
    Key { name, form, about, required: false, nullable: true }
}

//! The canonical style of a rule file.
//!
//! In: a text that parses without findings. Out: the same rules in the one style; comments and single blank lines stay
//! where they are. Must not know: what a rule means.
//!
//! `tree` reads the text by the grammar, `layout` says where lines break, in a few tables over rules of the grammar,
//! and `doc` fills lines. So a clause that the tables do not name is written on one line, and a new one needs a row.

mod doc;
mod layout;
mod tree;

use super::scan;
use super::text;
use crate::diag::Diagnostics;
use crate::source::FileId;

use super::grammar::Rule;
use tree::Tree;

/// Why a text was left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotFormatted {
    /// It has syntax errors, which [`parse`](super::parse) reports.
    Broken,
    /// The result would not be the same rules. That is a fault of the program, and nothing is written.
    Changed,
}

/// The text in the canonical style.
///
/// # Errors
/// See [`NotFormatted`].
pub fn format(text: &str) -> Result<String, NotFormatted> {
    let tree = read(text).ok_or(NotFormatted::Broken)?;
    let formatted = doc::print(&layout::file(&tree));
    let again = read(&formatted).ok_or(NotFormatted::Changed)?;
    if says(&tree).eq(says(&again)) && tree.comments().eq(again.comments()) {
        Ok(formatted)
    } else {
        Err(NotFormatted::Changed)
    }
}

/// The tree of a text that has no findings.
fn read(text: &str) -> Option<Tree<'_>> {
    let file = crate::source::SourceFile::new("", text);
    let mut found = Diagnostics::default();
    super::parse(&file, FileId(0), &mut found);
    if !found.is_empty() {
        return None;
    }
    let scan = scan::scan(text, FileId(0), &mut found);
    Tree::of(text, &scan)
}

/// What a text says, token by token: strings by what they stand for, without the commas that say nothing.
fn says<'t>(tree: &'t Tree<'_>) -> impl Iterator<Item = (Rule, String)> + 't {
    tree.leaves().map(|leaf| {
        let said = if leaf.kind == Rule::string { text::string(leaf.text).0 } else { leaf.text.to_owned() };
        (leaf.kind, said)
    })
}

#[cfg(test)]
mod tests;

//! The playbook of a rule: what fired and why, what to look at, what to do, what nobody sees.
//!
//! In: a rule and its emissions. Out: one page as Markdown and as HTML. Must not know: how queries were lowered.

mod content;
mod page;
mod picture;

use super::Piece;
use super::file::{File, Path};
use super::input::Ruled;
use crate::backend::file_name;
use crate::ir::PlaybookPart;
use crate::source::Sources;

/// Adds the pages.
pub(super) fn add(ruled: &Ruled<'_>, sources: &Sources, piece: &mut Piece) {
    let blocks = content::blocks(ruled, sources);
    let title = &ruled.rule.meta.title;
    let file = |extension: &str, text: String| {
        let path = Path::new("playbooks", &file_name(&ruled.rule.name.node, extension));
        File::of(&ruled.rule.name.node, None, path, text)
    };
    let pages = [file("md", page::markdown(title, &blocks)), file("html", page::html(title, &blocks))];
    piece.files.extend(pages);
}

/// The rule's own playbook as Markdown, with the names of fields in place of their placeholders; empty without one.
pub(super) fn steps(ruled: &Ruled<'_>) -> String {
    let parts = ruled.rule.playbook.iter().flat_map(|playbook| &playbook.parts);
    let text: String = parts
        .map(|part| match part {
            PlaybookPart::Text(text) => text.clone(),
            PlaybookPart::Field(field) => ruled.written(field),
        })
        .collect();
    text.trim().to_owned()
}

//! What holds for every name an author chooses: its length, that it is free, and how names are listed in messages.
//!
//! In: names as written. Out: findings and text for messages.
//! Must not know: what a name stands for.

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::Span;
use crate::syntax::ast::Name;

/// The longest name of a rule, step, list or parameter: columns and macros are made of them.
const LONGEST_NAME: usize = 64;

/// Refuses a name that is too long to become part of columns and macros.
pub(super) fn length(name: &Name, diags: &mut Diagnostics) {
    // Names are ASCII, so bytes are characters.
    if name.node.len() > LONGEST_NAME {
        let title = format!("the name has {} characters", name.node.len());
        diags.push(
            Diagnostic::new(Code::NameTooLong, name.span, title)
                .label(format!("longer than {LONGEST_NAME} characters"))
                .help("names become part of column, file and macro names; shorten it"),
        );
    }
}

/// Reports that a name is taken.
pub(super) fn twice(what: &str, name: &Name, first: Span, diags: &mut Diagnostics) {
    diags.push(
        Diagnostic::new(Code::DefinedTwice, name.span, format!("a second {what} is named `{}`", name.node))
            .label("defined again here")
            .also(first, "first defined here")
            .help("rename one of them"),
    );
}

/// `` `a`, `b`, `c` ``.
pub(super) fn ticked(names: &[impl AsRef<str>]) -> String {
    names.iter().map(|name| format!("`{}`", name.as_ref())).collect::<Vec<_>>().join(", ")
}

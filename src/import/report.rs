//! What is said about a rule that is read: findings at their place, and the same as comments of the draft.
//!
//! In: places of the input, reasons. Out: diagnostics, comments. Must not know: notations, fields.

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::{Sources, Span, visible};

/// What has been found so far.
#[derive(Debug)]
pub(super) struct Report<'a> {
    pub(super) sources: &'a Sources,
    diags: &'a mut Diagnostics,
    /// What is to be said at the place of the draft that is being written.
    comments: Vec<String>,
}

/// Something that could not be carried as it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Loss {
    /// Where it stands.
    pub(super) span: Span,
    /// Why; it becomes the label.
    pub(super) why: String,
    /// What to do; may be empty.
    pub(super) help: String,
}

impl Loss {
    pub(super) fn new(span: Span, why: impl Into<String>, help: impl Into<String>) -> Self {
        Self { span, why: why.into(), help: help.into() }
    }
}

impl<'a> Report<'a> {
    pub(super) fn new(sources: &'a Sources, diags: &'a mut Diagnostics) -> Self {
        Self { sources, diags, comments: Vec::new() }
    }

    /// A part that the draft does not have.
    pub(super) fn left_out(&mut self, loss: &Loss) {
        self.say(Code::LeftOut, "a part of the rule is left out", "not carried", loss);
    }

    /// A part that the draft says in another way, which is not quite the same.
    pub(super) fn inexact(&mut self, loss: &Loss) {
        self.say(Code::Inexact, "a part of the rule is not carried exactly", "inexact", loss);
    }

    /// A choice that the draft made.
    pub(super) fn chosen(&mut self, loss: &Loss) {
        self.say(Code::ChosenSource, "the log source is not certain", "source", loss);
    }

    /// What keeps a draft from being made.
    pub(super) fn error(&mut self, code: Code, title: &str, loss: &Loss) {
        self.diags.push(found(code, title, loss));
    }

    /// Something that another stage found.
    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        self.diags.push(diagnostic);
    }

    /// The comments since they were last taken.
    pub(super) fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.comments)
    }

    /// Puts a comment back that was taken.
    pub(super) fn remember(&mut self, comment: String) {
        self.comments.push(comment);
    }

    /// Whether an error was found.
    pub(super) fn has_errors(&self) -> bool {
        self.diags.has_errors()
    }

    fn say(&mut self, code: Code, title: &str, word: &str, loss: &Loss) {
        let place = self
            .sources
            .locate(loss.span)
            .map_or(String::new(), |(file, at)| format!(", {}:{}:{}", visible(file), at.line, at.column));
        let comment = format!("{word}{place}: {}", visible(&loss.why));
        let comment = comment.split_whitespace().collect::<Vec<_>>().join(" ");
        if !self.comments.contains(&comment) {
            self.comments.push(comment);
            self.diags.push(found(code, title, loss));
        }
    }
}

fn found(code: Code, title: &str, loss: &Loss) -> Diagnostic {
    let found = Diagnostic::new(code, loss.span, title).label(loss.why.clone());
    if loss.help.is_empty() { found } else { found.help(loss.help.clone()) }
}

//! Diagnostics: what is wrong in the user's text, where, and what to do.
//!
//! In: findings of every stage. Out: one sorted collection, made a [`Findings`] that one of the renderers prints.
//! Must not know: grammar, fields or targets; only `codes` names a code.

mod codes;
mod findings;
pub mod fixes;
pub mod github;
mod grouped;
pub mod json;
pub mod render;
pub mod sarif;

#[cfg(test)]
mod tests;

pub use codes::Code;
pub use findings::{Finding, Findings, Location, ResolvedFix};
pub use grouped::Grouped;

use std::collections::BTreeMap;

use crate::source::{FileId, Span};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing is emitted.
    Error,
    /// Emission goes on; `--deny warnings` turns it into a finding.
    Warning,
}

/// A place in the source with a few words about what stands there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What this is, lower case, no full stop; may be empty.
    pub text: String,
}

/// A mechanical change that fixes the finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fix {
    /// The text to replace.
    pub span: Span,
    /// What to put there.
    pub replacement: String,
}

/// One finding. Wording: title lower case without full stop, label says what this is, help says what to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Diagnostic {
    /// The main place; findings are sorted by it.
    pub primary: Label,
    /// What kind of finding.
    pub code: Code,
    /// The title.
    pub title: String,
    /// Other places that explain it.
    pub secondary: Vec<Label>,
    /// What to do, one sentence each.
    pub help: Vec<String>,
    /// A ready change, if there is one.
    pub fix: Option<Fix>,
}

impl Diagnostic {
    /// A finding of `code` at `span`: `title` in words, nothing else yet.
    #[must_use]
    pub fn new(code: Code, span: Span, title: impl Into<String>) -> Self {
        let primary = Label { span, text: String::new() };
        Self { primary, code, title: title.into(), secondary: Vec::new(), help: Vec::new(), fix: None }
    }

    /// Says what stands at the main place.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.primary.text = text.into();
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.secondary.push(Label { span, text: text.into() });
        self
    }

    /// Adds advice.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// Adds "did you mean", with the change ready, when `known` has a name close to `found`.
    #[must_use]
    pub fn suggest<'a>(self, found: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let Some(name) = nearest(found, known) else { return self };
        let mut this = self.help(format!("did you mean `{name}`?"));
        this.fix = Some(Fix { span: this.primary.span, replacement: name.to_owned() });
        this
    }

    /// Error or warning, as the code table says.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}

/// The name in `known` that a person most likely meant by `found`: at most a third of its letters differ, and of each
/// part where parts are joined by dots. `event.kind` is no slip for `event.id`: to suggest it would put another
/// condition into a rule.
#[must_use]
pub fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = found.chars().count();
    let limit = (length / 3).max(1);
    known
        .into_iter()
        // Names whose lengths differ by more cannot be near; this keeps long lists of names cheap.
        .filter(|name| name.chars().count().abs_diff(length) <= limit)
        .filter_map(|name| Some((slips(found, name)?, name)))
        // The name itself is known and still wrong here: to suggest it would help nobody.
        .filter(|&(distance, _)| distance > 0 && distance <= limit)
        .min()
        .map(|(_, name)| name)
}

/// How many letters differ; `None` if more than a third of the letters of a part do.
fn slips(found: &str, name: &str) -> Option<usize> {
    if !found.contains('.') && !name.contains('.') {
        return Some(distance(found, name));
    }
    let parts = |text: &str| text.split('.').count();
    if parts(found) != parts(name) {
        // A dot is missing, or another mark stands in its place; nothing else.
        let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
        return letters(found).eq_ignore_ascii_case(&letters(name)).then(|| distance(found, name));
    }
    let near = |(found, name): (&str, &str)| {
        let slips = distance(found, name);
        (slips <= found.chars().count() / 3).then_some(slips)
    };
    found.split('.').zip(name.split('.')).map(near).sum()
}

/// How many letters of one name must change to make it the other.
#[must_use]
pub fn distance(one: &str, other: &str) -> usize {
    strsim::damerau_levenshtein(one, other)
}

/// Takes the fixes away that overlap one before them: whoever applied both would break the text. The next run offers
/// what is then left to fix.
fn apart(found: &mut [Diagnostic]) {
    let mut kept: BTreeMap<(FileId, u32), u32> = BTreeMap::new();
    for one in found {
        let Some(span) = one.fix.as_ref().map(|fix| fix.span) else { continue };
        // Those kept do not overlap each other, so the last one that begins before the end of this one decides.
        let before = kept.range(..=(span.file, span.end)).next_back();
        let clashes = before.is_some_and(|(&(file, start), &end)| {
            let apart = end <= span.start && start < span.start || start >= span.end && end > span.end;
            file == span.file && !apart
        });
        if clashes {
            one.fix = None;
        } else {
            kept.insert((span.file, span.start), span.end);
        }
    }
}

/// How many findings of one code are shown for a file.
pub const MOST_SHOWN: usize = 50;

/// Findings of which not too many have one cause.
#[derive(Debug, Clone, Default)]
pub struct Bounded {
    /// The first [`MOST_SHOWN`] of each file and code, and where there are more, one that says how many.
    pub shown: Vec<Diagnostic>,
    hidden: BTreeMap<Severity, usize>,
}

impl Bounded {
    /// How many findings of this severity are not shown, nor said by one that is.
    #[must_use]
    pub fn hidden(&self, severity: Severity) -> usize {
        self.hidden.get(&severity).copied().unwrap_or(0)
    }
}

/// The only sideways channel between stages: everything found so far.
#[derive(Debug, Default, Clone)]
pub struct Diagnostics {
    found: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Adds a finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.found.push(diagnostic);
    }

    /// Adds several findings.
    pub fn extend_with(&mut self, found: impl IntoIterator<Item = Diagnostic>) {
        self.found.extend(found);
    }

    /// Adds everything that another stage found.
    pub fn extend(&mut self, other: Self) {
        self.found.extend(other.found);
    }

    /// Whether anything found is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.found.iter().any(|found| found.severity() == Severity::Error)
    }

    /// How many findings there are: a mark for [`Self::errors_since`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Whether an error was added after the first `mark` findings.
    #[must_use]
    pub fn errors_since(&self, mark: usize) -> bool {
        self.found.iter().skip(mark).any(|found| found.severity() == Severity::Error)
    }

    /// The findings, sorted as by [`Self::into_sorted`], at most [`MOST_SHOWN`] of a code for each file and a count of
    /// the rest: a mistake that was copied is one mistake.
    #[must_use]
    pub fn bounded(self) -> Bounded {
        let mut counts: BTreeMap<(FileId, Code), usize> = BTreeMap::new();
        let (mut bounded, mut more) = (Bounded::default(), BTreeMap::new());
        for found in self.into_sorted() {
            let key = (found.primary.span.file, found.code);
            let count = counts.entry(key).or_default();
            *count += 1;
            if *count <= MOST_SHOWN {
                bounded.shown.push(found);
            } else {
                more.entry(key).or_insert((found.primary.span, 0_usize)).1 += 1;
            }
        }
        for ((_, code), (span, count)) in more {
            // One more is shown as well as said.
            *bounded.hidden.entry(code.severity()).or_default() += count - 1;
            let title = format!("{count} more of this kind in this file: {}", code.title());
            let label = format!("only the first {MOST_SHOWN} are shown");
            bounded.shown.push(Diagnostic::new(code, span, title).label(label));
        }
        bounded.shown.sort();
        bounded
    }

    /// All findings, sorted by file, place and code, each once.
    #[must_use]
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.found.sort();
        self.found.dedup();
        apart(&mut self.found);
        self.found
    }
}

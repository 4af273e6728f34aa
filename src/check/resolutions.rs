//! What the names of a rule file stand for: for each use of a name its meaning, for each definition its place.
//!
//! In: filled while a file is checked, also where its rules have errors. Out: read by editors.
//! Must not know: how names are looked up.

use crate::source::{Span, Spanned};

/// The names of a file and of what it imports.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Resolutions {
    /// Every name that means something, sorted by place.
    pub uses: Vec<Use>,
    /// Everything that the author named, sorted by place.
    pub definitions: Vec<Definition>,
}

/// A name in use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// Where the name stands.
    pub span: Span,
    /// What it stands for.
    pub meaning: Meaning,
}

/// What a name stands for. What the author defines is given by the span of the name at its definition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Meaning {
    /// A log source.
    Source(String),
    /// A field of a source.
    Field {
        /// Canonical name of the source.
        source: String,
        /// Canonical name of the field.
        field: String,
    },
    /// A step.
    Step(Span),
    /// A parameter.
    Param(Span),
    /// An allowlist.
    List(Span),
    /// A lookup.
    Lookup(Span),
    /// A rule file or list file, as written: relative to the file that names it.
    File(String),
    /// A metadata clause such as `severity`.
    Clause(&'static str),
    /// A word of the language that a clause takes, such as `high`.
    Word {
        /// The clause: `severity`, `status`, `entity`.
        of: &'static str,
        /// The word.
        word: &'static str,
    },
}

impl Meaning {
    /// The source and the name of a field.
    #[must_use]
    pub fn field(&self) -> Option<(&str, &str)> {
        match self {
            Self::Field { source, field } => Some((source, field)),
            Self::Source(_)
            | Self::Step(_)
            | Self::Param(_)
            | Self::List(_)
            | Self::Lookup(_)
            | Self::File(_)
            | Self::Clause(_)
            | Self::Word { .. } => None,
        }
    }
}

/// Something that the author named.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// What it is.
    pub kind: DefinitionKind,
    /// Its name.
    pub name: Spanned<String>,
    /// The whole of it.
    pub extent: Span,
}

/// What an author can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DefinitionKind {
    /// `rule NAME { … }`.
    Rule,
    /// `step NAME from …`.
    Step,
    /// `param NAME = …`.
    Param,
    /// `allowlist NAME: …`.
    List,
    /// `lookup NAME: …`.
    Lookup,
    /// `test "NAME" { … }`.
    Test,
}

impl Resolutions {
    /// What stands at a byte of a file; the innermost where names overlap.
    #[must_use]
    pub fn at(&self, place: Span) -> Option<&Use> {
        let holds =
            |span: Span| span.file == place.file && span.start <= place.start && place.end <= span.end;
        self.uses
            .iter()
            .filter(|found| holds(found.span))
            .min_by_key(|found| found.span.end - found.span.start)
    }

    /// The places at which something is used.
    pub fn uses_of<'r>(&'r self, meaning: &'r Meaning) -> impl Iterator<Item = Span> + 'r {
        self.uses.iter().filter(move |found| found.meaning == *meaning).map(|found| found.span)
    }

    /// The definition whose name stands at `name`.
    #[must_use]
    pub fn definition(&self, name: Span) -> Option<&Definition> {
        self.definitions.iter().find(|definition| definition.name.span == name)
    }

    /// In order of place, each use once.
    pub(super) fn sort(&mut self) {
        self.uses.sort();
        self.uses.dedup();
        self.definitions.sort_by_key(|definition| (definition.name.span, definition.kind));
        self.definitions.dedup();
    }
}

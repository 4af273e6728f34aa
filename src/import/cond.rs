//! Conditions on their way from one language to another.
//!
//! In: tests of fields, joined. Out: the condition in the rule language. Must not know: where it comes from.

/// A condition. What could not be carried has been said elsewhere and is not there.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cond {
    Test(String),
    And(Vec<Cond>),
    Or(Vec<Cond>),
    Not(Box<Cond>),
}

impl Cond {
    /// All parts that are there.
    pub(super) fn all(parts: impl IntoIterator<Item = Option<Self>>) -> Option<Self> {
        let flat = parts.into_iter().flatten().flat_map(|part| match part {
            Self::And(inner) => inner,
            Self::Test(_) | Self::Or(_) | Self::Not(_) => vec![part],
        });
        Self::joined(flat.collect(), Self::And)
    }

    /// One of the parts; nothing if one of them is not there, since that one could have been the one.
    pub(super) fn any(parts: impl IntoIterator<Item = Option<Self>>) -> Option<Self> {
        Self::joined(parts.into_iter().collect::<Option<Vec<_>>>()?, Self::Or)
    }

    fn joined(mut parts: Vec<Self>, join: impl FnOnce(Vec<Self>) -> Self) -> Option<Self> {
        parts.dedup();
        match parts.len() {
            0 => None,
            1 => parts.pop(),
            _ => Some(join(parts)),
        }
    }

    pub(super) fn not(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            Self::Test(_) | Self::And(_) | Self::Or(_) => Self::Not(Box::new(self)),
        }
    }

    /// The condition as the language writes it.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Test(text) => text.clone(),
            Self::And(parts) => Self::list(parts, " and "),
            Self::Or(parts) => Self::list(parts, " or "),
            Self::Not(inner) => format!("not {}", inner.part()),
        }
    }

    fn list(parts: &[Self], word: &str) -> String {
        parts.iter().map(Self::part).collect::<Vec<_>>().join(word)
    }

    fn part(&self) -> String {
        match self {
            Self::Test(text) => text.clone(),
            Self::Not(_) => self.text(),
            Self::And(_) | Self::Or(_) => format!("({})", self.text()),
        }
    }
}

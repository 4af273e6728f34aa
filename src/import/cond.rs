//! Conditions in the rule language.
//!
//! In: tests of fields, joined. Out: the text of the condition. Must not know: where it comes from.

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cond {
    /// A test, and how its opposite is written where an operator says it.
    Test {
        text: String,
        opposite: Option<String>,
    },
    And(Vec<Cond>),
    Or(Vec<Cond>),
    Not(Box<Cond>),
}

impl Cond {
    /// A test whose opposite begins with `not`.
    pub(super) fn test(text: impl Into<String>) -> Self {
        Self::Test { text: text.into(), opposite: None }
    }

    /// A test with an operator that has an opposite.
    pub(super) fn with_opposite(text: String, opposite: String) -> Self {
        Self::Test { text, opposite: Some(opposite) }
    }

    /// All parts; nothing if there are none.
    pub(super) fn all(parts: impl IntoIterator<Item = Self>) -> Option<Self> {
        let flat = parts.into_iter().flat_map(|part| match part {
            Self::And(inner) => inner,
            Self::Test { .. } | Self::Or(_) | Self::Not(_) => vec![part],
        });
        Self::joined(flat.collect(), Self::And)
    }

    /// One of the parts; nothing if there are none.
    pub(super) fn any(parts: impl IntoIterator<Item = Self>) -> Option<Self> {
        let flat = parts.into_iter().flat_map(|part| match part {
            Self::Or(inner) => inner,
            Self::Test { .. } | Self::And(_) | Self::Not(_) => vec![part],
        });
        Self::joined(flat.collect(), Self::Or)
    }

    fn joined(parts: Vec<Self>, join: impl FnOnce(Vec<Self>) -> Self) -> Option<Self> {
        let mut kept: Vec<Self> = Vec::new();
        for part in parts {
            if !kept.contains(&part) {
                kept.push(part);
            }
        }
        match kept.len() {
            0 => None,
            1 => kept.pop(),
            _ => Some(join(kept)),
        }
    }

    /// The opposite.
    pub(super) fn not(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            Self::Test { text, opposite: Some(opposite) } => {
                Self::Test { text: opposite, opposite: Some(text) }
            }
            Self::Test { .. } | Self::And(_) | Self::Or(_) => Self::Not(Box::new(self)),
        }
    }

    /// Whether it says what must not be, by each of its parts.
    pub(super) fn excludes(&self) -> bool {
        match self {
            Self::Not(_) => true,
            Self::Test { text, .. } => {
                let mut words = text.split(' ').skip(1);
                matches!(words.next(), Some("!=" | "!~" | "not"))
            }
            Self::And(parts) | Self::Or(parts) => parts.iter().all(Self::excludes),
        }
    }

    /// The opposite, with its negations at the tests.
    pub(super) fn opposite(self) -> Self {
        let each = |parts: Vec<Self>| parts.into_iter().map(Self::opposite).collect::<Vec<_>>();
        match self {
            Self::And(parts) => Self::Or(each(parts)),
            Self::Or(parts) => Self::And(each(parts)),
            Self::Test { .. } | Self::Not(_) => self.not(),
        }
    }

    /// The condition as the language writes it.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Test { text, .. } => text.clone(),
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
            Self::Test { text, .. } => text.clone(),
            Self::Not(_) => self.text(),
            Self::And(_) | Self::Or(_) => format!("({})", self.text()),
        }
    }
}

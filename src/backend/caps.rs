//! Features a rule may need, and the words in which a target says how it carries each.
//!
//! In: nothing. Out: the list of both. Must not know: rules, any particular target.

/// Something a rule may need that not every target can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the title of each feature is its documentation")]
pub enum Feature {
    SingleStep,
    OrderedSteps,
    EqualTimes,
    GapWindow,
    TotalWindow,
    KeyChange,
    KeyChangeInScope,
    FieldPair,
    RepeatedGroup,
    SharedEvent,
    Alternatives,
    RenamedField,
    AbsenceBefore,
    AbsenceAfter,
    AbsenceBetween,
    FirstSeen,
    Count,
    DistinctCount,
    DifferentFields,
    OrderedFields,
    FoldedKey,
    FoldedField,
    FoldedGroup,
    FoldedValues,
    AnyKey,
    AnyOrder,
    CaseSensitive,
    IgnoreCase,
    Wildcards,
    RegularExpression,
    Ipv4Network,
    Ipv6Network,
    NumberOrder,
    TimeOrder,
    FieldComparison,
    FieldText,
    FoldedText,
    /// `any`, `all`.
    SeveralValues,
    Presence,
    Negation,
    Allowlist,
}

impl Feature {
    /// Every feature, in the order of the documentation.
    pub const ALL: &'static [Feature] = &[
        Self::SingleStep,
        Self::OrderedSteps,
        Self::EqualTimes,
        Self::GapWindow,
        Self::TotalWindow,
        Self::KeyChange,
        Self::KeyChangeInScope,
        Self::FieldPair,
        Self::RepeatedGroup,
        Self::SharedEvent,
        Self::Alternatives,
        Self::RenamedField,
        Self::AbsenceBefore,
        Self::AbsenceAfter,
        Self::AbsenceBetween,
        Self::FirstSeen,
        Self::Count,
        Self::DistinctCount,
        Self::DifferentFields,
        Self::OrderedFields,
        Self::FoldedKey,
        Self::FoldedField,
        Self::FoldedGroup,
        Self::FoldedValues,
        Self::AnyKey,
        Self::AnyOrder,
        Self::CaseSensitive,
        Self::IgnoreCase,
        Self::Wildcards,
        Self::RegularExpression,
        Self::Ipv4Network,
        Self::Ipv6Network,
        Self::NumberOrder,
        Self::TimeOrder,
        Self::FieldComparison,
        Self::FieldText,
        Self::FoldedText,
        Self::SeveralValues,
        Self::Presence,
        Self::Negation,
        Self::Allowlist,
    ];

    /// In words, to follow "cannot express".
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::SingleStep => "a rule of one step",
            Self::OrderedSteps => "steps in order",
            Self::EqualTimes => "steps at the same instant",
            Self::GapWindow => "a window between neighbours that is shorter than the total",
            Self::TotalWindow => "a total window that is shorter than the sum of the gaps",
            Self::KeyChange => "a join key that changes along the chain, without a scope",
            Self::KeyChangeInScope => "a join key that changes along the chain, within a scope",
            Self::FieldPair => "a link between differently named fields",
            Self::RepeatedGroup => "the items of one event seen one by one",
            Self::SharedEvent => "neighbouring steps that one event could match both",
            Self::Alternatives => "a step with several sources",
            Self::RenamedField => "an alternative that renames a field",
            Self::AbsenceBefore => "a record that must not come before a step",
            Self::AbsenceAfter => "a record that must not come after a step",
            Self::AbsenceBetween => "a record that must not come between two steps",
            Self::FirstSeen => "a step that was never seen before",
            Self::Count => "a step that repeats",
            Self::DistinctCount => "different values of a field counted",
            Self::DifferentFields => "fields of neighbours that differ",
            Self::OrderedFields => "numbers of neighbours compared by size",
            Self::FoldedKey => "a link that ignores letter case",
            Self::FoldedField => "a link by a field whose letter case means nothing",
            Self::FoldedGroup => "records grouped by a field whose letter case means nothing",
            Self::FoldedValues => "different values of a field whose letter case means nothing",
            Self::AnyKey => "a link by any value of a field with several",
            Self::AnyOrder => "steps in any order",
            Self::CaseSensitive => "case-sensitive text",
            Self::IgnoreCase => "text compared ignoring case",
            Self::Wildcards => "wildcard patterns",
            Self::RegularExpression => "regular expressions",
            Self::Ipv4Network => "IPv4 networks",
            Self::Ipv6Network => "IPv6 networks",
            Self::NumberOrder => "numbers compared by size",
            Self::TimeOrder => "instants compared",
            Self::FieldComparison => "two fields of one record compared",
            Self::FieldText => "the text of one field looked for in another",
            Self::FoldedText => "two fields compared ignoring case",
            Self::SeveralValues => "the values of a field that can have several",
            Self::Presence => "presence of a field",
            Self::Negation => "negation that holds when a field is missing",
            Self::Allowlist => "allowlists",
        }
    }
}

/// How a target carries a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// The language has it.
    Native,
    /// Exact, by other means: how.
    Emulated(&'static str),
    /// The query may add: why.
    Widened(&'static str),
    /// The query may miss: why.
    Narrowed(&'static str),
    /// The query may miss in engines that do otherwise than it says.
    Conditional(&'static str),
    /// Left to the engine that runs the query: what to know.
    Engine(&'static str),
    /// Not at all.
    No {
        /// Why.
        reason: &'static str,
        /// The best way round.
        help: &'static str,
    },
}

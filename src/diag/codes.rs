//! The table of codes: what each finding is called, how much it matters, and one line about it.
//!
//! A row ends with a property if the code has one: `repaired` or `absence`. A new code is one row here, one page
//! `docs/errors/<code>.md` and one case `tests/cases/err_<code>_*.chain` (`warn_` for warnings; of rules of other
//! languages in `tests/import`); a test holds the three together. Numbers: 01 text and files, 02 names and types, 03
//! links and windows, 04 allowlists, 05 predicates, 06 rules and metadata, 07 tests, 08 targets, 09 settings, 10 rules
//! of other languages.

use super::Severity::{self, Error, Warning};

macro_rules! codes {
    ($($variant:ident = $code:literal $severity:ident $title:literal $($property:ident)?;)*) => {
        /// What kind of finding a diagnostic is. The variants' titles stand in [`Code::title`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "the title of each row is its documentation")]
        pub enum Code { $($variant),* }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Code] = &[$(Code::$variant),*];

            /// The code as printed, such as `E0201`.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self { $(Code::$variant => $code),* }
            }

            /// Error or warning.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Code::$variant => $severity),* }
            }

            /// One line about this kind of finding.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Code::$variant => $title),* }
            }

            fn property(self) -> Option<Property> {
                match self { $(Code::$variant => property!($($property)?)),* }
            }
        }
    };
}

/// What else is known of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Property {
    Repaired,
    Absence,
}

macro_rules! property {
    () => {
        None
    };
    (repaired) => {
        Some(Property::Repaired)
    };
    (absence) => {
        Some(Property::Absence)
    };
}

impl Code {
    /// The code that is printed so.
    #[must_use]
    pub fn find(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.id() == id)
    }

    /// Why a code that the user names is none that can be accepted; nothing for a warning.
    pub(crate) fn not_a_warning(id: &str) -> Option<&'static str> {
        match Self::find(id).map(Self::severity) {
            Some(Warning) => None,
            Some(Error) => Some("an error cannot be accepted"),
            None => Some("there is no such code"),
        }
    }

    /// Whether it is found only when a rule is compiled for a target.
    #[must_use]
    pub fn is_of_target(self) -> bool {
        self.id().get(1..3) == Some("08")
    }

    /// The codes of warnings.
    pub fn warnings() -> impl Iterator<Item = &'static str> {
        Self::ALL.iter().filter(|code| code.severity() == Warning).map(|code| code.id())
    }

    /// Whether the syntax tree has what was meant all the same: what is missing in the tree is then missing in the
    /// text.
    #[must_use]
    pub fn is_repaired(self) -> bool {
        self.property() == Some(Property::Repaired)
    }

    /// Whether it is about something that is not there: not to be said of a text that was not understood, where it may
    /// be.
    #[must_use]
    pub fn is_absence(self) -> bool {
        self.property() == Some(Property::Absence)
    }
}

codes! {
    // 01 text and files
    Syntax = "E0101" Error "the text does not follow the grammar";
    UnknownClause = "E0102" Error "unknown clause";
    Unclosed = "E0103" Error "unmatched bracket";
    UnterminatedString = "E0104" Error "unterminated string";
    BadEscape = "E0105" Error "unknown escape sequence in a string" repaired;
    WrongQuotes = "E0106" Error "strings must be double-quoted" repaired;
    ForeignOperator = "E0107" Error "unknown operator" repaired;
    BadName = "E0108" Error "a name may only contain lower-case letters, digits and `_`";
    BadDuration = "E0109" Error "not a duration" repaired;
    BadDate = "E0110" Error "not a date" repaired;
    BadNumber = "E0111" Error "not a number" repaired;
    Unquoted = "E0112" Error "missing quotes around a value";
    Comma = "E0113" Error "unexpected or missing comma";
    Repeated = "E0114" Error "duplicate attribute or clause";
    Limit = "E0116" Error "limit exceeded";
    BadCharacter = "E0117" Error "non-printable character";
    NotUtf8 = "E0118" Error "the file is not valid UTF-8";
    ValueFirst = "E0119" Error "the field must be on the left of the comparison";
    NoNull = "E0120" Error "there is no null value";
    Pasted = "E0121" Error "a rule of another language";
    ForeignNotation = "E0122" Error "notation of another language" repaired;

    FileUnreadable = "E0151" Error "a file named by the rule cannot be read";
    ImportCycle = "E0152" Error "circular import";
    ListHeader = "E0161" Error "invalid header in a list file";
    ListRow = "E0162" Error "invalid row in a list file";
    TableHeader = "E0163" Error "invalid header in a lookup table";
    TableRow = "E0164" Error "invalid row in a lookup table";

    // 02 names and types
    UnknownSource = "E0201" Error "unknown log source";
    UnknownField = "E0202" Error "unknown field";
    UnknownStep = "E0203" Error "unknown step" absence;
    UnknownList = "E0204" Error "unknown allowlist" absence;
    UnknownName = "E0205" Error "unknown name" absence;
    UnknownWord = "E0206" Error "unknown keyword";
    ForeignField = "E0207" Error "the field belongs to another step's source";
    StepInsideStep = "E0208" Error "step prefix inside a step";
    NoStep = "E0209" Error "missing step prefix" absence;
    WrongType = "E0210" Error "type mismatch";
    WrongOperator = "E0211" Error "the operator does not apply";
    DefinedTwice = "E0212" Error "defined twice";
    ReservedName = "E0213" Error "reserved step name";
    NameTooLong = "E0214" Error "the name is too long";
    ColumnClash = "E0215" Error "two fields would share one column";
    BadNetwork = "E0216" Error "not an address or network";
    BadTime = "E0217" Error "not a timestamp";
    BadPattern = "E0218" Error "invalid escape in a pattern";
    UnusedParam = "W0219" Warning "unused parameter" absence;
    UnusedList = "W0220" Warning "unused allowlist" absence;
    BadOverride = "E0221" Error "invalid value for a parameter";
    FieldNeverThere = "E0222" Error "a field that these events never have";
    FieldAbsentForSome = "W0223" Warning "a field that some of these events never have";
    SingleValue = "E0224" Error "`any` and `all` need a multi-valued field";
    SeveralValues = "E0225" Error "a field with several values";
    LookupClause = "E0226" Error "invalid lookup";
    LookupField = "E0227" Error "a column of a lookup outside a condition";
    LookupKey = "E0228" Error "the source has no key for the lookup";
    UnusedLookup = "W0229" Warning "unused lookup" absence;

    // 03 links and windows
    ChainShape = "E0301" Error "steps and links must alternate" absence;
    ChainLength = "E0302" Error "the chain has too few or too many steps" absence;
    NoChain = "E0303" Error "the rule has no chain" absence;
    LinkSteps = "E0304" Error "a link must join adjacent steps" absence;
    LinkTypes = "E0305" Error "a link joins fields of different types";
    LinkField = "E0306" Error "an adjacent step lacks the link's field" absence;
    ScopeField = "E0307" Error "a step lacks a field of the scope";
    NotADuration = "E0308" Error "not a duration";
    WindowTooLong = "E0309" Error "the window is too long";
    RepeatedKey = "W0310" Warning "duplicate join key";
    WeakKey = "W0311" Warning "the join key is shared by unrelated events";
    ZeroWindow = "W0312" Warning "the window is zero";
    GapOverTotal = "W0313" Warning "the gap is longer than the whole chain";
    TotalNeverBinds = "W0314" Warning "the total window has no effect" absence;
    BelowGranularity = "W0315" Warning "the window is shorter than the source's aggregation interval";
    PastLookback = "W0316" Warning "the window and the delay exceed the look-back";
    LongWindow = "W0317" Warning "the window is longer than a scheduled search can look back";
    IdentityKey = "E0318" Error "a link joins an event to itself";
    ClauseOrder = "E0319" Error "the clauses of a step are in the wrong order";
    AbsenceWindow = "E0320" Error "an absence has a wrong window, or none";
    AlternativeField = "E0321" Error "an alternative lacks a field";
    Renaming = "E0322" Error "invalid renaming";
    BadCount = "E0323" Error "not a number of events";
    NoGroup = "E0324" Error "nothing to count by";
    NeighbourFields = "E0325" Error "not a comparison of neighbours";
    TogetherShape = "E0326" Error "steps in any order cannot stand here";
    NotYet = "E0327" Error "not part of the language yet";
    UnreadRenaming = "W0328" Warning "a renaming that nothing reads" absence;

    // 04 allowlists
    EmptyList = "W0401" Warning "the allowlist has no active entries" absence;
    ExpiredEntry = "W0402" Warning "an allowlist entry has expired";
    RepeatedEntry = "W0403" Warning "duplicate allowlist entry";
    BadEntry = "E0404" Error "invalid allowlist entry";
    DeadEntry = "W0405" Warning "an allowlist entry can never match";
    ShadowedEntry = "W0406" Warning "another allowlist entry already covers this one";
    ExcusesEverything = "E0407" Error "an allowlist entry matches everything";
    ListType = "E0408" Error "the allowlist and the field have different types";
    ListField = "W0409" Warning "the allowlist was declared for another field";
    ListClash = "E0410" Error "two allowlists share a name in the SIEM";
    LostZeros = "W0411" Warning "an allowlist entry has lost its leading zeros";
    EntryExpires = "W0412" Warning "an allowlist entry expires soon";
    EntryUnexplained = "W0413" Warning "an allowlist entry without reason or owner";
    EntryTooWide = "W0414" Warning "an allowlist entry is very wide";
    MisfitCell = "W0415" Warning "a cell does not fit its column";
    NoRowPasses = "W0416" Warning "no row of the lookup passes the test";
    ExpiredRow = "W0417" Warning "a row of a lookup has expired";

    // 05 predicates
    EmptyText = "E0501" Error "comparison with the empty string";
    NeverHolds = "E0502" Error "the step can never match";
    DeadBranch = "W0503" Warning "a part of the condition is never true";
    AlwaysHolds = "W0504" Warning "a part of the condition is always true";
    RepeatedValue = "W0505" Warning "duplicate value";
    OutsideValues = "E0506" Error "impossible value for the field";
    BadRegex = "E0507" Error "invalid regular expression";
    RegexNotPortable = "E0508" Error "the regular expression is not portable";
    MatchesEverything = "W0509" Warning "the test is true for every value";
    LiteralWildcard = "W0510" Warning "a wildcard or regular expression where every character stands for itself";
    NoWildcard = "W0511" Warning "`like` without a wildcard";

    // 06 rules and metadata
    MissingMeta = "E0601" Error "missing clause" absence;
    BadId = "E0602" Error "the ID is not a UUID";
    BadAttack = "E0603" Error "not an ATT&CK ID";
    BadReference = "E0604" Error "a reference is not a URL";
    RepeatedClause = "E0605" Error "duplicate clause";
    MetaValue = "E0606" Error "invalid value in a clause";
    LongTitle = "W0607" Warning "the title is too long for some SIEMs";
    NoEntity = "W0608" Warning "the alert has no entity" absence;
    NoDedupe = "W0609" Warning "aggregated records without `dedupe`" absence;
    NoTests = "W0610" Warning "the rule has no tests" absence;
    BadPlaceholder = "E0611" Error "invalid playbook placeholder";
    ShownTwice = "W0612" Warning "duplicate field or value";
    ModifiedBefore = "W0613" Warning "`modified` is earlier than `date`";
    EmptyFile = "W0614" Warning "empty rule file" absence;
    UnusedAllow = "W0615" Warning "`allow` accepts nothing" absence;
    DedupeMissing = "W0616" Warning "`dedupe` by a field that may be missing" absence;

    // 07 tests
    NoExpectation = "E0701" Error "the test has no expectation" absence;
    NoEvents = "W0702" Warning "the test has no events" absence;
    ExpectConflict = "E0703" Error "contradictory expectations";
    CannotAlert = "E0704" Error "no event can cause the expected alert" absence;
    RepeatedTest = "W0705" Warning "duplicate test name";
    TimeInEvent = "E0706" Error "`event.time` is set by the offset";
    RepeatedField = "E0707" Error "duplicate field in an event";
    RawEvent = "E0708" Error "not a raw event of the source";
    EventSource = "E0709" Error "the source of a test event is not clear";

    // 08 targets
    FieldUnavailable = "E0801" Error "the field is not available in the target";
    NotExpressible = "E0802" Error "the target cannot express this";
    Subset = "E0803" Error "the query may miss events";
    Superset = "W0804" Warning "the query may match more than the rule";
    Conditional = "W0805" Warning "the query may miss events in some engines";
    TooLong = "W0806" Warning "the query is longer than the SIEM takes";
    NameClash = "E0807" Error "two rules have one name in a SIEM";
    PackLimit = "E0808" Error "the SIEM would refuse this";
    ScheduleLoses = "E0809" Error "a schedule would lose chains";
    NoRowKey = "W0810" Warning "one row per key of a rule without `dedupe`";

    // 09 settings
    SettingsInvalid = "E0901" Error "invalid environment or source file";
    BadYaml = "E0902" Error "invalid YAML";
    UnknownKey = "E0903" Error "unknown key";
    MissingKey = "E0904" Error "missing key";
    UnknownSetting = "E0905" Error "unknown name in an environment or source file";
    SourceTwice = "E0906" Error "duplicate source definition";
    UnknownParam = "W0907" Warning "unknown parameter or rule in the environment file";

    // 10 rules of other languages
    NotForeign = "E1001" Error "not a rule of another language";
    BadEql = "E1002" Error "not an EQL query";
    BadSigma = "E1003" Error "not a Sigma rule";
    NoSource = "E1004" Error "no log source for a step";
    ChosenSource = "W1005" Warning "the log source is not certain";
    LeftOut = "W1006" Warning "a part of the rule is left out";
    Inexact = "W1007" Warning "a part of the rule is not carried exactly";
}

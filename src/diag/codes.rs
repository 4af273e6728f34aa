//! The table of codes: what each finding is called, how much it matters, and one line about it.
//!
//! A new code is one row here, one page `docs/errors/<code>.md` and one case `tests/cases/err_<code>_*.chain`
//! (`warn_` for warnings); a test holds the three together. Numbers: 01 text and files, 02 names and types,
//! 03 links and windows, 04 allowlists, 05 predicates, 06 rules and metadata, 07 tests, 08 targets, 09 settings.

use super::Severity::{self, Error, Warning};

macro_rules! codes {
    ($($variant:ident = $code:literal $severity:ident $title:literal;)*) => {
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
        }
    };
}

codes! {
    // 01 text and files
    Syntax = "E0101" Error "the text does not follow the grammar";
    UnknownClause = "E0102" Error "no clause begins with this word";
    Unclosed = "E0103" Error "a bracket has no partner";
    UnterminatedString = "E0104" Error "a string does not end";
    BadEscape = "E0105" Error "no such escape in a string";
    WrongQuotes = "E0106" Error "strings stand in double quotes";
    ForeignOperator = "E0107" Error "an operator of another language";
    BadName = "E0108" Error "a name has other characters than lower-case letters, digits and `_`";
    BadDuration = "E0109" Error "not a duration";
    BadDate = "E0110" Error "not a date";
    BadNumber = "E0111" Error "not a number";
    Unquoted = "E0112" Error "a value lacks its quotes";
    Comma = "E0113" Error "a comma too many or too few";
    Repeated = "E0114" Error "given twice";
    ReservedWord = "E0115" Error "a word reserved for a later version";
    Limit = "E0116" Error "past a limit of the language";
    BadCharacter = "E0117" Error "a character that cannot be seen";
    NotUtf8 = "E0118" Error "the file is not UTF-8 text";
    ValueFirst = "E0119" Error "a field stands on the left of its value";
    NoNull = "E0120" Error "there is no value for missing";

    FileUnreadable = "E0151" Error "a file that the rule names cannot be read";
    ImportCycle = "E0152" Error "files import each other";
    ListHeader = "E0161" Error "the header of a list file is wrong";
    ListRow = "E0162" Error "a row of a list file is wrong";

    // 02 names and types
    UnknownSource = "E0201" Error "no such log source";
    UnknownField = "E0202" Error "the source has no such field";
    UnknownStep = "E0203" Error "no such step";
    UnknownList = "E0204" Error "no such allowlist";
    UnknownName = "E0205" Error "a word that names nothing";
    UnknownWord = "E0206" Error "not one of the words that can stand here";
    ForeignField = "E0207" Error "the field belongs to another step's source";
    StepInsideStep = "E0208" Error "inside a step, fields stand without a step";
    NoStep = "E0209" Error "outside a step, a field needs its step";
    WrongType = "E0210" Error "the value is of another type";
    WrongOperator = "E0211" Error "the operator does not fit";
    DefinedTwice = "E0212" Error "defined twice";
    ReservedName = "E0213" Error "a step cannot have this name";
    NameTooLong = "E0214" Error "a name past the longest";
    ColumnClash = "E0215" Error "two fields would share one column";
    BadNetwork = "E0216" Error "not an address or network";
    BadTime = "E0217" Error "not an instant";
    BadPattern = "E0218" Error "a backslash in a pattern escapes nothing";
    UnusedParam = "W0219" Warning "the parameter is not used";
    UnusedList = "W0220" Warning "the allowlist is not used";
    BadOverride = "E0221" Error "the value given for a parameter does not fit";

    // 03 links and windows
    ChainShape = "E0301" Error "steps and links do not take turns";
    ChainLength = "E0302" Error "the chain has too few or too many steps";
    NoChain = "E0303" Error "the rule has no chain";
    LinkSteps = "E0304" Error "a link joins other steps than its neighbours";
    LinkTypes = "E0305" Error "a link joins fields of different types";
    LinkField = "E0306" Error "a neighbour lacks the link's field";
    ScopeField = "E0307" Error "a step lacks a field of the scope";
    NotADuration = "E0308" Error "not a length of time";
    WindowTooLong = "E0309" Error "a window past the longest";
    RepeatedKey = "W0310" Warning "a join key is named twice";
    WeakKey = "W0311" Warning "the join key is shared by unrelated events";
    ZeroWindow = "W0312" Warning "the window has no length";
    GapOverTotal = "W0313" Warning "the gap is longer than the whole chain";
    TotalNeverBinds = "W0314" Warning "the total never binds";
    BelowGranularity = "W0315" Warning "the window is shorter than the log's own steps";
    PastLookback = "W0316" Warning "the window and the delay exceed the look-back";
    LongWindow = "W0317" Warning "the window is longer than a scheduled search can look back";
    IdentityKey = "E0318" Error "a link joins an event to itself";

    // 04 allowlists
    EmptyList = "W0401" Warning "the allowlist has no entry in force";
    ExpiredEntry = "W0402" Warning "an allowlist entry has expired";
    RepeatedEntry = "W0403" Warning "an allowlist entry occurs twice";
    BadEntry = "E0404" Error "an allowlist entry is no value of the list's field";
    DeadEntry = "W0405" Warning "an allowlist entry can never match";
    ShadowedEntry = "W0406" Warning "another allowlist entry already covers this one";
    ExcusesEverything = "E0407" Error "an allowlist entry excuses everything";
    ListType = "E0408" Error "the allowlist is of another type than the field";
    ListField = "W0409" Warning "the allowlist was made for another field";
    ListClash = "E0410" Error "two allowlists would share one list of the SIEM";

    // 05 predicates
    EmptyText = "E0501" Error "nothing compares with the empty text";
    NeverHolds = "E0502" Error "the step can never match";
    DeadBranch = "W0503" Warning "a part of the condition can never hold";
    AlwaysHolds = "W0504" Warning "a part of the condition always holds";
    RepeatedValue = "W0505" Warning "a value occurs twice";
    OutsideValues = "E0506" Error "the field never has this value";
    BadRegex = "E0507" Error "the regular expression cannot be read";
    RegexNotPortable = "E0508" Error "the regular expression is not portable";
    MatchesEverything = "W0509" Warning "the test holds for every value";

    // 06 rules and metadata
    MissingMeta = "E0601" Error "the rule lacks a clause";
    BadId = "E0602" Error "the id is not a UUID";
    BadAttack = "E0603" Error "not an ATT&CK id";
    BadReference = "E0604" Error "a reference is not a web address";
    RepeatedClause = "E0605" Error "a clause is given twice";
    MetaValue = "E0606" Error "a value does not fit its clause";
    LongTitle = "W0607" Warning "the title is too long for some SIEMs";
    NoEntity = "W0608" Warning "the alert names nobody";
    NoDedupe = "W0609" Warning "aggregated records alert many times";
    NoTests = "W0610" Warning "the rule has no tests";
    BadPlaceholder = "E0611" Error "a placeholder of the playbook cannot be read";
    ShownTwice = "W0612" Warning "a field is named twice";
    ModifiedBefore = "W0613" Warning "the rule was changed before it was published";
    EmptyFile = "W0614" Warning "the file has no rule and no list";

    // 07 tests
    NoExpectation = "E0701" Error "the test expects nothing";
    NoEvents = "W0702" Warning "the test has no events";
    ExpectConflict = "E0703" Error "the expectations exclude each other";
    CannotAlert = "E0704" Error "no event could cause the expected alert";
    RepeatedTest = "W0705" Warning "two tests have one name";
    TimeInEvent = "E0706" Error "the offset is the event's time";
    RepeatedField = "E0707" Error "an event has a field twice";

    // 08 targets
    FieldUnavailable = "E0801" Error "the target cannot see this field";
    NotExpressible = "E0802" Error "the target cannot express this";
    Subset = "E0803" Error "the query could miss events";
    Superset = "W0804" Warning "the query may match more than the rule";

    // 09 settings
    SettingsInvalid = "E0901" Error "the environment or source file is invalid";
    BadYaml = "E0902" Error "the file is not YAML";
    UnknownKey = "E0903" Error "no such key";
    MissingKey = "E0904" Error "a key is missing";
    UnknownSetting = "E0905" Error "the file names something that does not exist";
    SourceTwice = "E0906" Error "a source is defined twice";
    UnknownParam = "W0907" Warning "no rule has this parameter";
}

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

    // 03 links and windows

    // 04 allowlists

    // 05 predicates

    // 06 rules and metadata

    // 07 tests

    // 08 targets
    FieldUnavailable = "E0801" Error "the target cannot see this field";
    NotExpressible = "E0802" Error "the target cannot express this";
    Subset = "E0803" Error "the query could miss events";
    Superset = "W0804" Warning "the query may match more than the rule";

    // 09 settings
    SettingsInvalid = "E0901" Error "the environment file is wrong";
}

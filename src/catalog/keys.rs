//! The keys of a source file: which there are, what stands behind each, and what it is for.
//!
//! Files are checked against these tables, the JSON schema and the tables of `docs/sources.md` are printed from them; a
//! test holds them against the types that serde reads. In: nothing. Out: forms. Must not know: any source.

use crate::form::{Form, Key, nullable, optional, required};

const TEXTS: Form = Form::List(&Form::Text);
/// One or more.
const SOME_TEXTS: Form = Form::Filled(&TEXTS);
/// Raw paths, and texts that stand there.
const RAW_TEXTS: Form = Form::Filled(&Form::Map(&TEXTS));
const TEXT_OR_TEXTS: Form = Form::Either(&[Form::Text, TEXTS]);
const TEXT_BY_NAME: Form = Form::Map(&Form::Text);
/// What `stored` says, in source and environment files.
pub const STORED: &str = "SQL: raw path to the column that holds what stands there: its name, or `json`, `struct`, \
     `number`, `bool`, `time` or `map` and its name; `or` and another one, `as RAW=STORED, …` for values that are stored \
     in other words";
const MISSING: &str = "SQL: raw paths below which the table has nothing, each with the reason";
const UNSEEN: &str = "SQL: raw paths whose place in the table is documented and was seen in no sample: a query that \
     reads one says so";

/// A source file.
pub const SOURCE: &[Key] = &[
    required("name", Form::Text, "canonical name, lower-case words joined by dots; rules say `from NAME`"),
    required("title", Form::Text, "the name that people know it by"),
    required("description", Form::Text, "what it records and what it does not"),
    optional("documentation", TEXTS, "addresses of the vendor's documentation"),
    required(
        "delay",
        Form::Count,
        "seconds from the end of what a record stands for until a SIEM usually has it",
    ),
    required(
        "granularity",
        Form::Count,
        "seconds over which one record may stand for what happened; 1 for single events",
    ),
    nullable(
        "event_id",
        TEXT_OR_TEXTS,
        "the field that identifies an event, or several that do together; without it all raw fields do",
    ),
    optional(
        "discriminator",
        Form::Text,
        "the field by which events are told apart in `for_actions` and `absent_for`; `event.action`, if it is left out",
    ),
    optional(
        "only",
        RAW_TEXTS,
        "raw paths, and the values that an event of the source has there; other events are passed over",
    ),
    optional(
        "only_of",
        Form::List(&Form::Keys(ONLY_OF)),
        "events to which another `only` applies; the first entry that fits an event counts",
    ),
    nullable("placeholder", TEXT_OR_TEXTS, "raw texts that mean \"no value\", such as `-`"),
    nullable(
        "group",
        Form::Either(&[Form::Keys(GROUP), Form::List(&Form::Keys(GROUP))]),
        "the repeated group of an event, or several with names",
    ),
    optional(
        "log",
        Form::Keys(LOG),
        "how its events stand in files, for replay, tune and tests of raw events",
    ),
    required("targets", Form::Map(&Form::Keys(MAPPING)), "by target: where its records are"),
    required(
        "fields",
        Form::Map(&Form::Keys(FIELD)),
        "by canonical name: its fields, `event.time` among them",
    ),
];

/// A file that adds to a source.
pub const EXTENSION: &[Key] = &[
    required("extends", Form::Text, "the source that this file adds to"),
    optional(
        "log",
        Form::Keys(ADDED_LOG),
        "how its events stand in your files besides; tried before what the source says",
    ),
    optional(
        "targets",
        Form::Map(&Form::Keys(MAPPING_CHANGE)),
        "by target: entries that replace those of the source; a new target is added",
    ),
    optional(
        "fields",
        Form::Map(&Form::Keys(ADDED_FIELD)),
        "by canonical name: new fields, complete; of fields that the source has, `columns` by target",
    ),
];

/// `log` in a file that adds to a source.
pub const ADDED_LOG: &[Key] = &[
    optional("container", TEXTS, "further lists whose items are events or envelopes of events"),
    optional("wrapped", TEXTS, "further paths from an envelope to what is in it"),
    optional("folders", TEXTS, "further folders in a tree of several logs"),
];

/// `group`: an array of the event of which every item gives a record.
pub const GROUP: &[Key] = &[
    optional("name", Form::Text, "what `in_group` of a field calls it; one group may be without"),
    required("path", Form::Text, "dotted path of the array in the raw event"),
    nullable("inner", Form::Text, "an array inside an item: a record for each inner item"),
    required("key", TEXTS, "fields that tell the records of one event apart"),
    optional(
        "for_actions",
        TEXTS,
        "values of the discriminator whose events can have it; all, if none are named",
    ),
];

/// `log`: how events stand in files, as the vendor writes them and as pipelines wrap them.
pub const LOG: &[Key] = &[
    optional("container", TEXTS, "dotted paths of lists whose items are events or envelopes of events"),
    optional(
        "wrapped",
        TEXTS,
        "dotted paths from an envelope to what is in it; the first that leads to an event counts",
    ),
    optional(
        "detect",
        TEXTS,
        "keys that every event has, or dotted paths of such; without them every object is taken for an event",
    ),
    optional("others", Form::List(&Form::Keys(OTHER_LOG)), "logs that are easily taken for this one"),
    optional("aliases", TEXT_BY_NAME, "raw path to the path that some writers use instead"),
    optional("dotted", Form::Truth, "SQL over raw events: whether a top-level key may be a whole path"),
    optional("json_text", TEXTS, "SQL over raw events: raw paths where a text may be JSON, which it enters"),
    optional(
        "spellings",
        Form::List(&Form::Word(&["lower", "underscore"])),
        "how else keys are spelt: all in lower case, with `_` for `-`",
    ),
    optional("folders", TEXTS, "its folders in a tree of several logs: `AWSLogs/ACCOUNT/FOLDER`"),
    optional("omitted", TEXTS, "raw paths that are there where the vendor left a part of the event out"),
    nullable("text", Form::Keys(LOG_TEXT), "its form as lines of columns, if it has one"),
];

/// An item of `only_of`.
pub const ONLY_OF: &[Key] = &[
    required("events", RAW_TEXTS, "raw paths, and the values that these events have there"),
    required("only", Form::Map(&TEXTS), "what stands in place of the `only` of the source for them"),
];

/// An item of `log.others`.
pub const OTHER_LOG: &[Key] = &[
    required("key", Form::Text, "a top-level key, or column, that only the other log has"),
    required("is", Form::Text, "what it is, with an article"),
    nullable("do", Form::Text, "what to do about it"),
];

/// `log.text`: events as lines of columns between spaces.
pub const LOG_TEXT: &[Key] = &[
    required("columns", TEXTS, "the columns of a file without a header line"),
    optional("known", TEXTS, "all further columns that the vendor has"),
    optional(
        "shape",
        Form::Map(&TEXTS),
        "by column: forms of its values, `number`, `time`, `address`, `PREFIX*` or a text; other records are refused",
    ),
];

/// `targets.TARGET`: where a target has the records.
pub const MAPPING: &[Key] = &[
    nullable(
        "from",
        TEXT_OR_TEXTS,
        "table or expression of one (KQL), index pattern (EQL), base search without a pipe (SPL); a list if the records are in several",
    ),
    nullable(
        "filter",
        Form::Text,
        "what is true for this source's records, where `from` holds others too: a condition (KQL, EQL), search terms (SPL)",
    ),
    optional("time", Form::Text, "column or expression of the event time"),
    optional(
        "time_lag",
        Form::Count,
        "up to how many seconds later than the event the target's clock may be; windows are widened by it",
    ),
    nullable("time_reason", Form::Text, "why `time_lag` is not 0"),
    optional("words", TEXT_BY_NAME, "further entries of the target, such as Sigma's `product` and `service`"),
    optional("stored", TEXT_BY_NAME, STORED),
    optional("missing", TEXT_BY_NAME, MISSING),
    optional("unseen", TEXTS, UNSEEN),
    optional(
        "layouts",
        Form::Keys(LAYOUTS),
        "SQL: where the source is in tables of other layouts; `--layout` chooses one",
    ),
    optional("requires", TEXTS, "what must be set up for the records to be there; printed with every query"),
];

/// `targets.sql.layouts`: tables that something else wrote.
pub const LAYOUTS: &[Key] = &[
    nullable(
        "ocsf1",
        Form::Keys(LAID_OUT),
        "tables of Amazon Security Lake, source version 1 (OCSF 1.0.0-rc.2)",
    ),
    nullable("ocsf2", Form::Keys(LAID_OUT), "tables of Amazon Security Lake, source version 2 (OCSF 1.1.0)"),
];

/// `targets.sql.layouts.LAYOUT`: where the source is in the tables of a layout.
pub const LAID_OUT: &[Key] = &[
    nullable("from", TEXT_OR_TEXTS, "the table; a list if the records are in several"),
    optional("words", TEXT_BY_NAME, "further entries, such as `event_id: always`"),
    optional("stored", TEXT_BY_NAME, STORED),
    optional("missing", TEXT_BY_NAME, MISSING),
    optional("unseen", TEXTS, UNSEEN),
    optional("requires", TEXTS, "what must be set up for the records to be there; printed with every query"),
];

/// The same where it changes: entries that are left out stay as they are.
pub const MAPPING_CHANGE: &[Key] = &[
    nullable(
        "from",
        TEXT_OR_TEXTS,
        "table or expression of one (KQL), index pattern (EQL), base search without a pipe (SPL); the `requires` of the source go with the old one",
    ),
    nullable(
        "filter",
        Form::Text,
        "what is true for the source's records: a condition (KQL, EQL), search terms (SPL)",
    ),
    nullable("time", Form::Text, "column or expression of the event time"),
    nullable(
        "time_lag",
        Form::Count,
        "up to how many seconds later than the event the target's clock may be",
    ),
    nullable("time_reason", Form::Text, "why `time_lag` is not 0"),
    optional("words", TEXT_BY_NAME, "entries such as Sigma's `product`; those not named stay"),
    optional("stored", TEXT_BY_NAME, STORED),
    nullable(
        "requires",
        TEXTS,
        "what must be set up for the records to be there, instead of what the source says",
    ),
];

/// `fields.FIELD`: a canonical field.
pub const FIELD: &[Key] = &[
    required("type", TYPE, "its type"),
    required("description", Form::Text, "what it holds"),
    optional("values", SOME_TEXTS, "the only values it has, where they are few"),
    nullable("spelling", SPELLING, SPELLING_IS),
    optional("in_group", Form::Text, IN_GROUP),
    optional("fold", Form::Truth, FOLD),
    optional("many", Form::Truth, MANY),
    optional("placeholders", TEXTS, PLACEHOLDERS),
    nullable("weak_key", Form::Text, "why it is a poor key for a link, if it is one"),
    nullable("requires", Form::Text, "log version or setting that it needs"),
    optional(
        "absent_for",
        TEXTS,
        "values of the discriminator with which it never has a value: to test it there is an error",
    ),
    nullable("digits", Form::Count, DIGITS),
    nullable(
        "raw",
        RAW,
        "how the embedded engine reads it from the raw event; left out where the log does not carry it",
    ),
    optional(
        "columns",
        Form::Map(&COLUMN),
        "by target: where it is; a target without an entry cannot see the field",
    ),
];

/// The same in a file that adds to a source.
pub const ADDED_FIELD: &[Key] = &[
    optional("type", TYPE, "its type; a new field must have one"),
    optional("description", Form::Text, "what it holds; a new field must say so"),
    optional("values", SOME_TEXTS, "the only values it has, where they are few"),
    nullable("spelling", SPELLING, SPELLING_IS),
    optional("in_group", Form::Text, IN_GROUP),
    optional("fold", Form::Truth, FOLD),
    optional("many", Form::Truth, MANY),
    optional("placeholders", TEXTS, PLACEHOLDERS),
    nullable("weak_key", Form::Text, "why it is a poor key for a link, if it is one"),
    nullable("requires", Form::Text, "log version or setting that it needs"),
    optional("absent_for", TEXTS, "values of the discriminator with which it never has a value"),
    nullable("digits", Form::Count, DIGITS),
    nullable("raw", RAW, "how the embedded engine reads it from the raw event"),
    optional(
        "columns",
        Form::Map(&COLUMN),
        "by target: where it is; of a field that the source has, instead of what the source says",
    ),
];

const DIGITS: &str = "how many digits every value has, where all are numbers of one length: an allowlist entry with fewer is reported";
const IN_GROUP: &str = "`true` if it belongs to the repeated group, the name of the group if that has one";
const FOLD: &str = "whether its values are the same in whatever letter case: they are compared, listed, linked, counted and shared ignoring it";
const MANY: &str = "whether it can have several values: its raw path has `[]`";
const PLACEHOLDERS: &str = "stored texts that mean \"no value\", in the log and in every target";
/// `spelling` of a field.
const SPELLING: Form = Form::Word(&["lower", "upper", "one"]);
const SPELLING_IS: &str = "letter case of its values: all in lower or upper case, or `one` where each has one spelling, so that letter case tells no two values apart, nor how two of them begin";

const TYPE: Form = Form::Word(&["string", "int", "float", "bool", "ip", "time"]);

/// `raw`: a path, or several ways to read the field.
const RAW: Form = Form::Either(&[Form::Text, Form::List(&Form::Keys(RAW_VARIANT))]);

/// An item of `raw`; the first whose `for_actions` fits counts, or the one without.
pub const RAW_VARIANT: &[Key] = &[
    optional(
        "for_actions",
        TEXTS,
        "values of the discriminator for which this item counts; without it, all others",
    ),
    nullable(
        "path",
        Form::Text,
        "path in the raw event; inside a group from the item, after `>` from the inner item",
    ),
    optional("paths", SOME_TEXTS, "several paths in place of `path`: the first that has a value counts"),
    optional("placeholders", TEXTS, "raw texts that mean \"no value\" here"),
    optional(
        "from_event",
        Form::Truth,
        "whether the path starts at the event though the field is of the group",
    ),
    nullable("capture", Form::Text, "a regular expression whose first group is the value"),
    optional(
        "map",
        TEXT_BY_NAME,
        "raw value to canonical value; others are missing, unless `otherwise` is given",
    ),
    nullable("absent", Form::Text, "the value where the raw one is missing"),
    nullable("otherwise", Form::Text, "the value where the raw one is not in `map`"),
];

/// `columns.TARGET`: a column that holds the value as it is, one that needs more than its name, or a list of such, for
/// different values of the discriminator.
pub const COLUMN: Form = Form::Either(&[Form::Text, Form::Keys(MAPPED), Form::List(&Form::Keys(MAPPED))]);

/// A column that needs more than its name; exactly one of `field`, `path`, `item`, `expr`, `cases`, `unavailable`.
pub const MAPPED: &[Key] = &[
    optional(
        "for_actions",
        TEXTS,
        "in a list of columns: values of the discriminator for which this one counts; the last has none",
    ),
    nullable("field", Form::Text, "a column or field that holds the value"),
    nullable("path", Form::Text, "a path in the raw event, which the query takes apart itself"),
    nullable("item", Form::Text, "a path in the item of the repeated group, after `>` in the inner item"),
    nullable("expr", Form::Text, "an expression in the target's language over its columns and `needs`"),
    optional("needs", TEXT_BY_NAME, "names used in `expr`, and the raw paths they stand for"),
    nullable(
        "stored",
        Form::Word(&["string", "number", "bool", "time"]),
        "how the target stores the value, where that is not the field's type",
    ),
    optional(
        "cases",
        Form::List(&Form::Keys(CASE)),
        "for a value of a few: the first case that holds gives it",
    ),
    optional(
        "map",
        TEXT_BY_NAME,
        "stored value of the `field` or `path` to canonical value; others are missing, unless `otherwise` is given",
    ),
    nullable("absent", Form::Text, "the value where nothing is stored there"),
    nullable("otherwise", Form::Text, "the value where what is stored there is not in `map`"),
    nullable("placeholder", Form::Text, "a stored text that means \"no value\""),
    optional("multi", Form::Truth, "whether the field holds the values of all items of the event together"),
    nullable(
        "text",
        Form::Keys(TEXT_OF),
        "a text of `KEY=VALUE` pairs that may have values which the `multi` field lacks",
    ),
    nullable(
        "single",
        Form::Keys(SINGLE),
        "where an event has but one value of the field among its `multi` values: how it is told from the others",
    ),
    nullable(
        "alert_field",
        Form::Text,
        "the field on an alert document (EQL in stages), where it is another; empty where alerts lack it",
    ),
    optional(
        "behind",
        TEXTS,
        "EQL and Sigma: texts of which one may stand behind the value there, such as a dot or a blank",
    ),
    optional(
        "written",
        Form::Map(&TEXTS),
        "EQL and Sigma: canonical value to other texts that may stand there in its place; all others are as they are",
    ),
    nullable("superset", Form::Text, "why the column holds for more records than the field"),
    nullable("subset", Form::Text, "why the column lacks values that the field has"),
    nullable("requires", Form::Text, "what must be set up, or which version is needed"),
    nullable("unavailable", Form::Text, "why the target cannot see the field"),
    optional("instead", TEXTS, "fields to use instead"),
];

/// An item of `cases`.
pub const CASE: &[Key] = &[
    required("value", Form::Text, "the canonical value"),
    optional(
        "when",
        Form::Map(&Form::OrNull(&Form::Text)),
        "field of the target to wanted value, nothing for \"absent\"; all must hold",
    ),
];

/// `text` of a column.
pub const TEXT_OF: &[Key] = &[
    required("field", Form::Text, "the field that holds the text"),
    required("key", Form::Text, "the key inside it"),
];

/// `single` of a column.
pub const SINGLE: &[Key] = &[
    required(
        "prefix",
        Form::Text,
        "how every value of the field begins, and no other value that is kept with it",
    ),
    optional(
        "only_if",
        TEXT_BY_NAME,
        "fields of the source, and the values with which an event has but one value of the field",
    ),
];

/// Every table of a source file, with the path at which it stands.
pub const TABLES: &[(&str, &[Key])] = &[
    ("a source file", SOURCE),
    ("an item of `only_of`", ONLY_OF),
    ("`group`", GROUP),
    ("`log`", LOG),
    ("an item of `log.others`", OTHER_LOG),
    ("`log.text`", LOG_TEXT),
    ("`targets.TARGET`", MAPPING),
    ("`targets.sql.layouts`", LAYOUTS),
    ("`targets.sql.layouts.LAYOUT`", LAID_OUT),
    ("`fields.FIELD`", FIELD),
    ("an item of `fields.FIELD.raw`", RAW_VARIANT),
    ("`fields.FIELD.columns.TARGET`", MAPPED),
    ("an item of `cases`", CASE),
    ("`text`", TEXT_OF),
    ("`single`", SINGLE),
    ("a file that adds to a source", EXTENSION),
    ("`log` of a file that adds to a source", ADDED_LOG),
];

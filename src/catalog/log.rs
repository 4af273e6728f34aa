//! Where the events of a source are in files, and how they are recognised.
//!
//! In: the `log` key of a source file. Out: [`LogForm`]. Must not know: how files are read, rules, targets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::path::{Parts, bad_path};

/// How a source is written to files: by its vendor, and by the pipelines that people put behind it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogForm {
    /// Dotted paths of lists whose items are events, or envelopes of events.
    pub container: Vec<String>,
    /// Dotted paths from an envelope to what is in it: an object, a list, or JSON or columns as text. The first one
    /// that leads to an event counts.
    pub wrapped: Vec<String>,
    /// Keys that every event has, or dotted paths of such; what lacks one of them is no event. None: every object is an
    /// event.
    pub detect: Vec<String>,
    /// Other logs that could be taken for this one, or that are given instead of it.
    pub others: Vec<OtherLog>,
    /// Dotted raw path to the path that some writers use instead of it.
    pub aliases: BTreeMap<String, String>,
    /// Whether top-level keys may be whole paths, so that queries over raw events ask for these too.
    pub dotted: bool,
    /// Dotted raw paths where a text may be JSON that other paths go on in, so that queries over raw events enter it.
    pub json_text: Vec<String>,
    /// How else keys are spelt.
    pub spellings: Vec<Spelling>,
    /// Folders of this log where the vendor puts several logs into one tree: `AWSLogs/ACCOUNT/FOLDER/…`.
    pub folders: Vec<String>,
    /// Dotted raw paths that are there where the vendor left a part of the event out.
    pub omitted: Vec<String>,
    /// The form as lines of columns, if it has one.
    pub text: Option<TextForm>,
}

impl Default for LogForm {
    fn default() -> Self {
        Self {
            container: vec!["Records".to_owned()],
            wrapped: Vec::new(),
            detect: Vec::new(),
            others: Vec::new(),
            aliases: BTreeMap::new(),
            dotted: false,
            json_text: Vec::new(),
            spellings: Vec::new(),
            folders: Vec::new(),
            omitted: Vec::new(),
            text: None,
        }
    }
}

/// What a file that extends a source adds to its form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogAddition {
    /// Further lists of events or envelopes.
    pub container: Vec<String>,
    /// Further ways from an envelope to what is in it.
    pub wrapped: Vec<String>,
    /// Further folders.
    pub folders: Vec<String>,
}

/// A log that is not this source, and how it is recognised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtherLog {
    /// A top-level key that only the other log has; a column or a value of one in text.
    pub key: String,
    /// What it is, with an article.
    pub is: String,
    /// What to do.
    #[serde(default, rename = "do")]
    pub advice: Option<String>,
}

/// Another spelling of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Spelling {
    /// All letters in lower case.
    Lower,
    /// `_` in place of `-`.
    Underscore,
}

impl Spelling {
    /// `key` in this spelling.
    #[must_use]
    pub fn of(self, key: &str) -> String {
        match self {
            Self::Lower => key.to_lowercase(),
            Self::Underscore => key.replace('-', "_"),
        }
    }
}

/// Events as lines of columns between spaces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextForm {
    /// The columns of a file without a header line, unless the user gives others.
    pub columns: Vec<String>,
    /// All further columns that the vendor has.
    #[serde(default)]
    pub known: Vec<String>,
    /// What the values of a column look like: a record with another value there has another layout.
    #[serde(default)]
    pub shape: BTreeMap<String, Shape>,
}

/// What a value looks like: one of several forms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shape(Vec<Form>);

/// A form of values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
enum Form {
    /// `number`: digits.
    Number,
    /// `time`: seconds or milliseconds since 1970.
    Time,
    /// `address`: IPv4 or IPv6.
    Address,
    /// `eni-*`: a text that begins so.
    Prefix(String),
    /// Any other: just this text.
    Text(String),
}

impl From<String> for Form {
    fn from(text: String) -> Self {
        match (text.as_str(), text.strip_suffix('*')) {
            ("number", _) => Self::Number,
            ("time", _) => Self::Time,
            ("address", _) => Self::Address,
            (_, Some(prefix)) => Self::Prefix(prefix.to_owned()),
            (_, None) => Self::Text(text),
        }
    }
}

impl From<Form> for String {
    fn from(form: Form) -> Self {
        match form {
            Form::Number => "number".to_owned(),
            Form::Time => "time".to_owned(),
            Form::Address => "address".to_owned(),
            Form::Prefix(text) => text + "*",
            Form::Text(text) => text,
        }
    }
}

impl Shape {
    /// Whether a value has one of the forms, or says that there is none.
    #[must_use]
    pub fn fits(&self, value: &str) -> bool {
        // Flow logs write `-` in every column that has no value.
        if value == "-" {
            return true;
        }
        let digits = || !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        self.0.iter().any(|form| match form {
            Form::Number => digits(),
            // Nine digits of seconds begin in 1973, thirteen of milliseconds reach to 2286.
            Form::Time => (9..=13).contains(&value.len()) && digits(),
            // Its characters alone: that is enough to tell one layout from another, and the field's type reads the
            // rest.
            Form::Address => {
                value.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'.' || byte == b':')
            }
            Form::Prefix(prefix) => value.starts_with(prefix.as_str()),
            Form::Text(text) => value == text,
        })
    }
}

impl TextForm {
    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.columns.is_empty() {
            let title = "`columns` names no column".to_owned();
            faults.push(Fault::new(&["text", "columns"], title).on_key());
        }
        let unknown = self.shape.keys().filter(|column| !self.names().any(|name| name == column.as_str()));
        faults.extend(unknown.map(|column| {
            let title = format!("`{column}` is neither in `columns` nor in `known`");
            Fault::new(&["text", "shape", column], title).on_key().near(column, self.names())
        }));
        faults
    }

    /// The names of all columns.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().chain(&self.known).map(String::as_str)
    }
}

impl LogForm {
    /// So many keys can be asked of an event.
    pub const MOST_DETECTED: usize = 8;

    /// Puts what a file adds before what is here; gives what makes no sense in it.
    pub(super) fn add(&mut self, addition: &LogAddition) -> Vec<Fault> {
        let LogAddition { container, wrapped, folders } = addition;
        // The first way that leads to an event counts, so what the organisation adds must be tried first.
        let both = |new: &[String], old: &[String]| [new, old].concat();
        self.container = both(container, &self.container);
        self.wrapped = both(wrapped, &self.wrapped);
        self.folders = both(folders, &self.folders);
        bad_paths("container", container).chain(bad_paths("wrapped", wrapped)).collect()
    }

    /// A key that every event has and this object lacks; `None`: it is an event.
    #[must_use]
    pub fn missing_key(&self, event: &serde_json::Value) -> Option<&str> {
        let has = |key: &String| self.spelt(key).any(|key| stands(event, &key));
        self.detect.iter().find(|key| !has(key)).map(String::as_str)
    }

    /// A key in every spelling that a writer of the log uses.
    pub fn spelt(&self, key: &str) -> impl Iterator<Item = String> {
        std::iter::once(key.to_owned()).chain(self.spellings.iter().map(|spelling| spelling.of(key)))
    }

    /// What makes no sense in it, by its path below `log`.
    pub(super) fn faults(&self) -> Vec<Fault> {
        let lists = [("container", &self.container), ("wrapped", &self.wrapped), ("detect", &self.detect)];
        let lists = lists.into_iter().chain([("omitted", &self.omitted), ("json_text", &self.json_text)]);
        let paths = lists.flat_map(|(key, paths)| bad_paths(key, paths));
        let others = (0..).zip(&self.others).filter_map(|(number, other): (usize, _)| {
            Some(bad_path(&other.key, Parts::Plain)?.below(&["others", &number.to_string(), "key"]))
        });
        let aliases = self.aliases.iter().filter_map(|(path, alias)| {
            // One finding for an entry, at its key if that is wrong already.
            let fault =
                bad_path(path, Parts::Plain).map(Fault::on_key).or_else(|| bad_path(alias, Parts::Plain));
            Some(fault?.below(&["aliases", path]))
        });
        let mut faults: Vec<Fault> = paths.chain(others).chain(aliases).collect();
        if self.detect.len() > Self::MOST_DETECTED {
            let title = format!("`detect` names more than {} keys", Self::MOST_DETECTED);
            faults.push(Fault::new(&["detect"], title).on_key().help("a few keys tell an event from others"));
        }
        faults.extend(self.text.iter().flat_map(TextForm::faults));
        faults
    }
}

/// Whether something stands at a path of plain keys.
fn stands(event: &serde_json::Value, path: &str) -> bool {
    let below = || path.split_once('.').and_then(|(key, rest)| Some((event.get(key)?, rest)));
    event.get(path).is_some() || below().is_some_and(|(inner, rest)| stands(inner, rest))
}

fn bad_paths<'a>(key: &'a str, paths: &'a [String]) -> impl Iterator<Item = Fault> + 'a {
    (0..).zip(paths).filter_map(move |(number, path): (usize, _)| {
        Some(bad_path(path, Parts::Plain)?.below(&[key, &number.to_string()]))
    })
}

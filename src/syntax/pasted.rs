//! Rules of other languages where a file of this one was expected.
//!
//! In: the text of a file. Out: which language it is in, and where it begins, if its beginning says so.
//! Must not know: the grammar, targets. A file that begins with a keyword of this language is never taken for another.

use std::ops::Range;

use super::keywords::Level;
use crate::diag::{Code, Diagnostic};
use crate::source::{FileId, Span};

/// A language that people paste.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Sigma,
    Spl,
    Kql,
    Eql,
    EsQl,
    Sql,
    ElasticToml,
}

/// How many lines are looked at.
const LINES: usize = 300;

/// The finding for a file in another language.
pub(super) fn find(text: &str, file: FileId) -> Option<Diagnostic> {
    let start = beginning(text);
    let rest = text.get(start.clone()).filter(|line| !line.is_empty())?;
    let language = language(rest, text.get(start.start..)?)?;
    let (name, help) = language.words();
    let title = format!("this is {name}, not a rule of this language");
    let found = Diagnostic::new(Code::Pasted, Span::new(file, start.start, start.end), title)
        .label("the file begins with it")
        .help("write what it finds as the steps of a rule: `rule NAME { … chain { step NAME from SOURCE where … } }`");
    Some(found.help(help))
}

/// The finding for a part of a file that is in another language: the text from `at` to `end`, before or behind a rule.
pub(super) fn find_in(text: &str, at: usize, end: usize, file: FileId) -> Option<Diagnostic> {
    let part = text.get(at..end)?;
    let mut found = find(part, file)?;
    let span = &mut found.primary.span;
    *span = Span::new(file, at + span.start as usize, at + span.end as usize);
    Some(found.label("this is no part of a rule"))
}

impl Language {
    /// The name, and how its search is written here.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Sigma => (
                "Sigma YAML",
                "`eventName|startswith: Create` of a selection is `event.action starts_with \"Create\"` in a step",
            ),
            Self::Spl => (
                "a Splunk search",
                "`eventName=Create*` is `event.action like \"Create*\"` in a step; the macro or index is set in `catena.yaml`",
            ),
            Self::Kql => (
                "a Kusto (KQL) query",
                "`| where EventName startswith \"Create\"` is `event.action starts_with~ \"Create\"` in a step",
            ),
            Self::Eql => (
                "an EQL query",
                "`sequence by user.id with maxspan=1h [any where P] [any where Q]` is `chain within 1h { step a … where P  then within 1h on actor.id  step b … where Q }`",
            ),
            Self::EsQl => (
                "an ES|QL query",
                "`| WHERE event.action LIKE \"Create*\"` is `event.action like \"Create*\"` in a step",
            ),
            Self::Sql => (
                "an SQL query",
                "`WHERE eventname LIKE 'Create%'` is `event.action like \"Create*\"` in a step",
            ),
            Self::ElasticToml => (
                "an Elastic rule in TOML",
                "metadata stand at the top of a rule: `title \"…\"`, `severity high`; the query becomes steps",
            ),
        }
    }
}

/// The first line that is neither blank nor a comment in some language.
fn beginning(text: &str) -> Range<usize> {
    let mut at = 0;
    for line in text.split_inclusive('\n').take(LINES) {
        let body = line.trim_start_matches('\u{feff}').trim();
        if !body.is_empty() && !["#", "//", "--", "/*", "*/", "* "].iter().any(|mark| is_comment(body, mark))
        {
            let start = at + line.find(body).unwrap_or(0);
            return start..start + body.len();
        }
        at += line.len();
    }
    0..0
}

/// `---` begins a document of YAML.
fn is_comment(line: &str, mark: &str) -> bool {
    line.starts_with(mark) && !line.starts_with("---")
}

fn language(first: &str, rest: &str) -> Option<Language> {
    let word = first.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
    let lines = || rest.lines().take(LINES);
    let begins_clause =
        |line: &str| Level::File.clause(line.split([' ', '\t']).next().unwrap_or_default()).is_some();
    // A rule file whose first words are misspelt is still one.
    if first.ends_with('{') || lines().any(begins_clause) {
        return None;
    }
    let key = |wanted: &[&str]| lines().any(|line| wanted.iter().any(|key| line.starts_with(key)));
    // Keys at the beginning of a line: those of Sigma's top level, not of any YAML that nests a `detection`.
    if (first.contains(':') || first == "---") && key(&["logsource:", "detection:", "correlation:"]) {
        return Some(Language::Sigma);
    }
    // The tables with which Elastic's own rule files begin.
    if ["[metadata]", "[rule]"].contains(&first) {
        return Some(Language::ElasticToml);
    }
    let lower = first.to_ascii_lowercase();
    if is_eql(&lower) {
        return Some(Language::Eql);
    }
    let has = |wanted: &str| lines().any(|line| line.to_ascii_lowercase().contains(wanted));
    match word.to_ascii_lowercase().as_str() {
        // A word alone decides nothing, for a file may begin with prose; it takes what the language has behind the
        // word.
        "from" if has("|") => return Some(Language::EsQl),
        "select" if has("from ") => return Some(Language::Sql),
        "with" if has(" as (") && has("select ") => return Some(Language::Sql),
        _ => {}
    }
    piped(first, &lower, word, rest)
}

/// `sequence by …`, `any where …`.
fn is_eql(first: &str) -> bool {
    const CATEGORIES: [&str; 14] = [
        "any",
        "process",
        "file",
        "network",
        "registry",
        "authentication",
        "iam",
        "event",
        "dns",
        "library",
        "driver",
        "web",
        "session",
        "configuration",
    ];
    let mut words = first.split_ascii_whitespace();
    match (words.next(), words.next()) {
        (Some("sequence"), next) => {
            next.is_none_or(|next| ["by", "with"].contains(&next) || next.starts_with('['))
        }
        (Some("sample"), Some("by")) => true,
        (Some(category), Some("where")) => CATEGORIES.contains(&category),
        _ => false,
    }
}

/// Commands of SPL that KQL has not.
#[rustfmt::skip]
const SPL: [&str; 22] = [
    "stats", "eval", "table", "rename", "tstats", "streamstats", "eventstats", "transaction", "dedup", "search", "spath",
    "fields", "rex", "timechart", "inputlookup", "makemv", "mvexpand", "bin", "multisearch", "append", "fillnull", "regex",
];
/// Commands of KQL that SPL has not.
#[rustfmt::skip]
const KQL: [&str; 16] = [
    "project", "extend", "summarize", "mv", "take", "make", "distinct", "project_away",
    "render", "evaluate", "parse", "partition", "top", "invoke", "serialize", "order",
];

/// Languages of commands joined by `|`: whose commands are they?
fn piped(first: &str, lower: &str, word: &str, rest: &str) -> Option<Language> {
    let commands: Vec<String> = rest
        .lines()
        .take(LINES)
        .flat_map(|line| line.split('|').skip(1))
        .map(|command| {
            let command = command.trim_start();
            let end = command.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(command.len());
            command.get(..end).unwrap_or_default().to_ascii_lowercase()
        })
        .collect();
    let count = |known: &[&str]| commands.iter().filter(|command| known.contains(&command.as_str())).count();
    let selects = ["index", "sourcetype", "eventtype", "source", "host"].iter().any(|key| {
        let behind = lower.trim_start_matches('(').strip_prefix(key).map(str::trim_start);
        behind.is_some_and(|behind| behind.starts_with(['=', '!']) || behind.starts_with("in "))
    });
    if selects || lower.starts_with("search ") || first.starts_with('`') {
        return Some(Language::Spl);
    }
    let is_let = word == "let" && rest.contains(';') && first.contains('=');
    let (spl, kql) = (count(&SPL), count(&KQL));
    if is_let || kql > spl {
        return Some(Language::Kql);
    }
    if spl > kql {
        return Some(Language::Spl);
    }
    // Only commands that both have, such as `where`: a table stands alone, a search has conditions.
    let table = first.split('|').next().unwrap_or_default().trim();
    let is_table = !table.is_empty() && table.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let shared = count(&["where", "join", "sort", "union", "lookup", "count", "limit"]) > 0;
    match (shared, is_table) {
        (true, true) => Some(Language::Kql),
        (true, false) if first.contains('=') || first.starts_with('|') => Some(Language::Spl),
        (true | false, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_known_by_their_beginning() {
        for (text, expected) in [
            ("title: x\nlogsource:\n  product: aws\ndetection:\n", Some(Language::Sigma)),
            ("---\ntitle: x\ncorrelation:\n", Some(Language::Sigma)),
            ("index=aws eventName=CreateUser\n| stats count by user", Some(Language::Spl)),
            ("`cloudtrail` eventName=CreateUser", Some(Language::Spl)),
            ("| tstats count where index=x", Some(Language::Spl)),
            ("eventName=CreateUser | where x=1", Some(Language::Spl)),
            ("search index=x", Some(Language::Spl)),
            ("AWSCloudTrail\n| where EventName == \"x\"\n", Some(Language::Kql)),
            ("// hunting\nlet t = 1h;\nAWSCloudTrail | where a", Some(Language::Kql)),
            ("AWSCloudTrail | summarize count()", Some(Language::Kql)),
            ("sequence by user.id with maxspan=1h\n [any where true]", Some(Language::Eql)),
            ("any where event.action == \"x\"", Some(Language::Eql)),
            ("FROM logs-* | WHERE a == 1", Some(Language::EsQl)),
            ("SELECT *\nFROM cloudtrail", Some(Language::Sql)),
            ("[metadata]\ncreation_date = \"x\"", Some(Language::ElasticToml)),
            ("rule r {\n}", None),
            ("# | stats\nrule r {\n}", None),
            ("allowlist l: f from \"x|stats\"", None),
            ("rle r {\n  title \"| stats\" }", None),
            ("title \"x\"", None),
            ("title: x\nid: y", None),
            ("from \"a\"", None),
            ("", None),
        ] {
            let start = beginning(text);
            let found = language(text.get(start.clone()).unwrap(), text.get(start.start..).unwrap());
            assert_eq!(found, expected, "{text}");
        }
    }
}

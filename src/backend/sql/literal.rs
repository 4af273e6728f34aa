//! SQL text from values: literals, names, and the notation of each dialect. No other file turns a rule's text into
//! query text.
//!
//! In: values of the rule, texts of the source files, templates of this program. Out: [`Frag`]s. Must not know: fields,
//! steps, joins. The escape rules are those of the engines' own lexers.

use std::fmt::Write as _;

use super::Sql;
use super::column::Key;
use crate::backend::SqlDialect;
use crate::backend::print::{self, Bind, Language, one_line};
use crate::ir::{Type, Value};
use crate::source::marked;

/// A piece of a query.
pub(super) type Frag = print::Frag<Sql>;

/// What it takes to make a [`Frag`]: this file alone can.
#[derive(Debug)]
pub(in crate::backend) struct Right(());

impl Language for Sql {
    type Key = Right;
}

fn atom(text: impl Into<String>) -> Frag {
    Frag::new(&Right(()), text, Bind::Atom)
}

/// A template of this program with fragments in place of its `{}`; one in `{()}` gets parentheses unless it holds
/// together by itself.
pub(super) fn code(bind: Bind, template: &'static str, parts: &[&Frag]) -> Frag {
    let mut text =
        String::with_capacity(template.len() + parts.iter().map(|part| part.text().len() + 2).sum::<usize>());
    let mut parts = parts.iter();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let place = [("}", false), ("()}", true)]
            .into_iter()
            .find_map(|(end, guarded)| after.strip_prefix(end).map(|after| (after, guarded)));
        let Some((after, guarded)) = place else {
            // A brace of the language itself.
            text.push('{');
            rest = after;
            continue;
        };
        match parts.next() {
            Some(part) if guarded => text.push_str(&part.inside(Bind::Test)),
            Some(part) => text.push_str(part.text()),
            None => {}
        }
        rest = after;
    }
    text.push_str(rest);
    Frag::new(&Right(()), text, bind)
}

/// A template that holds together: a call, or something in parentheses.
pub(super) fn whole(template: &'static str, parts: &[&Frag]) -> Frag {
    code(Bind::Atom, template, parts)
}

/// A template that is a comparison.
pub(super) fn test(template: &'static str, parts: &[&Frag]) -> Frag {
    code(Bind::Test, template, parts)
}

/// A call of a function that all dialects have.
pub(super) fn call<'a>(function: &'static str, arguments: impl IntoIterator<Item = &'a Frag>) -> Frag {
    atom(format!("{function}({})", list(arguments).text()))
}

/// Fragments with commas between them.
pub(super) fn list<'a>(parts: impl IntoIterator<Item = &'a Frag>) -> Frag {
    atom(parts.into_iter().map(Frag::text).collect::<Vec<_>>().join(", "))
}

/// Fragments on lines of their own, with a mark after each but the last, behind so many spaces.
pub(super) fn lines(parts: &[Frag], mark: &'static str, indent: usize) -> Frag {
    let between = format!("{mark}\n{}", " ".repeat(indent));
    atom(parts.iter().map(Frag::text).collect::<Vec<_>>().join(&between))
}

/// What always holds, or never.
pub(super) fn truth(truth: bool) -> Frag {
    atom(if truth { "TRUE" } else { "FALSE" })
}

/// An integer.
pub(super) fn number(number: i64) -> Frag {
    if number >= 0 { atom(number.to_string()) } else { atom(format!("({number})")) }
}

/// Seconds as the microseconds in which all times are kept. A window longer than any log is cut to a thousand years, so
/// that no sum overflows.
pub(super) fn micros(seconds: u64) -> Frag {
    let seconds = seconds.min(1000 * 365 * 86_400);
    atom((u128::from(seconds) * 1_000_000).to_string())
}

/// A text.
pub(super) fn text(dialect: SqlDialect, value: &str) -> Frag {
    let mut out = String::with_capacity(value.len() + 2);
    out.push('\'');
    match dialect {
        SqlDialect::DuckDb | SqlDialect::Trino if value.chars().any(needs_code) => return by_code(value),
        SqlDialect::DuckDb | SqlDialect::Trino => plain_text(&mut out, value),
        SqlDialect::Spark => spark_text(&mut out, value),
    }
    out.push('\'');
    atom(out)
}

/// In `DuckDB`, Trino and Athena the quote alone is special.
fn plain_text(out: &mut String, value: &str) {
    for c in value.chars() {
        out.push(c);
        if c == '\'' {
            out.push(c);
        }
    }
}

/// Spark knows backslash escapes and substitutes `${…}` inside literals; command lines split at `;`, and dbt reads
/// `{{`.
fn spark_text(out: &mut String, value: &str) {
    for (_, c, hidden) in marked(value) {
        match c {
            '\\' | '\'' => out.extend(['\\', c]),
            // Without the brace there is no variable to substitute.
            ';' | '{' => escape(out, c),
            _ if hidden || c.is_control() => escape(out, c),
            _ => out.push(c),
        }
    }
}

/// In units of UTF-16, of which the engine's strings are made.
fn escape(out: &mut String, c: char) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        // Writing to a `String` cannot fail.
        let _ = write!(out, "\\u{unit:04x}");
    }
}

/// What would not be seen in a literal, or would end its line.
fn needs_code(c: char) -> bool {
    c.is_control() || marked(c.encode_utf8(&mut [0; 4])).any(|(_, _, hidden)| hidden)
}

/// A text with characters that nobody sees, these by their numbers: `DuckDB` and Trino both have `chr`.
fn by_code(value: &str) -> Frag {
    let mut parts: Vec<String> = Vec::new();
    let mut run = String::new();
    let flush = |run: &mut String, parts: &mut Vec<String>| {
        if !run.is_empty() {
            let mut quoted = String::from("'");
            plain_text(&mut quoted, run);
            quoted.push('\'');
            parts.push(quoted);
            run.clear();
        }
    };
    for c in value.chars() {
        if needs_code(c) {
            flush(&mut run, &mut parts);
            parts.push(format!("chr({})", u32::from(c)));
        } else {
            run.push(c);
        }
    }
    flush(&mut run, &mut parts);
    atom(if parts.len() == 1 { parts.concat() } else { format!("concat({})", parts.join(", ")) })
}

/// A literal of any type. Addresses are texts, instants microseconds.
pub(super) fn value(dialect: SqlDialect, value: &Value) -> Frag {
    match value {
        Value::String(value) => text(dialect, value),
        Value::Int(value) => number(*value),
        // With an exponent, so that no engine takes it for a DECIMAL.
        Value::Float(value) => atom(format!("CAST({value:e} AS DOUBLE)")),
        Value::Bool(value) => truth(*value),
        Value::Time(instant) => number(instant.as_microsecond()),
        Value::Ip(address) => text(dialect, &address.to_string()),
    }
}

/// The name of a column or table that this program makes. They have an underscore in them or are letters that no
/// dialect reserves, so that they need no quotes.
pub(super) fn own(name: &str) -> Frag {
    atom(name)
}

/// The name of a column of a table.
pub(super) fn column(dialect: SqlDialect, name: &str) -> Frag {
    // A word alone could be reserved, `end` is: it is quoted.
    let is_plain =
        name.contains('_') && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match dialect {
        _ if is_plain || COMMON.contains(&name) => atom(name),
        SqlDialect::Spark => atom(format!("`{}`", name.replace('`', "``"))),
        SqlDialect::DuckDb | SqlDialect::Trino => atom(format!("\"{}\"", name.replace('"', "\"\""))),
    }
}

/// Words that occur as names of columns and that no dialect reserves.
const COMMON: &[&str] = &[
    "eventid",
    "eventname",
    "eventsource",
    "eventtime",
    "errorcode",
    "errormessage",
    "awsregion",
    "sourceipaddress",
    "useragent",
    "requestparameters",
    "responseelements",
    "additionaleventdata",
    "recipientaccountid",
    "readonly",
    "sessioncredentialfromconsole",
    "useridentity",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "event",
    "resources",
];

/// A column inside a struct.
pub(super) fn member(dialect: SqlDialect, base: &Frag, name: &str) -> Frag {
    atom(format!("{}.{}", base.text(), column(dialect, name).text()))
}

/// Text of a source or environment file, which is configuration, not a rule: a table.
pub(super) fn table(text: &str) -> Frag {
    atom(text.trim())
}

/// The path of a value inside a JSON text, as the text of a literal: `$."a"."b"`.
pub(super) fn json_path(dialect: SqlDialect, keys: &[Key]) -> Frag {
    text(dialect, &path_of(dialect, keys))
}

/// The same, to every item of the array there. Only `DuckDB` has such paths.
pub(super) fn json_path_of_items(dialect: SqlDialect, keys: &[Key]) -> Frag {
    text(dialect, &format!("{}[*]", path_of(dialect, keys)))
}

fn path_of(dialect: SqlDialect, keys: &[Key]) -> String {
    let mut path = String::from("$");
    for key in keys {
        match (key, dialect) {
            (Key::Name(key), SqlDialect::DuckDb) => {
                path.extend([".\"", &key.replace('\\', "\\\\").replace('"', "\\\""), "\""]);
            }
            (Key::Name(key), SqlDialect::Spark) if is_word(key) => path.extend([".", key]),
            // Spark's notation of paths has no escapes.
            (Key::Name(key), SqlDialect::Spark) => path.extend(["['", key, "']"]),
            (Key::Name(key), SqlDialect::Trino) => {
                path.extend(["[\"", &key.replace('\\', "\\\\").replace('"', "\\\""), "\"]"]);
            }
            // Writing to a `String` cannot fail.
            (Key::Item(number), _) => _ = write!(path, "[{number}]"),
        }
    }
    path
}

fn is_word(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The name of the type of a column.
pub(super) fn type_name(dialect: SqlDialect, ty: Type) -> Frag {
    atom(match (ty, dialect) {
        (Type::String | Type::Ip, SqlDialect::Spark) => "STRING",
        (Type::String | Type::Ip, SqlDialect::DuckDb | SqlDialect::Trino) => "VARCHAR",
        (Type::Int | Type::Time, _) => "BIGINT",
        (Type::Float, _) => "DOUBLE",
        (Type::Bool, _) => "BOOLEAN",
    })
}

/// A comment, on one line.
pub(super) fn comment(text: &str) -> Frag {
    // Spark substitutes variables in comments as well.
    atom(one_line(text).replace("${", "$ {").replace("{{", "{ {"))
}

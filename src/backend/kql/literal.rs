//! KQL text from values: literals, names, calls. No other file turns a rule's text into query text.
//!
//! In: values of the rule, texts of the source files. Out: [`Frag`]s.
//! Must not know: fields, steps, joins. The escape rules are those of Kusto's own lexer.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::Kql;
use super::names::is_plain;
use crate::backend::print::{self, Bind, Language, one_line, phrase};
use crate::backend::stated::Notation;
use crate::catalog::{self, Part};
use crate::ir::{Type, Value};
use crate::source::marked;

/// A piece of a query.
pub(super) type Frag = print::Frag<Kql>;

/// What it takes to make a [`Frag`]: this file alone can.
#[derive(Debug)]
pub(in crate::backend) struct Key(());

impl Language for Kql {
    type Key = Key;
}

/// Text that needs no parentheses anywhere.
fn atom(text: impl Into<String>) -> Frag {
    Frag::new(&Key(()), text, Bind::Atom)
}

/// A comparison.
fn test(text: impl Into<String>) -> Frag {
    Frag::new(&Key(()), text, Bind::Test)
}

/// An expression in a source file. Three backticks enclose texts of several lines.
pub(super) const EXPRESSION: Notation = Notation {
    quotes: &[('"', true), ('\'', true), ('`', false)],
    verbatim: Some('@'),
    ends: &['|', ';', ','],
    remark: Some('/'),
};

/// A string literal.
pub(super) fn string(text: &str) -> Frag {
    atom(quoted(text))
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for (_, c, hidden) in marked(text) {
        match c {
            '\\' | '"' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if hidden => escape(&mut out, c),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

/// In units of UTF-16, of which Kusto's strings are made: `\U` decodes wrongly in its lexer.
fn escape(out: &mut String, c: char) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        // Writing to a `String` cannot fail.
        let _ = write!(out, "\\u{unit:04x}");
    }
}

/// `true` or `false`.
pub(super) fn truth(truth: bool) -> Frag {
    atom(truth.to_string())
}

/// No value, as the argument of a type.
pub(super) fn null() -> Frag {
    atom("null")
}

/// No value of a type. Kusto's texts are never null.
pub(super) fn missing(ty: Type) -> Frag {
    let ty = match ty {
        Type::String | Type::Ip => return string(""),
        Type::Int => "long",
        Type::Float => "real",
        Type::Bool => "bool",
        Type::Time => "datetime",
    };
    call(ty, [&null()])
}

/// A literal of any type. Addresses are texts in KQL.
pub(super) fn value(value: &Value) -> Frag {
    match value {
        Value::String(text) => string(text),
        Value::Int(number) if *number >= 0 => atom(number.to_string()),
        Value::Int(number) => atom(phrase!("long({number})")),
        Value::Float(number) => atom(phrase!("real({number:?})")),
        Value::Bool(value) => truth(*value),
        Value::Time(instant) => atom(phrase!("datetime({})", clamped(*instant))),
        Value::Ip(address) => string(&address.to_string()),
    }
}

/// Kusto's instants begin with year 1, so an earlier one means its first: no record lies between them.
fn clamped(instant: Timestamp) -> Timestamp {
    const FIRST: i64 = -62_135_596_800;
    Timestamp::from_second(FIRST).map_or(instant, |first| instant.max(first))
}

/// A length of time in the largest unit that gives a whole number. A week has no literal.
pub(super) fn timespan(seconds: u64) -> Frag {
    // A thousand years: longer than any log, and `datetime` cannot overflow.
    let seconds = seconds.min(1000 * 365 * 86_400);
    let (size, unit) = [(86_400, 'd'), (3_600, 'h'), (60, 'm')]
        .into_iter()
        .find(|(size, _)| seconds > 0 && seconds.is_multiple_of(*size))
        .unwrap_or((1, 's'));
    atom(phrase!("{}{unit}", seconds / size))
}

/// Whether a column equals one of the values, or none of them.
pub(super) fn one_of(column: &Frag, values: &[Frag], negated: bool) -> Frag {
    match values {
        [value] => binary(column, if negated { "!=" } else { "==" }, value),
        _ => binary(column, if negated { "!in" } else { "in" }, &tuple(values)),
    }
}

/// The right side of `in`.
pub(super) fn tuple(values: &[Frag]) -> Frag {
    atom(phrase!("({})", comma_separated(values)))
}

/// A constant array of literals.
pub(super) fn array(literals: &[Frag]) -> Frag {
    atom(phrase!("dynamic([{}])", comma_separated(literals)))
}

/// A name of a column, table or variable; in brackets where it needs them.
pub(super) fn name(text: &str) -> Frag {
    if is_plain(text) { atom(text) } else { atom(phrase!("[{}]", quoted(text))) }
}

/// A value inside a dynamic one: `base.a.b`.
pub(super) fn path(base: &Frag, dotted: &str) -> Frag {
    let mut text = base.text().to_owned();
    for part in catalog::path(dotted).unwrap_or_default() {
        match part {
            Part::Key(key) if is_plain(&key) => {
                text.push('.');
                text.push_str(&key);
            }
            Part::Key(key) => text.extend(["[", &quoted(&key), "]"]),
            Part::Item(number) => text.push_str(&phrase!("[{number}]")),
            // What reads a column refuses them.
            Part::Each | Part::Where { .. } => {}
        }
    }
    atom(text)
}

/// An expression that a source file states in KQL. Source files are configuration, not rules: their text is trusted.
pub(super) fn expression(text: &str) -> Frag {
    let text = text.trim();
    if is_plain(text) { atom(text) } else { Frag::new(&Key(()), text, Bind::Or) }
}

/// Tables that a source file names by an expression, as it is given: nothing binds looser than what stands around it.
pub(super) fn tables(text: &str) -> Frag {
    atom(text.trim())
}

/// A call of a function.
pub(super) fn call<'a>(function: &'static str, arguments: impl IntoIterator<Item = &'a Frag>) -> Frag {
    atom(phrase!("{function}({})", comma_separated(arguments)))
}

/// Fragments with commas between them.
pub(super) fn list<'a>(parts: impl IntoIterator<Item = &'a Frag>) -> Frag {
    atom(comma_separated(parts))
}

fn comma_separated<'a>(parts: impl IntoIterator<Item = &'a Frag>) -> String {
    parts.into_iter().map(Frag::text).collect::<Vec<_>>().join(", ")
}

/// The keys of a watchlist, as the right side of `in`, without those that have expired. A day that cannot be read gives
/// null, and `where` drops the row: what is not known to be approved is not exempt.
pub(super) fn search_keys(alias: &str) -> Frag {
    const COUNTS: &str = "isempty(until) or todatetime(until) + 1d > now()";
    atom(phrase!("((_GetWatchlist({}) | where {COUNTS} | project SearchKey))", quoted(alias)))
}

/// What `mv-expand` does to an array: a row for each item. An array that is missing or empty gives a row without an
/// item if it `keeps` such rows; by itself Kusto drops the row of an empty array, and takes an object for its
/// properties.
pub(super) fn expand(column: &Frag, array: &Frag, index: Option<&Frag>, keeps: bool) -> Frag {
    let (column, array) = (column.text(), array.text());
    let index = index.map_or(String::new(), |index| phrase!("with_itemindex={} ", index.text()));
    if keeps {
        atom(phrase!("{index}{column} = iff(array_length({array}) > 0, {array}, dynamic([null]))"))
    } else {
        atom(phrase!("{index}{column} = {array}"))
    }
}

/// One of the values of a list.
pub(super) fn one_value() -> Frag {
    atom("_value")
}

/// The operator that counts, for each row, the values of a list that pass each of some tests, into columns. By itself
/// it would drop the row of a list that is empty or missing (mv-apply-operator: it expands as `mv-expand` does), so
/// that such a list has one item, which is null.
pub(super) fn count_values(list: &Frag, counts: &[(Frag, Frag)]) -> Frag {
    let counts: Vec<_> =
        counts.iter().map(|(name, test)| phrase!("{} = countif({})", name.text(), test.text())).collect();
    let (value, list, counts) = (one_value(), list.text(), counts.join(", "));
    atom(phrase!(
        "mv-apply {} = iff(array_length({list}) > 0, {list}, dynamic([null])) on (summarize {counts})",
        value.text()
    ))
}

/// A row for each time bucket of a column.
pub(super) fn expand_buckets(column: &Frag) -> Frag {
    atom(phrase!("mv-expand {} to typeof(datetime)", column.text()))
}

/// An operator of a pipeline with what follows it.
pub(super) fn operator(word: &'static str, rest: &Frag) -> Frag {
    atom(phrase!("{word} {}", rest.text()))
}

/// Whether a column has a value that another table has in a column of its own.
pub(super) fn found_in(column: &Frag, table: &Frag, other: &Frag) -> Frag {
    test(phrase!("{} in (({} | distinct {}))", column.inside(Bind::Test), table.text(), other.text()))
}

/// A join with a table. Without a kind Kusto would keep one left row for each key.
pub(super) fn join(table: &Frag, on: &[Frag]) -> Frag {
    atom(phrase!("join kind=inner ({}) on {}", table.text(), comma_separated(on)))
}

/// A join that keeps left rows to which no right row belongs.
pub(super) fn left_join(table: &Frag, on: &[Frag]) -> Frag {
    atom(phrase!("join kind=leftouter ({}) on {}", table.text(), comma_separated(on)))
}

/// The rows of several tables.
pub(super) fn union(tables: &[Frag]) -> Frag {
    atom(phrase!("union {}", comma_separated(tables)))
}

/// One row for the rows of each key, with a value of them all.
pub(super) fn summarize(value: Option<&Frag>, by: &[Frag]) -> Frag {
    let value = value.map_or(String::new(), |value| phrase!("{} ", value.text()));
    atom(phrase!("summarize {value}by {}", comma_separated(by)))
}

/// The item of an array.
pub(super) fn item_of(array: &Frag, index: u32) -> Frag {
    atom(phrase!("{}[{index}]", array.text()))
}

/// So many seconds before now.
pub(super) fn ago(seconds: u64) -> Frag {
    call("ago", [&timespan(seconds)])
}

/// A whole number.
pub(super) fn number(number: u32) -> Frag {
    atom(number.to_string())
}

/// Whether a time lies between two others, bounds included.
pub(super) fn from_to(time: &Frag, first: &Frag, last: &Frag) -> Frag {
    test(phrase!("{} between ({} .. {})", time.text(), first.inside(Bind::Test), last.inside(Bind::Test)))
}

/// The time so many seconds earlier.
pub(super) fn earlier(time: &Frag, seconds: u64) -> Frag {
    if seconds == 0 { time.clone() } else { binary(time, "-", &timespan(seconds)) }
}

/// A table through another operator.
pub(super) fn piped(table: &Frag, operator: &Frag) -> Frag {
    atom(phrase!("{} | {}", table.text(), operator.text()))
}

/// For each row of `by` the row in which `column` is greatest.
pub(super) fn latest(column: &Frag, by: &[Frag]) -> Frag {
    atom(phrase!("summarize arg_max({}, *) by {}", column.text(), comma_separated(by)))
}

/// For each row of `by` the row in which `column` is least.
pub(super) fn earliest(column: &Frag, by: &[Frag]) -> Frag {
    atom(phrase!("summarize arg_min({}, *) by {}", column.text(), comma_separated(by)))
}

/// Rows in the order of columns.
pub(super) fn ascending<'a>(columns: impl IntoIterator<Item = &'a Frag>) -> Frag {
    let columns: Vec<_> = columns.into_iter().map(|column| phrase!("{} asc", column.text())).collect();
    atom(phrase!("sort by {}", columns.join(", ")))
}

/// The time of the row that opened the window in which a row lies. A window ends with its last instant, and
/// `row_window_session` opens the next one at the distance it is given: one tick later.
pub(super) fn session(time: &Frag, seconds: u64, restarts: &[Frag]) -> Frag {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let length = phrase!("time({days}.{:02}:{:02}:{:02}.0000001)", rest / 3_600, rest / 60 % 60, rest % 60);
    let restarts = Frag::join(restarts.to_vec(), " or ", Bind::Or);
    atom(phrase!("row_window_session({}, {length}, {length}, {})", time.text(), restarts.text()))
}

/// A column of our own that is not part of the answer.
pub(super) fn helper(what: &'static str, number: u64) -> Frag {
    atom(phrase!("_{what}_{number}"))
}

/// Two sides and an operator.
pub(super) fn binary(left: &Frag, operator: &'static str, right: &Frag) -> Frag {
    test(phrase!("{} {operator} {}", left.inside(Bind::Test), right.inside(Bind::Test)))
}

/// A pair of columns that a join sets equal.
pub(super) fn equal_sides(left: &Frag, right: &Frag) -> Frag {
    test(phrase!("{} == {}", side("$left", left), side("$right", right)))
}

fn side(table: &str, column: &Frag) -> String {
    let text = column.text();
    // A bracketed name is an index, not a member.
    if text.starts_with('[') { phrase!("{table}{text}") } else { phrase!("{table}.{text}") }
}

/// The time so many seconds later.
pub(super) fn later(time: &Frag, seconds: u64) -> Frag {
    if seconds == 0 { time.clone() } else { binary(time, "+", &timespan(seconds)) }
}

/// Whether a time lies at most so many seconds before another, or as long as `after` says behind it, bounds included.
pub(super) fn between(time: &Frag, other: &Frag, before: u64, after: &Frag) -> Frag {
    let (time, other) = (time.text(), other.text());
    let first =
        if before == 0 { other.to_owned() } else { phrase!("({other} - {})", timespan(before).text()) };
    test(phrase!("{time} between ({first} .. ({other} + {}))", after.text()))
}

/// Whether a time lies at most so long after another.
pub(super) fn at_most_after(time: &Frag, other: &Frag, length: &Frag) -> Frag {
    test(phrase!("{} <= {} + {}", time.text(), other.text(), length.text()))
}

/// `name = value`, or the name alone where the value is that column.
pub(super) fn assign(name: &Frag, value: &Frag) -> Frag {
    if name == value { name.clone() } else { atom(phrase!("{} = {}", name.text(), value.text())) }
}

/// Text for a comment: one line, whatever it holds.
pub(super) fn comment(text: &str) -> Frag {
    atom(one_line(text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::source::has_hidden;

    /// The unit of UTF-16 that four digits spell.
    fn unit(chars: &mut std::str::Chars<'_>) -> Option<u16> {
        let digits: String = chars.take(4).collect();
        u16::from_str_radix(&digits, 16).ok()
    }

    /// Reads a literal as Kusto's lexer does; `None` for anything but exactly one.
    fn decoded(literal: &str) -> Option<String> {
        let mut chars = literal.strip_prefix('"')?.chars();
        let mut out = String::new();
        loop {
            match chars.next()? {
                '"' => return chars.next().is_none().then_some(out),
                '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => return None,
                '\\' => out.push(match chars.next()? {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    c @ ('\\' | '"') => c,
                    'u' => {
                        let high = unit(&mut chars)?;
                        let low = if (0xd800..0xdc00).contains(&high) {
                            (chars.next()? == '\\' && chars.next()? == 'u').then(|| unit(&mut chars))?
                        } else {
                            None
                        };
                        char::decode_utf16([Some(high), low].into_iter().flatten()).next()?.ok()?
                    }
                    _ => return None,
                }),
                c => out.push(c),
            }
        }
    }

    const PARTS: [&str; 20] = [
        "\u{202e}",
        "\u{feff}",
        "\"",
        "\\",
        "'",
        "\n",
        "\r",
        "\0",
        "\u{85}",
        "\u{2028}",
        "\u{7f}",
        "|",
        "//",
        "```",
        "{{",
        "é",
        "😀",
        "\u{e0041}",
        "❤\u{fe0f}",
        "\u{3164}",
    ];

    fn hostile() -> impl Strategy<Value = String> {
        let piece =
            prop_oneof![proptest::sample::select(&PARTS[..]).prop_map(str::to_owned), any::<String>()];
        prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn texts_come_back(text in hostile()) {
            let literal = string(&text);
            prop_assert!(!has_hidden(literal.text()));
            prop_assert_eq!(decoded(literal.text()), Some(text));
        }

        #[test]
        fn names_come_back(text in hostile()) {
            let name = name(&text);
            let inner = name.text().strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            let read = inner.map_or_else(|| Some(name.text().to_owned()), decoded);
            prop_assert_eq!(read, Some(text));
        }

        #[test]
        fn comments_are_one_line(text in hostile()) {
            let comment = comment(&text);
            prop_assert!(!has_hidden(comment.text()));
        }
    }

    #[test]
    fn lengths_of_time() {
        let texts = [
            (0, "0s"),
            (90, "90s"),
            (60, "1m"),
            (5400, "90m"),
            (7200, "2h"),
            (86_400, "1d"),
            (604_800, "7d"),
        ];
        for (seconds, text) in texts {
            assert_eq!(timespan(seconds).text(), text);
        }
        assert_eq!(timespan(u64::MAX).text(), "365000d");
    }

    #[test]
    fn numbers_and_instants() {
        assert_eq!(value(&Value::Int(i64::MIN)).text(), "long(-9223372036854775808)");
        assert_eq!(value(&Value::Int(i64::MAX)).text(), "9223372036854775807");
        assert_eq!(value(&Value::Float(5.0)).text(), "real(5.0)");
        let instant = Timestamp::from_microsecond(1_767_225_600_000_001).unwrap();
        assert_eq!(value(&Value::Time(instant)).text(), "datetime(2026-01-01T00:00:00.000001Z)");
    }
}

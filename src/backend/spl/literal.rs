//! The only place where text of a rule or a source file becomes SPL.
//!
//! In: values, names. Out: [`Frag`]s that Splunk reads back as the same value, or why that is not certain.
//! Must not know: predicates, commands.
//!
//! What is relied on: in a quoted string `\"` is a quote and `\\` a backslash (Splunk's manual). A backtick starts a
//! macro anywhere and `$` may start a token of a dashboard, so both are written as `%60` and `%24` inside
//! `urldecode("…")`, as are control characters. Other characters that cannot be seen are refused: nothing says how
//! Splunk reads them, and a reader of the search would be misled.

use std::fmt::Write as _;

use ipnet::IpNet;

use super::Spl;
use crate::backend::print::{self, Bind, Language, phrase};
use crate::backend::stated::Notation;
use crate::ir::{GroupField, Type, Value};
use crate::source::marked;

/// A piece of a search.
pub(super) type Frag = print::Frag<Spl>;

/// What it takes to make a [`Frag`]: this file alone can.
#[derive(Debug)]
pub(in crate::backend) struct Key(());

impl Language for Spl {
    type Key = Key;
}

/// Text that needs no parentheses anywhere.
fn atom(text: impl Into<String>) -> Frag {
    Frag::new(&Key(()), text, Bind::Atom)
}

/// Text of our own.
pub(super) fn fixed(text: &'static str) -> Frag {
    atom(text)
}

/// Text of our own in which every `{name}` stands for the fragment of that name; it has no other braces.
pub(super) fn fill(text: &'static str, gaps: &[(&'static str, &Frag)]) -> Frag {
    let mut filled = String::with_capacity(2 * text.len());
    for (index, part) in text.split(['{', '}']).enumerate() {
        let gap = gaps.iter().find(|(name, _)| index % 2 == 1 && *name == part);
        filled.push_str(gap.map_or(part, |(_, frag)| frag.text()));
    }
    atom(filled)
}

/// Text of our own, in which every `{name}` stands for the fragment in the variable of that name.
macro_rules! spl {
    ($text:literal) => { $crate::backend::spl::literal::fixed($text) };
    ($text:literal, $($name:ident),+) => {
        $crate::backend::spl::literal::fill($text, &[$((stringify!($name), &$name)),+])
    };
}
pub(super) use spl;

/// A count or number of seconds.
pub(super) fn number(number: u64) -> Frag {
    atom(number.to_string())
}

/// A call of a function.
pub(super) fn call<'f>(function: &'static str, arguments: impl IntoIterator<Item = &'f Frag>) -> Frag {
    atom(phrase!("{function}({})", list(arguments).text()))
}

/// Fragments with commas between them.
pub(super) fn list<'f>(parts: impl IntoIterator<Item = &'f Frag>) -> Frag {
    atom(parts.into_iter().map(Frag::text).collect::<Vec<_>>().join(", "))
}

/// A comparison.
pub(super) fn compare(left: &Frag, operator: &'static str, right: &Frag) -> Frag {
    Frag::new(&Key(()), phrase!("{}{operator}{}", left.text(), right.text()), Bind::Test)
}

/// Whether the subject equals one of the values; nothing if there are none.
pub(super) fn one_of(subject: &Frag, values: &[Frag]) -> Option<Frag> {
    match values {
        [] => None,
        [only] => Some(compare(subject, "=", only)),
        several => Some(call("in", std::iter::once(subject).chain(several))),
    }
}

/// The opposite of a test.
pub(super) fn not(test: &Frag) -> Frag {
    atom(phrase!("NOT {}", test.inside(Bind::Test)))
}

/// Gives a column its value.
pub(super) fn assign(name: &Frag, value: &Frag) -> Frag {
    atom(phrase!("{}={}", name.text(), value.text()))
}

/// What a source file states in SPL. Source files are configuration, not rules: their text is trusted.
pub(super) fn stated(text: &str) -> Frag {
    atom(text)
}

/// An argument of `eval` or `where` in a source file: fields stand in single quotes.
pub(super) const EXPRESSION: Notation = Notation {
    quotes: &[('"', true), ('\'', false), ('`', false)],
    verbatim: None,
    ends: &['|', ','],
    remark: None,
};
/// A base search in a source file: the literal terms of a step follow it, so it is one command.
pub(super) const SEARCH: Notation =
    Notation { quotes: &[('"', true), ('`', false)], verbatim: None, ends: &['|'], remark: None };

/// Why a value cannot be represented.
pub(super) type Refusal = &'static str;

/// A text, usable as an operand of `eval` and `where`.
pub(super) fn text(value: &str) -> Result<Frag, Refusal> {
    if is_unreadable(value) {
        return Err(
            "it contains an invisible character, and Splunk does not document how it reads one when escaped",
        );
    }
    if !value.contains(|c: char| matches!(c, '`' | '$') || c.is_ascii_control()) {
        return Ok(atom(quoted(value)));
    }
    let mut encoded = String::with_capacity(value.len() * 2);
    for c in value.chars() {
        if c.is_ascii() && !c.is_ascii_alphanumeric() {
            let _ = write!(encoded, "%{:02X}", u32::from(c));
        } else {
            encoded.push(c);
        }
    }
    Ok(atom(phrase!("urldecode(\"{encoded}\")")))
}

fn is_unreadable(text: &str) -> bool {
    marked(text).any(|(_, c, hidden)| c == '\0' || (!c.is_ascii() && hidden))
}

fn quoted(value: &str) -> String {
    phrase!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A number, instant (seconds since 1970) or truth, as the columns hold them; text and addresses as [`text`].
pub(super) fn value(value: &Value) -> Result<Frag, Refusal> {
    /// Beyond it Splunk's numbers, which are doubles, do not hold every integer any more.
    const WHOLE: u64 = 1 << 53;
    match value {
        Value::String(string) => text(string),
        Value::Int(number) if number.unsigned_abs() <= WHOLE => Ok(atom(number.to_string())),
        Value::Int(_) => Err("Splunk computes with doubles, which do not hold every integer beyond 2^53"),
        Value::Float(number) if number.is_finite() => Ok(atom(number.to_string())),
        Value::Float(_) => Err("Splunk has no such number"),
        Value::Bool(truth) => Ok(atom(quoted(if *truth { "true" } else { "false" }))),
        Value::Time(instant) => {
            let micros = instant.as_microsecond();
            let (seconds, rest) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
            let number = if rest == 0 { seconds.to_string() } else { phrase!("{seconds}.{rest:06}") };
            Ok(atom(number))
        }
        Value::Ip(address) => text(&address.to_string()),
    }
}

/// A field name in `eval` and `where`: bare when it is an identifier, else in single quotes.
pub(super) fn name(field: &str) -> Result<Frag, Refusal> {
    const WORDS: &[&str] = &["AND", "OR", "NOT", "XOR", "IN", "LIKE"];
    if is_identifier(field) && !WORDS.iter().any(|word| word.eq_ignore_ascii_case(field)) {
        return Ok(atom(field));
    }
    let odd = |c: char| matches!(c, '\'' | '"' | '\\' | '`' | '$') || c.is_control();
    if field.is_empty() || field.contains(odd) {
        return Err(
            "Splunk cannot name a field with quotes, backslashes, backticks, dollars or control characters",
        );
    }
    Ok(atom(phrase!("'{field}'")))
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The value of an option such as `path=`.
pub(super) fn option(value: &str) -> Result<Frag, Refusal> {
    if value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '{' | '}' | '-')) {
        return Ok(atom(value));
    }
    if value.contains(|c: char| matches!(c, '"' | '\\' | '`' | '$') || c.is_control()) {
        return Err(
            "Splunk cannot read a path with quotes, backslashes, backticks, dollars or control characters",
        );
    }
    Ok(atom(quoted(value)))
}

/// The column of a field: `chain_f_<canonical name>`.
pub(super) fn field(name: &str) -> Frag {
    atom(phrase!("chain_f_{}", flat(name).text()))
}

/// The column by which both sides of a link are joined.
pub(super) fn key(link: u64, key: u64) -> Frag {
    atom(phrase!("chain_k{link}_{key}"))
}

/// The column of a field that an alternative renames.
pub(super) fn renamed(name: &str) -> Frag {
    atom(phrase!("chain_as_{}", flat(name).text()))
}

/// The column by which a record shares a field with one that must not be there.
pub(super) fn absent_key(absence: u64, key: u64) -> Frag {
    atom(phrase!("chain_a{absence}_{key}"))
}

/// The same of the earlier one of two records, which what must not lie between them shares with both.
pub(super) fn earlier_key(absence: u64, key: u64) -> Frag {
    atom(phrase!("chain_e{absence}_{key}"))
}

/// The column of a field that the records of a burst share.
pub(super) fn burst_key(step: u64, key: u64) -> Frag {
    atom(phrase!("chain_r{step}_{key}"))
}

/// The column of what the raw event has of a field, before it is translated: `chain_r_<canonical name>`.
pub(super) fn stored(name: &str) -> Frag {
    atom(phrase!("chain_r_{}", flat(name).text()))
}

/// A field's column as records are joined by it.
pub(super) fn joined(name: &str, ty: Type, folded: bool) -> Frag {
    in_one_case(field(name), ty, folded)
}

/// A field's column as records are grouped by it.
pub(super) fn grouped(by: &GroupField) -> Frag {
    joined(&by.field.name, by.field.ty, by.folds())
}

/// A text in lower case where records are joined ignoring case.
pub(super) fn in_one_case(value: Frag, ty: Type, folded: bool) -> Frag {
    if folded && ty == Type::String { call("lower", [&value]) } else { value }
}

/// The column into which the items of a group are expanded: `chain_item`, `chain_item_2`.
pub(super) fn expanded(what: &'static str, group: usize) -> Frag {
    let number = group + 1;
    atom(if group == 0 { phrase!("chain_{what}") } else { phrase!("chain_{what}_{number}") })
}

/// A column into which a lookup writes `what` it finds. By number: names of lists and fields joined by underscores
/// could meet.
pub(super) fn found(what: &str, list: usize, field: &str) -> Frag {
    atom(phrase!("chain_{what}{}_{}", list + 1, flat(field).text()))
}

/// A name as a name of a column or lookup, or part of one.
pub(super) fn flat(name: &str) -> Frag {
    atom(name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect::<String>())
}

/// A network, as an operand.
pub(super) fn network(network: &IpNet) -> Frag {
    atom(quoted(&network.trunc().to_string()))
}

/// Whether Splunk might take the text for a number and compare it as one.
pub(super) fn looks_numeric(value: &str) -> bool {
    let value = value.trim();
    value.parse::<f64>().is_ok() || value.starts_with("0x") || value.starts_with("0X")
}

/// The name of a field in a base search, if nothing in it can mean anything else.
pub(super) fn searched(field: &str) -> Option<Frag> {
    let plain = field.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
    (plain && !field.is_empty()).then(|| atom(field))
}

/// A test of a base search, `field="value"`, if nothing in the value can mean anything else. The search command ignores
/// case and compares with every value of a field, so the test is a superset of equality.
pub(super) fn term(field: &Frag, value: &str) -> Option<Frag> {
    is_searchable(value).then(|| assign(field, &atom(quoted(value))))
}

/// Whether a quoted value of a base search means itself. Splunk may drop dots and slashes of paths that go up or repeat
/// a separator (`/../`), and a search may not tell one space from two.
fn is_searchable(value: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '/' | '@' | '-' | ' ');
    let rewritten = ["..", "/./", "//", "  "];
    value.chars().all(plain)
        && !value.is_empty()
        && value.trim().len() == value.len()
        && !rewritten.iter().any(|odd| value.contains(odd))
}

/// A test of a base search for what begins with a text. Letters and digits alone: beside punctuation a wildcard may
/// miss events, because that is where the index ends a term.
pub(super) fn prefix(field: &Frag, start: &str) -> Option<Frag> {
    let plain = !start.is_empty() && start.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain.then(|| assign(field, &atom(phrase!("\"{start}*\""))))
}

/// A name as a term of the raw event: letters and digits alone, which the index holds as one term.
pub(super) fn word(name: &str) -> Option<Frag> {
    const OPERATORS: &[&str] = &["AND", "OR", "NOT", "XOR", "IN", "BY", "AS"];
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && !OPERATORS.iter().any(|word| word.eq_ignore_ascii_case(name));
    plain.then(|| atom(name))
}

/// Where a term of the index ends, whatever the raw event writes in its place: `/` and `\` may be escaped by a
/// backslash (Splunk, segmenters.conf, default major and minor breakers). Not `%`, which begins breakers of several
/// characters, and not `"`, `'`, `<`, `>`, `&`, `+` and `=`, for which some write `\u003c`, which runs into the word
/// behind it.
const BREAKERS: &[char] = &['/', '\\', '(', ')', '{', '}', '[', ']', '|', '!', ';', ',', '?', '$', '#'];

/// The terms of the raw event that a part of a value has. `ends`: whether the value begins and ends with the part;
/// where it may go on, the last word of the part may be half of one.
pub(super) fn held(part: &str, ends: [bool; 2]) -> Vec<Frag> {
    if part.contains('%') {
        return Vec::new();
    }
    let last = part.split(BREAKERS).count() - 1;
    let whole = |(at, mut piece): (usize, &str)| {
        if at == 0 && !ends[0] {
            piece = piece.trim_start_matches(|c: char| !is_minor(c));
        }
        if at == last && !ends[1] {
            piece = piece.trim_end_matches(|c: char| !is_minor(c));
        }
        // At either end punctuation is no part of a term.
        let piece = piece.trim_matches(is_minor);
        is_searchable(piece).then(|| atom(quoted(piece)))
    };
    part.split(BREAKERS).enumerate().filter_map(whole).collect()
}

/// Whether a term ends at a character that may stand in a quoted phrase.
fn is_minor(c: char) -> bool {
    matches!(c, '.' | '_' | ':' | '@' | '-' | ' ')
}

/// One line of a comment: nothing in it ends the comment, starts a macro or a token, or ends the line.
pub(super) fn comment(line: &str) -> Frag {
    let shown = |(_, c, hidden)| match c {
        '`' => '\'',
        '$' => '\u{ff04}',
        _ if hidden => ' ',
        _ => c,
    };
    atom(marked(line).map(shown).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Splunk's lexer and `urldecode` make of an operand.
    fn read(operand: &str) -> String {
        let (text, encoded) = match operand.strip_prefix("urldecode(").and_then(|rest| rest.strip_suffix(')'))
        {
            Some(inner) => (inner, true),
            None => (operand, false),
        };
        let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap();
        let (mut value, mut chars) = (String::new(), inner.chars());
        while let Some(c) = chars.next() {
            match c {
                '\\' => value.push(chars.next().unwrap()),
                '%' if encoded => {
                    let hex: String = chars.by_ref().take(2).collect();
                    value.push(char::from(u8::from_str_radix(&hex, 16).unwrap()));
                }
                '"' | '`' | '$' | '+' if encoded => panic!("{c} in {operand}"),
                '"' | '`' | '$' => panic!("{c} in {operand}"),
                c if c.is_control() => panic!("control in {operand}"),
                c => value.push(c),
            }
        }
        value
    }

    proptest::proptest! {
        #[test]
        fn literals_come_back(value in "\\PC*|[\"\\\\`$%|\\[\\]*?'\\n\\t\\r+ a]{0,12}") {
            if let Ok(operand) = text(&value) {
                proptest::prop_assert_eq!(read(operand.text()), value);
            } else {
                proptest::prop_assert!(is_unreadable(&value));
            }
        }

        #[test]
        fn comments_stay_one_line(line in "(?s).{0,40}") {
            let comment = comment(&line);
            proptest::prop_assert!(!comment.text().contains(|c: char| c == '`' || c == '$' || c.is_control()));
        }
    }

    #[test]
    fn only_gaps_of_our_own_text_are_filled() {
        let (one, two) = (stated("a{two}"), stated("b"));
        assert_eq!(spl!("f({one}, {two}, {one})", one, two).text(), "f(a{two}, b, a{two})");
    }

    #[test]
    fn names_are_quoted_only_where_needed() {
        let printed = |field| name(field).map(|frag| frag.text().to_owned());
        assert_eq!(printed("eventName").as_deref(), Ok("eventName"));
        assert_eq!(printed("userIdentity.arn").as_deref(), Ok("'userIdentity.arn'"));
        assert_eq!(printed("and").as_deref(), Ok("'and'"));
        assert!(printed("a'b").is_err() && printed("").is_err());
    }

    #[test]
    fn terms_hold_only_plain_text() {
        let name = searched("eventSource").unwrap();
        let plain = term(&name, "ec2.amazonaws.com").unwrap();
        assert_eq!(plain.text(), "eventSource=\"ec2.amazonaws.com\"");
        assert_eq!(term(&name, "John Doe").unwrap().text(), "eventSource=\"John Doe\"");
        for odd in ["a*", "a/../b", "../x", "a/./b", "a//b", "a  b", " a", "a\"", "a\\", "`x`", "$x$", ""] {
            assert_eq!(term(&name, odd), None, "{odd}");
        }
    }

    #[test]
    fn terms_of_the_raw_event_are_whole() {
        assert_eq!(word("imageId").unwrap().text(), "imageId");
        for odd in ["a_b", "1a", "or", "a.b", "a{0}", ""] {
            assert_eq!(word(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_part_of_a_value_has_whole_terms_of_the_raw_event() {
        let held = |part, ends| -> Vec<String> {
            super::held(part, ends).into_iter().map(|term| term.text().to_owned()).collect()
        };
        let (whole, none): (_, [&str; 0]) = ([true, true], []);
        assert_eq!(held("a.b:c-d", whole), ["\"a.b:c-d\""]);
        assert_eq!(
            held("Microsoft.Compute/virtualMachines/write", whole),
            ["\"Microsoft.Compute\"", "\"virtualMachines\"", "\"write\""]
        );
        assert_eq!(held(r"\vssadmin.exe", [false, true]), ["\"vssadmin.exe\""]);
        assert_eq!(held(r"C:\Temp\", [true, false]), ["\"C\"", "\"Temp\""]);
        assert_eq!(held("iam.gserviceaccount.com", [false, true]), ["\"gserviceaccount.com\""]);
        assert_eq!(held("one two three", [false, false]), ["\"two\""]);
        assert_eq!(held("a.", whole), ["\"a\""]);
        for odd in ["a..b", "é", "", "a%2fb", "a^b", "a<b"] {
            assert_eq!(held(odd, whole), none, "{odd}");
        }
        for half in ["powershell", "delete"] {
            assert_eq!(held(half, [false, false]), none, "{half}");
        }
    }
}

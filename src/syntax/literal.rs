//! Tokens that begin like numbers to the values they stand for: integers, decimals, durations, dates.
//!
//! In: a token. Out: its value, or what is wrong with the token and the value that was meant, if only one can be.
//! Must not know: where the token stands.

use std::ops::Range;

use super::ast::LiteralKind;
use super::day;
use super::problem::Problem;
use super::wording::quoted;
use crate::diag::Code;

/// The units of a duration, largest first, with their seconds.
const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];

/// The value of a token that begins with a digit or a minus sign and a digit.
pub(super) fn number(token: &str) -> (LiteralKind, Option<Problem>) {
    let digits = token.strip_prefix('-').unwrap_or(token);
    let all = |set: &[u8]| digits.bytes().all(|b| b.is_ascii_digit() || set.contains(&b));
    let has_letters = digits.bytes().any(|b| b.is_ascii_alphabetic());
    if all(b"") {
        return integer(token, digits);
    }
    // Before durations, of which `0x1F` would be one with a strange unit.
    if all(b"_") || digits.starts_with("0x") || digits.starts_with("0X") {
        return other_notation(token);
    }
    if all(b".") && digits.matches('.').count() == 1 {
        return decimal(token);
    }
    if looks_like_date(digits) {
        return date(token);
    }
    if let Some(found) = exponent(token) {
        return found;
    }
    if has_letters
        && digits.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.')
        && digits.matches('.').count() <= 1
    {
        return duration(token);
    }
    // What is left are addresses, networks and versions, which the grammar takes for numbers as they begin with a
    // digit.
    let problem = Problem::new(Code::Unquoted, 0..token.len(), format!("{} needs quotes", quoted(token)))
        .label("not a number, duration or date")
        .help("addresses, networks and other text must be quoted")
        .fix(format!("\"{token}\""));
    (LiteralKind::Str(token.to_owned()), Some(problem))
}

fn integer(token: &str, digits: &str) -> (LiteralKind, Option<Problem>) {
    if digits.len() > 1 && digits.starts_with('0') {
        let problem =
            Problem::new(Code::BadNumber, 0..token.len(), format!("{} has a leading zero", quoted(token)))
                .label("not a valid number")
                .help("remove the leading zeros, or quote the value if it is an identifier")
                .fix(format!("\"{token}\""));
        return (LiteralKind::Unknown, Some(problem));
    }
    if let Ok(value) = token.parse() {
        return (LiteralKind::Int(value), None);
    }
    let problem = Problem::new(Code::BadNumber, 0..token.len(), format!("{} is too large", quoted(token)))
        .label("does not fit into 64 bits")
        .help("quote the value if it is an identifier");
    (LiteralKind::Unknown, Some(problem))
}

fn decimal(token: &str) -> (LiteralKind, Option<Problem>) {
    match token.parse::<f64>() {
        Ok(value) if value.is_finite() => (LiteralKind::Float(value), None),
        _ => {
            let problem =
                Problem::new(Code::BadNumber, 0..token.len(), format!("{} is too large", quoted(token)))
                    .label("exceeds the range of a decimal");
            (LiteralKind::Unknown, Some(problem))
        }
    }
}

/// A number such as `1e6`, which would else be a duration with a strange unit.
fn exponent(token: &str) -> Option<(LiteralKind, Option<Problem>)> {
    let (_, power) = token.split_once(['e', 'E'])?;
    let value = token.parse::<f64>().ok().filter(|_| !power.is_empty())?;
    let problem =
        not_a_notation(token).label("exponent notation").help("write the number without an exponent");
    let digits = format!("{value}");
    Some(match digits.parse() {
        Ok(whole) => (LiteralKind::Int(whole), Some(problem.fix(digits))),
        Err(_) if value.is_finite() => (LiteralKind::Float(value), Some(problem)),
        Err(_) => (LiteralKind::Unknown, Some(problem)),
    })
}

fn not_a_notation(token: &str) -> Problem {
    let title = format!("{} is not a valid number", quoted(token));
    Problem::new(Code::BadNumber, 0..token.len(), title)
}

fn other_notation(token: &str) -> (LiteralKind, Option<Problem>) {
    let plain = token.replace('_', "");
    let hex = plain.strip_prefix("0x").or_else(|| plain.strip_prefix("0X"));
    let value = hex.map_or_else(|| plain.parse().ok(), |digits| i64::from_str_radix(digits, 16).ok());
    let mut problem = not_a_notation(token)
        .label("decimal digits only")
        .help("numbers have neither separators nor a base prefix");
    if let Some(value) = value {
        problem = problem.fix(value.to_string());
    }
    (value.map_or(LiteralKind::Unknown, LiteralKind::Int), Some(problem))
}

fn looks_like_date(text: &str) -> bool {
    let day = text.split(['T', ' ']).next().unwrap_or_default();
    let parts = |mark| day.split(mark).collect::<Vec<_>>();
    ['-', '/', '.'].into_iter().map(parts).any(|parts| {
        parts.len() == 3
            && parts.iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
            && parts.iter().any(|part| part.len() == 4)
    })
}

fn date(token: &str) -> (LiteralKind, Option<Problem>) {
    let well_formed = token.len() == 10
        && token
            .bytes()
            .enumerate()
            .all(|(at, b)| if matches!(at, 4 | 7) { b == b'-' } else { b.is_ascii_digit() });
    // Also for a day that is well formed: `2027-02-30` has none.
    let days = day::readings(token);
    let value = match days.as_slice() {
        [day] => LiteralKind::Date(*day),
        _ => LiteralKind::Unknown,
    };
    if well_formed && !days.is_empty() {
        return (value, None);
    }
    let title = format!("{} is not a {}", quoted(token), if well_formed { "calendar date" } else { "date" });
    let problem = Problem::new(Code::BadDate, 0..token.len(), title);
    let problem = match days.as_slice() {
        _ if well_formed => problem.label("no such day"),
        [one, other] => problem.label("expected year, month and day").help(format!(
            "write `{}` or `{}`",
            day::written(*one),
            day::written(*other)
        )),
        [one] => problem
            .label("expected year, month and day")
            .help("write dates as `2027-06-30`")
            .fix(day::written(*one)),
        _ => problem.label("expected year, month and day").help("write dates as `2027-06-30`"),
    };
    (value, Some(problem))
}

fn duration(token: &str) -> (LiteralKind, Option<Problem>) {
    if token.starts_with('-') {
        let problem = Problem::new(Code::BadDuration, 0..1, format!("{} is negative", quoted(token)));
        return bad_duration(token, problem.label("a duration has no sign").fix(""));
    }
    let mut total: u64 = 0;
    let mut last = usize::MAX;
    let mut rest = token;
    while !rest.is_empty() {
        let at = token.len() - rest.len();
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (count, tail) = rest.split_at_checked(digits).unwrap_or((rest, ""));
        let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, next) = tail.split_at_checked(letters).unwrap_or((tail, ""));
        let place = at + digits..at + digits + letters;
        let known = UNITS.iter().position(|(name, _)| *name == unit);
        let seconds = match known {
            Some(rank) if last == usize::MAX || rank > last => {
                UNITS.get(rank).map_or(1, |(_, seconds)| *seconds)
            }
            Some(_) => return bad_duration(token, order(token, place)),
            None => return bad_duration(token, unknown_unit(token, unit, place)),
        };
        last = known.unwrap_or(last);
        let part = count.parse::<u64>().ok().and_then(|count| count.checked_mul(seconds));
        // A hundred years is more than any window means, and keeps sums of windows from running over.
        match part.and_then(|part| total.checked_add(part)).filter(|&sum| sum <= 100 * 366 * 86_400) {
            Some(sum) => total = sum,
            None => return bad_duration(token, too_long(token)),
        }
        rest = next;
    }
    (LiteralKind::Duration(total), None)
}

fn bad_duration(token: &str, problem: Problem) -> (LiteralKind, Option<Problem>) {
    let repaired = problem.fix.as_deref().map(|unit| {
        let mut text = token.to_owned();
        text.replace_range(problem.range.clone(), unit);
        text
    });
    let meant = match repaired.map(|text| duration(&text)) {
        Some((LiteralKind::Duration(seconds), None)) => LiteralKind::Duration(seconds),
        _ => LiteralKind::Unknown,
    };
    (meant, Some(problem))
}

fn order(token: &str, place: Range<usize>) -> Problem {
    Problem::new(Code::BadDuration, place, format!("the units of {} are in the wrong order", quoted(token)))
        .label("must be smaller than the unit before it")
        .help("write units from largest to smallest, each once: `1d12h30m`")
}

fn too_long(token: &str) -> Problem {
    Problem::new(Code::BadDuration, 0..token.len(), format!("{} is too long", quoted(token)))
        .label("more than a hundred years")
}

/// The unit of a duration that a word in lower case means.
pub(super) fn unit(word: &str) -> Option<&'static str> {
    match word {
        "d" | "day" | "days" => Some("d"),
        "h" | "hr" | "hrs" | "hour" | "hours" => Some("h"),
        "m" | "min" | "mins" | "minute" | "minutes" => Some("m"),
        "s" | "sec" | "secs" | "second" | "seconds" => Some("s"),
        _ => None,
    }
}

fn unknown_unit(token: &str, unit: &str, place: Range<usize>) -> Problem {
    if unit.is_empty() {
        let title = if token.contains('.') {
            "a duration consists of integers with units"
        } else {
            "a number in this duration has no unit"
        };
        return Problem::new(Code::BadDuration, 0..token.len(), title)
            .label("not a duration")
            .help("write a duration such as `90s`, `15m`, `2h`, `1d` or `1h30m`");
    }
    let lower = unit.to_ascii_lowercase();
    let fix = self::unit(&lower);
    let help = match lower.as_str() {
        "w" | "week" | "weeks" => "the units are `d`, `h`, `m` and `s`; a week is `7d`",
        "ms" | "us" | "ns" => "the units are `d`, `h`, `m` and `s`; the smallest is one second",
        "mo" | "mon" | "month" | "months" | "y" | "year" | "years" => {
            "the units are `d`, `h`, `m` and `s`; months and years vary in length"
        }
        _ if fix.is_some() => "the units are `d`, `h`, `m` and `s`",
        _ => "the units are `d`, `h`, `m` and `s`; quote the value if it is a string",
    };
    let problem = Problem::new(Code::BadDuration, place, format!("unknown time unit {}", quoted(unit)))
        .label("not a unit")
        .help(help);
    match fix {
        Some(fix) => problem.fix(fix),
        None => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::super::ast::Date;
    use super::*;

    fn good(token: &str) -> LiteralKind {
        let (kind, problem) = number(token);
        assert!(problem.is_none(), "{token}: {problem:?}");
        kind
    }

    fn bad(token: &str) -> (&'static str, Range<usize>, Option<String>) {
        let problem = number(token).1.unwrap_or_else(|| panic!("{token} is fine"));
        (problem.code.id(), problem.range, problem.fix)
    }

    #[test]
    fn numbers() {
        assert_eq!(good("0"), LiteralKind::Int(0));
        assert_eq!(good("-1"), LiteralKind::Int(-1));
        assert_eq!(good("9223372036854775807"), LiteralKind::Int(i64::MAX));
        assert_eq!(good("-9223372036854775808"), LiteralKind::Int(i64::MIN));
        assert_eq!(good("1.5"), LiteralKind::Float(1.5));
        assert_eq!(bad("9223372036854775808"), ("E0111", 0..19, None));
        assert_eq!(bad("1_000"), ("E0111", 0..5, Some("1000".into())));
        assert_eq!(bad("0x1f"), ("E0111", 0..4, Some("31".into())));
        assert_eq!(bad("007"), ("E0111", 0..3, Some("\"007\"".into())));
        assert_eq!(bad("10.0.0.0/8"), ("E0112", 0..10, Some("\"10.0.0.0/8\"".into())));
        assert_eq!(bad("2001:db8::"), ("E0112", 0..10, Some("\"2001:db8::\"".into())));
    }

    #[test]
    fn exponents() {
        assert_eq!(bad("1e6"), ("E0111", 0..3, Some("1000000".into())));
        assert_eq!(number("2.5E1").0, LiteralKind::Int(25));
        assert_eq!(bad("1e308"), ("E0111", 0..5, None));
        assert_eq!(bad("1e999"), ("E0111", 0..5, None));
        assert_eq!(bad("5e"), ("E0109", 1..2, None));
    }

    #[test]
    fn durations() {
        assert_eq!(good("0s"), LiteralKind::Duration(0));
        assert_eq!(good("90s"), LiteralKind::Duration(90));
        assert_eq!(good("1h30m"), LiteralKind::Duration(5_400));
        assert_eq!(good("1d"), LiteralKind::Duration(86_400));
        assert_eq!(bad("10min"), ("E0109", 2..5, Some("m".into())));
        assert_eq!(number("10min").0, LiteralKind::Duration(600));
        assert_eq!(bad("1w"), ("E0109", 1..2, None));
        assert_eq!(bad("30m1h"), ("E0109", 4..5, None));
        assert_eq!(bad("1h30"), ("E0109", 0..4, None));
        assert_eq!(bad("1.5h"), ("E0109", 0..4, None));
        assert_eq!(bad("99999999999999999999d"), ("E0109", 0..21, None));
        assert_eq!(bad("40000d"), ("E0109", 0..6, None));
        assert_eq!(bad("-5m"), ("E0109", 0..1, Some(String::new())));
        assert_eq!(number("-5m").0, LiteralKind::Duration(300));
    }

    #[test]
    fn nothing_stands_in_for_what_cannot_be_read() {
        for token in [
            "5w",
            "30m1h",
            "1h30",
            "1.5h",
            "40000d",
            "-5w",
            "5min2w",
            "9223372036854775808",
            "007",
            "1e999",
            "0xg",
            "99999999999999999999_0",
            "2027-02-30",
            "12/11/2026",
        ] {
            let (kind, problem) = number(token);
            assert!(problem.is_some() && kind == LiteralKind::Unknown, "{token}: {kind:?}");
        }
    }

    #[test]
    fn dates() {
        assert_eq!(good("2027-06-30"), LiteralKind::Date(Date { year: 2027, month: 6, day: 30 }));
        assert_eq!(bad("2027-02-30"), ("E0110", 0..10, None));
        assert_eq!(bad("2027-6-3"), ("E0110", 0..8, Some("2027-06-03".into())));
        assert_eq!(bad("2027/06/30"), ("E0110", 0..10, Some("2027-06-30".into())));
        assert_eq!(bad("30.06.2027"), ("E0110", 0..10, Some("2027-06-30".into())));
        assert_eq!(bad("2027-06-30T00:00"), ("E0110", 0..16, Some("2027-06-30".into())));
    }
}

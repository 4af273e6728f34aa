//! Instants as logs write them.
//!
//! In: texts and numbers. Out: microseconds since 1970 in UTC, or nothing. Must not know: fields, types.

use jiff::Timestamp;

/// Microseconds since 1970; finer fractions are cut off towards the past.
#[must_use]
pub fn micros(instant: Timestamp) -> i64 {
    // Plain division would round instants before 1970 towards the future.
    let micros = instant.as_nanosecond().div_euclid(1000);
    i64::try_from(micros).unwrap_or(i64::MAX)
}

/// The instant as RFC 3339 text.
#[must_use]
pub fn instant_text(micros: i64) -> String {
    Timestamp::from_microsecond(micros).map_or_else(|_| format!("{micros} µs"), |instant| instant.to_string())
}

/// An instant as most logs write it, `2026-01-01T00:00:00Z`, in a fraction of the time that the parser of all forms
/// takes. What is out of the ordinary, the last days of a month among it, is left to that one.
pub(super) fn plain_instant(text: &str) -> Option<i64> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', rest @ ..] = text.as_bytes() else { return None };
    let [h1, h2, b':', n1, n2, b':', s1, s2, b'Z'] = rest else { return None };
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| i64::from(byte - b'0'));
    let two = |tens: &u8, ones: &u8| Some(digit(tens)? * 10 + digit(ones)?);
    let within = |number: i64, first: i64, last: i64| (first..=last).contains(&number).then_some(number);
    let year = two(y1, y2)? * 100 + two(y3, y4)?;
    let (month, day) = (within(two(m1, m2)?, 1, 12)?, within(two(d1, d2)?, 1, 28)?);
    let (hour, minute) = (within(two(h1, h2)?, 0, 23)?, within(two(n1, n2)?, 0, 59)?);
    let second = within(two(s1, s2)?, 0, 59)?;
    // Days since 1970 in the Gregorian calendar: years begin with March, so that a leap day is the last of its year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    // 719,468 days lie between 1 March of the year 0 and 1970.
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let days = year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000)
}

/// An instant without a zone, as Sysmon and flow logs of databases write it, is one in UTC.
pub(super) fn without_zone(text: &str) -> Option<i64> {
    let civil = text.parse::<jiff::civil::DateTime>().ok()?;
    // A date alone is no instant.
    if text.contains(':') { Some(micros(jiff::tz::Offset::UTC.to_timestamp(civil).ok()?)) } else { None }
}

pub(super) fn seconds_to_micros(number: i64) -> Option<i64> {
    // Milliseconds since 1970 are no seconds: those of any day after January 1978 are beyond the year 9999. Within
    // these ranges no product can overflow.
    match Timestamp::from_second(number) {
        Ok(_) => Some(number * 1_000_000),
        Err(_) => Timestamp::from_millisecond(number).ok().map(|_| number * 1000),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "an instant out of range is refused by the conversion after it"
)]
pub(super) fn fraction_to_micros(number: f64) -> Option<i64> {
    if !number.is_finite() {
        return None;
    }
    // Rounded, not cut off: `8.2 * 1e6` is 8199999.999999999.
    let rounded = |micros: f64| Timestamp::from_microsecond(micros.round() as i64).ok();
    // As above: a number that is too large for seconds is one of milliseconds.
    rounded(number * 1e6).or_else(|| rounded(number * 1e3)).map(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_seconds_or_milliseconds() {
        for number in [1_767_261_600.5, 1_767_261_600_500.0] {
            assert_eq!(fraction_to_micros(number), Some(1_767_261_600_500_000), "{number}");
        }
        assert_eq!(fraction_to_micros(1e16), None);
    }

    #[test]
    fn plain_instants_are_those_of_the_parser() {
        let mut plain = 0;
        for number in 0..59_900_i64 {
            let seconds = -62_167_219_200 + number * 5_260_943;
            let text = Timestamp::from_second(seconds).unwrap().to_string();
            let found = plain_instant(&text);
            assert!(found.is_none_or(|found| found == seconds * 1_000_000), "{text}");
            plain += u32::from(found.is_some());
        }
        assert!(plain > 50_000, "{plain}");
        for text in
            ["2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:60Z"]
        {
            assert_eq!(plain_instant(text), None, "{text}");
        }
    }
}

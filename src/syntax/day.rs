//! Days as people write them elsewhere.
//!
//! In: a text such as `24.11.2026` or `11/24/2026`. Out: the days that it can mean. Must not know: where it stands.

use super::ast::Date;

/// The days that a text can mean: none, one, or two where day and month can be told apart by habit alone.
#[must_use]
pub fn readings(text: &str) -> Vec<Date> {
    let day = text.split(['T', ' ']).next().unwrap_or_default();
    let found = ['-', '/', '.'].into_iter().find_map(|mark| {
        let parts: Vec<&str> = day.split(mark).collect();
        let [one, two, three] = parts.as_slice() else { return None };
        let is_number =
            |part: &&str| !part.is_empty() && part.len() <= 4 && part.bytes().all(|b| b.is_ascii_digit());
        let is_year = |part: &str| part.len() == 4;
        // Two digits for the year leave open which of the three numbers it is.
        if ![one, two, three].into_iter().all(is_number) || is_year(one) == is_year(three) {
            return None;
        }
        Some(match (is_year(one), mark) {
            (true, _) => vec![(*one, *two, *three)],
            // Dots are written where the day comes first; slashes and hyphens are written by both habits.
            (false, '.') => vec![(*three, *two, *one)],
            (false, _) => vec![(*three, *two, *one), (*three, *one, *two)],
        })
    });
    let mut days: Vec<Date> = found.unwrap_or_default().into_iter().filter_map(day_of).collect();
    // `05/05/2026` is one day in either reading.
    days.dedup();
    days
}

fn day_of((year, month, day): (&str, &str, &str)) -> Option<Date> {
    let (year, month, day) = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    jiff::civil::Date::new(year, month, day).ok().map(|_| Date { year, month, day })
}

/// A day as the language writes it.
#[must_use]
pub fn written(day: Date) -> String {
    format!("{:04}-{:02}-{:02}", day.year, day.month, day.day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_other_notations() {
        for (text, days) in [
            ("24.11.2026", "2026-11-24"),
            ("11/24/2026", "2026-11-24"),
            ("24/11/2026", "2026-11-24"),
            ("11/12/2026", "2026-12-11 2026-11-12"),
            ("11/11/2026", "2026-11-11"),
            ("2026/11/24", "2026-11-24"),
            ("2026-11-24T10:00:00Z", "2026-11-24"),
            ("31.02.2026", ""),
            ("10.0.0.1", ""),
            ("24.11.26", ""),
            ("soon", ""),
        ] {
            let found: Vec<_> = readings(text).into_iter().map(written).collect();
            assert_eq!(found.join(" "), days, "{text}");
        }
    }
}

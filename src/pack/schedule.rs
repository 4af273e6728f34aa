//! When a rule of a SIEM runs, over which time, and which of its answers it reports, so that no chain is missed and
//! none reported twice.
//!
//! In: the schedule of a part. Out: a [`Plan`], and durations as the products write them. Must not know: queries.
//!
//! A run reports the chains whose last event lies in its own slice of event time: `every` long, and so far back that
//! all events of these chains have arrived. Slices of successive runs touch and never overlap, so each chain is in one.

use serde::Serialize;

use crate::backend::Schedule;

/// When a rule runs and what each run reports, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Plan {
    /// From one run to the next.
    pub(super) every: u64,
    /// How far before a run it must read events.
    pub(super) look_back: u64,
    /// How far before a run the newest event is that it reports: the stated delay of the logs.
    pub(super) delay: u64,
    /// How much of that it waits for what must not come: what has come of it by then has to be read as well.
    #[serde(skip_serializing_if = "is_none")]
    pub(super) wait: u64,
    /// Whether a run reports only the slice of event time that is its own. If not, the SIEM itself drops what an
    /// earlier run has reported.
    pub(super) slices: bool,
}

const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

impl Plan {
    /// With slices, at `every`.
    pub(super) fn sliced(schedule: Schedule, every: u64) -> Self {
        let delay = in_minutes(schedule.late());
        let look_back = in_minutes(schedule.span().saturating_add(delay).saturating_add(every));
        Self { every, look_back, delay, wait: schedule.wait(), slices: true }
    }

    /// As the part says it, with what the SIEM remembers.
    pub(super) fn overlapping(schedule: Schedule) -> Self {
        let (every, look_back) = (schedule.every, schedule.look_back);
        Self { every, look_back, delay: schedule.late(), wait: schedule.wait(), slices: false }
    }

    /// How far before a run the newest event is that it reads, in whole minutes, where that is later than the slice
    /// that it reports: what must not come after an event of the slice lies behind the slice.
    pub(super) fn read_until(self) -> u64 {
        let newest = self.delay.saturating_sub(self.wait);
        newest - newest % MINUTE
    }

    /// In words.
    pub(super) fn remark(self) -> String {
        let Self { every, look_back, delay, wait: _, slices } = self;
        let [every, look_back, delay] = [every, look_back, delay].map(crate::ir::duration);
        if slices {
            format!(
                "Runs every {every} over the last {look_back} and reports chains that end in its own slice of {every}, \
                 which ends {delay} before the run: each chain whose events arrive within {delay} is reported once."
            )
        } else {
            format!(
                "Runs every {every} over the last {look_back}: chains whose events arrive within {delay} are found, \
                 and the product does not repeat what an earlier run found."
            )
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_none(seconds: &u64) -> bool {
    *seconds == 0
}

fn in_minutes(seconds: u64) -> u64 {
    seconds.checked_next_multiple_of(MINUTE).unwrap_or(seconds)
}

/// The longest time up to `every` that cron says evenly, and how; a part of an hour or of a day, so that runs are
/// equally far apart also across midnight.
pub(super) fn cron(every: u64) -> (u64, String) {
    let largest = |unit: u64, count: u64| {
        (1..count).rev().find(|steps| count.is_multiple_of(*steps) && steps * unit <= every)
    };
    if every >= DAY {
        return (DAY, "0 0 * * *".to_owned());
    }
    if every >= HOUR {
        let hours = largest(HOUR, 24).unwrap_or(1);
        let text = if hours == 1 { "0 * * * *".to_owned() } else { format!("0 */{hours} * * *") };
        return (hours * HOUR, text);
    }
    let minutes = largest(MINUTE, 60).unwrap_or(1);
    (minutes * MINUTE, if minutes == 1 { "* * * * *".to_owned() } else { format!("*/{minutes} * * * *") })
}

/// ISO 8601 in its shortest form, such as `PT5M`, `PT1H15M` or `P1D`; whole minutes.
pub(super) fn iso(seconds: u64) -> String {
    let minutes = seconds.div_ceil(MINUTE);
    let part = |count: u64, unit: &str| if count > 0 { format!("{count}{unit}") } else { String::new() };
    let date = part(minutes / 1_440, "D");
    let time = part(minutes % 1_440 / 60, "H") + &part(minutes % 60, "M");
    match (date.as_str(), time.as_str()) {
        ("", "") => "PT0M".to_owned(),
        (date, "") => format!("P{date}"),
        (date, time) => format!("P{date}T{time}"),
    }
}

/// One number and one unit, such as `5m` or `1d`.
pub(super) fn short(seconds: u64) -> String {
    match seconds {
        s if s > 0 && s % DAY == 0 => format!("{}d", s / DAY),
        s if s > 0 && s % HOUR == 0 => format!("{}h", s / HOUR),
        s if s % MINUTE == 0 => format!("{}m", s / MINUTE),
        s => format!("{s}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cron_divides_an_hour_or_a_day() {
        let said = |every| cron(every);
        assert_eq!(said(300), (300, "*/5 * * * *".to_owned()));
        // Every seven minutes would leave four at the end of the hour.
        assert_eq!(said(420), (360, "*/6 * * * *".to_owned()));
        assert_eq!(said(3_600), (3_600, "0 * * * *".to_owned()));
        assert_eq!(said(5 * 3_600), (4 * 3_600, "0 */4 * * *".to_owned()));
        assert_eq!(said(30 * 86_400), (86_400, "0 0 * * *".to_owned()));
        assert_eq!(said(10), (60, "* * * * *".to_owned()));
    }

    #[test]
    fn durations_are_written_as_the_products_want_them() {
        assert_eq!(
            [300, 3_600, 86_400, 5_400, 90_060].map(iso),
            ["PT5M", "PT1H", "P1D", "PT1H30M", "P1DT1H1M"]
        );
        assert_eq!([300, 3_600, 86_400, 5_400, 30].map(short), ["5m", "1h", "1d", "90m", "30s"]);
    }
}

//! `catena lists add`: one more entry, dated and with a reason.

use std::path::PathBuf;

use anyhow::ensure;
use jiff::civil::Date;

use super::file::{self, Line};
use crate::cli::session;
use crate::cli::{Outcome, output};
use crate::source::visible;

#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// The list file; made if there is none.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The value or pattern.
    #[arg(value_name = "VALUE")]
    value: String,
    #[command(flatten)]
    about: About,
}

/// What every entry that this program writes must have.
#[derive(Debug, clap::Args)]
pub(super) struct About {
    /// Why it is good.
    #[arg(long, value_name = "WHY")]
    reason: String,
    /// Who answers for it.
    #[arg(long, value_name = "WHO")]
    owner: String,
    /// Where that was decided.
    #[arg(long, value_name = "ID")]
    ticket: Option<String>,
    /// The last day on which it counts.
    #[arg(long, value_name = "DATE", value_parser = session::day)]
    until: Date,
    /// The day that counts as today (default: today, UTC).
    #[arg(long, value_name = "DATE", value_parser = session::day)]
    as_of: Option<Date>,
}

impl About {
    /// An entry with all that.
    pub(super) fn line(&self, value: &str, reason: Option<&str>) -> anyhow::Result<Line> {
        let reason = reason.map_or_else(|| self.reason.clone(), |more| format!("{}: {more}", self.reason));
        let today = self.as_of.unwrap_or_else(session::today);
        ensure!(
            self.until >= today,
            "`--until {}` has passed: an entry of yesterday exempts nothing",
            self.until
        );
        let texts = [value, &reason, &self.owner, self.ticket.as_deref().unwrap_or("-")];
        ensure!(
            texts.iter().all(|text| !text.trim().is_empty() && !text.contains(['\n', '\r'])),
            "value, reason, owner and ticket must not be empty, and are one line each"
        );
        Ok(Line {
            value: value.trim().to_owned(),
            reason: reason.trim().to_owned(),
            owner: self.owner.trim().to_owned(),
            ticket: self.ticket.clone().unwrap_or_default(),
            until: Some(self.until),
        })
    }
}

fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

impl Add {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let is_new = !self.file.exists();
        let mut lines = file::read(&self.file)?;
        let line = self.about.line(&self.value, None)?;
        let shown = self.file.display().to_string();
        if let Some(known) = lines.iter_mut().find(|known| known.value == line.value) {
            ensure!(
                known.until < line.until && known.until.is_some(),
                "`{}` is in `{shown}` already and counts as long: nothing to add",
                line.value
            );
            *known = line.clone();
        } else {
            lines.push(line.clone());
        }
        let count = plural(lines.len(), "entry", "entries");
        file::write(&self.file, lines)?;
        output::report(&visible(&format!("`{}` added to `{shown}`, now {count}", line.value)));
        output::report("\n");
        if is_new {
            output::report(&file::is_new(&self.file));
        }
        Ok(Outcome::Fine)
    }
}

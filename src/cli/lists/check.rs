//! `catena lists check`: what is wrong, or soon will be, with the entries of allowlists.

use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::civil::Date;

#[cfg(feature = "replay")]
use crate::cli::logs::LogOptions;
use crate::cli::report::{self, Format, plural};
#[cfg(feature = "replay")]
use crate::cli::session::Session;
use crate::cli::session::{self, SessionOptions};
use crate::cli::{Outcome, output};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::ir::{Entry, EntryValue, List, PatternPart};
use crate::syntax;

/// The least that a pattern must spell out.
const LEAST_CHARACTERS: usize = 6;
/// The shortest prefixes of networks that are no surprise: that of 10.0.0.0/8, that of a provider.
const LEAST_PREFIX: [u8; 2] = [8, 24];

#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// Rule files and directories whose allowlists are checked.
    #[arg(default_value = ".", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Report entries that expire within this time.
    #[arg(long, value_name = "DURATION", value_parser = days, default_value = "30d")]
    within: u64,
    /// Exit with status 1 if there is any finding.
    #[arg(long)]
    deny: bool,
    /// Output format of the findings.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Also run the rules over logs, and say which entry hid which alert, and which hid none.
    #[cfg(feature = "replay")]
    #[command(flatten)]
    logs: LogOptions,
    #[command(flatten)]
    session: SessionOptions,
}

/// Whole days.
fn days(text: &str) -> Result<u64, String> {
    let seconds = syntax::duration(text).ok_or_else(|| "expected a duration such as 30d".to_owned())?;
    Ok(seconds.div_ceil(86_400))
}

impl Check {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let Some(session) = session::open(&self.paths, &self.session) else { return Ok(Outcome::Failure) };
        let days = jiff::Span::new().try_days(i64::try_from(self.within).unwrap_or(i64::MAX))?;
        let horizon = self.session.day().checked_add(days).unwrap_or(Date::MAX);
        let mut found = Diagnostics::default();
        // Errors of rules too: of a rule with errors the lists are not looked at.
        let about_lists = |finding: &Diagnostic| {
            finding.severity() == crate::diag::Severity::Error || is_about_entries(finding.code)
        };
        found.extend_with(session.found.diags.clone().into_sorted().into_iter().filter(about_lists));
        let (mut seen, mut rows) = (Vec::new(), BTreeSet::new());
        for list in session.files.iter().flat_map(|file| &file.rules).flat_map(|rule| &rule.lists) {
            if list.lookup.is_none() {
                // Several rules may use one list.
                if seen.contains(&list.name.span) {
                    continue;
                }
                seen.push(list.name.span);
            }
            for entry in &list.entries {
                // A row of a lookup may pass several tests.
                if list.lookup.is_none() || rows.insert(entry.span) {
                    found.extend_with(findings(list, entry, horizon));
                }
            }
        }
        #[cfg(feature = "replay")]
        self.replay(&session)?;
        let (outcome, count) = report::show(found, &session.found.sources, self.format, self.deny)?;
        if self.format == Format::Text {
            output::report(&format!("{}: {count}\n", plural(seen.len(), "allowlist")));
        }
        Ok(outcome)
    }

    /// Prints what entries hide in the logs, if any are given.
    #[cfg(feature = "replay")]
    fn replay(&self, session: &Session) -> anyhow::Result<()> {
        if !self.logs.are_given() {
            return Ok(());
        }
        let rules: Vec<_> = session.files.iter().flat_map(|file| file.rules.iter().cloned()).collect();
        let catalog = session.files.first().map(|file| file.environment.catalog.clone()).unwrap_or_default();
        let hits = super::hits::find(&self.logs, &rules, &catalog)?;
        let shown = super::hits::shown(&hits);
        // What programs read is the findings and nothing else.
        match self.format {
            Format::Text => output::print(&shown),
            Format::Json | Format::Sarif | Format::Github => {
                output::insist(&shown);
                Ok(())
            }
        }
    }
}

/// What `check` finds in entries.
fn is_about_entries(code: Code) -> bool {
    [
        Code::EmptyList,
        Code::ExpiredEntry,
        Code::RepeatedEntry,
        Code::DeadEntry,
        Code::ShadowedEntry,
        Code::LostZeros,
        Code::UnusedList,
        Code::MisfitCell,
        Code::NoRowPasses,
        Code::ExpiredRow,
        Code::UnusedLookup,
    ]
    .contains(&code)
}

fn findings(list: &List, entry: &Entry, horizon: Date) -> Vec<Diagnostic> {
    let Entry { value, text, reason, owner, ticket: _, until, row: _, span } = entry;
    let name = &list.name.node;
    let mut found = Vec::new();
    if let Some(day) = until.filter(|day| *day <= horizon) {
        let title = format!("`{text}` of {} counts until {day}", list.described());
        let help = "renew it with a later `until`, or remove it; then build again";
        found.push(Diagnostic::new(Code::EntryExpires, *span, title).label("expires soon").help(help));
    }
    // A row of a lookup says what a key is, not why it is good.
    if list.lookup.is_some() {
        return found;
    }
    let missing: Vec<_> =
        [("reason", reason), ("owner", owner)].into_iter().filter(|(_, cell)| cell.is_none()).collect();
    if !missing.is_empty() {
        let missing = missing.into_iter().map(|(what, _)| what).collect::<Vec<_>>().join(" and no ");
        let title = format!("`{text}` of allowlist `{name}` has no {missing}");
        let help = "say why it is good and who answers for it";
        found.push(
            Diagnostic::new(Code::EntryUnexplained, *span, title).label("nobody can judge it").help(help),
        );
    }
    if let Some(why) = too_wide(value) {
        let title = format!("`{text}` of allowlist `{name}` is very wide");
        let help = "name what is good more closely: an attacker may be among it";
        found.push(Diagnostic::new(Code::EntryTooWide, *span, title).label(why).help(help));
    }
    found
}

fn too_wide(value: &EntryValue) -> Option<String> {
    match value {
        EntryValue::Pattern(pattern) => {
            let spelt = |part: &PatternPart| match part {
                PatternPart::Text(text) => text.chars().count(),
                PatternPart::Any | PatternPart::One => 0,
            };
            let spelt: usize = pattern.parts.iter().map(spelt).sum();
            let is_wide = pattern.literal().is_none() && spelt < LEAST_CHARACTERS;
            is_wide.then(|| format!("it spells out {}", plural(spelt, "character")))
        }
        EntryValue::Network(network) => {
            let [v4, v6] = LEAST_PREFIX;
            let least = if network.addr().is_ipv4() { v4 } else { v6 };
            (network.prefix_len() < least).then(|| format!("a network wider than /{least}"))
        }
        EntryValue::Value(_) => None,
    }
}

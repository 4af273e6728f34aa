//! New files for authors: written whole, and never over another.
//!
//! In: paths and texts. Out: files. Must not know: what is in them.

use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use super::output;

/// Writes files, unless one of them is there already: then nothing is written.
pub(super) fn write_new(files: &[(PathBuf, String)]) -> anyhow::Result<()> {
    let taken: Vec<String> = files
        .iter()
        .filter(|(path, _)| path.exists())
        .map(|(path, _)| format!("`{}`", path.display()))
        .collect();
    if !taken.is_empty() {
        let verb = if taken.len() == 1 { "is" } else { "are" };
        anyhow::bail!("{} {verb} there already; nothing was written", taken.join(", "));
    }
    for (path, text) in files {
        output::write_file(path, text)?;
        output::report(&format!("wrote {}\n", path.display()));
    }
    Ok(())
}

/// What is put in the place of a name in a template.
pub(super) fn filled(template: &str, values: &[(&str, &str)]) -> String {
    values
        .iter()
        .fold(template.to_owned(), |text, (name, value)| text.replace(&format!("{{{{{name}}}}}"), value))
}

/// Today, in UTC.
pub(super) fn today() -> Date {
    jiff::tz::TimeZone::UTC.to_datetime(jiff::Timestamp::now()).date()
}

/// Asks on a terminal, with an answer for those who just press return; elsewhere that answer counts.
pub(super) fn ask(question: &str, otherwise: &str) -> anyhow::Result<String> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(otherwise.to_owned());
    }
    let hint = if otherwise.is_empty() { String::new() } else { format!(" [{otherwise}]") };
    write!(std::io::stderr(), "{question}{hint}: ")?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    let answer = answer.trim();
    Ok(if answer.is_empty() { otherwise.to_owned() } else { answer.to_owned() })
}

/// A name as rules, lists and parameters have it.
pub(super) fn name(text: &str) -> Result<String, String> {
    let mut chars = text.chars();
    let begins = chars.next().is_some_and(|c| c.is_ascii_lowercase() || c == '_');
    if begins && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
        Ok(text.to_owned())
    } else {
        Err("expected a name in lower case with digits and underscores, such as console_then_key".to_owned())
    }
}

/// The text of a string literal.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', " "))
}

/// Where a new file goes.
pub(super) fn place(output: Option<&Path>, name: &str, extension: &str) -> PathBuf {
    output.map_or_else(|| PathBuf::from(format!("{name}.{extension}")), Path::to_owned)
}

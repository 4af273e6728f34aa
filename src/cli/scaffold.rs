//! New files for authors: written whole, and never over another.
//!
//! In: paths and texts. Out: files. Must not know: what is in them.

use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use crate::source::visible;
use crate::syntax;

use super::output;

/// Writes files, unless one of them is there already: then nothing is written, and `instead` says where else to write.
pub(super) fn write_new(files: &[(PathBuf, String)], instead: &str) -> anyhow::Result<()> {
    let taken: Vec<String> = files
        .iter()
        .filter(|(path, _)| path.exists())
        .map(|(path, _)| format!("`{}`", path.display()))
        .collect();
    if !taken.is_empty() {
        let verb = if taken.len() == 1 { "is" } else { "are" };
        anyhow::bail!("{} {verb} there already; nothing was written: {instead}", taken.join(", "));
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

/// What an option gives, else the answer to a question on a terminal, with one for those who just press return; a wrong
/// answer is asked for again. Elsewhere that one counts, and is said.
pub(super) fn given_or_asked<T>(
    given: Option<&str>,
    (question, otherwise): (&str, &str),
    read: impl Fn(&str) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    if let Some(given) = given {
        return read(given);
    }
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        output::report(&format!("{question}: {otherwise}\n"));
        return read(otherwise);
    }
    asked(&mut std::io::stdin().lock(), &mut std::io::stderr(), (question, otherwise), read)
}

/// Asks until there is an answer. Who has no more answers is not asked again.
fn asked<T>(
    answers: &mut impl BufRead,
    terminal: &mut impl Write,
    (question, otherwise): (&str, &str),
    read: impl Fn(&str) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    loop {
        write!(terminal, "{question} [{otherwise}]: ")?;
        let mut answer = String::new();
        let is_end = answers.read_line(&mut answer)? == 0;
        let answer = answer.trim();
        match read(if answer.is_empty() { otherwise } else { answer }) {
            Err(why) if !is_end => writeln!(terminal, "{}", visible(&why.to_string()))?,
            read => return read,
        }
    }
}

/// A name that a rule, list or step can have.
pub(super) fn name(text: &str) -> Result<String, String> {
    if syntax::is_reserved(text) {
        return Err(format!("`{text}` is a word of the rule language: choose another name"));
    }
    word(text)
}

/// Something that is written as names are.
pub(super) fn word(text: &str) -> Result<String, String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_answer_is_asked_for_again() {
        let even = |text: &str| match text.parse::<u32>() {
            Ok(number) if number % 2 == 0 => Ok(number),
            Ok(_) | Err(_) => anyhow::bail!("expected an even number"),
        };
        let ask = |answers: &str| {
            let mut shown = Vec::new();
            let answer = asked(&mut answers.as_bytes(), &mut shown, ("number", "8"), even);
            (answer.ok(), String::from_utf8(shown).unwrap_or_default())
        };
        let twice = "number [8]: expected an even number\nnumber [8]: ";
        assert_eq!(ask("3\n4\n"), (Some(4), twice.to_owned()));
        assert_eq!(ask("3\n\n"), (Some(8), twice.to_owned()));
        assert_eq!(ask(""), (Some(8), "number [8]: ".to_owned()));
        assert_eq!(ask("x"), (Some(8), twice.to_owned()));
    }
}

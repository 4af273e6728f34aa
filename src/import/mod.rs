//! Rules of other languages as drafts: Sigma correlations with their base rules, and EQL sequences.
//!
//! In: a text, the catalog. Out: a draft of a rule file, with a comment at each place that could not be carried.
//! Must not know: files, and what a target prints. A draft is a beginning: its author reads every line of it.

mod cond;
mod draft;
mod eql;
mod field;
mod sigma;

use crate::catalog::Catalog;

/// What is known of the new rule besides the text.
#[derive(Debug, Clone)]
pub struct Given<'a> {
    /// The sources.
    pub catalog: &'a Catalog,
    /// The source of every step, where the text does not tell.
    pub source: Option<&'a str>,
    /// The name of the rule, where the text has none.
    pub name: &'a str,
    /// Its id.
    pub id: String,
}

/// The draft that a text gives.
///
/// # Errors
/// Why there is none.
pub fn import(text: &str, given: &Given<'_>) -> Result<String, String> {
    let begins = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with("//"));
    let draft = if begins.is_some_and(|line| line.starts_with("sequence")) {
        eql::draft(text, given)?
    } else {
        sigma::draft(text, given)?
    };
    Ok(draft.text())
}

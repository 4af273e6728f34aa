//! The base search of a mapping, and its filter: terms of a search, which stand one behind the other.
//!
//! In: the text of a source file. Out: whether it is in the language of `search`, and not in that of `where`, which
//! would be read as other terms in silence. Must not know: what the terms mean.

use crate::backend::stated::{self, Notation};

/// Texts, and macros between backticks.
const TERMS: Notation =
    Notation { quotes: &[('"', true), ('`', false)], verbatim: None, ends: &['|'], remark: None };

/// Words in front of a parenthesis that are no functions.
const OF_SEARCH: [&str; 6] = ["AND", "OR", "NOT", "IN", "TERM", "CASE"];

/// Whether a text is one search expression.
///
/// # Errors
/// What is wrong.
pub(super) fn check(text: &str) -> Result<(), String> {
    stated::whole(text, &TERMS)?;
    base(text)?;
    let (mut rest, mut before) = (text, ' ');
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' | '`' => quoted(rest, first),
            '[' => return Err("`[` begins a subsearch, which leaves out results past a limit".to_owned()),
            '\'' => return Err("`'` quotes nothing in a search: write the field as it is".to_owned()),
            '=' if rest.starts_with("==") => {
                return Err("`==` is an operator of `where`: a search compares with `=`".to_owned());
            }
            _ if of_word(first) => {
                let length = rest.find(|c| !of_word(c)).unwrap_or(rest.len());
                let (word, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
                check_word(word, after, before)?;
                length
            }
            _ => first.len_utf8(),
        };
        if !first.is_whitespace() {
            before = first;
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    Ok(())
}

/// Whether terms can stand before others: an operator at the end would take the next one, which is the rule's.
///
/// # Errors
/// What is wrong.
pub(super) fn base(text: &str) -> Result<(), String> {
    let words = || text.split_whitespace().map(|word| word.trim_matches(['(', ')']));
    let first = words().next().unwrap_or_default();
    if first.eq_ignore_ascii_case("search") {
        return Err(format!("`{first}` is a term that the event must hold: leave it out"));
    }
    let last = words().next_back().unwrap_or_default();
    if matches!(last, "AND" | "OR" | "NOT" | "IN") || last.ends_with(['=', '<', '>']) {
        return Err(format!("`{last}` at its end takes the term behind it"));
    }
    // How far back a search reads is the schedule's: here it would cut the windows of rules.
    let of_time = |word: &&str| {
        let name = word.split('=').next().unwrap_or_default().trim_start_matches("_index_");
        word.contains('=') && ["earliest", "latest"].contains(&name)
    };
    words()
        .find(of_time)
        .map_or(Ok(()), |word| Err(format!("`{word}` cuts off events: set it in the schedule")))
}

fn check_word(word: &str, after: &str, before: char) -> Result<(), String> {
    if after.starts_with('(') && !OF_SEARCH.contains(&word) {
        return Err(format!("`{word}(` is a function of `where`: a filter is a search such as `kind=trail`"));
    }
    // Behind an operator it is a value.
    if matches!(word, "and" | "or" | "not") && !matches!(before, '=' | '<' | '>') {
        return Err(format!("`{word}` is a term that the event must hold: write `{}`", word.to_uppercase()));
    }
    Ok(())
}

/// Part of a word: a field, or a value such as `aws:cloud*`.
fn of_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | ':' | '*' | '-' | '/')
}

/// The length of what stands between two marks, with these.
fn quoted(text: &str, mark: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if mark == '"' => escaped = true,
            _ if c == mark => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn searches_pass() {
        for text in [
            "kind=1 OR kind=2",
            "sourcetype=aws:cloudtrail NOT (host IN (a, b) OR TERM(x))",
            r#"a="|] and f(x) \" 'b'" `our_macro(x, "y")`"#,
            "state=not path=/and/or/* level>=3",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_is_no_search_is_found() {
        for (text, problem) in [
            ("a=1 | head 1", "`|` ends it"),
            ("a=(1", "`(` is unbalanced"),
            ("a=1) OR (b=2", "`)` is unbalanced"),
            ("a=1 or b=2", "`or` is a term that the event must hold: write `OR`"),
            ("a=1 NOT", "`NOT` at its end takes the term behind it"),
            ("(a=1 AND NOT)", "`NOT` at its end takes the term behind it"),
            ("NOT", "`NOT` at its end takes the term behind it"),
            ("user=", "`user=` at its end takes the term behind it"),
            ("search index=a", "`search` is a term that the event must hold: leave it out"),
            ("index=a earliest=-5m", "`earliest=-5m` cuts off events: set it in the schedule"),
            ("a==1", "`==` is an operator of `where`: a search compares with `=`"),
            ("[search index=a]", "`[` begins a subsearch, which leaves out results past a limit"),
            ("'a b'=1", "`'` quotes nothing in a search: write the field as it is"),
            (
                "like(a, \"b%\")",
                "`like(` is a function of `where`: a filter is a search such as `kind=trail`",
            ),
        ] {
            assert_eq!(check(text), Err(problem.to_owned()), "{text}");
        }
    }
}

//! Text in a target's own language that a source file states, such as the filter of a mapping: whether it is
//! self-contained.
//!
//! In: the text, how its language quotes. Out: what is wrong, in words. Must not know: what the text means, or who
//! asks.

use std::str::Chars;

/// How a language quotes and where its commands end.
#[derive(Debug)]
pub(in crate::backend) struct Notation {
    /// Marks around texts and names, and whether a backslash keeps one from ending.
    pub(in crate::backend) quotes: &'static [(char, bool)],
    /// A character before a quote after which backslashes mean themselves, and the quote written twice is one.
    pub(in crate::backend) verbatim: Option<char>,
    /// What ends an expression where it stands outside quotes and brackets: another command or column follows.
    pub(in crate::backend) ends: &'static [char],
    /// What begins a remark up to the end of the line, written twice.
    pub(in crate::backend) remark: Option<char>,
}

/// Whether a text is one expression as far as quotes and brackets tell: one that is not would change what stands around
/// it.
///
/// # Errors
/// What is wrong.
pub(in crate::backend) fn whole(text: &str, notation: &Notation) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    walk(text, notation, |Unquoted { c, before, depth }| {
        if depth == 0 && notation.ends.contains(&c) {
            // Only here: inside brackets a subquery may have pipes, and a call has commas.
            return Err(format!("`{c}` ends it"));
        }
        if notation.remark == Some(c) && before == Some(c) {
            // Refused inside brackets as well, even if its line ends in time: no expression needs one.
            return Err(format!("`{c}{c}` begins a comment"));
        }
        Ok(())
    })
}

/// A character outside quotes, or the mark that begins them.
#[derive(Debug, Clone, Copy)]
pub(in crate::backend) struct Unquoted {
    /// The character.
    pub(in crate::backend) c: char,
    /// The one before it; where that ended quotes, the mark that began them.
    pub(in crate::backend) before: Option<char>,
    /// How many brackets are open around it.
    pub(in crate::backend) depth: usize,
}

/// Shows `see` every character of a text that does not stand in quotes.
///
/// # Errors
/// What `see` finds wrong, and quotes or brackets that are not closed.
pub(in crate::backend) fn walk(
    text: &str,
    notation: &Notation,
    mut see: impl FnMut(Unquoted) -> Result<(), String>,
) -> Result<(), String> {
    let mut open = Vec::new();
    let mut before = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        see(Unquoted { c, before, depth: open.len() })?;
        if c.is_ascii_alphanumeric() {
            // Most of a text: it neither quotes nor encloses.
        } else if let Some(&(mark, escapes)) = notation.quotes.iter().find(|(mark, _)| *mark == c) {
            let is_verbatim = before.is_some() && before == notation.verbatim;
            quoted(&mut chars, mark, escapes && !is_verbatim, is_verbatim)?;
        } else if let Some(close) = partner(c) {
            open.push((c, close));
        } else if matches!(c, ')' | ']' | '}') && open.pop().is_none_or(|(_, close)| close != c) {
            return Err(format!("`{c}` is unbalanced"));
        }
        before = Some(c);
    }
    open.pop().map_or(Ok(()), |(opened, _)| Err(format!("`{opened}` is unbalanced")))
}

fn partner(open: char) -> Option<char> {
    match open {
        '(' => Some(')'),
        '[' => Some(']'),
        '{' => Some('}'),
        _ => None,
    }
}

/// Goes behind the mark that ends what one like it began: a backslash may keep one from ending it, or a second mark.
fn quoted(chars: &mut Chars<'_>, mark: char, escapes: bool, doubles: bool) -> Result<(), String> {
    while let Some(c) = chars.next() {
        if c == mark {
            if doubles && chars.as_str().starts_with(mark) {
                chars.next();
                continue;
            }
            return Ok(());
        }
        if c == '\\' && escapes {
            chars.next();
        }
    }
    Err(format!("`{mark}` is unbalanced"))
}

#[cfg(test)]
mod tests {
    use super::{Notation, whole};

    const NOTATION: Notation = Notation {
        quotes: &[('"', true), ('`', false)],
        verbatim: Some('@'),
        ends: &['|'],
        remark: Some('/'),
    };

    #[test]
    fn what_is_whole_passes() {
        for text in [
            "a",
            r#"a == ")" or b == "\"|""#,
            r#"a == @"c:\" and b in ((T | project x))"#,
            r#"a == @"c:\""x\""#,
            r#"a == @"""|""" and b == "c""#,
            "a[0].b / 2 == f({}) ",
            r"`a\`",
            r#"a == "http://b""#,
        ] {
            assert_eq!(whole(text, &NOTATION), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_reaches_beyond_its_place_is_found() {
        for (text, problem) in [
            (" ", "it is empty"),
            ("a == \"b", "`\"` is unbalanced"),
            (r#"a == "b\""#, "`\"` is unbalanced"),
            ("`a", "``` is unbalanced"),
            ("a) or (b", "`)` is unbalanced"),
            ("(a]", "`]` is unbalanced"),
            ("f((a)", "`(` is unbalanced"),
            ("a | take 1", "`|` ends it"),
            (r#"a == @"x""\" | take 1 //""#, "`|` ends it"),
            ("a // b", "`//` begins a comment"),
            ("f(a // b\n)", "`//` begins a comment"),
        ] {
            assert_eq!(whole(text, &NOTATION), Err(problem.to_owned()), "{text}");
        }
    }
}

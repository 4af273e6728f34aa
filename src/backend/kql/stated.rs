//! What is wrong with KQL that a source or environment file states, as far as its words tell.
//!
//! In: the text of a `filter` or `from`, whose quotes and brackets are balanced. Out: what is wrong, in words.
//! Must not know: tables, columns, and who asks.

use super::literal::EXPRESSION;
use crate::backend::stated::{self, Notation, Unquoted};

/// Words that begin a statement or another command of a pipeline:
/// <https://learn.microsoft.com/kusto/query/statements>, <https://learn.microsoft.com/kusto/query/tabular-operators>.
const COMMANDS: [&str; 14] = [
    "let",
    "set",
    "declare",
    "where",
    "filter",
    "extend",
    "project",
    "summarize",
    "take",
    "limit",
    "sort",
    "order",
    "join",
    "invoke",
];
/// What joins two conditions, or compares two values.
const JOINS: [&str; 11] = ["and", "or", "==", "!=", "=~", "!~", "<", ">", "<=", ">=", "in"];

/// What keeps a text from being one condition.
pub(super) fn filter(text: &str) -> Result<(), String> {
    let plain = plain(text)?;
    let words: Vec<&str> = plain.split_ascii_whitespace().collect();
    let (first, last) =
        (words.first().copied().unwrap_or_default(), words.last().copied().unwrap_or_default());
    command(first, words.len())?;
    let is_join = |word: &str| JOINS.contains(&word.to_ascii_lowercase().as_str());
    if is_join(first) {
        return Err(format!("nothing stands before `{first}`"));
    }
    if is_join(last) {
        return Err(format!("nothing stands behind `{last}`"));
    }
    if plain.contains("&&") || plain.contains("||") {
        return Err("conditions are joined by `and` and `or`".to_owned());
    }
    if has_assignment(&plain) {
        return Err("`=` assigns, `==` compares".to_owned());
    }
    Ok(())
}

/// What keeps a text from being one table or an expression that gives one.
pub(super) fn from(text: &str) -> Result<(), String> {
    let plain = plain(text)?;
    let words: Vec<&str> = plain.split_ascii_whitespace().collect();
    command(words.first().copied().unwrap_or_default(), words.len())?;
    if words == ["union"] {
        return Err("`union` names no tables".to_owned());
    }
    Ok(())
}

fn command(first: &str, words: usize) -> Result<(), String> {
    let is_command = words > 1 && COMMANDS.contains(&first);
    if is_command { Err(format!("`{first}` begins a command of its own")) } else { Ok(()) }
}

/// The text with `0` in the place of all that stands in quotes and brackets.
fn plain(text: &str) -> Result<String, String> {
    const ANY: Notation = Notation { ends: &[], remark: None, ..EXPRESSION };
    let mut out = String::new();
    stated::walk(text, &ANY, |Unquoted { c, before, depth }| {
        match c {
            '“' | '”' | '‘' | '’' => return Err(format!("`{c}` is no quote of KQL")),
            // A subquery in brackets has pipes and commas; what separates statements has no place in any expression.
            ';' => return Err("`;` ends it".to_owned()),
            '*' if before == Some('/') => return Err("`/*` begins no comment in KQL".to_owned()),
            '"' | '\'' | '`' | '(' | '[' | '{' => out.push('0'),
            ')' | ']' | '}' => {}
            _ if depth == 0 => out.push(c),
            _ => {}
        }
        Ok(())
    })?;
    Ok(out)
}

/// A single `=`; those of `==`, `!=`, `=~`, `<=` and `>=` are none.
fn has_assignment(plain: &str) -> bool {
    let bytes = plain.as_bytes();
    let at = |index: Option<usize>| index.and_then(|index| bytes.get(index).copied()).unwrap_or(b' ');
    let is_single = |index: usize| {
        let (before, behind) = (at(index.checked_sub(1)), at(index.checked_add(1)));
        !matches!(before, b'=' | b'!' | b'<' | b'>') && !matches!(behind, b'=' | b'~')
    };
    plain.match_indices('=').any(|(index, _)| is_single(index))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_pass_and_others_do_not() {
        for fine in [
            "a == \"x; and\"",
            "not(a) and b in (\"c\", \"d\")",
            "a has 'x' or b =~ @\"c:\\\"",
            "a == \"x\"\nand b >= 1 and c <= 2 and d != 3",
            "f(x = 1)",
            "isnotempty(a)",
            "a in ((T | where b == 1 | project c))",
            "a == @\"x\"\"\\\" and b == \"= ; \"",
            "where",
        ] {
            assert_eq!(filter(fine), Ok(()), "{fine}");
        }
        for bad in [
            "let x = 1",
            "where a == 1",
            "a == 1 and",
            "or a == 1",
            "a ==",
            "a = 1",
            "a && b",
            "a == “x”",
            "a /* x */",
            "f((let x = 1; x))",
        ] {
            assert!(filter(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn tables_pass_and_statements_do_not() {
        for fine in [
            "Flows",
            "union A, B",
            "union isfuzzy=true A, B",
            "workspace(\"w\").A",
            "(A | where x == 1)",
            "P()",
        ] {
            assert_eq!(from(fine), Ok(()), "{fine}");
        }
        for bad in ["union", "let x = A", "(A | where x == 1; B)", "where A"] {
            assert!(from(bad).is_err(), "{bad}");
        }
    }
}

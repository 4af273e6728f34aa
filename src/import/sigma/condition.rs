//! The conditions of Sigma rules: `selection and not 1 of filter_*`.
//!
//! In: the text of a condition. Out: its tree, with the names of selections, or what is wrong and where. Must not know:
//! what a selection asks. After the Sigma specification 2.1.

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree {
    /// A selection.
    Name(String, Place),
    /// One, or all, of the selections that fit a pattern.
    Of {
        all: bool,
        pattern: String,
        place: Place,
    },
    Not(Box<Tree>),
    And(Vec<Tree>),
    Or(Vec<Tree>),
}

/// First byte and one past the last.
pub(super) type Place = (usize, usize);

/// What is wrong, and where.
pub(super) type Problem = (String, Place);

/// How deep parentheses may lie in each other.
const DEEPEST: usize = 64;

/// Reads a condition.
pub(super) fn read(text: &str) -> Result<Tree, Problem> {
    let tokens = tokens(text);
    let end = text.trim_end().len();
    let mut reader = Reader { tokens: &tokens, at: 0, end: (end.saturating_sub(1), end), depth: 0 };
    let tree = reader.or()?;
    match reader.peek() {
        None => Ok(tree),
        Some(("|", place)) => {
            Err(("the aggregation of an old Sigma version; write a correlation".to_owned(), place))
        }
        Some((word, place)) => Err((format!("`{word}` is not expected here"), place)),
    }
}

fn tokens(text: &str) -> Vec<(&str, Place)> {
    let mut found = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        let is_mark = matches!(c, '(' | ')' | '|');
        if c.is_whitespace() || is_mark {
            if let Some(start) = start.take() {
                found.extend(text.get(start..at).map(|word| (word, (start, at))));
            }
            if is_mark {
                found.extend(text.get(at..=at).map(|mark| (mark, (at, at + 1))));
            }
        } else if start.is_none() {
            start = Some(at);
        }
    }
    found
}

struct Reader<'t> {
    tokens: &'t [(&'t str, Place)],
    at: usize,
    end: Place,
    depth: usize,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<(&'t str, Place)> {
        self.tokens.get(self.at).copied()
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.peek().is_some_and(|(token, _)| token.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn or(&mut self) -> Result<Tree, Problem> {
        let mut parts = vec![self.and()?];
        while self.take("or") {
            parts.push(self.and()?);
        }
        Ok(if let [_] = parts.as_slice() { parts.remove(0) } else { Tree::Or(parts) })
    }

    fn and(&mut self) -> Result<Tree, Problem> {
        let mut parts = vec![self.unary()?];
        while self.take("and") {
            parts.push(self.unary()?);
        }
        Ok(if let [_] = parts.as_slice() { parts.remove(0) } else { Tree::And(parts) })
    }

    fn unary(&mut self) -> Result<Tree, Problem> {
        self.depth += 1;
        let read = self.unary_inside();
        self.depth -= 1;
        read
    }

    fn unary_inside(&mut self) -> Result<Tree, Problem> {
        let Some((word, place)) = self.peek() else {
            return Err(("the condition ends too early".to_owned(), self.end));
        };
        if self.depth > DEEPEST {
            return Err(("parentheses lie too deep in each other".to_owned(), place));
        }
        self.at += 1;
        match (word.to_ascii_lowercase().as_str(), self.peek()) {
            ("not", _) => Ok(Tree::Not(Box::new(self.unary()?))),
            ("(", _) => {
                let inner = self.or()?;
                if self.take(")") {
                    Ok(inner)
                } else {
                    Err(("a parenthesis is not closed".to_owned(), place))
                }
            }
            (count @ ("1" | "any" | "all"), Some((of, _))) if of.eq_ignore_ascii_case("of") => {
                self.at += 1;
                let Some((pattern, end)) = self.peek() else {
                    return Err(("a name or pattern must follow `of`".to_owned(), self.end));
                };
                self.at += 1;
                let place = (place.0, end.1);
                Ok(Tree::Of { all: count == "all", pattern: pattern.to_owned(), place })
            }
            ("and" | "or" | ")" | "|", _) => Err((format!("`{word}` is not expected here"), place)),
            (_, Some((of, _))) if of.eq_ignore_ascii_case("of") => {
                Err((format!("`{word} of`: only `1 of` and `all of` are defined"), place))
            }
            _ => Ok(Tree::Name(word.to_owned(), place)),
        }
    }
}

/// Whether a name fits a pattern: `them`, or a name with `*`.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    if pattern == "them" {
        return !name.starts_with('_');
    }
    let mut rest = name;
    let mut parts = pattern.split('*').peekable();
    let Some(first) = parts.next() else { return false };
    let Some(behind) = rest.strip_prefix(first) else { return false };
    if parts.peek().is_none() {
        return behind.is_empty();
    }
    rest = behind;
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(tree: &Tree) -> String {
        let list = |parts: &[Tree], word: &str| {
            format!("({})", parts.iter().map(shown).collect::<Vec<_>>().join(word))
        };
        match tree {
            Tree::Name(name, _) => name.clone(),
            Tree::Of { all, pattern, .. } => format!("{}:{pattern}", if *all { "all" } else { "1" }),
            Tree::Not(inner) => format!("!{}", shown(inner)),
            Tree::And(parts) => list(parts, "&"),
            Tree::Or(parts) => list(parts, "|"),
        }
    }

    #[test]
    fn not_binds_tightest_then_and_then_or() {
        for (text, tree) in [
            ("a", "a"),
            ("a and not b or c", "((a&!b)|c)"),
            ("a AND (b Or c)", "(a&(b|c))"),
            ("selection and not 1 of filter_*", "(selection&!1:filter_*)"),
            ("all of them and 1 of x", "(all:them&1:x)"),
            ("not (a and (b or not c))", "!(a&(b|!c))"),
            ("anything and any of b*", "(anything&1:b*)"),
        ] {
            assert_eq!(shown(&read(text).unwrap()), tree, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_has_a_place() {
        for (text, place) in [
            ("", (0, 0)),
            ("a and", (4, 5)),
            ("a b", (2, 3)),
            ("(a", (0, 1)),
            ("a | count() > 5", (2, 3)),
            ("2 of them", (0, 1)),
            ("a or )", (5, 6)),
        ] {
            assert_eq!(read(text).unwrap_err().1, place, "{text}");
        }
        assert!(read(&"(".repeat(10_000)).is_err());
    }

    #[test]
    fn patterns_of_names() {
        for (pattern, name, fit) in [
            ("them", "a", true),
            ("them", "_a", false),
            ("sel*", "selection", true),
            ("*_x", "a_x", true),
            ("a*c", "abc", true),
            ("a*c", "ab", false),
            ("a", "ab", false),
        ] {
            assert_eq!(fits(pattern, name), fit, "{pattern} {name}");
        }
    }
}

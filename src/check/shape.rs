//! What a text looks like to somebody who knows other query languages: a wildcard pattern, a pattern of SQL, a regular
//! expression.
//!
//! In: the text of a literal. Out: its [`Shape`], if it has one, and the text brought to this language.
//! Must not know: fields, places in a file. It is a judgement, so it errs towards silence: addresses of pages, parts of
//! policies and names of environment variables are no patterns.

/// What a text looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Shape {
    /// `Create*`.
    Wildcard,
    /// `Create%`.
    Sql,
    /// `^Create.*`.
    Regex,
}

impl Shape {
    /// Of a text that must equal the value.
    pub(super) fn of_equal(text: &str) -> Option<Self> {
        // Before wildcards, for `^Create.*` has a star as well.
        if is_regex(text) {
            Some(Self::Regex)
        } else if text.contains('*') || has_question_mark(text) {
            Some(Self::Wildcard)
        } else {
            is_sql(text, false).then_some(Self::Sql)
        }
    }

    /// Of a text that the value must contain, begin with or end with.
    pub(super) fn of_part(text: &str) -> Option<Self> {
        if is_regex(text) {
            Some(Self::Regex)
        } else if is_part_with_wildcard(text) {
            Some(Self::Wildcard)
        } else {
            // `contains "%temp%"` looks for a variable of Windows, in whatever case that is written.
            (is_sql(text, false) && !is_between_percents(text)).then_some(Self::Sql)
        }
    }

    /// Of a pattern: what is no wildcard of this language.
    pub(super) fn of_pattern(text: &str) -> Option<Self> {
        if text.starts_with('^') && text.len() > 1 || has_alternatives(text) {
            return Some(Self::Regex);
        }
        (!text.contains(['*', '?']) && is_sql(text, true)).then_some(Self::Sql)
    }

    /// Of an entry of an allowlist. Most hold names with colons and slashes, in which `:.*` and a class that repeats
    /// are no names.
    pub(super) fn of_entry(text: &str) -> Option<Self> {
        let between = |mark: &str| {
            text.match_indices(mark)
                .any(|(at, _)| at == 0 || text.get(..at).is_some_and(|before| before.ends_with(':')))
        };
        if between(".*") || between(".+") || has_class(text) && !text.starts_with("http") {
            return Some(Self::Regex);
        }
        // Between its colons an ARN may have a lone `%`.
        let is_part = text.split([':', '/']).any(|part| part == "%");
        let shape = Self::of_pattern(text);
        if is_part && shape.is_none() && !text.contains('*') { Some(Self::Sql) } else { shape }
    }

    /// The text as a pattern of `like`.
    pub(super) fn pattern(self, text: &str) -> String {
        // In a text compared as it is a backslash is itself; in a pattern it escapes.
        let text = text.replace('\\', "\\\\");
        match self {
            Self::Sql => text.replace('?', "\\?").replace('%', "*"),
            Self::Wildcard | Self::Regex => text,
        }
    }
}

fn is_regex(text: &str) -> bool {
    let anchored = text.starts_with('^') && text.len() > 1;
    anchored || has_dot_run(text) || has_alternatives(text) || has_class(text) || has_escape(text)
}

/// `.*` or `.+`, and no star that is a wildcard of its own.
fn has_dot_run(text: &str) -> bool {
    let mut before = None;
    let mut found = false;
    for c in text.chars() {
        match c {
            '*' | '+' if before == Some('.') => found = true,
            // In `arn:*:role/a.*` the first star repeats nothing, so the second is a wildcard behind a dot.
            '*' if !matches!(before, Some(']' | ')')) => return false,
            _ => {}
        }
        before = Some(c);
    }
    found
}

/// `(a|b)`.
fn has_alternatives(text: &str) -> bool {
    let inside = text.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')'));
    inside.is_some_and(|(inside, _)| {
        inside.split('|').count() > 1 && inside.split('|').all(|part| !part.is_empty() && !part.contains(' '))
    })
}

/// `[a-z]+`, `[^/]*`.
fn has_class(text: &str) -> bool {
    let class = text.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
    class.is_some_and(|(inside, rest)| !inside.is_empty() && rest.starts_with(['+', '*', '{']))
}

/// `\d+`, or `\.` in a text that is no path.
fn has_escape(text: &str) -> bool {
    let mut parts = text.split('\\');
    let before = parts.next().unwrap_or_default();
    let parts: Vec<&str> = parts.collect();
    // `C:\data` is a path, whatever letter follows the backslash.
    if parts.is_empty() || before.ends_with(':') {
        return false;
    }
    let repeated = |part: &&str| {
        part.starts_with(['d', 'w', 's', 'D', 'W', 'S'])
            && part.get(1..).is_some_and(|rest| rest.starts_with(['+', '*', '{']))
    };
    let dot = |part: &&str| part.starts_with('.') && part.get(1..).is_some_and(starts_with_letter);
    parts.iter().any(repeated) || parts.iter().all(|part| dot(part) || repeated(part))
}

fn starts_with_letter(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// A `?` that stands for a character: not the one of an address or of a question.
fn has_question_mark(text: &str) -> bool {
    let Some((_, behind)) = text.split_once('?') else { return false };
    // The question mark of a query string stands for itself.
    let is_address = text.contains("://") || text.contains('/') || behind.contains(['=', '&']);
    text.len() > 1 && !is_address && !text.contains(char::is_whitespace)
}

/// Whether a star in a part of a text is meant as a wildcard. In policies, comments and statements stars stand for
/// themselves: `"*"`, `s3:*`, `/*`, `select * from`.
fn is_part_with_wildcard(text: &str) -> bool {
    let has_letters = text.contains(|c: char| c.is_alphanumeric());
    let stars = text.match_indices('*');
    has_letters && stars.into_iter().any(|(at, _)| !stands_for_itself(text, at))
}

fn stands_for_itself(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let behind = text.get(at + 1..).unwrap_or_default();
    let edge = |c: Option<char>| c.is_none_or(char::is_whitespace);
    let (left, right) = (before.chars().next_back(), behind.chars().next());
    let alone = edge(left) && edge(right) && !(left.is_none() && right.is_none());
    let quoted = left == Some('"') || right == Some('"');
    // `/*` and `*/`; in an ARN such as `arn:aws:s3:::bucket/*` a star behind a slash is a wildcard.
    let comment = left == Some('/') && !before.contains(':') || right == Some('/');
    let service = before.strip_suffix(':').is_some_and(|name| {
        let name = name.trim_start_matches('"');
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    });
    let action = service && edge(right);
    alone && text.contains(' ') || quoted || comment || action
}

/// `Create%`, `%User`, `%admin%`: a percent sign at an end, and none that an encoding or a variable needs. `sure`: the
/// text stands where only a pattern can stand.
fn is_sql(text: &str, sure: bool) -> bool {
    if text.contains('*') || text.len() < 3 || text.contains("%%") {
        return false;
    }
    let encoded = |(at, _): (usize, &str)| {
        let digits = text.get(at + 1..at + 3).unwrap_or_default().as_bytes();
        let is_upper = |b: &u8| b.is_ascii_digit() || (b'A'..=b'F').contains(b);
        match digits {
            // `%2f` is an encoding in either case, but `%ad` is how `%admin` begins: letters count in upper case alone.
            [first, second] if first.is_ascii_digit() => second.is_ascii_hexdigit(),
            [first, second] => is_upper(first) && is_upper(second),
            _ => false,
        }
    };
    if text.match_indices('%').any(encoded) {
        return false;
    }
    let before_end = text.strip_suffix('%').and_then(|rest| rest.chars().next_back());
    // `100%` is a percentage.
    let at_end = before_end.is_some_and(|c| sure || !c.is_ascii_digit());
    let at_start = text.starts_with('%');
    if at_start && at_end && !sure {
        return !is_variable(text);
    }
    at_start || at_end
}

fn is_between_percents(text: &str) -> bool {
    text.starts_with('%') && text.ends_with('%')
}

/// `%TEMP%`, `%SystemRoot%`.
fn is_variable(text: &str) -> bool {
    let name = text.trim_matches('%');
    name.contains(|c: char| c.is_ascii_uppercase())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'(' | b')'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_compared_whole() {
        let (w, s, r) = (Some(Shape::Wildcard), Some(Shape::Sql), Some(Shape::Regex));
        for (text, shape) in [
            ("CreateUser", None),
            ("Create*", w),
            ("*", w),
            ("arn:aws:iam::*:root", w),
            ("Put?", w),
            ("*.amazonaws.com", w),
            (r"DOMAIN\admin*", w),
            ("Create%", s),
            ("%User", s),
            ("%admin%", s),
            ("Create.*", r),
            (".*", r),
            ("^Create", r),
            ("(Create|Put)User", r),
            ("[A-Z]+User", r),
            (r"ec2\.amazonaws\.com", r),
            (r"user-\d+", r),
            ("100%", None),
            ("%TEMP%", None),
            ("%SystemRoot%", None),
            ("a%20b%", None),
            ("what is it?", None),
            ("?", None),
            ("https://example.com/a?b=c", None),
            ("index.php?id=1", None),
            ("Mozilla/5.0 (X11; Linux)", None),
            ("aws-cli/2.0 [en-US]", None),
            (r"C:\Windows\System32\drivers", None),
            (r"\\server\share\.ssh", None),
            ("c++", None),
            ("a|b", None),
            ("HOST$", None),
            ("^", None),
        ] {
            assert_eq!(Shape::of_equal(text), shape, "{text}");
        }
    }

    #[test]
    fn parts_of_texts() {
        let (w, s, r) = (Some(Shape::Wildcard), Some(Shape::Sql), Some(Shape::Regex));
        for (text, shape) in [
            ("Create*", w),
            ("*admin*", w),
            ("arn:aws:iam::*:role/", w),
            ("arn:aws:s3:::bucket/*", w),
            ("Create%", s),
            ("^Create", r),
            ("a.*b", r),
            ("*", None),
            ("\"*\"", None),
            ("\"Action\":\"*\"", None),
            ("\"Action\":\"s3:*\"", None),
            ("s3:*", None),
            ("rm -rf /*", None),
            ("/* x */", None),
            ("select * from", None),
            ("?id=", None),
            ("%admin%", None),
            ("%20", None),
        ] {
            assert_eq!(Shape::of_part(text), shape, "{text}");
        }
    }

    #[test]
    fn patterns_of_other_languages() {
        for (text, shape) in [
            ("Create%", Some(Shape::Sql)),
            ("%TEMP%", Some(Shape::Sql)),
            ("Create%*", None),
            ("^Create.*$", Some(Shape::Regex)),
            ("(Create|Put)*", Some(Shape::Regex)),
            ("evil.*", None),
            ("Create*", None),
        ] {
            assert_eq!(Shape::of_pattern(text), shape, "{text}");
        }
        assert_eq!(Shape::Sql.pattern(r"a\b?%"), r"a\\b\?*");
    }
}

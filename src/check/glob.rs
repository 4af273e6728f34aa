//! Wildcard patterns that are written where a regular expression belongs.
//!
//! In: a regular expression. Out: yes or no. Must not know: fields and lists.

/// Whether a regular expression is a wildcard pattern by mistake: no mark of regular expressions but `*` and `?`, and
/// one of them behind something that nobody wants repeated.
pub(super) fn is_meant_by(regex: &str) -> bool {
    let plain =
        |c: char| c.is_alphanumeric() || matches!(c, '*' | '_' | '-' | ':' | '/' | '@' | ' ' | '.' | ',');
    regex.contains('*') && !regex.contains(".*") && regex.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_written_as_regular_expressions() {
        for (regex, is) in [
            ("Create*", true),
            ("*admin*", true),
            ("arn:aws:iam::*:root", true),
            ("a.*b", false),
            ("[ab]*", false),
            ("CreateUser", false),
        ] {
            assert_eq!(is_meant_by(regex), is, "{regex}");
        }
    }
}

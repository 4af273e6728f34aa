//! What people write who come from other query languages, and how it is written here.
//!
//! In: a word or mark, and what stands on its right. Out: the word or mark of this language.
//! Must not know: where it stands.

use std::net::IpAddr;

use super::keywords;

/// Operators of SPL, Sigma, KQL, EQL and SQL, and what they are here. Those of KQL and Sigma ignore case unless they
/// end in `_cs`: <https://learn.microsoft.com/kusto/query/datatypes-string-operators>,
/// <https://sigmahq.io/docs/basics/modifiers.html>. Where languages differ, the wider meaning is taken, which loses no
/// alert.
const OPERATOR: &[(&str, &str)] = &[
    ("=", "=="),
    ("===", "=="),
    ("~=", "=~"),
    ("==~", "=~"),
    ("!=~", "!~"),
    ("is", "=="),
    ("is in", "in"),
    ("＝", "=="),
    ("＝＝", "=="),
    ("eq", "=="),
    ("equal", "=="),
    ("equals", "=="),
    ("!==", "!="),
    ("<>", "!="),
    ("≠", "!="),
    ("is not", "!="),
    ("is not in", "not in"),
    ("ne", "!="),
    ("neq", "!="),
    ("=<", "<="),
    ("≤", "<="),
    ("le", "<="),
    ("lte", "<="),
    ("lt", "<"),
    ("=>", ">="),
    ("≥", ">="),
    ("ge", ">="),
    ("gte", ">="),
    ("gt", ">"),
    ("starts with", "starts_with"),
    ("start with", "starts_with"),
    ("begins with", "starts_with"),
    ("ends with", "ends_with"),
    ("end with", "ends_with"),
    ("contain", "contains"),
    ("contains any", "contains"),
    ("like any", "like"),
    ("beginswith", "starts_with~"),
    ("startswith", "starts_with~"),
    ("startswith_cs", "starts_with"),
    ("hasprefix", "starts_with~"),
    ("hasprefix_cs", "starts_with"),
    ("endswith", "ends_with~"),
    ("endswith_cs", "ends_with"),
    ("hassuffix", "ends_with~"),
    ("hassuffix_cs", "ends_with"),
    // KQL's `has` looks for a whole term, which no operator here does; `contains` is the nearest.
    ("has", "contains~"),
    ("has_cs", "contains"),
    ("has_any", "contains~"),
    ("includes", "contains"),
    ("contains_cs", "contains"),
    ("regex", "matches"),
    ("regexp", "matches"),
    ("rlike", "matches"),
    ("match", "matches"),
    ("re", "matches"),
    ("wildcard", "like"),
    ("glob", "like"),
    ("cidr", "in"),
    ("cidrmatch", "in"),
];

/// Clauses under other names, where what follows the name is the same.
const CLAUSE: &[(&str, &str)] = &[
    ("whitelist", "allowlist"),
    ("allow_list", "allowlist"),
    ("exceptions", "allowlist"),
    ("include", "import"),
    ("use", "import"),
    ("name", "title"),
    ("level", "severity"),
    ("priority", "severity"),
    ("mitre", "attack"),
    ("technique", "attack"),
    ("techniques", "attack"),
    ("tags", "attack"),
    ("falsepositives", "false_positives"),
    ("reference", "references"),
    ("let", "param"),
    ("var", "param"),
    ("const", "param"),
    ("note", "playbook"),
    ("runbook", "playbook"),
    ("entities", "entity"),
    ("fields", "show"),
    ("columns", "show"),
    ("throttle", "dedupe"),
    ("suppress", "dedupe"),
    ("deduplicate", "dedupe"),
    ("assert", "expect"),
];

/// The clause of this language that a word of another one begins.
pub(super) fn clause(word: &str) -> Option<&'static str> {
    let lower = word.to_ascii_lowercase();
    CLAUSE.iter().find(|(foreign, _)| *foreign == lower).map(|(_, ours)| *ours)
}

/// What a clause of another language is here, where more than its name differs.
pub(super) fn clause_help(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "sequence" | "sample" => {
            "a sequence is `chain within 30m { step a from SOURCE where …  then within 10m on FIELD  step b … }`"
        }
        "followed" | "next" | "followed_by" => "the link between two steps is `then within GAP on FIELD`",
        "within" | "maxspan" | "timespan" | "timeframe" => {
            "windows stand in front of the brace, `chain within 30m {`, and in links, `then within 10m on FIELD`"
        }
        "by" | "join" | "on" | "group_by" => {
            "what two steps share stands in the link between them: `then within 10m on FIELD`"
        }
        "logsource" | "index" | "sourcetype" | "source" | "table" => {
            "the log source stands in a step: `step NAME from aws.cloudtrail where …`"
        }
        "detection" | "selection" | "condition" | "query" | "search" | "filter" => {
            "what is searched for stands in a step: `step NAME from SOURCE where CONDITION except CONDITION`"
        }
        "where" => "a condition belongs to a step: `step NAME from SOURCE where CONDITION`",
        _ => return None,
    })
}

/// The operator meant by `found`, `not ` before it if it was negated by `!`.
pub(super) fn operator(found: &str) -> Option<String> {
    // The blanks between two words may be any.
    let lower = found.to_ascii_lowercase().split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    if let Some(positive) = lower.strip_prefix("does not ") {
        return operator(positive)
            .map(|ours| if ours == "==" { "!=".to_owned() } else { format!("not {ours}") });
    }
    if let Some(modifiers) = lower.strip_prefix('|') {
        return modifier(modifiers);
    }
    let (word, negated) = match lower.strip_prefix('!') {
        Some(word) if word.starts_with(|c: char| c.is_ascii_alphabetic()) => (word, true),
        _ => (lower.as_str(), false),
    };
    if let Some(positive) = without_not(word) {
        return operator(positive).map(|ours| format!("not {ours}"));
    }
    // What has no `~` of its own ignores case with it, as in EQL (`like~`) and KQL (`!in~`).
    let of_table = |word| OPERATOR.iter().find(|(foreign, _)| *foreign == word).map(|(_, ours)| *ours);
    if let Some(ours) = of_table(word).filter(|_| word.ends_with('~')) {
        return Some(ours.to_owned());
    }
    let (word, tilde) = word.strip_suffix('~').map_or((word, ""), |word| (word, "~"));
    let known = of_table(word);
    let ours = known.or_else(|| keywords::operators().find(|ours| *ours == word))?;
    // Only KQL puts the mark before a word, and its `contains` ignores case.
    let tilde = if negated && word == "contains" { "~" } else { tilde };
    let tilde = if keywords::operators().any(|word| word == ours) { tilde } else { "" };
    Some(format!("{}{ours}{tilde}", if negated { "not " } else { "" }))
}

/// The operator for modifiers of Sigma, which stand behind the field: `|contains:`, `|re|i:`.
fn modifier(modifiers: &str) -> Option<String> {
    const KNOWN: [&str; 9] = ["contains", "startswith", "endswith", "re", "cidr", "lt", "lte", "gt", "gte"];
    let first = modifiers.trim_end_matches(':').split('|').find(|word| KNOWN.contains(word))?;
    operator(first).map(|ours| match ours.as_str() {
        "contains" => "contains~".to_owned(),
        "in" => "==".to_owned(),
        _ => ours,
    })
}

/// The operator whose opposite the word is, as in `nin`, `notlike`, `not_contains`; without this the nearest operator
/// would be suggested, which means the contrary.
fn without_not(word: &str) -> Option<&str> {
    let is_operator = |word: &str| {
        let word = word.trim_end_matches('~');
        keywords::operators().any(|ours| ours == word) || OPERATOR.iter().any(|(foreign, _)| *foreign == word)
    };
    let positive = |mark: &str| word.strip_prefix(mark).filter(|rest| is_operator(rest));
    if is_operator(word) { None } else { ["not_", "not", "un", "n"].into_iter().find_map(positive) }
}

/// What `:` means before `right`. EQL and Sigma ignore case and take wildcards in a text:
/// <https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax>.
pub(super) fn colon(right: &str) -> &'static str {
    let right = right.trim_start_matches(['(', '[', ' ', '\t', '\r', '\n']);
    let right = right.strip_prefix('r').unwrap_or(right);
    let Some(quote) = right.chars().next().filter(|c| matches!(c, '"' | '\'')) else { return "==" };
    let text = right.split(quote).nth(1).unwrap_or_default();
    let is_address = text.split('/').next().is_some_and(|text| text.parse::<IpAddr>().is_ok());
    if text.contains(['*', '?']) {
        "like~"
    } else if text.chars().any(char::is_alphabetic) && !is_address {
        "=~"
    } else {
        "=="
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_counts_where_it_counted() {
        for (theirs, ours) in [
            ("startswith", "starts_with~"),
            ("startsWith", "starts_with~"),
            ("startsWith~", "starts_with~"),
            ("startswith_cs", "starts_with"),
            ("!startswith", "not starts_with~"),
            ("!startswith_cs", "not starts_with"),
            ("endswith", "ends_with~"),
            ("endswith_cs", "ends_with"),
            ("has", "contains~"),
            ("!has", "not contains~"),
            ("has_cs", "contains"),
            ("!has_cs", "not contains"),
            ("has_any", "contains~"),
            ("hasprefix", "starts_with~"),
            ("hasprefix_cs", "starts_with"),
            ("hassuffix", "ends_with~"),
            ("hassuffix_cs", "ends_with"),
            ("!contains", "not contains~"),
            ("contains_cs", "contains"),
            ("!contains_cs", "not contains"),
            ("CONTAINS", "contains"),
            ("nin", "not in"),
            ("not_in", "not in"),
            ("notin", "not in"),
            ("nlike", "not like"),
            ("unlike", "not like"),
            ("NOTLIKE", "not like"),
            ("not_contains", "not contains"),
            ("notStartsWith", "not starts_with~"),
            ("not_ends_with", "not ends_with"),
            ("notmatches", "not matches"),
            ("nmatches", "not matches"),
            ("neq", "!="),
            ("ne", "!="),
            ("!in", "not in"),
            ("!in~", "not in~"),
            ("LIKE", "like"),
            ("like~", "like~"),
            ("wildcard~", "like~"),
            ("regex", "matches"),
            ("regex~", "matches~"),
            ("=", "=="),
            ("~=", "=~"),
            ("==~", "=~"),
            ("!=~", "!~"),
        ] {
            assert_eq!(operator(theirs).as_deref(), Some(ours), "{theirs}");
        }
    }

    #[test]
    fn a_colon_compares_texts_without_case() {
        for (right, ours) in [
            ("\"Root\"", "=~"),
            ("(\"Root\", \"x\")", "=~"),
            ("'Root'", "=~"),
            ("\"adm*\"", "like~"),
            ("r\"adm*\"", "like~"),
            ("\"10.0.0.0/8\"", "=="),
            ("\"2001:db8::1\"", "=="),
            ("\"123456789012\"", "=="),
            ("443", "=="),
            ("", "=="),
        ] {
            assert_eq!(colon(right), ours, "{right}");
        }
    }
}

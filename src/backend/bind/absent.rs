//! Whether a stored text that means "no value" could pass a test as a text.
//!
//! In: a test, a text. Out: yes, if it could. Must not know: columns, targets.

use crate::ir::{Case, List, Pattern, PatternPart, Quantifier, TestKind, ValuesTest};

/// Whether a column that holds the text could pass the test. If in doubt, it could: a query that guards against a text
/// that never passes is longer, one that does not guard is wrong.
pub(super) fn could_pass(kind: &TestKind, lists: &[List], stored: &str) -> bool {
    match kind {
        // Two fields that both hold it are equal as texts; and of all values of a list none may count that is none.
        TestKind::Exists
        | TestKind::SameAs { .. }
        | TestKind::TextOf { .. }
        | TestKind::Values(
            ValuesTest { quantifier: Quantifier::All, .. } | ValuesTest { negated: true, .. },
        ) => true,
        TestKind::Values(ValuesTest { quantifier: Quantifier::Any, negated: false, tests }) => {
            tests.iter().any(|kind| could_pass(kind, lists, stored))
        }
        // These read numbers, instants and addresses, and a text such as `-` is none.
        TestKind::Order { .. } | TestKind::InNetworks { .. } => false,
        TestKind::Equals { values, case } => {
            values.iter().any(|value| case.fold(&value.text()) == case.fold(stored))
        }
        TestKind::Substring { place, text: part, case } => {
            fits(&Pattern::around(*place, part), *case, stored)
        }
        TestKind::Like { pattern, case } => fits(pattern, *case, stored),
        TestKind::InList { list, case } => lists.get(*list).is_some_and(|list| {
            list.by_kind().patterns.into_iter().any(|pattern| fits(pattern, *case, stored))
        }),
        // By length alone, which errs towards a guard.
        TestKind::Matches { regex } => regex.shortest_match() <= stored.len(),
    }
}

/// Whether the pattern matches a short text.
pub(in crate::backend) fn fits(pattern: &Pattern, case: Case, text: &str) -> bool {
    let text: Vec<char> = case.fold(text).chars().collect();
    wild(&pattern.parts, case, &text)
}

/// Wildcard matching of a short text.
fn wild(parts: &[PatternPart], case: Case, text: &[char]) -> bool {
    match parts.split_first() {
        None => text.is_empty(),
        Some((PatternPart::Text(start), rest)) => {
            let start: Vec<char> = case.fold(start).chars().collect();
            text.strip_prefix(start.as_slice()).is_some_and(|text| wild(rest, case, text))
        }
        Some((PatternPart::One, rest)) => text.split_first().is_some_and(|(_, text)| wild(rest, case, text)),
        Some((PatternPart::Any, rest)) => {
            // Every split is tried: texts for "no value" have a few characters.
            (0..=text.len()).any(|at| text.get(at..).is_some_and(|text| wild(rest, case, text)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Place, Regex, Value};

    #[test]
    fn what_could_pass_is_told_as_the_language_means_it() {
        let equals =
            |text: &str, case| TestKind::Equals { values: vec![Value::String(text.to_owned())], case };
        let like = |text: &str, case| TestKind::Like { pattern: Pattern::parse(text).unwrap(), case };
        let has =
            |place, text: &str| TestKind::Substring { place, text: text.to_owned(), case: Case::Sensitive };
        let matches = |regex: &str| TestKind::Matches { regex: Regex::new(regex).unwrap() };
        let values = |quantifier, negated| {
            TestKind::Values(ValuesTest { quantifier, negated, tests: vec![equals("no", Case::Sensitive)] })
        };
        for (kind, text, could) in [
            (equals("none", Case::Sensitive), "none", true),
            (equals("None", Case::Sensitive), "none", false),
            (equals("None", Case::Ignore), "none", true),
            (equals("no", Case::Sensitive), "none", false),
            (like("n*e", Case::Sensitive), "none", true),
            (like("N?NE", Case::Ignore), "none", true),
            (like("?", Case::Sensitive), "-", true),
            (like("??", Case::Sensitive), "-", false),
            (like("*", Case::Sensitive), "", true),
            (like("", Case::Sensitive), "-", false),
            (has(Place::Start, "no"), "none", true),
            (has(Place::End, "no"), "none", false),
            (has(Place::Anywhere, "on"), "none", true),
            (matches("^ab"), "-", false),
            (matches("a*"), "-", true),
            (TestKind::Exists, "", true),
            (TestKind::InNetworks { networks: Vec::new() }, "-", false),
            (values(Quantifier::Any, false), "no", true),
            (values(Quantifier::Any, false), "none", false),
            (values(Quantifier::Any, true), "none", true),
            (values(Quantifier::All, false), "none", true),
        ] {
            assert_eq!(could_pass(&kind, &[], text), could, "{kind:?} {text}");
        }
    }
}

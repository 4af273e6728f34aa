//! Columns that have a few values, each with a condition over stored fields: when such a column has one of some values.
//!
//! In: the cases as a source file states them, and what a target makes of their conditions. Out: a condition. Must not
//! know: how a target compares.
//!
//! The first case that holds gives the value. So a case is subject to those before it, but for two kinds of them: those
//! that give a wanted value as well, and those that ask one field for another text, which cannot hold with it.

use crate::backend::truth::{Leaf, Truth};
use crate::catalog;

/// A value, and when it is the column's.
#[derive(Debug)]
pub(in crate::backend) struct Case<W> {
    /// The canonical value; empty for none.
    pub(in crate::backend) value: String,
    /// What the target makes of its condition.
    pub(in crate::backend) when: W,
    /// The cases before it that can hold with it, by their numbers.
    before: Vec<usize>,
}

impl<W> Case<W> {
    /// Cases as they are stated; `None` if the target can make nothing of a condition.
    pub(in crate::backend) fn read(
        stated: &[catalog::Case],
        mut when: impl FnMut(&catalog::Case) -> Option<W>,
    ) -> Option<Vec<Self>> {
        let case = |(number, case): (usize, &catalog::Case)| {
            let before = stated.iter().take(number).enumerate();
            let before = before.filter(|(_, other)| !are_apart(case, other)).map(|(number, _)| number);
            Some(Self { value: case.value.clone(), when: when(case)?, before: before.collect() })
        };
        stated.iter().enumerate().map(case).collect()
    }
}

/// Whether no event satisfies both, in any target: one stores a text with letters as they are, another ignores case.
fn are_apart(one: &catalog::Case, other: &catalog::Case) -> bool {
    one.when.iter().any(|(field, text)| match (text, other.when.get(field)) {
        (Some(text), Some(Some(other))) => text.to_lowercase() != other.to_lowercase(),
        (None, _) | (_, None | Some(None)) => false,
    })
}

/// When the column has a wanted value. `when` prints the condition of a case.
pub(in crate::backend) fn giving<W, L: Leaf + Clone>(
    cases: &[Case<W>],
    wanted: impl Fn(&str) -> bool,
    mut when: impl FnMut(&W) -> Truth<L>,
) -> Truth<L> {
    let is_wanted = |case: &&Case<W>| !case.value.is_empty() && wanted(&case.value);
    let mut parts = Vec::new();
    for case in cases.iter().filter(is_wanted) {
        let before = case.before.iter().filter_map(|number| cases.get(*number));
        let excluded = before.filter(|other| !is_wanted(other)).map(|other| &other.when);
        let conditions: Vec<_> = excluded.map(|other| when(other).not()).collect();
        parts.push(Truth::all(std::iter::once(when(&case.when)).chain(conditions)));
    }
    Truth::any(parts)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    struct Holds(&'static str);

    impl Leaf for Holds {}

    type Stated = (&'static str, &'static [(&'static str, Option<&'static str>)]);

    fn read(stated: &[Stated]) -> Vec<Case<Holds>> {
        let names = ["a", "b", "c", "d"];
        let stated: Vec<_> = stated
            .iter()
            .map(|(value, when)| {
                let when = when.iter().map(|(field, text)| ((*field).to_owned(), text.map(str::to_owned)));
                catalog::Case { value: (*value).to_owned(), when: when.collect::<BTreeMap<_, _>>() }
            })
            .collect();
        let mut names = names.into_iter();
        Case::read(&stated, |_| names.next().map(Holds)).unwrap()
    }

    fn giving_success(cases: &[Case<Holds>]) -> Truth<Holds> {
        giving(cases, |value| value == "success", |holds| Truth::Test(holds.clone()))
    }

    #[test]
    fn texts_of_one_field_exclude_each_other() {
        let cases = read(&[
            ("failure", &[("status", Some("Failed"))]),
            ("success", &[("status", Some("Succeeded"))]),
            ("success", &[("status", Some("succeeded"))]),
        ]);
        assert_eq!(giving_success(&cases), Truth::any([Truth::Test(Holds("b")), Truth::Test(Holds("c"))]));
    }

    #[test]
    fn what_may_hold_as_well_goes_first() {
        // A text in another letter case, a field without a value, another field, no condition at all.
        for before in [
            ("failure", &[("status", Some("OK"))] as &[_]),
            ("failure", &[("status", None)]),
            ("failure", &[("code", Some("1"))]),
            ("", &[]),
        ] {
            let cases = read(&[before, ("success", &[("status", Some("ok"))])]);
            let wanted = Truth::all([Truth::Test(Holds("b")), Truth::Test(Holds("a")).not()]);
            assert_eq!(giving_success(&cases), wanted, "{before:?}");
        }
    }

    #[test]
    fn a_case_that_gives_the_same_hides_nothing() {
        let cases = read(&[("success", &[("code", None)]), ("success", &[("status", Some("ok"))])]);
        assert_eq!(giving_success(&cases), Truth::any([Truth::Test(Holds("a")), Truth::Test(Holds("b"))]));
    }
}

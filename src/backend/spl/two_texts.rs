//! Tests of a text against the text of another column: equal, at the start, at the end, anywhere.
//!
//! In: two columns, and whether letter case counts. Out: tests that hold only if both columns have a text. Must not
//! know: fields, values.
//!
//! No regular expression is made of a column: its characters would have to be escaped by other expressions. `like` has
//! wildcards and no way to take them literally.

use super::check::{all, is_there};
use super::literal::{self, Frag, spl};
use crate::ir::{Case, Place};

/// Two columns as they are compared.
struct Sides<'c> {
    columns: [&'c Frag; 2],
    text: Frag,
    part: Frag,
}

/// The test that the first column has the text of the second; everywhere, if no place is said. A command that must run
/// before it, if it needs one: it writes into `at`.
pub(super) fn test(columns: [&Frag; 2], place: Option<Place>, case: Case, at: &Frag) -> (Option<Frag>, Frag) {
    let [text, part] = columns.map(|column| match case {
        Case::Sensitive => column.clone(),
        Case::Ignore => literal::call("lower", [column]),
    });
    let sides = Sides { columns, text, part };
    let Sides { text, part, .. } = &sides;
    match place {
        None => (None, sides.both(vec![equal(text, part)])),
        Some(Place::Start) => {
            (None, sides.both(vec![equal(&spl!("substr({text}, 1, len({part}))", text, part), part)]))
        }
        Some(Place::End) => {
            let end = spl!("substr({text}, len({text}) - len({part}) + 1)", text, part);
            (None, sides.both(vec![sides.fits(), equal(&end, part)]))
        }
        Some(Place::Anywhere) => {
            let places = spl!("eval {at}=mvrange(1, len({text}) - len({part}) + 2)", at, text, part);
            let there = equal(&spl!("substr({text}, tonumber({at}), len({part}))", text, at, part), part);
            let found = spl!("mvindex(mvsort(mvmap({at}, if({there}, \"1\", \"0\"))), -1)=\"1\"", at, there);
            (Some(places), sides.both(vec![sides.fits(), found]))
        }
    }
}

impl Sides<'_> {
    /// Both hold something: `printf` writes `Null` for nothing.
    fn both(&self, tests: Vec<Frag>) -> Frag {
        all(self.columns.iter().map(|column| is_there(column)).chain(tests).collect())
    }

    /// The part is not longer than the text.
    fn fits(&self) -> Frag {
        let Self { columns: _, text, part } = self;
        spl!("len({text}) >= len({part})", text, part)
    }
}

/// Equal as texts: `=` would compare what looks like numbers by value.
fn equal(one: &Frag, other: &Frag) -> Frag {
    let [one, other] = [one, other].map(|side| spl!("printf(\"=%s\", {side})", side));
    literal::compare(&one, "=", &other)
}

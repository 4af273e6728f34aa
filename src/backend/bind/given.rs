//! Which values a field can have in a target whose column translates stored values, and what that does to a test.
//!
//! In: bound tests, the values that the source declares. Out: notes, and whether a condition can hold at all. Must not
//! know: columns, any particular target.

use std::collections::BTreeSet;

use super::{BoundTest, Report};
use crate::backend::schema::Inexact;
use crate::backend::target::Backend;
use crate::backend::truth::Truth;
use crate::catalog::Source;
use crate::ir::{FieldTest, TestKind, Type, Value};

/// Notes the values that a record of the rule can have and none of the target has. A query that asks for them finds
/// nothing, and says nothing of it.
pub(super) fn note<B: Backend>(
    bound: &BoundTest<'_, B>,
    source: &Source,
    negated: bool,
    report: &mut Report,
) {
    let Some(given) = given(bound).filter(|_| is_of_text(&bound.test.kind)) else { return };
    let name = bound.test.field.name.as_str();
    for value in wanted(bound.test, source) {
        if !given.contains(value.as_str()) && bound.could_pass(&value) {
            let reason = format!("in {} `{name}` is never `{value}`", B::TITLE);
            Inexact::Poorer(reason).asked(negated, bound.test.span, report);
        }
    }
}

/// The test because of which no record of the target satisfies a condition, if there is one.
pub(super) fn never<'c, 'a, B: Backend>(
    condition: &'c Truth<BoundTest<'a, B>>,
) -> Option<&'c BoundTest<'a, B>> {
    match condition {
        Truth::Test(test) => {
            let given = given(test).filter(|_| is_of_text(&test.test.kind))?;
            (!given.iter().any(|value| test.could_pass(value))).then_some(test)
        }
        Truth::All(parts) => parts.iter().find_map(never),
        Truth::Any(parts) => parts.iter().map(never).collect::<Option<Vec<_>>>()?.first().copied(),
        // A negation holds where the field has another value, and where it has none.
        Truth::Always(_) | Truth::Not(_) => None,
    }
}

/// The values that the field of a test can have; `None` if it can have any, or is compared with another field.
pub(super) fn given<'a, B: Backend>(bound: &BoundTest<'a, B>) -> Option<BTreeSet<&'a str>> {
    let values = bound.field.ways.iter().map(|way| way.gives).collect::<Option<Vec<_>>>()?;
    bound.other.is_none().then(|| values.into_iter().flatten().map(String::as_str).collect())
}

/// What the field can be in the rule's meaning, as far as that is known: what its source declares, and what the test
/// itself names.
fn wanted(test: &FieldTest, source: &Source) -> BTreeSet<String> {
    let declared = source.field(&test.field.name).map_or(&[][..], |field| field.values.as_slice());
    let named = if let TestKind::Equals { values, case: _ } = &test.kind { values.as_slice() } else { &[] };
    let booleans = ["true", "false"].iter().filter(|_| test.field.ty == Type::Bool);
    let known = booleans.map(|text| (*text).to_owned()).chain(declared.iter().cloned());
    known.chain(named.iter().map(Value::text)).collect()
}

/// Whether a test asks for texts: which of several texts pass is known of those alone.
fn is_of_text(kind: &TestKind) -> bool {
    match kind {
        TestKind::Equals { .. }
        | TestKind::InList { .. }
        | TestKind::Like { .. }
        | TestKind::Substring { .. }
        | TestKind::Matches { .. } => true,
        TestKind::Exists
        | TestKind::Order { .. }
        | TestKind::InNetworks { .. }
        | TestKind::SameAs { .. }
        | TestKind::TextOf { .. }
        | TestKind::Values(_) => false,
    }
}

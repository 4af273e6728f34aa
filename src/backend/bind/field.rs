//! Where a step's field lives in a target: the variants of its column that the actions of the step can ask for.
//!
//! In: a field, the schema of its source, the actions that are possible. Out: a [`BoundField`], or a diagnostic that
//! names alternatives; what the field requires goes to the report. Must not know: tests, links, any particular target.

use std::collections::BTreeSet;

use crate::backend::Report;
use crate::backend::schema::{FieldSchema, Inexact, SourceSchema, Unavailable, Variant};
use crate::backend::target::Backend;
use crate::catalog::LetterCase;
use crate::diag::{Code, Diagnostic};
use crate::ir::{Field, Type};
use crate::source::Span;

/// A field as a target reads it in one step.
#[derive(Debug)]
pub(in crate::backend) struct BoundField<'a, C> {
    /// Its name in the rule: the canonical one, unless an alternative renames it.
    pub(in crate::backend) name: &'a str,
    /// Its type.
    pub(in crate::backend) ty: Type,
    /// What is known of the letter case of its values.
    pub(in crate::backend) spelling: Option<LetterCase>,
    /// Where the rule names it.
    pub(in crate::backend) span: Span,
    /// The ways to read it, tried by the discriminator of its source; the last one names no actions. Never empty.
    pub(in crate::backend) ways: Vec<Way<'a, C>>,
}

/// One way to read a field.
#[derive(Debug)]
pub(in crate::backend) struct Way<'a, C> {
    /// The column.
    pub(in crate::backend) column: &'a C,
    /// The actions of the events that it is for; none: all that are left.
    pub(in crate::backend) actions: &'a [String],
    /// The values that it can have, where it translates what is stored.
    pub(in crate::backend) gives: Option<&'a [String]>,
    /// The stored texts that mean "no value".
    pub(in crate::backend) placeholders: &'a [String],
    /// Why the column is not exactly the field.
    pub(in crate::backend) inexact: &'a [Inexact],
}

// Written out, because derived implementations would ask `C: Clone`, and only references to columns are held.
impl<C> Clone for BoundField<'_, C> {
    fn clone(&self) -> Self {
        Self {
            name: self.name,
            ty: self.ty,
            spelling: self.spelling,
            span: self.span,
            ways: self.ways.clone(),
        }
    }
}

impl<C> Clone for Way<'_, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Way<'_, C> {}

impl<'a, C> BoundField<'a, C> {
    /// The stored texts that mean "no value", each once.
    pub(in crate::backend) fn placeholders(&self) -> Vec<&'a str> {
        crate::backend::truth::unique(
            self.ways.iter().flat_map(|way| way.placeholders).map(String::as_str).collect(),
        )
    }

    /// The only way to read it, if there is but one.
    pub(in crate::backend) fn only(&self) -> Option<Way<'a, C>> {
        if let [only] = self.ways.as_slice() { Some(*only) } else { None }
    }

    /// Why it is not read exactly, whatever the way.
    pub(super) fn inexact(&self) -> impl Iterator<Item = &'a Inexact> + use<'a, C> {
        // Collected, so that what is returned borrows the schema and not the field.
        self.ways.iter().flat_map(|way| way.inexact).collect::<Vec<_>>().into_iter()
    }
}

/// Looks up the fields of one step.
#[derive(Debug)]
pub(super) struct Lookup<'a, B: Backend> {
    pub(super) schema: &'a SourceSchema<B>,
    /// The field by which events of the source are told apart.
    pub(super) discriminator: &'a str,
    /// Its column, once a field with several ways has been looked up.
    pub(super) action: Option<BoundField<'a, B::Column>>,
    /// The actions that the step admits, if its condition bounds them.
    pub(super) admitted: Option<BTreeSet<String>>,
    /// Fields that are not there, which has been reported.
    refused: BTreeSet<String>,
}

impl<'a, B: Backend> Lookup<'a, B> {
    pub(super) fn new(
        schema: &'a SourceSchema<B>,
        discriminator: &'a str,
        admitted: Option<BTreeSet<String>>,
    ) -> Self {
        Self { schema, discriminator, action: None, admitted, refused: BTreeSet::new() }
    }

    /// A field that the rule names, in the whole step; `own` is its name in the source.
    pub(super) fn field(
        &mut self,
        field: &'a Field,
        own: &str,
        report: &mut Report,
    ) -> Option<BoundField<'a, B::Column>> {
        // Taken out and put back, not cloned: the call borrows all of `self`.
        let admitted = self.admitted.take();
        let found = self.named(own, field.span, admitted.as_ref(), report);
        self.admitted = admitted;
        Some(BoundField { name: &field.name, ..found? })
    }

    /// A field by name, where the record can have one of the `admitted` actions (`None`: any).
    pub(super) fn named(
        &mut self,
        name: &str,
        span: Span,
        admitted: Option<&BTreeSet<String>>,
        report: &mut Report,
    ) -> Option<BoundField<'a, B::Column>> {
        let Some((name, schema)) = self.schema.fields.get_key_value(name) else {
            self.refuse(name, span, "the source file has no column for this target", &[], report);
            return None;
        };
        let FieldSchema { ty, spelling, variants, requires } = schema;
        let mut ways = Vec::with_capacity(1);
        for (variant, actions) in applicable(variants, admitted) {
            let Variant { actions: _, column, gives, placeholders, inexact, requires } = variant;
            let column = match column {
                Ok(column) => column,
                // One variant that the target cannot see refuses the field: read as missing, it would fail every test
                // in silence and pass every negated one.
                Err(Unavailable { reason, instead }) => {
                    self.refuse(name, span, reason, instead, report);
                    return None;
                }
            };
            report.require_all(requires);
            ways.push(Way { column, actions, gives: gives.as_deref(), placeholders, inexact });
        }
        report.require_all(requires);
        // This ends: an action with variants of its own is an error of the source file (`undecided` in `schema`).
        if ways.len() > 1 && self.action.is_none() {
            self.action = self.named(self.discriminator, span, admitted, report);
        }
        Some(BoundField { name, ty: *ty, spelling: *spelling, span, ways })
    }

    /// Once for each field, however often the step names it.
    fn refuse(&mut self, name: &str, span: Span, reason: &str, instead: &[String], report: &mut Report) {
        if !self.refused.insert(name.to_owned()) {
            return;
        }
        let title = format!("`{name}` is not available in {}", B::TITLE);
        let found = Diagnostic::new(Code::FieldUnavailable, span, title).label(reason);
        report.error(if instead.is_empty() {
            found.help("leave the field out, or map it in `catena.yaml`")
        } else {
            let names: Vec<_> = instead.iter().map(|name| format!("`{name}`")).collect();
            found.help(format!("use {} instead, or map the field in `catena.yaml`", names.join(" or ")))
        });
    }
}

/// Drops the variants for actions that are not admitted, and gives each that is left the actions it is tried for. When
/// only actions of one variant are admitted, that one alone is left.
fn applicable<'a, C>(
    variants: &'a [Variant<C>],
    admitted: Option<&BTreeSet<String>>,
) -> Vec<(&'a Variant<C>, &'a [String])> {
    let whole = |variant: &'a Variant<C>| (variant, variant.actions.as_slice());
    let all = || variants.iter().map(whole).collect();
    let Some(admitted) = admitted.filter(|_| variants.len() > 1) else { return all() };
    let named = |variant: &Variant<C>| variant.actions.iter().any(|action| admitted.contains(action));
    // The variant for all other actions stays, unless every admitted action has one of its own.
    let covered =
        admitted.iter().all(|action| variants.iter().any(|variant| variant.actions.contains(action)));
    let keep = |variant: &Variant<C>| if variant.actions.is_empty() { !covered } else { named(variant) };
    let mut kept: Vec<_> = variants.iter().filter(|variant| keep(variant)).map(whole).collect();
    match kept.last_mut() {
        // One of those that are left applies, so the last is read when the others are not, without being asked for.
        Some((_, actions)) => *actions = &[],
        None => kept = all(),
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(admitted: Option<&[&str]>) -> Vec<(char, Vec<String>)> {
        let variant = |name: char, actions: &[&str]| Variant {
            actions: actions.iter().map(|action| (*action).to_owned()).collect(),
            column: Ok(name),
            gives: None,
            placeholders: Vec::new(),
            inexact: Vec::new(),
            requires: None,
        };
        let variants = [variant('x', &["A", "B"]), variant('y', &["C"]), variant('z', &[])];
        let admitted = admitted.map(|actions| actions.iter().map(|action| (*action).to_owned()).collect());
        let kept = applicable(&variants, admitted.as_ref());
        kept.iter().map(|(variant, actions)| (*variant.column.as_ref().unwrap(), actions.to_vec())).collect()
    }

    fn of(name: char, actions: &[&str]) -> (char, Vec<String>) {
        (name, actions.iter().map(|action| (*action).to_owned()).collect())
    }

    #[test]
    fn only_variants_of_admitted_actions_are_left() {
        let all = [of('x', &["A", "B"]), of('y', &["C"]), of('z', &[])];
        assert_eq!(kept(None), all);
        assert_eq!(kept(Some(&["A"])), [of('x', &[])]);
        assert_eq!(kept(Some(&["A", "B"])), [of('x', &[])]);
        assert_eq!(kept(Some(&["A", "C"])), [of('x', &["A", "B"]), of('y', &[])]);
        assert_eq!(kept(Some(&["D"])), [of('z', &[])]);
        assert_eq!(kept(Some(&["C", "D"])), [of('y', &["C"]), of('z', &[])]);
        // No action at all: the condition never holds, and whatever is read does no harm.
        assert_eq!(kept(Some(&[])), all);
    }
}

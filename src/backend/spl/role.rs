//! What each step has to hand on: its keys, the columns of the alert, and who the event is.
//!
//! In: a rule. Out: a [`Role`] per step, with the names that branch and chain share.
//! Must not know: commands.

use crate::backend::print::phrase;
use crate::backend::{Job, columns, shape};
use crate::ir::{Field, Link, Rule, StepField, Type};
use crate::source::Span;

use super::literal;

/// The column that says which event a row comes from.
pub(super) const ID: &str = "chain_id";

/// A step's part in the chain.
#[derive(Debug)]
pub(super) struct Role<'a> {
    /// From 1.
    pub(super) number: usize,
    /// Whether its records are the alerts.
    pub(super) last: bool,
    /// Whether there is more than one step.
    pub(super) chained: bool,
    /// Its side of the links before and after it.
    pub(super) keys: Vec<KeyColumn<'a>>,
    /// What the alert shows of it.
    pub(super) outputs: Vec<Output>,
    /// Whether a link must tell its event from a neighbour's.
    pub(super) identified: bool,
    /// The field that identifies its event, if the source has one that Splunk sees.
    pub(super) event_id: Option<Field>,
}

/// A key under the name that both sides of its link use.
#[derive(Debug)]
pub(super) struct KeyColumn<'a> {
    /// `chain_k<link>_<key>`.
    pub(super) column: String,
    /// The field on this side.
    pub(super) field: &'a Field,
}

/// A column of the answer.
#[derive(Debug, PartialEq)]
pub(super) struct Output {
    /// `<step>_<field>`.
    pub(super) column: String,
    /// The field.
    pub(super) field: Field,
}

impl Role<'_> {
    /// The fields it hands on; some more than once.
    pub(super) fn fields(&self) -> impl Iterator<Item = &Field> {
        let keys = self.keys.iter().map(|key| key.field);
        keys.chain(self.outputs.iter().map(|output| &output.field)).chain(&self.event_id)
    }
}

/// The roles of all steps, in order.
pub(super) fn roles<'a>(job: &Job<'a>) -> Vec<Role<'a>> {
    let chain = &job.rule.chain;
    let shared = shape::shared_links(chain, job.catalog);
    let of_link =
        |link: Option<usize>| link.is_some_and(|link| shared.get(link).copied().unwrap_or_default());
    let mut roles = Vec::with_capacity(chain.steps.len());
    for index in 0..chain.steps.len() {
        let event_id = event_id(job, index);
        let before = index.checked_sub(1);
        let mut keys = Vec::new();
        for (link, on_left) in before.into_iter().map(|link| (link, false)).chain([(index, true)]) {
            keys.extend(chain.links.get(link).into_iter().flat_map(|found| side(link, found, on_left)));
        }
        roles.push(Role {
            number: index + 1,
            last: index + 1 == chain.steps.len(),
            chained: chain.steps.len() > 1,
            outputs: outputs(job.rule, index, &keys, event_id.as_ref()),
            keys,
            identified: of_link(before) || of_link(Some(index)),
            event_id,
        });
    }
    roles
}

fn side(index: usize, link: &Link, on_left: bool) -> Vec<KeyColumn<'_>> {
    let keys = link.keys.iter().enumerate();
    keys.map(|(at, key)| {
        let field = if on_left { &key.left } else { &key.right };
        KeyColumn { column: key_column(index, at), field }
    })
    .collect()
}

/// The name of a key's column.
pub(super) fn key_column(link: usize, key: usize) -> String {
    phrase!("chain_k{}_{}", link + 1, key + 1)
}

fn event_id(job: &Job<'_>, index: usize) -> Option<Field> {
    let source = columns::source(job, job.rule.chain.steps.get(index)?)?;
    let def = source.field(source.event_id.as_ref()?)?;
    let seen = def.columns.get("spl")?.variants().iter().all(|way| way.unavailable.is_none());
    seen.then(|| Field { name: def.name.clone(), ty: def.ty, span: Span::default() })
}

/// The link fields, what the alert names, and the event's id; each once.
fn outputs(rule: &Rule, step: usize, keys: &[KeyColumn<'_>], event_id: Option<&Field>) -> Vec<Output> {
    let alert = &rule.alert;
    let entities = alert.entities.iter().map(|entity| &entity.field);
    let named = entities.chain(&alert.show).chain(alert.dedupe.iter().flat_map(|dedupe| &dedupe.by));
    let named = named.filter(|field| field.step == step).map(|StepField { field, .. }| field);
    let mut outputs: Vec<Output> = Vec::new();
    for field in keys.iter().map(|key| key.field).chain(named).chain(event_id) {
        if !outputs.iter().any(|known| known.field.name == field.name) {
            let column = output_column(rule, step, &field.name);
            outputs.push(Output { column, field: field.clone() });
        }
    }
    outputs
}

/// `<step>_<field>`, dots as underscores.
pub(super) fn output_column(rule: &Rule, step: usize, field: &str) -> String {
    let name = rule.chain.steps.get(step).map(|step| step.name.node.as_str()).unwrap_or_default();
    literal::flat(&phrase!("{name}_{field}"))
}

/// A value in which `|` cannot stand, so that values can be put side by side.
pub(super) fn guarded(value: &str) -> String {
    phrase!("replace(replace({value}, \"%\", \"%25\"), \"[|]\", \"%7C\")")
}

/// The operand that packs a column for a later row: `=` and the value, or `=` alone when it is missing.
pub(super) fn packed(field: &Field) -> String {
    let name = literal::column("f", &field.name);
    match field.ty {
        Type::String | Type::Ip | Type::Bool => phrase!("coalesce({}, \"\")", guarded(&name)),
        Type::Int | Type::Float => phrase!("coalesce(tostring({name}), \"\")"),
        Type::Time => phrase!("if(isnull({name}), \"\", printf(\"%.6f\", {name}))"),
    }
}

/// Takes slot `at` of the packed values apart again.
pub(super) fn unpacked(field: &Field, slots: &str, at: usize) -> String {
    let slot = phrase!("mvindex({slots}, {at})");
    match field.ty {
        Type::String | Type::Ip | Type::Bool => phrase!(
            "if({slot}=\"=\", null(), replace(replace(substr({slot}, 2), \"%7C\", \"|\"), \"%25\", \"%\"))"
        ),
        Type::Int | Type::Float | Type::Time => phrase!("tonumber(substr({slot}, 2))"),
    }
}

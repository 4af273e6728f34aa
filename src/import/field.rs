//! Fields of other languages, by the mappings of the sources read backwards.
//!
//! In: the name that a target or a vendor has for a field. Out: the canonical fields that it can mean. Must not know:
//! rules, notations.

use crate::catalog::{Column, FieldDef, Mapped, Raw, Source};

/// Where a condition goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Into<'s> {
    pub(super) source: &'s Source,
    /// The target whose names it has.
    pub(super) target: &'static str,
    /// Whether what is lost may widen it; else nothing of it may be lost.
    pub(super) may_widen: bool,
}

/// A field, and the column in which the other language has it; none where the name is that of the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held<'s> {
    pub(super) field: &'s FieldDef,
    pub(super) column: Option<&'s Mapped>,
}

/// What a name means in a source.
#[derive(Debug)]
pub(super) enum Found<'s> {
    /// One field.
    Field(Held<'s>),
    /// One of several fields, which the name does not tell apart.
    Several(Vec<Held<'s>>),
    /// No field: fields are made of what has the name.
    Made(Vec<Held<'s>>),
    /// Nothing; perhaps a field whose name is near.
    Nothing(Option<String>),
}

/// The meaning of a name. `actions` are those that the events can have, if that is known.
pub(super) fn find<'s>(
    source: &'s Source,
    target: &str,
    name: &str,
    actions: Option<&[String]>,
) -> Found<'s> {
    let mut held = columns(source, target, |held| stored(source, held).as_deref() == Some(name));
    if held.is_empty() {
        held = columns(source, target, |held| {
            stored(source, held).is_some_and(|field| field.eq_ignore_ascii_case(name))
        });
    }
    let (made, plain): (Vec<_>, Vec<_>) =
        held.into_iter().partition(|held| held.column.is_some_and(|column| !column.cases().is_empty()));
    match best(source, name, plain, actions) {
        Some(found) => return found,
        None if !made.is_empty() => return Found::Made(made),
        None => {}
    }
    if let Some(field) = by_log(source, name) {
        return Found::Field(Held { field, column: None });
    }
    let made = columns(source, target, |held| {
        let cases = held.column.map_or(&[][..], |column| column.cases.as_slice());
        cases.iter().any(|case| case.when.keys().any(|key| key.eq_ignore_ascii_case(name)))
    });
    if !made.is_empty() {
        return Found::Made(made);
    }
    if let Some(field) = source.field(name) {
        return Found::Field(Held { field, column: None });
    }
    if let [field] = elsewhere(source, name).as_slice() {
        return Found::Field(Held { field, column: None });
    }
    // Names that are only near are for people to judge.
    Found::Nothing(source.meant_by(name).map(|meant| {
        let names: Vec<String> = meant.fields.iter().map(|field| format!("`{}`", field.name)).collect();
        names.join(" or ")
    }))
}

/// The fields that some target stores under a name, as they are.
fn elsewhere<'s>(source: &'s Source, name: &str) -> Vec<&'s FieldDef> {
    let is_it = |mapped: &Mapped| {
        let is_plain = mapped.cases().is_empty()
            && !mapped.multi
            && mapped.superset.is_none()
            && mapped.subset.is_none()
            && mapped.for_actions.is_empty();
        is_plain && mapped.field.as_deref().or(mapped.path.as_deref()) == Some(name)
    };
    let has = |field: &&FieldDef| field.columns.values().flat_map(Column::variants).any(is_it);
    source.fields.values().filter(has).collect()
}

/// Every column of a target that satisfies a test.
fn columns<'s>(source: &'s Source, target: &str, is_it: impl Fn(&Held<'s>) -> bool) -> Vec<Held<'s>> {
    let of_field = |field: &'s FieldDef| {
        let variants = field.columns.get(target).map(Column::variants).unwrap_or_default();
        variants.iter().map(move |mapped| Held { field, column: Some(mapped) })
    };
    let all = source.fields.values().flat_map(of_field);
    all.filter(is_it).collect()
}

/// What the other language calls a column: a field, a path, or an item of a group.
fn stored(source: &Source, held: &Held<'_>) -> Option<String> {
    let column = held.column?;
    match (&column.field, &column.path, &column.item) {
        (Some(field), ..) => Some(field.clone()),
        (None, Some(path), _) => Some(path.clone()),
        (None, None, Some(item)) => {
            let group = source.group_of(held.field).map_or("", |(_, group)| group.path.as_str());
            // Some targets name the whole path, others that inside of the item.
            let is_whole = !group.is_empty() && item.starts_with(group);
            Some(if is_whole { item.clone() } else { of_group(source, held.field, item) })
        }
        (None, None, None) => None,
    }
}

/// The whole path of a field of a repeated group.
fn of_group(source: &Source, field: &FieldDef, path: &str) -> String {
    let Some((_, group)) = source.group_of(field) else { return path.to_owned() };
    let inner = path.starts_with('>').then_some(group.inner.as_deref()).flatten();
    let parts = [Some(group.path.as_str()), inner, Some(path.trim_start_matches('>'))];
    parts.into_iter().flatten().collect::<Vec<_>>().join(".")
}

/// The field that a name means surest.
fn best<'s>(
    source: &'s Source,
    name: &str,
    mut held: Vec<Held<'s>>,
    actions: Option<&[String]>,
) -> Option<Found<'s>> {
    held.sort_by_key(|held| rank(held));
    if let Some(actions) = actions
        && let Some(here) = held.iter().position(|held| is_for(source, *held, actions))
    {
        let first = held.remove(here);
        held.retain(|other| is_for(source, *other, actions));
        held.insert(0, first);
    }
    let lowest = held.first().map(rank)?;
    held.retain(|held| rank(held) == lowest);
    let mut names: Vec<&str> = held.iter().map(|held| held.field.name.as_str()).collect();
    names.dedup();
    let same = held.iter().find(|held| held.field.name == name).copied();
    // Two names for one thing: the one that a target has too.
    let is_one =
        held.iter().all(|other| held.first().is_some_and(|first| other.field.raw == first.field.raw));
    let by_target = held.iter().find(|held| elsewhere(source, &held.field.name).contains(&held.field));
    let same = same.or(by_target.copied().filter(|_| is_one));
    match (names.len(), same.or(held.first().copied())) {
        (1, Some(only)) => Some(Found::Field(only)),
        (_, Some(found)) if same.is_some() => Some(Found::Field(found)),
        (_, Some(_)) => Some(Found::Several(held)),
        (_, None) => None,
    }
}

/// Whether a column is the one that events with these actions have.
fn is_for(source: &Source, held: Held<'_>, actions: &[String]) -> bool {
    let Some(column) = held.column else { return true };
    let listed = |action: &String| column.for_actions.contains(action);
    if column.for_actions.is_empty() {
        let others = others(source, held);
        return actions.iter().all(|action| !others.contains(&action.as_str()));
    }
    actions.iter().all(listed)
}

/// The actions for which a field stands elsewhere than in this column.
pub(super) fn others<'s>(_source: &Source, held: Held<'s>) -> Vec<&'s str> {
    let Some(column) = held.column else { return Vec::new() };
    let mut found: Vec<&str> = Vec::new();
    for other in held.field.columns.values().map(Column::variants).filter(|all| all.contains(column)) {
        let different = other.iter().filter(|other| other.field != column.field);
        found.extend(different.flat_map(|other| other.for_actions.iter().map(String::as_str)));
    }
    found
}

/// How far a column is from being the field.
fn rank(held: &Held<'_>) -> u8 {
    let Some(column) = held.column else { return 0 };
    u8::from(!column.for_actions.is_empty())
        + 2 * u8::from(column.superset.is_some() || column.subset.is_some())
        + 4 * u8::from(column.multi)
}

/// The field that has the values of a place of the log.
fn by_log<'s>(source: &'s Source, name: &str) -> Option<&'s FieldDef> {
    let has = |field: &&FieldDef| match &field.raw {
        Some(Raw::Path(path)) => of_group(source, field, path).eq_ignore_ascii_case(name),
        Some(Raw::Variants(variants)) => matches!(variants.as_slice(), [only]
            if only.map.is_empty() && only.capture.is_none() && only.absent.is_none() && only.otherwise.is_none()
                && only.paths().any(|path| path.eq_ignore_ascii_case(name))),
        None => false,
    };
    source.fields.values().find(has)
}

/// How well a source knows names: how many of them are fields, or make one.
pub(super) fn known(source: &Source, target: &str, names: &[String]) -> usize {
    let is_known = |name: &&String| !matches!(find(source, target, name, None), Found::Nothing(_));
    names.iter().filter(is_known).count()
}

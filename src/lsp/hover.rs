//! What a name stands for, in a few lines.
//!
//! In: a file and an offset. Out: Markdown. Must not know: how names are resolved.

use serde_json::{Value, json};

use crate::backend::{ALL, Emission, origin};
use crate::catalog::{Raw, RawVariant, Source, describe};
use crate::check::Meaning;
use crate::diag::Diagnostics;
use crate::explain::{Explanation, Query};
use crate::ir::{self, Rule};
use crate::project::compile::{CompileOptions, compile_rule, is_meant_for};
use crate::project::{Live, LiveFile};
use crate::source::Span;

use super::findings::shown;
use super::navigate::meaning;
use super::{convert, place};

pub(super) fn hover(live: &Live, file: LiveFile<'_>, offset: usize) -> Option<Value> {
    let (span, text) = match meaning(file, offset) {
        Some((span, Meaning::Step(name))) if span != name => (span, step_field(file, span, name)),
        Some((span, meaning)) => (span, describe_meaning(live, file, &meaning)?),
        None => window(file, offset).or_else(|| word(file, offset))?,
    };
    let range = convert::range(file.source, span.range());
    Some(json!({"contents": {"kind": "markdown", "value": shown(&text)}, "range": range}))
}

fn describe_meaning(live: &Live, file: LiveFile<'_>, meaning: &Meaning) -> Option<String> {
    let catalog = &file.state.checked.environment.catalog;
    let written = |span: Span| live.sources().snippet(span).to_owned();
    Some(match meaning {
        Meaning::Source(name) => source(catalog.source(name)?),
        Meaning::Field { source, field } => self::field(catalog.source(source)?, field)?,
        Meaning::Step(name) => step(file, *name).unwrap_or_else(|| format!("**step** `{}`", written(*name))),
        Meaning::Param(name) => param(live, file, *name),
        Meaning::List(name) => {
            list(file, *name).unwrap_or_else(|| format!("**allowlist** `{}`", written(*name)))
        }
        Meaning::Lookup(name) => {
            lookup(file, *name).unwrap_or_else(|| format!("**lookup** `{}`", written(*name)))
        }
        Meaning::File(path) => format!("`{}`", live.named(file, path).display()),
        Meaning::Clause(clause) => format!("**{clause}**: metadata of the rule"),
        Meaning::Word { of, word } => format!("**{word}**: a value of `{of}`"),
    })
}

/// Words of the language that say when, how often or for whom: names say what they are themselves.
const WORDS: [(&str, &str); 12] = [
    (
        "within",
        "the longest time from the first to the last of what it bounds: the steps of a chain, two neighbours, a burst",
    ),
    ("scope", "fields in which all steps of the chain must agree"),
    ("on", "fields in which two neighbours must agree; `a.x == b.y` where they are called differently"),
    ("unless", "what must not happen: no alert if there is such an event"),
    ("first", "only events without an equal one in the time before"),
    ("least", "how many events, or different values of a field, make the step"),
    ("distinct", "counts the values of a field instead of events"),
    ("together", "steps that may come in any order"),
    ("except", "leaves out events that meet a condition"),
    ("as", "names that fields of this source get, so that they are called as those of the first one"),
    ("dedupe", "one alert for each combination of the fields in this time; those that follow are suppressed"),
    ("exists", "true where the field has a value"),
];

/// A word of the language.
fn word(file: LiveFile<'_>, offset: usize) -> Option<(Span, String)> {
    let tokens = place::tokens(&file.source.text);
    let is_here = |token: &place::Token<'_>| token.range.start <= offset && offset <= token.range.end;
    let token = tokens.into_iter().find(|token| token.kind == place::Kind::Word && is_here(token))?;
    let (word, text) = WORDS.iter().find(|(word, _)| *word == token.text)?;
    Some((Span::new(file.id, token.range.start, token.range.end), format!("**{word}**: {text}")))
}

/// A step where it is used: its sentence, and the field that is taken from it. The queries stand at its definition.
fn step_field(file: LiveFile<'_>, used: Span, name: Span) -> String {
    let sentence = rule_of(file, name).and_then(|rule| {
        let index = rule.chain.steps.iter().position(|step| step.name.span == name)?;
        Explanation::of(rule).steps.get(index).cloned()
    });
    let behind = Span { start: used.end.saturating_add(1), end: used.end.saturating_add(1), ..used };
    let catalog = &file.state.checked.environment.catalog;
    let taken = file.state.resolutions.at(behind).and_then(|found| {
        let (source, field) = found.meaning.field()?;
        self::field(catalog.source(source)?, field)
    });
    let said: Vec<String> = taken.into_iter().chain(sentence).collect();
    if said.is_empty() { "**step**".to_owned() } else { said.join("\n\n") }
}

fn source(source: &Source) -> String {
    let targets = source.targets.iter().map(|(target, mapping)| {
        let words: Vec<String> = mapping.words.iter().map(|(key, value)| format!("{key}: {value}")).collect();
        let from = if mapping.from.0.is_empty() { words.join(", ") } else { mapping.from.0.join(", ") };
        format!("| {target} | `{}` |", cell(&from))
    });
    let targets: Vec<String> = targets.collect();
    format!(
        "**{}** {}\n\n{}\n\n{} fields, up to {} late\n\n| target | where |\n|---|---|\n{}",
        source.name,
        source.title,
        source.description,
        source.fields.len(),
        ir::duration(source.lateness(0)),
        targets.join("\n")
    )
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// A field: what it means, and where it is in each target.
pub(super) fn field(source: &Source, name: &str) -> Option<String> {
    let field = source.field(name)?;
    let mut out =
        format!("**{}** ({}), {}\n\n{}", name, describe::type_name(field.ty), source.name, field.description);
    let more = [
        (!field.values.is_empty()).then(|| format!("values: {}", field.values.join(", "))),
        field.requires.as_ref().map(|requires| format!("needs: {requires}")),
        field.weak_key.as_ref().map(|reason| format!("weak join key: {reason}")),
    ];
    for line in more.into_iter().flatten() {
        out.push_str("\n\n");
        out.push_str(&line);
    }
    out.push_str("\n\n| target | where |\n|---|---|");
    for (target, column) in &field.columns {
        let row = format!("\n| {target} | {} |", cell(&describe::column(column)));
        out.push_str(&row);
    }
    let lake = in_lake(source, name);
    if !lake.is_empty() {
        let row = format!("\n| sql | {} |", cell(&lake.join(", ")));
        out.push_str(&row);
    }
    Some(out)
}

/// Where a field is in the table of a lake: its raw paths, or the columns that hold them.
fn in_lake(source: &Source, name: &str) -> Vec<String> {
    let (Some(lake), Some(field)) = (source.targets.get("sql"), source.field(name)) else {
        return Vec::new();
    };
    let paths: Vec<&str> = match &field.raw {
        Some(_) if lake.not_held => Vec::new(),
        Some(Raw::Path(path)) => vec![path],
        Some(Raw::Variants(variants)) => variants.iter().flat_map(RawVariant::paths).collect(),
        None => Vec::new(),
    };
    let stored = paths.into_iter().map(|path| {
        let Some(stored) = lake.stored.get(path) else { return format!("`{path}`") };
        let places = stored.split(" as ").next().unwrap_or_default().split(" or ");
        let columns = places.filter_map(|place| place.split(' ').next_back());
        columns.map(|column| format!("`{column}`")).collect::<Vec<_>>().join(" or ")
    });
    stored.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
}

/// The rule of a file that holds a span, if it has no errors.
fn rule_of(file: LiveFile<'_>, span: Span) -> Option<&Rule> {
    file.state.checked.rules.iter().find(|rule| rule.span.contains(span))
}

/// A step: what it says, and where its source is in each target.
fn step(file: LiveFile<'_>, name: Span) -> Option<String> {
    let rule = rule_of(file, name)?;
    let index = rule.chain.steps.iter().position(|step| step.name.span == name)?;
    let said = Explanation::of(rule).steps.get(index)?.clone();
    let step = rule.chain.steps.get(index)?;
    let columns = |target: &&str| {
        let source = file.state.checked.environment.catalog.source(&step.main.source.node)?;
        let fields = rule.chain.fields_read(index, &step.main);
        let read = fields.iter().filter_map(|field| {
            let column = source.field(field)?.columns.get(*target)?;
            Some(format!("`{field}` → {}", cell(&describe::column(column))))
        });
        Some(format!("| {target} | {} |", read.collect::<Vec<_>>().join("<br>")))
    };
    let meant = ALL.iter().map(|target| target.name()).filter(|target| is_meant_for(rule, target));
    let rows: Vec<String> = meant.filter_map(|target| columns(&target)).collect();
    let pieces: String = emissions(file, rule).iter().map(|emission| piece(rule, index, emission)).collect();
    Some(format!("{said}\n\n| target | reads |\n|---|---|\n{}\n{pieces}", rows.join("\n")))
}

/// What a target makes of a step: those lines of its query. Nothing if the target does not say where they are.
fn piece(rule: &Rule, step: usize, emission: &Emission) -> String {
    /// A hover is read at a glance, and a long allowlist may stand in the query.
    const LONGEST: usize = 4_000;
    let Some(span) = rule.chain.steps.get(step).map(|step| step.span) else { return String::new() };
    let (mut out, mut told) = (String::new(), std::collections::HashSet::new());
    for part in &emission.parts {
        let mut found: Vec<_> = origin::of(rule, emission.target, &part.text);
        found.retain(|origin| origin.span == span);
        let mut pieces: Vec<String> = found.iter().map(|origin| origin.lines(&part.text)).collect();
        if pieces.is_empty() && rule.chain.steps.len() == 1 {
            pieces.push(part.text.clone());
        }
        for piece in pieces {
            // A target with several queries has the step in each of them.
            if !told.insert(piece.clone()) {
                continue;
            }
            let shown: String = piece.chars().take(LONGEST).collect();
            let more = if shown.len() < piece.len() { " …\n" } else { "" };
            // Comments of SPL stand between three marks.
            let (title, target) = (title(emission), emission.target);
            let block = format!("\n**{title}**\n\n````{target}\n{shown}{more}````\n");
            out.push_str(&block);
        }
    }
    out
}

fn param(live: &Live, file: LiveFile<'_>, name: Span) -> String {
    let written = live.sources().snippet(name);
    let known = rule_of(file, name)
        .and_then(|rule| rule.params.iter().find(|param| param.name.span == name).map(|param| (rule, param)));
    let Some((rule, param)) = known else { return format!("**parameter** `{written}`") };
    let value = match &param.value {
        ir::ParamValue::Duration(seconds) => ir::duration(*seconds),
        ir::ParamValue::Int(number) => number.to_string(),
        ir::ParamValue::Float(number) => number.to_string(),
        ir::ParamValue::String(text) => format!("{text:?}"),
        ir::ParamValue::Bool(truth) => truth.to_string(),
    };
    let set = if param.overridden { ", set by the environment" } else { "" };
    format!("**parameter** `{written}` = {value}{set}\n\n{}", schedules(file, rule))
}

/// What the rules of the file ask of a lookup, with the number of rows that pass.
fn lookup(file: LiveFile<'_>, name: Span) -> Option<String> {
    let lists = file.state.checked.rules.iter().flat_map(|rule| &rule.lists);
    let tests: Vec<_> = lists
        .filter(|list| list.name.span == name)
        .filter_map(|list| Some((list.lookup.as_ref()?, list.entries.len())))
        .collect();
    let (first, _) = tests.first()?;
    let shown = tests.iter().map(|(lookup, count)| format!("\n- `{}`: {count} keys", lookup.test));
    Some(format!("**lookup** `{}`\n{}", first.name, shown.collect::<String>()))
}

fn list(file: LiveFile<'_>, name: Span) -> Option<String> {
    const SHOWN: usize = 8;
    let list =
        file.state.checked.rules.iter().flat_map(|rule| &rule.lists).find(|list| list.name.span == name)?;
    let shown = list.entries.iter().take(SHOWN).map(|entry| {
        let reason = entry.reason.as_ref().map_or(String::new(), |reason| format!(" {reason}"));
        format!("\n- `{}`{reason}", entry.text)
    });
    let shown: String = shown.collect();
    let more = list.entries.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!("\n- … {more} more") } else { String::new() };
    let expired = match list.expired.len() {
        0 => String::new(),
        count => format!("\n\n{count} expired"),
    };
    Some(format!(
        "**allowlist** `{}`: {} in force\n{shown}{more}{expired}",
        list.name.node,
        list.entries.len()
    ))
}

/// A duration in the chain: how often the queries must run because of it.
fn window(file: LiveFile<'_>, offset: usize) -> Option<(Span, String)> {
    let tokens = place::tokens(&file.source.text);
    let token = tokens.into_iter().find(|token| token.range.start <= offset && offset <= token.range.end)?;
    let seconds = crate::syntax::duration(token.text)?;
    let span = Span::new(file.id, token.range.start, token.range.end);
    let rule = rule_of(file, span)?;
    let late = format!("**{}** ({seconds} s)\n\n{}", token.text, schedules(file, rule));
    Some((span, late))
}

/// What the rule compiles to.
fn emissions(file: LiveFile<'_>, rule: &Rule) -> Vec<Emission> {
    let options = CompileOptions { allow_subset: true, ..CompileOptions::default() };
    compile_rule(&file.state.checked, rule, ALL, options, &mut Diagnostics::default())
}

fn title(emission: &Emission) -> &'static str {
    ALL.iter().find(|target| target.name() == emission.target).map_or("", |target| target.title())
}

/// How often each target must run a rule, and over how much time.
fn schedules(file: LiveFile<'_>, rule: &Rule) -> String {
    let emissions = emissions(file, rule);
    let rows = emissions
        .iter()
        .map(|emission| format!("| {} | {} |", title(emission), Query::of(emission).schedule));
    format!("| target | must run |\n|---|---|\n{}", rows.collect::<Vec<_>>().join("\n"))
}

//! What can be written at a position.
//!
//! In: a file and an offset. Out: completion items. Must not know: the grammar; `place` says where the position is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use lsp_types::CompletionItemKind as Is;
use serde_json::{Value, json};

use crate::backend::ALL;
use crate::catalog::{Catalog, Column, FieldDef, Raw, RawVariant, Source, describe};
use crate::check::DefinitionKind;
use crate::diag::Code;
use crate::ir::{EntityKind, Type};
use crate::project::{Live, LiveFile};
use crate::syntax;

use super::place::{Block, Kind, Scene, Token, is_closed, scene};
use super::{convert, hover};

const OPERATORS: [&str; 14] = [
    "==",
    "!=",
    "=~",
    "!~",
    "<",
    "<=",
    ">",
    ">=",
    "in",
    "like",
    "contains",
    "starts_with",
    "ends_with",
    "matches",
];
const SEVERITIES: [&str; 5] = ["informational", "low", "medium", "high", "critical"];
const STATUSES: [&str; 4] = ["experimental", "test", "stable", "deprecated"];
/// Clauses of a rule that are no metadata, as snippets.
const CLAUSES: [(&str, &str); 6] = [
    ("allow", "allow ${1:W0804} \"${2:why it is accepted}\""),
    ("param", "param ${1:name} = ${2:15m}"),
    (
        "chain",
        "chain within ${1:30m} {\n  step ${2:first} from ${3:aws.cloudtrail}\n    where $4\n\n  then within ${5:15m} on ${6:actor.id}\n\n  step ${7:second} from ${8:aws.cloudtrail}\n    where $0\n}",
    ),
    ("alert", "alert {\n  entity ${1:account} $2\n  show   $3\n  dedupe ${4:24h} by $0\n}"),
    ("playbook", "playbook \"\"\"\n1. $0\n\"\"\""),
    ("test", "test \"${1:what it shows}\" {\n  $2 at 0s { $3 }\n  expect ${4:no alert}\n}"),
];

/// The items of a chain, as snippets.
const ITEMS: [(&str, &str); 3] = [
    ("step", "step ${1:name} from ${2:aws.cloudtrail}\n  where $0"),
    ("then", "then within ${1:15m} on $0"),
    ("together", "together within ${1:15m} on $2 {\n  $0\n}"),
];
/// The words of a chain behind which something of its own follows.
const PLACES: [&str; 13] = [
    "step", "from", "where", "except", "within", "first", "least", "distinct", "by", "on", "then",
    "together", "unless",
];
const COMPARISONS: [&str; 6] = ["==", "!=", "<", "<=", ">", ">="];
/// The types of a column of a lookup.
const TYPES: [&str; 6] = ["string", "int", "float", "bool", "ip", "time"];

pub(super) fn complete(live: &Live, file: LiveFile<'_>, offset: usize) -> Vec<Value> {
    let scene = scene(&file.source.text, offset);
    let catalog = &file.state.checked.environment.catalog;
    let string = match &scene.inside {
        Some(Token { kind: Kind::Text, text, range }) => {
            Some(range.start..if is_closed(text) { range.end } else { offset })
        }
        Some(_) => return Vec::new(),
        None => None,
    };
    let range = convert::range(file.source, string.clone().unwrap_or(scene.typed_at..offset));
    let mut asked = Asked { live, file, catalog, scene, items: Vec::new() };
    match asked.scene.block {
        Block::File => asked.in_file(),
        Block::List => asked.in_list(),
        Block::Rule => asked.in_rule(),
        Block::Chain => asked.in_chain(),
        Block::Alert => asked.in_alert(),
        Block::Test => asked.in_test(),
        Block::Event => asked.in_event(),
    }
    let mut items = asked.items;
    if string.is_some() {
        items.retain(|item| item["label"].as_str().is_some_and(|label| label.starts_with('"')));
    }
    for item in &mut items {
        let text = item.get("insertText").or(item.get("label")).cloned().unwrap_or_default();
        if let Some(item) = item.as_object_mut() {
            item.remove("insertText");
            item.insert("textEdit".to_owned(), json!({"range": range, "newText": text}));
        }
    }
    items
}

struct Asked<'a> {
    live: &'a Live,
    file: LiveFile<'a>,
    catalog: &'a Catalog,
    scene: Scene<'a>,
    items: Vec<Value>,
}

impl<'a> Asked<'a> {
    /// The texts of the clause so far.
    fn clause(&self) -> Vec<&'a str> {
        self.scene.clause.iter().map(|token| token.text).collect()
    }

    fn words(&mut self, words: &[&str], kind: Is) {
        self.items.extend(words.iter().map(|word| json!({"label": word, "kind": kind})));
    }

    fn snippets(&mut self, snippets: &[(&str, &str)]) {
        let snippet = |(label, text): &(&str, &str)| json!({"label": label, "kind": Is::SNIPPET, "insertText": text, "insertTextFormat": 2});
        self.items.extend(snippets.iter().map(snippet));
    }

    fn in_file(&mut self) {
        match self.clause().as_slice() {
            ["allowlist" | "lookup", _, ":"] => {
                let catalog = self.catalog;
                let mut seen = BTreeSet::new();
                for source in catalog.iter() {
                    let fields = source.fields.values().filter(|field| seen.insert(field.name.clone()));
                    self.items.extend(fields.map(|field| item(source, field, &field.name)));
                }
            }
            ["lookup", _, ":", _, "from", ..] => {}
            ["import"] => self.imports(),
            ["allowlist" | "lookup", _, ":", _, ..] => self.words(&["from"], Is::KEYWORD),
            _ => self.snippets(&[
                ("rule", "rule ${1:name} {\n  title       \"$2\"\n  description \"$3\"\n  severity    ${4:medium}\n\n  $0\n}"),
                ("allowlist", "allowlist ${1:name}: ${2:field} {\n  $0\n}"),
                ("lookup", "lookup ${1:name}: ${2:field} from \"${3:table.csv}\" { ${4:column}: ${5:string} }"),
                ("import", "import \"$0\""),
            ]),
        }
    }

    /// The other rule files of the workspace, as this one imports them.
    fn imports(&mut self) {
        let own = self.file.path;
        let paths = self.live.files().map(|file| file.path).filter(|path| *path != own);
        let labels = paths.filter_map(|name| imported(own, name)).map(|path| format!("\"{path}\""));
        self.items.extend(labels.map(|label| json!({"label": label, "kind": Is::FILE})));
    }

    fn in_list(&mut self) {
        match (self.scene.head.first().copied(), self.clause().as_slice()) {
            (Some("lookup"), [.., ":"]) => self.words(&TYPES, Is::ENUM_MEMBER),
            (Some("lookup"), _) | (_, [] | [.., ","]) => {}
            _ => self.words(&["reason", "owner", "ticket", "until"], Is::KEYWORD),
        }
    }

    fn fields_of(&mut self, source: Option<&'a Source>) {
        let fields = source
            .into_iter()
            .flat_map(|source| source.fields.values().map(move |field| item(source, field, &field.name)));
        self.items.extend(fields);
    }

    fn in_rule(&mut self) {
        match self.clause().as_slice() {
            ["severity"] => self.words(&SEVERITIES, Is::ENUM_MEMBER),
            ["status"] => self.words(&STATUSES, Is::ENUM_MEMBER),
            ["targets"] | ["targets", .., ","] => {
                let names: Vec<&str> = ALL.iter().map(|target| target.name()).collect();
                self.words(&names, Is::ENUM_MEMBER);
            }
            ["allow"] => {
                let codes = Code::ALL.iter().filter(|code| code.id().starts_with('W'));
                let item = |code: &Code| json!({"label": code.id(), "kind": Is::ENUM_MEMBER, "detail": code.title()});
                self.items.extend(codes.map(item));
            }
            ["chain", .., "within"] | ["param", _, "="] => self.durations(),
            ["chain", .., "scope" | ","] => self.shared(0..self.scene.steps.len()),
            ["chain", ..] => self.words(&["within", "scope"], Is::KEYWORD),
            _ => {
                let given = self.metadata_given();
                let missing: Vec<&str> = syntax::metadata().filter(|key| !given.contains(*key)).collect();
                self.words(&missing, Is::KEYWORD);
                self.snippets(&CLAUSES);
            }
        }
    }

    /// The metadata that the rule around the position has.
    fn metadata_given(&self) -> BTreeSet<&'a str> {
        let offset = self.scene.typed_at;
        let around = |rule: &&crate::syntax::ast::Rule| {
            let range = rule.span.range();
            range.start <= offset && offset <= range.end
        };
        let rule = self.file.tree.rules.iter().find(around);
        let clauses = rule.map_or(&[][..], |rule| rule.clauses.as_slice());
        let key = |clause: &'a syntax::ast::Clause| match clause {
            syntax::ast::Clause::Meta(meta) => Some(meta.key.node.as_str()),
            syntax::ast::Clause::Allow(_)
            | syntax::ast::Clause::Param(_)
            | syntax::ast::Clause::Chain(_)
            | syntax::ast::Clause::Alert(_)
            | syntax::ast::Clause::Playbook(_)
            | syntax::ast::Clause::Test(_) => None,
        };
        clauses.iter().filter_map(key).collect()
    }

    /// From the last word of the language before the position, and what stands behind it, to what can follow.
    fn in_chain(&mut self) {
        let (before, count) = (self.scene.before, self.scene.steps.len());
        let here = before.saturating_sub(1);
        let clause = self.clause();
        let head = self.scene.head.clone();
        if head.last() == Some(&"as") {
            if matches!(clause.last(), None | Some(&("," | ":"))) {
                let from = head.iter().rposition(|word| *word == "from");
                let source = from.and_then(|at| head.get(at + 1)).and_then(|name| self.catalog.source(name));
                self.fields_of(source);
            }
            return;
        }
        let at = clause.iter().rposition(|word| PLACES.contains(word));
        let (opening, behind) = at.map_or(("", clause.as_slice()), |at| {
            (clause.get(at).copied().unwrap_or_default(), clause.get(at + 1..).unwrap_or_default())
        });
        let more = matches!(behind, [] | [.., ","]);
        let first = clause.first().copied().unwrap_or_default();
        match (first, opening) {
            (_, "step" | "unless") if behind.len() == 1 => self.words(&["from"], Is::KEYWORD),
            (_, "step" | "unless") => {}
            (_, "from") if more => self.sources(),
            (_, "from") => self.words(&["where", "as"], Is::KEYWORD),
            (_, "within") if more => self.durations(),
            ("then" | "together", "within") => self.words(&["on"], Is::KEYWORD),
            ("unless", "within") => self.words(&["before", "after", "on"], Is::KEYWORD),
            (_, "within") => {
                self.words(&["by"], Is::KEYWORD);
                self.after_condition();
            }
            (_, "least") if more => self.words(&["3"], Is::CONSTANT),
            (_, "least") => self.words(&["within", "distinct"], Is::KEYWORD),
            (_, "by" | "distinct") | ("unless", "on") if more => self.of_step(here, false),
            ("then", "on") if more || behind.last() == Some(&"==") => {
                self.shared(here..count.min(before + 1));
                self.of_step(here, true);
                self.of_step(before, true);
            }
            ("then", "on") => {
                self.words(&["where", "unless"], Is::KEYWORD);
                self.snippets(&ITEMS);
            }
            ("then", "where") => {
                self.of_step(here, true);
                self.of_step(before, true);
                self.words(&COMPARISONS, Is::OPERATOR);
                self.words(&["and", "unless"], Is::KEYWORD);
            }
            (_, "first" | "distinct" | "then" | "together") => self.words(&["within"], Is::KEYWORD),
            ("together", "on") if more => self.shared(before..count),
            (_, "by" | "on") => self.after_condition(),
            (_, "where" | "except") => self.condition(),
            _ => self.snippets(&ITEMS),
        }
    }

    /// Behind a condition, or a clause of a step.
    fn after_condition(&mut self) {
        self.words(&["except", "or from", "unless", "first within", "at least"], Is::KEYWORD);
        self.snippets(&ITEMS);
    }

    /// Behind `where` or `except`.
    fn condition(&mut self) {
        let Some(last) = self.scene.clause.last() else { return };
        let (text, kind) = (last.text, last.kind);
        let opens = ["where", "except", "and", "or", "not", "exists", "any", "all"].contains(&text);
        let is_list =
            text == "(" && self.scene.clause.iter().rev().nth(1).is_some_and(|one| is_operator(one.text));
        if is_operator(text) || is_list || text == "," {
            self.values(text == "in");
        } else if opens || text == "(" {
            self.of_step(self.scene.before.saturating_sub(1), false);
            self.columns(self.scene.before.saturating_sub(1));
            self.words(&["not", "exists", "any", "all"], Is::KEYWORD);
        } else {
            if kind == Kind::Word {
                self.words(&OPERATORS, Is::OPERATOR);
            }
            self.words(&["and", "or"], Is::KEYWORD);
            self.after_condition();
        }
    }

    /// The values of the field before the operator, allowlists, parameters.
    fn values(&mut self, lists: bool) {
        let is_field = |text: &&str| !is_operator(text) && text.contains('.');
        let field = self.clause().into_iter().rev().find(is_field).unwrap_or_default();
        let source = self.source(self.scene.before.saturating_sub(1));
        self.values_of(source.and_then(|source| source.field(field)));
        if lists {
            let known = self.live.files().flat_map(|file| &file.state.resolutions.definitions);
            let names = known.filter(|one| one.kind == DefinitionKind::List);
            let names: BTreeSet<String> = names.map(|one| one.name.node.clone()).collect();
            self.items.extend(
                names.iter().map(|name| json!({"label": name, "kind": Is::VARIABLE, "detail": "allowlist"})),
            );
        } else {
            let params = self.scene.params.clone();
            self.words(&params, Is::CONSTANT);
        }
    }

    fn values_of(&mut self, field: Option<&FieldDef>) {
        let Some(field) = field else { return };
        let texts =
            field.values.iter().map(|value| json!({"label": format!("\"{value}\""), "kind": Is::VALUE}));
        self.items.extend(texts);
        if field.ty == Type::Bool {
            self.words(&["true", "false"], Is::VALUE);
        }
    }

    fn in_alert(&mut self) {
        match self.clause().as_slice() {
            ["entity"] => self.words(&EntityKind::ALL.map(EntityKind::name), Is::ENUM_MEMBER),
            ["dedupe"] => self.durations(),
            ["dedupe", _] => self.words(&["by"], Is::KEYWORD),
            ["entity", _] | ["show"] | [.., "by" | ","] => self.step_fields(),
            _ => self.words(&["entity", "show", "dedupe"], Is::KEYWORD),
        }
    }

    /// `step.field`, of every step; fields once the step is there.
    fn step_fields(&mut self) {
        for index in 0..self.scene.steps.len() {
            self.of_step(index, true);
        }
    }

    fn in_test(&mut self) {
        match self.clause().as_slice() {
            [.., "of" | "from"] => self.sources(),
            [.., "at"] => self.durations(),
            ["expect"] => self.words(&["alert at", "no alert"], Is::KEYWORD),
            ["event"] => self.words(&["of"], Is::KEYWORD),
            [_] => self.words(&["at"], Is::KEYWORD),
            _ => {
                let steps = self.scene.steps.clone();
                for (name, source) in steps {
                    self.items.push(json!({"label": name, "kind": Is::EVENT, "detail": source}));
                }
                self.words(&["event of", "expect alert at", "expect no alert"], Is::KEYWORD);
            }
        }
    }

    /// The fields of a test event.
    fn in_event(&mut self) {
        let head = self.scene.head.clone();
        let source = match head.as_slice() {
            ["event", "of", source, ..] => self.catalog.source(source),
            [step, ..] => {
                let index = self.scene.steps.iter().position(|(name, _)| name == step);
                index.and_then(|index| self.source(index))
            }
            [] => None,
        };
        match self.clause().as_slice() {
            [.., field, ":"] => self.values_of(source.and_then(|source| source.field(field))),
            [] | [.., ","] => {
                self.fields_of(source);
            }
            _ => {}
        }
    }

    fn source(&self, step: usize) -> Option<&'a Source> {
        self.catalog.source(self.scene.steps.get(step)?.1)
    }

    /// The fields of a step, with its name before them or without.
    fn of_step(&mut self, step: usize, named: bool) {
        let Some(source) = self.source(step) else { return };
        let name = self.scene.steps.get(step).map_or("", |(name, _)| *name);
        let label =
            |field: &FieldDef| if named { format!("{name}.{}", field.name) } else { field.name.clone() };
        self.items.extend(source.fields.values().map(|field| item(source, field, &label(field))));
    }

    /// The columns of the lookups whose key a step has.
    fn columns(&mut self, step: usize) {
        let Some(source) = self.source(step) else { return };
        let all = self.live.files().flat_map(|file| &file.tree.lookups);
        let known = all.filter(|lookup| source.field(&lookup.key.node).is_some());
        let columns = known.flat_map(|lookup| {
            let name = &lookup.name.node;
            lookup.columns.iter().map(move |(column, ty)| (format!("{name}.{}", column.node), &ty.node))
        });
        let columns: BTreeMap<String, &String> = columns.collect();
        self.items
            .extend(columns.iter().map(|(name, ty)| json!({"label": name, "kind": Is::FIELD, "detail": ty})));
    }

    /// The fields that all of some steps have with one type.
    fn shared(&mut self, steps: std::ops::Range<usize>) {
        let sources: Vec<&Source> = steps.filter_map(|step| self.source(step)).collect();
        let Some((first, others)) = sources.split_first() else { return };
        let has = |source: &&Source, field: &FieldDef| {
            source.field(&field.name).is_some_and(|other| other.ty == field.ty)
        };
        let fields = first.fields.values().filter(|field| others.iter().all(|source| has(source, field)));
        self.items.extend(
            fields
                .filter(|field| field.weak_key.is_none() && field.ty != Type::Time)
                .map(|field| item(first, field, &field.name)),
        );
    }

    fn sources(&mut self) {
        let catalog = self.catalog;
        let source = |source: &Source| json!({"label": source.name, "kind": Is::MODULE, "detail": source.title, "documentation": source.description});
        self.items.extend(catalog.iter().map(source));
    }

    /// Durations with the number that is typed, and the parameters.
    fn durations(&mut self) {
        let digits: String = self.scene.typed.chars().take_while(char::is_ascii_digit).collect();
        let number = if digits.is_empty() { "10" } else { &digits };
        let units = [("s", "seconds"), ("m", "minutes"), ("h", "hours"), ("d", "days")];
        let unit = |(unit, name): (&str, &str)| json!({"label": format!("{number}{unit}"), "kind": Is::UNIT, "detail": format!("{number} {name}")});
        self.items.extend(units.map(unit));
        let params = self.scene.params.clone();
        self.words(&params, Is::CONSTANT);
    }
}

/// The path of a file from the folder of another one.
fn imported(from: &Path, file: &Path) -> Option<String> {
    let (mut parts, mut folder) = (Vec::new(), from.parent()?);
    let below = loop {
        if let Ok(below) = file.strip_prefix(folder) {
            break below;
        }
        parts.push("..");
        folder = folder.parent()?;
    };
    for part in below {
        parts.push(part.to_str()?);
    }
    Some(parts.join("/"))
}

fn is_operator(text: &str) -> bool {
    OPERATORS.contains(&text.trim_end_matches('~')) || OPERATORS.contains(&text)
}

/// A field, found by the names that vendors have for it as well.
fn item(source: &Source, field: &FieldDef, label: &str) -> Value {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    let last = |path: &'_ str| path.rfind(['.', '>']).map_or(0, |at| at + 1);
    match &field.raw {
        Some(Raw::Path(path)) => _ = names.insert(path.get(last(path)..).unwrap_or_default()),
        Some(Raw::Variants(variants)) => {
            let paths = variants.iter().flat_map(RawVariant::paths);
            names.extend(paths.map(|path| path.get(last(path)..).unwrap_or_default()));
        }
        None => {}
    }
    let columns = field.columns.values().flat_map(Column::variants);
    names.extend(columns.filter_map(|mapped| mapped.field.as_deref()));
    let names: Vec<&str> = names.into_iter().collect();
    json!({
        "label": label,
        "kind": Is::FIELD,
        "detail": format!("{} of {}", describe::type_name(field.ty), source.name),
        "documentation": {"kind": "markdown", "value": hover::field(source, &field.name)},
        "filterText": format!("{label} {}", names.join(" ")),
    })
}

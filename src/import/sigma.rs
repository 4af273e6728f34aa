//! Sigma correlations and their base rules.
//!
//! In: YAML documents. Out: a draft. Must not know: files. After the Sigma specification 2.0; what is not understood is
//! said at its step.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::catalog::Source;
use crate::yaml;

use super::Given;
use super::cond::Cond;
use super::draft::{self, Draft, Step, link};
use super::field::{self, Op};

type Document = Map<String, Value>;

pub(super) fn draft(text: &str, given: &Given<'_>) -> Result<Draft, String> {
    let documents = documents(text)?;
    let of_kind =
        |kind: &str| documents.iter().filter(|document| document.contains_key(kind)).collect::<Vec<_>>();
    let (bases, correlations) = (of_kind("detection"), of_kind("correlation"));
    let names = |document: &Document| ["name", "id"].map(|key| text_of(document, key)).concat();
    // The one that no other refers to is the one that alerts.
    let referred: Vec<String> = correlations.iter().flat_map(|one| rules(one)).collect();
    let is_top = |one: &&&Document| !["name", "id"].iter().any(|key| referred.contains(&text_of(one, key)));
    let Some(top) = correlations.iter().find(is_top).or(correlations.last()) else {
        return Err(match bases.len() {
            0 => "it is neither an EQL sequence nor Sigma".to_owned(),
            _ => "there is no correlation: a single Sigma rule is no chain".to_owned(),
        });
    };
    let mut draft = head(top, given);
    let correlation = object(top, "correlation");
    kind(&correlation, &mut draft);
    if correlations.len() > 1 {
        let others = correlations.len() - 1;
        draft.lost.push(format!("{others} correlations that this one joins, with their windows and keys"));
    }
    let mut wanted = Vec::new();
    flatten(top, &correlations, &mut wanted, 0);
    let mut sources = Vec::new();
    for reference in &wanted {
        let base =
            bases.iter().find(|base| ["name", "id"].iter().any(|key| text_of(base, key) == *reference));
        let Some(base) = base else {
            draft.lost.push(format!("the base rule `{reference}`, which is not in the file"));
            continue;
        };
        let source = source(base, given)?;
        let mut step = step(base, source);
        let taken = draft.steps.iter().any(|other: &Step| other.name == step.name);
        if taken || step.name.is_empty() {
            step.name = format!("step_{}", draft.steps.len() + 1);
        }
        if let (Some(before), Some((earlier, name))) = (draft.steps.last(), sources.last()) {
            let pair = [(before.name.clone(), *earlier, *name), (step.name.clone(), source, reference)];
            links(&mut step, &correlation, &pair);
        }
        sources.push((source, reference));
        draft.steps.push(step);
    }
    if draft.steps.is_empty() {
        return Err(format!("none of the base rules of `{}` is in the file", names(top)));
    }
    Ok(draft)
}

/// The documents of a file, each with its keys.
fn documents(text: &str) -> Result<Vec<Document>, String> {
    let mut parts = vec![String::new()];
    for line in text.lines() {
        if line.trim_end() == "---" {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push_str(line);
            part.push('\n');
        }
    }
    let parts = parts.iter().filter(|part| !part.trim().is_empty());
    let read =
        |part: &String| yaml::read::<Value>(part).map_err(|error| format!("not YAML: {}", error.message));
    let documents: Vec<Value> = parts.map(read).collect::<Result<_, _>>()?;
    Ok(documents.into_iter().filter_map(|document| document.as_object().cloned()).collect())
}

fn text_of(document: &Document, key: &str) -> String {
    document.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn object(document: &Document, key: &str) -> Document {
    document.get(key).and_then(Value::as_object).cloned().unwrap_or_default()
}

/// One text or a list of them.
fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Array(values)) => values.iter().map(plain).collect(),
        Some(Value::Null) | None => Vec::new(),
        Some(value @ (Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Object(_))) => {
            vec![plain(value)]
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn rules(correlation: &Document) -> Vec<String> {
    texts(object(correlation, "correlation").get("rules"))
}

/// The base rules of a correlation, through those that it joins, each once, in their order.
fn flatten(top: &Document, all: &[&Document], found: &mut Vec<String>, depth: usize) {
    for reference in rules(top) {
        let inner = all.iter().find(|one| ["name", "id"].iter().any(|key| text_of(one, key) == reference));
        match inner {
            // A circle of references is no correlation.
            Some(inner) if depth < 8 => flatten(inner, all, found, depth + 1),
            Some(_) => {}
            None if found.contains(&reference) => {}
            None => found.push(reference),
        }
    }
}

fn head(top: &Document, given: &Given<'_>) -> Draft {
    let title = text_of(top, "title");
    let named = [text_of(top, "name"), title.clone()].into_iter().find(|name| !name.is_empty());
    let correlation = object(top, "correlation");
    let attack = texts(top.get("tags")).into_iter().filter_map(|tag| {
        let id = tag.strip_prefix("attack.")?.to_ascii_uppercase();
        id.strip_prefix('T').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())).then_some(id)
    });
    let span = text_of(&correlation, "timespan");
    let is_span = crate::syntax::duration(&span).is_some();
    Draft {
        name: draft::name(&named.unwrap_or_default(), &draft::name(given.name, "imported_correlation")),
        title: title.trim_end_matches('.').to_owned(),
        id: given.id.clone(),
        description: text_of(top, "description").lines().next().unwrap_or_default().to_owned(),
        severity: match text_of(top, "level").as_str() {
            "informational" => "informational",
            "low" => "low",
            "high" => "high",
            "critical" => "critical",
            _ => "medium",
        },
        attack: attack.collect(),
        references: texts(top.get("references")),
        false_positives: texts(top.get("falsepositives"))
            .into_iter()
            .filter(|text| text != "Unknown")
            .collect(),
        lost: if is_span {
            Vec::new()
        } else {
            vec![format!("the timespan `{span}`; an hour stands in its place")]
        },
        total: if is_span { span } else { "1h".to_owned() },
        steps: Vec::new(),
    }
}

/// What the type of a correlation says beside the order of its rules.
fn kind(correlation: &Document, draft: &mut Draft) {
    match text_of(correlation, "type").as_str() {
        "temporal_ordered" => {}
        "temporal" => {
            draft.lost.push("the rules may come in any order; here they come in this one".to_owned());
        }
        other => {
            let condition = correlation.get("condition").map_or_else(String::new, Value::to_string);
            draft.lost.push(format!("the correlation `{other}` with the condition {condition}"));
        }
    }
}

/// The source that a base rule's log source means.
fn source<'c>(base: &Document, given: &Given<'c>) -> Result<&'c Source, String> {
    if let Some(name) = given.source {
        return given.catalog.source(name).ok_or_else(|| format!("there is no source `{name}`"));
    }
    let wanted = object(base, "logsource");
    let score = |source: &&Source| {
        let Some(mapping) = source.targets.get("sigma") else { return 0 };
        let keys = ["product", "service", "category"];
        let same = |key: &&&str| {
            let wanted = text_of(&wanted, key);
            !wanted.is_empty() && mapping.words.get(**key).is_some_and(|word| *word == wanted)
        };
        let differs = |key: &&str| {
            let wanted = text_of(&wanted, key);
            !wanted.is_empty() && mapping.words.get(*key).is_some_and(|word| *word != wanted)
        };
        if keys.iter().any(differs) { 0 } else { keys.iter().filter(same).count() }
    };
    let best = given.catalog.iter().max_by_key(score).filter(|source| score(source) > 0);
    best.ok_or_else(|| {
        let shown: Vec<String> =
            wanted.iter().map(|(key, value)| format!("{key}: {}", plain(value))).collect();
        format!("no source is the log source {{ {} }}; name one with `--source-of`", shown.join(", "))
    })
}

/// The links that the keys of a correlation make of two neighbours: name, source and reference of each.
fn links(step: &mut Step, correlation: &Document, pair: &[(String, &Source, &String); 2]) {
    let aliases = object(correlation, "aliases");
    for key in texts(correlation.get("group-by")) {
        let name = |reference: &str| {
            let alias = aliases.get(&key).and_then(Value::as_object).and_then(|alias| alias.get(reference));
            alias.and_then(Value::as_str).unwrap_or(&key).to_owned()
        };
        let [(before, source, reference), (here, own, other)] = pair;
        let found = (field::find(source, "sigma", &name(reference)), field::find(own, "sigma", &name(other)));
        match found {
            (Ok(left), Ok(right)) => {
                step.links.push(link((before, source, &left.name), (here, own, &right.name)));
            }
            (Err(why), _) | (_, Err(why)) => step.lost.push(format!("the key `{key}`: {why}")),
        }
    }
}

fn step(base: &Document, source: &Source) -> Step {
    let detection = object(base, "detection");
    let condition = texts(detection.get("condition")).join(" or ");
    let mut reader =
        Reader { detection: &detection, source, lost: Vec::new(), named: BTreeMap::new(), is_lossy: false };
    let tokens = condition.replace('(', " ( ").replace(')', " ) ");
    let tokens: Vec<&str> = tokens.split_whitespace().collect();
    let mut at = 0;
    let read = reader.or(&tokens, &mut at);
    if at < tokens.len() {
        let rest = tokens.get(at..).unwrap_or_default().join(" ");
        reader.lost.push(format!("the end of the condition: {rest}"));
    }
    let names = [text_of(base, "name"), text_of(base, "title")];
    let name = names.iter().find(|name| !name.is_empty()).map_or(String::new(), |text| draft::name(text, ""));
    Step { name, source: source.name.clone(), condition: read, links: Vec::new(), lost: reader.lost }
}

struct Reader<'d> {
    detection: &'d Document,
    source: &'d Source,
    lost: Vec<String>,
    /// Selections that were read, so that what they lose is said once; and whether they lose anything.
    named: BTreeMap<String, (Option<Cond>, bool)>,
    /// Whether something was lost in what is being read.
    is_lossy: bool,
}

impl Reader<'_> {
    fn or(&mut self, tokens: &[&str], at: &mut usize) -> Option<Cond> {
        let mut parts = vec![self.and(tokens, at)];
        while tokens.get(*at) == Some(&"or") {
            *at += 1;
            parts.push(self.and(tokens, at));
        }
        self.any(parts)
    }

    fn and(&mut self, tokens: &[&str], at: &mut usize) -> Option<Cond> {
        let mut parts = vec![self.unary(tokens, at, 0)];
        while tokens.get(*at) == Some(&"and") {
            *at += 1;
            parts.push(self.unary(tokens, at, 0));
        }
        Cond::all(parts)
    }

    fn unary(&mut self, tokens: &[&str], at: &mut usize, depth: usize) -> Option<Cond> {
        let token = tokens.get(*at).copied().unwrap_or_default();
        *at += 1;
        match (token, tokens.get(*at).copied()) {
            ("not", Some("1" | "any")) if tokens.get(*at + 1) == Some(&"of") => {
                *at += 2;
                let names = self.of(tokens.get(*at).copied().unwrap_or_default());
                *at += 1;
                // None of them: each that is whole can be said alone.
                let before = std::mem::take(&mut self.is_lossy);
                let mut parts = Vec::new();
                for name in names {
                    self.is_lossy = false;
                    let part = self.selection(&name).filter(|_| !self.is_lossy);
                    parts.push(part.map(Cond::not));
                }
                self.is_lossy = before;
                Cond::all(parts)
            }
            ("not", _) if depth < 64 => {
                let before = std::mem::take(&mut self.is_lossy);
                let inner = self.unary(tokens, at, depth + 1).map(Cond::not);
                // The opposite of a part would exclude more than the opposite of the whole.
                let inner = inner.filter(|_| !self.is_lossy);
                self.is_lossy |= before;
                inner
            }
            ("(", _) => {
                let inner = self.or(tokens, at);
                *at += usize::from(tokens.get(*at) == Some(&")"));
                inner
            }
            ("1" | "any" | "all", Some("of")) => {
                let pattern = tokens.get(*at + 1).copied().unwrap_or_default();
                *at += 2;
                let names = self.of(pattern);
                let parts: Vec<Option<Cond>> = names.iter().map(|name| self.selection(name)).collect();
                if token == "all" { Cond::all(parts) } else { self.any(parts) }
            }
            ("", _) => None,
            (name, _) => self.selection(name),
        }
    }

    /// One of the parts. If one is lost, so are the others, which is said too.
    fn any(&mut self, parts: Vec<Option<Cond>>) -> Option<Cond> {
        if parts.len() > 1 && parts.iter().any(Option::is_some) && parts.iter().any(Option::is_none) {
            self.lost.push("with it, what is joined to it by `or`".to_owned());
        }
        Cond::any(parts)
    }

    /// The selections that a pattern names.
    fn of(&self, pattern: &str) -> Vec<String> {
        let prefix = if pattern == "them" { "" } else { pattern.trim_end_matches('*') };
        let fits = |name: &&String| name.as_str() != "condition" && name.starts_with(prefix);
        self.detection.keys().filter(fits).cloned().collect()
    }

    fn selection(&mut self, name: &str) -> Option<Cond> {
        if let Some((known, is_lossy)) = self.named.get(name) {
            self.is_lossy |= is_lossy;
            return known.clone();
        }
        let before = std::mem::take(&mut self.is_lossy);
        let detection = self.detection;
        let read = match detection.get(name) {
            Some(value) => self.value(name, value),
            None => self.lose(name, "there is no such selection"),
        };
        self.named.insert(name.to_owned(), (read.clone(), self.is_lossy));
        self.is_lossy |= before;
        read
    }

    fn value(&mut self, name: &str, value: &Value) -> Option<Cond> {
        match value {
            Value::Object(fields) => {
                let parts: Vec<Option<Cond>> =
                    fields.iter().map(|(key, value)| self.field(key, value)).collect();
                Cond::all(parts)
            }
            Value::Array(items) if items.iter().all(Value::is_object) => {
                let parts: Vec<Option<Cond>> = items.iter().map(|item| self.value(name, item)).collect();
                self.any(parts)
            }
            Value::Array(_) | Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => {
                self.lose(name, "words without a field")
            }
        }
    }

    fn field(&mut self, key: &str, value: &Value) -> Option<Cond> {
        let mut parts = key.split('|');
        let name = parts.next().unwrap_or_default();
        let modifiers: Vec<&str> = parts.collect();
        let found = match field::find(self.source, "sigma", name) {
            Ok(found) => found,
            Err(why) => return self.lose(name, &why),
        };
        let known = [
            "contains",
            "startswith",
            "endswith",
            "re",
            "cidr",
            "lt",
            "lte",
            "gt",
            "gte",
            "exists",
            "cased",
            "all",
            "i",
        ];
        if let Some(other) = modifiers.iter().find(|modifier| !known.contains(modifier)) {
            return self.lose(name, &format!("the modifier `{other}` is not known"));
        }
        let has = |modifier: &str| modifiers.contains(&modifier);
        let values = match value {
            Value::Array(values) => values.clone(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                vec![value.clone()]
            }
        };
        if has("exists") {
            let exists = field::exists(found);
            return Some(if value.as_bool() == Some(false) { exists.not() } else { exists });
        }
        // Nothing, and the empty text, which stands for it.
        let is_nothing = |value: &Value| value.is_null() || value.as_str() == Some("");
        let (nothing, some): (Vec<Value>, Vec<Value>) = values.into_iter().partition(is_nothing);
        let missing = (!nothing.is_empty()).then(|| field::exists(found).not());
        let texts: Vec<String> = some.iter().map(plain).collect();
        let tested = if has("all") {
            let each: Vec<Option<Cond>> =
                texts.iter().map(|one| self.test(found, &modifiers, std::slice::from_ref(one))).collect();
            Cond::all(each)
        } else if texts.is_empty() {
            return missing;
        } else {
            self.test(found, &modifiers, &texts)
        };
        match missing {
            Some(missing) => Cond::any([Some(missing), tested]),
            None => tested,
        }
    }

    fn test(
        &mut self,
        found: &crate::catalog::FieldDef,
        modifiers: &[&str],
        values: &[String],
    ) -> Option<Cond> {
        let kinds = [
            ("contains", Op::Contains),
            ("startswith", Op::Starts),
            ("endswith", Op::Ends),
            ("re", Op::Matches),
            ("cidr", Op::Network),
            ("lt", Op::Order("<")),
            ("lte", Op::Order("<=")),
            ("gt", Op::Order(">")),
            ("gte", Op::Order(">=")),
        ];
        let stated = kinds.iter().find(|(name, _)| modifiers.contains(name)).map(|(_, op)| *op);
        let folds = !modifiers.contains(&"cased");
        let has_wildcard = |value: &&String| value.contains(['*', '?']);
        let (patterns, exact): (Vec<&String>, Vec<&String>) = values.iter().partition(has_wildcard);
        let owned = |values: Vec<&String>| values.into_iter().cloned().collect::<Vec<_>>();
        let made = match stated {
            // Wildcards count in parts of a text too.
            Some(op @ (Op::Contains | Op::Starts | Op::Ends)) if !patterns.is_empty() => {
                let before = if op == Op::Starts { "" } else { "*" };
                let behind = if op == Op::Ends { "" } else { "*" };
                let whole: Vec<String> =
                    values.iter().map(|value| format!("{before}{value}{behind}")).collect();
                field::test(found, Op::Like, &whole, folds)
            }
            Some(op) => field::test(found, op, values, folds),
            None if patterns.is_empty() => field::test(found, Op::Equal, values, folds),
            None if exact.is_empty() => field::test(found, Op::Like, values, folds),
            None => field::test(found, Op::Equal, &owned(exact), folds).and_then(|one| {
                let other = field::test(found, Op::Like, &owned(patterns), folds)?;
                Ok(Cond::Or(vec![one, other]))
            }),
        };
        made.map_or_else(|why| self.lose(&found.name, &why), Some)
    }

    fn lose(&mut self, name: &str, why: &str) -> Option<Cond> {
        self.lost.push(format!("`{name}`: {why}"));
        self.is_lossy = true;
        None
    }
}

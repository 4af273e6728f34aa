//! Whether a document has a form: every key and value that does not fit, in one pass.
//!
//! In: a tree, a form. Out: findings, and a value of the form in which stand-ins take the place of what does not fit.
//! Must not know: what the keys are for.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{Document, Form, Key};
use crate::diag::{Code, Diagnostic, Diagnostics, nearest};
use crate::source::Span;
use crate::yaml::{self, Content, Node};

/// What came of checking a document.
#[derive(Debug, Clone)]
pub struct Checked {
    /// A value of the form.
    pub value: Value,
    /// The paths of what does not fit: nothing that depends on these can be said.
    pub broken: Vec<Vec<String>>,
}

/// Checks a document against a form; `None`, after a finding, if it is not YAML at all.
pub fn check(document: &Document, form: &Form, diags: &mut Diagnostics) -> Option<Checked> {
    match document.tree() {
        Ok(node) => {
            let mut checker = Checker { document, diags, path: Vec::new(), broken: Vec::new() };
            let value = checker.value(node, document.find([]).span, form);
            Some(Checked { value, broken: checker.broken })
        }
        Err(error) => {
            let found = Diagnostic::new(
                Code::BadYaml,
                document.word(error.offset.unwrap_or_default()),
                &*error.message,
            )
            .label("the rest of the file was not looked at");
            diags.push(found);
            None
        }
    }
}

impl Checked {
    /// Whether something at this path, below or around it does not fit. What speaks of the file as a whole, or of one
    /// key of it, hangs on what encloses it alone.
    #[must_use]
    pub fn is_broken(&self, path: &[&str]) -> bool {
        let begins = |long: &[&str], short: &[&str]| long.get(..short.len()) == Some(short);
        self.broken.iter().any(|broken| {
            let broken: Vec<&str> = broken.iter().map(String::as_str).collect();
            begins(path, &broken) || (path.len() > 1 && begins(&broken, path))
        })
    }
}

struct Checker<'a> {
    document: &'a Document,
    diags: &'a mut Diagnostics,
    path: Vec<String>,
    broken: Vec<Vec<String>>,
}

impl Checker<'_> {
    /// The value of a node, whose own place is `place` where it has none that can be shown.
    fn value(&mut self, node: &Node, place: Span, form: &Form) -> Value {
        match (form, &node.content) {
            (Form::Either(forms), content) => match forms.iter().find(|form| takes(form, content)) {
                Some(form) => self.value(node, place, form),
                None => self.misfit(place, form),
            },
            (Form::Filled(_), content) if is_empty(content) => self.misfit(place, form),
            (Form::OrNull(_), Content::Null) => Value::Null,
            (Form::Filled(form) | Form::OrNull(form), _) => self.value(node, place, form),
            (Form::Text, Content::Scalar(text)) => Value::String(text.clone()),
            (Form::Word(words), Content::Scalar(text)) => self.word(words, text, place, form),
            // By the reader that serde uses, so that form and type agree on what a number is.
            (Form::Count, Content::Scalar(text)) => match yaml::read::<u64>(text) {
                Ok(count) => Value::from(count),
                Err(_) => self.misfit(place, form),
            },
            (Form::Truth, Content::Scalar(text)) => match yaml::read::<bool>(text) {
                Ok(truth) => Value::Bool(truth),
                Err(_) => self.misfit(place, form),
            },
            (Form::Notation(notation), Content::Scalar(text)) => {
                if (notation.fits)(text) {
                    Value::String(text.clone())
                } else {
                    self.misfit(place, form)
                }
            }
            (Form::List(item), Content::List(items)) => {
                let mut values = Vec::new();
                for (number, node) in items.iter().enumerate() {
                    values.push(self.below(&number.to_string(), node, None, item));
                }
                Value::Array(values)
            }
            (Form::Map(value), Content::Map(_)) => self.map(node, |_| Some(*value)),
            (Form::Keys(keys), Content::Map(_)) => self.keys(node, place, keys),
            (
                Form::Text
                | Form::Word(_)
                | Form::Count
                | Form::Truth
                | Form::Notation(_)
                | Form::List(_)
                | Form::Map(_)
                | Form::Keys(_),
                Content::Null | Content::Scalar(_) | Content::List(_) | Content::Map(_),
            ) => self.misfit(place, form),
        }
    }

    fn below(&mut self, part: &str, node: &Node, key: Option<Span>, form: &Form) -> Value {
        self.path.push(part.to_owned());
        let own = match (&node.content, key) {
            (Content::Scalar(_), _) | (_, None) if !node.range.is_empty() => {
                self.document.span(node.range.clone())
            }
            (_, Some(key)) => key,
            (_, None) => self.document.find(self.path.iter().map(String::as_str)).span,
        };
        let value = self.value(node, own, form);
        self.path.pop();
        value
    }

    fn map<'f>(&mut self, node: &Node, form: impl Fn(&str) -> Option<&'f Form>) -> Value {
        let Content::Map(entries) = &node.content else { return Value::Null };
        let mut map = Map::new();
        let mut first: HashMap<&str, Span> = HashMap::new();
        for (key, value) in entries {
            let span = self.document.span(key.range.clone());
            if let Some(&first) = first.get(key.name.as_str()) {
                let title = format!("the key `{}` occurs twice", key.name);
                self.diags
                    .push(Diagnostic::new(Code::SettingsInvalid, span, title).also(first, "first here"));
                self.breaks(Some(&key.name));
                continue;
            }
            first.insert(&key.name, span);
            if let Some(form) = form(&key.name) {
                map.insert(key.name.clone(), self.below(&key.name, value, Some(span), form));
            }
        }
        Value::Object(map)
    }

    fn keys(&mut self, node: &Node, place: Span, keys: &'static [Key]) -> Value {
        let Content::Map(entries) = &node.content else { return Value::Null };
        let mut meant = Vec::new();
        for (key, _) in entries.iter().filter(|(key, _)| !keys.iter().any(|known| known.name == key.name)) {
            let span = self.document.span(key.range.clone());
            let free = keys.iter().map(|known| known.name).filter(|known| node.get(known).is_none());
            // A key that is misspelt is not missing too.
            meant.extend(nearest(&key.name, free.clone()));
            let known: Vec<_> = keys.iter().map(|known| known.name).collect();
            let found = Diagnostic::new(Code::UnknownKey, span, format!("unknown key `{}`", key.name));
            self.diags
                .push(found.suggest(&key.name, free).help(format!("the keys here are {}", known.join(", "))));
            self.breaks(Some(&key.name));
        }
        let known = |name: &str| keys.iter().find(|known| known.name == name);
        let is_empty = |name: &str| node.get(name).is_some_and(|(_, value)| value.content == Content::Null);
        let form =
            |name: &str| known(name).filter(|key| !(key.nullable && is_empty(name))).map(|key| &key.form);
        let mut value = self.map(node, form);
        for key in keys.iter().filter(|key| key.required && node.get(key.name).is_none()) {
            if !meant.contains(&key.name) {
                let title = format!("the key `{}` is missing", key.name);
                let found = Diagnostic::new(Code::MissingKey, place, title).label("it must be given here");
                self.diags.push(found.help(format!("`{}`: {}", key.name, key.about)));
            }
            self.breaks(Some(key.name));
            if let Value::Object(map) = &mut value {
                map.insert(key.name.to_owned(), stand_in(&key.form));
            }
        }
        value
    }

    fn word(&mut self, words: &'static [&'static str], text: &str, place: Span, form: &Form) -> Value {
        if words.contains(&text) {
            return Value::String(text.to_owned());
        }
        let found = Diagnostic::new(Code::SettingsInvalid, place, format!("`{text}` cannot stand here"));
        let found = found.label(format!("expected {}", expected(form)));
        self.diags.push(found.suggest(text, words.iter().copied()));
        self.breaks(None);
        stand_in(form)
    }

    fn misfit(&mut self, place: Span, form: &Form) -> Value {
        // The number of an item says nothing in a title; the key of its list does.
        let name = self.path.iter().rev().find(|part| part.parse::<usize>().is_err());
        let is_empty = self.document.tree().is_ok_and(|tree| tree.content == Content::Null);
        let title = match name {
            None if is_empty => "the file is empty".to_owned(),
            Some(name) => format!("the value of `{name}` has the wrong form"),
            None => "the file has the wrong form".to_owned(),
        };
        let label = format!("expected {}", expected(form));
        self.diags.push(Diagnostic::new(Code::SettingsInvalid, place, title).label(label));
        self.breaks(None);
        stand_in(form)
    }

    /// Notes that an entry here, or all that stands here, does not fit.
    fn breaks(&mut self, key: Option<&str>) {
        let path = self.path.iter().map(String::as_str).chain(key);
        self.broken.push(path.map(str::to_owned).collect());
    }
}

/// Whether a value of this kind can be of the form.
fn takes(form: &Form, content: &Content) -> bool {
    match form {
        Form::Text | Form::Word(_) | Form::Count | Form::Truth | Form::Notation(_) => {
            matches!(content, Content::Scalar(_))
        }
        Form::OrNull(form) => *content == Content::Null || takes(form, content),
        Form::Filled(form) => takes(form, content),
        Form::List(_) => matches!(content, Content::List(_)),
        Form::Map(_) | Form::Keys(_) => matches!(content, Content::Map(_)),
        Form::Either(forms) => forms.iter().any(|form| takes(form, content)),
    }
}

/// Whether a list or map has no entry.
fn is_empty(content: &Content) -> bool {
    match content {
        Content::List(items) => items.is_empty(),
        Content::Map(entries) => entries.is_empty(),
        Content::Null | Content::Scalar(_) => false,
    }
}

/// What may stand somewhere, in words.
fn expected(form: &Form) -> String {
    match form {
        Form::Text => "text".to_owned(),
        Form::Word(words) => {
            let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
            format!("one of {}", words.join(", "))
        }
        Form::Count => "an integer, 0 or more".to_owned(),
        Form::Truth => "`true` or `false`".to_owned(),
        Form::Notation(notation) => notation.title.to_owned(),
        Form::OrNull(form) => format!("{} or nothing", expected(form)),
        Form::Filled(form) => format!("{}, with at least one entry", expected(form)),
        Form::List(_) => "a list: `[one, another]`".to_owned(),
        Form::Map(_) | Form::Keys(_) => "keys with values: `key: value`".to_owned(),
        Form::Either(forms) => forms.iter().map(expected).collect::<Vec<_>>().join(", or "),
    }
}

/// A value of the form that says nothing.
fn stand_in(form: &Form) -> Value {
    match form {
        Form::Text | Form::Notation(_) => Value::String(String::new()),
        Form::Word(words) => Value::from(words.first().copied().unwrap_or_default()),
        Form::Count => Value::from(0),
        Form::Truth => Value::Bool(false),
        Form::OrNull(_) => Value::Null,
        Form::Filled(Form::List(item)) => Value::Array(vec![stand_in(item)]),
        Form::Filled(Form::Map(item)) => {
            Value::Object(std::iter::once((String::new(), stand_in(item))).collect())
        }
        Form::Filled(form) => stand_in(form),
        Form::List(_) => Value::Array(Vec::new()),
        Form::Map(_) => Value::Object(Map::new()),
        Form::Keys(keys) => {
            let required = keys.iter().filter(|key| key.required);
            Value::Object(required.map(|key| (key.name.to_owned(), stand_in(&key.form))).collect())
        }
        Form::Either(forms) => forms.first().map_or(Value::Null, stand_in),
    }
}

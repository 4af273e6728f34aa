//! The source that a Sigma log source means.
//!
//! In: the `logsource` of a rule, the names of its fields. Out: a source, and what it selects beside the rule's own
//! condition. Must not know: detections. After the taxonomy appendix of the Sigma specification.

use crate::catalog::{Catalog, Source};
use crate::source::Span;

use super::super::choose;
use super::super::report::{Loss, Report};
use super::document::{At, Document};

/// Categories of which the taxonomy has several for one log: the category of the source, and the values of what tells
/// its events apart.
const PARTS: [(&str, &str, &[&str]); 9] = [
    ("registry_set", "registry_event", &["modification"]),
    ("registry_add", "registry_event", &["creation"]),
    ("registry_delete", "registry_event", &["deletion"]),
    ("registry_rename", "registry_event", &["rename"]),
    ("file_delete", "file_event", &["deletion"]),
    ("file_rename", "file_event", &["rename"]),
    ("file_change", "file_event", &["modification"]),
    ("webserver", "webserver", &[]),
    ("dns_query", "dns", &[]),
];

const KEYS: [&str; 3] = ["product", "service", "category"];

/// A source, and the actions to which the log source is limited.
#[derive(Debug, Clone)]
pub(super) struct Chosen<'c> {
    pub(super) source: &'c Source,
    pub(super) actions: Vec<String>,
}

/// The source of a rule; without one an error has been reported.
pub(super) fn chosen<'c>(
    rule: &Document,
    (catalog, given): (&'c Catalog, Option<&str>),
    names: &[String],
    report: &mut Report<'_>,
) -> Option<Chosen<'c>> {
    let stated = rule.get("logsource");
    let span = stated.map_or(rule.span(), At::key_span);
    let wanted: Vec<(&str, &str)> = KEYS
        .into_iter()
        .filter_map(|key| Some((key, stated?.get(key)?.text())))
        .filter(|(_, word)| !word.is_empty())
        .collect();
    let category = wanted.iter().find(|(key, _)| *key == "category").map_or("", |(_, word)| word);
    let part = PARTS.iter().find(|(name, ..)| *name == category);
    let actions =
        part.map_or(Vec::new(), |(.., actions)| actions.iter().map(|one| (*one).to_owned()).collect());
    if let Some(name) = given {
        let source = choose::given(catalog, name, span, report)?;
        let knows = |action: &String| {
            source.field(&source.discriminator).is_some_and(|field| field.values.contains(action))
        };
        let actions = actions.into_iter().filter(knows).collect();
        return Some(Chosen { source, actions });
    }
    let fitting = |is_strict: bool| -> Vec<&'c Source> {
        catalog
            .iter()
            .filter(|source| fits(source, &wanted, part.map(|(_, whole, _)| *whole), is_strict))
            .collect()
    };
    let (strict, lax) = (fitting(true), fitting(false));
    let source = match (strict.as_slice(), lax.as_slice()) {
        ([], []) => {
            let shown: Vec<String> = wanted.iter().map(|(key, word)| format!("{key}: {word}")).collect();
            let why = if shown.is_empty() {
                "the rule does not say its log source".to_owned()
            } else {
                crate::source::visible(&format!("no source is {}", shown.join(", "))).into_owned()
            };
            choose::none(span, why, report);
            return None;
        }
        ([], _) => of_another(lax, names, (span, &wanted), report)?,
        _ => choose::among(strict, ("sigma", names), span, report)?,
    };
    Some(Chosen { source, actions })
}

/// Whether a source has the words of a log source; if lax, its product may be another.
fn fits(source: &Source, wanted: &[(&str, &str)], whole: Option<&str>, is_strict: bool) -> bool {
    let Some(mapping) = source.targets.get("sigma") else { return false };
    let same = |(key, word): &&(&str, &str)| {
        let has = mapping.words.get(*key).map(String::as_str);
        has == Some(*word) || (*key == "category" && whole.is_some() && has == whole)
    };
    let differs = |pair: &&(&str, &str)| mapping.words.contains_key(pair.0) && !same(pair);
    let told = wanted.iter().filter(|(key, _)| *key != "product");
    let is_told = wanted.iter().any(|pair| same(&pair) && (pair.0 != "product" || wanted.len() == 1));
    let compared: Vec<&(&str, &str)> = if is_strict { wanted.iter().collect() } else { told.collect() };
    is_told && !compared.iter().any(differs) && told_all(&mapping.words, &compared)
}

/// Whether a source says something of each word but the product.
fn told_all(words: &std::collections::BTreeMap<String, String>, wanted: &[&(&str, &str)]) -> bool {
    wanted.iter().all(|(key, _)| *key == "product" || words.contains_key(*key))
}

/// A source of the same kind and another product.
fn of_another<'c>(
    lax: Vec<&'c Source>,
    names: &[String],
    (span, wanted): (Span, &[(&str, &str)]),
    report: &mut Report<'_>,
) -> Option<&'c Source> {
    let source = choose::among(lax, ("sigma", names), span, report)?;
    let product = wanted.iter().find(|(key, _)| *key == "product").map_or("", |(_, word)| word);
    let why = format!("`{}` is not limited to {}", source.name, crate::source::visible(product));
    report.chosen(&Loss::new(span, why, "see that its fields mean the same there"));
    Some(source)
}

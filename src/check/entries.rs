//! What can be wrong with allowlist entries that are well formed: repeated, covered by others, dead, or too broad.
//!
//! In: a list with typed entries. Out: findings, at most [`MOST`] of a kind and a count of the rest.
//! Must not know: rules. Lists may have hundreds of thousands of entries: everything here is near-linear or bounded.

use std::collections::{BTreeMap, HashMap};

use ipnet::IpNet;

use crate::catalog::FieldDef;
use crate::diag::{Code, Diagnostic, Diagnostics, Fix, Severity};
use crate::ir::{Entry, EntryValue, List, Pattern};
use crate::source::Span;

use super::naming;
use super::shape::Shape;

/// How many findings of one kind a list shows one by one.
const MOST: usize = 20;
/// How many comparisons of an entry with a wildcard pattern a list may cost.
const COMPARISONS: usize = 2_000_000;

/// The findings of one list, bounded for each kind.
#[derive(Debug)]
pub(super) struct Findings {
    list: Span,
    /// What is counted, in words.
    of: &'static str,
    found: Vec<Diagnostic>,
    counts: BTreeMap<Code, usize>,
}

impl Findings {
    /// None yet; `list` is the list's name.
    pub(super) fn new(list: Span) -> Self {
        Self { list, of: "entries of this list", found: Vec::new(), counts: BTreeMap::new() }
    }

    /// The same for a lookup table.
    pub(super) fn of_table(lookup: Span) -> Self {
        Self { of: "places in the table of this lookup", ..Self::new(lookup) }
    }

    /// Adds a finding.
    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        let count = self.counts.entry(diagnostic.code).or_default();
        *count += 1;
        if *count <= MOST {
            self.found.push(diagnostic);
        }
    }

    /// Whether one of them is an error.
    pub(super) fn has_errors(&self) -> bool {
        self.counts.keys().any(|code| code.severity() == Severity::Error)
    }

    /// Hands the findings over, with a word about those that were too many.
    pub(super) fn into(self, diags: &mut Diagnostics) {
        for diagnostic in self.found {
            diags.push(diagnostic);
        }
        for (code, count) in self.counts.into_iter().filter(|(_, count)| *count > MOST) {
            let title = format!("{}: {} more", code.title(), count - MOST);
            diags.push(Diagnostic::new(code, self.list, title).label(format!("{count} {}", self.of)));
        }
    }
}

/// Looks at all entries in force. `broken`: entries are missing because they could not be read.
pub(super) fn lint(list: &List, field: &FieldDef, broken: bool, found: &mut Findings) {
    if list.entries.is_empty() && !broken {
        found.push(empty(list));
        return;
    }
    let firsts = repeated(list, found);
    for entry in &firsts {
        if let Some(what) = everything(&entry.value) {
            found.push(too_broad(entry, what));
        } else {
            outside_values(entry, field, found);
        }
    }
    // What covers everything covers each of its neighbours. It is an error already, and the list's other entries are
    // not to blame.
    let firsts: Vec<&Entry> = firsts.into_iter().filter(|entry| everything(&entry.value).is_none()).collect();
    lost_zeros(list, field, &firsts, found);
    foreign_patterns(list, &firsts, found);
    shadowed_networks(&firsts, found);
    shadowed_patterns(&firsts, found);
}

fn empty(list: &List) -> Diagnostic {
    let (title, label) = if list.expired.is_empty() {
        (format!("the allowlist `{}` is empty", list.name.node), "matches nothing")
    } else {
        (format!("all entries of `{}` have expired", list.name.node), "no longer matches anything")
    };
    Diagnostic::new(Code::EmptyList, list.name.span, title)
        .label(label)
        .help("add entries, or remove the list and the clauses that use it")
}

/// Reports repeated entries and returns the first of each.
fn repeated<'a>(list: &'a List, found: &mut Findings) -> Vec<&'a Entry> {
    let mut seen: HashMap<String, &Entry> = HashMap::with_capacity(list.entries.len());
    let mut firsts = Vec::with_capacity(list.entries.len());
    for entry in &list.entries {
        match seen.entry(key(&entry.value)) {
            std::collections::hash_map::Entry::Vacant(slot) => {
                slot.insert(entry);
                firsts.push(entry);
            }
            std::collections::hash_map::Entry::Occupied(first) => {
                let title = format!("duplicate entry `{}`", entry.text);
                found.push(
                    Diagnostic::new(Code::RepeatedEntry, entry.span, title)
                        .label("again here")
                        .also(first.get().span, "first here")
                        .help("keep the entry with the right `reason` and `until`"),
                );
            }
        }
    }
    firsts
}

// By meaning, not by text: `10.0.0.1` and `10.0.0.1/32` are one entry.
fn key(value: &EntryValue) -> String {
    match value {
        EntryValue::Pattern(pattern) => format!("{pattern:?}"),
        EntryValue::Network(network) => network.to_string(),
        EntryValue::Value(value) => format!("{value:?}"),
    }
}

/// What an entry excuses, if it is all there is.
fn everything(value: &EntryValue) -> Option<&'static str> {
    match value {
        EntryValue::Pattern(pattern) => pattern.matches_everything().then_some("every value"),
        EntryValue::Network(network) => (network.prefix_len() == 0).then_some(match network {
            IpNet::V4(_) => "every IPv4 address",
            IpNet::V6(_) => "every IPv6 address",
        }),
        EntryValue::Value(_) => None,
    }
}

fn too_broad(entry: &Entry, what: &str) -> Diagnostic {
    Diagnostic::new(Code::ExcusesEverything, entry.span, format!("`{}` matches {what}", entry.text))
        .label("exempts everything")
        .help("list only known-good values; to disable a rule, do not deploy it")
}

/// An entry that matches none of the few values the field has.
fn outside_values(entry: &Entry, field: &FieldDef, found: &mut Findings) {
    let EntryValue::Pattern(pattern) = &entry.value else { return };
    if field.values.is_empty() || field.values.iter().any(|value| pattern.matches(value)) {
        return;
    }
    let title = format!("`{}` is never `{}`", field.name, entry.text);
    found.push(
        Diagnostic::new(Code::DeadEntry, entry.span, title)
            .label("can never match")
            .help(format!("its values are {}", naming::ticked(&field.values))),
    );
}

/// Digits of an account id in AWS: lists of them lose leading zeros in spreadsheets, also where the source does not say
/// how many digits the field has.
const ACCOUNT_DIGITS: usize = 12;

/// Numbers that have fewer digits than the field's values have, or than most of the list.
fn lost_zeros(list: &List, field: &FieldDef, entries: &[&Entry], found: &mut Findings) {
    let numbers = || {
        entries.iter().filter(|entry| {
            matches!(entry.value, EntryValue::Pattern(_)) && entry.text.bytes().all(|b| b.is_ascii_digit())
        })
    };
    let stated = field.digits.and_then(|digits| usize::try_from(digits).ok());
    let digits = stated.unwrap_or(ACCOUNT_DIGITS);
    let full = numbers().filter(|entry| entry.text.len() == digits).count();
    let least = if stated.is_some() { 1 } else { digits - 4 };
    let short = |entry: &&&Entry| (least..digits).contains(&entry.text.len());
    // A list in which the shorter numbers prevail is not one of account ids, as far as anybody knows.
    if stated.is_none() && (full == 0 || full < numbers().filter(short).count()) {
        return;
    }
    for entry in numbers().filter(short) {
        let padded = format!("{:0>digits$}", entry.text);
        let others =
            if stated.is_some() { format!("`{}` has", field.name) } else { "other entries have".to_owned() };
        let title = format!("`{}` has {} digits, {others} {digits}", entry.text, entry.text.len());
        let mut finding = Diagnostic::new(Code::LostZeros, entry.span, title)
            .label("leading zeros are missing")
            .help("spreadsheets drop leading zeros: format the column as text");
        // A cell of a CSV file has no quotes of its own.
        let replacement = if list.file.is_some() { padded } else { format!("\"{padded}\"") };
        finding.fix = Some(Fix { span: entry.span, replacement });
        found.push(finding);
    }
}

/// Patterns of SQL and regular expressions: entries are patterns as in `like`.
fn foreign_patterns(list: &List, entries: &[&Entry], found: &mut Findings) {
    for entry in entries.iter().filter(|entry| matches!(entry.value, EntryValue::Pattern(_))) {
        if let Some(finding) = foreign_pattern(&entry.text, entry.span, list.file.is_some()) {
            found.push(finding);
        }
    }
}

/// The finding for an entry that is no pattern as in `like`, but one of another language.
fn foreign_pattern(text: &str, span: Span, in_csv: bool) -> Option<Diagnostic> {
    let shape = Shape::of_entry(text)?;
    let (title, help) = match shape {
        Shape::Sql | Shape::Wildcard => (
            "`%` is an ordinary character in an allowlist entry",
            "the wildcards of an entry are `*` for any text and `?` for one character",
        ),
        Shape::Regex => (
            "an allowlist entry does not take a regular expression",
            "write it with the wildcards `*` and `?`, or as a condition: `except FIELD matches r\"…\"`",
        ),
    };
    let mut found = Diagnostic::new(Code::LiteralWildcard, span, title)
        .label("every character but `*` and `?` stands for itself here")
        .help(help);
    if shape == Shape::Sql && !text.contains(['"', '\\', ',']) {
        let meant = text.replace('%', "*");
        let replacement = if in_csv { meant } else { format!("\"{meant}\"") };
        found.fix = Some(Fix { span, replacement });
    }
    Some(found)
}

fn shadowed_networks(entries: &[&Entry], found: &mut Findings) {
    let networks: Vec<(IpNet, Span)> = entries
        .iter()
        .filter_map(|entry| match &entry.value {
            EntryValue::Network(network) => Some((*network, entry.span)),
            EntryValue::Pattern(_) | EntryValue::Value(_) => None,
        })
        .collect();
    for (inner, outer) in covered(&networks) {
        found.push(
            Diagnostic::new(
                Code::ShadowedEntry,
                inner.1,
                format!("`{}` is contained in `{}`", plain(inner.0), outer.0),
            )
            .label("redundant")
            .also(outer.1, "already covers it")
            .help("keep the broader entry if that is intended, otherwise remove it"),
        );
    }
}

/// A network as people write it: a single address without its prefix.
pub(super) fn plain(network: IpNet) -> String {
    if network.prefix_len() == network.max_prefix_len() {
        network.addr().to_string()
    } else {
        network.to_string()
    }
}

/// The networks that lie in another one of them, each with one that covers it; equal ones are not told apart here.
pub(super) fn covered(networks: &[(IpNet, Span)]) -> Vec<((IpNet, Span), (IpNet, Span))> {
    // In this order a network comes right after those that hold it.
    let mut sorted: Vec<_> = networks.to_vec();
    sorted.sort_by_key(|(network, span)| (network.network(), network.prefix_len(), *span));
    let mut pairs = Vec::new();
    let mut outer: Option<(IpNet, Span)> = None;
    for item in sorted {
        match outer {
            // Reported as a repetition; to call each of the two redundant would ask for both to go.
            Some(known) if known.0 == item.0 => {}
            Some(known) if known.0.contains(&item.0) => pairs.push((item, known)),
            Some(_) | None => outer = Some(item),
        }
    }
    pairs
}

fn shadowed_patterns(entries: &[&Entry], found: &mut Findings) {
    let patterns: Vec<(&Pattern, &Entry)> = entries
        .iter()
        .filter_map(|entry| match &entry.value {
            EntryValue::Pattern(pattern) => Some((pattern, *entry)),
            EntryValue::Network(_) | EntryValue::Value(_) => None,
        })
        .collect();
    // A text without wildcards covers itself alone, and that was reported as a repetition.
    let wild: Vec<_> = patterns.iter().filter(|(pattern, _)| pattern.literal().is_none()).collect();
    let mut budget = COMPARISONS;
    for (pattern, entry) in &patterns {
        for (broad, by) in &wild {
            if std::ptr::eq(*entry, *by) {
                continue;
            }
            budget = budget.saturating_sub(1 + broad.cost_of_covers(pattern));
            if budget == 0 {
                return;
            }
            if broad.covers(pattern) {
                found.push(
                    Diagnostic::new(
                        Code::ShadowedEntry,
                        entry.span,
                        format!("`{}` covers `{}`", by.text, entry.text),
                    )
                    .label("redundant")
                    .also(by.span, "already covers it")
                    .help("keep the broader entry if that is intended, otherwise remove it"),
                );
                break;
            }
        }
    }
}

//! The length of a query: whether a scheduled rule takes it, and if not, what makes it so long.
//!
//! In: a text and its rule. Out: a note and a warning. Must not know: how the text was printed.

use crate::backend::{Effect, Job, ListDelivery, Report};
use crate::diag::{Code, Diagnostic};
use crate::ir::{FieldTest, List, Pattern, PatternPart, Pred, TestKind};
use crate::source::Span;

/// The longest query that a scheduled rule takes, in characters as Azure counts them.
const LONGEST_QUERY: usize = 10_000;

/// Values of a rule that stand in its query.
struct Values {
    /// How many characters they have together.
    length: usize,
    /// What they are, for a message.
    title: String,
    /// What to do about them.
    help: String,
    span: Span,
}

/// Notes that the query is too long; whether it is.
pub(super) fn note(text: &str, job: &Job<'_>, report: &mut Report) -> bool {
    // No text has more characters, as Azure counts them, than bytes.
    let length = if text.len() > LONGEST_QUERY { text.encode_utf16().count() } else { text.len() };
    if length <= LONGEST_QUERY {
        return false;
    }
    let longest = values(job).into_iter().max_by_key(|values| values.length);
    let (label, help, span) = match longest {
        Some(Values { title, help, span, .. }) => (format!("the longest part is {title}"), help, span),
        None => ("no list of values stands out".to_owned(), "split the rule".to_owned(), job.rule.span),
    };
    let problem = format!("the query has {length} characters and a scheduled rule takes {LONGEST_QUERY}");
    report.note(Effect::Engine, span, format!("{problem}; {label}: {help}"));
    report.warnings.push(Diagnostic::new(Code::TooLong, span, problem).label(label).help(help));
    true
}

/// Values that one comparison of a rule states.
struct Run<'r> {
    field: &'r str,
    count: usize,
    length: usize,
    /// Patterns, parts of texts or networks, which no list of a SIEM can hold.
    is_of_patterns: bool,
    span: Span,
}

impl<'r> Run<'r> {
    fn of(test: &'r FieldTest) -> Option<Self> {
        let of_pattern = |pattern: &Pattern| pattern.parts.iter().map(length_of).sum::<usize>();
        let (count, length, is_of_patterns) = match &test.kind {
            TestKind::Equals { values, case: _ } => {
                (values.len(), values.iter().map(|value| value.text().len()).sum(), false)
            }
            TestKind::Like { pattern, case: _ } => (1, of_pattern(pattern), true),
            TestKind::Substring { text, .. } => (1, text.len(), true),
            TestKind::InNetworks { networks } => {
                (networks.len(), networks.iter().map(|network| network.to_string().len()).sum(), true)
            }
            TestKind::Exists
            | TestKind::InList { .. }
            | TestKind::Order { .. }
            | TestKind::Matches { .. }
            | TestKind::SameAs { .. }
            | TestKind::TextOf { .. }
            | TestKind::Values(_) => return None,
        };
        Some(Self { field: &test.field.name, count, length, is_of_patterns, span: test.span })
    }
}

impl From<Run<'_>> for Values {
    fn from(run: Run<'_>) -> Self {
        let what = if run.is_of_patterns { "patterns" } else { "values" };
        let help = if run.is_of_patterns {
            "shorten them to what they share, or split the rule: a watchlist holds exact values alone"
        } else {
            "move them into an allowlist and compile with `--lists lookup`"
        };
        let title = format!("the {} {what} that `{}` is compared with", run.count, run.field);
        Self { length: run.length, title, help: help.to_owned(), span: run.span }
    }
}

fn length_of(part: &PatternPart) -> usize {
    if let PatternPart::Text(text) = part { text.len() } else { 1 }
}

fn values(job: &Job<'_>) -> Vec<Values> {
    let steps = job
        .rule
        .chain
        .steps
        .iter()
        .flat_map(|step| std::iter::once(&step.main.filter).chain(&step.main.excepts));
    let mut runs: Vec<Run<'_>> = Vec::new();
    for run in steps.flat_map(Pred::tests).filter_map(Run::of) {
        // The patterns of one `like` are tests one behind the other.
        match runs
            .last_mut()
            .filter(|last| last.is_of_patterns && run.is_of_patterns && last.field == run.field)
        {
            Some(last) => {
                *last = Run { count: last.count + run.count, length: last.length + run.length, ..*last }
            }
            None => runs.push(run),
        }
    }
    let tests = runs.into_iter().filter(|run| run.count > 1).map(Values::from);
    tests.chain(job.rule.lists.iter().flat_map(|list| of_list(list, job.options.lists))).collect()
}

/// The values of a list by what can be done about them.
fn of_list(list: &List, delivery: ListDelivery) -> Vec<Values> {
    let (entries, exact, name) = (list.by_kind(), list.exact(), list.described());
    let patterns: Vec<_> = entries.wildcards().collect();
    let networks: Vec<_> = entries.wider_networks().map(|network| network.to_string()).collect();
    let of = |length, count: usize, what, help: &str| Values {
        length,
        title: format!("the {count} {what} of {name}"),
        help: help.to_owned(),
        span: list.name.span,
    };
    let mut found = Vec::new();
    if !exact.is_empty() && !delivery.by_lookup(exact.len()) {
        let length = exact.keys().map(String::len).sum();
        found.push(of(length, exact.len(), "exact values", "`--lists lookup` moves them into a watchlist"));
    }
    if !patterns.is_empty() {
        let length = patterns.iter().flat_map(|pattern| &pattern.parts).map(length_of).sum();
        let help = "a watchlist cannot hold patterns: shorten them to what they share, or split the rule";
        found.push(of(length, patterns.len(), "patterns", help));
    }
    if !networks.is_empty() {
        let length = networks.iter().map(String::len).sum();
        let help = "a watchlist cannot hold networks: merge them into wider ones, or split the rule";
        found.push(of(length, networks.len(), "networks", help));
    }
    found
}

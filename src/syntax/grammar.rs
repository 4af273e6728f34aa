//! The grammar as a parser, and its rules in words.
//!
//! In: a rule and a text. Out: pairs, or the furthest place it got to and what could have stood there.
//! Must not know: files, spans, diagnostics.

use std::num::NonZeroUsize;
use std::sync::Once;

use pest::Parser;
use pest::error::{ErrorVariant, InputLocation};

/// One node of the concrete tree.
pub(super) type Pair<'i> = pest::iterators::Pair<'i, Rule>;

#[derive(pest_derive::Parser)]
#[grammar = "../grammar/chain.pest"]
struct Grammar;

/// More steps than the largest file allowed takes: a bound against the unforeseen, not a limit of the language.
const STEPS: Option<NonZeroUsize> = NonZeroUsize::new(400_000_000);
static BOUND: Once = Once::new();
// The crate's guard of the stack, a part of its feature `std`, is left out: it looks at the stack before every rule,
// and the scan before the grammar bounds nesting.

/// Where a parse stopped, from the start of the text given, and what it wanted there, each once, in words.
#[derive(Debug)]
pub(super) struct Stopped {
    /// The byte offset.
    pub(super) at: usize,
    /// What could have stood there.
    pub(super) expected: Vec<&'static str>,
}

/// Parses `text` by a rule.
pub(super) fn parse(by: Rule, text: &str) -> Result<Option<Pair<'_>>, Stopped> {
    BOUND.call_once(|| pest::set_call_limit(STEPS));
    Grammar::parse(by, text).map(|mut pairs| pairs.next()).map_err(|error| stopped(&error))
}

fn stopped(error: &pest::error::Error<Rule>) -> Stopped {
    let at = match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    };
    let mut words: Vec<(usize, &'static str)> = match &error.variant {
        ErrorVariant::ParsingError { positives, .. } => {
            positives.iter().filter_map(|&positive| in_words(positive)).collect()
        }
        ErrorVariant::CustomError { .. } => Vec::new(),
    };
    words.sort_unstable();
    words.dedup();
    Stopped { at, expected: fold(words.into_iter().map(|(_, word)| word).collect()) }
}

/// Kinds of values under one name where several could stand.
fn fold(mut words: Vec<&'static str>) -> Vec<&'static str> {
    if words.contains(&"a string") && words.contains(&"a number") {
        words.retain(|word| {
            !["a string", "a number", "a name", "a word", "`true` or `false`", "a value", "`(`"]
                .contains(word)
        });
        words.insert(0, "a value");
    }
    words
}

/// What a rule is called in "expected …", and its rank in that list; nothing for mistakes and inner rules.
fn in_words(wanted: Rule) -> Option<(usize, &'static str)> {
    WORDS.iter().enumerate().find(|(_, (known, _))| *known == wanted).map(|(rank, (_, word))| {
        let first = WORDS.iter().position(|(_, other)| other == word).unwrap_or(rank);
        (first, *word)
    })
}

const WORDS: &[(Rule, &str)] = &[
    (Rule::pred, "a predicate"),
    (Rule::both, "a predicate"),
    (Rule::unary, "a predicate"),
    (Rule::name, "a name"),
    (Rule::rule_head, "a name"),
    (Rule::list_head, "a name"),
    (Rule::list_tail, "a name"),
    (Rule::step_tail, "a name"),
    (Rule::param_tail, "a name"),
    (Rule::entity_tail, "the kind of an entity"),
    (Rule::field, "a field"),
    (Rule::link, "a field"),
    (Rule::show_tail, "a field"),
    (Rule::meta_tail, "a value"),
    (Rule::entry, "a value"),
    (Rule::import_tail, "a string"),
    (Rule::playbook_tail, "a string"),
    (Rule::test_head, "a string"),
    (Rule::window, "a duration or a parameter"),
    (Rule::dedupe_tail, "a duration or a parameter"),
    (Rule::then_tail, "`within`"),
    (Rule::expect_tail, "`alert`, `no alert` or a number of alerts"),
    (Rule::symbol_op, "an operator"),
    (Rule::word_op, "an operator"),
    (Rule::op, "an operator"),
    (Rule::pair, "a field"),
    (Rule::event_of, "a step"),
    (Rule::string, "a string"),
    (Rule::number, "a number"),
    (Rule::word, "a name"),
    (Rule::meta_word, "a word"),
    (Rule::boolean, "`true` or `false`"),
    (Rule::set, "`(`"),
    (Rule::parens, "`(`"),
    (Rule::lbrace, "`{`"),
    (Rule::rbrace, "`}`"),
    (Rule::lparen, "`(`"),
    (Rule::comma, "`,`"),
    (Rule::colon, "`:`"),
    (Rule::pair_mark, "`:`"),
    (Rule::assign, "`=`"),
    (Rule::link_equal, "`==`"),
    (Rule::kw_import, "`import`"),
    (Rule::kw_allowlist, "`allowlist`"),
    (Rule::kw_rule, "`rule`"),
    (Rule::kw_from, "`from`"),
    (Rule::kw_reason, "`reason`"),
    (Rule::kw_owner, "`owner`"),
    (Rule::kw_ticket, "`ticket`"),
    (Rule::kw_until, "`until`"),
    (Rule::kw_within, "`within`"),
    (Rule::kw_scope, "`scope`"),
    (Rule::kw_where, "`where`"),
    (Rule::kw_and, "`and`"),
    (Rule::both_op, "`and`"),
    (Rule::kw_or, "`or`"),
    (Rule::either_op, "`or`"),
    (Rule::rparen, "`)`"),
    (Rule::kw_not, "`not`"),
    (Rule::not_op, "`not`"),
    (Rule::kw_exists, "`exists`"),
    (Rule::exists, "`exists`"),
    (Rule::kw_except, "`except`"),
    (Rule::except, "`except`"),
    (Rule::kw_on, "`on`"),
    (Rule::kw_by, "`by`"),
    (Rule::kw_no, "`no`"),
    (Rule::kw_alert, "`alert`"),
    (Rule::kw_alerts, "`alerts`"),
    (Rule::kw_at, "`at`"),
    (Rule::kw_of, "`of`"),
    (Rule::attribute, "an attribute (`reason`, `owner`, `ticket`, `until`)"),
    (Rule::EOI, "the end of the clause"),
];

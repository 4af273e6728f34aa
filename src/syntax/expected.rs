//! What the grammar wanted, in words.
//!
//! In: rules of the grammar. Out: "a name", "`then`": what a reader of a message takes them for.
//! Must not know: files, spans, diagnostics.

use super::grammar::Rule;
use super::keywords::KEYWORDS;

/// What could have stood where a parse stopped, each once, in a fixed order.
pub(super) fn expected(wanted: &[Rule]) -> Vec<&'static str> {
    let mut words: Vec<_> = wanted.iter().filter_map(|wanted| in_words(*wanted)).collect();
    words.sort_unstable();
    words.dedup();
    fold(words.into_iter().map(|(_, word)| word).collect())
}

/// Kinds of values under one name where several could stand.
fn fold(mut words: Vec<&'static str>) -> Vec<&'static str> {
    if words.contains(&"a string") && words.contains(&"a number") {
        // Where both can stand, so can every value; seven names for it would hide what else is expected.
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
    let keywords = KEYWORDS.iter().filter_map(|keyword| Some((keyword.token?, keyword.quoted)));
    let all = || WORDS.iter().copied().chain(keywords.clone()).chain(CLOSING.iter().copied());
    let same = SAME.iter().find(|(rule, _)| *rule == wanted).map_or(wanted, |(_, keyword)| *keyword);
    let (_, word) = all().find(|(known, _)| *known == same)?;
    all().position(|(_, other)| other == word).map(|rank| (rank, word))
}

/// Rules that begin with a keyword and nothing else, where the keyword is what could stand there.
const SAME: &[(Rule, Rule)] = &[
    (Rule::both_op, Rule::kw_and),
    (Rule::either_op, Rule::kw_or),
    (Rule::not_op, Rule::kw_not),
    (Rule::exists, Rule::kw_exists),
    (Rule::except, Rule::kw_except),
    (Rule::alternative, Rule::kw_or),
    (Rule::unless, Rule::kw_unless),
    (Rule::first, Rule::kw_first),
    (Rule::at_least, Rule::kw_at),
    (Rule::comparisons, Rule::kw_where),
    (Rule::renames, Rule::kw_as),
];

/// What comes last in a message.
const CLOSING: &[(Rule, &str)] = &[
    (Rule::rparen, "`)`"),
    (Rule::attribute, "an attribute (`reason`, `owner`, `ticket`, `until`)"),
    (Rule::EOI, "the end of the clause"),
];

const WORDS: &[(Rule, &str)] = &[
    (Rule::pred, "a condition"),
    (Rule::both, "a condition"),
    (Rule::unary, "a condition"),
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
    (Rule::allow_tail, "the code of a warning"),
    (Rule::allow_code, "the code of a warning"),
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
    (Rule::link_mark, "`==`"),
    (Rule::comparison_mark, "`!=`"),
    (Rule::column_type, "a type"),
    (Rule::lookup_head, "a name"),
    (Rule::together_head, "`within`"),
    (Rule::link_side, "a field"),
];

//! The words of the language, each once: which token it is, which clause it begins, whether it can be a name.
//!
//! In: a word. Out: its row. A test holds the table against the grammar.
//! Must not know: how a clause is built.

use super::grammar::Rule;

/// Where clauses stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    File,
    Rule,
    Chain,
    Alert,
    Test,
}

/// A word of the language.
#[derive(Debug)]
pub(super) struct Keyword {
    pub(super) word: &'static str,
    /// The word as messages show it.
    pub(super) quoted: &'static str,
    /// Its token in the grammar, if it has one of its own.
    pub(super) token: Option<Rule>,
    /// The clause it begins.
    pub(super) clause: Option<Clause>,
    pub(super) role: Role,
    /// Whether it can be neither a name nor a field.
    pub(super) reserved: bool,
    /// Whether it begins a line of a test block, or will do so: a step cannot have it as its name.
    pub(super) in_tests: bool,
}

/// What a keyword is beside a word of the grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Plain,
    /// The key of a metadata clause.
    Metadata,
    /// An operator of predicates.
    Operator,
    /// Begins an attribute of an allowlist entry.
    Attribute,
}

/// The clause that a keyword begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clause {
    pub(super) level: Level,
    /// What follows the keyword.
    pub(super) tail: Rule,
    /// The clause and nothing else, to find where it goes wrong.
    pub(super) strict: Rule,
}

impl Keyword {
    const fn new(word: &'static str, quoted: &'static str) -> Self {
        Self { word, quoted, token: None, clause: None, role: Role::Plain, reserved: false, in_tests: false }
    }

    const fn token(self, token: Rule) -> Self {
        Self { token: Some(token), ..self }
    }

    const fn begins(self, level: Level, tail: Rule, strict: Rule) -> Self {
        Self { clause: Some(Clause { level, tail, strict }), ..self }
    }

    const fn metadata(self) -> Self {
        Self { role: Role::Metadata, ..self.begins(Level::Rule, Rule::meta_tail, Rule::only_meta) }
    }

    const fn operator(self) -> Self {
        Self { role: Role::Operator, reserved: true, ..self }
    }

    const fn attribute(self) -> Self {
        Self { role: Role::Attribute, ..self }
    }

    const fn reserved(self) -> Self {
        Self { reserved: true, ..self }
    }

    const fn in_tests(self) -> Self {
        Self { in_tests: true, ..self }
    }
}

macro_rules! word {
    ($word:literal) => {
        Keyword::new($word, concat!("`", $word, "`"))
    };
}

/// Every word, in the order in which messages name them.
pub(super) const KEYWORDS: &[Keyword] = &[
    // A file.
    word!("rule").token(Rule::kw_rule).begins(Level::File, Rule::rule_tail, Rule::only_rule).reserved(),
    word!("allowlist")
        .token(Rule::kw_allowlist)
        .begins(Level::File, Rule::list_tail, Rule::only_list)
        .reserved(),
    word!("import")
        .token(Rule::kw_import)
        .begins(Level::File, Rule::import_tail, Rule::only_import)
        .reserved(),
    word!("lookup")
        .token(Rule::kw_lookup)
        .begins(Level::File, Rule::lookup_tail, Rule::only_lookup)
        .reserved(),
    word!("from").token(Rule::kw_from).reserved(),
    word!("reason").token(Rule::kw_reason).attribute(),
    word!("owner").token(Rule::kw_owner).attribute(),
    word!("ticket").token(Rule::kw_ticket).attribute(),
    word!("until").token(Rule::kw_until).attribute(),
    // A rule. Metadata in the order in which rules usually have it.
    word!("title").metadata(),
    word!("id").metadata(),
    word!("description").metadata(),
    word!("author").metadata(),
    word!("date").metadata(),
    word!("modified").metadata(),
    word!("status").metadata(),
    word!("severity").metadata(),
    word!("attack").metadata(),
    word!("references").metadata(),
    word!("false_positives").metadata(),
    word!("targets").metadata(),
    word!("allow").token(Rule::kw_allow).begins(Level::Rule, Rule::allow_tail, Rule::only_allow),
    word!("param").token(Rule::kw_param).begins(Level::Rule, Rule::param_tail, Rule::only_param),
    word!("chain").token(Rule::kw_chain).begins(Level::Rule, Rule::chain_tail, Rule::only_chain).reserved(),
    word!("alert").token(Rule::kw_alert).begins(Level::Rule, Rule::alert_tail, Rule::only_alert),
    word!("playbook").token(Rule::kw_playbook).begins(Level::Rule, Rule::playbook_tail, Rule::only_playbook),
    word!("test").token(Rule::kw_test).begins(Level::Rule, Rule::test_tail, Rule::only_test),
    // A chain.
    word!("step").token(Rule::kw_step).begins(Level::Chain, Rule::step_tail, Rule::only_step).reserved(),
    word!("then").token(Rule::kw_then).begins(Level::Chain, Rule::then_tail, Rule::only_then).reserved(),
    word!("together").token(Rule::kw_together).begins(Level::Chain, Rule::together_tail, Rule::only_together),
    word!("within").token(Rule::kw_within).reserved(),
    word!("scope").token(Rule::kw_scope).reserved(),
    word!("where").token(Rule::kw_where).reserved(),
    word!("as").token(Rule::kw_as),
    word!("unless").token(Rule::kw_unless).reserved(),
    word!("after").token(Rule::kw_after),
    word!("first").token(Rule::kw_first),
    // A predicate.
    word!("and").token(Rule::kw_and).reserved(),
    word!("or").token(Rule::kw_or).reserved(),
    word!("not").token(Rule::kw_not).reserved(),
    word!("exists").token(Rule::kw_exists).reserved(),
    word!("any").token(Rule::kw_any),
    word!("all").token(Rule::kw_all),
    word!("in").operator(),
    word!("like").operator(),
    word!("contains").operator(),
    word!("starts_with").operator(),
    word!("ends_with").operator(),
    word!("matches").operator(),
    word!("true").reserved(),
    word!("false").reserved(),
    word!("except").token(Rule::kw_except).reserved(),
    // Links and the alert.
    word!("on").token(Rule::kw_on).reserved(),
    word!("entity").token(Rule::kw_entity).begins(Level::Alert, Rule::entity_tail, Rule::only_entity),
    word!("show").token(Rule::kw_show).begins(Level::Alert, Rule::show_tail, Rule::only_show),
    word!("dedupe").token(Rule::kw_dedupe).begins(Level::Alert, Rule::dedupe_tail, Rule::only_dedupe),
    word!("by").token(Rule::kw_by),
    // A test.
    word!("event").token(Rule::kw_event).in_tests(),
    word!("raw").token(Rule::kw_raw),
    word!("expect")
        .token(Rule::kw_expect)
        .begins(Level::Test, Rule::expect_tail, Rule::only_expect)
        .in_tests(),
    word!("no").token(Rule::kw_no),
    word!("alerts").token(Rule::kw_alerts),
    word!("at").token(Rule::kw_at).in_tests(),
    word!("of").token(Rule::kw_of),
    word!("least").token(Rule::kw_least).in_tests(),
    word!("distinct").token(Rule::kw_distinct).in_tests(),
    word!("before").token(Rule::kw_before).in_tests(),
];

/// The row of a word.
pub(super) fn find(word: &str) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|keyword| keyword.word == word)
}

/// Whether a word can be neither a name nor a field.
#[must_use]
pub fn is_reserved(word: &str) -> bool {
    find(word).is_some_and(|keyword| keyword.reserved)
}

/// The operators of predicates that are words.
pub(super) fn operators() -> impl Iterator<Item = &'static str> + Clone {
    KEYWORDS.iter().filter(|keyword| keyword.role == Role::Operator).map(|keyword| keyword.word)
}

/// The attributes of allowlist entries.
pub(super) fn attributes() -> impl Iterator<Item = &'static str> + Clone {
    KEYWORDS.iter().filter(|keyword| keyword.role == Role::Attribute).map(|keyword| keyword.word)
}

/// The keys of metadata clauses, in the order in which rules usually have them.
pub fn metadata() -> impl Iterator<Item = &'static str> + Clone {
    KEYWORDS.iter().filter(|keyword| keyword.role == Role::Metadata).map(|keyword| keyword.word)
}

/// Every word of the language, for those who colour it.
pub fn words() -> impl Iterator<Item = &'static str> {
    KEYWORDS.iter().map(|keyword| keyword.word)
}

/// Whether a word is one of the language.
#[must_use]
pub fn is_keyword(word: &str) -> bool {
    find(word).is_some()
}

/// Whether a line of a test block begins with the word, or will do so: a step cannot have it as its name.
#[must_use]
pub fn begins_test_line(word: &str) -> bool {
    find(word).is_some_and(|keyword| keyword.in_tests)
}

impl Level {
    /// The keywords that begin a clause here, with the clauses.
    pub(super) fn keywords(self) -> impl Iterator<Item = (&'static Keyword, Clause)> + Clone {
        let clauses = KEYWORDS.iter().filter_map(|keyword| Some((keyword, keyword.clause?)));
        clauses.filter(move |(_, clause)| clause.level == self)
    }

    /// The clause of this level that a word begins.
    pub(super) fn clause(self, word: &str) -> Option<Clause> {
        find(word)?.clause.filter(|clause| clause.level == self)
    }

    /// The level whose clauses begin with `word`.
    pub(super) fn of(word: &str) -> Option<Self> {
        find(word)?.clause.map(|clause| clause.level)
    }

    /// The level in words.
    pub(super) fn place(self) -> &'static str {
        match self {
            Self::File => "a file",
            Self::Rule => "a rule",
            Self::Chain => "a chain",
            Self::Alert => "an alert",
            Self::Test => "a test",
        }
    }

    /// What can stand at the start of a clause, in words.
    pub(super) fn openings(self) -> Vec<&'static str> {
        let keywords = self.keywords().map(|(keyword, _)| keyword.quoted);
        match self {
            Self::File => keywords.collect(),
            Self::Rule => vec!["a clause of the rule", "`}`"],
            Self::Chain | Self::Alert => keywords.chain(["`}`"]).collect(),
            Self::Test => std::iter::once("an event").chain(keywords).chain(["`}`"]).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const GRAMMAR: &str = include_str!("../../grammar/chain.pest");

    /// The body of a rule of the grammar, up to the next rule.
    fn body(rule: &str) -> String {
        let lines: Vec<&str> = GRAMMAR.lines().filter(|line| !line.starts_with("//")).collect();
        let is_head = |line: &&str| line.split('=').next().is_some_and(|name| name.trim() == rule);
        let at = lines.iter().position(is_head).unwrap_or_else(|| panic!("no rule {rule}"));
        let rest = lines[at + 1..].iter().take_while(|line| line.starts_with([' ', '\t']));
        std::iter::once(&lines[at]).chain(rest).copied().collect::<Vec<_>>().join("\n")
    }

    /// The words in quotes of a rule.
    fn words(rule: &str) -> BTreeSet<String> {
        let body = body(rule);
        let body = body.replace("\\\"", " ");
        let quoted = body.split('"').skip(1).step_by(2);
        quoted
            .filter(|word| *word != "_" && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
            .map(str::to_owned)
            .collect()
    }

    fn table(which: impl Fn(&Keyword) -> bool) -> BTreeSet<String> {
        KEYWORDS.iter().filter(|keyword| which(keyword)).map(|keyword| keyword.word.to_owned()).collect()
    }

    #[test]
    fn a_word_stands_once() {
        assert_eq!(table(|_| true).len(), KEYWORDS.len());
    }

    #[test]
    fn every_keyword_of_the_grammar_is_in_the_table() {
        let heads = GRAMMAR.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name.trim());
        let tokens: BTreeSet<&str> = heads.filter(|name| name.starts_with("kw_")).collect();
        let known: BTreeSet<String> =
            KEYWORDS.iter().filter_map(|keyword| keyword.token.map(|token| format!("{token:?}"))).collect();
        assert_eq!(known.iter().map(String::as_str).collect::<BTreeSet<_>>(), tokens);
        for keyword in KEYWORDS.iter().filter(|keyword| keyword.token.is_some()) {
            let token = format!("{:?}", keyword.token.unwrap());
            assert!(words(&token).contains(keyword.word), "{token} is not `{}`", keyword.word);
        }
    }

    #[test]
    fn the_grammar_reserves_what_the_table_reserves() {
        let reserved: BTreeSet<String> = words("reserved").union(&words("connective")).cloned().collect();
        assert_eq!(table(|keyword| keyword.reserved), reserved);
        assert_eq!(table(|keyword| keyword.role == Role::Operator), words("word_op"));
        assert_eq!(table(|keyword| keyword.role == Role::Metadata), words("meta_name"));
        let attributes: BTreeSet<String> = KEYWORDS
            .iter()
            .filter(|keyword| keyword.role == Role::Attribute)
            .map(|keyword| format!("kw_{}", keyword.word))
            .collect();
        let named = body("attribute") + &body("attribute_text");
        assert!(attributes.iter().all(|token| named.contains(token.as_str())));
        assert_eq!(named.matches("kw_").count(), attributes.len());
    }

    #[test]
    fn clauses_begin_where_the_grammar_looks_for_them() {
        let of = |level: Level| table(|keyword| keyword.clause.is_some_and(|clause| clause.level == level));
        assert_eq!(of(Level::File), words("top_start"));
        assert_eq!(of(Level::Chain), words("item_start"));
        assert_eq!(of(Level::Alert), words("alert_start"));
        assert_eq!(of(Level::Test), words("test_start"));
        let blocks = table(|keyword| {
            keyword.role != Role::Metadata && keyword.clause.is_some_and(|clause| clause.level == Level::Rule)
        });
        assert_eq!(blocks, words("block_start"));
        assert_eq!(blocks, words("block_start_strict"));
    }
}

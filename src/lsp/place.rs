//! Where in a rule file a position is, also in text that is half written.
//!
//! In: a text and an offset. Out: a [`Scene`]: the clause, what stands before the position, the steps around it.
//! Must not know: the catalog, the protocol. It reads tokens, not the grammar: a tree of half-typed text lacks the very
//! clause that is being typed.

use std::ops::Range;

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind,
    pub(super) text: &'t str,
    pub(super) range: Range<usize>,
}

/// The kinds of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Text,
    Number,
    Mark,
    Comment,
}

/// The tokens of a text.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = text.get(at..).unwrap_or_default();
        let (kind, length) = if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        } else if c == '#' {
            (Kind::Comment, rest.find('\n').unwrap_or(rest.len()))
        } else if rest.starts_with("\"\"\"") {
            let body = rest.get(3..).unwrap_or_default();
            (Kind::Text, body.find("\"\"\"").map_or(rest.len(), |end| end + 6))
        } else if c == '"' || rest.starts_with("r\"") {
            (Kind::Text, string(rest))
        } else if c.is_ascii_digit() {
            (Kind::Number, run(rest, |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/')))
        } else if c.is_alphabetic() || c == '_' {
            (Kind::Word, run(rest, |c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-')))
        } else if "=!<>~".contains(c) {
            (Kind::Mark, run(rest, |c| "=!<>~".contains(c)))
        } else {
            (Kind::Mark, c.len_utf8())
        };
        let range = at..at + length;
        found.push(Token { kind, text: text.get(range.clone()).unwrap_or_default(), range });
        at += length;
    }
    found
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// The length of a string of one line.
fn string(text: &str) -> usize {
    let is_raw = text.starts_with('r');
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(if is_raw { 2 } else { 1 }) {
        match c {
            '\n' => return at,
            _ if escaped => escaped = false,
            '\\' if !is_raw => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// A block that is open at a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    File,
    List,
    Rule,
    Chain,
    Alert,
    Test,
    /// The fields of a test event.
    Event,
}

/// What stands around a position.
#[derive(Debug)]
pub(super) struct Scene<'t> {
    /// The innermost block.
    pub(super) block: Block,
    /// The tokens from the start of the clause up to the position, without the word that is being typed.
    pub(super) clause: Vec<Token<'t>>,
    /// The clause whose braces are the innermost block.
    pub(super) head: Vec<&'t str>,
    /// The word that is being typed, up to the position.
    pub(super) typed: &'t str,
    /// Where that word begins.
    pub(super) typed_at: usize,
    /// The string or comment that the position is inside of.
    pub(super) inside: Option<Token<'t>>,
    /// The steps of the rule, with their sources.
    pub(super) steps: Vec<(&'t str, &'t str)>,
    /// How many of these steps begin before the position.
    pub(super) before: usize,
    /// The parameters of the rule.
    pub(super) params: Vec<&'t str>,
}

/// The words that begin a clause in a block.
fn begins(block: Block, word: &str) -> bool {
    match block {
        Block::File => ["rule", "allowlist", "import", "lookup"].contains(&word),
        Block::Rule => {
            ["param", "allow", "chain", "alert", "playbook", "test"].contains(&word)
                || crate::syntax::metadata().any(|key| key == word)
        }
        Block::Chain => ["step", "then", "together", "or", "unless", "except"].contains(&word),
        Block::Alert => ["entity", "show", "dedupe"].contains(&word),
        Block::Test => ["expect", "event"].contains(&word),
        Block::List | Block::Event => false,
    }
}

/// The way from the start of a text to a position in it.
struct Walk<'t> {
    blocks: Vec<Block>,
    heads: Vec<Vec<&'t str>>,
    clause: Vec<Token<'t>>,
    /// The number of the token with which the last rule began.
    rule_at: usize,
}

impl<'t> Walk<'t> {
    fn block(&self) -> Block {
        self.blocks.last().copied().unwrap_or(Block::File)
    }

    /// Goes past a token; `next` is the one behind it.
    fn pass(&mut self, index: usize, token: &Token<'t>, next: Option<&Token<'t>>) {
        let block = self.block();
        match (token.kind, token.text) {
            (Kind::Comment, _) => {}
            (Kind::Mark, "{") => {
                self.blocks.push(inner(block, &self.clause));
                self.heads.push(self.clause.drain(..).map(|token| token.text).collect());
            }
            (Kind::Mark, "}") => {
                if self.blocks.len() > 1 {
                    self.blocks.pop();
                    self.heads.pop();
                }
                self.clause.clear();
            }
            (Kind::Word, word) => {
                // `or` joins conditions too: only before `from` it begins an alternative.
                let joins = word == "or" && next.is_none_or(|next| next.text != "from");
                if begins(block, word) && !joins && !is_name(&self.clause) {
                    self.clause.clear();
                }
                if block == Block::File && word == "rule" {
                    self.rule_at = index;
                }
                self.clause.push(token.clone());
            }
            (Kind::Text | Kind::Number | Kind::Mark, _) => self.clause.push(token.clone()),
        }
    }
}

/// What stands around an offset.
pub(super) fn scene(text: &str, offset: usize) -> Scene<'_> {
    let all = tokens(text);
    let mut walk =
        Walk { blocks: vec![Block::File], heads: vec![Vec::new()], clause: Vec::new(), rule_at: 0 };
    let (mut typed, mut typed_at, mut inside) = ("", offset, None);
    for (index, token) in all.iter().enumerate().take_while(|(_, token)| token.range.start < offset) {
        let is_at = offset <= token.range.end;
        let is_closed = token.kind == Kind::Text && is_closed(token.text);
        let is_inside = is_at && (offset < token.range.end || !is_closed);
        match token.kind {
            Kind::Word | Kind::Number if is_at => {
                typed = text.get(token.range.start..offset).unwrap_or_default();
                typed_at = token.range.start;
            }
            Kind::Text | Kind::Comment if is_inside => inside = Some(token.clone()),
            Kind::Word | Kind::Number | Kind::Text | Kind::Comment | Kind::Mark => {
                walk.pass(index, token, all.get(index + 1));
            }
        }
    }
    let rule: Vec<&Token<'_>> = all.iter().skip(walk.rule_at).collect();
    let end = rule.iter().skip(1).position(|token| token.text == "rule" && token.range.start > offset);
    let rule = rule.get(..end.map_or(rule.len(), |end| end + 1)).unwrap_or_default();
    let steps = steps(rule);
    Scene {
        block: walk.block(),
        clause: walk.clause,
        head: walk.heads.pop().unwrap_or_default(),
        typed,
        typed_at,
        inside,
        before: steps.iter().filter(|(_, _, at)| *at < offset).count(),
        steps: steps.into_iter().map(|(name, source, _)| (name, source)).collect(),
        params: rule.windows(2).filter_map(|pair| named(pair, "param")).collect(),
    }
}

/// Whether a string has its closing quotes.
pub(super) fn is_closed(text: &str) -> bool {
    let body = text.strip_prefix('r').unwrap_or(text);
    let quotes = if body.starts_with("\"\"\"") { 6 } else { 2 };
    body.len() >= quotes && body.ends_with('"')
}

/// Whether the next word is a name, whatever it is.
fn is_name(clause: &[Token<'_>]) -> bool {
    matches!(clause, [only] if ["step", "param", "rule", "allowlist", "entity"].contains(&only.text))
}

fn inner(block: Block, clause: &[Token<'_>]) -> Block {
    let first = clause.first().map_or("", |token| token.text);
    match (block, first) {
        (Block::File, "allowlist" | "lookup") => Block::List,
        (Block::File, _) => Block::Rule,
        (Block::Rule, "chain") | (Block::Chain, _) => Block::Chain,
        (Block::Rule, "alert") => Block::Alert,
        (Block::Rule, "test") => Block::Test,
        (Block::Test | Block::Event, _) => Block::Event,
        (Block::Rule | Block::Alert | Block::List, _) => block,
    }
}

fn named<'t>(pair: &[&Token<'t>], keyword: &str) -> Option<&'t str> {
    match pair {
        [one, other] if one.text == keyword && other.kind == Kind::Word => Some(other.text),
        _ => None,
    }
}

/// Name, source and place of each step.
fn steps<'t>(rule: &[&Token<'t>]) -> Vec<(&'t str, &'t str, usize)> {
    let step = |four: &[&Token<'t>]| match four {
        [step, name, from, source]
            if step.text == "step" && from.text == "from" && source.kind == Kind::Word =>
        {
            Some((name.text, source.text, step.range.start))
        }
        _ => None,
    };
    rule.windows(4).filter_map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The scene at the mark `|`.
    fn at(text: &str) -> (Block, String, String) {
        let offset = text.find('|').unwrap();
        let text = text.replacen('|', "", 1);
        let scene = scene(&text, offset);
        let clause: Vec<&str> = scene.clause.iter().map(|token| token.text).collect();
        (scene.block, clause.join(" "), scene.typed.to_owned())
    }

    fn is(text: &str, block: Block, clause: &str, typed: &str) {
        assert_eq!(at(text), (block, clause.to_owned(), typed.to_owned()), "{text}");
    }

    #[test]
    fn clauses_are_found_in_half_written_text() {
        is("al|", Block::File, "", "al");
        is("rule r { title \"T\" sev|", Block::Rule, "title \"T\"", "sev");
        is("rule r { severity |", Block::Rule, "severity", "");
        is("rule r { chain { step a from |", Block::Chain, "step a from", "");
        is(
            "rule r { chain { step a from s where event.ac|\n then within",
            Block::Chain,
            "step a from s where",
            "event.ac",
        );
        is("rule r { chain { step a from s where a or |", Block::Chain, "step a from s where a or", "");
        is("rule r { chain { step a from s where a except |", Block::Chain, "except", "");
        is("rule r { chain { then within 15|", Block::Chain, "then within", "15");
        is("rule r { alert { entity account |", Block::Alert, "entity account", "");
        is("rule r { test \"t\" { a at 0s { x.|", Block::Event, "", "x.");
        is("rule r { test \"t\" { a at 0s { x: 1 } |", Block::Test, "", "");
        let inside = |text, at| scene(text, at).inside.map(|token| token.kind);
        assert_eq!([inside("title \"ab", 8), inside("# x", 3)], [Some(Kind::Text), Some(Kind::Comment)]);
        assert_eq!(inside("a # x", 1), None);
    }

    #[test]
    fn steps_are_those_of_the_rule() {
        let text =
            "rule a { chain { step x from s where } } rule b { param p = 1m chain { step y from t where ";
        let scene = scene(text, text.len());
        assert_eq!((scene.steps, scene.before, scene.params), (vec![("y", "t")], 1, vec!["p"]));
    }
}

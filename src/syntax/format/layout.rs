//! Where the lines of a rule file break.
//!
//! In: a tree. Out: a document. The tables below are the style; what they do not name is written on one line, and
//! breaks after its commas where it is too long. Must not know: the width of a line.

use std::collections::HashMap;

use super::super::grammar::Rule;
use super::doc::{Blank, Doc};
use super::tree::{Leaf, Node, Tree, is_comma};

/// Rules whose braces hold one part a line.
const BLOCKS: &[Rule] =
    &[Rule::rule_tail, Rule::chain_tail, Rule::together_tail, Rule::alert_tail, Rule::test_tail];
/// Rules whose braces keep the lines of the author: an entry that says more than its value has a line of its own.
const KEPT: &[Rule] = &[Rule::list_tail];
/// Parts with a blank line before and behind them.
const APART: &[Rule] =
    &[Rule::list, Rule::lookup, Rule::rule, Rule::chain, Rule::alert, Rule::playbook, Rule::test];
/// Parts that begin a line, indented below what they belong to, with what follows them up to the next one.
const BREAKS: &[Rule] = &[
    Rule::kw_where,
    Rule::except,
    Rule::alternative,
    Rule::unless,
    Rule::first,
    Rule::at_least,
    Rule::comparisons,
];
/// Parts of which each begins a line where they do not all fit on one.
const OPERATORS: &[Rule] = &[Rule::either_op, Rule::both_op];
/// Rules whose values stand below each other, each on a line if they do not all fit on one.
const ALIGNED: &[Rule] = &[Rule::meta_tail];
/// Words that are written against the parenthesis behind them.
const CALLS: &[Rule] = &[Rule::kw_exists, Rule::kw_any, Rule::kw_all];

/// How the beginnings of neighbouring parts are aligned: for each of their first words, to which width.
const COLUMNS: &[(Rule, &[Width])] = &[
    (Rule::meta, &[Width::Of("description")]),
    (Rule::param, &[Width::Free, Width::Widest]),
    (Rule::entity, &[Width::Of("entity"), Width::Widest]),
    (Rule::show, &[Width::Of("entity")]),
    (Rule::dedupe, &[Width::Of("entity")]),
    (Rule::event, &[Width::Widest]),
];

#[derive(Debug, Clone, Copy)]
enum Width {
    /// As it is.
    Free,
    /// That of a word.
    Of(&'static str),
    /// That of the widest name that stands there in the block.
    Widest,
}

/// The document of a file.
pub(super) fn file<'a, 't>(tree: &'a Tree<'t>) -> Vec<Doc<'a, 't>> {
    Layout { tree, padding: padding(tree) }.lines(tree.items.iter())
}

struct Layout<'a, 't> {
    tree: &'a Tree<'t>,
    /// Blanks behind tokens.
    padding: HashMap<usize, usize>,
}

impl<'a, 't> Layout<'a, 't> {
    /// Parts on lines of their own.
    fn lines(&self, parts: impl Iterator<Item = &'a Node>) -> Vec<Doc<'a, 't>> {
        let mut docs = Vec::new();
        let mut before: Option<&Node> = None;
        for part in parts {
            let is_apart = |node: &Node| node.kind().is_some_and(|kind| APART.contains(&kind));
            if let Some(before) = before {
                let apart = (is_apart(before) || is_apart(part)) && part.kind() != Some(Rule::EOI);
                docs.push(Doc::Hard(if apart { Blank::Always } else { Blank::Keep }));
            }
            docs.extend(self.node(part));
            before = Some(part);
        }
        docs
    }

    fn node(&self, node: &'a Node) -> Vec<Doc<'a, 't>> {
        let (kind, parts) = match node {
            Node::Leaf(index) => return self.token(*index),
            Node::Branch(kind, parts) => (*kind, parts.as_slice()),
        };
        if let Some(open) = parts.iter().position(|part| part.kind() == Some(Rule::lbrace)) {
            return self.braces(kind, parts, open);
        }
        if kind == Rule::set {
            return self.set(parts);
        }
        // The window of an absence, or its key where it has none, begins a line as the selection before it does.
        let reach = if kind == Rule::unless { reach(parts) } else { None };
        let begins = |part: &Node| is_among(part, BREAKS) || reach.is_some() && part.kind() == reach;
        let mut clauses = parts.chunk_by(|_, next| !begins(next));
        let mut docs = clauses.next().map(|head| self.clause(kind, head)).unwrap_or_default();
        for clause in clauses {
            let mut nested = vec![Doc::Hard(Blank::Keep)];
            nested.extend(self.clause(kind, clause));
            docs.push(Doc::Nest(nested));
        }
        docs
    }

    /// Parts that stand on one line if they fit.
    fn clause(&self, kind: Rule, parts: &'a [Node]) -> Vec<Doc<'a, 't>> {
        if parts.iter().any(is_comma) {
            return self.commas(kind, parts);
        }
        let has_operators = parts.iter().any(|part| is_among(part, OPERATORS));
        let docs = self.inline(parts);
        if has_operators { vec![Doc::Group(vec![Doc::Nest(docs)])] } else { docs }
    }

    fn token(&self, index: usize) -> Vec<Doc<'a, 't>> {
        let token = self.tree.leaf(index).map(Doc::Token);
        token.into_iter().chain(self.padding.get(&index).map(|count| Doc::Space(*count))).collect()
    }

    /// Parts one after another.
    fn inline(&self, parts: &'a [Node]) -> Vec<Doc<'a, 't>> {
        let mut docs = Vec::new();
        let mut before: Option<&Node> = None;
        for part in parts {
            if let Some(before) = before {
                let is_operator = is_among(part, OPERATORS);
                docs.extend(if is_operator { Some(Doc::Line) } else { self.space(before, part) });
            }
            docs.extend(self.node(part));
            before = Some(part);
        }
        docs
    }

    /// The blank between two parts.
    fn space(&self, before: &Node, after: &Node) -> Option<Doc<'a, 't>> {
        let leaf = |index: Option<usize>| index.and_then(|index| self.tree.leaf(index)).map(|leaf| leaf.kind);
        let (before, after) = (leaf(before.last())?, leaf(after.first())?);
        let closes = [Rule::comma, Rule::colon, Rule::pair_mark, Rule::rparen].contains(&after);
        let calls = after == Rule::lparen && CALLS.contains(&before);
        (!closes && !calls && before != Rule::lparen).then_some(Doc::Space(1))
    }

    /// Items with their commas, and breaks between them.
    fn items(&self, parts: &'a [Node], between: impl Fn() -> Doc<'a, 't>) -> Vec<Doc<'a, 't>> {
        let mut docs = Vec::new();
        for (at, item) in parts.split_inclusive(is_comma).enumerate() {
            if at > 0 {
                docs.push(between());
            }
            docs.push(Doc::Group(self.inline(item)));
        }
        docs
    }

    /// Parts with commas between them, as after `show`.
    fn commas(&self, kind: Rule, parts: &'a [Node]) -> Vec<Doc<'a, 't>> {
        let items = self.items(parts, || Doc::Line);
        let items = if ALIGNED.contains(&kind) { items } else { vec![Doc::Fill(items)] };
        vec![Doc::Group(vec![Doc::Align(items)])]
    }

    /// `(v, …)`.
    fn set(&self, parts: &'a [Node]) -> Vec<Doc<'a, 't>> {
        let [open, values @ .., close] = parts else { return Vec::new() };
        let mut inner = vec![Doc::Soft, Doc::Fill(self.items(values, || Doc::Line))];
        inner.extend(self.comments(close));
        let mut docs = self.node(open);
        docs.push(Doc::Nest(inner));
        docs.push(Doc::Soft);
        docs.extend(self.bare(close));
        vec![Doc::Group(docs)]
    }

    fn braces(&self, kind: Rule, parts: &'a [Node], open: usize) -> Vec<Doc<'a, 't>> {
        let (head, body) = parts.split_at(open);
        let [lbrace, inner @ .., rbrace] = body else { return self.inline(parts) };
        let mut docs = self.inline(head);
        docs.extend(head.last().and_then(|last| self.space(last, lbrace)));
        let is_empty = inner.is_empty() && self.closing(rbrace).is_none_or(|leaf| leaf.before.is_empty());
        if is_empty {
            docs.extend(self.node(lbrace));
            docs.extend(self.bare(rbrace));
        } else if BLOCKS.contains(&kind) {
            docs.extend(self.block(lbrace, inner, rbrace));
        } else {
            docs.push(Doc::Group(self.filled(kind, lbrace, inner, rbrace)));
        }
        docs
    }

    /// Braces with one part a line.
    fn block(&self, open: &'a Node, inner: &'a [Node], close: &'a Node) -> Vec<Doc<'a, 't>> {
        let mut docs = self.node(open);
        let mut nested = vec![Doc::Hard(Blank::Never)];
        nested.extend(self.lines(inner.iter()));
        if self.closing(close).is_some_and(|leaf| !leaf.before.is_empty()) {
            nested.extend((!inner.is_empty()).then_some(Doc::Hard(Blank::Keep)));
            nested.extend(self.comments(close));
        }
        docs.push(Doc::Nest(nested));
        docs.push(Doc::Hard(Blank::Never));
        docs.extend(self.bare(close));
        docs
    }

    /// Braces with as many items on a line as fit.
    fn filled(&self, kind: Rule, open: &'a Node, inner: &'a [Node], close: &'a Node) -> Vec<Doc<'a, 't>> {
        let is_kept = KEPT.contains(&kind);
        let begins = |node: &Node| is_kept && (self.begins_line(node) || has_attributes(node));
        let mut filled = Vec::new();
        let mut before: Option<&[Node]> = None;
        // An item and the comma behind it, if there is one.
        for item in inner.chunk_by(|_, next| is_comma(next)) {
            let is_alone = |item: &[Node]| is_kept && item.iter().any(has_attributes);
            if let Some(before) = before {
                let is_broken = item.first().is_some_and(begins) || is_alone(before);
                filled.push(if is_broken { Doc::Hard(Blank::Keep) } else { Doc::Line });
            }
            filled.push(Doc::Group(self.inline(item)));
            before = Some(item);
        }
        let is_broken = inner.first().is_some_and(begins) || is_kept && self.begins_line(close);
        let mut nested = vec![if is_broken { Doc::Hard(Blank::Never) } else { Doc::Line }, Doc::Fill(filled)];
        if self.closing(close).is_some_and(|leaf| !leaf.before.is_empty()) {
            nested.push(Doc::Hard(Blank::Keep));
            nested.extend(self.comments(close));
        }
        let mut docs = self.node(open);
        docs.push(Doc::Nest(nested));
        docs.push(Doc::Line);
        docs.extend(self.bare(close));
        docs
    }

    fn begins_line(&self, node: &Node) -> bool {
        node.first().and_then(|index| self.tree.leaf(index)).is_some_and(|leaf| leaf.begins_line)
    }

    fn closing(&self, close: &Node) -> Option<&'a Leaf<'t>> {
        self.tree.leaf(close.first()?)
    }

    /// The comments before a closing bracket, which belong to what is inside.
    fn comments(&self, close: &Node) -> Option<Doc<'a, 't>> {
        self.closing(close).map(Doc::Comments)
    }

    fn bare(&self, close: &Node) -> Option<Doc<'a, 't>> {
        self.closing(close).map(Doc::Bare)
    }
}

fn is_among(node: &Node, rules: &[Rule]) -> bool {
    node.kind().is_some_and(|kind| rules.contains(&kind))
}

/// The word with which an absence says how far it reaches: that of its window or, without one, of its key.
fn reach(parts: &[Node]) -> Option<Rule> {
    let of = |kind: Rule| parts.iter().any(|part| part.kind() == Some(kind)).then_some(kind);
    of(Rule::kw_within).or_else(|| of(Rule::kw_on))
}

/// Whether an entry of a list says more than its value.
fn has_attributes(node: &Node) -> bool {
    matches!(node, Node::Branch(_, parts) if parts.len() > 1)
}

/// The blanks behind tokens that make columns of the parts of each block.
fn padding(tree: &Tree<'_>) -> HashMap<usize, usize> {
    let mut found = HashMap::new();
    for item in &tree.items {
        pad(tree, item, &mut found);
    }
    found
}

fn pad(tree: &Tree<'_>, node: &Node, found: &mut HashMap<usize, usize>) {
    let Node::Branch(_, parts) = node else { return };
    for (kind, widths) in COLUMNS {
        let rows: Vec<usize> =
            parts.iter().filter(|part| part.kind() == Some(*kind)).filter_map(Node::first).collect();
        for (column, width) in widths.iter().enumerate() {
            let cells = rows.iter().filter_map(|first| Some((first + column, tree.leaf(first + column)?)));
            let cells: Vec<(usize, usize)> = match width {
                Width::Free => continue,
                Width::Of(_) => cells.map(|(index, leaf)| (index, leaf.text.chars().count())).collect(),
                Width::Widest => cells
                    .filter(|(_, leaf)| leaf.kind == Rule::name)
                    .map(|(index, leaf)| (index, leaf.text.chars().count()))
                    .collect(),
            };
            let wanted = match width {
                Width::Of(word) => word.len(),
                Width::Free | Width::Widest => cells.iter().map(|(_, length)| *length).max().unwrap_or(0),
            };
            found.extend(cells.into_iter().map(|(index, length)| (index, wanted.saturating_sub(length))));
        }
    }
    for part in parts {
        pad(tree, part, found);
    }
}

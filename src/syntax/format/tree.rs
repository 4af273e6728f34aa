//! A rule file as the grammar sees it, with the comments at their tokens.
//!
//! In: a text without findings, and its comments. Out: a [`Tree`] of which every leaf is a token.
//! Must not know: how it will be laid out.

use super::super::grammar::{self, Pair, Rule};
use super::super::scan::Scan;

/// A comment that stands on lines of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Comment<'t> {
    pub(super) text: &'t str,
    /// Whether a blank line stands before it.
    pub(super) blank: bool,
}

/// A token.
#[derive(Debug, Clone)]
pub(super) struct Leaf<'t> {
    pub(super) kind: Rule,
    pub(super) text: &'t str,
    /// Comments before it.
    pub(super) before: Vec<Comment<'t>>,
    /// The comment behind it on its line.
    pub(super) after: Option<&'t str>,
    /// Whether a blank line stands before it, behind its comments.
    pub(super) blank: bool,
    /// Whether it, or the first of its comments, begins a line.
    pub(super) begins_line: bool,
}

/// A part of a file.
#[derive(Debug)]
pub(super) enum Node {
    /// A token, by its number.
    Leaf(usize),
    /// A rule of the grammar, with its parts.
    Branch(Rule, Vec<Node>),
}

/// A file.
#[derive(Debug)]
pub(super) struct Tree<'t> {
    leaves: Vec<Leaf<'t>>,
    /// The parts of the file; the last is its end.
    pub(super) items: Vec<Node>,
}

impl<'t> Tree<'t> {
    /// Reads a text; `None` if the grammar does not account for all of it.
    pub(super) fn of(text: &'t str, scan: &Scan<'_>) -> Option<Self> {
        let pair = grammar::parse(Rule::file, &scan.text).ok()??;
        let mut reader = Reader { text, blanked: &scan.text, leaves: Vec::new(), ends: Vec::new() };
        let items = pair.into_inner().filter_map(|pair| reader.node(pair, Rule::file)).collect();
        let Reader { leaves, ends, .. } = reader;
        let mut this = Self { leaves, items };
        let read: usize = this.leaves.iter().map(|leaf| visible(leaf.text)).sum();
        if read != visible(&scan.text) {
            return None;
        }
        this.place(text, scan, &ends);
        Some(this)
    }

    /// The tokens.
    pub(super) fn leaves(&self) -> impl Iterator<Item = &Leaf<'t>> {
        self.leaves.iter()
    }

    /// Every comment.
    pub(super) fn comments(&self) -> impl Iterator<Item = &'t str> {
        self.leaves().flat_map(|leaf| leaf.before.iter().map(|comment| comment.text).chain(leaf.after))
    }

    pub(super) fn leaf(&self, index: usize) -> Option<&Leaf<'t>> {
        self.leaves.get(index)
    }

    /// Gives each comment to a token: the one that it stands behind on a line, else the next one.
    fn place(&mut self, text: &'t str, scan: &Scan<'_>, ends: &[(usize, usize)]) {
        let mut comments = scan.comments.iter().map(|span| span.range()).peekable();
        let mut done = 0;
        for (index, &(start, end)) in ends.iter().enumerate() {
            let mut waiting = Vec::new();
            let mut begins_line = None;
            while let Some(range) = comments.next_if(|range| range.start < start) {
                let (between, comment) = (text.get(done..range.start), text.get(range.clone()));
                let (Some(between), Some(comment)) = (between, comment) else { continue };
                done = range.end;
                let behind = index.checked_sub(1).filter(|_| waiting.is_empty() && !between.contains('\n'));
                if let Some(leaf) = behind.and_then(|index| self.leaves.get_mut(index)) {
                    leaf.after = Some(comment.trim_end());
                } else {
                    begins_line.get_or_insert(true);
                    waiting.push(Comment { text: comment.trim_end(), blank: has_blank_line(between) });
                }
            }
            let between = text.get(done..start).unwrap_or_default();
            if let Some(leaf) = self.leaves.get_mut(index) {
                leaf.before = waiting;
                leaf.blank = has_blank_line(between);
                leaf.begins_line = begins_line.unwrap_or(between.contains('\n'));
            }
            done = end;
        }
    }
}

/// Whether a node is a comma.
pub(super) fn is_comma(node: &Node) -> bool {
    node.kind() == Some(Rule::comma)
}

impl Node {
    /// The rule of a branch. A token is a branch with one leaf.
    pub(super) fn kind(&self) -> Option<Rule> {
        match self {
            Self::Branch(kind, _) => Some(*kind),
            Self::Leaf(_) => None,
        }
    }

    /// Its first token.
    pub(super) fn first(&self) -> Option<usize> {
        match self {
            Self::Leaf(index) => Some(*index),
            Self::Branch(_, parts) => parts.iter().find_map(Self::first),
        }
    }

    /// Its last token.
    pub(super) fn last(&self) -> Option<usize> {
        match self {
            Self::Leaf(index) => Some(*index),
            Self::Branch(_, parts) => parts.iter().rev().find_map(Self::last),
        }
    }
}

struct Reader<'t, 's> {
    text: &'t str,
    /// The text with blanks in place of comments: a token may take the blanks behind it along.
    blanked: &'s str,
    leaves: Vec<Leaf<'t>>,
    /// Where each token begins and ends.
    ends: Vec<(usize, usize)>,
}

impl Reader<'_, '_> {
    /// A part; `None` for one that is not there. The end of the file is a token without text.
    fn node(&mut self, pair: Pair<'_>, within: Rule) -> Option<Node> {
        let (kind, span) = (pair.as_rule(), pair.as_span());
        let parts: Vec<Node> = pair.into_inner().filter_map(|part| self.node(part, kind)).collect();
        if !parts.is_empty() {
            return Some(Node::Branch(kind, parts));
        }
        let token = self.blanked.get(span.start()..span.end())?.trim_end_matches([' ', '\t', '\r', '\n']);
        let text = self.text.get(span.start()..span.start() + token.len())?;
        if text.is_empty() && (kind, within) != (Rule::EOI, Rule::file) {
            return None;
        }
        self.ends.push((span.start(), span.start() + text.len()));
        self.leaves.push(Leaf {
            kind,
            text,
            before: Vec::new(),
            after: None,
            blank: false,
            begins_line: false,
        });
        Some(Node::Branch(kind, vec![Node::Leaf(self.leaves.len() - 1)]))
    }
}

/// How many characters of a text are not blank.
fn visible(text: &str) -> usize {
    text.chars().filter(|c| !matches!(c, ' ' | '\t' | '\r' | '\n')).count()
}

fn has_blank_line(between: &str) -> bool {
    between.bytes().filter(|byte| *byte == b'\n').count() > 1
}

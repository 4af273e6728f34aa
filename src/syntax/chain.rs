//! Builds chains: their head, steps and links.
//!
//! In: pairs of the grammar. Out: nodes of [`ast`](super::ast).
//! Must not know: whether steps and links alternate, or what a source is.

use super::ast::{Chain, ChainItem, Link, Literal, Name, Step, Then};
use super::builder::Builder;
use super::grammar::{Pair, Rule};
use super::keywords::Level;
use super::parts::Block;
use super::recover::{Misspelt, Previous};
use crate::source::Span;

impl Builder<'_> {
    pub(super) fn chain(&mut self, span: Span, tail: Pair<'_>) -> Chain {
        let Block { head, items } = self.block(tail, Rule::only_chain);
        let (within, scope) = self.chain_head(head);
        let mut out = Vec::new();
        let mut previous = Previous::default();
        for pair in items {
            self.chain_item(pair, &mut previous, &mut out);
        }
        Chain { within, scope, items: out, span }
    }

    fn chain_head(&mut self, head: Vec<Pair<'_>>) -> (Option<Literal>, Vec<Name>) {
        let mut within: Option<Literal> = None;
        let mut scope = Vec::new();
        let mut first: [Option<Span>; 2] = [None, None];
        for part in head.into_iter().flat_map(Pair::into_inner) {
            let span = self.span(&part);
            let is_total = part.as_rule() == Rule::total;
            let [total_seen, scope_seen] = &mut first;
            let (seen, what) = if is_total { (total_seen, "within") } else { (scope_seen, "scope") };
            if let Some(before) = *seen {
                self.repeated(what, span, before);
                continue;
            }
            *seen = Some(span);
            let parts =
                part.into_inner().filter(|part| !matches!(part.as_rule(), Rule::kw_within | Rule::kw_scope));
            if is_total {
                parts.for_each(|window| within = Some(self.window(&window)));
            } else {
                scope = self.names(parts);
            }
        }
        (within, scope)
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the grammar's rules, most of which cannot stand here"
    )]
    fn chain_item(&mut self, pair: Pair<'_>, previous: &mut Previous, out: &mut Vec<ChainItem>) {
        let span = self.span(&pair);
        match pair.as_rule() {
            Rule::bad_item => {
                self.bad(Level::Chain, span, *previous, &mut |this, misspelt| {
                    this.misspelt_item(misspelt, out)
                });
            }
            Rule::step => {
                previous.set(Rule::only_step, span);
                out.extend(self.tail(pair).and_then(|tail| self.step(span, tail)).map(ChainItem::Step));
            }
            _ => {
                previous.set(Rule::only_then, span);
                out.extend(self.tail(pair).and_then(|tail| self.then(span, tail)).map(ChainItem::Then));
            }
        }
    }

    fn misspelt_item(&mut self, misspelt: &Misspelt, out: &mut Vec<ChainItem>) -> usize {
        self.reparse(misspelt, |this, tail| {
            out.extend(match misspelt.keyword {
                "then" => this.then(misspelt.span, tail).map(ChainItem::Then),
                _ => this.step(misspelt.span, tail).map(ChainItem::Step),
            });
        })
    }

    fn step(&mut self, span: Span, tail: Pair<'_>) -> Option<Step> {
        let mut parts = tail
            .into_inner()
            .filter(|part| !matches!(part.as_rule(), Rule::kw_from | Rule::kw_where | Rule::loose_word))
            .peekable();
        // Only a step with a broken head lacks its name; it gets one that no other has.
        let nameless = || Name { node: format!("_{}", span.start), span };
        let name = match parts.next_if(|part| part.as_rule() == Rule::name) {
            Some(name) => self.name(&name),
            None => nameless(),
        };
        let source = self.name(&parts.next()?);
        let filter = self.pred(parts.next()?, 0)?;
        let excepts =
            parts.filter_map(|except| self.tail(except).and_then(|pred| self.pred(pred, 0))).collect();
        Some(Step { name, source, filter, excepts, span })
    }

    fn then(&mut self, span: Span, tail: Pair<'_>) -> Option<Then> {
        let mut parts = tail
            .into_inner()
            .filter(|part| !matches!(part.as_rule(), Rule::kw_within | Rule::kw_on | Rule::comma));
        let gap = self.window(&parts.next()?);
        let links = parts.filter_map(|link| self.link(link)).collect();
        Some(Then { gap, links, span })
    }

    fn link(&mut self, pair: Pair<'_>) -> Option<Link> {
        let span = self.span(&pair);
        let mut parts = pair.into_inner();
        let left = self.name(&parts.next()?);
        if let Some(mark) = parts.next() {
            self.operator_spelling(&mark, "==");
        }
        let right = parts.next().map(|field| self.name(&field));
        Some(Link { left, right, span })
    }

    /// The names among parts separated by commas.
    pub(super) fn names<'i>(&mut self, parts: impl Iterator<Item = Pair<'i>>) -> Vec<Name> {
        parts.filter(|part| part.as_rule() != Rule::comma).map(|part| self.name(&part)).collect()
    }
}

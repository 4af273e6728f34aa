//! Builds chains: their head, steps and links.
//!
//! In: pairs of the grammar. Out: nodes of [`ast`](super::ast).
//! Must not know: whether steps and links alternate, or what a source is.

use super::ast::{
    AtLeast, Chain, ChainItem, Comparison, First, Link, LinkSide, Literal, Name, Rename, Selection, Side,
    Step, StepClause, Then, Together, Unless, UnlessWindow,
};
use super::builder::Builder;
use super::grammar::{Pair, Rule};
use super::keywords::Level;
use super::parts::{Block, child};
use super::pred::op_of;
use super::recover::{Misspelt, Previous};
use crate::diag::{Code, Diagnostic, Fix};
use crate::source::{Span, Spanned};

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
                out.extend(
                    self.tail(pair)
                        .and_then(|tail| self.step(span, tail))
                        .map(|step| ChainItem::Step(Box::new(step))),
                );
            }
            Rule::together => {
                previous.block(span);
                out.extend(
                    self.tail(pair).and_then(|tail| self.together(span, tail)).map(ChainItem::Together),
                );
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
                "together" => this.together(misspelt.span, tail).map(ChainItem::Together),
                _ => this.step(misspelt.span, tail).map(|step| ChainItem::Step(Box::new(step))),
            });
        })
    }

    fn step(&mut self, span: Span, tail: Pair<'_>) -> Option<Step> {
        let (mut name, mut main, mut others, mut clauses) = (None, None, Vec::new(), Vec::new());
        // Only a step with a broken head has the parts of its selection bare, between words that were passed over.
        let mut bare = Vec::new();
        for part in tail.into_inner() {
            #[expect(clippy::wildcard_enum_match_arm, reason = "the parts of a selection")]
            match part.as_rule() {
                Rule::kw_from | Rule::loose_word => {}
                Rule::name => name = Some(self.name(&part)),
                Rule::selection => main = self.selection(part),
                Rule::alternative => {
                    others.extend(part.into_inner().nth(2).and_then(|part| self.selection(part)));
                }
                Rule::unless => {
                    clauses.extend(self.unless(part).map(|unless| StepClause::Unless(Box::new(unless))));
                }
                Rule::first => clauses.extend(self.first_seen(part).map(StepClause::First)),
                Rule::at_least => clauses.extend(self.at_least(part).map(StepClause::AtLeast)),
                _ => bare.push(part),
            }
        }
        let main = main.or_else(|| self.selection_of(span, bare))?;
        // One without a name gets one that no other has.
        let name = name.unwrap_or_else(|| Name { node: format!("_{}", span.start), span });
        Some(Step { name, main, others, clauses, span })
    }

    fn selection(&mut self, pair: Pair<'_>) -> Option<Selection> {
        let span = self.span(&pair);
        self.selection_of(span, pair.into_inner().collect())
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "keywords, which say nothing more")]
    fn selection_of(&mut self, span: Span, parts: Vec<Pair<'_>>) -> Option<Selection> {
        let (mut source, mut filter, mut renames, mut excepts) = (None, None, Vec::new(), Vec::new());
        for part in parts {
            match part.as_rule() {
                Rule::field => source = Some(self.name(&part)),
                Rule::renames => renames = self.renames(part),
                Rule::pred => filter = self.pred(part, 0),
                Rule::except => excepts.extend(self.tail(part).and_then(|pred| self.pred(pred, 0))),
                _ => {}
            }
        }
        Some(Selection { source: source?, renames, filter: filter?, excepts, span })
    }

    fn renames(&mut self, pair: Pair<'_>) -> Vec<Rename> {
        let renames = pair.into_inner().filter(|part| part.as_rule() == Rule::rename);
        let rename = |rename: Pair<'_>| {
            let mut fields = rename.into_inner().filter(|part| part.as_rule() == Rule::field);
            Some(Rename { name: self.name(&fields.next()?), of: self.name(&fields.next()?) })
        };
        renames.filter_map(rename).collect()
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "keywords, which say nothing more")]
    fn unless(&mut self, pair: Pair<'_>) -> Option<Unless> {
        let span = self.span(&pair);
        let (mut name, mut selection, mut within, mut links) = (None, None, None, Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => name = Some(self.name(&part)),
                Rule::selection => selection = self.selection(part),
                Rule::window => within = Some(UnlessWindow { window: self.window(&part), side: None }),
                Rule::side => {
                    let node =
                        if child(&part, Rule::kw_after).is_some() { Side::After } else { Side::Before };
                    let side = Spanned { node, span: self.span(&part) };
                    within = within.map(|within| UnlessWindow { side: Some(side), ..within });
                }
                Rule::link => links.extend(self.link(part)),
                _ => {}
            }
        }
        Some(Unless { name: name?, selection: selection?, within, links, span })
    }

    fn first_seen(&mut self, pair: Pair<'_>) -> Option<First> {
        let span = self.span(&pair);
        let window = child(&pair, Rule::window).map(|window| self.window(&window))?;
        let by = self.names(pair.into_inner().filter(|part| part.as_rule() == Rule::field));
        Some(First { window, by, span })
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "keywords, which say nothing more")]
    fn at_least(&mut self, pair: Pair<'_>) -> Option<AtLeast> {
        let span = self.span(&pair);
        let (mut count, mut window, mut distinct, mut by) = (None, None, None, Vec::new());
        let mut counts_values = false;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::number | Rule::window_word => count = Some(self.literal(&part)),
                Rule::kw_distinct => counts_values = true,
                Rule::window => window = Some(self.window(&part)),
                Rule::field if counts_values && window.is_none() => distinct = Some(self.name(&part)),
                Rule::field => by.push(self.name(&part)),
                _ => {}
            }
        }
        Some(AtLeast { count: count?, distinct, window: window?, by, span })
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "keywords, which say nothing more")]
    fn then(&mut self, span: Span, tail: Pair<'_>) -> Option<Then> {
        let (mut gap, mut links, mut comparisons, mut unless) = (None, Vec::new(), Vec::new(), Vec::new());
        for part in tail.into_inner() {
            match part.as_rule() {
                Rule::window => gap = Some(self.window(&part)),
                Rule::link => links.extend(self.link(part)),
                Rule::comparisons => comparisons = self.comparisons(part),
                Rule::unless => unless.extend(self.unless(part)),
                _ => {}
            }
        }
        Some(Then { gap: gap?, links, comparisons, unless, span })
    }

    fn comparisons(&mut self, pair: Pair<'_>) -> Vec<Comparison> {
        let all = pair.into_inner().filter(|part| part.as_rule() == Rule::comparison);
        all.filter_map(|part| self.comparison(part)).collect()
    }

    fn comparison(&mut self, pair: Pair<'_>) -> Option<Comparison> {
        let span = self.span(&pair);
        let mut parts = pair.into_inner();
        let left = self.name(&parts.next()?);
        let mark = parts.next()?;
        let meant = match mark.as_str() {
            "=" => "==",
            "<>" => "!=",
            other => other,
        };
        self.operator_spelling(&mark, meant);
        let op = Spanned { node: op_of(meant, false), span: self.span(&mark) };
        Some(Comparison { left, op, right: self.name(&parts.next()?), span })
    }

    fn together(&mut self, span: Span, tail: Pair<'_>) -> Option<Together> {
        let Block { head, items } = self.block(tail, Rule::only_together);
        let (mut window, mut links) = (None, Vec::new());
        if head.is_empty() && self.fault.start < span.start as usize {
            let keyword = span.start.saturating_add(8).min(span.end);
            self.unexpected(keyword as usize, &["`within`"]);
        }
        for part in head.into_iter().flat_map(Pair::into_inner) {
            if part.as_rule() == Rule::window {
                window = Some(self.window(&part));
            } else if part.as_rule() == Rule::link {
                links.extend(self.link(part));
            }
        }
        let (mut previous, mut inside) = (Previous::default(), Vec::new());
        for pair in items {
            if !self.refused_in_any_order(&pair) {
                self.chain_item(pair, &mut previous, &mut inside);
            }
        }
        let steps = inside.into_iter().filter_map(|item| match item {
            ChainItem::Step(step) => Some(*step),
            // What the grammar does not let in stands here only behind a misspelt word, which has been reported.
            ChainItem::Then(_) | ChainItem::Together(_) => None,
        });
        Some(Together { window: window?, links, steps: steps.collect(), span })
    }

    /// Reports a `then` or `together` where steps come in any order.
    fn refused_in_any_order(&mut self, pair: &Pair<'_>) -> bool {
        let span = self.span(pair);
        let word = self.word_at(span.start as usize, span.end as usize);
        if pair.as_rule() != Rule::bad_item || !["then", "together"].contains(&word) {
            return false;
        }
        let place = Span { end: span.start.saturating_add(u32::try_from(word.len()).unwrap_or(0)), ..span };
        let found = Diagnostic::new(Code::Syntax, place, format!("`{word}` inside `together`"))
            .label("these steps come in any order, so nothing joins one to the next")
            .help(
                "remove it; window and keys stand in front of the braces: `together within W on FIELD, … {`",
            );
        self.report(found);
        true
    }

    fn link(&mut self, pair: Pair<'_>) -> Option<Link> {
        let span = self.span(&pair);
        let mut parts = pair.into_inner();
        let left = self.link_side(&parts.next()?)?;
        let mut ignore_case = false;
        if let Some(mark) = parts.next() {
            ignore_case = mark.as_str() == "=~";
            self.operator_spelling(&mark, if ignore_case { "=~" } else { "==" });
        }
        let right = parts.next().and_then(|side| self.link_side(&side));
        Some(Link { left, right, ignore_case, span })
    }

    fn link_side(&mut self, pair: &Pair<'_>) -> Option<LinkSide> {
        if let Some(all) = child(pair, Rule::kw_all) {
            let place = self.span(&all);
            let mut found = Diagnostic::new(Code::Syntax, place, "`all` does not join two records")
                .label("a link holds where one value is equal")
                .help("write `any(…)`");
            found.fix = Some(Fix { span: place, replacement: "any".to_owned() });
            self.report(found);
        }
        let quantifier = child(pair, Rule::kw_any).or_else(|| child(pair, Rule::kw_all));
        let any = quantifier.map(|_| self.span(pair));
        Some(LinkSide { name: self.name(&child(pair, Rule::field)?), any })
    }

    /// The names among parts separated by commas.
    pub(super) fn names<'i>(&mut self, parts: impl Iterator<Item = Pair<'i>>) -> Vec<Name> {
        parts.filter(|part| part.as_rule() != Rule::comma).map(|part| self.name(&part)).collect()
    }
}

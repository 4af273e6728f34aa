//! Builds alerts.
//!
//! In: pairs of the grammar. Out: nodes of [`ast`](super::ast).
//! Must not know: which kinds of entities a SIEM has.

use super::ast::{Alert, Dedupe, Entity};
use super::builder::Builder;
use super::grammar::{Pair, Rule};
use super::keywords::Level;
use super::parts::Block;
use super::recover::{Misspelt, Previous};
use crate::source::Span;

impl Builder<'_> {
    pub(super) fn alert(&mut self, span: Span, tail: Pair<'_>) -> Alert {
        let Block { items, .. } = self.block(tail, Rule::only_alert);
        let mut out = Alert { entities: Vec::new(), show: Vec::new(), dedupe: Vec::new(), span };
        let mut previous = Previous::default();
        for pair in items {
            self.alert_item(pair, &mut previous, &mut out);
        }
        out
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the grammar's rules, most of which cannot stand here"
    )]
    fn alert_item(&mut self, pair: Pair<'_>, previous: &mut Previous, out: &mut Alert) {
        let span = self.span(&pair);
        let (strict, keyword) = match pair.as_rule() {
            Rule::entity => (Rule::only_entity, "entity"),
            Rule::show => (Rule::only_show, "show"),
            Rule::dedupe => (Rule::only_dedupe, "dedupe"),
            _ => {
                return self.bad(Level::Alert, span, *previous, &mut |this, misspelt| {
                    this.misspelt_in_alert(misspelt, out)
                });
            }
        };
        previous.set(strict, span);
        if let Some(tail) = self.tail(pair) {
            self.alert_part(keyword, span, tail, out);
        }
    }

    fn misspelt_in_alert(&mut self, misspelt: &Misspelt, out: &mut Alert) -> usize {
        self.reparse(misspelt, |this, tail| this.alert_part(misspelt.keyword, misspelt.span, tail, out))
    }

    fn alert_part(&mut self, keyword: &str, span: Span, tail: Pair<'_>, out: &mut Alert) {
        let mut parts = tail.into_inner().filter(|part| !matches!(part.as_rule(), Rule::comma | Rule::kw_by));
        match keyword {
            "show" => out.show.extend(self.names(parts)),
            "entity" => {
                let (Some(kind), Some(field)) = (parts.next(), parts.next()) else { return };
                out.entities.push(Entity { kind: self.name(&kind), field: self.name(&field) });
            }
            _ => {
                let Some(window) = parts.next() else { return };
                out.dedupe.push(Dedupe { window: self.window(&window), by: self.names(parts), span });
            }
        }
    }
}

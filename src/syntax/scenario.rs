//! Builds the tests of a rule: their events and expectations.
//!
//! In: pairs of the grammar. Out: nodes of [`ast`](super::ast).
//! Must not know: steps, sources or fields.

use super::ast::{
    Event, EventContent, EventOf, Expect, ExpectKind, Literal, LiteralKind, Name, RawText, Test,
};
use super::builder::Builder;
use super::call::values_of;
use super::grammar::{Pair, Rule};
use super::keywords::Level;
use super::parts::{Block, child};
use super::recover::Previous;
use crate::diag::{Code, Diagnostic, Fix};
use crate::source::Span;

impl Builder<'_> {
    pub(super) fn test(&mut self, span: Span, tail: Pair<'_>) -> Option<Test> {
        let Block { head, items } = self.block(tail, Rule::only_test);
        let name = head.into_iter().next().and_then(|head| self.first_text(head));
        let (mut events, mut expects) = (Vec::new(), Vec::new());
        let mut previous = Previous::default();
        for pair in items {
            let span = self.span(&pair);
            #[expect(
                clippy::wildcard_enum_match_arm,
                reason = "the grammar's rules, most of which cannot stand here"
            )]
            match pair.as_rule() {
                Rule::expect => {
                    previous.set(Rule::only_expect, span);
                    expects.extend(self.tail(pair).and_then(|tail| self.expect(span, tail)));
                }
                Rule::event => {
                    // Nothing can go on an event, which ends with its brace or its text.
                    previous.block(span);
                    events.extend(self.event(pair));
                }
                _ => self.bad(Level::Test, span, previous, &mut |this, misspelt| {
                    this.reparse(misspelt, |this, tail| expects.extend(this.expect(misspelt.span, tail)))
                }),
            }
        }
        Some(Test { name: name?, events, expects, span })
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the grammar's rules, most of which cannot stand here"
    )]
    fn expect(&mut self, span: Span, tail: Pair<'_>) -> Option<Expect> {
        let parts: Vec<Pair<'_>> = tail.into_inner().collect();
        let first = parts.first()?;
        let kind = match first.as_rule() {
            Rule::kw_no => ExpectKind::NoAlert,
            Rule::number => ExpectKind::Alerts(self.count(first)?),
            _ => ExpectKind::AlertAt(self.window(parts.last()?)),
        };
        Some(Expect { kind, span })
    }

    fn count(&mut self, pair: &Pair<'_>) -> Option<u64> {
        let mark = self.diags.len();
        let literal = self.literal(pair);
        let count = if let LiteralKind::Int(count) = literal.kind { u64::try_from(count).ok() } else { None };
        if count.is_none() && self.diags.len() == mark {
            let title = format!("`{}` is not a number of alerts", pair.as_str());
            self.report(Diagnostic::new(Code::BadNumber, literal.span, title).label("expected an integer"));
        }
        count
    }

    fn event(&mut self, pair: Pair<'_>) -> Option<Event> {
        let span = self.span(&pair);
        let mut parts = pair
            .into_inner()
            .filter(|part| !matches!(part.as_rule(), Rule::kw_at | Rule::lbrace | Rule::rbrace));
        let of = parts.next()?;
        let of = match child(&of, Rule::kw_event) {
            Some(_) => EventOf::Source(self.name(&child(&of, Rule::field)?)),
            None => EventOf::Step(self.name(&of.into_inner().next()?)),
        };
        let at = self.window(&parts.next()?);
        let mut parts = parts.filter(|part| part.as_rule() != Rule::kw_from).peekable();
        let from = parts.next_if(|part| part.as_rule() == Rule::field).map(|part| self.name(&part));
        if let Some(raw) = parts.next_if(|part| part.as_rule() == Rule::raw_event) {
            let text = self.raw_text(raw)?;
            return Some(Event { of, from, at, content: EventContent::Raw(text), span });
        }
        let fields = self.pairs(span, parts);
        Some(Event { of, from, at, content: EventContent::Fields(fields), span })
    }

    fn raw_text(&mut self, pair: Pair<'_>) -> Option<RawText> {
        let is_file = child(&pair, Rule::kw_from).is_some();
        let text = self.first_text(pair)?;
        Some(if is_file { RawText::File(text) } else { RawText::Inline(text) })
    }

    fn pairs<'p>(&mut self, event: Span, parts: impl Iterator<Item = Pair<'p>>) -> Vec<(Name, Literal)> {
        let mut fields: Vec<(Name, Literal)> = Vec::new();
        let mut separated = true;
        for part in parts {
            if part.as_rule() == Rule::comma {
                separated = true;
                continue;
            }
            // The grammar lets the comma be missing: else the one mistake would take the whole event with it.
            if !std::mem::replace(&mut separated, false) {
                self.comma_missing(fields.last().map_or(event, |(_, value)| value.span));
            }
            self.pair(part, &mut fields);
        }
        fields
    }

    fn comma_missing(&mut self, before: Span) {
        let place = Span { start: before.end, ..before };
        let mut found = Diagnostic::new(Code::Comma, before, "missing comma after this value")
            .label("followed by the next field")
            .help("fields of an event are separated by `,`");
        found.fix = Some(Fix { span: place, replacement: ",".to_owned() });
        self.report(found);
    }

    /// A field with its value, or with each of its values.
    fn pair(&mut self, pair: Pair<'_>, fields: &mut Vec<(Name, Literal)>) {
        let mut parts = pair.into_inner();
        let (Some(field), Some(mark)) = (parts.next(), parts.next()) else { return };
        let field = self.name(&field);
        self.operator_spelling(&mark, ":");
        let Some(value) = parts.next() else { return };
        if value.as_rule() == Rule::set {
            fields.extend(values_of(&value).iter().map(|one| (field.clone(), self.literal(one))));
        } else {
            fields.push((field, self.literal(&value)));
        }
    }
}

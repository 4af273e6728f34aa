//! Conditions of EQL in two-valued logic.
//!
//! In: the tree of a condition. Out: the condition that holds just where EQL's is true. A comparison with a missing
//! field is null there, and so is its negation: `not f == "a"` is `f has a value, and it is another`. Must not know:
//! sources.

use crate::ir::Place as TextPlace;
use crate::source::{FileId, Span};

use super::super::expr::{Expr, Test, joined};
use super::super::report::Loss;
use super::super::value::{fits, whole, wildcards};
use super::tree::{Compare, Node, Op, Place, Value, ValueKind};

/// The condition under which a tree is true.
pub(super) fn lower(node: &Node, file: FileId) -> Expr {
    Lower { file }.node(node, true)
}

struct Lower {
    file: FileId,
}

impl Lower {
    fn span(&self, place: Place) -> Span {
        Span::new(self.file, place.0, place.1)
    }

    /// When a tree is true, or when it is false.
    fn node(&self, node: &Node, truth: bool) -> Expr {
        match node {
            Node::And(parts) => joined(parts.iter().map(|part| self.node(part, truth)).collect(), truth),
            Node::Or(parts) => joined(parts.iter().map(|part| self.node(part, truth)).collect(), !truth),
            Node::Not(inner) => self.node(inner, !truth),
            Node::Bare(value) => self.bare(value, truth),
            Node::Compare(compare) => self.compare(compare, truth != compare.negated),
            Node::Lineage(what, place) => {
                let why = format!("`{what} of` asks for another event");
                self.lost(*place, why, "write the other event as a step, joined by a process id")
            }
        }
    }

    fn lost(&self, place: Place, why: impl Into<String>, help: &str) -> Expr {
        Expr::Lost(Loss::new(self.span(place), crate::source::visible(&why.into()), help))
    }

    fn bare(&self, value: &Value, truth: bool) -> Expr {
        match &value.kind {
            ValueKind::Bool(known) => Expr::Always(*known == truth),
            // Null is neither true nor false.
            ValueKind::Null => Expr::Always(false),
            ValueKind::Field(name) => self.equal(name, vec![truth.to_string()], value.place),
            ValueKind::Call { name, folds, arguments } => {
                let test = self.call(name, *folds, arguments, value.place);
                if truth { test } else { opposite(test) }
            }
            ValueKind::Text(_) | ValueKind::Number(_) | ValueKind::Arithmetic => {
                self.lost(value.place, "a value in place of a condition", "compare it with a field")
            }
        }
    }

    fn equal(&self, name: &str, values: Vec<String>, place: Place) -> Expr {
        Expr::leaf(name, self.span(place), Test::Equal { values, folds: false })
    }

    fn compare(&self, compare: &Compare, truth: bool) -> Expr {
        let Compare { left, op, folds, right, place, .. } = compare;
        let test = match (&left.kind, right.as_slice()) {
            (ValueKind::Field(name), _) => self.field(name, *op, *folds, right, *place),
            // A value on the left: the comparison is turned round.
            (ValueKind::Text(_) | ValueKind::Number(_) | ValueKind::Bool(_) | ValueKind::Null, [only]) => {
                match &only.kind {
                    ValueKind::Field(name) => {
                        self.field(name, turned(*op), *folds, std::slice::from_ref(left), *place)
                    }
                    ValueKind::Text(_)
                    | ValueKind::Number(_)
                    | ValueKind::Bool(_)
                    | ValueKind::Null
                    | ValueKind::Call { .. }
                    | ValueKind::Arithmetic => self.no_field(*place),
                }
            }
            (ValueKind::Call { name, arguments, .. }, [bound]) if name == "length" => {
                self.length(arguments, *op, bound, *place)
            }
            (ValueKind::Call { name, folds, arguments }, [Value { kind: ValueKind::Bool(known), .. }])
                if *op == Op::Equal =>
            {
                let test = self.call(name, *folds, arguments, *place);
                if *known { test } else { opposite(test) }
            }
            (ValueKind::Call { name, .. }, _) => self.unknown(name, *place),
            (ValueKind::Arithmetic, _) => {
                self.lost(*place, "the language does not calculate", "compare the field itself")
            }
            (_, _) => self.no_field(*place),
        };
        if truth { test } else { opposite(test) }
    }

    fn no_field(&self, place: Place) -> Expr {
        self.lost(place, "neither side is a field", "compare a field with a value")
    }

    /// A field against one of some values.
    fn field(&self, name: &str, op: Op, folds: bool, right: &[Value], place: Place) -> Expr {
        let (null, right): (Vec<&Value>, Vec<&Value>) =
            right.iter().partition(|value| value.kind == ValueKind::Null);
        let mut parts = Vec::new();
        if !null.is_empty() {
            parts.push(Expr::leaf(name, self.span(place), Test::Missing));
        }
        let mut texts = Vec::new();
        for value in right {
            match &value.kind {
                ValueKind::Text(text) | ValueKind::Number(text) => texts.push(text.clone()),
                ValueKind::Bool(known) => texts.push(known.to_string()),
                ValueKind::Field(other) if op == Op::Equal => {
                    let test = Test::Field { place: None, other: other.clone(), folds: false };
                    parts.push(Expr::leaf(name, self.span(place), test));
                }
                ValueKind::Field(_) => {
                    return self.lost(place, "two fields in a comparison other than `==`", "");
                }
                ValueKind::Null | ValueKind::Arithmetic | ValueKind::Call { .. } => {
                    return self.lost(
                        value.place,
                        "the language does not calculate",
                        "give the value itself",
                    );
                }
            }
        }
        if !texts.is_empty() {
            parts.push(self.tested(name, op, folds, texts, place));
        }
        joined(parts, false)
    }

    fn tested(&self, name: &str, op: Op, folds: bool, texts: Vec<String>, place: Place) -> Expr {
        let span = self.span(place);
        match op {
            Op::Equal | Op::In => Expr::leaf(name, span, Test::Equal { values: texts, folds }),
            Op::Seems | Op::Like => {
                let patterns = texts.iter().map(|text| wildcards(text)).collect();
                fits(name, span, patterns, folds || op == Op::Seems)
            }
            Op::Order(op) => {
                let each = texts.into_iter().map(|value| Expr::leaf(name, span, Test::Order { op, value }));
                joined(each.collect(), false)
            }
            Op::Regex => self.regex(name, &texts, folds, place),
        }
    }

    fn regex(&self, name: &str, texts: &[String], folds: bool, place: Place) -> Expr {
        let mut parts = Vec::new();
        for text in texts {
            match whole(text, folds) {
                Ok(regex) => parts.push(Expr::leaf(name, self.span(place), Test::Regex(regex))),
                Err(why) => {
                    return self.lost(place, why, "write an expression that all engines read in one way");
                }
            }
        }
        joined(parts, false)
    }

    /// The length of a text: the language only knows whether there is one.
    fn length(&self, arguments: &[Value], op: Op, bound: &Value, place: Place) -> Expr {
        let [Value { kind: ValueKind::Field(name), .. }] = arguments else {
            return self.unknown("length", place);
        };
        let ValueKind::Number(number) = &bound.kind else { return self.unknown("length", place) };
        match (op, number.as_str()) {
            (Op::Order(">"), "0") | (Op::Order(">="), "1") => Expr::present(name, self.span(place)),
            (Op::Order(order @ (">" | ">=" | "<" | "<=")), number) => match number.parse::<usize>() {
                Ok(number) if number <= 1_000 => self.lengths(name, order, number, place),
                Ok(_) | Err(_) => self.unknown("length", place),
            },
            _ => self.unknown("length", place),
        }
    }

    /// A bound of the length, as an expression.
    fn lengths(&self, name: &str, order: &str, number: usize, place: Place) -> Expr {
        let regex = match order {
            ">" => format!("^.{{{},}}", number + 1),
            ">=" => format!("^.{{{number},}}"),
            "<" => match number.checked_sub(1) {
                Some(most) => format!("^.{{0,{most}}}$"),
                None => return Expr::Always(false),
            },
            _ => format!("^.{{0,{number}}}$"),
        };
        match super::super::value::searched(&regex, false) {
            Ok(regex) => Expr::leaf(name, self.span(place), Test::Regex(regex)),
            Err(_) => self.unknown("length", place),
        }
    }

    fn unknown(&self, name: &str, place: Place) -> Expr {
        let why = format!("the language has no function `{name}`");
        self.lost(place, why, "write the condition with `contains`, `like` or `matches`")
    }

    fn call(&self, name: &str, folds: bool, arguments: &[Value], place: Place) -> Expr {
        let Some((Value { kind: ValueKind::Field(field), .. }, rest)) = arguments.split_first() else {
            return self.unknown(name, place);
        };
        let span = self.span(place);
        let texts: Option<Vec<String>> = rest
            .iter()
            .map(|value| match &value.kind {
                ValueKind::Text(text) | ValueKind::Number(text) => Some(text.clone()),
                ValueKind::Field(_)
                | ValueKind::Bool(_)
                | ValueKind::Null
                | ValueKind::Call { .. }
                | ValueKind::Arithmetic => None,
            })
            .collect();
        let text_place = match name {
            "startsWith" => Some(TextPlace::Start),
            "endsWith" => Some(TextPlace::End),
            "stringContains" => Some(TextPlace::Anywhere),
            _ => None,
        };
        match (name, text_place, texts, rest) {
            (_, Some(text_place), Some(values), [_, ..]) => {
                Expr::leaf(field, span, Test::Text { place: text_place, values, folds })
            }
            (_, Some(text_place), None, [Value { kind: ValueKind::Field(other), .. }]) => {
                let test = Test::Field { place: Some(text_place), other: other.clone(), folds };
                Expr::leaf(field, span, test)
            }
            ("cidrMatch", _, Some(networks), [_, ..]) => Expr::leaf(field, span, Test::Network(networks)),
            ("wildcard", _, Some(texts), [_, ..]) => {
                fits(field, span, texts.iter().map(|text| wildcards(text)).collect(), folds)
            }
            ("match", _, Some(texts), [_, ..]) => self.regex(field, &texts, folds, place),
            ("arrayContains", _, Some(values), [_, ..]) => {
                Expr::leaf(field, span, Test::Equal { values, folds })
            }
            _ => self.unknown(name, place),
        }
    }
}

fn turned(op: Op) -> Op {
    match op {
        Op::Order("<") => Op::Order(">"),
        Op::Order("<=") => Op::Order(">="),
        Op::Order(">") => Op::Order("<"),
        Op::Order(_) => Op::Order("<="),
        Op::Equal | Op::In | Op::Seems | Op::Like | Op::Regex => op,
    }
}

/// When a condition that is true under `test` is false: what it reads has values, and it does not hold.
fn opposite(test: Expr) -> Expr {
    match test {
        Expr::Leaf(leaf) if leaf.is_of_value() => {
            let present: Vec<Expr> = leaf.fields().map(|field| Expr::present(field, leaf.span)).collect();
            joined(present.into_iter().chain([Expr::Leaf(leaf).not()]).collect(), true)
        }
        Expr::Leaf(leaf) => Expr::Leaf(leaf).not(),
        Expr::All(parts) => joined(parts.into_iter().map(opposite).collect(), false),
        Expr::Any(parts) => joined(parts.into_iter().map(opposite).collect(), true),
        Expr::Except(inner) => opposite(*inner),
        Expr::Always(truth) => Expr::Always(!truth),
        Expr::Lost(loss) => Expr::Lost(loss),
    }
}

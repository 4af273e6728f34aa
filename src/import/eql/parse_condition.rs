//! Reads the conditions of EQL.
//!
//! In: the words of a query, at a condition. Out: its tree. Must not know: sequences, fields.

use super::parse::Parser;
use super::token::{Kind, Problem};
use super::tree::{Compare, Node, Op, Value, ValueKind};

/// How deep parentheses may lie in each other.
const DEEPEST: usize = 64;

impl Parser<'_> {
    pub(super) fn or(&mut self) -> Result<Node, Problem> {
        let mut parts = vec![self.and()?];
        while self.take("or") {
            parts.push(self.and()?);
        }
        Ok(if let [_] = parts.as_slice() { parts.remove(0) } else { Node::Or(parts) })
    }

    fn and(&mut self) -> Result<Node, Problem> {
        let mut parts = vec![self.unary()?];
        while self.take("and") {
            parts.push(self.unary()?);
        }
        Ok(if let [_] = parts.as_slice() { parts.remove(0) } else { Node::And(parts) })
    }

    fn unary(&mut self) -> Result<Node, Problem> {
        if self.depth > DEEPEST {
            return Err(self.problem("parentheses lie too deep in each other"));
        }
        self.depth += 1;
        let read = self.unary_inside();
        self.depth -= 1;
        read
    }

    fn unary_inside(&mut self) -> Result<Node, Problem> {
        if self.take("not") {
            return Ok(Node::Not(Box::new(self.unary()?)));
        }
        let is_lineage = ["child", "descendant", "event"].iter().any(|word| self.sees(0, word));
        if is_lineage && self.sees(1, "of") {
            return self.lineage();
        }
        if self.sees(0, "(") {
            // A condition or a sum: what follows the parenthesis tells.
            self.take("(");
            let inner = self.or()?;
            self.expect(")")?;
            if !self.operator_follows() {
                return Ok(inner);
            }
            let Node::Bare(value) = inner else {
                return Err(self.problem("a condition cannot be compared"));
            };
            return self.compare(value);
        }
        let value = self.sum()?;
        if self.operator_follows() { self.compare(value) } else { Ok(Node::Bare(value)) }
    }

    fn lineage(&mut self) -> Result<Node, Problem> {
        let start = self.here().0;
        let what = match self.next().map(|token| &token.kind) {
            Some(Kind::Word(word)) => word.clone(),
            Some(Kind::Text(_) | Kind::Number(_) | Kind::Mark(_)) | None => String::new(),
        };
        self.expect("of")?;
        self.expect("[")?;
        let mut open = 1_usize;
        while open > 0 {
            if self.peek().is_none() {
                return Err(self.problem("`]` is expected here"));
            }
            open += usize::from(self.sees(0, "["));
            open -= usize::from(self.sees(0, "]"));
            self.next();
        }
        Ok(Node::Lineage(what, self.since(start)))
    }

    fn operator_follows(&self) -> bool {
        const MARKS: [&str; 8] = ["==", "!=", "<=", ">=", "<", ">", ":", "="];
        const WORDS: [&str; 3] = ["in", "like", "regex"];
        MARKS.iter().chain(&WORDS).any(|op| self.sees(0, op))
            || (self.sees(0, "not") && WORDS.iter().any(|op| self.sees(1, op)))
    }

    fn compare(&mut self, left: Value) -> Result<Node, Problem> {
        let start = left.place.0;
        let negated = self.take("not");
        let (op, negated) = if self.take("==") {
            (Op::Equal, negated)
        } else if self.take("!=") {
            (Op::Equal, true)
        } else if let Some(order) = ["<=", ">=", "<", ">"].into_iter().find(|order| self.sees(0, order)) {
            self.take(order);
            (Op::Order(order), negated)
        } else if self.take(":") {
            (Op::Seems, negated)
        } else if self.take("in") {
            (Op::In, negated)
        } else if self.take("like") {
            (Op::Like, negated)
        } else if self.take("regex") {
            (Op::Regex, negated)
        } else {
            return Err(self.problem("`=` is no operator of EQL; write `==`"));
        };
        let folds = self.take("~");
        let takes_list = matches!(op, Op::In | Op::Seems | Op::Like | Op::Regex);
        let right = if takes_list && self.take("(") { self.values()? } else { vec![self.sum()?] };
        if right.is_empty() {
            self.back();
            return Err(self.problem("a list without values"));
        }
        let place = self.since(start);
        Ok(Node::Compare(Box::new(Compare { left, op, folds, negated, right, place })))
    }

    /// Values up to a closing parenthesis.
    fn values(&mut self) -> Result<Vec<Value>, Problem> {
        let mut values = Vec::new();
        while !self.take(")") {
            values.push(self.sum()?);
            if !self.take(",") && !self.sees(0, ")") {
                return Err(self.problem("`,` or `)` is expected here"));
            }
        }
        Ok(values)
    }

    /// A value, or several that are added and the like.
    fn sum(&mut self) -> Result<Value, Problem> {
        let start = self.here().0;
        let first = self.value()?;
        let mut is_sum = false;
        while ["+", "-", "*", "/", "%"].iter().any(|mark| self.sees(0, mark)) {
            self.next();
            self.value()?;
            is_sum = true;
        }
        let place = self.since(start);
        Ok(if is_sum { Value { kind: ValueKind::Arithmetic, place } } else { first })
    }

    fn value(&mut self) -> Result<Value, Problem> {
        let start = self.here().0;
        self.take("?");
        let is_negative = self.take("-");
        let Some(token) = self.next() else { return Err(self.problem("a value is expected here")) };
        let kind = match &token.kind {
            Kind::Text(text) => ValueKind::Text(text.clone()),
            Kind::Number(number) if is_negative => ValueKind::Number(format!("-{number}")),
            Kind::Number(number) => ValueKind::Number(number.clone()),
            Kind::Word(word) => self.named(word)?,
            Kind::Mark("(") => {
                let inner = self.or()?;
                self.expect(")")?;
                match inner {
                    Node::Bare(value) => value.kind,
                    Node::Or(_) | Node::And(_) | Node::Not(_) | Node::Compare(_) | Node::Lineage(..) => {
                        ValueKind::Arithmetic
                    }
                }
            }
            Kind::Mark(_) => {
                self.back();
                return Err(self.problem("a field or value is expected here"));
            }
        };
        // `field[0]`, of older versions.
        if matches!(kind, ValueKind::Field(_)) && self.sees(0, "[") {
            return Err(self.problem("items of a field cannot be named in Elasticsearch"));
        }
        Ok(Value { kind, place: self.since(start) })
    }

    fn named(&mut self, word: &str) -> Result<ValueKind, Problem> {
        match word.to_ascii_lowercase().as_str() {
            "true" => return Ok(ValueKind::Bool(true)),
            "false" => return Ok(ValueKind::Bool(false)),
            "null" => return Ok(ValueKind::Null),
            "and" | "or" | "where" | "in" | "like" | "regex" | "by" | "with" | "until" => {
                self.back();
                return Err(self.problem("a field or value is expected here"));
            }
            _ => {}
        }
        let folds = self.sees(0, "~") && self.sees(1, "(");
        if folds {
            self.take("~");
        }
        if !self.sees(0, "(") {
            return Ok(ValueKind::Field(word.to_owned()));
        }
        if self.depth > DEEPEST {
            return Err(self.problem("parentheses lie too deep in each other"));
        }
        self.take("(");
        self.depth += 1;
        let arguments = self.values();
        self.depth -= 1;
        Ok(ValueKind::Call { name: word.to_owned(), folds, arguments: arguments? })
    }
}

//! Builds predicates.
//!
//! In: pairs of the grammar. Out: nodes of [`ast`](super::ast); operators of other languages are reported and replaced.
//! Must not know: field types.

use super::ast::{Literal, LiteralKind, Op, OpKind, Operand, Pred, PredKind, Quantifier};
use super::builder::Builder;
use super::grammar::{Pair, Rule};
use super::wording::{close, quoted};
use super::{DEPTH, foreign, keywords};
use crate::diag::{Code, Diagnostic, Fix};
use crate::source::{Span, Spanned};

impl Builder<'_> {
    /// A predicate at `depth` brackets or negations.
    pub(super) fn pred(&mut self, pair: Pair<'_>, depth: usize) -> Option<Pred> {
        self.joined(pair, depth, Rule::both, "or", PredKind::Or)
    }

    /// Operands of one rule, joined by an operator that is spelled `word`.
    fn joined(
        &mut self,
        pair: Pair<'_>,
        depth: usize,
        by: Rule,
        word: &str,
        join: fn(Vec<Pred>) -> PredKind,
    ) -> Option<Pred> {
        let span = self.span(&pair);
        let mut operands = Vec::new();
        for part in pair.into_inner() {
            if part.as_rule() != by {
                self.operator_spelling(&part, word);
            } else if by == Rule::both {
                operands.extend(self.joined(part, depth, Rule::unary, "and", PredKind::And));
            } else {
                operands.extend(self.unary(part, depth));
            }
        }
        // A single operand is no conjunction: a lint that looks at `and` must not see one around every comparison.
        if operands.len() > 1 { Some(Pred { kind: join(operands), span }) } else { operands.pop() }
    }

    fn unary(&mut self, pair: Pair<'_>, depth: usize) -> Option<Pred> {
        let span = self.span(&pair);
        let mut nots = Vec::new();
        let mut inner = None;
        for part in pair.into_inner() {
            if part.as_rule() == Rule::not_op {
                // One more than may stand, so that the finding has a place; a line of a million `not` makes no more
                // nodes than that.
                if nots.len() <= DEPTH {
                    self.operator_spelling(&part, "not");
                    nots.push(self.span(&part));
                }
            } else {
                inner = Some(part);
            }
        }
        if depth + nots.len() > DEPTH
            && let Some(last) = nots.get(DEPTH.saturating_sub(depth)).copied()
        {
            let found = Diagnostic::new(
                Code::Limit,
                last,
                format!("`not` and parentheses are nested deeper than {DEPTH}"),
            )
            .label("nesting limit exceeded here")
            .help("two consecutive `not` cancel out");
            self.report(found);
            nots.truncate(DEPTH.saturating_sub(depth));
        }
        let mut pred = self.primary(inner?, depth + nots.len())?;
        for not in nots.into_iter().rev() {
            pred = Pred { kind: PredKind::Not(Box::new(pred)), span: Span { end: span.end, ..not } };
        }
        Some(pred)
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the grammar's rules, most of which cannot stand here"
    )]
    fn primary(&mut self, pair: Pair<'_>, depth: usize) -> Option<Pred> {
        let span = self.span(&pair);
        match pair.as_rule() {
            Rule::parens => {
                let inner = pair.into_inner().nth(1)?;
                Some(Pred { span, ..self.pred(inner, depth + 1)? })
            }
            Rule::exists => self.exists(&pair),
            Rule::many => self.many(pair),
            Rule::call => self.call(&pair),
            Rule::value_first => self.value_first(pair),
            _ => self.compare(pair),
        }
    }

    fn compare(&mut self, pair: Pair<'_>) -> Option<Pred> {
        let span = self.span(&pair);
        let mut parts = pair.into_inner();
        let field = self.name(&parts.next()?);
        let Some(op) = parts.next() else { return Some(Pred { kind: PredKind::Truth(field), span }) };
        if op.as_rule() == Rule::null_test {
            return Some(self.null_test(field, &op, span));
        }
        let operand = parts.next()?;
        let form = operand.as_rule();
        let more = parts.next();
        if more.is_some() || operand.clone().into_inner().any(|part| part.as_rule() == Rule::set_or) {
            let (op, value) = self.loose_list(&op, &operand, more.as_ref());
            return Some(Pred { kind: PredKind::Compare { field, op, value }, span });
        }
        let (mut op, is_known) = self.op(op);
        let value = if form == Rule::slashes {
            self.between_slashes(&operand, &mut op)
        } else if form == Rule::brackets {
            self.in_brackets(&operand, &mut op)
        } else {
            self.operand(&operand)
        };
        let value = if is_known { value } else { unjudged(value, &mut op) };
        Some(Pred { kind: PredKind::Compare { field, op, value }, span })
    }

    /// `any(f) == "a"`.
    fn many(&mut self, pair: Pair<'_>) -> Option<Pred> {
        let span = self.span(&pair);
        let mut parts =
            pair.into_inner().filter(|part| !matches!(part.as_rule(), Rule::lparen | Rule::rparen));
        let word = parts.next()?;
        let node = if word.as_rule() == Rule::kw_all { Quantifier::All } else { Quantifier::Any };
        let quantifier = Spanned { node, span: self.span(&word) };
        let field = self.name(&parts.next()?);
        let (mut op, is_known) = self.op(parts.next()?);
        let operand = parts.next()?;
        let value = if operand.as_rule() == Rule::brackets {
            self.in_brackets(&operand, &mut op)
        } else {
            self.operand(&operand)
        };
        let value = if is_known { value } else { unjudged(value, &mut op) };
        Some(Pred { kind: PredKind::Many { quantifier, field, op, value }, span })
    }

    /// `f =~ /x/`: reported, and read as `f matches r"x"`.
    fn between_slashes(&mut self, pair: &Pair<'_>, op: &mut Spanned<Op>) -> Operand {
        let span = self.span(pair);
        let text = Self::slashes(pair.as_str());
        let not = if op.node.negated { "not " } else { "" };
        let title = "a regular expression is a string after `matches`";
        let mut found = Diagnostic::new(Code::ForeignNotation, span, title).label("between slashes");
        // A raw string cannot hold a quote.
        let literal = if text.contains('"') {
            format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
        } else {
            format!("r\"{text}\"")
        };
        let replacement = format!("{not}matches {literal}");
        found.fix = Some(Fix { span: op.span.to(span), replacement });
        self.report(found);
        // Whatever the operator was: between slashes only a regular expression can be meant.
        op.node = Op { kind: OpKind::Matches, ignore_case: false, ..op.node };
        Operand::One(Literal { kind: LiteralKind::Str(text), span })
    }

    /// `f in ["a", "b"]`: reported, and read as a list in parentheses; an equality with it as `in`.
    fn in_brackets(&mut self, pair: &Pair<'_>, op: &mut Spanned<Op>) -> Operand {
        let span = self.span(pair);
        let title = "a list of values stands in parentheses";
        if op.node.kind == OpKind::Equal {
            op.node.kind = OpKind::In;
            let not = if op.node.negated { "not " } else { "" };
            let tilde = if op.node.ignore_case { "~" } else { "" };
            let inside = pair.as_str().trim_start_matches(['[', '{']).trim_end_matches([']', '}']).trim();
            let mut found = Diagnostic::new(Code::ForeignNotation, span, title).label("brackets");
            let replacement = format!("{not}in{tilde} ({inside})");
            found.fix = Some(Fix { span: op.span.to(span), replacement });
            self.report(found);
        } else {
            self.brackets(pair, title, ("(", ")"));
        }
        let inner = pair.clone().into_inner().filter(|part| part.as_rule() != Rule::comma);
        let values = inner.map(|value| self.literal(&value)).collect();
        Operand::Set(values, span)
    }

    fn operand(&mut self, pair: &Pair<'_>) -> Operand {
        if pair.as_rule() != Rule::set {
            return Operand::One(self.literal(pair));
        }
        let values = pair
            .clone()
            .into_inner()
            .filter(|part| !matches!(part.as_rule(), Rule::lparen | Rule::rparen | Rule::comma));
        let values: Vec<Literal> = values.map(|value| self.literal(&value)).collect();
        Operand::Set(values, self.span(pair))
    }

    /// `"x" == field`: reported, and turned round.
    fn value_first(&mut self, pair: Pair<'_>) -> Option<Pred> {
        let span = self.span(&pair);
        let parts: Vec<Pair<'_>> = pair.into_inner().collect();
        let [value, mark, field] = parts.as_slice() else { return None };
        let (op, _) = self.op(mark.clone());
        let mirrored = match op.node.kind {
            OpKind::Less => OpKind::Greater,
            OpKind::LessEqual => OpKind::GreaterEqual,
            OpKind::Greater => OpKind::Less,
            OpKind::GreaterEqual => OpKind::LessEqual,
            kind @ (OpKind::Equal
            | OpKind::In
            | OpKind::Like
            | OpKind::Contains
            | OpKind::StartsWith
            | OpKind::EndsWith
            | OpKind::Matches) => kind,
        };
        let text = mirror(mark.as_str());
        let mut found = Diagnostic::new(
            Code::ValueFirst,
            self.span(value),
            "the field must be on the left of the comparison",
        )
        .label("a value on the left")
        .also(self.span(field), "the field");
        // Words have no mirror image: `"x" in f` may have meant `f == "x"` or `f contains "x"`.
        if let Some(text) = text {
            found.fix =
                Some(Fix { span, replacement: format!("{} {text} {}", field.as_str(), value.as_str()) });
        }
        self.report(found.help("swap the operands"));
        let field = self.name(field);
        let op = Spanned { node: Op { kind: mirrored, ..op.node }, span: op.span };
        Some(Pred { kind: PredKind::Compare { field, op, value: Operand::One(self.literal(value)) }, span })
    }

    /// An operator with its marks, and whether it is known; one of another language is reported.
    fn op(&mut self, pair: Pair<'_>) -> (Spanned<Op>, bool) {
        let span = self.span(&pair);
        let mut negated = false;
        let mut text = Some(String::new());
        for part in pair.into_inner() {
            #[expect(
                clippy::wildcard_enum_match_arm,
                reason = "the grammar's rules, most of which cannot stand here"
            )]
            match part.as_rule() {
                Rule::kw_not => {
                    self.operator_spelling(&part, "not");
                    negated = true;
                }
                Rule::foreign_op | Rule::foreign_word | Rule::foreign_words => text = self.foreign(&part),
                _ => text = Some(self.native(&part)),
            }
        }
        let (is_known, text) = (text.is_some(), text.unwrap_or_default());
        let word = text.strip_prefix("not ");
        negated |= word.is_some();
        (Spanned { node: op_of(word.unwrap_or(&text), negated), span }, is_known)
    }

    fn native(&mut self, pair: &Pair<'_>) -> String {
        let text = pair.as_str();
        if text == "matches~" {
            self.matches_without_case(self.span(pair), "");
            return "matches".to_owned();
        }
        text.to_owned()
    }

    /// Reports a `matches` that is to ignore case; the change puts `(?i)` into the expression.
    fn matches_without_case(&mut self, span: Span, not: &str) {
        let mut found = Diagnostic::new(Code::ForeignOperator, span, "`matches` has no `~` form")
            .label("not an operator")
            .help("begin the regular expression with `(?i)` to ignore case");
        let right = self.skip_blank(span.end as usize);
        let rest = self.slice(right, self.text.len());
        let quote = ["\"\"\"", "r\"", "\""].into_iter().find(|quote| rest.starts_with(quote));
        if let Some(quote) = quote.filter(|quote| quote.len() < 3) {
            let end = right + quote.len();
            let blank = self.slice(span.end as usize, right);
            let flag = if self.slice(end, self.text.len()).starts_with("(?i)") { "" } else { "(?i)" };
            let replacement = format!("{not}matches{blank}{quote}{flag}");
            found.fix = Some(Fix { span: Span::new(self.file, span.start as usize, end), replacement });
        }
        self.report(found);
    }

    /// Reports an operator of another language; gives the one that is meant, if it is known.
    fn foreign(&mut self, pair: &Pair<'_>) -> Option<String> {
        let found = pair.as_str();
        let span = self.span(pair);
        let near = || close(found, keywords::operators()).map(str::to_owned);
        let meant = if found == ":" {
            Some(foreign::colon(self.slice(span.end as usize, self.text.len())).to_owned())
        } else {
            foreign::operator(found).or_else(near)
        };
        let Some(meant) = meant else {
            let unknown = Diagnostic::new(Code::ForeignOperator, span, format!("unknown operator {}", quoted(found)))
                .label("not an operator")
                .help("the operators are `==` `!=` `=~` `!~` `<` `<=` `>` `>=` `in` `like` `contains` `starts_with` `ends_with` `matches`");
            self.report(unknown);
            return None;
        };
        if let Some(not) = meant.strip_suffix("matches~") {
            self.matches_without_case(span, not);
            return Some(format!("{not}matches"));
        }
        self.operator_spelling(pair, &meant);
        Some(meant)
    }

    /// Reports a mark or word that is not spelled as `wanted`.
    pub(super) fn operator_spelling(&mut self, pair: &Pair<'_>, wanted: &str) {
        let found = pair.as_str();
        if found == wanted {
            return;
        }
        let span = self.span(pair);
        let mut report =
            Diagnostic::new(Code::ForeignOperator, span, format!("`{found}` is written `{wanted}`"))
                .label("not an operator here");
        if found.eq_ignore_ascii_case(wanted) {
            report = report.label("lower case");
        }
        if wanted.ends_with('~') && !found.ends_with('~') {
            let there = if found == ":" { "EQL and Sigma" } else { "KQL and Sigma" };
            report = report.help(format!("`~` ignores case, as in {there}"));
        }
        report.fix = Some(Fix { span, replacement: self.apart(span, wanted) });
        self.report(report);
    }

    /// A word in place of the mark at `span`, with blanks where it would run into its neighbours: `!a` is `not a`.
    fn apart(&self, span: Span, wanted: &str) -> String {
        let of_word = |c: char| c.is_alphanumeric() || c == '_';
        let is_glued = self.slice(0, span.start as usize).ends_with(of_word) && wanted.starts_with(of_word);
        let before = if is_glued { " " } else { "" };
        let right = self.slice(span.end as usize, self.text.len());
        let is_glued = right.starts_with(|c| of_word(c) || c == '!');
        let after = if is_glued && wanted.ends_with(of_word) { " " } else { "" };
        format!("{before}{wanted}{after}")
    }
}

/// The right side of an operator that nobody knows: names in it are used, its values mean nothing.
fn unjudged(value: Operand, op: &mut Spanned<Op>) -> Operand {
    let unjudged = |literal: Literal| match literal.kind {
        LiteralKind::Word(_) => literal,
        LiteralKind::Str(_)
        | LiteralKind::Int(_)
        | LiteralKind::Float(_)
        | LiteralKind::Bool(_)
        | LiteralKind::Duration(_)
        | LiteralKind::Date(_)
        | LiteralKind::Unknown => Literal { kind: LiteralKind::Unknown, ..literal },
    };
    match value {
        Operand::One(literal) => Operand::One(unjudged(literal)),
        Operand::Set(literals, span) => {
            op.node.kind = OpKind::In;
            Operand::Set(literals.into_iter().map(unjudged).collect(), span)
        }
    }
}

/// The operator for a comparison turned round.
fn mirror(op: &str) -> Option<&'static str> {
    match op {
        "=" | "==" => Some("=="),
        "!=" => Some("!="),
        "=~" | "~=" | "==~" => Some("=~"),
        "!~" | "!=~" => Some("!~"),
        "<" => Some(">"),
        "<=" => Some(">="),
        ">" => Some("<"),
        ">=" => Some("<="),
        _ => None,
    }
}

/// The operator of a spelling that the grammar or the table of other languages allows.
pub(super) fn op_of(text: &str, negated: bool) -> Op {
    let (word, ignore_case) = match text.strip_suffix('~') {
        Some(word) => (word, true),
        None => (text, false),
    };
    let (kind, inverse) = match word {
        "!=" | "!" => (OpKind::Equal, true),
        "<" => (OpKind::Less, false),
        "<=" => (OpKind::LessEqual, false),
        ">" => (OpKind::Greater, false),
        ">=" => (OpKind::GreaterEqual, false),
        "in" => (OpKind::In, false),
        "like" => (OpKind::Like, false),
        "contains" => (OpKind::Contains, false),
        "starts_with" => (OpKind::StartsWith, false),
        "ends_with" => (OpKind::EndsWith, false),
        "matches" => (OpKind::Matches, false),
        _ => (OpKind::Equal, false),
    };
    Op { kind, negated: negated != inverse, ignore_case }
}

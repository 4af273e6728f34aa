//! Conditions as other languages have them: functions, tests for null, lists without parentheses.
//!
//! In: pairs of the grammar. Out: one finding for each, with what it is here, and the predicate that is meant.
//! Must not know: field types.

use super::ast::{Literal, LiteralKind, Op, OpKind, Operand, Pred, PredKind, Quantifier};
use super::builder::Builder;
use super::foreign;
use super::grammar::{Pair, Rule};
use super::parts::child;
use super::pred::op_of;
use super::wording::quoted;
use crate::diag::{Code, Diagnostic, Fix};
use crate::source::{Span, Spanned};

/// What a function of another language is here.
enum Function {
    /// Whether there is a value.
    Present,
    /// Whether there is none.
    Missing,
    /// The value in one letter case: comparisons ignore it by `~`.
    Case,
    /// A test of a field, with its operator; the field stands first, but for that of `cidrmatch`.
    Test(&'static str),
}

/// Functions of SPL, KQL and EQL: <https://docs.splunk.com/Documentation/Splunk/latest/SearchReference/CommonEvalFunctions>,
/// <https://learn.microsoft.com/kusto/query/scalar-functions>,
/// <https://www.elastic.co/docs/reference/query-languages/eql/eql-function-ref>.
fn function(name: &str) -> Option<Function> {
    Some(match name.to_ascii_lowercase().as_str() {
        "isnotnull" | "isnotempty" | "isnotblank" | "notnull" | "notempty" | "is_not_null" | "present" => {
            Function::Present
        }
        "isnull" | "isempty" | "isblank" | "is_null" | "missing" | "empty" => Function::Missing,
        "lower" | "upper" | "tolower" | "toupper" => Function::Case,
        "like" => Function::Test("like"),
        "match" | "matches" | "regex" | "regexp_like" | "rlike" => Function::Test("matches"),
        "startswith" | "starts_with" => Function::Test("starts_with"),
        "endswith" | "ends_with" => Function::Test("ends_with"),
        "contains" | "stringcontains" => Function::Test("contains"),
        "cidrmatch" | "ipv4_is_in_range" | "ipv6_is_in_range" => Function::Test("=="),
        "in" => Function::Test("in"),
        _ => return None,
    })
}

impl Builder<'_> {
    /// `exists(f)`, or `exists f`, which is reported.
    pub(super) fn exists(&mut self, pair: &Pair<'_>) -> Option<Pred> {
        let span = self.span(pair);
        let field = child(pair, Rule::field)?;
        if child(pair, Rule::lparen).is_none() {
            let title = "`exists` takes its field in parentheses";
            let mut found = Diagnostic::new(Code::ForeignNotation, span, title).label("without parentheses");
            found.fix = Some(Fix { span, replacement: format!("exists({})", field.as_str()) });
            self.report(found);
        }
        Some(Pred { kind: PredKind::Exists(self.name(&field)), span })
    }

    /// `f is not null`: reported, and read as `exists(f)`.
    pub(super) fn null_test(&mut self, field: Spanned<String>, test: &Pair<'_>, span: Span) -> Pred {
        let lower = test.as_str().to_ascii_lowercase();
        let is_present = lower.starts_with("!=")
            || lower.starts_with("<>")
            || lower.split_ascii_whitespace().any(|word| word == "not");
        let meant = if is_present { "exists" } else { "not exists" };
        let title = format!("{} is written `{meant}(…)`", quoted(test.as_str()));
        let mut found = Diagnostic::new(Code::NoNull, self.span(test), title).label("there is no null value");
        found.fix = Some(Fix { span, replacement: format!("{meant}({})", field.node) });
        self.report(found);
        presence(field, is_present, span)
    }

    /// `== ("a" or "b")`, `== "a", "b"`: reported, and read as a list.
    pub(super) fn loose_list(
        &mut self,
        op: &Pair<'_>,
        operand: &Pair<'_>,
        more: Option<&Pair<'_>>,
    ) -> (Spanned<Op>, Operand) {
        let place = self.span(op);
        let (text, is_known) = self.meant_by(op);
        let mut meant = op_of(text.strip_prefix("not ").unwrap_or(&text), text.starts_with("not "));
        if meant.kind == OpKind::Equal {
            meant.kind = OpKind::In;
        }
        let mut values =
            if operand.as_rule() == Rule::set { values_of(operand) } else { vec![operand.clone()] };
        values.extend(more.into_iter().flat_map(values_of));
        let span = self.span(operand).to(more.map_or(self.span(operand), |more| self.span(more)));
        let listed: Vec<&str> = values.iter().map(Pair::as_str).collect();
        let word = text.trim_start_matches("not ").trim_end_matches('~');
        let word = if meant.kind == OpKind::In { "in" } else { word };
        let (not, tilde) =
            (if meant.negated { "not " } else { "" }, if meant.ignore_case { "~" } else { "" });
        let mut found = Diagnostic::new(
            Code::ForeignNotation,
            span,
            "several values stand in parentheses, with commas between them",
        )
        .label("the value is one of these");
        if is_known {
            let replacement = format!("{not}{word}{tilde} ({})", listed.join(", "));
            found.fix = Some(Fix { span: place.to(span), replacement });
        }
        self.report(found);
        let literals = values.iter().map(|value| self.literal(value)).collect();
        (Spanned { node: meant, span: place }, Operand::Set(literals, span))
    }

    /// The operator that is meant, in this language, without a finding; and whether it is known.
    fn meant_by(&self, op: &Pair<'_>) -> (String, bool) {
        let written = op.as_str().trim();
        let right = self.slice(self.span(op).end as usize, self.text.len());
        let lower = written.to_ascii_lowercase();
        let (not, positive) =
            lower.strip_prefix("not ").map_or(("", lower.as_str()), |rest| ("not ", rest.trim()));
        if positive == ":" {
            return (foreign::colon(right).to_owned(), true);
        }
        let is_foreign = op.clone().into_inner().any(|part| {
            matches!(part.as_rule(), Rule::foreign_op | Rule::foreign_word | Rule::foreign_words)
        });
        if !is_foreign {
            return (lower.clone(), true);
        }
        match foreign::operator(positive) {
            Some(ours) => (format!("{not}{ours}"), true),
            None => ("==".to_owned(), false),
        }
    }

    /// `isnull(f)`, `lower(f) == "a"`: reported, and read as what it is here.
    pub(super) fn call(&mut self, pair: &Pair<'_>) -> Option<Pred> {
        let span = self.span(pair);
        let name = child(pair, Rule::call_name)?;
        let inside = child(pair, Rule::call_args)?;
        if ["any", "all"].contains(&name.as_str()) {
            return self.half_quantified(&name, &inside, span);
        }
        let (op, operand) = (child(pair, Rule::op), pair.clone().into_inner().last()?);
        let args = arguments(inside.as_str());
        let place = self.span(&name);
        let function = function(name.as_str());
        let replacement = function.as_ref().and_then(|function| {
            let one = args.as_slice();
            match (function, one, &op) {
                (Function::Present, [field], None) => Some(format!("exists({field})")),
                (Function::Missing, [field], None) => Some(format!("not exists({field})")),
                (Function::Case, [field], Some(op)) => {
                    let ours = match self.meant_by(op).0.as_str() {
                        "==" => "=~",
                        "!=" => "!~",
                        "in" => "in~",
                        _ => return None,
                    };
                    Some(format!("{field} {ours} {}", operand.as_str()))
                }
                (Function::Test(ours), [first, second], None) => {
                    let (field, value) = if is_text(first) { (second, first) } else { (first, second) };
                    let is_value = is_text(value) && !is_text(field);
                    is_value.then(|| format!("{field} {ours} {}", in_quotes(ours, value)))
                }
                _ => None,
            }
        });
        let title = format!("there is no function `{}`", name.as_str());
        // Without a replacement nobody knows what was meant.
        let code = if replacement.is_some() { Code::ForeignNotation } else { Code::Syntax };
        let mut found =
            Diagnostic::new(code, place, title).label("conditions compare fields, without functions");
        found = match (&function, &replacement) {
            (_, Some(text)) => found.help(format!("write {}", quoted(text))),
            (Some(Function::Case), None) => found.help("`~` ignores case: `FIELD =~ \"…\"`, `FIELD in~ (…)`"),
            (Some(Function::Present | Function::Missing | Function::Test(_)) | None, None) => {
                found.help("`exists(FIELD)` is true where there is a value; see the predicates in the language reference")
            }
        };
        found.fix = replacement.map(|replacement| Fix { span, replacement });
        self.report(found);
        // The field is used, whatever is asked of it.
        let field = args.iter().find(|arg| is_field(arg))?;
        let place = self.span(&inside);
        let start = place.start as usize + (field.as_ptr() as usize - inside.as_str().as_ptr() as usize);
        let field =
            Spanned { node: (*field).to_owned(), span: Span::new(place.file, start, start + field.len()) };
        match function {
            Some(Function::Present) => Some(presence(field, true, span)),
            Some(Function::Missing) => Some(presence(field, false, span)),
            Some(Function::Case | Function::Test(_)) | None => {
                let op =
                    Spanned { node: Op { kind: OpKind::Equal, negated: false, ignore_case: false }, span };
                let value = Operand::One(Literal { kind: LiteralKind::Unknown, span });
                Some(Pred { kind: PredKind::Compare { field, op, value }, span })
            }
        }
    }
}

impl Builder<'_> {
    /// `any(f)` without a test, or with something else than a field in its parentheses.
    fn half_quantified(&mut self, name: &Pair<'_>, inside: &Pair<'_>, span: Span) -> Option<Pred> {
        let (word, place) = (name.as_str(), self.span(inside));
        let written = inside.as_str().trim();
        let form = |field: &str| {
            format!(
                "write `{word}({field}) == VALUE`; of a text, `any({field}) like \"*\"` asks for any value at all"
            )
        };
        let found = if is_field(written) {
            Diagnostic::new(Code::Syntax, span, format!("`{word}({written})` has no test"))
                .label("an operator and a value are missing")
                .help(form(written))
        } else if written.is_empty() {
            Diagnostic::new(Code::Syntax, span, format!("`{word}` has no field"))
                .label("nothing between its parentheses")
                .help(form("FIELD"))
        } else {
            Diagnostic::new(Code::Syntax, place, format!("`{word}` takes a field, not a condition"))
                .label("not a field")
                .help(form("FIELD"))
        };
        self.report(found);
        if !is_field(written) {
            return None;
        }
        let node = if word == "all" { Quantifier::All } else { Quantifier::Any };
        let quantifier = Spanned { node, span: self.span(name) };
        let field = Spanned { node: written.to_owned(), span: place };
        let op = Spanned { node: Op { kind: OpKind::Equal, negated: false, ignore_case: false }, span };
        let value = Operand::One(Literal { kind: LiteralKind::Unknown, span });
        Some(Pred { kind: PredKind::Many { quantifier, field, op, value }, span })
    }
}

/// The values of a list.
pub(super) fn values_of<'i>(list: &Pair<'i>) -> Vec<Pair<'i>> {
    let is_mark =
        |found| matches!(found, Rule::lparen | Rule::rparen | Rule::comma | Rule::more_comma | Rule::set_or);
    list.clone().into_inner().filter(|part| !is_mark(part.as_rule())).collect()
}

fn presence(field: Spanned<String>, is_present: bool, span: Span) -> Pred {
    let exists = Pred { kind: PredKind::Exists(field), span };
    if is_present { exists } else { Pred { kind: PredKind::Not(Box::new(exists)), span } }
}

/// The arguments of a call, as far as commas outside quotes tell.
fn arguments(text: &str) -> Vec<&str> {
    let mut quote = None;
    let parts = text.split(|c: char| {
        match quote {
            Some(open) if c == open => quote = None,
            None if matches!(c, '"' | '\'') => quote = Some(c),
            _ => {}
        }
        quote.is_none() && c == ','
    });
    parts.map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn is_text(arg: &str) -> bool {
    arg.len() > 1 && arg.starts_with(['"', '\'']) && arg.ends_with(['"', '\''])
}

fn is_field(arg: &str) -> bool {
    arg.starts_with(|c: char| c.is_ascii_alphabetic())
        && arg.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'))
}

/// A text as the operator takes it.
fn in_quotes(op: &str, text: &str) -> String {
    let body = text.trim_matches(['"', '\'']);
    match op {
        "matches" => format!("r\"{body}\""),
        "like" => format!("\"{}\"", body.replace('%', "*")),
        _ => format!("\"{body}\""),
    }
}

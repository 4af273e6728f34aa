//! From the lines of a query back to the clauses of the rule.
//!
//! In: the text of a query, its rule. Out: runs of lines, each with the clause that it carries, by the marks that the
//! printers of the targets put: comments that name a step or two neighbours, and names of `let`. Must not know: how a
//! query was lowered. What bears no mark belongs to the chain as a whole and is left out.

use crate::ir::{List, Rule};
use crate::source::Span;

/// Some lines of a query and the clause of the rule that they carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Of the first line, from 1.
    pub first: usize,
    /// Of the last line.
    pub last: usize,
    /// What it is, such as `step console`.
    pub what: String,
    /// The clause.
    pub span: Span,
}

/// A clause and the marks that begin its lines.
struct Clause {
    what: String,
    span: Span,
    marks: Vec<String>,
}

impl Origin {
    /// The lines themselves, without the indentation that all of them have.
    #[must_use]
    pub fn lines(&self, text: &str) -> String {
        let count = (self.last + 1).saturating_sub(self.first);
        let lines: Vec<&str> = text.lines().skip(self.first.saturating_sub(1)).take(count).collect();
        let indented = |line: &&str| line.len() - line.trim_start_matches(' ').len();
        let indent = lines.iter().filter(|line| !line.is_empty()).map(indented).min().unwrap_or(0);
        lines.iter().map(|line| format!("{}\n", line.get(indent..).unwrap_or_default())).collect()
    }
}

/// The origins of the lines of a part, in order.
#[must_use]
pub fn of(rule: &Rule, target: &str, text: &str) -> Vec<Origin> {
    let clauses = clauses(rule, target);
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(clause) = clauses.iter().find(|clause| clause.marks.iter().any(|mark| begins(line, mark)))
        else {
            continue;
        };
        let (first, last) = extent(target, &lines, index);
        let origin =
            Origin { first: first + 1, last: last + 1, what: clause.what.clone(), span: clause.span };
        found.push(origin);
    }
    found
}

fn begins(line: &str, mark: &str) -> bool {
    line.trim_start().starts_with(mark)
}

/// The clauses with what each target writes where it lowers them.
fn clauses(rule: &Rule, target: &str) -> Vec<Clause> {
    let chain = &rule.chain;
    let mut clauses = Vec::new();
    for (number, pair) in chain.steps.windows(2).enumerate() {
        let ([left, right], Some(link)) = (pair, chain.links.get(number)) else { continue };
        let (left, right) = (&left.name.node, &right.name.node);
        let mark = match target {
            "spl" => format!("```{right} within "),
            "kql" => format!("// {left}, then {right}:"),
            "sigma" => format!("name: {}-{left}-{right}", rule.name.node),
            "sql" => format!("-- `{right}` within "),
            _ => continue,
        };
        let what = format!("link {left} to {right}");
        clauses.push(Clause { what, span: link.span, marks: vec![mark] });
    }
    for (number, step) in chain.steps.iter().enumerate() {
        let name = &step.name.node;
        let marks = match target {
            "spl" => vec![format!("```step {}, {name}:", number + 1)],
            "kql" => vec![format!("let step_{name} =")],
            "sigma" => vec![format!("name: {}-{name}", rule.name.node)],
            "sql" => vec![format!("-- step `{name}`")],
            _ => vec![format!("// {name} again,"), format!("// {name}")],
        };
        clauses.push(Clause { what: format!("step {name}"), span: step.span, marks });
    }
    if target == "sql" {
        let list = |list: &List| Clause {
            what: format!("list {}", list.name.node),
            span: list.name.span,
            marks: vec![format!("-- allowlist `{}`:", list.name.node)],
        };
        clauses.extend(rule.lists.iter().map(list));
    }
    if target == "kql" {
        for list in &rule.lists {
            let (name, span) = (&list.name.node, list.name.span);
            clauses.push(Clause { what: format!("list {name}"), span, marks: vec![format!("let {name} =")] });
        }
        for param in &rule.params {
            let (name, span) = (&param.name.node, param.name.span);
            clauses.push(Clause {
                what: format!("param {name}"),
                span,
                marks: vec![format!("let {name} =")],
            });
        }
    }
    clauses
}

/// First and last of the lines around a mark that carry the clause.
fn extent(target: &str, lines: &[&str], mark: usize) -> (usize, usize) {
    let until = |end: &dyn Fn(&str) -> bool| {
        let rest = lines.iter().enumerate().skip(mark);
        rest.clone().find(|(_, line)| end(line)).map_or(lines.len().saturating_sub(1), |(index, _)| index)
    };
    let back_to = |start: &dyn Fn(&str) -> bool| {
        let before = lines.iter().enumerate().take(mark).rev();
        before.clone().find(|(_, line)| start(line)).map_or(mark, |(index, _)| index)
    };
    match target {
        "spl" if lines.get(mark).is_some_and(|line| line.contains("```step ")) => {
            // A branch, or a search without any.
            let starts =
                |line: &str| line.trim_start().starts_with("[ search") || line.starts_with("search ");
            (back_to(&starts), until(&|line| line.trim() == "]" || line == "| fields - _raw"))
        }
        // The comment stands below its command.
        "spl" => (back_to(&|line| line.starts_with('|')), mark),
        // The tables of a clause stand under one comment.
        "sql" => {
            let next = lines
                .iter()
                .skip(mark + 1)
                .position(|line| line.starts_with("-- ") || line.starts_with("SELECT "));
            (mark, next.map_or(lines.len().saturating_sub(1), |next| mark + next))
        }
        "kql" => (mark, until(&|line| line.ends_with(';'))),
        "sigma" => {
            let end = until(&|line| line == "---");
            let end = if lines.get(end).is_some_and(|line| *line == "---") { end - 1 } else { end };
            let start = back_to(&|line| line == "---");
            (if lines.get(start).is_some_and(|line| *line == "---") { start + 1 } else { 0 }, end)
        }
        _ => (mark, until(&|line| line.starts_with("  ]"))),
    }
}

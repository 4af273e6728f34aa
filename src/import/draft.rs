//! A rule in the making.
//!
//! In: what was understood of another rule. Out: the text of a rule. Must not know: other languages.

use std::fmt::Write as _;

use crate::source::visible;
use crate::syntax::{self, quoted};

use super::cond::Cond;

/// A rule in the making.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) id: String,
    pub(super) description: String,
    pub(super) author: String,
    pub(super) severity: String,
    pub(super) attack: Vec<String>,
    pub(super) references: Vec<String>,
    pub(super) false_positives: Vec<String>,
    /// Where it comes from, for people.
    pub(super) origin: Vec<String>,
    pub(super) chain: Chain,
    /// What is to be said of the whole.
    pub(super) comments: Vec<String>,
}

/// Steps and what joins them.
#[derive(Debug, Default)]
pub(super) struct Chain {
    /// The longest time from the first step to the last, in seconds, where the gaps do not say it.
    pub(super) total: Option<u64>,
    /// The window and the fields of steps in any order.
    pub(super) together: Option<(u64, Vec<String>)>,
    pub(super) steps: Vec<Step>,
    /// One fewer than steps; none of steps in any order.
    pub(super) links: Vec<Link>,
}

/// A step in the making.
#[derive(Debug, Default, Clone)]
pub(super) struct Step {
    pub(super) name: String,
    /// The ways to satisfy it.
    pub(super) selections: Vec<Selection>,
    pub(super) absences: Vec<Absence>,
    pub(super) count: Option<Count>,
    pub(super) comments: Vec<String>,
}

/// Records of a source.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Selection {
    pub(super) source: String,
    /// Names of the first selection, and what they are in this one.
    pub(super) renames: Vec<(String, String)>,
    pub(super) condition: Option<Cond>,
    pub(super) exceptions: Vec<Cond>,
}

/// How often a step must come.
#[derive(Debug, Clone)]
pub(super) struct Count {
    pub(super) least: u64,
    pub(super) distinct: Option<String>,
    pub(super) within: u64,
    pub(super) by: Vec<String>,
}

/// What must not come.
#[derive(Debug, Clone)]
pub(super) struct Absence {
    pub(super) name: String,
    pub(super) selection: Selection,
    /// The time before or after a step; between two steps none.
    pub(super) within: Option<(u64, &'static str)>,
    pub(super) on: Vec<String>,
    pub(super) comments: Vec<String>,
}

/// What joins two steps.
#[derive(Debug, Default, Clone)]
pub(super) struct Link {
    pub(super) within: u64,
    pub(super) on: Vec<String>,
    pub(super) absences: Vec<Absence>,
    pub(super) comments: Vec<String>,
}

/// The rule files as one, in the canonical style.
pub(super) fn text(drafts: &[Draft]) -> String {
    let mut out = String::from("# A draft: read every line, above all the comments.\n");
    for draft in drafts {
        draft.write(&mut out);
    }
    // What is broken is left to its author, who sees the findings of `check`.
    syntax::format(&out).unwrap_or(out)
}

impl Draft {
    fn write(&self, out: &mut String) {
        for line in &self.origin {
            comment(line, out);
        }
        comments(&self.comments, out);
        let title = if self.title.is_empty() { &self.name } else { &self.title };
        let description = if self.description.is_empty() { title } else { &self.description };
        let _ = write!(
            out,
            "rule {} {{\ntitle {}\nid \"{}\"\ndescription {}\n",
            self.name,
            quoted(title),
            self.id,
            quoted(description)
        );
        if !self.author.is_empty() {
            let _ = writeln!(out, "author {}", quoted(&self.author));
        }
        let severity = if self.severity.is_empty() { "medium" } else { &self.severity };
        let _ = write!(out, "status experimental\nseverity {severity}\n");
        for (key, values) in [
            ("attack", &self.attack),
            ("references", &self.references),
            ("false_positives", &self.false_positives),
        ] {
            if !values.is_empty() {
                let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
                let _ = writeln!(out, "{key} {}", values.join(", "));
            }
        }
        out.push('\n');
        self.chain.write(out);
        out.push_str("}\n\n");
    }
}

impl Chain {
    fn write(&self, out: &mut String) {
        let window = self.common_window();
        if let Some(window) = window {
            let _ = writeln!(out, "param window = {}\n", span(window));
        }
        let spelt = |seconds: u64| match window {
            Some(window) if window == seconds => "window".to_owned(),
            Some(_) | None => span(seconds),
        };
        out.push_str("chain ");
        if let Some(total) = self.total {
            let _ = write!(out, "within {} ", spelt(total));
        }
        out.push_str("{\n");
        if let Some((within, on)) = &self.together {
            let _ = writeln!(out, "together within {} on {} {{", spelt(*within), on.join(", "));
        }
        for (number, step) in self.steps.iter().enumerate() {
            if let Some(link) = number.checked_sub(1).and_then(|before| self.links.get(before)) {
                link.write(&spelt, out);
            }
            step.write(&spelt, out);
        }
        if self.together.is_some() {
            out.push_str("}\n");
        }
        out.push_str("}\n");
    }

    /// The window of the rule, if it has but one and it stands more than once.
    fn common_window(&self) -> Option<u64> {
        let gaps = self.links.iter().map(|link| link.within);
        let counts = self.steps.iter().filter_map(|step| step.count.as_ref()).map(|count| count.within);
        let together = self.together.iter().map(|(within, _)| *within);
        let all: Vec<u64> = gaps.chain(counts).chain(together).chain(self.total).collect();
        let first = *all.first()?;
        (all.len() > 1 && all.iter().all(|window| *window == first)).then_some(first)
    }
}

impl Step {
    fn write(&self, spelt: &dyn Fn(u64) -> String, out: &mut String) {
        comments(&self.comments, out);
        let _ = write!(out, "step {}", self.name);
        for (number, selection) in self.selections.iter().enumerate() {
            out.push_str(if number == 0 { " from " } else { "or from " });
            selection.write(out);
        }
        for absence in &self.absences {
            absence.write(spelt, out);
        }
        if let Some(count) = &self.count {
            let distinct =
                count.distinct.as_ref().map_or(String::new(), |field| format!(" distinct {field}"));
            let by = if count.by.is_empty() { String::new() } else { format!(" by {}", count.by.join(", ")) };
            let _ = writeln!(out, "at least {}{distinct} within {}{by}", count.least, spelt(count.within));
        }
    }
}

impl Selection {
    fn write(&self, out: &mut String) {
        out.push_str(&self.source);
        if !self.renames.is_empty() {
            let renames: Vec<String> =
                self.renames.iter().map(|(name, own)| format!("{name}: {own}")).collect();
            let _ = write!(out, " as {{ {} }}", renames.join(", "));
        }
        let condition = self.condition.as_ref().map_or_else(|| "exists(event.time)".to_owned(), Cond::text);
        let _ = write!(out, "\nwhere {condition}\n");
        for exception in &self.exceptions {
            let _ = writeln!(out, "except {}", exception.text());
        }
    }
}

impl Absence {
    fn write(&self, spelt: &dyn Fn(u64) -> String, out: &mut String) {
        comments(&self.comments, out);
        let _ = write!(out, "unless {} from ", self.name);
        self.selection.write(out);
        if let Some((within, side)) = self.within {
            let _ = writeln!(out, "within {} {side}", spelt(within));
        }
        let _ = writeln!(out, "on {}", self.on.join(", "));
    }
}

impl Link {
    fn write(&self, spelt: &dyn Fn(u64) -> String, out: &mut String) {
        out.push('\n');
        comments(&self.comments, out);
        let _ = writeln!(out, "then within {} on {}", spelt(self.within), self.on.join(", "));
        for absence in &self.absences {
            absence.write(spelt, out);
        }
        out.push('\n');
    }
}

fn comments(lines: &[String], out: &mut String) {
    for line in lines {
        comment(line, out);
    }
}

fn comment(line: &str, out: &mut String) {
    let line = visible(line);
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let _ = writeln!(out, "# {line}");
}

/// A duration as the language writes it.
pub(super) fn span(seconds: u64) -> String {
    let mut rest = seconds;
    let mut out = String::new();
    for (length, unit) in [(86_400, "d"), (3_600, "h"), (60, "m")] {
        if rest >= length {
            let _ = write!(out, "{}{unit}", rest / length);
            rest %= length;
        }
    }
    if rest > 0 || out.is_empty() {
        let _ = write!(out, "{rest}s");
    }
    out
}

/// A name as rules and steps have it.
pub(super) fn name(text: &str, otherwise: &str) -> String {
    const LONGEST: usize = 60;
    let letters: String =
        text.to_ascii_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let mut name = String::new();
    for part in letters.split('_').filter(|part| !part.is_empty()) {
        if name.len() + part.len() + 1 > LONGEST {
            break;
        }
        if !name.is_empty() {
            name.push('_');
        }
        name.push_str(part);
    }
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    // A word of the language would be read as one.
    let is_free = begins && !syntax::is_keyword(&name) && name != "chain" && !name.starts_with("chain_");
    if is_free { name } else { otherwise.to_owned() }
}

/// A name that none of the others is.
pub(super) fn unique(name: String, taken: &[String]) -> String {
    if !taken.contains(&name) {
        return name;
    }
    // One of these many names is none of the fewer that are taken.
    let mut others = (2..taken.len() + 3).map(|number| format!("{name}_{number}"));
    others.find(|other| !taken.contains(other)).unwrap_or(name)
}

/// What joins two steps by a field that each has under its own name; `many` says whose field has several values.
pub(super) fn link(before: (&str, &str, bool), after: (&str, &str, bool)) -> String {
    let ((step, field, many), (later, other, others)) = (before, after);
    let side = |step: &str, field: &str, many: bool| {
        if many { format!("any({step}.{field})") } else { format!("{step}.{field}") }
    };
    match (field == other, many || others) {
        (true, false) => field.to_owned(),
        (true, true) => format!("any({field})"),
        (false, _) => format!("{} == {}", side(step, field, many), side(later, other, others)),
    }
}

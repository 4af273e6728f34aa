//! A rule in the making.
//!
//! In: what was understood of another rule. Out: the text of a rule file. Must not know: other languages.

use std::fmt::Write as _;

use crate::catalog::Source;
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
    pub(super) severity: &'static str,
    pub(super) attack: Vec<String>,
    pub(super) references: Vec<String>,
    pub(super) false_positives: Vec<String>,
    /// The longest time from the first to the last step.
    pub(super) total: String,
    pub(super) steps: Vec<Step>,
    /// What could not be carried of the whole.
    pub(super) lost: Vec<String>,
}

/// A step in the making.
#[derive(Debug, Default)]
pub(super) struct Step {
    pub(super) name: String,
    pub(super) source: String,
    pub(super) condition: Option<Cond>,
    /// What joins it to the step before, as links are written.
    pub(super) links: Vec<String>,
    /// What could not be carried.
    pub(super) lost: Vec<String>,
}

impl Draft {
    /// The rule file, in the canonical style.
    pub(super) fn text(&self) -> String {
        let mut out =
            String::from("# A draft: read every line, above all those that begin with `# not carried`.\n");
        lost(&self.lost, &mut out);
        let severity = if self.severity.is_empty() { "medium" } else { self.severity };
        let title = if self.title.is_empty() { &self.name } else { &self.title };
        let description = if self.description.is_empty() { title } else { &self.description };
        let _ = write!(
            out,
            "rule {} {{\ntitle {}\nid \"{}\"\ndescription {}\nstatus experimental\nseverity {severity}\n",
            self.name,
            quoted(title),
            self.id,
            quoted(description)
        );
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
        let _ = write!(out, "\nparam window = {}\n\nchain within window {{\n", self.total);
        for (number, step) in self.steps.iter().enumerate() {
            step.write(number, &mut out);
        }
        out.push_str("}\n}\n");
        // What is broken is left to its author, who sees the findings of `check`.
        syntax::format(&out).unwrap_or(out)
    }
}

impl Step {
    fn write(&self, number: usize, out: &mut String) {
        if number > 0 {
            if self.links.is_empty() {
                out.push_str(
                    "# not carried: nothing joins this step to the one before; name a field of both\n",
                );
            }
            let links = if self.links.is_empty() { "TODO".to_owned() } else { self.links.join(", ") };
            let _ = write!(out, "\nthen within window on {links}\n\n");
        }
        lost(&self.lost, out);
        let condition = self.condition.as_ref().map_or_else(|| "exists(event.time)".to_owned(), Cond::text);
        let _ = write!(out, "step {} from {}\nwhere {condition}\n", self.name, self.source);
    }
}

fn lost(reasons: &[String], out: &mut String) {
    for reason in reasons {
        let reason = visible(reason);
        let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
        let _ = writeln!(out, "# not carried: {reason}");
    }
}

/// A name as rules and steps have it.
pub(super) fn name(text: &str, otherwise: &str) -> String {
    let letters = text
        .to_ascii_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect::<String>();
    let parts: Vec<&str> = letters.split('_').filter(|part| !part.is_empty()).collect();
    let name = parts.join("_");
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    // A word of the language would be read as one.
    let is_free = begins && !syntax::is_keyword(&name) && name.len() <= 60;
    if is_free { name } else { otherwise.to_owned() }
}

/// What joins two steps by a field that each has under its own name.
pub(super) fn link(before: (&str, &Source, &str), after: (&str, &Source, &str)) -> String {
    let ((step, _, field), (later, _, other)) = (before, after);
    if field == other { field.to_owned() } else { format!("{step}.{field} == {later}.{other}") }
}

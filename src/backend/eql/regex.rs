//! Portable regular expressions and wildcard patterns in the notation of Lucene, which Elasticsearch matches against
//! the whole value. It has no `^ $ \d \w \b`, and many more special characters than other notations.
//!
//! In: a portable expression (searched) or a pattern (whole value). Out: a Lucene expression, or why there is none.
//! Must not know: fields, string literals. Everything printed is also valid for Python's `re`, on which the `eql`
//! package runs it.

use regex_syntax::hir::{Class, ClassUnicode, Hir, HirKind, Look, Repetition};

use super::states;
use crate::backend::truth::unique;
use crate::ir::{Case, Pattern, PatternPart};

/// The longest expression an index accepts unless `index.max_regex_length` says otherwise.
const LONGEST: usize = 1_000;
/// The most alternatives that anchors inside groups may be spread over.
const ALTERNATIVES: usize = 64;

/// The expression that matches the whole value where `portable` finds a match somewhere in it. Its `\d`, `\w` and `\s`
/// are those of RE2, so ASCII.
///
/// # Errors
/// What Lucene cannot say.
pub(super) fn search(portable: &str) -> Result<String, String> {
    // A present value is never empty.
    let full = |side: &Side| !(side.text.is_empty() && side.start && side.end);
    let texts = unique(sides(&parse(portable)?)?.into_iter().filter(full).map(Side::whole).collect());
    if texts.is_empty() {
        return Err("it matches nothing but the empty text, which counts as missing".to_owned());
    }
    bounded(texts.join("|"))
}

/// The expression that matches the values of a wildcard pattern.
///
/// # Errors
/// When it gets too long.
pub(super) fn pattern(pattern: &Pattern, case: Case) -> Result<String, String> {
    let mut out = String::new();
    for part in &pattern.parts {
        match part {
            PatternPart::Any => out.push_str(".*"),
            PatternPart::One => out.push('.'),
            PatternPart::Text(text) => text.chars().for_each(|c| letter(c, case, &mut out)),
        }
    }
    bounded(out)
}

fn bounded(text: String) -> Result<String, String> {
    let length = text.chars().count();
    if length > LONGEST {
        return Err(format!(
            "in Lucene's notation it has {length} characters, and Elasticsearch accepts {LONGEST} by default"
        ));
    }
    if !states::are_few(&text) {
        return Err("Elasticsearch cannot run it: as an automaton it has more than 10,000 states".to_owned());
    }
    Ok(text)
}

/// Expressions in groups that Elasticsearch can run, each as one: it joins the values of a test by `|`, and the bounds
/// are those of the whole.
pub(super) fn groups(texts: Vec<String>) -> Vec<Vec<String>> {
    let mut groups: Vec<Vec<String>> = Vec::new();
    for text in texts {
        match groups.last_mut() {
            Some(group) if bounded([group.join("|"), text.clone()].join("|")).is_ok() => group.push(text),
            Some(_) | None => groups.push(vec![text]),
        }
    }
    groups
}

/// One character, or the class of its cases: Elasticsearch itself ignores case for ASCII letters only.
fn letter(c: char, case: Case, out: &mut String) {
    let cases = case.spellings(c);
    if let [only] = cases.as_slice() {
        escape(*only, out);
        return;
    }
    out.push('[');
    for c in cases {
        escape(c, out);
    }
    out.push(']');
}

/// Every ASCII sign is escaped: Lucene and Python agree that an escaped sign stands for itself.
fn escape(c: char, out: &mut String) {
    if c.is_ascii_punctuation() {
        out.push('\\');
    }
    out.push(c);
}

fn parse(exact: &str) -> Result<Hir, String> {
    regex_syntax::parse(exact).map_err(|_| "it is not a portable regular expression".to_owned())
}

/// A way to match: text between edges that may have to be those of the value.
#[derive(Clone)]
struct Side {
    start: bool,
    text: String,
    end: bool,
}

impl Side {
    /// As an expression that must match the whole value.
    fn whole(self) -> String {
        let [before, after] = [self.start, self.end].map(|edge| if edge { "" } else { ".*" });
        // One `.*` matches any value.
        let after = if self.text.is_empty() && !self.start { "" } else { after };
        format!("{before}{}{after}", self.text)
    }
}

/// The alternatives of an expression, with the anchors at their edges taken off.
fn sides(hir: &Hir) -> Result<Vec<Side>, String> {
    if hir.properties().look_set().is_empty() {
        return Ok(vec![Side { start: false, text: printed(hir)?, end: false }]);
    }
    let edge = |start, end| Ok(vec![Side { start, text: String::new(), end }]);
    match hir.kind() {
        HirKind::Look(Look::Start) => edge(true, false),
        HirKind::Look(Look::End) => edge(false, true),
        HirKind::Capture(group) => sides(&group.sub),
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(sides(part)?);
            }
            Ok(all)
        }
        HirKind::Concat(parts) => {
            let mut all = edge(false, false)?;
            for part in parts {
                all = crossed(&all, &sides(part)?)?;
            }
            Ok(all)
        }
        // An anchor inside a repetition stands at an edge in some rounds only.
        HirKind::Look(_) | HirKind::Repetition(_) => Err(NO_ANCHOR.to_owned()),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) => Ok(Vec::new()),
    }
}

const NO_ANCHOR: &str = "Lucene has no word boundaries, no line anchors, and `^` and `$` only at the edges of the whole expression";

const BYTES: &str = "it matches single bytes";

fn crossed(left: &[Side], right: &[Side]) -> Result<Vec<Side>, String> {
    if left.len().saturating_mul(right.len()) > ALTERNATIVES {
        return Err(NO_ANCHOR.to_owned());
    }
    let mut all = Vec::new();
    for a in left {
        for b in right {
            if (a.end && !b.text.is_empty()) || (b.start && !a.text.is_empty()) {
                return Err(NO_ANCHOR.to_owned());
            }
            let text = format!("{}{}", a.text, b.text);
            all.push(Side { start: a.start || b.start, text, end: a.end || b.end });
        }
    }
    Ok(all)
}

/// An expression without anchors; an alternation comes in parentheses.
fn printed(hir: &Hir) -> Result<String, String> {
    match hir.kind() {
        HirKind::Empty => Ok(String::new()),
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).map_err(|_| BYTES.to_owned())?;
            let mut out = String::new();
            text.chars().for_each(|c| escape(c, &mut out));
            Ok(out)
        }
        HirKind::Class(Class::Unicode(class)) => class_of(class.clone()),
        HirKind::Class(Class::Bytes(class)) => class_of(class.to_unicode_class().ok_or(BYTES)?),
        HirKind::Repetition(repetition) => repeated(repetition),
        HirKind::Capture(group) => printed(&group.sub),
        HirKind::Concat(parts) => parts.iter().map(printed).collect(),
        HirKind::Alternation(parts) => {
            let texts: Vec<_> = parts.iter().map(printed).collect::<Result<_, _>>()?;
            // An empty alternative is spelled as an option: Lucene reads `(a|)` in its own way.
            let (empty, full): (Vec<_>, Vec<_>) = texts.into_iter().partition(String::is_empty);
            let option = if empty.is_empty() { "" } else { "?" };
            Ok(format!("({}){option}", full.join("|")))
        }
        HirKind::Look(_) => Err(NO_ANCHOR.to_owned()),
    }
}

fn repeated(repetition: &Repetition) -> Result<String, String> {
    let text = printed(&repetition.sub)?;
    let atom = match repetition.sub.kind() {
        HirKind::Class(_) => text,
        HirKind::Literal(literal)
            if std::str::from_utf8(&literal.0).is_ok_and(|s| s.chars().count() == 1) =>
        {
            text
        }
        _ if text.is_empty() => return Ok(text),
        HirKind::Empty
        | HirKind::Literal(_)
        | HirKind::Repetition(_)
        | HirKind::Capture(_)
        | HirKind::Concat(_)
        | HirKind::Alternation(_)
        | HirKind::Look(_) => format!("({text})"),
    };
    Ok(match (repetition.min, repetition.max) {
        (0, None) => format!("{atom}*"),
        (1, None) => format!("{atom}+"),
        (0, Some(1)) => format!("{atom}?"),
        (least, None) => format!("{atom}{{{least},}}"),
        (least, Some(most)) if least == most => format!("{atom}{{{least}}}"),
        (least, Some(most)) => format!("{atom}{{{least},{most}}}"),
    })
}

/// A character class; the shorter of itself and its complement.
fn class_of(mut class: ClassUnicode) -> Result<String, String> {
    match class.ranges() {
        [] => return Err("a part of it matches nothing".to_owned()),
        [all] if (all.start(), all.end()) == ('\0', char::MAX) => return Ok(".".to_owned()),
        _ => {}
    }
    let plain = members(&class);
    class.negate();
    let negated = members(&class);
    // The shorter of the two, for Elasticsearch bounds the length of an expression.
    Ok(if plain.len() <= negated.len() + 1 { format!("[{plain}]") } else { format!("[^{negated}]") })
}

fn members(class: &ClassUnicode) -> String {
    let mut out = String::new();
    for range in class.ranges() {
        escape(range.start(), &mut out);
        if range.start() != range.end() {
            out.push('-');
            escape(range.end(), &mut out);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_past_the_limit_is_refused() {
        assert!(search(&"ab".repeat(600)).unwrap_err().contains("1204"));
    }

    #[test]
    fn patterns_match_whole_values() {
        let of = |text: &str, case| pattern(&Pattern::parse(text).unwrap(), case).unwrap();
        assert_eq!(of(r"a?\*b*", Case::Sensitive), r"a.\*b.*");
        assert_eq!(of("É1k", Case::Ignore), "[Éé]1[kK]");
    }
}

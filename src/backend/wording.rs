//! Columns that have the values of their field in other words, or with a text behind them: the rule as such a target
//! has to be asked.
//!
//! In: a rule, and what the sources say with `behind` and `written` of the columns of a target. Out: the rule with
//! tests for every writing of a value; notes where what is stored cannot be told from the value, and where values are
//! compared as they are stored. Must not know: any particular target.
//!
//! A value has at most one of the texts behind it, and never ends with one itself: the source takes it off where it
//! reads the log.

use std::collections::BTreeMap;

use super::schema::Inexact;
use super::{Job, Report};
use crate::catalog::Source;
use crate::ir::{
    Absence, Case, Chain, Comparison, Entry, EntryValue, Field, FieldTest, Link, List, Pattern, PatternPart,
    Place, Pred, Rule, Selection, Step, StepField, TestKind, Value,
};
use crate::source::Span;

/// The rule as the columns of `target` have to be asked; nothing if it reads none that has a text behind its values.
pub(super) fn asked(job: &Job<'_>, target: &str, report: &mut Report) -> Option<Rule> {
    let columns = Columns { job, target };
    if !columns.concern(&job.rule.chain) {
        return None;
    }
    columns.note_keys(&job.rule.chain, report);
    columns.note_shown(report);
    let mut rule = job.rule.clone();
    let lists = std::mem::take(&mut rule.lists);
    let mut rewriter = Rewriter { columns, lists, known: BTreeMap::new(), report };
    let Chain { total: _, total_is_explicit: _, scope: _, steps, links, together: _ } = &mut rule.chain;
    for Step { name: _, main, others, absences, repetition: _, span: _ } in steps {
        for selection in std::iter::once(main).chain(others) {
            rewriter.selection(selection, false);
        }
        rewriter.absences(absences);
    }
    for link in links {
        rewriter.absences(&mut link.absences);
    }
    rule.lists = rewriter.lists;
    Some(rule)
}

/// How a column has the values of its field.
#[derive(Clone, Copy)]
struct Wording<'j> {
    /// Texts of which one may stand behind the value.
    behind: &'j [String],
    /// Values that it may have in other words.
    written: &'j BTreeMap<String, Vec<String>>,
}

/// The columns of a target.
#[derive(Clone, Copy)]
struct Columns<'j> {
    job: &'j Job<'j>,
    target: &'j str,
}

impl<'j> Columns<'j> {
    /// How its column has the values of a field, if it has them in another way.
    fn wording(self, source: &str, field: &str) -> Option<Wording<'j>> {
        let source: &Source = self.job.catalog.source(source)?;
        let column = source.field(field)?.columns.get(self.target)?;
        let wordings = column.variants().iter();
        let mut wordings =
            wordings.map(|mapped| Wording { behind: &mapped.behind, written: &mapped.written });
        wordings.find(|wording| !wording.behind.is_empty() || !wording.written.is_empty())
    }

    /// The same of a field of a selection, by its name in the rule.
    fn of(self, selection: &Selection, field: &Field) -> Option<Wording<'j>> {
        self.wording(&selection.source.node, selection.field(&field.name))
    }

    /// The same of a field of a step.
    fn of_step(self, step: &Step, field: &Field) -> Option<Wording<'j>> {
        step.selections().find_map(|selection| self.of(selection, field))
    }

    fn concern(self, chain: &Chain) -> bool {
        chain.selections().any(|selection| {
            // A rule may read the column of any of them, by a condition or else.
            let source = self.job.catalog.source(&selection.source.node);
            source.is_some_and(|source| {
                source.fields.keys().any(|name| self.wording(&selection.source.node, name).is_some())
            })
        })
    }

    /// Notes where records are joined, grouped and compared by such a column.
    fn note_keys(self, chain: &Chain, report: &mut Report) {
        let mut note = |found: Option<Wording<'_>>, field: &Field, adds: bool, span: Span| {
            let Some(wording) = found else { return };
            let reason =
                format!("{}, and two writings of one value are two values", stands(wording, &field.name));
            let inexact = if adds { Inexact::Wider(reason) } else { Inexact::Poorer(reason) };
            inexact.asked(false, span, report);
        };
        for (pair, link) in chain.steps.windows(2).zip(&chain.links) {
            let [before, after] = pair else { continue };
            let Link { gap: _, keys, comparisons, absences, span } = link;
            for key in keys {
                note(self.of_step(before, &key.left), &key.left, false, *span);
                note(self.of_step(after, &key.right), &key.right, false, *span);
            }
            for Comparison { left, op: _, right, span } in comparisons {
                note(self.of_step(before, left), left, true, *span);
                note(self.of_step(after, right), right, true, *span);
            }
            let of_absences = absences.iter().flat_map(|absence| {
                absence.keys.iter().flat_map(|key| [(before, &key.left), (after, &key.left)])
            });
            for (step, field) in of_absences {
                note(self.of_step(step, field), field, true, *span);
            }
        }
        for step in &chain.steps {
            for absence in &step.absences {
                for key in &absence.keys {
                    note(self.of_step(step, &key.left), &key.left, true, absence.span);
                }
            }
            if let Some(repetition) = &step.repetition {
                for by in repetition.by_fields() {
                    note(self.of_step(step, by), by, false, repetition.span);
                }
                if let Some(counted) = &repetition.distinct {
                    note(self.of_step(step, &counted.field), &counted.field, true, repetition.span);
                }
            }
        }
        if let Some(together) = &chain.together {
            let keys = |step| together.fields().map(move |key| (step, key));
            for (step, field) in chain.steps.iter().flat_map(keys) {
                note(self.of_step(step, field), field, false, together.span);
            }
        }
    }

    /// Notes that answers show such a column.
    fn note_shown(self, report: &mut Report) {
        let rule = self.job.rule;
        for StepField { step, field } in &rule.alert.show {
            let found = rule.chain.steps.get(*step).and_then(|step| self.of_step(step, field));
            if let Some(wording) = found {
                Inexact::Wider(stands(wording, &field.name)).shown(&field.name, field.span, report);
            }
        }
    }
}

/// What is stored, in words.
fn stands(wording: Wording<'_>, field: &str) -> String {
    let texts: Vec<_> = wording.behind.iter().map(|text| format!("`{text}`")).collect();
    let behind = format!("can have {} behind the value", texts.join(" or "));
    let written = "has some values in other words";
    match (texts.is_empty(), wording.written.is_empty()) {
        (false, false) => format!("the column of `{field}` {behind} and {written}"),
        (false, true) => format!("the column of `{field}` {behind}"),
        (true, _) => format!("the column of `{field}` {written}"),
    }
}

/// Writes the tests anew.
struct Rewriter<'j, 'r> {
    columns: Columns<'j>,
    lists: Vec<List>,
    /// The lists with further writings, by the list, the source and the field.
    known: BTreeMap<(usize, String, String), usize>,
    report: &'r mut Report,
}

impl Rewriter<'_, '_> {
    fn absences(&mut self, absences: &mut [Absence]) {
        // What keeps a record out of an absence lets an alert through.
        for selection in absences.iter_mut().flat_map(|absence| &mut absence.selections) {
            self.selection(selection, true);
        }
    }

    fn selection(&mut self, selection: &mut Selection, negated: bool) {
        let source = selection.source.node.clone();
        self.pred(&source, &mut selection.filter, negated);
        for except in &mut selection.excepts {
            self.pred(&source, except, !negated);
        }
    }

    fn pred(&mut self, source: &str, pred: &mut Pred, negated: bool) {
        match pred {
            Pred::And(parts) | Pred::Or(parts) => {
                for part in parts {
                    self.pred(source, part, negated);
                }
            }
            Pred::Not(inner) => self.pred(source, inner, !negated),
            Pred::Test(test) => {
                let other = test.other().map_or("", |other| &other.name);
                if let Some(wording) = self.columns.wording(source, &test.field.name) {
                    *pred = self.test(source, test, wording, negated);
                } else if let Some(wording) = self.columns.wording(source, other) {
                    let reason = format!("{}, and it is compared as it is stored", stands(wording, other));
                    Inexact::Poorer(reason).asked(negated, test.span, self.report);
                }
            }
        }
    }

    fn test(&mut self, source: &str, test: &FieldTest, wording: Wording<'_>, negated: bool) -> Pred {
        let name = &test.field.name;
        let (mut kinds, mut how) = if let TestKind::InList { list, case } = test.kind {
            let (list, how) = self.list((list, source, name), wording, case);
            (vec![TestKind::InList { list, case }], how)
        } else {
            with_behind(&test.kind, wording.behind)
        };
        if !matches!(test.kind, TestKind::InList { .. }) {
            let (more, also) = in_other_words(&test.kind, wording.written);
            // Values in other words are values of the same list.
            match (kinds.as_mut_slice(), more) {
                ([TestKind::Equals { values, .. }], Some(TestKind::Equals { values: more, .. })) => {
                    values.extend(more);
                }
                (_, more) => kinds.extend(more),
            }
            how = how.max(also);
        }
        let stands = stands(wording, name);
        let inexact = match how {
            How::Exactly => None,
            How::Wider => Some(Inexact::Wider(format!("{stands}, which this test may take for the value"))),
            How::Poorer => Some(Inexact::Poorer(format!("{stands}, and this test looks at what is stored"))),
        };
        if let Some(inexact) = inexact {
            inexact.asked(negated, test.span, self.report);
        }
        let mut tests: Vec<_> =
            kinds.into_iter().map(|kind| Pred::Test(FieldTest { kind, ..test.clone() })).collect();
        match tests.pop() {
            Some(only) if tests.is_empty() => only,
            Some(last) => {
                tests.push(last);
                Pred::Or(tests)
            }
            None => Pred::Test(test.clone()),
        }
    }

    /// The list with every writing of its entries.
    fn list(
        &mut self,
        (number, source, field): (usize, &str, &str),
        wording: Wording<'_>,
        case: Case,
    ) -> (usize, How) {
        let Some(list) = self.lists.get(number) else { return (number, How::Poorer) };
        let mut worst = How::Exactly;
        let mut written = List { entries: Vec::new(), ..list.clone() };
        for entry in &list.entries {
            let EntryValue::Pattern(pattern) = &entry.value else {
                written.entries.push(entry.clone());
                continue;
            };
            let (patterns, how) = patterns_with(pattern, wording.behind);
            let like = TestKind::Like { pattern: pattern.clone(), case };
            let (more, also) = in_other_words(&like, wording.written);
            worst = worst.max(how).max(also);
            let more = more.iter().filter_map(words);
            let more: Vec<_> = more.flatten().map(|text| (Pattern::exactly(&text), text)).collect();
            let texts = writings(&entry.text, wording.behind);
            for (pattern, text) in patterns.into_iter().zip(texts).chain(more) {
                let value = EntryValue::Pattern(pattern);
                written.entries.push(Entry { value, text, ..entry.clone() });
            }
        }
        let next = self.lists.len();
        let known = *self.known.entry((number, source.to_owned(), field.to_owned())).or_insert(next);
        if known == next {
            self.lists.push(written);
        }
        (known, worst)
    }
}

/// The tests of which one holds for what is stored, with nothing or a text behind it, where `kind` holds for the value.
fn with_behind(kind: &TestKind, behind: &[String]) -> (Vec<TestKind>, How) {
    if behind.is_empty() {
        return (vec![kind.clone()], How::Exactly);
    }
    match kind {
        TestKind::Exists => (vec![kind.clone()], How::Exactly),
        TestKind::Equals { values, case } => {
            let (values, how) = values_with(values, behind);
            (vec![TestKind::Equals { values, case: *case }], how)
        }
        TestKind::Like { pattern, case } => {
            let (patterns, how) = patterns_with(pattern, behind);
            let like = |pattern| TestKind::Like { pattern, case: *case };
            (patterns.into_iter().map(like).collect(), how)
        }
        TestKind::Substring { place: Place::End, text, case } => {
            let end = |text| TestKind::Substring { place: Place::End, text, case: *case };
            (writings(text, behind).map(end).collect(), How::may_end(text, behind))
        }
        TestKind::Substring { place: Place::Start | Place::Anywhere, text, case: _ } => {
            (vec![kind.clone()], How::may_end(text, behind))
        }
        TestKind::Matches { regex } => match regex.before(behind) {
            Some(regex) => (vec![TestKind::Matches { regex }], How::Wider),
            None => (vec![kind.clone()], How::Poorer),
        },
        TestKind::TextOf { place: Some(Place::Start | Place::Anywhere), .. } => {
            (vec![kind.clone()], How::Wider)
        }
        TestKind::TextOf { .. }
        | TestKind::SameAs { .. }
        | TestKind::Order { .. }
        | TestKind::InList { .. }
        | TestKind::InNetworks { .. }
        | TestKind::Values(_) => (vec![kind.clone()], How::Poorer),
    }
}

/// A test for the other words of the values that pass, if there are any.
fn in_other_words(kind: &TestKind, written: &BTreeMap<String, Vec<String>>) -> (Option<TestKind>, How) {
    if written.is_empty() || *kind == TestKind::Exists {
        return (None, How::Exactly);
    }
    let passes = |text: &str| {
        let TestKind::Matches { regex } = kind else { return kind.passes(text) };
        regex::Regex::new(regex.exact()).ok().map(|regex| regex.is_match(text))
    };
    let (mut values, mut how) = (Vec::new(), How::Exactly);
    for (value, words) in written {
        match passes(value) {
            Some(true) => values.extend(words.iter().cloned().map(Value::String)),
            // The words pass where the value does not.
            Some(false) if words.iter().all(|words| passes(words) == Some(false)) => {}
            Some(false) => how = how.max(How::Wider),
            None => how = How::Poorer,
        }
    }
    let case = if let TestKind::Equals { case, .. } | TestKind::Like { case, .. } = kind {
        *case
    } else {
        Case::Ignore
    };
    ((!values.is_empty()).then_some(TestKind::Equals { values, case }), how)
}

/// The texts of a test for other words.
fn words(kind: &TestKind) -> Option<Vec<String>> {
    let TestKind::Equals { values, .. } = kind else { return None };
    Some(values.iter().map(Value::text).collect())
}

/// How a test of a column answers for the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum How {
    Exactly,
    /// It holds for more values.
    Wider,
    /// It may fail where the field's holds.
    Poorer,
}

impl How {
    /// Of a text that must stand somewhere: what stands behind a value may complete it.
    fn may_end(text: &str, behind: &[String]) -> Self {
        let text = text.to_lowercase();
        let begins = |behind: &String| {
            let behind = behind.to_lowercase();
            behind
                .char_indices()
                .any(|(at, c)| behind.get(..at + c.len_utf8()).is_some_and(|begin| text.ends_with(begin)))
        };
        if behind.iter().any(begins) { Self::Wider } else { Self::Exactly }
    }
}

/// A text alone, and with each of those that may stand behind it.
fn writings(text: &str, behind: &[String]) -> impl Iterator<Item = String> {
    std::iter::once("").chain(behind.iter().map(String::as_str)).map(move |behind| format!("{text}{behind}"))
}

fn values_with(values: &[Value], behind: &[String]) -> (Vec<Value>, How) {
    let (mut all, mut how) = (Vec::new(), How::Exactly);
    for value in values {
        let Value::String(text) = value else {
            all.push(value.clone());
            continue;
        };
        if How::may_end(text, behind) != How::Exactly {
            how = How::Wider;
        }
        all.extend(writings(text, behind).map(Value::String));
    }
    (all, how)
}

fn patterns_with(pattern: &Pattern, behind: &[String]) -> (Vec<Pattern>, How) {
    let how = match pattern.parts.as_slice() {
        [.., PatternPart::Text(text), PatternPart::Any] | [.., PatternPart::Text(text)] => {
            How::may_end(text, behind)
        }
        [.., PatternPart::One] | [.., PatternPart::One, PatternPart::Any] => How::Wider,
        [] | [.., PatternPart::Any] => How::Exactly,
    };
    if matches!(pattern.parts.last(), None | Some(PatternPart::Any)) {
        return (vec![pattern.clone()], how);
    }
    let with = |behind: &String| {
        let mut pattern = pattern.clone();
        match pattern.parts.last_mut() {
            Some(PatternPart::Text(text)) => text.push_str(behind),
            Some(PatternPart::One | PatternPart::Any) | None => {
                pattern.parts.push(PatternPart::Text(behind.clone()));
            }
        }
        pattern
    };
    (std::iter::once(pattern.clone()).chain(behind.iter().map(with)).collect(), how)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: [&str; 7] = ["Update user", "Update", "user", "Update group", "a.b", "Update users", "x"];

    fn kinds() -> Vec<TestKind> {
        let equals = |texts: &[&str]| TestKind::Equals {
            values: texts.iter().map(|text| Value::String((*text).to_owned())).collect(),
            case: Case::Sensitive,
        };
        let like = |text| TestKind::Like { pattern: Pattern::parse(text).unwrap(), case: Case::Ignore };
        let part = |place, text: &str| {
            let text = text.to_owned();
            TestKind::Substring { place, text, case: Case::Sensitive }
        };
        let mut kinds = vec![equals(&["Update user", "x"]), equals(&["Update user."]), TestKind::Exists];
        kinds.extend(["update*", "*user", "*user?", "update.*", "update ?ser", "*", "a?b"].map(like));
        for place in [Place::Start, Place::End, Place::Anywhere] {
            kinds.extend(["user", "Update", ".", "r."].map(|text| part(place, text)));
        }
        kinds
    }

    /// What the column has in place of a value.
    fn stored(value: &str, written: &BTreeMap<String, Vec<String>>) -> Vec<String> {
        let other = written.get(value).into_iter().flatten().cloned();
        writings(value, &[".".to_owned()]).chain(other).collect()
    }

    #[test]
    fn tests_of_a_column_lose_no_value_and_add_none_unsaid() {
        let behind = [".".to_owned()];
        let written = BTreeMap::from([("Update user".to_owned(), vec!["modified-user".to_owned()])]);
        for kind in kinds() {
            let (mut kinds, mut how) = with_behind(&kind, &behind);
            let (more, also) = in_other_words(&kind, &written);
            kinds.extend(more);
            how = how.max(also);
            for value in VALUES {
                let wanted = kind.passes(value).unwrap();
                for text in stored(value, &written) {
                    let found = kinds.iter().any(|kind| kind.passes(&text).unwrap());
                    assert!(found || !wanted || how == How::Poorer, "{kind:?} loses {text}");
                    assert!(!found || wanted || how != How::Exactly, "{kind:?} adds {text}");
                }
            }
        }
    }

    #[test]
    fn an_expression_may_look_at_the_end_once() {
        let behind = [".".to_owned(), " ".to_owned()];
        let before = |text: &str| {
            let regex = crate::ir::Regex::new(text).unwrap().before(&behind);
            regex.map(|regex| regex.written().to_owned())
        };
        assert_eq!(before("^Update"), Some("^Update".to_owned()));
        assert_eq!(before("user$"), Some(r"user(?:\.| )?$".to_owned()));
        assert_eq!(before("^a$|b$"), None, "the first alternative looks as well");
        assert_eq!(before("(a$)"), None);
        assert_eq!(before(r"cost \$"), Some(r"cost \$".to_owned()), "a dollar sign");
        assert_eq!(before(r"user\b"), None);
    }
}

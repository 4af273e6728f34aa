//! What binding resolves, notes and refuses; and what schemas find wrong in a source.
//!
//! In: rules built by hand, a made-up source, a target that accepts nearly everything. Out: verdicts.
//! Must not know: any real target.

use std::sync::LazyLock;

use super::{Bound, BoundField, bind};
use crate::backend::caps::{Feature, Support};
use crate::backend::fixture::{self, equals, link, rule, shown, step};
use crate::backend::schema::{ColumnReader, Dialect, Known, Listed, MappingReader, Place, Schema};
use crate::backend::target::Backend;
use crate::backend::{Effect, Job, Level, Options, Part, Report, Schemas};
use crate::catalog::Catalog;
use crate::diag::{Diagnostic, Diagnostics};
use crate::ir::{Pred, Rule, TestKind, Type};

/// A target whose columns are the names of fields.
#[derive(Debug)]
struct Names<const BY_CLAUSE: bool, const SHOWS: bool>;

static SCHEMA: LazyLock<Schema<Names<false, true>>> = LazyLock::new(|| read(SOURCE));
static BY_CLAUSE: LazyLock<Schema<Names<true, false>>> = LazyLock::new(|| read(SOURCE));

impl Listed for Names<false, true> {
    fn schema(_: &Schemas) -> &Schema<Self> {
        &SCHEMA
    }
}

impl Listed for Names<true, false> {
    fn schema(_: &Schemas) -> &Schema<Self> {
        &BY_CLAUSE
    }
}

impl<const BY_CLAUSE: bool, const SHOWS: bool> Dialect for Names<BY_CLAUSE, SHOWS>
where
    Self: Listed,
{
    const NAME: &'static str = "names";
    const TITLE: &'static str = "Names";

    type Mapping = String;
    type Column = String;

    fn mapping(reader: &mut MappingReader<'_>) -> Option<String> {
        reader.heeds_lag();
        reader.word("group");
        reader.homes().map(|homes| homes.join(", "))
    }

    fn column(reader: &mut ColumnReader<'_>) -> Option<String> {
        reader.multi();
        match reader.place()? {
            Place::Field(name) => return Some(name.to_owned()),
            Place::Cases(_) => return Some("Kind".to_owned()),
            Place::Path(_) | Place::Item(_) | Place::Expr(..) => {}
        }
        reader.invalid("expr", "only fields");
        None
    }

    fn undecided(action: &String) -> Option<&'static str> {
        (action == "Vague").then_some("it is vague")
    }
}

impl<const BY_CLAUSE: bool, const SHOWS: bool> Backend for Names<BY_CLAUSE, SHOWS>
where
    Self: Listed,
{
    const EXTENSION: &'static str = "txt";
    const SHOWS_FIELDS: bool = SHOWS;
    const READS_BY_CLAUSE: bool = BY_CLAUSE;
    const JOINS_BY_WIDER: bool = false;

    fn level(_: &Rule) -> Level {
        Level::Record
    }

    fn support(_: Feature) -> Support {
        Support::Native
    }

    fn code(text: &str) -> Vec<&str> {
        text.lines().collect()
    }

    fn emit(_: &Job<'_>, _: &mut Report) -> Vec<Part> {
        Vec::new()
    }
}

const SOURCE: &str = r#"
name: made.up
title: Made up
description: Every kind of column.
delay: 0
granularity: 1
placeholder: "-"
event_id: event.id
targets:
  names: { from: T, time_lag: 60, requires: [a table] }
fields:
  event.time: { type: time, description: d }
  event.id: { type: string, description: d, columns: { names: Id } }
  event.action: { type: string, description: d, columns: { names: Action } }
  plain: { type: string, description: d, requires: version 2, columns: { names: { field: Plain, requires: a parser } } }
  own: { type: string, description: d, columns: { names: { field: Own, placeholder: none } } }
  port: { type: int, description: d, columns: { names: { field: Port, placeholder: "-1" } } }
  address: { type: ip, description: d, columns: { names: { field: Address, placeholder: 0.0.0.0 } } }
  flag: { type: bool, description: d, columns: { names: { field: Flag, placeholder: "-1" } } }
  wide: { type: string, description: d, columns: { names: { field: Wide, superset: it is wider } } }
  poor: { type: string, description: d, columns: { names: { field: Poor, subset: it is poorer } } }
  gone: { type: string, description: d, columns: { names: { unavailable: nobody logs it, instead: [plain] } } }
  unmapped: { type: string, description: d }
  kind: { type: string, description: d, values: [here, there, gone], columns: {
    names: { field: Kind, map: { h: here, t: there } } } }
  placed: { type: string, description: d, columns: { names: [
    { for_actions: [A], field: PlaceA }, { for_actions: [B, C], field: PlaceB }, { field: PlaceRest }] } }
"#;

fn catalog(text: &str) -> Catalog {
    let mut catalog = fixture::catalog();
    catalog.add("made.up.yaml", text).unwrap();
    catalog
}

fn read<B: Dialect>(text: &str) -> Schema<B> {
    let mut diags = Diagnostics::default();
    let schema = Schema::read(&catalog(text), &mut diags);
    assert!(diags.is_empty(), "{:?}", diags.into_sorted());
    schema
}

/// Binds a rule and hands the outcome to `look`.
fn bound<B: Backend, T>(rule: &Rule, look: impl FnOnce(Option<&Bound<'_, B>>, &Report) -> T) -> T {
    let (catalog, options, mut report) = (catalog(SOURCE), Options::default(), Report::default());
    let schemas = fixture::schemas(&fixture::catalog());
    let job = Job { rule, catalog: &catalog, schemas: &schemas, options: &options };
    let bound = bind::<B>(&job, &mut report);
    look(bound.as_ref(), &report)
}

fn one(filter: Pred) -> Rule {
    rule(vec![step("s", "made.up", filter, vec![])], vec![], 0, &[])
}

fn any_action(names: &[&str]) -> Pred {
    Pred::Or(names.iter().map(|name| equals("event.action", name)).collect())
}

fn columns(field: &BoundField<'_, String>) -> Vec<(String, Vec<String>)> {
    field.ways.iter().map(|way| (way.column.clone(), way.actions.to_vec())).collect()
}

fn titles(errors: &[Diagnostic]) -> Vec<&str> {
    errors.iter().map(|error| error.title.as_str()).collect()
}

fn notes(rule: &Rule) -> Vec<(Effect, String)> {
    bound::<Names<false, true>, _>(rule, |bound, report| {
        assert!(bound.is_some());
        report.notes.iter().map(|note| (note.effect, note.message.clone())).collect()
    })
}

/// The ways to read `placed` in the first test of the condition that reads it.
fn placed<B: Backend<Column = String>>(rule: &Rule) -> Vec<(String, Vec<String>)> {
    bound::<B, _>(rule, |bound, _| {
        let tests = bound.unwrap().steps[0].main.condition.tests();
        let (test, _) = tests.into_iter().find(|(test, _)| test.field.name == "placed").unwrap();
        columns(&test.field)
    })
}

#[test]
fn a_field_has_the_ways_of_the_actions_of_its_step_or_clause() {
    let way = |name: &str, actions: &[&str]| {
        (name.to_owned(), actions.iter().map(|action| (*action).to_owned()).collect::<Vec<_>>())
    };
    let clause = |action: &str| Pred::And(vec![equals("event.action", action), equals("placed", "x")]);
    let both = one(Pred::Or(vec![clause("A"), clause("B")]));
    let of_step = [way("PlaceA", &["A"]), way("PlaceB", &[])];
    assert_eq!(placed::<Names<false, true>>(&both), of_step);
    assert_eq!(placed::<Names<true, false>>(&both), [way("PlaceA", &[])]);
    let free = one(equals("placed", "x"));
    let all = [way("PlaceA", &["A"]), way("PlaceB", &["B", "C"]), way("PlaceRest", &[])];
    assert_eq!(placed::<Names<false, true>>(&free), all);
    bound::<Names<false, true>, _>(&free, |bound, _| {
        assert_eq!(bound.unwrap().steps[0].main.action.as_ref().unwrap().ways[0].column, "Action");
    });
    let narrow = one(Pred::And(vec![any_action(&["B", "C"]), equals("placed", "x")]));
    bound::<Names<false, true>, _>(&narrow, |bound, _| {
        let step = &bound.unwrap().steps[0];
        assert!(step.main.action.is_none());
    });
}

#[test]
fn a_text_for_no_value_is_the_columns_own_or_the_sources() {
    let rule = one(Pred::And(vec![equals("plain", "-"), equals("own", "x")]));
    bound::<Names<false, true>, _>(&rule, |bound, _| {
        let tests = bound.unwrap().steps[0].main.condition.tests();
        let found: Vec<_> = tests.iter().map(|(test, _)| test.field.placeholders()).collect();
        assert_eq!(found, [["-"], ["none"]]);
        let pass: Vec<_> =
            tests.iter().map(|(test, _)| test.could_pass(test.field.placeholders()[0])).collect();
        assert_eq!(pass, [true, false]);
    });
}

#[test]
fn a_text_for_no_value_that_reads_as_a_value_makes_a_column_unusable() {
    for (name, ty, usable) in
        [("port", Type::Int, false), ("address", Type::Ip, false), ("flag", Type::Bool, true)]
    {
        let rule = one(fixture::test(name, ty, TestKind::Exists));
        bound::<Names<false, true>, _>(&rule, |bound, report| {
            assert_eq!(
                (bound.is_some(), report.errors.is_empty()),
                (usable, usable),
                "{name}: {:?}",
                report.errors
            );
        });
    }
}

#[test]
fn steps_hand_on_their_keys_and_what_the_alert_names() {
    let steps = ["a", "b", "c"].map(|name| step(name, "made.up", equals("event.action", name), vec![]));
    let links = vec![link(60, &["plain", "own"], &[]), link(60, &["own"], &[])];
    let mut rule = rule(steps.into(), links, 120, &[]);
    rule.alert.show = vec![shown(1, "event.id", Type::String), shown(1, "plain", Type::String)];
    bound::<Names<false, true>, _>(&rule, |bound, report| {
        let bound = bound.unwrap();
        let names = |step: usize| {
            let step = &bound.steps[step];
            let keys: Vec<_> = step.main.keys.iter().map(|key| key.name).collect();
            let outputs: Vec<_> = step.main.outputs.iter().map(|output| output.column.as_str()).collect();
            (keys, outputs)
        };
        assert_eq!(names(0), (vec!["plain", "own"], vec!["a_plain", "a_own"]));
        assert_eq!(names(1), (vec!["plain", "own"], vec!["b_plain", "b_own", "b_event_id"]));
        assert_eq!(names(2), (vec!["own"], vec!["c_own"]));
        assert_eq!(bound.steps.iter().map(|step| step.last).collect::<Vec<_>>(), [false, false, true]);
        assert!(bound.steps.iter().all(|step| !step.shared && step.main.schema.lag == 60));
        assert_eq!(bound.steps[2].main.event_id.as_ref().unwrap().column, "c_event_id");
        assert_eq!(report.requires, ["a table", "a parser", "version 2"]);
        assert_eq!(bound.steps[0].main.requires, ["a parser", "version 2"]);
        assert!(bound.steps[2].main.requires.is_empty());
    });
    bound::<Names<true, false>, _>(&rule, |bound, _| {
        assert!(
            bound
                .unwrap()
                .steps
                .iter()
                .all(|step| step.main.outputs.is_empty() && step.main.event_id.is_none())
        );
    });
}

#[test]
fn an_event_can_be_shared_where_nothing_keeps_two_steps_apart() {
    let [a, b, c] = ["x", "x", "y"].map(|value| step("s", "made.up", equals("event.action", value), vec![]));
    let links = vec![link(60, &["own"], &[]), link(60, &["own"], &[])];
    bound::<Names<false, true>, _>(&rule(vec![a, b, c], links, 120, &[]), |bound, _| {
        let bound = bound.unwrap();
        assert_eq!(bound.steps.iter().map(|step| step.shared).collect::<Vec<_>>(), [true, true, false]);
        assert_eq!(bound.links.iter().map(|link| link.shared).collect::<Vec<_>>(), [true, false]);
    });
}

#[test]
fn inexact_columns_are_noted_by_what_is_asked_of_them() {
    let not = |pred| Pred::Not(Box::new(pred));
    let wider = |effect| vec![(effect, "it is wider".to_owned())];
    let poorer = |effect| vec![(effect, "it is poorer".to_owned())];
    assert_eq!(notes(&one(equals("wide", "x"))), wider(Effect::Superset));
    assert_eq!(notes(&one(not(equals("wide", "x")))), wider(Effect::Subset));
    assert_eq!(notes(&one(not(not(equals("wide", "x"))))), wider(Effect::Superset));
    assert_eq!(notes(&one(equals("poor", "x"))), poorer(Effect::Subset));
    assert_eq!(notes(&one(not(equals("poor", "x")))), poorer(Effect::Superset));
    let excepted = step("s", "made.up", equals("plain", "x"), vec![equals("wide", "x")]);
    assert_eq!(notes(&rule(vec![excepted], vec![], 0, &[])), wider(Effect::Subset));
    let steps = ["a", "b"].map(|name| step(name, "made.up", equals("plain", name), vec![]));
    assert_eq!(notes(&rule(steps.into(), vec![link(60, &["wide"], &[])], 60, &[])), wider(Effect::Subset));
    let mut shows = one(equals("plain", "x"));
    shows.alert.show = vec![shown(0, "wide", Type::String)];
    let message = "`wide` in an answer may differ from the log: it is wider";
    assert_eq!(notes(&shows), [(Effect::Shown, message.to_owned())]);
}

#[test]
fn a_column_of_an_absence_is_inexact_the_other_way() {
    let noted = |field: &str| {
        let mut present = step("s", "made.up", equals("plain", "x"), vec![]);
        let selections = vec![step("t", "made.up", equals(field, "x"), vec![]).main];
        let (keys, span) = (Vec::new(), crate::source::Span::default());
        let when = crate::ir::When::Before(crate::ir::Window { seconds: 60, span });
        let name = Some(crate::source::Spanned { node: "t".to_owned(), span });
        present.absences = vec![crate::ir::Absence { name, selections, when, keys, span }];
        notes(&rule(vec![present], vec![], 0, &[]))
    };
    assert_eq!(noted("wide"), [(Effect::Subset, "it is wider".to_owned())]);
    assert_eq!(noted("poor"), [(Effect::Superset, "it is poorer".to_owned())]);
}

#[test]
fn what_a_target_does_not_have_is_an_error_once_for_each_field_and_step() {
    let filter = Pred::And(vec![equals("gone", "x"), equals("gone", "y"), equals("unmapped", "x")]);
    let foreign = step("t", "aws.vpcflow", equals("flow.action", "x"), vec![]);
    let steps = vec![step("s", "made.up", filter, vec![]), foreign];
    bound::<Names<false, true>, _>(
        &rule(steps, vec![link(60, &["plain"], &[])], 60, &[]),
        |bound, report| {
            assert!(bound.is_none());
            assert_eq!(
                titles(&report.errors),
                [
                    "`gone` is not available in Names",
                    "`unmapped` is not available in Names",
                    "Names has no mapping for `aws.vpcflow`",
                ]
            );
            assert_eq!(report.errors[0].help, ["use `plain` instead, or map the field in `catena.yaml`"]);
        },
    );
    let mut shows = one(equals("plain", "x"));
    shows.alert.show = vec![shown(0, "gone", Type::String)];
    assert!(bound::<Names<false, true>, _>(&shows, |bound, _| bound.is_none()));
    assert!(bound::<Names<true, false>, _>(&shows, |bound, _| bound.is_some()));
}

/// What a schema says of a source that differs in one text.
fn faults(old: &str, new: &str) -> Vec<String> {
    assert!(SOURCE.contains(old), "{old}");
    let (catalog, mut diags) = (catalog(&SOURCE.replace(old, new)), Diagnostics::default());
    let schema = Schema::<Names<false, true>>::read(&catalog, &mut diags);
    let found = diags.into_sorted();
    assert_eq!(matches!(schema.source("made.up", &catalog), Known::Broken), !found.is_empty());
    found.into_iter().map(|fault| format!("{}: {}", fault.title, fault.primary.text)).collect()
}

#[test]
fn what_a_source_states_is_used_or_an_error() {
    assert!(faults("time_lag: 60", "time_lag: 61").is_empty());
    for (old, new, fault) in [
        ("from: T", "from: ' '", "`made.up` has no `from` for Names: the query would not know where to look"),
        (
            "from: T",
            "from: T, time: t",
            "the `time` of `made.up` is ignored by Names: the query would be written without it",
        ),
        (
            "from: T",
            "from: T, words: { a: b }",
            "the `words: a` of `made.up` is ignored by Names: the query would be written without it",
        ),
        (
            "{ field: Plain,",
            "{ field: Plain, alert_field: P,",
            "the `alert_field` of `plain` is ignored by Names: the query would be written without it",
        ),
        ("names: Id", "names: { expr: id }", "the column of `event.id` is invalid in Names: only fields"),
        (
            "names: Action",
            "names: Vague",
            "`event.action` cannot decide between the variants of `placed` in Names: it is vague",
        ),
        (
            ", columns: { names: Action }",
            "",
            "`event.action` cannot decide between the variants of `placed` in Names: it has no column",
        ),
    ] {
        assert_eq!(faults(old, new), [fault]);
    }
    let several = faults("from: T", "from: ' ', filter: f, words: { a: b, group: c }");
    assert_eq!(several.len(), 3, "{several:?}");
}

#[test]
fn a_target_reads_what_it_asks_for() {
    let reads = crate::backend::schema::reads::<Names<false, true>>();
    assert_eq!(
        (reads.entries, reads.words, reads.options),
        (vec!["time_lag", "from"], vec!["group"], vec!["multi"])
    );
}

#[test]
fn a_value_that_a_column_cannot_have_is_never_found() {
    let not = |pred| Pred::Not(Box::new(pred));
    let any = |values: &[&str]| Pred::Or(values.iter().map(|value| equals("kind", value)).collect());
    let lacking = |effect| vec![(effect, "in Names `kind` is never `gone`".to_owned())];
    assert!(notes(&one(equals("kind", "here"))).is_empty());
    assert_eq!(notes(&one(any(&["here", "gone"]))), lacking(Effect::Subset));
    assert_eq!(notes(&one(not(equals("kind", "gone")))), lacking(Effect::Superset));
    let pattern = crate::ir::Pattern::parse("*e*").unwrap();
    let like = TestKind::Like { pattern, case: crate::ir::Case::Sensitive };
    // What the source declares and the pattern admits.
    assert_eq!(notes(&one(fixture::test("kind", Type::String, like))), lacking(Effect::Subset));
    let (beside, nothing) = (equals("plain", "x"), equals("kind", "gone"));
    let open = one(Pred::Or(vec![beside.clone(), nothing.clone()]));
    assert_eq!(notes(&open), lacking(Effect::Subset));
    let mut other = step("s", "made.up", nothing.clone(), vec![]);
    other.others = vec![step("s", "made.up", beside.clone(), vec![]).main];
    assert_eq!(notes(&rule(vec![other], vec![], 0, &[])), lacking(Effect::Subset));
    bound::<Names<false, true>, _>(&one(Pred::And(vec![beside, nothing])), |bound, report| {
        assert!(bound.is_none());
        assert_eq!(titles(&report.errors), ["`s` matches nothing in Names"]);
        assert_eq!(report.errors[0].primary.text, "there `kind` is one of `here`, `there`");
    });
}

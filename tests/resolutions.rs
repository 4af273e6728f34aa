//! What names stand for, as editors ask it: right for every use in every case, also in files with errors.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use catena::catalog::Catalog;
use catena::check::{Checked, Context, Definition, DefinitionKind, Meaning, Use, analyse};
use catena::diag::Diagnostics;
use catena::settings::Settings;
use catena::source::{SourceFile, Sources, Span};
use catena::syntax;
use catena::unit::{NamedFiles, Unit};

use crate::program::{AS_OF, chains, root};

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::embedded().unwrap());

fn analysed(text: &str) -> (Checked, Diagnostics, Sources) {
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::new("case.chain", text));
    let mut diags = Diagnostics::default();
    let file = syntax::parse(sources.get(id).unwrap(), id, &mut diags);
    let named = NamedFiles::default();
    let unit = Unit { sources: &sources, file: &file, imported: Vec::new(), named: &named };
    let settings = Settings::default();
    let context = Context { catalog: &CATALOG, settings: &settings, as_of: AS_OF.parse().unwrap() };
    let checked = analyse(&unit, &context, &mut diags);
    (checked, diags, sources)
}

/// `text → meaning` of every use, in order.
fn shown(checked: &Checked, sources: &Sources) -> Vec<String> {
    let text = |span: Span| sources.snippet(span);
    let line = |span: Span| sources.get(span.file).unwrap().position(span.start as usize).line;
    let meaning_of = |meaning: &Meaning| match meaning {
        Meaning::Source(name) => format!("source {name}"),
        Meaning::Field { source, field } => format!("{source}: {field}"),
        Meaning::Step(name) => format!("step of line {}", line(*name)),
        Meaning::Param(name) => format!("parameter of line {}", line(*name)),
        Meaning::List(name) => format!("list of line {}", line(*name)),
        Meaning::Lookup(name) => format!("lookup of line {}", line(*name)),
        Meaning::File(path) => format!("file {path}"),
        Meaning::Clause(name) => format!("clause {name}"),
        Meaning::Word { of, word } => format!("{of}: {word}"),
    };
    let uses = checked.resolutions.uses.iter();
    uses.map(|Use { span, meaning }| format!("{} {} → {}", line(*span), text(*span), meaning_of(meaning)))
        .collect()
}

const BROKEN: &str = r#"import "lists.chain"
allowlist images: image.id { "ami-1" }
rule broken {
  title "T"
  severity high
  param gap = 10m
  chain within 30m scope cloud.account.id {
    step launch from aws.cloudtrail
      where event.action == "RunInstances" and no.such.field == 1
      except image.id in images
    then within gap on instance.eni
    step egress from aws.vpcflow where destination.port > "x"
  }
  alert { entity account launch.actor.id show launch.nothing, egress.destination.ip dedupe gap by launch.actor.id }
  playbook "Ask {{ launch.actor.id }}."
  test "alerts" { launch at 0s { actor.id: "a" } egress at 1m { } expect alert at 1m }
}
"#;

#[test]
fn a_rule_with_errors_is_resolved_all_the_same() {
    let (checked, diags, sources) = analysed(BROKEN);
    assert!(diags.has_errors() && checked.rules.is_empty());
    insta::assert_snapshot!(shown(&checked, &sources).join("\n"), @r#"
    1 "lists.chain" → file lists.chain
    2 image.id → aws.cloudtrail: image.id
    4 title → clause title
    5 severity → clause severity
    5 high → severity: high
    7 cloud.account.id → aws.cloudtrail: cloud.account.id
    7 cloud.account.id → aws.vpcflow: cloud.account.id
    8 aws.cloudtrail → source aws.cloudtrail
    9 event.action → aws.cloudtrail: event.action
    10 image.id → aws.cloudtrail: image.id
    10 images → list of line 2
    11 gap → parameter of line 6
    11 instance.eni → aws.cloudtrail: instance.eni
    11 instance.eni → aws.vpcflow: instance.eni
    12 aws.vpcflow → source aws.vpcflow
    12 destination.port → aws.vpcflow: destination.port
    14 account → entity: account
    14 launch → step of line 8
    14 actor.id → aws.cloudtrail: actor.id
    14 launch → step of line 8
    14 egress → step of line 12
    14 destination.ip → aws.vpcflow: destination.ip
    14 gap → parameter of line 6
    14 launch → step of line 8
    14 actor.id → aws.cloudtrail: actor.id
    15 launch → step of line 8
    15 actor.id → aws.cloudtrail: actor.id
    16 launch → step of line 8
    16 actor.id → aws.cloudtrail: actor.id
    16 egress → step of line 12
    "#);
}

#[test]
fn definitions_have_their_names_and_extents() {
    let (checked, _, sources) = analysed(BROKEN);
    let shown = checked.resolutions.definitions.iter().map(|Definition { kind, name, extent }| {
        assert!(extent.start <= name.span.start && name.span.end <= extent.end);
        (*kind, sources.snippet(name.span))
    });
    assert_eq!(
        shown.collect::<Vec<_>>(),
        [
            (DefinitionKind::List, "images"),
            (DefinitionKind::Rule, "broken"),
            (DefinitionKind::Param, "gap"),
            (DefinitionKind::Step, "launch"),
            (DefinitionKind::Step, "egress"),
            (DefinitionKind::Test, "\"alerts\""),
        ]
    );
}

#[test]
fn a_place_finds_its_use_and_a_definition_its_uses() {
    let (checked, _, sources) = analysed(BROKEN);
    let resolutions = &checked.resolutions;
    let text = &sources.get(resolutions.uses[0].span.file).unwrap().text;
    let at = text.find("gap on").unwrap();
    let found = resolutions.at(Span::new(resolutions.uses[0].span.file, at + 1, at + 1)).unwrap();
    let Meaning::Param(name) = found.meaning else { panic!("{found:?}") };
    assert_eq!(resolutions.definition(name).unwrap().name.node, "gap");
    assert_eq!(resolutions.uses_of(&found.meaning).count(), 2, "the gap and the suppression window");
}

/// Whether the text of a use says what it stands for.
fn fits(Use { span, meaning }: &Use, definitions: &[Definition], sources: &Sources) -> bool {
    let text = sources.snippet(*span);
    let defined = |name: Span, wanted: DefinitionKind| {
        sources.snippet(name) == text
            && definitions.iter().any(|definition| definition.name.span == name && definition.kind == wanted)
    };
    match meaning {
        Meaning::Source(name) => text == name,
        Meaning::Field { field, .. } => text == field,
        Meaning::Step(name) => defined(*name, DefinitionKind::Step),
        Meaning::Param(name) => defined(*name, DefinitionKind::Param),
        Meaning::List(name) => defined(*name, DefinitionKind::List),
        Meaning::Lookup(name) => defined(*name, DefinitionKind::Lookup),
        Meaning::File(_) => text.starts_with('"'),
        Meaning::Clause(name) => text == *name,
        Meaning::Word { word, .. } => text == *word,
    }
}

#[test]
fn every_use_of_every_case_says_what_it_stands_for() {
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for path in ["tests/cases", "rules/an1318"].into_iter().flat_map(chains) {
        let Ok(text) = std::fs::read_to_string(root().join(&path)) else { continue };
        let (checked, diags, sources) = analysed(&text);
        let misspelt: BTreeSet<_> = diags.into_sorted().iter().map(|found| found.primary.span).collect();
        for found in &checked.resolutions.uses {
            assert!(
                misspelt.contains(&found.span) || fits(found, &checked.resolutions.definitions, &sources),
                "{path}: `{}` is {:?}",
                sources.snippet(found.span),
                found.meaning
            );
            let kind = format!("{:?}", found.meaning);
            *kinds.entry(kind.split([' ', '(']).next().unwrap().to_owned()).or_default() += 1;
        }
    }
    assert_eq!(kinds.len(), 9, "every kind occurs: {kinds:?}");
}

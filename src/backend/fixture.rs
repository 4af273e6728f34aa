//! Rules built by hand, for the unit tests of the targets.

use ipnet::IpNet;

use crate::backend::Schemas;
use crate::catalog::Catalog;
use crate::diag::Diagnostics;
use crate::ir::{
    Alert, AnyOf, Case, Chain, Entity, EntityKind, Field, FieldTest, GroupField, Key, Link, Meta, Pred, Rule,
    Selection, Severity, Status, Step, StepField, TestKind, Type, Value, Window,
};
use crate::source::{Span, Spanned};

pub(in crate::backend) fn named(text: &str) -> Spanned<String> {
    Spanned { node: text.to_owned(), span: Span::default() }
}

pub(in crate::backend) fn field(name: &str, ty: Type) -> Field {
    Field { name: name.to_owned(), ty, span: Span::default() }
}

/// A field by which records are grouped as they are logged.
pub(in crate::backend) fn group_field(name: &str, ty: Type) -> GroupField {
    GroupField { field: field(name, ty), case: Case::Sensitive }
}

pub(in crate::backend) fn test(name: &str, ty: Type, kind: TestKind) -> Pred {
    Pred::Test(FieldTest { field: field(name, ty), kind, span: Span::default() })
}

pub(in crate::backend) fn equals(name: &str, value: &str) -> Pred {
    let values = vec![Value::String(value.to_owned())];
    test(name, Type::String, TestKind::Equals { values, case: Case::Sensitive })
}

pub(in crate::backend) fn is_true(name: &str) -> Pred {
    test(name, Type::Bool, TestKind::Equals { values: vec![Value::Bool(true)], case: Case::Sensitive })
}

pub(in crate::backend) fn networks(name: &str, networks: &[&str]) -> Pred {
    let networks = networks.iter().map(|text| text.parse::<IpNet>().unwrap()).collect();
    test(name, Type::Ip, TestKind::InNetworks { networks })
}

pub(in crate::backend) fn step(name: &str, source: &str, filter: Pred, excepts: Vec<Pred>) -> Step {
    let span = Span::default();
    let main = Selection { source: named(source), renames: Vec::new(), filter, excepts, span };
    Step { name: named(name), main, others: Vec::new(), absences: Vec::new(), repetition: None, span }
}

pub(in crate::backend) fn link(seconds: u64, keys: &[&str], scope: &[&str]) -> Link {
    let key = |name: &&str, from_scope| Key {
        left: field(name, Type::String),
        right: field(name, Type::String),
        case: Case::Sensitive,
        any: AnyOf::default(),
        folds: false,
        from_scope,
    };
    let keys =
        keys.iter().map(|name| key(name, false)).chain(scope.iter().map(|name| key(name, true))).collect();
    Link {
        gap: Window { seconds, span: Span::default() },
        keys,
        comparisons: Vec::new(),
        absences: Vec::new(),
        span: Span::default(),
    }
}

pub(in crate::backend) fn shown(step: usize, name: &str, ty: Type) -> StepField {
    StepField { step, field: field(name, ty) }
}

/// A rule around a chain; alert and metadata can be changed afterwards.
pub(in crate::backend) fn rule(steps: Vec<Step>, links: Vec<Link>, total: u64, scope: &[&str]) -> Rule {
    let total = Window { seconds: total, span: Span::default() };
    let scope = scope.iter().map(|name| named(name)).collect();
    Rule {
        name: named("aws_untrusted_image_launch"),
        meta: Meta {
            title: "Unapproved image launched from a console session, then rapid egress".to_owned(),
            id: "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1318".to_owned(),
            description: "Detects an instance launched from an unapproved image that reaches out at once."
                .to_owned(),
            author: Some("Catena".to_owned()),
            date: Some(jiff::civil::date(2026, 11, 24)),
            modified: None,
            status: Status::Experimental,
            severity: Severity::High,
            attack: vec!["T1204".to_owned()],
            references: Vec::new(),
            false_positives: Vec::new(),
            targets: None,
            allow: Vec::new(),
        },
        params: Vec::new(),
        lists: Vec::new(),
        chain: Chain { total, total_is_explicit: true, scope, steps, links, together: None },
        alert: Alert { entities: Vec::new(), show: Vec::new(), dedupe: None },
        playbook: None,
        tests: Vec::new(),
        span: Span::default(),
    }
}

/// AN1318 on AWS: console use, launch of an image outside the list, egress of the new interface.
pub(in crate::backend) fn an1318() -> Rule {
    let login = Pred::And(vec![
        equals("event.provider", "signin.amazonaws.com"),
        equals("event.action", "ConsoleLogin"),
        equals("event.outcome", "success"),
    ]);
    let work =
        Pred::And(vec![is_true("session.from_console"), Pred::Not(Box::new(is_true("event.read_only")))]);
    let run = Pred::And(vec![
        equals("event.provider", "ec2.amazonaws.com"),
        equals("event.action", "RunInstances"),
        equals("event.outcome", "success"),
    ]);
    let private = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];
    let egress = Pred::And(vec![equals("flow.action", "ACCEPT"), networks("source.ip", &private)]);
    let steps = vec![
        step("console", "aws.cloudtrail", Pred::Or(vec![login, work]), vec![]),
        step("launch", "aws.cloudtrail", run, vec![equals("image.id", "ami-0approved")]),
        step("egress", "aws.vpcflow", egress, vec![networks("destination.ip", &private)]),
    ];
    let scope = ["cloud.account.id"];
    let links = vec![link(900, &["actor.id"], &scope), link(600, &["instance.eni"], &scope)];
    let mut rule = rule(steps, links, 1800, &scope);
    rule.alert = Alert {
        entities: vec![Entity { kind: EntityKind::Account, field: shown(1, "actor.id", Type::String) }],
        show: vec![shown(1, "image.id", Type::String), shown(2, "destination.port", Type::Int)],
        dedupe: None,
    };
    rule
}

pub(in crate::backend) fn catalog() -> Catalog {
    Catalog::embedded().unwrap()
}

pub(in crate::backend) fn schemas(catalog: &Catalog) -> Schemas {
    let mut diags = Diagnostics::default();
    let schemas = crate::backend::schemas(catalog, &mut diags);
    assert!(diags.is_empty(), "{:?}", diags.into_sorted());
    schemas
}

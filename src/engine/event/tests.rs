//! Raw events of shipped and made-up sources, read into records.

use serde_json::json;

use super::*;
use crate::catalog::Catalog;

fn read(source: &str, event: &serde_json::Value) -> Vec<String> {
    let catalog = Catalog::embedded().unwrap();
    let source = catalog.source(source).unwrap();
    let reader = Reader::new(source, Arc::new(Schema::new(source, None))).unwrap();
    let show = |record: &Record| {
        record.present().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    };
    reader.records(event).unwrap().iter().map(show).collect()
}

#[test]
fn an_event_gives_a_record_for_each_interface_of_each_item() {
    let event = json!({
        "eventTime": "2023-07-10T11:55:21Z", "eventID": "e1", "eventName": "RunInstances", "readOnly": "false",
        "responseElements": { "instancesSet": { "items": [
            { "instanceId": "i-1", "imageId": "ami-1", "networkInterfaceSet": { "items": [
                { "networkInterfaceId": "eni-1" }, { "networkInterfaceId": "eni-2" } ] } },
            { "instanceId": "i-2", "privateIpAddress": "10.0.0.300", "networkInterfaceSet": {} },
            "not an item", null, { "unknown": 1 },
        ] } },
    });
    let common = "event.action=RunInstances event.id=e1 event.outcome=success event.read_only=false \
                  event.time=2023-07-10T11:55:21Z";
    assert_eq!(
        read("aws.cloudtrail", &event),
        [
            format!("{common} image.id=ami-1 instance.eni=eni-1 instance.id=i-1"),
            format!("{common} image.id=ami-1 instance.eni=eni-2 instance.id=i-1"),
            format!("{common} instance.id=i-2"),
            common.to_owned(),
        ]
    );
}

#[test]
fn another_shape_is_missing() {
    let event = json!({
        "eventTime": 1_688_989_356, "eventName": "RunInstances", "eventID": ["e1"], "awsRegion": { "a": 1 },
        "userIdentity": [{ "arn": "arn:aws:iam::1:user/a" }], "recipientAccountId": 123, "sourceIPAddress": "AWS Internal",
        "responseElements": { "instancesSet": { "items": { "instanceId": "i-1" } } }, "errorCode": "",
    });
    let expected = "cloud.account.id=123 event.action=RunInstances event.outcome=success event.time=2023-07-10T11:42:36Z";
    assert_eq!(read("aws.cloudtrail", &event), [expected]);
    assert!(read("aws.cloudtrail", &json!({ "eventTime": "noon", "eventID": "e1" })).is_empty());
}

#[test]
fn variants_follow_the_action() {
    let outcome = |event: serde_json::Value| {
        let mut event = event;
        event["eventTime"] = json!("2023-07-10T11:55:21Z");
        let records = read("aws.cloudtrail", &event);
        records[0].split(' ').find_map(|field| field.strip_prefix("event.outcome=")).unwrap().to_owned()
    };
    let login =
        |answer: &str| json!({ "eventName": "ConsoleLogin", "responseElements": { "ConsoleLogin": answer } });
    assert_eq!(outcome(login("Success")), "success");
    assert_eq!(outcome(login("Failure")), "failure");
    assert_eq!(outcome(json!({ "eventName": "ConsoleLogin", "responseElements": null })), "failure");
    assert_eq!(
        outcome(json!({ "eventName": "RunInstances", "errorCode": "Client.DryRunOperation" })),
        "failure"
    );
    assert_eq!(outcome(json!({ "eventName": "RunInstances", "errorCode": null })), "success");
}

fn read_by(text: &str, events: &[serde_json::Value]) -> Vec<String> {
    let mut catalog = Catalog::default();
    catalog.add("own.yaml", text).unwrap();
    let source = catalog.iter().next().unwrap();
    let reader = Reader::new(source, Arc::new(Schema::new(source, None))).unwrap();
    let show = |record: &Record| {
        let fields = record.present().filter(|(name, _)| *name != "event.time");
        fields.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    };
    let records = events.iter().flat_map(|event| reader.records(event).unwrap());
    records.map(|record| show(&record)).collect()
}

const OWN: &str = "name: own.log\ntitle: t\ndescription: d\ndelay: 1\ngranularity: 1\ntargets: {}\n";

#[test]
fn paths_enter_lists_and_keys_with_dots() {
    let fields = r#"
fields:
  event.time: { type: time, description: d, raw: t }
  key: { type: string, description: d, raw: 'a["b.c/d"].e' }
  first: { type: string, description: d, raw: "list[0].id" }
  second: { type: string, description: d, raw: "list[1].id" }
  plain: { type: string, description: d, raw: "texts[1]" }
  role: { type: string, description: d, raw: [{ path: 'list[0].props[name == "Role"].new', capture: '^"?(.*?)"?$' }] }
  inside: { type: string, description: d, raw: 'body.list[0].id' }
  ids: { type: string, description: d, many: true, raw: "list[].id" }
  texts: { type: string, description: d, many: true, placeholders: ["-"], raw: "texts[]" }
  ports: { type: int, description: d, many: true, raw: "list[].ports[]" }
"#;
    let event = json!({
        "t": "2026-01-01T00:00:00Z", "a": { "b.c/d": { "e": "dotted" } }, "body": "{\"list\":[{\"id\":\"x\"}]}",
        "list": [
            { "id": "i-1", "props": [{ "name": "Other", "new": 1 }, { "name": "Role", "new": "\"Owner\"" }, { "name": "Role", "new": "late" }],
              "ports": [80, "443", "none"] },
            { "id": "i-2", "ports": 22 },
        ],
        "texts": ["one", "two", "-", null],
    });
    assert_eq!(
        read_by(&format!("{OWN}{fields}"), &[event, json!({ "t": 1, "list": "[{\"id\":\"i-3\"}]" })]),
        [
            "first=i-1 ids=i-1, i-2 inside=x key=dotted plain=two ports=80, 443 role=Owner second=i-2 texts=one, two",
            "first=i-3 ids=i-3",
        ]
    );
}

#[test]
fn several_groups_and_other_events_of_a_log() {
    let text = r#"
discriminator: code
only: { kind: [audit, "7"] }
placeholder: ["-", none]
event_id: [host, number]
group:
  - { name: rules, path: rules, key: [rule.port], for_actions: [open] }
  - { name: disks, path: disks, inner: parts, key: [part], for_actions: [attach] }
fields:
  event.time: { type: time, description: d, raw: t }
  code: { type: string, description: d, raw: code }
  host: { type: string, description: d, raw: host }
  number: { type: int, description: d, raw: number }
  target:
    type: string
    description: d
    raw: [{ for_actions: [open], path: port }, { paths: [disk, volume] }]
  rule.port: { type: int, description: d, in_group: rules, raw: port }
  part: { type: string, description: d, in_group: disks, raw: ">id" }
  size: { type: int, description: d, in_group: disks, raw: size }
"#;
    let event = |kind: serde_json::Value, code: &str, rest: serde_json::Value| {
        let mut event = json!({ "t": 1, "kind": kind, "code": code, "host": "-", "number": 1 });
        event.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        event
    };
    let events = [
        event(json!("audit"), "open", json!({ "port": "p", "rules": [{ "port": 1 }, { "port": 2 }] })),
        event(
            json!(7),
            "attach",
            json!({ "disk": "none", "volume": "v", "disks": [{ "size": 5, "parts": [{ "id": "a" }, {}] }] }),
        ),
        event(json!("other"), "open", json!({})),
        event(json!(null), "open", json!({})),
    ];
    assert_eq!(
        read_by(&format!("{OWN}{text}"), &events),
        [
            "code=open number=1 rule.port=1 target=p",
            "code=open number=1 rule.port=2 target=p",
            "code=attach number=1 part=a size=5 target=v",
            "code=attach number=1 size=5 target=v",
        ]
    );
}

#[test]
fn other_events_of_a_log_by_what_they_are() {
    let text = r"
only: { stage: [end] }
only_of:
  - { events: { part: [exec, attach], verb: [get] }, only: { stage: [start] } }
  - { events: { part: [exec] }, only: { stage: [middle] } }
fields:
  event.time: { type: time, description: d, raw: t }
  event.id: { type: string, description: d, raw: id }
";
    let events: Vec<_> = [
        ("a", json!({ "stage": "end" })),
        ("b", json!({ "stage": "start" })),
        ("c", json!({ "stage": "end", "part": "exec", "verb": "get" })),
        ("d", json!({ "stage": "start", "part": "exec", "verb": "get" })),
        ("e", json!({ "stage": "middle", "part": "exec", "verb": "get" })),
        ("f", json!({ "stage": "middle", "part": "exec", "verb": "create" })),
        ("g", json!({ "stage": "end", "part": "attach", "verb": "create" })),
        ("h", json!({ "part": "attach", "verb": "get" })),
    ]
    .into_iter()
    .map(|(id, mut event)| {
        event["id"] = json!(id);
        event["t"] = json!(1);
        event
    })
    .collect();
    let read = read_by(&format!("{OWN}{text}"), &events);
    assert_eq!(read, ["event.id=a", "event.id=d", "event.id=f", "event.id=g"]);
}

#[test]
fn captures_and_placeholders() {
    let arn = |arn: &str| {
        let event = json!({ "eventTime": "2023-07-10T11:55:21Z", "userIdentity": { "arn": arn } });
        read("aws.cloudtrail", &event)[0].contains("actor.session_name=i-1")
    };
    assert!(arn("arn:aws:sts::1:assumed-role/web/i-1"));
    assert!(!arn("arn:aws:iam::1:user/i-1"));
    let flow = json!({ "start": "1688989356", "interface-id": "eni-1", "srcaddr": "-", "dstport": "443" });
    let expected = "destination.port=443 event.time=2023-07-10T11:42:36Z flow.start=2023-07-10T11:42:36Z instance.eni=eni-1";
    assert_eq!(read("aws.vpcflow", &flow), [expected]);
}

//! Raw events as AWS writes them, and canonical values put into them.
//!
//! In: a source, canonical field names and texts. Out: JSON of a `CloudTrail` record or a flow record.
//! Must not know: rules. Where AWS never writes something (two images in one launch), neither does this.

use catena::catalog::{Raw, RawVariant, Source};
use serde_json::{Map, Value, json};

use super::samples;

/// An event, and the source whose log it is in.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Event {
    pub(super) source: String,
    pub(super) raw: Value,
}

/// What a field is made to hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Content<'a> {
    Text(&'a str),
    Absent,
    Empty,
}

impl Event {
    /// A plain event of a source, with an identity of its own. `number` differs between the events of a scenario.
    pub(super) fn plain(source: &str, number: u64, wide: bool) -> Self {
        let raw = if source == samples::FLOW { flow(number, wide) } else { call(number) };
        Self { source: source.to_owned(), raw }
    }

    /// Sets when it happened, in seconds since 1970; a flow record ends `lasting` seconds later.
    pub(super) fn happen(&mut self, time: i64, lasting: i64) {
        if self.source == samples::FLOW {
            self.raw["start"] = json!(time.to_string());
            self.raw["end"] = json!((time + lasting).to_string());
        } else {
            self.raw["eventTime"] = json!(jiff::Timestamp::from_second(time).unwrap().to_string());
        }
    }

    /// When it happened.
    pub(super) fn time(&self) -> i64 {
        if self.source == samples::FLOW {
            return self.raw["start"].as_str().unwrap().parse().unwrap();
        }
        self.raw["eventTime"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second()
    }

    /// From when it happened to the end of what it stands for, in seconds.
    pub(super) fn lasting(&self) -> i64 {
        self.raw["end"].as_str().map_or(0, |end| end.parse::<i64>().unwrap() - self.time())
    }

    /// Makes a field hold `content`, in the item of the repeated group if it is of one.
    pub(super) fn set(&mut self, source: &Source, field: &str, content: Content<'_>, item: usize) {
        let Some(def) = source.field(field) else { return };
        // A text log has no empty column.
        let is_text = matches!(content, Content::Text(_));
        let content = if self.source == samples::FLOW && !is_text { Content::Text("-") } else { content };
        let (path, raw, from_event) = match &def.raw {
            None => return,
            Some(Raw::Path(path)) => (path.clone(), content.owned(), false),
            Some(Raw::Variants(variants)) => {
                let Some(variant) = self.variant(source, variants) else { return };
                let Some(path) = variant.paths().next() else { return };
                (path.to_owned(), variant_content(variant, content), variant.from_event)
            }
        };
        let target = match source.group_of(def) {
            Some((_, group)) if !from_event => {
                let items = items(&mut self.raw, &group.path);
                let item = nth(items, item);
                match (path.strip_prefix('>'), &group.inner) {
                    (Some(_), Some(inner)) => nth(self::items(item, inner), 0),
                    (Some(_) | None, _) => item,
                }
            }
            Some(_) | None => &mut self.raw,
        };
        match path.split_once("[]") {
            Some((list, each)) => {
                let values: Option<Vec<_>> = raw.map(|text| vec![Some(text)]);
                put(target, list, values.map(|values| list_of(each, values)));
            }
            None => put(target, path.trim_start_matches('>'), self::content(&path, raw)),
        }
    }

    /// Makes a field that can have several values hold these, or items that lack one.
    pub(super) fn set_values(&mut self, source: &Source, field: &str, values: Vec<Option<String>>) {
        let Some(Raw::Path(path)) = source.field(field).and_then(|def| def.raw.as_ref()) else { return };
        let Some((list, each)) = path.split_once("[]") else { return };
        put(&mut self.raw, list, Some(list_of(each, values)));
    }

    /// Sign-ins, role switches and MFA checks answer with success or failure, and with an error message then; instances
    /// are in the answers of EC2's calls about instances alone.
    fn settle_response(&mut self) {
        let action = self.raw["eventName"].as_str().unwrap_or("").to_owned();
        if matches!(action.as_str(), "ConsoleLogin" | "SwitchRole" | "CheckMfa") {
            let answer = self.raw.pointer(&format!("/responseElements/{action}")).and_then(Value::as_str);
            let failed = answer.map_or(self.raw.get("errorCode").is_some(), |answer| answer != "Success");
            self.raw["responseElements"] = json!({ action: if failed { "Failure" } else { "Success" } });
            self.raw["requestParameters"] = Value::Null;
            let event = self.raw.as_object_mut().unwrap();
            event.remove("errorCode");
            event.remove("errorMessage");
            if failed {
                event.insert("errorMessage".to_owned(), json!("Failed authentication"));
            }
        } else if self.raw.pointer("/responseElements/instancesSet").is_some() {
            if matches!(action.as_str(), "RunInstances" | "StartInstances" | "StopInstances") {
                self.raw["eventSource"] = json!("ec2.amazonaws.com");
            } else {
                self.raw["responseElements"].as_object_mut().unwrap().remove("instancesSet");
            }
        }
    }

    fn variant<'v>(&self, source: &Source, variants: &'v [RawVariant]) -> Option<&'v RawVariant> {
        let action = match &source.field("event.action")?.raw {
            Some(Raw::Path(path)) => self.raw.get(path).and_then(Value::as_str).unwrap_or(""),
            Some(Raw::Variants(_)) | None => "",
        };
        variants.iter().find(|variant| {
            variant.for_actions.is_empty() || variant.for_actions.iter().any(|name| name == action)
        })
    }

    /// A second network interface for the first instance of a launch.
    pub(super) fn add_interface(&mut self, id: &str) {
        let interfaces = "/responseElements/instancesSet/items/0/networkInterfaceSet/items";
        if let Some(interfaces) = self.raw.pointer_mut(interfaces).and_then(Value::as_array_mut) {
            interfaces.push(json!({ "networkInterfaceId": id }));
        }
    }

    /// A launch that failed becomes a dry run, which EC2 answers by an error of its own.
    pub(super) fn fail_as_dry_run(&mut self) {
        if self.raw["eventName"] == "RunInstances" && self.raw["errorCode"] == "AccessDenied" {
            self.raw["errorCode"] = json!("Client.DryRunOperation");
        }
    }

    /// Leaves only the message of an error.
    pub(super) fn fail_by_message(&mut self) {
        let event = self.raw.as_object_mut().unwrap();
        if event.remove("errorCode").is_some() {
            event.insert("errorMessage".to_owned(), json!("not allowed"));
        }
    }

    /// Puts an empty list of instances where there is none. Real logs leave the list out then; queries promise both to
    /// be the same.
    pub(super) fn answer_with_no_items(&mut self) {
        if self.raw["eventName"] == "RunInstances"
            && self.raw.pointer("/responseElements/instancesSet").is_none()
        {
            put(&mut self.raw, "responseElements.instancesSet.items", Some(json!([])));
        }
    }

    /// Makes a call so long that Splunk extracts only its beginning, before the fields that come after the response.
    pub(super) fn lengthen(&mut self) {
        if self.source != samples::FLOW {
            self.raw["requestParameters"] = json!({ "description": "x".repeat(6_000) });
        }
    }

    /// Makes the parts of an event that belong together agree, as AWS does.
    pub(super) fn settle(&mut self) {
        if self.source == samples::FLOW {
            return;
        }
        self.settle_response();
        // The unique id of a caller goes with the ARN, one to one.
        if let Some(arn) = self.raw["userIdentity"]["arn"].as_str() {
            let session = arn.rsplit_once('/').map_or("", |(_, name)| name);
            let id =
                arn.bytes().fold(7_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte)));
            let principal = if arn.contains(":assumed-role/") {
                format!("AROA{id:X}:{session}")
            } else {
                format!("AIDA{id:X}")
            };
            self.raw["userIdentity"]["principalId"] = json!(principal);
        }
        // A console session has a beginning: 256 of 256 console events in real logs name it.
        if self.raw["sessionCredentialFromConsole"] == "true" {
            let attributes = "userIdentity.sessionContext.attributes.creationDate";
            let created = self.raw.pointer(&format!("/{}", attributes.replace('.', "/")));
            if created.and_then(Value::as_str).is_none_or(str::is_empty) {
                put(&mut self.raw, attributes, Some(json!("2026-01-01T00:00:00Z")));
            }
        }
        // RunInstances takes one ImageId, so all items have the image of the first; the request names it (EC2 API
        // reference).
        let Some(items) = self.raw.pointer_mut("/responseElements/instancesSet/items") else { return };
        let Some(items) = items.as_array_mut() else { return };
        // No two instances are one, and no interface occurs twice: the keys of the group tell items apart.
        for item in items.iter_mut() {
            if let Some(inner) = item.pointer_mut("/networkInterfaceSet/items").and_then(Value::as_array_mut)
            {
                drop_repeated(inner);
            }
        }
        let image = items.first().and_then(|item| item.get("imageId")).cloned();
        for item in items.iter_mut().filter_map(Value::as_object_mut) {
            match &image {
                Some(image) => drop(item.insert("imageId".to_owned(), image.clone())),
                None => drop(item.remove("imageId")),
            }
        }
        drop_repeated(items);
        let mut requested = json!({ "minCount": 1, "maxCount": items.len() });
        if let Some(image) = image {
            requested["imageId"] = image;
        }
        let parameters = &mut self.raw["requestParameters"];
        if !parameters.is_object() {
            *parameters = json!({});
        }
        parameters["instancesSet"] = json!({ "items": [requested] });
    }
}

impl Content<'_> {
    fn owned(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.to_owned()),
            Self::Empty => Some(String::new()),
            Self::Absent => None,
        }
    }
}

/// The raw text that a variant reads as `content`.
fn variant_content(variant: &RawVariant, content: Content<'_>) -> Option<String> {
    let Content::Text(text) = content else { return content.owned() };
    if variant.capture.is_some() {
        return Some(format!("arn:aws:sts::111122223333:assumed-role/ops/{text}"));
    }
    if variant.absent.as_deref() == Some(text) {
        return None;
    }
    let mapped = variant.map.iter().find(|(_, canonical)| *canonical == text).map(|(raw, _)| raw.clone());
    let fallback =
        || variant.otherwise.as_deref().filter(|value| *value == text).map(|_| "AccessDenied".to_owned());
    mapped.or_else(fallback).or_else(|| Some(text.to_owned()))
}

/// `CloudTrail` writes `readOnly` as a boolean and everything else that is asked for as text.
fn content(path: &str, text: Option<String>) -> Option<Value> {
    let text = text?;
    Some(match (path, text.as_str()) {
        ("readOnly", "true") => json!(true),
        ("readOnly", "false") => json!(false),
        _ => json!(text),
    })
}

/// A list whose items have the values at a path.
fn list_of(path: &str, values: Vec<Option<String>>) -> Value {
    let item = |value: Option<String>| {
        let mut item = json!({ "type": "AWS::S3::Object" });
        put(&mut item, path.trim_start_matches('.'), value.map(Value::String));
        item
    };
    values.into_iter().map(item).collect()
}

/// Keeps the first of those that are equal.
pub(super) fn drop_repeated<T: PartialEq>(items: &mut Vec<T>) {
    let mut unlike: Vec<T> = Vec::new();
    for item in items.drain(..) {
        if !unlike.contains(&item) {
            unlike.push(item);
        }
    }
    *items = unlike;
}

fn put(target: &mut Value, path: &str, value: Option<Value>) {
    let (head, rest) = path.split_once('.').map_or((path, None), |(head, rest)| (head, Some(rest)));
    if !target.is_object() {
        if value.is_none() {
            return;
        }
        *target = Value::Object(Map::new());
    }
    let object = target.as_object_mut().unwrap();
    match (rest, value) {
        (Some(rest), value) => put(object.entry(head).or_insert(Value::Null), rest, value),
        (None, Some(value)) => drop(object.insert(head.to_owned(), value)),
        (None, None) => drop(object.remove(head)),
    }
}

/// The array at a dotted path, made if it is not there.
fn items<'v>(value: &'v mut Value, path: &str) -> &'v mut Vec<Value> {
    let mut at = value;
    for key in path.split('.') {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        at = at.as_object_mut().unwrap().entry(key).or_insert(Value::Null);
    }
    if !at.is_array() {
        *at = json!([]);
    }
    at.as_array_mut().unwrap()
}

fn nth(items: &mut Vec<Value>, index: usize) -> &mut Value {
    while items.len() <= index {
        items.push(json!({}));
    }
    &mut items[index]
}

fn call(number: u64) -> Value {
    json!({
        "eventVersion": "1.08",
        "userIdentity": {
            "type": "IAMUser", "principalId": "", "arn": "arn:aws:iam::111122223333:user/ann", "accountId": "111122223333",
        },
        "eventTime": "2026-01-01T00:00:00Z",
        "eventSource": "ec2.amazonaws.com",
        "eventName": "DescribeInstances",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "192.0.2.7",
        "userAgent": "aws-cli/2.0",
        "requestParameters": null,
        "responseElements": null,
        "requestID": format!("request-{number}"),
        "eventID": format!("00000000-0000-4000-8000-{number:012}"),
        "readOnly": false,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": "111122223333",
        "eventCategory": "Management",
    })
}

/// A record of the default format, or with the fields of versions 3 to 5 behind those of the default format.
fn flow(number: u64, wide: bool) -> Value {
    let mut record = json!({
        "version": if wide { "5" } else { "2" }, "account-id": "111122223333", "interface-id": "eni-0a", "srcaddr": "10.0.0.5",
        "dstaddr": "203.0.113.9", "srcport": "51000", "dstport": "443", "protocol": "6", "packets": "10",
        // Differs from record to record: a flow record has no id, all its fields together tell it apart.
        "bytes": (1000 + number).to_string(),
        "start": "1767225600", "end": "1767225660", "action": "ACCEPT", "log-status": "OK",
    });
    if wide {
        let more = json!({
            "vpc-id": "vpc-1", "subnet-id": "subnet-1", "instance-id": "i-0a", "tcp-flags": "2", "type": "IPv4",
            "pkt-srcaddr": "10.0.0.5", "pkt-dstaddr": "203.0.113.9", "region": "eu-west-1", "az-id": "euw1-az1",
            "sublocation-type": "-", "sublocation-id": "-", "pkt-src-aws-service": "-", "pkt-dst-aws-service": "-",
            "flow-direction": "egress", "traffic-path": "8",
        });
        let record = record.as_object_mut().unwrap();
        record.extend(more.as_object().unwrap().clone());
    }
    record
}

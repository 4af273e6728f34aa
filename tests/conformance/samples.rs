//! Values that logs hold, by source and field: few of each, so that events meet, with hostile and nearly equal ones
//! among them.
//!
//! In: the name of a source and of a field. Out: texts as they stand in a raw event. Must not know: rules.

pub(super) const CLOUDTRAIL: &str = "aws.cloudtrail";
pub(super) const FLOW: &str = "aws.vpcflow";

/// Texts that some lexer, some search or some comparison would take for something else.
pub(super) const HOSTILE: [&str; 15] = [
    "a\"b\\c",
    "it's 100%",
    "*",
    "a|b [x] `y` $z$",
    "É é ß",
    "tab\there",
    "aws-cli/2.0 md#x",
    "AWS Internal",
    "aws internal",
    "{{ x }}",
    "#1: no",
    "a,b(c)=d;--e",
    // A digit, a letter and a space of Unicode, and letters that Unicode folds into ASCII.
    "agent/٣é",
    "ok\u{a0}1",
    "aw\u{17f} \u{212a}",
];

const ADDRESSES: [&str; 8] = [
    "10.0.0.5",
    "10.0.1.5",
    "192.0.2.7",
    "203.0.113.9",
    "2001:db8::1",
    "2001:db8:0:1::5",
    "fe80::1",
    // A network is no address.
    "10.0.0.5/8",
];
const ACCOUNTS: [&str; 2] = ["111122223333", "444455556666"];
const INTERFACES: [&str; 3] = ["eni-0a", "eni-0b", "eni-0B"];
const INSTANCES: [&str; 2] = ["i-0a", "i-0b"];

/// What a field of a source holds. Empty for a field that no log carries.
pub(super) fn of(source: &str, field: &str) -> &'static [&'static str] {
    if source == FLOW { of_flow(field) } else { of_cloudtrail(field) }
}

fn of_cloudtrail(field: &str) -> &'static [&'static str] {
    match field {
        "event.action" => &[
            "RunInstances",
            "ConsoleLogin",
            "SwitchRole",
            "CheckMfa",
            "CreateImage",
            "StartInstances",
            "StopInstances",
            "runinstances",
        ],
        "event.provider" => &["ec2.amazonaws.com", "signin.amazonaws.com", "EC2.amazonaws.com"],
        "event.outcome" => &["success", "failure"],
        "event.error_code" => &["Client.DryRunOperation", "AccessDenied", "Client.UnauthorizedOperation"],
        "cloud.account.id" | "actor.account.id" => &ACCOUNTS,
        "cloud.region" => &["eu-west-1", "us-east-1", "EU-west-1"],
        "actor.id" => &[
            "arn:aws:iam::111122223333:user/ann",
            "arn:aws:iam::111122223333:user/Ann",
            "arn:aws:sts::111122223333:assumed-role/ops/i-0a",
            "arn:aws:sts::111122223333:assumed-role/ops/i-0b",
        ],
        "actor.session_name" | "instance.id" => &INSTANCES,
        "actor.type" => &["IAMUser", "AssumedRole", "Root"],
        "actor.name" => &["ann", "Ann", "ops"],
        "actor.access_key_id" => &["ASIAEXAMPLE1", "AKIAEXAMPLE2"],
        "actor.issuer.id" => {
            &["arn:aws:iam::111122223333:role/ops", "arn:aws:iam::111122223333:role/Builder"]
        }
        "actor.invoked_by" => &["autoscaling.amazonaws.com", "AWS Internal"],
        "session.created" => &["2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z", "2026-01-01T06:00:00Z"],
        "session.from_console" | "session.mfa" | "event.read_only" => &["true", "false"],
        "source.ip" | "instance.private_ip" => &ADDRESSES,
        "user_agent.original" => &HOSTILE,
        "image.id" => &["ami-1", "ami-2", "ami-Golden"],
        "instance.eni" => &INTERFACES,
        "instance.vpc_id" => &["vpc-1", "vpc-2"],
        "resource.arns" => &[
            "arn:aws:s3:::a",
            "arn:aws:s3:::A",
            "arn:aws:s3:::ab",
            "arn:aws:kms:eu-west-1:111122223333:key/1",
            "*",
            "a,b\"] [\"c",
        ],
        _ => &[],
    }
}

fn of_flow(field: &str) -> &'static [&'static str] {
    match field {
        "cloud.account.id" => &ACCOUNTS,
        "cloud.region" => &["eu-west-1", "us-east-1"],
        "instance.eni" => &INTERFACES,
        "instance.id" => &INSTANCES,
        "instance.vpc_id" => &["vpc-1", "vpc-2"],
        "instance.subnet_id" => &["subnet-1", "subnet-2"],
        "source.ip"
        | "destination.ip"
        | "source.packet_ip"
        | "destination.packet_ip"
        | "instance.private_ip" => &ADDRESSES,
        "source.port" | "destination.port" => &["22", "443", "32768", "51000"],
        "source.service" | "destination.service" => &["S3", "AMAZON"],
        "network.protocol" => &["6", "17"],
        "network.direction" => &["egress", "ingress"],
        "network.bytes" => &["40", "1500", "9000000"],
        "network.packets" => &["1", "9", "10"],
        "flow.action" => &["ACCEPT", "REJECT"],
        "flow.status" => &["OK", "NODATA"],
        "flow.tcp_flags" => &["2", "18", "19"],
        "flow.traffic_type" => &["IPv4", "IPv6"],
        "flow.traffic_path" => &["1", "8"],
        _ => &[],
    }
}

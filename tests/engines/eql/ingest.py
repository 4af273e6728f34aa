"""AWS events as documents of Elasticsearch, the way the Elastic integration for AWS writes and maps them.

In: {"source": "aws.cloudtrail" or "aws.vpcflow", "raw": …}. Out: a Document, or None where no index would take the event.
Facts are those of the package's ingest pipelines, https://github.com/elastic/integrations under packages/aws/data_stream/
cloudtrail and vpcflow (elasticsearch/ingest_pipeline/default.yml), and of the mapping in fields.json. Must not know: queries.
"""

import re
from dataclasses import dataclass

from check import FIELDS
from entities import related
from predicate import address, instant
from query import Refused

# The longest text that is indexed: 1,024 by Fleet's templates, more where the package's fields.yml says so.
IGNORE_ABOVE = {"aws.cloudtrail.request_parameters": 8_191, "aws.cloudtrail.response_elements": 8_191}
DEFAULT_IGNORE_ABOVE = 1_024

# `rename` of the CloudTrail pipeline.
RENAMED = {
    "aws.cloudtrail.event_version": "eventVersion",
    "aws.cloudtrail.user_identity.type": "userIdentity.type",
    "user.id": "userIdentity.principalId",
    "aws.cloudtrail.user_identity.arn": "userIdentity.arn",
    "cloud.account.id": "userIdentity.accountId",
    "aws.cloudtrail.user_identity.access_key_id": "userIdentity.accessKeyId",
    "aws.cloudtrail.user_identity.invoked_by": "userIdentity.invokedBy",
    "aws.cloudtrail.user_identity.session_context.mfa_authenticated": "userIdentity.sessionContext.attributes.mfaAuthenticated",
    "aws.cloudtrail.user_identity.session_context.creation_date": "userIdentity.sessionContext.attributes.creationDate",
    "aws.cloudtrail.user_identity.session_context.session_issuer.type": "userIdentity.sessionContext.sessionIssuer.type",
    "aws.cloudtrail.user_identity.session_context.session_issuer.arn": "userIdentity.sessionContext.sessionIssuer.arn",
    "aws.cloudtrail.user_identity.session_context.session_issuer.principal_id": (
        "userIdentity.sessionContext.sessionIssuer.principalId"
    ),
    "aws.cloudtrail.user_identity.session_context.session_issuer.account_id": (
        "userIdentity.sessionContext.sessionIssuer.accountId"
    ),
    "event.provider": "eventSource",
    "event.action": "eventName",
    "event.id": "eventID",
    "cloud.region": "awsRegion",
    "user_agent.original": "userAgent",
    "aws.cloudtrail.error_code": "errorCode",
    "aws.cloudtrail.error_message": "errorMessage",
    "aws.cloudtrail.event_type": "eventType",
    "aws.cloudtrail.event_category": "eventCategory",
    "aws.cloudtrail.request_id": "requestID",
    "aws.cloudtrail.management_event": "managementEvent",
    "aws.cloudtrail.read_only": "readOnly",
    "aws.cloudtrail.recipient_account_id": "recipientAccountId",
    "aws.cloudtrail.vpc_endpoint_id": "vpcEndpointId",
    # Newer versions of the package; the first is not known, so the source file asks for "a version that stores it".
    "aws.cloudtrail.session_credential_from_console": "sessionCredentialFromConsole",
}

# `dissect`, `rename`, `convert` and `date` of the flow log pipeline, by AWS's names of the fields.
FLOW = {
    "aws.vpcflow.version": "version",
    "aws.vpcflow.account_id": "account-id",
    "cloud.account.id": "account-id",
    "aws.vpcflow.interface_id": "interface-id",
    "aws.vpcflow.instance_id": "instance-id",
    "cloud.instance.id": "instance-id",
    "aws.vpcflow.vpc_id": "vpc-id",
    "aws.vpcflow.subnet_id": "subnet-id",
    "source.address": "srcaddr",
    "source.ip": "srcaddr",
    "source.port": "srcport",
    "destination.address": "dstaddr",
    "destination.ip": "dstaddr",
    "destination.port": "dstport",
    "aws.vpcflow.pkt_srcaddr": "pkt-srcaddr",
    "aws.vpcflow.pkt_dstaddr": "pkt-dstaddr",
    "aws.vpcflow.pkt_src_service": "pkt-src-aws-service",
    "aws.vpcflow.pkt_dst_service": "pkt-dst-aws-service",
    "network.iana_number": "protocol",
    "source.packets": "packets",
    "network.packets": "packets",
    "source.bytes": "bytes",
    "network.bytes": "bytes",
    "aws.vpcflow.action": "action",
    "aws.vpcflow.log_status": "log-status",
    "aws.vpcflow.tcp_flags": "tcp-flags",
    "aws.vpcflow.traffic_path": "traffic-path",
    "aws.vpcflow.type": "type",
    "cloud.region": "region",
    "network.direction": "flow-direction",
}
# Only what lies under `aws` loses a "-" (and what is made of it); these are set beside it.
KEEP_DASH = ("cloud.region", "network.direction")


@dataclass(frozen=True)
class Document:
    index: str
    time: int  # @timestamp, in milliseconds
    fields: dict  # {field: [value, …]}, as predicate.py reads them
    place: int | None = None  # of the event in its scenario; None for an alert
    raw: dict | None = None


def document(place, event):
    write = {"aws.cloudtrail": cloudtrail, "aws.vpcflow": vpcflow}.get(event["source"])
    if write is None:
        raise Refused(f"no integration for {event['source']}")
    fields = mapped(write(event["raw"]) | {"data_stream.dataset": event["source"], "event.kind": "event"})
    if "@timestamp" not in fields:
        return None  # a data stream refuses a document without it
    return Document(f"logs-{event['source']}-default", fields["@timestamp"][0], fields, place, event["raw"])


def cloudtrail(raw):
    event = without_empty(raw) or {}
    found = {field: at(event, path) for field, path in RENAMED.items()}
    found["@timestamp"] = at(event, "eventTime")
    # `rename` fails where the target is there, and its failure is ignored: the role's name only fills a gap.
    role = at(event, "userIdentity.sessionContext.sessionIssuer.userName")
    found["user.name"] = at(event, "userIdentity.userName") or role
    found["source.address"] = at(event, "sourceIPAddress")
    found["source.ip"] = found["source.address"]  # `grok ^%{IP}$`: stays out where it is a host name
    for field, part in (("request_parameters", "requestParameters"), ("response_elements", "responseElements")):
        if part in event:
            found[f"aws.cloudtrail.{field}"] = java_text(event[part])
    resources = [one for one in event.get("resources") or [] if isinstance(one, dict)]
    for field, name in (("arn", "ARN"), ("account_id", "accountId"), ("type", "type")):
        found[f"aws.cloudtrail.resources.{field}"] = [one[name] for one in resources if name in one]
    if event.get("eventName") == "ConsoleLogin":
        used = {"Yes": True, "No": False}.get(at(event, "additionalEventData.MFAUsed"))
        found["aws.cloudtrail.console_login.additional_eventdata.mfa_used"] = used
    found["event.outcome"] = outcome(event)
    found["related.entity"] = related(event)
    return found


def outcome(event):
    """By the error, but for ConsoleLogin by its response, in lower case, where there is one."""
    said = at(event, "responseElements.ConsoleLogin") if event.get("eventName") == "ConsoleLogin" else None
    if isinstance(said, str):
        return said.lower()
    return "failure" if "errorCode" in event or "errorMessage" in event else "success"


def vpcflow(raw):
    found = {field: raw.get(name) for field, name in FLOW.items()}
    found = {field: None if text == "-" and field not in KEEP_DASH else text for field, text in found.items()}
    found["event.start"], found["event.end"] = unix(raw.get("start")), unix(raw.get("end"))
    found["@timestamp"] = found["event.end"]
    found["event.category"] = ["network"]
    found["event.outcome"] = {"ACCEPT": "success", "REJECT": "failure"}.get(raw.get("action"))
    return found


def unix(text):
    """`date` with the format UNIX."""
    return int(text) * 1_000 if text and re.fullmatch(r"\d{1,12}", text) else None


def without_empty(value):
    """The pipeline drops what is null, empty or a sign of nothing, at every depth."""
    if isinstance(value, dict):
        kept = {key: inner for key, one in value.items() if (inner := without_empty(one)) is not None}
        return kept or None
    if isinstance(value, list):
        return [inner for one in value if (inner := without_empty(one)) is not None] or None
    return None if value in ("", "-", "none") else value


def at(event, path):
    for name in path.split("."):
        event = event.get(name) if isinstance(event, dict) else None
    return event


def java_text(value):
    """`toString` of Java's maps and lists."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={java_text(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(java_text, value)) + "]"
    return plain_text(value)


def plain_text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def mapped(found):
    """The values that get into the index: of the field's type, not too long, each once."""
    fields = {}
    for field, value in found.items():
        if value is None:
            continue
        if not isinstance(value, list):
            one = as_type(field, value)
            if one is not None:
                fields[field] = [one]
        elif indexed := [one for one in (as_type(field, inner) for inner in value) if one is not None]:
            fields[field] = list(dict.fromkeys(indexed))
    return fields


def as_type(field, value):
    """None where the value is no such thing: the templates of the integration set `ignore_malformed`."""
    kind = FIELDS.get(field, "date" if field == "@timestamp" else None)
    if isinstance(value, dict):
        return None
    if kind == "keyword":
        text = value if isinstance(value, str) else plain_text(value)
        return text if len(text) <= IGNORE_ABOVE.get(field, DEFAULT_IGNORE_ABOVE) else None
    if kind == "boolean":
        return {"true": True, "false": False}.get(plain_text(value))
    if kind == "long":
        return int(value) if re.fullmatch(r"-?\d{1,18}", plain_text(value)) else None
    if kind not in ("ip", "date") or isinstance(value, int):
        return value if kind == "date" else None
    try:
        return {"ip": address, "date": instant}[kind](value)
    except Refused:
        return None

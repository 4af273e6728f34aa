"""Tables of Amazon Security Lake and what they hold of raw events, after AWS's own mapping.

Out: columns of each source's table by source version, in Hive's words; a row for a raw event. Must not know: queries.

github.com/ocsf/examples, mappings/markdown/AWS: v1.1.0 for source version 2, v1.0.0-rc.2 and what the folders had before for
version 1. Columns are those that the mapping fills; a table has more. What AWS leaves open is decided by the place of an event:
whether what is not there is null, an empty text or no key.
"""

import datetime
import ipaddress
import json

VERSIONS = {"ocsf1": 1, "ocsf2": 2}
USER = {
    1: "type:string, name:string, uid:string, uuid:string, account_uid:string, credential_uid:string",
    2: "type:string, name:string, uid:string, uid_alt:string, account:struct<uid:string>, credential_uid:string",
}
SESSION = {
    1: "created_time:bigint, mfa:boolean, issuer:string",
    2: "created_time_dt:timestamp, is_mfa:boolean, issuer:string",
}
CALL = {
    1: "operation:string, service:struct<name:string>, version:string, request:struct<uid:string>,"
    " response:struct<error:string, message:string>",
    2: "operation:string, service:struct<name:string>, version:string, request:struct<uid:string, data:string>,"
    " response:struct<error:string, message:string, data:string>",
}
ENDPOINT = """struct<ip:string, port:int, svc_name:string, interface_uid:string, vpc_uid:string, instance_uid:string,
 subnet_uid:string, intermediate_ips:array<string>>"""
ACCOUNT = {1: "account_uid:string", 2: "account:struct<uid:string>"}


def cloudtrail(version):
    more = {1: {"mfa": "boolean"}, 2: {"is_mfa": "boolean", "time_dt": "timestamp"}}[version]
    resources = {2: {"resources": "array<struct<uid:string, type:string, account:struct<uid:string>>>"}}.get(version, {})
    return more | resources | {
        "class_uid": "int",
        "time": "bigint",
        "status": "string",
        "actor": f"struct<user:struct<{USER[version]}>, session:struct<{SESSION[version]}>, invoked_by:string>",
        "api": f"struct<{CALL[version]}>",
        "cloud": "struct<provider:string, region:string>",
        "http_request": "struct<user_agent:string>",
        "metadata": "struct<uid:string, event_code:string, product:struct<name:string, version:string>>",
        "src_endpoint": "struct<ip:string, domain:string, uid:string>",
        "unmapped": "map<string,string>",
    }


def flow(version):
    verdict = {1: "disposition", 2: "action"}[version]
    more = {1: {"end_time": "bigint"}, 2: {"end_time_dt": "timestamp", "time_dt": "timestamp"}}[version]
    return more | {
        "time": "bigint",
        verdict: "string",
        f"{verdict}_id": "int",
        "status_code": "string",
        "cloud": f"struct<provider:string, region:string, zone:string, {ACCOUNT[version]}>",
        "connection_info": "struct<direction:string, direction_id:int, protocol_num:int, protocol_ver:string, tcp_flags:int>",
        "traffic": "struct<bytes:bigint, packets:bigint>",
        "src_endpoint": ENDPOINT,
        "dst_endpoint": ENDPOINT,
        "unmapped": "map<string,string>",
    }


def dns(version):
    return {
        "time": "bigint",
        "rcode": "string",
        "rcode_id": "int",
        "cloud": f"struct<provider:string, region:string, {ACCOUNT[version]}>",
        "query": "struct<hostname:string, type:string, class:string>",
        "answers": "array<struct<type:string, rdata:string, class:string>>",
        "src_endpoint": "struct<ip:string, port:int, vpc_uid:string, instance_uid:string>",
        "unmapped": "map<string,string>",
    }


def eks(version):
    containers = "containers:array<struct<name:string, image:struct<name:string>>>"
    return {
        "time": "bigint",
        "start_time_dt": "timestamp",
        "message": "string",
        "metadata": "struct<log_level:string, product:struct<name:string, version:string>>",
        "actor": "struct<user:struct<name:string, uid:string, groups:array<struct<name:string>>>>",
        "api": f"""struct<operation:string, version:string, group:struct<name:string>, request:struct<uid:string, {containers}>,
 response:struct<code:int, message:string, error:string>>""",
        "http_request": "struct<user_agent:string, url:struct<path:string>>",
        "resources": "array<struct<namespace:string, name:string, uid:string, type:string>>",
        "src_endpoint": "struct<ip:string>",
        "unmapped": "map<string,string>",
    }


def tables(layout):
    """The columns of each source's table, and the name of the table."""
    version = VERSIONS[layout]
    made = {"aws.cloudtrail": (cloudtrail, "cloud_trail_mgmt"), "aws.vpcflow": (flow, "vpc_flow"), "aws.route53": (dns, "route53")}
    if version == 2:
        made["kubernetes.audit"] = (eks, "eks_audit")
    return {source: columns(version) for source, (columns, _) in made.items()}, {
        source: f"{name}_{version}_0" for source, (_, name) in made.items()
    }


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def text(value):
    return value if value is None or isinstance(value, str) else compact(value)


def millis(value):
    try:
        return int(datetime.datetime.fromisoformat(value).timestamp() * 1000)
    except (TypeError, ValueError):
        return None


def instant(value):
    at = millis(value)
    return None if at is None else f"{datetime.datetime.fromtimestamp(at / 1000, datetime.UTC):%Y-%m-%d %H:%M:%S.%f}+00:00"


def flag(value, words):
    return {word: number == 0 for number, word in enumerate(words)}.get(value if isinstance(value, str) else compact(value))


def at(raw, path):
    for key in path.split("."):
        raw = raw.get(key) if isinstance(raw, dict) else None
    return raw


def nothing(place):
    """What stands where the log has nothing."""
    return "" if place % 2 else None


def flattened(value, path=""):
    """Raw paths with texts, as they lie in `unmapped`."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from flattened(inner, f"{path}.{key}" if path else key)
    elif path:
        yield path, "" if value is None else text(value)


def is_address(value):
    try:
        return bool(ipaddress.ip_address(value))
    except ValueError:
        return False


MAPPED = """userIdentity.accountId userIdentity.accessKeyId userIdentity.userName userIdentity.type userIdentity.principalId
userIdentity.arn userIdentity.sessionContext.attributes.creationDate userIdentity.sessionContext.attributes.mfaAuthenticated
userIdentity.sessionContext.sessionIssuer.arn userIdentity.invokedBy vpcEndpointId requestID eventSource apiVersion eventName
awsRegion userAgent eventVersion eventID eventType eventTime errorCode errorMessage sourceIPAddress eventCategory
additionalEventData.MFAUsed additionalEventData.LoginTo""".split()
WHOLE = ("requestParameters", "responseElements", "resources")


def of_cloudtrail(raw, place, version):
    is_sign_in = raw.get("eventName") in ("ConsoleLogin", "SwitchRole", "CheckMfa")
    source = text(raw.get("sourceIPAddress"))
    identity = {name: text(at(raw, f"userIdentity.{name}")) for name in ["type", "userName", "arn", "principalId", "accountId"]}
    user = {"type": identity["type"], "name": identity["userName"], "credential_uid": text(at(raw, "userIdentity.accessKeyId"))}
    session = {"issuer": text(at(raw, "userIdentity.sessionContext.sessionIssuer.arn"))}
    created = at(raw, "userIdentity.sessionContext.attributes.creationDate")
    factor = flag(at(raw, "userIdentity.sessionContext.attributes.mfaAuthenticated"), ["true", "false"])
    second = flag(at(raw, "additionalEventData.MFAUsed"), ["Yes", "No"])
    response = {"error": text(raw.get("errorCode")), "message": text(raw.get("errorMessage"))}
    request = {"uid": text(raw.get("requestID"))}
    outcome = "Failure" if raw.get("errorCode") else "Success"
    found = {}
    if version == 1:
        user |= {"uid": identity["principalId"], "uuid": identity["arn"], "account_uid": identity["accountId"]}
        session |= {"created_time": millis(created), "mfa": factor}
        found["mfa"] = second
        if is_sign_in:
            outcome = text(at(raw, "responseElements.ConsoleLogin"))
    else:
        user |= {"uid": identity["arn"], "uid_alt": identity["principalId"], "account": {"uid": identity["accountId"]}}
        session |= {"created_time_dt": instant(created), "is_mfa": factor}
        for part, name in [(request, "requestParameters"), (response, "responseElements")]:
            part["data"] = nothing(place) if raw.get(name) is None else compact(raw[name])
        resources = raw.get("resources")
        found |= {"is_mfa": second, "time_dt": instant(raw.get("eventTime"))}
        if isinstance(resources, list):
            ones = [one if isinstance(one, dict) else {} for one in resources]
            found["resources"] = [{"uid": text(one.get("ARN")), "type": text(one.get("type"))} for one in ones]
    left = {key: value for key, value in raw.items() if key not in WHOLE}
    unmapped = {path: value for path, value in flattened(left) if path not in MAPPED}
    if place % 3 == 1:
        unmapped = {"sharedEventID": "", "sessionCredentialFromConsole": ""} | unmapped
    address = {"ip": source} if source and is_address(source) else {"domain": source}
    return found | {
        "class_uid": 3002 if is_sign_in else 6003,
        "time": millis(raw.get("eventTime")),
        "status": outcome,
        "actor": {"user": user, "session": session, "invoked_by": text(at(raw, "userIdentity.invokedBy"))},
        "api": {"operation": text(raw.get("eventName")), "service": {"name": text(raw.get("eventSource"))}, "request": request,
                "response": response},
        "cloud": {"provider": "AWS", "region": text(raw.get("awsRegion"))},
        "http_request": {"user_agent": text(raw.get("userAgent"))},
        "metadata": {"uid": text(raw.get("eventID")), "event_code": text(raw.get("eventType"))},
        "src_endpoint": address,
        "unmapped": unmapped,
    }


def number(value):
    digits = str(value)
    return int(digits) if digits.isascii() and digits.isdigit() and int(digits) < 1 << 63 else None


def narrow(value):
    found = number(value)
    return found if found is not None and found < 1 << 31 else None


def of_flow(raw, _place, version):
    """Security Lake collects every field of version 5; the worlds of the comparison have them."""
    raw = {name.lower().replace("-", "_"): value for name, value in raw.items()}
    start, end = number(raw.get("start")), number(raw.get("end"))
    direction = {"ingress": ("Inbound", 1), "egress": ("Outbound", 2)}.get(raw.get("flow_direction"), ("Unknown", 0))
    verdict = {"ACCEPT": ("Allowed", 1), "REJECT": ("Denied" if version == 2 else "Blocked", 2)}.get(raw.get("action"), ("Unknown", 0))
    ends = {}
    for side, mine in [("src", direction[1] == 2), ("dst", direction[1] == 1)]:
        seen, of_packet = raw.get(f"{side}addr"), raw.get(f"pkt_{side}addr")
        one = {"ip": of_packet, "port": narrow(raw.get(f"{side}port")), "svc_name": raw.get(f"pkt_{side}_aws_service")}
        if seen != of_packet:
            one["intermediate_ips"] = [seen]
        if mine:
            one |= {f"{name}_uid": raw.get(f"{name}_id") for name in ["interface", "vpc", "instance", "subnet"]}
        ends[f"{side}_endpoint"] = one
    name = {1: "disposition", 2: "action"}[version]
    account = raw.get("account_id")
    times = {"time": start and start * 1000}
    if version == 1:
        times["end_time"] = end and end * 1000
    else:
        times |= {key: value and f"{datetime.datetime.fromtimestamp(value, datetime.UTC):%Y-%m-%d %H:%M:%S}+00:00"
                  for key, value in [("time_dt", start), ("end_time_dt", end)]}
    return times | ends | {
        name: verdict[0],
        f"{name}_id": verdict[1],
        "status_code": raw.get("log_status"),
        "cloud": {"provider": "AWS", "region": raw.get("region"), "zone": raw.get("az_id")}
        | ({"account_uid": account} if version == 1 else {"account": {"uid": account}}),
        "connection_info": {"direction": direction[0], "direction_id": direction[1], "protocol_num": narrow(raw.get("protocol")),
                            "protocol_ver": raw.get("type"), "tcp_flags": narrow(raw.get("tcp_flags"))},
        "traffic": {"bytes": number(raw.get("bytes")), "packets": number(raw.get("packets"))},
        "unmapped": {"sublocation_type": raw.get("sublocation_type") or "-"},
    }


RCODES = {"NOERROR": ("NoError", 0), "FORMERR": ("FormError", 1), "SERVFAIL": ("ServError", 2), "NXDOMAIN": ("NXDomain", 3),
          "NOTIMP": ("NotImp", 4), "REFUSED": ("Refused", 5)}


def of_dns(raw, _place, version):
    account, code = text(raw.get("account_id")), RCODES.get(raw.get("rcode"), ("Unknown", 99))
    answers = [one if isinstance(one, dict) else {} for one in raw.get("answers") or []]
    return {
        "time": millis(raw.get("query_timestamp")),
        "rcode": code[0],
        "rcode_id": code[1],
        "cloud": {"provider": "AWS", "region": text(raw.get("region"))}
        | ({"account_uid": account} if version == 1 else {"account": {"uid": account}}),
        "query": {"hostname": text(raw.get("query_name")), "type": text(raw.get("query_type")), "class": text(raw.get("query_class"))},
        "answers": [{"type": text(one.get("Type")), "rdata": text(one.get("Rdata")), "class": text(one.get("Class"))} for one in answers],
        "src_endpoint": {"ip": text(raw.get("srcaddr")), "port": narrow(raw.get("srcport")), "vpc_uid": text(raw.get("vpc_id")),
                         "instance_uid": text(at(raw, "srcids.instance"))},
        "unmapped": {"firewall_domain_list_id": text(raw.get("firewall_domain_list_id")) or ""},
    }


def of_eks(raw, _place, _version):
    containers = at(raw, "requestObject.spec.containers") or []
    addresses, groups = raw.get("sourceIPs") or [None], at(raw, "user.groups") or []
    kind = [text(at(raw, f"objectRef.{name}")) for name in ["resource", "subresource"]]
    return {
        "time": millis(raw.get("stageTimestamp")),
        "start_time_dt": instant(raw.get("requestReceivedTimestamp")),
        "message": text(raw.get("stage")),
        "metadata": {"log_level": text(raw.get("level"))},
        "actor": {"user": {"name": text(at(raw, "user.username")), "groups": [{"name": text(group)} for group in groups]}},
        "api": {
            "operation": text(raw.get("verb")),
            "group": {"name": text(at(raw, "objectRef.apiGroup"))},
            "request": {"uid": text(raw.get("auditID")), "containers": [{"image": {"name": text(one.get("image"))}} for one in containers]},
            "response": {"code": narrow(at(raw, "responseStatus.code"))},
        },
        "http_request": {"user_agent": text(raw.get("userAgent"))},
        "resources": [{"namespace": text(at(raw, "objectRef.namespace")), "name": text(at(raw, "objectRef.name")),
                       "type": "/".join(part for part in kind if part)}],
        "src_endpoint": {"ip": text(addresses[0])},
        "unmapped": {},
    }


ROWS = {"aws.cloudtrail": of_cloudtrail, "aws.vpcflow": of_flow, "aws.route53": of_dns, "kubernetes.audit": of_eks}


def whole(value, kind):
    """A value with every member of its type."""
    match kind:
        case dict():
            return {name: whole((value or {}).get(name), inner) for name, inner in kind.items()}
        case [inner]:
            return value and [whole(one, inner) for one in value]
    return value


def row(event, place, layout, kinds):
    source = event["source"]
    found = ROWS[source](event["raw"], place, VERSIONS[layout])
    if unknown := set(found) - set(kinds[source]):
        raise ValueError(f"no such columns: {unknown}")
    return source, whole(found, kinds[source])

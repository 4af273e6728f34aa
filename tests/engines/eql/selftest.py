"""Texts that the EQL checker must pass, and texts that it must refuse with the code beside them."""

A = '[any where event.action == "a" and user.id != null]'
B = '[any where event.action == "b" and user.id != null]'
SEQUENCE = "sequence by user.id with maxspan=30m"

LAUNCH_THEN_EGRESS = """
sequence with maxspan=20m
  [any where data_stream.dataset == "aws.cloudtrail" and event.provider == "ec2.amazonaws.com" and
    event.action == "RunInstances" and event.outcome == "success" and
    related.entity != null and cloud.account.id != null and
    not (aws.cloudtrail.request_parameters != null and
      aws.cloudtrail.request_parameters like ("*imageId=ami-0aaaaaaaaaaaaaaaa,*", "*imageId=ami-0aaaaaaaaaaaaaaaa}*"))
  ] by related.entity, cloud.account.id
  [any where data_stream.dataset == "aws.vpcflow" and aws.vpcflow.action == "ACCEPT" and
    aws.vpcflow.interface_id != null and cloud.account.id != null and
    source.port >= 32768 and destination.port < 32768 and
    cidrMatch(source.ip, "10.0.0.0/8", "172.16.0.0/12") and
    not (destination.ip != null and cidrMatch(destination.ip, "10.0.0.0/8", "fc00::/7"))
  ] by aws.vpcflow.interface_id, cloud.account.id
"""

CONSOLE_THEN_ALERT = """
sequence by user.id with maxspan=30m // the alert of the later stage is the last item
  [any where event.kind == "event" and data_stream.dataset == "aws.cloudtrail" and event.action == "ConsoleLogin" and
    user.id != null]
  [any where event.kind == "event" and event.action == "RunInstances" and user.id != null]
  [any where event.kind == "signal" and kibana.alert.rule.rule_id == "5d3c8f0e-0f5b-4d43-9f0e-3f1f3f4a1318" and
    kibana.alert.group.index == 0 and user.id != null]
"""

GOOD = [
    LAUNCH_THEN_EGRESS,
    CONSOLE_THEN_ALERT,
    f"{SEQUENCE} {A} {B}",
    f"{SEQUENCE} {A} with runs=3 {B}",
    f'{SEQUENCE} {A} ![any where event.action == "c"] {B}',
    'any where event.action in ("a", "b") and not event.action in~ ("c")',
    'any where event.action like~ "run*" or event.action : ("x", "y*") or stringContains~(event.action, "z")',
    'any where aws.cloudtrail.read_only == false and aws.cloudtrail.session_credential_from_console == "true"',
    'any where source.ip == "10.0.0.1" and destination.port in (22, 3389)',
    'any where (?user.name == null or not user.name == "a")',
    'any where event.action == "quote \\" slash \\\\ line \\n unit \\u{85} | // not a comment"',
    'any where user_agent.original like """C:\\dir\\*""" | head 5',
    'any where event.action regex "run[a-z]+(in|out)?"',
    "any where event.action in (" + ", ".join(f'"ami-{n:06}"' for n in range(500)) + ")",
]

BAD = [
    ("EqlSyntaxError", "any where event.action = = "),
    ("EqlSyntaxError", 'any where event.action == "a'),
    ("EqlSyntaxError", "any where event.action in ()"),
    ("EqlSemanticError", f"sequence by user.id with maxspan=1.5h {A} {B}"),
    ("EqlSyntaxError", 'any where event.action = "a"'),
    ("EqlSchemaError", 'any where aws.cloudtrail.request_paramters == "x"'),
    ("EqlSchemaError", 'any where ?aws.cloudtrail.request_paramters == "x"'),
    ("EqlTypeMismatchError", 'any where source.port == "80"'),
    ("EqlTypeMismatchError", 'any where aws.cloudtrail.read_only == "false"'),
    ("CE01", f"{SEQUENCE} {A}"),
    ("CE01", f"{SEQUENCE} {A} until {B}"),
    ("CE02", f"{SEQUENCE} !{A} !{B}"),
    ("CE03", f"sequence by user.id {A} {B}"),
    ("CE04", f"{SEQUENCE} {A} with runs=101 {B}"),
    ("CE05", f"{SEQUENCE} {A} {B} fork"),
    ("CE06", f"join by user.id {A} {B}"),
    ("CE07", "any where child of [any where true]"),
    ("CE08", "any where true | count"),
    ("CE08", "any where true | sort user.id"),
    ("CE09", 'any where foo(event.action) == "1"'),
    ("CE09", 'any where toLower(event.action) == "a"'),
    ("CE09", 'any where wildcard(event.action, "a*")'),
    ("CE10", 'any where cidrMatch(event.action, "10.0.0.0/8")'),
    ("CE10", 'any where cidrMatch(source.address, "10.0.0.0/8")'),
    ("CE11", 'any where source.ip like "10.*"'),
    ("CE11", 'any where source.ip : "10.*"'),
    ("CE12", 'any where source.ip in ("10.0.0.1")'),
    ("CE12", 'any where source.ip not in ("10.0.0.1")'),
    ("CE13", f"sequence with maxspan=1m {A} by toLower(user.id) {B} by user.id"),
    ("CE14", 'any where aws.cloudtrail.flattened.request_parameters.imageId == "x"'),
    ("CE14", 'any where aws.cloudtrail.flattened.request_parameters == "x"'),
    ("CE15", 'any where message == "x"'),
    ("CE15", 'any where ?nope.nope == "x"'),
    ("CE16", CONSOLE_THEN_ALERT.replace("kibana.alert.group.index == 0", 'data_stream.dataset == "aws.cloudtrail"')),
    ("CE16", CONSOLE_THEN_ALERT.replace("user.id", "aws.cloudtrail.user_identity.arn")),
    ("CE17", f'{SEQUENCE} {A} [any where event.action == "b"]'),
    ("CE17", LAUNCH_THEN_EGRESS.replace("aws.vpcflow.interface_id != null and", "")),
    ("CE18", 'any where event.action regex "^run"'),
    ("CE18", 'any where event.action regex "(?:a|b)"'),
]

"""Sigma files that the checker must pass, and changes to them that it must refuse with the code beside them."""

from pathlib import Path

CHAIN = Path(__file__).with_name("selftest_chain.yml").read_text(encoding="utf-8")
FILE = "correlation_aws_console_launch.yml"
SELECTION = "        eventName: 'RunInstances'\n"


def entry(text, file=FILE):
    return {"name": file, "file": file, "text": text}


def changed(old, new, count=1):
    assert old in CHAIN, old
    return entry(CHAIN.replace(old, new, count))


def selection(line):
    return changed(SELECTION, f"{SELECTION}        {line}\n")


GOOD = [
    entry(CHAIN),
    selection("userAgent|contains: 'quote '' star \\* mark \\? slash \\\\ %$`'"),
    selection("userAgent|re: '^(a|b)+$'"),
    selection("accountId: '012345678901'"),
    selection("readOnly: false"),
    selection("sourcePort|gte: 32768"),
    selection("sourceIPAddress|cidr: '10.0.0.0/8'"),
    selection('userAgent: "line\\nend"'),
    changed("type: temporal_ordered", "type: temporal"),
]

BAD = [
    ("CS10", changed("title: EC2", "title: 'EC2")),
    ("CS01", entry(CHAIN + "---\n")),
    ("CS01", entry("")),
    ("CS02", changed("name: chain_launch\n", "")),
    ("CS03", selection("userAgent|exists: true")),
    ("CS03", selection("userAgent|neq: 'a'")),
    ("CS03", selection("userAgent|expand: '%a%'")),
    ("CS03", selection("items[any]: 'a'")),
    ("CS03", changed("    filter_main_approved:", "    filter_words:\n        - 'keyword'\n    filter_main_approved:")),
    ("CS03", changed("falsepositives:", "generate: true\nfalsepositives:")),
    ("CS04", changed("        - chain_launch\n", "        - chain_other\n")),
    ("CS05", selection("userAgent: 1e3")),
    ("CS05", selection("userAgent: plain")),
    ("CS05", selection("userAgent: no")),
    ("CS05", selection("userAgent: 010")),
    ("CS06", changed("            - 'ami-0aaaaaaaaaaaaaaaa'", "            - null")),
    ("CS07", changed("type: temporal_ordered", "type: event_count")),
    ("CS07", changed("gte: 2", "gte: 1")),
    ("CS07", changed("    condition:\n        gte: 2\n", "")),
    ("CS08", changed("            chain_launch: recipientAccountId\n", "")),
    ("CS08", changed("            chain_launch: recipientAccountId\n", "            chain_lunch: recipientAccountId\n")),
    ("CS08", changed("        - actor\n", "")),
    ("CS09", selection("eventName: 'x'")),
    ("SCHEMA", changed("status: experimental", "status: new")),
    ("SCHEMA", changed("id: 0b2f6f5c-95a2-5a37-8e55-9b8f2d3f0a01", "id: not-a-uuid")),
    ("SCHEMA", changed("date: 2026-11-24", "date: 24/11/2026")),
    ("SCHEMA", changed("timespan: 15m", "timespan: 1h30m")),
    ("SCHEMA", changed("timespan: 15m", "timespan: 15M")),
    ("SCHEMA", changed("    - attack.execution", "    - execution")),
    ("SCHEMA", changed("level: high", "level: severe")),
    ("SCHEMA", changed("    group-by:\n        - actor\n        - account\n", "")),
    ("SCHEMA", changed("logsource:\n    product: aws\n    service: cloudtrail\n", "")),
    ("SCHEMA", changed("title: EC2 Launch From Unapproved Image", "title: 2026")),
    ("SigmaConditionError", changed("condition: selection and not", "condition: selected and not")),
    ("SigmaRuleNotFoundError", changed("        - chain_launch\n", "        - chain_other\n")),
    ("InvalidATTACKTagIssue", changed("attack.t1204", "attack.t9999")),
    ("SigmahqFilenameConventionIssue", entry(CHAIN, "correlation_AWS.yml")),
    ("SigmahqCorrelationFilenamePrefixIssue", entry(CHAIN, "aws_console_launch.yml")),
    ("SigmahqTitleCaseIssue", changed("Console Session Followed by", "console session Followed by")),
    (
        "SigmahqDescriptionLengthIssue",
        changed("Detects a successful login to the AWS console. First step of a chain, not meant to alert alone.", "Short."),
    ),
    ("SigmahqLinkInDescriptionIssue", changed("Detects a successful", "See https://example.com. Detects a successful")),
    ("SigmahqMitreLinkIssue", changed("https://docs.aws.amazon.com/AWSEC2", "https://attack.mitre.org/AWSEC2")),
    ("IdentifierCollisionIssue", changed("8f2d3f0a02", "8f2d3f0a01")),
    ("CS00", entry(CHAIN, "a/b.yml")),
]

"""Elastic's rules: what the tests of elastic/detection-rules and Kibana's import demand of their form.

In: the folder. Out: problems. Must not know: rules, EQL; the `eql` parser reads the queries elsewhere.
"""

import json
import pathlib
import re
import tomllib
import uuid

UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
REQUIRED = {"author", "description", "name", "risk_score", "rule_id", "severity", "type", "language", "query", "index"}


def seconds(text: str) -> int:
    found = re.fullmatch(r"(\d+)([smhd])", text)
    return int(found[1]) * UNITS[found[2]] if found else 0


def rule_problems(rule: dict) -> list[str]:
    """What is wrong with a rule in either form."""
    missing = REQUIRED - rule.keys()
    if missing:
        return [f"without {sorted(missing)}"]
    interval, back = seconds(rule["interval"]), seconds(rule["from"].removeprefix("now-"))
    span = re.search(r"maxspan=(\d+[smhd])", rule["query"])
    tags, block = rule["tags"], rule.get("building_block_type") == "default"
    tactics = {f"Tactic: {threat['tactic']['name']}" for threat in rule.get("threat", [])}
    reads_alerts = any(index.startswith(".alerts-") for index in rule["index"])
    checks = {
        "a UUID as its id": str(uuid.UUID(rule["rule_id"])) == rule["rule_id"],
        "a known severity with its score": rule["severity"] in {"low", "medium", "high", "critical"}
        and 0 <= rule["risk_score"] <= 100,
        "an interval and a look-back": interval > 0 and back > interval,
        # test_eql_lookback
        "a look-back that reaches maxspan": span is None or back + 600 >= seconds(span[1]),
        "an index": bool(rule["index"]),
        "an investigation guide and its tag": rule["note"].startswith("## Triage and analysis\n\n### Investigating ")
        and "Resources: Investigation Guide" in tags,
        "a setup guide": rule["setup"].startswith("## Setup\n"),
        "tags of its tactics": tactics == {tag for tag in tags if tag.startswith("Tactic: ")},
        "a tag of its logs": any(tag.startswith("Data Source: ") for tag in tags),
        "the tag of a building block": block == ("Rule Type: BBR" in tags),
        "the tag of a rule over alerts": reads_alerts == ("Rule Type: Higher-Order Rule" in tags),
        "up to 1,000 alerts": 0 < rule["max_signals"] <= 1_000,
        "each tag once": len(tags) == len(set(tags)),
    }
    suppression = rule.get("alert_suppression")
    if suppression:
        known = suppression["duration"]["unit"] in {"s", "m", "h"} and suppression["duration"]["value"] > 0
        checks["a suppression of Elastic"] = known and 1 <= len(suppression["group_by"]) <= 3
    return [f"not {what}" for what, holds in checks.items() if not holds]


def document_problems(path: pathlib.Path, document: dict) -> list[str]:
    """A file of elastic/detection-rules: its metadata and its folder."""
    metadata, rule = document["metadata"], document["rule"]
    days = [metadata["creation_date"], metadata["updated_date"]]
    problems = rule_problems(rule)
    problems += [] if all(re.fullmatch(r"\d{4}/\d\d/\d\d", day) for day in days) and days[0] <= days[1] else ["dates"]
    folder = "rules_building_block" if "building_block_type" in rule else "rules"
    return problems + ([] if path.parent.name == folder else ["it is in the wrong folder"])


def import_problems(lines: list[dict]) -> list[str]:
    """Kibana's file: rules, then lists, then a summary that counts them; rules that are read are there."""
    *objects, summary = lines
    rules = [each for each in objects if "rule_id" in each]
    lists = [each for each in objects if "list_id" in each and "rule_id" not in each]
    problems = [f"{rule['name']}: {problem}" for rule in rules for problem in rule_problems(rule)]
    if objects != rules + lists:
        problems.append("not rules before lists")
    if [summary["exported_rules_count"], summary["exported_exception_list_count"]] != [len(rules), len(lists)]:
        problems.append("the summary miscounts")
    for what, ids in (("rule", [r["rule_id"] for r in rules]), ("list", [each["list_id"] for each in lists])):
        if len(ids) != len(set(ids)):
            problems.append(f"a {what} twice")
    seen = set()
    for rule in rules:
        read = set(re.findall(r'kibana\.alert\.rule\.rule_id == "([^"]+)"', rule["query"]))
        problems += [f"{rule['name']} reads the alerts of {id}, which is not before it" for id in read - seen]
        seen.add(rule["rule_id"])
        named = {each["list_id"] for each in rule["exceptions_list"]}
        problems += [f"{rule['name']}: no list {id}" for id in named - {each["list_id"] for each in lists}]
    return problems


def problems(folder: pathlib.Path) -> list[str]:
    """Everything that is wrong below the folder."""
    found, queries = [], {}
    for path in sorted(folder.rglob("*.toml")):
        document = tomllib.loads(path.read_text())
        queries[document["rule"]["rule_id"]] = document["rule"]["query"]
        found += [f"{path.name}: {problem}" for problem in document_problems(path, document)]
    for path in sorted(folder.rglob("*.ndjson")):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        found += [f"{path.name}: {problem}" for problem in import_problems(lines)]
        if queries != {rule["rule_id"]: rule["query"] for rule in lines if "rule_id" in rule}:
            found.append(f"{path.name}: other rules than the TOML files")
    return found

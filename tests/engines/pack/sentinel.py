"""Sentinel's rules: Microsoft's models of the service, and the limits of Azure-Sentinel's own CI.

In: the folder. Out: problems. Must not know: rules.
"""

import copy
import json
import pathlib
import re

import yaml
from azure.mgmt.securityinsight import models

TACTICS = {tactic.value for tactic in models.AttackTactic}
OPERATORS = {operator.value for operator in models.TriggerOperator}
SEVERITIES = {severity.value for severity in models.AlertSeverity}
ENTITIES = {entity.value for entity in models.EntityMappingType}
IDENTIFIERS = {"Account": {"FullName"}, "IP": {"Address"}, "Host": {"FullName"}, "URL": {"Url"}}
UNITS = {"m": 60, "h": 3_600, "d": 86_400}


def differences(ours, theirs, place: str = "") -> list[str]:
    """What the model drops or changes."""
    if isinstance(ours, dict):
        known = theirs if isinstance(theirs, dict) else {}
        missing = [f"{place}.{key}: no property of the model" for key in ours if key not in known]
        return missing + [
            problem
            for key in ours
            if key in known
            for problem in differences(ours[key], known[key], f"{place}.{key}")
        ]
    if isinstance(ours, list):
        if len(ours) != len(theirs or []):
            return [f"{place}: another list"]
        pairs = enumerate(zip(ours, theirs, strict=True))
        return [problem for at, (one, other) in pairs for problem in differences(one, other, f"{place}[{at}]")]
    return [] if ours == theirs else [f"{place}: {ours!r} becomes {theirs!r}"]


def modelled(resource: dict) -> list[str]:
    """What Microsoft's SDK finds in a rule of a template."""
    body = {"kind": resource["kind"], "properties": resource["properties"]}
    try:
        rule = models.ScheduledAlertRule.deserialize(copy.deepcopy(body))
    except Exception as error:  # the SDK raises errors of many kinds
        return [f"{type(error).__name__}: {error}"]
    return differences(body, rule.serialize())


def limits(rule: dict) -> list[str]:
    """What the service or the CI refuses, of a rule in the words of a template of Azure-Sentinel."""
    frequency, period = seconds(rule["queryFrequency"]), seconds(rule["queryPeriod"])
    details, entities = rule.get("customDetails", {}), rule.get("entityMappings", [])
    columns = [field["columnName"] for entity in entities for field in entity["fieldMappings"]]
    checks = {
        "a query of 1 to 10,000 characters": 1 <= len(rule["query"].encode("utf-16-le")) // 2 <= 10_000,
        "no search * or union *": not re.search(r"\b(search|union)\s+\*", rule["query"]),
        "a frequency of 5 minutes to 14 days": 300 <= frequency <= 14 * 86_400,
        "a period of 5 minutes to 14 days": 300 <= period <= 14 * 86_400,
        "a frequency that is no longer than the period": frequency <= period,
        "an hour between runs over two days": period < 2 * 86_400 or frequency >= 3_600,
        "a name of up to 256 characters": 0 < len(rule["name"]) <= 256,
        "a description of up to 5,000 characters": 0 < len(rule["description"]) <= 5_000,
        "known tactics": set(rule["tactics"]) <= TACTICS,
        "techniques with tactics": bool(rule["tactics"]) or not rule["relevantTechniques"],
        "techniques without sub-techniques": all(re.fullmatch(r"T\d{4}", id) for id in rule["relevantTechniques"]),
        "a known severity": rule["severity"] in SEVERITIES,
        "up to 5 entities of known types": len(entities) <= 5 and {each["entityType"] for each in entities} <= ENTITIES,
        "known identifiers": all(
            {field["identifier"] for field in each["fieldMappings"]} <= IDENTIFIERS[each["entityType"]]
            for each in entities
        ),
        "up to 20 custom details with short names": len(details) <= 20
        and all(re.fullmatch(r"[a-zA-Z]\w{0,19}", name) for name in details),
        "columns that the query names": all(column in rule["query"] for column in [*columns, *details.values()]),
    }
    return [f"not {what}" for what, holds in checks.items() if not holds]


def seconds(text: str) -> int:
    found = re.fullmatch(r"(\d+)([mhd])", text)
    return int(found[1]) * UNITS[found[2]] if found else 0


# What Defender makes of a frequency ("Create and manage custom detection rules"); Graph's ruleSchedule has ISO durations.
LOOKBACKS = {"PT1H": "PT4H", "PT3H": "PT12H", "PT12H": "PT48H", "P1D": "P30D"}


def custom_detection(rule: dict) -> list[str]:
    """The form of Graph's `detectionRule`."""
    template = rule["detectionAction"]["alertTemplate"]
    checks = {
        "a known frequency": LOOKBACKS.get(rule["schedule"]["frequency"]) == rule["schedule"]["lookback"],
        "a query": 0 < len(rule["queryCondition"]["queryText"]) <= 10_000,
        "a severity of Graph": template["severity"] in {"informational", "low", "medium", "high"},
        "a title and category": bool(template["title"]) and bool(template["category"]),
    }
    return [f"not {what}" for what, holds in checks.items() if not holds]


def resources(document: dict) -> list[str]:
    problems = []
    for resource in document["resources"]:
        properties = resource["properties"]
        texts = [text for text in properties.values() if isinstance(text, str)]
        problems += [f"read as an expression: {text[:40]}" for text in texts if re.match(r"\[(?!\[)", text)]
        if resource["type"].endswith("alertRules"):
            problems += modelled(resource)
            known = properties["triggerOperator"] in OPERATORS and set(properties["tactics"]) <= TACTICS
            problems += [] if known else ["an unknown operator or tactic"]
        else:
            content = properties["rawContent"]
            fits = len(content.encode()) <= 3_800_000 and all(len(line) <= 10_240 for line in content.splitlines())
            problems += [] if fits and content.startswith("value,until,") else ["a watchlist that is too large"]
    return problems


def problems(folder: pathlib.Path) -> list[str]:
    """Everything that is wrong below the folder."""
    found = []
    for path in sorted(folder.rglob("*.yaml")):
        found += [f"{path.name}: {problem}" for problem in limits(yaml.safe_load(path.read_text()))]
    for path in sorted(folder.rglob("*.json")):
        document = json.loads(path.read_text())
        check = custom_detection if "detectionAction" in document else resources
        found += [f"{path.name}: {problem}" for problem in check(document)]
    return found

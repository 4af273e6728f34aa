"""Lets the Sigma validators run without a network: fills the caches that they would otherwise download into.

In: attack.json beside this file and the scratch home that check.py has put in HOME. Out: filled caches there.
Must not know: rules. Import only after HOME points to the scratch folder; the caches live below it.
"""

import json
from pathlib import Path

import sigma.validators.sigmahq.data.data_filename as data_filename
import sigma.validators.sigmahq.data.data_taxonomy as data_taxonomy
from sigma.data import mitre_attack

ATTACK = Path(__file__).with_name("attack.json")
AWS = {"product": "aws", "category": None, "definition": None}
NO_FIELDS = {"native": [], "custom": [], "redundant": []}
TAXONOMY = {
    "version": "local",
    "taxonomy": {"aws_none_cloudtrail": {"logsource": {**AWS, "service": "cloudtrail"}, "field": NO_FIELDS}},
}
FILE_NAMES = {
    "version": "local",
    "pattern": {"aws_none_none": {"logsource": {**AWS, "service": None}, "prefix": "aws"}},
}


def reference(identifier):
    return [{"source_name": "mitre-attack", "external_id": identifier}]


def stix(attack):
    """The STIX bundle that pySigma reads, from our short table."""
    tactics = [
        {"type": "x-mitre-tactic", "x_mitre_shortname": name, "external_references": reference(identifier)}
        for identifier, name in attack["tactics"].items()
    ]
    techniques = [
        {
            "type": "attack-pattern",
            "name": technique["name"],
            "kill_chain_phases": [{"kill_chain_name": "mitre-attack", "phase_name": tactic} for tactic in technique["tactics"]],
            "external_references": reference(identifier),
        }
        for identifier, technique in attack["techniques"].items()
    ]
    return {"type": "bundle", "objects": tactics + techniques}


def seed(home):
    """Points every loader at a file of ours; the loaders read it when a validator first asks."""
    tables = {
        mitre_attack: stix(json.loads(ATTACK.read_text(encoding="utf-8"))),
        data_taxonomy: TAXONOMY,
        data_filename: FILE_NAMES,
    }
    for number, (module, table) in enumerate(tables.items()):
        path = home / f"table{number}.json"
        path.write_text(json.dumps(table), encoding="utf-8")
        module.set_url(str(path))

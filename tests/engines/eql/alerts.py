"""Alert documents: what the detection engine of Elastic Security writes when a rule finds a sequence.

In: a part and the documents of one sequence it found. Out: the alerts. Must not know: queries, scenarios.

- A sequence of n events becomes n building block alerts, each a copy of its event, and a shell with what all of them share.
  An alert has event.kind "signal", the id of its rule, and its own @timestamp: when it was made.
  https://www.elastic.co/docs/solutions/security/detect-and-alert/about-building-block-rules and
  https://www.elastic.co/docs/reference/security/fields-and-object-schemas/alert-schema
- The index of alerts maps the common schema and `kibana.alert.*`; what else was copied is stored, not searched
  (elastic/kibana issues 129946 and 153971).
- An alert is made when its rule runs next after the events have arrived: `latest` plays the worst case.
"""

import uuid

from ingest import Document

INDEX = ".alerts-security.alerts-default"
DELIVERY = 600_000


def latest(part, documents):
    """When the alerts of a sequence are made at the latest: an event arrives ten minutes after its time, which is the delay
    that the source files state, and the rule has just run then."""
    return max(one.time + (0 if one.place is None else DELIVERY) for one in documents) + part["schedule"]["every"] * 1_000


def made_of(part, documents, time):
    """The alerts of one sequence (or single event) of a part, made at `time`."""
    group = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{part['id']}{[(one.place, one.time) for one in documents]}"))
    rule = {"kibana.alert.rule.rule_id": [part["id"]], "kibana.alert.rule.name": [part["name"]]}
    if len(documents) == 1:
        return [alert(documents[0].fields, documents[0].time, time, rule)]
    rule["kibana.alert.group.id"] = [group]
    blocks = [
        alert(
            one.fields,
            one.time,
            time,
            rule | {"kibana.alert.group.index": [number], "kibana.alert.building_block_type": ["default"]},
        )
        for number, one in enumerate(documents)
    ]
    return [*blocks, alert(shared(documents), documents[0].time, time, rule)]


def alert(fields, original, time, own):
    copied = {name: values for name, values in fields.items() if is_searchable(name)}
    stamps = {"@timestamp": [time], "kibana.alert.original_time": [original], "event.kind": ["signal"]}
    return Document(INDEX, time, copied | stamps | own)


def is_searchable(name):
    return not name.startswith(("aws.", "data_stream.", "kibana.")) and name != "related.entity"


def shared(documents):
    """The fields that are equal in all documents."""
    first, *others = (one.fields for one in documents)
    return {name: values for name, values in first.items() if all(other.get(name) == values for other in others)}

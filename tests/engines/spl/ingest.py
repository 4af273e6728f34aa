"""Turns raw AWS events into what Splunk holds of them with the Splunk Add-on for AWS.

In: a source of the catalog, raw events in the order of their delivery. Out: per event `_time` (seconds), `_raw` (text) and the
fields that are there before a search runs its first command, all text. Must not know: searches, rules.

Where a rule is not documented, the reading is taken that gives a search the least to rely on, and the comment says so. Pages:
[spath]    docs.splunk.com, Search Reference, spath                  [limits]  docs.splunk.com, Admin Manual, limits.conf
[time]     docs.splunk.com, Getting Data In, How timestamp assignment works
[order]    docs.splunk.com, Knowledge Manager Manual, The sequence of search-time operations
[content]  github.com/splunk/security_content, data_sources/aws_*.yml: fields of the add-on 7.7.1 next to the raw event
[flow]     docs.aws.amazon.com, Amazon VPC User Guide, Flow log records
"""

import datetime
import json

MACROS = {"aws.cloudtrail": "cloudtrail", "aws.vpcflow": "cloudwatchlogs_vpcflow"}

# [limits] `[spath] extraction_cutoff`: automatic extraction reads the first 5,000 bytes of an event. `[kv] limit`: it makes at
# most 100 fields; whether that binds JSON is not said, so it does here.
CUTOFF = 5000
MOST_FIELDS = 100

# The members of a CloudTrail record as AWS writes them, in 2,900 real events; those that are not here come last.
MEMBERS = (
    "eventVersion userIdentity eventTime eventSource eventName awsRegion sourceIPAddress userAgent errorCode errorMessage "
    "requestParameters responseElements additionalEventData requestID eventID readOnly resources eventType managementEvent "
    "recipientAccountId sharedEventID vpcEndpointId eventCategory tlsDetails sessionCredentialFromConsole"
).split()
RANK = {name: rank for rank, name in enumerate(MEMBERS)}

# [flow] the default format, in order. [content] the add-on's names for it; `action` is allowed or blocked there.
DEFAULT_FORMAT = {
    "version": "version",
    "account-id": "account_id",
    "interface-id": "interface_id",
    "srcaddr": "src_ip",
    "dstaddr": "dest_ip",
    "srcport": "src_port",
    "dstport": "dest_port",
    "protocol": "protocol_code",
    "packets": "packets",
    "bytes": "bytes",
    "start": "start_time",
    "end": "end_time",
    "action": "vpcflow_action",
    "log-status": "log_status",
}
OUTCOMES = {"ACCEPT": "allowed", "REJECT": "blocked"}


def events(source, raws, arrival):
    """Splunk's events of one source; `arrival` stands in where no event before has a time of its own."""
    extract = {"aws.cloudtrail": cloudtrail, "aws.vpcflow": vpcflow}[source]
    found, latest = [], float(arrival)
    for raw in raws:
        time, text, fields = extract(raw)
        # [time] an event without a readable time gets that of the one before it from the same input, the first its arrival.
        latest = latest if time is None else time
        fields.update(_time=latest, _raw=text)
        found.append(fields)
    return found


def cloudtrail(raw):
    members = sorted(raw.items(), key=lambda member: RANK.get(member[0], len(RANK)))
    writer = Extraction()
    writer.value(dict(members), "")
    fields = {name: text for name, text in writer.fields.items() if text is not None}
    # [content] `errorCode` stands among the fields of events whose JSON has none, and its searches test errorCode=success.
    # [order] calculated fields come after automatic extraction: what that did not see counts as absent.
    fields.setdefault("errorCode", "success")
    return instant(raw.get("eventTime")), "".join(writer.parts), fields


def instant(text):
    """[time] the add-on reads eventTime by a format of its own; any ISO 8601 text with a zone is taken here."""
    try:
        time = datetime.datetime.fromisoformat(text)
        return time.timestamp() if time.tzinfo else None
    except (TypeError, ValueError):
        return None


class Extraction:
    """Writes JSON as AWS does, without spaces, and keeps what automatic extraction sees of it: `a.b` for a member of a member,
    `a{}` for the items of a list ([spath], Location path). A value that the cutoff cuts off is not seen, nor any after it."""

    def __init__(self):
        self.parts, self.size, self.fields = [], 0, {}

    def write(self, text):
        self.parts.append(text)
        self.size += len(text) if text.isascii() else len(text.encode("utf-8", "replace"))

    def value(self, value, path):
        if isinstance(value, dict):
            self.members(value, path)
        elif isinstance(value, list):
            self.items(value, path + "{}")
        else:
            text = json.dumps(value, ensure_ascii=False)
            self.write(text)
            # [content] requestParameters stands among the fields of an event where it is null: null is a text like others.
            self.found(path, value if isinstance(value, str) else text)

    def members(self, value, path):
        mark = "{"
        for name, inner in value.items():
            self.write(f"{mark}{json.dumps(name, ensure_ascii=False)}:")
            self.value(inner, f"{path}.{name}" if path else name)
            mark = ","
        self.write("{}" if mark == "{" else "}")

    def items(self, value, path):
        mark = "["
        for inner in value:
            self.write(mark)
            self.value(inner, path)
            mark = ","
        self.write("[]" if mark == "[" else "]")

    def found(self, path, text):
        """The first value of a field. The emitted searches read lists by `spath` alone, so further ones are of no use."""
        if self.size <= CUTOFF and (path in self.fields or len(self.fields) < MOST_FIELDS):
            self.fields.setdefault(path, text)


def vpcflow(raw):
    """A record is a line: [flow] the default format, or the columns of a custom one, `-` where there is nothing to say."""
    if set(raw) <= set(DEFAULT_FORMAT):
        columns = {name: raw.get(name, "-") for name in DEFAULT_FORMAT}
    else:
        columns = raw
    # The add-on's names beyond the default format are not documented: an environment file names them (catena.yaml beside this
    # file), after AWS's own with underscores.
    fields = {DEFAULT_FORMAT.get(name, name.replace("-", "_")): str(text) for name, text in columns.items()}
    fields["action"] = OUTCOMES.get(fields.get("vpcflow_action"), "unknown")
    # Which of the two times the add-on stamps is not documented. The later one: a search that relies on it for the start shows.
    end = fields.get("end_time", "")
    return (float(end) if end.isdecimal() else None), " ".join(map(str, columns.values())), fields

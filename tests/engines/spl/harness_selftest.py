"""Proves that the harness tells chains that alert from near misses, that every search of the snapshots runs, and that
every mutant of mutants.json changes an answer.

In: the searches in ../../../snapshots/spl, hand-made events. usage: .engines/duck/bin/python harness_selftest.py
"""

import copy
import json
import re
from pathlib import Path

import clause_trials
import execute
import ingest
import harness

SNAPSHOTS = Path(__file__).resolve().parents[3] / "snapshots" / "spl"
MUTANTS = Path(__file__).with_name("mutants.json")
START = 1_767_225_600
ALICE, BOB = "arn:aws:iam::1:user/alice", "arn:aws:iam::1:user/bob"
ODD = 'arn:aws:iam::1:user/a"b|c\\d%7C%25 $x$ `m` [* ü\n'


def search(name):
    """The search at the end of a snapshot, behind the rule and its findings."""
    text = (SNAPSHOTS / f"{name}.snap").read_text(encoding="utf-8")
    return text[max(text.rfind("\n| multisearch"), text.rfind("\nsearch `")) :].strip()


def iso(seconds):
    return f"2026-01-01T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}Z"


def trail(seconds, event_id, action, provider, actor=ALICE, **members):
    raw = {
        "eventVersion": "1.08",
        "userIdentity": {"type": "IAMUser", "arn": actor} if actor is not None else {"type": "IAMUser"},
        "eventTime": iso(seconds),
        "eventSource": provider,
        "eventName": action,
        "requestParameters": None,
        "eventID": event_id,
        "recipientAccountId": "1",
        **members,
    }
    return {"source": "aws.cloudtrail", "raw": raw}


def login(seconds, actor=ALICE, event_id="login"):
    return trail(seconds, event_id, "ConsoleLogin", "signin.amazonaws.com", actor, responseElements={"ConsoleLogin": "Success"})


def item(image, *interfaces):
    inner = [{"networkInterfaceId": interface} for interface in interfaces]
    return {"instanceId": f"i-{image}", "imageId": image, "networkInterfaceSet": {"items": inner}}


def launch(seconds, *items, actor=ALICE, **members):
    members.setdefault("responseElements", {"instancesSet": {"items": list(items)}})
    return trail(seconds, "launch", "RunInstances", "ec2.amazonaws.com", actor, **members)


def flow(seconds, interface="eni-1", dst="198.51.100.7", src="10.0.1.10"):
    values = f"2 1 {interface} {src} {dst} 40000 443 6 1 60 {START + seconds} {START + seconds + 600} ACCEPT OK".split()
    return {"source": "aws.vpcflow", "raw": dict(zip(ingest.DEFAULT_FORMAT, values))}


def large(event):
    """The same event with so long a request that the automatic extraction ends in it."""
    event = copy.deepcopy(event)
    event["raw"]["requestParameters"] = {"userData": "x" * 5000}
    return event


def denied(seconds):
    return trail(seconds, "denied", "ListBuckets", "s3.amazonaws.com", errorCode="AccessDenied")


def look(seconds):
    return trail(seconds, "look", "DescribeImages", "ec2.amazonaws.com", readOnly=True)


def named(name, agent=""):
    """Both steps of the hostile rule ask for a user whose ARN ends in a quote."""
    identity = {"arn": 'arn:aws:iam::1:user/"', "userName": name}
    return trail(0, "one", "GetUser", "iam.amazonaws.com", userIdentity=identity, userAgent=f'{agent}" | or 1=1 --')


SERVER = trail(60, "two", "\\x", "iam.amazonaws.com", userIdentity={"arn": 'arn:aws:iam::1:user/"', "userName": r"\\srv.["})


def image(seconds, name="ami-new", actor=ALICE):
    return trail(seconds, f"image {seconds}", "RegisterImage", "ec2.amazonaws.com", actor, responseElements={"imageId": name})


def about(seconds, action, *arns, event_id="about"):
    """A call that names resources; none says no ARN."""
    resources = [{"type": "AWS::S3::Object"} | ({} if arn is None else {"ARN": arn}) for arn in arns]
    members = {"resources": resources} if arns else {}
    return trail(seconds, event_id, action, "s3.amazonaws.com", **members)


def said(seconds, action, agent, service):
    """A call by an agent on behalf of a service, whose names are compared with each other."""
    identity = {"arn": ALICE, "invokedBy": service}
    return trail(seconds, f"said {seconds}", action, "iam.amazonaws.com", userIdentity=identity, userAgent=agent)


def nameless(event):
    """The same event without an id."""
    event = copy.deepcopy(event)
    del event["raw"]["eventID"]
    return event


ROBOT = {"arn": "arn:aws:iam::1:user/ci", "sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::1:role/ci"}}}
AGENTS = {"userAgent": "aws-cli/2.1 Boto3 Linux2"}, {"userAgent": "aws-cli/2.15 Terraform"}
CAPITALS = [
    trail(0, "one", "RunInstances", "ec2.amazonaws.com", userIdentity=ROBOT, awsRegion="Eu-West-1", errorCode="A", **AGENTS[0]),
    trail(60, "two", "PutObject", "s3.amazonaws.com", userIdentity=ROBOT, **AGENTS[1]),
]
APPROVED = "ami-0abcdef1234567890"
EVIL, GOOD, MADE = item("ami-evil", "eni-1"), item(APPROVED, "eni-1"), item("ami-new", "eni-1")
LATER = [login(3000, BOB), image(3100, actor=BOB), launch(7000, MADE)]
SESSION = trail(0, "put", "PutObject", "s3.amazonaws.com", sessionCredentialFromConsole="true")
# Name of a snapshot, what is tried, the scenario, and the number of alerts.
TRIALS = [
    ("aws", "a chain", [login(0), launch(240, EVIL), flow(360)], 1),
    ("aws", "a call of a console session", [SESSION, launch(240, EVIL), flow(360)], 1),
    ("aws", "both gaps to the second", [login(0), launch(900, EVIL), flow(1500)], 1),
    ("aws", "first gap a second too long", [login(0), launch(901, EVIL), flow(902)], 0),
    ("aws", "second gap a second too long", [login(0), launch(240, EVIL), flow(841)], 0),
    ("aws", "wrong order", [launch(0, EVIL), login(1), flow(2)], 0),
    ("aws", "delivered late", [flow(360), launch(240, EVIL), login(0)], 1),
    ("aws", "all at one instant", [login(5), launch(5, EVIL), flow(5)], 1),
    ("aws", "another user", [login(0, BOB), launch(240, EVIL), flow(360)], 0),
    ("aws", "an empty user", [login(0, ""), launch(240, EVIL, actor=""), flow(360)], 0),
    ("aws", "no user", [login(0, None), launch(240, EVIL, actor=None), flow(360)], 0),
    ("aws", "an approved image", [login(0), launch(240, GOOD), flow(360)], 0),
    ("aws", "no image", [login(0), launch(240, item("", "eni-1")), flow(360)], 1),
    ("aws", "the second item", [login(0), launch(240, GOOD, item("ami-evil", "eni-2", "eni-3")), flow(360, "eni-3")], 1),
    ("aws", "the approved item", [login(0), launch(240, GOOD, item("ami-evil", "eni-2")), flow(360, "eni-1")], 0),
    ("aws", "no items", [login(0), launch(240), flow(360)], 0),
    ("aws", "a failed launch", [login(0), launch(240, EVIL, errorCode="Client.DryRunOperation"), flow(360)], 0),
    ("aws", "IPv6 destination", [login(0), launch(240, EVIL), flow(360, dst="2001:db8::1")], 1),
    ("aws", "IPv6 source", [login(0), launch(240, EVIL), flow(360, src="fd00::1")], 0),
    ("aws", "internal destination", [login(0), launch(240, EVIL), flow(360, dst="100.64.1.1")], 0),
    ("aws", "no destination", [login(0), launch(240, EVIL), flow(360, dst="-")], 1),
    ("aws", "no interface", [login(0), launch(240, item("ami-evil", "-")), flow(360, "-")], 0),
    ("aws", "odd text", [login(0, ODD), launch(240, EVIL, actor=ODD), flow(360)], 1),
    ("aws", "another account", [login(0), launch(240, EVIL, recipientAccountId="2"), flow(360)], 0),
    ("aws", "a fresh start after an old one", [login(0), login(1000), launch(1100, EVIL), launch(1500, EVIL), flow(2100)], 1),
    ("aws", "past the cutoff", [large(login(0)), large(launch(240, EVIL)), flow(360)], 1),
    ("one_event_both_steps", "an event follows itself", [login(0)], 0),
    ("one_event_both_steps", "two of one instant", [login(0), login(0, event_id="other")], 2),
    ("one_event_both_steps", "the same event twice", [login(0), login(0)], 0),
    ("one_event_both_steps", "a minute apart", [login(0), login(60, event_id="other")], 1),
    ("one_event_both_steps", "a second more", [login(0), login(61, event_id="other")], 0),
    ("three_steps_gaps", "first gap and total to the second", [denied(0), look(600), launch(2400)], 1),
    ("three_steps_gaps", "total a second too long", [denied(0), look(600), launch(2401)], 0),
    ("three_steps_gaps", "a fresh start after an old one", [denied(0), denied(700), look(800), launch(900)], 1),
    ("three_steps_gaps", "all at one instant", [denied(5), look(5), launch(5)], 1),
    ("key_changes_twice", "an image made and launched", [login(0), image(300), launch(900, MADE), flow(960)], 1),
    ("key_changes_twice", "all gaps to the second", [login(0), image(3600), launch(10800, MADE), flow(11400)], 1),
    ("key_changes_twice", "one gap a second too long", [login(0), image(3600), launch(10801, MADE), flow(10900)], 0),
    ("key_changes_twice", "a fresh start after an old one", [login(0), login(3900), image(4000), launch(4100, MADE), flow(4200)], 1),
    ("key_changes_twice", "all at one instant", [login(5), image(5), launch(5, MADE), flow(5)], 1),
    ("key_changes_twice", "no start", [image(300), launch(900, MADE), flow(960)], 0),
    ("key_changes_twice", "a start without an id", [login(0), nameless(login(9)), image(300), launch(900, MADE), flow(960)], 1),
    ("key_changes_within_total", "the newest launch has the older start", [login(0), image(60, "ami-evil"), *LATER, launch(7100, EVIL), flow(7300)], 1),
    ("key_changes_within_total", "the newest image has the newer start", [login(0), image(60, actor=ALICE), *LATER, flow(7500)], 1),
    ("key_changes_within_total", "total a second too long", [login(0), image(60), launch(7100, MADE), flow(7201)], 0),
    ("key_changes_twice", "another image launched", [login(0), image(300), launch(900, EVIL), flow(960)], 0),
    ("hostile_text", "a name with a star", [named("star*"), SERVER], 1),
    ("hostile_text", "a name that the star would match", [named("starfish"), SERVER], 0),
    ("hostile_text", "text that the star would match", [named("star*", 'a"|'), SERVER], 1),
    ("hostile_text", "text with the star", [named("star*", 'a*"|'), SERVER], 0),
    ("predicates_text", "other capitals", [*CAPITALS], 1),
    ("shared_search", "opened, then listed", [about(0, "PutBucketPolicy"), about(60, "ListBuckets", event_id="listed")], 1),
    ("shared_search", "at one instant", [about(5, "PutBucketPolicy"), about(5, "ListObjects", event_id="listed")], 1),
    ("shared_search", "the other way round", [about(0, "ListBuckets"), about(60, "PutBucketPolicy", event_id="opened")], 0),
    ("shared_search", "listed twice", [about(0, "ListBuckets"), about(60, "ListBuckets", event_id="listed")], 0),
    ("long_list", "an actor of the list", [login(0), launch(240)], 0),
    ("long_list", "an actor whose row has expired", [login(0, BOB), launch(240, actor=BOB)], 1),
    ("long_list", "an actor whose row ends some day", [login(0, ODD), launch(240, actor=ODD)], 1),
]

BUCKET, OWN = "arn:aws:s3:::x", "arn:aws:s3:::archive-1"
COPIED = about(60, "CreateImage", "arn:aws:s3:::A", event_id="copied")
TRIALS += [
    ("many_values_any", "the second of two", [about(0, "GetObject", "arn:aws:s3:::b", "arn:aws:s3:::ab")], 1),
    ("many_values_any", "one of none", [about(0, "GetObject"), about(1, "GetObject", None)], 0),
    ("many_values_any", "a key beside it", [about(0, "GetObject", "arn:aws:s3:::a", "arn:aws:kms:::key/1")], 0),
    ("many_values_none", "no resource", [about(0, "RunInstances")], 1),
    ("many_values_none", "a resource without a name", [about(0, "RunInstances", None)], 1),
    ("many_values_none", "the second is a key", [about(0, "RunInstances", BUCKET, "arn:aws:kms:::key/1")], 0),
    ("many_values_aws", "two buckets, then one", [about(0, "RunInstances", BUCKET, "", "arn:aws:kms:::y"), COPIED], 1),
    ("many_values_aws", "one of two is an own one", [about(0, "RunInstances", BUCKET, OWN), COPIED], 0),
    ("many_values_aws", "then none", [about(0, "RunInstances", BUCKET), about(60, "CreateImage", event_id="copied")], 0),
    ("many_values_aws", "then an empty one too", [about(0, "RunInstances", BUCKET), about(60, "CreateImage", "arn:aws:s3:::A", "", event_id="c")], 1),
    ("many_values_aws", "then another too", [about(0, "RunInstances", BUCKET), about(60, "CreateImage", "arn:aws:s3:::A", "b", event_id="c")], 0),
]
TRIALS += [
    ("text_of_field", "beside each other", [said(0, "CreateUser", "Ann", "-Ann"), said(60, "GetUser", "cli/Ann 2", "Ann")], 1),
    ("text_of_field", "in the middle", [said(0, "CreateUser", "x-Ann-y", "ANN"), said(60, "GetUser", "cli", "Bob")], 0),
    ("text_of_field", "at the end", [said(0, "CreateUser", "Ann", "-Ann"), said(60, "GetUser", "cli Ann", "Ann")], 0),
]
TRIALS += clause_trials.trials(trail, launch, flow, item)
# What the lookups hold.
LISTS = {"many": f'value,until\n{ALICE},\n{BOB},2026-01-01\n"{ODD.replace(chr(34), chr(34) * 2)}",some day\n'}

LOOKUP = """search `cloudtrail` eventName="Run*"
      | spath output=item path=responseElements.instancesSet.items{} | mvexpand item
      | spath input=item output=image path=imageId
      | lookup approved value AS image OUTPUT value AS hit until AS until
      | eval hit = if(until="" OR strptime(until . "+0000", "%Y-%m-%d%z") > now(), hit, null())
      | where isnull(hit) | table _time, image"""
# A search of its own, the lists, and the answer or the beginning of the error.
ASKED = [
    (LOOKUP, {"approved": f"value,until\n{APPROVED},\nami-evil,2026-01-01\n"}, [{"_time": (START + 240) * 1_000_000, "image": "ami-evil"}]),
    (LOOKUP, {"approved": f"value,until\nami-evil,2999-12-31\n{APPROVED.upper()},\n{APPROVED},soon\n"}, [{"_time": (START + 240) * 1_000_000, "image": APPROVED}]),
    (LOOKUP, {}, "Refused: the lookup approved"),
    ("search `cloudtrail` | transaction eventID", {}, "Refused: the command transaction"),
    ("search `cloudtrail` | where eventName=1", {}, "Refused: "),
    ('search `cloudtrail` | where eventName="', {}, "Fault: "),
    ("search `proxy` | table _time", {}, "Refused: the macro proxy"),
    ('search `cloudtrail` eventName="run*" | spath output=x path=requestParameters | table x', {}, [{"x": "null"}]),
    ('search `cloudtrail` NOT errorCode="*" | table _time', {}, []),
    ('search `cloudtrail` errorCode="SUCCESS" eventName!="console*" | eval x=eventName | table x', {}, [{"x": "RunInstances"}]),
    ('search `cloudtrail` | search eventName="consolelogin" | eval x=errorCode | table x', {}, [{"x": "success"}]),
]


def respond(connection, text, scenarios, lists):
    starts = [START + 86_400 * number for number in range(len(scenarios) + 1)]
    parts = [{"name": "t", "id": "t", "role": "query", "text": text}]
    request = {"rule": "t", "parts": parts, "lists": lists, "starts": starts, "scenarios": scenarios}
    return harness.respond(connection, json.dumps(request))


def trials(connection):
    for name in sorted({trial[0] for trial in TRIALS}):
        own = [trial for trial in TRIALS if trial[0] == name]
        response = respond(connection, search(name), [scenario for _, _, scenario, _ in own], LISTS)
        assert "error" not in response, response
        for (_, what, _, expected), rows in zip(own, response["answers"], strict=True):
            assert len(rows) == expected, f"{name}, {what}: {len(rows)} alerts, not {expected}: {rows}"


def values(connection):
    """The values of an alert: microseconds, nothing for what is missing, odd text as it was."""
    ((row,),) = respond(connection, search("aws"), [[login(0, ODD), launch(240, EVIL, actor=ODD), flow(360)]], {})["answers"]
    names = "_time", "console_time", "launch_actor_id", "launch_cloud_region", "egress_destination_port"
    shown = [row[name] for name in names]
    assert shown == [(START + 360) * 1_000_000, START * 1_000_000, ODD, None, 443.0], shown


def snapshots(connection):
    scenario = [login(0), large(launch(240, EVIL, GOOD)), flow(360), flow(400, "-", "-", "-")]
    held, ran = {f"`{macro}`" for macro in ingest.MACROS.values()}, 0
    for path in sorted(SNAPSHOTS.glob("*.snap")):
        text = search(path.stem)
        # The harness holds the logs of AWS alone; `check.py` reads the searches over others.
        if text and set(re.findall(r"^ *(?:\[ *)?search (\S+)", text, re.MULTILINE)) <= held:
            ran += 1
            lists = {name: "value,until\nx,\n" for name in harness.translated(text).lookups}
            response = respond(connection, text, [scenario, []], lists)
            assert "answers" in response, f"{path.stem}: {response}"
    assert ran > 50, ran


def asked(connection):
    for text, lists, expected in ASKED:
        response = respond(connection, text, [[login(0), launch(240, EVIL, GOOD)]], lists)
        found = response.get("answers", [response.get("error")])[0]
        fits = found.startswith(expected) if isinstance(expected, str) and isinstance(found, str) else found == expected
        assert fits, f"{text}: {response}"


def mutants(connection):
    """Each changes the answer to one of the trials; refused is only what says that it is."""
    for mutant in json.loads(MUTANTS.read_text(encoding="utf-8")):
        find, replace = re.compile(mutant["find"]), re.sub(r"\$\{?(\d)\}?", r"\\g<\1>", mutant["replace"])
        names = sorted(name for name in {trial[0] for trial in TRIALS} if find.search(search(name)))
        assert names, f"no search of the trials has what the mutant changes: {mutant['name']}"
        for name in names:
            scenarios = [scenario for own, _, scenario, _ in TRIALS if own == name]
            right, wrong = search(name), find.sub(replace, search(name))
            changed = respond(connection, wrong, scenarios, LISTS)
            assert "answers" in changed or "rejects" in mutant["why"], f"{mutant['name']}: {changed}"
            if changed != respond(connection, right, scenarios, LISTS):
                break
        else:
            raise AssertionError(f"no trial tells the mutant from the search: {mutant['name']}")


def extraction():
    """What is there before a search begins."""
    raw = large(launch(240, EVIL))["raw"]
    (event,) = ingest.events("aws.cloudtrail", [raw], START)
    seen = [event.get(name) for name in ("userIdentity.arn", "errorCode", "eventID", "recipientAccountId")]
    assert seen == [ALICE, "success", None, None], seen
    assert json.loads(event["_raw"]) == raw
    (event,) = ingest.events("aws.cloudtrail", [launch(240, EVIL)["raw"]], START)
    path = "responseElements.instancesSet.items{}.networkInterfaceSet.items{}.networkInterfaceId"
    assert [event["requestParameters"], event[path], event["eventID"]] == ["null", "eni-1", "launch"], event
    first, second = ingest.events("aws.cloudtrail", [{"eventName": "a"}, {"eventTime": iso(9)}], START)
    assert (first["_time"], second["_time"]) == (START, START + 9)
    (event,) = ingest.events("aws.vpcflow", [flow(360)["raw"] | {"flow-direction": "egress"}], START)
    assert (event["action"], event["start_time"], event["flow_direction"]) == ("allowed", str(START + 360), "egress")


def main():
    connection = execute.connect()
    for check in (trials, values, snapshots, asked, mutants):
        check(connection)
    extraction()
    print(
        f"spl harness: {len(TRIALS)} scenarios, {len(ASKED)} searches and the snapshots answered rightly, every mutant caught"
    )


if __name__ == "__main__":
    main()

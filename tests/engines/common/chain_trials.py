"""The chain that self-tests of harnesses run: its events, and scenarios with the instances that a query must report.

In: nothing. Out: events, scenarios, requests as ../README.md describes them under "Execution". Must not know: engines, and
how one stores events.
"""

import datetime

LISTS = {"approved_images": "value,until,reason\nami-good,,\nami-bad,2026-01-01,ended\nami-x,soon,no day\n"}
START, APART = 1_767_225_600, 7200


def call(at, name, response=None, arn="arn:aws:iam::1:user/eve", **more):
    """An event and its second in its scenario."""
    record = {
        "eventID": f"{name}-{at}",
        "eventName": name,
        "eventSource": "signin.amazonaws.com" if name == "ConsoleLogin" else "ec2.amazonaws.com",
        "recipientAccountId": "1",
        "userIdentity": {"arn": arn},
        "responseElements": response,
    }
    return at, "aws.cloudtrail", record | more


def login(at, **more):
    return call(at, "ConsoleLogin", {"ConsoleLogin": "Success"}, **more)


def launch(at, *items, **more):
    pairs = [{"instanceId": instance, "imageId": image} for instance, image in items]
    return call(at, "RunInstances", {"instancesSet": {"items": pairs}}, **more)


def flow(at, instance="i-1", **more):
    record = {"account-id": "1", "instance-id": instance, "srcaddr": "10.0.0.1", "dstaddr": "8.8.8.8", "srcport": "40000"}
    record |= {"dstport": "443", "bytes": "9", "action": "ACCEPT", "flow-direction": "egress", "tcp-flags": "2"}
    return at, "aws.vpcflow", record | more


def event(start, at, source, record):
    seconds = start + at
    if source == "aws.vpcflow":
        times = {"start": str(seconds), "end": str(seconds + 60)}
    else:
        times = {"eventTime": f"{datetime.datetime.fromtimestamp(seconds, datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"}
    return {"source": source, "raw": times | record}


BAD = ("i-1", "ami-bad")
# Each scenario with the instances that it must report.
SCENARIOS = [
    ("the chain", [login(0), launch(900, BAD), flow(1500)], ["i-1"]),
    ("delivered in another order", [flow(2), launch(1, BAD), login(0)], ["i-1"]),
    ("the launch one second too late", [login(0), launch(901, BAD), flow(1000)], []),
    ("the flow one second too late", [login(0), launch(9, BAD), flow(610)], []),
    ("the flow before the launch", [login(0), launch(9, BAD), flow(8)], []),
    ("a key that is empty on both sides", [login(0, arn=""), launch(1, BAD, arn=""), flow(2)], []),
    ("no instance", [login(0), launch(1, ("-", "ami-bad")), flow(2, "-")], []),
    ("two items", [login(0), launch(1, ("i-2", "ami-good"), BAD), flow(2), flow(3, "i-2")], ["i-1"]),
    ("two instances", [login(0), launch(1, BAD, ("i-2", "ami-x")), flow(2), flow(3, "i-2")], ["i-1", "i-2"]),
    ("an image of the list", [login(0), launch(1, ("i-1", "ami-good")), flow(2)], []),
    ("a launch that failed", [login(0), launch(1, BAD, errorCode="Client.X"), flow(2)], []),
    ("an IPv6 address outside", [login(0), launch(1, BAD), flow(2, dstaddr="2001:db8::1")], ["i-1"]),
    ("an IPv6 address inside", [login(0), launch(1, BAD), flow(2, dstaddr="FE80::1")], []),
    ("nothing", [], []),
]


def request_of(text, scenarios, lists=LISTS):
    starts = [START + number * APART for number in range(len(scenarios))]
    events = [[event(start, *one) for one in scenario] for start, scenario in zip(starts, scenarios, strict=True)]
    parts = [{"name": "r", "id": "r", "role": "query", "text": text}]
    return {"rule": "r", "parts": parts, "lists": lists, "starts": starts, "scenarios": events}

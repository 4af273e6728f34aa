"""A world of CloudTrail and flow logs: many chains of AN1318, some of one key, some alike.

Out: raw events. Must not know: tables, rules.
"""

import datetime
import random

START = datetime.datetime(2026, 11, 1, 21, tzinfo=datetime.timezone.utc)
HOURS = 6
ACCOUNT = "123456789012"


def at(second):
    return f"{START + datetime.timedelta(seconds=second):%Y-%m-%dT%H:%M:%SZ}"


def call(number, second, name, user, response):
    arn = f"arn:aws:iam::{ACCOUNT}:user/{user}"
    source = "signin.amazonaws.com" if name == "ConsoleLogin" else "ec2.amazonaws.com"
    raw = {"eventVersion": "1.08", "userIdentity": {"type": "IAMUser", "arn": arn}, "eventTime": at(second)}
    raw |= {"eventSource": source, "eventName": name, "awsRegion": "eu-west-1", "sourceIPAddress": "192.0.2.7"}
    raw |= {"responseElements": response, "eventID": f"id-{number}", "readOnly": False, "recipientAccountId": ACCOUNT}
    return {"source": "aws.cloudtrail", "raw": raw}


def flow(number, second, interface):
    start = int(START.timestamp()) + second
    values = ["2", ACCOUNT, interface, "10.0.1.10", "198.51.100.7", "40000", "443", "6", "10", str(1000 + number)]
    names = ["version", "account-id", "interface-id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets", "bytes"]
    raw = dict(zip(names, values, strict=True)) | {"start": str(start), "end": str(start + 60)}
    return {"source": "aws.vpcflow", "raw": raw | {"action": "ACCEPT", "log-status": "OK"}}


def world(seed, number):
    """Sign-ins, launches and flows at seconds of their own, so that a best path is one path."""
    rng, events = random.Random(seed), []
    seconds = rng.sample(range(HOURS * 3600), number)
    for place, second in enumerate(seconds):
        kind, user = rng.random(), rng.choice("ab")
        interface = f"eni-{user}{rng.randrange(2)}"
        if kind < 0.2:
            events.append(call(place, second, "ConsoleLogin", user, {"ConsoleLogin": "Success"}))
        elif kind < 0.45:
            item = {"instanceId": f"i-{place}", "imageId": "ami-0eeeeeeeeeeeeeeee"}
            item["networkInterfaceSet"] = {"items": [{"networkInterfaceId": interface}]}
            events.append(call(place, second, "RunInstances", user, {"instancesSet": {"items": [item]}}))
        else:
            # Some flows differ in nothing that an alert shows.
            events += [flow(place * 10 + copy, second, interface) for copy in range(rng.choice([1, 1, 1, 2]))]
    return events

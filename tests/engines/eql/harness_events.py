"""Raw events for the self-test of the harness, as AWS writes them."""

from datetime import datetime, timedelta, timezone

START = datetime(2026, 1, 1, tzinfo=timezone.utc)


def call(second, name, provider, user, **own):
    time = (START + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%SZ")
    identity = {"type": "IAMUser", "principalId": f"AIDA{user}", "arn": f"arn:aws:iam::1:user/{user}", "userName": user}
    raw = {"eventTime": time, "eventName": name, "eventSource": provider, "userIdentity": identity, "userAgent": "cli"}
    return {"source": "aws.cloudtrail", "raw": raw | own}


def console(second, user="alice", **own):
    own = {"responseElements": {"ConsoleLogin": "Success"}} | own
    return call(second, "ConsoleLogin", "signin.amazonaws.com", user, **own)


def launch(second, user="alice", enis=(), **own):
    items = [
        {"instanceId": f"i-{eni}", "imageId": "ami-1", "networkInterfaceSet": {"items": [{"networkInterfaceId": eni}]}}
        for eni in enis
    ]
    request = {"instancesSet": {"items": [{"imageId": "ami-1", "minCount": 1}]}}
    own = {"requestParameters": request, "responseElements": {"instancesSet": {"items": items}}} | own
    return call(second, "RunInstances", "ec2.amazonaws.com", user, **own)


def flow(second, eni, lasts=0, **own):
    start = int(START.timestamp()) + second
    raw = {
        "version": "2",
        "account-id": "1",
        "interface-id": eni,
        "srcaddr": "10.0.1.10",
        "dstaddr": "198.51.100.7",
        "srcport": "40000",
        "dstport": "443",
        "bytes": "1000",
        "start": str(start),
        "end": str(start + lasts),
        "action": "ACCEPT",
    }
    own = {name.replace("_", "-"): value for name, value in own.items()}
    return {"source": "aws.vpcflow", "raw": raw | own}

"""Hand-made scenarios for the clauses of a step: absences, counts, neighbours, alternatives, steps in any order.

In: functions that make events (harness_selftest.py). Out: name of a snapshot, what is tried, the scenario, and the number
of alerts. Most lie at an edge of a window or at one instant.
"""

ALICE = "arn:aws:iam::1:user/alice"


def trials(trail, launch, flow, item):
    def call(seconds, action, actor=ALICE, **members):
        return trail(seconds, f"{action} {seconds} {len(str(members))}", action, "iam.amazonaws.com", actor, **members)

    def login(seconds, outcome="Success", name="", **members):
        return call(seconds, "ConsoleLogin", responseElements={"ConsoleLogin": outcome}, eventID=f"login {seconds}{name}", **members)

    def fail(seconds, name="", **members):
        return login(seconds, "Failure", name, **members)

    def look(seconds, region, name=""):
        return call(seconds, "DescribeInstances", awsRegion=region, eventID=f"look {seconds}{name}")

    def refused(seconds):
        return call(seconds, "ListBuckets", errorCode="AccessDenied")

    def size(seconds, port, count):
        event = flow(seconds)
        event["raw"] |= {"dstport": port, "bytes": count}
        return event

    market, bare = item("ami-market", "eni-1"), item("ami-evil", "eni-1")
    del bare["imageId"]
    evil, approval = item("ami-evil", "eni-1"), call(0, "StartChangeRequestExecution")
    key, region = call(60, "CreateAccessKey"), {"awsRegion": "eu-west-1"}
    access = call(600, "GetSecretValue", **region)
    other = {"userIdentity": {"arn": ALICE + "2", "sessionContext": {"sessionIssuer": {"arn": ALICE}}}}
    secret = trail(0, "one", "ListSecrets", "secretsmanager.amazonaws.com", **other)
    three = [call(at, action) for at, action in ((0, "CreateAccessKey"), (300, "AttachUserPolicy"), (600, "CreateUser"))]
    named = [{"ARN": "arn:aws:s3:::a"}, {"ARN": ALICE}, {"ARN": ALICE.upper()}]
    here, there = {"sourceIPAddress": "192.0.2.1"}, {"sourceIPAddress": "192.0.2.2"}
    return [
        ("absence_before_a_step", "approved a day before", [approval, launch(0, evil, eventTime="2026-01-02T00:00:00Z"), flow(86_460)], 0),
        ("absence_before_a_step", "a second earlier", [approval, launch(0, evil, eventTime="2026-01-02T00:00:01Z"), flow(86_460)], 1),
        ("absence_before_a_step", "at the same instant", [approval, launch(0, evil), flow(60)], 1),
        ("absence_after_a_step", "a factor at the same instant", [login(0), key, call(60, "EnableMFADevice")], 1),
        ("absence_after_a_step", "a factor five minutes later", [login(0), key, call(360, "EnableMFADevice")], 0),
        ("absence_after_a_step", "a factor a second later still", [login(0), key, call(361, "EnableMFADevice")], 1),
        ("absence_between_steps", "a new password at the instant of the key", [login(0), key, call(60, "ChangePassword"), access], 1),
        ("absence_between_steps", "the key deleted", [login(0), key, call(300, "DeleteAccessKey", **region), access], 0),
        (
            "absence_between_steps",
            "a key of another account deleted",
            [login(0), key, call(300, "DeleteAccessKey", recipientAccountId="2", **region), access],
            1,
        ),
        ("repeated_distinct", "three regions", [look(0, "a"), look(60, "b"), look(120, "c")], 1),
        ("repeated_distinct", "two regions", [look(0, "a"), look(60, "b"), look(120, "a")], 0),
        ("repeated_distinct", "the first one a second too early", [look(0, "a"), look(60, "b"), look(901, "c")], 0),
        ("folded_link_counts", "one account in two spellings", [fail(0), fail(1, "a", actor=ALICE.upper()), fail(2), login(60)], 1),
        ("folded_link_counts", "two accounts", [fail(0), fail(1, "a", actor=ALICE + "2"), fail(2), login(60)], 0),
        ("repeated_first", "all windows to the second", [fail(0), fail(300), fail(600), login(720)], 1),
        ("repeated_first", "three at one instant", [fail(0, "a"), fail(0, "b"), fail(0, "c"), login(60)], 1),
        ("repeated_within_total", "three at one instant", [look(0, "a"), look(0, "a", "b"), look(0, "a", "c")], 3),
        ("repeated_within_total", "more time than there is", [look(0, "a"), look(150, "a"), look(300, "a")], 0),
        ("repeated_within_total", "four of them", [look(0, "a"), look(700, "a"), look(800, "a"), look(900, "a")], 1),
        ("repeated_in_the_middle", "login, then a burst", [login(0), refused(60), refused(120), refused(180), call(240, "CreateAccessKey")], 1),
        ("repeated_in_the_middle", "login in a burst", [refused(0), refused(60), login(90), refused(120), call(240, "CreateAccessKey")], 0),
        ("neighbours_differ", "another address and region", [login(0, **here, awsRegion="a"), call(60, "GetSecretValue", **there, awsRegion="b")], 1),
        ("neighbours_differ", "the same address", [login(0, **here, awsRegion="a"), call(60, "GetSecretValue", **here, awsRegion="b")], 0),
        ("neighbours_ordered", "more bytes", [size(0, "443", "60"), size(60, "80", "61")], 1),
        ("neighbours_ordered", "as many bytes", [size(0, "443", "60"), size(60, "80", "60")], 0),
        ("folded_link", "other capitals", [login(0), call(60, "GetSecretValue", ALICE.upper())], 1),
        ("any_order", "the window to the second", three, 1),
        ("any_order", "all at one instant", [call(5, action) for action in ("CreateUser", "CreateAccessKey", "AttachUserPolicy")], 3),
        ("lookup", "an image whose row excuses it", [launch(0, market), flow(60)], 0),
        ("lookup", "an image without a row", [launch(0, evil), flow(60)], 1),
        ("lookup", "no image at all", [launch(0, bare), flow(60)], 1),
        ("alternatives", "by the issuer of the session", [secret, call(60, "AttachUserPolicy")], 1),
        ("any_link_later", "named twice behind another", [call(0, "RunInstances"), call(60, "CreateImage", resources=named)], 1),
    ]

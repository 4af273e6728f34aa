"""`related.entity` of a CloudTrail event, as the integration fills it under its setting `actor_target_mapping`.

In: an event without empty values. Out: the ids of everything that takes part in the call. From the pipeline script of the
package (packages/aws/data_stream/cloudtrail of https://github.com/elastic/integrations, 2026), its part for EC2; calls of
other services add more, which no rule reads. Must not know: documents.

The script adds the ids of an instance one by one, and stops at the first that is missing or already there (such as the subnet
of the request), so what follows is lost; network interfaces come first and never are. Here nothing is lost: the source file
says what may be lost, and queries that would miss by it are refused (docs/sources.md).
"""

CALLER = (
    ("accessKeyId",),
    ("arn",),
    ("userName",),
    ("sessionContext", "sessionIssuer", "arn"),
    ("sessionContext", "sessionIssuer", "userName"),
)
REQUEST = "groupId groupName roleName subnetId volumeId networkInterfaceId vpcId snapshotId".split()
RESPONSE = "groupId reservationId snapshotId volumeId".split()


def related(event):
    found = set()
    for path in CALLER:
        add_all(found, [inside(event.get("userIdentity"), *path)])
    for resource in listed(event.get("resources")):
        add_all(found, [resource.get("ARN")])
    if event.get("eventSource") == "ec2.amazonaws.com":
        request, response = event.get("requestParameters"), event.get("responseElements")
        for one in [inside(request, name) for name in REQUEST] + [inside(response, name) for name in RESPONSE]:
            add_all(found, [one])
        for item in listed(inside(request, "instancesSet", "items")):
            add_all(found, [item.get("instanceId")])
        for item in listed(inside(response, "instancesSet", "items")):
            add_instance(found, item)
    return sorted(found)


def add_instance(found, item):
    profile = inside(item, "iamInstanceProfile", "arn")
    add_all(found, [*(item.get(name) for name in ("subnetId", "vpcId", "instanceId", "imageId")), profile])
    for network in listed(inside(item, "networkInterfaceSet", "items")):
        add_all(found, [network.get(name) for name in ("networkInterfaceId", "vpcId", "subnetId")])
        for group in listed(inside(network, "groupSet", "items")):
            add_all(found, [group.get("groupId")])


def add_all(found, values):
    found.update(value for value in values if isinstance(value, str))


def inside(value, *path):
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def listed(value):
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []

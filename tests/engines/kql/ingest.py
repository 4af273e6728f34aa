"""What Sentinel holds of raw events: rows of `AWSCloudTrail` and `AWSVPCFlow`, as their tables are documented.

In: an event as AWS writes it. Out: the name of the table and a row; a text that is missing stays out of it, and is empty in
the table, since Kusto's strings have no null. Must not know: queries, scenarios.

The pages: learn.microsoft.com/azure/azure-monitor/reference/tables/ awscloudtrail and awsvpcflow, for the names and types;
docs.aws.amazon.com, cloudtrail-event-reference-record-contents and flow-log-records, for what stands in the raw events.
"""

import datetime
import json

# Column to path in the record. The page of the table describes each column by the words of the record's documentation.
CLOUDTRAIL = {
    "TimeGenerated": "eventTime",
    "EventVersion": "eventVersion",
    "EventTypeName": "eventType",
    "EventSource": "eventSource",
    "EventName": "eventName",
    "AWSRegion": "awsRegion",
    "SourceIpAddress": "sourceIPAddress",
    "UserAgent": "userAgent",
    "ErrorCode": "errorCode",
    "ErrorMessage": "errorMessage",
    "RequestParameters": "requestParameters",
    "ResponseElements": "responseElements",
    "AdditionalEventData": "additionalEventData",
    "ServiceEventDetails": "serviceEventDetails",
    "Resources": "resources",
    "AwsRequestId_": "requestID",
    "AwsEventId": "eventID",
    "APIVersion": "apiVersion",
    "ReadOnly": "readOnly",
    "ManagementEvent": "managementEvent",
    "Category": "eventCategory",
    "RecipientAccountId": "recipientAccountId",
    "SharedEventId": "sharedEventID",
    "VpcEndpointId": "vpcEndpointId",
    "TlsVersion": "tlsDetails.tlsVersion",
    "CipherSuite": "tlsDetails.cipherSuite",
    "ClientProvidedHostHeader": "tlsDetails.clientProvidedHostHeader",
    "UserIdentityType": "userIdentity.type",
    "UserIdentityPrincipalid": "userIdentity.principalId",
    "UserIdentityArn": "userIdentity.arn",
    "UserIdentityAccountId": "userIdentity.accountId",
    "UserIdentityAccessKeyId": "userIdentity.accessKeyId",
    "UserIdentityUserName": "userIdentity.userName",
    "UserIdentityInvokedBy": "userIdentity.invokedBy",
    "UserIdentityUserId": "userIdentity.onBehalfOf.userId",
    "UserIdentityStoreArn": "userIdentity.onBehalfOf.identityStoreArn",
    "SessionCreationDate": "userIdentity.sessionContext.attributes.creationDate",
    "SessionMfaAuthenticated": "userIdentity.sessionContext.attributes.mfaAuthenticated",
    "SessionIssuerType": "userIdentity.sessionContext.sessionIssuer.type",
    "SessionIssuerPrincipalId": "userIdentity.sessionContext.sessionIssuer.principalId",
    "SessionIssuerArn": "userIdentity.sessionContext.sessionIssuer.arn",
    "SessionIssuerAccountId": "userIdentity.sessionContext.sessionIssuer.accountId",
    "SessionIssuerUserName": "userIdentity.sessionContext.sessionIssuer.userName",
}

# Column to field. The table has no column for `start`; TimeGenerated is it, and the time of arrival where it is missing.
FLOW = {
    "TimeGenerated": "start",
    "End": "end",
    "Version": "version",
    "AccountId": "account-id",
    "InterfaceId": "interface-id",
    "SrcAddr": "srcaddr",
    "DstAddr": "dstaddr",
    "SrcPort": "srcport",
    "DstPort": "dstport",
    "Protocol": "protocol",
    "Packets": "packets",
    "Bytes": "bytes",
    "Action": "action",
    "LogStatus": "log-status",
    "VpcId": "vpc-id",
    "SubnetId": "subnet-id",
    "InstanceId": "instance-id",
    "TcpFlags": "tcp-flags",
    "TrafficType": "type",
    "PktSrcAddr": "pkt-srcaddr",
    "PktDstAddr": "pkt-dstaddr",
    "Region": "region",
    "AzId": "az-id",
    "SublocationType": "sublocation-type",
    "SublocationId": "sublocation-id",
    "PktSrcAwsService": "pkt-src-aws-service",
    "PktDstAwsService": "pkt-dst-aws-service",
    "FlowDirection": "flow-direction",
    "TrafficPath": "traffic-path",
}


def at(record, path):
    for name in path.split("."):
        record = record.get(name) if isinstance(record, dict) else None
    return record


def text(value):
    """The columns of requests and responses are strings that hold JSON; `parse_json()` is needed to look into them."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def truth(value):
    """CloudTrail writes `readOnly` as a boolean and `mfaAuthenticated` as a text."""
    return {"true": True, "false": False}.get(str(value).lower())


def number(bits):
    """Flow records write `-` where a field does not apply, which no number column can hold."""

    def convert(value):
        digits = str(value)
        return int(digits) if digits.isascii() and digits.isdigit() and int(digits) < 1 << (bits - 1) else None

    return convert


def instant(value):
    """CloudTrail's times are ISO 8601, those of flow records seconds since 1970."""
    try:
        if str(value).isascii() and str(value).isdigit():
            return datetime.datetime.fromtimestamp(int(value), datetime.UTC).replace(tzinfo=None)
        return datetime.datetime.fromisoformat(value).astimezone(datetime.UTC).replace(tzinfo=None)
    except (TypeError, ValueError, OverflowError, OSError):
        return None


CONVERT = {"string": text, "bool": truth, "int": number(32), "long": number(64), "datetime": instant}
SOURCES = {
    "aws.cloudtrail": ("AWSCloudTrail", CLOUDTRAIL, at),
    "aws.vpcflow": ("AWSVPCFlow", FLOW, dict.get),
}


def row(event, schema):
    """`schema`: the columns of each table that are asked for, with their types."""
    table, paths, read = SOURCES[event["source"]]
    found = {}
    for column, kind in schema.get(table, {}).items():
        value = read(event["raw"], paths[column]) if column in paths else None
        value = None if value is None else CONVERT[kind](value)
        if value is not None:
            found[column] = value
    return table, found

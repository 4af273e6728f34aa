-- CloudTrail's files as they lie in the bucket, with the columns that AWS documents for Athena.
-- Reads every file each time; for more than a look: CREATE TABLE lake AS FROM cloudtrail_logs, or COPY to Parquet.
CREATE OR REPLACE VIEW cloudtrail_logs AS
WITH records AS (
  SELECT unnest(json_extract(json, '$.Records[*]')) AS record, filename
  FROM read_json_objects('LOCATION/**/*.json.gz', format = 'unstructured', filename = true, maximum_object_size = 1073741824)
)
SELECT record ->> '$.eventVersion' AS eventversion,
  CASE WHEN json_type(record, '$.userIdentity') = 'OBJECT' THEN struct_pack("type" := record ->> '$.userIdentity.type', "principalid" := record ->> '$.userIdentity.principalId', "arn" := record ->> '$.userIdentity.arn', "accountid" := record ->> '$.userIdentity.accountId', "invokedby" := record ->> '$.userIdentity.invokedBy', "accesskeyid" := record ->> '$.userIdentity.accessKeyId', "username" := record ->> '$.userIdentity.userName', "onbehalfof" := struct_pack("userid" := record ->> '$.userIdentity.onBehalfOf.userId', "identitystorearn" := record ->> '$.userIdentity.onBehalfOf.identityStoreArn'), "sessioncontext" := struct_pack("attributes" := struct_pack("mfaauthenticated" := record ->> '$.userIdentity.sessionContext.attributes.mfaAuthenticated', "creationdate" := record ->> '$.userIdentity.sessionContext.attributes.creationDate'), "sessionissuer" := struct_pack("type" := record ->> '$.userIdentity.sessionContext.sessionIssuer.type', "principalid" := record ->> '$.userIdentity.sessionContext.sessionIssuer.principalId', "arn" := record ->> '$.userIdentity.sessionContext.sessionIssuer.arn', "accountid" := record ->> '$.userIdentity.sessionContext.sessionIssuer.accountId', "username" := record ->> '$.userIdentity.sessionContext.sessionIssuer.userName'), "ec2roledelivery" := record ->> '$.userIdentity.sessionContext.ec2RoleDelivery', "webidfederationdata" := struct_pack("federatedprovider" := record ->> '$.userIdentity.sessionContext.webIdFederationData.federatedProvider', "attributes" := TRY_CAST(json_extract(record, '$.userIdentity.sessionContext.webIdFederationData.attributes') AS MAP(VARCHAR, VARCHAR))))) END AS useridentity,
  record ->> '$.eventTime' AS eventtime,
  record ->> '$.eventSource' AS eventsource,
  record ->> '$.eventName' AS eventname,
  record ->> '$.awsRegion' AS awsregion,
  record ->> '$.sourceIPAddress' AS sourceipaddress,
  record ->> '$.userAgent' AS useragent,
  record ->> '$.errorCode' AS errorcode,
  record ->> '$.errorMessage' AS errormessage,
  NULLIF(record ->> '$.requestParameters', 'null') AS requestparameters,
  NULLIF(record ->> '$.responseElements', 'null') AS responseelements,
  NULLIF(record ->> '$.additionalEventData', 'null') AS additionaleventdata,
  record ->> '$.requestID' AS requestid,
  record ->> '$.eventID' AS eventid,
  record ->> '$.readOnly' AS readonly,
  CASE WHEN json_type(record, '$.resources') = 'ARRAY' THEN list_transform(CAST(json_extract(record, '$.resources[*]') AS JSON[]), lambda one: struct_pack("arn" := one ->> '$.ARN', "accountid" := one ->> '$.accountId', "type" := one ->> '$.type')) END AS resources,
  record ->> '$.eventType' AS eventtype,
  record ->> '$.apiVersion' AS apiversion,
  record ->> '$.recipientAccountId' AS recipientaccountid,
  NULLIF(record ->> '$.serviceEventDetails', 'null') AS serviceeventdetails,
  record ->> '$.sharedEventID' AS sharedeventid,
  record ->> '$.vpcEndpointId' AS vpcendpointid,
  record ->> '$.vpcEndpointAccountId' AS vpcendpointaccountid,
  record ->> '$.eventCategory' AS eventcategory,
  CASE WHEN json_type(record, '$.addendum') = 'OBJECT' THEN struct_pack("reason" := record ->> '$.addendum.reason', "updatedfields" := record ->> '$.addendum.updatedFields', "originalrequestid" := record ->> '$.addendum.originalRequestID', "originaleventid" := record ->> '$.addendum.originalEventID') END AS addendum,
  record ->> '$.sessionCredentialFromConsole' AS sessioncredentialfromconsole,
  NULLIF(record ->> '$.edgeDeviceDetails', 'null') AS edgedevicedetails,
  CASE WHEN json_type(record, '$.tlsDetails') = 'OBJECT' THEN struct_pack("tlsversion" := record ->> '$.tlsDetails.tlsVersion', "ciphersuite" := record ->> '$.tlsDetails.cipherSuite', "clientprovidedhostheader" := record ->> '$.tlsDetails.clientProvidedHostHeader') END AS tlsdetails,
  regexp_extract(filename, '([0-9]{4}/[0-9]{2}/[0-9]{2})/[^/]*$', 1) AS "timestamp"
FROM records;

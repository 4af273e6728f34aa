-- AN1318 on AWS over the tables cloudtrail_logs and vpc_flow_logs, as one writes it for this rule and this log.
WITH console AS (
  SELECT recipientaccountid AS account, useridentity.arn AS actor, eventtime::TIMESTAMP AS moment
  FROM cloudtrail_logs
  WHERE (eventsource = 'signin.amazonaws.com' AND eventname = 'ConsoleLogin'
      AND responseelements ->> '$.ConsoleLogin' = 'Success')
    OR (sessioncredentialfromconsole = 'true' AND readonly IS DISTINCT FROM 'true')
),
item AS (
  SELECT recipientaccountid AS account, useridentity.arn AS actor, eventtime::TIMESTAMP AS moment, awsregion,
    unnest(json_extract(responseelements, '$.instancesSet.items[*]')) AS item
  FROM cloudtrail_logs
  WHERE eventsource = 'ec2.amazonaws.com' AND eventname = 'RunInstances' AND errorcode IS NULL
    AND NOT regexp_matches(coalesce(useridentity.sessioncontext.sessionissuer.arn, ''),
      '^arn:aws:iam::.*:role/(terraform-|aws-service-role/(autoscaling|eks-nodegroup)\.amazonaws\.com/)')
),
launch AS (
  SELECT account, actor, moment, awsregion, item ->> '$.imageId' AS image, item ->> '$.instanceId' AS instance,
    unnest(json_extract_string(item, '$.networkInterfaceSet.items[*].networkInterfaceId')) AS eni
  FROM item
  WHERE item ->> '$.imageId' NOT IN ('ami-0abcdef1234567890', 'ami-1234567890abcdef0', 'ami-0123456789abcdef0')
),
reached AS (
  SELECT launch.*, max(console.moment) AS console_at
  FROM launch JOIN console USING (account, actor)
  WHERE launch.moment BETWEEN console.moment AND console.moment + INTERVAL 15 MINUTES
  GROUP BY ALL
),
egress AS (
  SELECT account_id AS account, interface_id AS eni, make_timestamp("start" * 1000000) AS moment, dstaddr, dstport
  FROM vpc_flow_logs
  WHERE action = 'ACCEPT' AND srcport >= 32768 AND dstport < 32768
    AND (srcaddr LIKE '10.%' OR srcaddr LIKE '192.168.%' OR regexp_matches(srcaddr, '^172\.(1[6-9]|2\d|3[01])\.'))
    AND NOT regexp_matches(dstaddr,
      '^(10|192\.168|172\.(1[6-9]|2\d|3[01])|169\.254|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\.')
)
SELECT console_at AS console_time, reached.moment AS launch_time, actor AS launch_actor_id, image AS launch_image_id,
  instance AS launch_instance_id, awsregion AS launch_cloud_region, egress.moment AS egress_time, eni AS egress_instance_eni,
  account AS egress_cloud_account_id, dstaddr AS egress_destination_ip, dstport AS egress_destination_port
FROM egress JOIN reached USING (account, eni)
WHERE egress.moment BETWEEN reached.moment AND reached.moment + INTERVAL 10 MINUTES
QUALIFY row_number() OVER (PARTITION BY account, eni, egress.moment, dstaddr, dstport ORDER BY reached.console_at DESC) = 1

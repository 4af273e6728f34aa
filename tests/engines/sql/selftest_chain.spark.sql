-- A sign-in, within 900 seconds a launch by the same user in the same account, within 600 seconds a flow of its instance.
WITH login AS (
  SELECT eventid, useridentity.arn AS actor, recipientaccountid AS account, unix_micros(try_to_timestamp(eventtime)) AS t
  FROM cloudtrail_logs
  WHERE eventname = 'ConsoleLogin' AND get_json_object(responseelements, '$.ConsoleLogin') = 'Success' AND useridentity.arn <> ''
), items AS (
  SELECT eventid, useridentity.arn AS actor, recipientaccountid AS account, unix_micros(try_to_timestamp(eventtime)) AS t, errorcode,
    item.instanceId AS instance, item.imageId AS image
  FROM cloudtrail_logs
  LATERAL VIEW explode(from_json(responseelements,
    'instancesSet STRUCT<items: ARRAY<STRUCT<instanceId: STRING, imageId: STRING>>>').instancesSet.items) i AS item
  WHERE eventname = 'RunInstances'
), launch AS (
  SELECT eventid, actor, account, t, instance FROM items
  WHERE errorcode IS NULL AND instance <> '-' AND image NOT IN (
    SELECT value FROM approved_images WHERE until IS NULL OR TRY_CAST(until AS DATE) >= DATE '2026-11-01')
), flow AS (
  SELECT instance_id AS instance, account_id AS account, dstaddr, dstport, tcp_flags, start * 1000000 AS t, `end` * 1000000 AS e
  FROM vpc_flow_logs WHERE action = 'ACCEPT' AND instance_id <> '-' AND NOT COALESCE(lower(dstaddr) LIKE 'fe80:%', FALSE)
)
SELECT timestamp_micros(login.t) AS console_time, login.eventid AS console_event_id, timestamp_micros(launch.t) AS launch_time,
  launch.eventid AS launch_event_id, launch.actor AS launch_actor_id, timestamp_micros(flow.t) AS egress_time,
  timestamp_micros(flow.e) AS egress_flow_end, flow.instance AS egress_instance_id, flow.dstport AS egress_destination_port
FROM login JOIN launch ON login.actor = launch.actor AND login.account = launch.account AND launch.t - login.t BETWEEN 0 AND 900000000
JOIN flow ON flow.instance = launch.instance AND flow.account = launch.account AND flow.t - launch.t BETWEEN 0 AND 600000000

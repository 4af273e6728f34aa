-- A sign-in, within 900 seconds a launch by the same user in the same account, within 600 seconds a flow of its instance.
WITH login AS (
  SELECT eventid, useridentity.arn AS actor, recipientaccountid AS account, epoch_us(TRY_CAST(eventtime AS TIMESTAMPTZ)) AS t
  FROM cloudtrail_logs
  WHERE eventname = 'ConsoleLogin' AND (TRY_CAST(responseelements AS JSON) ->> '$.ConsoleLogin') = 'Success' AND useridentity.arn <> ''
), items AS (
  SELECT eventid, useridentity.arn AS actor, recipientaccountid AS account, epoch_us(TRY_CAST(eventtime AS TIMESTAMPTZ)) AS t, errorcode,
    unnest(TRY_CAST(json_extract(TRY_CAST(responseelements AS JSON), '$.instancesSet.items') AS JSON[])) AS item
  FROM cloudtrail_logs WHERE eventname = 'RunInstances'
), launch AS (
  SELECT eventid, actor, account, t, item ->> '$.instanceId' AS instance FROM items
  WHERE errorcode IS NULL AND item ->> '$.instanceId' <> '-' AND item ->> '$.imageId' NOT IN (
    SELECT value FROM approved_images WHERE until IS NULL OR TRY_CAST(until AS DATE) >= DATE '2026-11-01')
), flow AS (
  SELECT instance_id AS instance, account_id AS account, dstaddr, dstport, tcp_flags, start * 1000000 AS t, "end" * 1000000 AS e
  FROM vpc_flow_logs WHERE action = 'ACCEPT' AND instance_id <> '-' AND NOT COALESCE(lower(dstaddr) LIKE 'fe80:%', FALSE)
)
SELECT make_timestamp(login.t) AS console_time, login.eventid AS console_event_id, make_timestamp(launch.t) AS launch_time,
  launch.eventid AS launch_event_id, launch.actor AS launch_actor_id, make_timestamp(flow.t) AS egress_time,
  make_timestamp(flow.e) AS egress_flow_end, flow.instance AS egress_instance_id, flow.dstport AS egress_destination_port
FROM login JOIN launch ON login.actor = launch.actor AND login.account = launch.account AND launch.t - login.t BETWEEN 0 AND 900000000
JOIN flow ON flow.instance = launch.instance AND flow.account = launch.account AND flow.t - launch.t BETWEEN 0 AND 600000000

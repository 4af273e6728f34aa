-- Flow logs of the default format as they lie in the bucket: text, a header line, columns between blanks. With another
-- format, bring the columns into the order of the file; what is behind the file's last column is NULL.
-- The folders are those of AWS: 2026/11/28 or year=2026/month=11/day=28, with or without one for each hour.
CREATE TABLE vpc_flow_files (
  `version` INT,
  `account_id` STRING,
  `interface_id` STRING,
  `srcaddr` STRING,
  `dstaddr` STRING,
  `srcport` INT,
  `dstport` INT,
  `protocol` BIGINT,
  `packets` BIGINT,
  `bytes` BIGINT,
  `start` BIGINT,
  `end` BIGINT,
  `action` STRING,
  `log_status` STRING,
  `vpc_id` STRING,
  `subnet_id` STRING,
  `instance_id` STRING,
  `tcp_flags` INT,
  `type` STRING,
  `pkt_srcaddr` STRING,
  `pkt_dstaddr` STRING,
  `region` STRING,
  `az_id` STRING,
  `sublocation_type` STRING,
  `sublocation_id` STRING,
  `pkt_src_aws_service` STRING,
  `pkt_dst_aws_service` STRING,
  `flow_direction` STRING,
  `traffic_path` INT
) USING csv OPTIONS (path 'LOCATION', recursiveFileLookup 'true', sep ' ', header 'true', quote '', mode 'PERMISSIVE');

CREATE OR REPLACE VIEW vpc_flow_logs AS
SELECT *, TRY_CAST(regexp_replace(regexp_replace(regexp_extract(_metadata.file_path,
    '/((year=)?[0-9]{4}/(month=)?[0-9]{2}/(day=)?[0-9]{2})(/(hour=)?[0-9]{2})?/[^/]*$', 1), '[a-z]+=', ''), '/', '-') AS DATE) AS `date`
FROM vpc_flow_files;

-- A raw event as JSON in each row. Files, plain or gzipped (.gz), hold JSON values one after the other, in one list or as
-- the source's envelopes. If others lie there too, write a pattern that leaves them out.
CREATE OR REPLACE VIEW NAME AS
WITH files AS (
  SELECT CAST(json AS VARCHAR) AS value FROM read_json_objects('LOCATION/**/[!_.]*', format = 'auto')
),
-- What stands in an envelope, or null; then the items of a list. What is neither is looked into no more.
found_1 AS (
  SELECT value, list_filter(json_extract_string(TRY_CAST(value AS JSON), [WAYS]),
    lambda x: regexp_matches(x, '^\s*[{\[]') AND MARKS)[1] AS inside FROM files
),
opened_1 AS (
  SELECT inside IS NOT NULL OR regexp_matches(value, '^\s*\[') AS goes_on, unnest(
    CASE WHEN regexp_matches(COALESCE(inside, value), '^\s*\[')
      THEN json_extract_string(TRY_CAST(COALESCE(inside, value) AS JSON), '$[*]') ELSE [COALESCE(inside, value)] END
  ) AS value FROM found_1
),
found_2 AS (
  SELECT value, CASE WHEN goes_on THEN list_filter(json_extract_string(TRY_CAST(value AS JSON), [WAYS]),
    lambda x: regexp_matches(x, '^\s*[{\[]') AND MARKS)[1] END AS inside FROM opened_1
),
opened_2 AS (
  SELECT inside IS NOT NULL OR regexp_matches(value, '^\s*\[') AS goes_on, unnest(
    CASE WHEN regexp_matches(COALESCE(inside, value), '^\s*\[')
      THEN json_extract_string(TRY_CAST(COALESCE(inside, value) AS JSON), '$[*]') ELSE [COALESCE(inside, value)] END
  ) AS value FROM found_2
)
SELECT COALESCE(CASE WHEN goes_on THEN list_filter(json_extract_string(TRY_CAST(value AS JSON), [WAYS]),
  lambda x: regexp_matches(x, '^\s*[{]') AND MARKS)[1] END, value) AS event FROM opened_2;

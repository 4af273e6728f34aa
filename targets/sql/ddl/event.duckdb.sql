-- A raw event as JSON in each row. Files, plain or gzipped (.gz), hold JSON values one after the other, in one list or as
-- the source's envelopes. If others lie there too, write a pattern that leaves them out.
CREATE OR REPLACE VIEW NAME AS
WITH files AS (
  SELECT CAST(json AS VARCHAR) AS event FROM read_json_objects('LOCATION/**/[!_.]*', format = 'auto')
),
found_1 AS (
  SELECT COALESCE(list_filter(json_extract_string(TRY_CAST(event AS JSON), [WAYS]),
    lambda x: regexp_matches(x, '^\s*[{\[]') AND MARKS)[1], event) AS event FROM files
),
opened_1 AS (
  SELECT unnest(CASE WHEN json_type(TRY_CAST(event AS JSON)) = 'ARRAY'
    THEN json_extract_string(TRY_CAST(event AS JSON), '$[*]') ELSE [event] END) AS event FROM found_1
),
found_2 AS (
  SELECT COALESCE(list_filter(json_extract_string(TRY_CAST(event AS JSON), [WAYS]),
    lambda x: regexp_matches(x, '^\s*[{\[]') AND MARKS)[1], event) AS event FROM opened_1
),
opened_2 AS (
  SELECT unnest(CASE WHEN json_type(TRY_CAST(event AS JSON)) = 'ARRAY'
    THEN json_extract_string(TRY_CAST(event AS JSON), '$[*]') ELSE [event] END) AS event FROM found_2
)
SELECT COALESCE(list_filter(json_extract_string(TRY_CAST(event AS JSON), [WAYS]),
  lambda x: regexp_matches(x, '^\s*[{]') AND MARKS)[1], event) AS event FROM opened_2;

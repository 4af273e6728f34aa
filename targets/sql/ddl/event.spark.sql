-- A raw event as JSON in each row. Files hold one JSON value a line: an event, a list of events or the source's envelope.
-- What goes over several lines gives nothing.
CREATE TABLE NAME_files (value STRING) USING text OPTIONS (path 'LOCATION', recursiveFileLookup 'true');
CREATE OR REPLACE VIEW NAME AS
-- What stands in an envelope, or null; then the items of a list. What is neither is looked into no more.
WITH found_1 AS (
  SELECT value, get(filter(array(WAYS), x -> x RLIKE '^\\s*[{\\[]' AND MARKS), 0) AS inside FROM NAME_files
),
opened_1 AS (
  SELECT inside IS NOT NULL OR value RLIKE '^\\s*\\[' AS goes_on, explode(
    CASE WHEN COALESCE(inside, value) RLIKE '^\\s*\\['
      THEN COALESCE(from_json(COALESCE(inside, value), 'ARRAY<STRING>'), array(value)) ELSE array(COALESCE(inside, value)) END
  ) AS value FROM found_1
),
found_2 AS (
  SELECT value, CASE WHEN goes_on THEN get(filter(array(WAYS), x -> x RLIKE '^\\s*[{\\[]' AND MARKS), 0) END AS inside
  FROM opened_1
),
opened_2 AS (
  SELECT inside IS NOT NULL OR value RLIKE '^\\s*\\[' AS goes_on, explode(
    CASE WHEN COALESCE(inside, value) RLIKE '^\\s*\\['
      THEN COALESCE(from_json(COALESCE(inside, value), 'ARRAY<STRING>'), array(value)) ELSE array(COALESCE(inside, value)) END
  ) AS value FROM found_2
)
SELECT COALESCE(CASE WHEN goes_on THEN get(filter(array(WAYS), x -> x RLIKE '^\\s*[{]' AND MARKS), 0) END, value) AS event
FROM opened_2;

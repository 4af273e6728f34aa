-- A raw event as JSON in each row. Files hold one JSON value a line: an event, a list of events or the source's envelope.
-- What goes over several lines gives nothing.
CREATE TABLE NAME_files (event STRING) USING text OPTIONS (path 'LOCATION', recursiveFileLookup 'true');
CREATE OR REPLACE VIEW NAME AS
WITH found_1 AS (
  SELECT COALESCE(get(filter(array(WAYS),
    x -> x RLIKE '^\\s*[{\\[]' AND MARKS), 0), event) AS event FROM NAME_files
),
opened_1 AS (
  SELECT explode(CASE WHEN event RLIKE '^\\s*\\['
    THEN COALESCE(from_json(event, 'ARRAY<STRING>'), array(event)) ELSE array(event) END) AS event FROM found_1
),
found_2 AS (
  SELECT COALESCE(get(filter(array(WAYS),
    x -> x RLIKE '^\\s*[{\\[]' AND MARKS), 0), event) AS event FROM opened_1
),
opened_2 AS (
  SELECT explode(CASE WHEN event RLIKE '^\\s*\\['
    THEN COALESCE(from_json(event, 'ARRAY<STRING>'), array(event)) ELSE array(event) END) AS event FROM found_2
)
SELECT COALESCE(get(filter(array(WAYS),
  x -> x RLIKE '^\\s*[{]' AND MARKS), 0), event) AS event FROM opened_2;

-- A raw event as JSON in each row; files with one event a line.
CREATE OR REPLACE VIEW NAME AS
SELECT CAST(json AS VARCHAR) AS event FROM read_json_objects('LOCATION/**/*.json*', format = 'newline_delimited');

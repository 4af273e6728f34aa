-- A raw event as JSON in each row; files with one event a line, plain or gzipped (.gz), whatever they are called. If
-- others lie there too, write a pattern that leaves them out.
CREATE OR REPLACE VIEW NAME AS
SELECT CAST(json AS VARCHAR) AS event FROM read_json_objects('LOCATION/**/[!_.]*', format = 'newline_delimited');

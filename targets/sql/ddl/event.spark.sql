-- A raw event as JSON in each row; files with one event a line.
CREATE TABLE NAME (event STRING) USING text OPTIONS (path 'LOCATION', recursiveFileLookup 'true');

-- For Athena: a raw event as JSON in each row; files with one event a line.
CREATE EXTERNAL TABLE NAME (event string)
ROW FORMAT DELIMITED
FIELDS TERMINATED BY '\001'
LOCATION 'LOCATION';

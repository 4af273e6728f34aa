-- For Athena: a raw event as JSON in each row; files with one event a line. Lists of events, envelopes around them and
-- what goes over several lines give nothing: take them apart before they come into the bucket.
CREATE EXTERNAL TABLE NAME (event string)
ROW FORMAT DELIMITED
FIELDS TERMINATED BY '\001'
LOCATION 'LOCATION';

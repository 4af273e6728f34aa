-- The files of a table of Amazon Security Lake, source version 1; LOCATION is the folder of the table.
CREATE OR REPLACE VIEW NAME AS
SELECT * FROM read_parquet('LOCATION/**/*.parquet', hive_partitioning = true, union_by_name = true);

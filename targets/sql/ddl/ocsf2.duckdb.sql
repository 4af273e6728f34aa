-- An Iceberg table of Amazon Security Lake, source version 2; LOCATION is its folder. Needs DuckDB's extension iceberg.
CREATE OR REPLACE VIEW NAME AS
SELECT * FROM iceberg_scan('LOCATION');

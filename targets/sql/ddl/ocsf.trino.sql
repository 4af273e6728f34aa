-- A table of Amazon Security Lake under the name that queries read; REGION is written like us_east_1.
CREATE OR REPLACE VIEW NAME AS
SELECT * FROM amazon_security_lake_glue_db_REGION.amazon_security_lake_table_REGION_NAME;

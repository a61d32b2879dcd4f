-- For Studio and dashboards: tokens and cost of the last day by model.
CREATE OR REPLACE VIEW job_usage_stats AS
SELECT * FROM usage_stats();

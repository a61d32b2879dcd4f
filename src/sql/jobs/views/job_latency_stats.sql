-- For Studio and dashboards: throughput and latency of the last hour by queue, intent and mode.
CREATE OR REPLACE VIEW job_latency_stats AS
SELECT * FROM latency_stats();

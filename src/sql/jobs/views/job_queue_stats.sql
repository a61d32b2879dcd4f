-- For Studio and dashboards: every queue now, and its last hour.
CREATE OR REPLACE VIEW job_queue_stats AS
SELECT * FROM queue_stats();

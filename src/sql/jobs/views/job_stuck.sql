-- For Studio and dashboards: the jobs that do not go on, and why.
CREATE OR REPLACE VIEW job_stuck AS
SELECT * FROM stuck_jobs();

-- For Studio and dashboards: the jobs that do not go on, and why.
CREATE OR REPLACE VIEW public.job_stuck AS
SELECT * FROM public.stuck_jobs();

-- For Studio and dashboards: every queue now, and its last hour.
CREATE OR REPLACE VIEW public.job_queue_stats AS
SELECT * FROM public.queue_stats();

-- The row of a job, or no row.
--
--   SELECT status, progress FROM get_job('job-1');
CREATE OR REPLACE FUNCTION public.get_job(job_id text)
RETURNS SETOF public.jobs
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
  SELECT * FROM public.jobs WHERE id = get_job.job_id
$$;

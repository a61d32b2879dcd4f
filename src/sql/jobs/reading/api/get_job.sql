-- The row of a job, or no row.
--
--   SELECT status, progress FROM get_job('job-1');
CREATE OR REPLACE FUNCTION get_job(job_id text)
RETURNS SETOF jobs
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
  SELECT * FROM jobs WHERE id = get_job.job_id
$$;

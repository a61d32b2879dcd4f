-- The leases of a job that have ended, in the order in which they were taken.
--
--   SELECT attempt, worker_id, outcome, error ->> 'message' FROM job_attempts_of('job-1');
CREATE OR REPLACE FUNCTION job_attempts_of(job_id text)
RETURNS SETOF job_attempts
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
  SELECT * FROM job_attempts WHERE job_id = job_attempts_of.job_id ORDER BY lease_token
$$;

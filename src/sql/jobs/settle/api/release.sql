-- Gives a job back undone, for anybody to claim at once: a worker that shuts down, or is not the right one. The attempt
-- does not count. Answers as complete() does; cancelled when somebody had asked for that, and then the job is cancelled
-- now: release() is how a worker obeys.
--
--   SELECT release('job-1', lease_token => 4);
CREATE OR REPLACE FUNCTION release(job_id text, lease_token bigint)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
AS $$
BEGIN
  RETURN end_lease(release.job_id, release.lease_token, 'pending', 'released');
END
$$;

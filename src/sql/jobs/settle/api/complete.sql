-- Ends a job well, with its result. Answers ok; stale_lease when the lease was taken back or is settled already;
-- cancelled when the job was cancelled; not_found. Anything but ok has changed nothing.
--
--   SELECT complete('job-1', lease_token => 4, result => '{"summary": "…"}');
--
-- It waits for a row that another transaction holds locked; complete_many() and complete_and_claim() do not.
--
-- A job whose cancellation was asked for, and which got done nevertheless, is completed.
--
-- Here and in the other functions about leases, lease_expires_at IS NOT NULL says that the job is running (the table's
-- trigger makes it the same). status = 'running' would offer the planner the index of running jobs, and where statistics say
-- that few are running it reads all of them instead of the primary key.
CREATE OR REPLACE FUNCTION complete(job_id text, lease_token bigint, result jsonb DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
BEGIN
  WITH settled AS (
    UPDATE jobs AS job
    SET status = 'completed', result = complete.result, error = NULL, progress = 1, lease_expires_at = NULL,
      completed_at = greatest(current_moment, job.started_at), updated_at = now()
    WHERE job.id = complete.job_id AND job.lease_token = complete.lease_token AND job.lease_expires_at IS NOT NULL
    RETURNING job.id, job.lease_token, job.started_at, job.completed_at, job.attempt, job.worker_id
  )
  INSERT INTO job_attempts (job_id, lease_token, started_at, finished_at, attempt, outcome, worker_id)
  SELECT id, lease_token, started_at, completed_at, attempt, 'completed', worker_id FROM settled;
  IF FOUND THEN
    RETURN 'ok';
  END IF;
  RETURN lease_refusal(complete.job_id, complete.lease_token);
END
$$;

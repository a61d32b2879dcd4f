-- Ends a lease without ending the job, which goes on as pending or waiting: the common part of release(), snooze() and
-- wait_for(). The attempt is given back, for nothing has failed. A job whose cancellation was asked for is cancelled
-- instead: this is the moment at which its worker lets go of it.
CREATE OR REPLACE FUNCTION end_lease(
  job_id text,
  lease_token bigint,
  next_status job_status,
  outcome text,
  run_at timestamptz DEFAULT NULL,
  wait_reason text DEFAULT NULL,
  required_action jsonb DEFAULT NULL,
  wait_expires_at timestamptz DEFAULT NULL
)
RETURNS text
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
  job jobs;
BEGIN
  SELECT * INTO job FROM jobs
  WHERE id = end_lease.job_id AND lease_token = end_lease.lease_token AND lease_expires_at IS NOT NULL
  FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN lease_refusal(end_lease.job_id, end_lease.lease_token);
  END IF;
  current_moment := greatest(current_moment, job.started_at);
  IF job.cancel_requested_at IS NOT NULL THEN
    UPDATE jobs
    SET status = 'cancelled', completed_at = current_moment, lease_expires_at = NULL, heartbeat_at = current_moment
    WHERE id = job.id;
  ELSE
    UPDATE jobs
    -- The last sign of life: no later attempt starts before it (claim).
    SET status = end_lease.next_status, lease_expires_at = NULL, attempt = job.attempt - 1, heartbeat_at = current_moment,
      run_at = coalesce(end_lease.run_at, job.run_at), wait_reason = end_lease.wait_reason,
      wait_expires_at = end_lease.wait_expires_at,
      required_action = coalesce(end_lease.required_action, job.required_action)
    WHERE id = job.id;
  END IF;
  INSERT INTO job_attempts (job_id, lease_token, started_at, finished_at, attempt, outcome, worker_id)
  VALUES (
    job.id, job.lease_token, job.started_at, current_moment, job.attempt,
    (CASE WHEN job.cancel_requested_at IS NULL THEN end_lease.outcome ELSE 'cancelled' END)::attempt_outcome,
    job.worker_id
  );
  RETURN CASE WHEN job.cancel_requested_at IS NULL THEN 'ok' ELSE 'cancelled' END;
END
$$;

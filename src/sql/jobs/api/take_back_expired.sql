-- Ends at most max_jobs leases of a queue that ran out, and fails as many jobs that are past their deadline; gives the
-- number of jobs changed. claim() does this by itself; a queue that nobody claims from may be swept by a cron job.
--
-- A job whose lease ran out becomes pending again; cancelled, if that was asked for; failed, if its attempts are used up
-- or its deadline is past. Its worker, should it still live, holds an old lease_token and can change nothing more once
-- the job is handed out again.
CREATE OR REPLACE FUNCTION take_back_expired(queue text DEFAULT 'default', max_jobs integer DEFAULT 100)
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
  taken integer;
  overdue integer;
BEGIN
  IF take_back_expired.max_jobs IS NULL OR take_back_expired.max_jobs < 1 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('take_back_expired: max_jobs must be at least 1, got %s', coalesce(take_back_expired.max_jobs::text, 'null'));
  END IF;

  WITH expired AS MATERIALIZED (
    SELECT job.id,
      CASE
        WHEN job.cancel_requested_at IS NOT NULL THEN 'cancelled'
        WHEN job.deadline_at <= current_moment OR job.attempt >= job.max_attempts THEN 'failed'
        ELSE 'pending'
      END::job_status AS next_status,
      CASE
        WHEN job.deadline_at <= current_moment THEN deadline_error(job.deadline_at)
        ELSE jsonb_build_object('code', 'lease_lost',
          'message', format('worker %s did not renew its lease, which ended at %s', job.worker_id, job.lease_expires_at))
      END AS reason
    FROM jobs AS job
    -- No lease is shorter than this, so jobs that were claimed just now need not be looked at.
    WHERE job.queue = take_back_expired.queue AND job.status = 'running'
      AND job.started_at <= current_moment - interval '10 milliseconds' AND job.lease_expires_at <= current_moment
    ORDER BY job.started_at
    LIMIT take_back_expired.max_jobs
    FOR NO KEY UPDATE SKIP LOCKED
  ), lost AS (
    UPDATE jobs AS job
    SET status = expired.next_status,
      lease_expires_at = NULL,
      run_at = CASE WHEN expired.next_status = 'pending' THEN current_moment ELSE job.run_at END,
      completed_at = CASE WHEN expired.next_status = 'pending' THEN NULL ELSE current_moment END,
      progress = CASE WHEN expired.next_status = 'pending' THEN 0 ELSE job.progress END,
      progress_message = CASE WHEN expired.next_status = 'pending' THEN NULL ELSE job.progress_message END,
      error = CASE WHEN expired.next_status = 'cancelled' THEN job.error ELSE expired.reason END
    FROM expired
    WHERE job.id = expired.id
    RETURNING job.id, job.lease_token, job.started_at, job.attempt, job.worker_id, expired.reason
  )
  INSERT INTO job_attempts (job_id, lease_token, started_at, finished_at, attempt, outcome, worker_id, error)
  SELECT id, lease_token, started_at, current_moment, attempt, 'lease_lost', worker_id, reason FROM lost;
  GET DIAGNOSTICS taken = ROW_COUNT;

  WITH late AS MATERIALIZED (
    SELECT job.id FROM jobs AS job
    WHERE job.queue = take_back_expired.queue AND job.status IN ('pending', 'waiting') AND job.deadline_at <= current_moment
    ORDER BY job.deadline_at
    LIMIT take_back_expired.max_jobs
    FOR NO KEY UPDATE SKIP LOCKED
  )
  UPDATE jobs AS job
  SET status = 'failed', wait_reason = NULL, completed_at = current_moment, error = deadline_error(job.deadline_at)
  FROM late
  WHERE job.id = late.id;
  GET DIAGNOSTICS overdue = ROW_COUNT;
  RETURN taken + overdue;
END
$$;

-- complete() and then claim() in one call, for a worker that has done one job and wants the next: one round trip and one
-- transaction instead of two. Answers the outcome of complete(), in each row, and the jobs of claim(); a single row with a
-- null job if nothing is ready. The claim is made whatever the outcome. The outcome locked means that somebody else's
-- transaction holds the row of the job that is done: nothing was waited for, complete it again soon.
--
--   SELECT outcome, (job).id, (job).lease_token, (job).inputs
--   FROM complete_and_claim('job-1', 4, '{"summary": "…"}', queue => 'documents', worker_id => 'worker-1');
--
-- If claiming fails, nothing is completed.
CREATE OR REPLACE FUNCTION complete_and_claim(
  job_id text,
  lease_token bigint,
  result jsonb,
  queue text,
  worker_id text,
  max_jobs integer DEFAULT 1,
  lease_seconds double precision DEFAULT 60,
  modes execution_mode[] DEFAULT NULL,
  intents text[] DEFAULT NULL
)
RETURNS TABLE (outcome text, job jobs)
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
BEGIN
  WITH settled AS (
    UPDATE jobs AS done
    SET status = 'completed', result = complete_and_claim.result, error = NULL, progress = 1, lease_expires_at = NULL,
      completed_at = greatest(current_moment, done.started_at), updated_at = now()
    WHERE done.ctid = ANY (ARRAY(
      SELECT held.ctid FROM jobs AS held
      WHERE held.id = complete_and_claim.job_id AND held.lease_token = complete_and_claim.lease_token
        AND held.lease_expires_at IS NOT NULL
      FOR NO KEY UPDATE SKIP LOCKED
    ))
    RETURNING done.id, done.lease_token, done.started_at, done.completed_at, done.attempt, done.worker_id
  )
  INSERT INTO job_attempts (job_id, lease_token, started_at, finished_at, attempt, outcome, worker_id)
  SELECT id, lease_token, started_at, completed_at, attempt, 'completed', worker_id FROM settled;
  outcome := CASE WHEN FOUND THEN 'ok' ELSE lease_refusal(complete_and_claim.job_id, complete_and_claim.lease_token) END;
  RETURN QUERY
    SELECT outcome, next FROM claim(complete_and_claim.queue, complete_and_claim.worker_id, complete_and_claim.max_jobs,
      complete_and_claim.lease_seconds, complete_and_claim.modes, complete_and_claim.intents) AS next;
  IF NOT FOUND THEN
    RETURN NEXT;
  END IF;
END
$$;

-- Runs a failed or cancelled job again, from its first attempt; what happened before stays in job_attempts. Answers ok;
-- wrong_status when it is neither; conflict when another unfinished job has the singleton_key of it or of a descendant;
-- not_found.
--
--   SELECT retry('job-1');
--
-- What failed below it runs again as well (cascade), and what was completed there is kept: a job that failed because a child
-- did (child_failed) waits for its children again, all others are pending. A deadline that is past is taken away, or the job
-- would fail at once.
CREATE OR REPLACE FUNCTION retry(job_id text, run_at timestamptz DEFAULT NULL, cascade boolean DEFAULT true)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz;
  targets text[] := CASE WHEN retry.cascade THEN descendants(retry.job_id) ELSE ARRAY[retry.job_id] END;
  waiting text[];
  status job_status;
BEGIN
  PERFORM FROM unnest(targets) WITH ORDINALITY AS target (id, place)
  JOIN jobs AS job ON job.id = target.id
  ORDER BY target.place
  FOR NO KEY UPDATE OF job;
  SELECT job.status INTO status FROM jobs AS job WHERE job.id = retry.job_id;
  IF NOT FOUND THEN
    RETURN 'not_found';
  END IF;
  IF status NOT IN ('failed', 'cancelled') THEN
    RETURN 'wrong_status';
  END IF;
  current_moment := jobs_now();
  BEGIN
    WITH again AS (
      UPDATE jobs AS job
      SET status = CASE WHEN waits.for_children THEN 'waiting'::job_status ELSE 'pending' END,
        wait_reason = CASE WHEN waits.for_children THEN 'children' END,
        attempt = 0, losses = 0, run_at = coalesce(retry.run_at, current_moment), error = NULL, result = NULL,
        progress = 0, progress_message = NULL, completed_at = NULL, cancel_requested_at = NULL,
        deadline_at = CASE WHEN job.deadline_at <= current_moment THEN NULL ELSE job.deadline_at END
      FROM unnest(targets) AS target (id)
      CROSS JOIN LATERAL (
        SELECT retry.cascade AND before.status = 'failed' AND before.error ->> 'code' = 'child_failed' FROM jobs AS before
        WHERE before.id = target.id
      ) AS waits (for_children)
      WHERE job.id = target.id AND job.status IN ('failed', 'cancelled')
      RETURNING job.id, job.status
    )
    SELECT array_agg(again.id) FILTER (WHERE again.status = 'waiting') INTO waiting FROM again;
  EXCEPTION WHEN unique_violation THEN
    RETURN 'conflict';
  END;
  -- Should all that failed have been retried one by one before.
  IF waiting IS NOT NULL THEN
    PERFORM continue_parents(waiting);
  END IF;
  RETURN 'ok';
END
$$;

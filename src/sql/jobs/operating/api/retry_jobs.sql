-- retry() for the failed and cancelled jobs that a filter means (see count_jobs), at most max_jobs in a call, without their
-- descendants; gives how many run again. Call it again until it gives 0. Jobs beside an unfinished one of their
-- singleton_key are left as they are, and so are rows that others hold locked.
--
--   SELECT retry_jobs('{"queue": "documents", "error_code": "timeout"}', max_jobs => 1000);
CREATE OR REPLACE FUNCTION retry_jobs(filter jsonb, max_jobs integer DEFAULT 1000, run_at timestamptz DEFAULT NULL)
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
  target text;
  changed integer := 0;
BEGIN
  PERFORM check_job_filter('retry_jobs', filter);
  PERFORM check_batch('retry_jobs', max_jobs);
  -- A job in the way of another's singleton_key is passed over, or it would be found in every call.
  FOR target IN
    SELECT job.id FROM jobs AS job
    WHERE job.completed_at IS NOT NULL AND job.status IN ('failed', 'cancelled') AND job_matches(job, filter)
      AND (job.singleton_key IS NULL OR NOT EXISTS (
        SELECT FROM jobs AS other
        WHERE other.queue = job.queue AND other.singleton_key = job.singleton_key AND other.status IN ('pending', 'running', 'waiting')
      ))
    LIMIT max_jobs
    FOR NO KEY UPDATE OF job SKIP LOCKED
  LOOP
    IF retry(target, retry_jobs.run_at, false) = 'ok' THEN
      changed := changed + 1;
    END IF;
  END LOOP;
  RETURN changed;
END
$$;

-- Runs a failed or cancelled job again, from its first attempt; what happened before stays in job_attempts. Answers ok;
-- wrong_status when it is neither; conflict when another unfinished job has its singleton_key; not_found.
--
--   SELECT retry('job-1');
--
-- A deadline that is past is taken away, or the job would fail at once.
CREATE OR REPLACE FUNCTION retry(job_id text, run_at timestamptz DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
BEGIN
  BEGIN
    UPDATE jobs AS job
    SET status = 'pending', attempt = 0, run_at = coalesce(retry.run_at, current_moment), error = NULL, result = NULL,
      progress = 0, progress_message = NULL, completed_at = NULL, cancel_requested_at = NULL,
      deadline_at = CASE WHEN job.deadline_at <= current_moment THEN NULL ELSE job.deadline_at END
    WHERE job.id = retry.job_id AND job.status IN ('failed', 'cancelled');
  EXCEPTION WHEN unique_violation THEN
    RETURN 'conflict';
  END;
  IF FOUND THEN
    RETURN 'ok';
  END IF;
  RETURN CASE WHEN EXISTS (SELECT FROM jobs WHERE id = retry.job_id) THEN 'wrong_status' ELSE 'not_found' END;
END
$$;

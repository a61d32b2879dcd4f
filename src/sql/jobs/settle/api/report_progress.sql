-- Says how far a job is, from 0 to 1, and what it is doing. Answers as complete() does; cancelled also when somebody
-- asked for that while it runs (the progress is written: the worker is still at it). An argument that is null leaves
-- its column as it is.
--
--   SELECT report_progress('job-1', lease_token => 4, progress => 0.5, message => 'page 10 of 20');
CREATE OR REPLACE FUNCTION report_progress(
  job_id text,
  lease_token bigint,
  progress double precision DEFAULT NULL,
  message text DEFAULT NULL
)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  is_cancelling boolean;
BEGIN
  IF NOT (report_progress.progress >= 0 AND report_progress.progress <= 1) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('report_progress: progress must be from 0 to 1, got %s', report_progress.progress);
  END IF;
  UPDATE jobs AS job
  SET progress = coalesce(report_progress.progress, job.progress),
    progress_message = coalesce(report_progress.message, job.progress_message)
  WHERE job.id = report_progress.job_id AND job.lease_token = report_progress.lease_token AND job.lease_expires_at IS NOT NULL
  RETURNING job.cancel_requested_at IS NOT NULL INTO is_cancelling;
  IF FOUND THEN
    RETURN CASE WHEN is_cancelling THEN 'cancelled' ELSE 'ok' END;
  END IF;
  RETURN lease_refusal(report_progress.job_id, report_progress.lease_token);
END
$$;

-- Ends the waiting of a job: it is pending, with response in required_action.response for the worker that claims it
-- next. Answers ok; wrong_status when it is not waiting; not_found.
--
--   SELECT resume('job-1', '{"colour": "blue"}');
CREATE OR REPLACE FUNCTION resume(job_id text, response jsonb DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
  UPDATE jobs
  SET status = 'pending', wait_reason = NULL, run_at = jobs_now(),
    required_action = coalesce(required_action, '{}') || jsonb_build_object('response', resume.response)
  WHERE id = resume.job_id AND status = 'waiting';
  IF FOUND THEN
    RETURN 'ok';
  END IF;
  RETURN CASE WHEN EXISTS (SELECT FROM jobs WHERE id = resume.job_id) THEN 'wrong_status' ELSE 'not_found' END;
END
$$;

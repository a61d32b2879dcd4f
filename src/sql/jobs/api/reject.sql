-- Says no to a job that waits for approval: it has failed, with the code "rejected" and the comment as its message.
-- Answers ok; wrong_status when it does not wait for approval; not_found.
--
--   SELECT reject('job-1', rejected_by => 'ada', comment => 'too expensive');
CREATE OR REPLACE FUNCTION reject(job_id text, rejected_by text DEFAULT NULL, comment text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
  UPDATE jobs
  SET status = 'failed', wait_reason = NULL, completed_at = jobs_now(),
    required_action = coalesce(required_action, '{}') || jsonb_build_object('response',
      jsonb_build_object('approved', false, 'by', reject.rejected_by, 'comment', reject.comment)),
    error = jsonb_build_object('code', 'rejected', 'message', coalesce(reject.comment, 'the approval was refused'),
      'detail', jsonb_build_object('by', reject.rejected_by))
  WHERE id = reject.job_id AND status = 'waiting' AND wait_reason = 'approval';
  IF FOUND THEN
    RETURN 'ok';
  END IF;
  RETURN CASE WHEN EXISTS (SELECT FROM jobs WHERE id = reject.job_id) THEN 'wrong_status' ELSE 'not_found' END;
END
$$;

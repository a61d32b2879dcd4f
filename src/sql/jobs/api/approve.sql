-- Says yes to a job that waits for approval: it is pending, with {"approved": true, "by": …, "comment": …} in
-- required_action.response. Answers ok; wrong_status when it does not wait for approval; not_found.
--
--   SELECT approve('job-1', approved_by => 'ada', comment => 'go ahead');
CREATE OR REPLACE FUNCTION approve(job_id text, approved_by text DEFAULT NULL, comment text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
  PERFORM FROM jobs
  WHERE id = approve.job_id AND status = 'waiting' AND wait_reason = 'approval'
  FOR NO KEY UPDATE;
  IF FOUND THEN
    RETURN resume(approve.job_id,
      jsonb_build_object('approved', true, 'by', approve.approved_by, 'comment', approve.comment));
  END IF;
  RETURN CASE WHEN EXISTS (SELECT FROM jobs WHERE id = approve.job_id) THEN 'wrong_status' ELSE 'not_found' END;
END
$$;

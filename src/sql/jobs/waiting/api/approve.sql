-- Approves a job that waits for approval and makes it pending again, with {"approved": true, "by": …, "comment": …} in
-- required_action.response. wait_id is the wait that is answered (wait_for() gives it, get_job() shows it): a repeated
-- approval of one question never answers the next. Answers ok, also to a repetition; not_waiting when this wait is over;
-- wrong_reason when the job waits for something else; too_late after its deadline; not_found.
--
--   SELECT approve('job-1', wait_id => '0197…', approved_by => 'ada', comment => 'go ahead');
CREATE OR REPLACE FUNCTION approve(job_id text, wait_id text, approved_by text DEFAULT NULL, comment text DEFAULT NULL)
RETURNS text
LANGUAGE sql SECURITY DEFINER
AS $$
  SELECT answer_wait('approve', job_id, wait_id, 'approved',
    jsonb_build_object('approved', true, 'by', approved_by, 'comment', comment))
$$;

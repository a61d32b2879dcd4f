-- Rejects a job that waits for approval: it has failed, with the code "rejected" and the comment as its message. Answers as
-- approve() does.
--
--   SELECT reject('job-1', wait_id => '0197…', rejected_by => 'ada', comment => 'too expensive');
CREATE OR REPLACE FUNCTION reject(job_id text, wait_id text, rejected_by text DEFAULT NULL, comment text DEFAULT NULL)
RETURNS text
LANGUAGE sql SECURITY DEFINER
AS $$
  SELECT answer_wait('reject', job_id, wait_id, 'rejected',
    jsonb_build_object('approved', false, 'by', rejected_by, 'comment', comment), comment)
$$;

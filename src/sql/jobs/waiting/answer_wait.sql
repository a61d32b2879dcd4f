-- Answers a wait: the common part of approve(), reject() and resume(). Gives
--   ok             the job goes on, or has failed if it was rejected; also when the same answer was given before
--   not_waiting    this wait is over, and was not answered like that
--   wrong_reason   the job waits for something else: an approval is not resumed, and children are not answered
--   too_late       the job's deadline, or the time for an answer, has passed
--   not_found      there is no such job
CREATE OR REPLACE FUNCTION answer_wait(caller text, job_id text, wait_id text, answer text, response jsonb, comment text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz;
  job jobs;
BEGIN
  IF answer_wait.wait_id IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: wait_id must say which wait is answered (wait_for() and get_job() give it), got null', caller);
  END IF;
  SELECT * INTO job FROM jobs WHERE id = answer_wait.job_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN 'not_found';
  END IF;
  IF job.wait_id IS DISTINCT FROM answer_wait.wait_id THEN
    RETURN CASE WHEN EXISTS (
      SELECT FROM job_answers AS given
      WHERE given.job_id = job.id AND given.wait_id = answer_wait.wait_id AND given.answer = answer_wait.answer
        AND (given.answer <> 'resumed' OR given.response IS NOT DISTINCT FROM answer_wait.response)
    ) THEN 'ok' ELSE 'not_waiting' END;
  END IF;
  IF job.wait_reason = 'children' OR (job.wait_reason = 'approval') <> (answer_wait.answer IN ('approved', 'rejected')) THEN
    RETURN 'wrong_reason';
  END IF;
  current_moment := jobs_now();
  IF least(job.deadline_at, job.wait_expires_at) <= current_moment THEN
    RETURN 'too_late';
  END IF;
  INSERT INTO job_answers (job_id, wait_id, answer, answered_at, response)
  VALUES (job.id, job.wait_id, answer_wait.answer, current_moment, answer_wait.response);
  UPDATE jobs
  SET status = CASE answer_wait.answer WHEN 'rejected' THEN 'failed'::job_status ELSE 'pending' END,
    wait_reason = NULL,
    run_at = CASE answer_wait.answer WHEN 'rejected' THEN job.run_at ELSE current_moment END,
    completed_at = CASE answer_wait.answer WHEN 'rejected' THEN current_moment END,
    required_action = coalesce(job.required_action, '{}') || jsonb_build_object('response', answer_wait.response),
    error = CASE answer_wait.answer WHEN 'rejected' THEN jsonb_build_object('code', 'rejected',
      'message', coalesce(answer_wait.comment, 'the approval was refused'),
      'detail', jsonb_build_object('by', answer_wait.response -> 'by')) ELSE job.error END
  WHERE id = job.id;
  RETURN 'ok';
END
$$;

-- Ends the waiting of a job for input or for something external: it is pending, with response in required_action.response
-- for the worker that claims it next. Answers as approve() does; a repetition is one with the same response.
--
--   SELECT resume('job-1', wait_id => '0197…', response => '{"colour": "blue"}');
CREATE OR REPLACE FUNCTION resume(job_id text, wait_id text, response jsonb DEFAULT NULL)
RETURNS text
LANGUAGE sql SECURITY DEFINER
AS $$
  SELECT answer_wait('resume', job_id, wait_id, 'resumed', response)
$$;

-- Lets go of a job until something happens. reason says what:
--   approval   somebody calls approve() or reject()
--   input      somebody calls resume() with an answer
--   external   a callback, say, calls resume()
--   children   the last unfinished child ends, at once if none is unfinished; on_child_failure says whether children
--              that failed or were cancelled 'fail' this job as well, or it is to 'continue' and look for itself
-- required_action describes it for whoever has to act. The job is then pending, and claimed again as any other: the
-- answer is in required_action.response. The attempt does not count. Answers as release() does.
--
--   SELECT wait_for('job-1', lease_token => 4, reason => 'approval', required_action => '{"question": "Send it?"}');
--
-- With lease_token null a pending job is held back.
CREATE OR REPLACE FUNCTION wait_for(
  job_id text,
  lease_token bigint,
  reason text,
  required_action jsonb DEFAULT '{}',
  on_child_failure text DEFAULT 'fail'
)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  action jsonb := coalesce(wait_for.required_action, '{}');
  answer text;
BEGIN
  IF wait_for.reason IS NULL OR wait_for.reason NOT IN ('approval', 'input', 'children', 'external') THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('wait_for: reason must be approval, input, children or external, got %s', coalesce(wait_for.reason, 'null'));
  END IF;
  IF jsonb_typeof(action) <> 'object' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('wait_for: required_action must be a JSON object, got %s', jsonb_typeof(action));
  END IF;
  IF wait_for.on_child_failure IS NULL OR wait_for.on_child_failure NOT IN ('fail', 'continue') THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('wait_for: on_child_failure must be fail or continue, got %s', coalesce(wait_for.on_child_failure, 'null'));
  END IF;
  IF wait_for.reason = 'children' THEN
    action := action || jsonb_build_object('on_child_failure', wait_for.on_child_failure);
  END IF;

  IF wait_for.lease_token IS NULL THEN
    UPDATE jobs SET status = 'waiting', wait_reason = wait_for.reason, required_action = action
    WHERE id = wait_for.job_id AND status = 'pending';
    answer := CASE WHEN FOUND THEN 'ok' ELSE lease_refusal(wait_for.job_id, wait_for.lease_token) END;
  ELSE
    answer := end_lease(wait_for.job_id, wait_for.lease_token, 'waiting', 'waiting',
      wait_reason => wait_for.reason, required_action => action);
  END IF;
  IF answer = 'ok' AND wait_for.reason = 'children' THEN
    PERFORM continue_parent(wait_for.job_id);
  END IF;
  RETURN answer;
END
$$;

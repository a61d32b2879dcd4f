-- Lets go of a job until something happens. reason says what:
--   approval   somebody calls approve() or reject()
--   input      somebody calls resume() with an answer
--   external   a callback, say, calls resume()
--   children   the last unfinished child ends, at once if none is unfinished; on_child_failure says whether children
--              that failed or were cancelled 'fail' this job as well, or it is to 'continue' and look for itself
-- required_action describes it for whoever has to act. The job is then pending, and claimed again as any other: the
-- answer is in required_action.response. The attempt does not count. outcome is as that of release(); wait_id says which
-- wait this is, and the answer must name it (null if the job does not wait, or goes on already).
--
--   SELECT * FROM wait_for('job-1', lease_token => 4, reason => 'approval', required_action => '{"question": "Send it?"}');
--
-- After expires_in_seconds without an answer the job fails with the code wait_expired, or with on_expiry = 'continue' goes
-- on with {"expired": true} as its response. With lease_token null a pending job is held back.
CREATE OR REPLACE FUNCTION wait_for(
  job_id text,
  lease_token bigint,
  reason text,
  required_action jsonb DEFAULT '{}',
  on_child_failure text DEFAULT 'fail',
  expires_in_seconds double precision DEFAULT NULL,
  on_expiry text DEFAULT 'fail'
)
RETURNS TABLE (outcome text, wait_id text)
LANGUAGE plpgsql SECURITY DEFINER
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  action jsonb := coalesce(wait_for.required_action, '{}');
  expires_at timestamptz;
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
  IF NOT (wait_for.expires_in_seconds > 0 AND wait_for.expires_in_seconds <= 315360000) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('wait_for: expires_in_seconds must be above 0, at most 315360000 (ten years), got %s', wait_for.expires_in_seconds);
  END IF;
  IF wait_for.on_expiry IS NULL OR wait_for.on_expiry NOT IN ('fail', 'continue') THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('wait_for: on_expiry must be fail or continue, got %s', coalesce(wait_for.on_expiry, 'null'));
  END IF;
  expires_at := jobs_now() + make_interval(secs => wait_for.expires_in_seconds);
  IF expires_at IS NOT NULL THEN
    action := action || jsonb_build_object('on_expiry', wait_for.on_expiry);
  END IF;
  IF wait_for.reason = 'children' THEN
    action := action || jsonb_build_object('on_child_failure', wait_for.on_child_failure);
  END IF;

  IF wait_for.lease_token IS NULL THEN
    UPDATE jobs SET status = 'waiting', wait_reason = wait_for.reason, required_action = action, wait_expires_at = expires_at
    WHERE id = wait_for.job_id AND status = 'pending';
    outcome := CASE WHEN FOUND THEN 'ok' ELSE lease_refusal(wait_for.job_id, wait_for.lease_token) END;
  ELSE
    outcome := end_lease(wait_for.job_id, wait_for.lease_token, 'waiting', 'waiting',
      wait_reason => wait_for.reason, required_action => action, wait_expires_at => expires_at);
  END IF;
  IF outcome = 'ok' THEN
    IF wait_for.reason = 'children' THEN
      PERFORM continue_parents(ARRAY[wait_for.job_id]);
    END IF;
    SELECT job.wait_id INTO wait_id FROM jobs AS job WHERE job.id = wait_for.job_id;
  END IF;
  RETURN NEXT;
END
$$;

-- Whether a job may change from the one status to the other. A job that failed with its children waits for them again when
-- it is retried.
CREATE OR REPLACE FUNCTION is_job_transition(old_status job_status, new_status job_status)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT CASE old_status
    WHEN new_status THEN true
    WHEN 'pending' THEN new_status <> 'completed'
    WHEN 'running' THEN true
    WHEN 'waiting' THEN new_status IN ('pending', 'failed', 'cancelled')
    WHEN 'completed' THEN false
    ELSE new_status = 'pending' OR old_status = 'failed' AND new_status = 'waiting'
  END
$$;

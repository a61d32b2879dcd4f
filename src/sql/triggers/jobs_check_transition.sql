-- Refuses what the life of a job does not have, whoever writes and by whatever path: nobody completes a job that nobody
-- runs, revives one that is completed, or hands out a fencing token twice. And sets updated_at when another column really
-- changed: the columns that change most are compared first, so that a heartbeat is decided before a large document is
-- read.
CREATE OR REPLACE FUNCTION public.jobs_check_transition()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
  is_allowed boolean;
BEGIN
  IF NEW.lease_token < OLD.lease_token THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('job %s: lease_token only grows, it is %s and would become %s', OLD.id, OLD.lease_token, NEW.lease_token);
  END IF;
  IF NEW.status <> OLD.status THEN
    is_allowed := CASE OLD.status
      WHEN 'pending' THEN NEW.status <> 'completed'
      WHEN 'running' THEN true
      WHEN 'waiting' THEN NEW.status IN ('pending', 'failed', 'cancelled')
      WHEN 'completed' THEN false
      ELSE NEW.status = 'pending'
    END;
    IF NOT is_allowed THEN
      RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
        MESSAGE = format('job %s: status cannot change from %s to %s', OLD.id, OLD.status, NEW.status);
    END IF;
    IF NEW.status = 'running'
      AND (NEW.lease_token = OLD.lease_token OR num_nulls(NEW.worker_id, NEW.heartbeat_at, NEW.started_at) > 0) THEN
      RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
        MESSAGE = format('job %s: to run it needs a new lease_token, a worker_id, heartbeat_at and started_at: use claim()', OLD.id);
    END IF;
    NEW.updated_at := now();
    RETURN NEW;
  END IF;
  IF NEW.heartbeat_at IS DISTINCT FROM OLD.heartbeat_at OR NEW.lease_expires_at IS DISTINCT FROM OLD.lease_expires_at
    OR NEW.progress <> OLD.progress OR NEW.progress_message IS DISTINCT FROM OLD.progress_message
    OR NEW.lease_token <> OLD.lease_token OR NEW.queue <> OLD.queue OR NEW.priority <> OLD.priority OR NEW.run_at <> OLD.run_at
    OR NEW.mode <> OLD.mode OR NEW.intent <> OLD.intent OR NEW.attempt <> OLD.attempt OR NEW.max_attempts <> OLD.max_attempts
    OR NEW.backoff_seconds <> OLD.backoff_seconds OR NEW.worker_id IS DISTINCT FROM OLD.worker_id
    OR NEW.deadline_at IS DISTINCT FROM OLD.deadline_at OR NEW.cancel_requested_at IS DISTINCT FROM OLD.cancel_requested_at
    OR NEW.created_at <> OLD.created_at OR NEW.started_at IS DISTINCT FROM OLD.started_at
    OR NEW.completed_at IS DISTINCT FROM OLD.completed_at OR NEW.wait_reason IS DISTINCT FROM OLD.wait_reason
    OR NEW.idempotency_key IS DISTINCT FROM OLD.idempotency_key OR NEW.singleton_key IS DISTINCT FROM OLD.singleton_key
    OR NEW.parent_id IS DISTINCT FROM OLD.parent_id OR NEW.root_id IS DISTINCT FROM OLD.root_id
    OR NEW.trace_id IS DISTINCT FROM OLD.trace_id OR NEW.callback_url IS DISTINCT FROM OLD.callback_url
    OR NEW.required_action IS DISTINCT FROM OLD.required_action OR NEW.usage <> OLD.usage
    OR NEW.error IS DISTINCT FROM OLD.error OR NEW.metadata <> OLD.metadata OR NEW.inputs <> OLD.inputs
    OR NEW.result IS DISTINCT FROM OLD.result OR NEW.id <> OLD.id THEN
    NEW.updated_at := now();
  ELSE
    NEW.updated_at := OLD.updated_at;
  END IF;
  IF NEW.id <> OLD.id THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('job %s: the id of a job never changes, got %s', OLD.id, NEW.id);
  END IF;
  RETURN NEW;
END
$$;

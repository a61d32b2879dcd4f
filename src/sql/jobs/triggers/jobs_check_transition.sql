-- Refuses what the life of a job does not have, whoever writes and by whatever path: nobody completes a job that nobody
-- runs, revives one that is completed, or hands out a fencing token twice. And sets updated_at when another column really
-- changed: the columns that change most are compared first, so that a heartbeat is decided before a large document is
-- read.
CREATE OR REPLACE FUNCTION jobs_check_transition()
RETURNS trigger
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
DECLARE
  problem text;
BEGIN
  -- claim() and complete() make nearly all changes, so theirs are let pass first, by as few columns as can tell (4 % of the
  -- time of a claim and a complete, in batches and one by one). Everything else, and whatever is wrong, is for the rules
  -- below, which this may never be laxer than.
  IF NEW.updated_at = now() AND NEW.id = OLD.id AND NEW.wait_reason IS NULL AND NEW.wait_id IS NULL AND NEW.progress BETWEEN 0 AND 1 AND NEW.attempt >= 0
    AND (OLD.status = 'pending' AND NEW.status = 'running' AND NEW.lease_token > OLD.lease_token AND NEW.completed_at IS NULL
        AND num_nulls(NEW.worker_id, NEW.heartbeat_at, NEW.started_at, NEW.lease_expires_at) = 0
      OR OLD.status = 'running' AND NEW.status = 'completed' AND NEW.lease_token = OLD.lease_token
        AND NEW.completed_at IS NOT NULL AND NEW.lease_expires_at IS NULL)
  THEN
    RETURN NEW;
  END IF;

  -- One expression says that all is well, because PostgreSQL prepares every expression anew in each transaction that
  -- comes to it. What is wrong is asked only when something is.
  IF (NEW.id = OLD.id
    AND NEW.lease_token >= OLD.lease_token
    AND is_job_transition(OLD.status, NEW.status)
    AND (NEW.status <> 'running' OR OLD.status = 'running'
      OR NEW.lease_token > OLD.lease_token AND num_nulls(NEW.worker_id, NEW.heartbeat_at, NEW.started_at) = 0)
    AND job_state_problem(NEW.status, NEW.lease_expires_at, NEW.completed_at, NEW.wait_reason, NEW.error,
      NEW.progress, NEW.attempt) IS NULL) IS NOT TRUE
  THEN
    problem := CASE
      WHEN NEW.id <> OLD.id THEN format('the id of a job never changes, got %s', NEW.id)
      WHEN NEW.lease_token < OLD.lease_token THEN
        format('lease_token only grows, it is %s and would become %s', OLD.lease_token, NEW.lease_token)
      WHEN NOT is_job_transition(OLD.status, NEW.status) THEN
        format('status cannot change from %s to %s', OLD.status, NEW.status)
      WHEN NEW.status = 'running' AND OLD.status <> 'running'
        AND (NEW.lease_token = OLD.lease_token OR num_nulls(NEW.worker_id, NEW.heartbeat_at, NEW.started_at) > 0) THEN
        'to run it needs a new lease_token, a worker_id, heartbeat_at and started_at: use claim()'
    END;
    IF problem IS NOT NULL THEN
      RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = format('job %s: %s', OLD.id, problem);
    END IF;
    problem := job_state_problem(NEW.status, NEW.lease_expires_at, NEW.completed_at, NEW.wait_reason, NEW.error,
      NEW.progress, NEW.attempt);
    IF problem IS NOT NULL THEN
      RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = format('job %s: %s', OLD.id, problem);
    END IF;
    -- Something is null that may not be, which PostgreSQL itself refuses.
    RETURN NEW;
  END IF;

  -- Each wait has an id of its own, whoever begins it.
  IF NEW.status <> 'waiting' THEN
    NEW.wait_id := NULL;
    NEW.wait_expires_at := NULL;
  ELSIF OLD.status <> 'waiting' THEN
    NEW.wait_id := new_job_id(jobs_now());
  ELSE
    NEW.wait_id := OLD.wait_id;
  END IF;

  IF NEW.status <> OLD.status OR NEW.heartbeat_at IS DISTINCT FROM OLD.heartbeat_at OR NEW.lease_expires_at IS DISTINCT FROM OLD.lease_expires_at
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
    OR NEW.losses <> OLD.losses OR NEW.on_lost <> OLD.on_lost
    OR NEW.attempt_timeout_seconds IS DISTINCT FROM OLD.attempt_timeout_seconds OR NEW.limit_key IS DISTINCT FROM OLD.limit_key
    OR NEW.wait_expires_at IS DISTINCT FROM OLD.wait_expires_at
    OR NEW.required_action IS DISTINCT FROM OLD.required_action OR NEW.usage <> OLD.usage
    OR NEW.error IS DISTINCT FROM OLD.error OR NEW.metadata <> OLD.metadata OR NEW.inputs <> OLD.inputs
    OR NEW.result IS DISTINCT FROM OLD.result THEN
    NEW.updated_at := now();
  ELSE
    NEW.updated_at := OLD.updated_at;
  END IF;
  RETURN NEW;
END
$$;

-- Accepts one piece of work and gives its id at once; nothing has run yet.
--
--   SELECT * FROM enqueue('summarise', '{"document": "d1"}', queue => 'documents', idempotency_key => 'd1:v3');
--
-- created is false when the work is there already: the same job_id, the same (queue, idempotency_key), ended or not, or
-- the same (queue, singleton_key) in a job that has not ended. Then id and status are those of that job and nothing was
-- written. With wait_reason the job is born waiting, and runs only after approve() or resume(). It belongs to the
-- caller's transaction: if that rolls back, the job was never there.
CREATE OR REPLACE FUNCTION enqueue(
  intent text,
  inputs jsonb DEFAULT '{}',
  queue text DEFAULT 'default',
  mode execution_mode DEFAULT 'auto',
  priority integer DEFAULT 0,
  run_at timestamptz DEFAULT NULL,
  job_id text DEFAULT NULL,
  idempotency_key text DEFAULT NULL,
  singleton_key text DEFAULT NULL,
  parent_id text DEFAULT NULL,
  deadline_at timestamptz DEFAULT NULL,
  max_attempts integer DEFAULT 3,
  backoff_seconds double precision DEFAULT 10,
  wait_reason text DEFAULT NULL,
  required_action jsonb DEFAULT NULL,
  metadata jsonb DEFAULT '{}',
  trace_id text DEFAULT NULL,
  callback_url text DEFAULT NULL
)
RETURNS TABLE (id text, status job_status, created boolean)
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
  new_root text;
BEGIN
  IF enqueue.inputs IS NULL OR jsonb_typeof(enqueue.inputs) <> 'object' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('enqueue: inputs must be a JSON object, got %s', coalesce(jsonb_typeof(enqueue.inputs), 'null'));
  END IF;
  IF enqueue.priority NOT BETWEEN -32768 AND 32767 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('enqueue: priority must be from -32768 to 32767, got %s', enqueue.priority);
  END IF;
  IF enqueue.wait_reason = 'children' OR enqueue.wait_reason IS NULL AND enqueue.required_action IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('enqueue: a new job can wait for approval, input or external (with a required_action), got wait_reason %s',
        coalesce(enqueue.wait_reason, 'null'));
  END IF;
  IF enqueue.parent_id IS NOT NULL THEN
    SELECT coalesce(parent.root_id, parent.id) INTO new_root FROM jobs AS parent WHERE parent.id = enqueue.parent_id;
    IF NOT FOUND THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('enqueue: parent_id must be the id of a job, got %s', enqueue.parent_id);
    END IF;
  END IF;

  -- The job that was in the way may end between the insert and the look at it; then there is room after all.
  FOR i IN 1..10 LOOP
    RETURN QUERY
      INSERT INTO jobs AS job (
        id, status, queue, priority, run_at, mode, intent, max_attempts, backoff_seconds, deadline_at, created_at,
        wait_reason, idempotency_key, singleton_key, parent_id, root_id, trace_id, callback_url, required_action,
        metadata, inputs
      )
      VALUES (
        coalesce(enqueue.job_id, new_job_id(current_moment)),
        CASE WHEN enqueue.wait_reason IS NULL THEN 'pending'::job_status ELSE 'waiting' END,
        enqueue.queue, enqueue.priority::smallint, coalesce(enqueue.run_at, current_moment), enqueue.mode, enqueue.intent,
        enqueue.max_attempts, enqueue.backoff_seconds, enqueue.deadline_at, current_moment, enqueue.wait_reason,
        enqueue.idempotency_key, enqueue.singleton_key, enqueue.parent_id, new_root, enqueue.trace_id,
        enqueue.callback_url, enqueue.required_action, coalesce(enqueue.metadata, '{}'), enqueue.inputs
      )
      ON CONFLICT DO NOTHING
      RETURNING job.id, job.status, true;
    IF FOUND THEN
      RETURN;
    END IF;
    RETURN QUERY
      SELECT found.id, found.status, false
      FROM find_duplicate(enqueue.queue, enqueue.job_id, enqueue.idempotency_key, enqueue.singleton_key) AS found;
    IF FOUND THEN
      RETURN;
    END IF;
  END LOOP;
  RAISE EXCEPTION USING ERRCODE = 'serialization_failure',
    MESSAGE = format('enqueue: jobs with the keys of this one came and went ten times in queue %s, try again', enqueue.queue);
END
$$;

-- Accepts one piece of work and gives its id at once; nothing has run yet.
--
--   SELECT * FROM enqueue('summarise', '{"document": "d1"}', queue => 'documents', idempotency_key => 'd1:v3');
--
-- created is false when the work is there already: the same job_id, the same (queue, idempotency_key), ended or not, or
-- the same (queue, singleton_key) in a job that has not ended. Then id and status are those of that job and nothing was
-- written, except with on_duplicate = 'replace' while that job is pending (debounce): then inputs, metadata, priority and
-- run_at are those of this call, so that a run_at some seconds ahead waits until nobody has called for so long.
-- idempotency_seconds bounds how long an idempotency_key is good for; after that the same key is accepted anew.
--
-- With wait_reason the job is born waiting, and runs only after approve() or resume(), which name the wait_id. It belongs to
-- the caller's transaction: if that rolls back, the job was never there.
--
-- A parent that is cancelled, or is to be, gets no more children: that is an error (object_not_in_prerequisite_state).
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
  callback_url text DEFAULT NULL,
  limit_key text DEFAULT NULL,
  on_lost text DEFAULT 'retry',
  attempt_timeout_seconds double precision DEFAULT NULL,
  idempotency_seconds double precision DEFAULT NULL,
  on_duplicate text DEFAULT 'keep'
)
RETURNS TABLE (id text, status job_status, created boolean, wait_id text)
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
  new_root text;
  duplicate jobs;
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
    PERFORM check_parents('enqueue', ARRAY[enqueue.parent_id]);
    SELECT coalesce(parent.root_id, parent.id) INTO new_root FROM jobs AS parent WHERE parent.id = enqueue.parent_id;
  END IF;

  IF enqueue.on_duplicate IS NULL OR enqueue.on_duplicate NOT IN ('keep', 'replace') THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('enqueue: on_duplicate must be keep or replace, got %s', coalesce(enqueue.on_duplicate, 'null'));
  END IF;
  IF NOT (enqueue.idempotency_seconds > 0 AND enqueue.idempotency_seconds <= 315360000) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('enqueue: idempotency_seconds must be above 0, at most 315360000 (ten years), got %s', enqueue.idempotency_seconds);
  END IF;

  -- The job that was in the way may end between the insert and the look at it; then there is room after all.
  FOR i IN 1..10 LOOP
    RETURN QUERY
      INSERT INTO jobs AS job (
        id, status, queue, priority, run_at, mode, intent, max_attempts, backoff_seconds, deadline_at, created_at,
        wait_reason, idempotency_key, singleton_key, parent_id, root_id, trace_id, callback_url, required_action,
        metadata, inputs, limit_key, on_lost, attempt_timeout_seconds
      )
      VALUES (
        coalesce(enqueue.job_id, new_job_id(current_moment)),
        CASE WHEN enqueue.wait_reason IS NULL THEN 'pending'::job_status ELSE 'waiting' END,
        enqueue.queue, enqueue.priority::smallint, coalesce(enqueue.run_at, current_moment), enqueue.mode, enqueue.intent,
        enqueue.max_attempts, enqueue.backoff_seconds, enqueue.deadline_at, current_moment, enqueue.wait_reason,
        enqueue.idempotency_key, enqueue.singleton_key, enqueue.parent_id, new_root, enqueue.trace_id,
        enqueue.callback_url, enqueue.required_action, coalesce(enqueue.metadata, '{}'), enqueue.inputs,
        enqueue.limit_key, coalesce(enqueue.on_lost, 'retry'), enqueue.attempt_timeout_seconds
      )
      ON CONFLICT DO NOTHING
      RETURNING job.id, job.status, true, job.wait_id;
    IF FOUND THEN
      RETURN;
    END IF;
    SELECT job.* INTO duplicate
    FROM find_duplicate(enqueue.queue, enqueue.job_id, enqueue.idempotency_key, enqueue.singleton_key) AS found
    JOIN jobs AS job ON job.id = found.id;
    IF FOUND THEN
      IF enqueue.idempotency_seconds IS NOT NULL AND duplicate.idempotency_key = enqueue.idempotency_key AND duplicate.queue = enqueue.queue
        AND duplicate.id IS DISTINCT FROM enqueue.job_id
        AND duplicate.created_at <= current_moment - make_interval(secs => enqueue.idempotency_seconds) THEN
        -- The key was good for so long; from now on it is the new job's.
        UPDATE jobs AS job SET idempotency_key = NULL
        WHERE job.id = duplicate.id AND job.idempotency_key = enqueue.idempotency_key;
        CONTINUE;
      END IF;
      IF enqueue.on_duplicate = 'replace' THEN
        UPDATE jobs AS job
        SET inputs = enqueue.inputs, metadata = coalesce(enqueue.metadata, '{}'), priority = enqueue.priority::smallint,
          run_at = coalesce(enqueue.run_at, current_moment)
        WHERE job.id = duplicate.id AND job.status = 'pending';
      END IF;
      RETURN QUERY SELECT job.id, job.status, false, job.wait_id FROM jobs AS job WHERE job.id = duplicate.id;
      IF FOUND THEN
        RETURN;
      END IF;
    END IF;
  END LOOP;
  RAISE EXCEPTION USING ERRCODE = 'serialization_failure',
    MESSAGE = format('enqueue: jobs with the keys of this one came and went ten times in queue %s, try again', enqueue.queue);
END
$$;

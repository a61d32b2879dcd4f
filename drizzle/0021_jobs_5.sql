-- path: of the installation
SELECT set_config('opa.schema', coalesce(nullif(current_setting('opa.schema', true), ''), current_schema(), ''), true);
--> statement-breakpoint
-- path: checked when they run
SET LOCAL check_function_bodies = off;
--> statement-breakpoint
-- path: schema
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema')), quote_ident(current_setting('opa.schema') || '_opa'), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/jobs/api/enqueue.sql
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
--> statement-breakpoint
-- source: src/sql/jobs/api/enqueue_children.sql
-- enqueue_many() below one parent: all children are accepted, or (on any error) none, so that a parent which dies half-way
-- never goes on with a part of them. With lease_token the caller must hold the parent's current lease; null asks for none.
-- Give each child an idempotency_key: then a second attempt of the parent gets the children of the first.
--
--   SELECT * FROM enqueue_children('job-1', lease_token => 4,
--     jobs => '[{"intent": "page", "idempotency_key": "job-1:page-1"}, {"intent": "page", "idempotency_key": "job-1:page-2"}]');
CREATE OR REPLACE FUNCTION enqueue_children(job_id text, lease_token bigint, jobs jsonb)
RETURNS TABLE (id text, status job_status, created boolean, wait_id text)
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  children jsonb;
BEGIN
  IF jsonb_typeof(enqueue_children.jobs) = 'array' AND EXISTS (
    SELECT FROM jsonb_array_elements(enqueue_children.jobs) AS child WHERE child ? 'parent_id'
  ) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = 'enqueue_children: the parent of every child is job_id, leave parent_id out';
  END IF;
  IF enqueue_children.lease_token IS NOT NULL THEN
    -- KEY SHARE, so that heartbeats go on, and it is held until the children are committed.
    PERFORM FROM jobs AS parent
    WHERE parent.id = enqueue_children.job_id AND parent.lease_token = enqueue_children.lease_token
      AND parent.lease_expires_at IS NOT NULL
    FOR KEY SHARE;
    IF NOT FOUND THEN
      RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
        MESSAGE = format('enqueue_children: the lease %s of job %s is over', enqueue_children.lease_token, enqueue_children.job_id);
    END IF;
  END IF;
  SELECT jsonb_agg(CASE jsonb_typeof(child.job) WHEN 'object' THEN child.job || jsonb_build_object('parent_id', enqueue_children.job_id)
    ELSE child.job END ORDER BY child.place)
  INTO children
  FROM jsonb_array_elements(CASE jsonb_typeof(enqueue_children.jobs) WHEN 'array' THEN enqueue_children.jobs ELSE '[]' END)
    WITH ORDINALITY AS child (job, place);
  RETURN QUERY SELECT child.id, child.status, child.created, child.wait_id
    FROM enqueue_many(CASE jsonb_typeof(enqueue_children.jobs) WHEN 'array' THEN coalesce(children, '[]') ELSE enqueue_children.jobs END) AS child;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/enqueue_many.sql
-- enqueue() for many jobs in one statement: an array of objects whose keys are the arguments of enqueue(). Answers for
-- each, in the order of the array. All are accepted, or (on any error) none.
--
--   SELECT * FROM enqueue_many('[{"intent": "embed", "inputs": {"document": "d1"}}, {"intent": "embed", "priority": 5}]');
--
-- Jobs of one priority and run_at are claimed in the order of the array, because their ids are numbered in it.
--
-- Times are ISO 8601, in UTC where they say no zone.
--
-- The ids are made before the insert, so that nothing has to be looked up again unless a job was there already.
CREATE OR REPLACE FUNCTION enqueue_many(jobs jsonb)
RETURNS TABLE (id text, status job_status, created boolean, wait_id text)
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET timezone = 'UTC'
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
  known text[] := ARRAY['intent', 'inputs', 'queue', 'mode', 'priority', 'run_at', 'job_id', 'idempotency_key',
    'singleton_key', 'parent_id', 'deadline_at', 'max_attempts', 'backoff_seconds', 'wait_reason', 'required_action',
    'metadata', 'trace_id', 'callback_url', 'limit_key', 'on_lost', 'attempt_timeout_seconds'];
  iso_time constant text := '^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?\s?(Z|[+-]\d{2}(:?\d{2})?)?)?$';
  wrong text;
  ids text[];
  waiting boolean;
  inserted text[];
  parents text[];
BEGIN
  IF enqueue_many.jobs IS NULL OR jsonb_typeof(enqueue_many.jobs) <> 'array' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('enqueue_many: jobs must be a JSON array of objects, got %s', coalesce(jsonb_typeof(enqueue_many.jobs), 'null'));
  END IF;
  SELECT format('element %s%s', one.place - 1, checked.problem) INTO wrong
  FROM jsonb_array_elements(enqueue_many.jobs) WITH ORDINALITY AS one (job, place)
  CROSS JOIN LATERAL (
    SELECT CASE
      WHEN jsonb_typeof(one.job) <> 'object' THEN
        format(' must be an object, got %s', jsonb_typeof(one.job))
      WHEN one.job - known <> '{}' THEN
        format(' has an unknown key, %s; known are %s', (SELECT min(key) FROM jsonb_object_keys(one.job - known) AS key),
          array_to_string(known, ', '))
      WHEN one.job ->> 'run_at' !~ iso_time OR one.job ->> 'deadline_at' !~ iso_time THEN
        (
          SELECT format(': %s must be an ISO 8601 time such as 2026-01-31T09:00:00Z, got %s', field.name, left(one.job ->> field.name, 60))
          FROM (VALUES ('run_at'), ('deadline_at')) AS field (name)
          WHERE one.job ->> field.name !~ iso_time
          LIMIT 1
        )
      WHEN jsonb_typeof(one.job -> 'inputs') <> 'object' THEN
        format(': inputs must be a JSON object, got %s', jsonb_typeof(one.job -> 'inputs'))
      WHEN one.job ->> 'wait_reason' = 'children'
        OR one.job ->> 'wait_reason' IS NULL AND one.job ->> 'required_action' IS NOT NULL THEN
        format(': a new job can wait for approval, input or external (with a required_action), got wait_reason %s',
          coalesce(one.job ->> 'wait_reason', 'null'))
      WHEN one.job ->> 'parent_id' IS NOT NULL
        AND (SELECT parent.id FROM jobs AS parent WHERE parent.id = one.job ->> 'parent_id') IS NULL THEN
        format(': parent_id must be the id of a job that is there already, got %s', one.job ->> 'parent_id')
    END AS problem
  ) AS checked
  WHERE checked.problem IS NOT NULL
  ORDER BY one.place
  LIMIT 1;
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('enqueue_many: %s', wrong);
  END IF;

  SELECT array_agg(coalesce(one.job ->> 'job_id', new_job_id(current_moment, one.place::integer)) ORDER BY one.place),
    bool_or(one.job ->> 'wait_reason' IS NOT NULL), array_agg(DISTINCT one.job ->> 'parent_id') FILTER (WHERE one.job ->> 'parent_id' IS NOT NULL)
  INTO ids, waiting, parents
  FROM jsonb_array_elements(enqueue_many.jobs) WITH ORDINALITY AS one (job, place);
  IF parents IS NOT NULL THEN
    PERFORM check_parents('enqueue_many', parents);
  END IF;

  WITH accepted AS (
    INSERT INTO jobs AS job (
      id, status, queue, priority, run_at, mode, intent, max_attempts, backoff_seconds, deadline_at, created_at,
      wait_reason, idempotency_key, singleton_key, parent_id, root_id, trace_id, callback_url, required_action,
      metadata, inputs, limit_key, on_lost, attempt_timeout_seconds
    )
    SELECT ids[one.place],
      CASE WHEN field.wait_reason IS NULL THEN 'pending'::job_status ELSE 'waiting' END,
      coalesce(field.queue, 'default'), coalesce(field.priority, 0), coalesce(field.run_at, current_moment),
      coalesce(field.mode, 'auto'), field.intent, coalesce(field.max_attempts, 3), coalesce(field.backoff_seconds, 10),
      field.deadline_at, current_moment, field.wait_reason, field.idempotency_key, field.singleton_key, field.parent_id,
      CASE WHEN field.parent_id IS NOT NULL THEN
        (SELECT coalesce(parent.root_id, parent.id) FROM jobs AS parent WHERE parent.id = field.parent_id)
      END,
      field.trace_id, field.callback_url, field.required_action, coalesce(field.metadata, '{}'), coalesce(field.inputs, '{}'),
      field.limit_key, coalesce(field.on_lost, 'retry'), field.attempt_timeout_seconds
    FROM jsonb_array_elements(enqueue_many.jobs) WITH ORDINALITY AS one (job, place)
    CROSS JOIN LATERAL jsonb_to_record(one.job) AS field (
      intent text, inputs jsonb, queue text, mode execution_mode, priority smallint, run_at timestamptz,
      idempotency_key text, singleton_key text, parent_id text, deadline_at timestamptz, max_attempts integer,
      backoff_seconds double precision, wait_reason text, required_action jsonb, metadata jsonb, trace_id text,
      callback_url text, limit_key text, on_lost text, attempt_timeout_seconds double precision
    )
    -- By their keys, so that two calls with the same ones in other orders wait for each other in one order.
    ORDER BY coalesce(field.queue, 'default') COLLATE "C", field.idempotency_key COLLATE "C", field.singleton_key COLLATE "C",
      one.job ->> 'job_id' COLLATE "C", one.place
    ON CONFLICT DO NOTHING
    RETURNING job.id
  )
  SELECT array_agg(accepted.id) INTO inserted FROM accepted;

  IF cardinality(inserted) = cardinality(ids) AND NOT waiting THEN
    RETURN QUERY SELECT one.id, 'pending'::job_status, true, NULL::text FROM unnest(ids) AS one (id);
    RETURN;
  END IF;
  -- Some were there already, or came twice in the array.
  RETURN QUERY
    SELECT coalesce(made.id, found.id), coalesce(made.status, found.status), made.id IS NOT NULL,
      (SELECT job.wait_id FROM jobs AS job WHERE job.id = coalesce(made.id, found.id))
    FROM jsonb_array_elements(enqueue_many.jobs) WITH ORDINALITY AS one (job, place)
    LEFT JOIN (
      SELECT DISTINCT ON (mine.id) mine.id, mine.place,
        (SELECT job.status FROM jobs AS job WHERE job.id = mine.id) AS status
      FROM unnest(inserted) AS new (id)
      JOIN unnest(ids) WITH ORDINALITY AS mine (id, place) USING (id)
      ORDER BY mine.id, mine.place
    ) AS made ON made.place = one.place
    LEFT JOIN LATERAL find_duplicate(coalesce(one.job ->> 'queue', 'default'), one.job ->> 'job_id',
      one.job ->> 'idempotency_key', one.job ->> 'singleton_key') AS found ON made.id IS NULL
    ORDER BY one.place;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/enqueue_slots.sql
-- Enqueues the jobs of slots of a schedule and moves it on, unless somebody else has been here: seen_slots_after must be its
-- slots_after still. Gives the jobs, in the order of the slots; none if it was too late, or the schedule is paused.
--
--   SELECT * FROM enqueue_slots('digest', '2026-01-01 06:00+00', ARRAY['2026-01-02 06:00+00'::timestamptz],
--     slots_after => '2026-01-02 06:00+00', next_at => '2026-01-05 06:00+00');
--
-- Each slot is enqueued once: the row of the schedule is locked and moved on in this transaction, and the job has an
-- idempotency key of schedule and slot. The job's metadata says which schedule and which slot it is of.
CREATE OR REPLACE FUNCTION enqueue_slots(
  key text,
  seen_slots_after timestamptz,
  slots timestamptz[],
  slots_after timestamptz,
  next_at timestamptz
)
RETURNS TABLE (slot timestamptz, job_id text, created boolean)
LANGUAGE plpgsql SECURITY DEFINER
AS $$
#variable_conflict use_column
DECLARE
  schedule schedules;
BEGIN
  IF enqueue_slots.next_at IS NULL OR enqueue_slots.slots_after IS NULL OR enqueue_slots.slots IS NULL
    OR cardinality(enqueue_slots.slots) > 1000 OR array_position(enqueue_slots.slots, NULL) IS NOT NULL
    OR enqueue_slots.slots_after < enqueue_slots.seen_slots_after
    OR enqueue_slots.next_at <= enqueue_slots.slots_after
    OR EXISTS (
      SELECT FROM unnest(enqueue_slots.slots) AS one (slot)
      WHERE one.slot <= enqueue_slots.seen_slots_after OR one.slot > enqueue_slots.slots_after
    ) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('enqueue_slots: slots must be at most 1000 and lie after seen_slots_after, up to slots_after, and next_at after that; got %s slots after %s up to %s, next_at %s',
        coalesce(cardinality(enqueue_slots.slots)::text, 'null'), enqueue_slots.seen_slots_after, enqueue_slots.slots_after,
        coalesce(enqueue_slots.next_at::text, 'null'));
  END IF;
  SELECT one.* INTO schedule FROM schedules AS one
  WHERE one.key = enqueue_slots.key AND one.slots_after = enqueue_slots.seen_slots_after AND one.paused_at IS NULL
  FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  UPDATE schedules AS one
  SET slots_after = enqueue_slots.slots_after, next_at = enqueue_slots.next_at
  WHERE one.key = schedule.key;
  RETURN QUERY
    SELECT one.slot, accepted.id, accepted.created
    FROM unnest(enqueue_slots.slots) WITH ORDINALITY AS one (slot, place)
    CROSS JOIN LATERAL to_char(one.slot AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS said (slot)
    CROSS JOIN LATERAL enqueue(
      schedule.intent, schedule.inputs, schedule.queue, schedule.mode, schedule.priority::integer,
      idempotency_key => format('schedule:%s:%s', schedule.key, said.slot), singleton_key => schedule.singleton_key,
      max_attempts => schedule.max_attempts, backoff_seconds => schedule.backoff_seconds,
      metadata => schedule.metadata || jsonb_build_object('schedule', schedule.key, 'slot', said.slot)
    ) AS accepted
    ORDER BY one.place;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/fail.sql
-- Ends an attempt badly. If retryable and attempts are left, the job is pending again after a pause: retry_in_seconds,
-- or backoff_seconds doubled for each attempt made, a random half of it taken off so that jobs which failed together do
-- not come back together, a day at most. Else it has failed. Answers as complete() does; cancelled also when somebody
-- had asked for that, and then the job is cancelled now.
--
--   SELECT fail('job-1', lease_token => 4, error => '{"code": "timeout", "message": "no answer in 30 s"}');
--
-- error is an object with a message and, if possible, a stable code (default "error") and any detail.
CREATE OR REPLACE FUNCTION fail(
  job_id text,
  lease_token bigint,
  error jsonb,
  retryable boolean DEFAULT true,
  retry_in_seconds double precision DEFAULT NULL
)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
  job jobs;
  next_status job_status;
  reason jsonb;
  pause double precision;
BEGIN
  IF fail.error IS NULL OR jsonb_typeof(fail.error) <> 'object' OR jsonb_typeof(fail.error -> 'message') IS DISTINCT FROM 'string'
    OR jsonb_typeof(coalesce(fail.error -> 'code', '""')) <> 'string' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('fail: error must be a JSON object with a message and a code that are strings, got %s', coalesce(left(fail.error::text, 200), 'null'));
  END IF;
  IF NOT (fail.retry_in_seconds >= 0 AND fail.retry_in_seconds <= 31536000) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('fail: retry_in_seconds must be from 0 to 31536000 (a year), got %s', fail.retry_in_seconds);
  END IF;
  reason := '{"code": "error"}'::jsonb || fail.error;

  SELECT * INTO job FROM jobs
  WHERE id = fail.job_id AND lease_token = fail.lease_token AND lease_expires_at IS NOT NULL
  FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN lease_refusal(fail.job_id, fail.lease_token);
  END IF;
  current_moment := greatest(current_moment, job.started_at);

  next_status := CASE
    WHEN job.cancel_requested_at IS NOT NULL THEN 'cancelled'
    WHEN fail.retryable AND job.attempt < job.max_attempts AND coalesce(job.deadline_at > current_moment, true) THEN 'pending'
    ELSE 'failed'
  END;
  IF next_status = 'pending' THEN
    pause := coalesce(
      fail.retry_in_seconds,
      retry_pause(job.backoff_seconds, job.attempt)
    );
    UPDATE jobs
    SET status = 'pending', run_at = current_moment + make_interval(secs => pause), lease_expires_at = NULL, heartbeat_at = current_moment, progress = 0,
      progress_message = NULL, error = reason
    WHERE id = job.id;
  ELSE
    UPDATE jobs
    SET status = next_status, completed_at = current_moment, lease_expires_at = NULL, error = reason
    WHERE id = job.id;
  END IF;
  INSERT INTO job_attempts (job_id, lease_token, started_at, finished_at, attempt, outcome, worker_id, error)
  VALUES (
    job.id, job.lease_token, job.started_at, current_moment, job.attempt,
    (CASE next_status WHEN 'pending' THEN 'retried' ELSE next_status::text END)::attempt_outcome, job.worker_id, reason
  );
  RETURN CASE next_status WHEN 'cancelled' THEN 'cancelled' ELSE 'ok' END;
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- path: of the functions above
ALTER FUNCTION enqueue(intent text, inputs jsonb, queue text, mode execution_mode, priority integer, run_at timestamptz, job_id text, idempotency_key text, singleton_key text, parent_id text, deadline_at timestamptz, max_attempts integer, backoff_seconds double precision, wait_reason text, required_action jsonb, metadata jsonb, trace_id text, callback_url text, limit_key text, on_lost text, attempt_timeout_seconds double precision, idempotency_seconds double precision, on_duplicate text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION enqueue_children(job_id text, lease_token bigint, jobs jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION enqueue_many(jobs jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION enqueue_slots(key text, seen_slots_after timestamptz, slots timestamptz[], slots_after timestamptz, next_at timestamptz) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION fail(job_id text, lease_token bigint, error jsonb, retryable boolean, retry_in_seconds double precision) SET search_path FROM CURRENT;

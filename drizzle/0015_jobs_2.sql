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
-- source: src/sql/jobs/claim/api/complete_and_claim.sql
-- complete() and then claim() in one call, for a worker that has done one job and wants the next: one round trip and one
-- transaction instead of two. Answers the outcome of complete(), in each row, and the jobs of claim(); a single row with a
-- null job if nothing is ready. The claim is made whatever the outcome. The outcome locked means that somebody else's
-- transaction holds the row of the job that is done: nothing was waited for, complete it again soon.
--
--   SELECT outcome, (job).id, (job).lease_token, (job).inputs
--   FROM complete_and_claim('job-1', 4, '{"summary": "…"}', queue => 'documents', worker_id => 'worker-1');
--
-- If claiming fails, nothing is completed.
CREATE OR REPLACE FUNCTION complete_and_claim(
  job_id text,
  lease_token bigint,
  result jsonb,
  queue text,
  worker_id text,
  max_jobs integer DEFAULT 1,
  lease_seconds double precision DEFAULT 60,
  modes execution_mode[] DEFAULT NULL,
  intents text[] DEFAULT NULL
)
RETURNS TABLE (outcome text, job jobs)
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
BEGIN
  WITH settled AS (
    UPDATE jobs AS done
    SET status = 'completed', result = complete_and_claim.result, error = NULL, progress = 1, lease_expires_at = NULL,
      completed_at = greatest(current_moment, done.started_at), updated_at = now()
    WHERE done.ctid = ANY (ARRAY(
      SELECT held.ctid FROM jobs AS held
      WHERE held.id = complete_and_claim.job_id AND held.lease_token = complete_and_claim.lease_token
        AND held.lease_expires_at IS NOT NULL
      FOR NO KEY UPDATE SKIP LOCKED
    ))
    RETURNING done.id, done.lease_token, done.started_at, done.completed_at, done.attempt, done.worker_id
  )
  INSERT INTO job_attempts (job_id, lease_token, started_at, finished_at, attempt, outcome, worker_id)
  SELECT id, lease_token, started_at, completed_at, attempt, 'completed', worker_id FROM settled;
  outcome := CASE WHEN FOUND THEN 'ok' ELSE lease_refusal(complete_and_claim.job_id, complete_and_claim.lease_token) END;
  RETURN QUERY
    SELECT outcome, next FROM claim(complete_and_claim.queue, complete_and_claim.worker_id, complete_and_claim.max_jobs,
      complete_and_claim.lease_seconds, complete_and_claim.modes, complete_and_claim.intents) AS next;
  IF NOT FOUND THEN
    RETURN NEXT;
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/claim/api/take_back_expired.sql
-- Ends at most max_jobs leases of a queue that ran out, as many jobs past their deadline and waits that expired, and
-- continues parents that were locked when a child ended; gives the number of jobs changed. claim() does this by itself; a
-- queue that nobody claims from may be swept by a cron job.
--
-- A job whose lease ran out becomes pending again, and the attempt does not count, unless the job says on_lost = 'fail'
-- (then it is an attempt that failed) or was lost ten times, or as often as it has attempts if those are more: it may be
-- the job that kills its workers. It is cancelled if that was asked for, and failed if its deadline is past. A worker that
-- should still live holds an old lease_token and can change nothing more once the job is handed out again.
--
-- A job that cannot be changed (a trigger of somebody else's refuses it, say) is left as it is with a warning, and holds
-- up no other. Rows that others hold locked are left for the next time.
CREATE OR REPLACE FUNCTION take_back_expired(queue text DEFAULT 'default', max_jobs integer DEFAULT 100)
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
  expired text[];
  changed integer := 0;
BEGIN
  IF take_back_expired.max_jobs IS NULL OR take_back_expired.max_jobs < 1 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('take_back_expired: max_jobs must be at least 1, got %s', coalesce(take_back_expired.max_jobs::text, 'null'));
  END IF;

  expired := ARRAY(
    SELECT job.id FROM jobs AS job
    -- No lease is shorter than this, so jobs that were claimed just now need not be looked at.
    WHERE job.queue = take_back_expired.queue AND job.status = 'running'
      AND job.started_at <= current_moment - interval '10 milliseconds' AND job.lease_expires_at <= current_moment
    ORDER BY job.started_at
    LIMIT take_back_expired.max_jobs
    FOR NO KEY UPDATE SKIP LOCKED
  ) || ARRAY(
    SELECT job.id FROM jobs AS job
    WHERE job.queue = take_back_expired.queue AND job.status IN ('pending', 'waiting')
      AND least(job.deadline_at, job.wait_expires_at) <= current_moment
    ORDER BY least(job.deadline_at, job.wait_expires_at)
    LIMIT take_back_expired.max_jobs
    FOR NO KEY UPDATE SKIP LOCKED
  );
  IF expired <> '{}' THEN
    BEGIN
      changed := end_expired(expired, current_moment);
    EXCEPTION WHEN OTHERS THEN
      FOR at IN 1..cardinality(expired) LOOP
        BEGIN
          changed := changed + end_expired(expired[at:at], current_moment);
        EXCEPTION WHEN OTHERS THEN
          RAISE WARNING 'job % is left as it is: %', expired[at], SQLERRM;
        END;
      END LOOP;
    END;
  END IF;
  -- Parents are not counted as changed by this.
  PERFORM wake_parents(take_back_expired.queue, take_back_expired.max_jobs);
  RETURN changed;
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/jobs/enqueue/check_batch.sql
-- Refuses a number of jobs in one call that is none, for the functions that change many.
CREATE OR REPLACE FUNCTION check_batch(caller text, max_jobs integer)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  IF max_jobs IS NULL OR max_jobs NOT BETWEEN 1 AND 100000 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: max_jobs must be from 1 to 100000, got %s', caller, coalesce(max_jobs::text, 'null'));
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/enqueue/check_parents.sql
-- Refuses parents that are not there, or are cancelled or to be: what is being stopped does not grow. Their rows are locked
-- against cancel() until the children are committed (in one order, so that two callers never wait for each other), which
-- the foreign key would do a moment later anyway; heartbeats and settlements go on.
CREATE OR REPLACE FUNCTION check_parents(caller text, job_ids text[])
RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  parent text;
  is_cancelled boolean;
BEGIN
  FOR parent IN SELECT DISTINCT one.id COLLATE "C" AS id FROM unnest(check_parents.job_ids) AS one (id) WHERE one.id IS NOT NULL ORDER BY 1 LOOP
    SELECT job.cancel_requested_at IS NOT NULL OR job.status = 'cancelled' INTO is_cancelled
    FROM jobs AS job WHERE job.id = parent FOR KEY SHARE;
    IF NOT FOUND THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('%s: parent_id must be the id of a job, got %s', caller, parent);
    END IF;
    IF is_cancelled THEN
      RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
        MESSAGE = format('%s: job %s is cancelled, or is to be, and gets no more children', caller, parent);
    END IF;
  END LOOP;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/enqueue/find_duplicate.sql
-- The job that stands in the way of a new one: of the same id, else of the same idempotency key, else the unfinished one
-- of the same singleton key. For enqueue() and enqueue_many().
CREATE OR REPLACE FUNCTION find_duplicate(queue text, job_id text, idempotency_key text, singleton_key text)
RETURNS TABLE (id text, status job_status)
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
  IF find_duplicate.job_id IS NOT NULL THEN
    RETURN QUERY SELECT job.id, job.status FROM jobs AS job WHERE job.id = find_duplicate.job_id;
    IF FOUND THEN
      RETURN;
    END IF;
  END IF;
  IF find_duplicate.idempotency_key IS NOT NULL THEN
    RETURN QUERY
      SELECT job.id, job.status FROM jobs AS job
      WHERE job.queue = find_duplicate.queue AND job.idempotency_key = find_duplicate.idempotency_key;
    IF FOUND THEN
      RETURN;
    END IF;
  END IF;
  RETURN QUERY
    SELECT job.id, job.status FROM jobs AS job
    WHERE job.queue = find_duplicate.queue AND job.singleton_key = find_duplicate.singleton_key
      AND job.status IN ('pending', 'running', 'waiting');
END
$$;
--> statement-breakpoint
-- path: schema
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema')), quote_ident(current_setting('opa.schema') || '_opa'), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/jobs/enqueue/api/enqueue.sql
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
-- source: src/sql/jobs/enqueue/api/enqueue_children.sql
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
-- source: src/sql/jobs/enqueue/api/enqueue_many.sql
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
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/jobs/events/append_job_event.sql
-- Adds an event to a job whose row the caller has locked; of more than 1,000 the oldest goes.
CREATE OR REPLACE FUNCTION append_job_event(job_id text, kind text, data jsonb)
RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  next_seq bigint;
BEGIN
  SELECT coalesce(max(event.seq), 0) + 1 INTO next_seq FROM job_events AS event WHERE event.job_id = append_job_event.job_id;
  INSERT INTO job_events (job_id, seq, kind, data)
  VALUES (append_job_event.job_id, next_seq, append_job_event.kind, append_job_event.data);
  IF next_seq > 1000 THEN
    DELETE FROM job_events WHERE job_id = append_job_event.job_id AND seq <= next_seq - 1000;
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/events/notification_channel.sql
-- The channel that an installation notifies on: another one in the database has channels of its own. In public it is the name
-- itself; elsewhere the schema's name follows, or its md5 where it is long or would have to be quoted. The package computes
-- the same (notificationChannel in src/database/listen.ts), because whoever listens may not call this.
CREATE OR REPLACE FUNCTION notification_channel(name text, schema text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
  SELECT CASE
    WHEN schema = 'public' THEN name
    WHEN schema ~ '^[a-z_][a-z0-9_]{0,39}$' THEN name || '_' || schema
    ELSE name || '_' || md5(schema)
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
ALTER FUNCTION complete_and_claim(job_id text, lease_token bigint, result jsonb, queue text, worker_id text, max_jobs integer, lease_seconds double precision, modes execution_mode[], intents text[]) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION take_back_expired(queue text, max_jobs integer) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION enqueue(intent text, inputs jsonb, queue text, mode execution_mode, priority integer, run_at timestamptz, job_id text, idempotency_key text, singleton_key text, parent_id text, deadline_at timestamptz, max_attempts integer, backoff_seconds double precision, wait_reason text, required_action jsonb, metadata jsonb, trace_id text, callback_url text, limit_key text, on_lost text, attempt_timeout_seconds double precision, idempotency_seconds double precision, on_duplicate text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION enqueue_children(job_id text, lease_token bigint, jobs jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION enqueue_many(jobs jsonb) SET search_path FROM CURRENT;

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
-- source: src/sql/jobs/api/enqueue_many.sql
-- enqueue() for many jobs in one statement: an array of objects whose keys are the arguments of enqueue(). Answers for
-- each, in the order of the array. All are accepted, or (on any error) none.
--
--   SELECT * FROM enqueue_many('[{"intent": "embed", "inputs": {"document": "d1"}}, {"intent": "embed", "priority": 5}]');
--
-- Times are ISO 8601, in UTC where they say no zone.
--
-- The ids are made before the insert, so that nothing has to be looked up again unless a job was there already.
CREATE OR REPLACE FUNCTION enqueue_many(jobs jsonb)
RETURNS TABLE (id text, status job_status, created boolean)
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
    'metadata', 'trace_id', 'callback_url'];
  iso_time constant text := '^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?\s?(Z|[+-]\d{2}(:?\d{2})?)?)?$';
  wrong text;
  ids text[];
  waiting boolean;
  inserted text[];
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

  SELECT array_agg(coalesce(one.job ->> 'job_id', new_job_id(current_moment)) ORDER BY one.place),
    bool_or(one.job ->> 'wait_reason' IS NOT NULL)
  INTO ids, waiting
  FROM jsonb_array_elements(enqueue_many.jobs) WITH ORDINALITY AS one (job, place);

  WITH accepted AS (
    INSERT INTO jobs AS job (
      id, status, queue, priority, run_at, mode, intent, max_attempts, backoff_seconds, deadline_at, created_at,
      wait_reason, idempotency_key, singleton_key, parent_id, root_id, trace_id, callback_url, required_action,
      metadata, inputs
    )
    SELECT ids[one.place],
      CASE WHEN field.wait_reason IS NULL THEN 'pending'::job_status ELSE 'waiting' END,
      coalesce(field.queue, 'default'), coalesce(field.priority, 0), coalesce(field.run_at, current_moment),
      coalesce(field.mode, 'auto'), field.intent, coalesce(field.max_attempts, 3), coalesce(field.backoff_seconds, 10),
      field.deadline_at, current_moment, field.wait_reason, field.idempotency_key, field.singleton_key, field.parent_id,
      CASE WHEN field.parent_id IS NOT NULL THEN
        (SELECT coalesce(parent.root_id, parent.id) FROM jobs AS parent WHERE parent.id = field.parent_id)
      END,
      field.trace_id, field.callback_url, field.required_action, coalesce(field.metadata, '{}'), coalesce(field.inputs, '{}')
    FROM jsonb_array_elements(enqueue_many.jobs) WITH ORDINALITY AS one (job, place)
    CROSS JOIN LATERAL jsonb_to_record(one.job) AS field (
      intent text, inputs jsonb, queue text, mode execution_mode, priority smallint, run_at timestamptz,
      idempotency_key text, singleton_key text, parent_id text, deadline_at timestamptz, max_attempts integer,
      backoff_seconds double precision, wait_reason text, required_action jsonb, metadata jsonb, trace_id text,
      callback_url text
    )
    ORDER BY one.place
    ON CONFLICT DO NOTHING
    RETURNING job.id
  )
  SELECT array_agg(accepted.id) INTO inserted FROM accepted;

  IF cardinality(inserted) = cardinality(ids) AND NOT waiting THEN
    RETURN QUERY SELECT one.id, 'pending'::job_status, true FROM unnest(ids) AS one (id);
    RETURN;
  END IF;
  -- Some were there already, or came twice in the array.
  RETURN QUERY
    SELECT coalesce(made.id, found.id), coalesce(made.status, found.status), made.id IS NOT NULL
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

  next_status := CASE
    WHEN job.cancel_requested_at IS NOT NULL THEN 'cancelled'
    WHEN fail.retryable AND job.attempt < job.max_attempts AND coalesce(job.deadline_at > current_moment, true) THEN 'pending'
    ELSE 'failed'
  END;
  IF next_status = 'pending' THEN
    pause := coalesce(
      fail.retry_in_seconds,
      least(job.backoff_seconds * 2 ^ least(job.attempt - 1, 30), 86400) * (0.5 + random() / 2)
    );
    UPDATE jobs
    SET status = 'pending', run_at = current_moment + make_interval(secs => pause), lease_expires_at = NULL, progress = 0,
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
-- source: src/sql/jobs/api/get_checkpoint.sql
-- The state that save_checkpoint() kept for a job, or null.
--
--   SELECT get_checkpoint('job-1');
CREATE OR REPLACE FUNCTION get_checkpoint(job_id text)
RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
BEGIN
  RETURN (SELECT kept.state FROM job_checkpoints AS kept WHERE kept.job_id = get_checkpoint.job_id);
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/get_job.sql
-- The row of a job, or no row.
--
--   SELECT status, progress FROM get_job('job-1');
CREATE OR REPLACE FUNCTION get_job(job_id text)
RETURNS SETOF jobs
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
  SELECT * FROM jobs WHERE id = get_job.job_id
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/heartbeat.sql
-- Extends leases, all those of a worker in one call, and says of each what became of it, in the order of the arguments:
--   held              the lease now ends lease_seconds from now (never earlier than before)
--   cancel_requested  the same, and somebody asked for the job to be cancelled: stop, and release() or fail() it
--   lost              the lease was taken back or settled: stop, nothing that you do counts any more
--
--   SELECT * FROM heartbeat(ARRAY['job-1', 'job-2'], ARRAY[4, 1], lease_seconds => 60);
CREATE OR REPLACE FUNCTION heartbeat(job_ids text[], lease_tokens bigint[], lease_seconds double precision DEFAULT 60)
RETURNS TABLE (id text, lease_token bigint, state text, lease_expires_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
BEGIN
  PERFORM check_leases('heartbeat', heartbeat.job_ids, heartbeat.lease_tokens);
  IF (heartbeat.lease_seconds >= 0.01 AND heartbeat.lease_seconds <= 604800) IS NOT TRUE THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('heartbeat: lease_seconds must be from 0.01 to 604800 (a week), got %s', coalesce(heartbeat.lease_seconds::text, 'null'));
  END IF;

  -- In the order of their ids, so that two calls that share jobs never wait for each other in a ring.
  UPDATE jobs AS job
  SET heartbeat_at = current_moment,
    lease_expires_at = greatest(job.lease_expires_at, current_moment + make_interval(secs => heartbeat.lease_seconds))
  FROM (
    SELECT * FROM unnest(heartbeat.job_ids, heartbeat.lease_tokens) AS one (id, token) ORDER BY one.id COLLATE "C"
  ) AS lease
  WHERE job.id = lease.id AND job.lease_token = lease.token AND job.lease_expires_at IS NOT NULL;

  RETURN QUERY
    SELECT lease.id, lease.token,
      CASE WHEN job.id IS NULL THEN 'lost' WHEN job.cancel_requested_at IS NULL THEN 'held' ELSE 'cancel_requested' END,
      job.lease_expires_at
    FROM unnest(heartbeat.job_ids, heartbeat.lease_tokens) WITH ORDINALITY AS lease (id, token, place)
    LEFT JOIN jobs AS job
      ON job.id = lease.id AND job.lease_token = lease.token AND job.lease_expires_at IS NOT NULL
    ORDER BY lease.place;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/job_attempts_of.sql
-- The leases of a job that have ended, in the order in which they were taken.
--
--   SELECT attempt, worker_id, outcome, error ->> 'message' FROM job_attempts_of('job-1');
CREATE OR REPLACE FUNCTION job_attempts_of(job_id text)
RETURNS SETOF job_attempts
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
  SELECT * FROM job_attempts WHERE job_id = job_attempts_of.job_id ORDER BY lease_token
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/job_events_after.sql
-- The events of a job after the one with this number, oldest first.
--
--   SELECT seq, at, kind, data FROM job_events_after('job-1', after => 0, max_events => 100);
CREATE OR REPLACE FUNCTION job_events_after(job_id text, after bigint DEFAULT 0, max_events integer DEFAULT 1000)
RETURNS TABLE (seq bigint, at timestamptz, kind text, data jsonb)
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
  IF (job_events_after.after >= 0 AND job_events_after.max_events BETWEEN 1 AND 1000) IS NOT TRUE THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('job_events_after: after must be 0 or more and max_events from 1 to 1000, got %s and %s',
        coalesce(job_events_after.after::text, 'null'), coalesce(job_events_after.max_events::text, 'null'));
  END IF;
  RETURN QUERY
    SELECT event.seq, event.at, event.kind, event.data FROM job_events AS event
    WHERE event.job_id = job_events_after.job_id AND event.seq > job_events_after.after
    ORDER BY event.seq
    LIMIT job_events_after.max_events;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/job_tree.sql
-- A job with all its descendants: each parent before its children, brothers and sisters in the order of their creation.
-- depth is 0 for the job itself.
--
--   SELECT repeat('  ', depth) || intent, status, progress FROM job_tree('job-1');
CREATE OR REPLACE FUNCTION job_tree(job_id text)
RETURNS TABLE (
  depth integer,
  id text,
  parent_id text,
  queue text,
  intent text,
  mode execution_mode,
  status job_status,
  progress real,
  progress_message text,
  attempt integer,
  wait_reason text,
  error jsonb,
  usage jsonb,
  created_at timestamptz,
  started_at timestamptz,
  completed_at timestamptz
)
LANGUAGE plpgsql STABLE
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    WITH RECURSIVE tree (depth, id, created_at) AS (
      SELECT 0, job.id, job.created_at FROM jobs AS job WHERE job.id = job_tree.job_id
      UNION ALL
      SELECT tree.depth + 1, child.id, child.created_at
      FROM tree JOIN jobs AS child ON child.parent_id = tree.id
    ) SEARCH DEPTH FIRST BY created_at, id SET place
    SELECT tree.depth, job.id, job.parent_id, job.queue, job.intent, job.mode, job.status, job.progress,
      job.progress_message, job.attempt, job.wait_reason, job.error, job.usage, job.created_at, job.started_at,
      job.completed_at
    FROM tree JOIN jobs AS job USING (id)
    ORDER BY tree.place;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/latency_stats.sql
-- Throughput and latency of the jobs that ended within the last `period`, by queue, intent and mode. Seconds: queued is
-- from when a job might start (run_at) to its last start, running from there to its end, total from its acceptance to
-- its end; each as the median, the 95th and the 99th percentile.
--
--   SELECT intent, jobs, running_p95 FROM latency_stats(period => interval '1 day') ORDER BY running_p95 DESC;
CREATE OR REPLACE FUNCTION latency_stats(queue text DEFAULT NULL, period interval DEFAULT interval '1 hour')
RETURNS TABLE (
  queue_name text,
  intent text,
  mode execution_mode,
  jobs bigint,
  failed bigint,
  per_second double precision,
  queued_p50 double precision,
  queued_p95 double precision,
  queued_p99 double precision,
  running_p50 double precision,
  running_p95 double precision,
  running_p99 double precision,
  total_p50 double precision,
  total_p95 double precision,
  total_p99 double precision
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  ended_after timestamptz := jobs_now() - latency_stats.period;
BEGIN
  PERFORM check_period('latency_stats', latency_stats.period);
  RETURN QUERY
    SELECT summed.queue, summed.intent, summed.mode, summed.jobs, summed.failed,
      summed.jobs / extract(epoch FROM latency_stats.period)::double precision,
      summed.queued[1], summed.queued[2], summed.queued[3],
      summed.running[1], summed.running[2], summed.running[3],
      summed.total[1], summed.total[2], summed.total[3]
    FROM (
      SELECT ended.queue, ended.intent, ended.mode, count(*) AS jobs, count(*) FILTER (WHERE ended.status = 'failed') AS failed,
        percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY ended.queued) AS queued,
        percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY ended.running) AS running,
        percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY ended.total) AS total
      FROM (
        SELECT job.queue, job.intent, job.mode, job.status,
          extract(epoch FROM greatest(job.started_at - job.run_at, interval '0'))::double precision AS queued,
          extract(epoch FROM job.completed_at - job.started_at)::double precision AS running,
          extract(epoch FROM job.completed_at - job.created_at)::double precision AS total
        FROM jobs AS job
        WHERE job.completed_at IS NOT NULL AND job.completed_at > ended_after
          AND (latency_stats.queue IS NULL OR job.queue = latency_stats.queue)
      ) AS ended
      GROUP BY ended.queue, ended.intent, ended.mode
    ) AS summed
    ORDER BY summed.queue, summed.intent, summed.mode;
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
ALTER FUNCTION enqueue_many(jobs jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION enqueue_slots(key text, seen_slots_after timestamptz, slots timestamptz[], slots_after timestamptz, next_at timestamptz) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION fail(job_id text, lease_token bigint, error jsonb, retryable boolean, retry_in_seconds double precision) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION get_checkpoint(job_id text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION get_job(job_id text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION heartbeat(job_ids text[], lease_tokens bigint[], lease_seconds double precision) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION job_attempts_of(job_id text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION job_events_after(job_id text, after bigint, max_events integer) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION job_tree(job_id text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION latency_stats(queue text, period interval) SET search_path FROM CURRENT;

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
-- source: src/sql/jobs/api/fail_many.sql
-- fail() for many leases in one statement; answers for each, in the order of the arguments. errors has one for each;
-- retryable and retry_in_seconds may be null (true, and the job's own backoff, for all) or have one for each. The answer
-- locked means that somebody else's transaction holds the job's row: nothing was waited for, fail it again soon.
--
--   SELECT * FROM fail_many(ARRAY['job-1', 'job-2'], ARRAY[4, 1],
--     ARRAY['{"code": "timeout", "message": "no answer"}', '{"message": "no such page"}']::jsonb[], ARRAY[true, false]);
CREATE OR REPLACE FUNCTION fail_many(
  job_ids text[],
  lease_tokens bigint[],
  errors jsonb[],
  retryable boolean[] DEFAULT NULL,
  retry_in_seconds double precision[] DEFAULT NULL
)
RETURNS TABLE (id text, outcome text)
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
  outer_setting CONSTANT text := coalesce(current_setting('opa.parents', true), '');
  count_of_jobs CONSTANT integer := cardinality(fail_many.job_ids);
  wrong text;
  settled jsonb;
  parents text[];
BEGIN
  PERFORM check_leases('fail_many', fail_many.job_ids, fail_many.lease_tokens);
  SELECT CASE
    WHEN cardinality(fail_many.errors) IS DISTINCT FROM count_of_jobs THEN
      format('errors must have one element for each of the %s jobs, got %s', count_of_jobs, coalesce(cardinality(fail_many.errors)::text, 'null'))
    WHEN cardinality(fail_many.retryable) <> count_of_jobs OR cardinality(fail_many.retry_in_seconds) <> count_of_jobs THEN
      format('retryable and retry_in_seconds must be null or have one element for each of the %s jobs', count_of_jobs)
    ELSE (
      SELECT format('element %s: an error must be a JSON object with a message and a code that are strings, got %s', one.place - 1,
        coalesce(left(one.error::text, 200), 'null'))
      FROM unnest(fail_many.errors) WITH ORDINALITY AS one (error, place)
      WHERE one.error IS NULL OR jsonb_typeof(one.error) <> 'object' OR jsonb_typeof(one.error -> 'message') IS DISTINCT FROM 'string'
        OR jsonb_typeof(coalesce(one.error -> 'code', '""')) <> 'string'
      ORDER BY one.place LIMIT 1
    )
  END INTO wrong;
  wrong := coalesce(wrong, (
    SELECT format('element %s: retry_in_seconds must be from 0 to 31536000 (a year), got %s', one.place - 1, one.seconds)
    FROM unnest(fail_many.retry_in_seconds) WITH ORDINALITY AS one (seconds, place)
    WHERE NOT (one.seconds >= 0 AND one.seconds <= 31536000) ORDER BY one.place LIMIT 1
  ));
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('fail_many: %s', wrong);
  END IF;

  PERFORM set_config('opa.parents', 'continued', true);
  WITH held AS MATERIALIZED (
    SELECT job.ctid AS place, '{"code": "error"}'::jsonb || lease.error AS reason, lease.seconds,
      CASE
        WHEN job.cancel_requested_at IS NOT NULL THEN 'cancelled'
        WHEN coalesce(lease.retryable, true) AND job.attempt < job.max_attempts AND coalesce(job.deadline_at > current_moment, true) THEN 'pending'
        ELSE 'failed'
      END::job_status AS next_status
    FROM unnest(fail_many.job_ids, fail_many.lease_tokens, fail_many.errors, fail_many.retryable, fail_many.retry_in_seconds)
      AS lease (id, token, error, retryable, seconds)
    JOIN jobs AS job ON job.id = lease.id AND job.lease_token = lease.token AND job.lease_expires_at IS NOT NULL
    FOR NO KEY UPDATE OF job SKIP LOCKED
  ), settled AS (
    UPDATE jobs AS job
    SET status = held.next_status,
      lease_expires_at = NULL,
      heartbeat_at = greatest(current_moment, job.started_at),
      run_at = CASE WHEN held.next_status = 'pending' THEN current_moment + make_interval(secs => coalesce(held.seconds,
        retry_pause(job.backoff_seconds, job.attempt))) ELSE job.run_at END,
      completed_at = CASE WHEN held.next_status <> 'pending' THEN greatest(current_moment, job.started_at) END,
      progress = CASE WHEN held.next_status = 'pending' THEN 0 ELSE job.progress END,
      progress_message = CASE WHEN held.next_status = 'pending' THEN NULL ELSE job.progress_message END,
      error = held.reason
    FROM held
    WHERE job.ctid = held.place
    RETURNING job.id, job.lease_token, job.started_at, job.attempt, job.worker_id, job.parent_id, job.completed_at, held.reason,
      held.next_status
  ), recorded AS (
    INSERT INTO job_attempts (job_id, lease_token, started_at, finished_at, attempt, outcome, worker_id, error)
    SELECT id, lease_token, started_at, greatest(current_moment, started_at), attempt,
      (CASE next_status WHEN 'pending' THEN 'retried' ELSE next_status::text END)::attempt_outcome, worker_id, reason
    FROM settled
  )
  SELECT jsonb_object_agg(settled.id, CASE settled.next_status WHEN 'cancelled' THEN 'cancelled' ELSE 'ok' END),
    array_agg(DISTINCT settled.parent_id) FILTER (WHERE settled.parent_id IS NOT NULL AND settled.completed_at IS NOT NULL)
  INTO settled, parents FROM settled;
  PERFORM set_config('opa.parents', outer_setting, true);
  IF parents IS NOT NULL THEN
    PERFORM continue_parents(parents);
  END IF;

  RETURN QUERY
    SELECT lease.id,
      CASE WHEN job.lease_token = lease.token THEN coalesce(settled ->> lease.id, lease_refusal(lease.id, lease.token))
        ELSE lease_refusal(lease.id, lease.token) END
    FROM unnest(fail_many.job_ids, fail_many.lease_tokens) WITH ORDINALITY AS lease (id, token, place)
    LEFT JOIN jobs AS job ON job.id = lease.id
    ORDER BY lease.place;
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
--   timed_out         not extended, the attempt has taken longer than attempt_timeout_seconds: stop, and fail() it
--   locked            not extended, somebody else's transaction holds the row: ask again soon, the lease is still yours
--   lost              the lease was taken back or settled: stop, nothing that you do counts any more
--
--   SELECT * FROM heartbeat(ARRAY['job-1', 'job-2'], ARRAY[4, 1], lease_seconds => 60);
--
-- Never waits for a row, or one that is locked would cost a worker all its other leases.
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
  places tid[];
  held text[];
BEGIN
  PERFORM check_leases('heartbeat', heartbeat.job_ids, heartbeat.lease_tokens);
  IF (heartbeat.lease_seconds >= 0.01 AND heartbeat.lease_seconds <= 604800) IS NOT TRUE THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('heartbeat: lease_seconds must be from 0.01 to 604800 (a week), got %s', coalesce(heartbeat.lease_seconds::text, 'null'));
  END IF;

  places := ARRAY(
    SELECT job.ctid FROM unnest(heartbeat.job_ids, heartbeat.lease_tokens) AS lease (id, token)
    JOIN jobs AS job ON job.id = lease.id AND job.lease_token = lease.token AND job.lease_expires_at IS NOT NULL
    FOR NO KEY UPDATE OF job SKIP LOCKED
  );
  WITH extended AS (
    UPDATE jobs AS job
    SET heartbeat_at = current_moment,
      -- least() ignores a null: no time limit.
      lease_expires_at = greatest(job.lease_expires_at, least(current_moment + make_interval(secs => heartbeat.lease_seconds),
        job.started_at + make_interval(secs => job.attempt_timeout_seconds)))
    FROM unnest(places) AS held (place)
    WHERE job.ctid = held.place
    RETURNING job.id
  )
  SELECT array_agg(extended.id) INTO held FROM extended;

  RETURN QUERY
    SELECT lease.id, lease.token,
      CASE
        WHEN job.id IS NULL THEN 'lost'
        WHEN (job.id = ANY (held)) IS NOT TRUE THEN 'locked'
        WHEN job.cancel_requested_at IS NOT NULL THEN 'cancel_requested'
        WHEN job.started_at + make_interval(secs => job.attempt_timeout_seconds) <= current_moment THEN 'timed_out'
        ELSE 'held'
      END,
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
-- A job with all its descendants: each parent before its children, siblings ordered by created_at and id. depth is 0 for
-- the job itself.
--
--   SELECT repeat('  ', depth) || intent, status, progress FROM job_tree('job-1');
--
-- A row's place is its number among its siblings, four bytes a level, behind the place of its parent: bytes compare fast,
-- where SEARCH DEPTH FIRST compares arrays of rows (11 s for 2,000 levels).
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
SET enable_bitmapscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    WITH RECURSIVE tree (depth, id, place) AS (
      SELECT 0, job.id, ''::bytea FROM jobs AS job WHERE job.id = job_tree.job_id
      UNION ALL
      SELECT tree.depth + 1, child.id,
        tree.place || int4send((row_number() OVER (PARTITION BY tree.id ORDER BY child.created_at, child.id))::integer)
      FROM tree JOIN jobs AS child ON child.parent_id = tree.id
    )
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
-- source: src/sql/jobs/api/list_jobs.sql
-- A page of jobs, the newest first. Every filter that is given must hold. For the next page call it again with after_id,
-- the id of the last row of this one; an empty page is the end.
--
--   SELECT id, status, intent FROM list_jobs(queue => 'documents', statuses => '{failed}', page_size => 20);
--
-- The plan is made anew for each call: then a filter that is not given costs nothing, and one that is can use its index.
--
-- The index of created_at is a BRIN, which has no order but says which pages have rows of a period. So a long table is
-- asked for the last second, minute, hour, two days and quarter until a page is full, and only then for all of time; of
-- all time at once where another index finds few rows.
CREATE OR REPLACE FUNCTION list_jobs(
  queue text DEFAULT NULL,
  statuses job_status[] DEFAULT NULL,
  intent text DEFAULT NULL,
  modes execution_mode[] DEFAULT NULL,
  worker_id text DEFAULT NULL,
  parent_id text DEFAULT NULL,
  root_id text DEFAULT NULL,
  trace_id text DEFAULT NULL,
  since timestamptz DEFAULT NULL,
  until timestamptz DEFAULT NULL,
  after_id text DEFAULT NULL,
  page_size integer DEFAULT 50
)
RETURNS SETOF jobs
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
  periods CONSTANT interval[] := '{1 second, 1 minute, 1 hour, 2 days, 90 days}';
  are_few CONSTANT boolean := list_jobs.statuses <@ '{running,waiting}' OR num_nonnulls(list_jobs.parent_id, list_jobs.root_id) > 0
    OR (SELECT reltuples < 10000 FROM pg_catalog.pg_class WHERE oid = 'jobs'::regclass);
  after_created_at timestamptz;
  newest timestamptz;
  earliest timestamptz;
  places tid[];
BEGIN
  IF list_jobs.page_size IS NULL OR list_jobs.page_size NOT BETWEEN 1 AND 10000 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('list_jobs: page_size must be from 1 to 10000, got %s', coalesce(list_jobs.page_size::text, 'null'));
  END IF;
  IF list_jobs.after_id IS NOT NULL THEN
    SELECT created_at INTO after_created_at FROM jobs WHERE id = list_jobs.after_id;
    IF NOT FOUND THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('list_jobs: after_id must be the id of a job (was it pruned meanwhile?), got %s', list_jobs.after_id);
    END IF;
  END IF;
  newest := least(jobs_now(), list_jobs.until, after_created_at);
  FOR part IN CASE WHEN are_few THEN 6 ELSE 1 END .. 6 LOOP
    -- None after the last period.
    earliest := greatest(coalesce(newest - periods[part], '-infinity'), list_jobs.since);
    places := ARRAY(
      SELECT job.ctid FROM jobs AS job
      WHERE (list_jobs.queue IS NULL OR job.queue = list_jobs.queue)
        AND (list_jobs.statuses IS NULL OR job.status = ANY (list_jobs.statuses))
        AND (list_jobs.intent IS NULL OR job.intent = list_jobs.intent)
        AND (list_jobs.modes IS NULL OR job.mode = ANY (list_jobs.modes))
        AND (list_jobs.worker_id IS NULL OR job.worker_id = list_jobs.worker_id)
        AND (list_jobs.parent_id IS NULL OR job.parent_id = list_jobs.parent_id)
        AND (list_jobs.root_id IS NULL OR job.root_id = list_jobs.root_id)
        AND (list_jobs.trace_id IS NULL OR job.trace_id = list_jobs.trace_id)
        AND (list_jobs.until IS NULL OR job.created_at < list_jobs.until)
        AND (list_jobs.after_id IS NULL OR job.created_at <= after_created_at
          AND (job.created_at, job.id) < (after_created_at, list_jobs.after_id))
        AND job.created_at >= earliest
      ORDER BY job.created_at DESC, job.id DESC
      LIMIT list_jobs.page_size
    );
    EXIT WHEN cardinality(places) = list_jobs.page_size OR earliest = list_jobs.since;
  END LOOP;
  RETURN QUERY
    SELECT job.* FROM unnest(places) WITH ORDINALITY AS listed (place, number)
    JOIN jobs AS job ON job.ctid = listed.place
    ORDER BY listed.number;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/list_schedules.sql
-- The schedules, of one queue or of all, by key.
--
--   SELECT key, cron, next_at, paused_at, error FROM list_schedules();
CREATE OR REPLACE FUNCTION list_schedules(queue text DEFAULT NULL)
RETURNS SETOF schedules
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    SELECT schedule.* FROM schedules AS schedule
    WHERE list_schedules.queue IS NULL OR schedule.queue = list_schedules.queue
    ORDER BY schedule.key;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/pause_queue.sql
-- Pauses a queue: claims from it find nothing until resume_queue(). What runs goes on and is settled as usual, leases that
-- run out are taken back, and jobs are accepted. Answers whether the queue was not paused before; its reason is replaced.
--
--   SELECT pause_queue('documents', reason => 'the model is down');
CREATE OR REPLACE FUNCTION pause_queue(queue text, reason text DEFAULT NULL)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
AS $$
#variable_conflict use_column
DECLARE
  is_new boolean;
BEGIN
  IF pause_queue.queue IS NULL OR octet_length(pause_queue.queue) NOT BETWEEN 1 AND 255 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('pause_queue: queue must have from 1 to 255 bytes, got %s', coalesce(octet_length(pause_queue.queue)::text, 'null'));
  END IF;
  INSERT INTO job_queues AS paused (queue, paused_at, reason)
  VALUES (pause_queue.queue, jobs_now(), pause_queue.reason)
  ON CONFLICT (queue) DO UPDATE SET reason = excluded.reason
  RETURNING xmax = 0 INTO is_new;
  RETURN is_new;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/pause_schedule.sql
-- Pauses a schedule: no slot is enqueued until resume_schedule(). False if there is no such schedule.
--
--   SELECT pause_schedule('digest');
CREATE OR REPLACE FUNCTION pause_schedule(key text)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
AS $$
#variable_conflict use_column
BEGIN
  UPDATE schedules SET paused_at = coalesce(paused_at, jobs_now()), updated_at = now() WHERE key = pause_schedule.key;
  RETURN FOUND;
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
ALTER FUNCTION fail_many(job_ids text[], lease_tokens bigint[], errors jsonb[], retryable boolean[], retry_in_seconds double precision[]) SET search_path FROM CURRENT;
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
--> statement-breakpoint
ALTER FUNCTION list_jobs(queue text, statuses job_status[], intent text, modes execution_mode[], worker_id text, parent_id text, root_id text, trace_id text, since timestamptz, until timestamptz, after_id text, page_size integer) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION list_schedules(queue text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION pause_queue(queue text, reason text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION pause_schedule(key text) SET search_path FROM CURRENT;

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
-- source: src/sql/jobs/operating/api/cancel_jobs.sql
-- cancel() for the unfinished jobs that a filter means (see count_jobs), at most max_jobs in a call, without their
-- descendants (root_id in the filter means a tree); gives how many. Call it again until it gives 0. Jobs whose cancellation
-- was asked for before are not counted again, and rows that others hold locked are left for the next call.
--
--   SELECT cancel_jobs('{"queue": "documents", "intent": "embed"}', max_jobs => 1000);
CREATE OR REPLACE FUNCTION cancel_jobs(filter jsonb, max_jobs integer DEFAULT 1000)
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
  outer_setting CONSTANT text := coalesce(current_setting('opa.parents', true), '');
  current_moment timestamptz := jobs_now();
  changed integer;
  parents text[];
BEGIN
  PERFORM check_job_filter('cancel_jobs', filter);
  PERFORM check_batch('cancel_jobs', max_jobs);
  PERFORM set_config('opa.parents', 'continued', true);
  WITH held AS MATERIALIZED (
    SELECT job.ctid AS place FROM jobs AS job
    WHERE job.completed_at IS NULL AND job.cancel_requested_at IS NULL AND job_matches(job, filter)
    LIMIT max_jobs
    FOR UPDATE SKIP LOCKED
  ), stopped AS (
    UPDATE jobs AS job
    SET status = CASE job.status WHEN 'running' THEN job.status ELSE 'cancelled' END,
      completed_at = CASE job.status WHEN 'running' THEN NULL ELSE current_moment END,
      wait_reason = NULL,
      cancel_requested_at = current_moment
    FROM held
    WHERE job.ctid = held.place
    RETURNING job.parent_id, job.status
  )
  SELECT count(*), array_agg(DISTINCT stopped.parent_id) FILTER (WHERE stopped.parent_id IS NOT NULL AND stopped.status = 'cancelled')
  INTO changed, parents FROM stopped;
  PERFORM set_config('opa.parents', outer_setting, true);
  IF parents IS NOT NULL THEN
    PERFORM continue_parents(parents);
  END IF;
  RETURN changed;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/operating/api/change_job.sql
-- Changes a job that is pending: when it may run, its priority, its inputs. What is null stays. Answers ok; wrong_status
-- when it is not pending (any more); not_found.
--
--   SELECT change_job('job-1', run_at => now() + interval '1 hour', priority => 5);
CREATE OR REPLACE FUNCTION change_job(
  job_id text,
  run_at timestamptz DEFAULT NULL,
  priority integer DEFAULT NULL,
  inputs jsonb DEFAULT NULL
)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
  IF change_job.priority NOT BETWEEN -32768 AND 32767 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('change_job: priority must be from -32768 to 32767, got %s', change_job.priority);
  END IF;
  UPDATE jobs AS job
  SET run_at = coalesce(change_job.run_at, job.run_at), priority = coalesce(change_job.priority, job.priority),
    inputs = coalesce(change_job.inputs, job.inputs)
  WHERE job.id = change_job.job_id AND job.status = 'pending';
  IF FOUND THEN
    RETURN 'ok';
  END IF;
  RETURN CASE WHEN EXISTS (SELECT FROM jobs WHERE id = change_job.job_id) THEN 'wrong_status' ELSE 'not_found' END;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/operating/api/prune.sql
-- Deletes jobs that ended more than older_than ago, with their attempts, the oldest first, at most batch of them; gives
-- how many. Call it again until it gives 0: small batches keep locks short and leave vacuum time to follow.
--
--   SELECT prune(older_than => interval '30 days', batch => 1000);
--
-- Only of this queue and these statuses, and only jobs that the filter means (see count_jobs).
--
-- A job that still has children stays until they are pruned: an unfinished child never loses its parent.
CREATE OR REPLACE FUNCTION prune(
  older_than interval,
  batch integer DEFAULT 1000,
  queue text DEFAULT NULL,
  statuses job_status[] DEFAULT NULL,
  filter jsonb DEFAULT '{}'
)
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  ended_before timestamptz := jobs_now() - prune.older_than;
  pruned integer;
BEGIN
  IF prune.older_than IS NULL OR prune.older_than < interval '0' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('prune: older_than must be an interval of 0 or more, got %s', coalesce(prune.older_than::text, 'null'));
  END IF;
  IF prune.batch IS NULL OR prune.batch NOT BETWEEN 1 AND 100000 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('prune: batch must be from 1 to 100000, got %s', coalesce(prune.batch::text, 'null'));
  END IF;
  PERFORM check_job_filter('prune', prune.filter);
  WITH old AS MATERIALIZED (
    SELECT job.id FROM jobs AS job
    WHERE job.completed_at IS NOT NULL AND job.completed_at <= ended_before
      AND (prune.queue IS NULL OR job.queue = prune.queue)
      AND (prune.statuses IS NULL OR job.status = ANY (prune.statuses))
      AND (prune.filter = '{}' OR job_matches(job, prune.filter))
      AND (SELECT child.id FROM jobs AS child WHERE child.parent_id = job.id LIMIT 1) IS NULL
    ORDER BY job.completed_at
    LIMIT prune.batch
    FOR UPDATE SKIP LOCKED
  )
  DELETE FROM jobs AS job USING old WHERE job.id = old.id;
  GET DIAGNOSTICS pruned = ROW_COUNT;
  RETURN pruned;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/operating/api/retry.sql
-- Runs a failed or cancelled job again, from its first attempt; what happened before stays in job_attempts. Answers ok;
-- wrong_status when it is neither; conflict when another unfinished job has the singleton_key of it or of a descendant;
-- not_found.
--
--   SELECT retry('job-1');
--
-- What failed below it runs again as well (cascade), and what was completed there is kept: a job that failed because a child
-- did (child_failed) waits for its children again, all others are pending. A deadline that is past is taken away, or the job
-- would fail at once.
CREATE OR REPLACE FUNCTION retry(job_id text, run_at timestamptz DEFAULT NULL, cascade boolean DEFAULT true)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz;
  targets text[] := CASE WHEN retry.cascade THEN descendants(retry.job_id) ELSE ARRAY[retry.job_id] END;
  waiting text[];
  status job_status;
BEGIN
  PERFORM FROM unnest(targets) WITH ORDINALITY AS target (id, place)
  JOIN jobs AS job ON job.id = target.id
  ORDER BY target.place
  FOR NO KEY UPDATE OF job;
  SELECT job.status INTO status FROM jobs AS job WHERE job.id = retry.job_id;
  IF NOT FOUND THEN
    RETURN 'not_found';
  END IF;
  IF status NOT IN ('failed', 'cancelled') THEN
    RETURN 'wrong_status';
  END IF;
  current_moment := jobs_now();
  BEGIN
    WITH again AS (
      UPDATE jobs AS job
      SET status = CASE WHEN waits.for_children THEN 'waiting'::job_status ELSE 'pending' END,
        wait_reason = CASE WHEN waits.for_children THEN 'children' END,
        attempt = 0, losses = 0, run_at = coalesce(retry.run_at, current_moment), error = NULL, result = NULL,
        progress = 0, progress_message = NULL, completed_at = NULL, cancel_requested_at = NULL,
        deadline_at = CASE WHEN job.deadline_at <= current_moment THEN NULL ELSE job.deadline_at END
      FROM unnest(targets) AS target (id)
      CROSS JOIN LATERAL (
        SELECT retry.cascade AND before.status = 'failed' AND before.error ->> 'code' = 'child_failed' FROM jobs AS before
        WHERE before.id = target.id
      ) AS waits (for_children)
      WHERE job.id = target.id AND job.status IN ('failed', 'cancelled')
      RETURNING job.id, job.status
    )
    SELECT array_agg(again.id) FILTER (WHERE again.status = 'waiting') INTO waiting FROM again;
  EXCEPTION WHEN unique_violation THEN
    RETURN 'conflict';
  END;
  -- Should all that failed have been retried one by one before.
  IF waiting IS NOT NULL THEN
    PERFORM continue_parents(waiting);
  END IF;
  RETURN 'ok';
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/operating/api/retry_jobs.sql
-- retry() for the failed and cancelled jobs that a filter means (see count_jobs), at most max_jobs in a call, without their
-- descendants; gives how many run again. Call it again until it gives 0. Jobs beside an unfinished one of their
-- singleton_key are left as they are, and so are rows that others hold locked.
--
--   SELECT retry_jobs('{"queue": "documents", "error_code": "timeout"}', max_jobs => 1000);
CREATE OR REPLACE FUNCTION retry_jobs(filter jsonb, max_jobs integer DEFAULT 1000, run_at timestamptz DEFAULT NULL)
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
  target text;
  changed integer := 0;
BEGIN
  PERFORM check_job_filter('retry_jobs', filter);
  PERFORM check_batch('retry_jobs', max_jobs);
  -- A job in the way of another's singleton_key is passed over, or it would be found in every call.
  FOR target IN
    SELECT job.id FROM jobs AS job
    WHERE job.completed_at IS NOT NULL AND job.status IN ('failed', 'cancelled') AND job_matches(job, filter)
      AND (job.singleton_key IS NULL OR NOT EXISTS (
        SELECT FROM jobs AS other
        WHERE other.queue = job.queue AND other.singleton_key = job.singleton_key AND other.status IN ('pending', 'running', 'waiting')
      ))
    LIMIT max_jobs
    FOR NO KEY UPDATE OF job SKIP LOCKED
  LOOP
    IF retry(target, retry_jobs.run_at, false) = 'ok' THEN
      changed := changed + 1;
    END IF;
  END LOOP;
  RETURN changed;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/operating/api/set_job_notifications.sql
-- Turns notifications for LISTEN on or off; they are off until somebody asks, for a NOTIFY makes commits queue up behind
-- each other. Only the owner of the tables may. With them on, each statement sends at most one notification:
--   channel opa_jobs_ready   a JSON array of the queues in which jobs became pending
--   channel opa_jobs_ended   a JSON array of the ids of jobs that ended
-- Of an installation in another schema than public the schema's name follows: opa_jobs_ready_tenant (its md5, if it is longer
-- than 40 letters, or more than small letters, digits and underscores). An empty text instead means that there were too many to name: look for yourself.
--
--   SELECT set_job_notifications(true);
CREATE OR REPLACE FUNCTION set_job_notifications(is_on boolean)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  IF is_on IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'set_job_notifications: is_on must be true or false, got null';
  END IF;
  DROP TRIGGER IF EXISTS jobs_notify_insert ON jobs;
  DROP TRIGGER IF EXISTS jobs_notify_update ON jobs;
  IF is_on THEN
    CREATE TRIGGER jobs_notify_insert AFTER INSERT ON jobs
      REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION jobs_notify();
    CREATE TRIGGER jobs_notify_update AFTER UPDATE ON jobs
      REFERENCING OLD TABLE AS previous NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION jobs_notify();
  END IF;
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/jobs/reading/check_job_filter.sql
-- Refuses a filter of jobs that job_matches() would not understand, naming the key.
CREATE OR REPLACE FUNCTION check_job_filter(caller text, filter jsonb)
RETURNS void
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  texts CONSTANT text[] := ARRAY['queue', 'intent', 'worker_id', 'parent_id', 'root_id', 'trace_id', 'limit_key', 'error_code',
    'since', 'until'];
  lists CONSTANT text[] := ARRAY['statuses', 'modes', 'ids'];
  problem text;
BEGIN
  IF filter IS NULL OR jsonb_typeof(filter) <> 'object' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: filter must be a JSON object, got %s', caller, coalesce(jsonb_typeof(filter), 'null'));
  END IF;
  SELECT CASE
    WHEN entry.key <> ALL (texts || lists) THEN
      format('filter has an unknown key, %s; known are %s', entry.key, array_to_string(texts || lists, ', '))
    WHEN entry.key = ANY (texts) THEN format('filter.%s must be a string, got %s', entry.key, jsonb_typeof(entry.value))
    ELSE format('filter.%s must be an array of strings, got %s', entry.key, left(entry.value::text, 100))
  END INTO problem
  FROM jsonb_each(filter) AS entry
  WHERE entry.key <> ALL (texts || lists)
    OR entry.key = ANY (texts) AND jsonb_typeof(entry.value) <> 'string'
    OR entry.key = ANY (lists) AND (jsonb_typeof(entry.value) <> 'array'
      OR jsonb_path_exists(entry.value, '$[*] ? (@.type() != "string")'))
  ORDER BY entry.key LIMIT 1;
  IF problem IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('%s: %s', caller, problem);
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/reading/check_period.sql
-- Refuses a period that is not one, for the functions that report about the recent past.
CREATE OR REPLACE FUNCTION check_period(caller text, period interval)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  IF period IS NULL OR period <= interval '0' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: period must be an interval greater than 0, got %s', caller, coalesce(period::text, 'null'));
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/reading/job_matches.sql
-- Whether a job is one that a filter (check_job_filter) means; an empty one means all. It is inlined, and a filter that is
-- known when the plan is made leaves only the conditions that it has, which may use their indexes.
CREATE OR REPLACE FUNCTION job_matches(job jobs, filter jsonb)
RETURNS boolean
LANGUAGE sql STABLE
AS $$
  SELECT (filter ->> 'queue' IS NULL OR job.queue = filter ->> 'queue')
    AND (filter ->> 'intent' IS NULL OR job.intent = filter ->> 'intent')
    AND (filter ->> 'worker_id' IS NULL OR job.worker_id = filter ->> 'worker_id')
    AND (filter ->> 'parent_id' IS NULL OR job.parent_id = filter ->> 'parent_id')
    AND (filter ->> 'root_id' IS NULL OR job.root_id = filter ->> 'root_id')
    AND (filter ->> 'trace_id' IS NULL OR job.trace_id = filter ->> 'trace_id')
    AND (filter ->> 'limit_key' IS NULL OR job.limit_key = filter ->> 'limit_key')
    AND (filter ->> 'error_code' IS NULL OR job.error ->> 'code' = filter ->> 'error_code')
    AND (filter ->> 'since' IS NULL OR job.created_at >= (filter ->> 'since')::timestamptz)
    AND (filter ->> 'until' IS NULL OR job.created_at < (filter ->> 'until')::timestamptz)
    AND (filter -> 'statuses' IS NULL OR filter -> 'statuses' ? job.status::text)
    AND (filter -> 'modes' IS NULL OR filter -> 'modes' ? job.mode::text)
    AND (filter -> 'ids' IS NULL OR filter -> 'ids' ? job.id)
$$;
--> statement-breakpoint
-- source: src/sql/jobs/reading/sum_usage.sql
-- A usage (null counts as nothing) with more added to it. Costs are decimal, so that a thousand small ones add up.
CREATE OR REPLACE FUNCTION sum_usage(usage jsonb, input_tokens bigint, output_tokens bigint, cost numeric)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT jsonb_build_object(
    'input_tokens', coalesce((usage ->> 'input_tokens')::bigint, 0) + input_tokens,
    'output_tokens', coalesce((usage ->> 'output_tokens')::bigint, 0) + output_tokens,
    'cost', coalesce((usage ->> 'cost')::numeric, 0) + cost
  )
$$;
--> statement-breakpoint
-- path: schema
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema')), quote_ident(current_setting('opa.schema') || '_opa'), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/jobs/reading/api/count_jobs.sql
-- How many jobs a filter means, by status: look before cancel_jobs(), retry_jobs() or prune(). Keys of the filter, all of
-- which must hold: queue, intent, worker_id, parent_id, root_id, trace_id, limit_key, error_code (strings), since and until
-- (of created_at, ISO 8601, until exclusive), statuses, modes, ids (arrays).
--
--   SELECT * FROM count_jobs('{"queue": "documents", "error_code": "timeout"}');
CREATE OR REPLACE FUNCTION count_jobs(filter jsonb DEFAULT '{}')
RETURNS TABLE (status job_status, jobs bigint)
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
BEGIN
  PERFORM check_job_filter('count_jobs', filter);
  RETURN QUERY SELECT job.status, count(*) FROM jobs AS job WHERE job_matches(job, filter) GROUP BY job.status ORDER BY job.status;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/reading/api/get_job.sql
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
-- source: src/sql/jobs/reading/api/job_attempts_of.sql
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
-- source: src/sql/jobs/reading/api/job_tree.sql
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
-- source: src/sql/jobs/reading/api/latency_stats.sql
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
ALTER FUNCTION cancel_jobs(filter jsonb, max_jobs integer) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION change_job(job_id text, run_at timestamptz, priority integer, inputs jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION prune(older_than interval, batch integer, queue text, statuses job_status[], filter jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION retry(job_id text, run_at timestamptz, cascade boolean) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION retry_jobs(filter jsonb, max_jobs integer, run_at timestamptz) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION set_job_notifications(is_on boolean) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION count_jobs(filter jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION get_job(job_id text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION job_attempts_of(job_id text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION job_tree(job_id text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION latency_stats(queue text, period interval) SET search_path FROM CURRENT;

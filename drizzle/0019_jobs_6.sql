-- path: of the installation
SELECT set_config('opa.schema', coalesce(nullif(current_setting('opa.schema', true), ''), current_schema(), ''), true);
--> statement-breakpoint
-- path: checked when they run
SET LOCAL check_function_bodies = off;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/jobs/settle/check_leases.sql
-- Refuses lists of leases that do not fit together, for the functions that take several at once.
CREATE OR REPLACE FUNCTION check_leases(caller text, job_ids text[], lease_tokens bigint[])
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  IF job_ids IS NULL OR lease_tokens IS NULL OR cardinality(job_ids) <> cardinality(lease_tokens) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: job_ids and lease_tokens must be arrays of the same length, got %s and %s', caller,
        coalesce(cardinality(job_ids)::text, 'null'), coalesce(cardinality(lease_tokens)::text, 'null'));
  END IF;
  IF array_position(job_ids, NULL) IS NOT NULL OR array_position(lease_tokens, NULL) IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: every job id and lease token must be given, got a null', caller);
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/settle/end_lease.sql
-- Ends a lease without ending the job, which goes on as pending or waiting: the common part of release(), snooze() and
-- wait_for(). The attempt is given back, for nothing has failed. A job whose cancellation was asked for is cancelled
-- instead: this is the moment at which its worker lets go of it.
CREATE OR REPLACE FUNCTION end_lease(
  job_id text,
  lease_token bigint,
  next_status job_status,
  outcome text,
  run_at timestamptz DEFAULT NULL,
  wait_reason text DEFAULT NULL,
  required_action jsonb DEFAULT NULL,
  wait_expires_at timestamptz DEFAULT NULL
)
RETURNS text
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
  job jobs;
BEGIN
  SELECT * INTO job FROM jobs
  WHERE id = end_lease.job_id AND lease_token = end_lease.lease_token AND lease_expires_at IS NOT NULL
  FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN lease_refusal(end_lease.job_id, end_lease.lease_token);
  END IF;
  current_moment := greatest(current_moment, job.started_at);
  IF job.cancel_requested_at IS NOT NULL THEN
    UPDATE jobs
    SET status = 'cancelled', completed_at = current_moment, lease_expires_at = NULL, heartbeat_at = current_moment
    WHERE id = job.id;
  ELSE
    UPDATE jobs
    -- The last sign of life: no later attempt starts before it (claim).
    SET status = end_lease.next_status, lease_expires_at = NULL, attempt = job.attempt - 1, heartbeat_at = current_moment,
      run_at = coalesce(end_lease.run_at, job.run_at), wait_reason = end_lease.wait_reason,
      wait_expires_at = end_lease.wait_expires_at,
      required_action = coalesce(end_lease.required_action, job.required_action)
    WHERE id = job.id;
  END IF;
  INSERT INTO job_attempts (job_id, lease_token, started_at, finished_at, attempt, outcome, worker_id)
  VALUES (
    job.id, job.lease_token, job.started_at, current_moment, job.attempt,
    (CASE WHEN job.cancel_requested_at IS NULL THEN end_lease.outcome ELSE 'cancelled' END)::attempt_outcome,
    job.worker_id
  );
  RETURN CASE WHEN job.cancel_requested_at IS NULL THEN 'ok' ELSE 'cancelled' END;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/settle/lease_refusal.sql
-- Why a lease could not be settled: the job is not_found, was cancelled, somebody else's transaction holds its row
-- (locked: the lease is still the caller's), or this lease of it is over (stale_lease).
CREATE OR REPLACE FUNCTION lease_refusal(job_id text, lease_token bigint)
RETURNS text
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  job jobs;
BEGIN
  SELECT * INTO job FROM jobs WHERE id = lease_refusal.job_id;
  IF NOT FOUND THEN
    RETURN 'not_found';
  END IF;
  IF job.lease_token = lease_refusal.lease_token THEN
    RETURN CASE WHEN job.status = 'cancelled' THEN 'cancelled' WHEN job.status = 'running' THEN 'locked' ELSE 'stale_lease' END;
  END IF;
  RETURN 'stale_lease';
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/settle/retry_pause.sql
-- The seconds before another attempt: backoff_seconds doubled for each attempt made, a day at most, and a random half of it
-- taken off, so that jobs which failed together do not come back together.
CREATE OR REPLACE FUNCTION retry_pause(backoff_seconds double precision, attempt integer)
RETURNS double precision
LANGUAGE sql VOLATILE PARALLEL SAFE
AS $$
  SELECT least(backoff_seconds * 2 ^ least(attempt - 1, 30), 86400) * (0.5 + random() / 2)
$$;
--> statement-breakpoint
-- path: schema
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema')), quote_ident(current_setting('opa.schema') || '_opa'), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/jobs/settle/api/add_usage.sql
-- Adds to what a job has cost: tokens read and written by a model, and the price in whatever currency the caller counts.
-- usage keeps the totals (input_tokens, output_tokens, cost), the model used last (model), and the same by model
-- (by_model). Answers as complete() does; cancelled also when somebody asked for that while it runs (the usage is
-- counted: it was spent).
--
--   SELECT add_usage('job-1', lease_token => 4, model => 'small-1', input_tokens => 1200, output_tokens => 80, cost => 0.0021);
CREATE OR REPLACE FUNCTION add_usage(
  job_id text,
  lease_token bigint,
  model text,
  input_tokens bigint DEFAULT 0,
  output_tokens bigint DEFAULT 0,
  cost numeric DEFAULT 0
)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  is_cancelling boolean;
BEGIN
  IF add_usage.model IS NULL OR octet_length(add_usage.model) NOT BETWEEN 1 AND 255 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('add_usage: model must be text of 1 to 255 bytes, got %s', coalesce(octet_length(add_usage.model)::text, 'null'));
  END IF;
  -- NaN is greater than every number.
  IF (add_usage.input_tokens >= 0 AND add_usage.output_tokens >= 0 AND add_usage.cost >= 0 AND add_usage.cost < 'infinity') IS NOT TRUE THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('add_usage: input_tokens, output_tokens and cost must be 0 or more, got %s, %s and %s',
        coalesce(add_usage.input_tokens::text, 'null'), coalesce(add_usage.output_tokens::text, 'null'), coalesce(add_usage.cost::text, 'null'));
  END IF;
  UPDATE jobs AS job
  SET usage = sum_usage(job.usage, add_usage.input_tokens, add_usage.output_tokens, add_usage.cost)
    || jsonb_build_object(
      'model', add_usage.model,
      'by_model', coalesce(job.usage -> 'by_model', '{}') || jsonb_build_object(add_usage.model,
        sum_usage(job.usage -> 'by_model' -> add_usage.model, add_usage.input_tokens, add_usage.output_tokens, add_usage.cost))
    )
  WHERE job.id = add_usage.job_id AND job.lease_token = add_usage.lease_token AND job.lease_expires_at IS NOT NULL
  RETURNING job.cancel_requested_at IS NOT NULL INTO is_cancelling;
  IF FOUND THEN
    RETURN CASE WHEN is_cancelling THEN 'cancelled' ELSE 'ok' END;
  END IF;
  RETURN lease_refusal(add_usage.job_id, add_usage.lease_token);
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/settle/api/complete.sql
-- Ends a job well, with its result. Answers ok; stale_lease when the lease was taken back or is settled already;
-- cancelled when the job was cancelled; not_found. Anything but ok has changed nothing.
--
--   SELECT complete('job-1', lease_token => 4, result => '{"summary": "…"}');
--
-- It waits for a row that another transaction holds locked; complete_many() and complete_and_claim() do not.
--
-- A job whose cancellation was asked for, and which got done nevertheless, is completed.
--
-- Here and in the other functions about leases, lease_expires_at IS NOT NULL says that the job is running (the table's
-- trigger makes it the same). status = 'running' would offer the planner the index of running jobs, and where statistics say
-- that few are running it reads all of them instead of the primary key.
CREATE OR REPLACE FUNCTION complete(job_id text, lease_token bigint, result jsonb DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
BEGIN
  WITH settled AS (
    UPDATE jobs AS job
    SET status = 'completed', result = complete.result, error = NULL, progress = 1, lease_expires_at = NULL,
      completed_at = greatest(current_moment, job.started_at), updated_at = now()
    WHERE job.id = complete.job_id AND job.lease_token = complete.lease_token AND job.lease_expires_at IS NOT NULL
    RETURNING job.id, job.lease_token, job.started_at, job.completed_at, job.attempt, job.worker_id
  )
  INSERT INTO job_attempts (job_id, lease_token, started_at, finished_at, attempt, outcome, worker_id)
  SELECT id, lease_token, started_at, completed_at, attempt, 'completed', worker_id FROM settled;
  IF FOUND THEN
    RETURN 'ok';
  END IF;
  RETURN lease_refusal(complete.job_id, complete.lease_token);
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/settle/api/complete_many.sql
-- complete() for many leases in one statement; answers for each, in the order of the arguments. results may be null
-- (no job has one) or has one for each job. The answer locked means that somebody else's transaction holds the job's row:
-- nothing was waited for, the lease is still yours, complete it again soon.
--
--   SELECT * FROM complete_many(ARRAY['job-1', 'job-2'], ARRAY[4, 1]);
CREATE OR REPLACE FUNCTION complete_many(job_ids text[], lease_tokens bigint[], results jsonb[] DEFAULT NULL)
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
  settled_ids text[];
  parents text[];
BEGIN
  PERFORM check_leases('complete_many', complete_many.job_ids, complete_many.lease_tokens);
  IF cardinality(complete_many.results) <> cardinality(complete_many.job_ids) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('complete_many: results must be null or have one element for each of the %s jobs, got %s',
        cardinality(complete_many.job_ids), cardinality(complete_many.results));
  END IF;

  PERFORM set_config('opa.parents', 'continued', true);
  WITH held AS MATERIALIZED (
    SELECT job.ctid AS place, lease.result
    FROM unnest(complete_many.job_ids, complete_many.lease_tokens, complete_many.results) AS lease (id, token, result)
    JOIN jobs AS job ON job.id = lease.id AND job.lease_token = lease.token AND job.lease_expires_at IS NOT NULL
    FOR NO KEY UPDATE OF job SKIP LOCKED
  ), settled AS (
    UPDATE jobs AS job
    SET status = 'completed', result = held.result, error = NULL, progress = 1, lease_expires_at = NULL,
      completed_at = greatest(current_moment, job.started_at), updated_at = now()
    FROM held
    WHERE job.ctid = held.place
    RETURNING job.id, job.lease_token, job.started_at, job.completed_at, job.attempt, job.worker_id, job.parent_id
  ), recorded AS (
    INSERT INTO job_attempts (job_id, lease_token, started_at, finished_at, attempt, outcome, worker_id)
    SELECT id, lease_token, started_at, completed_at, attempt, 'completed', worker_id FROM settled
  )
  SELECT array_agg(settled.id), array_agg(DISTINCT settled.parent_id) FILTER (WHERE settled.parent_id IS NOT NULL)
  INTO settled_ids, parents FROM settled;
  PERFORM set_config('opa.parents', outer_setting, true);
  IF parents IS NOT NULL THEN
    PERFORM continue_parents(parents);
  END IF;

  IF cardinality(settled_ids) = cardinality(complete_many.job_ids) THEN
    RETURN QUERY SELECT one.id, 'ok' FROM unnest(complete_many.job_ids) AS one (id);
    RETURN;
  END IF;
  RETURN QUERY
    SELECT lease.id,
      CASE WHEN lease.id = ANY (settled_ids) AND job.lease_token = lease.token
        THEN 'ok' ELSE lease_refusal(lease.id, lease.token) END
    FROM unnest(complete_many.job_ids, complete_many.lease_tokens) WITH ORDINALITY AS lease (id, token, place)
    LEFT JOIN jobs AS job ON job.id = lease.id
    ORDER BY lease.place;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/settle/api/fail.sql
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
-- source: src/sql/jobs/settle/api/fail_many.sql
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
-- source: src/sql/jobs/settle/api/heartbeat.sql
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
-- source: src/sql/jobs/settle/api/release.sql
-- Gives a job back undone, for anybody to claim at once: a worker that shuts down, or is not the right one. The attempt
-- does not count. Answers as complete() does; cancelled when somebody had asked for that, and then the job is cancelled
-- now: release() is how a worker obeys.
--
--   SELECT release('job-1', lease_token => 4);
CREATE OR REPLACE FUNCTION release(job_id text, lease_token bigint)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
AS $$
BEGIN
  RETURN end_lease(release.job_id, release.lease_token, 'pending', 'released');
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
ALTER FUNCTION add_usage(job_id text, lease_token bigint, model text, input_tokens bigint, output_tokens bigint, cost numeric) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION complete(job_id text, lease_token bigint, result jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION complete_many(job_ids text[], lease_tokens bigint[], results jsonb[]) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION fail(job_id text, lease_token bigint, error jsonb, retryable boolean, retry_in_seconds double precision) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION fail_many(job_ids text[], lease_tokens bigint[], errors jsonb[], retryable boolean[], retry_in_seconds double precision[]) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION heartbeat(job_ids text[], lease_tokens bigint[], lease_seconds double precision) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION release(job_id text, lease_token bigint) SET search_path FROM CURRENT;

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
-- source: src/sql/jobs/append_job_event.sql
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
-- source: src/sql/jobs/check_leases.sql
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
-- source: src/sql/jobs/check_period.sql
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
-- source: src/sql/jobs/continue_parent.sql
-- Ends the waiting of a job for its children if none of them is unfinished; does nothing otherwise. Called when a child
-- ends (trigger jobs_child_ended) and when the waiting begins, by which time the last child may have ended.
--
-- The job's row is touched first, although nothing in it changes: of two children that end at the same moment the
-- second waits here for the first to commit and then sees it, and under REPEATABLE READ it fails and is repeated.
-- Without that each would see the other one unfinished, and the parent would wait for ever.
CREATE OR REPLACE FUNCTION continue_parent(job_id text)
RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz;
  parent jobs;
  failed_child text;
BEGIN
  UPDATE jobs SET lease_token = lease_token WHERE id = continue_parent.job_id RETURNING * INTO parent;
  IF parent.status IS DISTINCT FROM 'waiting' OR parent.wait_reason <> 'children' THEN
    RETURN;
  END IF;
  IF EXISTS (SELECT FROM jobs WHERE parent_id = parent.id AND completed_at IS NULL) THEN
    RETURN;
  END IF;
  current_moment := jobs_now();
  IF parent.required_action ->> 'on_child_failure' = 'fail' THEN
    SELECT id INTO failed_child FROM jobs
    WHERE parent_id = parent.id AND status IN ('failed', 'cancelled')
    ORDER BY completed_at, id LIMIT 1;
  END IF;
  IF failed_child IS NULL THEN
    UPDATE jobs SET status = 'pending', wait_reason = NULL, run_at = current_moment WHERE id = parent.id;
  ELSE
    UPDATE jobs
    SET status = 'failed', wait_reason = NULL, completed_at = current_moment,
      error = jsonb_build_object('code', 'child_failed', 'message', format('child job %s did not complete', failed_child),
        'detail', jsonb_build_object('job_id', failed_child))
    WHERE id = parent.id;
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/deadline_error.sql
-- The error of a job that was not done by its deadline, the same wherever that is found out.
CREATE OR REPLACE FUNCTION deadline_error(deadline_at timestamptz)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
  SELECT jsonb_build_object('code', 'deadline_exceeded', 'message', format('the job was not done by its deadline, %s', deadline_at))
$$;
--> statement-breakpoint
-- source: src/sql/jobs/end_lease.sql
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
  required_action jsonb DEFAULT NULL
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
  IF job.cancel_requested_at IS NOT NULL THEN
    UPDATE jobs SET status = 'cancelled', completed_at = current_moment, lease_expires_at = NULL WHERE id = job.id;
  ELSE
    UPDATE jobs
    SET status = end_lease.next_status, lease_expires_at = NULL, attempt = job.attempt - 1,
      run_at = coalesce(end_lease.run_at, job.run_at), wait_reason = end_lease.wait_reason,
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
-- source: src/sql/jobs/find_duplicate.sql
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
-- source: src/sql/jobs/is_job_transition.sql
-- Whether the life of a job has this change of status.
CREATE OR REPLACE FUNCTION is_job_transition(old_status job_status, new_status job_status)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT CASE old_status
    WHEN new_status THEN true
    WHEN 'pending' THEN new_status <> 'completed'
    WHEN 'running' THEN true
    WHEN 'waiting' THEN new_status IN ('pending', 'failed', 'cancelled')
    WHEN 'completed' THEN false
    ELSE new_status = 'pending'
  END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/job_state_problem.sql
-- What is wrong with a job of this status and these columns; null if nothing is. The triggers of jobs ask. Constraints
-- would say the same, but PostgreSQL reads every check anew for each statement that writes: the six that these were cost
-- 40 of the 195 µs of one claim and one complete.
CREATE OR REPLACE FUNCTION job_state_problem(
  status job_status,
  lease_expires_at timestamptz,
  completed_at timestamptz,
  wait_reason text,
  error jsonb,
  progress real,
  attempt integer
)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT CASE
    WHEN (status = 'running') <> (lease_expires_at IS NOT NULL) THEN
      'lease_expires_at must be there while the job is running, and only then'
    WHEN (status IN ('pending', 'running', 'waiting')) <> (completed_at IS NULL) THEN
      'completed_at must be there when the job has ended, and only then'
    WHEN (status = 'waiting') <> (wait_reason IS NOT NULL) THEN
      'wait_reason must be there while the job is waiting, and only then'
    WHEN status = 'failed' AND error IS NULL THEN 'error must be there when the job has failed'
    WHEN NOT (progress >= 0 AND progress <= 1) THEN 'progress must be from 0 to 1'
    WHEN attempt < 0 THEN 'attempt must be 0 or more'
  END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/lease_refusal.sql
-- Why a lease could not be settled: the job is not_found, was cancelled, or this lease of it is over (stale_lease).
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
  IF job.status = 'cancelled' AND job.lease_token = lease_refusal.lease_token THEN
    RETURN 'cancelled';
  END IF;
  RETURN 'stale_lease';
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/new_job_id.sql
-- A new id: a UUID of version 7, which begins with the milliseconds of its making. Jobs that are made together then lie
-- together in the indexes by id, where a random id touches another page for each row (measured: a tenth of the CPU of
-- claim and complete in batches).
CREATE OR REPLACE FUNCTION new_job_id(moment timestamptz)
RETURNS text
LANGUAGE sql VOLATILE PARALLEL SAFE
AS $$
  SELECT overlay(lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') PLACING '-' FROM 9 FOR 0)
    || '-7' || substr(gen_random_uuid()::text, 16)
$$;
--> statement-breakpoint
-- source: src/sql/jobs/note_queue_starts.sql
-- Notes for claim(), in a setting of the session, where the living entries of a queue begin: those of its running jobs, and
-- those of its pending jobs of one priority. What a claim saw is no more than a snapshot; that nothing will appear before
-- a start later on follows from three facts:
--
-- * Each note has a moment, and a horizon: the number of the next transaction then. When claim() began and found all
--   earlier ones ended (pg_snapshot_xmin), whatever it could not see was written by later ones, after that moment.
-- * Jobs are ready, or running, by the clock of their writing: what is yet to appear comes behind that moment, less a tenth
--   of a second. This is what claim() calls safe; while an earlier transaction goes on it is -infinity, and no start moves.
-- * Whatever is made ready with a run_at of longer ago is marked as backdated by the triggers, which read the clock when
--   their transaction has its number; those are few, and claim() asks for them apart.
--
-- A clock that was set back, or rows that were written past the triggers, can make it miss a job; so after ten seconds
-- nothing noted is believed, and the indexes are read from their beginning. The leases of jobs that nobody waits for need
-- no more than that.
--
-- One priority is noted, that of the first job; while a higher one has jobs the note stays as it is. The setting is an array:
-- 1 the queue's hash, 2 when it was noted, 3 when the indexes were last read from their beginning, 4 where running jobs
-- start, 5 and 6 the moment and the horizon, 7 the priority, 8 where its pending jobs start; times are seconds since 1970,
-- and the last two null until the first horizon has passed. Where reading from the beginning is not long, nothing is noted.
CREATE OR REPLACE FUNCTION note_queue_starts(
  queue text,
  moment timestamptz,
  noted float8[],
  is_known boolean,
  safe float8,
  is_long boolean,
  level smallint,
  first_run_at timestamptz
)
RETURNS void
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
  -- As many bits as a float8 holds.
  hash CONSTANT float8 := hashtextextended(note_queue_starts.queue, 0) >> 11;
  setting CONSTANT text := 'opa.claim_' || (hashtext(note_queue_starts.queue) & 15);
  seconds CONSTANT float8 := date_part('epoch', moment);
  -- Of another queue, or of a clock that has been set back since, a note says nothing.
  is_same CONSTANT boolean := coalesce(noted[1] = hash AND noted[2] <= seconds, false);
  place CONSTANT float8 := coalesce(level, CASE WHEN is_known THEN noted[7] END, 0);
  first_started_at timestamptz;
BEGIN
  IF is_known AND level > noted[7] THEN
    RETURN;
  END IF;
  IF NOT is_known AND NOT is_long THEN
    -- Another queue's note is left to it while it is worth something.
    IF is_same OR noted[2] NOT BETWEEN seconds - 10 AND seconds THEN
      PERFORM set_config(setting, '', false);
    END IF;
    RETURN;
  END IF;
  SELECT job.started_at INTO first_started_at FROM jobs AS job
  WHERE job.queue = note_queue_starts.queue AND job.status = 'running'
    AND job.started_at >= CASE WHEN is_known THEN to_timestamp(noted[4]) ELSE '-infinity' END
  ORDER BY job.started_at LIMIT 1;

  PERFORM set_config(setting, ARRAY[
    hash, seconds,
    CASE WHEN is_known THEN noted[3] ELSE seconds END,
    greatest(CASE WHEN is_known THEN noted[4] END, least(date_part('epoch', first_started_at), safe)),
    -- In a transaction that keeps its snapshot, that is as old as the transaction.
    CASE WHEN is_same AND safe = '-infinity' THEN noted[5] ELSE least(date_part('epoch', now()), seconds) END,
    CASE WHEN is_same AND safe = '-infinity' THEN noted[6] ELSE pg_snapshot_xmax(pg_current_snapshot())::text::float8 END,
    CASE WHEN is_known OR safe > '-infinity' THEN place END,
    CASE WHEN is_known OR safe > '-infinity' THEN
      greatest(CASE WHEN is_known AND noted[7] = place THEN noted[8] END, least(date_part('epoch', first_run_at), safe))
    END
  ]::text, false);
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/ready_pages_read.sql
-- How many pages of the index of ready jobs this session has read since its statistics were last sent: only a difference
-- says something.
CREATE OR REPLACE FUNCTION ready_pages_read()
RETURNS bigint
LANGUAGE sql VOLATILE
AS $$
  SELECT pg_stat_get_xact_blocks_fetched('jobs_ready_idx'::regclass)
$$;
--> statement-breakpoint
-- source: src/sql/jobs/sum_usage.sql
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
-- source: src/sql/jobs/api/add_job_output.sql
-- Adds a part of a job's output for whoever watches it: any JSON of at most 64 KiB. Only the holder of the lease can. ok, or
-- stale_lease, cancelled or not_found as of complete(). The latest 1,000 events of a job are kept.
--
--   SELECT add_job_output('job-1', lease_token => 4, output => '"the next words"');
CREATE OR REPLACE FUNCTION add_job_output(job_id text, lease_token bigint, output jsonb)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
  IF add_job_output.output IS NULL OR octet_length(add_job_output.output::text) > 65536 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('add_job_output: output must be JSON of at most 65536 bytes, got %s',
        coalesce(octet_length(add_job_output.output::text)::text, 'null'));
  END IF;
  PERFORM FROM jobs
  WHERE id = add_job_output.job_id AND lease_token = add_job_output.lease_token AND lease_expires_at IS NOT NULL
  FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN lease_refusal(add_job_output.job_id, add_job_output.lease_token);
  END IF;
  PERFORM append_job_event(add_job_output.job_id, 'output', add_job_output.output);
  RETURN 'ok';
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/add_usage.sql
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
-- source: src/sql/jobs/api/approve.sql
-- Says yes to a job that waits for approval: it is pending, with {"approved": true, "by": …, "comment": …} in
-- required_action.response. Answers ok; wrong_status when it does not wait for approval; not_found.
--
--   SELECT approve('job-1', approved_by => 'ada', comment => 'go ahead');
CREATE OR REPLACE FUNCTION approve(job_id text, approved_by text DEFAULT NULL, comment text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
  PERFORM FROM jobs
  WHERE id = approve.job_id AND status = 'waiting' AND wait_reason = 'approval'
  FOR NO KEY UPDATE;
  IF FOUND THEN
    RETURN resume(approve.job_id,
      jsonb_build_object('approved', true, 'by', approve.approved_by, 'comment', approve.comment));
  END IF;
  RETURN CASE WHEN EXISTS (SELECT FROM jobs WHERE id = approve.job_id) THEN 'wrong_status' ELSE 'not_found' END;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/cancel.sql
-- Stops a job. A pending or waiting one is cancelled at once; a running one by request: its worker learns of it at the
-- next heartbeat and lets go, and if it does not, the job is cancelled when its lease ends. With cascade the same
-- happens to all its descendants. Answers cancelled, cancel_requested, wrong_status (it has ended) or not_found.
--
--   SELECT cancel('job-1', cascade => true);
--
-- The rows are locked from the leaves up, as the end of a child goes up to its parent, and then changed from the root
-- down, so that no parent goes on because its last child was just cancelled.
CREATE OR REPLACE FUNCTION cancel(job_id text, cascade boolean DEFAULT false)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
  targets text[] := ARRAY[cancel.job_id];
  target text;
  answer text;
BEGIN
  IF cancel.cascade THEN
    WITH RECURSIVE descendant (id, depth) AS (
      SELECT cancel.job_id COLLATE "C", 0
      UNION ALL
      SELECT child.id, descendant.depth + 1
      FROM descendant JOIN jobs AS child ON child.parent_id = descendant.id
    )
    SELECT array_agg(descendant.id ORDER BY descendant.depth DESC, descendant.id) INTO targets FROM descendant;
  END IF;

  FOREACH target IN ARRAY targets LOOP
    PERFORM FROM jobs WHERE id = target FOR NO KEY UPDATE;
  END LOOP;

  FOR place IN REVERSE cardinality(targets)..1 LOOP
    UPDATE jobs
    SET status = CASE status WHEN 'running' THEN status ELSE 'cancelled' END,
      completed_at = CASE status WHEN 'running' THEN NULL ELSE current_moment END,
      wait_reason = NULL,
      cancel_requested_at = coalesce(cancel_requested_at, current_moment)
    WHERE id = targets[place] AND status IN ('pending', 'waiting', 'running')
    RETURNING CASE status WHEN 'cancelled' THEN 'cancelled' ELSE 'cancel_requested' END INTO target;
    -- The job itself comes first.
    answer := coalesce(answer, target, 'wrong_status');
  END LOOP;
  IF answer = 'wrong_status' AND NOT EXISTS (SELECT FROM jobs WHERE id = cancel.job_id) THEN
    RETURN 'not_found';
  END IF;
  RETURN answer;
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
ALTER FUNCTION add_job_output(job_id text, lease_token bigint, output jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION add_usage(job_id text, lease_token bigint, model text, input_tokens bigint, output_tokens bigint, cost numeric) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION approve(job_id text, approved_by text, comment text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION cancel(job_id text, cascade boolean) SET search_path FROM CURRENT;

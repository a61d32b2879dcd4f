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
-- source: src/sql/jobs/ready_places_by_key.sql
-- ready_places() for a queue in which jobs have a limit_key. Within a priority keys take turns, each beginning after the one
-- that this session served last (the setting opa.key_<n>), and jobs without a key take turns with all of them: of two jobs
-- that are claimed one has a key. Keys at their limit, and keys that another claim is looking at, are skipped.
CREATE OR REPLACE FUNCTION ready_places_by_key(
  queue text,
  moment timestamptz,
  max_jobs integer,
  modes execution_mode[],
  intents text[]
)
RETURNS tid[]
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
DECLARE
  places tid[] := '{}';
  plain tid[];
  of_keys tid[];
  top integer := 32767;
  key_level integer;
  plain_level integer;
  plain_run_at timestamptz;
  remaining integer := ready_places_by_key.max_jobs;
  share integer;
BEGIN
  LOOP
    key_level := NULL;
    plain_level := NULL;
    SELECT job.priority INTO key_level FROM jobs AS job
    WHERE job.queue = ready_places_by_key.queue AND job.status = 'pending' AND job.limit_key IS NOT NULL AND job.priority <= top
    ORDER BY job.priority DESC LIMIT 1;
    SELECT job.priority, job.run_at INTO plain_level, plain_run_at FROM jobs AS job
    WHERE job.queue = ready_places_by_key.queue AND job.status = 'pending' AND job.limit_key IS NULL AND job.priority <= top
    ORDER BY job.priority DESC, job.run_at LIMIT 1;
    top := greatest(key_level, plain_level);
    EXIT WHEN top IS NULL;

    plain := '{}';
    of_keys := '{}';
    share := CASE WHEN plain_level IS DISTINCT FROM top THEN 0
      WHEN key_level IS DISTINCT FROM top THEN remaining ELSE floor(remaining / 2.0 + random())::integer END;
    IF share > 0 THEN
      plain := ready_places(ready_places_by_key.queue, top::smallint, plain_run_at, ready_places_by_key.moment, share,
        ready_places_by_key.modes, ready_places_by_key.intents);
    END IF;
    IF key_level = top AND cardinality(plain) < remaining THEN
      of_keys := key_places(ready_places_by_key.queue, top::smallint, ready_places_by_key.moment, remaining - cardinality(plain),
        ready_places_by_key.modes, ready_places_by_key.intents);
    END IF;
    IF plain_level = top AND share < remaining - cardinality(of_keys) THEN
      -- What was found before is locked by this transaction and found again.
      plain := ready_places(ready_places_by_key.queue, top::smallint, plain_run_at, ready_places_by_key.moment,
        remaining - cardinality(of_keys), ready_places_by_key.modes, ready_places_by_key.intents);
    END IF;
    places := places || plain || of_keys;
    remaining := ready_places_by_key.max_jobs - cardinality(places);
    EXIT WHEN remaining <= 0 OR top = -32768;
    top := top - 1;
  END LOOP;
  RETURN places;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/retry_pause.sql
-- The seconds before another attempt: backoff_seconds doubled for each attempt made, a day at most, and a random half of it
-- taken off, so that jobs which failed together do not come back together.
CREATE OR REPLACE FUNCTION retry_pause(backoff_seconds double precision, attempt integer)
RETURNS double precision
LANGUAGE sql VOLATILE PARALLEL SAFE
AS $$
  SELECT least(backoff_seconds * 2 ^ least(attempt - 1, 30), 86400) * (0.5 + random() / 2)
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
-- source: src/sql/jobs/wake_parents.sql
-- Looks again at up to max_jobs parents of a queue that somebody had locked when a child of theirs ended (job_wakeups);
-- gives how many notes it settled. One that fails (a trigger of somebody else's refuses its change, say) goes to the end
-- of the line with a warning, and holds up no other.
CREATE OR REPLACE FUNCTION wake_parents(queue text, max_jobs integer)
RETURNS integer
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
DECLARE
  notes bigint[];
  parents text[];
  settled integer := 0;
BEGIN
  SELECT array_agg(note.id), array_agg(DISTINCT note.parent_id) INTO notes, parents FROM (
    SELECT one.id, one.parent_id FROM job_wakeups AS one
    WHERE one.queue = wake_parents.queue
    ORDER BY one.queue, one.id LIMIT wake_parents.max_jobs
    FOR UPDATE SKIP LOCKED
  ) AS note;
  IF notes IS NULL THEN
    RETURN 0;
  END IF;
  -- Before the parents are looked at: one that is locked again is noted anew.
  DELETE FROM job_wakeups WHERE id = ANY (notes);
  BEGIN
    PERFORM continue_parents(parents, 1000);
    RETURN cardinality(parents);
  EXCEPTION WHEN OTHERS THEN
    RAISE DEBUG 'wake_parents: one by one, because of %', SQLERRM;
  END;
  FOR at IN 1..cardinality(parents) LOOP
    BEGIN
      PERFORM continue_parents(parents[at:at], 1000);
      settled := settled + 1;
    EXCEPTION WHEN OTHERS THEN
      RAISE WARNING 'job % cannot go on: %', parents[at], SQLERRM;
      INSERT INTO job_wakeups (queue, parent_id) VALUES (wake_parents.queue, parents[at]);
    END;
  END LOOP;
  RETURN settled;
END
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
-- Approves a job that waits for approval and makes it pending again, with {"approved": true, "by": …, "comment": …} in
-- required_action.response. wait_id is the wait that is answered (wait_for() gives it, get_job() shows it): a repeated
-- approval of one question never answers the next. Answers ok, also to a repetition; not_waiting when this wait is over;
-- wrong_reason when the job waits for something else; too_late after its deadline; not_found.
--
--   SELECT approve('job-1', wait_id => '0197…', approved_by => 'ada', comment => 'go ahead');
CREATE OR REPLACE FUNCTION approve(job_id text, wait_id text, approved_by text DEFAULT NULL, comment text DEFAULT NULL)
RETURNS text
LANGUAGE sql SECURITY DEFINER
AS $$
  SELECT answer_wait('approve', job_id, wait_id, 'approved',
    jsonb_build_object('approved', true, 'by', approved_by, 'comment', comment))
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/cancel.sql
-- Stops a job. A pending or waiting one is cancelled at once; a running one by request: its worker learns of it at the
-- next heartbeat and lets go, and if it does not, the job is cancelled when its lease ends. With cascade the same
-- happens to all its descendants. Answers cancelled, cancel_requested, wrong_status (it has ended) or not_found.
--
--   SELECT cancel('job-1', cascade => true);
--
-- A child that is accepted while the tree is being locked appears in the second look; then everything is let go and locked
-- anew, in the one order. FOR UPDATE, because from then on nobody may be accepted below these jobs (enqueue takes KEY SHARE).
CREATE OR REPLACE FUNCTION cancel(job_id text, cascade boolean DEFAULT false)
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
  outer_setting CONSTANT text := coalesce(current_setting('opa.parents', true), '');
  current_moment timestamptz;
  targets text[];
  answer text;
  parent text;
BEGIN
  FOR round IN 1..20 LOOP
    targets := CASE WHEN cancel.cascade THEN descendants(cancel.job_id) ELSE ARRAY[cancel.job_id] END;
    BEGIN
      PERFORM FROM unnest(targets) WITH ORDINALITY AS target (id, place)
      JOIN jobs AS job ON job.id = target.id
      ORDER BY target.place
      FOR UPDATE OF job;
      EXIT WHEN NOT cancel.cascade OR cardinality(descendants(cancel.job_id)) = cardinality(targets);
      RAISE EXCEPTION USING ERRCODE = 'OPA01', MESSAGE = format('cancel: job %s gets descendants faster than they can be locked, try again', cancel.job_id);
    EXCEPTION WHEN SQLSTATE 'OPA01' THEN
      IF round = 20 THEN
        RAISE EXCEPTION USING ERRCODE = 'serialization_failure', MESSAGE = SQLERRM;
      END IF;
    END;
  END LOOP;

  current_moment := jobs_now();
  PERFORM set_config('opa.parents', 'continued', true);
  WITH changed AS (
    UPDATE jobs AS job
    SET status = CASE job.status WHEN 'running' THEN job.status ELSE 'cancelled' END,
      completed_at = CASE job.status WHEN 'running' THEN NULL ELSE current_moment END,
      wait_reason = NULL,
      cancel_requested_at = coalesce(job.cancel_requested_at, current_moment)
    FROM unnest(targets) AS target (id)
    WHERE job.id = target.id AND job.status IN ('pending', 'waiting', 'running')
    RETURNING job.id, job.status, job.parent_id
  )
  SELECT CASE changed.status WHEN 'cancelled' THEN 'cancelled' ELSE 'cancel_requested' END,
    CASE changed.status WHEN 'cancelled' THEN changed.parent_id END
  INTO answer, parent FROM changed WHERE changed.id = cancel.job_id;
  PERFORM set_config('opa.parents', outer_setting, true);
  IF parent IS NOT NULL THEN
    PERFORM continue_parents(ARRAY[parent]);
  END IF;
  IF answer IS NULL THEN
    RETURN CASE WHEN EXISTS (SELECT FROM jobs WHERE id = cancel.job_id) THEN 'wrong_status' ELSE 'not_found' END;
  END IF;
  RETURN answer;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/cancel_jobs.sql
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
-- source: src/sql/jobs/api/change_job.sql
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
ALTER FUNCTION approve(job_id text, wait_id text, approved_by text, comment text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION cancel(job_id text, cascade boolean) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION cancel_jobs(filter jsonb, max_jobs integer) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION change_job(job_id text, run_at timestamptz, priority integer, inputs jsonb) SET search_path FROM CURRENT;

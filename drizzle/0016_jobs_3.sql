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
-- source: src/sql/jobs/events/api/add_job_output.sql
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
-- source: src/sql/jobs/events/api/get_checkpoint.sql
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
-- source: src/sql/jobs/events/api/job_events_after.sql
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
-- source: src/sql/jobs/events/api/save_checkpoint.sql
-- Keeps the state of a job for its next attempt, or for when it goes on after a wait, in place of what was kept before: any
-- JSON of at most 1 MiB. Only the holder of the lease can. ok, or stale_lease, cancelled or not_found as of complete().
--
--   SELECT save_checkpoint('job-1', lease_token => 4, state => '{"page": 12}');
CREATE OR REPLACE FUNCTION save_checkpoint(job_id text, lease_token bigint, state jsonb)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
  IF save_checkpoint.state IS NULL OR octet_length(save_checkpoint.state::text) > 1048576 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('save_checkpoint: state must be JSON of at most 1048576 bytes (1 MiB), got %s',
        coalesce(octet_length(save_checkpoint.state::text)::text, 'null'));
  END IF;
  PERFORM FROM jobs
  WHERE id = save_checkpoint.job_id AND lease_token = save_checkpoint.lease_token AND lease_expires_at IS NOT NULL
  FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN lease_refusal(save_checkpoint.job_id, save_checkpoint.lease_token);
  END IF;
  INSERT INTO job_checkpoints (job_id, lease_token, saved_at, state)
  VALUES (save_checkpoint.job_id, save_checkpoint.lease_token, jobs_now(), save_checkpoint.state)
  ON CONFLICT (job_id) DO UPDATE
    SET lease_token = excluded.lease_token, saved_at = excluded.saved_at, state = excluded.state;
  RETURN 'ok';
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/events/api/set_job_events.sql
-- Turns events of status and progress on or off, and notifications of all events (LISTEN opa_job_events); they are off until
-- somebody asks, for each change of a job then writes another row. Output (add_job_output) is recorded either way. Only the
-- owner of the tables may.
--
--   SELECT set_job_events(true);
CREATE OR REPLACE FUNCTION set_job_events(is_on boolean)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  IF is_on IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'set_job_events: is_on must be true or false, got null';
  END IF;
  DROP TRIGGER IF EXISTS jobs_events_insert ON jobs;
  DROP TRIGGER IF EXISTS jobs_events_update ON jobs;
  DROP TRIGGER IF EXISTS job_events_notify ON job_events;
  IF is_on THEN
    CREATE TRIGGER jobs_events_insert AFTER INSERT ON jobs
      REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION jobs_record_events();
    CREATE TRIGGER jobs_events_update AFTER UPDATE ON jobs
      REFERENCING OLD TABLE AS previous NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION jobs_record_events();
    CREATE TRIGGER job_events_notify AFTER INSERT ON job_events
      REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION job_events_notify();
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
-- source: src/sql/jobs/limits/key_places.sql
-- Where the next jobs with a limit_key are, of one queue and priority, at most max_jobs; they are locked. Job number one of
-- each key comes before number two of any, and the keys follow each other in a ring.
--
-- Limits are exact because whoever counts the jobs of a limited key holds its row of job_limit_states locked until what it
-- took is committed; the count is made by a later statement than the lock, so that it sees what the last holder took. A key
-- whose row is locked is skipped: its jobs are being handed out.
--
-- The rate is GCRA: next_at is when all that was started so far would have been started at the even pace, and a job may
-- start while that is less than rate_burst jobs ahead of the clock.
CREATE OR REPLACE FUNCTION key_places(
  queue text,
  priority smallint,
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
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  setting CONSTANT text := 'opa.key_' || (hashtext(key_places.queue) & 15);
  after_key text COLLATE "C" := coalesce(current_setting('opa.key_' || (hashtext(key_places.queue) & 15), true), '');
  remaining integer := key_places.max_jobs;
  visited text[] := '{}';
  candidates text[];
  keys text[];
  rooms integer[];
  places tid[] := '{}';
  found tid[];
  found_keys text[];
BEGIN
  WHILE remaining > 0 LOOP
    -- The next keys in the ring that seem to have room and a job. The recursion goes no further than LIMIT asks.
    candidates := ARRAY(
      WITH RECURSIVE ring (limit_key, lap, turn) AS (
        SELECT after_key, 0, 0
        UNION ALL
        SELECT next.limit_key, next.lap, ring.turn + 1 FROM ring CROSS JOIN LATERAL (
          (
            SELECT job.limit_key, 0 AS lap FROM jobs AS job
            WHERE job.queue = key_places.queue AND job.status = 'pending' AND job.limit_key IS NOT NULL
              AND job.priority = key_places.priority AND ring.lap = 0 AND job.limit_key > ring.limit_key
            ORDER BY job.limit_key LIMIT 1
          )
          UNION ALL
          (
            SELECT job.limit_key, 1 FROM jobs AS job
            WHERE job.queue = key_places.queue AND job.status = 'pending' AND job.limit_key IS NOT NULL
              AND job.priority = key_places.priority AND ring.lap = 0 AND job.limit_key <= after_key
            ORDER BY job.limit_key LIMIT 1
          )
          UNION ALL
          (
            SELECT job.limit_key, 1 FROM jobs AS job
            WHERE job.queue = key_places.queue AND job.status = 'pending' AND job.limit_key IS NOT NULL
              AND job.priority = key_places.priority AND ring.lap = 1 AND job.limit_key > ring.limit_key AND job.limit_key <= after_key
            ORDER BY job.limit_key LIMIT 1
          )
          LIMIT 1
        ) AS next
      )
      SELECT ring.limit_key FROM ring CROSS JOIN LATERAL key_room(key_places.queue, ring.limit_key, key_places.moment, 1) AS free
      WHERE ring.turn > 0 AND ring.limit_key <> ALL (visited) AND free.room > 0
        AND EXISTS (
          SELECT FROM ready_of_key(key_places.queue, key_places.priority, ring.limit_key, key_places.moment, 1,
            key_places.modes, key_places.intents)
        )
      LIMIT remaining
    );
    EXIT WHEN candidates = '{}';
    visited := visited || candidates;
    after_key := candidates[cardinality(candidates)];

    INSERT INTO job_limit_states (queue, limit_key)
    SELECT key_places.queue, one.limit_key FROM unnest(candidates) AS one (limit_key)
    WHERE EXISTS (
      SELECT FROM job_limits AS rule WHERE rule.queue = key_places.queue AND rule.limit_key IN (one.limit_key, '*')
    ) AND NOT EXISTS (
      SELECT FROM job_limit_states AS state WHERE state.queue = key_places.queue AND state.limit_key = one.limit_key
    )
    ORDER BY one.limit_key
    ON CONFLICT DO NOTHING;
    -- Keys without a rule have no row, and need none.
    keys := ARRAY(
      SELECT one.limit_key FROM unnest(candidates) WITH ORDINALITY AS one (limit_key, turn)
      WHERE NOT EXISTS (
        SELECT FROM job_limit_states AS state WHERE state.queue = key_places.queue AND state.limit_key = one.limit_key
      )
      ORDER BY one.turn
    ) || ARRAY(
      SELECT one.limit_key FROM unnest(candidates) WITH ORDINALITY AS one (limit_key, turn)
      JOIN job_limit_states AS state ON state.queue = key_places.queue AND state.limit_key = one.limit_key
      ORDER BY one.turn
      FOR UPDATE OF state SKIP LOCKED
    );
    rooms := ARRAY(
      SELECT free.room FROM unnest(keys) WITH ORDINALITY AS one (limit_key, turn)
      CROSS JOIN LATERAL key_room(key_places.queue, one.limit_key, key_places.moment, remaining) AS free
      ORDER BY one.turn
    );

    SELECT array_agg(held.place), array_agg(held.limit_key) INTO found, found_keys FROM (
      SELECT job.ctid AS place, job.limit_key FROM (
        SELECT ready.place FROM unnest(keys, rooms) WITH ORDINALITY AS one (limit_key, room, turn)
        CROSS JOIN LATERAL (
          SELECT job.place, row_number() OVER (ORDER BY job.run_at, job.id) AS rank
          FROM ready_of_key(key_places.queue, key_places.priority, one.limit_key, key_places.moment, one.room,
            key_places.modes, key_places.intents) AS job
        ) AS ready
        ORDER BY ready.rank, one.turn
        LIMIT remaining + 100
      ) AS near
      JOIN jobs AS job ON job.ctid = near.place
      WHERE job.status = 'pending' AND (job.deadline_at IS NULL OR job.deadline_at > key_places.moment)
      LIMIT remaining
      FOR NO KEY UPDATE OF job SKIP LOCKED
    ) AS held;
    IF found IS NOT NULL THEN
      places := places || found;
      remaining := key_places.max_jobs - cardinality(places);
      UPDATE job_limit_states AS state
      SET next_at = greatest(state.next_at, key_places.moment)
        + make_interval(secs => started.jobs * rule.rate_period_seconds / rule.rate_limit)
      FROM (SELECT one.limit_key, count(*) AS jobs FROM unnest(found_keys) AS one (limit_key) GROUP BY one.limit_key) AS started
      CROSS JOIN LATERAL key_rule(key_places.queue, started.limit_key) AS rule
      WHERE state.queue = key_places.queue AND state.limit_key = started.limit_key AND rule.rate_limit IS NOT NULL;
    END IF;
  END LOOP;
  IF visited <> '{}' THEN
    PERFORM set_config(setting, after_key, false);
  END IF;
  RETURN places;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/limits/key_room.sql
-- How many more jobs of a key may start now, at most max_jobs. One row, so that it is inlined where it is joined: a scalar
-- function with subqueries is not, and would be planned again in every claim.
CREATE OR REPLACE FUNCTION key_room(queue text, limit_key text, moment timestamptz, max_jobs integer)
RETURNS TABLE (room integer)
LANGUAGE sql STABLE
AS $$
  SELECT coalesce((
    SELECT greatest(0, least(
      key_room.max_jobs,
      rule.max_running - (
        SELECT count(*) FROM (
          SELECT FROM jobs AS job
          WHERE job.queue = key_room.queue AND job.limit_key = key_room.limit_key AND job.limit_key IS NOT NULL
            AND job.status = 'running'
          LIMIT rule.max_running
        ) AS running
      ),
      -- A thousandth of a job for what the division loses.
      floor(rule.rate_burst + 0.001 - coalesce((
        SELECT greatest(0, date_part('epoch', state.next_at - key_room.moment)) FROM job_limit_states AS state
        WHERE state.queue = key_room.queue AND state.limit_key = key_room.limit_key
      ), 0) * rule.rate_limit / rule.rate_period_seconds)
    ))::integer
    FROM key_rule(key_room.queue, key_room.limit_key) AS rule
  ), key_room.max_jobs)
$$;
--> statement-breakpoint
-- source: src/sql/jobs/limits/key_rule.sql
-- The rule of a limit_key: its own, else that of every key of the queue (*), else none.
CREATE OR REPLACE FUNCTION key_rule(queue text, limit_key text)
RETURNS SETOF job_limits
LANGUAGE sql STABLE
AS $$
  SELECT rule.* FROM job_limits AS rule
  WHERE rule.queue = key_rule.queue AND rule.limit_key IN (key_rule.limit_key, '*')
  ORDER BY rule.limit_key = '*' LIMIT 1
$$;
--> statement-breakpoint
-- path: schema
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema')), quote_ident(current_setting('opa.schema') || '_opa'), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/jobs/limits/api/drop_job_limit.sql
-- Takes the rule of a limit_key away; answers whether there was one. Keys without a rule follow that of *.
--
--   SELECT drop_job_limit('agents', 'user:ana');
CREATE OR REPLACE FUNCTION drop_job_limit(queue text, limit_key text)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
AS $$
#variable_conflict use_column
BEGIN
  DELETE FROM job_limits AS rule WHERE rule.queue = drop_job_limit.queue AND rule.limit_key = drop_job_limit.limit_key;
  RETURN FOUND;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/limits/api/pause_queue.sql
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
-- source: src/sql/jobs/limits/api/resume_queue.sql
-- Ends the pause of a queue; answers whether it was paused.
--
--   SELECT resume_queue('documents');
CREATE OR REPLACE FUNCTION resume_queue(queue text)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
AS $$
#variable_conflict use_column
BEGIN
  DELETE FROM job_queues AS paused WHERE paused.queue = resume_queue.queue;
  RETURN FOUND;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/limits/api/set_job_limit.sql
-- Limits the jobs of a limit_key in a queue: at most max_running at the same time, and at most rate_limit started in
-- rate_period, of which rate_burst may start at once after a rest (by default one period's worth). A null is no limit of
-- that kind; the key * is the rule of every key without one of its own. Replaces the rule that was there, and what runs
-- already goes on.
--
--   SELECT set_job_limit('agents', 'user:ana', max_running => 2);
--   SELECT set_job_limit('agents', '*', max_running => 5, rate_limit => 60, rate_period => '1 minute', rate_burst => 10);
CREATE OR REPLACE FUNCTION set_job_limit(
  queue text,
  limit_key text,
  max_running integer DEFAULT NULL,
  rate_limit double precision DEFAULT NULL,
  rate_period interval DEFAULT interval '1 second',
  rate_burst integer DEFAULT NULL
)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
AS $$
#variable_conflict use_column
DECLARE
  period double precision := extract(epoch FROM set_job_limit.rate_period);
  problem text;
BEGIN
  problem := CASE
    WHEN (octet_length(set_job_limit.queue) BETWEEN 1 AND 255) IS NOT TRUE THEN
      format('queue must have from 1 to 255 bytes, got %s', coalesce(octet_length(set_job_limit.queue)::text, 'null'))
    WHEN (octet_length(set_job_limit.limit_key) BETWEEN 1 AND 1024) IS NOT TRUE THEN
      format('limit_key must have from 1 to 1024 bytes, got %s', coalesce(octet_length(set_job_limit.limit_key)::text, 'null'))
    WHEN set_job_limit.max_running < 0 THEN format('max_running must be 0 or more, got %s', set_job_limit.max_running)
    WHEN NOT (set_job_limit.rate_limit > 0 AND set_job_limit.rate_limit <= 1000000) THEN
      format('rate_limit must be above 0, at most 1000000, got %s', set_job_limit.rate_limit)
    WHEN (period > 0 AND period <= 31536000) IS NOT TRUE THEN
      format('rate_period must be longer than nothing, at most a year, got %s', coalesce(set_job_limit.rate_period::text, 'null'))
    WHEN set_job_limit.rate_burst NOT BETWEEN 1 AND 1000000 THEN
      format('rate_burst must be from 1 to 1000000, got %s', set_job_limit.rate_burst)
    WHEN set_job_limit.max_running IS NULL AND set_job_limit.rate_limit IS NULL THEN
      'a limit needs a max_running or a rate_limit; drop_job_limit() takes one away'
  END;
  IF problem IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('set_job_limit: %s', problem);
  END IF;
  INSERT INTO job_limits AS rule (queue, limit_key, max_running, rate_limit, rate_period_seconds, rate_burst)
  VALUES (set_job_limit.queue, set_job_limit.limit_key, set_job_limit.max_running, set_job_limit.rate_limit,
    CASE WHEN set_job_limit.rate_limit IS NOT NULL THEN period END,
    CASE WHEN set_job_limit.rate_limit IS NOT NULL THEN coalesce(set_job_limit.rate_burst, greatest(1, floor(set_job_limit.rate_limit)::integer)) END)
  ON CONFLICT (queue, limit_key) DO UPDATE
  SET max_running = excluded.max_running, rate_limit = excluded.rate_limit, rate_period_seconds = excluded.rate_period_seconds,
    rate_burst = excluded.rate_burst;
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/jobs/operating/descendants.sql
-- A job and all its descendants, the deepest first and each level by id: the order in which every function that waits for
-- rows of a tree locks them, which is also the way up that the end of a child takes.
CREATE OR REPLACE FUNCTION descendants(job_id text)
RETURNS text[]
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
BEGIN
  RETURN ARRAY(
    WITH RECURSIVE descendant (id, depth) AS (
      SELECT descendants.job_id COLLATE "C", 0
      UNION ALL
      SELECT child.id, descendant.depth + 1
      FROM descendant JOIN jobs AS child ON child.parent_id = descendant.id
    )
    SELECT descendant.id FROM descendant ORDER BY descendant.depth DESC, descendant.id
  );
END
$$;
--> statement-breakpoint
-- path: schema
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema')), quote_ident(current_setting('opa.schema') || '_opa'), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/jobs/operating/api/cancel.sql
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
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- path: of the functions above
ALTER FUNCTION add_job_output(job_id text, lease_token bigint, output jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION get_checkpoint(job_id text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION job_events_after(job_id text, after bigint, max_events integer) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION save_checkpoint(job_id text, lease_token bigint, state jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION set_job_events(is_on boolean) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION drop_job_limit(queue text, limit_key text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION pause_queue(queue text, reason text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION resume_queue(queue text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION set_job_limit(queue text, limit_key text, max_running integer, rate_limit double precision, rate_period interval, rate_burst integer) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION cancel(job_id text, cascade boolean) SET search_path FROM CURRENT;

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
-- source: src/sql/jobs/api/claim.sql
-- Hands out up to max_jobs jobs of a queue, best priority first, then by run_at, then by id. Each comes as its row, now
-- running, with a lease of lease_seconds: nobody else gets it until the lease ends, and heartbeat() extends that. Its
-- lease_token must be shown at every later call about it, and is worth nothing once the lease was taken back. Only jobs of
-- the given modes and intents; null is any.
--
--   SELECT id, intent, inputs, lease_token
--   FROM claim('documents', 'worker-1', max_jobs => 10, lease_seconds => 60, intents => '{embed,summarise}');
--
-- Before that it ends leases that ran out and fails jobs past their deadline, at most 100 of each (take_back_expired). A
-- queue that is paused gives none.
--
-- Jobs with a limit_key take turns, and those whose key has reached its limit are skipped: ready_places_by_key().
--
-- A lease_token is the claim's time in microseconds, or the old one plus 1 if that is more: after a failover that lost the
-- latest commits, a token that was given out before is not given out again.
--
-- Speed does not depend on what is not ready. Jobs of the future may be many and of a high priority, and a scan of the
-- ready index would read past all of them; so the distinct priorities are walked, one probe of the index each, and in
-- each priority only run_at <= now is read. (A loop does what a recursive query would, whose setting up costs more than
-- the usual one or two probes.)
--
-- Nor on what was claimed before. Every claim and every completion leaves a dead entry at the beginning of an index until
-- vacuum takes it away, which it cannot beside a report that runs for hours: 40,000 of them cost each claim 90 ms. Where
-- finding the first job takes more than a millisecond, twice in a row, the session remembers where the living entries
-- begin, and begins there for a second. The price: a job that is put before that place meanwhile (with a run_at in the
-- past, given back, or committed late) may wait a second. The setting opa.claim_<n> is an array: the queue's hash, until
-- when it is believed, priority and run_at of the first job, started_at of the first running one; times are seconds since
-- 1970.
--
-- Rows that others are claiming are skipped, never waited for. What is found is handed to the update as an ARRAY, which
-- is made once: the plan of a join may evaluate the subquery again for each row and hand out far more than max_jobs.
-- The rows come in the array's order, because each place is looked up in turn.
--
-- Its plans are made once for each connection and never look at arguments or statistics, which would cost more than the
-- claim itself: the few ways to read the partial indexes are the best ones for any table.
CREATE OR REPLACE FUNCTION claim(
  queue text,
  worker_id text,
  max_jobs integer DEFAULT 1,
  lease_seconds double precision DEFAULT 60,
  modes execution_mode[] DEFAULT NULL,
  intents text[] DEFAULT NULL
)
RETURNS SETOF jobs
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
  began timestamptz := clock_timestamp();
  remaining integer := claim.max_jobs;
  taken integer;
  is_due boolean;
  first_started_at timestamptz;
  is_paused boolean;
  has_keys boolean;
  is_filtered CONSTANT boolean := claim.modes IS NOT NULL OR claim.intents IS NOT NULL;
  level smallint;
  first_run_at timestamptz;
  places tid[];
  cached float8[] := nullif(current_setting('opa.claim_' || (hashtext(claim.queue) & 15), true), '')::float8[];
  is_cached boolean := false;
BEGIN
  IF (octet_length(claim.worker_id) BETWEEN 1 AND 255 AND claim.max_jobs BETWEEN 1 AND 10000
    AND claim.lease_seconds >= 0.01 AND claim.lease_seconds <= 604800) IS NOT TRUE THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = CASE
      WHEN (octet_length(claim.worker_id) BETWEEN 1 AND 255) IS NOT TRUE THEN
        format('claim: worker_id must be text of 1 to 255 bytes, got %s', coalesce(octet_length(claim.worker_id)::text, 'null'))
      WHEN (claim.max_jobs BETWEEN 1 AND 10000) IS NOT TRUE THEN
        format('claim: max_jobs must be from 1 to 10000, got %s', coalesce(claim.max_jobs::text, 'null'))
      ELSE format('claim: lease_seconds must be from 0.01 to 604800 (a week), got %s', coalesce(claim.lease_seconds::text, 'null'))
    END;
  END IF;

  -- PL/pgSQL initialises each expression once per transaction, so the usual case (nothing cached) evaluates few.
  IF cached IS NOT NULL THEN
    is_cached := cached[1] = hashtext(claim.queue) AND date_part('epoch', began) BETWEEN cached[2] - 1 AND cached[2];
  END IF;

  -- Leases have no index by their end, or no heartbeat could be a HOT update. So the 200 jobs that have been running
  -- longest are looked at, and one claim in ten looks at all of them: what a claim costs on average hardly grows with the
  -- number of running jobs, and no expired lease is overlooked for long.
  SELECT
    oldest.first_lease_end <= current_moment IS TRUE OR EXISTS (
      SELECT FROM jobs AS job
      WHERE job.queue = claim.queue AND job.status IN ('pending', 'waiting')
        AND least(job.deadline_at, job.wait_expires_at) <= current_moment
    ) OR EXISTS (SELECT FROM job_wakeups AS note WHERE note.queue = claim.queue),
    EXISTS (SELECT FROM job_queues AS paused WHERE paused.queue = claim.queue),
    EXISTS (
      SELECT FROM jobs AS job WHERE job.queue = claim.queue AND job.status = 'pending' AND job.limit_key IS NOT NULL
    ),
    oldest.first_started_at
  INTO is_due, is_paused, has_keys, first_started_at
  FROM (
    SELECT min(running.lease_expires_at) AS first_lease_end, min(running.started_at) AS first_started_at FROM (
      SELECT job.lease_expires_at, job.started_at FROM jobs AS job
      WHERE job.queue = claim.queue AND job.status = 'running'
        AND job.started_at >= CASE WHEN is_cached THEN to_timestamp(cached[5]) ELSE '-infinity' END
        AND job.started_at <= current_moment - interval '10 milliseconds'
      ORDER BY job.started_at
      LIMIT CASE WHEN random() < 0.9 THEN 200 END
    ) AS running
  ) AS oldest;
  IF is_due THEN
    PERFORM take_back_expired(claim.queue, 100);
    current_moment := jobs_now();
    began := NULL;
  END IF;
  IF is_paused THEN
    RETURN;
  END IF;

  IF has_keys THEN
    places := ready_places_by_key(claim.queue, current_moment, remaining, claim.modes, claim.intents);
    level := 0;
  ELSIF is_cached THEN
    -- What has come above the cached priority, what lies behind its start, what is below it. UNION ALL is asked in this
    -- order, and no further than LIMIT says.
    SELECT start.priority, start.run_at INTO level, first_run_at FROM (
      (
        SELECT job.priority, job.run_at FROM jobs AS job
        WHERE job.queue = claim.queue AND job.status = 'pending' AND job.limit_key IS NULL AND job.priority > cached[3]::smallint
        ORDER BY job.priority DESC, job.run_at LIMIT 1
      )
      UNION ALL
      (
        SELECT job.priority, job.run_at FROM jobs AS job
        WHERE job.queue = claim.queue AND job.status = 'pending' AND job.limit_key IS NULL AND job.priority = cached[3]::smallint
          AND job.run_at >= to_timestamp(cached[4])
        ORDER BY job.run_at LIMIT 1
      )
      UNION ALL
      (
        SELECT job.priority, job.run_at FROM jobs AS job
        WHERE job.queue = claim.queue AND job.status = 'pending' AND job.limit_key IS NULL AND job.priority < cached[3]::smallint
        ORDER BY job.priority DESC, job.run_at LIMIT 1
      )
    ) AS start LIMIT 1;
    -- What was passed just now need not be passed again.
    IF level <= cached[3] THEN
      cached[3] := level;
      cached[4] := date_part('epoch', first_run_at);
    END IF;
    cached[5] := date_part('epoch', coalesce(first_started_at, current_moment - interval '10 milliseconds'));
    PERFORM set_config('opa.claim_' || (hashtext(claim.queue) & 15), cached::text, false);
  ELSE
    SELECT job.priority, job.run_at INTO level, first_run_at FROM jobs AS job
    WHERE job.queue = claim.queue AND job.status = 'pending' AND job.limit_key IS NULL
    ORDER BY job.priority DESC, job.run_at LIMIT 1;
    IF clock_timestamp() - began > interval '1 millisecond' THEN
      PERFORM cache_queue_start(claim.queue, level, first_run_at);
    END IF;
  END IF;

  WHILE level IS NOT NULL LOOP
    IF is_filtered AND NOT has_keys THEN
      places := ready_places(claim.queue, level, first_run_at, current_moment, remaining, claim.modes, claim.intents);
    END IF;
    RETURN QUERY
      UPDATE jobs AS job
      SET status = 'running',
        lease_token = greatest(job.lease_token + 1, (date_part('epoch', current_moment) * 1000000)::bigint),
        lease_expires_at = current_moment
          + make_interval(secs => least(claim.lease_seconds, job.attempt_timeout_seconds)),
        heartbeat_at = greatest(current_moment, job.heartbeat_at),
        attempt = job.attempt + 1,
        worker_id = claim.worker_id,
        -- A lease that was given up while this claim went on has ended after it began.
        started_at = greatest(current_moment, job.heartbeat_at),
        updated_at = now()
      -- Without filter and keys the places are found here: a statement less.
      FROM unnest(coalesce(places, ARRAY(
        SELECT ready.ctid FROM jobs AS ready
        WHERE ready.queue = claim.queue AND ready.status = 'pending' AND ready.limit_key IS NULL AND ready.priority = level
          AND ready.run_at BETWEEN first_run_at AND current_moment
          AND (ready.deadline_at IS NULL OR ready.deadline_at > current_moment)
        ORDER BY ready.run_at, ready.id
        LIMIT remaining
        FOR NO KEY UPDATE SKIP LOCKED
      ))) AS next (place)
      WHERE job.ctid = next.place
      RETURNING job.*;
    GET DIAGNOSTICS taken = ROW_COUNT;
    remaining := remaining - taken;
    EXIT WHEN remaining <= 0 OR has_keys;
    SELECT job.priority, job.run_at INTO level, first_run_at FROM jobs AS job
    WHERE job.queue = claim.queue AND job.status = 'pending' AND job.limit_key IS NULL AND job.priority < level
    ORDER BY job.priority DESC, job.run_at LIMIT 1;
  END LOOP;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/complete.sql
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
-- source: src/sql/jobs/api/complete_and_claim.sql
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
-- source: src/sql/jobs/api/complete_many.sql
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
-- source: src/sql/jobs/api/count_jobs.sql
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
-- source: src/sql/jobs/api/drop_job_limit.sql
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
-- source: src/sql/jobs/api/due_schedules.sql
-- The schedules that have a slot to enqueue, or whose next slot is not computed yet, the longest waiting first, with the
-- moment that counts as now. For programs that run schedules: work out the slots after slots_after up to now, then
-- enqueue_slots().
--
--   SELECT * FROM due_schedules(100);
CREATE OR REPLACE FUNCTION due_schedules(max_schedules integer DEFAULT 100)
RETURNS TABLE (
  key text, cron text, time_zone text, every_seconds double precision, missed text, missed_limit integer,
  late_seconds double precision, slots_after timestamptz, seen_at timestamptz
)
LANGUAGE plpgsql SECURITY DEFINER
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
BEGIN
  IF (due_schedules.max_schedules BETWEEN 1 AND 10000) IS NOT TRUE THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('due_schedules: max_schedules must be from 1 to 10000, got %s', coalesce(due_schedules.max_schedules::text, 'null'));
  END IF;
  RETURN QUERY
    SELECT schedule.key, schedule.cron, schedule.time_zone, schedule.every_seconds, schedule.missed, schedule.missed_limit,
      schedule.late_seconds, schedule.slots_after, current_moment
    FROM schedules AS schedule
    WHERE schedule.paused_at IS NULL AND (schedule.next_at IS NULL OR schedule.next_at <= current_moment)
    ORDER BY schedule.next_at NULLS FIRST, schedule.key
    LIMIT due_schedules.max_schedules;
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
ALTER FUNCTION claim(queue text, worker_id text, max_jobs integer, lease_seconds double precision, modes execution_mode[], intents text[]) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION complete(job_id text, lease_token bigint, result jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION complete_and_claim(job_id text, lease_token bigint, result jsonb, queue text, worker_id text, max_jobs integer, lease_seconds double precision, modes execution_mode[], intents text[]) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION complete_many(job_ids text[], lease_tokens bigint[], results jsonb[]) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION count_jobs(filter jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION drop_job_limit(queue text, limit_key text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION due_schedules(max_schedules integer) SET search_path FROM CURRENT;

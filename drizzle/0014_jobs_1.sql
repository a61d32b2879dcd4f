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
-- source: src/sql/jobs/claim/attempt_timeout_error.sql
-- The error of an attempt that took longer than attempt_timeout_seconds.
CREATE OR REPLACE FUNCTION attempt_timeout_error(attempt_timeout_seconds double precision)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT jsonb_build_object('code', 'attempt_timeout', 'message', format('the attempt took longer than %s seconds', attempt_timeout_seconds))
$$;
--> statement-breakpoint
-- source: src/sql/jobs/claim/cache_queue_start.sql
-- Caches for claim(), in a setting of the session, where the living entries of a queue's indexes begin, if finding the first
-- job takes long. claim() saw it take more than a millisecond; here it is looked for once more, because an interrupted
-- process is slow as well, and the second time then is not.
CREATE OR REPLACE FUNCTION cache_queue_start(queue text, level smallint, first_run_at timestamptz)
RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
DECLARE
  looked_for text;
  began timestamptz;
  ended timestamptz;
  first_started_at timestamptz;
BEGIN
  -- First for no queue, which reads nothing: a connection's first call also makes the plans, and that is slow as well.
  FOREACH looked_for IN ARRAY ARRAY[NULL, cache_queue_start.queue] LOOP
    began := clock_timestamp();
    PERFORM FROM jobs AS job
    WHERE job.queue = looked_for AND job.status = 'pending' AND job.limit_key IS NULL
    ORDER BY job.priority DESC, job.run_at LIMIT 1;
    SELECT job.started_at INTO first_started_at FROM jobs AS job
    WHERE job.queue = looked_for AND job.status = 'running'
    ORDER BY job.started_at LIMIT 1;
    ended := clock_timestamp();
  END LOOP;
  IF ended - began > interval '1 millisecond' THEN
    PERFORM set_config('opa.claim_' || (hashtext(cache_queue_start.queue) & 15), ARRAY[
      hashtext(cache_queue_start.queue), date_part('epoch', ended) + 1,
      coalesce(level, 32767), coalesce(date_part('epoch', first_run_at), '-infinity'),
      -- With none running, those that start from now on.
      date_part('epoch', coalesce(first_started_at, jobs_now() - interval '1 second'))
    ]::text, false);
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/claim/deadline_error.sql
-- The error of a job that was not done by its deadline, the same wherever that is found out.
CREATE OR REPLACE FUNCTION deadline_error(deadline_at timestamptz)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
  SELECT jsonb_build_object('code', 'deadline_exceeded', 'message', format('the job was not done by its deadline, %s', deadline_at))
$$;
--> statement-breakpoint
-- source: src/sql/jobs/claim/end_expired.sql
-- Changes jobs whose lease, deadline or wait has ended, and which the caller has locked, to what comes next; gives how
-- many. The common part of take_back_expired() for all of them at once, and for one alone.
CREATE OR REPLACE FUNCTION end_expired(job_ids text[], moment timestamptz)
RETURNS integer
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  outer_setting CONSTANT text := coalesce(current_setting('opa.parents', true), '');
  parents text[];
  changed integer;
BEGIN
  PERFORM set_config('opa.parents', 'continued', true);
  WITH expired AS MATERIALIZED (
    SELECT job.id, job.status, job.attempt AS counted,
      job.attempt - is_lost::integer AS attempt, job.losses + is_lost::integer AS losses,
      CASE
        WHEN job.status = 'running' AND job.cancel_requested_at IS NOT NULL THEN 'cancelled'
        WHEN job.deadline_at <= end_expired.moment THEN 'failed'
        WHEN job.status = 'waiting' THEN
          CASE WHEN job.required_action ->> 'on_expiry' = 'continue' THEN 'pending' ELSE 'failed' END
        WHEN is_lost AND job.losses + 1 >= greatest(job.max_attempts, 10) OR NOT is_lost AND job.attempt >= job.max_attempts THEN 'failed'
        ELSE 'pending'
      END::job_status AS next_status,
      CASE
        WHEN job.deadline_at <= end_expired.moment THEN deadline_error(job.deadline_at)
        WHEN job.status = 'waiting' THEN jsonb_build_object('code', 'wait_expired',
          'message', format('nobody answered by %s (%s)', job.wait_expires_at, job.wait_reason))
        WHEN is_timed_out THEN attempt_timeout_error(job.attempt_timeout_seconds)
        ELSE jsonb_build_object('code', 'lease_lost',
          'message', format('worker %s did not renew its lease, which ended at %s', job.worker_id, job.lease_expires_at))
      END AS reason
    FROM unnest(end_expired.job_ids) AS one (id)
    JOIN jobs AS job ON job.id = one.id
    CROSS JOIN LATERAL (
      SELECT job.status = 'running' AND coalesce(job.started_at + make_interval(secs => job.attempt_timeout_seconds) <= end_expired.moment, false)
    ) AS timing (is_timed_out)
    CROSS JOIN LATERAL (SELECT job.status = 'running' AND job.on_lost = 'retry' AND NOT is_timed_out) AS loss (is_lost)
  ), ended AS (
    UPDATE jobs AS job
    SET status = expired.next_status,
      lease_expires_at = NULL,
      wait_reason = NULL,
      attempt = CASE WHEN expired.next_status = 'pending' THEN expired.attempt ELSE job.attempt END,
      losses = expired.losses,
      run_at = CASE WHEN expired.next_status = 'pending' THEN end_expired.moment ELSE job.run_at END,
      completed_at = CASE WHEN expired.next_status = 'pending' THEN NULL ELSE end_expired.moment END,
      progress = CASE WHEN expired.next_status = 'pending' AND expired.status = 'running' THEN 0 ELSE job.progress END,
      progress_message = CASE WHEN expired.next_status = 'pending' AND expired.status = 'running' THEN NULL ELSE job.progress_message END,
      required_action = CASE WHEN expired.status = 'waiting' AND job.wait_expires_at <= end_expired.moment
        THEN coalesce(job.required_action, '{}') || '{"response": {"expired": true}}' ELSE job.required_action END,
      error = CASE WHEN expired.next_status = 'cancelled' OR expired.status = 'waiting' AND expired.next_status = 'pending'
        THEN job.error ELSE expired.reason END
    FROM expired
    WHERE job.id = expired.id
    RETURNING job.id, job.lease_token, job.started_at, job.worker_id, job.parent_id, job.completed_at, expired.status AS old_status,
      expired.reason, expired.counted
  ), recorded AS (
    INSERT INTO job_attempts (job_id, lease_token, started_at, finished_at, attempt, outcome, worker_id, error)
    SELECT id, lease_token, started_at, greatest(end_expired.moment, started_at), counted, 'lease_lost', worker_id, reason
    FROM ended WHERE old_status = 'running'
  )
  SELECT count(*), array_agg(DISTINCT ended.parent_id) FILTER (WHERE ended.parent_id IS NOT NULL AND ended.completed_at IS NOT NULL)
  INTO changed, parents FROM ended;
  PERFORM set_config('opa.parents', outer_setting, true);
  IF parents IS NOT NULL THEN
    BEGIN
      PERFORM continue_parents(parents, 1000);
    EXCEPTION WHEN OTHERS THEN
      -- The child has ended all the same; wake_parents() goes on with its parent, or says what is wrong.
      INSERT INTO job_wakeups (queue, parent_id)
      SELECT job.queue, job.id FROM unnest(parents) AS parent (id) JOIN jobs AS job ON job.id = parent.id;
    END;
  END IF;
  RETURN changed;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/claim/ready_intents.sql
-- The intents that pending jobs of a queue have (those without a limit_key), one probe of the index each.
CREATE OR REPLACE FUNCTION ready_intents(queue text)
RETURNS text[]
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
DECLARE
  intents text[] := '{}';
  next text := '';
BEGIN
  LOOP
    SELECT job.intent INTO next FROM jobs AS job
    WHERE job.queue = ready_intents.queue AND CASE WHEN job.limit_key IS NULL THEN job.status = 'pending' ELSE false END
      AND job.intent > next
    ORDER BY job.intent LIMIT 1;
    EXIT WHEN NOT FOUND;
    intents := intents || next;
  END LOOP;
  RETURN intents;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/claim/ready_of_key.sql
-- The next jobs of one limit_key, queue and priority, at most max_jobs, by run_at and id. Jobs of other intents and modes of
-- the key are read past.
CREATE OR REPLACE FUNCTION ready_of_key(
  queue text,
  priority smallint,
  limit_key text,
  moment timestamptz,
  max_jobs integer,
  modes execution_mode[],
  intents text[]
)
RETURNS TABLE (place tid, run_at timestamptz, id text)
LANGUAGE sql STABLE
AS $$
  SELECT job.ctid, job.run_at, job.id FROM jobs AS job
  WHERE job.queue = ready_of_key.queue AND job.status = 'pending' AND job.limit_key IS NOT NULL
    AND job.priority = ready_of_key.priority AND job.limit_key = ready_of_key.limit_key
    AND job.run_at <= ready_of_key.moment
    AND (ready_of_key.intents IS NULL OR job.intent = ANY (ready_of_key.intents))
    AND (ready_of_key.modes IS NULL OR job.mode = ANY (ready_of_key.modes))
  ORDER BY job.run_at, job.id
  LIMIT ready_of_key.max_jobs
$$;
--> statement-breakpoint
-- source: src/sql/jobs/claim/ready_places.sql
-- Where the next jobs of some modes and intents are, in the order in which claim() hands them out: of one queue and
-- priority, without a limit_key, at most max_jobs. They are locked; rows that others hold locked are skipped.
--
-- Mostly the first jobs of the queue are of these kinds, and they are found in its order. Where among the first hundred
-- are too few, each kind is looked up in an index of its own: a million jobs of other intents cost nothing. The join by
-- ctid filters before it locks, and stops when it has enough; what is locked by others may be more than the hundred that
-- are looked at beyond max_jobs, and then it looks further.
CREATE OR REPLACE FUNCTION ready_places(
  queue text,
  priority smallint,
  first_run_at timestamptz,
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
  reach integer := ready_places.max_jobs + 100;
  places tid[];
  kinds text[] := ready_places.intents;
BEGIN
  places := ARRAY(
    SELECT job.ctid FROM (
      SELECT ready.ctid AS place, ready.intent, ready.mode FROM jobs AS ready
      WHERE ready.queue = ready_places.queue AND ready.status = 'pending' AND ready.limit_key IS NULL
        AND ready.priority = ready_places.priority AND ready.run_at BETWEEN ready_places.first_run_at AND ready_places.moment
      ORDER BY ready.run_at, ready.id
      LIMIT reach
    ) AS near
    JOIN jobs AS job ON job.ctid = near.place
    WHERE (ready_places.intents IS NULL OR near.intent = ANY (ready_places.intents))
      AND (ready_places.modes IS NULL OR near.mode = ANY (ready_places.modes))
      AND job.status = 'pending' AND (job.deadline_at IS NULL OR job.deadline_at > ready_places.moment)
    LIMIT ready_places.max_jobs
    FOR NO KEY UPDATE OF job SKIP LOCKED
  );
  IF cardinality(places) = ready_places.max_jobs OR NOT EXISTS (
    SELECT FROM jobs AS ready
    WHERE ready.queue = ready_places.queue AND ready.status = 'pending' AND ready.limit_key IS NULL
      AND ready.priority = ready_places.priority AND ready.run_at BETWEEN ready_places.first_run_at AND ready_places.moment
    ORDER BY ready.run_at, ready.id OFFSET reach LIMIT 1
  ) THEN
    RETURN places;
  END IF;

  IF kinds IS NULL THEN
    kinds := ready_intents(ready_places.queue);
  END IF;
  LOOP
    -- What was found above is locked by this transaction, so it is found again.
    places := ARRAY(
      SELECT job.ctid FROM (
        SELECT found.place FROM unnest(kinds) AS kind (intent)
        CROSS JOIN unnest(coalesce(ready_places.modes, enum_range(NULL::execution_mode))) AS way (mode)
        CROSS JOIN LATERAL (
          SELECT ready.ctid AS place, ready.run_at, ready.id FROM jobs AS ready
          WHERE ready.queue = ready_places.queue AND CASE WHEN ready.limit_key IS NULL THEN ready.status = 'pending' ELSE false END
            AND ready.intent = kind.intent AND ready.mode = way.mode
            AND ready.priority = ready_places.priority AND ready.run_at BETWEEN ready_places.first_run_at AND ready_places.moment
          ORDER BY ready.run_at, ready.id
          LIMIT reach
        ) AS found
        ORDER BY found.run_at, found.id
        LIMIT reach
      ) AS near
      JOIN jobs AS job ON job.ctid = near.place
      WHERE job.status = 'pending' AND (job.deadline_at IS NULL OR job.deadline_at > ready_places.moment)
      LIMIT ready_places.max_jobs
      FOR NO KEY UPDATE OF job SKIP LOCKED
    );
    -- Enough, or everything was within reach.
    EXIT WHEN cardinality(places) = ready_places.max_jobs OR reach >= 100000;
    EXIT WHEN (
      SELECT count(*) FROM unnest(kinds) AS kind (intent)
      CROSS JOIN unnest(coalesce(ready_places.modes, enum_range(NULL::execution_mode))) AS way (mode)
      CROSS JOIN LATERAL (
        SELECT FROM jobs AS ready
        WHERE ready.queue = ready_places.queue AND CASE WHEN ready.limit_key IS NULL THEN ready.status = 'pending' ELSE false END
          AND ready.intent = kind.intent AND ready.mode = way.mode
          AND ready.priority = ready_places.priority AND ready.run_at BETWEEN ready_places.first_run_at AND ready_places.moment
        LIMIT reach
      ) AS found
    ) < reach;
    reach := reach * 10;
  END LOOP;
  RETURN places;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/claim/ready_places_by_key.sql
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
-- path: schema
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema')), quote_ident(current_setting('opa.schema') || '_opa'), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/jobs/claim/api/claim.sql
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
    -- What was taken back may be the only one with a key.
    has_keys := has_keys OR EXISTS (
      SELECT FROM jobs AS job WHERE job.queue = claim.queue AND job.status = 'pending' AND job.limit_key IS NOT NULL
    );
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
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- path: of the functions above
ALTER FUNCTION claim(queue text, worker_id text, max_jobs integer, lease_seconds double precision, modes execution_mode[], intents text[]) SET search_path FROM CURRENT;

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
-- Whether a job may change from the one status to the other. A job that failed with its children waits for them again when
-- it is retried.
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
    ELSE new_status = 'pending' OR old_status = 'failed' AND new_status = 'waiting'
  END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/job_matches.sql
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
-- source: src/sql/jobs/key_places.sql
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
-- source: src/sql/jobs/key_room.sql
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
-- source: src/sql/jobs/key_rule.sql
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
-- source: src/sql/jobs/lease_refusal.sql
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
-- source: src/sql/jobs/ready_intents.sql
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
-- source: src/sql/jobs/ready_of_key.sql
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
-- source: src/sql/jobs/ready_places.sql
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

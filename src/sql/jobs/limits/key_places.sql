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

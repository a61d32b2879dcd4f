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

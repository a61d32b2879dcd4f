-- Hands out up to max_jobs jobs of a queue, best priority first, then by run_at, then by id. Each comes as its row, now
-- running, with a lease of lease_seconds: nobody else gets it until the lease ends, and heartbeat() extends that. Its
-- lease_token must be shown at every later call about it, and is worth nothing once the lease was taken back.
--
--   SELECT id, intent, inputs, lease_token FROM claim('documents', 'worker-1', max_jobs => 10, lease_seconds => 60);
--
-- Before that it ends leases that ran out and fails jobs past their deadline, at most 100 of each (take_back_expired).
--
-- Speed does not depend on what is not ready. Jobs of the future may be many and of a high priority, and a scan of the
-- ready index would read past all of them; so the distinct priorities are walked, one probe of the index each, and in
-- each priority only run_at <= now is read. (A loop does what a recursive query would, whose setting up costs more than
-- the usual one or two probes.)
--
-- Nor on what was claimed before. Every claim and every completion leaves a dead entry at the beginning of an index until
-- vacuum takes it away, which it cannot beside a report that runs for hours: 40,000 of them cost each claim 10 ms. So where
-- finding the first job takes more than a hundred pages, the session notes where the living begin (note_queue_starts), and
-- for some seconds begins there.
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
  modes execution_mode[] DEFAULT NULL
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
  remaining integer := claim.max_jobs;
  taken integer;
  is_due boolean;
  level smallint;
  first_run_at timestamptz;
  -- What note_queue_starts() noted, and what can be relied on of it.
  noted float8[] := nullif(current_setting('opa.claim_' || (hashtext(claim.queue) & 15), true), '')::float8[];
  is_known boolean := false;
  safe float8 := '-infinity';
  pages bigint;
  pages_then bigint;
  is_long boolean;
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

  -- Each expression is prepared anew in each transaction that comes to it: who has noted nothing passes few.
  IF noted IS NOT NULL THEN
    IF noted[1] = (hashtextextended(claim.queue, 0) >> 11)::float8 AND date_part('epoch', current_moment) >= noted[2] THEN
      is_known := noted[7] IS NOT NULL AND date_part('epoch', current_moment) <= noted[3] + 10;
      IF date_part('epoch', current_moment) >= noted[2] + 0.1 * is_known::integer
        AND pg_snapshot_xmin(pg_current_snapshot())::text::float8 >= noted[6] THEN
        safe := noted[5] - 0.1;
      END IF;
    END IF;
  END IF;

  -- Leases have no index by their end, or no heartbeat could be a HOT update. So the 200 jobs that have been running
  -- longest are looked at, and one claim in ten looks at all of them: what a claim costs on average hardly grows with the
  -- number of running jobs, and no expired lease is overlooked for long.
  SELECT
    EXISTS (
      SELECT FROM (
        SELECT job.lease_expires_at FROM jobs AS job
        WHERE job.queue = claim.queue AND job.status = 'running'
          AND job.started_at >= CASE WHEN is_known THEN to_timestamp(noted[4]) ELSE '-infinity' END
          AND job.started_at <= current_moment - interval '10 milliseconds'
        ORDER BY job.started_at
        LIMIT CASE WHEN random() < 0.9 THEN 200 END
      ) AS oldest
      WHERE oldest.lease_expires_at <= current_moment
    ) OR EXISTS (
      SELECT FROM jobs AS job
      WHERE job.queue = claim.queue AND job.status IN ('pending', 'waiting') AND job.deadline_at <= current_moment
    ),
    ready_pages_read()
  INTO is_due, pages;
  IF is_due THEN
    PERFORM take_back_expired(claim.queue, 100);
    current_moment := jobs_now();
  END IF;

  IF is_known THEN
    -- What has come above the noted priority, what was put before its start since, what lies behind that, what is below it.
    -- UNION ALL is asked in this order, and no further than LIMIT says.
    SELECT start.priority, start.run_at INTO level, first_run_at FROM (
      (
        SELECT job.priority, job.run_at FROM jobs AS job
        WHERE job.queue = claim.queue AND job.status = 'pending' AND job.priority > noted[7]::smallint
        ORDER BY job.priority DESC, job.run_at LIMIT 1
      )
      UNION ALL
      (
        SELECT early.priority, early.run_at FROM (
          SELECT job.priority, job.run_at FROM jobs AS job
          WHERE job.queue = claim.queue AND job.status = 'pending' AND job.backdated AND job.run_at < to_timestamp(noted[8])
          ORDER BY job.run_at OFFSET 0
        ) AS early
        WHERE early.priority = noted[7]::smallint LIMIT 1
      )
      UNION ALL
      (
        SELECT job.priority, job.run_at FROM jobs AS job
        WHERE job.queue = claim.queue AND job.status = 'pending' AND job.priority = noted[7]::smallint
          AND job.run_at >= to_timestamp(noted[8])
        ORDER BY job.run_at LIMIT 1
      )
      UNION ALL
      (
        SELECT job.priority, job.run_at FROM jobs AS job
        WHERE job.queue = claim.queue AND job.status = 'pending' AND job.priority < noted[7]::smallint
        ORDER BY job.priority DESC, job.run_at LIMIT 1
      )
    ) AS start LIMIT 1;
  ELSE
    SELECT start.priority, start.run_at, ready_pages_read() INTO level, first_run_at, pages_then FROM (
      SELECT job.priority, job.run_at FROM jobs AS job
      WHERE job.queue = claim.queue AND job.status = 'pending'
      ORDER BY job.priority DESC, job.run_at LIMIT 1
    ) AS start;
  END IF;
  is_long := NOT is_known AND coalesce(pages_then, ready_pages_read()) > pages + 100;
  IF is_long OR noted IS NOT NULL AND (NOT is_known OR date_part('epoch', current_moment) >= noted[2] + 0.1) THEN
    PERFORM note_queue_starts(claim.queue, current_moment, noted, is_known, safe, is_long, level, first_run_at);
  END IF;
  WHILE level IS NOT NULL LOOP
    RETURN QUERY
      UPDATE jobs AS job
      SET status = 'running',
        lease_token = job.lease_token + 1,
        lease_expires_at = current_moment + make_interval(secs => claim.lease_seconds),
        heartbeat_at = current_moment,
        attempt = job.attempt + 1,
        worker_id = claim.worker_id,
        started_at = current_moment,
        updated_at = now()
      FROM unnest(ARRAY(
        SELECT ready.ctid FROM jobs AS ready
        WHERE ready.queue = claim.queue AND ready.status = 'pending' AND ready.priority = level
          AND ready.run_at BETWEEN first_run_at AND current_moment
          AND (ready.deadline_at IS NULL OR ready.deadline_at > current_moment)
          AND (claim.modes IS NULL OR ready.mode = ANY (claim.modes))
        ORDER BY ready.run_at, ready.id
        LIMIT remaining
        FOR NO KEY UPDATE SKIP LOCKED
      )) AS next (place)
      WHERE job.ctid = next.place
      RETURNING job.*;
    GET DIAGNOSTICS taken = ROW_COUNT;
    remaining := remaining - taken;
    EXIT WHEN remaining <= 0;
    SELECT job.priority, job.run_at INTO level, first_run_at FROM jobs AS job
    WHERE job.queue = claim.queue AND job.status = 'pending' AND job.priority < level
    ORDER BY job.priority DESC, job.run_at LIMIT 1;
  END LOOP;
END
$$;

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
-- the usual one or two probes.) Rows that others are claiming are skipped, never waited for. What is found is locked in
-- a statement of its own: in one statement with the update a plan may evaluate the subquery again for each row and hand
-- out far more than max_jobs.
CREATE OR REPLACE FUNCTION public.claim(
  queue text,
  worker_id text,
  max_jobs integer DEFAULT 1,
  lease_seconds double precision DEFAULT 60,
  modes public.execution_mode[] DEFAULT NULL
)
RETURNS SETOF public.jobs
LANGUAGE plpgsql
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := public.jobs_now();
  seen integer;
  is_due boolean;
  level smallint;
  found_here tid[];
  found tid[];
BEGIN
  IF claim.worker_id IS NULL OR octet_length(claim.worker_id) NOT BETWEEN 1 AND 255 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('claim: worker_id must be text of 1 to 255 bytes, got %s', coalesce(octet_length(claim.worker_id)::text, 'null'));
  END IF;
  IF claim.max_jobs IS NULL OR claim.max_jobs NOT BETWEEN 1 AND 10000 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('claim: max_jobs must be from 1 to 10000, got %s', coalesce(claim.max_jobs::text, 'null'));
  END IF;
  IF (claim.lease_seconds >= 0.01 AND claim.lease_seconds <= 604800) IS NOT TRUE THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('claim: lease_seconds must be from 0.01 to 604800 (a week), got %s', coalesce(claim.lease_seconds::text, 'null'));
  END IF;

  -- Leases have no index by their end, or no heartbeat could be a HOT update. So the jobs that have been running longest
  -- are looked at, and where there are many, one claim in ten looks at all of them: what a claim costs on average hardly
  -- grows with the number of running jobs, and no expired lease is overlooked for long.
  SELECT count(*), coalesce(bool_or(oldest.lease_expires_at <= current_moment), false) INTO seen, is_due
  FROM (
    SELECT job.lease_expires_at FROM public.jobs AS job
    WHERE job.queue = claim.queue AND job.status = 'running' AND job.started_at <= current_moment - interval '10 milliseconds'
    ORDER BY job.started_at
    LIMIT 200
  ) AS oldest;
  IF is_due
    OR EXISTS (
      SELECT FROM public.jobs AS job
      WHERE job.queue = claim.queue AND job.status IN ('pending', 'waiting') AND job.deadline_at <= current_moment
    )
    OR (seen = 200 AND random() < 0.1)
  THEN
    PERFORM public.take_back_expired(claim.queue, 100);
    current_moment := public.jobs_now();
  END IF;

  level := (
    SELECT job.priority FROM public.jobs AS job
    WHERE job.queue = claim.queue AND job.status = 'pending'
    ORDER BY job.priority DESC LIMIT 1
  );
  WHILE level IS NOT NULL LOOP
    SELECT array_agg(ready.place) INTO found_here
    FROM (
      SELECT job.ctid AS place FROM public.jobs AS job
      WHERE job.queue = claim.queue AND job.status = 'pending' AND job.priority = level
        AND job.run_at <= current_moment
        AND (job.deadline_at IS NULL OR job.deadline_at > current_moment)
        AND (claim.modes IS NULL OR job.mode = ANY (claim.modes))
      ORDER BY job.run_at, job.id
      LIMIT claim.max_jobs - coalesce(cardinality(found), 0)
      FOR NO KEY UPDATE SKIP LOCKED
    ) AS ready;
    found := found || found_here;
    EXIT WHEN cardinality(found) >= claim.max_jobs;
    level := (
      SELECT job.priority FROM public.jobs AS job
      WHERE job.queue = claim.queue AND job.status = 'pending' AND job.priority < level
      ORDER BY job.priority DESC LIMIT 1
    );
  END LOOP;

  IF found IS NULL THEN
    RETURN;
  END IF;
  RETURN QUERY
    WITH leased AS (
      UPDATE public.jobs AS job
      SET status = 'running',
        lease_token = job.lease_token + 1,
        lease_expires_at = current_moment + make_interval(secs => claim.lease_seconds),
        heartbeat_at = current_moment,
        attempt = job.attempt + 1,
        worker_id = claim.worker_id,
        started_at = current_moment
      WHERE job.ctid = ANY (found)
      RETURNING job.*
    )
    SELECT * FROM leased ORDER BY leased.priority DESC, leased.run_at, leased.id;
END
$$;

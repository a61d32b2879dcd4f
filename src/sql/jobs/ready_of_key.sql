-- The next jobs of one limit_key, queue and priority, at most max_jobs, in no order. The kinds (intent and mode) that the key
-- has are walked, one probe of the index each, so that jobs of other kinds, or of the future, cost nothing.
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
  WITH RECURSIVE kind (intent, mode) AS (
    (
      SELECT job.intent, job.mode FROM jobs AS job
      WHERE job.queue = ready_of_key.queue AND job.status = 'pending' AND job.limit_key IS NOT NULL
        AND job.priority = ready_of_key.priority AND job.limit_key = ready_of_key.limit_key
      ORDER BY job.intent, job.mode LIMIT 1
    )
    UNION ALL
    SELECT next.intent, next.mode FROM kind CROSS JOIN LATERAL (
      SELECT job.intent, job.mode FROM jobs AS job
      WHERE job.queue = ready_of_key.queue AND job.status = 'pending' AND job.limit_key IS NOT NULL
        AND job.priority = ready_of_key.priority AND job.limit_key = ready_of_key.limit_key
        AND (job.intent, job.mode) > (kind.intent, kind.mode)
      ORDER BY job.intent, job.mode LIMIT 1
    ) AS next
  )
  SELECT found.place, found.run_at, found.id FROM kind CROSS JOIN LATERAL (
    SELECT job.ctid AS place, job.run_at, job.id FROM jobs AS job
    WHERE job.queue = ready_of_key.queue AND job.status = 'pending' AND job.limit_key IS NOT NULL
      AND job.priority = ready_of_key.priority AND job.limit_key = ready_of_key.limit_key
      AND job.intent = kind.intent AND job.mode = kind.mode AND job.run_at <= ready_of_key.moment
    ORDER BY job.run_at, job.id LIMIT ready_of_key.max_jobs
  ) AS found
  WHERE (ready_of_key.intents IS NULL OR kind.intent = ANY (ready_of_key.intents))
    AND (ready_of_key.modes IS NULL OR kind.mode = ANY (ready_of_key.modes))
  ORDER BY found.run_at, found.id
  LIMIT ready_of_key.max_jobs
$$;

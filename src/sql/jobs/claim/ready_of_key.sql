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

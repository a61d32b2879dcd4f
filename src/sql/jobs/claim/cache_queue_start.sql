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

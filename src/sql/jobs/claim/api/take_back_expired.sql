-- Ends at most max_jobs leases of a queue that ran out, as many jobs past their deadline and waits that expired, and
-- continues parents that were locked when a child ended; gives the number of jobs changed. claim() does this by itself; a
-- queue that nobody claims from may be swept by a cron job.
--
-- A job whose lease ran out becomes pending again, and the attempt does not count, unless the job says on_lost = 'fail'
-- (then it is an attempt that failed) or was lost ten times, or as often as it has attempts if those are more: it may be
-- the job that kills its workers. It is cancelled if that was asked for, and failed if its deadline is past. A worker that
-- should still live holds an old lease_token and can change nothing more once the job is handed out again.
--
-- A job that cannot be changed (a trigger of somebody else's refuses it, say) is left as it is with a warning, and holds
-- up no other. Rows that others hold locked are left for the next time.
CREATE OR REPLACE FUNCTION take_back_expired(queue text DEFAULT 'default', max_jobs integer DEFAULT 100)
RETURNS integer
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
  expired text[];
  changed integer := 0;
BEGIN
  IF take_back_expired.max_jobs IS NULL OR take_back_expired.max_jobs < 1 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('take_back_expired: max_jobs must be at least 1, got %s', coalesce(take_back_expired.max_jobs::text, 'null'));
  END IF;

  expired := ARRAY(
    SELECT job.id FROM jobs AS job
    -- No lease is shorter than this, so jobs that were claimed just now need not be looked at.
    WHERE job.queue = take_back_expired.queue AND job.status = 'running'
      AND job.started_at <= current_moment - interval '10 milliseconds' AND job.lease_expires_at <= current_moment
    ORDER BY job.started_at
    LIMIT take_back_expired.max_jobs
    FOR NO KEY UPDATE SKIP LOCKED
  ) || ARRAY(
    SELECT job.id FROM jobs AS job
    WHERE job.queue = take_back_expired.queue AND job.status IN ('pending', 'waiting')
      AND least(job.deadline_at, job.wait_expires_at) <= current_moment
    ORDER BY least(job.deadline_at, job.wait_expires_at)
    LIMIT take_back_expired.max_jobs
    FOR NO KEY UPDATE SKIP LOCKED
  );
  IF expired <> '{}' THEN
    BEGIN
      changed := end_expired(expired, current_moment);
    EXCEPTION WHEN OTHERS THEN
      FOR at IN 1..cardinality(expired) LOOP
        BEGIN
          changed := changed + end_expired(expired[at:at], current_moment);
        EXCEPTION WHEN OTHERS THEN
          RAISE WARNING 'job % is left as it is: %', expired[at], SQLERRM;
        END;
      END LOOP;
    END;
  END IF;
  -- Parents are not counted as changed by this.
  PERFORM wake_parents(take_back_expired.queue, take_back_expired.max_jobs);
  RETURN changed;
END
$$;

-- Extends leases, all those of a worker in one call, and says of each what became of it, in the order of the arguments:
--   held              the lease now ends lease_seconds from now (never earlier than before)
--   cancel_requested  the same, and somebody asked for the job to be cancelled: stop, and release() or fail() it
--   timed_out         not extended, the attempt has taken longer than attempt_timeout_seconds: stop, and fail() it
--   locked            not extended, somebody else's transaction holds the row: ask again soon, the lease is still yours
--   lost              the lease was taken back or settled: stop, nothing that you do counts any more
--
--   SELECT * FROM heartbeat(ARRAY['job-1', 'job-2'], ARRAY[4, 1], lease_seconds => 60);
--
-- Never waits for a row, or one that is locked would cost a worker all its other leases.
CREATE OR REPLACE FUNCTION heartbeat(job_ids text[], lease_tokens bigint[], lease_seconds double precision DEFAULT 60)
RETURNS TABLE (id text, lease_token bigint, state text, lease_expires_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
  places tid[];
  held text[];
BEGIN
  PERFORM check_leases('heartbeat', heartbeat.job_ids, heartbeat.lease_tokens);
  IF (heartbeat.lease_seconds >= 0.01 AND heartbeat.lease_seconds <= 604800) IS NOT TRUE THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('heartbeat: lease_seconds must be from 0.01 to 604800 (a week), got %s', coalesce(heartbeat.lease_seconds::text, 'null'));
  END IF;

  places := ARRAY(
    SELECT job.ctid FROM unnest(heartbeat.job_ids, heartbeat.lease_tokens) AS lease (id, token)
    JOIN jobs AS job ON job.id = lease.id AND job.lease_token = lease.token AND job.lease_expires_at IS NOT NULL
    FOR NO KEY UPDATE OF job SKIP LOCKED
  );
  WITH extended AS (
    UPDATE jobs AS job
    SET heartbeat_at = current_moment,
      -- least() ignores a null: no time limit.
      lease_expires_at = greatest(job.lease_expires_at, least(current_moment + make_interval(secs => heartbeat.lease_seconds),
        job.started_at + make_interval(secs => job.attempt_timeout_seconds)))
    FROM unnest(places) AS held (place)
    WHERE job.ctid = held.place
    RETURNING job.id
  )
  SELECT array_agg(extended.id) INTO held FROM extended;

  RETURN QUERY
    SELECT lease.id, lease.token,
      CASE
        WHEN job.id IS NULL THEN 'lost'
        WHEN (job.id = ANY (held)) IS NOT TRUE THEN 'locked'
        WHEN job.cancel_requested_at IS NOT NULL THEN 'cancel_requested'
        WHEN job.started_at + make_interval(secs => job.attempt_timeout_seconds) <= current_moment THEN 'timed_out'
        ELSE 'held'
      END,
      job.lease_expires_at
    FROM unnest(heartbeat.job_ids, heartbeat.lease_tokens) WITH ORDINALITY AS lease (id, token, place)
    LEFT JOIN jobs AS job
      ON job.id = lease.id AND job.lease_token = lease.token AND job.lease_expires_at IS NOT NULL
    ORDER BY lease.place;
END
$$;

-- Jobs that do not go on, with the reason, the longest first, one row for each reason:
--   lease_expired      its worker is gone, and nobody claims from the queue to take it back
--   ignores_cancel     runs on although somebody asked for its cancellation longer ago than `longer_than`
--   past_deadline      unfinished after its deadline
--   runs_long          runs for longer than `longer_than`
--   waits_long         waits (for approval, input, …) for longer than `longer_than`
--   not_picked_up      ready for longer than `longer_than`: no worker for its queue and mode, or too few
--
--   SELECT reason, id, queue, intent, since FROM stuck_jobs(longer_than => interval '15 minutes');
CREATE OR REPLACE FUNCTION stuck_jobs(
  queue text DEFAULT NULL,
  longer_than interval DEFAULT interval '15 minutes',
  max_jobs integer DEFAULT 100
)
RETURNS TABLE (
  reason text,
  id text,
  queue_name text,
  intent text,
  mode execution_mode,
  status job_status,
  worker_id text,
  since timestamptz
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
BEGIN
  IF stuck_jobs.longer_than IS NULL OR stuck_jobs.longer_than < interval '0' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('stuck_jobs: longer_than must be an interval of 0 or more, got %s', coalesce(stuck_jobs.longer_than::text, 'null'));
  END IF;
  RETURN QUERY
    SELECT found.reason, found.id, found.queue, found.intent, found.mode, found.status, found.worker_id, found.since
    FROM (
      -- One part for each status, as literals, so that each reads only its own partial index.
      SELECT job.id, job.queue, job.intent, job.mode, job.status, job.worker_id, stuck.reason, stuck.since
      FROM jobs AS job
      CROSS JOIN LATERAL (
        VALUES
          ('lease_expired', job.lease_expires_at, interval '0'),
          ('ignores_cancel', job.cancel_requested_at, stuck_jobs.longer_than),
          ('past_deadline', job.deadline_at, interval '0'),
          ('runs_long', job.started_at, stuck_jobs.longer_than)
      ) AS stuck (reason, since, patience)
      WHERE job.status = 'running' AND stuck.since <= current_moment - stuck.patience
      UNION ALL
      SELECT job.id, job.queue, job.intent, job.mode, job.status, job.worker_id, stuck.reason, stuck.since
      FROM jobs AS job
      CROSS JOIN LATERAL (
        VALUES
          ('past_deadline', job.deadline_at, interval '0'),
          ('waits_long', job.updated_at, stuck_jobs.longer_than)
      ) AS stuck (reason, since, patience)
      WHERE job.status = 'waiting' AND stuck.since <= current_moment - stuck.patience
      UNION ALL
      SELECT job.id, job.queue, job.intent, job.mode, job.status, job.worker_id, stuck.reason, stuck.since
      FROM (
        SELECT plain.* FROM jobs AS plain WHERE plain.status = 'pending' AND plain.limit_key IS NULL
        UNION ALL
        SELECT keyed.* FROM jobs AS keyed WHERE keyed.status = 'pending' AND keyed.limit_key IS NOT NULL
      ) AS job
      CROSS JOIN LATERAL (
        VALUES
          ('past_deadline', job.deadline_at, interval '0'),
          ('not_picked_up', job.run_at, stuck_jobs.longer_than)
      ) AS stuck (reason, since, patience)
      WHERE stuck.since <= current_moment - stuck.patience
    ) AS found
    WHERE stuck_jobs.queue IS NULL OR found.queue = stuck_jobs.queue
    ORDER BY found.since, found.id, found.reason
    LIMIT stuck_jobs.max_jobs;
END
$$;

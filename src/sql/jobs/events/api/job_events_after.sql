-- The events of a job after the one with this number, oldest first.
--
--   SELECT seq, at, kind, data FROM job_events_after('job-1', after => 0, max_events => 100);
CREATE OR REPLACE FUNCTION job_events_after(job_id text, after bigint DEFAULT 0, max_events integer DEFAULT 1000)
RETURNS TABLE (seq bigint, at timestamptz, kind text, data jsonb)
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
  IF (job_events_after.after >= 0 AND job_events_after.max_events BETWEEN 1 AND 1000) IS NOT TRUE THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('job_events_after: after must be 0 or more and max_events from 1 to 1000, got %s and %s',
        coalesce(job_events_after.after::text, 'null'), coalesce(job_events_after.max_events::text, 'null'));
  END IF;
  RETURN QUERY
    SELECT event.seq, event.at, event.kind, event.data FROM job_events AS event
    WHERE event.job_id = job_events_after.job_id AND event.seq > job_events_after.after
    ORDER BY event.seq
    LIMIT job_events_after.max_events;
END
$$;

-- Pauses a schedule: no slot is enqueued until resume_schedule(). False if there is no such schedule.
--
--   SELECT pause_schedule('digest');
CREATE OR REPLACE FUNCTION pause_schedule(key text)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
AS $$
#variable_conflict use_column
BEGIN
  UPDATE schedules SET paused_at = coalesce(paused_at, jobs_now()), updated_at = now() WHERE key = pause_schedule.key;
  RETURN FOUND;
END
$$;

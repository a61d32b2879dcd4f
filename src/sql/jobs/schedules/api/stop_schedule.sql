-- Pauses a schedule that cannot be run and keeps the reason; resume_schedule() or put_schedule() with what is right, then
-- resume_schedule(), goes on. Nothing happens if it has changed since it was seen.
--
--   SELECT stop_schedule('digest', '2026-01-01 06:00+00', 'cron: invalid value for minute: 61');
CREATE OR REPLACE FUNCTION stop_schedule(key text, seen_slots_after timestamptz, error text)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
AS $$
#variable_conflict use_column
BEGIN
  UPDATE schedules SET paused_at = jobs_now(), error = left(stop_schedule.error, 1000), updated_at = now()
  WHERE key = stop_schedule.key AND slots_after = stop_schedule.seen_slots_after AND paused_at IS NULL;
  RETURN FOUND;
END
$$;

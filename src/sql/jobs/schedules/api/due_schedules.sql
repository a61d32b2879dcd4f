-- The schedules that have a slot to enqueue, or whose next slot is not computed yet, the longest waiting first, with the
-- moment that counts as now. For programs that run schedules: work out the slots after slots_after up to now, then
-- enqueue_slots().
--
--   SELECT * FROM due_schedules(100);
CREATE OR REPLACE FUNCTION due_schedules(max_schedules integer DEFAULT 100)
RETURNS TABLE (
  key text, cron text, time_zone text, every_seconds double precision, missed text, missed_limit integer,
  late_seconds double precision, slots_after timestamptz, seen_at timestamptz
)
LANGUAGE plpgsql SECURITY DEFINER
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
BEGIN
  IF (due_schedules.max_schedules BETWEEN 1 AND 10000) IS NOT TRUE THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('due_schedules: max_schedules must be from 1 to 10000, got %s', coalesce(due_schedules.max_schedules::text, 'null'));
  END IF;
  RETURN QUERY
    SELECT schedule.key, schedule.cron, schedule.time_zone, schedule.every_seconds, schedule.missed, schedule.missed_limit,
      schedule.late_seconds, schedule.slots_after, current_moment
    FROM schedules AS schedule
    WHERE schedule.paused_at IS NULL AND (schedule.next_at IS NULL OR schedule.next_at <= current_moment)
    ORDER BY schedule.next_at NULLS FIRST, schedule.key
    LIMIT due_schedules.max_schedules;
END
$$;

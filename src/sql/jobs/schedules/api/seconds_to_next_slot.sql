-- How long until the next slot of any schedule, in seconds, 0 if one is due; null if there is none.
--
--   SELECT seconds_to_next_slot();
CREATE OR REPLACE FUNCTION seconds_to_next_slot()
RETURNS double precision
LANGUAGE plpgsql SECURITY DEFINER
AS $$
BEGIN
  RETURN (
    SELECT CASE
      WHEN schedule.next_at IS NULL THEN 0
      WHEN isfinite(schedule.next_at) THEN greatest(extract(epoch FROM schedule.next_at - jobs_now()), 0)
    END
    FROM schedules AS schedule
    WHERE schedule.paused_at IS NULL
    ORDER BY schedule.next_at NULLS FIRST
    LIMIT 1
  );
END
$$;

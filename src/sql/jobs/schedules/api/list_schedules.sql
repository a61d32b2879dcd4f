-- The schedules, of one queue or of all, by key.
--
--   SELECT key, cron, next_at, paused_at, error FROM list_schedules();
CREATE OR REPLACE FUNCTION list_schedules(queue text DEFAULT NULL)
RETURNS SETOF schedules
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    SELECT schedule.* FROM schedules AS schedule
    WHERE list_schedules.queue IS NULL OR schedule.queue = list_schedules.queue
    ORDER BY schedule.key;
END
$$;

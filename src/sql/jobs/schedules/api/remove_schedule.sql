-- Removes a schedule; jobs that it has enqueued stay. False if there is no such schedule.
--
--   SELECT remove_schedule('digest');
CREATE OR REPLACE FUNCTION remove_schedule(key text)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
AS $$
#variable_conflict use_column
BEGIN
  DELETE FROM schedules WHERE key = remove_schedule.key;
  RETURN FOUND;
END
$$;

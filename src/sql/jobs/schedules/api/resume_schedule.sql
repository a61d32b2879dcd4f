-- Goes on with a paused schedule. Its slots are counted from now on: those of the pause are not made up for. False if there
-- is no such schedule; one that is not paused stays as it is.
--
--   SELECT resume_schedule('digest');
CREATE OR REPLACE FUNCTION resume_schedule(key text)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
AS $$
#variable_conflict use_column
BEGIN
  UPDATE schedules
  SET paused_at = NULL, error = NULL, next_at = NULL, slots_after = greatest(slots_after, jobs_now()), updated_at = now()
  WHERE key = resume_schedule.key AND paused_at IS NOT NULL;
  RETURN FOUND OR EXISTS (SELECT FROM schedules WHERE key = resume_schedule.key);
END
$$;

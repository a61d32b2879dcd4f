-- Deletes the history of memories that were deleted: who forgets a memory means all that it ever said.
-- SECURITY DEFINER as keep_memory_history.
CREATE OR REPLACE FUNCTION forget_memory_history()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
  DELETE FROM memory_history AS kept USING old_rows WHERE kept.memory_id = old_rows.id;
  RETURN NULL;
END
$$;

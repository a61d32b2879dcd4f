-- Turns the history of memories on or off for the whole database. Off, updates cost what they would without it; what was
-- kept stays until prune_memory_history. Only the owner of the tables may.
--
--   SELECT set_memory_history(false);
CREATE OR REPLACE FUNCTION set_memory_history(is_on boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  IF is_on IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'set_memory_history: is_on must be true or false, got null';
  END IF;
  IF is_on THEN
    ALTER TABLE memory_items ENABLE TRIGGER memory_items_keep_history;
  ELSE
    ALTER TABLE memory_items DISABLE TRIGGER memory_items_keep_history;
  END IF;
END
$$;

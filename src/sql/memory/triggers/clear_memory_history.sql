-- TRUNCATE of memory_items fires no DELETE trigger: this forgets the history of all of them.
CREATE OR REPLACE FUNCTION clear_memory_history()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
  TRUNCATE memory_history;
  RETURN NULL;
END
$$;

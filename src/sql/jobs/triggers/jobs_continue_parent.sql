-- A child has ended: its parent may go on.
CREATE OR REPLACE FUNCTION jobs_continue_parent()
RETURNS trigger
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
BEGIN
  PERFORM continue_parents(ARRAY[NEW.parent_id]);
  RETURN NULL;
END
$$;

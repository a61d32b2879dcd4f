-- A child has ended: its parent may go on.
CREATE OR REPLACE FUNCTION public.jobs_continue_parent()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  PERFORM public.continue_parents(ARRAY[NEW.parent_id]);
  RETURN NULL;
END
$$;

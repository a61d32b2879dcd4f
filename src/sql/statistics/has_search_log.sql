-- Whether changes of memories wait in the log of the statistics, which is where the words of deleted ones are until a fold.
CREATE OR REPLACE FUNCTION public.has_search_log()
RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
  SELECT EXISTS (SELECT FROM public.search_log)
$$;

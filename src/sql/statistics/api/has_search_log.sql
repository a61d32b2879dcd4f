-- Whether changes of memories wait in the log of the statistics, which is where the words of deleted ones are until a fold.
CREATE OR REPLACE FUNCTION has_search_log()
RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER
AS $$
  SELECT EXISTS (SELECT FROM search_log)
$$;

-- TRUNCATE of memory_items empties the statistics with it. Folds still due in this transaction happen before, because
-- a table with pending trigger events cannot be truncated.
CREATE OR REPLACE FUNCTION public.clear_search_statistics()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  SET CONSTRAINTS public.search_log_fold IMMEDIATE;
  TRUNCATE public.search_log, public.search_log_lexemes, public.search_lexemes, public.search_vocabulary, public.search_totals;
  SET CONSTRAINTS public.search_log_fold DEFERRED;
  RETURN NULL;
END
$$;

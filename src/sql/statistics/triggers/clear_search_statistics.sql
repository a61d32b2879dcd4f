-- TRUNCATE of memory_items empties the statistics with it. Folds still due in this transaction happen before, because
-- a table with pending trigger events cannot be truncated.
CREATE OR REPLACE FUNCTION clear_search_statistics()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
  SET CONSTRAINTS search_log_fold IMMEDIATE;
  TRUNCATE search_log, search_log_lexemes, search_lexemes, search_vocabulary, search_totals;
  SET CONSTRAINTS search_log_fold DEFERRED;
  RETURN NULL;
END
$$;

-- Adds the log of changes to the totals of keyword search and empties it; answers the number of log entries folded, 0 while
-- another session folds. Writers do it now and then by themselves (fold_search_log): this is for where none of them can.
CREATE OR REPLACE FUNCTION fold_search_statistics()
RETURNS bigint
LANGUAGE sql SECURITY DEFINER
AS $$
  SELECT fold_if_possible()
$$;

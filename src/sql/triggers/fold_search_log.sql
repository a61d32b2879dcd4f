-- At the end of a transaction that changed memory_items: folds the log if it has grown. Deferred to the commit, so
-- that the fold's locks last no longer than that, and once a transaction. The bounds keep a reader's share of the log
-- under a millisecond: 128 single documents or 16 bulk statements; and a corpus that grows by half is counted at once.
CREATE OR REPLACE FUNCTION public.fold_search_log()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  this_transaction CONSTANT text := pg_current_xact_id()::text;
BEGIN
  IF current_setting('opa.search_log_folded', true) IS DISTINCT FROM this_transaction THEN
    PERFORM set_config('opa.search_log_folded', this_transaction, true);
    IF (SELECT count(lexemes) >= 128 OR count(*) - count(lexemes) >= 16
            OR sum(abs(documents)) > (SELECT max(totals.documents) / 2 FROM public.search_totals AS totals) IS NOT FALSE
          FROM public.search_log_entries()) THEN
      PERFORM public.fold_search_statistics();
    END IF;
  END IF;
  RETURN NULL;
END
$$;

-- At the end of a transaction that changed memory_items: keeps the log short, so that a reader's share of it stays under
-- a millisecond. 128 single documents become one entry; 16 entries, of this kind or of bulk statements, are folded into
-- the totals, and so is a corpus that grew by half. Deferred to the commit, so that the locks last no longer than that,
-- and once a transaction.
CREATE OR REPLACE FUNCTION fold_search_log()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
DECLARE
  most_documents CONSTANT integer := 128;
  most_entries CONSTANT integer := 16;
  this_transaction CONSTANT text := pg_current_xact_id()::text;
  logged record;
BEGIN
  IF current_setting('opa.search_log_folded', true) IS DISTINCT FROM this_transaction THEN
    PERFORM set_config('opa.search_log_folded', this_transaction, true);
    SELECT count(log.lexemes) AS documents, count(*) - count(log.lexemes) AS entries,
        sum(abs(log.documents)) > (SELECT max(totals.documents) / 2 FROM search_totals AS totals) IS NOT FALSE AS is_large
      INTO logged
      FROM search_log_entries() AS log;
    IF logged.is_large OR logged.entries >= most_entries THEN
      PERFORM fold_if_possible();
    ELSIF logged.documents >= most_documents THEN
      -- Compaction is for READ COMMITTED; where it does nothing, the fold comes at the same size.
      IF current_setting('transaction_isolation') = 'repeatable read' THEN
        PERFORM fold_if_possible();
      ELSE
        PERFORM compact_search_log();
      END IF;
    END IF;
  END IF;
  RETURN NULL;
END
$$;

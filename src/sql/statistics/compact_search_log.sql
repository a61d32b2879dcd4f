-- Adds up the log's single documents into one entry like a bulk statement's: a sixth of a fold's work, because nothing but
-- the log is written. It waits for nobody: while another session folds or compacts, it does nothing. A snapshot sees
-- either the documents or the entry.
CREATE OR REPLACE FUNCTION compact_search_log()
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off
AS $$
DECLARE
  logged record;
  changed record;
BEGIN
  -- As in fold_search_statistics.
  IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted')
     OR NOT take_fold_lock() THEN
    RETURN;
  END IF;
  SELECT array_agg(log.xid) AS xids, array_agg(log.entry) AS entries, sum(log.documents) AS documents,
      sum(log.total_length) AS total_length
    INTO logged
    FROM search_log_entries() AS log WHERE log.lexemes IS NOT NULL;
  IF logged.entries IS NULL THEN
    RETURN;
  END IF;

  WITH single AS (
    DELETE FROM search_log AS log USING unnest(logged.xids, logged.entries) AS named (xid, entry)
    WHERE log.xid = named.xid AND log.entry = named.entry
    RETURNING log.documents, log.lexemes
  ), counted AS (
    SELECT word COLLATE "C" AS lexeme, sum(single.documents)::bigint AS change
    FROM single, unnest(tsvector_to_array(single.lexemes)) AS word
    GROUP BY 1 HAVING sum(single.documents) <> 0 ORDER BY 1
  )
  SELECT array_agg(lexeme) AS lexemes, array_agg(change) AS document_frequencies INTO changed FROM counted;
  PERFORM log_bulk_change(
    logged.documents::bigint, logged.total_length::bigint, changed.lexemes, changed.document_frequencies
  );
END
$$;

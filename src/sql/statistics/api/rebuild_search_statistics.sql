-- Counts everything anew while writers go on. One statement, so one snapshot: the rows it counts are exactly those
-- whose log entries it removes; what commits later stays in the log. It waits for a fold in progress, and folds skip
-- their turn while it runs. The new counts start an epoch, so that no reader can meet a mixture.
CREATE OR REPLACE FUNCTION rebuild_search_statistics()
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
AS $$
DECLARE
  next_epoch integer;
BEGIN
  IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_transaction_state',
      MESSAGE = format('rebuild_search_statistics must be called in a READ COMMITTED transaction, got %s',
        upper(current_setting('transaction_isolation'))),
      DETAIL = 'An older snapshot would not see what others have folded since.';
  END IF;
  EXECUTE format('SELECT FROM %I.memory_items LIMIT 0', installation_schema());
  LOCK TABLE search_totals IN SHARE UPDATE EXCLUSIVE MODE;
  SELECT coalesce(max(fold), 0) / 64 + 1 INTO next_epoch FROM search_totals;

  PERFORM set_config('opa.search_statistics', 'on', true);
  EXECUTE format($count$
    WITH counted AS (
      INSERT INTO search_lexemes (lexeme, epoch, document_frequency, layer_1, layer_2, layer_3)
      SELECT split_part(word, chr(1), 1) COLLATE "C", $1, sum(documents) FILTER (WHERE layer = ''),
             coalesce(sum(documents) FILTER (WHERE layer = '1'), 0), coalesce(sum(documents) FILTER (WHERE layer = '2'), 0),
             coalesce(sum(documents) FILTER (WHERE layer = '3'), 0)
        FROM (SELECT word COLLATE "C", count(*) AS documents
                FROM %1$I.memory_items, unnest(tsvector_to_array(search_vector)) AS word GROUP BY 1) AS counted,
             split_part(word, chr(1), 2) AS layer
       GROUP BY 1 ORDER BY 1
    ), earlier_lexemes AS (
      DELETE FROM search_lexemes WHERE epoch < $1
    ), counted_entries AS (
      DELETE FROM search_log
    ), counted_lexemes AS (
      DELETE FROM search_log_lexemes
    ), earlier_totals AS (
      DELETE FROM search_totals
    )
    INSERT INTO search_totals (fold, documents, total_length, horizon, running, folded_by, folded_in)
    SELECT $1 * 64::bigint, count(*), coalesce(sum(lexeme_count), 0), pg_snapshot_xmax(pg_current_snapshot()),
           ARRAY(SELECT pg_snapshot_xip(pg_current_snapshot()) UNION SELECT pg_current_xact_id()), pg_current_xact_id(),
           'search_totals'::regclass
      FROM %1$I.memory_items
    $count$, installation_schema()) USING next_epoch;
  DELETE FROM search_vocabulary AS known
   WHERE NOT EXISTS (SELECT FROM search_lexemes AS counted WHERE counted.lexeme = known.lexeme);
  INSERT INTO search_vocabulary (lexeme)
  SELECT lexeme FROM search_lexemes
      ON CONFLICT DO NOTHING;
  PERFORM set_config('opa.search_statistics', 'off', true);
END
$$;

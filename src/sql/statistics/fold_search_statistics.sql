-- Adds the log to the totals and empties it; answers the number of log entries folded. It waits for nobody: while
-- another session folds, it answers 0. Readers see the totals and the log of one snapshot, so they notice nothing.
--
-- Nothing here depends on how long other transactions last. The totals are a new row for each fold, found from the
-- newest backwards. A lexeme's row is updated in place for 64 folds (an epoch) and then written anew under the next
-- epoch, so that a reader never walks through more than 64 versions which an old snapshot keeps from being vacuumed.
-- horizon and running say which log rows this fold could not see; readers look at no others.
CREATE OR REPLACE FUNCTION public.fold_search_statistics()
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  folds_per_epoch CONSTANT integer := 64;
  totals public.search_totals;
  folded record;
  this_epoch integer;
  vanished text[];
BEGIN
  -- In a serializable transaction the fold would make the user's statements fail for reasons that are not theirs.
  IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted')
     OR NOT pg_try_advisory_xact_lock('public.search_totals'::regclass::bigint) THEN
    RETURN 0;
  END IF;
  SELECT * INTO totals FROM public.search_totals ORDER BY fold DESC LIMIT 1;
  totals.fold := coalesce(totals.fold, 0) + 1;
  this_epoch := totals.fold / folds_per_epoch;

  SELECT array_agg(xid) AS xids, coalesce(array_agg(entry), '{}') AS entries, coalesce(sum(documents), 0) AS documents,
         coalesce(sum(total_length), 0) AS total_length, pg_current_snapshot() AS snapshot
    INTO folded
    FROM public.search_log_entries();
  IF folded.entries = '{}' THEN
    RETURN 0;
  END IF;

  -- Not SET on the function: only a superuser may make one with a setting that the server does not know.
  PERFORM set_config('opa.search_statistics', 'on', true);
  WITH documents AS (
    DELETE FROM public.search_log AS log USING unnest(folded.xids, folded.entries) AS named (xid, entry)
     WHERE log.xid = named.xid AND log.entry = named.entry
    RETURNING log.documents, log.lexemes
  ), lexemes AS (
    DELETE FROM public.search_log_lexemes AS log USING unnest(folded.xids, folded.entries) AS named (xid, entry)
     WHERE log.xid = named.xid AND log.entry = named.entry
    RETURNING log.lexemes, log.documents
  ), words AS (
    SELECT word, sum(documents) AS change
      FROM (SELECT word COLLATE "C", documents FROM documents, unnest(tsvector_to_array(lexemes)) AS word
            UNION ALL
            SELECT word COLLATE "C", change FROM lexemes AS log, unnest(log.lexemes, log.documents) AS part (word, change)) AS change
     GROUP BY word HAVING sum(documents) <> 0
  ), changes AS MATERIALIZED (
    SELECT split_part(word, chr(1), 1) AS lexeme, coalesce(sum(change) FILTER (WHERE layer = ''), 0) AS document_frequency,
           coalesce(sum(change) FILTER (WHERE layer = '1'), 0) AS layer_1,
           coalesce(sum(change) FILTER (WHERE layer = '2'), 0) AS layer_2,
           coalesce(sum(change) FILTER (WHERE layer = '3'), 0) AS layer_3
      FROM words, split_part(word, chr(1), 2) AS layer
     GROUP BY 1 ORDER BY 1
  ), earlier AS (
    DELETE FROM public.search_lexemes AS stored USING changes
     WHERE stored.lexeme = changes.lexeme AND stored.epoch < this_epoch
    RETURNING stored.lexeme, stored.document_frequency, stored.layer_1, stored.layer_2, stored.layer_3
  ), written AS (
    INSERT INTO public.search_lexemes AS stored (lexeme, epoch, document_frequency, layer_1, layer_2, layer_3)
    SELECT lexeme, this_epoch, sum(document_frequency), sum(layer_1), sum(layer_2), sum(layer_3)
      FROM (SELECT * FROM changes UNION ALL SELECT * FROM earlier) AS part
     GROUP BY lexeme ORDER BY lexeme
    ON CONFLICT (lexeme, epoch) DO UPDATE SET document_frequency = stored.document_frequency + excluded.document_frequency,
      layer_1 = stored.layer_1 + excluded.layer_1, layer_2 = stored.layer_2 + excluded.layer_2,
      layer_3 = stored.layer_3 + excluded.layer_3
    RETURNING lexeme, document_frequency, xmax = 0 AS is_new
  ), named AS (
    -- New in the epoch: most of them have been in the corpus before.
    INSERT INTO public.search_vocabulary (lexeme)
    SELECT lexeme FROM written WHERE is_new AND document_frequency > 0
    ON CONFLICT DO NOTHING
  )
  SELECT array_agg(lexeme) INTO vanished FROM written WHERE document_frequency = 0;

  DELETE FROM public.search_lexemes WHERE lexeme = ANY (vanished) AND document_frequency = 0;
  DELETE FROM public.search_vocabulary WHERE lexeme = ANY (vanished);
  DELETE FROM public.search_totals;
  INSERT INTO public.search_totals (fold, documents, total_length, horizon, running, folded_by, folded_in)
  VALUES (totals.fold, coalesce(totals.documents, 0) + folded.documents,
          coalesce(totals.total_length, 0) + folded.total_length, pg_snapshot_xmax(folded.snapshot),
          ARRAY(SELECT pg_snapshot_xip(folded.snapshot) UNION SELECT pg_current_xact_id()), pg_current_xact_id(),
          'public.search_totals'::regclass);
  PERFORM set_config('opa.search_statistics', 'off', true);
  RETURN cardinality(folded.entries);
END
$$;

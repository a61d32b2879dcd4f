-- Adds the log to the totals and empties it; answers the number of log entries folded. It waits for nobody: while
-- another session folds, it answers 0. Readers see the totals and the log of one snapshot, so they notice nothing.
--
-- Nothing here depends on how long other transactions last. The totals are a new row for each fold, found from the
-- newest backwards. A lexeme's row is updated in place for 64 folds (an epoch) and then written anew under the next
-- epoch, so that a reader never walks through more than 64 versions which an old snapshot keeps from being vacuumed.
-- horizon and running say which log rows this fold could not see; readers look at no others.
--
-- In a REPEATABLE READ transaction it fails with serialization_failure or unique_violation where another fold came after
-- the snapshot: the caller catches that (fold_if_possible).
--
-- jit = off: see search_log_entries. A lexeme has one row that a snapshot sees, so each is found once, by the index,
-- and then written where it lies.
CREATE OR REPLACE FUNCTION fold_statistics()
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
  folds_per_epoch CONSTANT integer := 64;
  totals search_totals;
  folded record;
  this_epoch integer;
  writer bigint;
  this_transaction bigint;
BEGIN
  -- In a serializable transaction the fold would make the user's statements fail for reasons that are not theirs.
  IF current_setting('transaction_isolation') = 'serializable' OR NOT take_fold_lock() THEN
    RETURN 0;
  END IF;
  SELECT * INTO totals FROM search_totals ORDER BY fold DESC LIMIT 1;
  totals.fold := coalesce(totals.fold, 0) + 1;
  this_epoch := totals.fold / folds_per_epoch;

  SELECT array_agg(xid) AS xids, coalesce(array_agg(entry), '{}') AS entries, coalesce(sum(documents), 0) AS documents,
         coalesce(sum(total_length), 0) AS total_length, pg_current_snapshot() AS snapshot
    INTO folded
    FROM search_log_entries();
  IF folded.entries = '{}' THEN
    RETURN 0;
  END IF;

  -- Not SET on the function: only a superuser may make one with a setting that the server does not know.
  PERFORM set_config('opa.search_statistics', 'on', true);
  WITH documents AS (
    DELETE FROM search_log AS log USING unnest(folded.xids, folded.entries) AS named (xid, entry)
     WHERE log.xid = named.xid AND log.entry = named.entry
    RETURNING log.documents, log.lexemes
  ), lexemes AS (
    DELETE FROM search_log_lexemes AS log USING unnest(folded.xids, folded.entries) AS named (xid, entry)
     WHERE log.xid = named.xid AND log.entry = named.entry
    RETURNING log.lexemes, log.documents
  ), words AS (
    SELECT word, sum(change::integer) AS change
      FROM (SELECT word COLLATE "C", documents FROM documents, unnest(tsvector_to_array(lexemes)) AS word
            UNION ALL
            SELECT word COLLATE "C", change FROM lexemes AS log, unnest(log.lexemes, log.documents) AS part (word, change)) AS part (word, change)
     GROUP BY word HAVING sum(change::integer) <> 0
  ), changes AS (
    SELECT lexeme, sum(CASE layer WHEN 0 THEN change ELSE 0 END) AS document_frequency,
           sum(CASE layer WHEN 1 THEN change ELSE 0 END) AS layer_1, sum(CASE layer WHEN 2 THEN change ELSE 0 END) AS layer_2,
           sum(CASE layer WHEN 3 THEN change ELSE 0 END) AS layer_3
      FROM (SELECT split_part(word, E'\x01', 1) AS lexeme, greatest(ascii(split_part(word, E'\x01', 2)) - 48, 0) AS layer, change::integer
              FROM words OFFSET 0) AS word
     GROUP BY lexeme ORDER BY lexeme
  ), counted AS MATERIALIZED (
    SELECT stored.ctid AS place, changes.lexeme, changes.document_frequency + coalesce(stored.document_frequency, 0) AS document_frequency,
           changes.layer_1 + coalesce(stored.layer_1, 0) AS layer_1, changes.layer_2 + coalesce(stored.layer_2, 0) AS layer_2,
           changes.layer_3 + coalesce(stored.layer_3, 0) AS layer_3
      FROM changes LEFT JOIN search_lexemes AS stored ON stored.lexeme = changes.lexeme
  ), updated AS (
    UPDATE search_lexemes AS stored
       SET epoch = this_epoch, document_frequency = counted.document_frequency, layer_1 = counted.layer_1,
           layer_2 = counted.layer_2, layer_3 = counted.layer_3
      FROM counted WHERE stored.ctid = counted.place AND counted.document_frequency <> 0
  ), vanished AS (
    DELETE FROM search_lexemes AS stored USING counted
     WHERE stored.ctid = counted.place AND counted.document_frequency = 0
    RETURNING stored.lexeme
  ), forgotten AS (
    DELETE FROM search_vocabulary AS known USING vanished WHERE known.lexeme = vanished.lexeme
  ), added AS (
    INSERT INTO search_lexemes (lexeme, epoch, document_frequency, layer_1, layer_2, layer_3)
    SELECT lexeme, this_epoch, document_frequency, layer_1, layer_2, layer_3 FROM counted WHERE place IS NULL
    RETURNING lexeme
  )
  INSERT INTO search_vocabulary (lexeme) SELECT lexeme FROM added ON CONFLICT DO NOTHING;

  DELETE FROM search_totals WHERE fold < totals.fold;
  INSERT INTO search_totals (fold, documents, total_length, horizon, running, folded_by, folded_in)
  VALUES (totals.fold, coalesce(totals.documents, 0) + folded.documents,
          coalesce(totals.total_length, 0) + folded.total_length, pg_snapshot_xmax(folded.snapshot),
          ARRAY(SELECT pg_snapshot_xip(folded.snapshot) UNION SELECT pg_current_xact_id()), pg_current_xact_id(),
          'search_totals'::regclass)
  RETURNING xmin::text::bigint INTO writer;
  -- Below a savepoint the row has the number of the subtransaction, by which readers tell that the horizon is of this row.
  this_transaction := pg_current_xact_id()::text::bigint;
  IF writer <> this_transaction & 4294967295 THEN
    UPDATE search_totals AS written
       SET folded_by = (this_transaction - (this_transaction & 4294967295) + writer
                        + CASE WHEN writer < this_transaction & 4294967295 THEN 4294967296 ELSE 0 END)::text::xid8
     WHERE written.fold = totals.fold;
  END IF;
  PERFORM set_config('opa.search_statistics', 'off', true);
  RETURN cardinality(folded.entries);
END
$$;

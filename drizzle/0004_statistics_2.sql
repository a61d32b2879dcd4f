-- path: of the installation
SELECT set_config('opa.schema', coalesce(nullif(current_setting('opa.schema', true), ''), current_schema(), ''), true);
--> statement-breakpoint
-- path: checked when they run
SET LOCAL check_function_bodies = off;
--> statement-breakpoint
-- path: schema
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema')), quote_ident(current_setting('opa.schema') || '_opa'), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/statistics/api/rebuild_search_statistics.sql
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
--> statement-breakpoint
-- source: src/sql/statistics/api/reindex_search.sql
-- Makes the stored lexemes of the next rows anew, as this server takes texts apart today, in the order of their ids: call it
-- until is_done. Each call is a statement of its own, so that searches and writes go on, and what was done stays done: after an
-- interruption the next call goes on where the last one stopped. A row whose lexemes are right is not written. The
-- statistics stay exact, because triggers count an update of the lexemes like any other.
-- batch_size: how many rows to look at, 1 to 10000
-- looked_at, updated: rows of this batch; reindexed_to: the id of the last of them
CREATE OR REPLACE FUNCTION reindex_search(
  batch_size integer DEFAULT 500, OUT looked_at bigint, OUT updated bigint, OUT reindexed_to text, OUT is_done boolean
)
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
DECLARE
  now_fingerprint CONSTANT text := search_fingerprint();
  noted search_dictionary;
  last_id text;
BEGIN
  IF batch_size IS NULL OR batch_size NOT BETWEEN 1 AND 10000 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('reindex_search: batch_size must be from 1 to 10000, got %s', COALESCE(batch_size::text, 'null'));
  END IF;
  PERFORM record_search_dictionary();
  -- One at a time: a second caller goes on after the first.
  SELECT * INTO noted FROM search_dictionary FOR UPDATE;
  last_id := CASE WHEN noted.reindexing = now_fingerprint THEN noted.reindexed_to END;

  WITH batch AS MATERIALIZED (
    SELECT m.id, m.search_vector IS DISTINCT FROM layered_search_vector(m.text) OR m.lexeme_count <> lexeme_count(m.text) AS is_stale
    FROM memory_items AS m
    WHERE last_id IS NULL OR m.id > last_id
    ORDER BY m.id
    LIMIT batch_size
  ), written AS (
    UPDATE memory_items AS m SET text = m.text FROM batch WHERE m.id = batch.id AND batch.is_stale RETURNING m.id
  )
  SELECT count(*), (SELECT count(*) FROM written), max(batch.id) INTO looked_at, updated, reindexed_to FROM batch;

  is_done := looked_at < batch_size;
  IF is_done THEN
    UPDATE search_dictionary SET fingerprint = now_fingerprint, server_version = current_setting('server_version_num')::integer / 10000,
      reindexing = NULL, reindexed_to = NULL;
  ELSE
    UPDATE search_dictionary SET reindexing = now_fingerprint, reindexed_to = reindex_search.reindexed_to;
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/statistics/api/search_dictionary_status.sql
-- Whether the stored lexemes are what this server would make of the texts today. After an upgrade of the server in place
-- (pg_upgrade) they may not be: PostgreSQL 18 stems some words otherwise than 17, and a search for one would miss the rows
-- written before. reindex_search makes them anew.
--   is_current: false where the stemmers answer otherwise than when the rows were indexed, or the server's major version is another
--   indexed_version, server_version: major versions of the server, then and now
--   reindexed_to: the id up to which a reindex in progress has come; null where there is none
CREATE OR REPLACE FUNCTION search_dictionary_status(
  OUT is_current boolean, OUT indexed_version integer, OUT server_version integer, OUT reindexed_to text
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
AS $$
DECLARE
  noted search_dictionary;
  now_fingerprint CONSTANT text := search_fingerprint();
BEGIN
  server_version := current_setting('server_version_num')::integer / 10000;
  SELECT * INTO noted FROM search_dictionary WHERE indexed_in = (
    SELECT pg_class.oid FROM pg_class WHERE relname = 'memory_items' AND relnamespace = to_regnamespace(quote_ident(installation_schema()))
  );
  indexed_version := COALESCE(noted.server_version, server_version);
  is_current := noted.fingerprint IS NULL OR (noted.fingerprint = now_fingerprint AND indexed_version = server_version);
  reindexed_to := CASE WHEN noted.reindexing = now_fingerprint THEN noted.reindexed_to END;
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/statistics/storage/search_statistics.sql
-- Lexemes are updated at each fold: with room on the page, no index is written. The log is emptied all the time, so
-- vacuum must come by number and not by share; and its vectors are tested where they lie, uncompressed.
ALTER TABLE search_lexemes SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.1);
--> statement-breakpoint
ALTER TABLE search_log SET (
  toast_tuple_target = 8160, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000
);
--> statement-breakpoint
ALTER TABLE search_log ALTER COLUMN lexemes SET STORAGE EXTERNAL;
--> statement-breakpoint
ALTER TABLE search_log_lexemes SET (
  toast_tuple_target = 8160, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000
);
--> statement-breakpoint
ALTER TABLE search_log_lexemes ALTER COLUMN lexemes SET STORAGE EXTERNAL, ALTER COLUMN documents SET STORAGE EXTERNAL;
--> statement-breakpoint
-- path: strict
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), 'pg_catalog', 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/statistics/triggers/clear_search_statistics.sql
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
--> statement-breakpoint
-- source: src/sql/statistics/triggers/fold_search_log.sql
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
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/statistics/triggers/ignore_restored_statistics.sql
-- Rows that reach a statistics table other than through memory_items' triggers, a fold or a rebuild are those of a
-- data-only restore, whose COPY of memory_items has counted every row already: they are ignored.
CREATE OR REPLACE FUNCTION ignore_restored_statistics()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- path: strict
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), 'pg_catalog', 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/statistics/triggers/log_memory_items_change.sql
-- Appends what one statement did to memory_items to the statistics log. Every row is the writer's own and only ever
-- inserted, so writers wait for nobody and cannot deadlock. A statement of a few rows leaves one log row a document
-- (a tsvector of its lexemes: cheap to write, tested in C by readers); a bulk statement is added up first, so that
-- readers need not walk through what it loaded.
-- An update counts only where the text changed, or its lexemes did, because the server's stemmers are other ones (any update
-- computes them anew): the statistics depend on nothing else.
CREATE OR REPLACE FUNCTION log_memory_items_change()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
DECLARE
  few_rows CONSTANT integer := 32;
  documents bigint;
  total_length bigint;
  lexemes text[];
  document_frequencies bigint[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO search_log (documents, total_length, lexemes)
    SELECT 1, new_rows.lexeme_count, strip(new_rows.search_vector) FROM new_rows
    WHERE (SELECT count(*) FROM (SELECT FROM new_rows LIMIT few_rows + 1) AS changed) <= few_rows;
    IF FOUND THEN
      RETURN NULL;
    END IF;
    SELECT count(*), sum(new_rows.lexeme_count) INTO documents, total_length FROM new_rows;
    IF documents = 0 THEN
      RETURN NULL;
    END IF;
    SELECT array_agg(counted.lexeme), array_agg(counted.documents)
    INTO lexemes, document_frequencies
    FROM (
      SELECT word COLLATE "C" AS lexeme, count(*) AS documents
      FROM new_rows, unnest(tsvector_to_array(new_rows.search_vector)) AS word
      GROUP BY 1 ORDER BY 1
    ) AS counted;

  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO search_log (documents, total_length, lexemes)
    SELECT -1, -old_rows.lexeme_count, strip(old_rows.search_vector) FROM old_rows
    WHERE (SELECT count(*) FROM (SELECT FROM old_rows LIMIT few_rows + 1) AS changed) <= few_rows;
    IF FOUND THEN
      RETURN NULL;
    END IF;
    SELECT -count(*), -sum(old_rows.lexeme_count) INTO documents, total_length FROM old_rows;
    IF documents = 0 THEN
      RETURN NULL;
    END IF;
    SELECT array_agg(counted.lexeme), array_agg(counted.documents)
    INTO lexemes, document_frequencies
    FROM (
      SELECT word COLLATE "C" AS lexeme, -count(*) AS documents
      FROM old_rows, unnest(tsvector_to_array(old_rows.search_vector)) AS word
      GROUP BY 1 ORDER BY 1
    ) AS counted;

  ELSE
    IF (SELECT count(*) FROM (SELECT FROM new_rows LIMIT few_rows + 1) AS changed) <= few_rows THEN
      INSERT INTO search_log (documents, total_length, lexemes)
      SELECT -1, -before.lexeme_count, strip(before.search_vector) FROM old_rows AS before
      WHERE NOT EXISTS (SELECT FROM new_rows AS after WHERE after.id = before.id AND after.text = before.text AND after.search_vector = before.search_vector)
      UNION ALL
      SELECT 1, after.lexeme_count, strip(after.search_vector) FROM new_rows AS after
      WHERE NOT EXISTS (SELECT FROM old_rows AS before WHERE before.id = after.id AND before.text = after.text AND before.search_vector = after.search_vector);
      RETURN NULL;
    END IF;
    IF NOT EXISTS (
      SELECT new_rows.id, new_rows.text, new_rows.search_vector FROM new_rows
      EXCEPT SELECT old_rows.id, old_rows.text, old_rows.search_vector FROM old_rows
    ) THEN
      RETURN NULL;
    END IF;
    documents := 0;
    total_length := (SELECT sum(lexeme_count) FROM new_rows) - (SELECT sum(lexeme_count) FROM old_rows);
    SELECT array_agg(counted.lexeme), array_agg(counted.documents)
    INTO lexemes, document_frequencies
    FROM (
      SELECT word COLLATE "C" AS lexeme, sum(changed.sign) AS documents
      FROM (
        SELECT 1 AS sign, new_rows.search_vector FROM new_rows
        UNION ALL
        SELECT -1, old_rows.search_vector FROM old_rows
      ) AS changed, unnest(tsvector_to_array(changed.search_vector)) AS word
      GROUP BY 1 HAVING sum(changed.sign) <> 0 ORDER BY 1
    ) AS counted;
  END IF;

  PERFORM log_bulk_change(documents, total_length, lexemes, document_frequencies);
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- path: of the functions above
DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION %I.rebuild_search_statistics() SET search_path = %I, pg_catalog, pg_temp',
    current_setting('opa.schema'), current_setting('opa.schema') || '_opa');
END
$$;
--> statement-breakpoint
ALTER FUNCTION reindex_search(batch_size integer, OUT looked_at bigint, OUT updated bigint, OUT reindexed_to text, OUT is_done boolean) SET search_path FROM CURRENT;
--> statement-breakpoint
DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION %I.search_dictionary_status(OUT is_current boolean, OUT indexed_version integer, OUT server_version integer, OUT reindexed_to text) SET search_path = %I, pg_catalog, pg_temp',
    current_setting('opa.schema'), current_setting('opa.schema') || '_opa');
END
$$;

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
-- path: of the functions above
ALTER FUNCTION reindex_search(batch_size integer, OUT looked_at bigint, OUT updated bigint, OUT reindexed_to text, OUT is_done boolean) SET search_path FROM CURRENT;
--> statement-breakpoint
DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION %I.search_dictionary_status(OUT is_current boolean, OUT indexed_version integer, OUT server_version integer, OUT reindexed_to text) SET search_path = %I, pg_catalog, pg_temp',
    current_setting('opa.schema'), current_setting('opa.schema') || '_opa');
END
$$;

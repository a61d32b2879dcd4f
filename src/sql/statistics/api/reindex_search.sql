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

-- The scores of given rows, for hybrid_search: by the same statement as a search, so the same bytes, without a search.
-- A row that does not match the query (what bm25_query gives) is not answered.
CREATE OR REPLACE FUNCTION bm25_score_rows(query record, row_ids text[])
RETURNS TABLE (id text, score float8)
LANGUAGE plpgsql STABLE ROWS 100
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
  ids text[];
  places tid[];
  scores float8[];
BEGIN
  IF cardinality(row_ids) = 0 THEN
    RETURN;
  END IF;
  IF query.words = '{}' THEN
    IF query.stop_words IS NOT NULL THEN
      RETURN QUERY
        SELECT hit.id, hit.score
        FROM stop_word_rows(query.stop_words, query.required, 'm.id = ANY ($1)', row_ids, cardinality(row_ids), NULL) AS hit;
    END IF;
    RETURN;
  END IF;
  EXECUTE bm25_statement(
    cardinality(query.words),
    concat_ws(' AND ', 'm.id = ANY ($1) AND (m.search_vector @@ ANY ($4)) IS TRUE AND ($3 IS NULL OR (m.search_vector @@ $3) IS TRUE)',
      CASE WHEN query.needed > 1 THEN bm25_enough_words() END),
    bm25_factor(query)
  )
  INTO ids, places, scores
  USING row_ids, NULL::jsonb, query.required, ARRAY[lexeme_query(query.words)], query.queries, query.weights,
    query.average_length, bm25_tf_thresholds(), NULL::integer, NULL::bigint, query.phrases, query.written, query.word_queries,
    query.needed, bm25_correction_factor(query), query.words;
  RETURN QUERY SELECT * FROM unnest(ids, scores);
END
$$;

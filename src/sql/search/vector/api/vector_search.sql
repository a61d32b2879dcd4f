-- Search by meaning: the k rows whose embeddings are nearest to the query's, by cosine. similarity = 1 - cosine
-- distance, from -1 to 1. Rows without an embedding are not found.
--
-- query_embedding: a vector of the current model, not zero
-- query_tags, k, filter: as in bm25_search (fuzzy has no effect here; the score of filter.after is the similarity), and
--   filter.model: the name of the model that made query_embedding, which is refused if another is the current one
--   filter.min_score: the least similarity that a row must have, -1 to 1
CREATE OR REPLACE FUNCTION vector_search(
  query_embedding vector, query_tags text[] DEFAULT '{}', k integer DEFAULT 10, filter jsonb DEFAULT '{}'
)
RETURNS TABLE (id text, text text, tags text[], created_at timestamptz, similarity float8)
LANGUAGE plpgsql STABLE ROWS 10
AS $$
#variable_conflict use_column
DECLARE
  condition text;
  ids text[];
  similarities float8[];
  sought integer := k;
  min_score float8;
BEGIN
  IF query_embedding IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
      MESSAGE = format('vector_search: query_embedding must be a vector of %s dimensions, got null',
        (current_embedding_model()).dimensions);
  END IF;
  PERFORM check_query_embedding('vector_search', query_embedding, filter);
  PERFORM check_search_limit('vector_search', k);
  query_tags := COALESCE(query_tags, '{}');
  filter := COALESCE(filter, '{}');
  IF filter -> 'model' IS NOT NULL THEN
    filter := filter - 'model';
  END IF;
  condition := memory_filter_condition(query_tags, filter, '{after,min_score}');
  min_score := COALESCE(check_min_score(filter, -1, 1), '-Infinity');
  filter := filter - 'min_score';

  IF NOT filter ? 'after' THEN
    RETURN QUERY
      SELECT m.id, m.text, m.tags, m.created_at, hit.similarity
      FROM vector_rows(query_embedding, NULL, condition, query_tags, k, filter) AS hit
      JOIN memory_items AS m ON m.id = hit.id
      WHERE hit.similarity >= min_score
      ORDER BY hit.similarity DESC, hit.id COLLATE "C";
    RETURN;
  END IF;

  PERFORM check_cursor(filter);
  LOOP
    SELECT array_agg(hit.id), array_agg(hit.similarity) INTO ids, similarities
    FROM vector_rows(query_embedding, NULL, condition, query_tags, sought, filter - 'after') AS hit;
    EXIT WHEN COALESCE(cardinality(ids), 0) < sought;
    EXIT WHEN (SELECT count(*) FROM unnest(ids, similarities) AS hit (id, similarity)
               WHERE is_after(hit.similarity, hit.id, filter)) >= k;
    sought := 4 * sought;
  END LOOP;

  RETURN QUERY
    SELECT m.id, m.text, m.tags, m.created_at, hit.similarity
    FROM unnest(ids, similarities) AS hit (id, similarity)
    JOIN memory_items AS m ON m.id = hit.id
    WHERE is_after(hit.similarity, hit.id, filter) AND hit.similarity >= min_score
    ORDER BY hit.similarity DESC, hit.id COLLATE "C"
    LIMIT k;
END
$$;

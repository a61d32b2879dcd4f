-- The limit_rows rows nearest to the query by cosine, among those with an embedding that meet what the query text
-- requires (null: nothing) and pass the condition, which speaks of $1 (query_tags) and $2 (filter). Exact: it reads
-- every row that passes.
CREATE OR REPLACE FUNCTION public.vector_rows(
  query_embedding vector, required tsquery, condition text, query_tags text[], limit_rows integer, filter jsonb
)
RETURNS TABLE (id text, similarity float8)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY EXECUTE format(
    $query$
      SELECT m.id, 1 - (m.embedding <=> $3) AS similarity
      FROM public.memory_items AS m
      WHERE m.embedding IS NOT NULL AND ($4 IS NULL OR m.search_vector @@ $4) AND %s
      ORDER BY similarity DESC, m.id COLLATE "C"
      LIMIT $5
    $query$,
    condition
  )
  USING query_tags, filter, l2_normalize(query_embedding), required, limit_rows;
END
$$;

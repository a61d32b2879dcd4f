-- hybrid_search for an isolated role: see bm25_search_by_grants. The embedding comes as text, because the type's schema is
-- not in the path of a SECURITY DEFINER function.
CREATE OR REPLACE FUNCTION hybrid_search_by_grants(
  query_text text, query_embedding text, query_tags text[], k integer, bm25_weight float8, vector_weight float8,
  filter jsonb, fusion text
)
RETURNS TABLE (
  id text, text text, tags text[], created_at timestamptz, bm25_score float8, vector_score float8,
  combined_score float8, bm25_rank integer, vector_rank integer
)
LANGUAGE plpgsql STABLE ROWS 10 SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
  RETURN QUERY EXECUTE format(
    'SELECT * FROM %1$I.hybrid_search($1, %1$I.parse_embedding($2), $3, $4, $5, $6, $7, $8)', installation_schema()
  ) USING query_text, query_embedding, query_tags, k, bm25_weight, vector_weight, filter_by_grants(filter), fusion;
END
$$;

-- What each leg of hybrid_search offers: its best `offered` rows, best first. query: what bm25_query gives; nearest and
-- similarities are empty without a query_embedding.
CREATE OR REPLACE FUNCTION hybrid_candidates(
  query record, query_embedding vector, condition text, query_tags text[],
  offered integer, filter jsonb,
  OUT keyword_ids text[], OUT keyword_scores float8[], OUT nearest text[], OUT similarities float8[]
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  found record;
BEGIN
  found := bm25_find(query, condition, query_tags, offered, filter);
  keyword_ids := COALESCE(found.ids, '{}');
  keyword_scores := COALESCE(found.scores, '{}');
  IF query_embedding IS NOT NULL THEN
    SELECT array_agg(hit.id), array_agg(hit.similarity) INTO nearest, similarities
    FROM vector_rows(query_embedding, query.required, condition, query_tags, offered, filter) AS hit;
  END IF;
  nearest := COALESCE(nearest, '{}');
  similarities := COALESCE(similarities, '{}');
END
$$;

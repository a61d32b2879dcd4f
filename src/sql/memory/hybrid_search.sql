-- Search by keyword and by meaning together. Each leg offers its best max(100, 4k) rows; the union of both is scored on
-- both legs, so that no row gets a zero for not having been offered by a leg (without a second search: bm25_score_rows),
-- and the k best by the combined score are returned.
--
-- convex: (bm25_weight * bm25 / max(bm25) + vector_weight * (similarity + 1) / (max(similarity) + 1)) / (sum of weights);
--   a score that a row does not have, or a range of zero, counts as 0.
-- rrf: bm25_weight / (60 + bm25_rank) + vector_weight / (60 + vector_rank); a missing rank counts as nothing.
-- Phrases must occur and exclusions must not in every row that is returned, whichever leg found it.
--
-- Without words to rank by it is vector search; without a vector it is keyword search; with neither, an error.
-- query_tags, k, filter: as in bm25_search.
-- Sources: Bruch, Gai and Ingber, An Analysis of Fusion Functions for Hybrid Retrieval, 2022; Cormack, Clarke and
-- Büttcher, Reciprocal Rank Fusion, 2009.
CREATE OR REPLACE FUNCTION public.hybrid_search(
  query_text text, query_embedding vector, query_tags text[] DEFAULT '{}', k integer DEFAULT 10,
  bm25_weight float8 DEFAULT 0.5, vector_weight float8 DEFAULT 0.5, filter jsonb DEFAULT '{}', fusion text DEFAULT 'convex'
)
RETURNS TABLE (
  id text, text text, tags text[], created_at timestamptz, bm25_score float8, vector_score float8,
  combined_score float8, bm25_rank integer, vector_rank integer
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  condition text;
  lexemes text[];
  required tsquery;
  offered integer;
  found record;
  nearest text[] := '{}';
BEGIN
  PERFORM public.check_query_text('hybrid_search', query_text);
  IF query_embedding IS NOT NULL THEN
    PERFORM public.check_query_embedding('hybrid_search', query_embedding);
  END IF;
  PERFORM public.check_search_limit('hybrid_search', k);
  PERFORM public.check_fusion(bm25_weight, vector_weight, fusion);
  query_tags := COALESCE(query_tags, '{}');
  filter := COALESCE(filter, '{}');
  condition := public.memory_filter_condition(query_tags, filter);

  SELECT parsed.lexemes, parsed.required INTO lexemes, required
  FROM public.parse_search_query(COALESCE(query_text, '')) AS parsed;
  IF cardinality(lexemes) = 0 AND query_embedding IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = 'hybrid_search: expected a query_text with a word to search by, or a query_embedding, or both; got neither';
  END IF;
  offered := greatest(100, 4 * k);
  found := public.bm25_find(
    lexemes, COALESCE((filter -> 'fuzzy')::boolean, true), required, condition, query_tags, offered, filter
  );
  IF query_embedding IS NOT NULL THEN
    nearest := ARRAY(
      SELECT hit.id FROM public.vector_rows(query_embedding, required, condition, query_tags, offered, filter) AS hit
    );
  END IF;

  RETURN QUERY
    WITH keyword AS MATERIALIZED (
      SELECT hit.id, hit.score FROM unnest(found.ids, found.scores) AS hit (id, score)
      UNION ALL
      -- What the keyword leg did not offer may share a word with the query all the same.
      SELECT rest.id, rest.score
      FROM public.bm25_score_rows(
        found.lexemes, required, ARRAY(SELECT unnest(nearest) EXCEPT SELECT unnest(found.ids))
      ) AS rest
    ),
    candidates AS (
      SELECT unnest(nearest) AS id
      UNION
      SELECT keyword.id FROM keyword
    ),
    scored AS (
      SELECT m.id, m.text, m.tags, m.created_at, keyword.score AS bm25,
        1 - (m.embedding <=> l2_normalize(query_embedding)) AS similarity
      FROM candidates
      JOIN public.memory_items AS m ON m.id = candidates.id
      LEFT JOIN keyword ON keyword.id = candidates.id
    ),
    ranked AS (
      SELECT scored.*,
        max(scored.bm25) OVER () AS best_bm25,
        max(scored.similarity) OVER () AS best_similarity,
        CASE WHEN scored.bm25 IS NOT NULL THEN
          row_number() OVER (ORDER BY scored.bm25 DESC NULLS LAST, scored.id COLLATE "C") END AS bm25_rank,
        CASE WHEN scored.similarity IS NOT NULL THEN
          row_number() OVER (ORDER BY scored.similarity DESC NULLS LAST, scored.id COLLATE "C") END AS vector_rank
      FROM scored
    ),
    combined AS (
      SELECT ranked.*,
        CASE fusion
          WHEN 'convex' THEN
            (bm25_weight * COALESCE(ranked.bm25 / NULLIF(ranked.best_bm25, 0), 0)
              + vector_weight * COALESCE((ranked.similarity + 1) / NULLIF(ranked.best_similarity + 1, 0), 0))
            / (bm25_weight + vector_weight)
          ELSE
            COALESCE(bm25_weight / (60 + ranked.bm25_rank), 0) + COALESCE(vector_weight / (60 + ranked.vector_rank), 0)
        END AS score
      FROM ranked
    )
    SELECT combined.id, combined.text, combined.tags, combined.created_at, COALESCE(combined.bm25, 0),
      combined.similarity, combined.score, combined.bm25_rank::integer, combined.vector_rank::integer
    FROM combined
    ORDER BY combined.score DESC, combined.id COLLATE "C"
    LIMIT k;
END
$$;

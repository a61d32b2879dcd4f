-- Search by keyword and by meaning together. Each leg offers its best max(100, 4k) rows; the union of both is scored on
-- both legs, so that no row gets a zero for not having been offered by a leg, and the k best by the combined score are
-- returned.
--
-- convex: (bm25_weight * bm25 / max(bm25) + vector_weight * (similarity + 1) / (max(similarity) + 1)) / (sum of weights);
--   a score that a row does not have, or a range of zero, counts as 0.
-- rrf: bm25_weight / (60 + bm25_rank) + vector_weight / (60 + vector_rank); a missing rank counts as nothing.
-- Phrases must occur and exclusions must not in every row that is returned, whichever leg found it.
--
-- Without words to rank by it is vector search; without a vector it is keyword search, which answers no rows for a text
-- without words. Neither a text nor a vector is an error.
-- query_tags, k, filter: as in bm25_search, and these keys of filter, all of them off by default:
--   recency: a half-life in days; the combined score is multiplied by 2 ^ -(age / recency), see memory_factor
--   importance: 0 to 1, or true for 1; the combined score is multiplied by 1 - importance * (1 - the row's importance).
--     With convex the result is that of scoring every match (hybrid_factor_candidates); with rrf, whose ranks are among
--     the candidates, the candidates are ranked anew.
--   diversity: lambda of maximal marginal relevance, 1 (by score) to 0 (by difference), among the best max(100, 4k) by
--     the combined score, which it leaves as it is; see diverse_ids
--   after: {"score": combined_score, "id": id} of the last row of the page before. Pages of one k and the same options
--     join to the whole ranking of the candidates, without gaps and without repetitions. Not with diversity.
--   candidates: from k to 10000, how many rows each leg (and diversity) considers instead of max(100, 4k)
--   model: the name of the model that made query_embedding, which is refused if another is the current one
--   min_score: the least combined score that a row must have, 0 to 1
-- Sources: Bruch, Gai and Ingber, An Analysis of Fusion Functions for Hybrid Retrieval, 2022; Cormack, Clarke and
-- Büttcher, Reciprocal Rank Fusion, 2009.
CREATE OR REPLACE FUNCTION hybrid_search(
  query_text text, query_embedding vector, query_tags text[] DEFAULT '{}', k integer DEFAULT 10,
  bm25_weight float8 DEFAULT 0.5, vector_weight float8 DEFAULT 0.5, filter jsonb DEFAULT '{}', fusion text DEFAULT 'convex'
)
RETURNS TABLE (
  id text, text text, tags text[], created_at timestamptz, bm25_score float8, vector_score float8,
  combined_score float8, bm25_rank integer, vector_rank integer
)
LANGUAGE plpgsql STABLE ROWS 10
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    SELECT found.id, found.text, found.tags, found.created_at, found.bm25_score, found.vector_score, found.combined_score,
      found.bm25_rank, found.vector_rank
    FROM hybrid_search_corrected(query_text, query_embedding, query_tags, k, bm25_weight, vector_weight, filter, fusion) AS found;
END
$$;

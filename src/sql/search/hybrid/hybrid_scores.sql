-- The candidates of hybrid_search with their score on both legs, their ranks among each other and the combined score:
-- the formulas are in hybrid_search's header. keyword_ids and keyword_scores are what the keyword leg has scored; the
-- others among the candidates are scored here, because they may share a word with the query all the same.
-- With filter.after only those behind the cursor. Its row is looked up, because its score moves with the time where
-- recency counts; where it is gone, the score that it had is taken.
CREATE OR REPLACE FUNCTION hybrid_scores(
  candidates text[], keyword_ids text[], keyword_scores float8[], query record,
  query_embedding vector, bm25_weight float8, vector_weight float8, fusion text, filter jsonb
)
RETURNS TABLE (
  id text, bm25 float8, similarity float8, score float8, bm25_rank bigint, vector_rank bigint
)
LANGUAGE plpgsql STABLE ROWS 100
AS $$
#variable_conflict use_column
DECLARE
  has_factor CONSTANT boolean := filter ?| '{recency,importance}';
  model CONSTANT integer := (current_embedding_model()).id;
BEGIN
  RETURN QUERY
    WITH keyword AS MATERIALIZED (
      SELECT hit.id, hit.score FROM unnest(keyword_ids, keyword_scores) AS hit (id, score)
      UNION ALL
      SELECT rest.id, rest.score
      FROM bm25_score_rows(
        query, ARRAY(SELECT unnest(candidates) EXCEPT SELECT unnest(keyword_ids))
      ) AS rest
    ),
    candidate AS (
      SELECT unnest(candidates) AS id
      UNION
      SELECT keyword.id FROM keyword
    ),
    scored AS (
      SELECT m.id, keyword.score AS bm25, 1 - (
          CASE WHEN m.embedding_model = model THEN m.embedding WHEN m.next_embedding_model = model THEN m.next_embedding END
          <=> l2_normalize(query_embedding)
        ) AS similarity,
        CASE WHEN has_factor THEN memory_factor(m.created_at, m.importance, filter) END AS factor
      FROM candidate
      JOIN memory_items AS m ON m.id = candidate.id
      LEFT JOIN keyword ON keyword.id = candidate.id
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
    fused AS (
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
    ),
    combined AS (
      SELECT fused.id, fused.bm25, fused.similarity, fused.score * COALESCE(fused.factor, 1) AS score,
        fused.bm25_rank, fused.vector_rank
      FROM fused
    ),
    cursor AS (
      SELECT jsonb_build_object('after', jsonb_build_object(
        'id', filter #> '{after,id}',
        'score', COALESCE(
          (SELECT combined.score FROM combined WHERE combined.id = filter #>> '{after,id}'),
          (filter #>> '{after,score}')::float8
        )
      )) AS place
    )
    SELECT combined.*
    FROM combined
    WHERE NOT filter ? 'after' OR is_after(combined.score, combined.id, (SELECT cursor.place FROM cursor));
END
$$;

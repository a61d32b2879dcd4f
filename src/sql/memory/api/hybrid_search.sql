-- Search by keyword and by meaning together. Each leg offers its best max(100, 4k) rows; the union of both is scored on
-- both legs, so that no row gets a zero for not having been offered by a leg, and the k best by the combined score are
-- returned.
--
-- convex: (bm25_weight * bm25 / max(bm25) + vector_weight * (similarity + 1) / (max(similarity) + 1)) / (sum of weights);
--   a score that a row does not have, or a range of zero, counts as 0.
-- rrf: bm25_weight / (60 + bm25_rank) + vector_weight / (60 + vector_rank); a missing rank counts as nothing.
-- Phrases must occur and exclusions must not in every row that is returned, whichever leg found it.
--
-- Without words to rank by it is vector search; without a vector it is keyword search; with neither, an error.
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
-- Sources: Bruch, Gai and Ingber, An Analysis of Fusion Functions for Hybrid Retrieval, 2022; Cormack, Clarke and
-- Büttcher, Reciprocal Rank Fusion, 2009.
--   min_score: the least combined score that a row must have, 0 to 1
CREATE OR REPLACE FUNCTION hybrid_search(
  query_text text, query_embedding vector, query_tags text[] DEFAULT '{}', k integer DEFAULT 10,
  bm25_weight float8 DEFAULT 0.5, vector_weight float8 DEFAULT 0.5, filter jsonb DEFAULT '{}', fusion text DEFAULT 'convex'
)
RETURNS TABLE (
  id text, text text, tags text[], created_at timestamptz, bm25_score float8, vector_score float8,
  combined_score float8, bm25_rank integer, vector_rank integer
)
LANGUAGE plpgsql STABLE ROWS 10
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
  options CONSTANT text[] := '{recency,importance,diversity,after,candidates,min_score}';
  condition text;
  leg_filter jsonb;
  lexemes text[];
  required tsquery;
  is_fuzzy boolean;
  offered integer;
  lambda float8;
  legs record;
  min_score float8;
BEGIN
  PERFORM check_query_text('hybrid_search', query_text);
  IF query_embedding IS NOT NULL OR filter ? 'model' THEN
    PERFORM check_query_embedding('hybrid_search', query_embedding, filter);
  END IF;
  PERFORM check_search_limit('hybrid_search', k);
  PERFORM check_fusion(bm25_weight, vector_weight, fusion);
  query_tags := COALESCE(query_tags, '{}');
  filter := COALESCE(filter, '{}');
  IF row_security_active('memory_items') THEN
    IF may_search_by_grants() THEN
      RETURN QUERY SELECT * FROM hybrid_search_by_grants(
        query_text, query_embedding::text, query_tags, k, bm25_weight, vector_weight, filter, fusion
      );
      RETURN;
    END IF;
  END IF;
  IF filter -> 'model' IS NOT NULL THEN
    filter := filter - 'model';
  END IF;
  condition := memory_filter_condition(query_tags, filter, options);
  IF filter ?| options THEN
    PERFORM check_ranking_options(filter, k), check_cursor(filter);
    min_score := check_min_score(filter, 0, 1);
  END IF;
  leg_filter := filter - options;
  is_fuzzy := COALESCE((filter -> 'fuzzy')::boolean, true);
  offered := COALESCE((filter -> 'candidates')::integer, greatest(100, 4 * k));
  lambda := (filter -> 'diversity')::float8;

  SELECT parsed.lexemes, parsed.required INTO lexemes, required
  FROM parse_search_query(COALESCE(query_text, '')) AS parsed;
  IF cardinality(lexemes) = 0 AND query_embedding IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = 'hybrid_search: expected a query_text with a word to search by, or a query_embedding, or both; got neither';
  END IF;
  IF fusion = 'convex' AND filter ?| '{recency,importance}' THEN
    legs := hybrid_factor_candidates(
      lexemes, is_fuzzy, required, query_embedding, condition, query_tags,
      CASE WHEN lambda IS NULL THEN k ELSE offered END, offered, bm25_weight, vector_weight, filter, leg_filter
    );
  ELSE
    legs := hybrid_candidates(
      lexemes, is_fuzzy, required, query_embedding, condition, query_tags, offered, leg_filter
    );
  END IF;

  RETURN QUERY
    WITH best AS MATERIALIZED (
      SELECT scored.*
      FROM hybrid_scores(
        legs.nearest, legs.keyword_ids, legs.keyword_scores, legs.lexemes, required, query_embedding,
        bm25_weight, vector_weight, fusion, filter
      ) AS scored
      WHERE min_score IS NULL OR scored.score >= min_score
      ORDER BY scored.score DESC, scored.id COLLATE "C"
      LIMIT CASE WHEN lambda IS NULL THEN k ELSE offered END
    ),
    diverse AS MATERIALIZED (
      SELECT picked.id, picked.turn
      FROM unnest((
        SELECT diverse_ids(
          array_agg(best.id ORDER BY best.score DESC, best.id COLLATE "C"),
          array_agg(best.score ORDER BY best.score DESC, best.id COLLATE "C"), lambda, k)
        FROM best
      )) WITH ORDINALITY AS picked (id, turn)
      WHERE lambda IS NOT NULL
    )
    SELECT m.id, m.text, m.tags, m.created_at, COALESCE(best.bm25, 0), best.similarity, best.score,
      best.bm25_rank::integer, best.vector_rank::integer
    FROM best
    LEFT JOIN diverse ON diverse.id = best.id
    JOIN memory_items AS m ON m.id = best.id
    WHERE lambda IS NULL OR diverse.turn IS NOT NULL
    ORDER BY diverse.turn, best.score DESC, m.id COLLATE "C";
END
$$;

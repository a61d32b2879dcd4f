-- As hybrid_search, and says which words were corrected: see bm25_search_corrected.
CREATE OR REPLACE FUNCTION hybrid_search_corrected(
  query_text text, query_embedding vector, query_tags text[] DEFAULT '{}', k integer DEFAULT 10,
  bm25_weight float8 DEFAULT 0.5, vector_weight float8 DEFAULT 0.5, filter jsonb DEFAULT '{}', fusion text DEFAULT 'convex'
)
RETURNS TABLE (
  id text, text text, tags text[], created_at timestamptz, bm25_score float8, vector_score float8,
  combined_score float8, bm25_rank integer, vector_rank integer, corrections jsonb
)
LANGUAGE plpgsql STABLE ROWS 10
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
  options CONSTANT text[] := '{recency,importance,diversity,after,candidates,min_score}';
  condition text;
  leg_filter jsonb;
  query record;
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
      RETURN QUERY SELECT *, NULL::jsonb FROM hybrid_search_by_grants(
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
  offered := COALESCE((filter -> 'candidates')::integer, greatest(100, 4 * k));
  lambda := (filter -> 'diversity')::float8;

  IF COALESCE(query_text, '') = '' AND query_embedding IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = 'hybrid_search: expected a query_text, or a query_embedding, or both; got neither';
  END IF;
  query := bm25_query(COALESCE(query_text, ''), condition, query_tags, leg_filter);
  IF fusion = 'convex' AND filter ?| '{recency,importance}' THEN
    legs := hybrid_factor_candidates(
      query, query_embedding, condition, query_tags,
      CASE WHEN lambda IS NULL THEN k ELSE offered END, offered, bm25_weight, vector_weight, filter, leg_filter
    );
  ELSE
    legs := hybrid_candidates(
      query, query_embedding, condition, query_tags, offered, leg_filter
    );
  END IF;

  RETURN QUERY
    WITH best AS MATERIALIZED (
      SELECT scored.*
      FROM hybrid_scores(
        legs.nearest, legs.keyword_ids, legs.keyword_scores, query, query_embedding,
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
      best.bm25_rank::integer, best.vector_rank::integer, query.corrections
    FROM best
    LEFT JOIN diverse ON diverse.id = best.id
    JOIN memory_items AS m ON m.id = best.id
    WHERE lambda IS NULL OR diverse.turn IS NOT NULL
    ORDER BY diverse.turn, best.score DESC, m.id COLLATE "C";
END
$$;

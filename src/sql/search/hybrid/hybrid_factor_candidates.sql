-- The candidates of hybrid_search where recency or importance counts and the fusion is convex: those of
-- hybrid_candidates, and after that every row that could still be among the best k, so that the result is that of
-- scoring every match.
--
-- A leg offers its best rows without regard to the factor, so a new and important row may be missing. But what it could
-- score is known: what was not offered is worth at most what the last offered row is on each leg (nothing, where a leg
-- had no more rows), times a factor of at most 1. If the k-th best candidate reaches more, nothing is missing. If not,
-- only rows whose factor exceeds (k-th score / that bound) can be: the legs are asked again for those alone, and for
-- more of them, until it is proven or there are no others. The maxima that scores are divided by do not change
-- meanwhile: each leg's best row is there from the start.
-- As exact as the legs are: a vector index finds nearly all neighbours, the exact scan all.
--
-- nearest has all candidates; leg_filter is the filter without the options of hybrid_search.
CREATE OR REPLACE FUNCTION hybrid_factor_candidates(
  query record, query_embedding vector, condition text, query_tags text[],
  k integer, offered integer, bm25_weight float8, vector_weight float8, filter jsonb, leg_filter jsonb,
  OUT keyword_ids text[], OUT keyword_scores float8[], OUT nearest text[]
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  factor CONSTANT text := 'memory_factor(m.created_at, m.importance, $2) >= ($2 ->> ''least_factor'')::float8';
  narrowed text := condition;
  narrowed_filter jsonb := leg_filter;
  legs record;
  best_score float8;
  best_similarity float8;
  most float8;
  reached float8;
  least_factor float8;
  oldest float8;
BEGIN
  -- The cursor's row must be among the candidates, because its score moves with the time.
  EXECUTE format('SELECT ARRAY(SELECT m.id FROM memory_items AS m WHERE m.id = $4 AND %s'
    ' AND ($3 IS NULL OR m.search_vector @@ $3))', condition)
  INTO nearest
  USING query_tags, leg_filter, query.required, filter #>> '{after,id}';

  LOOP
    legs := hybrid_candidates(
      query, query_embedding, narrowed, query_tags, offered, narrowed_filter
    );
    keyword_ids := legs.keyword_ids;
    keyword_scores := legs.keyword_scores;
    nearest := ARRAY(SELECT unnest(nearest) UNION SELECT unnest(legs.nearest) UNION SELECT unnest(keyword_ids));
    best_score := COALESCE(best_score, keyword_scores[1]);
    best_similarity := COALESCE(best_similarity, legs.similarities[1]);
    EXIT WHEN cardinality(keyword_ids) < offered AND cardinality(legs.nearest) < offered;

    most := (
      bm25_weight * COALESCE(keyword_scores[offered] / NULLIF(best_score, 0), 0)
      + vector_weight * COALESCE((legs.similarities[offered] + 1) / NULLIF(best_similarity + 1, 0), 0)
    ) / (bm25_weight + vector_weight);
    reached := COALESCE((
      SELECT scored.score
      FROM hybrid_scores(
        nearest, keyword_ids, keyword_scores, query, query_embedding, bm25_weight, vector_weight,
        'convex', filter
      ) AS scored
      ORDER BY scored.score DESC
      LIMIT 1 OFFSET k - 1
    ), 0);
    EXIT WHEN reached > most * (1 + 1e-6);

    least_factor := reached / most * (1 - 1e-6);
    offered := offered * 8;
    narrowed := condition || ' AND ' || factor;
    narrowed_filter := leg_filter || jsonb_build_object('least_factor', least_factor)
      || COALESCE((SELECT jsonb_object_agg(key, value) FROM jsonb_each(filter) WHERE key IN ('recency', 'importance')), '{}');
    -- The same for recency alone, in words that an index understands.
    oldest := -log(2::numeric, greatest(least_factor, 1e-30)::numeric) * (filter ->> 'recency')::float8 + 1;
    IF oldest < 36500 THEN
      narrowed := narrowed || ' AND m.created_at >= now() - ($2 ->> ''oldest'')::float8 * interval ''1 day''';
      narrowed_filter := narrowed_filter || jsonb_build_object('oldest', oldest);
    END IF;
  END LOOP;
END
$$;

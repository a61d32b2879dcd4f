-- bm25_statement for the commonest searches as statements whose plans are kept, because planning anew takes as long as
-- finding: at most eight words, and no filter but tags (any of query_tags, null for none) and a namespace.
-- access says which indexes find the candidates, and what is left is tested row by row:
--   'search': search_vector's alone · 'both': it and the tags' · 'filter': the tags' alone (these two do not look at a
--   namespace)
-- Plans are kept because bm25_find says so (plan_cache_mode). OFFSET 0 has each row scored before it is counted, so that
-- the count holds on to scores and not to vectors.
CREATE OR REPLACE FUNCTION bm25_scan(
  access text, query_tags text[], namespace text, arms tsquery[], queries tsquery[], weights float8[],
  average_length float8, k integer, candidate_limit bigint,
  OUT ids text[], OUT places tid[], OUT scores float8[], OUT candidates bigint
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  tfs CONSTANT float8[] := bm25_tf_thresholds();
  w CONSTANT float8[] := weights || array_fill(0::float8, ARRAY[8]);
  is_long CONSTANT boolean := cardinality(weights) > 3;
BEGIN
  IF access = 'search' THEN
    SELECT array_agg(id), array_agg(place), array_agg(score), max(candidates) INTO ids, places, scores, candidates
    FROM (
      SELECT id, place, score, count(*) OVER () AS candidates
      FROM (
        SELECT id, place, bm25_row_score(search_vector, norm, queries, w, tfs, is_long) AS score
        FROM (
          SELECT m.id, m.ctid AS place, m.search_vector, 1.2 * (0.25 + 0.75::float8 * m.lexeme_count / average_length) AS norm
          FROM memory_items AS m
          WHERE m.search_vector @@ ANY (arms)
            AND (query_tags IS NULL OR m.tags && query_tags)
            AND (bm25_scan.namespace IS NULL OR m.namespace = bm25_scan.namespace)
            AND (m.expires_at IS NULL OR m.expires_at > now()) AND m.superseded_at IS NULL
          LIMIT candidate_limit
        ) AS candidate OFFSET 0
      ) AS scored
      ORDER BY score DESC, id COLLATE "C" LIMIT k
    ) AS best;
  ELSIF access = 'both' THEN
    SELECT array_agg(id), array_agg(place), array_agg(score), max(candidates) INTO ids, places, scores, candidates
    FROM (
      SELECT id, place, score, count(*) OVER () AS candidates
      FROM (
        SELECT id, place, bm25_row_score(search_vector, norm, queries, w, tfs, is_long) AS score
        FROM (
          SELECT m.id, m.ctid AS place, m.search_vector, 1.2 * (0.25 + 0.75::float8 * m.lexeme_count / average_length) AS norm
          FROM memory_items AS m
          WHERE m.search_vector @@ ANY (arms) AND m.tags && query_tags AND (m.expires_at IS NULL OR m.expires_at > now()) AND m.superseded_at IS NULL
          LIMIT candidate_limit
        ) AS candidate OFFSET 0
      ) AS scored
      ORDER BY score DESC, id COLLATE "C" LIMIT k
    ) AS best;
  ELSE
    SELECT array_agg(id), array_agg(place), array_agg(score), max(candidates) INTO ids, places, scores, candidates
    FROM (
      SELECT id, place, score, count(*) OVER () AS candidates
      FROM (
        SELECT id, place, bm25_row_score(search_vector, norm, queries, w, tfs, is_long) AS score
        FROM (
          SELECT m.id, m.ctid AS place, m.search_vector, 1.2 * (0.25 + 0.75::float8 * m.lexeme_count / average_length) AS norm
          FROM memory_items AS m
          WHERE (m.search_vector @@ ANY (arms)) IS TRUE AND m.tags && query_tags AND (m.expires_at IS NULL OR m.expires_at > now()) AND m.superseded_at IS NULL
          LIMIT candidate_limit
        ) AS candidate OFFSET 0
      ) AS scored
      ORDER BY score DESC, id COLLATE "C" LIMIT k
    ) AS best;
  END IF;
END
$$;

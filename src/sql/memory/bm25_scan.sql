-- bm25_statement for a search without filters and of at most eight lexemes, which most are, as a statement whose plan
-- is kept: planning anew would take as long as finding. Absent lexemes have a null tsquery and count as zero.
CREATE OR REPLACE FUNCTION public.bm25_scan(
  arms tsquery[], queries tsquery[], weights float8[], average_length float8, k integer, candidate_limit bigint,
  OUT ids text[], OUT scores float8[], OUT candidates bigint
)
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
  tfs CONSTANT float8[] := public.bm25_tf_thresholds();
  w CONSTANT float8[] := weights || array_fill(0::float8, ARRAY[8]);
BEGIN
  SELECT array_agg(id), array_agg(score), max(candidates) INTO ids, scores, candidates
    FROM (
      SELECT id, count(*) OVER () AS candidates,
             w[1] * tf1 / (tf1 + norm) + w[2] * tf2 / (tf2 + norm) + w[3] * tf3 / (tf3 + norm) + w[4] * tf4 / (tf4 + norm)
             + w[5] * tf5 / (tf5 + norm) + w[6] * tf6 / (tf6 + norm) + w[7] * tf7 / (tf7 + norm) + w[8] * tf8 / (tf8 + norm) AS score
        FROM (
          SELECT id, 1.2 * (0.25 + 0.75 * lexeme_count / average_length) AS norm,
                 width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[1])::float8, tfs) AS tf1,
                 coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[2])::float8, tfs), 0) AS tf2,
                 coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[3])::float8, tfs), 0) AS tf3,
                 coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[4])::float8, tfs), 0) AS tf4,
                 coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[5])::float8, tfs), 0) AS tf5,
                 coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[6])::float8, tfs), 0) AS tf6,
                 coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[7])::float8, tfs), 0) AS tf7,
                 coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[8])::float8, tfs), 0) AS tf8
            FROM public.memory_items
           WHERE search_vector @@ ANY (arms) AND (expires_at IS NULL OR expires_at > now())
           LIMIT candidate_limit
        ) AS candidate
       ORDER BY score DESC, id COLLATE "C" LIMIT k
    ) AS best;
END
$$;

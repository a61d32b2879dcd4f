-- The score of one row for at most eight words: the sum of weight * tf / (tf + norm), written with tf once as
-- weight * (1 - norm / (tf + norm)). Absent words have a null tsquery and the weight 0; that there are more than three is
-- said apart, because most queries have not, and even nulls take time. tf comes from ts_rank, see bm25_tf_thresholds;
-- norm is 1.2 * (0.25 + 0.75 * length / average length).
-- A single expression, so that PostgreSQL puts it in place of the call.
CREATE OR REPLACE FUNCTION bm25_row_score(
  search_vector tsvector, norm float8, queries tsquery[], weights float8[], tfs float8[], is_long boolean
)
RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT CASE WHEN is_long THEN
    weights[1] * (1 - norm / (width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[1])::float8, tfs) + norm))
    + weights[2] * (1 - norm / (width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[2])::float8, tfs) + norm))
    + weights[3] * (1 - norm / (width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[3])::float8, tfs) + norm))
    + weights[4] * (1 - norm / (width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[4])::float8, tfs) + norm))
    + weights[5] * (1 - norm / (coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[5])::float8, tfs), 0) + norm))
    + weights[6] * (1 - norm / (coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[6])::float8, tfs), 0) + norm))
    + weights[7] * (1 - norm / (coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[7])::float8, tfs), 0) + norm))
    + weights[8] * (1 - norm / (coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[8])::float8, tfs), 0) + norm))
  ELSE
    weights[1] * (1 - norm / (width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[1])::float8, tfs) + norm))
    + weights[2] * (1 - norm / (coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[2])::float8, tfs), 0) + norm))
    + weights[3] * (1 - norm / (coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[3])::float8, tfs), 0) + norm))
  END
$$;

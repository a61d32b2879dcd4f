-- From a rank back to a term frequency. For one lexeme and flat weights ts_rank gives (1 + 1/4 + … + 1/tf²) / 1.64493,
-- so width_bucket(ts_rank('{1,1,1,1}', search_vector, lexeme), these thresholds) is tf, and 0 where the lexeme is
-- absent: ten times cheaper than unnesting the vector. A tsvector keeps at most 255 positions a lexeme.
CREATE OR REPLACE FUNCTION bm25_tf_thresholds()
RETURNS float8[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT array_agg(partial_sum / 1.64493406685 - 3e-6 ORDER BY tf)
    FROM (SELECT tf, sum(1 / (tf * tf)::float8) OVER (ORDER BY tf) AS partial_sum
            FROM generate_series(1, 255) AS tf) AS frequencies
$$;

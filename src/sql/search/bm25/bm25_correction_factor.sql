-- A factor that puts every row which matches by corrected words alone below every row that has a word of the query as it was
-- written: the least that the lightest word adds to the longest text that can be stored, by the most that all words can add.
CREATE OR REPLACE FUNCTION bm25_correction_factor(query record)
RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  longest CONSTANT float8 := 65536;
BEGIN
  RETURN CASE WHEN query.written IS NOT NULL THEN (
    SELECT min(weight) / sum(weight) / (1 + 1.2 * (0.25 + 0.75 * longest / query.average_length)) / 2 FROM unnest(query.weights) AS weight
  ) END;
END
$$;

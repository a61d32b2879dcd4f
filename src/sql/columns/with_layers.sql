-- A document's lexemes with its impact layers: a lexeme whose length-adjusted frequency u = tf / (0.25 + 0.75 * length / 43)
-- reaches 1.4, 2.4 or 4.5 is there again as lexeme || chr(1) || '1', '2' or '3', so that the GIN index alone says how much a
-- lexeme can be worth in a document. No text can contain such a lexeme: the parser takes chr(1) for a blank. 43 is a
-- constant, or the column could not be a generated one; a corpus of other lengths costs pruning, never exactness
-- (bm25_impact_bounds must know the same numbers).
-- words count for the length; units, which may be null, and scripts are lexemes without positions, and do not.
CREATE OR REPLACE FUNCTION with_layers(words tsvector, units tsvector, scripts text[])
RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  length_norm float8;
  layers text[] := scripts;
BEGIN
  IF words <> '' THEN
    length_norm := 0.25 + 0.75 / 43 * round(1e-20 / ts_rank(words, E'''\x01'' & ''\x02''', 2));
  ELSE
    length_norm := 0.25;
  END IF;
  IF units IS NOT NULL THEN
    words := words || units;
  END IF;

  SELECT layers || array_agg(lexeme || E'\x01' || '1')
      || COALESCE(array_agg(lexeme || E'\x01' || '2') FILTER (WHERE tf >= 2.4 * length_norm), '{}')
      || COALESCE(array_agg(lexeme || E'\x01' || '3') FILTER (WHERE tf >= 4.5 * length_norm), '{}')
    INTO layers
    FROM (SELECT entry.lexeme, COALESCE(cardinality(entry.positions), 1) AS tf FROM unnest(words) AS entry OFFSET 0) AS word
   WHERE tf >= 1.4 * length_norm;

  RETURN CASE WHEN layers IS NULL THEN words ELSE words || array_to_tsvector(layers) END;
END
$$;

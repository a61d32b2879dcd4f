-- The queries that together find every document which can score more than `threshold`: the argument is that of
-- bm25_companions, taken apart into one short query for each lexeme ("this one, and what it then needs"), because the
-- GIN index evaluates the whole of a tsquery for every posting. A lexeme with many documents is taken apart by
-- layer too: the higher its layer, the less company it needs.
CREATE OR REPLACE FUNCTION bm25_arms(
  terms text[], bounds float8[], remaining float8[], frequencies float8[], documents float8, threshold float8
)
RETURNS tsquery[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  lexemes CONSTANT integer := cardinality(remaining) - 1;
  depth CONSTANT integer := CASE WHEN lexemes <= 12 THEN 2 ELSE 1 END;
  many_documents CONSTANT float8 := CASE WHEN lexemes <= 3 THEN 3000 ELSE 30000 END;
  arms tsquery[] := '{}';
  singles text;
  companions text;
  base integer;
  alone integer;
  lowest integer;
  upper integer;
  lower integer;
BEGIN
  FOR i IN 1 .. lexemes LOOP
    EXIT WHEN remaining[i] <= threshold;
    base := 4 * i - 3;
    alone := width_bucket(threshold, bounds[base : base + 3]);
    lowest := width_bucket(threshold - remaining[i + 1], bounds[base : base + 3]);

    upper := alone - 1;
    WHILE upper >= lowest LOOP
      lower := upper;
      WHILE lower > lowest AND (frequencies[base + lowest] < many_documents OR frequencies[base + lower - 1] < many_documents) LOOP
        lower := lower - 1;
      END LOOP;
      companions := bm25_companions(terms, bounds, remaining, frequencies, documents, i + 1,
        threshold - bounds[base + upper], frequencies[base + lower], depth);
      IF companions IS NULL THEN
        alone := lower;
      ELSIF companions <> '' THEN
        arms := arms || (terms[base + lower] || '&(' || companions || ')')::tsquery;
      END IF;
      upper := lower - 1;
    END LOOP;
    IF alone < 4 THEN
      singles := concat_ws('|', singles, terms[base + alone]);
    END IF;
  END LOOP;
  RETURN CASE WHEN singles IS NULL THEN arms ELSE arms || singles::tsquery END;
END
$$;

-- The score that about `wanted` documents can be expected to reach, from the document frequencies alone: the scores'
-- distribution over 48 steps, built up lexeme by lexeme as if lexemes occurred independently of one another. Only a
-- guess: bm25_find proves it or lowers it. 0 if fewer documents match at all.
-- frequencies: for each lexeme how many documents have it, and have it in layer 1, 2 and 3 (four numbers in a row).
CREATE OR REPLACE FUNCTION public.bm25_guess(impacts float8[], frequencies float8[], documents float8, wanted float8)
RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  steps CONSTANT integer := 48;
  -- a typical contribution (as a share of idf) of a lexeme in no layer, in the first, the second, the third
  typical CONSTANT float8[] := '{0.85, 1.25, 1.55, 1.85}';
  step_score float8;
  expected float8[] := array_fill(0::float8, ARRAY[steps + 2]);  -- expected[s + 1]: documents that score s steps
  before float8[];
  share float8;
  shift integer;
  reached integer;
  highest integer := 0;
  highest_after integer;
  total float8 := 0;
BEGIN
  step_score := (SELECT sum(impact) FROM unnest(impacts) AS impact) * typical[4] / steps;
  expected[1] := documents;
  FOR lexeme IN 1 .. cardinality(impacts) LOOP
    before := expected;
    highest_after := highest;
    FOR layer IN 0 .. 3 LOOP
      share := (frequencies[4 * lexeme - 3 + layer] - CASE WHEN layer < 3 THEN frequencies[4 * lexeme - 2 + layer] ELSE 0 END)
             / documents;
      CONTINUE WHEN share <= 0;
      shift := round(impacts[lexeme] * typical[layer + 1] / step_score);
      highest_after := greatest(highest_after, highest + shift);
      FOR score IN 0 .. highest LOOP
        IF before[score + 1] > 1e-4 THEN
          reached := least(score + shift, steps + 1) + 1;
          expected[reached] := expected[reached] + before[score + 1] * share;
        END IF;
      END LOOP;
    END LOOP;
    highest := least(highest_after, steps + 1);
  END LOOP;
  FOR score IN REVERSE highest .. 1 LOOP
    total := total + expected[score + 1];
    IF total >= wanted THEN
      RETURN score * step_score;
    END IF;
  END LOOP;
  RETURN 0;
END
$$;

-- The score that about `wanted` documents can be expected to reach, from the document frequencies alone: the scores'
-- distribution over some steps, built up word by word as if words occurred independently of one another. Only a
-- guess: bm25_find proves it or lowers it. 0 if fewer documents match at all.
-- frequencies: for each word how many documents have it, and have it in layer 1, 2 and 3 (four numbers in a row).
CREATE OR REPLACE FUNCTION bm25_guess(impacts float8[], frequencies float8[], documents float8, wanted float8)
RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  steps CONSTANT integer := CASE WHEN cardinality(impacts) <= 3 THEN 24 ELSE 48 END;
  -- a typical contribution (as a share of idf) of a word in no layer, in the first, the second, the third
  typical CONSTANT float8[] := '{0.85, 1.25, 1.55, 1.85}';
  step_score float8 := 0;
  impact float8;
  expected float8[] := array_fill(0::float8, ARRAY[steps + 2]);  -- expected[s + 1]: documents that score s steps
  here float8;
  shares float8[];
  shifts integer[];
  reached integer;
  highest integer := 0;
  total float8 := 0;
BEGIN
  FOREACH impact IN ARRAY impacts LOOP
    step_score := step_score + impact * typical[4] / steps;
  END LOOP;
  expected[1] := documents;
  FOR word IN 1 .. cardinality(impacts) LOOP
    shares := ARRAY[
      frequencies[4 * word - 3] - frequencies[4 * word - 2], frequencies[4 * word - 2] - frequencies[4 * word - 1],
      frequencies[4 * word - 1] - frequencies[4 * word], frequencies[4 * word]
    ];
    impact := impacts[word] / step_score;
    shifts := ARRAY[impact * typical[1], impact * typical[2], impact * typical[3], impact * typical[4]];
    -- From the top, so that a document that was just moved up is not moved again.
    FOR score IN REVERSE highest .. 0 LOOP
      here := expected[score + 1] / documents;
      CONTINUE WHEN here <= 1e-9;
      FOR layer IN 1 .. 4 LOOP
        reached := least(score + shifts[layer], steps + 1) + 1;
        expected[reached] := expected[reached] + here * shares[layer];
      END LOOP;
    END LOOP;
    highest := least(highest + shifts[4], steps + 1);
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

-- What pruning needs to know about a query's lexemes, rarest first. Each has four levels (any document; impact layer 1,
-- 2, 3 or higher): terms, the tsquery text that finds the documents; frequencies, their number; bounds, the most that
-- the lexeme adds to a document below the next layer. impacts[i] is its idf, for each time that the query says it, and
-- remaining[i] the most that lexemes from i on add together.
CREATE OR REPLACE FUNCTION public.bm25_levels(
  lexemes text[], lexeme_frequencies float8[], weights float8[], average_length float8,
  OUT impacts float8[], OUT terms text[], OUT bounds float8[], OUT frequencies float8[], OUT remaining float8[]
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  shares CONSTANT float8[] := public.bm25_impact_bounds(average_length);
  layers CONSTANT text[] := ARRAY[E'\x01' || '1', E'\x01' || '2', E'\x01' || '3'];
  rarest_first CONSTANT integer[] := ARRAY(
    SELECT position FROM unnest(lexeme_frequencies) WITH ORDINALITY AS lexeme (frequency, position)
     ORDER BY frequency, position);
  asked text[] := '{}';
  layer_frequencies float8[];
  position integer;
  impact float8;
BEGIN
  FOREACH position IN ARRAY rarest_first LOOP
    asked := asked || ARRAY[lexemes[position] || layers[1], lexemes[position] || layers[2], lexemes[position] || layers[3]];
  END LOOP;
  -- Estimates are all that pruning needs: nothing is proven by a count.
  layer_frequencies := public.folded_frequencies(asked);

  FOR i IN 1 .. cardinality(rarest_first) LOOP
    position := rarest_first[i];
    impact := weights[position] / 2.2;
    impacts := impacts || impact;
    terms := terms || public.quote_lexeme(lexemes[position]) || public.quote_lexeme(asked[3 * i - 2])
      || public.quote_lexeme(asked[3 * i - 1]) || public.quote_lexeme(asked[3 * i]);
    bounds := bounds || ARRAY[impact * shares[1], impact * shares[2], impact * shares[3], impact * shares[4]];
    frequencies := frequencies || lexeme_frequencies[position] || layer_frequencies[3 * i - 2 : 3 * i];
  END LOOP;
  remaining := array_fill(0::float8, ARRAY[cardinality(impacts) + 1]);
  FOR i IN REVERSE cardinality(impacts) .. 1 LOOP
    remaining[i] := remaining[i + 1] + bounds[4 * i];
  END LOOP;
END
$$;

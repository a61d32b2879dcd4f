-- What pruning needs to know about a query's words, rarest first. Each has four levels (any document; impact layer 1,
-- 2, 3 or higher): terms, the tsquery text that finds the documents; frequencies, their number; bounds, the most that
-- the word adds to a document below the next layer. impacts[i] is its idf, for each time that the query says it, and
-- remaining[i] the most that words from i on add together.
-- word_frequencies, layer_frequencies and weights as bm25_query gives them. The layers' numbers are estimates, and
-- that is all that pruning needs: nothing is proven by a count.
CREATE OR REPLACE FUNCTION bm25_levels(
  words text[], word_frequencies float8[], layer_frequencies float8[], weights float8[], average_length float8,
  OUT impacts float8[], OUT terms text[], OUT bounds float8[], OUT frequencies float8[], OUT remaining float8[]
)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
#variable_conflict use_column
DECLARE
  shares CONSTANT float8[] := bm25_impact_bounds(average_length);
  rarest_first CONSTANT integer[] := ARRAY(
    SELECT position FROM unnest(word_frequencies) WITH ORDINALITY AS word (frequency, position)
     ORDER BY frequency, position);
  position integer;
  impact float8;
  term text;
  layer text;
BEGIN
  FOREACH position IN ARRAY rarest_first LOOP
    impact := weights[position] / 2.2;
    term := quote_lexeme(words[position]);
    layer := left(term, -1) || chr(1);
    impacts := impacts || impact;
    terms := terms || ARRAY[term, layer || '1''', layer || '2''', layer || '3'''];
    bounds := bounds || ARRAY[impact * shares[1], impact * shares[2], impact * shares[3], impact * shares[4]];
    frequencies := frequencies || ARRAY[word_frequencies[position],
      layer_frequencies[position][1], layer_frequencies[position][2], layer_frequencies[position][3]];
  END LOOP;
  remaining := array_fill(0::float8, ARRAY[cardinality(impacts) + 1]);
  FOR i IN REVERSE cardinality(impacts) .. 1 LOOP
    remaining[i] := remaining[i + 1] + bounds[4 * i];
  END LOOP;
END
$$;

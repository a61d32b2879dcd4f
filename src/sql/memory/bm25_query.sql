-- What scoring needs to know about a query: its words, which are the distinct lexemes in byte order, as a score sums
-- them; for each its document frequency, the tsquery that finds it, and its weight, idf * (k1 + 1) for each time that the
-- query says it. layer_frequencies[i] are three: in how many documents the word was in impact layer 1, 2, 3 at the last fold.
-- lexemes: in byte order, as parse_search_query gives them. Those that occur in no document are replaced by the nearest
-- ones that do, where is_fuzzy asks for it (lexemes has the new ones), and those that are left are not among the words:
-- they add nothing to a score.
CREATE OR REPLACE FUNCTION bm25_query(
  INOUT lexemes text[], is_fuzzy boolean, OUT documents float8, OUT average_length float8, OUT words text[],
  OUT frequencies float8[], OUT layer_frequencies float8[], OUT queries tsquery[], OUT weights float8[]
)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  counted record;
  asked text[];
  times bigint[];
  frequency float8;
BEGIN
  -- Touched before the statistics, as in search_statistics.
  PERFORM FROM memory_items LIMIT 0;
  LOOP
    asked := tsvector_to_array(array_to_tsvector(lexemes));
    counted := read_search_statistics(asked);
    EXIT WHEN NOT is_fuzzy OR 0 <> ALL (counted.document_frequencies);
    lexemes := correct_lexemes(lexemes);
    is_fuzzy := false;
  END LOOP;
  IF cardinality(asked) < cardinality(lexemes) THEN
    times := ARRAY(
      SELECT count(*) FROM unnest(lexemes) AS said (lexeme) GROUP BY said.lexeme ORDER BY said.lexeme COLLATE "C"
    );
  END IF;

  documents := counted.documents;
  average_length := greatest(counted.total_length, 1)::float8 / greatest(documents, 1);
  words := '{}';
  FOR i IN 1 .. cardinality(asked) LOOP
    frequency := counted.document_frequencies[i];
    CONTINUE WHEN frequency <= 0;
    words := words || asked[i];
    frequencies := frequencies || frequency;
    layer_frequencies := layer_frequencies || counted.layer_frequencies[i : i];
    queries := queries || quote_lexeme(asked[i])::tsquery;
    weights := weights || COALESCE(times[i], 1) * 2.2::float8 * ln(1 + (documents - frequency + 0.5) / (frequency + 0.5));
  END LOOP;
END
$$;

-- What scoring needs to know about a query: its words, which are the distinct lexemes in byte order, as a score sums
-- them; for each its document frequency, the tsquery that finds it, and its weight, idf * (k1 + 1) for each time that the
-- query says it. Lexemes that occur in no document are replaced by the nearest ones that do, where is_fuzzy asks for it
-- (lexemes has the new ones), and those that are left are not among the words: they add nothing to a score.
CREATE OR REPLACE FUNCTION public.bm25_query(
  INOUT lexemes text[], is_fuzzy boolean, OUT documents float8, OUT average_length float8, OUT words text[], OUT frequencies float8[],
  OUT queries tsquery[], OUT weights float8[]
)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  counted record;
  asked text[];
  times bigint[];
  frequency float8;
BEGIN
  LOOP
    SELECT array_agg(said.lexeme ORDER BY said.lexeme COLLATE "C"), array_agg(said.times ORDER BY said.lexeme COLLATE "C")
    INTO asked, times
    FROM (SELECT given.lexeme, count(*) AS times FROM unnest(lexemes) AS given (lexeme) GROUP BY given.lexeme) AS said;
    counted := public.search_statistics(COALESCE(asked, '{}'));
    EXIT WHEN NOT is_fuzzy OR 0 <> ALL (counted.document_frequencies);
    lexemes := public.correct_lexemes(lexemes);
    is_fuzzy := false;
  END LOOP;

  documents := counted.documents;
  average_length := greatest(counted.total_length, 1)::float8 / greatest(documents, 1);
  words := '{}';
  FOR i IN 1 .. COALESCE(cardinality(asked), 0) LOOP
    frequency := counted.document_frequencies[i];
    CONTINUE WHEN frequency <= 0;
    words := words || asked[i];
    frequencies := frequencies || frequency;
    queries := queries || public.quote_lexeme(asked[i])::tsquery;
    weights := weights || times[i] * 2.2 * ln(1 + (documents - frequency + 0.5) / (frequency + 0.5));
  END LOOP;
END
$$;

-- The lexemes of a query with each one that occurs in no document replaced by the nearest one that does; those with
-- nothing near stay. In byte order, as parse_search_query gives them.
CREATE OR REPLACE FUNCTION correct_lexemes(lexemes text[])
RETURNS text[]
LANGUAGE sql STABLE STRICT
AS $$
  SELECT ARRAY(
    SELECT corrected.lexeme
    FROM (
      SELECT
        CASE WHEN given.frequency > 0 THEN given.lexeme ELSE COALESCE(nearest_lexeme(given.lexeme), given.lexeme) END
      FROM unnest(lexemes, (search_statistics(lexemes)).document_frequencies) AS given (lexeme, frequency)
    ) AS corrected (lexeme)
    ORDER BY corrected.lexeme COLLATE "C"
  )
$$;

-- The first of the lexemes that a token of a text has, in any form; null for none. A plain English word is stemmed by itself,
-- which is quick; anything else as a query would be.
CREATE OR REPLACE FUNCTION matching_lexeme(token text, lexemes text[])
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  stem text;
BEGIN
  IF token ~ '^[A-Z]?[a-z]+$' THEN
    stem := (ts_lexize('pg_catalog.english_stem', lower(token)))[1];
    RETURN CASE WHEN stem = ANY (lexemes) THEN stem
      WHEN length(stem) > 6 AND left(stem, 6) || E'\x02' = ANY (lexemes) THEN left(stem, 6) || E'\x02' END;
  END IF;
  RETURN (
    SELECT form.lexeme
    FROM (SELECT unnest((query_lexemes(token)).lexemes) UNION SELECT unnest(tsvector_to_array(search_units(token)))) AS form (lexeme)
    WHERE form.lexeme = ANY (lexemes)
    ORDER BY form.lexeme COLLATE "C" LIMIT 1
  );
END
$$;

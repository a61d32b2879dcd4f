-- A tsquery that any of the lexemes satisfies; null for none. The text form of a one-lexeme tsvector is quoted just as
-- tsquery's input wants it, whatever characters the lexeme has.
CREATE OR REPLACE FUNCTION public.lexeme_query(lexemes text[])
RETURNS tsquery
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
  SELECT string_agg(array_to_tsvector(ARRAY[given.lexeme])::text, '|')::tsquery
  FROM unnest(lexemes) AS given (lexeme)
$$;

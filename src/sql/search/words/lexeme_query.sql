-- A tsquery that any of the lexemes satisfies; null for none. The text form of a one-lexeme tsvector is quoted just as
-- tsquery's input wants it, whatever characters the lexeme has. In groups, because PostgreSQL reads and evaluates a
-- tsquery by recursion: one chain of the 10,000 words of a long text would exceed the stack.
CREATE OR REPLACE FUNCTION lexeme_query(lexemes text[])
RETURNS tsquery
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
  SELECT string_agg('(' || chunk.query || ')', '|')::tsquery
  FROM (
    SELECT string_agg(array_to_tsvector(ARRAY[given.lexeme])::text, '|') AS query
    FROM unnest(lexemes) WITH ORDINALITY AS given (lexeme, place)
    GROUP BY (given.place - 1) / 128
  ) AS chunk
$$;

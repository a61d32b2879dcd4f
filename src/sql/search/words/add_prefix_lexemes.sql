-- The lexemes of a query and those of the corpus that begin with one of the prefixes, as forms of the word at its place: of
-- each the 64 that most documents have.
CREATE OR REPLACE FUNCTION add_prefix_lexemes(INOUT lexemes text[], INOUT places integer[], prefixes text[], prefix_places integer[])
LANGUAGE sql STABLE
AS $$
  SELECT array_agg(form.lexeme ORDER BY form.lexeme COLLATE "C", form.place), array_agg(form.place ORDER BY form.lexeme COLLATE "C", form.place)
  FROM (
    SELECT said.lexeme, said.place FROM unnest(lexemes, places) AS said (lexeme, place)
    UNION
    SELECT begun.lexeme, prefix.place
    FROM unnest(prefixes, prefix_places) AS prefix (prefix, place)
    CROSS JOIN LATERAL unnest(prefix_lexemes(prefix.prefix)) AS begun (lexeme)
  ) AS form
$$;

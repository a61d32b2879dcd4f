-- A lexeme as the text of a tsquery that finds exactly it, whatever characters it has.
CREATE OR REPLACE FUNCTION quote_lexeme(lexeme text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT '''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || ''''
$$;

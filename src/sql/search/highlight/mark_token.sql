-- A matching token of a text between the tags; of scripts without spaces only its characters that match: those of each pair
-- (or other lexeme) of the query that occurs in it.
CREATE OR REPLACE FUNCTION mark_token(token text, lexemes text[], start_tag text, stop_tag text, as_html boolean)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  spaceless CONSTANT text := '[\u0e00-\u0eff\u1000-\u109f\u1780-\u17d3\u2e80-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]';
  is_marked boolean[];
  characters CONSTANT text[] := string_to_array(token, NULL);
  at integer;
  lexeme text;
  piece text;
BEGIN
  IF token !~ spaceless THEN
    RETURN start_tag || shown_text(token, as_html) || stop_tag;
  END IF;
  is_marked := array_fill(false, ARRAY[cardinality(characters) + 1]);
  FOREACH lexeme IN ARRAY lexemes LOOP
    CONTINUE WHEN lexeme !~ spaceless OR strpos(token, lexeme) = 0;
    at := 0;
    FOREACH piece IN ARRAY string_to_array(token, lexeme) LOOP
      at := at + length(piece);
      FOR i IN at + 1 .. least(at + length(lexeme), cardinality(characters)) LOOP
        is_marked[i] := true;
      END LOOP;
      at := at + length(lexeme);
    END LOOP;
  END LOOP;
  -- A token that matches by another form than its own characters, such as a decomposed one, as a whole.
  IF true <> ALL (is_marked) THEN
    RETURN start_tag || shown_text(token, as_html) || stop_tag;
  END IF;
  RETURN (
    SELECT string_agg(
      CASE WHEN is_marked[i] AND NOT COALESCE(is_marked[i - 1], false) THEN start_tag ELSE '' END
        || characters[i] || CASE WHEN is_marked[i] AND NOT is_marked[i + 1] THEN stop_tag ELSE '' END, '' ORDER BY i)
    FROM generate_series(1, cardinality(characters)) AS i
  );
END
$$;

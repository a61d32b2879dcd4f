-- The forms that the words of a query can have in rows of any language, in byte order, as often as the query says them, and
-- for each the place of the word that it is a form of: its stem, the head of that (lexeme_heads), and both by the stemmer of
-- the query's script. A query in another language in Latin letters is asked without that language's function words. scripts:
-- those of the words, as documents have them (text_scripts). Characters that are found by themselves (emoji) have places behind the words.
CREATE OR REPLACE FUNCTION query_lexemes(query_text text, OUT lexemes text[], OUT places integer[], OUT scripts text[])
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  letters CONSTANT text := '^[a-z\u00df-\u024f\u0370-\u052f\u0561-\u0587\u05d0-\u05ea\u0620-\u064a\u066e-\u06d3\u10d0-\u10ff\u1e00-\u1eff]{7,}$';
  t CONSTANT text := query_text_form(query_text);
  script CONSTANT regconfig := script_configuration(query_text, 0);
  words tsvector := to_tsvector('pg_catalog.english'::regconfig, t);
BEGIN
  IF octet_length(query_text) > length(query_text) THEN
    scripts := text_scripts(query_text, 0);
  END IF;
  IF script IS NULL AND NOT has_stop_words(t, words) AND is_foreign_text(query_text) THEN
    words := without_function_words(to_tsvector('opa_plain'::regconfig, t), query_text);
  END IF;
  IF script IS NULL THEN
    SELECT array_agg(form.lexeme ORDER BY form.lexeme COLLATE "C", place), array_agg(place ORDER BY form.lexeme COLLATE "C", place)
    INTO lexemes, places
    FROM unnest(words) AS entry
    CROSS JOIN LATERAL unnest(entry.positions::integer[]) AS occurrence (place)
    CROSS JOIN LATERAL (
      SELECT entry.lexeme UNION ALL SELECT left(entry.lexeme, 6) || E'\x02' WHERE entry.lexeme ~ letters
    ) AS form;
  ELSE
    SELECT array_agg(form.lexeme ORDER BY form.lexeme COLLATE "C", place), array_agg(place ORDER BY form.lexeme COLLATE "C", place)
    INTO lexemes, places
    FROM (
      SELECT DISTINCT form.lexeme, occurrence.place
      FROM (SELECT * FROM unnest(words) UNION ALL SELECT * FROM unnest(to_tsvector(script, t))) AS entry
      CROSS JOIN LATERAL unnest(entry.positions::integer[]) AS occurrence (place)
      CROSS JOIN LATERAL (
        SELECT entry.lexeme UNION ALL SELECT left(entry.lexeme, 6) || E'\x02' WHERE entry.lexeme ~ letters
      ) AS form
    ) AS form;
  END IF;
  IF query_text ~ '[\u2600-\u27bf\u2b50-\u2b55\U0001f000-\U0001faff]' THEN
    lexemes := lexemes || ARRAY(SELECT hit[1] FROM regexp_matches(query_text, '[\u2600-\u27bf\u2b50-\u2b55\U0001f000-\U0001faff]', 'g') AS hit);
    places := places || ARRAY(
      SELECT COALESCE((SELECT max(place) FROM unnest(places) AS place), 0) + i
      FROM generate_series(1, cardinality(lexemes) - COALESCE(cardinality(places), 0)) AS i
    );
    SELECT array_agg(form.lexeme ORDER BY form.lexeme COLLATE "C", form.place), array_agg(form.place ORDER BY form.lexeme COLLATE "C", form.place)
    INTO lexemes, places
    FROM unnest(lexemes, places) AS form (lexeme, place);
  END IF;
  lexemes := COALESCE(lexemes, '{}');
  places := COALESCE(places, '{}');
END
$$;

-- The lexemes of a query with the words that no row which passes the filter has replaced by the nearest that one has; those
-- with nothing near stay. corrections is null where nothing was replaced, else an object: for each word as it was typed the
-- lexeme that was taken for it. written: a tsquery of the words that were not replaced, null for none.
--
-- place_frequencies: in how many documents each word is, in any form. A word in none, or in at most most_in_doubt and in none
-- that passes, is looked for; one in more is no misspelling. Of a query only the first eight such words.
-- The rows are asked, by whoever searches: a word is never replaced by one that only rows have which the filter or a
-- policy keeps away.
CREATE OR REPLACE FUNCTION correct_lexemes(
  INOUT lexemes text[], INOUT places integer[], place_frequencies float8[], most_in_doubt integer, prefix_places integer[],
  plain_text text, condition text, query_tags text[], filter jsonb, OUT corrections jsonb, OUT written tsquery
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  most_corrected CONSTANT integer := 8;
  has_row CONSTANT text := format('EXISTS (SELECT FROM memory_items AS m WHERE m.search_vector @@ word.query AND (%s) IS TRUE)', condition);
  in_doubt integer[];
  queries tsquery[];
  unknown record;
  typed text;
  nearest text;
  replaced integer[] := '{}';
  new_lexemes text[] := '{}';
  new_places integer[] := '{}';
BEGIN
  SELECT array_agg(word.place ORDER BY word.place), array_agg(word.query ORDER BY word.place)
  INTO in_doubt, queries
  FROM (
    SELECT form.place, lexeme_query(array_agg(form.lexeme ORDER BY form.lexeme COLLATE "C")) AS query
    FROM unnest(lexemes, places) AS form (lexeme, place)
    WHERE place_frequencies[form.place] <= most_in_doubt AND form.place <> ALL (COALESCE(prefix_places, '{}'))
    GROUP BY form.place
    HAVING bool_or(form.lexeme !~ '[\d\x02]')
    ORDER BY form.place LIMIT 3 * most_corrected
  ) AS word;
  IF most_in_doubt > 0 AND in_doubt <> '{}' THEN
    EXECUTE 'SELECT array_agg(word.place ORDER BY word.place) FROM unnest($3, $4) AS word (place, query) WHERE NOT ' || has_row
    INTO in_doubt USING query_tags, filter, in_doubt, queries;
  END IF;

  FOR unknown IN
    SELECT DISTINCT ON (form.place) form.place, form.lexeme
    FROM unnest(lexemes, places) AS form (lexeme, place)
    WHERE form.place = ANY (in_doubt[: most_corrected]) AND form.lexeme !~ '[\d\x02]'
    ORDER BY form.place, length(form.lexeme), form.lexeme COLLATE "C"
  LOOP
    SELECT regexp_replace(word, '^\W+|\W+$', '', 'g') INTO typed
    FROM regexp_split_to_table(left(plain_text, 4000), '\s+') AS word
    WHERE unknown.lexeme = ANY ((query_lexemes(word)).lexemes) LIMIT 1;
    EXECUTE 'SELECT word.lexeme FROM (SELECT near.lexeme, quote_lexeme(near.lexeme)::tsquery AS query'
      ' FROM unnest($3) WITH ORDINALITY AS near (lexeme, position) ORDER BY position OFFSET 0) AS word WHERE ' || has_row || ' LIMIT 1'
    INTO nearest USING query_tags, filter, nearest_lexemes(unknown.lexeme, COALESCE(typed, unknown.lexeme));
    CONTINUE WHEN nearest IS NULL;
    replaced := replaced || unknown.place;
    new_lexemes := new_lexemes || nearest;
    new_places := new_places || unknown.place;
    IF length(nearest) > 6 AND strpos(nearest, E'\x02') = 0 THEN
      new_lexemes := new_lexemes || (left(nearest, 6) || E'\x02');
      new_places := new_places || unknown.place;
    END IF;
    corrections := COALESCE(corrections, '{}') || jsonb_build_object(COALESCE(typed, unknown.lexeme), rtrim(nearest, E'\x02'));
  END LOOP;
  IF corrections IS NULL THEN
    RETURN;
  END IF;

  SELECT lexeme_query(array_agg(DISTINCT form.lexeme)) INTO written
  FROM unnest(lexemes, places) AS form (lexeme, place)
  WHERE form.place <> ALL (replaced) AND place_frequencies[form.place] > 0;
  SELECT array_agg(form.lexeme ORDER BY form.lexeme COLLATE "C", form.place), array_agg(form.place ORDER BY form.lexeme COLLATE "C", form.place)
  INTO lexemes, places
  FROM (
    SELECT said.lexeme, said.place FROM unnest(lexemes, places) AS said (lexeme, place) WHERE said.place <> ALL (replaced)
    UNION ALL
    SELECT word.lexeme, word.place FROM unnest(new_lexemes, new_places) AS word (lexeme, place)
  ) AS form;
END
$$;

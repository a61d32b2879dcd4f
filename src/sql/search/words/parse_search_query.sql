-- What a person's query asks for.
--
-- has_operators = true: plain words are ranked and all optional; `"a phrase"` must occur and is ranked too; `-word` and
--   `-"a phrase"` must not occur; `word*` stands for all words that begin so. Anything else, an unclosed quote or a lone minus
--   among it, is plain text.
-- has_operators = false: the text is prose. Minuses are characters; nothing is required; a phrase between quotes ranks higher
--   the rows in which it occurs.
-- has_prefix: the last word may be still being typed, and stands for all words that begin so.
--
-- lexemes, places: what to rank by (query_lexemes); what is repeated counts more, as in BM25's usual definition (measured on
--   the collection cisi, whose questions are long: nDCG@10 0.42 against 0.33 with distinct lexemes). Of the first 512 words only.
-- required: what must hold, null where nothing must. Of so many words only, because PostgreSQL reads and evaluates a
--   tsquery by recursion, and one of thousands of words in a row would exceed the stack.
-- phrases: what ranks higher where it occurs
-- prefixes, prefix_places: beginnings of words, and the places that the words which begin so are forms of
-- stop_words: the text, where it has words and none of them is indexed
-- plain_text: what lexemes were taken from; scripts: see query_lexemes
CREATE OR REPLACE FUNCTION parse_search_query(
  query_text text, has_operators boolean, has_prefix boolean,
  OUT lexemes text[], OUT places integer[], OUT required tsquery, OUT phrases tsquery[], OUT prefixes text[], OUT prefix_places integer[],
  OUT stop_words text, OUT plain_text text, OUT scripts text[]
)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  most_words CONSTANT integer := 512;
  most_phrases CONSTANT integer := 16;
  most_required CONSTANT integer := 1000;
  rest text := query_text;
  quoted text[] := '{}';
  exclusions text[] := '{}';
  words bigint;
  forms record;
BEGIN
  IF has_operators THEN
    -- A minus counts only at the start of a word: state-of-the-art excludes nothing.
    IF rest ~ '["-]' THEN
      exclusions := ARRAY(SELECT hit[1] FROM regexp_matches(rest, '(?<!\S)-"([^"]*)"', 'g') AS hit);
      rest := regexp_replace(rest, '(?<!\S)-"[^"]*"', ' ', 'g');
      quoted := ARRAY(SELECT hit[1] FROM regexp_matches(rest, '"([^"]*)"', 'g') AS hit);
      rest := regexp_replace(rest, '"[^"]*"', ' ', 'g');
      exclusions := exclusions || ARRAY(SELECT hit[1] FROM regexp_matches(rest, '(?<!\S)-([^\s-]\S*)', 'g') AS hit);
      rest := regexp_replace(rest, '(?<!\S)-[^\s-]\S*', ' ', 'g');
    END IF;
    IF strpos(rest, '*') > 0 THEN
      prefixes := ARRAY(SELECT lower(unify_text(hit[1])) FROM regexp_matches(rest, '(?<![\w*])(\w{2,})\*(?!\S)', 'g') AS hit LIMIT most_phrases);
      rest := regexp_replace(rest, '(?<![\w*])\w{2,}\*(?!\S)', ' ', 'g');
    END IF;
  ELSIF rest ~ '["“„]' THEN
    phrases := ARRAY(
      SELECT phrase.query
      FROM regexp_matches(rest, '["“„]([^"“”„]+)["”“]', 'g') AS hit
      CROSS JOIN LATERAL (SELECT phrase_query(hit[1])::tsquery) AS phrase (query)
      WHERE length(hit[1]) <= 1000 AND numnode(phraseto_tsquery('pg_catalog.english'::regconfig, query_text_form(hit[1]))) > 1
      LIMIT most_phrases
    );
  END IF;
  IF has_prefix AND rest ~ '\w$' THEN
    prefixes := prefixes || ARRAY(SELECT lower(unify_text(hit[1])) FROM regexp_matches(rest, '(\w+)$') AS hit);
  END IF;

  -- Without the blanks that what was taken out leaves: the language of a text is told by how many of its words are stop words.
  plain_text := CASE WHEN rest = query_text THEN rest
    ELSE btrim(regexp_replace(concat_ws(' ', rest, array_to_string(quoted, ' ')), '\s+', ' ', 'g')) END;
  forms := query_lexemes(plain_text);
  lexemes := forms.lexemes;
  places := forms.places;
  scripts := forms.scripts;
  IF cardinality(lexemes) > most_words AND (SELECT count(DISTINCT place) FROM unnest(places) AS place) > most_words THEN
    SELECT array_agg(form.lexeme ORDER BY form.lexeme COLLATE "C", form.place), array_agg(form.place ORDER BY form.lexeme COLLATE "C", form.place)
    INTO lexemes, places
    FROM unnest(lexemes, places) AS form (lexeme, place)
    WHERE form.place <= (SELECT DISTINCT place FROM unnest(places) AS place ORDER BY place LIMIT 1 OFFSET most_words - 1);
  END IF;
  IF prefixes <> '{}' THEN
    -- Each has a place of its own, but for the last word that is typed: it is there already, if it is no stop word.
    prefix_places := ARRAY(
      SELECT COALESCE((SELECT max(place) FROM unnest(places) AS place), 0) + i FROM generate_series(1, cardinality(prefixes)) AS i
    );
    IF has_prefix AND rest ~ '\w$' AND EXISTS (
      SELECT FROM unnest((query_lexemes((SELECT hit[1] FROM regexp_matches(rest, '(\w+)$') AS hit))).lexemes) AS form (lexeme) WHERE form.lexeme = ANY (parse_search_query.lexemes)
    ) THEN
      prefix_places[cardinality(prefixes)] := (SELECT max(place) FROM unnest(places) AS place);
    END IF;
  ELSIF lexemes = '{}' AND quoted = '{}' AND rest ~ '\w' THEN
    stop_words := left(rest, 1000);
  END IF;
  IF quoted || exclusions = '{}' THEN
    RETURN;
  END IF;

  -- Counted before the phrases are put together, as deep as they may be.
  SELECT count(*) INTO words
  FROM unnest(quoted || exclusions) AS given (text)
  CROSS JOIN LATERAL ts_parse('pg_catalog.default', query_text_form(given.text)) AS token
  WHERE token.tokid <> 12; -- 12 is the space between words
  IF words > most_required THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('query_text must have at most %s words in phrases and exclusions, got %s', most_required, words);
  END IF;
  SELECT string_agg(part.query, ' & ')::tsquery INTO required
  FROM (
    SELECT '(' || phrase_query(phrase) || ')' FROM unnest(quoted) AS phrase WHERE phrase_query(phrase) <> ''
    UNION ALL
    SELECT '!(' || phrase_query(exclusion) || ')' FROM unnest(exclusions) AS exclusion WHERE phrase_query(exclusion) <> ''
  ) AS part (query);
END
$$;

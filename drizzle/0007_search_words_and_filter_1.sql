-- path: of the installation
SELECT set_config('opa.schema', coalesce(nullif(current_setting('opa.schema', true), ''), current_schema(), ''), true);
--> statement-breakpoint
-- path: checked when they run
SET LOCAL check_function_bodies = off;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/search/words/add_prefix_lexemes.sql
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
--> statement-breakpoint
-- source: src/sql/search/words/check_query_text.sql
-- Refuses a query text that is longer than the longest memory: nobody asks it, and a dictionary of it would be read.
CREATE OR REPLACE FUNCTION check_query_text(caller text, query_text text)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  IF octet_length(query_text) > 65536 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: query_text must have at most 65536 bytes, got %s', caller, octet_length(query_text));
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/search/words/correct_lexemes.sql
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
--> statement-breakpoint
-- source: src/sql/search/words/is_trigram_similar.sql
-- Whether two words are as alike as pg_trgm.similarity_threshold asks: pg_trgm's operator %, bound like
-- trigram_similarity. It is inlined, so that an index of trigrams serves it: one over a column of collation "C", which the
-- operator must name here, because it is bound with the collation of the parameters and not of the column.
CREATE OR REPLACE FUNCTION is_trigram_similar(one text, other text)
RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN one COLLATE "C" % other;
--> statement-breakpoint
-- source: src/sql/search/words/lexeme_heads.sql
-- The text form of a tsvector or tsquery with each lexeme of more than six letters as its head: six letters and chr(2),
-- which no text can contain (the parser takes it for a blank). Endings differ beyond that in most languages whose stemmer
-- PostgreSQL does not have, or whose language nobody knows.
CREATE OR REPLACE FUNCTION lexeme_heads(lexemes text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
  SELECT regexp_replace(lexemes, '''([a-z\u00df-\u024f\u0370-\u052f\u0561-\u0587\u05d0-\u05ea\u0620-\u064a\u066e-\u06d3\u10d0-\u10ff\u1e00-\u1eff]{6})[a-z\u00df-\u024f\u0370-\u052f\u0561-\u0587\u05d0-\u05ea\u0620-\u064a\u066e-\u06d3\u10d0-\u10ff\u1e00-\u1eff]+''', E'''\\1\x02''', 'g')
$$;
--> statement-breakpoint
-- source: src/sql/search/words/lexeme_query.sql
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
--> statement-breakpoint
-- path: strict
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), 'pg_catalog', 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/search/words/nearest_lexemes.sql
-- The lexemes of the corpus that a word which nobody wrote may stand for, the likeliest first: those that one mistake made of
-- it (word_edits: of words with four letters only the commonest mistakes, of shorter ones none), then those that share
-- enough trigrams with it. A word with a digit is never replaced: 2024 is not a misspelt 2023.
-- Words that were written since the last fold are in the log, which has no index for this: of a backlog of bulk statements up
-- to some 200,000 are looked at, and those compared one by one that the vocabulary does not have.
--
-- lexeme: as the query has it; typed: the word as it was typed, whose mistakes are looked for before stemming
-- SECURITY DEFINER, because nobody may read the vocabulary: none for a role that row-level security keeps from some rows,
-- because a word may be in those alone.
CREATE OR REPLACE FUNCTION nearest_lexemes(lexeme text, typed text)
RETURNS text[]
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
SET search_path FROM CURRENT
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  least_similarity CONSTANT real := 0.4;
  most_chunks CONSTANT integer := 3000; -- of 64 words
  most_candidates CONSTANT integer := 200;
  word CONSTANT text := nearest_lexemes.lexeme;
  written CONSTANT text := CASE WHEN typed ~ '^\w+$' THEN lower(unify_text(typed)) ELSE word END;
  stemmer CONSTANT regdictionary := CASE WHEN word ~ '[\u0430-\u044f]' THEN 'pg_catalog.russian_stem' ELSE 'pg_catalog.english_stem' END;
  threshold_before text;
  edits text[] := '{}';
  kinds integer[] := '{}';
  candidates text[];
  counted record;
BEGIN
  IF word ~ '[\d\u0e01-\u0eff\u1000-\u109f\u1780-\u17d3\u2e80-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]' OR length(word) > 64
    OR is_isolated_session()
  THEN
    RETURN '{}';
  END IF;
  IF length(written) BETWEEN 4 AND 32 THEN
    SELECT array_agg(stem.lexeme), array_agg(stem.kind) INTO edits, kinds
    FROM (
      SELECT COALESCE((ts_lexize(stemmer, edited.edit))[1], edited.edit) AS lexeme, min(edited.kind) AS kind
      FROM word_edits(written) AS edited
      WHERE length(written) > 4 OR edited.kind = 0
      GROUP BY 1
    ) AS stem
    WHERE stem.lexeme <> word;
  END IF;
  -- The operator % can use the index, and takes its threshold from a setting (which is not SET on the function, because
  -- only a superuser may do that before pg_trgm is loaded). Asking for a similarity loads it.
  PERFORM trigram_similarity('', '');
  threshold_before := current_setting('pg_trgm.similarity_threshold');
  PERFORM set_config('pg_trgm.similarity_threshold', least_similarity::text, true);
  WITH log AS MATERIALIZED (
    SELECT entries.xid, entries.entry, entries.lexemes FROM search_log_entries() AS entries
  ), logged AS MATERIALIZED (
    SELECT DISTINCT named.lexeme COLLATE "C" AS lexeme
    FROM (
      SELECT unnest(tsvector_to_array(log.lexemes)) AS lexeme FROM log
      UNION ALL
      SELECT unnest(chunk.lexemes)
      FROM (
        SELECT chunk.lexemes FROM log JOIN search_log_lexemes AS chunk ON chunk.xid = log.xid AND chunk.entry = log.entry
        WHERE log.lexemes IS NULL
        LIMIT most_chunks
      ) AS chunk
    ) AS named
    WHERE length(named.lexeme) BETWEEN length(word) - 4 AND length(word) + 5 AND strpos(named.lexeme, chr(1)) = 0
  ), unfolded AS MATERIALIZED (
    SELECT logged.lexeme FROM logged
    WHERE NOT EXISTS (SELECT FROM search_vocabulary AS folded WHERE folded.lexeme = logged.lexeme)
  )
  SELECT array_agg(DISTINCT near.lexeme)
  INTO candidates
  FROM (
    SELECT folded.lexeme FROM unnest(edits) AS edit (lexeme) JOIN search_vocabulary AS folded ON folded.lexeme = edit.lexeme COLLATE "C"
    UNION ALL
    SELECT folded.lexeme FROM search_vocabulary AS folded WHERE is_trigram_similar(folded.lexeme, word)
    UNION ALL
    SELECT edit.lexeme FROM unnest(edits) AS edit (lexeme) WHERE edit.lexeme IN (SELECT unfolded.lexeme FROM unfolded)
    UNION ALL
    SELECT unfolded.lexeme FROM unfolded WHERE is_trigram_similar(unfolded.lexeme, word)
  ) AS near;
  PERFORM set_config('pg_trgm.similarity_threshold', threshold_before, true);

  counted := read_search_statistics(COALESCE(candidates, '{}'));
  RETURN ARRAY(
    SELECT candidate.lexeme
    FROM unnest(candidates, counted.document_frequencies) AS candidate (lexeme, frequency)
    CROSS JOIN LATERAL (SELECT array_position(edits, candidate.lexeme) AS place, trigram_similarity(candidate.lexeme, word) AS similarity) AS near
    WHERE candidate.frequency > 0 AND candidate.lexeme <> word AND (near.place IS NOT NULL OR near.similarity >= least_similarity)
    ORDER BY COALESCE(kinds[near.place], 2), left(candidate.lexeme, 1) <> left(word, 1),
      near.similarity DESC, candidate.frequency DESC, candidate.lexeme COLLATE "C"
    LIMIT most_candidates
  );
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/search/words/parse_search_query.sql
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
--> statement-breakpoint
-- source: src/sql/search/words/phrase_query.sql
-- The text of a tsquery that finds a phrase in rows of any language; '' for stop words alone.
CREATE OR REPLACE FUNCTION phrase_query(phrase text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
  SELECT COALESCE(string_agg(DISTINCT '(' || form.query || ')', '|'), '')
  FROM unnest(ARRAY['pg_catalog.english'::regconfig, 'opa_plain'::regconfig, script_configuration(phrase, 0)]) AS given (configuration)
  CROSS JOIN LATERAL phraseto_tsquery(given.configuration, query_text_form(phrase)) AS meant (query)
  CROSS JOIN LATERAL (VALUES (meant.query::text), (lexeme_heads(meant.query::text))) AS form (query)
  WHERE numnode(meant.query) > 0 AND numnode(phraseto_tsquery('pg_catalog.english'::regconfig, query_text_form(phrase))) > 0
$$;
--> statement-breakpoint
-- path: strict
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), 'pg_catalog', 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/search/words/prefix_lexemes.sql
-- The lexemes of the corpus that begin with a prefix: the 64 that most documents have, of at most 5000 that begin so.
-- SECURITY DEFINER, because nobody may read the vocabulary: none for a role that row-level security keeps from some rows.
CREATE OR REPLACE FUNCTION prefix_lexemes(prefix text)
RETURNS text[]
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
SET search_path FROM CURRENT
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  most_lexemes CONSTANT integer := 64;
  most_read CONSTANT integer := 5000;
  end_of_prefix CONSTANT text := prefix_lexemes.prefix || chr(1114111);
  candidates text[];
  counted record;
BEGIN
  IF length(prefix) < 2 OR is_isolated_session() THEN
    RETURN '{}';
  END IF;
  SELECT array_agg(DISTINCT begun.lexeme) INTO candidates
  FROM (
    (SELECT known.lexeme FROM search_vocabulary AS known WHERE known.lexeme >= prefix COLLATE "C" AND known.lexeme < end_of_prefix COLLATE "C" LIMIT most_read)
    UNION ALL
    (SELECT logged.lexeme
    FROM search_log_entries() AS log
    CROSS JOIN LATERAL unnest(tsvector_to_array(log.lexemes)) AS logged (lexeme)
    WHERE starts_with(logged.lexeme, prefix) AND strpos(logged.lexeme, chr(1)) = 0 LIMIT most_read)
    UNION ALL
    (SELECT logged.lexeme
    FROM search_log_entries() AS log
    JOIN search_log_lexemes AS chunk ON chunk.xid = log.xid AND chunk.entry = log.entry AND chunk.first_lexeme < end_of_prefix COLLATE "C"
    CROSS JOIN LATERAL unnest(chunk.lexemes) AS logged (lexeme)
    WHERE log.lexemes IS NULL AND starts_with(logged.lexeme, prefix) AND strpos(logged.lexeme, chr(1)) = 0 LIMIT most_read)
  ) AS begun;
  IF candidates IS NULL THEN
    RETURN '{}';
  END IF;
  counted := read_search_statistics(candidates);
  RETURN ARRAY(
    SELECT candidate.lexeme
    FROM unnest(candidates, counted.document_frequencies) AS candidate (lexeme, frequency)
    WHERE candidate.frequency > 0
    ORDER BY candidate.frequency DESC, candidate.lexeme COLLATE "C"
    LIMIT most_lexemes
  );
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/search/words/query_lexemes.sql
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
--> statement-breakpoint
-- source: src/sql/search/words/query_text_form.sql
-- A query's text as the texts of rows are parsed (search_words). Japanese and Chinese are written without spaces, so that one
-- between two of their characters says nothing.
CREATE OR REPLACE FUNCTION query_text_form(query_text text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
  t text := query_text;
BEGIN
  IF octet_length(t) > length(t) THEN
    t := unify_text(regexp_replace(t, '(?<=[\u3041-\u30ff\u3400-\u9fff])\s+(?=[\u3041-\u30ff\u3400-\u9fff])', '', 'g'));
  END IF;
  RETURN split_compounds(t);
END
$$;
--> statement-breakpoint
-- source: src/sql/search/words/quote_lexeme.sql
-- A lexeme as the text of a tsquery that finds exactly it, whatever characters it has.
CREATE OR REPLACE FUNCTION quote_lexeme(lexeme text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT '''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || ''''
$$;
--> statement-breakpoint
-- source: src/sql/search/words/stop_word_rows.sql
-- The rows that answer a query of words which are not indexed, such as The Who, IT, Who is Will? or to be or not to be: those
-- that have the words, two or more, side by side in any case, or one that the query spells as a name (with a capital, and not
-- as the first of several) spelt so. Articles, prepositions and conjunctions in small letters alone ask for nothing. A score is higher the more of that a row has and the nearer its spelling; of equals the shorter first.
-- They are looked for in the text itself, with the help of its trigram index. Where more than 10,000 rows match, the best of
-- 10,000 of them are answered.
-- required: what must hold besides; condition: as memory_filter_condition gives it, about $1 (query_tags) and $2 (filter)
CREATE OR REPLACE FUNCTION stop_word_rows(query_text text, required tsquery, condition text, query_tags text[], k integer, filter jsonb)
RETURNS TABLE (id text, place tid, score float8)
LANGUAGE plpgsql STABLE ROWS 10
AS $$
#variable_conflict use_column
DECLARE
  most_rows CONSTANT integer := 10000;
  words CONSTANT text[] := ARRAY(SELECT hit[1] FROM regexp_matches(query_text, '(\w+)', 'g') AS hit LIMIT 32);
  phrase CONSTANT text := CASE
    WHEN cardinality(words) > 1 AND (query_text ~ '[A-Z]' OR NOT words <@ '{a,an,the,of,and,or,to,in,on,at,by,for,with}'::text[]) THEN '\m' || array_to_string(words, '\W+') || '\M'
  END;
  name text := '\m(?:' || array_to_string(ARRAY(
    SELECT word FROM unnest(words) WITH ORDINALITY AS word (word, position)
    WHERE word ~ '^[A-Z]' AND (position > 1 OR cardinality(words) = 1)
  ), '|') || ')\M';
BEGIN
  IF name = '\m(?:)\M' THEN
    name := NULL;
  END IF;
  IF phrase IS NULL AND name IS NULL THEN
    RETURN;
  END IF;
  RETURN QUERY EXECUTE format($query$
    SELECT found.id, found.place, found.score
    FROM (
      SELECT m.id, m.ctid AS place,
        COALESCE((m.text ~* $3)::integer + (m.text ~ $3)::integer, 0) + COALESCE((m.text ~ $4)::integer, 0)
          + COALESCE((m.text ~ ('[^\s.!?]\s+' || $4))::integer, 0) + 1 / (1 + ln(1 + length(m.text)))::float8 AS score
      FROM memory_items AS m
      WHERE (m.text ~* $3 OR m.text ~ $4) AND (%s) AND ($7 IS NULL OR m.search_vector @@ $7)
      LIMIT $5
    ) AS found
    ORDER BY found.score DESC, found.id COLLATE "C"
    LIMIT $6
    $query$, condition)
  USING query_tags, filter, phrase, name, most_rows, k, required;
END
$$;
--> statement-breakpoint
-- source: src/sql/search/words/trigram_similarity.sql
-- How alike two words are by their trigrams, 0 to 1: pg_trgm's similarity(), bound when this is made, so that SECURITY
-- DEFINER functions need not have the extension's schema in their path.
CREATE OR REPLACE FUNCTION trigram_similarity(one text, other text)
RETURNS real
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN similarity(one, other);

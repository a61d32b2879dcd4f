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
-- source: src/sql/search/words/without_function_words.sql
-- The words of a query in a language in Latin letters without the stop words of that language, which is the one that has most
-- of them among the query's words: in a database of many languages they would count as rare. All words if none is left.
CREATE OR REPLACE FUNCTION without_function_words(words tsvector, query_text text)
RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
  stemmers CONSTANT regdictionary[] := '{german_stem,spanish_stem,french_stem,italian_stem,portuguese_stem,dutch_stem,swedish_stem,danish_stem,norwegian_stem,finnish_stem,hungarian_stem,turkish_stem}';
  said text[] := ARRAY(SELECT DISTINCT lower(hit[1]) FROM regexp_matches(left(query_text, 2000), '([[:alpha:]]+)', 'g') AS hit);
  function_words text[];
  left_over tsvector;
BEGIN
  SELECT array_agg(word) INTO function_words
  FROM unnest(stemmers) WITH ORDINALITY AS stemmer (dictionary, place) CROSS JOIN unnest(said) AS word
  WHERE ts_lexize(stemmer.dictionary, word) = '{}'
  GROUP BY stemmer.place
  ORDER BY count(*) DESC, stemmer.place
  LIMIT 1;
  IF function_words IS NULL THEN
    RETURN words;
  END IF;
  left_over := ts_delete(words, ARRAY(
    SELECT entry.lexeme FROM unnest(function_words) AS word CROSS JOIN LATERAL unnest(to_tsvector('opa_plain'::regconfig, unify_text(word))) AS entry
  ));
  RETURN CASE WHEN left_over = '' THEN words ELSE left_over END;
END
$$;
--> statement-breakpoint
-- source: src/sql/search/words/word_edits.sql
-- What a word may have been meant to be that was typed with one mistake: two neighbours swapped, one vowel for another, a
-- letter doubled or not (kind 0, the commonest), or any letter left out, added or typed for another (kind 1).
CREATE OR REPLACE FUNCTION word_edits(word text)
RETURNS TABLE (edit text, kind integer)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 500
AS $$
  WITH letter AS (
    SELECT unnest(string_to_array(CASE WHEN word ~ '[\u0430-\u044f]' THEN 'абвгдежзийклмнопрстуфхцчшщъыьэюя' ELSE 'abcdefghijklmnopqrstuvwxyz' END, NULL)) AS letter
  ), cut AS (
    SELECT left(word, i) AS head, substr(word, i + 1, 1) AS next, substr(word, i + 2) AS rest, substr(word, i + 1) AS tail
    FROM generate_series(0, length(word)) AS i
  )
  SELECT edits.edit, min(edits.kind)
  FROM (
    SELECT head || left(rest, 1) || next || substr(rest, 2), 0 FROM cut WHERE rest <> ''
    UNION ALL
    SELECT head || rest, CASE WHEN right(head, 1) = next THEN 0 ELSE 1 END FROM cut WHERE next <> ''
    UNION ALL
    SELECT head || letter || rest, CASE WHEN letter ~ '[aeiouyаеиоуыэюя]' AND next ~ '[aeiouyаеиоуыэюя]' THEN 0 ELSE 1 END FROM cut, letter WHERE next <> ''
    UNION ALL
    SELECT head || letter || tail, CASE WHEN right(head, 1) = letter THEN 0 ELSE 1 END FROM cut, letter
  ) AS edits (edit, kind)
  WHERE edits.edit <> word
  GROUP BY edits.edit
$$;
--> statement-breakpoint
-- source: src/sql/search/highlight/mark_token.sql
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
--> statement-breakpoint
-- source: src/sql/search/highlight/matching_lexeme.sql
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
--> statement-breakpoint
-- source: src/sql/search/highlight/shown_text.sql
-- A piece of a text as highlight shows it: escaped for HTML where that was asked for.
CREATE OR REPLACE FUNCTION shown_text(piece text, as_html boolean)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT CASE WHEN as_html THEN
    replace(replace(replace(replace(replace(piece, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#39;')
  ELSE piece END
$$;
--> statement-breakpoint
-- path: schema
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema')), quote_ident(current_setting('opa.schema') || '_opa'), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/search/highlight/api/highlight.sql
-- The part of a text that answers a query best, its matching words between start_tag and stop_tag. Words match as in
-- bm25_search: in every form and language, by a part of a compound, corrected. Of scripts without spaces the matching
-- characters are marked. The query is taken as prose: what it excludes is in no result.
--
-- max_words: how long the part may be; 0 gives the whole text
-- filter: that of the search (without after and what hybrid_search has of its own): a word that no row which passes it has is
--   corrected as there
-- as_html: true escapes the text (&, <, >, " and '), not the tags
-- A document of more than 64 KiB, the longest memory, is refused.
CREATE OR REPLACE FUNCTION highlight(
  document text, query_text text, start_tag text DEFAULT '<b>', stop_tag text DEFAULT '</b>', max_words integer DEFAULT 35,
  filter jsonb DEFAULT '{}', as_html boolean DEFAULT false
)
RETURNS text
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  -- A token: a number, a letter with a number, initials, or letters and digits. All begin with a letter or a digit.
  tokens CONSTANT text := '([^[:alnum:]]*)(\d+(?:[.,]\d+)+|[A-Za-z]{1,5}-\d{1,6}[A-Za-z]?(?![[:alnum:]])|(?:[A-Za-z]\.){2,}|[[:alnum:]\u0300-\u036f\u0900-\u109f\u1780-\u17d3]+)';
  condition text;
  words text[];
  marked record;
  shown text := '';
BEGIN
  IF num_nulls(document, query_text, start_tag, stop_tag) > 0 THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
      MESSAGE = 'highlight: document, query_text, start_tag and stop_tag must be text, got a null among them';
  END IF;
  IF max_words IS NULL OR max_words NOT BETWEEN 0 AND 1000 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('highlight: max_words must be from 0 to 1000, got %s', COALESCE(max_words::text, 'null'));
  END IF;
  IF octet_length(document) > 65536 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('highlight: document must have at most 65536 bytes, got %s', octet_length(document));
  END IF;
  PERFORM check_query_text('highlight', query_text);
  filter := COALESCE(filter, '{}');
  condition := memory_filter_condition('{}', filter);
  words := (bm25_query(query_text, condition, '{}', filter || '{"operators": false}')).words;

  WITH token AS MATERIALIZED (
    SELECT hit[1] AS gap, hit[2] AS token, place::integer
    FROM regexp_matches(document, tokens, 'g') WITH ORDINALITY AS hit (hit, place)
  ), matching AS MATERIALIZED (
    SELECT known.token, known.lexeme
    FROM (SELECT DISTINCT token FROM token) AS distinct_token
    CROSS JOIN LATERAL (SELECT distinct_token.token, matching_lexeme(distinct_token.token, words) AS lexeme) AS known
    WHERE known.lexeme IS NOT NULL
  ), hit AS MATERIALIZED (
    SELECT token.place, matching.lexeme FROM token JOIN matching ON matching.token = token.token ORDER BY token.place LIMIT 1000
  ), best AS (
    -- The window with the most different words of the query, the first of them; it begins some words before its first hit.
    SELECT first.place AS first, max(other.place) AS last
    FROM (SELECT * FROM hit LIMIT 200) AS first
    JOIN hit AS other ON other.place BETWEEN first.place AND first.place + max_words - 1
    GROUP BY first.place
    ORDER BY count(DISTINCT other.lexeme) DESC, first.place LIMIT 1
  ), span AS (
    SELECT CASE WHEN max_words = 0 OR max_words >= (SELECT count(*) FROM token) THEN 1
      ELSE greatest(1, least(
        COALESCE(best.first - (max_words - 1 - best.last + best.first) / 2, 1), (SELECT count(*) FROM token) - max_words + 1)) END AS first
    FROM (SELECT) AS one LEFT JOIN best ON true
  )
  SELECT string_agg(
      CASE WHEN token.place = span.first AND span.first > 1 THEN '' ELSE shown_text(token.gap, as_html) END
      || CASE WHEN matching.lexeme IS NULL THEN shown_text(token.token, as_html)
         ELSE mark_token(token.token, words, start_tag, stop_tag, as_html) END, '' ORDER BY token.place) AS text,
    max(token.place) = (SELECT count(*) FROM token) AS has_end, max(char_length) AS char_length
  INTO marked
  FROM span
  JOIN token ON token.place >= span.first AND (max_words = 0 OR token.place < span.first + max_words)
  LEFT JOIN matching ON matching.token = token.token
  CROSS JOIN (SELECT sum(length(gap) + length(token.token)) AS char_length FROM token) AS all_tokens;
  IF marked.text IS NULL THEN
    RETURN shown_text(document, as_html);
  END IF;
  -- What follows the last token belongs to the end.
  RETURN marked.text || CASE WHEN marked.has_end THEN shown_text(substr(document, marked.char_length::integer + 1), as_html) ELSE '' END;
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/search/filter/as_of_condition.sql
-- The part of memory_filter_condition that filter.as_of decides: which of the rows that replaced one another counts.
-- Null where all of them do.
CREATE OR REPLACE FUNCTION as_of_condition(filter jsonb)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
  as_of CONSTANT jsonb := filter -> 'as_of';
  known text;
  valid text;
BEGIN
  IF as_of IS NULL THEN
    RETURN CASE WHEN (filter -> 'superseded')::boolean IS NOT TRUE THEN 'm.superseded_at IS NULL' END;
  END IF;
  IF jsonb_typeof(as_of) = 'string' THEN
    PERFORM filter_time(filter, 'as_of');
    known := 'utc_time($2 ->> ''as_of'')';
  ELSIF jsonb_typeof(as_of) = 'object' AND as_of <> '{}' AND as_of - '{known,valid}'::text[] = '{}' THEN
    PERFORM filter_time(jsonb_build_object('as_of.' || given.key, given.value), 'as_of.' || given.key)
    FROM jsonb_each(as_of) AS given;
    known := CASE WHEN as_of ? 'known' THEN 'utc_time($2 #>> ''{as_of,known}'')' END;
    valid := CASE WHEN as_of ? 'valid' THEN 'utc_time($2 #>> ''{as_of,valid}'')' END;
  ELSE
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter.as_of must be a time, or {"known": time, "valid": time} with one of them or both, got %s', left(as_of::text, 60));
  END IF;
  RETURN concat_ws(' AND ',
    'm.created_at <= ' || known,
    CASE WHEN valid IS NULL THEN format('(m.superseded_at IS NULL OR m.superseded_at > %s)', known) END,
    CASE WHEN valid IS NOT NULL THEN format('(m.valid_from IS NULL OR m.valid_from <= %s)', valid) END,
    CASE WHEN valid IS NOT NULL THEN
      format('(m.valid_to IS NULL OR m.valid_to > %s%s)', valid, ' OR m.superseded_at > ' || known)
    END);
END
$$;
--> statement-breakpoint
-- source: src/sql/search/filter/check_filter_texts.sql
-- Refuses an array of a filter that has anything but strings in it.
CREATE OR REPLACE FUNCTION check_filter_texts(filter jsonb, key text)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  -- Strict, because a lax path would look into an array among the elements.
  IF jsonb_typeof(filter -> key) = 'array' AND jsonb_path_exists(filter -> key, 'strict $[*] ? (@.type() != "string")') THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter.%s must be an array of strings, got %s', key, left((filter -> key)::text, 60));
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/search/filter/check_filter_value.sql
-- Refuses a filter value of the wrong type, by name. An absent key is fine; a null is not, because a caller who passes
-- one by mistake would get everybody's rows.
CREATE OR REPLACE FUNCTION check_filter_value(filter jsonb, key text, expected text)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  came text := jsonb_typeof(filter -> key);
BEGIN
  IF came IS NULL OR came = expected THEN
    RETURN;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
    MESSAGE = format('filter.%s must be %s, got %s', key,
      CASE expected WHEN 'array' THEN 'an array of strings' WHEN 'object' THEN 'an object' ELSE 'a ' || expected END,
      CASE came WHEN 'null' THEN 'null' ELSE came || ' ' || left((filter -> key)::text, 60) END);
END
$$;
--> statement-breakpoint
-- source: src/sql/search/filter/column_comparison.sql
-- One operator of filter.where on a column of memory_items, as SQL; type is text, real or timestamptz. Texts are ordered by
-- their bytes.
CREATE OR REPLACE FUNCTION column_comparison(field text, type text, operator text, value jsonb, place text[])
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
#variable_conflict use_variable
DECLARE
  shown CONSTANT text := array_to_string(place[1:8], '.');
  expected CONSTANT text := CASE type WHEN 'real' THEN 'number' ELSE 'string' END;
  col CONSTANT text := format('m.%I', field);
  is_time CONSTANT boolean := type = 'timestamptz';
  given CONSTANT text := format(CASE WHEN is_time THEN 'utc_time($2 #>> %L)' ELSE '($2 #>> %L)::%s' END, place, type);
  list CONSTANT text := format(CASE WHEN is_time THEN 'ARRAY(SELECT utc_time(jsonb_array_elements_text($2 #> %L)))'
    ELSE 'ARRAY(SELECT jsonb_array_elements_text($2 #> %L)::%s)' END, place, type);
  bytewise CONSTANT text := CASE type WHEN 'text' THEN ' COLLATE "C"' ELSE '' END;
  one jsonb;
BEGIN
  IF operator = 'exists' THEN
    IF jsonb_typeof(value) <> 'boolean' THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('filter.%s must be true or false, got %s', shown, left(value::text, 60));
    END IF;
    RETURN format('(%s IS NOT NULL) = ($2 #>> %L)::boolean', col, place);
  END IF;
  IF operator IN ('in', 'not_in') AND jsonb_typeof(value) <> 'array' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('filter.%s must be an array, got %s', shown, left(value::text, 60));
  END IF;
  FOR one IN SELECT element FROM jsonb_array_elements(CASE WHEN operator IN ('in', 'not_in') THEN value ELSE jsonb_build_array(value) END) AS element LOOP
    IF jsonb_typeof(one) <> expected THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('filter.%s must be a %s, got %s', shown, expected, left(one::text, 60));
    END IF;
    IF is_time THEN
      PERFORM filter_time(jsonb_build_object(shown, one), shown);
    ELSIF type = 'real' AND NOT (one::numeric = 0 OR abs(one::numeric) BETWEEN 1e-37 AND 1e37) THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('filter.%s must be a number that a real can hold, got %s', shown, left(one::text, 60));
    END IF;
  END LOOP;
  RETURN CASE operator
    WHEN 'eq' THEN format('%s = %s', col, given)
    WHEN 'ne' THEN format('%s IS DISTINCT FROM %s', col, given)
    WHEN 'in' THEN format('%s = ANY (%s)', col, list)
    WHEN 'not_in' THEN format('(%s = ANY (%s)) IS NOT TRUE', col, list)
    ELSE format('%s%s %s %s', col, bytewise, CASE operator WHEN 'gt' THEN '>' WHEN 'gte' THEN '>=' WHEN 'lt' THEN '<' ELSE '<=' END, given)
  END;
END
$$;
--> statement-breakpoint
-- source: src/sql/search/filter/estimate_filter.sql
-- The share of memory_items that a filter passes, and whether an index can find them: the planner's own estimate for
-- this very condition, which knows the commonest tags and namespaces and costs no reading.
-- Planning takes longer than many a search, so the session keeps what it was told for a minute, in one of 64 settings
-- that the filter's hash chooses. A hash, so that whoever uses the session next reads nobody's filter there. An old
-- estimate, or another filter's, can make a search slow and never wrong.
-- (VOLATILE only because EXPLAIN demands it.)
CREATE OR REPLACE FUNCTION estimate_filter(
  condition text, query_tags text[], filter jsonb, required tsquery, OUT share float8, OUT has_index boolean
)
LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off
AS $$
DECLARE
  seconds_kept CONSTANT float8 := 60;
  asked CONSTANT bigint := hashtextextended(concat_ws(' ', condition, query_tags, filter - '{fuzzy,after}'::text[], required), 0);
  setting CONSTANT text := 'opa.filter_' || (asked & 63);
  moment CONSTANT float8 := extract(epoch FROM now());
  kept CONSTANT float8[] := string_to_array(nullif(current_setting(setting, true), ''), ' ');
  plan json;
  all_rows float8;
BEGIN
  IF kept[1] = asked AND moment - kept[2] BETWEEN 0 AND seconds_kept THEN
    share := kept[3];
    has_index := kept[4] = 1;
    RETURN;
  END IF;
  EXECUTE format('EXPLAIN (FORMAT json) SELECT FROM memory_items AS m WHERE (%s) AND ($3 IS NULL OR m.search_vector @@ $3)', condition)
    INTO plan USING query_tags, filter, required;
  SELECT greatest(reltuples, 1) INTO all_rows FROM pg_catalog.pg_class WHERE oid = 'memory_items'::regclass;
  share := least(1, (plan #>> '{0,Plan,Plan Rows}')::float8 / all_rows);
  has_index := plan #>> '{0,Plan,Node Type}' <> 'Seq Scan';
  PERFORM set_config(setting, concat_ws(' ', asked::float8, moment, share, has_index::integer), false);
END
$$;
--> statement-breakpoint
-- source: src/sql/search/filter/filter_time.sql
-- The expression for a time in a filter, which is $2: the time is refused unless it is ISO 8601, and is in UTC where it
-- says no zone, so that it means the same in every session. The pattern comes first, because PostgreSQL's own input would
-- also take 'yesterday', 'now', 'infinity' and 01/02/2026.
CREATE OR REPLACE FUNCTION filter_time(filter jsonb, key text)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
  came text := filter ->> key;
BEGIN
  IF came ~ '^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?\s?(Z|[+-]\d{2}(:?\d{2})?)?)?$' THEN
    PERFORM came::timestamptz;
    RETURN CASE
      WHEN came ~ ':.*(Z|[+-]\d{2}(:?\d{2})?)$' THEN format('($2 ->> %L)::timestamptz', key)
      ELSE format('($2 ->> %L)::timestamp AT TIME ZONE %L', key, 'UTC')
    END;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'invalid_datetime_format';
EXCEPTION
  WHEN data_exception THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter.%s must be an ISO 8601 time such as 2026-01-31T09:00:00Z, got "%s"', key, left(came, 60));
END
$$;
--> statement-breakpoint
-- source: src/sql/search/filter/memory_filter_condition.sql
-- The condition under which a row of memory_items (alias m) passes the caller's filters, as SQL that names the values
-- only as parameters: $1 is query_tags, $2 is filter. Conditions that were not asked for are left out, so that the
-- planner sees just the ones that count. Every search builds its query on this, and every check of a filter is here.
--
-- options: the keys beyond the common ones that the calling function supports.
--
-- filter.expired, filter.superseded: true where expired or superseded rows count as well; only where options name them.
-- filter.granted: what filter_by_grants says that a role may see; it only ever narrows.
-- filter.as_of: a timestamp: what was known then, so not yet superseded; or {"known": timestamp, "valid": timestamp}, where
-- valid asks what was true then, by valid_from and valid_to. Asked for both, the end of a validity counts only if it was
-- known: superseding sets it. Expired rows are never returned.
CREATE OR REPLACE FUNCTION memory_filter_condition(query_tags text[], filter jsonb, options text[] DEFAULT '{}')
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
  common constant text[] := '{namespace,speaker_id,all_tags,since,until,metadata,ids,fuzzy,operators,prefix,min_match,namespaces,namespace_under,where,as_of}';
  most_tags constant integer := 1000;
  conditions text[] := '{}';
  unknown text;
BEGIN
  IF array_position(query_tags, NULL) IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'query_tags must be strings, got a null among them';
  END IF;
  IF cardinality(query_tags) > most_tags THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('query_tags must have at most %s tags, got %s', most_tags, cardinality(query_tags));
  END IF;
  IF jsonb_typeof(filter) <> 'object' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter must be a JSON object, got %s %s', jsonb_typeof(filter), left(filter::text, 60));
  END IF;
  IF filter - 'fuzzy' <> '{}' OR jsonb_typeof(filter -> 'fuzzy') <> 'boolean' THEN
    SELECT given.key INTO unknown
    FROM jsonb_object_keys(filter) AS given (key)
    WHERE given.key <> ALL (common || options || '{granted}'::text[])
    ORDER BY given.key COLLATE "C"
    LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('filter has the key "%s", expected only: %s', left(unknown, 60), array_to_string(common || options, ', '));
    END IF;
    PERFORM check_filter_value(filter, key, expected)
    FROM unnest(
      '{namespace,speaker_id,all_tags,since,until,metadata,ids,fuzzy,operators,prefix,min_match,namespaces,namespace_under,where,expired,superseded}'::text[],
      '{string,string,boolean,string,string,object,array,boolean,boolean,boolean,number,array,string,object,boolean,boolean}'::text[]
    ) AS value (key, expected)
    WHERE jsonb_typeof(filter -> key) <> expected;
    IF (filter ->> 'min_match')::numeric NOT BETWEEN 0 AND 1 THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('filter.min_match must be from 0 to 1, got %s', left(filter ->> 'min_match', 60));
    END IF;
    IF filter ?| '{ids,namespaces}' THEN
      PERFORM check_filter_texts(filter, 'ids'), check_filter_texts(filter, 'namespaces');
    END IF;
  END IF;

  IF (filter -> 'expired')::boolean IS NOT TRUE THEN
    conditions := ARRAY['(m.expires_at IS NULL OR m.expires_at > now())'];
  END IF;
  IF cardinality(query_tags) > 0 THEN
    conditions := conditions || CASE WHEN (filter -> 'all_tags')::boolean THEN 'm.tags @> $1' ELSE 'm.tags && $1' END;
  END IF;
  IF filter ? 'namespace' THEN
    conditions := conditions || 'm.namespace = ($2 ->> ''namespace'')'::text;
  END IF;
  IF filter ? 'namespaces' THEN
    conditions := conditions || 'm.namespace = ANY (ARRAY(SELECT jsonb_array_elements_text($2 -> ''namespaces'')))'::text;
  END IF;
  IF filter ? 'namespace_under' THEN
    conditions := conditions || '(m.namespace = ($2 ->> ''namespace_under'') OR starts_with(m.namespace, ($2 ->> ''namespace_under'') || ''/''))'::text;
  END IF;
  IF filter ? 'granted' THEN
    conditions := conditions || ('(m.namespace = ANY (ARRAY(SELECT jsonb_array_elements_text($2 #> ''{granted,namespaces}'')))'
      || CASE WHEN filter #> '{granted,below}' = '[]' THEN '' ELSE
        ' OR is_below(m.namespace, ARRAY(SELECT jsonb_array_elements_text($2 #> ''{granted,below}'')))' END || ')');
  END IF;
  IF filter ? 'speaker_id' THEN
    conditions := conditions || 'm.speaker_id = ($2 ->> ''speaker_id'')'::text;
  END IF;
  IF filter ? 'since' THEN
    conditions := conditions || ('m.created_at >= ' || filter_time(filter, 'since'));
  END IF;
  IF filter ? 'until' THEN
    conditions := conditions || ('m.created_at < ' || filter_time(filter, 'until'));
  END IF;
  IF filter ? 'metadata' THEN
    conditions := conditions || 'm.metadata @> ($2 -> ''metadata'')'::text;
  END IF;
  IF filter ? 'ids' THEN
    conditions := conditions || 'm.id = ANY (ARRAY(SELECT jsonb_array_elements_text($2 -> ''ids'')))'::text;
  END IF;
  IF filter ? 'where' THEN
    conditions := conditions || (where_condition(filter -> 'where', '{where}', 0, 0)).condition;
  END IF;
  conditions := conditions || CASE WHEN filter ?| '{as_of,superseded}' THEN as_of_condition(filter) ELSE 'm.superseded_at IS NULL' END;
  RETURN COALESCE(NULLIF(array_to_string(conditions, ' AND '), ''), 'true');
END
$$;
--> statement-breakpoint
-- source: src/sql/search/filter/metadata_comparison.sql
-- One operator of filter.where on a path into metadata, as SQL. eq and in ask for containment, which the GIN index on metadata
-- answers; not where an element of the path could be the index of an array, which containment has no word for. Of a string, a
-- number, a boolean or null it is equality; of anything else equality is asked for as well.
-- Order is asked only among values of one type: a number is neither below nor above a string.
--
-- Written so that the planner, whose estimate bm25_find and vector_search choose by, is not misled: jsonb_set is immutable, so
-- that what is contained is looked up in the statistics (jsonb_build_object is not: one in 4,000 instead of one in 20), and CASE
-- counts as a half, where two conditions that nothing is known of make one in 600.
CREATE OR REPLACE FUNCTION metadata_comparison(path text[], operator text, value jsonb, place text[])
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
#variable_conflict use_variable
DECLARE
  shown CONSTANT text := 'filter.' || array_to_string(place[1:8], '.');
  given CONSTANT text := format('($2 #> %L)', place);
  found CONSTANT text := format('(m.metadata #> %L)', path);
  is_indexed CONSTANT boolean := NOT EXISTS (SELECT FROM unnest(path) AS key WHERE key ~ '^-?\d+$');
  came CONSTANT text := jsonb_typeof(value);
  frame CONSTANT jsonb := (
    SELECT (string_agg('{' || to_json(key) || ':', '' ORDER BY place) || 'null' || repeat('}', count(*)::integer))::jsonb
    FROM unnest(path) WITH ORDINALITY AS step (key, place)
  );
  -- The value at the end of the path is put into an object for each key before it.
  -- A pattern for format(), in which a percent sign of a key is doubled.
  nested CONSTANT text := replace(format('jsonb_set(%L::jsonb, %L, ', frame, path), '%', '%%') || '%s)';
  is_scalar CONSTANT boolean := came NOT IN ('object', 'array')
    OR operator = 'in' AND came = 'array' AND NOT jsonb_path_exists(value, 'strict $[*] ? (@.type() == "object" || @.type() == "array")');
  -- So many values are written out, so that their number is known.
  most_listed CONSTANT integer := 16;
  contained text;
BEGIN
  IF operator IN ('in', 'not_in') AND came <> 'array' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('%s must be an array, got %s', shown, left(value::text, 60));
  ELSIF operator IN ('gt', 'gte', 'lt', 'lte') AND came NOT IN ('number', 'string') THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('%s must be a number or a string, got %s', shown, left(value::text, 60));
  ELSIF operator = 'exists' AND came <> 'boolean' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('%s must be true or false, got %s', shown, left(value::text, 60));
  END IF;
  IF is_indexed AND operator = 'eq' THEN
    contained := format('m.metadata @> ' || nested, given);
  ELSIF is_indexed AND operator = 'in' THEN
    contained := format('m.metadata @> ANY (ARRAY%s)', CASE WHEN jsonb_array_length(value) BETWEEN 1 AND most_listed THEN (
      SELECT '[' || string_agg(format(nested, format('(%s -> %s)', given, i)), ', ' ORDER BY i) || ']'
      FROM generate_series(0, jsonb_array_length(value) - 1) AS i
    ) ELSE format('(SELECT ' || nested || ' FROM jsonb_array_elements(%s) AS one)', 'one.value', given) END);
  END IF;
  RETURN CASE operator
    WHEN 'eq' THEN concat_ws(' AND ', contained, CASE WHEN contained IS NULL OR NOT is_scalar THEN format('%s = %s', found, given) END)
    WHEN 'in' THEN concat_ws(' AND ', contained,
      CASE WHEN contained IS NULL OR NOT is_scalar THEN format('%s = ANY (ARRAY(SELECT jsonb_array_elements(%s)))', found, given) END)
    WHEN 'ne' THEN format('%s IS DISTINCT FROM %s', found, given)
    WHEN 'not_in' THEN format('(%s = ANY (ARRAY(SELECT jsonb_array_elements(%s)))) IS NOT TRUE', found, given)
    WHEN 'contains' THEN format('%s @> %s', found, given)
    WHEN 'exists' THEN format('(%s IS NOT NULL) = %s::boolean', found, given)
    ELSE format('CASE WHEN jsonb_typeof(%1$s) = jsonb_typeof(%2$s) THEN %1$s %3$s %2$s ELSE false END', found, given,
      CASE operator WHEN 'gt' THEN '>' WHEN 'gte' THEN '>=' WHEN 'lt' THEN '<' ELSE '<=' END)
  END;
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- path: of the functions above
ALTER FUNCTION highlight(document text, query_text text, start_tag text, stop_tag text, max_words integer, filter jsonb, as_html boolean) SET search_path FROM CURRENT;

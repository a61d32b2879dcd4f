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
-- source: src/sql/memory/metadata_comparison.sql
-- One operator of filter.where on a path into metadata, as SQL. eq and in ask for containment as well, which the GIN index
-- on metadata answers; not where an element of the path could be the index of an array, which containment has no word for.
-- Order is asked only among values of one type: a number is neither below nor above a string.
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
  -- The value at the end of the path, in an object for each key before it.
  nested text := CASE operator WHEN 'in' THEN 'one.value' ELSE given END;
BEGIN
  IF operator IN ('in', 'not_in') AND came <> 'array' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('%s must be an array, got %s', shown, left(value::text, 60));
  ELSIF operator IN ('gt', 'gte', 'lt', 'lte') AND came NOT IN ('number', 'string') THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('%s must be a number or a string, got %s', shown, left(value::text, 60));
  ELSIF operator = 'exists' AND came <> 'boolean' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('%s must be true or false, got %s', shown, left(value::text, 60));
  END IF;
  FOR at IN REVERSE cardinality(path) .. 1 LOOP
    nested := format('jsonb_build_object(%L, %s)', path[at], nested);
  END LOOP;
  RETURN CASE operator
    WHEN 'eq' THEN
      CASE WHEN is_indexed THEN format('m.metadata @> %s AND ', nested) ELSE '' END || format('%s = %s', found, given)
    WHEN 'ne' THEN format('%s IS DISTINCT FROM %s', found, given)
    WHEN 'in' THEN
      CASE WHEN is_indexed THEN
        format('m.metadata @> ANY (ARRAY(SELECT %s FROM jsonb_array_elements(%s) AS one)) AND ', nested, given)
      ELSE '' END || format('%s = ANY (ARRAY(SELECT jsonb_array_elements(%s)))', found, given)
    WHEN 'not_in' THEN format('(%s = ANY (ARRAY(SELECT jsonb_array_elements(%s)))) IS NOT TRUE', found, given)
    WHEN 'contains' THEN format('%s @> %s', found, given)
    WHEN 'exists' THEN format('(%s IS NOT NULL) = %s::boolean', found, given)
    ELSE format('(jsonb_typeof(%1$s) = jsonb_typeof(%2$s) AND %1$s %3$s %2$s)', found, given,
      CASE operator WHEN 'gt' THEN '>' WHEN 'gte' THEN '>=' WHEN 'lt' THEN '<' ELSE '<=' END)
  END;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/name_embedding_model.sql
-- Gives the current model its name, which it does not have yet. Of two writers that name it at the same moment, the
-- second waits, and is refused if it named another.
CREATE OR REPLACE FUNCTION name_embedding_model(what text, given text)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
  model record;
BEGIN
  UPDATE embedding_models SET name = given WHERE state = 'current' AND name IS NULL;
  IF NOT FOUND THEN
    INSERT INTO embedding_models (id, name, dimensions, state)
    SELECT id, given, dimensions, 'current' FROM current_embedding_model() WHERE name IS NULL
    ON CONFLICT DO NOTHING;
  END IF;
  SELECT * INTO model FROM current_embedding_model();
  IF model.name <> given THEN
    PERFORM wrong_embedding(what, model.name, model.dimensions, given, model.dimensions);
  END IF;
END
$$;
--> statement-breakpoint
-- path: definer
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), 'pg_catalog', 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/memory/nearest_lexeme.sql
-- The lexeme of the corpus that is most like one that nobody wrote, or null when none is similar enough. A word with a
-- digit is never replaced: 2024 is not a misspelt 2023. Words that were written since the last fold are in the log, which
-- has no index for this: of them only those with the same first letter are compared, and where bulk statements wrote
-- many of these only some thousand, so that a misspelt word never costs what a large backlog holds.
-- SECURITY DEFINER, because nobody may read the vocabulary: it gives one word for one word, and none to a role that
-- row-level security keeps from some rows, because the word may be in those alone.
CREATE OR REPLACE FUNCTION nearest_lexeme(lexeme text)
RETURNS text
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
SET search_path FROM CURRENT
SET enable_seqscan = off
AS $$
DECLARE
  least_similarity CONSTANT real := 0.4;
  most_chunks CONSTANT integer := 16; -- of 64 words
  letter CONSTANT text := left(nearest_lexeme.lexeme, 1);
  after_letter CONSTANT text := letter || chr(1114111);
  threshold_before text;
  similar_lexemes text[];
  counted record;
BEGIN
  IF nearest_lexeme.lexeme ~ '\d' OR is_isolated_session() THEN
    RETURN NULL;
  END IF;
  -- The operator % can use the index, and takes its threshold from a setting (which is not SET on the function, because
  -- only a superuser may do that before pg_trgm is loaded). Asking for a similarity loads it.
  PERFORM trigram_similarity('', '');
  threshold_before := current_setting('pg_trgm.similarity_threshold');
  PERFORM set_config('pg_trgm.similarity_threshold', least_similarity::text, true);
  WITH log AS MATERIALIZED (
    SELECT entries.xid, entries.entry, entries.lexemes FROM search_log_entries() AS entries
  ), logged AS (
    SELECT unnest(tsvector_to_array(log.lexemes)) AS lexeme FROM log
    UNION ALL
    -- A chunk is a sorted part of an entry: these may have words with the letter.
    SELECT unnest(newest.lexemes)
    FROM (
      SELECT chunk.lexemes
      FROM log
      CROSS JOIN LATERAL (
        SELECT chunk.lexemes FROM search_log_lexemes AS chunk
        WHERE chunk.xid = log.xid AND chunk.entry = log.entry AND chunk.first_lexeme < after_letter
          AND chunk.first_lexeme >= COALESCE((
            SELECT max(before.first_lexeme) FROM search_log_lexemes AS before
            WHERE before.xid = log.xid AND before.entry = log.entry AND before.first_lexeme <= letter
          ), letter)
        LIMIT most_chunks
      ) AS chunk
      ORDER BY log.entry DESC
      LIMIT most_chunks
    ) AS newest
  )
  SELECT array_agg(DISTINCT written.lexeme)
  INTO similar_lexemes
  FROM (
    SELECT folded.lexeme FROM search_vocabulary AS folded WHERE is_trigram_similar(folded.lexeme, nearest_lexeme.lexeme)
    UNION ALL
    SELECT logged.lexeme
    FROM logged
    WHERE starts_with(logged.lexeme, letter) AND strpos(logged.lexeme, chr(1)) = 0
      AND is_trigram_similar(logged.lexeme, nearest_lexeme.lexeme)
  ) AS written;
  PERFORM set_config('pg_trgm.similarity_threshold', threshold_before, true);

  counted := read_search_statistics(COALESCE(similar_lexemes, '{}'));
  RETURN (
    SELECT candidate.lexeme
    FROM unnest(similar_lexemes, counted.document_frequencies) AS candidate (lexeme, frequency)
    WHERE candidate.frequency > 0 AND trigram_similarity(candidate.lexeme, nearest_lexeme.lexeme) >= least_similarity
    ORDER BY trigram_similarity(candidate.lexeme, nearest_lexeme.lexeme) DESC, candidate.frequency DESC, candidate.lexeme COLLATE "C"
    LIMIT 1
  );
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/next_embedding_model.sql
-- The model that a change is under way to; nulls where there is none.
CREATE OR REPLACE FUNCTION next_embedding_model(
  OUT id integer, OUT name text, OUT dimensions integer, OUT since timestamptz
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
BEGIN
  SELECT model.id, model.name, model.dimensions, model.changed_at INTO id, name, dimensions, since
  FROM embedding_models AS model
  WHERE model.state = 'next';
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/memory/parse_search_query.sql
-- What a person's query asks for. Plain words are ranked and all optional; `"a phrase"` must occur and is ranked too;
-- `-word` and `-"a phrase"` must not occur. Anything else, an unclosed quote or a lone minus among it, is plain text.
--
-- lexemes: the lexemes to rank by, in byte order, each as often as the query says it: what is repeated counts more, as
--   in BM25's usual definition (measured on the collection cisi, whose questions are long: nDCG@10 0.42 against 0.33
--   with distinct lexemes). Empty for stop words alone.
-- required: what must hold, null where nothing must. Of so many words only, because PostgreSQL reads and evaluates a
--   tsquery by recursion, and one of thousands of words in a row would exceed the stack.
CREATE OR REPLACE FUNCTION parse_search_query(query_text text, OUT lexemes text[], OUT required tsquery)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  english constant regconfig := 'pg_catalog.english';
  rest text := query_text;
  phrases text[] := '{}';
  exclusions text[] := '{}';
  most_required constant integer := 1000;
  words bigint;
BEGIN
  -- A minus counts only at the start of a word: state-of-the-art excludes nothing.
  IF rest ~ '["-]' THEN
    exclusions := ARRAY(SELECT hit[1] FROM regexp_matches(rest, '(?<!\S)-"([^"]*)"', 'g') AS hit);
    rest := regexp_replace(rest, '(?<!\S)-"[^"]*"', ' ', 'g');
    phrases := ARRAY(SELECT hit[1] FROM regexp_matches(rest, '"([^"]*)"', 'g') AS hit);
    rest := regexp_replace(rest, '"[^"]*"', ' ', 'g');
    exclusions := exclusions || ARRAY(SELECT hit[1] FROM regexp_matches(rest, '(?<!\S)-([^\s-]\S*)', 'g') AS hit);
    rest := regexp_replace(rest, '(?<!\S)-[^\s-]\S*', ' ', 'g');
  END IF;

  lexemes := ARRAY(
    SELECT given.lexeme
    FROM unnest(to_tsvector(english, concat_ws(' ', rest, array_to_string(phrases, ' ')))) AS given
    CROSS JOIN LATERAL unnest(given.positions) AS occurrence
    ORDER BY given.lexeme COLLATE "C"
  );
  IF phrases || exclusions = '{}' THEN
    RETURN;
  END IF;
  -- Counted before the phrases are put together, as deep as they may be.
  SELECT count(*) INTO words
  FROM unnest(phrases || exclusions) AS given (text)
  CROSS JOIN LATERAL ts_parse('pg_catalog.default', given.text) AS token
  WHERE token.tokid <> 12; -- 12 is the space between words
  IF words > most_required THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('query_text must have at most %s words in phrases and exclusions, got %s', most_required, words);
  END IF;
  SELECT string_agg('(' || part.query::text || ')', ' & ')::tsquery INTO required
  FROM (
    SELECT phraseto_tsquery(english, phrase) FROM unnest(phrases) AS phrase
    UNION ALL
    SELECT !!phraseto_tsquery(english, exclusion) FROM unnest(exclusions) AS exclusion
  ) AS part (query)
  WHERE numnode(part.query) > 0;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/quote_lexeme.sql
-- A lexeme as the text of a tsquery that finds exactly it, whatever characters it has.
CREATE OR REPLACE FUNCTION quote_lexeme(lexeme text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT '''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || ''''
$$;
--> statement-breakpoint
-- source: src/sql/memory/store_embeddings_for.sql
-- Where rows keep vectors of so many dimensions. A vector is four bytes for each, and a row whose parts are larger
-- together than toast_tuple_target has the largest of them moved out of line. In line, keyword search reads the vector
-- with the page, and the exact scan needs no second read: right while several rows share a page. Out of line, a page
-- holds many rows however long the vectors are. Concerns rows that are written from now on.
CREATE OR REPLACE FUNCTION store_embeddings_for(dimensions integer)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  EXECUTE format('ALTER TABLE memory_items SET (toast_tuple_target = %s)',
    CASE WHEN dimensions <= 512 THEN 8160 ELSE 2560 END);
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/tags_comparison.sql
-- any, all or none of filter.where.tags, as SQL. Of an empty list a row has all and none, and not any.
CREATE OR REPLACE FUNCTION tags_comparison(operator text, value jsonb, place text[])
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
BEGIN
  IF jsonb_typeof(value) <> 'array' OR jsonb_path_exists(value, 'strict $[*] ? (@.type() != "string")') THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter.%s must be an array of strings, got %s', array_to_string(place[1:8], '.'), left(value::text, 60));
  END IF;
  RETURN format(
    CASE operator WHEN 'any' THEN 'm.tags && %1$s' WHEN 'all' THEN 'm.tags @> %1$s' ELSE 'NOT (m.tags && %1$s)' END,
    format('ARRAY(SELECT jsonb_array_elements_text($2 #> %L))', place)
  );
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/trigram_similarity.sql
-- How alike two words are by their trigrams, 0 to 1: pg_trgm's similarity(), bound when this is made, so that SECURITY
-- DEFINER functions need not have the extension's schema in their path.
CREATE OR REPLACE FUNCTION trigram_similarity(one text, other text)
RETURNS real
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN similarity(one, other);
--> statement-breakpoint
-- source: src/sql/memory/utc_time.sql
-- A time of a filter that filter_time let pass: in UTC where it says no zone.
CREATE OR REPLACE FUNCTION utc_time(value text)
RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
  WHEN value ~ ':.*(Z|[+-]\d{2}(:?\d{2})?)$' THEN value::timestamptz
  ELSE value::timestamp AT TIME ZONE 'UTC'
END;
--> statement-breakpoint
-- source: src/sql/memory/vector_rows.sql
-- The limit_rows rows nearest to the query by cosine, among those with an embedding that meet what the query text
-- requires (null: nothing) and pass the condition, which speaks of $1 (query_tags) and $2 (filter).
--
-- Never fewer than limit_rows when so many pass: an approximate index is asked only where many rows pass, and what it
-- leaves short is read exactly. Where few pass, the exact scan over them is both faster and complete (measured at
-- 200,000 rows with a filter that 0.1 % pass: HNSW with iterative scan took 50 ms for 7 of 10 rows).
CREATE OR REPLACE FUNCTION vector_rows(
  query_embedding vector, required tsquery, condition text, query_tags text[], limit_rows integer, filter jsonb
)
RETURNS TABLE (id text, similarity float8)
LANGUAGE plpgsql STABLE ROWS 10
AS $$
#variable_conflict use_column
DECLARE
  query constant vector := l2_normalize(query_embedding);
  index record;
  expression text;
  -- Up to so many rows the exact scan is the better choice. It costs about 1.3 microseconds a row that passes; the index
  -- some 6 ms at the least, and 11 microseconds for each row that it meets, twice limit_rows for each that passes of all.
  -- So they meet at 4000 rows, or where the square of the passing rows is 12 * limit_rows * all rows (measured on 100,000).
  few bigint;
  passing bigint;
  ids text[];
  similarities float8[];
  -- Under row-level security the planner cannot tell how few rows the policy lets pass, and would read the whole table.
  is_isolated constant boolean := row_security_active('memory_items');
  seqscan_before constant text := current_setting('enable_seqscan');
BEGIN
  condition := condition || CASE WHEN required IS NULL THEN '' ELSE ' AND m.search_vector @@ $3' END;

  IF is_isolated THEN
    PERFORM set_config('enable_seqscan', 'off', true);
  END IF;
  index := vector_index();
  few := greatest(4000, limit_rows, sqrt(12 * limit_rows * index.row_estimate));
  expression := embedding_expression(index.model);

  IF index.method IS NOT NULL AND index.row_estimate > few AND required IS NULL AND query_tags = '{}' AND filter - 'fuzzy' = '{}'
    AND NOT is_isolated
  THEN
    -- Nothing but expiry narrows the search: whoever is wrong about that is caught below, by too few rows.
    passing := index.row_estimate;
  ELSIF index.method IS NOT NULL THEN
    EXECUTE format(
      'SELECT count(*) FROM (SELECT FROM memory_items AS m WHERE (%s) IS NOT NULL AND %s LIMIT $4) AS passing',
      expression, condition
    )
    INTO passing
    USING query_tags, filter, required, few + 1;
  END IF;

  IF passing > few THEN
    SELECT array_agg(nearest.id), array_agg(nearest.similarity) INTO ids, similarities
    FROM vector_index_rows(query, required, condition, query_tags, limit_rows, filter,
      index.model, index.dimensions, index.method, index.lists) AS nearest;
    IF cardinality(ids) = limit_rows THEN
      IF is_isolated THEN
        PERFORM set_config('enable_seqscan', seqscan_before, true);
      END IF;
      RETURN QUERY SELECT * FROM unnest(ids, similarities);
      RETURN;
    END IF;
  END IF;

  RETURN QUERY EXECUTE format(
    $query$
      SELECT m.id, 1 - ((%1$s) <=> $4) AS similarity
      FROM memory_items AS m
      WHERE (%1$s) IS NOT NULL AND %2$s
      ORDER BY similarity DESC, m.id COLLATE "C"
      LIMIT $5
    $query$,
    expression, condition
  )
  USING query_tags, filter, required, query, limit_rows;
  IF is_isolated THEN
    PERFORM set_config('enable_seqscan', seqscan_before, true);
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/where_condition.sql
-- filter.where as SQL over memory_items (alias m), whose values are taken from $2, the filter, by their place in it. A
-- node is an object; all of its entries must hold:
--   and, or: an array of nodes · not: a node
--   a column: {operator: value, …}. Columns: id, namespace, speaker_id, document_id, superseded_by, importance, created_at,
--     updated_at, expires_at, valid_from, valid_to, tags
--   "metadata.a.b": {operator: value, …}, or "path": ["a", "b"] beside the operators, for keys that have a dot
-- What is not known is refused, never compared with. A row without the value meets ne, not_in and exists: false, and no
-- other operator; not is the complement of its node.
CREATE OR REPLACE FUNCTION where_condition(
  node jsonb, place text[], depth integer, INOUT count integer, OUT condition text
)
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
#variable_conflict use_column
DECLARE
  most_conditions CONSTANT integer := 1000;
  deepest CONSTANT integer := 32;
  shown CONSTANT text := 'filter.' || array_to_string(place[1:8], '.');
  conditions text[] := '{}';
  parts text[];
  entry record;
  part record;
  inner_part record;
BEGIN
  IF depth > deepest THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter.where may be nested %s deep, got more', deepest);
  END IF;
  IF jsonb_typeof(node) IS DISTINCT FROM 'object' OR node = '{}' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s must be an object with a condition, got %s', shown, COALESCE(left(node::text, 60), 'nothing'));
  END IF;
  IF node ? 'path' THEN
    SELECT * INTO part FROM where_field_condition(NULL, node, place, count);
    count := part.count;
    condition := '(' || part.condition || ')';
    RETURN;
  END IF;

  FOR entry IN SELECT given.key, given.value FROM jsonb_each(node) AS given LOOP
    IF entry.key IN ('and', 'or') THEN
      IF jsonb_typeof(entry.value) <> 'array' OR entry.value = '[]' THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
          MESSAGE = format('%s.%s must be an array of conditions, got %s', shown, entry.key, left(entry.value::text, 60));
      END IF;
      parts := '{}';
      FOR part IN SELECT each.value, each.number FROM jsonb_array_elements(entry.value) WITH ORDINALITY AS each (value, number) LOOP
        SELECT * INTO inner_part
        FROM where_condition(part.value, place || entry.key || (part.number - 1)::text, depth + 1, count);
        count := inner_part.count;
        parts := parts || inner_part.condition;
      END LOOP;
      conditions := conditions || ('(' || array_to_string(parts, CASE entry.key WHEN 'and' THEN ' AND ' ELSE ' OR ' END) || ')');
    ELSIF entry.key = 'not' THEN
      SELECT * INTO inner_part FROM where_condition(entry.value, place || entry.key, depth + 1, count);
      count := inner_part.count;
      conditions := conditions || ('((' || inner_part.condition || ') IS NOT TRUE)');
    ELSE
      SELECT * INTO inner_part FROM where_field_condition(entry.key, entry.value, place || entry.key, count);
      count := inner_part.count;
      conditions := conditions || inner_part.condition;
    END IF;
    IF count > most_conditions THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('filter.where may have %s conditions, got more', most_conditions);
    END IF;
  END LOOP;
  condition := '(' || array_to_string(conditions, ' AND ') || ')';
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/where_field_condition.sql
-- The conditions on one field of filter.where: see where_condition. field is null for {"path": […], operator: value}.
-- place says where the operators are in the filter; each is one of the 1,000 conditions that are counted.
CREATE OR REPLACE FUNCTION where_field_condition(
  field text, operators jsonb, place text[], INOUT count integer, OUT condition text
)
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
#variable_conflict use_column
DECLARE
  texts CONSTANT text[] := '{id,namespace,speaker_id,document_id,superseded_by}';
  times CONSTANT text[] := '{created_at,updated_at,expires_at,valid_from,valid_to}';
  shown CONSTANT text := 'filter.' || array_to_string(place[1:8], '.');
  path text[];
  expected text[];
  conditions text[] := '{}';
  operator record;
BEGIN
  IF field IS NULL OR field LIKE 'metadata.%' THEN
    path := CASE
      WHEN field IS NOT NULL THEN string_to_array(substr(field, 10), '.')
      WHEN jsonb_typeof(operators -> 'path') = 'array' AND operators -> 'path' <> '[]'
        AND NOT jsonb_path_exists(operators -> 'path', 'strict $[*] ? (@.type() != "string")')
      THEN ARRAY(SELECT jsonb_array_elements_text(operators -> 'path'))
    END;
    IF path IS NULL OR path = '{}' OR '' = ANY (path) AND field IS NOT NULL THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('%s must name a path such as "metadata.a.b" or "path": ["a", "b"], got %s', shown,
          left(COALESCE(to_jsonb(field), operators -> 'path')::text, 60));
    END IF;
    operators := CASE WHEN field IS NULL THEN operators - 'path' ELSE operators END;
    expected := '{eq,ne,gt,gte,lt,lte,in,not_in,contains,exists}';
  ELSIF field = 'tags' THEN
    expected := '{any,all,none}';
  ELSIF field = 'importance' OR field = ANY (times) OR field = ANY (texts) THEN
    expected := '{eq,ne,gt,gte,lt,lte,in,not_in,exists}';
  ELSE
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: there is no field "%s", expected and, or, not, path, tags, importance, "metadata.…" or one of: %s',
        'filter.' || array_to_string(place[1:cardinality(place) - 1], '.'), left(field, 60), array_to_string(texts || times, ', '));
  END IF;
  IF jsonb_typeof(operators) <> 'object' OR operators = '{}' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s must be an object with operators such as {"eq": value}, got %s', shown, left(operators::text, 60));
  END IF;

  FOR operator IN SELECT given.key, given.value FROM jsonb_each(operators) AS given LOOP
    IF operator.key <> ALL (expected) THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('%s has the operator "%s", expected only: %s', shown, left(operator.key, 60), array_to_string(expected, ', '));
    END IF;
    count := count + 1;
    conditions := conditions || CASE
      WHEN path IS NOT NULL THEN metadata_comparison(path, operator.key, operator.value, place || operator.key)
      WHEN field = 'tags' THEN tags_comparison(operator.key, operator.value, place || operator.key)
      ELSE column_comparison(field, CASE WHEN field = 'importance' THEN 'real' WHEN field = ANY (times) THEN 'timestamptz' ELSE 'text' END,
        operator.key, operator.value, place || operator.key)
    END;
  END LOOP;
  condition := array_to_string(conditions, ' AND ');
END
$$;

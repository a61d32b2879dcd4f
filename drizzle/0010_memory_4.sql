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
  method text;
  lists integer;
  row_estimate float8;
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
  SELECT indexed.method, indexed.lists, indexed.row_estimate,
    greatest(4000, limit_rows, sqrt(12 * limit_rows * indexed.row_estimate))
  INTO method, lists, row_estimate, few
  FROM vector_index() AS indexed;

  IF method IS NOT NULL AND row_estimate > few AND required IS NULL AND query_tags = '{}' AND filter - 'fuzzy' = '{}'
    AND NOT is_isolated
  THEN
    -- Nothing but expiry narrows the search: whoever is wrong about that is caught below, by too few rows.
    passing := row_estimate;
  ELSIF method IS NOT NULL THEN
    EXECUTE format(
      'SELECT count(*) FROM (SELECT FROM memory_items AS m WHERE m.embedding IS NOT NULL AND %s LIMIT $4) AS passing',
      condition
    )
    INTO passing
    USING query_tags, filter, required, few + 1;
  END IF;

  IF passing > few THEN
    SELECT array_agg(nearest.id), array_agg(nearest.similarity) INTO ids, similarities
    FROM vector_index_rows(query, required, condition, query_tags, limit_rows, filter, method, lists) AS nearest;
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
      SELECT m.id, 1 - (m.embedding <=> $4) AS similarity
      FROM memory_items AS m
      WHERE m.embedding IS NOT NULL AND %s
      ORDER BY similarity DESC, m.id COLLATE "C"
      LIMIT $5
    $query$,
    condition
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
--> statement-breakpoint
-- path: schema
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema')), quote_ident(current_setting('opa.schema') || '_opa'), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/memory/api/bm25_score.sql
-- The BM25 score that a text would have for a query if its statistics were the corpus's: STABLE, because they change.
-- Misspelt words are not corrected; 0 when a phrase does not occur or an exclusion does. On an empty corpus the average
-- length is the text's own.
CREATE OR REPLACE FUNCTION bm25_score(
  query_text text, doc_text text, k1 float8 DEFAULT 1.2, b float8 DEFAULT 0.75
)
RETURNS float8
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  parsed record;
  statistics record;
  document tsvector;
  length integer;
BEGIN
  IF query_text IS NULL OR doc_text IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
      MESSAGE = format('bm25_score: query_text and doc_text must be text, got null for %s',
        CASE WHEN query_text IS NULL THEN 'query_text' ELSE 'doc_text' END);
  END IF;
  IF k1 IS NULL OR NOT (k1 >= 0 AND k1 <= 1000) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('bm25_score: k1 must be from 0 to 1000, got %s', COALESCE(k1::text, 'null'));
  END IF;
  IF b IS NULL OR NOT (b >= 0 AND b <= 1) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('bm25_score: b must be from 0 to 1, got %s', COALESCE(b::text, 'null'));
  END IF;
  PERFORM check_query_text('bm25_score', query_text);

  SELECT * INTO parsed FROM parse_search_query(query_text);
  document := to_tsvector('pg_catalog.english', doc_text);
  IF cardinality(parsed.lexemes) = 0 OR document = '' OR (parsed.required IS NOT NULL AND NOT document @@ parsed.required) THEN
    RETURN 0;
  END IF;
  SELECT * INTO statistics FROM search_statistics(parsed.lexemes);
  length := lexeme_count(doc_text);
  RETURN bm25_document_score(
    document, length,
    CASE WHEN statistics.total_length > 0 THEN statistics.total_length::float8 / statistics.documents ELSE length END,
    parsed.lexemes,
    ARRAY(
      SELECT bm25_idf(statistics.documents, frequency.df)
      FROM unnest(statistics.document_frequencies) WITH ORDINALITY AS frequency (df, place)
      ORDER BY frequency.place
    ),
    k1, b
  );
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/bm25_search.sql
-- Keyword search: the k best rows by BM25 (k1 = 1.2, b = 0.75) among those that share a lexeme with the query and pass
-- the filters. Statistics are over all rows, so a filter narrows the results and never changes a score. The result is
-- that of scoring every match, but few matches are read: see bm25_find.
--
-- query_text: words, "phrases", -exclusions; stop words alone find nothing
-- query_tags: any of them must be on a row; filter.all_tags = true: all of them; none: no tag filter
-- k: 1 to 1000
-- filter: namespace, speaker_id, all_tags, since, until, metadata, ids, fuzzy;
--   after: {"score": score, "id": id} of the last row of the page before. Pages join to the list that a larger k gives.
--     The search is made longer until it reaches beyond the cursor, so a page costs more the further back it is.
--   min_score: 0 to 1, the least share of the best score (that of the first row of the first page) that a row must have
CREATE OR REPLACE FUNCTION bm25_search(
  query_text text, query_tags text[] DEFAULT '{}', k integer DEFAULT 10, filter jsonb DEFAULT '{}'
)
RETURNS TABLE (id text, text text, tags text[], created_at timestamptz, score float8)
LANGUAGE plpgsql STABLE ROWS 10
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
  condition text;
  parsed record;
  found record;
  is_page boolean;
  sought integer := k;
  min_score float8;
BEGIN
  -- The checks have the details; asked only when something is wrong, they cost nothing.
  IF (octet_length(query_text) <= 65536 AND k BETWEEN 1 AND 1000) IS NOT TRUE THEN
    IF query_text IS NULL THEN
      RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'bm25_search: query_text must be text, got null';
    END IF;
    PERFORM check_query_text('bm25_search', query_text);
    PERFORM check_search_limit('bm25_search', k);
  END IF;
  query_tags := COALESCE(query_tags, '{}');
  filter := COALESCE(filter, '{}');
  IF row_security_active('memory_items') THEN
    IF may_search_by_grants() THEN
      RETURN QUERY SELECT * FROM bm25_search_by_grants(query_text, query_tags, k, filter);
      RETURN;
    END IF;
  END IF;
  condition := memory_filter_condition(query_tags, filter, '{after,min_score}');
  IF filter ? 'min_score' THEN
    min_score := check_min_score(filter, 0, 1);
    filter := filter - 'min_score';
  END IF;
  is_page := filter ? 'after';
  IF is_page THEN
    PERFORM check_cursor(filter);
  END IF;

  parsed := parse_search_query(query_text);
  LOOP
    found := bm25_find(
      parsed.lexemes, COALESCE((filter -> 'fuzzy')::boolean, true), parsed.required, condition, query_tags, sought, filter
    );
    EXIT WHEN NOT is_page OR COALESCE(cardinality(found.ids), 0) < sought;
    EXIT WHEN (SELECT count(*) FROM unnest(found.ids, found.scores) AS hit (id, score)
               WHERE is_after(hit.score, hit.id, filter)) >= k;
    sought := 4 * sought;
  END LOOP;

  -- By their places, which nobody changes for the snapshot that found them, and which cost no index.
  RETURN QUERY
    SELECT m.id, m.text, m.tags, m.created_at, best.score
    FROM unnest(found.ids, found.places, found.scores) AS best (id, place, score)
    JOIN memory_items AS m ON m.ctid = best.place
    WHERE (NOT is_page OR is_after(best.score, best.id, filter))
      AND (min_score IS NULL OR best.score >= min_score * found.scores[1])
    ORDER BY best.score DESC, m.id COLLATE "C"
    LIMIT k;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/count_memories.sql
-- How many memories meet a filter: those that a search could return. query_tags and filter as in bm25_search, and
--   expired, superseded: true to count those that expired or were superseded as well
--
--   SELECT count_memories(filter => '{"namespace": "ana", "where": {"importance": {"gte": 0.7}}}');
CREATE OR REPLACE FUNCTION count_memories(query_tags text[] DEFAULT '{}', filter jsonb DEFAULT '{}')
RETURNS bigint
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  counted bigint;
BEGIN
  query_tags := COALESCE(query_tags, '{}');
  filter := COALESCE(filter, '{}');
  EXECUTE format('SELECT count(*) FROM memory_items AS m WHERE %s',
    memory_filter_condition(query_tags, filter, '{expired,superseded}'))
  INTO counted
  USING query_tags, filter;
  RETURN counted;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/count_scope.sql
-- How many memories a filter passes, expired and superseded ones if it says so, and how many entries of history they have.
CREATE OR REPLACE FUNCTION count_scope(filter jsonb, OUT memories bigint, OUT history_entries bigint)
LANGUAGE plpgsql STABLE
AS $$
BEGIN
  EXECUTE format('SELECT count(*), COALESCE(sum((SELECT count(*) FROM memory_history AS kept WHERE kept.memory_id = m.id)), 0)'
    ' FROM memory_items AS m WHERE %s', memory_filter_condition('{}', filter, '{expired,superseded}'))
  INTO memories, history_entries
  USING '{}'::text[], filter;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/erase_memories.sql
-- Deletes up to `most` memories of a scope with their history, expired and superseded ones too, and answers how many of
-- both; call it until it answers 0. scope is a filter as in bm25_search that says something: a namespace, a speaker_id, a
-- where. The ids of what is gone are taken from the memories that they superseded. The words leave the statistics by a
-- fold: fold_search_statistics().
CREATE OR REPLACE FUNCTION erase_memories(
  scope jsonb, most integer DEFAULT 1000, OUT memories bigint, OUT history_entries bigint
)
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  filter CONSTANT jsonb := scope || '{"expired": true, "superseded": true}';
  condition text;
  doomed text[];
BEGIN
  IF scope IS NULL OR jsonb_typeof(scope) <> 'object' OR scope = '{}' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('erase_memories: scope must say whose memories, for example {"namespace": "ana"}, got %s', COALESCE(left(scope::text, 60), 'null'));
  END IF;
  IF most IS NULL OR most NOT BETWEEN 1 AND 10000 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('erase_memories: most must be from 1 to 10000, got %s', COALESCE(most::text, 'null'));
  END IF;
  condition := memory_filter_condition('{}', filter, '{expired,superseded}');
  EXECUTE format('SELECT ARRAY(SELECT m.id FROM memory_items AS m WHERE %s ORDER BY m.id LIMIT $3 FOR UPDATE)', condition)
  INTO doomed
  USING '{}'::text[], filter, most;
  SELECT count(*) INTO history_entries FROM memory_history AS kept WHERE kept.memory_id = ANY (doomed);
  UPDATE memory_items AS m SET superseded_by = '(erased)' WHERE m.superseded_by = ANY (doomed) AND m.id <> ALL (doomed);
  DELETE FROM memory_items AS m WHERE m.id = ANY (doomed);
  GET DIAGNOSTICS memories = ROW_COUNT;
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
ALTER FUNCTION bm25_score(query_text text, doc_text text, k1 float8, b float8) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION bm25_search(query_text text, query_tags text[], k integer, filter jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION count_memories(query_tags text[], filter jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION count_scope(filter jsonb, OUT memories bigint, OUT history_entries bigint) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION erase_memories(scope jsonb, most integer, OUT memories bigint, OUT history_entries bigint) SET search_path FROM CURRENT;

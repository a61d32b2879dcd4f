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
-- source: src/sql/memory/vector_rows.sql
-- The limit_rows rows nearest to the query by cosine, among those with an embedding that meet what the query text
-- requires (null: nothing) and pass the condition, which speaks of $1 (query_tags) and $2 (filter).
--
-- Never fewer than limit_rows when so many pass: an approximate index is asked only where many rows pass, and what it
-- leaves short is read exactly. Where few pass, the exact scan over them is both faster and complete. How many pass is
-- the planner's estimate, which costs nothing; if it was far too low, the exact scan notices and the index is asked.
CREATE OR REPLACE FUNCTION vector_rows(
  query_embedding vector, required tsquery, condition text, query_tags text[], limit_rows integer, filter jsonb
)
RETURNS TABLE (id text, similarity float8)
LANGUAGE plpgsql STABLE ROWS 10
AS $$
#variable_conflict use_column
DECLARE
  query constant vector := l2_normalize(query_embedding);
  narrowed constant text := condition || CASE WHEN required IS NULL THEN '' ELSE ' AND m.search_vector @@ $3' END;
  index constant record := vector_index();
  expression constant text := embedding_expression(index.model);
  few constant bigint := exact_scan_limit(index.dimensions, index.row_estimate, limit_rows);
  passing float8 := index.row_estimate;
  scanned bigint;
  ids text[];
  similarities float8[];
  -- Under row-level security the planner cannot tell how few rows the policy lets pass, and would read the whole table.
  is_isolated constant boolean := row_security_active('memory_items');
  seqscan_before constant text := current_setting('enable_seqscan');
BEGIN
  IF is_isolated THEN
    PERFORM set_config('enable_seqscan', 'off', true);
  END IF;

  IF index.method IS NOT NULL THEN
    IF is_isolated THEN
      EXECUTE format(
        'SELECT count(*) FROM (SELECT FROM memory_items AS m WHERE (%s) IS NOT NULL AND %s LIMIT $4) AS passing',
        expression, narrowed
      )
      INTO passing
      USING query_tags, filter, required, few + 1;
    ELSIF required IS NOT NULL OR query_tags <> '{}' OR filter - 'fuzzy' <> '{}' THEN
      passing := passing * (estimate_filter(condition, query_tags, filter, required)).share;
    END IF;

    IF passing <= few THEN
      EXECUTE format(
        $query$
          WITH passing AS MATERIALIZED (
            SELECT m.id, 1 - ((%1$s) <=> $4) AS similarity
            FROM memory_items AS m
            WHERE (%1$s) IS NOT NULL AND %2$s
            LIMIT $6
          )
          SELECT array_agg(best.id ORDER BY best.similarity DESC, best.id COLLATE "C"),
            array_agg(best.similarity ORDER BY best.similarity DESC, best.id COLLATE "C"),
            (SELECT count(*) FROM passing)
          FROM (SELECT * FROM passing ORDER BY similarity DESC, id COLLATE "C" LIMIT $5) AS best
        $query$,
        expression, narrowed
      )
      INTO ids, similarities, scanned
      USING query_tags, filter, required, query, limit_rows, 2 * few;
      passing := scanned;
    END IF;
    IF scanned IS NULL OR scanned = 2 * few THEN
      SELECT array_agg(nearest.id), array_agg(nearest.similarity) INTO ids, similarities
      FROM vector_index_rows(query, required, narrowed, query_tags, limit_rows, filter,
        index.model, index.dimensions, index.method, index.lists) AS nearest;
      scanned := CASE WHEN cardinality(ids) = limit_rows THEN 0 END;
    END IF;
  END IF;

  IF scanned IS NULL THEN
    RETURN QUERY EXECUTE format(
      $query$
        SELECT m.id, 1 - ((%1$s) <=> $4) AS similarity
        FROM memory_items AS m
        WHERE (%1$s) IS NOT NULL AND %2$s
        ORDER BY similarity DESC, m.id COLLATE "C"
        LIMIT $5
      $query$,
      expression, narrowed
    )
    USING query_tags, filter, required, query, limit_rows;
  ELSE
    RETURN QUERY SELECT * FROM unnest(ids, similarities);
  END IF;
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
-- source: src/sql/memory/without_function_words.sql
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
-- source: src/sql/memory/word_edits.sql
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
-- path: strict
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), 'pg_catalog', 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/memory/wrong_embedding.sql
-- Raises the error about a vector that is not of the model that it must be of. what: the argument or row at fault;
-- given_name: the model that the caller named, or null; given_dimensions: what came.
CREATE OR REPLACE FUNCTION wrong_embedding(
  what text, name text, dimensions integer, given_name text, given_dimensions integer
)
RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
  expected CONSTANT text := CASE WHEN name IS NULL THEN '' ELSE format(', as the current model "%s" gives', name) END;
  other record;
BEGIN
  SELECT model.name, model.state, model.changed_at INTO other
  FROM embedding_models AS model
  WHERE model.state <> 'current' AND (given_name = model.name OR given_name IS NULL AND model.dimensions = given_dimensions)
  ORDER BY model.id DESC
  LIMIT 1;
  RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
    MESSAGE = concat(
      CASE
        WHEN given_dimensions <> dimensions THEN
          format('%s must have %s dimensions%s, got %s', what, dimensions, expected, given_dimensions)
        ELSE format('%s must be of the current model "%s", got one of "%s"', what, name, given_name)
      END,
      CASE
        WHEN given_dimensions <> dimensions AND given_name IS NOT NULL THEN format(' of the model "%s"', given_name)
      END,
      CASE other.state
        WHEN 'former' THEN format(': the model%s was replaced at %s', ' "' || other.name || '"', other.changed_at)
        WHEN 'next' THEN format(': the change to the model "%s" is not finished', other.name)
        WHEN 'cancelled' THEN format(': the change to the model "%s" was cancelled', other.name)
      END
    );
END
$$;
--> statement-breakpoint
-- path: schema
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema')), quote_ident(current_setting('opa.schema') || '_opa'), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/memory/api/begin_model_change.sql
-- Begins the change to another embedding model. Searches go on by the current one, whose vectors stay complete: those of
-- the next are kept beside them, in next_embedding, until finish_model_change. Writers name the model of their vectors
-- by the setting opa.embedding_model, or write next_embedding. Called again for the same model, it does nothing.
CREATE OR REPLACE FUNCTION begin_model_change(name text, dimensions integer)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_variable
DECLARE
  model record;
  next record;
BEGIN
  PERFORM check_embedding_model('begin_model_change', name, dimensions, false);
  LOCK TABLE embedding_models IN EXCLUSIVE MODE;
  SELECT * INTO model FROM current_embedding_model();
  SELECT * INTO next FROM next_embedding_model();
  IF (name, dimensions) = (next.name, next.dimensions) THEN
    RETURN;
  END IF;
  IF next.id IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('begin_model_change: the change to "%s" of %s dimensions is under way: finish or cancel it first', next.name, next.dimensions);
  END IF;
  IF (name, dimensions) = (model.name, model.dimensions) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('begin_model_change: expected another model than the current one, got "%s" of %s dimensions: a new version of it needs a name of its own', name, dimensions);
  END IF;

  INSERT INTO embedding_models (id, name, dimensions, state)
  VALUES (model.id, model.name, model.dimensions, 'current')
  ON CONFLICT DO NOTHING;
  INSERT INTO embedding_models (id, name, dimensions, state)
  SELECT max(known.id) + 1, name, dimensions, 'next' FROM embedding_models AS known;
  PERFORM store_embeddings_for(greatest(dimensions, model.dimensions));
END
$$;
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
  query record;
  units tsvector;
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

  query := bm25_query(query_text, NULL, '{}', NULL);
  document := search_words(doc_text);
  length := position_count(document);
  units := search_units(doc_text);
  IF units IS NOT NULL THEN
    document := document || units;
  END IF;
  IF query.required IS NOT NULL AND NOT document @@ query.required THEN
    RETURN 0;
  END IF;
  RETURN bm25_document_score(
    document, length, CASE WHEN query.total_length > 0 THEN query.average_length ELSE length END, query.words,
    ARRAY(SELECT weight / 2.2 FROM unnest(query.weights) WITH ORDINALITY AS word (weight, place) ORDER BY place), k1, b
  );
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/bm25_search.sql
-- Keyword search: the k best rows by BM25 (k1 = 1.2, b = 0.75) among those that share a lexeme with the query and pass
-- the filters. Statistics are over all rows, so a filter narrows the results and never changes a score. The result is
-- that of scoring every match, but few matches are read: see bm25_find.
--
-- query_text: words, "phrases", -exclusions, begin*; with filter.operators = false prose, see parse_search_query
-- query_tags: any of them must be on a row; filter.all_tags = true: all of them; none: no tag filter
-- k: 1 to 1000
-- filter: namespace, speaker_id, all_tags, since, until, metadata, ids;
--   fuzzy: false: words that no row has are not replaced by the nearest one (bm25_search_corrected says which were). Rows that
--     have a word as it was typed come before those that match by corrections alone.
--   operators: false: quotes and minuses are characters (true by default in this function)
--   prefix: true: the last word stands for all that begin so
--   min_match: 0 to 1, the least share of the query's words that a row must have
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
  found record;
BEGIN
  IF row_security_active('memory_items') THEN
    IF may_search_by_grants() THEN
      RETURN QUERY SELECT * FROM bm25_search_by_grants(query_text, query_tags, k, filter);
      RETURN;
    END IF;
  END IF;
  found := bm25_search_page(query_text, query_tags, k, filter);
  -- By their places, which nobody changes for the snapshot that found them, and which cost no index.
  RETURN QUERY
    SELECT m.id, m.text, m.tags, m.created_at, best.score
    FROM unnest(found.places, found.scores) AS best (place, score)
    JOIN memory_items AS m ON m.ctid = best.place
    ORDER BY best.score DESC, m.id COLLATE "C";
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/bm25_search_corrected.sql
-- As bm25_search, and says which words were corrected, of the whole query in each row: corrections has for each such word, as
-- it was typed, the lexeme that was taken for it; null where nothing was corrected.
CREATE OR REPLACE FUNCTION bm25_search_corrected(
  query_text text, query_tags text[] DEFAULT '{}', k integer DEFAULT 10, filter jsonb DEFAULT '{}'
)
RETURNS TABLE (id text, text text, tags text[], created_at timestamptz, score float8, corrections jsonb)
LANGUAGE plpgsql STABLE ROWS 10
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
  found record;
BEGIN
  -- For an isolated role nothing is corrected: see nearest_lexemes.
  IF row_security_active('memory_items') THEN
    IF may_search_by_grants() THEN
      RETURN QUERY SELECT *, NULL::jsonb FROM bm25_search_by_grants(query_text, query_tags, k, filter);
      RETURN;
    END IF;
  END IF;
  found := bm25_search_page(query_text, query_tags, k, filter);
  RETURN QUERY
    SELECT m.id, m.text, m.tags, m.created_at, best.score, found.corrections
    FROM unnest(found.places, found.scores) AS best (place, score)
    JOIN memory_items AS m ON m.ctid = best.place
    ORDER BY best.score DESC, m.id COLLATE "C";
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/cancel_model_change.sql
-- Gives up the change of the embedding model that is under way. What was filled is removed by settle_embeddings; until
-- then it is in nobody's way.
CREATE OR REPLACE FUNCTION cancel_model_change()
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  LOCK TABLE embedding_models IN EXCLUSIVE MODE;
  UPDATE embedding_models SET state = 'cancelled', changed_at = now() WHERE state = 'next';
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = 'cancel_model_change: no change of the model is under way';
  END IF;
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
ALTER FUNCTION begin_model_change(name text, dimensions integer) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION bm25_score(query_text text, doc_text text, k1 float8, b float8) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION bm25_search(query_text text, query_tags text[], k integer, filter jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION bm25_search_corrected(query_text text, query_tags text[], k integer, filter jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION cancel_model_change() SET search_path FROM CURRENT;

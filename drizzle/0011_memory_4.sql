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
-- path: definer
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
  condition := memory_filter_condition(query_tags, filter, '{after}');
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
    WHERE NOT is_page OR is_after(best.score, best.id, filter)
    ORDER BY best.score DESC, m.id COLLATE "C"
    LIMIT k;
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
-- source: src/sql/memory/api/embedding_index_definition.sql
-- What a vector index of a model is on: half-precision vectors, normalised, because components near 1e-9 would vanish and
-- 70,000 would not fit. The searches order by the same expression. Names of pgvector's are qualified, for clients that
-- run the statement with a search_path of their own.
CREATE OR REPLACE FUNCTION embedding_index_definition(model integer, dimensions integer)
RETURNS text
LANGUAGE plpgsql STABLE
AS $$
BEGIN
  RETURN (
    SELECT format('((%1$I.l2_normalize(%2$s)::%1$I.halfvec(%3$s)) %1$I.halfvec_cosine_ops)',
      place.nspname, embedding_expression(model, ''), dimensions)
    FROM pg_extension AS vector
    JOIN pg_namespace AS place ON place.oid = vector.extnamespace
    WHERE vector.extname = 'vector'
  );
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/embedding_model.sql
-- The embedding model whose vectors are searched, and, while a change is under way, the next one. name is null until
-- somebody named it, dimensions is the length of its vectors, id what memory_items.embedding_model says of them.
CREATE OR REPLACE FUNCTION embedding_model(
  OUT id integer, OUT name text, OUT dimensions integer, OUT since timestamptz,
  OUT next_id integer, OUT next_name text, OUT next_dimensions integer, OUT next_since timestamptz
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
BEGIN
  SELECT model.id, model.name, model.dimensions, model.since INTO id, name, dimensions, since
  FROM current_embedding_model() AS model;
  SELECT model.id, model.name, model.dimensions, model.since INTO next_id, next_name, next_dimensions, next_since
  FROM next_embedding_model() AS model;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/explain_search.sql
-- Why bm25_search finds what it finds, and how: takes what bm25_search takes, and answers
--   documents, average_length: the corpus that the scores are about
--   path: 'every match' (few match), 'threshold' (only rows that can reach it are read), 'filter' (the filter's own index
--     finds so few rows that all of them are read) or 'no match'
--   access: the indexes that found the rows: 'search' (search_vector's), 'both' (also the filter's), 'filter' (only the filter's)
--   share: the share of rows that the filter is thought to pass
--   rounds: for each statement that was run the threshold, its arms (alternative conditions) and the candidates read
--   lexemes: what is ranked by, after correction: lexeme, times (in the query), document_frequency, idf
--   results: best first, id, score, length and, for each lexeme that the row has, tf and what it adds to the score
CREATE OR REPLACE FUNCTION explain_search(
  query_text text, query_tags text[] DEFAULT '{}', k integer DEFAULT 10, filter jsonb DEFAULT '{}'
)
RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  parsed record;
  found record;
  query record;
  idfs float8[];
BEGIN
  IF query_text IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'explain_search: query_text must be text, got null';
  END IF;
  PERFORM check_query_text('explain_search', query_text);
  PERFORM check_search_limit('explain_search', k);
  query_tags := COALESCE(query_tags, '{}');
  filter := COALESCE(filter, '{}');
  parsed := parse_search_query(query_text);
  found := bm25_find(
    parsed.lexemes, COALESCE((filter -> 'fuzzy')::boolean, true), parsed.required,
    memory_filter_condition(query_tags, filter), query_tags, k, filter
  );
  query := bm25_query(found.lexemes, false);
  idfs := ARRAY(
    SELECT bm25_idf(query.documents::bigint, word.frequency::bigint)
    FROM unnest(query.frequencies) WITH ORDINALITY AS word (frequency, place)
    ORDER BY word.place
  );

  RETURN jsonb_strip_nulls(jsonb_build_object('path', found.path, 'access', found.access, 'share', found.share))
    || jsonb_build_object(
    'rounds', (
      SELECT COALESCE(jsonb_agg(jsonb_build_object(
        'threshold', round.threshold, 'arms', round.arms, 'candidates', round.candidates) ORDER BY round.place), '[]')
      FROM unnest(found.thresholds, found.arm_counts, found.candidate_counts)
        WITH ORDINALITY AS round (threshold, arms, candidates, place)
    ),
    'documents', query.documents,
    'average_length', query.average_length,
    'lexemes', (
      SELECT COALESCE(jsonb_agg(jsonb_build_object(
        'lexeme', word.lexeme, 'times', cardinality(array_positions(found.lexemes, word.lexeme)),
        'document_frequency', word.frequency, 'idf', word.idf
      ) ORDER BY word.place), '[]')
      FROM unnest(query.words, query.frequencies, idfs) WITH ORDINALITY AS word (lexeme, frequency, idf, place)
    ),
    'results', (
      SELECT COALESCE(jsonb_agg(jsonb_build_object(
        'id', m.id, 'score', best.score, 'length', m.lexeme_count, 'lexemes', (
          SELECT jsonb_agg(jsonb_build_object(
            'lexeme', word.lexeme, 'tf', entry.tf,
            'contribution', word.weight * entry.tf
              / (entry.tf + 1.2 * (0.25 + 0.75 * m.lexeme_count / query.average_length))
          ) ORDER BY word.place)
          FROM unnest(query.words, query.weights) WITH ORDINALITY AS word (lexeme, weight, place)
          JOIN (SELECT held.lexeme, cardinality(held.positions)::float8 AS tf FROM unnest(m.search_vector) AS held) AS entry
            ON entry.lexeme = word.lexeme
        )
      ) ORDER BY best.score DESC, m.id COLLATE "C"), '[]')
      FROM unnest(found.ids, found.scores) AS best (id, score)
      JOIN memory_items AS m ON m.id = best.id
    )
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
-- path: of the functions above
ALTER FUNCTION begin_model_change(name text, dimensions integer) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION bm25_score(query_text text, doc_text text, k1 float8, b float8) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION bm25_search(query_text text, query_tags text[], k integer, filter jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION cancel_model_change() SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION embedding_index_definition(model integer, dimensions integer) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION embedding_model(OUT id integer, OUT name text, OUT dimensions integer, OUT since timestamptz, OUT next_id integer, OUT next_name text, OUT next_dimensions integer, OUT next_since timestamptz) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION explain_search(query_text text, query_tags text[], k integer, filter jsonb) SET search_path FROM CURRENT;

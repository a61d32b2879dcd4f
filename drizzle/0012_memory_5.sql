-- path: of the installation
SELECT set_config('opa.schema', coalesce(nullif(current_setting('opa.schema', true), ''), current_schema(), ''), true);
--> statement-breakpoint
-- path: checked when they run
SET LOCAL check_function_bodies = off;
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
-- source: src/sql/memory/api/find_words.sql
-- Where any of these words stands in the database, whoever wrote it: for each table of the installation the number of rows
-- that have one, as a part of any value (in any case), or as a lexeme. It reads every row of every table, and is meant for
-- tests and audits. Only tables that the caller may read are looked at; a refusal names the first that is not.
CREATE OR REPLACE FUNCTION find_words(words text[])
RETURNS TABLE (table_name text, matches bigint)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  sought text[];
  lexemes text[];
  one record;
BEGIN
  IF words IS NULL OR cardinality(words) = 0 OR array_position(words, NULL) IS NOT NULL OR '' = ANY (words) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('find_words: words must be texts that are not empty, got %s', COALESCE(left(words::text, 60), 'null'));
  END IF;
  SELECT array_agg(DISTINCT lower(word)) INTO sought FROM unnest(words) AS word;
  SELECT array_agg(DISTINCT lexeme) INTO lexemes
  FROM unnest(words) AS word, unnest(tsvector_to_array(to_tsvector('pg_catalog.english', word))) AS lexeme;
  FOR one IN
    SELECT c.oid::regclass AS name, c.relname LIKE 'search\_%' AS is_statistics
    FROM pg_catalog.pg_class AS c
    WHERE c.relkind IN ('r', 'p', 'm') AND c.relnamespace IN (
      SELECT relnamespace FROM pg_catalog.pg_class WHERE oid IN ('memory_items'::regclass, 'search_lexemes'::regclass)
    )
    ORDER BY 1
  LOOP
    table_name := one.name::text;
    IF one.is_statistics THEN
      EXECUTE format('SELECT count(*) FROM %s AS r WHERE EXISTS (SELECT FROM unnest($1 || $2) AS word'
        ' WHERE lower(r::text) ~ (''(^|[^[:alnum:]])'' || regexp_replace(word, ''([^[:alnum:]])'', ''\\\1'', ''g'') || ''($|[^[:alnum:]])''))', one.name)
      INTO matches USING sought, COALESCE(lexemes, '{}');
    ELSE
      EXECUTE format('SELECT count(*) FROM %s AS r WHERE EXISTS (SELECT FROM unnest($1) AS word WHERE strpos(lower(r::text), word) > 0)', one.name)
      INTO matches USING sought;
    END IF;
    IF matches > 0 THEN
      RETURN NEXT;
    END IF;
  END LOOP;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/finish_model_change.sql
-- Switches the searches to the next model: a statement that began before goes on by the old one to its end, one that
-- begins after the commit goes by the new one, and a vector of the old model is refused from then on. Refused while
-- memories that the old model finds have no vector of the new one, unless accept_pending: those are then found by
-- keyword alone until they are embedded.
--
-- Waits for transactions that have written a vector (set lock_timeout, so that others do not wait behind it for long);
-- searches never wait. The vectors of the new model move to `embedding` by settle_embeddings, called until it is done.
CREATE OR REPLACE FUNCTION finish_model_change(accept_pending boolean DEFAULT false)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  next record;
  pending bigint;
BEGIN
  LOCK TABLE embedding_models IN EXCLUSIVE MODE;
  SELECT * INTO next FROM next_embedding_model();
  IF next.id IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = 'finish_model_change: no change of the model is under way: begin_model_change begins one';
  END IF;
  IF NOT COALESCE(accept_pending, false) THEN
    pending := pending_embeddings(next.id, false, 1000000);
    IF pending > 0 THEN
      RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
        MESSAGE = format('finish_model_change: %s memories have no vector of the model "%s" yet', pending, next.name),
        HINT = 'Embed them, or pass accept_pending => true.';
    END IF;
  END IF;
  UPDATE embedding_models SET state = 'former', changed_at = now() WHERE state = 'current';
  UPDATE embedding_models SET state = 'current', changed_at = now() WHERE id = next.id;
  -- The planner goes by what an index is on, not by its name: a search that began before still uses the old one.
  ALTER INDEX IF EXISTS memory_items_embedding_idx RENAME TO memory_items_embedding_idx_old;
  ALTER INDEX IF EXISTS memory_items_embedding_idx_next RENAME TO memory_items_embedding_idx;
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
ALTER FUNCTION count_memories(query_tags text[], filter jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION count_scope(filter jsonb, OUT memories bigint, OUT history_entries bigint) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION embedding_index_definition(model integer, dimensions integer) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION embedding_model(OUT id integer, OUT name text, OUT dimensions integer, OUT since timestamptz, OUT next_id integer, OUT next_name text, OUT next_dimensions integer, OUT next_since timestamptz) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION erase_memories(scope jsonb, most integer, OUT memories bigint, OUT history_entries bigint) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION explain_search(query_text text, query_tags text[], k integer, filter jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION find_words(words text[]) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION finish_model_change(accept_pending boolean) SET search_path FROM CURRENT;

-- path: of the installation
SELECT set_config('opa.schema', coalesce(nullif(current_setting('opa.schema', true), ''), current_schema(), ''), true);
--> statement-breakpoint
-- path: checked when they run
SET LOCAL check_function_bodies = off;
--> statement-breakpoint
-- path: schema
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema')), quote_ident(current_setting('opa.schema') || '_opa'), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/memory/api/list_memories.sql
-- The memories that meet a filter, the newest first, without a query. query_tags and filter as in bm25_search, and
--   expired, superseded: true to list those that expired or were superseded as well
--   after: {"created_at": timestamp, "id": id} of the last row of the page before
-- k: 1 to 1001
--
--   SELECT * FROM list_memories(filter => '{"namespace": "ana", "where": {"tags": {"none": ["draft"]}}}', k => 50);
CREATE OR REPLACE FUNCTION list_memories(query_tags text[] DEFAULT '{}', k integer DEFAULT 50, filter jsonb DEFAULT '{}')
RETURNS TABLE (id text, text text, tags text[], created_at timestamptz)
LANGUAGE plpgsql STABLE ROWS 50
AS $$
#variable_conflict use_column
DECLARE
  condition text;
BEGIN
  IF k NOT BETWEEN 1 AND 1001 OR k IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('list_memories: k must be from 1 to 1001, got %s', COALESCE(k::text, 'null'));
  END IF;
  query_tags := COALESCE(query_tags, '{}');
  filter := COALESCE(filter, '{}');
  condition := memory_filter_condition(query_tags, filter, '{expired,superseded,after}');
  IF filter ? 'after' THEN
    IF jsonb_typeof(filter -> 'after') <> 'object' OR jsonb_typeof(filter #> '{after,id}') IS DISTINCT FROM 'string' THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('filter.after must be {"created_at": time, "id": string} of the last row before, got %s',
          left((filter -> 'after')::text, 60));
    END IF;
    PERFORM filter_time(jsonb_build_object('after.created_at', COALESCE(filter #> '{after,created_at}', '""')), 'after.created_at');
    condition := condition || ' AND (m.created_at, m.id) < (utc_time($2 #>> ''{after,created_at}''), $2 #>> ''{after,id}'')';
  END IF;
  RETURN QUERY EXECUTE format(
    'SELECT m.id, m.text, m.tags, m.created_at FROM memory_items AS m WHERE %s ORDER BY m.created_at DESC, m.id DESC LIMIT $3',
    condition
  ) USING query_tags, filter, k;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/memory_history_of.sql
-- What memories were before their changes, oldest first: those of these ids that the caller may see. A column is null
-- where that change left it as it was.
CREATE OR REPLACE FUNCTION memory_history_of(ids text[])
RETURNS TABLE (
  entry bigint, memory_id text, namespace text, changed_at timestamptz, changed_by text, actor text,
  text text, tags text[], metadata jsonb, importance real
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    SELECT kept.entry, kept.memory_id, kept.namespace, kept.changed_at, kept.changed_by, kept.actor, kept.text, kept.tags,
      kept.metadata, kept.importance
    FROM memory_history AS kept
    WHERE kept.memory_id = ANY (ids)
    ORDER BY kept.entry;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/pending_embeddings.sql
-- How many memories are not expired and have no vector of the given model: of those that the current model finds, or
-- where of_all is true, of all; at most `most`. Literals, so that the planner sees that the index of a change serves.
CREATE OR REPLACE FUNCTION pending_embeddings(model integer, of_all boolean, most bigint)
RETURNS bigint
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  pending bigint;
BEGIN
  EXECUTE format(
    $query$
      SELECT count(*) FROM (
        SELECT FROM memory_items AS m
        WHERE m.embedding_model IS DISTINCT FROM %1$s AND m.next_embedding_model IS DISTINCT FROM %1$s
          AND ($1 OR m.embedding_model = $2 OR m.next_embedding_model = $2)
          AND (m.expires_at IS NULL OR m.expires_at > now())
        LIMIT $3
      ) AS pending
    $query$,
    model
  )
  INTO pending
  USING of_all, (current_embedding_model()).id, most;
  RETURN pending;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/prune_memory_history.sql
-- Deletes what memories were before changes of before this time, up to `most` entries, and answers how many; of one
-- namespace, or of all (null). Call it until it answers 0.
--
--   SELECT prune_memory_history(now() - interval '1 year');
CREATE OR REPLACE FUNCTION prune_memory_history(before timestamptz, namespace text DEFAULT NULL, most integer DEFAULT 10000)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  pruned bigint;
BEGIN
  IF before IS NULL OR most IS NULL OR most < 1 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('prune_memory_history: expected a time and at least 1 entry, got %s and %s',
        COALESCE(before::text, 'null'), COALESCE(most::text, 'null'));
  END IF;
  DELETE FROM memory_history AS kept
  WHERE kept.entry IN (
    SELECT old.entry FROM memory_history AS old
    WHERE old.changed_at < before
      AND (prune_memory_history.namespace IS NULL OR old.namespace = prune_memory_history.namespace)
    LIMIT most
    FOR UPDATE SKIP LOCKED
  );
  GET DIAGNOSTICS pruned = ROW_COUNT;
  RETURN pruned;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/set_memory_history.sql
-- Turns the history of memories on or off for the whole database. Off, updates cost what they would without it; what was
-- kept stays until prune_memory_history. Only the owner of the tables may.
--
--   SELECT set_memory_history(false);
CREATE OR REPLACE FUNCTION set_memory_history(is_on boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  IF is_on IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'set_memory_history: is_on must be true or false, got null';
  END IF;
  IF is_on THEN
    ALTER TABLE memory_items ENABLE TRIGGER memory_items_keep_history;
  ELSE
    ALTER TABLE memory_items DISABLE TRIGGER memory_items_keep_history;
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/settle_embeddings.sql
-- Tidies up after a change of the embedding model: looks at the next `most` memories after the id `after`, moves vectors
-- of the current model from next_embedding to embedding, and removes those of models that are no longer used. Rows that
-- another transaction is writing are passed over. Searches find the same before and after.
-- Returns the last id that was looked at (null: no more), how many rows were changed and how many are left to another call.
CREATE OR REPLACE FUNCTION settle_embeddings(after text, most integer, OUT last_id text, OUT settled bigint, OUT missed bigint)
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
DECLARE
  model integer;
  next integer;
  unsettled text[];
  named_before CONSTANT text := COALESCE(current_setting('opa.embedding_model', true), '');
BEGIN
  -- The models stay what they are until this is committed.
  LOCK TABLE embedding_models IN ROW SHARE MODE;
  model := (current_embedding_model()).id;
  next := (next_embedding_model()).id;

  SELECT max(seen.id), array_agg(seen.id) FILTER (
    WHERE seen.embedding_model <> model OR seen.next_embedding_model IS NOT NULL AND seen.next_embedding_model IS DISTINCT FROM next
  )
  INTO last_id, unsettled
  FROM (
    SELECT m.id, m.embedding_model, m.next_embedding_model
    FROM memory_items AS m
    WHERE after IS NULL OR m.id > after
    ORDER BY m.id
    LIMIT most
  ) AS seen;

  -- The moved vectors are said to be of the current model, because one that equals the old vector is no change of its column.
  PERFORM set_config('opa.embedding_model', (current_embedding_model()).name, true);
  WITH held AS MATERIALIZED (
    SELECT m.id FROM memory_items AS m WHERE m.id = ANY (unsettled) FOR UPDATE SKIP LOCKED
  )
  UPDATE memory_items AS m
  SET embedding = CASE
      WHEN m.next_embedding_model = model THEN m.next_embedding
      WHEN m.embedding_model = model THEN m.embedding
    END,
    embedding_model = model,
    next_embedding = CASE WHEN m.next_embedding_model = next THEN m.next_embedding END
  FROM held
  WHERE m.id = held.id;
  GET DIAGNOSTICS settled = ROW_COUNT;
  PERFORM set_config('opa.embedding_model', named_before, true);
  missed := COALESCE(cardinality(unsettled), 0) - settled;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/supersede_memory.sql
-- Says that one memory took the place of another: the old one stays, knows what replaced it, and is out of every search
-- that does not ask for the past (filter.as_of). The end of its validity is valid_to, or that which it has, or the
-- beginning of the other's, or now. Both must be of one namespace. Said again, nothing changes.
--
--   SELECT supersede_memory('old', 'new');
CREATE OR REPLACE FUNCTION supersede_memory(id text, by_id text, valid_to timestamptz DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
DECLARE
  replaced memory_items;
  successor memory_items;
  ending timestamptz;
BEGIN
  -- In the order of ids, so that two callers cannot deadlock.
  PERFORM FROM memory_items AS m WHERE m.id IN (supersede_memory.id, by_id) ORDER BY m.id FOR UPDATE;
  SELECT * INTO replaced FROM memory_items AS m WHERE m.id = supersede_memory.id;
  IF replaced.id IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = format('there is no memory "%s" to supersede', left(supersede_memory.id, 60));
  END IF;
  SELECT * INTO successor FROM memory_items AS m WHERE m.id = by_id AND m.namespace = replaced.namespace;
  IF successor.id IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'no_data_found',
      MESSAGE = format('there is no memory "%s" in the namespace "%s" to supersede "%s" by', left(by_id, 60), left(replaced.namespace, 60), left(replaced.id, 60));
  END IF;
  IF replaced.superseded_by = successor.id AND replaced.id <> successor.id THEN
    RETURN;
  END IF;
  IF replaced.superseded_at IS NOT NULL OR successor.superseded_at IS NOT NULL OR replaced.id = successor.id THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = format(CASE
      WHEN replaced.id = successor.id THEN 'the memory "%1$s" cannot supersede itself'
      WHEN replaced.superseded_at IS NOT NULL THEN 'the memory "%1$s" is superseded already, by "%3$s"'
      ELSE 'the memory "%2$s" is itself superseded and cannot replace another' END,
      left(replaced.id, 60), left(successor.id, 60), left(replaced.superseded_by, 60));
  END IF;
  ending := COALESCE(supersede_memory.valid_to, replaced.valid_to, successor.valid_from, now());
  UPDATE memory_items AS m
  SET superseded_at = now(), superseded_by = successor.id, valid_to = greatest(ending, m.valid_from)
  WHERE m.id = replaced.id;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/use_embedding_model.sql
-- Says which embedding model the vectors are of. While no vector is stored, any model is taken at once: the vector index
-- is made anew for its dimensions, which needs the rights of the table's owner. A model without a name yet takes the one
-- that is given. Once vectors of a model are stored, another is refused: begin_model_change is the way to it.
--
-- name: as the embedder says it; null where nobody knows. dimensions: 1 to 4000.
CREATE OR REPLACE FUNCTION use_embedding_model(name text, dimensions integer)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_variable
DECLARE
  model record;
  index record;
BEGIN
  PERFORM check_embedding_model('use_embedding_model', name, dimensions, true);
  -- Waits for transactions that have written a vector; searches go on.
  LOCK TABLE embedding_models IN EXCLUSIVE MODE;
  SELECT * INTO model FROM current_embedding_model();
  IF (name, dimensions) IS NOT DISTINCT FROM (model.name, model.dimensions) THEN
    RETURN;
  END IF;
  IF EXISTS (SELECT FROM embedding_models AS other WHERE other.state = 'next') THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = 'use_embedding_model: a change of the model is under way: finish_model_change or cancel_model_change first';
  END IF;
  IF (model.name IS NOT NULL OR model.dimensions <> dimensions)
    AND EXISTS (SELECT FROM memory_items AS m WHERE m.embedding IS NOT NULL OR m.next_embedding IS NOT NULL)
  THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('use_embedding_model: the stored embeddings are of the model %s of %s dimensions, got %s of %s',
        COALESCE('"' || model.name || '"', 'without a name'), model.dimensions, COALESCE('"' || name || '"', 'one without a name'), dimensions),
      HINT = 'begin_model_change keeps the old vectors searchable until the new ones are there.';
  END IF;

  INSERT INTO embedding_models AS known (id, name, dimensions, state)
  VALUES (model.id, name, dimensions, 'current')
  ON CONFLICT (id) DO UPDATE SET name = excluded.name, dimensions = excluded.dimensions, changed_at = now();
  IF dimensions <> model.dimensions THEN
    index := vector_index();
    IF index.method IS NOT NULL THEN
      DROP INDEX memory_items_embedding_idx;
      EXECUTE format('CREATE INDEX memory_items_embedding_idx ON memory_items USING hnsw %s',
        embedding_index_definition(model.id, dimensions));
    END IF;
    PERFORM store_embeddings_for(dimensions);
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/vector_index.sql
-- What a search by meaning goes by: the current model and its dimensions, the access method of the vector index (hnsw,
-- ivfflat; null for none, or one whose building was interrupted), its lists (ivfflat) and how many rows the table is
-- thought to have.
--
-- In PL/pgSQL, which keeps the plans: every search asks this first, and as an SQL function it was planned each time.
CREATE OR REPLACE FUNCTION vector_index(
  OUT model integer, OUT dimensions integer, OUT method text, OUT lists integer, OUT row_estimate float8
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
BEGIN
  SELECT searched.id, searched.dimensions INTO model, dimensions FROM current_embedding_model() AS searched;

  SELECT greatest(memory.reltuples, 0) INTO row_estimate
  FROM pg_class AS memory
  WHERE memory.oid = 'memory_items'::regclass;

  SELECT access.amname,
    COALESCE(substring(array_to_string(index.reloptions, ',') FROM '(?:^|,)lists=(\d+)')::integer, 100)
  INTO method, lists
  FROM pg_class AS index
  JOIN pg_index AS entry ON entry.indexrelid = index.oid
  JOIN pg_am AS access ON access.oid = index.relam
  WHERE index.oid = to_regclass('memory_items_embedding_idx') AND entry.indisvalid;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/vector_index_rows.sql
-- Asks the vector index for the rows nearest to the query (a unit vector) that pass the condition, which speaks of $1
-- (query_tags), $2 (filter) and $3 (required). The last four parameters are vector_index's. It may return fewer than
-- limit_rows.
--
-- The index holds half-precision vectors, so twice as many rows as wanted, and 40 at least, are taken and ordered anew by
-- the full ones. The scan goes on in relaxed order until the condition has let so many pass: in strict order a neighbour
-- that comes up late would be thrown away, which cost 3 % of recall under a filter that 5 % pass. ef_search and probes are
-- for a recall above 0.98 on real vectors (npm run bench -- vector): the more rows are wanted, the more lists they lie in.
CREATE OR REPLACE FUNCTION vector_index_rows(
  query vector, required tsquery, condition text, query_tags text[], limit_rows integer, filter jsonb,
  model integer, dimensions integer, method text, lists integer
)
RETURNS TABLE (id text, similarity float8)
LANGUAGE plpgsql STABLE ROWS 10
AS $$
#variable_conflict use_column
DECLARE
  -- The planner must not sort what the index gives in order.
  names constant text[] := ARRAY['enable_seqscan', 'enable_bitmapscan', 'enable_sort', 'jit'] || CASE method
    WHEN 'hnsw' THEN ARRAY['hnsw.iterative_scan', 'hnsw.ef_search']
    ELSE ARRAY['ivfflat.iterative_scan', 'ivfflat.probes']
  END;
  values constant text[] := ARRAY['off', 'off', 'off', 'off', 'relaxed_order', CASE method
    WHEN 'hnsw' THEN least(1000, greatest(400, 2 * limit_rows))
    ELSE least(lists, ceil((3 + log(limit_rows::float8)) * sqrt(lists)))
  END::text];
  before constant text[] := ARRAY(
    SELECT current_setting(setting.name) FROM unnest(names) WITH ORDINALITY AS setting (name, place) ORDER BY setting.place
  );
BEGIN
  -- Local to the transaction, and put back below; an error rolls them back.
  PERFORM set_config(setting.name, setting.value, true) FROM unnest(names, values) AS setting (name, value);
  RETURN QUERY EXECUTE format(
    $query$
      WITH nearest AS MATERIALIZED (
        SELECT m.id, %1$s AS embedding
        FROM memory_items AS m
        WHERE (%1$s) IS NOT NULL AND %3$s
        ORDER BY (l2_normalize(%1$s)::halfvec(%2$s)) <=> $4::halfvec(%2$s)
        LIMIT greatest(2 * $5, 40)
      )
      SELECT nearest.id, 1 - (nearest.embedding <=> $4) AS similarity
      FROM nearest
      ORDER BY similarity DESC, nearest.id COLLATE "C"
      LIMIT $5
    $query$,
    embedding_expression(model), dimensions, condition
  )
  USING query_tags, filter, required, query, limit_rows;
  PERFORM set_config(setting.name, setting.value, true) FROM unnest(names, before) AS setting (name, value);
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/vector_search.sql
-- Search by meaning: the k rows whose embeddings are nearest to the query's, by cosine. similarity = 1 - cosine
-- distance, from -1 to 1. Rows without an embedding are not found.
--
-- query_embedding: a vector of the current model, not zero
-- query_tags, k, filter: as in bm25_search (fuzzy has no effect here; the score of filter.after is the similarity), and
--   filter.model: the name of the model that made query_embedding, which is refused if another is the current one
--   filter.min_score: the least similarity that a row must have, -1 to 1
CREATE OR REPLACE FUNCTION vector_search(
  query_embedding vector, query_tags text[] DEFAULT '{}', k integer DEFAULT 10, filter jsonb DEFAULT '{}'
)
RETURNS TABLE (id text, text text, tags text[], created_at timestamptz, similarity float8)
LANGUAGE plpgsql STABLE ROWS 10
AS $$
#variable_conflict use_column
DECLARE
  condition text;
  ids text[];
  similarities float8[];
  sought integer := k;
  min_score float8;
BEGIN
  IF query_embedding IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
      MESSAGE = format('vector_search: query_embedding must be a vector of %s dimensions, got null',
        (current_embedding_model()).dimensions);
  END IF;
  PERFORM check_query_embedding('vector_search', query_embedding, filter);
  PERFORM check_search_limit('vector_search', k);
  query_tags := COALESCE(query_tags, '{}');
  filter := COALESCE(filter, '{}');
  IF filter -> 'model' IS NOT NULL THEN
    filter := filter - 'model';
  END IF;
  condition := memory_filter_condition(query_tags, filter, '{after,min_score}');
  min_score := COALESCE(check_min_score(filter, -1, 1), '-Infinity');
  filter := filter - 'min_score';

  IF NOT filter ? 'after' THEN
    RETURN QUERY
      SELECT m.id, m.text, m.tags, m.created_at, hit.similarity
      FROM vector_rows(query_embedding, NULL, condition, query_tags, k, filter) AS hit
      JOIN memory_items AS m ON m.id = hit.id
      WHERE hit.similarity >= min_score
      ORDER BY hit.similarity DESC, hit.id COLLATE "C";
    RETURN;
  END IF;

  PERFORM check_cursor(filter);
  LOOP
    SELECT array_agg(hit.id), array_agg(hit.similarity) INTO ids, similarities
    FROM vector_rows(query_embedding, NULL, condition, query_tags, sought, filter - 'after') AS hit;
    EXIT WHEN COALESCE(cardinality(ids), 0) < sought;
    EXIT WHEN (SELECT count(*) FROM unnest(ids, similarities) AS hit (id, similarity)
               WHERE is_after(hit.similarity, hit.id, filter)) >= k;
    sought := 4 * sought;
  END LOOP;

  RETURN QUERY
    SELECT m.id, m.text, m.tags, m.created_at, hit.similarity
    FROM unnest(ids, similarities) AS hit (id, similarity)
    JOIN memory_items AS m ON m.id = hit.id
    WHERE is_after(hit.similarity, hit.id, filter) AND hit.similarity >= min_score
    ORDER BY hit.similarity DESC, hit.id COLLATE "C"
    LIMIT k;
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
ALTER FUNCTION list_memories(query_tags text[], k integer, filter jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION memory_history_of(ids text[]) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION pending_embeddings(model integer, of_all boolean, most bigint) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION prune_memory_history(before timestamptz, namespace text, most integer) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION set_memory_history(is_on boolean) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION settle_embeddings(after text, most integer, OUT last_id text, OUT settled bigint, OUT missed bigint) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION supersede_memory(id text, by_id text, valid_to timestamptz) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION use_embedding_model(name text, dimensions integer) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION vector_index(OUT model integer, OUT dimensions integer, OUT method text, OUT lists integer, OUT row_estimate float8) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION vector_index_rows(query vector, required tsquery, condition text, query_tags text[], limit_rows integer, filter jsonb, model integer, dimensions integer, method text, lists integer) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION vector_search(query_embedding vector, query_tags text[], k integer, filter jsonb) SET search_path FROM CURRENT;

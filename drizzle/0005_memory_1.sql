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
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/memory/storage/memory_history.sql
-- The history of a memory is seen by whoever sees the memory: the policy asks memory_items with the rights of the reader,
-- its row-level security included. Nobody but the triggers and the owner writes it.
ALTER TABLE memory_history ENABLE ROW LEVEL SECURITY;
--> statement-breakpoint
DROP POLICY IF EXISTS memory_history_of_visible ON memory_history;
--> statement-breakpoint
CREATE POLICY memory_history_of_visible ON memory_history FOR SELECT
  USING (EXISTS (SELECT FROM memory_items AS m WHERE m.id = memory_history.memory_id));
--> statement-breakpoint
-- source: src/sql/memory/storage/memory_items.sql
-- A search reads the search_vector of every candidate: inline and uncompressed it costs no more than its page, while
-- a compressed one cost 8 µs more for each candidate.
ALTER TABLE memory_items ALTER COLUMN search_vector SET STORAGE EXTERNAL;
--> statement-breakpoint
ALTER TABLE memory_items SET (toast_tuple_target = 8160);
--> statement-breakpoint
-- Dropping the column dropped its index with it, of which drizzle-kit knows nothing.
CREATE INDEX IF NOT EXISTS memory_items_search_vector_idx ON memory_items USING gin (search_vector);
--> statement-breakpoint
-- A column that was just added was compressed in long rows, because its storage is set only here.
UPDATE memory_items SET text = text WHERE pg_column_compression(search_vector) IS NOT NULL;
--> statement-breakpoint
-- path: strict
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), 'pg_catalog', 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/memory/triggers/clear_memory_history.sql
-- TRUNCATE of memory_items fires no DELETE trigger: this forgets the history of all of them.
CREATE OR REPLACE FUNCTION clear_memory_history()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
  TRUNCATE memory_history;
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/memory/triggers/fill_memory_id.sql
-- Gives a row that is inserted without an id the default one, so that plain SQL, Drizzle and Studio need not know how it
-- is made.
CREATE OR REPLACE FUNCTION fill_memory_id()
RETURNS trigger
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
BEGIN
  NEW.id := memory_id(NEW.namespace, NEW.text, NEW.tags);
  RETURN NEW;
END
$$;
--> statement-breakpoint
-- path: strict
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), 'pg_catalog', 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/memory/triggers/forget_memory_history.sql
-- Deletes the history of memories that were deleted: who forgets a memory means all that it ever said.
-- SECURITY DEFINER as keep_memory_history.
CREATE OR REPLACE FUNCTION forget_memory_history()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
  DELETE FROM memory_history AS kept USING old_rows WHERE kept.memory_id = old_rows.id;
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/triggers/keep_memory_history.sql
-- Keeps what a memory was before an update (the trigger's condition says which columns count). A column that the update
-- left alone is kept as null. The rows of a memory go where it goes: to another id or namespace as well.
-- SECURITY DEFINER, because whoever may change memories need not be able to write their history; so who it was is asked of
-- the session: the role that SET ROLE chose, else the login.
CREATE OR REPLACE FUNCTION keep_memory_history()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
  IF OLD.id <> NEW.id OR OLD.namespace <> NEW.namespace THEN
    UPDATE memory_history AS kept SET memory_id = NEW.id, namespace = NEW.namespace WHERE kept.memory_id = OLD.id;
  END IF;
  INSERT INTO memory_history (memory_id, namespace, changed_by, actor, text, tags, metadata, importance)
  SELECT NEW.id, NEW.namespace, COALESCE(NULLIF(current_setting('role'), 'none'), session_user),
    NULLIF(current_setting('opa.actor', true), ''),
    CASE WHEN OLD.text <> NEW.text THEN OLD.text END,
    CASE WHEN OLD.tags <> NEW.tags THEN OLD.tags END,
    CASE WHEN OLD.metadata <> NEW.metadata THEN OLD.metadata END,
    CASE WHEN OLD.importance <> NEW.importance THEN OLD.importance END
  WHERE (OLD.text, OLD.tags, OLD.metadata, OLD.importance) <> (NEW.text, NEW.tags, NEW.metadata, NEW.importance);
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/embedding/check_embedding_model.sql
-- Refuses a name or dimensions that no model can have. may_be_unnamed: whether the name may be null.
CREATE OR REPLACE FUNCTION check_embedding_model(caller text, name text, dimensions integer, may_be_unnamed boolean)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  IF name IS NULL AND NOT may_be_unnamed OR octet_length(name) NOT BETWEEN 1 AND 1024 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: name must be a text of 1 to 1024 bytes, got %s', caller,
        COALESCE(octet_length(name) || ' bytes', 'null'));
  END IF;
  IF dimensions IS NULL OR dimensions NOT BETWEEN 1 AND 4000 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: dimensions must be an integer from 1 to 4000, got %s', caller, COALESCE(dimensions::text, 'null'));
  END IF;
END
$$;
--> statement-breakpoint
-- path: strict
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), 'pg_catalog', 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/embedding/current_embedding_model.sql
-- The model whose vectors are searched. No row in embedding_models means the model that a database begins with.
-- Every search and every write of a vector asks this, with the rights of the owner: they need none on that table.
CREATE OR REPLACE FUNCTION current_embedding_model(
  OUT id integer, OUT name text, OUT dimensions integer, OUT since timestamptz
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
BEGIN
  SELECT model.id, model.name, model.dimensions, model.changed_at INTO id, name, dimensions, since
  FROM embedding_models AS model
  WHERE model.state = 'current';
  IF NOT FOUND THEN
    id := 1;
    dimensions := 384;
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
-- source: src/sql/embedding/embedding_expression.sql
-- The vector of one model in a row of memory_items (alias m, or none), as SQL: it lies in `embedding`, or while a change
-- is under way or has just been finished, in `next_embedding`. An index on this does not notice that a vector moves from
-- one column to the other, so that the model that is searched is a matter of data: each snapshot has one.
CREATE OR REPLACE FUNCTION embedding_expression(model integer, prefix text DEFAULT 'm.')
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  RETURN format(
    'CASE WHEN %1$sembedding_model = %2$s THEN %1$sembedding WHEN %1$snext_embedding_model = %2$s THEN %1$snext_embedding END',
    prefix, model
  );
END
$$;
--> statement-breakpoint
-- source: src/sql/embedding/name_embedding_model.sql
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
-- path: strict
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), 'pg_catalog', 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/embedding/next_embedding_model.sql
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
-- source: src/sql/embedding/store_embeddings_for.sql
-- Where rows keep vectors of so many dimensions. A vector is four bytes for each, and a row whose parts are larger
-- together than toast_tuple_target has the largest of them moved out of line. In line, keyword search reads the vector
-- with the page, and the exact scan needs no second read: right while two rows or more share a page. Out of line, a
-- page holds several rows however long the vectors are, and each vector costs some 5 microseconds more (docs/embedding-models.md). Concerns rows that are written from now on.
CREATE OR REPLACE FUNCTION store_embeddings_for(dimensions integer)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  EXECUTE format('ALTER TABLE memory_items SET (toast_tuple_target = %s)',
    CASE WHEN dimensions <= 768 THEN 8160 ELSE 2560 END);
END
$$;
--> statement-breakpoint
-- path: strict
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), 'pg_catalog', 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/embedding/wrong_embedding.sql
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
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- path: of the functions above
ALTER FUNCTION count_memories(query_tags text[], filter jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION count_scope(filter jsonb, OUT memories bigint, OUT history_entries bigint) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION erase_memories(scope jsonb, most integer, OUT memories bigint, OUT history_entries bigint) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION find_words(words text[]) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION list_memories(query_tags text[], k integer, filter jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION memory_history_of(ids text[]) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION prune_memory_history(before timestamptz, namespace text, most integer) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION set_memory_history(is_on boolean) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION supersede_memory(id text, by_id text, valid_to timestamptz) SET search_path FROM CURRENT;

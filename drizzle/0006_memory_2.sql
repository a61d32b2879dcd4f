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
-- source: src/sql/embedding/api/begin_model_change.sql
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
-- source: src/sql/embedding/api/cancel_model_change.sql
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
-- source: src/sql/embedding/api/embedding_index_definition.sql
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
-- source: src/sql/embedding/api/embedding_model.sql
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
-- source: src/sql/embedding/api/finish_model_change.sql
-- Switches the searches to the next model: a statement that began before goes on by the old one to its end, one that
-- begins after the commit goes by the new one, and a vector of the old model is refused from then on. Refused while
-- memories that the old model finds have no vector of the new one, unless accept_pending: those are then found by
-- keyword alone until they are embedded.
--
-- Waits for transactions that have written a vector (set lock_timeout, so that others do not wait behind it for long);
-- searches never wait. The vectors of the new model move to `embedding` by settle_embeddings, called until it is done.
-- The index of the old model stays as memory_items_embedding_idx_old, to be dropped outside a transaction; refused while
-- one of an earlier change is left, whose name the present one is to take.
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
  IF to_regclass('memory_items_embedding_idx_old') IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = 'finish_model_change: the index of the model before the current one, memory_items_embedding_idx_old, is still there',
      HINT = 'DROP INDEX CONCURRENTLY memory_items_embedding_idx_old, and finish again.';
  END IF;
  UPDATE embedding_models SET state = 'former', changed_at = now() WHERE state = 'current';
  UPDATE embedding_models SET state = 'current', changed_at = now() WHERE id = next.id;
  -- The planner goes by what an index is on, not by its name: a search that began before still uses the old one.
  ALTER INDEX IF EXISTS memory_items_embedding_idx RENAME TO memory_items_embedding_idx_old;
  ALTER INDEX IF EXISTS memory_items_embedding_idx_next RENAME TO memory_items_embedding_idx;
END
$$;
--> statement-breakpoint
-- source: src/sql/embedding/api/pending_embeddings.sql
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
-- source: src/sql/embedding/api/settle_embeddings.sql
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
-- source: src/sql/embedding/api/use_embedding_model.sql
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
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/embedding/triggers/drop_stale_embedding.sql
-- Takes the vector from a row whose text was changed without a new one, whichever client wrote it: vector search would
-- find the new text by the old meaning, at similarity 1. Without a vector the row is pending, and embedPending makes one.
CREATE OR REPLACE FUNCTION drop_stale_embedding()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  NEW.embedding := NULL;
  RETURN NEW;
END
$$;
--> statement-breakpoint
-- path: strict
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), 'pg_catalog', 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/embedding/triggers/memory_items_place_embedding.sql
-- Checks each vector that is written against its model, and notes in the row which one it is of: `embedding` takes those
-- of the current model, `next_embedding` those of the next one while a change is under way. A writer may name the model
-- by the setting opa.embedding_model: a vector of the next model that is written to `embedding` then goes where it
-- belongs, one of any other is refused, and a model without a name yet gets this one.
--
-- Markers are the database's own. A client that names the model may change embedding_model to say that the vector is a
-- new one although it equals the old (embedPending, where two models agree); whatever else is written there is ignored.
-- A text that changes makes the next model's vector void. Casts to real[], because they are found by their types: a trigger's search_path has no extension in it.
CREATE OR REPLACE FUNCTION memory_items_place_embedding()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
DECLARE
  is_written boolean := NEW.embedding IS NOT NULL;
  is_next_written boolean := NEW.next_embedding IS NOT NULL;
  named CONSTANT text := nullif(current_setting('opa.embedding_model', true), '');
  what CONSTANT text := format('embedding of the memory "%s"', left(NEW.id, 80));
  model record;
  next record;
BEGIN
  IF TG_OP = 'UPDATE' THEN
    is_written := is_written AND (
      named IS NOT NULL AND NEW.embedding_model IS DISTINCT FROM OLD.embedding_model
      OR NEW.embedding::real[] IS DISTINCT FROM OLD.embedding::real[]
    );
    is_next_written := is_next_written AND NEW.next_embedding::real[] IS DISTINCT FROM OLD.next_embedding::real[];
    IF NOT is_next_written AND NEW.text <> OLD.text THEN
      NEW.next_embedding := NULL;
    END IF;
    NEW.embedding_model := CASE WHEN NEW.embedding IS NOT NULL THEN OLD.embedding_model END;
    NEW.next_embedding_model := CASE WHEN NEW.next_embedding IS NOT NULL THEN OLD.next_embedding_model END;
  ELSE
    NEW.embedding_model := NULL;
    NEW.next_embedding_model := NULL;
  END IF;
  IF NOT is_written AND NOT is_next_written THEN
    RETURN NEW;
  END IF;

  -- Held until the transaction ends. The functions that change models wait for it, so that no vector which was checked
  -- against a model is committed after another has taken its place. Searches take no such lock.
  LOCK TABLE embedding_models IN ROW SHARE MODE;
  SELECT * INTO model FROM current_embedding_model();
  SELECT * INTO next FROM next_embedding_model();

  -- The same name with other dimensions (a shortened vector) is another model.
  IF is_written AND named = next.name
    AND (named IS DISTINCT FROM model.name OR cardinality(NEW.embedding::real[]) <> model.dimensions)
  THEN
    is_next_written := true;
    is_written := false;
    NEW.next_embedding := NEW.embedding;
    NEW.embedding := CASE WHEN TG_OP = 'UPDATE' AND NEW.text = OLD.text THEN OLD.embedding END;
    NEW.embedding_model := CASE WHEN NEW.embedding IS NOT NULL THEN OLD.embedding_model END;
  END IF;

  IF is_written THEN
    IF cardinality(NEW.embedding::real[]) <> model.dimensions OR named <> model.name THEN
      PERFORM wrong_embedding(
        what, model.name, model.dimensions, CASE WHEN named <> model.name THEN named END, cardinality(NEW.embedding::real[])
      );
    END IF;
    IF model.name IS NULL AND named IS NOT NULL THEN
      PERFORM name_embedding_model(what, named);
    END IF;
    NEW.embedding_model := model.id;
  END IF;

  IF is_next_written THEN
    IF next.id IS NULL THEN
      RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
        MESSAGE = format('%s: next_embedding is for a change of the model, and none is under way', what);
    END IF;
    IF cardinality(NEW.next_embedding::real[]) <> next.dimensions OR named NOT IN (next.name, model.name) THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('%s: next_embedding must have %s dimensions, as the next model "%s" gives, got %s%s', what,
          next.dimensions, next.name, cardinality(NEW.next_embedding::real[]), ' of the model "' || named || '"');
    END IF;
    -- The row is left over from the change before: the current model's vector makes room.
    IF TG_OP = 'UPDATE' AND OLD.next_embedding_model = model.id AND NEW.embedding_model IS DISTINCT FROM model.id
      AND NEW.text = OLD.text
    THEN
      NEW.embedding := OLD.next_embedding;
      NEW.embedding_model := model.id;
    END IF;
    NEW.next_embedding_model := next.id;
  END IF;

  IF NEW.embedding_model = NEW.next_embedding_model THEN
    NEW.next_embedding := NULL;
    NEW.next_embedding_model := NULL;
  END IF;
  RETURN NEW;
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
ALTER FUNCTION cancel_model_change() SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION embedding_index_definition(model integer, dimensions integer) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION embedding_model(OUT id integer, OUT name text, OUT dimensions integer, OUT since timestamptz, OUT next_id integer, OUT next_name text, OUT next_dimensions integer, OUT next_since timestamptz) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION finish_model_change(accept_pending boolean) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION pending_embeddings(model integer, of_all boolean, most bigint) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION settle_embeddings(after text, most integer, OUT last_id text, OUT settled bigint, OUT missed bigint) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION use_embedding_model(name text, dimensions integer) SET search_path FROM CURRENT;

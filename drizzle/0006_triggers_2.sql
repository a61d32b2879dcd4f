-- path: of the installation
SELECT set_config('opa.schema', coalesce(nullif(current_setting('opa.schema', true), ''), current_schema(), ''), true);
--> statement-breakpoint
-- path: checked when they run
SET LOCAL check_function_bodies = off;
--> statement-breakpoint
-- path: strict
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), 'pg_catalog', 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/triggers/log_memory_items_change.sql
-- Appends what one statement did to memory_items to the statistics log. Every row is the writer's own and only ever
-- inserted, so writers wait for nobody and cannot deadlock. A statement of a few rows leaves one log row a document
-- (a tsvector of its lexemes: cheap to write, tested in C by readers); a bulk statement is added up first, so that
-- readers need not walk through what it loaded.
-- An update counts only where the text changed, or its lexemes did, because the server's stemmers are other ones (any update
-- computes them anew): the statistics depend on nothing else.
CREATE OR REPLACE FUNCTION log_memory_items_change()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
DECLARE
  few_rows CONSTANT integer := 32;
  documents bigint;
  total_length bigint;
  lexemes text[];
  document_frequencies bigint[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO search_log (documents, total_length, lexemes)
    SELECT 1, new_rows.lexeme_count, strip(new_rows.search_vector) FROM new_rows
    WHERE (SELECT count(*) FROM (SELECT FROM new_rows LIMIT few_rows + 1) AS changed) <= few_rows;
    IF FOUND THEN
      RETURN NULL;
    END IF;
    SELECT count(*), sum(new_rows.lexeme_count) INTO documents, total_length FROM new_rows;
    IF documents = 0 THEN
      RETURN NULL;
    END IF;
    SELECT array_agg(counted.lexeme), array_agg(counted.documents)
    INTO lexemes, document_frequencies
    FROM (
      SELECT word COLLATE "C" AS lexeme, count(*) AS documents
      FROM new_rows, unnest(tsvector_to_array(new_rows.search_vector)) AS word
      GROUP BY 1 ORDER BY 1
    ) AS counted;

  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO search_log (documents, total_length, lexemes)
    SELECT -1, -old_rows.lexeme_count, strip(old_rows.search_vector) FROM old_rows
    WHERE (SELECT count(*) FROM (SELECT FROM old_rows LIMIT few_rows + 1) AS changed) <= few_rows;
    IF FOUND THEN
      RETURN NULL;
    END IF;
    SELECT -count(*), -sum(old_rows.lexeme_count) INTO documents, total_length FROM old_rows;
    IF documents = 0 THEN
      RETURN NULL;
    END IF;
    SELECT array_agg(counted.lexeme), array_agg(counted.documents)
    INTO lexemes, document_frequencies
    FROM (
      SELECT word COLLATE "C" AS lexeme, -count(*) AS documents
      FROM old_rows, unnest(tsvector_to_array(old_rows.search_vector)) AS word
      GROUP BY 1 ORDER BY 1
    ) AS counted;

  ELSE
    IF (SELECT count(*) FROM (SELECT FROM new_rows LIMIT few_rows + 1) AS changed) <= few_rows THEN
      INSERT INTO search_log (documents, total_length, lexemes)
      SELECT -1, -before.lexeme_count, strip(before.search_vector) FROM old_rows AS before
      WHERE NOT EXISTS (SELECT FROM new_rows AS after WHERE after.id = before.id AND after.text = before.text AND after.search_vector = before.search_vector)
      UNION ALL
      SELECT 1, after.lexeme_count, strip(after.search_vector) FROM new_rows AS after
      WHERE NOT EXISTS (SELECT FROM old_rows AS before WHERE before.id = after.id AND before.text = after.text AND before.search_vector = after.search_vector);
      RETURN NULL;
    END IF;
    IF NOT EXISTS (
      SELECT new_rows.id, new_rows.text, new_rows.search_vector FROM new_rows
      EXCEPT SELECT old_rows.id, old_rows.text, old_rows.search_vector FROM old_rows
    ) THEN
      RETURN NULL;
    END IF;
    documents := 0;
    total_length := (SELECT sum(lexeme_count) FROM new_rows) - (SELECT sum(lexeme_count) FROM old_rows);
    SELECT array_agg(counted.lexeme), array_agg(counted.documents)
    INTO lexemes, document_frequencies
    FROM (
      SELECT word COLLATE "C" AS lexeme, sum(changed.sign) AS documents
      FROM (
        SELECT 1 AS sign, new_rows.search_vector FROM new_rows
        UNION ALL
        SELECT -1, old_rows.search_vector FROM old_rows
      ) AS changed, unnest(tsvector_to_array(changed.search_vector)) AS word
      GROUP BY 1 HAVING sum(changed.sign) <> 0 ORDER BY 1
    ) AS counted;
  END IF;

  PERFORM log_bulk_change(documents, total_length, lexemes, document_frequencies);
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- source: src/sql/triggers/memory_items_place_embedding.sql
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
-- source: src/sql/triggers/set_updated_at.sql
-- Keeps updated_at. Whether another column really changed is decided by the trigger's WHEN (src/schema/trigger.ts),
-- so that an update that changes nothing costs no function call.
CREATE OR REPLACE FUNCTION set_updated_at()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END
$$;

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

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

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

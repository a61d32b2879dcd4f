-- Refuses a query vector that has no direction among the embeddings: of other dimensions than the current model's, zero,
-- or of another model, where filter.model says which one made it. (A typmod on a function's argument is not enforced,
-- and the model is data.)
CREATE OR REPLACE FUNCTION check_query_embedding(caller text, query_embedding vector, filter jsonb)
RETURNS void
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  model record;
BEGIN
  IF filter ? 'model' AND jsonb_typeof(filter -> 'model') <> 'string' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter.model must be a string, the name of the model that made query_embedding, got %s', left((filter -> 'model')::text, 60));
  END IF;
  IF query_embedding IS NULL THEN
    RETURN;
  END IF;
  model := current_embedding_model();
  IF vector_dims(query_embedding) <> model.dimensions OR filter ->> 'model' <> model.name THEN
    PERFORM wrong_embedding(
      caller || ': query_embedding', model.name, model.dimensions,
      CASE WHEN filter ->> 'model' <> model.name THEN filter ->> 'model' END, vector_dims(query_embedding)
    );
  END IF;
  IF vector_norm(query_embedding) = 0 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: query_embedding must have a direction, got a zero vector', caller);
  END IF;
END
$$;

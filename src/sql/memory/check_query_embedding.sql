-- Refuses a query vector that has no direction in the space of the embeddings. PostgreSQL does not enforce a typmod on
-- a function's argument, so vector(384) as its type would accept any length.
CREATE OR REPLACE FUNCTION check_query_embedding(caller text, query_embedding vector)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  IF vector_dims(query_embedding) <> 384 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: query_embedding must have 384 dimensions, got %s', caller, vector_dims(query_embedding));
  END IF;
  IF vector_norm(query_embedding) = 0 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: query_embedding must have a direction, got a zero vector', caller);
  END IF;
END
$$;

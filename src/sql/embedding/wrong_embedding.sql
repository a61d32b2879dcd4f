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

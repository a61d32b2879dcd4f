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

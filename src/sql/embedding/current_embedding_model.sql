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

-- The model whose vectors are searched. No row in embedding_models means the model that a database begins with.
-- Every search and every write of a vector asks this, with the rights of the owner: they need none on that table.
CREATE OR REPLACE FUNCTION public.current_embedding_model(OUT id integer, OUT name text, OUT dimensions integer)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  SELECT model.id, model.name, model.dimensions INTO id, name, dimensions
  FROM public.embedding_models AS model
  WHERE model.state = 'current';
  IF NOT FOUND THEN
    id := 1;
    dimensions := 384;
  END IF;
END
$$;

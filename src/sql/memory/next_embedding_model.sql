-- The model that a change is under way to; nulls where there is none.
CREATE OR REPLACE FUNCTION public.next_embedding_model(OUT id integer, OUT name text, OUT dimensions integer)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  SELECT model.id, model.name, model.dimensions INTO id, name, dimensions
  FROM public.embedding_models AS model
  WHERE model.state = 'next';
END
$$;

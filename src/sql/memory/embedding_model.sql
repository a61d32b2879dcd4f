-- The embedding model whose vectors are searched, and, while a change is under way, the next one. name is null until
-- somebody named it, dimensions is the length of its vectors, id what memory_items.embedding_model says of them.
CREATE OR REPLACE FUNCTION public.embedding_model(
  OUT id integer, OUT name text, OUT dimensions integer, OUT since timestamptz,
  OUT next_id integer, OUT next_name text, OUT next_dimensions integer, OUT next_since timestamptz
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  SELECT model.id, model.name, model.dimensions INTO id, name, dimensions
  FROM public.current_embedding_model() AS model;
  SELECT model.changed_at INTO since FROM public.embedding_models AS model WHERE model.state = 'current';
  SELECT model.id, model.name, model.dimensions, model.changed_at INTO next_id, next_name, next_dimensions, next_since
  FROM public.embedding_models AS model
  WHERE model.state = 'next';
END
$$;

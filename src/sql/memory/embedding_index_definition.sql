-- What a vector index of a model is on: half-precision vectors, normalised, because components near 1e-9 would vanish and
-- 70,000 would not fit. The searches order by the same expression.
CREATE OR REPLACE FUNCTION public.embedding_index_definition(model integer, dimensions integer)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  RETURN format('((l2_normalize(%s)::halfvec(%s)) halfvec_cosine_ops)', public.embedding_expression(model, ''), dimensions);
END
$$;

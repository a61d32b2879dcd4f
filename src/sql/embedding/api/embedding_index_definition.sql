-- What a vector index of a model is on: half-precision vectors, normalised, because components near 1e-9 would vanish and
-- 70,000 would not fit. The searches order by the same expression. Names of pgvector's are qualified, for clients that
-- run the statement with a search_path of their own.
CREATE OR REPLACE FUNCTION embedding_index_definition(model integer, dimensions integer)
RETURNS text
LANGUAGE plpgsql STABLE
AS $$
BEGIN
  RETURN (
    SELECT format('((%1$I.l2_normalize(%2$s)::%1$I.halfvec(%3$s)) %1$I.halfvec_cosine_ops)',
      place.nspname, embedding_expression(model, ''), dimensions)
    FROM pg_extension AS vector
    JOIN pg_namespace AS place ON place.oid = vector.extnamespace
    WHERE vector.extname = 'vector'
  );
END
$$;

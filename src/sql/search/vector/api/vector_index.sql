-- What a search by meaning goes by: the current model and its dimensions, the access method of the vector index (hnsw,
-- ivfflat; null for none, or one whose building was interrupted), its lists (ivfflat) and how many rows the table is
-- thought to have.
--
-- In PL/pgSQL, which keeps the plans: every search asks this first, and as an SQL function it was planned each time.
CREATE OR REPLACE FUNCTION vector_index(
  OUT model integer, OUT dimensions integer, OUT method text, OUT lists integer, OUT row_estimate float8
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
BEGIN
  SELECT searched.id, searched.dimensions INTO model, dimensions FROM current_embedding_model() AS searched;

  SELECT greatest(memory.reltuples, 0) INTO row_estimate
  FROM pg_class AS memory
  WHERE memory.oid = 'memory_items'::regclass;

  SELECT access.amname,
    COALESCE(substring(array_to_string(index.reloptions, ',') FROM '(?:^|,)lists=(\d+)')::integer, 100)
  INTO method, lists
  FROM pg_class AS index
  JOIN pg_index AS entry ON entry.indexrelid = index.oid
  JOIN pg_am AS access ON access.oid = index.relam
  WHERE index.oid = to_regclass('memory_items_embedding_idx') AND entry.indisvalid;
END
$$;

-- The vector index that is there: its access method (hnsw, ivfflat; null for none, or one whose building was
-- interrupted), its lists (ivfflat) and how many rows the table is thought to have.
CREATE OR REPLACE FUNCTION public.vector_index(OUT method text, OUT lists integer, OUT row_estimate float8)
LANGUAGE sql STABLE
AS $$
  SELECT access.amname, options.lists, greatest(memory.reltuples, 0)
  FROM pg_class AS memory
  LEFT JOIN (
    pg_index AS entry
    JOIN pg_class AS index ON index.oid = entry.indexrelid AND index.relname = 'memory_items_embedding_idx'
    JOIN pg_am AS access ON access.oid = index.relam
  ) ON entry.indrelid = memory.oid AND entry.indisvalid
  LEFT JOIN LATERAL (
    SELECT substring(option FROM '^lists=(\d+)$')::integer AS lists
    FROM unnest(index.reloptions) AS option
    WHERE option LIKE 'lists=%'
  ) AS options ON true
  WHERE memory.oid = 'public.memory_items'::regclass
$$;

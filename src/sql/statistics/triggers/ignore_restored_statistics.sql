-- Rows that reach a statistics table other than through memory_items' triggers, a fold or a rebuild are those of a
-- data-only restore, whose COPY of memory_items has counted every row already: they are ignored.
CREATE OR REPLACE FUNCTION ignore_restored_statistics()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  RETURN NULL;
END
$$;

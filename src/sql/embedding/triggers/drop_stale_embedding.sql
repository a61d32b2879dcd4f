-- Takes the vector from a row whose text was changed without a new one, whichever client wrote it: vector search would
-- find the new text by the old meaning, at similarity 1. Without a vector the row is pending, and embedPending makes one.
CREATE OR REPLACE FUNCTION drop_stale_embedding()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  NEW.embedding := NULL;
  RETURN NEW;
END
$$;

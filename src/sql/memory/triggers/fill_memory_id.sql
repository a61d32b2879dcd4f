-- Gives a row that is inserted without an id the default one, so that plain SQL, Drizzle and Studio need not know how it
-- is made.
CREATE OR REPLACE FUNCTION fill_memory_id()
RETURNS trigger
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
BEGIN
  NEW.id := memory_id(NEW.namespace, NEW.text, NEW.tags);
  RETURN NEW;
END
$$;

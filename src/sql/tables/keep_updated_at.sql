-- Undoes an update of updated_at alone: it says when something else changed, and a client may not say otherwise.
CREATE OR REPLACE FUNCTION keep_updated_at()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  NEW.updated_at := OLD.updated_at;
  RETURN NEW;
END
$$;

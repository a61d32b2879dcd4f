-- Keeps updated_at. Whether another column really changed is decided by the trigger's WHEN (src/schema/trigger.ts),
-- so that an update that changes nothing costs no function call.
CREATE OR REPLACE FUNCTION set_updated_at()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END
$$;

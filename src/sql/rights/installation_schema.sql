-- The schema in which this installation is: the one whose internal schema comes first in the caller's path. For SECURITY
-- DEFINER functions, whose path leaves it out because others may be allowed to create functions there.
CREATE OR REPLACE FUNCTION installation_schema()
RETURNS text
LANGUAGE sql STABLE
AS $$
  SELECT pg_catalog.left(pg_catalog.current_schema()::pg_catalog.text, -4)
$$;

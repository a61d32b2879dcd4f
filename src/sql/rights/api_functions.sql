-- The functions of the API: those in the installation's schema whose search_path begins with its internal one, which
-- nobody else's has. Functions that were bound when they were made have no path, and nothing to hide.
-- search_path: strict
CREATE OR REPLACE FUNCTION api_functions(OUT oid oid, OUT name text, OUT is_read boolean)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path FROM CURRENT
AS $$
  SELECT function.oid, function.proname::text, function.provolatile <> 'v'
  FROM pg_proc AS function
  WHERE function.pronamespace = to_regnamespace(quote_ident(installation_schema()))
    AND EXISTS (
      SELECT FROM unnest(function.proconfig) AS setting
      WHERE starts_with(setting, format('search_path=%I, ', current_schema()))
    )
$$;

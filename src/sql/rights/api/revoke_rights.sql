-- Takes from a role everything that grant_reader, grant_service or grant_worker gave it.
--
--   SELECT revoke_rights('reports');
-- search_path: strict
CREATE OR REPLACE FUNCTION revoke_rights(role_name text)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  place text;
BEGIN
  PERFORM check_role('revoke_rights', role_name);
  DELETE FROM role_rights WHERE role = to_regrole(quote_ident(role_name));
  FOREACH place IN ARRAY ARRAY[current_schema(), left(current_schema(), -4)] LOOP
    EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM %I', place, role_name);
    EXECUTE format('REVOKE USAGE ON SCHEMA %I FROM %I', place, role_name);
  END LOOP;
  FOR place IN
    SELECT DISTINCT schema.nspname::text
    FROM pg_extension AS extension JOIN pg_namespace AS schema ON schema.oid = extension.extnamespace
    WHERE extension.extname IN ('vector', 'pg_trgm')
  LOOP
    EXECUTE format('REVOKE USAGE ON SCHEMA %I FROM %I', place, role_name);
  END LOOP;
  EXECUTE format('REVOKE ALL ON ALL FUNCTIONS IN SCHEMA %I FROM %I', current_schema(), role_name);
  EXECUTE (
    SELECT string_agg(format('REVOKE ALL ON FUNCTION %s FROM %I', api.oid::regprocedure, role_name), '; ')
    FROM api_functions() AS api
  );
END
$$;

-- path: of the installation
SELECT set_config('opa.schema', coalesce(nullif(current_setting('opa.schema', true), ''), current_schema(), ''), true);
--> statement-breakpoint
-- path: checked when they run
SET LOCAL check_function_bodies = off;
--> statement-breakpoint
-- path: schema
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema')), quote_ident(current_setting('opa.schema') || '_opa'), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/rights/api/revoke_rights.sql
-- Takes from a role everything that grant_reader, grant_service or grant_worker gave it.
--
--   SELECT revoke_rights('reports');
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
  EXECUTE format('REVOKE ALL ON ALL FUNCTIONS IN SCHEMA %I FROM %I', current_schema(), role_name);
  EXECUTE (
    SELECT string_agg(format('REVOKE ALL ON FUNCTION %s FROM %I', api.oid::regprocedure, role_name), '; ')
    FROM api_functions() AS api
  );
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- path: of the functions above
ALTER FUNCTION revoke_rights(role_name text) SET search_path FROM CURRENT;

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
-- source: src/sql/rights/api/grant_reader.sql
-- Lets a role search and read memories and jobs, and nothing else. Only the owner of the installation may call it with
-- effect. Later migrations give the role what they add for readers; revoke_rights takes it back.
--
--   SELECT grant_reader('reports');
-- search_path: strict
CREATE OR REPLACE FUNCTION grant_reader(role_name text)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  PERFORM grant_rights('grant_reader', role_name, 'reader');
END
$$;
--> statement-breakpoint
-- source: src/sql/rights/api/grant_service.sql
-- Lets a role do what a service does: remember, search and forget, accept work and settle it. It owns nothing, and
-- changes jobs only by the job functions. Only the owner of the installation may call it with effect; revoke_rights
-- takes it back.
--
--   SELECT grant_service('orchestrator');
-- search_path: strict
CREATE OR REPLACE FUNCTION grant_service(role_name text)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  PERFORM grant_rights('grant_service', role_name, 'service');
END
$$;
--> statement-breakpoint
-- source: src/sql/rights/api/grant_worker.sql
-- Lets a role claim, settle and enqueue jobs by the job functions, and read jobs: it cannot rewrite them by hand, and
-- sees nothing of the memories. Only the owner of the installation may call it with effect; revoke_rights takes it back.
--
--   SELECT grant_worker('documents_worker');
-- search_path: strict
CREATE OR REPLACE FUNCTION grant_worker(role_name text)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  PERFORM grant_rights('grant_worker', role_name, 'worker');
END
$$;
--> statement-breakpoint
-- source: src/sql/rights/api/revoke_rights.sql
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
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- path: of the functions above
DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION %I.grant_reader(role_name text) SET search_path = %I, pg_catalog, pg_temp',
    current_setting('opa.schema'), current_setting('opa.schema') || '_opa');
END
$$;
--> statement-breakpoint
DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION %I.grant_service(role_name text) SET search_path = %I, pg_catalog, pg_temp',
    current_setting('opa.schema'), current_setting('opa.schema') || '_opa');
END
$$;
--> statement-breakpoint
DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION %I.grant_worker(role_name text) SET search_path = %I, pg_catalog, pg_temp',
    current_setting('opa.schema'), current_setting('opa.schema') || '_opa');
END
$$;
--> statement-breakpoint
DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION %I.revoke_rights(role_name text) SET search_path = %I, pg_catalog, pg_temp',
    current_setting('opa.schema'), current_setting('opa.schema') || '_opa');
END
$$;

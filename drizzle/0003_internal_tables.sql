-- path: of the installation
SELECT set_config('opa.schema', coalesce(nullif(current_setting('opa.schema', true), ''), current_schema(), ''), true);
--> statement-breakpoint
-- path: checked when they run
SET LOCAL check_function_bodies = off;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/internal_tables/move_internal_tables.sql
-- Tables that are no part of the API are made by the schema's migration beside the others, and belong in the internal schema.
DO $$
DECLARE
  table_name text;
BEGIN
  FOREACH table_name IN ARRAY ARRAY[
    'search_totals', 'search_lexemes', 'search_vocabulary', 'search_log', 'search_log_lexemes', 'search_dictionary',
    'namespace_roles', 'role_rights',
    'job_wakeups', 'job_limit_states',
    'embedding_models', 'memory_history'
  ] LOOP
    IF to_regclass(format('%I.%I', current_setting('opa.schema'), table_name)) IS NOT NULL THEN
      EXECUTE format('ALTER TABLE %I.%I SET SCHEMA %I', current_setting('opa.schema'), table_name,
        current_setting('opa.schema') || '_opa');
    END IF;
  END LOOP;
END
$$;

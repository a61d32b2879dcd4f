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
-- source: src/sql/extensions/internal_schema.sql
-- Beside the schema of the installation, one for what is no part of its API: internal functions, the statistics of
-- keyword search, the ledger. Nobody but the owner may use it until grant_reader, grant_service or grant_worker says so.
DO $$
BEGIN
  IF current_setting('opa.schema') = '' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_schema_name',
      MESSAGE = 'opa-db is installed into the first schema of the search_path, and there is none',
      HINT = 'Create the schema, or connect with a search_path that begins with one that exists.';
  END IF;
  IF to_regnamespace(quote_ident(current_setting('opa.schema'))) IS NULL THEN
    EXECUTE format('CREATE SCHEMA %I', current_setting('opa.schema'));
  END IF;
  IF to_regclass(format('%I.memory_items', current_setting('opa.schema'))) IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'duplicate_table',
      MESSAGE = format('schema %s has a table memory_items that these migrations did not make', current_setting('opa.schema')),
      HINT = 'If it is of opa-db 0.1.0, run npx opa-db migrate once, which adopts it; else install into a schema of its own.';
  END IF;
  EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I', current_setting('opa.schema') || '_opa');
  EXECUTE format('REVOKE ALL ON SCHEMA %I FROM PUBLIC', current_setting('opa.schema') || '_opa');
END
$$;
--> statement-breakpoint
-- source: src/sql/extensions/pg_trgm.sql
-- Trigrams, for substring search on text and for the correction of misspelt words. An extension serves every schema of
-- the database, so it does not go into one that may be dropped with a tenant, but where the others are: in "extensions"
-- (Supabase), else in "public".
DO $$
DECLARE
  place text := coalesce(
    (SELECT nspname FROM pg_namespace WHERE nspname IN ('extensions', 'public') AND has_schema_privilege(oid, 'CREATE')
     ORDER BY nspname LIMIT 1),
    current_setting('opa.schema'));
BEGIN
  EXECUTE format('CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA %I', place);
END
$$;
--> statement-breakpoint
-- source: src/sql/extensions/vector.sql
-- pgvector is not a trusted extension: on a stock server only a superuser may create it, once in each database.
-- Managed services and the official image's user may do it themselves. Whoever may not is told what to ask for.
DO $$
DECLARE
  place text := coalesce(
    (SELECT nspname FROM pg_namespace WHERE nspname IN ('extensions', 'public') AND has_schema_privilege(oid, 'CREATE')
     ORDER BY nspname LIMIT 1),
    current_setting('opa.schema'));
BEGIN
  EXECUTE format('CREATE EXTENSION IF NOT EXISTS vector SCHEMA %I', place);
EXCEPTION
  WHEN insufficient_privilege THEN
    RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
      MESSAGE = format('opa-db needs the extension "vector" in database "%s", and role "%s" may not create it',
        current_database(), current_user),
      HINT = 'A superuser must run once in this database: CREATE EXTENSION vector;';
  WHEN undefined_file OR feature_not_supported THEN
    RAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
      MESSAGE = 'opa-db needs pgvector 0.8 or newer, and it is not installed on this server',
      HINT = 'Install it on the server (Debian: postgresql-<version>-pgvector), then a superuser must run once in this database: CREATE EXTENSION vector;';
END
$$;

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

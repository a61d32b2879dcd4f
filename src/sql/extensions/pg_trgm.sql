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

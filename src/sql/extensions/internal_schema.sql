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

-- Beside the schema of the installation, one for what is no part of its API: internal functions, the statistics of
-- keyword search, the ledger. Nobody but the owner may use it until grant_reader, grant_service or grant_worker says so.
DO $$
BEGIN
  IF current_setting('opa.schema') = '' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_schema_name',
      MESSAGE = 'opa-db is installed into the first schema of the search_path, and there is none',
      HINT = 'Create the schema, or connect with a search_path that begins with one that exists.';
  END IF;
  EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I', current_setting('opa.schema') || '_opa');
  EXECUTE format('REVOKE ALL ON SCHEMA %I FROM PUBLIC', current_setting('opa.schema') || '_opa');
END
$$;

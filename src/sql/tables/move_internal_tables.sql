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

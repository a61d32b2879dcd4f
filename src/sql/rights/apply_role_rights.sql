-- Gives every role of role_rights what its kind needs, after every migration and every grant:
-- - reader: searches and reads memories and jobs;
-- - service: also remembers, forgets, enqueues and settles; owns nothing, and rewrites jobs only by the job functions;
-- - worker: claims, settles and enqueues by the job functions, and reads jobs; nothing of the memories.
-- Internal functions that run with the caller's rights give nobody anything, so who searches may call them all; of those
-- that run with the owner's, only the ones that a search or a write calls.
-- search_path: strict
CREATE OR REPLACE FUNCTION apply_role_rights()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
  schema_name CONSTANT text := installation_schema();
  internal CONSTANT text := current_schema();
  called_by_searches CONSTANT text[] := ARRAY['read_search_statistics', 'nearest_lexemes', 'prefix_lexemes', 'is_isolated_session', 'may_take_id',
    'current_embedding_model', 'next_embedding_model', 'wrong_embedding', 'bm25_search_by_grants', 'hybrid_search_by_grants'];
  -- Of the owner alone, or for services but not for workers.
  for_owner CONSTANT text[] := ARRAY['enable_namespace_isolation', 'disable_namespace_isolation', 'grant_namespaces',
    'revoke_namespaces', 'grant_reader', 'grant_service', 'grant_worker', 'revoke_rights', 'rebuild_search_statistics', 'reindex_search',
    'set_job_notifications', 'set_job_events', 'use_embedding_model', 'begin_model_change',
    'finish_model_change', 'cancel_model_change', 'settle_embeddings', 'set_memory_history', 'prune_memory_history',
    'find_words'];
  for_worker CONSTANT text[] := ARRAY['claim', 'complete', 'complete_many', 'complete_and_claim', 'fail', 'fail_many', 'heartbeat', 'release',
    'snooze', 'report_progress', 'add_usage', 'wait_for', 'enqueue', 'enqueue_many', 'enqueue_children', 'take_back_expired', 'get_job',
    'list_jobs', 'job_tree', 'job_attempts_of', 'queue_stats', 'latency_stats', 'usage_stats', 'stuck_jobs',
    'add_job_output', 'job_events_after', 'save_checkpoint', 'get_checkpoint', 'due_schedules', 'enqueue_slots', 'stop_schedule',
    'seconds_to_next_slot', 'list_schedules'];
  entry record;
  command text;
BEGIN
  DELETE FROM role_rights WHERE NOT EXISTS (SELECT FROM pg_roles WHERE oid = role_rights.role);
  FOR entry IN SELECT role::text AS role, kind FROM role_rights ORDER BY role, kind LOOP
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %s', schema_name, entry.role);
    EXECUTE format('GRANT SELECT ON %I.jobs, %1$I.job_attempts, %1$I.job_answers, %1$I.job_queues, %1$I.job_limits, %1$I.job_events,
      %1$I.job_checkpoints, %1$I.schedules TO %s', schema_name, entry.role);
    IF entry.kind <> 'worker' THEN
      EXECUTE format('GRANT USAGE ON SCHEMA %I TO %s', internal, entry.role);
      -- A schema of the extensions' own, which is not everybody's.
      FOR command IN
        SELECT DISTINCT format('GRANT USAGE ON SCHEMA %I TO %s', place.nspname, entry.role)
        FROM pg_extension AS extension JOIN pg_namespace AS place ON place.oid = extension.extnamespace
        WHERE extension.extname IN ('vector', 'pg_trgm')
          AND NOT has_schema_privilege(entry.role::regrole::oid, place.oid, 'USAGE')
      LOOP
        EXECUTE command;
      END LOOP;
      -- Row by row it is for those who see the memory (src/sql/memory/storage/memory_history.sql).
      EXECUTE format('GRANT SELECT ON memory_history TO %s', entry.role);
      EXECUTE format('GRANT %s ON %I.memory_items TO %s',
        CASE entry.kind WHEN 'reader' THEN 'SELECT' ELSE 'SELECT, INSERT, UPDATE, DELETE' END, schema_name, entry.role);
    END IF;
    FOR command IN
      SELECT format('GRANT EXECUTE ON FUNCTION %s TO %s', api.oid::regprocedure, entry.role)
      FROM api_functions() AS api
      WHERE CASE entry.kind
        WHEN 'reader' THEN api.is_read
        WHEN 'service' THEN api.name <> ALL (for_owner)
        ELSE api.name = ANY (for_worker)
      END
      UNION ALL
      SELECT format('GRANT EXECUTE ON FUNCTION %s TO %s', function.oid::regprocedure, entry.role)
      FROM pg_proc AS function
      WHERE entry.kind <> 'worker' AND function.pronamespace = quote_ident(internal)::regnamespace
        AND (NOT function.prosecdef OR function.proname = ANY (called_by_searches))
        AND function.prorettype <> 'trigger'::regtype
    LOOP
      EXECUTE command;
    END LOOP;
  END LOOP;
END
$$;

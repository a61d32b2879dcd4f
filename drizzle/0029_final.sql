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
-- source: src/sql/final/least_rights.sql
-- Whatever default privileges gave to others when the tables and views were made, once: later grants are somebody's will.
DO $$
DECLARE
  command text;
BEGIN
  FOR command IN
    SELECT DISTINCT format('REVOKE ALL ON TABLE %s FROM %s', relation.oid::regclass,
      CASE granted.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(granted.grantee)) END)
    FROM pg_class AS relation, aclexplode(relation.relacl) AS granted
    WHERE relation.oid = ANY (ARRAY[
        'memory_items', 'jobs', 'job_attempts', 'job_answers', 'job_queues', 'job_limits', 'job_events', 'job_checkpoints',
        'schedules', 'job_latency_stats', 'job_queue_stats', 'job_stuck', 'job_usage_stats', 'job_dead_letters'
      ]::regclass[])
      AND granted.grantee <> relation.relowner
  LOOP
    EXECUTE command;
  END LOOP;
END
$$;
--> statement-breakpoint
-- source: src/sql/final/rights.sql
-- After every migration.
SELECT restrict_installation(), apply_role_rights();
--> statement-breakpoint
-- source: src/sql/final/search_dictionary.sql
-- After every migration: what the stored lexemes were made by, where that is not known yet.
SELECT record_search_dictionary();

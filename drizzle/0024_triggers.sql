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
-- source: trigger jobs_child_ended
CREATE OR REPLACE TRIGGER jobs_child_ended
  AFTER UPDATE OF completed_at ON jobs
  FOR EACH ROW
  WHEN (NEW.parent_id IS NOT NULL AND NEW.completed_at IS NOT NULL AND OLD.completed_at IS NULL
    AND current_setting('opa.parents', true) IS DISTINCT FROM 'continued')
  EXECUTE FUNCTION jobs_continue_parent();
--> statement-breakpoint
-- source: trigger jobs_deleted
CREATE OR REPLACE TRIGGER jobs_deleted
  AFTER DELETE ON jobs
  REFERENCING OLD TABLE AS deleted
  FOR EACH STATEMENT
  EXECUTE FUNCTION jobs_delete_attempts();
--> statement-breakpoint
-- source: trigger jobs_events_deleted
CREATE OR REPLACE TRIGGER jobs_events_deleted
  AFTER DELETE ON jobs
  REFERENCING OLD TABLE AS deleted
  FOR EACH STATEMENT
  EXECUTE FUNCTION jobs_delete_events();
--> statement-breakpoint
-- source: trigger jobs_input
CREATE OR REPLACE TRIGGER jobs_input
  BEFORE INSERT OR UPDATE OF queue, intent, max_attempts, backoff_seconds, attempt_timeout_seconds, on_lost, limit_key, progress_message, wait_reason, idempotency_key, singleton_key, parent_id, root_id, trace_id, callback_url, required_action, usage, metadata, inputs ON jobs
  FOR EACH ROW
  EXECUTE FUNCTION jobs_check_input();
--> statement-breakpoint
-- source: trigger jobs_transition
CREATE OR REPLACE TRIGGER jobs_transition
  BEFORE UPDATE ON jobs
  FOR EACH ROW
  EXECUTE FUNCTION jobs_check_transition();
--> statement-breakpoint
-- source: trigger memory_items_clear_history
CREATE OR REPLACE TRIGGER memory_items_clear_history
  AFTER TRUNCATE ON memory_items
  FOR EACH STATEMENT
  EXECUTE FUNCTION clear_memory_history();
--> statement-breakpoint
-- source: trigger memory_items_clear_search_statistics
CREATE OR REPLACE TRIGGER memory_items_clear_search_statistics
  AFTER TRUNCATE ON memory_items
  FOR EACH STATEMENT
  EXECUTE FUNCTION clear_search_statistics();
--> statement-breakpoint
-- source: trigger memory_items_drop_stale_embedding
CREATE OR REPLACE TRIGGER memory_items_drop_stale_embedding
  BEFORE UPDATE ON memory_items
  FOR EACH ROW
  WHEN (OLD.text IS DISTINCT FROM NEW.text AND OLD.embedding::text IS NOT DISTINCT FROM NEW.embedding::text)
  EXECUTE FUNCTION drop_stale_embedding();
--> statement-breakpoint
-- source: trigger memory_items_embedding
CREATE OR REPLACE TRIGGER memory_items_embedding
  BEFORE INSERT ON memory_items
  FOR EACH ROW
  WHEN (NEW.embedding IS NOT NULL OR NEW.next_embedding IS NOT NULL OR NEW.embedding_model IS NOT NULL OR NEW.next_embedding_model IS NOT NULL)
  EXECUTE FUNCTION memory_items_place_embedding();
--> statement-breakpoint
-- source: trigger memory_items_embedding_changed
CREATE OR REPLACE TRIGGER memory_items_embedding_changed
  BEFORE UPDATE OF text, embedding, embedding_model, next_embedding, next_embedding_model ON memory_items
  FOR EACH ROW
  WHEN (NEW.embedding IS NOT NULL OR NEW.next_embedding IS NOT NULL OR NEW.embedding_model IS NOT NULL OR NEW.next_embedding_model IS NOT NULL OR OLD.embedding IS NOT NULL OR OLD.next_embedding IS NOT NULL OR OLD.embedding_model IS NOT NULL OR OLD.next_embedding_model IS NOT NULL)
  EXECUTE FUNCTION memory_items_place_embedding();
--> statement-breakpoint
-- source: trigger memory_items_fill_id
CREATE OR REPLACE TRIGGER memory_items_fill_id
  BEFORE INSERT ON memory_items
  FOR EACH ROW
  WHEN (NEW.id IS NULL)
  EXECUTE FUNCTION fill_memory_id();
--> statement-breakpoint
-- source: trigger memory_items_forget_history
CREATE OR REPLACE TRIGGER memory_items_forget_history
  AFTER DELETE ON memory_items
  REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT
  EXECUTE FUNCTION forget_memory_history();
--> statement-breakpoint
-- source: trigger memory_items_keep_history
CREATE OR REPLACE TRIGGER memory_items_keep_history
  AFTER UPDATE ON memory_items
  FOR EACH ROW
  WHEN ((OLD.importance, OLD.tags, OLD.text, OLD.metadata, OLD.id, OLD.namespace) IS DISTINCT FROM (NEW.importance, NEW.tags, NEW.text, NEW.metadata, NEW.id, NEW.namespace))
  EXECUTE FUNCTION keep_memory_history();
--> statement-breakpoint
-- source: trigger memory_items_log_delete
CREATE OR REPLACE TRIGGER memory_items_log_delete
  AFTER DELETE ON memory_items
  REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT
  EXECUTE FUNCTION log_memory_items_change();
--> statement-breakpoint
-- source: trigger memory_items_log_insert
CREATE OR REPLACE TRIGGER memory_items_log_insert
  AFTER INSERT ON memory_items
  REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT
  EXECUTE FUNCTION log_memory_items_change();
--> statement-breakpoint
-- source: trigger memory_items_log_update
CREATE OR REPLACE TRIGGER memory_items_log_update
  AFTER UPDATE ON memory_items
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT
  EXECUTE FUNCTION log_memory_items_change();
--> statement-breakpoint
-- source: trigger memory_items_updated_at
CREATE OR REPLACE TRIGGER memory_items_updated_at
  BEFORE UPDATE ON memory_items
  FOR EACH ROW
  WHEN ((OLD.id, OLD.namespace, OLD.text, OLD.tags, OLD.speaker_id, OLD.metadata, OLD.importance, OLD.expires_at, OLD.created_at, OLD.valid_from, OLD.valid_to, OLD.superseded_at, OLD.superseded_by, OLD.document_id, OLD.document_place) IS DISTINCT FROM (NEW.id, NEW.namespace, NEW.text, NEW.tags, NEW.speaker_id, NEW.metadata, NEW.importance, NEW.expires_at, NEW.created_at, NEW.valid_from, NEW.valid_to, NEW.superseded_at, NEW.superseded_by, NEW.document_id, NEW.document_place)
    OR OLD.embedding::text IS DISTINCT FROM NEW.embedding::text)
  EXECUTE FUNCTION set_updated_at();
--> statement-breakpoint
-- source: trigger memory_items_updated_at_kept
CREATE OR REPLACE TRIGGER memory_items_updated_at_kept
  BEFORE UPDATE ON memory_items
  FOR EACH ROW
  WHEN (OLD.updated_at IS DISTINCT FROM NEW.updated_at AND NOT ((OLD.id, OLD.namespace, OLD.text, OLD.tags, OLD.speaker_id, OLD.metadata, OLD.importance, OLD.expires_at, OLD.created_at, OLD.valid_from, OLD.valid_to, OLD.superseded_at, OLD.superseded_by, OLD.document_id, OLD.document_place) IS DISTINCT FROM (NEW.id, NEW.namespace, NEW.text, NEW.tags, NEW.speaker_id, NEW.metadata, NEW.importance, NEW.expires_at, NEW.created_at, NEW.valid_from, NEW.valid_to, NEW.superseded_at, NEW.superseded_by, NEW.document_id, NEW.document_place)
    OR OLD.embedding::text IS DISTINCT FROM NEW.embedding::text))
  EXECUTE FUNCTION keep_updated_at();
--> statement-breakpoint
-- source: trigger search_lexemes_ignore_restored
CREATE OR REPLACE TRIGGER search_lexemes_ignore_restored
  BEFORE INSERT ON search_lexemes
  FOR EACH ROW
  WHEN (pg_trigger_depth() = 0 AND current_setting('opa.search_statistics', true) IS DISTINCT FROM 'on')
  EXECUTE FUNCTION ignore_restored_statistics();
--> statement-breakpoint
-- source: trigger search_log_fold
DROP TRIGGER IF EXISTS search_log_fold ON search_log;
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER search_log_fold
  AFTER INSERT ON search_log
  DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW
  WHEN (NEW.lexemes IS NULL OR NEW.entry % 32 = 0)
  EXECUTE FUNCTION fold_search_log();
--> statement-breakpoint
-- source: trigger search_log_ignore_restored
CREATE OR REPLACE TRIGGER search_log_ignore_restored
  BEFORE INSERT ON search_log
  FOR EACH ROW
  WHEN (pg_trigger_depth() = 0 AND current_setting('opa.search_statistics', true) IS DISTINCT FROM 'on')
  EXECUTE FUNCTION ignore_restored_statistics();
--> statement-breakpoint
-- source: trigger search_log_lexemes_ignore_restored
CREATE OR REPLACE TRIGGER search_log_lexemes_ignore_restored
  BEFORE INSERT ON search_log_lexemes
  FOR EACH ROW
  WHEN (pg_trigger_depth() = 0 AND current_setting('opa.search_statistics', true) IS DISTINCT FROM 'on')
  EXECUTE FUNCTION ignore_restored_statistics();
--> statement-breakpoint
-- source: trigger search_totals_ignore_restored
CREATE OR REPLACE TRIGGER search_totals_ignore_restored
  BEFORE INSERT ON search_totals
  FOR EACH ROW
  WHEN (pg_trigger_depth() = 0 AND current_setting('opa.search_statistics', true) IS DISTINCT FROM 'on')
  EXECUTE FUNCTION ignore_restored_statistics();
--> statement-breakpoint
-- source: trigger search_vocabulary_ignore_restored
CREATE OR REPLACE TRIGGER search_vocabulary_ignore_restored
  BEFORE INSERT ON search_vocabulary
  FOR EACH ROW
  WHEN (pg_trigger_depth() = 0 AND current_setting('opa.search_statistics', true) IS DISTINCT FROM 'on')
  EXECUTE FUNCTION ignore_restored_statistics();
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

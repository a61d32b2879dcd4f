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
-- source: src/sql/views/job_dead_letters.sql
-- For Studio and dashboards: the jobs that have failed for good, with the reason; retry() and retry_jobs() run them again.
CREATE OR REPLACE VIEW job_dead_letters WITH (security_invoker = true) AS
SELECT id, queue, intent, mode, error ->> 'code' AS error_code, error ->> 'message' AS error_message, attempt AS attempts,
  completed_at AS failed_at, parent_id, root_id, limit_key
FROM jobs WHERE status = 'failed';
--> statement-breakpoint
-- source: src/sql/views/job_latency_stats.sql
-- For Studio and dashboards: throughput and latency of the last hour by queue, intent and mode.
CREATE OR REPLACE VIEW job_latency_stats AS
SELECT * FROM latency_stats();
--> statement-breakpoint
-- source: src/sql/views/job_queue_stats.sql
-- For Studio and dashboards: every queue now, and its last hour.
CREATE OR REPLACE VIEW job_queue_stats AS
SELECT * FROM queue_stats();
--> statement-breakpoint
-- source: src/sql/views/job_stuck.sql
-- For Studio and dashboards: the jobs that do not go on, and why.
CREATE OR REPLACE VIEW job_stuck AS
SELECT * FROM stuck_jobs();
--> statement-breakpoint
-- source: src/sql/views/job_usage_stats.sql
-- For Studio and dashboards: tokens and cost of the last day by model.
CREATE OR REPLACE VIEW job_usage_stats AS
SELECT * FROM usage_stats();

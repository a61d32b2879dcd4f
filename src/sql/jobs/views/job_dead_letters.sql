-- For Studio and dashboards: the jobs that have failed for good, with the reason; retry() and retry_jobs() run them again.
CREATE OR REPLACE VIEW job_dead_letters WITH (security_invoker = true) AS
SELECT id, queue, intent, mode, error ->> 'code' AS error_code, error ->> 'message' AS error_message, attempt AS attempts,
  completed_at AS failed_at, parent_id, root_id, limit_key
FROM jobs WHERE status = 'failed';

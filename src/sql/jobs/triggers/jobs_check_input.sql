-- Refuses what no job may be: names and keys that are empty or endless, documents that are not objects, numbers that make
-- no sense. A trigger and not checks, because it runs only when one of its columns is written: a check runs at every
-- update, and a heartbeat would have to read inputs of a megabyte to learn that they still are an object.
CREATE OR REPLACE FUNCTION jobs_check_input()
RETURNS trigger
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
DECLARE
  problem text;
BEGIN
  problem := CASE
    WHEN octet_length(NEW.id) NOT BETWEEN 1 AND 255 THEN format('id must have from 1 to 255 bytes, got %s', octet_length(NEW.id))
    WHEN octet_length(NEW.queue) NOT BETWEEN 1 AND 255 THEN
      format('queue must have from 1 to 255 bytes, got %s', octet_length(NEW.queue))
    WHEN octet_length(NEW.intent) NOT BETWEEN 1 AND 1024 THEN
      format('intent must have from 1 to 1024 bytes, got %s', octet_length(NEW.intent))
    WHEN octet_length(NEW.idempotency_key) NOT BETWEEN 1 AND 1024 THEN
      format('idempotency_key must have from 1 to 1024 bytes, got %s', octet_length(NEW.idempotency_key))
    WHEN octet_length(NEW.singleton_key) NOT BETWEEN 1 AND 1024 THEN
      format('singleton_key must have from 1 to 1024 bytes, got %s', octet_length(NEW.singleton_key))
    WHEN octet_length(NEW.worker_id) NOT BETWEEN 1 AND 255 THEN
      format('worker_id must have from 1 to 255 bytes, got %s', octet_length(NEW.worker_id))
    WHEN octet_length(NEW.trace_id) NOT BETWEEN 1 AND 255 THEN
      format('trace_id must have from 1 to 255 bytes, got %s', octet_length(NEW.trace_id))
    WHEN octet_length(NEW.callback_url) NOT BETWEEN 1 AND 4096 THEN
      format('callback_url must have from 1 to 4096 bytes, got %s', octet_length(NEW.callback_url))
    WHEN octet_length(NEW.progress_message) > 4096 THEN
      format('progress_message must have at most 4096 bytes, got %s', octet_length(NEW.progress_message))
    WHEN NEW.max_attempts < 1 THEN format('max_attempts must be at least 1, got %s', NEW.max_attempts)
    WHEN NOT (NEW.backoff_seconds >= 0 AND NEW.backoff_seconds <= 86400) THEN
      format('backoff_seconds must be from 0 to 86400 (a day), got %s', NEW.backoff_seconds)
    WHEN NOT (NEW.attempt_timeout_seconds >= 0.01 AND NEW.attempt_timeout_seconds <= 31536000) THEN
      format('attempt_timeout_seconds must be from 0.01 to 31536000 (a year), got %s', NEW.attempt_timeout_seconds)
    WHEN NEW.on_lost NOT IN ('retry', 'fail') THEN format('on_lost must be retry or fail, got %s', NEW.on_lost)
    WHEN octet_length(NEW.limit_key) NOT BETWEEN 1 AND 1024 THEN
      format('limit_key must have from 1 to 1024 bytes, got %s', octet_length(NEW.limit_key))
    WHEN NEW.limit_key = '*' THEN 'limit_key * is the rule of every key, not a key'
    WHEN NEW.wait_reason NOT IN ('approval', 'input', 'children', 'external') THEN
      format('wait_reason must be approval, input, children or external, got %s', NEW.wait_reason)
    WHEN NEW.parent_id = NEW.id OR (NEW.parent_id IS NULL) <> (NEW.root_id IS NULL) THEN
      'parent_id must be another job, and have the root_id of the tree with it'
    WHEN jsonb_typeof(NEW.inputs) <> 'object' THEN format('inputs must be a JSON object, got %s', jsonb_typeof(NEW.inputs))
    WHEN jsonb_typeof(NEW.metadata) <> 'object' THEN format('metadata must be a JSON object, got %s', jsonb_typeof(NEW.metadata))
    WHEN jsonb_typeof(NEW.usage) <> 'object' THEN format('usage must be a JSON object, got %s', jsonb_typeof(NEW.usage))
    WHEN jsonb_typeof(NEW.required_action) <> 'object' THEN
      format('required_action must be a JSON object, got %s', jsonb_typeof(NEW.required_action))
    ELSE job_state_problem(NEW.status, NEW.lease_expires_at, NEW.completed_at, NEW.wait_reason, NEW.error,
      NEW.progress, NEW.attempt)
  END;
  IF problem IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = format('job %s: %s', NEW.id, problem);
  END IF;
  IF TG_OP = 'INSERT' THEN
    IF NEW.status <> 'waiting' THEN
      NEW.wait_id := NULL;
      NEW.wait_expires_at := NULL;
    ELSIF NEW.wait_id IS NULL THEN
      NEW.wait_id := new_job_id(jobs_now());
    END IF;
  END IF;
  RETURN NEW;
END
$$;

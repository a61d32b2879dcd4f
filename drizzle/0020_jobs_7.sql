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
-- source: src/sql/jobs/settle/api/report_progress.sql
-- Says how far a job is, from 0 to 1, and what it is doing. Answers as complete() does; cancelled also when somebody
-- asked for that while it runs (the progress is written: the worker is still at it). An argument that is null leaves
-- its column as it is.
--
--   SELECT report_progress('job-1', lease_token => 4, progress => 0.5, message => 'page 10 of 20');
CREATE OR REPLACE FUNCTION report_progress(
  job_id text,
  lease_token bigint,
  progress double precision DEFAULT NULL,
  message text DEFAULT NULL
)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  is_cancelling boolean;
BEGIN
  IF NOT (report_progress.progress >= 0 AND report_progress.progress <= 1) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('report_progress: progress must be from 0 to 1, got %s', report_progress.progress);
  END IF;
  UPDATE jobs AS job
  SET progress = coalesce(report_progress.progress, job.progress),
    progress_message = coalesce(report_progress.message, job.progress_message)
  WHERE job.id = report_progress.job_id AND job.lease_token = report_progress.lease_token AND job.lease_expires_at IS NOT NULL
  RETURNING job.cancel_requested_at IS NOT NULL INTO is_cancelling;
  IF FOUND THEN
    RETURN CASE WHEN is_cancelling THEN 'cancelled' ELSE 'ok' END;
  END IF;
  RETURN lease_refusal(report_progress.job_id, report_progress.lease_token);
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/settle/api/snooze.sql
-- Gives a job back for later: it is pending, and handed out again after delay_seconds. The attempt does not count.
-- Answers as release() does.
--
--   SELECT snooze('job-1', lease_token => 4, delay_seconds => 300);
CREATE OR REPLACE FUNCTION snooze(job_id text, lease_token bigint, delay_seconds double precision)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
AS $$
BEGIN
  IF snooze.delay_seconds IS NULL OR NOT (snooze.delay_seconds >= 0 AND snooze.delay_seconds <= 31536000) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('snooze: delay_seconds must be from 0 to 31536000 (a year), got %s', coalesce(snooze.delay_seconds::text, 'null'));
  END IF;
  RETURN end_lease(snooze.job_id, snooze.lease_token, 'pending', 'snoozed',
    run_at => jobs_now() + make_interval(secs => snooze.delay_seconds));
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/jobs/storage/jobs.sql
-- A heartbeat must find room on its page: then it is a HOT update, which writes no index. Measured: 99 % of the heartbeats at fillfactor 70. Rows change a few times and then never again, so vacuum comes early and often.
ALTER TABLE jobs SET (
  fillfactor = 70,
  autovacuum_vacuum_scale_factor = 0.01,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_scale_factor = 0.02,
  autovacuum_vacuum_cost_delay = 1
);
--> statement-breakpoint
-- Three versions of a row are written one after the other, and each is an entry beside the first: with room left for them
-- a full page need not be searched for dead entries and split in the middle of a claim.
ALTER INDEX jobs_pkey SET (fillfactor = 50);
--> statement-breakpoint
-- source: src/sql/jobs/triggers/is_job_transition.sql
-- Whether a job may change from the one status to the other. A job that failed with its children waits for them again when
-- it is retried.
CREATE OR REPLACE FUNCTION is_job_transition(old_status job_status, new_status job_status)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT CASE old_status
    WHEN new_status THEN true
    WHEN 'pending' THEN new_status <> 'completed'
    WHEN 'running' THEN true
    WHEN 'waiting' THEN new_status IN ('pending', 'failed', 'cancelled')
    WHEN 'completed' THEN false
    ELSE new_status = 'pending' OR old_status = 'failed' AND new_status = 'waiting'
  END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/triggers/job_events_notify.sql
-- Tells watchers of which jobs there are new events, at most one notification a statement: a JSON array of their ids on the
-- channel opa_job_events, or an empty text if there are too many for a payload.
CREATE OR REPLACE FUNCTION job_events_notify()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
  ids text;
BEGIN
  SELECT jsonb_agg(DISTINCT added.job_id)::text INTO ids FROM added;
  IF ids IS NOT NULL THEN
    PERFORM pg_notify(notification_channel('opa_job_events', TG_TABLE_SCHEMA), CASE WHEN octet_length(ids) < 8000 THEN ids ELSE '' END);
  END IF;
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/triggers/job_state_problem.sql
-- What is wrong with a job of this status and these columns; null if nothing is. The triggers of jobs ask. Constraints
-- would say the same, but PostgreSQL reads every check anew for each statement that writes: the six that these were cost
-- 40 of the 195 µs of one claim and one complete.
CREATE OR REPLACE FUNCTION job_state_problem(
  status job_status,
  lease_expires_at timestamptz,
  completed_at timestamptz,
  wait_reason text,
  error jsonb,
  progress real,
  attempt integer
)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT CASE
    WHEN (status = 'running') <> (lease_expires_at IS NOT NULL) THEN
      'lease_expires_at must be there while the job is running, and only then'
    WHEN (status IN ('pending', 'running', 'waiting')) <> (completed_at IS NULL) THEN
      'completed_at must be there when the job has ended, and only then'
    WHEN (status = 'waiting') <> (wait_reason IS NOT NULL) THEN
      'wait_reason must be there while the job is waiting, and only then'
    WHEN status = 'failed' AND error IS NULL THEN 'error must be there when the job has failed'
    WHEN NOT (progress >= 0 AND progress <= 1) THEN 'progress must be from 0 to 1'
    WHEN attempt < 0 THEN 'attempt must be 0 or more'
  END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/triggers/jobs_check_input.sql
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
--> statement-breakpoint
-- source: src/sql/jobs/triggers/jobs_check_transition.sql
-- Refuses what the life of a job does not have, whoever writes and by whatever path: nobody completes a job that nobody
-- runs, revives one that is completed, or hands out a fencing token twice. And sets updated_at when another column really
-- changed: the columns that change most are compared first, so that a heartbeat is decided before a large document is
-- read.
CREATE OR REPLACE FUNCTION jobs_check_transition()
RETURNS trigger
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
DECLARE
  problem text;
BEGIN
  -- claim() and complete() make nearly all changes, so theirs are let pass first, by as few columns as can tell (4 % of the
  -- time of a claim and a complete, in batches and one by one). Everything else, and whatever is wrong, is for the rules
  -- below, which this may never be laxer than.
  IF NEW.updated_at = now() AND NEW.id = OLD.id AND NEW.wait_reason IS NULL AND NEW.wait_id IS NULL AND NEW.progress BETWEEN 0 AND 1 AND NEW.attempt >= 0
    AND (OLD.status = 'pending' AND NEW.status = 'running' AND NEW.lease_token > OLD.lease_token AND NEW.completed_at IS NULL
        AND num_nulls(NEW.worker_id, NEW.heartbeat_at, NEW.started_at, NEW.lease_expires_at) = 0
      OR OLD.status = 'running' AND NEW.status = 'completed' AND NEW.lease_token = OLD.lease_token
        AND NEW.completed_at IS NOT NULL AND NEW.lease_expires_at IS NULL)
  THEN
    RETURN NEW;
  END IF;

  -- One expression says that all is well, because PostgreSQL prepares every expression anew in each transaction that
  -- comes to it. What is wrong is asked only when something is.
  IF (NEW.id = OLD.id
    AND NEW.lease_token >= OLD.lease_token
    AND is_job_transition(OLD.status, NEW.status)
    AND (NEW.status <> 'running' OR OLD.status = 'running'
      OR NEW.lease_token > OLD.lease_token AND num_nulls(NEW.worker_id, NEW.heartbeat_at, NEW.started_at) = 0)
    AND job_state_problem(NEW.status, NEW.lease_expires_at, NEW.completed_at, NEW.wait_reason, NEW.error,
      NEW.progress, NEW.attempt) IS NULL) IS NOT TRUE
  THEN
    problem := CASE
      WHEN NEW.id <> OLD.id THEN format('the id of a job never changes, got %s', NEW.id)
      WHEN NEW.lease_token < OLD.lease_token THEN
        format('lease_token only grows, it is %s and would become %s', OLD.lease_token, NEW.lease_token)
      WHEN NOT is_job_transition(OLD.status, NEW.status) THEN
        format('status cannot change from %s to %s', OLD.status, NEW.status)
      WHEN NEW.status = 'running' AND OLD.status <> 'running'
        AND (NEW.lease_token = OLD.lease_token OR num_nulls(NEW.worker_id, NEW.heartbeat_at, NEW.started_at) > 0) THEN
        'to run it needs a new lease_token, a worker_id, heartbeat_at and started_at: use claim()'
    END;
    IF problem IS NOT NULL THEN
      RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = format('job %s: %s', OLD.id, problem);
    END IF;
    problem := job_state_problem(NEW.status, NEW.lease_expires_at, NEW.completed_at, NEW.wait_reason, NEW.error,
      NEW.progress, NEW.attempt);
    IF problem IS NOT NULL THEN
      RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = format('job %s: %s', OLD.id, problem);
    END IF;
    -- Something is null that may not be, which PostgreSQL itself refuses.
    RETURN NEW;
  END IF;

  -- Each wait has an id of its own, whoever begins it.
  IF NEW.status <> 'waiting' THEN
    NEW.wait_id := NULL;
    NEW.wait_expires_at := NULL;
  ELSIF OLD.status <> 'waiting' THEN
    NEW.wait_id := new_job_id(jobs_now());
  ELSE
    NEW.wait_id := OLD.wait_id;
  END IF;

  IF NEW.status <> OLD.status OR NEW.heartbeat_at IS DISTINCT FROM OLD.heartbeat_at OR NEW.lease_expires_at IS DISTINCT FROM OLD.lease_expires_at
    OR NEW.progress <> OLD.progress OR NEW.progress_message IS DISTINCT FROM OLD.progress_message
    OR NEW.lease_token <> OLD.lease_token OR NEW.queue <> OLD.queue OR NEW.priority <> OLD.priority OR NEW.run_at <> OLD.run_at
    OR NEW.mode <> OLD.mode OR NEW.intent <> OLD.intent OR NEW.attempt <> OLD.attempt OR NEW.max_attempts <> OLD.max_attempts
    OR NEW.backoff_seconds <> OLD.backoff_seconds OR NEW.worker_id IS DISTINCT FROM OLD.worker_id
    OR NEW.deadline_at IS DISTINCT FROM OLD.deadline_at OR NEW.cancel_requested_at IS DISTINCT FROM OLD.cancel_requested_at
    OR NEW.created_at <> OLD.created_at OR NEW.started_at IS DISTINCT FROM OLD.started_at
    OR NEW.completed_at IS DISTINCT FROM OLD.completed_at OR NEW.wait_reason IS DISTINCT FROM OLD.wait_reason
    OR NEW.idempotency_key IS DISTINCT FROM OLD.idempotency_key OR NEW.singleton_key IS DISTINCT FROM OLD.singleton_key
    OR NEW.parent_id IS DISTINCT FROM OLD.parent_id OR NEW.root_id IS DISTINCT FROM OLD.root_id
    OR NEW.trace_id IS DISTINCT FROM OLD.trace_id OR NEW.callback_url IS DISTINCT FROM OLD.callback_url
    OR NEW.losses <> OLD.losses OR NEW.on_lost <> OLD.on_lost
    OR NEW.attempt_timeout_seconds IS DISTINCT FROM OLD.attempt_timeout_seconds OR NEW.limit_key IS DISTINCT FROM OLD.limit_key
    OR NEW.wait_expires_at IS DISTINCT FROM OLD.wait_expires_at
    OR NEW.required_action IS DISTINCT FROM OLD.required_action OR NEW.usage <> OLD.usage
    OR NEW.error IS DISTINCT FROM OLD.error OR NEW.metadata <> OLD.metadata OR NEW.inputs <> OLD.inputs
    OR NEW.result IS DISTINCT FROM OLD.result THEN
    NEW.updated_at := now();
  ELSE
    NEW.updated_at := OLD.updated_at;
  END IF;
  RETURN NEW;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/triggers/jobs_continue_parent.sql
-- A child has ended: its parent may go on.
CREATE OR REPLACE FUNCTION jobs_continue_parent()
RETURNS trigger
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
BEGIN
  PERFORM continue_parents(ARRAY[NEW.parent_id]);
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/triggers/jobs_delete_attempts.sql
-- Deletes the attempts and answers of deleted jobs, as cascading foreign keys would.
CREATE OR REPLACE FUNCTION jobs_delete_attempts()
RETURNS trigger
LANGUAGE plpgsql
SET search_path FROM CURRENT
SET enable_seqscan = off
AS $$
BEGIN
  DELETE FROM job_attempts WHERE job_id = ANY (ARRAY(SELECT id FROM deleted));
  DELETE FROM job_answers WHERE job_id = ANY (ARRAY(SELECT id FROM deleted));
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/triggers/jobs_delete_events.sql
-- Deletes the events and the checkpoints of deleted jobs, as a cascading foreign key would.
CREATE OR REPLACE FUNCTION jobs_delete_events()
RETURNS trigger
LANGUAGE plpgsql
SET enable_seqscan = off
AS $$
BEGIN
  DELETE FROM job_events WHERE job_id = ANY (ARRAY(SELECT id FROM deleted));
  DELETE FROM job_checkpoints WHERE job_id = ANY (ARRAY(SELECT id FROM deleted));
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/triggers/jobs_notify.sql
-- Sends the notifications of set_job_notifications(), at most one for each channel and statement. A payload may have
-- 7999 bytes; a longer list is sent as an empty one.
CREATE OR REPLACE FUNCTION jobs_notify()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
  queues text;
  ended text;
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT jsonb_agg(DISTINCT changed.queue)::text INTO queues FROM changed WHERE changed.status = 'pending';
  ELSE
    SELECT jsonb_agg(DISTINCT changed.queue) FILTER (WHERE changed.status = 'pending')::text,
      jsonb_agg(changed.id) FILTER (WHERE changed.completed_at IS NOT NULL)::text
    INTO queues, ended
    FROM changed JOIN previous ON previous.id = changed.id AND previous.status <> changed.status;
  END IF;
  IF queues IS NOT NULL THEN
    PERFORM pg_notify(notification_channel('opa_jobs_ready', TG_TABLE_SCHEMA), CASE WHEN octet_length(queues) < 8000 THEN queues ELSE '' END);
  END IF;
  IF ended IS NOT NULL THEN
    PERFORM pg_notify(notification_channel('opa_jobs_ended', TG_TABLE_SCHEMA), CASE WHEN octet_length(ended) < 8000 THEN ended ELSE '' END);
  END IF;
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/triggers/jobs_record_events.sql
-- Records changes of status and of progress as events, once set_job_events() is on. The statement that changed a job holds
-- its row, so that the events of a job are numbered in the order in which they become visible. Of more than 1,000 the
-- oldest goes.
CREATE OR REPLACE FUNCTION jobs_record_events()
RETURNS trigger
LANGUAGE plpgsql
SET enable_seqscan = off
AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO job_events (job_id, seq, kind, data)
    SELECT changed.id, 1, 'status', jsonb_build_object('status', changed.status)
    FROM changed
    ON CONFLICT DO NOTHING;
    RETURN NULL;
  END IF;
  WITH added AS (
    INSERT INTO job_events (job_id, seq, kind, data)
    SELECT changed.id,
      coalesce((SELECT max(event.seq) FROM job_events AS event WHERE event.job_id = changed.id), 0) + 1,
      CASE WHEN changed.status <> previous.status THEN 'status' ELSE 'progress' END,
      CASE WHEN changed.status <> previous.status THEN
        jsonb_strip_nulls(jsonb_build_object('status', changed.status, 'from', previous.status, 'attempt', changed.attempt,
          'worker_id', CASE WHEN changed.status = 'running' THEN changed.worker_id END, 'wait_reason', changed.wait_reason,
          'error', CASE WHEN changed.status IN ('pending', 'failed') AND changed.error IS DISTINCT FROM previous.error
            THEN jsonb_build_object('code', changed.error -> 'code', 'message', changed.error -> 'message') END))
      ELSE jsonb_strip_nulls(jsonb_build_object('progress', changed.progress, 'message', changed.progress_message)) END
    FROM changed JOIN previous USING (id)
    WHERE changed.status <> previous.status OR changed.progress <> previous.progress
      OR changed.progress_message IS DISTINCT FROM previous.progress_message
    RETURNING job_id, seq
  )
  DELETE FROM job_events AS event
  USING added
  WHERE added.seq > 1000 AND event.job_id = added.job_id AND event.seq <= added.seq - 1000;
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- path: schema
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema')), quote_ident(current_setting('opa.schema') || '_opa'), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/jobs/views/job_dead_letters.sql
-- For Studio and dashboards: the jobs that have failed for good, with the reason; retry() and retry_jobs() run them again.
CREATE OR REPLACE VIEW job_dead_letters WITH (security_invoker = true) AS
SELECT id, queue, intent, mode, error ->> 'code' AS error_code, error ->> 'message' AS error_message, attempt AS attempts,
  completed_at AS failed_at, parent_id, root_id, limit_key
FROM jobs WHERE status = 'failed';
--> statement-breakpoint
-- source: src/sql/jobs/views/job_latency_stats.sql
-- For Studio and dashboards: throughput and latency of the last hour by queue, intent and mode.
CREATE OR REPLACE VIEW job_latency_stats AS
SELECT * FROM latency_stats();
--> statement-breakpoint
-- source: src/sql/jobs/views/job_queue_stats.sql
-- For Studio and dashboards: every queue now, and its last hour.
CREATE OR REPLACE VIEW job_queue_stats AS
SELECT * FROM queue_stats();
--> statement-breakpoint
-- source: src/sql/jobs/views/job_stuck.sql
-- For Studio and dashboards: the jobs that do not go on, and why.
CREATE OR REPLACE VIEW job_stuck AS
SELECT * FROM stuck_jobs();
--> statement-breakpoint
-- source: src/sql/jobs/views/job_usage_stats.sql
-- For Studio and dashboards: tokens and cost of the last day by model.
CREATE OR REPLACE VIEW job_usage_stats AS
SELECT * FROM usage_stats();
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/jobs/waiting/answer_wait.sql
-- Answers a wait: the common part of approve(), reject() and resume(). Gives
--   ok             the job goes on, or has failed if it was rejected; also when the same answer was given before
--   not_waiting    this wait is over, and was not answered like that
--   wrong_reason   the job waits for something else: an approval is not resumed, and children are not answered
--   too_late       the job's deadline, or the time for an answer, has passed
--   not_found      there is no such job
CREATE OR REPLACE FUNCTION answer_wait(caller text, job_id text, wait_id text, answer text, response jsonb, comment text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz;
  job jobs;
BEGIN
  IF answer_wait.wait_id IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: wait_id must say which wait is answered (wait_for() and get_job() give it), got null', caller);
  END IF;
  SELECT * INTO job FROM jobs WHERE id = answer_wait.job_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN 'not_found';
  END IF;
  IF job.wait_id IS DISTINCT FROM answer_wait.wait_id THEN
    RETURN CASE WHEN EXISTS (
      SELECT FROM job_answers AS given
      WHERE given.job_id = job.id AND given.wait_id = answer_wait.wait_id AND given.answer = answer_wait.answer
        AND (given.answer <> 'resumed' OR given.response IS NOT DISTINCT FROM answer_wait.response)
    ) THEN 'ok' ELSE 'not_waiting' END;
  END IF;
  IF job.wait_reason = 'children' OR (job.wait_reason = 'approval') <> (answer_wait.answer IN ('approved', 'rejected')) THEN
    RETURN 'wrong_reason';
  END IF;
  current_moment := jobs_now();
  IF least(job.deadline_at, job.wait_expires_at) <= current_moment THEN
    RETURN 'too_late';
  END IF;
  INSERT INTO job_answers (job_id, wait_id, answer, answered_at, response)
  VALUES (job.id, job.wait_id, answer_wait.answer, current_moment, answer_wait.response);
  UPDATE jobs
  SET status = CASE answer_wait.answer WHEN 'rejected' THEN 'failed'::job_status ELSE 'pending' END,
    wait_reason = NULL,
    run_at = CASE answer_wait.answer WHEN 'rejected' THEN job.run_at ELSE current_moment END,
    completed_at = CASE answer_wait.answer WHEN 'rejected' THEN current_moment END,
    required_action = coalesce(job.required_action, '{}') || jsonb_build_object('response', answer_wait.response),
    error = CASE answer_wait.answer WHEN 'rejected' THEN jsonb_build_object('code', 'rejected',
      'message', coalesce(answer_wait.comment, 'the approval was refused'),
      'detail', jsonb_build_object('by', answer_wait.response -> 'by')) ELSE job.error END
  WHERE id = job.id;
  RETURN 'ok';
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- path: of the functions above
ALTER FUNCTION report_progress(job_id text, lease_token bigint, progress double precision, message text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION snooze(job_id text, lease_token bigint, delay_seconds double precision) SET search_path FROM CURRENT;

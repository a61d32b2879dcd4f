-- path: of the installation
SELECT set_config('opa.schema', coalesce(nullif(current_setting('opa.schema', true), ''), current_schema(), ''), true);
--> statement-breakpoint
-- path: checked when they run
SET LOCAL check_function_bodies = off;
--> statement-breakpoint
-- path: strict
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), 'pg_catalog', 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/triggers/clear_memory_history.sql
-- TRUNCATE of memory_items fires no DELETE trigger: this forgets the history of all of them.
CREATE OR REPLACE FUNCTION clear_memory_history()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
  TRUNCATE memory_history;
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- source: src/sql/triggers/clear_search_statistics.sql
-- TRUNCATE of memory_items empties the statistics with it. Folds still due in this transaction happen before, because
-- a table with pending trigger events cannot be truncated.
CREATE OR REPLACE FUNCTION clear_search_statistics()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
  SET CONSTRAINTS search_log_fold IMMEDIATE;
  TRUNCATE search_log, search_log_lexemes, search_lexemes, search_vocabulary, search_totals;
  SET CONSTRAINTS search_log_fold DEFERRED;
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/triggers/drop_stale_embedding.sql
-- Takes the vector from a row whose text was changed without a new one, whichever client wrote it: vector search would
-- find the new text by the old meaning, at similarity 1. Without a vector the row is pending, and embedPending makes one.
CREATE OR REPLACE FUNCTION drop_stale_embedding()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  NEW.embedding := NULL;
  RETURN NEW;
END
$$;
--> statement-breakpoint
-- source: src/sql/triggers/fill_memory_id.sql
-- Gives a row that is inserted without an id the default one, so that plain SQL, Drizzle and Studio need not know how it
-- is made.
CREATE OR REPLACE FUNCTION fill_memory_id()
RETURNS trigger
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
BEGIN
  NEW.id := memory_id(NEW.namespace, NEW.text, NEW.tags);
  RETURN NEW;
END
$$;
--> statement-breakpoint
-- path: strict
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), 'pg_catalog', 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/triggers/fold_search_log.sql
-- At the end of a transaction that changed memory_items: keeps the log short, so that a reader's share of it stays under
-- a millisecond. 128 single documents become one entry; 16 entries, of this kind or of bulk statements, are folded into
-- the totals, and so is a corpus that grew by half. Deferred to the commit, so that the locks last no longer than that,
-- and once a transaction.
CREATE OR REPLACE FUNCTION fold_search_log()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
DECLARE
  most_documents CONSTANT integer := 128;
  most_entries CONSTANT integer := 16;
  this_transaction CONSTANT text := pg_current_xact_id()::text;
  logged record;
BEGIN
  IF current_setting('opa.search_log_folded', true) IS DISTINCT FROM this_transaction THEN
    PERFORM set_config('opa.search_log_folded', this_transaction, true);
    SELECT count(log.lexemes) AS documents, count(*) - count(log.lexemes) AS entries,
        sum(abs(log.documents)) > (SELECT max(totals.documents) / 2 FROM search_totals AS totals) IS NOT FALSE AS is_large
      INTO logged
      FROM search_log_entries() AS log;
    IF logged.is_large OR logged.entries >= most_entries THEN
      PERFORM fold_if_possible();
    ELSIF logged.documents >= most_documents THEN
      -- Compaction is for READ COMMITTED; where it does nothing, the fold comes at the same size.
      IF current_setting('transaction_isolation') = 'repeatable read' THEN
        PERFORM fold_if_possible();
      ELSE
        PERFORM compact_search_log();
      END IF;
    END IF;
  END IF;
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- source: src/sql/triggers/forget_memory_history.sql
-- Deletes the history of memories that were deleted: who forgets a memory means all that it ever said.
-- SECURITY DEFINER as keep_memory_history.
CREATE OR REPLACE FUNCTION forget_memory_history()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
  DELETE FROM memory_history AS kept USING old_rows WHERE kept.memory_id = old_rows.id;
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/triggers/ignore_restored_statistics.sql
-- Rows that reach a statistics table other than through memory_items' triggers, a fold or a rebuild are those of a
-- data-only restore, whose COPY of memory_items has counted every row already: they are ignored.
CREATE OR REPLACE FUNCTION ignore_restored_statistics()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- source: src/sql/triggers/job_events_notify.sql
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
    PERFORM pg_notify('opa_job_events', CASE WHEN octet_length(ids) < 8000 THEN ids ELSE '' END);
  END IF;
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- source: src/sql/triggers/jobs_check_input.sql
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
-- source: src/sql/triggers/jobs_check_transition.sql
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
-- source: src/sql/triggers/jobs_continue_parent.sql
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
-- source: src/sql/triggers/jobs_delete_attempts.sql
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
-- source: src/sql/triggers/jobs_delete_events.sql
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
-- source: src/sql/triggers/jobs_notify.sql
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
    PERFORM pg_notify('opa_jobs_ready', CASE WHEN octet_length(queues) < 8000 THEN queues ELSE '' END);
  END IF;
  IF ended IS NOT NULL THEN
    PERFORM pg_notify('opa_jobs_ended', CASE WHEN octet_length(ended) < 8000 THEN ended ELSE '' END);
  END IF;
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- source: src/sql/triggers/jobs_record_events.sql
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
-- path: strict
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), 'pg_catalog', 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/triggers/keep_memory_history.sql
-- Keeps what a memory was before an update (the trigger's condition says which columns count). A column that the update
-- left alone is kept as null. The rows of a memory go where it goes: to another id or namespace as well.
-- SECURITY DEFINER, because whoever may change memories need not be able to write their history; so who it was is asked of
-- the session: the role that SET ROLE chose, else the login.
CREATE OR REPLACE FUNCTION keep_memory_history()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
  IF OLD.id <> NEW.id OR OLD.namespace <> NEW.namespace THEN
    UPDATE memory_history AS kept SET memory_id = NEW.id, namespace = NEW.namespace WHERE kept.memory_id = OLD.id;
  END IF;
  INSERT INTO memory_history (memory_id, namespace, changed_by, actor, text, tags, metadata, importance)
  SELECT NEW.id, NEW.namespace, COALESCE(NULLIF(current_setting('role'), 'none'), session_user),
    NULLIF(current_setting('opa.actor', true), ''),
    CASE WHEN OLD.text <> NEW.text THEN OLD.text END,
    CASE WHEN OLD.tags <> NEW.tags THEN OLD.tags END,
    CASE WHEN OLD.metadata <> NEW.metadata THEN OLD.metadata END,
    CASE WHEN OLD.importance <> NEW.importance THEN OLD.importance END
  WHERE (OLD.text, OLD.tags, OLD.metadata, OLD.importance) <> (NEW.text, NEW.tags, NEW.metadata, NEW.importance);
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/triggers/keep_updated_at.sql
-- Undoes an update of updated_at alone: it says when something else changed, and a client may not say otherwise.
CREATE OR REPLACE FUNCTION keep_updated_at()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  NEW.updated_at := OLD.updated_at;
  RETURN NEW;
END
$$;

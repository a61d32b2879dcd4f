SET LOCAL check_function_bodies = off;
--> statement-breakpoint
-- source: src/sql/triggers/jobs_check_input.sql
-- Refuses what no job may be: names and keys that are empty or endless, documents that are not objects, numbers that make
-- no sense. A trigger and not checks, because it runs only when one of its columns is written: a check runs at every
-- update, and a heartbeat would have to read inputs of a megabyte to learn that they still are an object.
CREATE OR REPLACE FUNCTION public.jobs_check_input()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
  problem text;
  writer xid8;
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
    WHEN NEW.wait_reason NOT IN ('approval', 'input', 'children', 'external') THEN
      format('wait_reason must be approval, input, children or external, got %s', NEW.wait_reason)
    WHEN NEW.parent_id = NEW.id OR (NEW.parent_id IS NULL) <> (NEW.root_id IS NULL) THEN
      'parent_id must be another job, and have the root_id of the tree with it'
    WHEN jsonb_typeof(NEW.inputs) <> 'object' THEN format('inputs must be a JSON object, got %s', jsonb_typeof(NEW.inputs))
    WHEN jsonb_typeof(NEW.metadata) <> 'object' THEN format('metadata must be a JSON object, got %s', jsonb_typeof(NEW.metadata))
    WHEN jsonb_typeof(NEW.usage) <> 'object' THEN format('usage must be a JSON object, got %s', jsonb_typeof(NEW.usage))
    WHEN jsonb_typeof(NEW.required_action) <> 'object' THEN
      format('required_action must be a JSON object, got %s', jsonb_typeof(NEW.required_action))
    ELSE public.job_state_problem(NEW.status, NEW.lease_expires_at, NEW.completed_at, NEW.wait_reason, NEW.error,
      NEW.progress, NEW.attempt)
  END;
  IF problem IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = format('job %s: %s', NEW.id, problem);
  END IF;
  -- The clock is read when the transaction has its number, on which note_queue_starts() relies.
  IF TG_OP = 'INSERT' THEN
    writer := pg_current_xact_id();
    IF NEW.backdated <> (NEW.run_at < public.jobs_now() - interval '0.1 seconds') THEN
      NEW.backdated := NOT NEW.backdated;
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
CREATE OR REPLACE FUNCTION public.jobs_check_transition()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
  problem text;
BEGIN
  -- claim() and complete() make nearly all changes, so theirs are let pass first, by as few columns as can tell (4 % of the
  -- time of a claim and a complete, in batches and one by one). Everything else, and whatever is wrong, is for the rules
  -- below, which this may never be laxer than.
  IF NEW.updated_at = now() AND NEW.id = OLD.id AND NEW.wait_reason IS NULL AND NEW.progress BETWEEN 0 AND 1 AND NEW.attempt >= 0
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
    AND public.is_job_transition(OLD.status, NEW.status)
    AND (NEW.status <> 'running' OR OLD.status = 'running'
      OR NEW.lease_token > OLD.lease_token AND num_nulls(NEW.worker_id, NEW.heartbeat_at, NEW.started_at) = 0)
    AND public.job_state_problem(NEW.status, NEW.lease_expires_at, NEW.completed_at, NEW.wait_reason, NEW.error,
      NEW.progress, NEW.attempt) IS NULL) IS NOT TRUE
  THEN
    problem := CASE
      WHEN NEW.id <> OLD.id THEN format('the id of a job never changes, got %s', NEW.id)
      WHEN NEW.lease_token < OLD.lease_token THEN
        format('lease_token only grows, it is %s and would become %s', OLD.lease_token, NEW.lease_token)
      WHEN NOT public.is_job_transition(OLD.status, NEW.status) THEN
        format('status cannot change from %s to %s', OLD.status, NEW.status)
      WHEN NEW.status = 'running' AND OLD.status <> 'running'
        AND (NEW.lease_token = OLD.lease_token OR num_nulls(NEW.worker_id, NEW.heartbeat_at, NEW.started_at) > 0) THEN
        'to run it needs a new lease_token, a worker_id, heartbeat_at and started_at: use claim()'
    END;
    IF problem IS NOT NULL THEN
      RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = format('job %s: %s', OLD.id, problem);
    END IF;
    problem := public.job_state_problem(NEW.status, NEW.lease_expires_at, NEW.completed_at, NEW.wait_reason, NEW.error,
      NEW.progress, NEW.attempt);
    IF problem IS NOT NULL THEN
      RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = format('job %s: %s', OLD.id, problem);
    END IF;
    -- Something is null that may not be, which PostgreSQL itself refuses.
    RETURN NEW;
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
    OR NEW.required_action IS DISTINCT FROM OLD.required_action OR NEW.usage <> OLD.usage
    OR NEW.error IS DISTINCT FROM OLD.error OR NEW.metadata <> OLD.metadata OR NEW.inputs <> OLD.inputs
    OR NEW.result IS DISTINCT FROM OLD.result THEN
    NEW.updated_at := now();
  ELSE
    NEW.updated_at := OLD.updated_at;
  END IF;
  -- What claims that know where the queue begins must ask for apart (note_queue_starts). The row is locked, so that the
  -- transaction has its number.
  IF NEW.status = 'pending' THEN
    NEW.backdated := CASE
      WHEN (OLD.status, OLD.run_at, OLD.priority, OLD.queue) IS DISTINCT FROM (NEW.status, NEW.run_at, NEW.priority, NEW.queue)
        THEN NEW.run_at < public.jobs_now() - interval '0.1 seconds'
      ELSE OLD.backdated
    END;
  END IF;
  RETURN NEW;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/claim.sql
-- Hands out up to max_jobs jobs of a queue, best priority first, then by run_at, then by id. Each comes as its row, now
-- running, with a lease of lease_seconds: nobody else gets it until the lease ends, and heartbeat() extends that. Its
-- lease_token must be shown at every later call about it, and is worth nothing once the lease was taken back.
--
--   SELECT id, intent, inputs, lease_token FROM claim('documents', 'worker-1', max_jobs => 10, lease_seconds => 60);
--
-- Before that it ends leases that ran out and fails jobs past their deadline, at most 100 of each (take_back_expired).
--
-- Speed does not depend on what is not ready. Jobs of the future may be many and of a high priority, and a scan of the
-- ready index would read past all of them; so the distinct priorities are walked, one probe of the index each, and in
-- each priority only run_at <= now is read. (A loop does what a recursive query would, whose setting up costs more than
-- the usual one or two probes.)
--
-- Nor on what was claimed before. Every claim and every completion leaves a dead entry at the beginning of an index until
-- vacuum takes it away, which it cannot beside a report that runs for hours: 40,000 of them cost each claim 10 ms. So where
-- finding the first job takes more than a hundred pages, the session notes where the living begin (note_queue_starts), and
-- for some seconds begins there.
--
-- Rows that others are claiming are skipped, never waited for. What is found is handed to the update as an ARRAY, which
-- is made once: the plan of a join may evaluate the subquery again for each row and hand out far more than max_jobs.
-- The rows come in the array's order, because each place is looked up in turn.
--
-- Its plans are made once for each connection and never look at arguments or statistics, which would cost more than the
-- claim itself: the few ways to read the partial indexes are the best ones for any table.
CREATE OR REPLACE FUNCTION public.claim(
  queue text,
  worker_id text,
  max_jobs integer DEFAULT 1,
  lease_seconds double precision DEFAULT 60,
  modes public.execution_mode[] DEFAULT NULL
)
RETURNS SETOF public.jobs
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := public.jobs_now();
  remaining integer := claim.max_jobs;
  taken integer;
  is_due boolean;
  level smallint;
  first_run_at timestamptz;
  -- What note_queue_starts() noted, and what can be relied on of it.
  noted float8[] := nullif(current_setting('opa.claim_' || (hashtext(claim.queue) & 15), true), '')::float8[];
  is_known boolean := false;
  safe float8 := '-infinity';
  pages bigint;
  pages_then bigint;
  is_long boolean;
BEGIN
  IF (octet_length(claim.worker_id) BETWEEN 1 AND 255 AND claim.max_jobs BETWEEN 1 AND 10000
    AND claim.lease_seconds >= 0.01 AND claim.lease_seconds <= 604800) IS NOT TRUE THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = CASE
      WHEN (octet_length(claim.worker_id) BETWEEN 1 AND 255) IS NOT TRUE THEN
        format('claim: worker_id must be text of 1 to 255 bytes, got %s', coalesce(octet_length(claim.worker_id)::text, 'null'))
      WHEN (claim.max_jobs BETWEEN 1 AND 10000) IS NOT TRUE THEN
        format('claim: max_jobs must be from 1 to 10000, got %s', coalesce(claim.max_jobs::text, 'null'))
      ELSE format('claim: lease_seconds must be from 0.01 to 604800 (a week), got %s', coalesce(claim.lease_seconds::text, 'null'))
    END;
  END IF;

  -- Each expression is prepared anew in each transaction that comes to it: who has noted nothing passes few.
  IF noted IS NOT NULL THEN
    IF noted[1] = (hashtextextended(claim.queue, 0) >> 11)::float8 AND date_part('epoch', current_moment) >= noted[2] THEN
      is_known := noted[7] IS NOT NULL AND date_part('epoch', current_moment) <= noted[3] + 10;
      IF date_part('epoch', current_moment) >= noted[2] + 0.1 * is_known::integer
        AND pg_snapshot_xmin(pg_current_snapshot())::text::float8 >= noted[6] THEN
        safe := noted[5] - 0.1;
      END IF;
    END IF;
  END IF;

  -- Leases have no index by their end, or no heartbeat could be a HOT update. So the 200 jobs that have been running
  -- longest are looked at, and one claim in ten looks at all of them: what a claim costs on average hardly grows with the
  -- number of running jobs, and no expired lease is overlooked for long.
  SELECT
    EXISTS (
      SELECT FROM (
        SELECT job.lease_expires_at FROM public.jobs AS job
        WHERE job.queue = claim.queue AND job.status = 'running'
          AND job.started_at >= CASE WHEN is_known THEN to_timestamp(noted[4]) ELSE '-infinity' END
          AND job.started_at <= current_moment - interval '10 milliseconds'
        ORDER BY job.started_at
        LIMIT CASE WHEN random() < 0.9 THEN 200 END
      ) AS oldest
      WHERE oldest.lease_expires_at <= current_moment
    ) OR EXISTS (
      SELECT FROM public.jobs AS job
      WHERE job.queue = claim.queue AND job.status IN ('pending', 'waiting') AND job.deadline_at <= current_moment
    ),
    public.ready_pages_read()
  INTO is_due, pages;
  IF is_due THEN
    PERFORM public.take_back_expired(claim.queue, 100);
    current_moment := public.jobs_now();
  END IF;

  IF is_known THEN
    -- What has come above the noted priority, what was put before its start since, what lies behind that, what is below it.
    -- UNION ALL is asked in this order, and no further than LIMIT says.
    SELECT start.priority, start.run_at INTO level, first_run_at FROM (
      (
        SELECT job.priority, job.run_at FROM public.jobs AS job
        WHERE job.queue = claim.queue AND job.status = 'pending' AND job.priority > noted[7]::smallint
        ORDER BY job.priority DESC, job.run_at LIMIT 1
      )
      UNION ALL
      (
        SELECT early.priority, early.run_at FROM (
          SELECT job.priority, job.run_at FROM public.jobs AS job
          WHERE job.queue = claim.queue AND job.status = 'pending' AND job.backdated AND job.run_at < to_timestamp(noted[8])
          ORDER BY job.run_at OFFSET 0
        ) AS early
        WHERE early.priority = noted[7]::smallint LIMIT 1
      )
      UNION ALL
      (
        SELECT job.priority, job.run_at FROM public.jobs AS job
        WHERE job.queue = claim.queue AND job.status = 'pending' AND job.priority = noted[7]::smallint
          AND job.run_at >= to_timestamp(noted[8])
        ORDER BY job.run_at LIMIT 1
      )
      UNION ALL
      (
        SELECT job.priority, job.run_at FROM public.jobs AS job
        WHERE job.queue = claim.queue AND job.status = 'pending' AND job.priority < noted[7]::smallint
        ORDER BY job.priority DESC, job.run_at LIMIT 1
      )
    ) AS start LIMIT 1;
  ELSE
    SELECT start.priority, start.run_at, public.ready_pages_read() INTO level, first_run_at, pages_then FROM (
      SELECT job.priority, job.run_at FROM public.jobs AS job
      WHERE job.queue = claim.queue AND job.status = 'pending'
      ORDER BY job.priority DESC, job.run_at LIMIT 1
    ) AS start;
  END IF;
  is_long := NOT is_known AND coalesce(pages_then, public.ready_pages_read()) > pages + 100;
  IF is_long OR noted IS NOT NULL AND (NOT is_known OR date_part('epoch', current_moment) >= noted[2] + 0.1) THEN
    PERFORM public.note_queue_starts(claim.queue, current_moment, noted, is_known, safe, is_long, level, first_run_at);
  END IF;
  WHILE level IS NOT NULL LOOP
    RETURN QUERY
      UPDATE public.jobs AS job
      SET status = 'running',
        lease_token = job.lease_token + 1,
        lease_expires_at = current_moment + make_interval(secs => claim.lease_seconds),
        heartbeat_at = current_moment,
        attempt = job.attempt + 1,
        worker_id = claim.worker_id,
        started_at = current_moment,
        updated_at = now()
      FROM unnest(ARRAY(
        SELECT ready.ctid FROM public.jobs AS ready
        WHERE ready.queue = claim.queue AND ready.status = 'pending' AND ready.priority = level
          AND ready.run_at BETWEEN first_run_at AND current_moment
          AND (ready.deadline_at IS NULL OR ready.deadline_at > current_moment)
          AND (claim.modes IS NULL OR ready.mode = ANY (claim.modes))
        ORDER BY ready.run_at, ready.id
        LIMIT remaining
        FOR NO KEY UPDATE SKIP LOCKED
      )) AS next (place)
      WHERE job.ctid = next.place
      RETURNING job.*;
    GET DIAGNOSTICS taken = ROW_COUNT;
    remaining := remaining - taken;
    EXIT WHEN remaining <= 0;
    SELECT job.priority, job.run_at INTO level, first_run_at FROM public.jobs AS job
    WHERE job.queue = claim.queue AND job.status = 'pending' AND job.priority < level
    ORDER BY job.priority DESC, job.run_at LIMIT 1;
  END LOOP;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/complete_and_claim.sql
-- complete() and then claim() in one call, for a worker that has done one job and wants the next: one round trip and one
-- transaction instead of two. Answers the outcome of complete(), in each row, and the jobs of claim(); a single row with a
-- null job if nothing is ready. The claim is made whatever the outcome.
--
--   SELECT outcome, (job).id, (job).lease_token, (job).inputs
--   FROM complete_and_claim('job-1', 4, '{"summary": "…"}', queue => 'documents', worker_id => 'worker-1');
--
-- If claiming fails, nothing is completed.
CREATE OR REPLACE FUNCTION public.complete_and_claim(
  job_id text,
  lease_token bigint,
  result jsonb,
  queue text,
  worker_id text,
  max_jobs integer DEFAULT 1,
  lease_seconds double precision DEFAULT 60,
  modes public.execution_mode[] DEFAULT NULL
)
RETURNS TABLE (outcome text, job public.jobs)
LANGUAGE plpgsql
AS $$
BEGIN
  outcome := public.complete(complete_and_claim.job_id, complete_and_claim.lease_token, complete_and_claim.result);
  RETURN QUERY
    SELECT outcome, next FROM public.claim(complete_and_claim.queue, complete_and_claim.worker_id, complete_and_claim.max_jobs,
      complete_and_claim.lease_seconds, complete_and_claim.modes) AS next;
  IF NOT FOUND THEN
    RETURN NEXT;
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/note_queue_starts.sql
-- Notes for claim(), in a setting of the session, where the living entries of a queue begin: those of its running jobs, and
-- those of its pending jobs of one priority. What a claim saw is no more than a snapshot; that nothing will appear before
-- a start later on follows from three facts:
--
-- * Each note has a moment, and a horizon: the number of the next transaction then. When claim() began and found all
--   earlier ones ended (pg_snapshot_xmin), whatever it could not see was written by later ones, after that moment.
-- * Jobs are ready, or running, by the clock of their writing: what is yet to appear comes behind that moment, less a tenth
--   of a second. This is what claim() calls safe; while an earlier transaction goes on it is -infinity, and no start moves.
-- * Whatever is made ready with a run_at of longer ago is marked as backdated by the triggers, which read the clock when
--   their transaction has its number; those are few, and claim() asks for them apart.
--
-- A clock that was set back, or rows that were written past the triggers, can make it miss a job; so after ten seconds
-- nothing noted is believed, and the indexes are read from their beginning. The leases of jobs that nobody waits for need
-- no more than that.
--
-- One priority is noted, that of the first job; while a higher one has jobs the note stays as it is. The setting is an array:
-- 1 the queue's hash, 2 when it was noted, 3 when the indexes were last read from their beginning, 4 where running jobs
-- start, 5 and 6 the moment and the horizon, 7 the priority, 8 where its pending jobs start; times are seconds since 1970,
-- and the last two null until the first horizon has passed. Where reading from the beginning is not long, nothing is noted.
CREATE OR REPLACE FUNCTION public.note_queue_starts(
  queue text,
  moment timestamptz,
  noted float8[],
  is_known boolean,
  safe float8,
  is_long boolean,
  level smallint,
  first_run_at timestamptz
)
RETURNS void
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
  -- As many bits as a float8 holds.
  hash CONSTANT float8 := hashtextextended(note_queue_starts.queue, 0) >> 11;
  setting CONSTANT text := 'opa.claim_' || (hashtext(note_queue_starts.queue) & 15);
  seconds CONSTANT float8 := date_part('epoch', moment);
  -- Of another queue, or of a clock that has been set back since, a note says nothing.
  is_same CONSTANT boolean := coalesce(noted[1] = hash AND noted[2] <= seconds, false);
  place CONSTANT float8 := coalesce(level, CASE WHEN is_known THEN noted[7] END, 0);
  first_started_at timestamptz;
BEGIN
  IF is_known AND level > noted[7] THEN
    RETURN;
  END IF;
  IF NOT is_known AND NOT is_long THEN
    -- Another queue's note is left to it while it is worth something.
    IF is_same OR noted[2] NOT BETWEEN seconds - 10 AND seconds THEN
      PERFORM set_config(setting, '', false);
    END IF;
    RETURN;
  END IF;
  SELECT job.started_at INTO first_started_at FROM public.jobs AS job
  WHERE job.queue = note_queue_starts.queue AND job.status = 'running'
    AND job.started_at >= CASE WHEN is_known THEN to_timestamp(noted[4]) ELSE '-infinity' END
  ORDER BY job.started_at LIMIT 1;

  PERFORM set_config(setting, ARRAY[
    hash, seconds,
    CASE WHEN is_known THEN noted[3] ELSE seconds END,
    greatest(CASE WHEN is_known THEN noted[4] END, least(date_part('epoch', first_started_at), safe)),
    -- In a transaction that keeps its snapshot, that is as old as the transaction.
    CASE WHEN is_same AND safe = '-infinity' THEN noted[5] ELSE least(date_part('epoch', now()), seconds) END,
    CASE WHEN is_same AND safe = '-infinity' THEN noted[6] ELSE pg_snapshot_xmax(pg_current_snapshot())::text::float8 END,
    CASE WHEN is_known OR safe > '-infinity' THEN place END,
    CASE WHEN is_known OR safe > '-infinity' THEN
      greatest(CASE WHEN is_known AND noted[7] = place THEN noted[8] END, least(date_part('epoch', first_run_at), safe))
    END
  ]::text, false);
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/ready_pages_read.sql
-- How many pages of the index of ready jobs this session has read since its statistics were last sent: only a difference
-- says something.
CREATE OR REPLACE FUNCTION public.ready_pages_read()
RETURNS bigint
LANGUAGE sql VOLATILE
AS $$
  SELECT pg_stat_get_xact_blocks_fetched('public.jobs_ready_idx'::regclass)
$$;

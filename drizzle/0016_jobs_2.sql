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
-- source: src/sql/jobs/api/claim.sql
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
CREATE OR REPLACE FUNCTION claim(
  queue text,
  worker_id text,
  max_jobs integer DEFAULT 1,
  lease_seconds double precision DEFAULT 60,
  modes execution_mode[] DEFAULT NULL
)
RETURNS SETOF jobs
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
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
        SELECT job.lease_expires_at FROM jobs AS job
        WHERE job.queue = claim.queue AND job.status = 'running'
          AND job.started_at >= CASE WHEN is_known THEN to_timestamp(noted[4]) ELSE '-infinity' END
          AND job.started_at <= current_moment - interval '10 milliseconds'
        ORDER BY job.started_at
        LIMIT CASE WHEN random() < 0.9 THEN 200 END
      ) AS oldest
      WHERE oldest.lease_expires_at <= current_moment
    ) OR EXISTS (
      SELECT FROM jobs AS job
      WHERE job.queue = claim.queue AND job.status IN ('pending', 'waiting') AND job.deadline_at <= current_moment
    ),
    ready_pages_read()
  INTO is_due, pages;
  IF is_due THEN
    PERFORM take_back_expired(claim.queue, 100);
    current_moment := jobs_now();
  END IF;

  IF is_known THEN
    -- What has come above the noted priority, what was put before its start since, what lies behind that, what is below it.
    -- UNION ALL is asked in this order, and no further than LIMIT says.
    SELECT start.priority, start.run_at INTO level, first_run_at FROM (
      (
        SELECT job.priority, job.run_at FROM jobs AS job
        WHERE job.queue = claim.queue AND job.status = 'pending' AND job.priority > noted[7]::smallint
        ORDER BY job.priority DESC, job.run_at LIMIT 1
      )
      UNION ALL
      (
        SELECT early.priority, early.run_at FROM (
          SELECT job.priority, job.run_at FROM jobs AS job
          WHERE job.queue = claim.queue AND job.status = 'pending' AND job.backdated AND job.run_at < to_timestamp(noted[8])
          ORDER BY job.run_at OFFSET 0
        ) AS early
        WHERE early.priority = noted[7]::smallint LIMIT 1
      )
      UNION ALL
      (
        SELECT job.priority, job.run_at FROM jobs AS job
        WHERE job.queue = claim.queue AND job.status = 'pending' AND job.priority = noted[7]::smallint
          AND job.run_at >= to_timestamp(noted[8])
        ORDER BY job.run_at LIMIT 1
      )
      UNION ALL
      (
        SELECT job.priority, job.run_at FROM jobs AS job
        WHERE job.queue = claim.queue AND job.status = 'pending' AND job.priority < noted[7]::smallint
        ORDER BY job.priority DESC, job.run_at LIMIT 1
      )
    ) AS start LIMIT 1;
  ELSE
    SELECT start.priority, start.run_at, ready_pages_read() INTO level, first_run_at, pages_then FROM (
      SELECT job.priority, job.run_at FROM jobs AS job
      WHERE job.queue = claim.queue AND job.status = 'pending'
      ORDER BY job.priority DESC, job.run_at LIMIT 1
    ) AS start;
  END IF;
  is_long := NOT is_known AND coalesce(pages_then, ready_pages_read()) > pages + 100;
  IF is_long OR noted IS NOT NULL AND (NOT is_known OR date_part('epoch', current_moment) >= noted[2] + 0.1) THEN
    PERFORM note_queue_starts(claim.queue, current_moment, noted, is_known, safe, is_long, level, first_run_at);
  END IF;
  WHILE level IS NOT NULL LOOP
    RETURN QUERY
      UPDATE jobs AS job
      SET status = 'running',
        lease_token = job.lease_token + 1,
        lease_expires_at = current_moment + make_interval(secs => claim.lease_seconds),
        heartbeat_at = current_moment,
        attempt = job.attempt + 1,
        worker_id = claim.worker_id,
        started_at = current_moment,
        updated_at = now()
      FROM unnest(ARRAY(
        SELECT ready.ctid FROM jobs AS ready
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
    SELECT job.priority, job.run_at INTO level, first_run_at FROM jobs AS job
    WHERE job.queue = claim.queue AND job.status = 'pending' AND job.priority < level
    ORDER BY job.priority DESC, job.run_at LIMIT 1;
  END LOOP;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/complete.sql
-- Ends a job well, with its result. Answers ok; stale_lease when the lease was taken back or is settled already;
-- cancelled when the job was cancelled; not_found. Anything but ok has changed nothing.
--
--   SELECT complete('job-1', lease_token => 4, result => '{"summary": "…"}');
--
-- A job whose cancellation was asked for, and which got done nevertheless, is completed.
--
-- Here and in the other functions about leases, lease_expires_at IS NOT NULL says that the job is running (the table's
-- trigger makes it the same). status = 'running' would offer the planner the index of running jobs, and where statistics say
-- that few are running it reads all of them instead of the primary key.
CREATE OR REPLACE FUNCTION complete(job_id text, lease_token bigint, result jsonb DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
BEGIN
  WITH settled AS (
    UPDATE jobs AS job
    SET status = 'completed', result = complete.result, error = NULL, progress = 1, lease_expires_at = NULL,
      completed_at = current_moment, updated_at = now()
    WHERE job.id = complete.job_id AND job.lease_token = complete.lease_token AND job.lease_expires_at IS NOT NULL
    RETURNING job.id, job.lease_token, job.started_at, job.attempt, job.worker_id
  )
  INSERT INTO job_attempts (job_id, lease_token, started_at, finished_at, attempt, outcome, worker_id)
  SELECT id, lease_token, started_at, current_moment, attempt, 'completed', worker_id FROM settled;
  IF FOUND THEN
    RETURN 'ok';
  END IF;
  RETURN lease_refusal(complete.job_id, complete.lease_token);
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/complete_and_claim.sql
-- complete() and then claim() in one call, for a worker that has done one job and wants the next: one round trip and one
-- transaction instead of two. Answers the outcome of complete(), in each row, and the jobs of claim(); a single row with a
-- null job if nothing is ready. The claim is made whatever the outcome.
--
--   SELECT outcome, (job).id, (job).lease_token, (job).inputs
--   FROM complete_and_claim('job-1', 4, '{"summary": "…"}', queue => 'documents', worker_id => 'worker-1');
--
-- If claiming fails, nothing is completed.
CREATE OR REPLACE FUNCTION complete_and_claim(
  job_id text,
  lease_token bigint,
  result jsonb,
  queue text,
  worker_id text,
  max_jobs integer DEFAULT 1,
  lease_seconds double precision DEFAULT 60,
  modes execution_mode[] DEFAULT NULL
)
RETURNS TABLE (outcome text, job jobs)
LANGUAGE plpgsql SECURITY DEFINER
AS $$
BEGIN
  outcome := complete(complete_and_claim.job_id, complete_and_claim.lease_token, complete_and_claim.result);
  RETURN QUERY
    SELECT outcome, next FROM claim(complete_and_claim.queue, complete_and_claim.worker_id, complete_and_claim.max_jobs,
      complete_and_claim.lease_seconds, complete_and_claim.modes) AS next;
  IF NOT FOUND THEN
    RETURN NEXT;
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/complete_many.sql
-- complete() for many leases in one statement; answers for each, in the order of the arguments. results may be null
-- (no job has one) or has one for each job.
--
--   SELECT * FROM complete_many(ARRAY['job-1', 'job-2'], ARRAY[4, 1]);
CREATE OR REPLACE FUNCTION complete_many(job_ids text[], lease_tokens bigint[], results jsonb[] DEFAULT NULL)
RETURNS TABLE (id text, outcome text)
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
  settled_ids text[];
BEGIN
  PERFORM check_leases('complete_many', complete_many.job_ids, complete_many.lease_tokens);
  IF cardinality(complete_many.results) <> cardinality(complete_many.job_ids) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('complete_many: results must be null or have one element for each of the %s jobs, got %s',
        cardinality(complete_many.job_ids), cardinality(complete_many.results));
  END IF;

  WITH settled AS (
    UPDATE jobs AS job
    SET status = 'completed', result = lease.result, error = NULL, progress = 1, lease_expires_at = NULL,
      completed_at = current_moment, updated_at = now()
    FROM (
      SELECT * FROM unnest(complete_many.job_ids, complete_many.lease_tokens, complete_many.results) AS one (id, token, result)
      ORDER BY one.id COLLATE "C"
    ) AS lease
    WHERE job.id = lease.id AND job.lease_token = lease.token AND job.lease_expires_at IS NOT NULL
    RETURNING job.id, job.lease_token, job.started_at, job.attempt, job.worker_id
  ), recorded AS (
    INSERT INTO job_attempts (job_id, lease_token, started_at, finished_at, attempt, outcome, worker_id)
    SELECT id, lease_token, started_at, current_moment, attempt, 'completed', worker_id FROM settled
  )
  SELECT array_agg(settled.id) INTO settled_ids FROM settled;

  IF cardinality(settled_ids) = cardinality(complete_many.job_ids) THEN
    RETURN QUERY SELECT one.id, 'ok' FROM unnest(complete_many.job_ids) AS one (id);
    RETURN;
  END IF;
  RETURN QUERY
    SELECT lease.id,
      CASE WHEN lease.id = ANY (settled_ids) AND job.lease_token = lease.token
        THEN 'ok' ELSE lease_refusal(lease.id, lease.token) END
    FROM unnest(complete_many.job_ids, complete_many.lease_tokens) WITH ORDINALITY AS lease (id, token, place)
    LEFT JOIN jobs AS job ON job.id = lease.id
    ORDER BY lease.place;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/due_schedules.sql
-- The schedules that have a slot to enqueue, or whose next slot is not computed yet, the longest waiting first, with the
-- moment that counts as now. For programs that run schedules: work out the slots after slots_after up to now, then
-- enqueue_slots().
--
--   SELECT * FROM due_schedules(100);
CREATE OR REPLACE FUNCTION due_schedules(max_schedules integer DEFAULT 100)
RETURNS TABLE (
  key text, cron text, time_zone text, every_seconds double precision, missed text, missed_limit integer,
  late_seconds double precision, slots_after timestamptz, seen_at timestamptz
)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
BEGIN
  IF (due_schedules.max_schedules BETWEEN 1 AND 10000) IS NOT TRUE THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('due_schedules: max_schedules must be from 1 to 10000, got %s', coalesce(due_schedules.max_schedules::text, 'null'));
  END IF;
  RETURN QUERY
    SELECT schedule.key, schedule.cron, schedule.time_zone, schedule.every_seconds, schedule.missed, schedule.missed_limit,
      schedule.late_seconds, schedule.slots_after, current_moment
    FROM schedules AS schedule
    WHERE schedule.paused_at IS NULL AND (schedule.next_at IS NULL OR schedule.next_at <= current_moment)
    ORDER BY schedule.next_at NULLS FIRST, schedule.key
    LIMIT due_schedules.max_schedules;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/enqueue.sql
-- Accepts one piece of work and gives its id at once; nothing has run yet.
--
--   SELECT * FROM enqueue('summarise', '{"document": "d1"}', queue => 'documents', idempotency_key => 'd1:v3');
--
-- created is false when the work is there already: the same job_id, the same (queue, idempotency_key), ended or not, or
-- the same (queue, singleton_key) in a job that has not ended. Then id and status are those of that job and nothing was
-- written. With wait_reason the job is born waiting, and runs only after approve() or resume(). It belongs to the
-- caller's transaction: if that rolls back, the job was never there.
CREATE OR REPLACE FUNCTION enqueue(
  intent text,
  inputs jsonb DEFAULT '{}',
  queue text DEFAULT 'default',
  mode execution_mode DEFAULT 'auto',
  priority integer DEFAULT 0,
  run_at timestamptz DEFAULT NULL,
  job_id text DEFAULT NULL,
  idempotency_key text DEFAULT NULL,
  singleton_key text DEFAULT NULL,
  parent_id text DEFAULT NULL,
  deadline_at timestamptz DEFAULT NULL,
  max_attempts integer DEFAULT 3,
  backoff_seconds double precision DEFAULT 10,
  wait_reason text DEFAULT NULL,
  required_action jsonb DEFAULT NULL,
  metadata jsonb DEFAULT '{}',
  trace_id text DEFAULT NULL,
  callback_url text DEFAULT NULL
)
RETURNS TABLE (id text, status job_status, created boolean)
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
  new_root text;
BEGIN
  IF enqueue.inputs IS NULL OR jsonb_typeof(enqueue.inputs) <> 'object' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('enqueue: inputs must be a JSON object, got %s', coalesce(jsonb_typeof(enqueue.inputs), 'null'));
  END IF;
  IF enqueue.priority NOT BETWEEN -32768 AND 32767 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('enqueue: priority must be from -32768 to 32767, got %s', enqueue.priority);
  END IF;
  IF enqueue.wait_reason = 'children' OR enqueue.wait_reason IS NULL AND enqueue.required_action IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('enqueue: a new job can wait for approval, input or external (with a required_action), got wait_reason %s',
        coalesce(enqueue.wait_reason, 'null'));
  END IF;
  IF enqueue.parent_id IS NOT NULL THEN
    SELECT coalesce(parent.root_id, parent.id) INTO new_root FROM jobs AS parent WHERE parent.id = enqueue.parent_id;
    IF NOT FOUND THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('enqueue: parent_id must be the id of a job, got %s', enqueue.parent_id);
    END IF;
  END IF;

  -- The job that was in the way may end between the insert and the look at it; then there is room after all.
  FOR i IN 1..10 LOOP
    RETURN QUERY
      INSERT INTO jobs AS job (
        id, status, queue, priority, run_at, mode, intent, max_attempts, backoff_seconds, deadline_at, created_at,
        wait_reason, idempotency_key, singleton_key, parent_id, root_id, trace_id, callback_url, required_action,
        metadata, inputs
      )
      VALUES (
        coalesce(enqueue.job_id, new_job_id(current_moment)),
        CASE WHEN enqueue.wait_reason IS NULL THEN 'pending'::job_status ELSE 'waiting' END,
        enqueue.queue, enqueue.priority::smallint, coalesce(enqueue.run_at, current_moment), enqueue.mode, enqueue.intent,
        enqueue.max_attempts, enqueue.backoff_seconds, enqueue.deadline_at, current_moment, enqueue.wait_reason,
        enqueue.idempotency_key, enqueue.singleton_key, enqueue.parent_id, new_root, enqueue.trace_id,
        enqueue.callback_url, enqueue.required_action, coalesce(enqueue.metadata, '{}'), enqueue.inputs
      )
      ON CONFLICT DO NOTHING
      RETURNING job.id, job.status, true;
    IF FOUND THEN
      RETURN;
    END IF;
    RETURN QUERY
      SELECT found.id, found.status, false
      FROM find_duplicate(enqueue.queue, enqueue.job_id, enqueue.idempotency_key, enqueue.singleton_key) AS found;
    IF FOUND THEN
      RETURN;
    END IF;
  END LOOP;
  RAISE EXCEPTION USING ERRCODE = 'serialization_failure',
    MESSAGE = format('enqueue: jobs with the keys of this one came and went ten times in queue %s, try again', enqueue.queue);
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
ALTER FUNCTION claim(queue text, worker_id text, max_jobs integer, lease_seconds double precision, modes execution_mode[]) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION complete(job_id text, lease_token bigint, result jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION complete_and_claim(job_id text, lease_token bigint, result jsonb, queue text, worker_id text, max_jobs integer, lease_seconds double precision, modes execution_mode[]) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION complete_many(job_ids text[], lease_tokens bigint[], results jsonb[]) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION due_schedules(max_schedules integer) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION enqueue(intent text, inputs jsonb, queue text, mode execution_mode, priority integer, run_at timestamptz, job_id text, idempotency_key text, singleton_key text, parent_id text, deadline_at timestamptz, max_attempts integer, backoff_seconds double precision, wait_reason text, required_action jsonb, metadata jsonb, trace_id text, callback_url text) SET search_path FROM CURRENT;

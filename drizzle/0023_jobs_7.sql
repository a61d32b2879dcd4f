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
-- source: src/sql/jobs/api/prune.sql
-- Deletes jobs that ended more than older_than ago, with their attempts, the oldest first, at most batch of them; gives
-- how many. Call it again until it gives 0: small batches keep locks short and leave vacuum time to follow.
--
--   SELECT prune(older_than => interval '30 days', batch => 1000);
--
-- Only of this queue and these statuses, and only jobs that the filter means (see count_jobs).
--
-- A job that still has children stays until they are pruned: an unfinished child never loses its parent.
CREATE OR REPLACE FUNCTION prune(
  older_than interval,
  batch integer DEFAULT 1000,
  queue text DEFAULT NULL,
  statuses job_status[] DEFAULT NULL,
  filter jsonb DEFAULT '{}'
)
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  ended_before timestamptz := jobs_now() - prune.older_than;
  pruned integer;
BEGIN
  IF prune.older_than IS NULL OR prune.older_than < interval '0' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('prune: older_than must be an interval of 0 or more, got %s', coalesce(prune.older_than::text, 'null'));
  END IF;
  IF prune.batch IS NULL OR prune.batch NOT BETWEEN 1 AND 100000 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('prune: batch must be from 1 to 100000, got %s', coalesce(prune.batch::text, 'null'));
  END IF;
  PERFORM check_job_filter('prune', prune.filter);
  WITH old AS MATERIALIZED (
    SELECT job.id FROM jobs AS job
    WHERE job.completed_at IS NOT NULL AND job.completed_at <= ended_before
      AND (prune.queue IS NULL OR job.queue = prune.queue)
      AND (prune.statuses IS NULL OR job.status = ANY (prune.statuses))
      AND (prune.filter = '{}' OR job_matches(job, prune.filter))
      AND (SELECT child.id FROM jobs AS child WHERE child.parent_id = job.id LIMIT 1) IS NULL
    ORDER BY job.completed_at
    LIMIT prune.batch
    FOR UPDATE SKIP LOCKED
  )
  DELETE FROM jobs AS job USING old WHERE job.id = old.id;
  GET DIAGNOSTICS pruned = ROW_COUNT;
  RETURN pruned;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/put_schedule.sql
-- Creates a schedule, or changes the one of this key; true if it is new. Give cron (five fields, or six with seconds first;
-- read in time_zone) or every_seconds (counted from 1970, so that 300 means :00, :05, :10). Slots are enqueued by workers
-- that run schedules: work(…, { schedules: true }) or runSchedules() of the npm package, which also read the expression.
--
--   SELECT put_schedule('digest', 'digest.write', cron => '0 7 * * mon-fri', time_zone => 'Europe/Berlin');
--
-- missed says what is made up for when nobody enqueued slots in time: skip (none: a slot counts while it is at most
-- late_seconds old), once (the latest), all (the latest missed_limit). When cron, time_zone or every_seconds change, slots
-- are counted from now on. A pause stays as it is.
CREATE OR REPLACE FUNCTION put_schedule(
  key text,
  intent text,
  cron text DEFAULT NULL,
  time_zone text DEFAULT 'UTC',
  every_seconds double precision DEFAULT NULL,
  inputs jsonb DEFAULT '{}',
  queue text DEFAULT 'default',
  mode execution_mode DEFAULT 'auto',
  priority integer DEFAULT 0,
  max_attempts integer DEFAULT 3,
  backoff_seconds double precision DEFAULT 10,
  singleton_key text DEFAULT NULL,
  metadata jsonb DEFAULT '{}',
  missed text DEFAULT 'once',
  missed_limit integer DEFAULT 100,
  late_seconds double precision DEFAULT 60
)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
  is_new boolean;
BEGIN
  IF num_nonnulls(put_schedule.cron, put_schedule.every_seconds) <> 1 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('put_schedule: give cron or every_seconds, got %s',
        CASE WHEN put_schedule.cron IS NULL THEN 'neither' ELSE 'both' END);
  END IF;
  IF put_schedule.every_seconds IS NOT NULL AND (put_schedule.every_seconds >= 1 AND put_schedule.every_seconds <= 31536000) IS NOT TRUE THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('put_schedule: every_seconds must be from 1 to 31536000 (a year), got %s', put_schedule.every_seconds);
  END IF;
  IF put_schedule.cron !~ '^\s*(@\w+|\S+(\s+\S+){4,6})\s*$' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('put_schedule: cron must have five to seven fields, or be like @daily, got %s', quote_literal(left(put_schedule.cron, 100)));
  END IF;
  IF put_schedule.missed IS NULL OR put_schedule.missed NOT IN ('skip', 'once', 'all') THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('put_schedule: missed must be skip, once or all, got %s', coalesce(put_schedule.missed, 'null'));
  END IF;
  IF put_schedule.priority NOT BETWEEN -32768 AND 32767 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('put_schedule: priority must be from -32768 to 32767, got %s', put_schedule.priority);
  END IF;
  INSERT INTO schedules AS schedule (
    key, intent, cron, time_zone, every_seconds, inputs, queue, mode, priority, max_attempts, backoff_seconds, singleton_key,
    metadata, missed, missed_limit, late_seconds, slots_after
  )
  VALUES (
    put_schedule.key, put_schedule.intent, put_schedule.cron, put_schedule.time_zone, put_schedule.every_seconds,
    put_schedule.inputs, put_schedule.queue, put_schedule.mode, put_schedule.priority::smallint, put_schedule.max_attempts,
    put_schedule.backoff_seconds, put_schedule.singleton_key, put_schedule.metadata, put_schedule.missed,
    put_schedule.missed_limit, put_schedule.late_seconds, current_moment
  )
  ON CONFLICT (key) DO UPDATE SET
    intent = excluded.intent, cron = excluded.cron, time_zone = excluded.time_zone, every_seconds = excluded.every_seconds,
    inputs = excluded.inputs, queue = excluded.queue, mode = excluded.mode, priority = excluded.priority,
    max_attempts = excluded.max_attempts, backoff_seconds = excluded.backoff_seconds, singleton_key = excluded.singleton_key,
    metadata = excluded.metadata, missed = excluded.missed, missed_limit = excluded.missed_limit,
    late_seconds = excluded.late_seconds, updated_at = now(),
    slots_after = CASE
      WHEN (schedule.cron, schedule.time_zone, schedule.every_seconds)
        IS DISTINCT FROM (excluded.cron, excluded.time_zone, excluded.every_seconds)
      THEN greatest(schedule.slots_after, excluded.slots_after)
      ELSE schedule.slots_after
    END,
    next_at = CASE
      WHEN (schedule.cron, schedule.time_zone, schedule.every_seconds)
        IS NOT DISTINCT FROM (excluded.cron, excluded.time_zone, excluded.every_seconds)
      THEN schedule.next_at
    END
  RETURNING schedule.xmax = 0 INTO is_new;
  RETURN is_new;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/queue_stats.sql
-- How each queue is doing now, and what it did in the last `period`. ready may run at once, scheduled have a run_at in
-- the future (retries among them); completed, failed and cancelled are those that ended within the period, and
-- per_second is their number by its length. oldest_ready_seconds is how long the first in line has been waiting.
--
--   SELECT * FROM queue_stats(period => interval '15 minutes');
--
-- Only the partial indexes are read, so an archive of millions of finished jobs costs nothing.
CREATE OR REPLACE FUNCTION queue_stats(queue text DEFAULT NULL, period interval DEFAULT interval '1 hour')
RETURNS TABLE (
  queue_name text,
  pending bigint,
  ready bigint,
  scheduled bigint,
  running bigint,
  waiting bigint,
  completed bigint,
  failed bigint,
  cancelled bigint,
  per_second double precision,
  oldest_pending_at timestamptz,
  oldest_ready_seconds double precision
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
BEGIN
  PERFORM check_period('queue_stats', queue_stats.period);
  RETURN QUERY
    WITH counted AS (
      SELECT job.queue, 'pending' AS status, count(*) AS jobs, count(*) FILTER (WHERE job.run_at <= current_moment) AS ready,
        min(job.created_at) AS oldest, min(job.run_at) AS first_run_at
      FROM (
        SELECT plain.queue, plain.run_at, plain.created_at FROM jobs AS plain
        WHERE plain.status = 'pending' AND plain.limit_key IS NULL
        UNION ALL
        SELECT keyed.queue, keyed.run_at, keyed.created_at FROM jobs AS keyed
        WHERE keyed.status = 'pending' AND keyed.limit_key IS NOT NULL
      ) AS job GROUP BY job.queue
      UNION ALL
      SELECT job.queue, 'running', count(*), NULL, NULL, NULL
      FROM jobs AS job WHERE job.status = 'running' GROUP BY job.queue
      UNION ALL
      SELECT job.queue, 'waiting', count(*), NULL, NULL, NULL
      FROM jobs AS job WHERE job.status = 'waiting' GROUP BY job.queue
      UNION ALL
      SELECT job.queue, job.status::text, count(*), NULL, NULL, NULL
      FROM jobs AS job
      WHERE job.completed_at IS NOT NULL AND job.completed_at > current_moment - queue_stats.period
      GROUP BY job.queue, job.status
    ), summed AS (
      SELECT counted.queue,
        coalesce(sum(counted.jobs) FILTER (WHERE counted.status = 'pending'), 0)::bigint AS pending,
        coalesce(sum(counted.ready), 0)::bigint AS ready,
        coalesce(sum(counted.jobs) FILTER (WHERE counted.status = 'running'), 0)::bigint AS running,
        coalesce(sum(counted.jobs) FILTER (WHERE counted.status = 'waiting'), 0)::bigint AS waiting,
        coalesce(sum(counted.jobs) FILTER (WHERE counted.status = 'completed'), 0)::bigint AS completed,
        coalesce(sum(counted.jobs) FILTER (WHERE counted.status = 'failed'), 0)::bigint AS failed,
        coalesce(sum(counted.jobs) FILTER (WHERE counted.status = 'cancelled'), 0)::bigint AS cancelled,
        min(counted.oldest) AS oldest, min(counted.first_run_at) AS first_run_at
      FROM counted
      WHERE queue_stats.queue IS NULL OR counted.queue = queue_stats.queue
      GROUP BY counted.queue
    )
    SELECT summed.queue, summed.pending, summed.ready, summed.pending - summed.ready, summed.running, summed.waiting,
      summed.completed, summed.failed, summed.cancelled,
      (summed.completed + summed.failed + summed.cancelled) / extract(epoch FROM queue_stats.period)::double precision,
      summed.oldest,
      CASE WHEN summed.ready > 0 THEN extract(epoch FROM current_moment - summed.first_run_at)::double precision END
    FROM summed
    ORDER BY summed.queue;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/reject.sql
-- Rejects a job that waits for approval: it has failed, with the code "rejected" and the comment as its message. Answers as
-- approve() does.
--
--   SELECT reject('job-1', wait_id => '0197…', rejected_by => 'ada', comment => 'too expensive');
CREATE OR REPLACE FUNCTION reject(job_id text, wait_id text, rejected_by text DEFAULT NULL, comment text DEFAULT NULL)
RETURNS text
LANGUAGE sql SECURITY DEFINER
AS $$
  SELECT answer_wait('reject', job_id, wait_id, 'rejected',
    jsonb_build_object('approved', false, 'by', rejected_by, 'comment', comment), comment)
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/release.sql
-- Gives a job back undone, for anybody to claim at once: a worker that shuts down, or is not the right one. The attempt
-- does not count. Answers as complete() does; cancelled when somebody had asked for that, and then the job is cancelled
-- now: release() is how a worker obeys.
--
--   SELECT release('job-1', lease_token => 4);
CREATE OR REPLACE FUNCTION release(job_id text, lease_token bigint)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
AS $$
BEGIN
  RETURN end_lease(release.job_id, release.lease_token, 'pending', 'released');
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/remove_schedule.sql
-- Removes a schedule; jobs that it has enqueued stay. False if there is no such schedule.
--
--   SELECT remove_schedule('digest');
CREATE OR REPLACE FUNCTION remove_schedule(key text)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
AS $$
#variable_conflict use_column
BEGIN
  DELETE FROM schedules WHERE key = remove_schedule.key;
  RETURN FOUND;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/report_progress.sql
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
-- source: src/sql/jobs/api/resume.sql
-- Ends the waiting of a job for input or for something external: it is pending, with response in required_action.response
-- for the worker that claims it next. Answers as approve() does; a repetition is one with the same response.
--
--   SELECT resume('job-1', wait_id => '0197…', response => '{"colour": "blue"}');
CREATE OR REPLACE FUNCTION resume(job_id text, wait_id text, response jsonb DEFAULT NULL)
RETURNS text
LANGUAGE sql SECURITY DEFINER
AS $$
  SELECT answer_wait('resume', job_id, wait_id, 'resumed', response)
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/resume_queue.sql
-- Ends the pause of a queue; answers whether it was paused.
--
--   SELECT resume_queue('documents');
CREATE OR REPLACE FUNCTION resume_queue(queue text)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
AS $$
#variable_conflict use_column
BEGIN
  DELETE FROM job_queues AS paused WHERE paused.queue = resume_queue.queue;
  RETURN FOUND;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/resume_schedule.sql
-- Goes on with a paused schedule. Its slots are counted from now on: those of the pause are not made up for. False if there
-- is no such schedule; one that is not paused stays as it is.
--
--   SELECT resume_schedule('digest');
CREATE OR REPLACE FUNCTION resume_schedule(key text)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
AS $$
#variable_conflict use_column
BEGIN
  UPDATE schedules
  SET paused_at = NULL, error = NULL, next_at = NULL, slots_after = greatest(slots_after, jobs_now()), updated_at = now()
  WHERE key = resume_schedule.key AND paused_at IS NOT NULL;
  RETURN FOUND OR EXISTS (SELECT FROM schedules WHERE key = resume_schedule.key);
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/retry.sql
-- Runs a failed or cancelled job again, from its first attempt; what happened before stays in job_attempts. Answers ok;
-- wrong_status when it is neither; conflict when another unfinished job has the singleton_key of it or of a descendant;
-- not_found.
--
--   SELECT retry('job-1');
--
-- What failed below it runs again as well (cascade), and what was completed there is kept: a job that failed because a child
-- did (child_failed) waits for its children again, all others are pending. A deadline that is past is taken away, or the job
-- would fail at once.
CREATE OR REPLACE FUNCTION retry(job_id text, run_at timestamptz DEFAULT NULL, cascade boolean DEFAULT true)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz;
  targets text[] := CASE WHEN retry.cascade THEN descendants(retry.job_id) ELSE ARRAY[retry.job_id] END;
  waiting text[];
  status job_status;
BEGIN
  PERFORM FROM unnest(targets) WITH ORDINALITY AS target (id, place)
  JOIN jobs AS job ON job.id = target.id
  ORDER BY target.place
  FOR NO KEY UPDATE OF job;
  SELECT job.status INTO status FROM jobs AS job WHERE job.id = retry.job_id;
  IF NOT FOUND THEN
    RETURN 'not_found';
  END IF;
  IF status NOT IN ('failed', 'cancelled') THEN
    RETURN 'wrong_status';
  END IF;
  current_moment := jobs_now();
  BEGIN
    WITH again AS (
      UPDATE jobs AS job
      SET status = CASE WHEN waits.for_children THEN 'waiting'::job_status ELSE 'pending' END,
        wait_reason = CASE WHEN waits.for_children THEN 'children' END,
        attempt = 0, losses = 0, run_at = coalesce(retry.run_at, current_moment), error = NULL, result = NULL,
        progress = 0, progress_message = NULL, completed_at = NULL, cancel_requested_at = NULL,
        deadline_at = CASE WHEN job.deadline_at <= current_moment THEN NULL ELSE job.deadline_at END
      FROM unnest(targets) AS target (id)
      CROSS JOIN LATERAL (
        SELECT retry.cascade AND before.status = 'failed' AND before.error ->> 'code' = 'child_failed' FROM jobs AS before
        WHERE before.id = target.id
      ) AS waits (for_children)
      WHERE job.id = target.id AND job.status IN ('failed', 'cancelled')
      RETURNING job.id, job.status
    )
    SELECT array_agg(again.id) FILTER (WHERE again.status = 'waiting') INTO waiting FROM again;
  EXCEPTION WHEN unique_violation THEN
    RETURN 'conflict';
  END;
  -- Should all that failed have been retried one by one before.
  IF waiting IS NOT NULL THEN
    PERFORM continue_parents(waiting);
  END IF;
  RETURN 'ok';
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/retry_jobs.sql
-- retry() for the failed and cancelled jobs that a filter means (see count_jobs), at most max_jobs in a call, without their
-- descendants; gives how many run again. Call it again until it gives 0. Jobs beside an unfinished one of their
-- singleton_key are left as they are, and so are rows that others hold locked.
--
--   SELECT retry_jobs('{"queue": "documents", "error_code": "timeout"}', max_jobs => 1000);
CREATE OR REPLACE FUNCTION retry_jobs(filter jsonb, max_jobs integer DEFAULT 1000, run_at timestamptz DEFAULT NULL)
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
  target text;
  changed integer := 0;
BEGIN
  PERFORM check_job_filter('retry_jobs', filter);
  PERFORM check_batch('retry_jobs', max_jobs);
  -- A job in the way of another's singleton_key is passed over, or it would be found in every call.
  FOR target IN
    SELECT job.id FROM jobs AS job
    WHERE job.completed_at IS NOT NULL AND job.status IN ('failed', 'cancelled') AND job_matches(job, filter)
      AND (job.singleton_key IS NULL OR NOT EXISTS (
        SELECT FROM jobs AS other
        WHERE other.queue = job.queue AND other.singleton_key = job.singleton_key AND other.status IN ('pending', 'running', 'waiting')
      ))
    LIMIT max_jobs
    FOR NO KEY UPDATE OF job SKIP LOCKED
  LOOP
    IF retry(target, retry_jobs.run_at, false) = 'ok' THEN
      changed := changed + 1;
    END IF;
  END LOOP;
  RETURN changed;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/save_checkpoint.sql
-- Keeps the state of a job for its next attempt, or for when it goes on after a wait, in place of what was kept before: any
-- JSON of at most 1 MiB. Only the holder of the lease can. ok, or stale_lease, cancelled or not_found as of complete().
--
--   SELECT save_checkpoint('job-1', lease_token => 4, state => '{"page": 12}');
CREATE OR REPLACE FUNCTION save_checkpoint(job_id text, lease_token bigint, state jsonb)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
  IF save_checkpoint.state IS NULL OR octet_length(save_checkpoint.state::text) > 1048576 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('save_checkpoint: state must be JSON of at most 1048576 bytes (1 MiB), got %s',
        coalesce(octet_length(save_checkpoint.state::text)::text, 'null'));
  END IF;
  PERFORM FROM jobs
  WHERE id = save_checkpoint.job_id AND lease_token = save_checkpoint.lease_token AND lease_expires_at IS NOT NULL
  FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN lease_refusal(save_checkpoint.job_id, save_checkpoint.lease_token);
  END IF;
  INSERT INTO job_checkpoints (job_id, lease_token, saved_at, state)
  VALUES (save_checkpoint.job_id, save_checkpoint.lease_token, jobs_now(), save_checkpoint.state)
  ON CONFLICT (job_id) DO UPDATE
    SET lease_token = excluded.lease_token, saved_at = excluded.saved_at, state = excluded.state;
  RETURN 'ok';
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/seconds_to_next_slot.sql
-- How long until the next slot of any schedule, in seconds, 0 if one is due; null if there is none.
--
--   SELECT seconds_to_next_slot();
CREATE OR REPLACE FUNCTION seconds_to_next_slot()
RETURNS double precision
LANGUAGE plpgsql SECURITY DEFINER
AS $$
BEGIN
  RETURN (
    SELECT CASE
      WHEN schedule.next_at IS NULL THEN 0
      WHEN isfinite(schedule.next_at) THEN greatest(extract(epoch FROM schedule.next_at - jobs_now()), 0)
    END
    FROM schedules AS schedule
    WHERE schedule.paused_at IS NULL
    ORDER BY schedule.next_at NULLS FIRST
    LIMIT 1
  );
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
ALTER FUNCTION prune(older_than interval, batch integer, queue text, statuses job_status[], filter jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION put_schedule(key text, intent text, cron text, time_zone text, every_seconds double precision, inputs jsonb, queue text, mode execution_mode, priority integer, max_attempts integer, backoff_seconds double precision, singleton_key text, metadata jsonb, missed text, missed_limit integer, late_seconds double precision) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION queue_stats(queue text, period interval) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION reject(job_id text, wait_id text, rejected_by text, comment text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION release(job_id text, lease_token bigint) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION remove_schedule(key text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION report_progress(job_id text, lease_token bigint, progress double precision, message text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION resume(job_id text, wait_id text, response jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION resume_queue(queue text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION resume_schedule(key text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION retry(job_id text, run_at timestamptz, cascade boolean) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION retry_jobs(filter jsonb, max_jobs integer, run_at timestamptz) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION save_checkpoint(job_id text, lease_token bigint, state jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION seconds_to_next_slot() SET search_path FROM CURRENT;

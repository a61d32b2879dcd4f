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
-- source: src/sql/jobs/api/list_jobs.sql
-- A page of jobs, the newest first. Every filter that is given must hold. For the next page call it again with after_id,
-- the id of the last row of this one; an empty page is the end.
--
--   SELECT id, status, intent FROM list_jobs(queue => 'documents', statuses => '{failed}', page_size => 20);
--
-- The plan is made anew for each call: then a filter that is not given costs nothing, and one that is can use its index.
--
-- The index of created_at is a BRIN, which has no order but says which pages have rows of a period. So a long table is
-- asked for the last second, minute, hour, two days and quarter until a page is full, and only then for all of time; of
-- all time at once where another index finds few rows.
CREATE OR REPLACE FUNCTION list_jobs(
  queue text DEFAULT NULL,
  statuses job_status[] DEFAULT NULL,
  intent text DEFAULT NULL,
  modes execution_mode[] DEFAULT NULL,
  worker_id text DEFAULT NULL,
  parent_id text DEFAULT NULL,
  root_id text DEFAULT NULL,
  trace_id text DEFAULT NULL,
  since timestamptz DEFAULT NULL,
  until timestamptz DEFAULT NULL,
  after_id text DEFAULT NULL,
  page_size integer DEFAULT 50
)
RETURNS SETOF jobs
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
  periods CONSTANT interval[] := '{1 second, 1 minute, 1 hour, 2 days, 90 days}';
  are_few CONSTANT boolean := list_jobs.statuses <@ '{running,waiting}' OR num_nonnulls(list_jobs.parent_id, list_jobs.root_id) > 0
    OR (SELECT reltuples < 10000 FROM pg_catalog.pg_class WHERE oid = 'jobs'::regclass);
  after_created_at timestamptz;
  newest timestamptz;
  earliest timestamptz;
  places tid[];
BEGIN
  IF list_jobs.page_size IS NULL OR list_jobs.page_size NOT BETWEEN 1 AND 10000 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('list_jobs: page_size must be from 1 to 10000, got %s', coalesce(list_jobs.page_size::text, 'null'));
  END IF;
  IF list_jobs.after_id IS NOT NULL THEN
    SELECT created_at INTO after_created_at FROM jobs WHERE id = list_jobs.after_id;
    IF NOT FOUND THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('list_jobs: after_id must be the id of a job (was it pruned meanwhile?), got %s', list_jobs.after_id);
    END IF;
  END IF;
  newest := least(jobs_now(), list_jobs.until, after_created_at);
  FOR part IN CASE WHEN are_few THEN 6 ELSE 1 END .. 6 LOOP
    -- None after the last period.
    earliest := greatest(coalesce(newest - periods[part], '-infinity'), list_jobs.since);
    places := ARRAY(
      SELECT job.ctid FROM jobs AS job
      WHERE (list_jobs.queue IS NULL OR job.queue = list_jobs.queue)
        AND (list_jobs.statuses IS NULL OR job.status = ANY (list_jobs.statuses))
        AND (list_jobs.intent IS NULL OR job.intent = list_jobs.intent)
        AND (list_jobs.modes IS NULL OR job.mode = ANY (list_jobs.modes))
        AND (list_jobs.worker_id IS NULL OR job.worker_id = list_jobs.worker_id)
        AND (list_jobs.parent_id IS NULL OR job.parent_id = list_jobs.parent_id)
        AND (list_jobs.root_id IS NULL OR job.root_id = list_jobs.root_id)
        AND (list_jobs.trace_id IS NULL OR job.trace_id = list_jobs.trace_id)
        AND (list_jobs.until IS NULL OR job.created_at < list_jobs.until)
        AND (list_jobs.after_id IS NULL OR job.created_at <= after_created_at
          AND (job.created_at, job.id) < (after_created_at, list_jobs.after_id))
        AND job.created_at >= earliest
      ORDER BY job.created_at DESC, job.id DESC
      LIMIT list_jobs.page_size
    );
    EXIT WHEN cardinality(places) = list_jobs.page_size OR earliest = list_jobs.since;
  END LOOP;
  RETURN QUERY
    SELECT job.* FROM unnest(places) WITH ORDINALITY AS listed (place, number)
    JOIN jobs AS job ON job.ctid = listed.place
    ORDER BY listed.number;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/list_schedules.sql
-- The schedules, of one queue or of all, by key.
--
--   SELECT key, cron, next_at, paused_at, error FROM list_schedules();
CREATE OR REPLACE FUNCTION list_schedules(queue text DEFAULT NULL)
RETURNS SETOF schedules
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    SELECT schedule.* FROM schedules AS schedule
    WHERE list_schedules.queue IS NULL OR schedule.queue = list_schedules.queue
    ORDER BY schedule.key;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/pause_schedule.sql
-- Pauses a schedule: no slot is enqueued until resume_schedule(). False if there is no such schedule.
--
--   SELECT pause_schedule('digest');
CREATE OR REPLACE FUNCTION pause_schedule(key text)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
AS $$
#variable_conflict use_column
BEGIN
  UPDATE schedules SET paused_at = coalesce(paused_at, jobs_now()), updated_at = now() WHERE key = pause_schedule.key;
  RETURN FOUND;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/prune.sql
-- Deletes jobs that ended more than older_than ago, with their attempts, the oldest first, at most batch of them; gives
-- how many. Call it again until it gives 0: small batches keep locks short and leave vacuum time to follow.
--
--   SELECT prune(older_than => interval '30 days', batch => 1000);
--
-- A job that still has children stays until they are pruned: an unfinished child never loses its parent.
CREATE OR REPLACE FUNCTION prune(
  older_than interval,
  batch integer DEFAULT 1000,
  queue text DEFAULT NULL,
  statuses job_status[] DEFAULT NULL
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
  WITH old AS MATERIALIZED (
    SELECT job.id FROM jobs AS job
    WHERE job.completed_at IS NOT NULL AND job.completed_at <= ended_before
      AND (prune.queue IS NULL OR job.queue = prune.queue)
      AND (prune.statuses IS NULL OR job.status = ANY (prune.statuses))
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
      FROM jobs AS job WHERE job.status = 'pending' GROUP BY job.queue
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
-- Says no to a job that waits for approval: it has failed, with the code "rejected" and the comment as its message.
-- Answers ok; wrong_status when it does not wait for approval; not_found.
--
--   SELECT reject('job-1', rejected_by => 'ada', comment => 'too expensive');
CREATE OR REPLACE FUNCTION reject(job_id text, rejected_by text DEFAULT NULL, comment text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
  UPDATE jobs
  SET status = 'failed', wait_reason = NULL, completed_at = jobs_now(),
    required_action = coalesce(required_action, '{}') || jsonb_build_object('response',
      jsonb_build_object('approved', false, 'by', reject.rejected_by, 'comment', reject.comment)),
    error = jsonb_build_object('code', 'rejected', 'message', coalesce(reject.comment, 'the approval was refused'),
      'detail', jsonb_build_object('by', reject.rejected_by))
  WHERE id = reject.job_id AND status = 'waiting' AND wait_reason = 'approval';
  IF FOUND THEN
    RETURN 'ok';
  END IF;
  RETURN CASE WHEN EXISTS (SELECT FROM jobs WHERE id = reject.job_id) THEN 'wrong_status' ELSE 'not_found' END;
END
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
-- Ends the waiting of a job: it is pending, with response in required_action.response for the worker that claims it
-- next. Answers ok; wrong_status when it is not waiting; not_found.
--
--   SELECT resume('job-1', '{"colour": "blue"}');
CREATE OR REPLACE FUNCTION resume(job_id text, response jsonb DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
  UPDATE jobs
  SET status = 'pending', wait_reason = NULL, run_at = jobs_now(),
    required_action = coalesce(required_action, '{}') || jsonb_build_object('response', resume.response)
  WHERE id = resume.job_id AND status = 'waiting';
  IF FOUND THEN
    RETURN 'ok';
  END IF;
  RETURN CASE WHEN EXISTS (SELECT FROM jobs WHERE id = resume.job_id) THEN 'wrong_status' ELSE 'not_found' END;
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
-- wrong_status when it is neither; conflict when another unfinished job has its singleton_key; not_found.
--
--   SELECT retry('job-1');
--
-- A deadline that is past is taken away, or the job would fail at once.
CREATE OR REPLACE FUNCTION retry(job_id text, run_at timestamptz DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
BEGIN
  BEGIN
    UPDATE jobs AS job
    SET status = 'pending', attempt = 0, run_at = coalesce(retry.run_at, current_moment), error = NULL, result = NULL,
      progress = 0, progress_message = NULL, completed_at = NULL, cancel_requested_at = NULL,
      deadline_at = CASE WHEN job.deadline_at <= current_moment THEN NULL ELSE job.deadline_at END
    WHERE job.id = retry.job_id AND job.status IN ('failed', 'cancelled');
  EXCEPTION WHEN unique_violation THEN
    RETURN 'conflict';
  END;
  IF FOUND THEN
    RETURN 'ok';
  END IF;
  RETURN CASE WHEN EXISTS (SELECT FROM jobs WHERE id = retry.job_id) THEN 'wrong_status' ELSE 'not_found' END;
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
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- path: of the functions above
ALTER FUNCTION list_jobs(queue text, statuses job_status[], intent text, modes execution_mode[], worker_id text, parent_id text, root_id text, trace_id text, since timestamptz, until timestamptz, after_id text, page_size integer) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION list_schedules(queue text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION pause_schedule(key text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION prune(older_than interval, batch integer, queue text, statuses job_status[]) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION put_schedule(key text, intent text, cron text, time_zone text, every_seconds double precision, inputs jsonb, queue text, mode execution_mode, priority integer, max_attempts integer, backoff_seconds double precision, singleton_key text, metadata jsonb, missed text, missed_limit integer, late_seconds double precision) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION queue_stats(queue text, period interval) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION reject(job_id text, rejected_by text, comment text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION release(job_id text, lease_token bigint) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION remove_schedule(key text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION report_progress(job_id text, lease_token bigint, progress double precision, message text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION resume(job_id text, response jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION resume_schedule(key text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION retry(job_id text, run_at timestamptz) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION save_checkpoint(job_id text, lease_token bigint, state jsonb) SET search_path FROM CURRENT;

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
-- source: src/sql/jobs/api/fail.sql
-- Ends an attempt badly. If retryable and attempts are left, the job is pending again after a pause: retry_in_seconds,
-- or backoff_seconds doubled for each attempt made, a random half of it taken off so that jobs which failed together do
-- not come back together, a day at most. Else it has failed. Answers as complete() does; cancelled also when somebody
-- had asked for that, and then the job is cancelled now.
--
--   SELECT fail('job-1', lease_token => 4, error => '{"code": "timeout", "message": "no answer in 30 s"}');
--
-- error is an object with a message and, if possible, a stable code (default "error") and any detail.
CREATE OR REPLACE FUNCTION fail(
  job_id text,
  lease_token bigint,
  error jsonb,
  retryable boolean DEFAULT true,
  retry_in_seconds double precision DEFAULT NULL
)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
  job jobs;
  next_status job_status;
  reason jsonb;
  pause double precision;
BEGIN
  IF fail.error IS NULL OR jsonb_typeof(fail.error) <> 'object' OR jsonb_typeof(fail.error -> 'message') IS DISTINCT FROM 'string'
    OR jsonb_typeof(coalesce(fail.error -> 'code', '""')) <> 'string' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('fail: error must be a JSON object with a message and a code that are strings, got %s', coalesce(left(fail.error::text, 200), 'null'));
  END IF;
  IF NOT (fail.retry_in_seconds >= 0 AND fail.retry_in_seconds <= 31536000) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('fail: retry_in_seconds must be from 0 to 31536000 (a year), got %s', fail.retry_in_seconds);
  END IF;
  reason := '{"code": "error"}'::jsonb || fail.error;

  SELECT * INTO job FROM jobs
  WHERE id = fail.job_id AND lease_token = fail.lease_token AND lease_expires_at IS NOT NULL
  FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN lease_refusal(fail.job_id, fail.lease_token);
  END IF;

  next_status := CASE
    WHEN job.cancel_requested_at IS NOT NULL THEN 'cancelled'
    WHEN fail.retryable AND job.attempt < job.max_attempts AND coalesce(job.deadline_at > current_moment, true) THEN 'pending'
    ELSE 'failed'
  END;
  IF next_status = 'pending' THEN
    pause := coalesce(
      fail.retry_in_seconds,
      least(job.backoff_seconds * 2 ^ least(job.attempt - 1, 30), 86400) * (0.5 + random() / 2)
    );
    UPDATE jobs
    SET status = 'pending', run_at = current_moment + make_interval(secs => pause), lease_expires_at = NULL, progress = 0,
      progress_message = NULL, error = reason
    WHERE id = job.id;
  ELSE
    UPDATE jobs
    SET status = next_status, completed_at = current_moment, lease_expires_at = NULL, error = reason
    WHERE id = job.id;
  END IF;
  INSERT INTO job_attempts (job_id, lease_token, started_at, finished_at, attempt, outcome, worker_id, error)
  VALUES (
    job.id, job.lease_token, job.started_at, current_moment, job.attempt,
    (CASE next_status WHEN 'pending' THEN 'retried' ELSE next_status::text END)::attempt_outcome, job.worker_id, reason
  );
  RETURN CASE next_status WHEN 'cancelled' THEN 'cancelled' ELSE 'ok' END;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/get_job.sql
-- The row of a job, or no row.
--
--   SELECT status, progress FROM get_job('job-1');
CREATE OR REPLACE FUNCTION get_job(job_id text)
RETURNS SETOF jobs
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
  SELECT * FROM jobs WHERE id = get_job.job_id
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/heartbeat.sql
-- Extends leases, all those of a worker in one call, and says of each what became of it, in the order of the arguments:
--   held              the lease now ends lease_seconds from now (never earlier than before)
--   cancel_requested  the same, and somebody asked for the job to be cancelled: stop, and release() or fail() it
--   lost              the lease was taken back or settled: stop, nothing that you do counts any more
--
--   SELECT * FROM heartbeat(ARRAY['job-1', 'job-2'], ARRAY[4, 1], lease_seconds => 60);
CREATE OR REPLACE FUNCTION heartbeat(job_ids text[], lease_tokens bigint[], lease_seconds double precision DEFAULT 60)
RETURNS TABLE (id text, lease_token bigint, state text, lease_expires_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
BEGIN
  PERFORM check_leases('heartbeat', heartbeat.job_ids, heartbeat.lease_tokens);
  IF (heartbeat.lease_seconds >= 0.01 AND heartbeat.lease_seconds <= 604800) IS NOT TRUE THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('heartbeat: lease_seconds must be from 0.01 to 604800 (a week), got %s', coalesce(heartbeat.lease_seconds::text, 'null'));
  END IF;

  -- In the order of their ids, so that two calls that share jobs never wait for each other in a ring.
  UPDATE jobs AS job
  SET heartbeat_at = current_moment,
    lease_expires_at = greatest(job.lease_expires_at, current_moment + make_interval(secs => heartbeat.lease_seconds))
  FROM (
    SELECT * FROM unnest(heartbeat.job_ids, heartbeat.lease_tokens) AS one (id, token) ORDER BY one.id COLLATE "C"
  ) AS lease
  WHERE job.id = lease.id AND job.lease_token = lease.token AND job.lease_expires_at IS NOT NULL;

  RETURN QUERY
    SELECT lease.id, lease.token,
      CASE WHEN job.id IS NULL THEN 'lost' WHEN job.cancel_requested_at IS NULL THEN 'held' ELSE 'cancel_requested' END,
      job.lease_expires_at
    FROM unnest(heartbeat.job_ids, heartbeat.lease_tokens) WITH ORDINALITY AS lease (id, token, place)
    LEFT JOIN jobs AS job
      ON job.id = lease.id AND job.lease_token = lease.token AND job.lease_expires_at IS NOT NULL
    ORDER BY lease.place;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/job_attempts_of.sql
-- The leases of a job that have ended, in the order in which they were taken.
--
--   SELECT attempt, worker_id, outcome, error ->> 'message' FROM job_attempts_of('job-1');
CREATE OR REPLACE FUNCTION job_attempts_of(job_id text)
RETURNS SETOF job_attempts
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
  SELECT * FROM job_attempts WHERE job_id = job_attempts_of.job_id ORDER BY lease_token
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/job_tree.sql
-- A job with all its descendants: each parent before its children, brothers and sisters in the order of their creation.
-- depth is 0 for the job itself.
--
--   SELECT repeat('  ', depth) || intent, status, progress FROM job_tree('job-1');
CREATE OR REPLACE FUNCTION job_tree(job_id text)
RETURNS TABLE (
  depth integer,
  id text,
  parent_id text,
  queue text,
  intent text,
  mode execution_mode,
  status job_status,
  progress real,
  progress_message text,
  attempt integer,
  wait_reason text,
  error jsonb,
  usage jsonb,
  created_at timestamptz,
  started_at timestamptz,
  completed_at timestamptz
)
LANGUAGE plpgsql STABLE
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    WITH RECURSIVE tree (depth, id, created_at) AS (
      SELECT 0, job.id, job.created_at FROM jobs AS job WHERE job.id = job_tree.job_id
      UNION ALL
      SELECT tree.depth + 1, child.id, child.created_at
      FROM tree JOIN jobs AS child ON child.parent_id = tree.id
    ) SEARCH DEPTH FIRST BY created_at, id SET place
    SELECT tree.depth, job.id, job.parent_id, job.queue, job.intent, job.mode, job.status, job.progress,
      job.progress_message, job.attempt, job.wait_reason, job.error, job.usage, job.created_at, job.started_at,
      job.completed_at
    FROM tree JOIN jobs AS job USING (id)
    ORDER BY tree.place;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/latency_stats.sql
-- Throughput and latency of the jobs that ended within the last `period`, by queue, intent and mode. Seconds: queued is
-- from when a job might start (run_at) to its last start, running from there to its end, total from its acceptance to
-- its end; each as the median, the 95th and the 99th percentile.
--
--   SELECT intent, jobs, running_p95 FROM latency_stats(period => interval '1 day') ORDER BY running_p95 DESC;
CREATE OR REPLACE FUNCTION latency_stats(queue text DEFAULT NULL, period interval DEFAULT interval '1 hour')
RETURNS TABLE (
  queue_name text,
  intent text,
  mode execution_mode,
  jobs bigint,
  failed bigint,
  per_second double precision,
  queued_p50 double precision,
  queued_p95 double precision,
  queued_p99 double precision,
  running_p50 double precision,
  running_p95 double precision,
  running_p99 double precision,
  total_p50 double precision,
  total_p95 double precision,
  total_p99 double precision
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  ended_after timestamptz := jobs_now() - latency_stats.period;
BEGIN
  PERFORM check_period('latency_stats', latency_stats.period);
  RETURN QUERY
    SELECT summed.queue, summed.intent, summed.mode, summed.jobs, summed.failed,
      summed.jobs / extract(epoch FROM latency_stats.period)::double precision,
      summed.queued[1], summed.queued[2], summed.queued[3],
      summed.running[1], summed.running[2], summed.running[3],
      summed.total[1], summed.total[2], summed.total[3]
    FROM (
      SELECT ended.queue, ended.intent, ended.mode, count(*) AS jobs, count(*) FILTER (WHERE ended.status = 'failed') AS failed,
        percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY ended.queued) AS queued,
        percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY ended.running) AS running,
        percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY ended.total) AS total
      FROM (
        SELECT job.queue, job.intent, job.mode, job.status,
          extract(epoch FROM greatest(job.started_at - job.run_at, interval '0'))::double precision AS queued,
          extract(epoch FROM job.completed_at - job.started_at)::double precision AS running,
          extract(epoch FROM job.completed_at - job.created_at)::double precision AS total
        FROM jobs AS job
        WHERE job.completed_at IS NOT NULL AND job.completed_at > ended_after
          AND (latency_stats.queue IS NULL OR job.queue = latency_stats.queue)
      ) AS ended
      GROUP BY ended.queue, ended.intent, ended.mode
    ) AS summed
    ORDER BY summed.queue, summed.intent, summed.mode;
END
$$;
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
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- path: of the functions above
ALTER FUNCTION fail(job_id text, lease_token bigint, error jsonb, retryable boolean, retry_in_seconds double precision) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION get_job(job_id text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION heartbeat(job_ids text[], lease_tokens bigint[], lease_seconds double precision) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION job_attempts_of(job_id text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION job_tree(job_id text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION latency_stats(queue text, period interval) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION list_jobs(queue text, statuses job_status[], intent text, modes execution_mode[], worker_id text, parent_id text, root_id text, trace_id text, since timestamptz, until timestamptz, after_id text, page_size integer) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION prune(older_than interval, batch integer, queue text, statuses job_status[]) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION queue_stats(queue text, period interval) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION reject(job_id text, rejected_by text, comment text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION release(job_id text, lease_token bigint) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION report_progress(job_id text, lease_token bigint, progress double precision, message text) SET search_path FROM CURRENT;

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
-- source: src/sql/jobs/reading/api/list_jobs.sql
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
-- source: src/sql/jobs/reading/api/queue_stats.sql
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
-- source: src/sql/jobs/reading/api/stuck_jobs.sql
-- Jobs that do not go on, with the reason, the longest first, one row for each reason:
--   lease_expired      its worker is gone, and nobody claims from the queue to take it back
--   ignores_cancel     runs on although somebody asked for its cancellation longer ago than `longer_than`
--   past_deadline      unfinished after its deadline
--   runs_long          runs for longer than `longer_than`
--   waits_long         waits (for approval, input, …) for longer than `longer_than`
--   not_picked_up      ready for longer than `longer_than`: no worker for its queue and mode, or too few
--
--   SELECT reason, id, queue, intent, since FROM stuck_jobs(longer_than => interval '15 minutes');
CREATE OR REPLACE FUNCTION stuck_jobs(
  queue text DEFAULT NULL,
  longer_than interval DEFAULT interval '15 minutes',
  max_jobs integer DEFAULT 100
)
RETURNS TABLE (
  reason text,
  id text,
  queue_name text,
  intent text,
  mode execution_mode,
  status job_status,
  worker_id text,
  since timestamptz
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := jobs_now();
BEGIN
  IF stuck_jobs.longer_than IS NULL OR stuck_jobs.longer_than < interval '0' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('stuck_jobs: longer_than must be an interval of 0 or more, got %s', coalesce(stuck_jobs.longer_than::text, 'null'));
  END IF;
  RETURN QUERY
    SELECT found.reason, found.id, found.queue, found.intent, found.mode, found.status, found.worker_id, found.since
    FROM (
      -- One part for each status, as literals, so that each reads only its own partial index.
      SELECT job.id, job.queue, job.intent, job.mode, job.status, job.worker_id, stuck.reason, stuck.since
      FROM jobs AS job
      CROSS JOIN LATERAL (
        VALUES
          ('lease_expired', job.lease_expires_at, interval '0'),
          ('ignores_cancel', job.cancel_requested_at, stuck_jobs.longer_than),
          ('past_deadline', job.deadline_at, interval '0'),
          ('runs_long', job.started_at, stuck_jobs.longer_than)
      ) AS stuck (reason, since, patience)
      WHERE job.status = 'running' AND stuck.since <= current_moment - stuck.patience
      UNION ALL
      SELECT job.id, job.queue, job.intent, job.mode, job.status, job.worker_id, stuck.reason, stuck.since
      FROM jobs AS job
      CROSS JOIN LATERAL (
        VALUES
          ('past_deadline', job.deadline_at, interval '0'),
          ('waits_long', job.updated_at, stuck_jobs.longer_than)
      ) AS stuck (reason, since, patience)
      WHERE job.status = 'waiting' AND stuck.since <= current_moment - stuck.patience
      UNION ALL
      SELECT job.id, job.queue, job.intent, job.mode, job.status, job.worker_id, stuck.reason, stuck.since
      FROM (
        SELECT plain.* FROM jobs AS plain WHERE plain.status = 'pending' AND plain.limit_key IS NULL
        UNION ALL
        SELECT keyed.* FROM jobs AS keyed WHERE keyed.status = 'pending' AND keyed.limit_key IS NOT NULL
      ) AS job
      CROSS JOIN LATERAL (
        VALUES
          ('past_deadline', job.deadline_at, interval '0'),
          ('not_picked_up', job.run_at, stuck_jobs.longer_than)
      ) AS stuck (reason, since, patience)
      WHERE stuck.since <= current_moment - stuck.patience
    ) AS found
    WHERE stuck_jobs.queue IS NULL OR found.queue = stuck_jobs.queue
    ORDER BY found.since, found.id, found.reason
    LIMIT stuck_jobs.max_jobs;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/reading/api/usage_stats.sql
-- What the models cost: the usage of the jobs that ended within the last `period` and of those that have not ended,
-- summed by model, the dearest first.
--
--   SELECT model, jobs, input_tokens, output_tokens, cost FROM usage_stats(period => interval '30 days');
CREATE OR REPLACE FUNCTION usage_stats(queue text DEFAULT NULL, period interval DEFAULT interval '1 day')
RETURNS TABLE (model text, jobs bigint, input_tokens bigint, output_tokens bigint, cost numeric)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  ended_after timestamptz := jobs_now() - usage_stats.period;
BEGIN
  PERFORM check_period('usage_stats', usage_stats.period);
  RETURN QUERY
    SELECT share.key, count(*), sum((share.value ->> 'input_tokens')::bigint)::bigint,
      sum((share.value ->> 'output_tokens')::bigint)::bigint, sum((share.value ->> 'cost')::numeric)
    FROM (
      SELECT job.queue, job.usage FROM jobs AS job
      WHERE job.completed_at IS NOT NULL AND job.completed_at > ended_after
      UNION ALL
      SELECT job.queue, job.usage FROM jobs AS job WHERE job.status = 'pending' AND job.limit_key IS NULL
      UNION ALL
      SELECT job.queue, job.usage FROM jobs AS job WHERE job.status = 'pending' AND job.limit_key IS NOT NULL
      UNION ALL
      SELECT job.queue, job.usage FROM jobs AS job WHERE job.status = 'running'
      UNION ALL
      SELECT job.queue, job.usage FROM jobs AS job WHERE job.status = 'waiting'
    ) AS one
    CROSS JOIN LATERAL jsonb_each(one.usage -> 'by_model') AS share
    WHERE usage_stats.queue IS NULL OR one.queue = usage_stats.queue
    GROUP BY share.key
    ORDER BY sum((share.value ->> 'cost')::numeric) DESC, share.key;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/schedules/api/due_schedules.sql
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
LANGUAGE plpgsql SECURITY DEFINER
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
-- source: src/sql/jobs/schedules/api/enqueue_slots.sql
-- Enqueues the jobs of slots of a schedule and moves it on, unless somebody else has been here: seen_slots_after must be its
-- slots_after still. Gives the jobs, in the order of the slots; none if it was too late, or the schedule is paused.
--
--   SELECT * FROM enqueue_slots('digest', '2026-01-01 06:00+00', ARRAY['2026-01-02 06:00+00'::timestamptz],
--     slots_after => '2026-01-02 06:00+00', next_at => '2026-01-05 06:00+00');
--
-- Each slot is enqueued once: the row of the schedule is locked and moved on in this transaction, and the job has an
-- idempotency key of schedule and slot. The job's metadata says which schedule and which slot it is of.
CREATE OR REPLACE FUNCTION enqueue_slots(
  key text,
  seen_slots_after timestamptz,
  slots timestamptz[],
  slots_after timestamptz,
  next_at timestamptz
)
RETURNS TABLE (slot timestamptz, job_id text, created boolean)
LANGUAGE plpgsql SECURITY DEFINER
AS $$
#variable_conflict use_column
DECLARE
  schedule schedules;
BEGIN
  IF enqueue_slots.next_at IS NULL OR enqueue_slots.slots_after IS NULL OR enqueue_slots.slots IS NULL
    OR cardinality(enqueue_slots.slots) > 1000 OR array_position(enqueue_slots.slots, NULL) IS NOT NULL
    OR enqueue_slots.slots_after < enqueue_slots.seen_slots_after
    OR enqueue_slots.next_at <= enqueue_slots.slots_after
    OR EXISTS (
      SELECT FROM unnest(enqueue_slots.slots) AS one (slot)
      WHERE one.slot <= enqueue_slots.seen_slots_after OR one.slot > enqueue_slots.slots_after
    ) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('enqueue_slots: slots must be at most 1000 and lie after seen_slots_after, up to slots_after, and next_at after that; got %s slots after %s up to %s, next_at %s',
        coalesce(cardinality(enqueue_slots.slots)::text, 'null'), enqueue_slots.seen_slots_after, enqueue_slots.slots_after,
        coalesce(enqueue_slots.next_at::text, 'null'));
  END IF;
  SELECT one.* INTO schedule FROM schedules AS one
  WHERE one.key = enqueue_slots.key AND one.slots_after = enqueue_slots.seen_slots_after AND one.paused_at IS NULL
  FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  UPDATE schedules AS one
  SET slots_after = enqueue_slots.slots_after, next_at = enqueue_slots.next_at
  WHERE one.key = schedule.key;
  RETURN QUERY
    SELECT one.slot, accepted.id, accepted.created
    FROM unnest(enqueue_slots.slots) WITH ORDINALITY AS one (slot, place)
    CROSS JOIN LATERAL to_char(one.slot AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS said (slot)
    CROSS JOIN LATERAL enqueue(
      schedule.intent, schedule.inputs, schedule.queue, schedule.mode, schedule.priority::integer,
      idempotency_key => format('schedule:%s:%s', schedule.key, said.slot), singleton_key => schedule.singleton_key,
      max_attempts => schedule.max_attempts, backoff_seconds => schedule.backoff_seconds,
      metadata => schedule.metadata || jsonb_build_object('schedule', schedule.key, 'slot', said.slot)
    ) AS accepted
    ORDER BY one.place;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/schedules/api/list_schedules.sql
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
-- source: src/sql/jobs/schedules/api/pause_schedule.sql
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
-- source: src/sql/jobs/schedules/api/put_schedule.sql
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
-- source: src/sql/jobs/schedules/api/remove_schedule.sql
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
-- source: src/sql/jobs/schedules/api/resume_schedule.sql
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
-- source: src/sql/jobs/schedules/api/seconds_to_next_slot.sql
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
-- source: src/sql/jobs/schedules/api/stop_schedule.sql
-- Pauses a schedule that cannot be run and keeps the reason; resume_schedule() or put_schedule() with what is right, then
-- resume_schedule(), goes on. Nothing happens if it has changed since it was seen.
--
--   SELECT stop_schedule('digest', '2026-01-01 06:00+00', 'cron: invalid value for minute: 61');
CREATE OR REPLACE FUNCTION stop_schedule(key text, seen_slots_after timestamptz, error text)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
AS $$
#variable_conflict use_column
BEGIN
  UPDATE schedules SET paused_at = jobs_now(), error = left(stop_schedule.error, 1000), updated_at = now()
  WHERE key = stop_schedule.key AND slots_after = stop_schedule.seen_slots_after AND paused_at IS NULL;
  RETURN FOUND;
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
ALTER FUNCTION queue_stats(queue text, period interval) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION stuck_jobs(queue text, longer_than interval, max_jobs integer) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION usage_stats(queue text, period interval) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION due_schedules(max_schedules integer) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION enqueue_slots(key text, seen_slots_after timestamptz, slots timestamptz[], slots_after timestamptz, next_at timestamptz) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION list_schedules(queue text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION pause_schedule(key text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION put_schedule(key text, intent text, cron text, time_zone text, every_seconds double precision, inputs jsonb, queue text, mode execution_mode, priority integer, max_attempts integer, backoff_seconds double precision, singleton_key text, metadata jsonb, missed text, missed_limit integer, late_seconds double precision) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION remove_schedule(key text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION resume_schedule(key text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION seconds_to_next_slot() SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION stop_schedule(key text, seen_slots_after timestamptz, error text) SET search_path FROM CURRENT;

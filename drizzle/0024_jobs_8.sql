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
-- source: src/sql/jobs/api/set_job_events.sql
-- Turns events of status and progress on or off, and notifications of all events (LISTEN opa_job_events); they are off until
-- somebody asks, for each change of a job then writes another row. Output (add_job_output) is recorded either way. Only the
-- owner of the tables may.
--
--   SELECT set_job_events(true);
CREATE OR REPLACE FUNCTION set_job_events(is_on boolean)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  IF is_on IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'set_job_events: is_on must be true or false, got null';
  END IF;
  DROP TRIGGER IF EXISTS jobs_events_insert ON jobs;
  DROP TRIGGER IF EXISTS jobs_events_update ON jobs;
  DROP TRIGGER IF EXISTS job_events_notify ON job_events;
  IF is_on THEN
    CREATE TRIGGER jobs_events_insert AFTER INSERT ON jobs
      REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION jobs_record_events();
    CREATE TRIGGER jobs_events_update AFTER UPDATE ON jobs
      REFERENCING OLD TABLE AS previous NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION jobs_record_events();
    CREATE TRIGGER job_events_notify AFTER INSERT ON job_events
      REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION job_events_notify();
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/set_job_limit.sql
-- Limits the jobs of a limit_key in a queue: at most max_running at the same time, and at most rate_limit started in
-- rate_period, of which rate_burst may start at once after a rest (by default one period's worth). A null is no limit of
-- that kind; the key * is the rule of every key without one of its own. Replaces the rule that was there, and what runs
-- already goes on.
--
--   SELECT set_job_limit('agents', 'user:ana', max_running => 2);
--   SELECT set_job_limit('agents', '*', max_running => 5, rate_limit => 60, rate_period => '1 minute', rate_burst => 10);
CREATE OR REPLACE FUNCTION set_job_limit(
  queue text,
  limit_key text,
  max_running integer DEFAULT NULL,
  rate_limit double precision DEFAULT NULL,
  rate_period interval DEFAULT interval '1 second',
  rate_burst integer DEFAULT NULL
)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
AS $$
#variable_conflict use_column
DECLARE
  period double precision := extract(epoch FROM set_job_limit.rate_period);
  problem text;
BEGIN
  problem := CASE
    WHEN (octet_length(set_job_limit.queue) BETWEEN 1 AND 255) IS NOT TRUE THEN
      format('queue must have from 1 to 255 bytes, got %s', coalesce(octet_length(set_job_limit.queue)::text, 'null'))
    WHEN (octet_length(set_job_limit.limit_key) BETWEEN 1 AND 1024) IS NOT TRUE THEN
      format('limit_key must have from 1 to 1024 bytes, got %s', coalesce(octet_length(set_job_limit.limit_key)::text, 'null'))
    WHEN set_job_limit.max_running < 0 THEN format('max_running must be 0 or more, got %s', set_job_limit.max_running)
    WHEN NOT (set_job_limit.rate_limit > 0 AND set_job_limit.rate_limit <= 1000000) THEN
      format('rate_limit must be above 0, at most 1000000, got %s', set_job_limit.rate_limit)
    WHEN (period > 0 AND period <= 31536000) IS NOT TRUE THEN
      format('rate_period must be longer than nothing, at most a year, got %s', coalesce(set_job_limit.rate_period::text, 'null'))
    WHEN set_job_limit.rate_burst NOT BETWEEN 1 AND 1000000 THEN
      format('rate_burst must be from 1 to 1000000, got %s', set_job_limit.rate_burst)
    WHEN set_job_limit.max_running IS NULL AND set_job_limit.rate_limit IS NULL THEN
      'a limit needs a max_running or a rate_limit; drop_job_limit() takes one away'
  END;
  IF problem IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('set_job_limit: %s', problem);
  END IF;
  INSERT INTO job_limits AS rule (queue, limit_key, max_running, rate_limit, rate_period_seconds, rate_burst)
  VALUES (set_job_limit.queue, set_job_limit.limit_key, set_job_limit.max_running, set_job_limit.rate_limit,
    CASE WHEN set_job_limit.rate_limit IS NOT NULL THEN period END,
    CASE WHEN set_job_limit.rate_limit IS NOT NULL THEN coalesce(set_job_limit.rate_burst, greatest(1, floor(set_job_limit.rate_limit)::integer)) END)
  ON CONFLICT (queue, limit_key) DO UPDATE
  SET max_running = excluded.max_running, rate_limit = excluded.rate_limit, rate_period_seconds = excluded.rate_period_seconds,
    rate_burst = excluded.rate_burst;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/set_job_notifications.sql
-- Turns notifications for LISTEN on or off; they are off until somebody asks, for a NOTIFY makes commits queue up behind
-- each other. Only the owner of the tables may. With them on, each statement sends at most one notification:
--   channel opa_jobs_ready   a JSON array of the queues in which jobs became pending
--   channel opa_jobs_ended   a JSON array of the ids of jobs that ended
-- An empty text instead means that there were too many to name: look for yourself.
--
--   SELECT set_job_notifications(true);
CREATE OR REPLACE FUNCTION set_job_notifications(is_on boolean)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  IF is_on IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'set_job_notifications: is_on must be true or false, got null';
  END IF;
  DROP TRIGGER IF EXISTS jobs_notify_insert ON jobs;
  DROP TRIGGER IF EXISTS jobs_notify_update ON jobs;
  IF is_on THEN
    CREATE TRIGGER jobs_notify_insert AFTER INSERT ON jobs
      REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION jobs_notify();
    CREATE TRIGGER jobs_notify_update AFTER UPDATE ON jobs
      REFERENCING OLD TABLE AS previous NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION jobs_notify();
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/snooze.sql
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
-- source: src/sql/jobs/api/stop_schedule.sql
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
-- source: src/sql/jobs/api/stuck_jobs.sql
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
-- source: src/sql/jobs/api/take_back_expired.sql
-- Ends at most max_jobs leases of a queue that ran out, as many jobs past their deadline and waits that expired, and
-- continues parents that were locked when a child ended; gives the number of jobs changed. claim() does this by itself; a
-- queue that nobody claims from may be swept by a cron job.
--
-- A job whose lease ran out becomes pending again, and the attempt does not count, unless the job says on_lost = 'fail'
-- (then it is an attempt that failed) or was lost ten times, or as often as it has attempts if those are more: it may be
-- the job that kills its workers. It is cancelled if that was asked for, and failed if its deadline is past. A worker that
-- should still live holds an old lease_token and can change nothing more once the job is handed out again.
--
-- A job that cannot be changed (a trigger of somebody else's refuses it, say) is left as it is with a warning, and holds
-- up no other. Rows that others hold locked are left for the next time.
CREATE OR REPLACE FUNCTION take_back_expired(queue text DEFAULT 'default', max_jobs integer DEFAULT 100)
RETURNS integer
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
  expired text[];
  changed integer := 0;
BEGIN
  IF take_back_expired.max_jobs IS NULL OR take_back_expired.max_jobs < 1 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('take_back_expired: max_jobs must be at least 1, got %s', coalesce(take_back_expired.max_jobs::text, 'null'));
  END IF;

  expired := ARRAY(
    SELECT job.id FROM jobs AS job
    -- No lease is shorter than this, so jobs that were claimed just now need not be looked at.
    WHERE job.queue = take_back_expired.queue AND job.status = 'running'
      AND job.started_at <= current_moment - interval '10 milliseconds' AND job.lease_expires_at <= current_moment
    ORDER BY job.started_at
    LIMIT take_back_expired.max_jobs
    FOR NO KEY UPDATE SKIP LOCKED
  ) || ARRAY(
    SELECT job.id FROM jobs AS job
    WHERE job.queue = take_back_expired.queue AND job.status IN ('pending', 'waiting')
      AND least(job.deadline_at, job.wait_expires_at) <= current_moment
    ORDER BY least(job.deadline_at, job.wait_expires_at)
    LIMIT take_back_expired.max_jobs
    FOR NO KEY UPDATE SKIP LOCKED
  );
  IF expired <> '{}' THEN
    BEGIN
      changed := end_expired(expired, current_moment);
    EXCEPTION WHEN OTHERS THEN
      FOR at IN 1..cardinality(expired) LOOP
        BEGIN
          changed := changed + end_expired(expired[at:at], current_moment);
        EXCEPTION WHEN OTHERS THEN
          RAISE WARNING 'job % is left as it is: %', expired[at], SQLERRM;
        END;
      END LOOP;
    END;
  END IF;
  -- Parents are not counted as changed by this.
  PERFORM wake_parents(take_back_expired.queue, take_back_expired.max_jobs);
  RETURN changed;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/api/usage_stats.sql
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
-- source: src/sql/jobs/api/wait_for.sql
-- Lets go of a job until something happens. reason says what:
--   approval   somebody calls approve() or reject()
--   input      somebody calls resume() with an answer
--   external   a callback, say, calls resume()
--   children   the last unfinished child ends, at once if none is unfinished; on_child_failure says whether children
--              that failed or were cancelled 'fail' this job as well, or it is to 'continue' and look for itself
-- required_action describes it for whoever has to act. The job is then pending, and claimed again as any other: the
-- answer is in required_action.response. The attempt does not count. outcome is as that of release(); wait_id says which
-- wait this is, and the answer must name it (null if the job does not wait, or goes on already).
--
--   SELECT * FROM wait_for('job-1', lease_token => 4, reason => 'approval', required_action => '{"question": "Send it?"}');
--
-- After expires_in_seconds without an answer the job fails with the code wait_expired, or with on_expiry = 'continue' goes
-- on with {"expired": true} as its response. With lease_token null a pending job is held back.
CREATE OR REPLACE FUNCTION wait_for(
  job_id text,
  lease_token bigint,
  reason text,
  required_action jsonb DEFAULT '{}',
  on_child_failure text DEFAULT 'fail',
  expires_in_seconds double precision DEFAULT NULL,
  on_expiry text DEFAULT 'fail'
)
RETURNS TABLE (outcome text, wait_id text)
LANGUAGE plpgsql SECURITY DEFINER
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  action jsonb := coalesce(wait_for.required_action, '{}');
  expires_at timestamptz;
BEGIN
  IF wait_for.reason IS NULL OR wait_for.reason NOT IN ('approval', 'input', 'children', 'external') THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('wait_for: reason must be approval, input, children or external, got %s', coalesce(wait_for.reason, 'null'));
  END IF;
  IF jsonb_typeof(action) <> 'object' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('wait_for: required_action must be a JSON object, got %s', jsonb_typeof(action));
  END IF;
  IF wait_for.on_child_failure IS NULL OR wait_for.on_child_failure NOT IN ('fail', 'continue') THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('wait_for: on_child_failure must be fail or continue, got %s', coalesce(wait_for.on_child_failure, 'null'));
  END IF;
  IF NOT (wait_for.expires_in_seconds > 0 AND wait_for.expires_in_seconds <= 315360000) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('wait_for: expires_in_seconds must be above 0, at most 315360000 (ten years), got %s', wait_for.expires_in_seconds);
  END IF;
  IF wait_for.on_expiry IS NULL OR wait_for.on_expiry NOT IN ('fail', 'continue') THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('wait_for: on_expiry must be fail or continue, got %s', coalesce(wait_for.on_expiry, 'null'));
  END IF;
  expires_at := jobs_now() + make_interval(secs => wait_for.expires_in_seconds);
  IF expires_at IS NOT NULL THEN
    action := action || jsonb_build_object('on_expiry', wait_for.on_expiry);
  END IF;
  IF wait_for.reason = 'children' THEN
    action := action || jsonb_build_object('on_child_failure', wait_for.on_child_failure);
  END IF;

  IF wait_for.lease_token IS NULL THEN
    UPDATE jobs SET status = 'waiting', wait_reason = wait_for.reason, required_action = action, wait_expires_at = expires_at
    WHERE id = wait_for.job_id AND status = 'pending';
    outcome := CASE WHEN FOUND THEN 'ok' ELSE lease_refusal(wait_for.job_id, wait_for.lease_token) END;
  ELSE
    outcome := end_lease(wait_for.job_id, wait_for.lease_token, 'waiting', 'waiting',
      wait_reason => wait_for.reason, required_action => action, wait_expires_at => expires_at);
  END IF;
  IF outcome = 'ok' THEN
    IF wait_for.reason = 'children' THEN
      PERFORM continue_parents(ARRAY[wait_for.job_id]);
    END IF;
    SELECT job.wait_id INTO wait_id FROM jobs AS job WHERE job.id = wait_for.job_id;
  END IF;
  RETURN NEXT;
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
ALTER FUNCTION set_job_events(is_on boolean) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION set_job_limit(queue text, limit_key text, max_running integer, rate_limit double precision, rate_period interval, rate_burst integer) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION set_job_notifications(is_on boolean) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION snooze(job_id text, lease_token bigint, delay_seconds double precision) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION stop_schedule(key text, seen_slots_after timestamptz, error text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION stuck_jobs(queue text, longer_than interval, max_jobs integer) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION take_back_expired(queue text, max_jobs integer) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION usage_stats(queue text, period interval) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION wait_for(job_id text, lease_token bigint, reason text, required_action jsonb, on_child_failure text, expires_in_seconds double precision, on_expiry text) SET search_path FROM CURRENT;

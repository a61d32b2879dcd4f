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

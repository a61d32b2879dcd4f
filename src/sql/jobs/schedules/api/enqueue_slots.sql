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

-- Where the next jobs of some modes and intents are, in the order in which claim() hands them out: of one queue and
-- priority, without a limit_key, at most max_jobs. They are locked; rows that others hold locked are skipped.
--
-- Mostly the first jobs of the queue are of these kinds, and they are found in its order. Where among the first hundred
-- are too few, each kind is looked up in an index of its own: a million jobs of other intents cost nothing. The join by
-- ctid filters before it locks, and stops when it has enough; what is locked by others may be more than the hundred that
-- are looked at beyond max_jobs, and then it looks further.
CREATE OR REPLACE FUNCTION ready_places(
  queue text,
  priority smallint,
  first_run_at timestamptz,
  moment timestamptz,
  max_jobs integer,
  modes execution_mode[],
  intents text[]
)
RETURNS tid[]
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  reach integer := ready_places.max_jobs + 100;
  places tid[];
  kinds text[] := ready_places.intents;
BEGIN
  places := ARRAY(
    SELECT job.ctid FROM (
      SELECT ready.ctid AS place, ready.intent, ready.mode FROM jobs AS ready
      WHERE ready.queue = ready_places.queue AND ready.status = 'pending' AND ready.limit_key IS NULL
        AND ready.priority = ready_places.priority AND ready.run_at BETWEEN ready_places.first_run_at AND ready_places.moment
      ORDER BY ready.run_at, ready.id
      LIMIT reach
    ) AS near
    JOIN jobs AS job ON job.ctid = near.place
    WHERE (ready_places.intents IS NULL OR near.intent = ANY (ready_places.intents))
      AND (ready_places.modes IS NULL OR near.mode = ANY (ready_places.modes))
      AND job.status = 'pending' AND (job.deadline_at IS NULL OR job.deadline_at > ready_places.moment)
    LIMIT ready_places.max_jobs
    FOR NO KEY UPDATE OF job SKIP LOCKED
  );
  IF cardinality(places) = ready_places.max_jobs OR NOT EXISTS (
    SELECT FROM jobs AS ready
    WHERE ready.queue = ready_places.queue AND ready.status = 'pending' AND ready.limit_key IS NULL
      AND ready.priority = ready_places.priority AND ready.run_at BETWEEN ready_places.first_run_at AND ready_places.moment
    ORDER BY ready.run_at, ready.id OFFSET reach LIMIT 1
  ) THEN
    RETURN places;
  END IF;

  IF kinds IS NULL THEN
    kinds := ready_intents(ready_places.queue);
  END IF;
  LOOP
    -- What was found above is locked by this transaction, so it is found again.
    places := ARRAY(
      SELECT job.ctid FROM (
        SELECT found.place FROM unnest(kinds) AS kind (intent)
        CROSS JOIN unnest(coalesce(ready_places.modes, enum_range(NULL::execution_mode))) AS way (mode)
        CROSS JOIN LATERAL (
          SELECT ready.ctid AS place, ready.run_at, ready.id FROM jobs AS ready
          WHERE ready.queue = ready_places.queue AND CASE WHEN ready.limit_key IS NULL THEN ready.status = 'pending' ELSE false END
            AND ready.intent = kind.intent AND ready.mode = way.mode
            AND ready.priority = ready_places.priority AND ready.run_at BETWEEN ready_places.first_run_at AND ready_places.moment
          ORDER BY ready.run_at, ready.id
          LIMIT reach
        ) AS found
        ORDER BY found.run_at, found.id
        LIMIT reach
      ) AS near
      JOIN jobs AS job ON job.ctid = near.place
      WHERE job.status = 'pending' AND (job.deadline_at IS NULL OR job.deadline_at > ready_places.moment)
      LIMIT ready_places.max_jobs
      FOR NO KEY UPDATE OF job SKIP LOCKED
    );
    -- Enough, or everything was within reach.
    EXIT WHEN cardinality(places) = ready_places.max_jobs OR reach >= 100000;
    EXIT WHEN (
      SELECT count(*) FROM unnest(kinds) AS kind (intent)
      CROSS JOIN unnest(coalesce(ready_places.modes, enum_range(NULL::execution_mode))) AS way (mode)
      CROSS JOIN LATERAL (
        SELECT FROM jobs AS ready
        WHERE ready.queue = ready_places.queue AND CASE WHEN ready.limit_key IS NULL THEN ready.status = 'pending' ELSE false END
          AND ready.intent = kind.intent AND ready.mode = way.mode
          AND ready.priority = ready_places.priority AND ready.run_at BETWEEN ready_places.first_run_at AND ready_places.moment
        LIMIT reach
      ) AS found
    ) < reach;
    reach := reach * 10;
  END LOOP;
  RETURN places;
END
$$;

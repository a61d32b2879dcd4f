-- ready_places() for a queue in which jobs have a limit_key. Within a priority keys take turns, each beginning after the one
-- that this session served last (the setting opa.key_<n>), and jobs without a key take turns with all of them: of two jobs
-- that are claimed one has a key. Keys at their limit, and keys that another claim is looking at, are skipped.
CREATE OR REPLACE FUNCTION ready_places_by_key(
  queue text,
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
AS $$
#variable_conflict use_column
DECLARE
  places tid[] := '{}';
  plain tid[];
  of_keys tid[];
  top integer := 32767;
  key_level integer;
  plain_level integer;
  plain_run_at timestamptz;
  remaining integer := ready_places_by_key.max_jobs;
  share integer;
BEGIN
  LOOP
    key_level := NULL;
    plain_level := NULL;
    SELECT job.priority INTO key_level FROM jobs AS job
    WHERE job.queue = ready_places_by_key.queue AND job.status = 'pending' AND job.limit_key IS NOT NULL AND job.priority <= top
    ORDER BY job.priority DESC LIMIT 1;
    SELECT job.priority, job.run_at INTO plain_level, plain_run_at FROM jobs AS job
    WHERE job.queue = ready_places_by_key.queue AND job.status = 'pending' AND job.limit_key IS NULL AND job.priority <= top
    ORDER BY job.priority DESC, job.run_at LIMIT 1;
    top := greatest(key_level, plain_level);
    EXIT WHEN top IS NULL;

    plain := '{}';
    of_keys := '{}';
    share := CASE WHEN plain_level IS DISTINCT FROM top THEN 0
      WHEN key_level IS DISTINCT FROM top THEN remaining ELSE floor(remaining / 2.0 + random())::integer END;
    IF share > 0 THEN
      plain := ready_places(ready_places_by_key.queue, top::smallint, plain_run_at, ready_places_by_key.moment, share,
        ready_places_by_key.modes, ready_places_by_key.intents);
    END IF;
    IF key_level = top AND cardinality(plain) < remaining THEN
      of_keys := key_places(ready_places_by_key.queue, top::smallint, ready_places_by_key.moment, remaining - cardinality(plain),
        ready_places_by_key.modes, ready_places_by_key.intents);
    END IF;
    IF plain_level = top AND share < remaining - cardinality(of_keys) THEN
      -- What was found before is locked by this transaction and found again.
      plain := ready_places(ready_places_by_key.queue, top::smallint, plain_run_at, ready_places_by_key.moment,
        remaining - cardinality(of_keys), ready_places_by_key.modes, ready_places_by_key.intents);
    END IF;
    places := places || plain || of_keys;
    remaining := ready_places_by_key.max_jobs - cardinality(places);
    EXIT WHEN remaining <= 0 OR top = -32768;
    top := top - 1;
  END LOOP;
  RETURN places;
END
$$;

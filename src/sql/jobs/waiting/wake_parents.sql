-- Looks again at up to max_jobs parents of a queue that somebody had locked when a child of theirs ended (job_wakeups);
-- gives how many notes it settled. One that fails (a trigger of somebody else's refuses its change, say) goes to the end
-- of the line with a warning, and holds up no other.
CREATE OR REPLACE FUNCTION wake_parents(queue text, max_jobs integer)
RETURNS integer
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
DECLARE
  notes bigint[];
  parents text[];
  settled integer := 0;
BEGIN
  SELECT array_agg(note.id), array_agg(DISTINCT note.parent_id) INTO notes, parents FROM (
    SELECT one.id, one.parent_id FROM job_wakeups AS one
    WHERE one.queue = wake_parents.queue
    ORDER BY one.queue, one.id LIMIT wake_parents.max_jobs
    FOR UPDATE SKIP LOCKED
  ) AS note;
  IF notes IS NULL THEN
    RETURN 0;
  END IF;
  -- Before the parents are looked at: one that is locked again is noted anew.
  DELETE FROM job_wakeups WHERE id = ANY (notes);
  BEGIN
    PERFORM continue_parents(parents, 1000);
    RETURN cardinality(parents);
  EXCEPTION WHEN OTHERS THEN
    RAISE DEBUG 'wake_parents: one by one, because of %', SQLERRM;
  END;
  FOR at IN 1..cardinality(parents) LOOP
    BEGIN
      PERFORM continue_parents(parents[at:at], 1000);
      settled := settled + 1;
    EXCEPTION WHEN OTHERS THEN
      RAISE WARNING 'job % cannot go on: %', parents[at], SQLERRM;
      INSERT INTO job_wakeups (queue, parent_id) VALUES (wake_parents.queue, parents[at]);
    END;
  END LOOP;
  RETURN settled;
END
$$;

-- The intents that pending jobs of a queue have (those without a limit_key), one probe of the index each.
CREATE OR REPLACE FUNCTION ready_intents(queue text)
RETURNS text[]
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
DECLARE
  intents text[] := '{}';
  next text := '';
BEGIN
  LOOP
    SELECT job.intent INTO next FROM jobs AS job
    WHERE job.queue = ready_intents.queue AND CASE WHEN job.limit_key IS NULL THEN job.status = 'pending' ELSE false END
      AND job.intent > next
    ORDER BY job.intent LIMIT 1;
    EXIT WHEN NOT FOUND;
    intents := intents || next;
  END LOOP;
  RETURN intents;
END
$$;

-- Deletes what memories were before changes of before this time, up to `most` entries, and answers how many; of one
-- namespace, or of all (null). Call it until it answers 0.
--
--   SELECT prune_memory_history(now() - interval '1 year');
CREATE OR REPLACE FUNCTION prune_memory_history(before timestamptz, namespace text DEFAULT NULL, most integer DEFAULT 10000)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  pruned bigint;
BEGIN
  IF before IS NULL OR most IS NULL OR most < 1 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('prune_memory_history: expected a time and at least 1 entry, got %s and %s',
        COALESCE(before::text, 'null'), COALESCE(most::text, 'null'));
  END IF;
  DELETE FROM memory_history AS kept
  WHERE kept.entry IN (
    SELECT old.entry FROM memory_history AS old
    WHERE old.changed_at < before
      AND (prune_memory_history.namespace IS NULL OR old.namespace = prune_memory_history.namespace)
    LIMIT most
    FOR UPDATE SKIP LOCKED
  );
  GET DIAGNOSTICS pruned = ROW_COUNT;
  RETURN pruned;
END
$$;

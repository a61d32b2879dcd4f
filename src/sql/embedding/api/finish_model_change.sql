-- Switches the searches to the next model: a statement that began before goes on by the old one to its end, one that
-- begins after the commit goes by the new one, and a vector of the old model is refused from then on. Refused while
-- memories that the old model finds have no vector of the new one, unless accept_pending: those are then found by
-- keyword alone until they are embedded.
--
-- Waits for transactions that have written a vector (set lock_timeout, so that others do not wait behind it for long);
-- searches never wait. The vectors of the new model move to `embedding` by settle_embeddings, called until it is done.
-- The index of the old model stays as memory_items_embedding_idx_old, to be dropped outside a transaction; refused while
-- one of an earlier change is left, whose name the present one is to take.
CREATE OR REPLACE FUNCTION finish_model_change(accept_pending boolean DEFAULT false)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  next record;
  pending bigint;
BEGIN
  LOCK TABLE embedding_models IN EXCLUSIVE MODE;
  SELECT * INTO next FROM next_embedding_model();
  IF next.id IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = 'finish_model_change: no change of the model is under way: begin_model_change begins one';
  END IF;
  IF NOT COALESCE(accept_pending, false) THEN
    pending := pending_embeddings(next.id, false, 1000000);
    IF pending > 0 THEN
      RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
        MESSAGE = format('finish_model_change: %s memories have no vector of the model "%s" yet', pending, next.name),
        HINT = 'Embed them, or pass accept_pending => true.';
    END IF;
  END IF;
  IF to_regclass('memory_items_embedding_idx_old') IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = 'finish_model_change: the index of the model before the current one, memory_items_embedding_idx_old, is still there',
      HINT = 'DROP INDEX CONCURRENTLY memory_items_embedding_idx_old, and finish again.';
  END IF;
  UPDATE embedding_models SET state = 'former', changed_at = now() WHERE state = 'current';
  UPDATE embedding_models SET state = 'current', changed_at = now() WHERE id = next.id;
  -- The planner goes by what an index is on, not by its name: a search that began before still uses the old one.
  ALTER INDEX IF EXISTS memory_items_embedding_idx RENAME TO memory_items_embedding_idx_old;
  ALTER INDEX IF EXISTS memory_items_embedding_idx_next RENAME TO memory_items_embedding_idx;
END
$$;

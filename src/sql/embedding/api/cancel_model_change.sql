-- Gives up the change of the embedding model that is under way. What was filled is removed by settle_embeddings; until
-- then it is in nobody's way.
CREATE OR REPLACE FUNCTION cancel_model_change()
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  LOCK TABLE embedding_models IN EXCLUSIVE MODE;
  UPDATE embedding_models SET state = 'cancelled', changed_at = now() WHERE state = 'next';
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = 'cancel_model_change: no change of the model is under way';
  END IF;
END
$$;

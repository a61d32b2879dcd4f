-- Tidies up after a change of the embedding model: looks at the next `most` memories after the id `after`, moves vectors
-- of the current model from next_embedding to embedding, and removes those of models that are no longer used. Rows that
-- another transaction is writing are passed over. Searches find the same before and after.
-- Returns the last id that was looked at (null: no more), how many rows were changed and how many are left to another call.
CREATE OR REPLACE FUNCTION settle_embeddings(after text, most integer, OUT last_id text, OUT settled bigint, OUT missed bigint)
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
DECLARE
  model integer;
  next integer;
  unsettled text[];
  named_before CONSTANT text := COALESCE(current_setting('opa.embedding_model', true), '');
BEGIN
  -- The models stay what they are until this is committed.
  LOCK TABLE embedding_models IN ROW SHARE MODE;
  model := (current_embedding_model()).id;
  next := (next_embedding_model()).id;

  SELECT max(seen.id), array_agg(seen.id) FILTER (
    WHERE seen.embedding_model <> model OR seen.next_embedding_model IS NOT NULL AND seen.next_embedding_model IS DISTINCT FROM next
  )
  INTO last_id, unsettled
  FROM (
    SELECT m.id, m.embedding_model, m.next_embedding_model
    FROM memory_items AS m
    WHERE after IS NULL OR m.id > after
    ORDER BY m.id
    LIMIT most
  ) AS seen;

  -- The moved vectors are said to be of the current model, because one that equals the old vector is no change of its column.
  PERFORM set_config('opa.embedding_model', (current_embedding_model()).name, true);
  WITH held AS MATERIALIZED (
    SELECT m.id FROM memory_items AS m WHERE m.id = ANY (unsettled) FOR UPDATE SKIP LOCKED
  )
  UPDATE memory_items AS m
  SET embedding = CASE
      WHEN m.next_embedding_model = model THEN m.next_embedding
      WHEN m.embedding_model = model THEN m.embedding
    END,
    embedding_model = model,
    next_embedding = CASE WHEN m.next_embedding_model = next THEN m.next_embedding END
  FROM held
  WHERE m.id = held.id;
  GET DIAGNOSTICS settled = ROW_COUNT;
  PERFORM set_config('opa.embedding_model', named_before, true);
  missed := COALESCE(cardinality(unsettled), 0) - settled;
END
$$;

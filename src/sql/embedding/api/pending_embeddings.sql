-- How many memories are not expired and have no vector of the given model: of those that the current model finds, or
-- where of_all is true, of all; at most `most`. Literals, so that the planner sees that the index of a change serves.
CREATE OR REPLACE FUNCTION pending_embeddings(model integer, of_all boolean, most bigint)
RETURNS bigint
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  pending bigint;
BEGIN
  EXECUTE format(
    $query$
      SELECT count(*) FROM (
        SELECT FROM memory_items AS m
        WHERE m.embedding_model IS DISTINCT FROM %1$s AND m.next_embedding_model IS DISTINCT FROM %1$s
          AND ($1 OR m.embedding_model = $2 OR m.next_embedding_model = $2)
          AND (m.expires_at IS NULL OR m.expires_at > now())
        LIMIT $3
      ) AS pending
    $query$,
    model
  )
  INTO pending
  USING of_all, (current_embedding_model()).id, most;
  RETURN pending;
END
$$;

-- The vector of one model in a row of memory_items (alias m, or none), as SQL: it lies in `embedding`, or while a change
-- is under way or has just been finished, in `next_embedding`. An index on this does not notice that a vector moves from
-- one column to the other, so that the model that is searched is a matter of data: each snapshot has one.
CREATE OR REPLACE FUNCTION embedding_expression(model integer, prefix text DEFAULT 'm.')
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  RETURN format(
    'CASE WHEN %1$sembedding_model = %2$s THEN %1$sembedding WHEN %1$snext_embedding_model = %2$s THEN %1$snext_embedding END',
    prefix, model
  );
END
$$;

-- That a row has as many words of a query as filter.min_match asks for, as SQL for bm25_statement.
CREATE OR REPLACE FUNCTION bm25_enough_words()
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT '(SELECT count(*) FROM unnest($13::tsquery[]) AS word (query) WHERE m.search_vector @@ word.query) >= $14::integer'
$$;

-- The BM25 score of every row that shares a lexeme with the query, meets what it requires and passes the condition, in
-- no order. The condition is memory_filter_condition's: it speaks of $1 (query_tags) and $2 (filter).
CREATE OR REPLACE FUNCTION public.bm25_rows(
  lexemes text[], required tsquery, condition text, query_tags text[], filter jsonb
)
RETURNS TABLE (id text, score float8)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  statistics record;
  idfs float8[];
BEGIN
  IF cardinality(lexemes) = 0 THEN
    RETURN;
  END IF;
  SELECT * INTO statistics FROM public.search_statistics(lexemes);
  IF statistics.total_length = 0 THEN
    RETURN;
  END IF;
  idfs := ARRAY(
    SELECT public.bm25_idf(statistics.documents, frequency.df)
    FROM unnest(statistics.document_frequencies) WITH ORDINALITY AS frequency (df, place)
    ORDER BY frequency.place
  );
  RETURN QUERY EXECUTE format(
    $query$
      SELECT m.id, public.bm25_document_score(m.search_vector, m.lexeme_count, $3, $4, $5, 1.2, 0.75)
      FROM public.memory_items AS m
      WHERE m.search_vector @@ $6 AND ($7 IS NULL OR m.search_vector @@ $7) AND %s
    $query$,
    condition
  )
  USING query_tags, filter, statistics.total_length::float8 / statistics.documents, lexemes, idfs,
    public.lexeme_query(lexemes), required;
END
$$;

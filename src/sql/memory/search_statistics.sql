-- The numbers that BM25 needs of the whole corpus: how many documents there are, how many lexemes they have in all, and
-- in how many documents each of the given lexemes occurs (in their order).
CREATE OR REPLACE FUNCTION public.search_statistics(
  lexemes text[], OUT documents bigint, OUT total_length bigint, OUT document_frequencies bigint[]
)
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
  SELECT
    count(*),
    COALESCE(sum(m.lexeme_count), 0)::bigint,
    ARRAY(
      SELECT (SELECT count(*) FROM public.memory_items AS m WHERE m.search_vector @@ public.lexeme_query(ARRAY[given.lexeme]))
      FROM unnest(search_statistics.lexemes) WITH ORDINALITY AS given (lexeme, place)
      ORDER BY given.place
    )
  FROM public.memory_items AS m
$$;

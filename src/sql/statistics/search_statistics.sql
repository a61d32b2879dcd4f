-- The numbers that BM25 needs of the whole corpus: how many documents there are, how many lexemes they have in all, and
-- in how many documents each of the given lexemes occurs (in their order). Exact in every snapshot.
-- memory_items is touched first: whoever may not read it is refused, and TRUNCATE locks it before the statistics.
CREATE OR REPLACE FUNCTION search_statistics(
  lexemes text[], OUT documents bigint, OUT total_length bigint, OUT document_frequencies bigint[]
)
LANGUAGE plpgsql STABLE
AS $$
BEGIN
  PERFORM FROM memory_items LIMIT 0;
  SELECT counted.documents, counted.total_length, counted.document_frequencies
  INTO documents, total_length, document_frequencies
  FROM read_search_statistics(lexemes) AS counted;
END
$$;

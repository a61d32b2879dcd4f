-- Logs what a bulk statement did as one entry: documents and total_length are what it added to the corpus, and each
-- lexeme (in byte order) is in so many more of its documents. In chunks of 64 lexemes, so that a reader finds the one
-- that it asks for by the index, and a writer makes a row for 64.
CREATE OR REPLACE FUNCTION public.log_bulk_change(
  documents bigint, total_length bigint, lexemes text[], document_frequencies bigint[]
)
RETURNS void
LANGUAGE sql VOLATILE
AS $$
  WITH entry AS (
    INSERT INTO public.search_log (documents, total_length)
    VALUES (log_bulk_change.documents, log_bulk_change.total_length)
    RETURNING xid, entry
  )
  INSERT INTO public.search_log_lexemes (xid, entry, first_lexeme, lexemes, documents)
  SELECT entry.xid, entry.entry, min(change.lexeme), array_agg(change.lexeme ORDER BY change.place),
    array_agg(change.documents ORDER BY change.place)
  FROM entry
  CROSS JOIN unnest(log_bulk_change.lexemes COLLATE "C", log_bulk_change.document_frequencies)
    WITH ORDINALITY AS change (lexeme, documents, place)
  GROUP BY entry.xid, entry.entry, (change.place - 1) / 64
$$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION public.log_bulk_change(bigint, bigint, text[], bigint[]) FROM PUBLIC;

-- Logs what a bulk statement did as one entry: documents and total_length are what it added to the corpus, and each
-- lexeme (in byte order) is in so many more of its documents. In chunks of 64 lexemes, so that a reader finds the one
-- that it asks for by the index, and a writer makes a row for 64.
CREATE OR REPLACE FUNCTION log_bulk_change(
  documents bigint, total_length bigint, lexemes text[], document_frequencies bigint[]
)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  logged search_log;
BEGIN
  INSERT INTO search_log (documents, total_length)
  VALUES (log_bulk_change.documents, log_bulk_change.total_length)
  RETURNING * INTO logged;

  INSERT INTO search_log_lexemes (xid, entry, first_lexeme, lexemes, documents)
  SELECT logged.xid, logged.entry, (array_agg(change.lexeme))[1], array_agg(change.lexeme), array_agg(change.documents)
  FROM (
    SELECT changed.lexeme, changed.documents, (changed.place - 1) / 64 AS chunk
    FROM unnest(log_bulk_change.lexemes COLLATE "C", log_bulk_change.document_frequencies)
      WITH ORDINALITY AS changed (lexeme, documents, place)
    ORDER BY chunk, changed.place
  ) AS change
  GROUP BY change.chunk;
END
$$;

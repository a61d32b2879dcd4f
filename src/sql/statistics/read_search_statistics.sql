-- The corpus as this snapshot sees it: how many documents, their total length, and in how many of them each of the
-- given lexemes occurs (in the order given; layer lexemes may be asked for like any other). Exact, because every
-- change is a row of the log or part of the totals, and both are read in the caller's one snapshot.
-- layer_frequencies[i] says in how many documents the i-th lexeme was in impact layer 1, 2 and 3 at the last fold. For
-- estimates alone, never for a score or a proof: the log is left out, which makes it a third of the work.
-- SECURITY DEFINER: whoever may search needs these numbers, and nobody may read or write the tables behind them. Call
-- it through search_statistics, which checks the caller's rights and locks in the right order.
CREATE OR REPLACE FUNCTION read_search_statistics(
  lexemes text[], OUT documents bigint, OUT total_length bigint, OUT document_frequencies bigint[],
  OUT layer_frequencies float8[]
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path FROM CURRENT
SET enable_seqscan = off
SET enable_bitmapscan = off
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
  last_epoch integer;
  from_xid xid8;
  before_xid xid8 := pg_snapshot_xmax(pg_current_snapshot());
  other_xids xid8[];
  log_documents bigint;
  log_length bigint;
  small_documents bigint[];
  small_lexemes tsvector[];
  bulk_xids xid8[];
  bulk_entries bigint[];
BEGIN
  -- The totals, and which log rows they do not contain: see search_log_entries, which would read them again.
  SELECT totals.documents, totals.total_length, totals.fold / 64,
         CASE WHEN totals.xmin::text::bigint = (folded_by::text::bigint & 4294967295) AND totals.tableoid = folded_in
              THEN totals.horizon END, totals.running
    INTO documents, total_length, last_epoch, from_xid, other_xids
    FROM search_totals AS totals ORDER BY fold DESC LIMIT 1;
  IF from_xid IS NULL THEN
    from_xid := '0';
    before_xid := '18446744073709551615';
  END IF;
  other_xids := other_xids || pg_current_xact_id_if_assigned();
  SELECT array_agg(coalesce(CASE split_part(asked.lexeme, chr(1), 2) WHEN '' THEN stored.document_frequency
                            WHEN '1' THEN layer_1 WHEN '2' THEN layer_2 WHEN '3' THEN layer_3 END, 0) ORDER BY position),
         array_agg(ARRAY[coalesce(layer_1, 0), coalesce(layer_2, 0), coalesce(layer_3, 0)]::float8[] ORDER BY position)
    INTO document_frequencies, layer_frequencies
    FROM unnest(read_search_statistics.lexemes) WITH ORDINALITY AS asked (lexeme, position)
    LEFT JOIN LATERAL (
      SELECT document_frequency, layer_1, layer_2, layer_3 FROM search_lexemes AS stored
       WHERE stored.lexeme = split_part(asked.lexeme, chr(1), 1) AND stored.epoch <= last_epoch
       ORDER BY stored.epoch DESC LIMIT 1
    ) AS stored ON true;

  SELECT sum(log.documents), sum(log.total_length), array_agg(log.documents) FILTER (WHERE log.lexemes IS NOT NULL),
         array_agg(log.lexemes) FILTER (WHERE log.lexemes IS NOT NULL),
         array_agg(log.xid) FILTER (WHERE log.lexemes IS NULL), array_agg(log.entry) FILTER (WHERE log.lexemes IS NULL)
    INTO log_documents, log_length, small_documents, small_lexemes, bulk_xids, bulk_entries
    FROM (
      SELECT * FROM search_log WHERE xid >= from_xid AND xid < before_xid
      UNION ALL
      SELECT * FROM search_log WHERE xid = ANY (other_xids) AND NOT (xid >= from_xid AND xid < before_xid)
    ) AS log;
  document_frequencies := coalesce(document_frequencies, '{}');
  layer_frequencies := coalesce(layer_frequencies, '{}');
  documents := coalesce(documents, 0) + coalesce(log_documents, 0);
  total_length := coalesce(total_length, 0) + coalesce(log_length, 0);

  IF small_documents IS NOT NULL THEN
    SELECT array_agg(coalesce(stored + changes.change, stored) ORDER BY asked.position) INTO document_frequencies
      FROM unnest(document_frequencies) WITH ORDINALITY AS asked (stored, position)
      LEFT JOIN (
        SELECT position, sum(log.documents) AS change
          FROM unnest(small_documents, small_lexemes) AS log (documents, lexemes)
          JOIN (SELECT position, quote_lexeme(lexeme)::tsquery AS query
                  FROM unnest(read_search_statistics.lexemes) WITH ORDINALITY AS asked (lexeme, position) OFFSET 0) AS queries
            ON log.lexemes @@ query
         GROUP BY position
      ) AS changes USING (position);
  END IF;
  IF bulk_xids IS NOT NULL THEN
    SELECT array_agg(stored + (
             SELECT coalesce(sum(chunk.documents[array_position(chunk.lexemes COLLATE "C", asked.lexeme)]), 0)
               FROM unnest(bulk_xids, bulk_entries) AS bulk (xid, entry), LATERAL (
                 SELECT lexemes, documents FROM search_log_lexemes AS log
                  WHERE log.xid = bulk.xid AND log.entry = bulk.entry AND log.first_lexeme <= asked.lexeme
                  ORDER BY log.first_lexeme DESC LIMIT 1) AS chunk) ORDER BY position)
      INTO document_frequencies
      FROM (SELECT lexeme COLLATE "C", stored, position
              FROM unnest(read_search_statistics.lexemes, document_frequencies) WITH ORDINALITY AS asked (lexeme, stored, position)) AS asked;
  END IF;
END
$$;

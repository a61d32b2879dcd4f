-- The lexemes of the corpus that begin with a prefix: the 64 that most documents have, of at most 5000 that begin so.
-- SECURITY DEFINER, because nobody may read the vocabulary: none for a role that row-level security keeps from some rows.
CREATE OR REPLACE FUNCTION prefix_lexemes(prefix text)
RETURNS text[]
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
SET search_path FROM CURRENT
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  most_lexemes CONSTANT integer := 64;
  most_read CONSTANT integer := 5000;
  end_of_prefix CONSTANT text := prefix_lexemes.prefix || chr(1114111);
  candidates text[];
  counted record;
BEGIN
  IF length(prefix) < 2 OR is_isolated_session() THEN
    RETURN '{}';
  END IF;
  SELECT array_agg(DISTINCT begun.lexeme) INTO candidates
  FROM (
    (SELECT known.lexeme FROM search_vocabulary AS known WHERE known.lexeme >= prefix COLLATE "C" AND known.lexeme < end_of_prefix COLLATE "C" LIMIT most_read)
    UNION ALL
    (SELECT logged.lexeme
    FROM search_log_entries() AS log
    CROSS JOIN LATERAL unnest(tsvector_to_array(log.lexemes)) AS logged (lexeme)
    WHERE starts_with(logged.lexeme, prefix) AND strpos(logged.lexeme, chr(1)) = 0 LIMIT most_read)
    UNION ALL
    (SELECT logged.lexeme
    FROM search_log_entries() AS log
    JOIN search_log_lexemes AS chunk ON chunk.xid = log.xid AND chunk.entry = log.entry AND chunk.first_lexeme < end_of_prefix COLLATE "C"
    CROSS JOIN LATERAL unnest(chunk.lexemes) AS logged (lexeme)
    WHERE log.lexemes IS NULL AND starts_with(logged.lexeme, prefix) AND strpos(logged.lexeme, chr(1)) = 0 LIMIT most_read)
  ) AS begun;
  IF candidates IS NULL THEN
    RETURN '{}';
  END IF;
  counted := read_search_statistics(candidates);
  RETURN ARRAY(
    SELECT candidate.lexeme
    FROM unnest(candidates, counted.document_frequencies) AS candidate (lexeme, frequency)
    WHERE candidate.frequency > 0
    ORDER BY candidate.frequency DESC, candidate.lexeme COLLATE "C"
    LIMIT most_lexemes
  );
END
$$;

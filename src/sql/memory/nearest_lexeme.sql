-- The lexeme of the corpus that is most like one that nobody wrote, or null when none is similar enough. A word with a
-- digit is never replaced: 2024 is not a misspelt 2023. Words that were written since the last fold are in the log, which
-- has no index for this: of them only those with the same first letter are compared, and where bulk statements wrote
-- many of these only some thousand, so that a misspelt word never costs what a large backlog holds.
-- SECURITY DEFINER, because nobody may read the vocabulary: it gives one word for one word, and none to a role that
-- row-level security keeps from some rows, because the word may be in those alone.
CREATE OR REPLACE FUNCTION nearest_lexeme(lexeme text)
RETURNS text
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
SET search_path FROM CURRENT
SET enable_seqscan = off
AS $$
DECLARE
  least_similarity CONSTANT real := 0.4;
  most_chunks CONSTANT integer := 16; -- of 64 words
  letter CONSTANT text := left(nearest_lexeme.lexeme, 1);
  after_letter CONSTANT text := letter || chr(1114111);
  threshold_before text;
  similar_lexemes text[];
  counted record;
BEGIN
  IF nearest_lexeme.lexeme ~ '\d' OR is_isolated_session() THEN
    RETURN NULL;
  END IF;
  -- The operator % can use the index, and takes its threshold from a setting (which is not SET on the function, because
  -- only a superuser may do that before pg_trgm is loaded). Asking for a similarity loads it.
  PERFORM trigram_similarity('', '');
  threshold_before := current_setting('pg_trgm.similarity_threshold');
  PERFORM set_config('pg_trgm.similarity_threshold', least_similarity::text, true);
  WITH log AS MATERIALIZED (
    SELECT entries.xid, entries.entry, entries.lexemes FROM search_log_entries() AS entries
  ), logged AS (
    SELECT unnest(tsvector_to_array(log.lexemes)) AS lexeme FROM log
    UNION ALL
    -- A chunk is a sorted part of an entry: these may have words with the letter.
    SELECT unnest(newest.lexemes)
    FROM (
      SELECT chunk.lexemes
      FROM log
      CROSS JOIN LATERAL (
        SELECT chunk.lexemes FROM search_log_lexemes AS chunk
        WHERE chunk.xid = log.xid AND chunk.entry = log.entry AND chunk.first_lexeme < after_letter
          AND chunk.first_lexeme >= COALESCE((
            SELECT max(before.first_lexeme) FROM search_log_lexemes AS before
            WHERE before.xid = log.xid AND before.entry = log.entry AND before.first_lexeme <= letter
          ), letter)
        LIMIT most_chunks
      ) AS chunk
      ORDER BY log.entry DESC
      LIMIT most_chunks
    ) AS newest
  )
  SELECT array_agg(DISTINCT written.lexeme)
  INTO similar_lexemes
  FROM (
    SELECT folded.lexeme FROM search_vocabulary AS folded WHERE is_trigram_similar(folded.lexeme, nearest_lexeme.lexeme)
    UNION ALL
    SELECT logged.lexeme
    FROM logged
    WHERE starts_with(logged.lexeme, letter) AND strpos(logged.lexeme, chr(1)) = 0
      AND is_trigram_similar(logged.lexeme, nearest_lexeme.lexeme)
  ) AS written;
  PERFORM set_config('pg_trgm.similarity_threshold', threshold_before, true);

  counted := read_search_statistics(COALESCE(similar_lexemes, '{}'));
  RETURN (
    SELECT candidate.lexeme
    FROM unnest(similar_lexemes, counted.document_frequencies) AS candidate (lexeme, frequency)
    WHERE candidate.frequency > 0 AND trigram_similarity(candidate.lexeme, nearest_lexeme.lexeme) >= least_similarity
    ORDER BY trigram_similarity(candidate.lexeme, nearest_lexeme.lexeme) DESC, candidate.frequency DESC, candidate.lexeme COLLATE "C"
    LIMIT 1
  );
END
$$;

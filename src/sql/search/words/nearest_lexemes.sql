-- The lexemes of the corpus that a word which nobody wrote may stand for, the likeliest first: those that one mistake made of
-- it (word_edits: of words with four letters only the commonest mistakes, of shorter ones none), then those that share
-- enough trigrams with it. A word with a digit is never replaced: 2024 is not a misspelt 2023.
-- Words that were written since the last fold are in the log, which has no index for this: of a backlog of bulk statements up
-- to some 200,000 are looked at, and those compared one by one that the vocabulary does not have.
--
-- lexeme: as the query has it; typed: the word as it was typed, whose mistakes are looked for before stemming
-- SECURITY DEFINER, because nobody may read the vocabulary: none for a role that row-level security keeps from some rows,
-- because a word may be in those alone.
CREATE OR REPLACE FUNCTION nearest_lexemes(lexeme text, typed text)
RETURNS text[]
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
SET search_path FROM CURRENT
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  least_similarity CONSTANT real := 0.4;
  most_chunks CONSTANT integer := 3000; -- of 64 words
  most_candidates CONSTANT integer := 200;
  word CONSTANT text := nearest_lexemes.lexeme;
  written CONSTANT text := CASE WHEN typed ~ '^\w+$' THEN lower(unify_text(typed)) ELSE word END;
  stemmer CONSTANT regdictionary := CASE WHEN word ~ '[\u0430-\u044f]' THEN 'pg_catalog.russian_stem' ELSE 'pg_catalog.english_stem' END;
  threshold_before text;
  edits text[] := '{}';
  kinds integer[] := '{}';
  candidates text[];
  counted record;
BEGIN
  IF word ~ '[\d\u0e01-\u0eff\u1000-\u109f\u1780-\u17d3\u2e80-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]' OR length(word) > 64
    OR is_isolated_session()
  THEN
    RETURN '{}';
  END IF;
  IF length(written) BETWEEN 4 AND 32 THEN
    SELECT array_agg(stem.lexeme), array_agg(stem.kind) INTO edits, kinds
    FROM (
      SELECT COALESCE((ts_lexize(stemmer, edited.edit))[1], edited.edit) AS lexeme, min(edited.kind) AS kind
      FROM word_edits(written) AS edited
      WHERE length(written) > 4 OR edited.kind = 0
      GROUP BY 1
    ) AS stem
    WHERE stem.lexeme <> word;
  END IF;
  -- The operator % can use the index, and takes its threshold from a setting (which is not SET on the function, because
  -- only a superuser may do that before pg_trgm is loaded). Asking for a similarity loads it.
  PERFORM trigram_similarity('', '');
  threshold_before := current_setting('pg_trgm.similarity_threshold');
  PERFORM set_config('pg_trgm.similarity_threshold', least_similarity::text, true);
  WITH log AS MATERIALIZED (
    SELECT entries.xid, entries.entry, entries.lexemes FROM search_log_entries() AS entries
  ), logged AS MATERIALIZED (
    SELECT DISTINCT named.lexeme COLLATE "C" AS lexeme
    FROM (
      SELECT unnest(tsvector_to_array(log.lexemes)) AS lexeme FROM log
      UNION ALL
      SELECT unnest(chunk.lexemes)
      FROM (
        SELECT chunk.lexemes FROM log JOIN search_log_lexemes AS chunk ON chunk.xid = log.xid AND chunk.entry = log.entry
        WHERE log.lexemes IS NULL
        LIMIT most_chunks
      ) AS chunk
    ) AS named
    WHERE length(named.lexeme) BETWEEN length(word) - 4 AND length(word) + 5 AND strpos(named.lexeme, chr(1)) = 0
  ), unfolded AS MATERIALIZED (
    SELECT logged.lexeme FROM logged
    WHERE NOT EXISTS (SELECT FROM search_vocabulary AS folded WHERE folded.lexeme = logged.lexeme)
  )
  SELECT array_agg(DISTINCT near.lexeme)
  INTO candidates
  FROM (
    SELECT folded.lexeme FROM unnest(edits) AS edit (lexeme) JOIN search_vocabulary AS folded ON folded.lexeme = edit.lexeme COLLATE "C"
    UNION ALL
    SELECT folded.lexeme FROM search_vocabulary AS folded WHERE is_trigram_similar(folded.lexeme, word)
    UNION ALL
    SELECT edit.lexeme FROM unnest(edits) AS edit (lexeme) WHERE edit.lexeme IN (SELECT unfolded.lexeme FROM unfolded)
    UNION ALL
    SELECT unfolded.lexeme FROM unfolded WHERE is_trigram_similar(unfolded.lexeme, word)
  ) AS near;
  PERFORM set_config('pg_trgm.similarity_threshold', threshold_before, true);

  counted := read_search_statistics(COALESCE(candidates, '{}'));
  RETURN ARRAY(
    SELECT candidate.lexeme
    FROM unnest(candidates, counted.document_frequencies) AS candidate (lexeme, frequency)
    CROSS JOIN LATERAL (SELECT array_position(edits, candidate.lexeme) AS place, trigram_similarity(candidate.lexeme, word) AS similarity) AS near
    WHERE candidate.frequency > 0 AND candidate.lexeme <> word AND (near.place IS NOT NULL OR near.similarity >= least_similarity)
    ORDER BY COALESCE(kinds[near.place], 2), left(candidate.lexeme, 1) <> left(word, 1),
      near.similarity DESC, candidate.frequency DESC, candidate.lexeme COLLATE "C"
    LIMIT most_candidates
  );
END
$$;

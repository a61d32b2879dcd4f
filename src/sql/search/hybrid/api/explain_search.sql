-- Why bm25_search finds what it finds, and how: takes what bm25_search takes, and answers
--   documents, average_length: the corpus that the scores are about
--   path: 'every match' (few match), 'text' (words that are not indexed: see stop_word_rows), 'threshold' (only rows that can reach it are read), 'filter' (the filter's own index
--     finds so few rows that all of them are read) or 'no match'
--   access: the indexes that found the rows: 'search' (search_vector's), 'both' (also the filter's), 'filter' (only the filter's)
--   share: the share of rows that the filter is thought to pass
--   rounds: for each statement that was run the threshold, its arms (alternative conditions) and the candidates read
--   lexemes: what is ranked by, after correction: lexeme, times (how many of the query's words it is a form of),
--     document_frequency, idf (that of the word, which all its forms share)
--   corrections: for each word that was replaced, as it was typed, the lexeme that was taken for it
--   results: best first, id, score, length and, for each lexeme that the row has, tf and what it adds to the score (as much as
--     is left of it where phrases or corrections count)
CREATE OR REPLACE FUNCTION explain_search(
  query_text text, query_tags text[] DEFAULT '{}', k integer DEFAULT 10, filter jsonb DEFAULT '{}'
)
RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  condition text;
  found record;
  query record;
  has_prefixes boolean;
  own_lexemes text[];
BEGIN
  IF query_text IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'explain_search: query_text must be text, got null';
  END IF;
  PERFORM check_query_text('explain_search', query_text);
  PERFORM check_search_limit('explain_search', k);
  query_tags := COALESCE(query_tags, '{}');
  filter := COALESCE(filter, '{}');
  condition := memory_filter_condition(query_tags, filter);
  query := bm25_query(query_text, condition, query_tags, filter);
  found := bm25_find(query, condition, query_tags, k, filter);
  has_prefixes := COALESCE((filter -> 'prefix')::boolean, false) OR strpos(query_text, '*') > 0;
  IF has_prefixes THEN
    EXECUTE format('SELECT array_agg(word.lexeme) FROM unnest($3::text[]) AS word (lexeme)'
      ' WHERE EXISTS (SELECT FROM memory_items AS m WHERE m.search_vector @@ quote_lexeme(word.lexeme)::tsquery AND (%s) IS TRUE)', condition)
    INTO own_lexemes USING query_tags, filter, query.words;
  END IF;

  RETURN jsonb_strip_nulls(jsonb_build_object('path', found.path, 'access', found.access, 'share', found.share))
    || jsonb_build_object(
    'rounds', (
      SELECT COALESCE(jsonb_agg(jsonb_build_object(
        'threshold', round.threshold, 'arms', round.arms, 'candidates', round.candidates) ORDER BY round.place), '[]')
      FROM unnest(found.thresholds, found.arm_counts, found.candidate_counts)
        WITH ORDINALITY AS round (threshold, arms, candidates, place)
    ),
    'documents', query.documents,
    'average_length', query.average_length,
    'lexemes', (
      SELECT COALESCE(jsonb_agg(jsonb_build_object(
        'lexeme', word.lexeme, 'times', word.times, 'document_frequency', word.frequency, 'idf', word.weight / 2.2 / word.times
      ) ORDER BY word.place), '[]')
      FROM unnest(query.words, query.times, query.frequencies, query.weights) WITH ORDINALITY
        AS word (lexeme, times, frequency, weight, place)
      -- What stands for a beginning may be a word that only rows have which the filter keeps away.
      WHERE NOT has_prefixes OR word.lexeme = ANY (own_lexemes)
    ),
    'corrections', COALESCE(query.corrections, '{}'),
    'results', (
      SELECT COALESCE(jsonb_agg(jsonb_build_object(
        'id', m.id, 'score', best.score, 'length', m.lexeme_count, 'lexemes', (
          SELECT COALESCE(jsonb_agg(jsonb_build_object(
            'lexeme', part.lexeme, 'tf', part.tf, 'contribution', part.contribution * best.score / part.words_score
          ) ORDER BY part.place), '[]')
          FROM (
            SELECT word.lexeme, word.place, entry.tf, impact.contribution, sum(impact.contribution) OVER () AS words_score
            FROM unnest(query.words, query.weights) WITH ORDINALITY AS word (lexeme, weight, place)
            JOIN (
              SELECT held.lexeme, COALESCE(cardinality(held.positions), 1)::float8 AS tf FROM unnest(m.search_vector) AS held
            ) AS entry ON entry.lexeme = word.lexeme
            CROSS JOIN LATERAL (
              SELECT word.weight * entry.tf / (entry.tf + 1.2 * (0.25 + 0.75 * m.lexeme_count / query.average_length))
            ) AS impact (contribution)
          ) AS part
        )
      ) ORDER BY best.score DESC, m.id COLLATE "C"), '[]')
      FROM unnest(found.ids, found.scores) AS best (id, score)
      JOIN memory_items AS m ON m.id = best.id
    )
  );
END
$$;

-- path: of the installation
SELECT set_config('opa.schema', coalesce(nullif(current_setting('opa.schema', true), ''), current_schema(), ''), true);
--> statement-breakpoint
-- path: checked when they run
SET LOCAL check_function_bodies = off;
--> statement-breakpoint
-- path: schema
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema')), quote_ident(current_setting('opa.schema') || '_opa'), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/search/hybrid/api/explain_search.sql
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
--> statement-breakpoint
-- source: src/sql/search/hybrid/api/hybrid_search.sql
-- Search by keyword and by meaning together. Each leg offers its best max(100, 4k) rows; the union of both is scored on
-- both legs, so that no row gets a zero for not having been offered by a leg, and the k best by the combined score are
-- returned.
--
-- convex: (bm25_weight * bm25 / max(bm25) + vector_weight * (similarity + 1) / (max(similarity) + 1)) / (sum of weights);
--   a score that a row does not have, or a range of zero, counts as 0.
-- rrf: bm25_weight / (60 + bm25_rank) + vector_weight / (60 + vector_rank); a missing rank counts as nothing.
-- Phrases must occur and exclusions must not in every row that is returned, whichever leg found it.
--
-- Without words to rank by it is vector search; without a vector it is keyword search, which answers no rows for a text
-- without words. Neither a text nor a vector is an error.
-- query_tags, k, filter: as in bm25_search, and these keys of filter, all of them off by default:
--   recency: a half-life in days; the combined score is multiplied by 2 ^ -(age / recency), see memory_factor
--   importance: 0 to 1, or true for 1; the combined score is multiplied by 1 - importance * (1 - the row's importance).
--     With convex the result is that of scoring every match (hybrid_factor_candidates); with rrf, whose ranks are among
--     the candidates, the candidates are ranked anew.
--   diversity: lambda of maximal marginal relevance, 1 (by score) to 0 (by difference), among the best max(100, 4k) by
--     the combined score, which it leaves as it is; see diverse_ids
--   after: {"score": combined_score, "id": id} of the last row of the page before. Pages of one k and the same options
--     join to the whole ranking of the candidates, without gaps and without repetitions. Not with diversity.
--   candidates: from k to 10000, how many rows each leg (and diversity) considers instead of max(100, 4k)
--   model: the name of the model that made query_embedding, which is refused if another is the current one
--   min_score: the least combined score that a row must have, 0 to 1
-- Sources: Bruch, Gai and Ingber, An Analysis of Fusion Functions for Hybrid Retrieval, 2022; Cormack, Clarke and
-- Büttcher, Reciprocal Rank Fusion, 2009.
CREATE OR REPLACE FUNCTION hybrid_search(
  query_text text, query_embedding vector, query_tags text[] DEFAULT '{}', k integer DEFAULT 10,
  bm25_weight float8 DEFAULT 0.5, vector_weight float8 DEFAULT 0.5, filter jsonb DEFAULT '{}', fusion text DEFAULT 'convex'
)
RETURNS TABLE (
  id text, text text, tags text[], created_at timestamptz, bm25_score float8, vector_score float8,
  combined_score float8, bm25_rank integer, vector_rank integer
)
LANGUAGE plpgsql STABLE ROWS 10
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    SELECT found.id, found.text, found.tags, found.created_at, found.bm25_score, found.vector_score, found.combined_score,
      found.bm25_rank, found.vector_rank
    FROM hybrid_search_corrected(query_text, query_embedding, query_tags, k, bm25_weight, vector_weight, filter, fusion) AS found;
END
$$;
--> statement-breakpoint
-- source: src/sql/search/hybrid/api/hybrid_search_corrected.sql
-- As hybrid_search, and says which words were corrected: see bm25_search_corrected.
CREATE OR REPLACE FUNCTION hybrid_search_corrected(
  query_text text, query_embedding vector, query_tags text[] DEFAULT '{}', k integer DEFAULT 10,
  bm25_weight float8 DEFAULT 0.5, vector_weight float8 DEFAULT 0.5, filter jsonb DEFAULT '{}', fusion text DEFAULT 'convex'
)
RETURNS TABLE (
  id text, text text, tags text[], created_at timestamptz, bm25_score float8, vector_score float8,
  combined_score float8, bm25_rank integer, vector_rank integer, corrections jsonb
)
LANGUAGE plpgsql STABLE ROWS 10
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
  options CONSTANT text[] := '{recency,importance,diversity,after,candidates,min_score}';
  condition text;
  leg_filter jsonb;
  query record;
  offered integer;
  lambda float8;
  legs record;
  min_score float8;
BEGIN
  PERFORM check_query_text('hybrid_search', query_text);
  IF query_embedding IS NOT NULL OR filter ? 'model' THEN
    PERFORM check_query_embedding('hybrid_search', query_embedding, filter);
  END IF;
  PERFORM check_search_limit('hybrid_search', k);
  PERFORM check_fusion(bm25_weight, vector_weight, fusion);
  query_tags := COALESCE(query_tags, '{}');
  filter := COALESCE(filter, '{}');
  IF row_security_active('memory_items') THEN
    IF may_search_by_grants() THEN
      RETURN QUERY SELECT *, NULL::jsonb FROM hybrid_search_by_grants(
        query_text, query_embedding::text, query_tags, k, bm25_weight, vector_weight, filter, fusion
      );
      RETURN;
    END IF;
  END IF;
  IF filter -> 'model' IS NOT NULL THEN
    filter := filter - 'model';
  END IF;
  condition := memory_filter_condition(query_tags, filter, options);
  IF filter ?| options THEN
    PERFORM check_ranking_options(filter, k), check_cursor(filter);
    min_score := check_min_score(filter, 0, 1);
  END IF;
  leg_filter := filter - options;
  offered := COALESCE((filter -> 'candidates')::integer, greatest(100, 4 * k));
  lambda := (filter -> 'diversity')::float8;

  IF COALESCE(query_text, '') = '' AND query_embedding IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = 'hybrid_search: expected a query_text, or a query_embedding, or both; got neither';
  END IF;
  query := bm25_query(COALESCE(query_text, ''), condition, query_tags, leg_filter);
  IF fusion = 'convex' AND filter ?| '{recency,importance}' THEN
    legs := hybrid_factor_candidates(
      query, query_embedding, condition, query_tags,
      CASE WHEN lambda IS NULL THEN k ELSE offered END, offered, bm25_weight, vector_weight, filter, leg_filter
    );
  ELSE
    legs := hybrid_candidates(
      query, query_embedding, condition, query_tags, offered, leg_filter
    );
  END IF;

  RETURN QUERY
    WITH best AS MATERIALIZED (
      SELECT scored.*
      FROM hybrid_scores(
        legs.nearest, legs.keyword_ids, legs.keyword_scores, query, query_embedding,
        bm25_weight, vector_weight, fusion, filter
      ) AS scored
      WHERE min_score IS NULL OR scored.score >= min_score
      ORDER BY scored.score DESC, scored.id COLLATE "C"
      LIMIT CASE WHEN lambda IS NULL THEN k ELSE offered END
    ),
    diverse AS MATERIALIZED (
      SELECT picked.id, picked.turn
      FROM unnest((
        SELECT diverse_ids(
          array_agg(best.id ORDER BY best.score DESC, best.id COLLATE "C"),
          array_agg(best.score ORDER BY best.score DESC, best.id COLLATE "C"), lambda, k)
        FROM best
      )) WITH ORDINALITY AS picked (id, turn)
      WHERE lambda IS NOT NULL
    )
    SELECT m.id, m.text, m.tags, m.created_at, COALESCE(best.bm25, 0), best.similarity, best.score,
      best.bm25_rank::integer, best.vector_rank::integer, query.corrections
    FROM best
    LEFT JOIN diverse ON diverse.id = best.id
    JOIN memory_items AS m ON m.id = best.id
    WHERE lambda IS NULL OR diverse.turn IS NOT NULL
    ORDER BY diverse.turn, best.score DESC, m.id COLLATE "C";
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- path: of the functions above
ALTER FUNCTION explain_search(query_text text, query_tags text[], k integer, filter jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION hybrid_search(query_text text, query_embedding vector, query_tags text[], k integer, bm25_weight float8, vector_weight float8, filter jsonb, fusion text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION hybrid_search_corrected(query_text text, query_embedding vector, query_tags text[], k integer, bm25_weight float8, vector_weight float8, filter jsonb, fusion text) SET search_path FROM CURRENT;

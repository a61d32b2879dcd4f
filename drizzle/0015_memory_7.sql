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
-- source: src/sql/memory/api/count_memories.sql
-- How many memories meet a filter: those that a search could return. query_tags and filter as in bm25_search, and
--   expired, superseded: true to count those that expired or were superseded as well
--
--   SELECT count_memories(filter => '{"namespace": "ana", "where": {"importance": {"gte": 0.7}}}');
CREATE OR REPLACE FUNCTION count_memories(query_tags text[] DEFAULT '{}', filter jsonb DEFAULT '{}')
RETURNS bigint
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  counted bigint;
BEGIN
  query_tags := COALESCE(query_tags, '{}');
  filter := COALESCE(filter, '{}');
  EXECUTE format('SELECT count(*) FROM memory_items AS m WHERE %s',
    memory_filter_condition(query_tags, filter, '{expired,superseded}'))
  INTO counted
  USING query_tags, filter;
  RETURN counted;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/count_scope.sql
-- How many memories a filter passes, expired and superseded ones if it says so, and how many entries of history they have.
CREATE OR REPLACE FUNCTION count_scope(filter jsonb, OUT memories bigint, OUT history_entries bigint)
LANGUAGE plpgsql STABLE
AS $$
BEGIN
  EXECUTE format('SELECT count(*), COALESCE(sum((SELECT count(*) FROM memory_history AS kept WHERE kept.memory_id = m.id)), 0)'
    ' FROM memory_items AS m WHERE %s', memory_filter_condition('{}', filter, '{expired,superseded}'))
  INTO memories, history_entries
  USING '{}'::text[], filter;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/embedding_index_definition.sql
-- What a vector index of a model is on: half-precision vectors, normalised, because components near 1e-9 would vanish and
-- 70,000 would not fit. The searches order by the same expression. Names of pgvector's are qualified, for clients that
-- run the statement with a search_path of their own.
CREATE OR REPLACE FUNCTION embedding_index_definition(model integer, dimensions integer)
RETURNS text
LANGUAGE plpgsql STABLE
AS $$
BEGIN
  RETURN (
    SELECT format('((%1$I.l2_normalize(%2$s)::%1$I.halfvec(%3$s)) %1$I.halfvec_cosine_ops)',
      place.nspname, embedding_expression(model, ''), dimensions)
    FROM pg_extension AS vector
    JOIN pg_namespace AS place ON place.oid = vector.extnamespace
    WHERE vector.extname = 'vector'
  );
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/embedding_model.sql
-- The embedding model whose vectors are searched, and, while a change is under way, the next one. name is null until
-- somebody named it, dimensions is the length of its vectors, id what memory_items.embedding_model says of them.
CREATE OR REPLACE FUNCTION embedding_model(
  OUT id integer, OUT name text, OUT dimensions integer, OUT since timestamptz,
  OUT next_id integer, OUT next_name text, OUT next_dimensions integer, OUT next_since timestamptz
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
BEGIN
  SELECT model.id, model.name, model.dimensions, model.since INTO id, name, dimensions, since
  FROM current_embedding_model() AS model;
  SELECT model.id, model.name, model.dimensions, model.since INTO next_id, next_name, next_dimensions, next_since
  FROM next_embedding_model() AS model;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/erase_memories.sql
-- Deletes up to `most` memories of a scope with their history, expired and superseded ones too, and answers how many of
-- both; call it until it answers 0. scope is a filter as in bm25_search that says something: a namespace, a speaker_id, a
-- where. The ids of what is gone are taken from the memories that they superseded. The words leave the statistics by a
-- fold: fold_search_statistics().
CREATE OR REPLACE FUNCTION erase_memories(
  scope jsonb, most integer DEFAULT 1000, OUT memories bigint, OUT history_entries bigint
)
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  filter CONSTANT jsonb := scope || '{"expired": true, "superseded": true}';
  condition text;
  doomed text[];
BEGIN
  IF scope IS NULL OR jsonb_typeof(scope) <> 'object' OR scope = '{}' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('erase_memories: scope must say whose memories, for example {"namespace": "ana"}, got %s', COALESCE(left(scope::text, 60), 'null'));
  END IF;
  IF most IS NULL OR most NOT BETWEEN 1 AND 10000 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('erase_memories: most must be from 1 to 10000, got %s', COALESCE(most::text, 'null'));
  END IF;
  condition := memory_filter_condition('{}', filter, '{expired,superseded}');
  EXECUTE format('SELECT ARRAY(SELECT m.id FROM memory_items AS m WHERE %s ORDER BY m.id LIMIT $3 FOR UPDATE)', condition)
  INTO doomed
  USING '{}'::text[], filter, most;
  SELECT count(*) INTO history_entries FROM memory_history AS kept WHERE kept.memory_id = ANY (doomed);
  UPDATE memory_items AS m SET superseded_by = '(erased)' WHERE m.superseded_by = ANY (doomed) AND m.id <> ALL (doomed);
  DELETE FROM memory_items AS m WHERE m.id = ANY (doomed);
  GET DIAGNOSTICS memories = ROW_COUNT;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/explain_search.sql
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
-- source: src/sql/memory/api/find_words.sql
-- Where any of these words stands in the database, whoever wrote it: for each table of the installation the number of rows
-- that have one, as a part of any value (in any case), or as a lexeme. It reads every row of every table, and is meant for
-- tests and audits. Only tables that the caller may read are looked at; a refusal names the first that is not.
CREATE OR REPLACE FUNCTION find_words(words text[])
RETURNS TABLE (table_name text, matches bigint)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  sought text[];
  lexemes text[];
  one record;
BEGIN
  IF words IS NULL OR cardinality(words) = 0 OR array_position(words, NULL) IS NOT NULL OR '' = ANY (words) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('find_words: words must be texts that are not empty, got %s', COALESCE(left(words::text, 60), 'null'));
  END IF;
  SELECT array_agg(DISTINCT lower(word)) INTO sought FROM unnest(words) AS word;
  SELECT array_agg(DISTINCT lexeme) INTO lexemes
  FROM unnest(words) AS word, unnest(tsvector_to_array(to_tsvector('pg_catalog.english', word))) AS lexeme;
  FOR one IN
    SELECT c.oid::regclass AS name, c.relname LIKE 'search\_%' AS is_statistics
    FROM pg_catalog.pg_class AS c
    WHERE c.relkind IN ('r', 'p', 'm') AND c.relnamespace IN (
      SELECT relnamespace FROM pg_catalog.pg_class WHERE oid IN ('memory_items'::regclass, 'search_lexemes'::regclass)
    )
    ORDER BY 1
  LOOP
    table_name := one.name::text;
    IF one.is_statistics THEN
      EXECUTE format('SELECT count(*) FROM %s AS r WHERE EXISTS (SELECT FROM unnest($1 || $2) AS word'
        ' WHERE lower(r::text) ~ (''(^|[^[:alnum:]])'' || regexp_replace(word, ''([^[:alnum:]])'', ''\\\1'', ''g'') || ''($|[^[:alnum:]])''))', one.name)
      INTO matches USING sought, COALESCE(lexemes, '{}');
    ELSE
      EXECUTE format('SELECT count(*) FROM %s AS r WHERE EXISTS (SELECT FROM unnest($1) AS word WHERE strpos(lower(r::text), word) > 0)', one.name)
      INTO matches USING sought;
    END IF;
    IF matches > 0 THEN
      RETURN NEXT;
    END IF;
  END LOOP;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/finish_model_change.sql
-- Switches the searches to the next model: a statement that began before goes on by the old one to its end, one that
-- begins after the commit goes by the new one, and a vector of the old model is refused from then on. Refused while
-- memories that the old model finds have no vector of the new one, unless accept_pending: those are then found by
-- keyword alone until they are embedded.
--
-- Waits for transactions that have written a vector (set lock_timeout, so that others do not wait behind it for long);
-- searches never wait. The vectors of the new model move to `embedding` by settle_embeddings, called until it is done.
CREATE OR REPLACE FUNCTION finish_model_change(accept_pending boolean DEFAULT false)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  next record;
  pending bigint;
BEGIN
  LOCK TABLE embedding_models IN EXCLUSIVE MODE;
  SELECT * INTO next FROM next_embedding_model();
  IF next.id IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = 'finish_model_change: no change of the model is under way: begin_model_change begins one';
  END IF;
  IF NOT COALESCE(accept_pending, false) THEN
    pending := pending_embeddings(next.id, false, 1000000);
    IF pending > 0 THEN
      RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
        MESSAGE = format('finish_model_change: %s memories have no vector of the model "%s" yet', pending, next.name),
        HINT = 'Embed them, or pass accept_pending => true.';
    END IF;
  END IF;
  UPDATE embedding_models SET state = 'former', changed_at = now() WHERE state = 'current';
  UPDATE embedding_models SET state = 'current', changed_at = now() WHERE id = next.id;
  -- The planner goes by what an index is on, not by its name: a search that began before still uses the old one.
  ALTER INDEX IF EXISTS memory_items_embedding_idx RENAME TO memory_items_embedding_idx_old;
  ALTER INDEX IF EXISTS memory_items_embedding_idx_next RENAME TO memory_items_embedding_idx;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/highlight.sql
-- The part of a text that answers a query best, its matching words between start_tag and stop_tag. Words match as in
-- bm25_search: in every form and language, by a part of a compound, corrected. Of scripts without spaces the matching
-- characters are marked. The query is taken as prose: what it excludes is in no result.
--
-- max_words: how long the part may be; 0 gives the whole text
-- filter: that of the search (without after and what hybrid_search has of its own): a word that no row which passes it has is
--   corrected as there
-- as_html: true escapes the text (&, <, >, " and '), not the tags
-- A document of more than 64 KiB, the longest memory, is refused.
CREATE OR REPLACE FUNCTION highlight(
  document text, query_text text, start_tag text DEFAULT '<b>', stop_tag text DEFAULT '</b>', max_words integer DEFAULT 35,
  filter jsonb DEFAULT '{}', as_html boolean DEFAULT false
)
RETURNS text
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  -- A token: a number, a letter with a number, initials, or letters and digits. All begin with a letter or a digit.
  tokens CONSTANT text := '([^[:alnum:]]*)(\d+(?:[.,]\d+)+|[A-Za-z]{1,5}-\d{1,6}[A-Za-z]?(?![[:alnum:]])|(?:[A-Za-z]\.){2,}|[[:alnum:]\u0300-\u036f\u0900-\u109f\u1780-\u17d3]+)';
  condition text;
  words text[];
  marked record;
  shown text := '';
BEGIN
  IF num_nulls(document, query_text, start_tag, stop_tag) > 0 THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
      MESSAGE = 'highlight: document, query_text, start_tag and stop_tag must be text, got a null among them';
  END IF;
  IF max_words IS NULL OR max_words NOT BETWEEN 0 AND 1000 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('highlight: max_words must be from 0 to 1000, got %s', COALESCE(max_words::text, 'null'));
  END IF;
  IF octet_length(document) > 65536 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('highlight: document must have at most 65536 bytes, got %s', octet_length(document));
  END IF;
  PERFORM check_query_text('highlight', query_text);
  filter := COALESCE(filter, '{}');
  condition := memory_filter_condition('{}', filter);
  words := (bm25_query(query_text, condition, '{}', filter || '{"operators": false}')).words;

  WITH token AS MATERIALIZED (
    SELECT hit[1] AS gap, hit[2] AS token, place::integer
    FROM regexp_matches(document, tokens, 'g') WITH ORDINALITY AS hit (hit, place)
  ), matching AS MATERIALIZED (
    SELECT known.token, known.lexeme
    FROM (SELECT DISTINCT token FROM token) AS distinct_token
    CROSS JOIN LATERAL (SELECT distinct_token.token, matching_lexeme(distinct_token.token, words) AS lexeme) AS known
    WHERE known.lexeme IS NOT NULL
  ), hit AS MATERIALIZED (
    SELECT token.place, matching.lexeme FROM token JOIN matching ON matching.token = token.token ORDER BY token.place LIMIT 1000
  ), best AS (
    -- The window with the most different words of the query, the first of them; it begins some words before its first hit.
    SELECT first.place AS first, max(other.place) AS last
    FROM (SELECT * FROM hit LIMIT 200) AS first
    JOIN hit AS other ON other.place BETWEEN first.place AND first.place + max_words - 1
    GROUP BY first.place
    ORDER BY count(DISTINCT other.lexeme) DESC, first.place LIMIT 1
  ), span AS (
    SELECT CASE WHEN max_words = 0 OR max_words >= (SELECT count(*) FROM token) THEN 1
      ELSE greatest(1, least(
        COALESCE(best.first - (max_words - 1 - best.last + best.first) / 2, 1), (SELECT count(*) FROM token) - max_words + 1)) END AS first
    FROM (SELECT) AS one LEFT JOIN best ON true
  )
  SELECT string_agg(
      CASE WHEN token.place = span.first AND span.first > 1 THEN '' ELSE shown_text(token.gap, as_html) END
      || CASE WHEN matching.lexeme IS NULL THEN shown_text(token.token, as_html)
         ELSE mark_token(token.token, words, start_tag, stop_tag, as_html) END, '' ORDER BY token.place) AS text,
    max(token.place) = (SELECT count(*) FROM token) AS has_end, max(char_length) AS char_length
  INTO marked
  FROM span
  JOIN token ON token.place >= span.first AND (max_words = 0 OR token.place < span.first + max_words)
  LEFT JOIN matching ON matching.token = token.token
  CROSS JOIN (SELECT sum(length(gap) + length(token.token)) AS char_length FROM token) AS all_tokens;
  IF marked.text IS NULL THEN
    RETURN shown_text(document, as_html);
  END IF;
  -- What follows the last token belongs to the end.
  RETURN marked.text || CASE WHEN marked.has_end THEN shown_text(substr(document, marked.char_length::integer + 1), as_html) ELSE '' END;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/hybrid_search.sql
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
-- source: src/sql/memory/api/hybrid_search_corrected.sql
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
ALTER FUNCTION count_memories(query_tags text[], filter jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION count_scope(filter jsonb, OUT memories bigint, OUT history_entries bigint) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION embedding_index_definition(model integer, dimensions integer) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION embedding_model(OUT id integer, OUT name text, OUT dimensions integer, OUT since timestamptz, OUT next_id integer, OUT next_name text, OUT next_dimensions integer, OUT next_since timestamptz) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION erase_memories(scope jsonb, most integer, OUT memories bigint, OUT history_entries bigint) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION explain_search(query_text text, query_tags text[], k integer, filter jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION find_words(words text[]) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION finish_model_change(accept_pending boolean) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION highlight(document text, query_text text, start_tag text, stop_tag text, max_words integer, filter jsonb, as_html boolean) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION hybrid_search(query_text text, query_embedding vector, query_tags text[], k integer, bm25_weight float8, vector_weight float8, filter jsonb, fusion text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION hybrid_search_corrected(query_text text, query_embedding vector, query_tags text[], k integer, bm25_weight float8, vector_weight float8, filter jsonb, fusion text) SET search_path FROM CURRENT;

-- path: of the installation
SELECT set_config('opa.schema', coalesce(nullif(current_setting('opa.schema', true), ''), current_schema(), ''), true);
--> statement-breakpoint
-- path: checked when they run
SET LOCAL check_function_bodies = off;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/memory/vector_rows.sql
-- The limit_rows rows nearest to the query by cosine, among those with an embedding that meet what the query text
-- requires (null: nothing) and pass the condition, which speaks of $1 (query_tags) and $2 (filter).
--
-- Never fewer than limit_rows when so many pass: an approximate index is asked only where many rows pass, and what it
-- leaves short is read exactly. Where few pass, the exact scan over them is both faster and complete (measured at
-- 200,000 rows with a filter that 0.1 % pass: HNSW with iterative scan took 50 ms for 7 of 10 rows).
CREATE OR REPLACE FUNCTION vector_rows(
  query_embedding vector, required tsquery, condition text, query_tags text[], limit_rows integer, filter jsonb
)
RETURNS TABLE (id text, similarity float8)
LANGUAGE plpgsql STABLE ROWS 10
AS $$
#variable_conflict use_column
DECLARE
  query constant vector := l2_normalize(query_embedding);
  method text;
  lists integer;
  row_estimate float8;
  -- Up to so many rows the exact scan is the better choice. It costs about 1.3 microseconds a row that passes; the index
  -- some 6 ms at the least, and 11 microseconds for each row that it meets, twice limit_rows for each that passes of all.
  -- So they meet at 4000 rows, or where the square of the passing rows is 12 * limit_rows * all rows (measured on 100,000).
  few bigint;
  passing bigint;
  ids text[];
  similarities float8[];
  -- Under row-level security the planner cannot tell how few rows the policy lets pass, and would read the whole table.
  is_isolated constant boolean := row_security_active('memory_items');
  seqscan_before constant text := current_setting('enable_seqscan');
BEGIN
  condition := condition || CASE WHEN required IS NULL THEN '' ELSE ' AND m.search_vector @@ $3' END;

  IF is_isolated THEN
    PERFORM set_config('enable_seqscan', 'off', true);
  END IF;
  SELECT indexed.method, indexed.lists, indexed.row_estimate,
    greatest(4000, limit_rows, sqrt(12 * limit_rows * indexed.row_estimate))
  INTO method, lists, row_estimate, few
  FROM vector_index() AS indexed;

  IF method IS NOT NULL AND row_estimate > few AND required IS NULL AND query_tags = '{}' AND filter - 'fuzzy' = '{}'
    AND NOT is_isolated
  THEN
    -- Nothing but expiry narrows the search: whoever is wrong about that is caught below, by too few rows.
    passing := row_estimate;
  ELSIF method IS NOT NULL THEN
    EXECUTE format(
      'SELECT count(*) FROM (SELECT FROM memory_items AS m WHERE m.embedding IS NOT NULL AND %s LIMIT $4) AS passing',
      condition
    )
    INTO passing
    USING query_tags, filter, required, few + 1;
  END IF;

  IF passing > few THEN
    SELECT array_agg(nearest.id), array_agg(nearest.similarity) INTO ids, similarities
    FROM vector_index_rows(query, required, condition, query_tags, limit_rows, filter, method, lists) AS nearest;
    IF cardinality(ids) = limit_rows THEN
      IF is_isolated THEN
        PERFORM set_config('enable_seqscan', seqscan_before, true);
      END IF;
      RETURN QUERY SELECT * FROM unnest(ids, similarities);
      RETURN;
    END IF;
  END IF;

  RETURN QUERY EXECUTE format(
    $query$
      SELECT m.id, 1 - (m.embedding <=> $4) AS similarity
      FROM memory_items AS m
      WHERE m.embedding IS NOT NULL AND %s
      ORDER BY similarity DESC, m.id COLLATE "C"
      LIMIT $5
    $query$,
    condition
  )
  USING query_tags, filter, required, query, limit_rows;
  IF is_isolated THEN
    PERFORM set_config('enable_seqscan', seqscan_before, true);
  END IF;
END
$$;
--> statement-breakpoint
-- path: schema
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema')), quote_ident(current_setting('opa.schema') || '_opa'), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/memory/api/bm25_score.sql
-- The BM25 score that a text would have for a query if its statistics were the corpus's: STABLE, because they change.
-- Misspelt words are not corrected; 0 when a phrase does not occur or an exclusion does. On an empty corpus the average
-- length is the text's own.
CREATE OR REPLACE FUNCTION bm25_score(
  query_text text, doc_text text, k1 float8 DEFAULT 1.2, b float8 DEFAULT 0.75
)
RETURNS float8
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  parsed record;
  statistics record;
  document tsvector;
  length integer;
BEGIN
  IF query_text IS NULL OR doc_text IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
      MESSAGE = format('bm25_score: query_text and doc_text must be text, got null for %s',
        CASE WHEN query_text IS NULL THEN 'query_text' ELSE 'doc_text' END);
  END IF;
  IF k1 IS NULL OR NOT (k1 >= 0 AND k1 <= 1000) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('bm25_score: k1 must be from 0 to 1000, got %s', COALESCE(k1::text, 'null'));
  END IF;
  IF b IS NULL OR NOT (b >= 0 AND b <= 1) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('bm25_score: b must be from 0 to 1, got %s', COALESCE(b::text, 'null'));
  END IF;
  PERFORM check_query_text('bm25_score', query_text);

  SELECT * INTO parsed FROM parse_search_query(query_text);
  document := to_tsvector('pg_catalog.english', doc_text);
  IF cardinality(parsed.lexemes) = 0 OR document = '' OR (parsed.required IS NOT NULL AND NOT document @@ parsed.required) THEN
    RETURN 0;
  END IF;
  SELECT * INTO statistics FROM search_statistics(parsed.lexemes);
  length := lexeme_count(doc_text);
  RETURN bm25_document_score(
    document, length,
    CASE WHEN statistics.total_length > 0 THEN statistics.total_length::float8 / statistics.documents ELSE length END,
    parsed.lexemes,
    ARRAY(
      SELECT bm25_idf(statistics.documents, frequency.df)
      FROM unnest(statistics.document_frequencies) WITH ORDINALITY AS frequency (df, place)
      ORDER BY frequency.place
    ),
    k1, b
  );
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/bm25_search.sql
-- Keyword search: the k best rows by BM25 (k1 = 1.2, b = 0.75) among those that share a lexeme with the query and pass
-- the filters. Statistics are over all rows, so a filter narrows the results and never changes a score. The result is
-- that of scoring every match, but few matches are read: see bm25_find.
--
-- query_text: words, "phrases", -exclusions; stop words alone find nothing
-- query_tags: any of them must be on a row; filter.all_tags = true: all of them; none: no tag filter
-- k: 1 to 1000
-- filter: namespace, speaker_id, all_tags, since, until, metadata, ids, fuzzy;
--   after: {"score": score, "id": id} of the last row of the page before. Pages join to the list that a larger k gives.
--     The search is made longer until it reaches beyond the cursor, so a page costs more the further back it is.
CREATE OR REPLACE FUNCTION bm25_search(
  query_text text, query_tags text[] DEFAULT '{}', k integer DEFAULT 10, filter jsonb DEFAULT '{}'
)
RETURNS TABLE (id text, text text, tags text[], created_at timestamptz, score float8)
LANGUAGE plpgsql STABLE ROWS 10
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
  condition text;
  parsed record;
  found record;
  is_page boolean;
  sought integer := k;
BEGIN
  -- The checks have the details; asked only when something is wrong, they cost nothing.
  IF (octet_length(query_text) <= 65536 AND k BETWEEN 1 AND 1000) IS NOT TRUE THEN
    IF query_text IS NULL THEN
      RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'bm25_search: query_text must be text, got null';
    END IF;
    PERFORM check_query_text('bm25_search', query_text);
    PERFORM check_search_limit('bm25_search', k);
  END IF;
  query_tags := COALESCE(query_tags, '{}');
  filter := COALESCE(filter, '{}');
  condition := memory_filter_condition(query_tags, filter, '{after}');
  is_page := filter ? 'after';
  IF is_page THEN
    PERFORM check_cursor(filter);
  END IF;

  parsed := parse_search_query(query_text);
  LOOP
    found := bm25_find(
      parsed.lexemes, COALESCE((filter -> 'fuzzy')::boolean, true), parsed.required, condition, query_tags, sought, filter
    );
    EXIT WHEN NOT is_page OR COALESCE(cardinality(found.ids), 0) < sought;
    EXIT WHEN (SELECT count(*) FROM unnest(found.ids, found.scores) AS hit (id, score)
               WHERE is_after(hit.score, hit.id, filter)) >= k;
    sought := 4 * sought;
  END LOOP;

  -- By their places, which nobody changes for the snapshot that found them, and which cost no index.
  RETURN QUERY
    SELECT m.id, m.text, m.tags, m.created_at, best.score
    FROM unnest(found.ids, found.places, found.scores) AS best (id, place, score)
    JOIN memory_items AS m ON m.ctid = best.place
    WHERE NOT is_page OR is_after(best.score, best.id, filter)
    ORDER BY best.score DESC, m.id COLLATE "C"
    LIMIT k;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/explain_search.sql
-- Why bm25_search finds what it finds, and how: takes what bm25_search takes, and answers
--   documents, average_length: the corpus that the scores are about
--   path: 'every match' (few match), 'threshold' (only rows that can reach it are read), 'filter' (the filter's own index
--     finds so few rows that all of them are read) or 'no match'
--   access: the indexes that found the rows: 'search' (search_vector's), 'both' (also the filter's), 'filter' (only the filter's)
--   share: the share of rows that the filter is thought to pass
--   rounds: for each statement that was run the threshold, its arms (alternative conditions) and the candidates read
--   lexemes: what is ranked by, after correction: lexeme, times (in the query), document_frequency, idf
--   results: best first, id, score, length and, for each lexeme that the row has, tf and what it adds to the score
CREATE OR REPLACE FUNCTION explain_search(
  query_text text, query_tags text[] DEFAULT '{}', k integer DEFAULT 10, filter jsonb DEFAULT '{}'
)
RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  parsed record;
  found record;
  query record;
  idfs float8[];
BEGIN
  IF query_text IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'explain_search: query_text must be text, got null';
  END IF;
  PERFORM check_query_text('explain_search', query_text);
  PERFORM check_search_limit('explain_search', k);
  query_tags := COALESCE(query_tags, '{}');
  filter := COALESCE(filter, '{}');
  parsed := parse_search_query(query_text);
  found := bm25_find(
    parsed.lexemes, COALESCE((filter -> 'fuzzy')::boolean, true), parsed.required,
    memory_filter_condition(query_tags, filter), query_tags, k, filter
  );
  query := bm25_query(found.lexemes, false);
  idfs := ARRAY(
    SELECT bm25_idf(query.documents::bigint, word.frequency::bigint)
    FROM unnest(query.frequencies) WITH ORDINALITY AS word (frequency, place)
    ORDER BY word.place
  );

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
        'lexeme', word.lexeme, 'times', cardinality(array_positions(found.lexemes, word.lexeme)),
        'document_frequency', word.frequency, 'idf', word.idf
      ) ORDER BY word.place), '[]')
      FROM unnest(query.words, query.frequencies, idfs) WITH ORDINALITY AS word (lexeme, frequency, idf, place)
    ),
    'results', (
      SELECT COALESCE(jsonb_agg(jsonb_build_object(
        'id', m.id, 'score', best.score, 'length', m.lexeme_count, 'lexemes', (
          SELECT jsonb_agg(jsonb_build_object(
            'lexeme', word.lexeme, 'tf', entry.tf,
            'contribution', word.weight * entry.tf
              / (entry.tf + 1.2 * (0.25 + 0.75 * m.lexeme_count / query.average_length))
          ) ORDER BY word.place)
          FROM unnest(query.words, query.weights) WITH ORDINALITY AS word (lexeme, weight, place)
          JOIN (SELECT held.lexeme, cardinality(held.positions)::float8 AS tf FROM unnest(m.search_vector) AS held) AS entry
            ON entry.lexeme = word.lexeme
        )
      ) ORDER BY best.score DESC, m.id COLLATE "C"), '[]')
      FROM unnest(found.ids, found.scores) AS best (id, score)
      JOIN memory_items AS m ON m.id = best.id
    )
  );
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/highlight.sql
-- The part of a text that answers a query best, its matching words between start_tag and stop_tag: ts_headline for the
-- lexemes that bm25_search ranks by, misspelt words corrected likewise. The text is not escaped: whoever shows it as
-- HTML must escape it, and so chooses tags that survive it.
-- max_words: how long the part may be; 0 gives the whole text
-- Source: https://www.postgresql.org/docs/current/textsearch-controls.html#TEXTSEARCH-HEADLINE
CREATE OR REPLACE FUNCTION highlight(
  document text, query_text text, start_tag text DEFAULT '<b>', stop_tag text DEFAULT '</b>', max_words integer DEFAULT 35
)
RETURNS text
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  query tsquery;
BEGIN
  IF num_nulls(document, query_text, start_tag, stop_tag) > 0 THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
      MESSAGE = 'highlight: document, query_text, start_tag and stop_tag must be text, got a null among them';
  END IF;
  IF max_words IS NULL OR max_words NOT BETWEEN 0 AND 1000 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('highlight: max_words must be from 0 to 1000, got %s', COALESCE(max_words::text, 'null'));
  END IF;
  PERFORM check_query_text('highlight', query_text);
  query := lexeme_query(correct_lexemes((parse_search_query(query_text)).lexemes));
  RETURN ts_headline('pg_catalog.english', document, COALESCE(query, ''), format(
    'StartSel="%s", StopSel="%s", %s',
    replace(start_tag, '"', '""'), replace(stop_tag, '"', '""'),
    CASE
      WHEN max_words = 0 THEN 'HighlightAll=true'
      ELSE format('MaxWords=%s, MinWords=%s, ShortWord=0', max_words + 1, greatest(1, max_words / 2))
    END
  ));
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
-- Without words to rank by it is vector search; without a vector it is keyword search; with neither, an error.
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
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
  options CONSTANT text[] := '{recency,importance,diversity,after,candidates}';
  condition text;
  leg_filter jsonb;
  lexemes text[];
  required tsquery;
  is_fuzzy boolean;
  offered integer;
  lambda float8;
  legs record;
BEGIN
  PERFORM check_query_text('hybrid_search', query_text);
  IF query_embedding IS NOT NULL THEN
    PERFORM check_query_embedding('hybrid_search', query_embedding);
  END IF;
  PERFORM check_search_limit('hybrid_search', k);
  PERFORM check_fusion(bm25_weight, vector_weight, fusion);
  query_tags := COALESCE(query_tags, '{}');
  filter := COALESCE(filter, '{}');
  condition := memory_filter_condition(query_tags, filter, options);
  IF filter ?| options THEN
    PERFORM check_ranking_options(filter, k), check_cursor(filter);
  END IF;
  leg_filter := filter - options;
  is_fuzzy := COALESCE((filter -> 'fuzzy')::boolean, true);
  offered := COALESCE((filter -> 'candidates')::integer, greatest(100, 4 * k));
  lambda := (filter -> 'diversity')::float8;

  SELECT parsed.lexemes, parsed.required INTO lexemes, required
  FROM parse_search_query(COALESCE(query_text, '')) AS parsed;
  IF cardinality(lexemes) = 0 AND query_embedding IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = 'hybrid_search: expected a query_text with a word to search by, or a query_embedding, or both; got neither';
  END IF;
  IF fusion = 'convex' AND filter ?| '{recency,importance}' THEN
    legs := hybrid_factor_candidates(
      lexemes, is_fuzzy, required, query_embedding, condition, query_tags,
      CASE WHEN lambda IS NULL THEN k ELSE offered END, offered, bm25_weight, vector_weight, filter, leg_filter
    );
  ELSE
    legs := hybrid_candidates(
      lexemes, is_fuzzy, required, query_embedding, condition, query_tags, offered, leg_filter
    );
  END IF;

  RETURN QUERY
    WITH best AS MATERIALIZED (
      SELECT scored.*
      FROM hybrid_scores(
        legs.nearest, legs.keyword_ids, legs.keyword_scores, legs.lexemes, required, query_embedding,
        bm25_weight, vector_weight, fusion, filter
      ) AS scored
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
      best.bm25_rank::integer, best.vector_rank::integer
    FROM best
    LEFT JOIN diverse ON diverse.id = best.id
    JOIN memory_items AS m ON m.id = best.id
    WHERE lambda IS NULL OR diverse.turn IS NOT NULL
    ORDER BY diverse.turn, best.score DESC, m.id COLLATE "C";
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/vector_index.sql
-- The vector index that is there: its access method (hnsw, ivfflat; null for none, or one whose building was
-- interrupted), its lists (ivfflat) and how many rows the table is thought to have.
--
-- In PL/pgSQL, which keeps the plans: every search asks this first, and as an SQL function it was planned each time.
CREATE OR REPLACE FUNCTION vector_index(OUT method text, OUT lists integer, OUT row_estimate float8)
LANGUAGE plpgsql STABLE
AS $$
BEGIN
  SELECT greatest(memory.reltuples, 0) INTO row_estimate
  FROM pg_class AS memory
  WHERE memory.oid = 'memory_items'::regclass;

  SELECT access.amname,
    COALESCE(substring(array_to_string(index.reloptions, ',') FROM '(?:^|,)lists=(\d+)')::integer, 100)
  INTO method, lists
  FROM pg_class AS index
  JOIN pg_index AS entry ON entry.indexrelid = index.oid
  JOIN pg_am AS access ON access.oid = index.relam
  WHERE index.oid = to_regclass('memory_items_embedding_idx') AND entry.indisvalid;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/vector_index_rows.sql
-- Asks the vector index for the rows nearest to the query (a unit vector) that pass the condition, which speaks of $1
-- (query_tags), $2 (filter) and $3 (required). It may return fewer than limit_rows.
--
-- The index holds half-precision vectors, so twice as many rows as wanted, and 40 at least, are taken and ordered anew by
-- the full ones. The scan goes on in relaxed order until the condition has let so many pass: in strict order a neighbour
-- that comes up late would be thrown away, which cost 3 % of recall under a filter that 5 % pass. ef_search and probes are
-- for a recall above 0.98 on real vectors (npm run bench -- vector): the more rows are wanted, the more lists they lie in.
CREATE OR REPLACE FUNCTION vector_index_rows(
  query vector, required tsquery, condition text, query_tags text[], limit_rows integer, filter jsonb,
  method text, lists integer
)
RETURNS TABLE (id text, similarity float8)
LANGUAGE plpgsql STABLE ROWS 10
AS $$
#variable_conflict use_column
DECLARE
  -- The planner must not sort what the index gives in order.
  names constant text[] := ARRAY['enable_seqscan', 'enable_bitmapscan', 'enable_sort', 'jit'] || CASE method
    WHEN 'hnsw' THEN ARRAY['hnsw.iterative_scan', 'hnsw.ef_search']
    ELSE ARRAY['ivfflat.iterative_scan', 'ivfflat.probes']
  END;
  values constant text[] := ARRAY['off', 'off', 'off', 'off', 'relaxed_order', CASE method
    WHEN 'hnsw' THEN least(1000, greatest(400, 2 * limit_rows))
    ELSE least(lists, ceil((3 + log(limit_rows::float8)) * sqrt(lists)))
  END::text];
  before constant text[] := ARRAY(
    SELECT current_setting(setting.name) FROM unnest(names) WITH ORDINALITY AS setting (name, place) ORDER BY setting.place
  );
BEGIN
  -- Local to the transaction, and put back below; an error rolls them back.
  PERFORM set_config(setting.name, setting.value, true) FROM unnest(names, values) AS setting (name, value);
  RETURN QUERY EXECUTE format(
    $query$
      WITH nearest AS MATERIALIZED (
        SELECT m.id, m.embedding
        FROM memory_items AS m
        WHERE m.embedding IS NOT NULL AND %s
        ORDER BY (l2_normalize(m.embedding)::halfvec(384)) <=> $4::halfvec(384)
        LIMIT greatest(2 * $5, 40)
      )
      SELECT nearest.id, 1 - (nearest.embedding <=> $4) AS similarity
      FROM nearest
      ORDER BY similarity DESC, nearest.id COLLATE "C"
      LIMIT $5
    $query$,
    condition
  )
  USING query_tags, filter, required, query, limit_rows;
  PERFORM set_config(setting.name, setting.value, true) FROM unnest(names, before) AS setting (name, value);
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
ALTER FUNCTION bm25_score(query_text text, doc_text text, k1 float8, b float8) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION bm25_search(query_text text, query_tags text[], k integer, filter jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION explain_search(query_text text, query_tags text[], k integer, filter jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION highlight(document text, query_text text, start_tag text, stop_tag text, max_words integer) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION hybrid_search(query_text text, query_embedding vector, query_tags text[], k integer, bm25_weight float8, vector_weight float8, filter jsonb, fusion text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION vector_index(OUT method text, OUT lists integer, OUT row_estimate float8) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION vector_index_rows(query vector, required tsquery, condition text, query_tags text[], limit_rows integer, filter jsonb, method text, lists integer) SET search_path FROM CURRENT;

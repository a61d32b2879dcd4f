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
-- source: src/sql/memory/bm25_scan.sql
-- bm25_statement for the commonest searches as statements whose plans are kept, because planning anew takes as long as
-- finding: at most eight words, and no filter but tags (any of query_tags, null for none) and a namespace.
-- access says which indexes find the candidates, and what is left is tested row by row:
--   'search': search_vector's alone · 'both': it and the tags' · 'filter': the tags' alone (these two do not look at a
--   namespace)
-- Plans are kept because bm25_find says so (plan_cache_mode). OFFSET 0 has each row scored before it is counted, so that
-- the count holds on to scores and not to vectors.
CREATE OR REPLACE FUNCTION bm25_scan(
  access text, query_tags text[], namespace text, arms tsquery[], queries tsquery[], weights float8[],
  average_length float8, k integer, candidate_limit bigint,
  OUT ids text[], OUT places tid[], OUT scores float8[], OUT candidates bigint
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  tfs CONSTANT float8[] := bm25_tf_thresholds();
  w CONSTANT float8[] := weights || array_fill(0::float8, ARRAY[8]);
  is_long CONSTANT boolean := cardinality(weights) > 3;
BEGIN
  IF access = 'search' THEN
    SELECT array_agg(id), array_agg(place), array_agg(score), max(candidates) INTO ids, places, scores, candidates
    FROM (
      SELECT id, place, score, count(*) OVER () AS candidates
      FROM (
        SELECT id, place, bm25_row_score(search_vector, norm, queries, w, tfs, is_long) AS score
        FROM (
          SELECT m.id, m.ctid AS place, m.search_vector, 1.2 * (0.25 + 0.75::float8 * m.lexeme_count / average_length) AS norm
          FROM memory_items AS m
          WHERE m.search_vector @@ ANY (arms)
            AND (query_tags IS NULL OR m.tags && query_tags)
            AND (bm25_scan.namespace IS NULL OR m.namespace = bm25_scan.namespace)
            AND (m.expires_at IS NULL OR m.expires_at > now())
          LIMIT candidate_limit
        ) AS candidate OFFSET 0
      ) AS scored
      ORDER BY score DESC, id COLLATE "C" LIMIT k
    ) AS best;
  ELSIF access = 'both' THEN
    SELECT array_agg(id), array_agg(place), array_agg(score), max(candidates) INTO ids, places, scores, candidates
    FROM (
      SELECT id, place, score, count(*) OVER () AS candidates
      FROM (
        SELECT id, place, bm25_row_score(search_vector, norm, queries, w, tfs, is_long) AS score
        FROM (
          SELECT m.id, m.ctid AS place, m.search_vector, 1.2 * (0.25 + 0.75::float8 * m.lexeme_count / average_length) AS norm
          FROM memory_items AS m
          WHERE m.search_vector @@ ANY (arms) AND m.tags && query_tags AND (m.expires_at IS NULL OR m.expires_at > now())
          LIMIT candidate_limit
        ) AS candidate OFFSET 0
      ) AS scored
      ORDER BY score DESC, id COLLATE "C" LIMIT k
    ) AS best;
  ELSE
    SELECT array_agg(id), array_agg(place), array_agg(score), max(candidates) INTO ids, places, scores, candidates
    FROM (
      SELECT id, place, score, count(*) OVER () AS candidates
      FROM (
        SELECT id, place, bm25_row_score(search_vector, norm, queries, w, tfs, is_long) AS score
        FROM (
          SELECT m.id, m.ctid AS place, m.search_vector, 1.2 * (0.25 + 0.75::float8 * m.lexeme_count / average_length) AS norm
          FROM memory_items AS m
          WHERE (m.search_vector @@ ANY (arms)) IS TRUE AND m.tags && query_tags AND (m.expires_at IS NULL OR m.expires_at > now())
          LIMIT candidate_limit
        ) AS candidate OFFSET 0
      ) AS scored
      ORDER BY score DESC, id COLLATE "C" LIMIT k
    ) AS best;
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/bm25_score_rows.sql
-- The scores of given rows, for hybrid_search: by the same statement as a search, so the same bytes, without a search.
-- A row that shares no lexeme with the query, or does not meet `required`, is not answered.
CREATE OR REPLACE FUNCTION bm25_score_rows(lexemes text[], required tsquery, row_ids text[])
RETURNS TABLE (id text, score float8)
LANGUAGE plpgsql STABLE ROWS 100
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
  query record;
  ids text[];
  places tid[];
  scores float8[];
BEGIN
  IF cardinality(row_ids) = 0 THEN
    RETURN;
  END IF;
  query := bm25_query(bm25_score_rows.lexemes, false);
  IF query.words = '{}' THEN
    RETURN;
  END IF;
  EXECUTE bm25_statement(
    cardinality(query.words),
    'm.id = ANY ($1) AND (m.search_vector @@ ANY ($4)) IS TRUE AND ($3 IS NULL OR (m.search_vector @@ $3) IS TRUE)'
  )
  INTO ids, places, scores
  USING row_ids, NULL::jsonb, required, ARRAY[lexeme_query(query.words)], query.queries, query.weights,
    query.average_length, bm25_tf_thresholds(), NULL::integer, NULL::bigint, query.words;
  RETURN QUERY SELECT * FROM unnest(ids, scores);
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/bm25_statement.sql
-- The statement that reads candidates, scores them exactly and answers the best: one row (ids, places in the table, scores,
-- candidates).
-- Written for the number of lexemes, so that a score is one expression that sums the lexemes in their order. A text
-- pasted as a query may have thousands: more than an expression can hold, so they are looked up in the vector instead.
-- The score is written as in bm25_row_score, so that both give the same bytes.
-- $1 query_tags, $2 filter, $3 the required tsquery, $4 the arms (any of them must match), $5 each lexeme as a tsquery,
-- $6 each lexeme's weight, $7 average length, $8 bm25_tf_thresholds(), $9 k, $10 the most candidates to read,
-- $11 the lexemes
CREATE OR REPLACE FUNCTION bm25_statement(lexemes integer, condition text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  most_in_expression CONSTANT integer := 200;
  score text;
  frequencies text;
BEGIN
  IF lexemes <= most_in_expression THEN
    SELECT string_agg(format('$6[%1$s] * (1 - norm / (tf%1$s + norm))', i), ' + ' ORDER BY i),
      string_agg(format('width_bucket(ts_rank(''{1,1,1,1}'', m.search_vector, $5[%1$s])::float8, $8) AS tf%1$s', i), ', ' ORDER BY i)
    INTO score, frequencies
    FROM generate_series(1, lexemes) AS i;
  ELSE
    score := '(SELECT sum(query.weight * (1 - norm / (entry.tf + norm)) ORDER BY query.place)'
      ' FROM (SELECT word.lexeme, cardinality(word.positions) AS tf FROM unnest(search_vector) AS word) AS entry'
      ' JOIN unnest($11::text[], $6::float8[]) WITH ORDINALITY AS query (lexeme, weight, place) ON query.lexeme = entry.lexeme)';
    frequencies := 'm.search_vector';
  END IF;
  RETURN format(
    'SELECT array_agg(id), array_agg(place), array_agg(score), max(candidates)'
    ' FROM (SELECT id, place, %s AS score, count(*) OVER () AS candidates'
    ' FROM (SELECT m.id, m.ctid AS place, 1.2 * (0.25 + 0.75::float8 * m.lexeme_count / $7) AS norm, %s FROM memory_items AS m WHERE %s LIMIT $10) AS candidate'
    ' ORDER BY score DESC, id COLLATE "C" LIMIT $9) AS best',
    score, frequencies, condition
  );
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/bm25_tf_thresholds.sql
-- From a rank back to a term frequency. For one lexeme and flat weights ts_rank gives (1 + 1/4 + … + 1/tf²) / 1.64493,
-- so width_bucket(ts_rank('{1,1,1,1}', search_vector, lexeme), these thresholds) is tf, and 0 where the lexeme is
-- absent: ten times cheaper than unnesting the vector. A tsvector keeps at most 255 positions a lexeme.
CREATE OR REPLACE FUNCTION bm25_tf_thresholds()
RETURNS float8[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT array_agg(partial_sum / 1.64493406685 - 3e-6 ORDER BY tf)
    FROM (SELECT tf, sum(1 / (tf * tf)::float8) OVER (ORDER BY tf) AS partial_sum
            FROM generate_series(1, 255) AS tf) AS frequencies
$$;
--> statement-breakpoint
-- source: src/sql/memory/check_cursor.sql
-- Refuses a filter.after that is not the place of a row in a list: {"score": its score, "id": its id}.
CREATE OR REPLACE FUNCTION check_cursor(filter jsonb)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  cursor CONSTANT jsonb := filter -> 'after';
BEGIN
  IF cursor IS NULL THEN
    RETURN;
  END IF;
  IF jsonb_typeof(cursor) = 'object' AND cursor - ARRAY['score', 'id'] = '{}'
    AND jsonb_typeof(cursor -> 'score') = 'number' AND jsonb_typeof(cursor -> 'id') = 'string'
  THEN
    -- JSON has numbers that float8 has not.
    IF (cursor ->> 'score')::numeric = 0 OR abs((cursor ->> 'score')::numeric) BETWEEN 1e-307 AND 1e307 THEN
      RETURN;
    END IF;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
    MESSAGE = format('filter.after must be {"score": number, "id": string} of the last row before, got %s',
      left(cursor::text, 60));
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/check_filter_time.sql
-- Refuses a filter time that is not ISO 8601. The pattern comes first, because PostgreSQL's own input would also take
-- 'yesterday', 'now' and 'infinity'.
CREATE OR REPLACE FUNCTION check_filter_time(filter jsonb, key text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
  came text := filter ->> key;
BEGIN
  IF came ~ '^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?\s?(Z|[+-]\d{2}(:?\d{2})?)?)?$' THEN
    PERFORM came::timestamptz;
    RETURN;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'invalid_datetime_format';
EXCEPTION
  WHEN data_exception THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter.%s must be an ISO 8601 time such as 2026-01-31T09:00:00Z, got "%s"', key, left(came, 60));
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/check_filter_value.sql
-- Refuses a filter value of the wrong type, by name. An absent key is fine; a null is not, because a caller who passes
-- one by mistake would get everybody's rows.
CREATE OR REPLACE FUNCTION check_filter_value(filter jsonb, key text, expected text)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  came text := jsonb_typeof(filter -> key);
BEGIN
  IF came IS NULL OR came = expected THEN
    RETURN;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
    MESSAGE = format('filter.%s must be %s, got %s', key,
      CASE expected WHEN 'array' THEN 'an array of strings' WHEN 'object' THEN 'an object' ELSE 'a ' || expected END,
      CASE came WHEN 'null' THEN 'null' ELSE came || ' ' || left((filter -> key)::text, 60) END);
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/check_fusion.sql
-- Refuses weights and fusion methods that hybrid_search does not know.
CREATE OR REPLACE FUNCTION check_fusion(bm25_weight float8, vector_weight float8, fusion text)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  weight record;
BEGIN
  FOR weight IN VALUES ('bm25_weight', bm25_weight), ('vector_weight', vector_weight) LOOP
    -- PostgreSQL sorts NaN above every number, so this refuses it as well.
    IF weight.column2 IS NULL OR weight.column2 < 0 OR weight.column2 > 1e6 THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('hybrid_search: %s must be a number from 0 to 1000000, got %s', weight.column1, COALESCE(weight.column2::text, 'null'));
    END IF;
  END LOOP;
  IF bm25_weight = 0 AND vector_weight = 0 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = 'hybrid_search: bm25_weight and vector_weight must not both be 0';
  END IF;
  IF fusion IS NULL OR fusion NOT IN ('convex', 'rrf') THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('hybrid_search: fusion must be convex or rrf, got %s', COALESCE('"' || left(fusion, 60) || '"', 'null'));
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/check_query_embedding.sql
-- Refuses a query vector that has no direction in the space of the embeddings. PostgreSQL does not enforce a typmod on
-- a function's argument, so vector(384) as its type would accept any length.
CREATE OR REPLACE FUNCTION check_query_embedding(caller text, query_embedding vector)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  IF vector_dims(query_embedding) <> 384 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: query_embedding must have 384 dimensions, got %s', caller, vector_dims(query_embedding));
  END IF;
  IF vector_norm(query_embedding) = 0 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: query_embedding must have a direction, got a zero vector', caller);
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/check_query_text.sql
-- Refuses a query text that is longer than the longest memory: nobody asks it, and a dictionary of it would be read.
CREATE OR REPLACE FUNCTION check_query_text(caller text, query_text text)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  IF octet_length(query_text) > 65536 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: query_text must have at most 65536 bytes, got %s', caller, octet_length(query_text));
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/check_ranking_options.sql
-- Refuses values of the filter keys that only hybrid_search has (recency, importance, diversity, candidates), and a
-- diversity together with a cursor: what is most different depends on what was chosen before, which a cursor does not
-- say. Ranges are compared as numeric, because JSON has numbers that float8 has not.
CREATE OR REPLACE FUNCTION check_ranking_options(filter jsonb, k integer)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  most_candidates CONSTANT integer := 10000;
  came text;
  given numeric;
BEGIN
  PERFORM check_filter_value(filter, key, 'number') FROM unnest('{recency,diversity,candidates}'::text[]) AS key;
  given := (filter ->> 'recency')::numeric;
  IF given NOT BETWEEN 1e-300 AND 1e300 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter.recency must be a finite number of days above 0, got %s', left(filter ->> 'recency', 60));
  END IF;
  given := (filter ->> 'diversity')::numeric;
  IF given <> 0 AND given NOT BETWEEN 1e-300 AND 1 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter.diversity must be a number from 0 to 1, got %s', left(filter ->> 'diversity', 60));
  END IF;
  given := (filter ->> 'candidates')::numeric;
  IF given NOT BETWEEN k AND most_candidates OR given <> trunc(given) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter.candidates must be a whole number from k = %s to %s, got %s',
        k, most_candidates, left(filter ->> 'candidates', 60));
  END IF;
  came := jsonb_typeof(filter -> 'importance');
  given := CASE came WHEN 'number' THEN filter ->> 'importance' END::numeric;
  IF came NOT IN ('number', 'boolean') OR (given <> 0 AND given NOT BETWEEN 1e-300 AND 1) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter.importance must be true, false or a number from 0 to 1, got %s',
        left((filter -> 'importance')::text, 60));
  END IF;
  IF filter ? 'after' AND filter ? 'diversity' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = 'filter.after and filter.diversity cannot be combined: expected one of them, got both',
      HINT = 'Ask for as many diverse rows as are needed with k, and page through a list without diversity.';
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/check_search_limit.sql
-- Refuses a k that no search takes, in the name of the function that was called.
CREATE OR REPLACE FUNCTION check_search_limit(caller text, k integer)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  IF k IS NULL OR k NOT BETWEEN 1 AND 1000 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: k must be from 1 to 1000, got %s', caller, COALESCE(k::text, 'null'));
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/correct_lexemes.sql
-- The lexemes of a query with each one that occurs in no document replaced by the nearest one that does; those with
-- nothing near stay. In byte order, as parse_search_query gives them.
CREATE OR REPLACE FUNCTION correct_lexemes(lexemes text[])
RETURNS text[]
LANGUAGE sql STABLE STRICT
AS $$
  SELECT ARRAY(
    SELECT corrected.lexeme
    FROM (
      SELECT
        CASE WHEN given.frequency > 0 THEN given.lexeme ELSE COALESCE(nearest_lexeme(given.lexeme), given.lexeme) END
      FROM unnest(lexemes, (search_statistics(lexemes)).document_frequencies) AS given (lexeme, frequency)
    ) AS corrected (lexeme)
    ORDER BY corrected.lexeme COLLATE "C"
  )
$$;
--> statement-breakpoint
-- source: src/sql/memory/diverse_ids.sql
-- The order of maximal marginal relevance: row after row the one with the highest
--   lambda * score / best score - (1 - lambda) * (its highest cosine to a row chosen before),
-- ties by score, then id. lambda = 1 is the order of the scores, 0 looks at differences alone. A row without an embedding
-- is taken for unlike any other (cosine 0). Answers at most k of the ids, which come best first with their scores; null
-- for none (null).
-- Source: Carbonell and Goldstein, The Use of MMR, Diversity-Based Reranking, SIGIR 1998.
CREATE OR REPLACE FUNCTION diverse_ids(ids text[], scores float8[], lambda float8, k integer)
RETURNS text[]
LANGUAGE plpgsql STABLE STRICT
AS $$
DECLARE
  chosen text[] := '{}';
  embeddings vector[];
  relevances float8[];
  closest float8[];  -- the highest cosine to a row chosen before; null once the row itself is chosen
  latest integer;
  latest_embedding vector;
BEGIN
  SELECT array_agg(m.embedding ORDER BY given.place), array_fill(0::float8, ARRAY[cardinality(ids)]),
    array_agg(COALESCE(given.score / NULLIF(scores[1], 0), 0) ORDER BY given.place)
  INTO embeddings, closest, relevances
  FROM unnest(ids, scores) WITH ORDINALITY AS given (id, score, place)
  JOIN memory_items AS m ON m.id = given.id;

  FOR turn IN 1 .. least(k, cardinality(ids)) LOOP
    SELECT item.place INTO latest
    FROM unnest(relevances, closest) WITH ORDINALITY AS item (relevance, cosine, place)
    WHERE item.cosine IS NOT NULL
    ORDER BY lambda * item.relevance - (1 - lambda) * item.cosine DESC, item.place
    LIMIT 1;
    chosen := chosen || ids[latest];
    closest[latest] := NULL;
    latest_embedding := embeddings[latest];
    closest := ARRAY(
      SELECT CASE
        WHEN item.cosine IS NULL THEN NULL
        WHEN turn = 1 THEN COALESCE(1 - (item.embedding <=> latest_embedding), 0)
        ELSE greatest(item.cosine, COALESCE(1 - (item.embedding <=> latest_embedding), 0))
      END
      FROM unnest(embeddings, closest) WITH ORDINALITY AS item (embedding, cosine, place)
      ORDER BY item.place
    );
  END LOOP;
  RETURN chosen;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/estimate_filter.sql
-- The share of memory_items that a filter passes, and whether an index can find them: the planner's own estimate for
-- this very condition, which knows the commonest tags and namespaces and costs no reading.
-- Planning takes longer than many a search, so the session keeps what it was told for a minute, in one of 64 settings
-- that the filter's hash chooses. A hash, so that whoever uses the session next reads nobody's filter there. An old
-- estimate, or another filter's, can make a search slow and never wrong.
-- (VOLATILE only because EXPLAIN demands it.)
CREATE OR REPLACE FUNCTION estimate_filter(
  condition text, query_tags text[], filter jsonb, required tsquery, OUT share float8, OUT has_index boolean
)
LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off
AS $$
DECLARE
  seconds_kept CONSTANT float8 := 60;
  asked CONSTANT bigint := hashtextextended(concat_ws(' ', condition, query_tags, filter - '{fuzzy,after}'::text[], required), 0);
  setting CONSTANT text := 'opa.filter_' || (asked & 63);
  moment CONSTANT float8 := extract(epoch FROM now());
  kept CONSTANT float8[] := string_to_array(nullif(current_setting(setting, true), ''), ' ');
  plan json;
  all_rows float8;
BEGIN
  IF kept[1] = asked AND moment - kept[2] BETWEEN 0 AND seconds_kept THEN
    share := kept[3];
    has_index := kept[4] = 1;
    RETURN;
  END IF;
  EXECUTE format('EXPLAIN (FORMAT json) SELECT FROM memory_items AS m WHERE (%s) AND ($3 IS NULL OR m.search_vector @@ $3)', condition)
    INTO plan USING query_tags, filter, required;
  SELECT greatest(reltuples, 1) INTO all_rows FROM pg_catalog.pg_class WHERE oid = 'memory_items'::regclass;
  share := least(1, (plan #>> '{0,Plan,Plan Rows}')::float8 / all_rows);
  has_index := plan #>> '{0,Plan,Node Type}' <> 'Seq Scan';
  PERFORM set_config(setting, concat_ws(' ', asked::float8, moment, share, has_index::integer), false);
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/hybrid_candidates.sql
-- What each leg of hybrid_search offers: its best `offered` rows, best first. lexemes are those that the keyword leg
-- ranked by, corrected; nearest and similarities are empty without a query_embedding.
CREATE OR REPLACE FUNCTION hybrid_candidates(
  INOUT lexemes text[], is_fuzzy boolean, required tsquery, query_embedding vector, condition text, query_tags text[],
  offered integer, filter jsonb,
  OUT keyword_ids text[], OUT keyword_scores float8[], OUT nearest text[], OUT similarities float8[]
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  found record;
BEGIN
  found := bm25_find(hybrid_candidates.lexemes, is_fuzzy, required, condition, query_tags, offered, filter);
  lexemes := found.lexemes;
  keyword_ids := COALESCE(found.ids, '{}');
  keyword_scores := COALESCE(found.scores, '{}');
  IF query_embedding IS NOT NULL THEN
    SELECT array_agg(hit.id), array_agg(hit.similarity) INTO nearest, similarities
    FROM vector_rows(query_embedding, required, condition, query_tags, offered, filter) AS hit;
  END IF;
  nearest := COALESCE(nearest, '{}');
  similarities := COALESCE(similarities, '{}');
END
$$;

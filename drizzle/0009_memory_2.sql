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
-- source: src/sql/memory/bm25_row_score.sql
-- The score of one row for at most eight words: the sum of weight * tf / (tf + norm), written with tf once as
-- weight * (1 - norm / (tf + norm)). Absent words have a null tsquery and the weight 0; that there are more than three is
-- said apart, because most queries have not, and even nulls take time. tf comes from ts_rank, see bm25_tf_thresholds;
-- norm is 1.2 * (0.25 + 0.75 * length / average length).
-- A single expression, so that PostgreSQL puts it in place of the call.
CREATE OR REPLACE FUNCTION bm25_row_score(
  search_vector tsvector, norm float8, queries tsquery[], weights float8[], tfs float8[], is_long boolean
)
RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT CASE WHEN is_long THEN
    weights[1] * (1 - norm / (width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[1])::float8, tfs) + norm))
    + weights[2] * (1 - norm / (width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[2])::float8, tfs) + norm))
    + weights[3] * (1 - norm / (width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[3])::float8, tfs) + norm))
    + weights[4] * (1 - norm / (width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[4])::float8, tfs) + norm))
    + weights[5] * (1 - norm / (coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[5])::float8, tfs), 0) + norm))
    + weights[6] * (1 - norm / (coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[6])::float8, tfs), 0) + norm))
    + weights[7] * (1 - norm / (coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[7])::float8, tfs), 0) + norm))
    + weights[8] * (1 - norm / (coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[8])::float8, tfs), 0) + norm))
  ELSE
    weights[1] * (1 - norm / (width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[1])::float8, tfs) + norm))
    + weights[2] * (1 - norm / (coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[2])::float8, tfs), 0) + norm))
    + weights[3] * (1 - norm / (coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[3])::float8, tfs), 0) + norm))
  END
$$;
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
            AND (m.expires_at IS NULL OR m.expires_at > now()) AND m.superseded_at IS NULL
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
          WHERE m.search_vector @@ ANY (arms) AND m.tags && query_tags AND (m.expires_at IS NULL OR m.expires_at > now()) AND m.superseded_at IS NULL
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
          WHERE (m.search_vector @@ ANY (arms)) IS TRUE AND m.tags && query_tags AND (m.expires_at IS NULL OR m.expires_at > now()) AND m.superseded_at IS NULL
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
-- source: src/sql/memory/check_embedding_model.sql
-- Refuses a name or dimensions that no model can have. may_be_unnamed: whether the name may be null.
CREATE OR REPLACE FUNCTION check_embedding_model(caller text, name text, dimensions integer, may_be_unnamed boolean)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  IF name IS NULL AND NOT may_be_unnamed OR octet_length(name) NOT BETWEEN 1 AND 1024 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: name must be a text of 1 to 1024 bytes, got %s', caller,
        COALESCE(octet_length(name) || ' bytes', 'null'));
  END IF;
  IF dimensions IS NULL OR dimensions NOT BETWEEN 1 AND 4000 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: dimensions must be an integer from 1 to 4000, got %s', caller, COALESCE(dimensions::text, 'null'));
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/check_filter_texts.sql
-- Refuses an array of a filter that has anything but strings in it.
CREATE OR REPLACE FUNCTION check_filter_texts(filter jsonb, key text)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  -- Strict, because a lax path would look into an array among the elements.
  IF jsonb_typeof(filter -> key) = 'array' AND jsonb_path_exists(filter -> key, 'strict $[*] ? (@.type() != "string")') THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter.%s must be an array of strings, got %s', key, left((filter -> key)::text, 60));
  END IF;
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
-- source: src/sql/memory/check_min_score.sql
-- filter.min_score, or null where there is none; refused where it is no number in the range of the search's scores.
CREATE OR REPLACE FUNCTION check_min_score(filter jsonb, lowest float8, highest float8)
RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  given CONSTANT jsonb := filter -> 'min_score';
BEGIN
  -- As numeric, because JSON has numbers that float8 has not.
  IF given IS NULL OR jsonb_typeof(given) = 'number' AND given::numeric BETWEEN lowest::numeric AND highest::numeric THEN
    RETURN round(given::numeric, 300);
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
    MESSAGE = format('filter.min_score must be a number from %s to %s, got %s', lowest, highest, left(given::text, 60));
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/check_query_embedding.sql
-- Refuses a query vector that has no direction among the embeddings: of other dimensions than the current model's, zero,
-- or of another model, where filter.model says which one made it. (A typmod on a function's argument is not enforced,
-- and the model is data.)
CREATE OR REPLACE FUNCTION check_query_embedding(caller text, query_embedding vector, filter jsonb)
RETURNS void
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  model record;
BEGIN
  IF filter ? 'model' AND jsonb_typeof(filter -> 'model') <> 'string' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter.model must be a string, the name of the model that made query_embedding, got %s', left((filter -> 'model')::text, 60));
  END IF;
  IF query_embedding IS NULL THEN
    RETURN;
  END IF;
  model := current_embedding_model();
  IF vector_dims(query_embedding) <> model.dimensions OR filter ->> 'model' <> model.name THEN
    PERFORM wrong_embedding(
      caller || ': query_embedding', model.name, model.dimensions,
      CASE WHEN filter ->> 'model' <> model.name THEN filter ->> 'model' END, vector_dims(query_embedding)
    );
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
-- source: src/sql/memory/column_comparison.sql
-- One operator of filter.where on a column of memory_items, as SQL; type is text, real or timestamptz. Texts are ordered by
-- their bytes.
CREATE OR REPLACE FUNCTION column_comparison(field text, type text, operator text, value jsonb, place text[])
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
#variable_conflict use_variable
DECLARE
  shown CONSTANT text := array_to_string(place[1:8], '.');
  expected CONSTANT text := CASE type WHEN 'real' THEN 'number' ELSE 'string' END;
  col CONSTANT text := format('m.%I', field);
  is_time CONSTANT boolean := type = 'timestamptz';
  given CONSTANT text := format(CASE WHEN is_time THEN 'utc_time($2 #>> %L)' ELSE '($2 #>> %L)::%s' END, place, type);
  list CONSTANT text := format(CASE WHEN is_time THEN 'ARRAY(SELECT utc_time(jsonb_array_elements_text($2 #> %L)))'
    ELSE 'ARRAY(SELECT jsonb_array_elements_text($2 #> %L)::%s)' END, place, type);
  bytewise CONSTANT text := CASE type WHEN 'text' THEN ' COLLATE "C"' ELSE '' END;
  one jsonb;
BEGIN
  IF operator = 'exists' THEN
    IF jsonb_typeof(value) <> 'boolean' THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('filter.%s must be true or false, got %s', shown, left(value::text, 60));
    END IF;
    RETURN format('(%s IS NOT NULL) = ($2 #>> %L)::boolean', col, place);
  END IF;
  IF operator IN ('in', 'not_in') AND jsonb_typeof(value) <> 'array' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('filter.%s must be an array, got %s', shown, left(value::text, 60));
  END IF;
  FOR one IN SELECT element FROM jsonb_array_elements(CASE WHEN operator IN ('in', 'not_in') THEN value ELSE jsonb_build_array(value) END) AS element LOOP
    IF jsonb_typeof(one) <> expected THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('filter.%s must be a %s, got %s', shown, expected, left(one::text, 60));
    END IF;
    IF is_time THEN
      PERFORM filter_time(jsonb_build_object(shown, one), shown);
    ELSIF type = 'real' AND NOT (one::numeric = 0 OR abs(one::numeric) BETWEEN 1e-37 AND 1e37) THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('filter.%s must be a number that a real can hold, got %s', shown, left(one::text, 60));
    END IF;
  END LOOP;
  RETURN CASE operator
    WHEN 'eq' THEN format('%s = %s', col, given)
    WHEN 'ne' THEN format('%s IS DISTINCT FROM %s', col, given)
    WHEN 'in' THEN format('%s = ANY (%s)', col, list)
    WHEN 'not_in' THEN format('(%s = ANY (%s)) IS NOT TRUE', col, list)
    ELSE format('%s%s %s %s', col, bytewise, CASE operator WHEN 'gt' THEN '>' WHEN 'gte' THEN '>=' WHEN 'lt' THEN '<' ELSE '<=' END, given)
  END;
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
-- path: definer
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), 'pg_catalog', 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/memory/current_embedding_model.sql
-- The model whose vectors are searched. No row in embedding_models means the model that a database begins with.
-- Every search and every write of a vector asks this, with the rights of the owner: they need none on that table.
CREATE OR REPLACE FUNCTION current_embedding_model(
  OUT id integer, OUT name text, OUT dimensions integer, OUT since timestamptz
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
BEGIN
  SELECT model.id, model.name, model.dimensions, model.changed_at INTO id, name, dimensions, since
  FROM embedding_models AS model
  WHERE model.state = 'current';
  IF NOT FOUND THEN
    id := 1;
    dimensions := 384;
  END IF;
END
$$;

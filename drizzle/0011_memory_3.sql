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
  most_compared CONSTANT bigint := 5000000;
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
  IF filter ? 'diversity' AND k * COALESCE((filter ->> 'candidates')::bigint, greatest(100, 4 * k)) > most_compared THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter.diversity compares k times filter.candidates rows: expected at most %s, got %s',
        most_compared, k * COALESCE((filter ->> 'candidates')::bigint, greatest(100, 4 * k)));
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
-- The lexemes of a query with the words that no row which passes the filter has replaced by the nearest that one has; those
-- with nothing near stay. corrections is null where nothing was replaced, else an object: for each word as it was typed the
-- lexeme that was taken for it. written: a tsquery of the words that were not replaced, null for none.
--
-- place_frequencies: in how many documents each word is, in any form. A word in none, or in at most most_in_doubt and in none
-- that passes, is looked for; one in more is no misspelling. Of a query only the first eight such words.
-- The rows are asked, by whoever searches: a word is never replaced by one that only rows have which the filter or a
-- policy keeps away.
CREATE OR REPLACE FUNCTION correct_lexemes(
  INOUT lexemes text[], INOUT places integer[], place_frequencies float8[], most_in_doubt integer, prefix_places integer[],
  plain_text text, condition text, query_tags text[], filter jsonb, OUT corrections jsonb, OUT written tsquery
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  most_corrected CONSTANT integer := 8;
  has_row CONSTANT text := format('EXISTS (SELECT FROM memory_items AS m WHERE m.search_vector @@ word.query AND (%s) IS TRUE)', condition);
  in_doubt integer[];
  queries tsquery[];
  unknown record;
  typed text;
  nearest text;
  replaced integer[] := '{}';
  new_lexemes text[] := '{}';
  new_places integer[] := '{}';
BEGIN
  SELECT array_agg(word.place ORDER BY word.place), array_agg(word.query ORDER BY word.place)
  INTO in_doubt, queries
  FROM (
    SELECT form.place, lexeme_query(array_agg(form.lexeme ORDER BY form.lexeme COLLATE "C")) AS query
    FROM unnest(lexemes, places) AS form (lexeme, place)
    WHERE place_frequencies[form.place] <= most_in_doubt AND form.place <> ALL (COALESCE(prefix_places, '{}'))
    GROUP BY form.place
    HAVING bool_or(form.lexeme !~ '[\d\x02]')
    ORDER BY form.place LIMIT 3 * most_corrected
  ) AS word;
  IF most_in_doubt > 0 AND in_doubt <> '{}' THEN
    EXECUTE 'SELECT array_agg(word.place ORDER BY word.place) FROM unnest($3, $4) AS word (place, query) WHERE NOT ' || has_row
    INTO in_doubt USING query_tags, filter, in_doubt, queries;
  END IF;

  FOR unknown IN
    SELECT DISTINCT ON (form.place) form.place, form.lexeme
    FROM unnest(lexemes, places) AS form (lexeme, place)
    WHERE form.place = ANY (in_doubt[: most_corrected]) AND form.lexeme !~ '[\d\x02]'
    ORDER BY form.place, length(form.lexeme), form.lexeme COLLATE "C"
  LOOP
    SELECT regexp_replace(word, '^\W+|\W+$', '', 'g') INTO typed
    FROM regexp_split_to_table(left(plain_text, 4000), '\s+') AS word
    WHERE unknown.lexeme = ANY ((query_lexemes(word)).lexemes) LIMIT 1;
    EXECUTE 'SELECT word.lexeme FROM (SELECT near.lexeme, quote_lexeme(near.lexeme)::tsquery AS query'
      ' FROM unnest($3) WITH ORDINALITY AS near (lexeme, position) ORDER BY position OFFSET 0) AS word WHERE ' || has_row || ' LIMIT 1'
    INTO nearest USING query_tags, filter, nearest_lexemes(unknown.lexeme, COALESCE(typed, unknown.lexeme));
    CONTINUE WHEN nearest IS NULL;
    replaced := replaced || unknown.place;
    new_lexemes := new_lexemes || nearest;
    new_places := new_places || unknown.place;
    IF length(nearest) > 6 AND strpos(nearest, E'\x02') = 0 THEN
      new_lexemes := new_lexemes || (left(nearest, 6) || E'\x02');
      new_places := new_places || unknown.place;
    END IF;
    corrections := COALESCE(corrections, '{}') || jsonb_build_object(COALESCE(typed, unknown.lexeme), rtrim(nearest, E'\x02'));
  END LOOP;
  IF corrections IS NULL THEN
    RETURN;
  END IF;

  SELECT lexeme_query(array_agg(DISTINCT form.lexeme)) INTO written
  FROM unnest(lexemes, places) AS form (lexeme, place)
  WHERE form.place <> ALL (replaced) AND place_frequencies[form.place] > 0;
  SELECT array_agg(form.lexeme ORDER BY form.lexeme COLLATE "C", form.place), array_agg(form.place ORDER BY form.lexeme COLLATE "C", form.place)
  INTO lexemes, places
  FROM (
    SELECT said.lexeme, said.place FROM unnest(lexemes, places) AS said (lexeme, place) WHERE said.place <> ALL (replaced)
    UNION ALL
    SELECT word.lexeme, word.place FROM unnest(new_lexemes, new_places) AS word (lexeme, place)
  ) AS form;
END
$$;
--> statement-breakpoint
-- path: strict
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
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
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
  model CONSTANT integer := (current_embedding_model()).id;
  embeddings vector[];
  relevances float8[];
  closest float8[];  -- the highest cosine to a row chosen before; null once the row itself is chosen
  latest integer;
  latest_embedding vector;
BEGIN
  SELECT
    array_agg(
      CASE WHEN m.embedding_model = model THEN m.embedding WHEN m.next_embedding_model = model THEN m.next_embedding END
      ORDER BY given.place
    ),
    array_fill(0::float8, ARRAY[cardinality(ids)]),
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
-- source: src/sql/memory/embedding_expression.sql
-- The vector of one model in a row of memory_items (alias m, or none), as SQL: it lies in `embedding`, or while a change
-- is under way or has just been finished, in `next_embedding`. An index on this does not notice that a vector moves from
-- one column to the other, so that the model that is searched is a matter of data: each snapshot has one.
CREATE OR REPLACE FUNCTION embedding_expression(model integer, prefix text DEFAULT 'm.')
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  RETURN format(
    'CASE WHEN %1$sembedding_model = %2$s THEN %1$sembedding WHEN %1$snext_embedding_model = %2$s THEN %1$snext_embedding END',
    prefix, model
  );
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
-- source: src/sql/memory/exact_scan_limit.sql
-- Up to how many passing rows the exact scan over them is faster than the vector index.
--
-- The exact scan costs row_cost for each row that passes. The index costs base_cost for its graph, and visit_cost for each
-- row that it looks at until `wanted` of them have passed, which are wanted * all_rows / passing. They meet where
--   passing * row_cost = base_cost + visit_cost * wanted * all_rows / passing,
-- of which this is the solution. Costs in microseconds, measured at 10,000 to 200,000 rows (npm run bench -- vector):
-- 1.0 to 2.2 a row of 384 dimensions, 2.0 to 6.5 milliseconds for the graph, 11 for a row that it looks at. A wrong cost
-- makes a search slower, and never its result wrong.
CREATE OR REPLACE FUNCTION exact_scan_limit(dimensions integer, all_rows float8, limit_rows integer)
RETURNS bigint
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  -- Long vectors lie out of line (store_embeddings_for), and are fetched in pieces of 2 KB.
  row_cost CONSTANT float8 := 1.2 + 0.0015 * dimensions + CASE WHEN dimensions > 768 THEN 4 ELSE 0 END;
  base_cost CONSTANT float8 := 2000 * (0.5 + dimensions / 768.0) * (greatest(all_rows, 1) / 10000) ^ 0.35;
  visit_cost CONSTANT float8 := 11;
  wanted CONSTANT float8 := greatest(2 * limit_rows, 40);
BEGIN
  -- A small table is always scanned: that is as fast, and exact.
  RETURN greatest(
    limit_rows,
    7200 / row_cost,
    (base_cost + sqrt(base_cost ^ 2 + 4 * row_cost * visit_cost * wanted * all_rows)) / (2 * row_cost)
  );
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/filter_time.sql
-- The expression for a time in a filter, which is $2: the time is refused unless it is ISO 8601, and is in UTC where it
-- says no zone, so that it means the same in every session. The pattern comes first, because PostgreSQL's own input would
-- also take 'yesterday', 'now', 'infinity' and 01/02/2026.
CREATE OR REPLACE FUNCTION filter_time(filter jsonb, key text)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
  came text := filter ->> key;
BEGIN
  IF came ~ '^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?\s?(Z|[+-]\d{2}(:?\d{2})?)?)?$' THEN
    PERFORM came::timestamptz;
    RETURN CASE
      WHEN came ~ ':.*(Z|[+-]\d{2}(:?\d{2})?)$' THEN format('($2 ->> %L)::timestamptz', key)
      ELSE format('($2 ->> %L)::timestamp AT TIME ZONE %L', key, 'UTC')
    END;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'invalid_datetime_format';
EXCEPTION
  WHEN data_exception THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter.%s must be an ISO 8601 time such as 2026-01-31T09:00:00Z, got "%s"', key, left(came, 60));
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/hybrid_candidates.sql
-- What each leg of hybrid_search offers: its best `offered` rows, best first. query: what bm25_query gives; nearest and
-- similarities are empty without a query_embedding.
CREATE OR REPLACE FUNCTION hybrid_candidates(
  query record, query_embedding vector, condition text, query_tags text[],
  offered integer, filter jsonb,
  OUT keyword_ids text[], OUT keyword_scores float8[], OUT nearest text[], OUT similarities float8[]
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  found record;
BEGIN
  found := bm25_find(query, condition, query_tags, offered, filter);
  keyword_ids := COALESCE(found.ids, '{}');
  keyword_scores := COALESCE(found.scores, '{}');
  IF query_embedding IS NOT NULL THEN
    SELECT array_agg(hit.id), array_agg(hit.similarity) INTO nearest, similarities
    FROM vector_rows(query_embedding, query.required, condition, query_tags, offered, filter) AS hit;
  END IF;
  nearest := COALESCE(nearest, '{}');
  similarities := COALESCE(similarities, '{}');
END
$$;

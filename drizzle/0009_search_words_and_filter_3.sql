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
-- source: src/sql/search/filter/tags_comparison.sql
-- any, all or none of filter.where.tags, as SQL. Of an empty list a row has all and none, and not any.
CREATE OR REPLACE FUNCTION tags_comparison(operator text, value jsonb, place text[])
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
BEGIN
  IF jsonb_typeof(value) <> 'array' OR jsonb_path_exists(value, 'strict $[*] ? (@.type() != "string")') THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter.%s must be an array of strings, got %s', array_to_string(place[1:8], '.'), left(value::text, 60));
  END IF;
  RETURN format(
    CASE operator WHEN 'any' THEN 'm.tags && %1$s' WHEN 'all' THEN 'm.tags @> %1$s' ELSE 'NOT (m.tags && %1$s)' END,
    format('ARRAY(SELECT jsonb_array_elements_text($2 #> %L))', place)
  );
END
$$;
--> statement-breakpoint
-- source: src/sql/search/filter/utc_time.sql
-- A time of a filter that filter_time let pass: in UTC where it says no zone.
CREATE OR REPLACE FUNCTION utc_time(value text)
RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
  WHEN value ~ ':.*(Z|[+-]\d{2}(:?\d{2})?)$' THEN value::timestamptz
  ELSE value::timestamp AT TIME ZONE 'UTC'
END;
--> statement-breakpoint
-- source: src/sql/search/filter/where_condition.sql
-- filter.where as SQL over memory_items (alias m), whose values are taken from $2, the filter, by their place in it. A
-- node is an object; all of its entries must hold:
--   and, or: an array of nodes · not: a node
--   a column: {operator: value, …}. Columns: id, namespace, speaker_id, document_id, superseded_by, importance, created_at,
--     updated_at, expires_at, valid_from, valid_to, tags
--   "metadata.a.b": {operator: value, …}, or "path": ["a", "b"] beside the operators, for keys that have a dot
-- What is not known is refused, never compared with. A row without the value meets ne, not_in and exists: false, and no
-- other operator; not is the complement of its node.
CREATE OR REPLACE FUNCTION where_condition(
  node jsonb, place text[], depth integer, INOUT count integer, OUT condition text
)
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
#variable_conflict use_column
DECLARE
  most_conditions CONSTANT integer := 1000;
  deepest CONSTANT integer := 32;
  shown CONSTANT text := 'filter.' || array_to_string(place[1:8], '.');
  conditions text[] := '{}';
  parts text[];
  entry record;
  part record;
  inner_part record;
BEGIN
  IF depth > deepest THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter.where may be nested %s deep, got more', deepest);
  END IF;
  IF jsonb_typeof(node) IS DISTINCT FROM 'object' OR node = '{}' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s must be an object with a condition, got %s', shown, COALESCE(left(node::text, 60), 'nothing'));
  END IF;
  IF node ? 'path' THEN
    SELECT * INTO part FROM where_field_condition(NULL, node, place, count);
    count := part.count;
    condition := '(' || part.condition || ')';
    RETURN;
  END IF;

  FOR entry IN SELECT given.key, given.value FROM jsonb_each(node) AS given LOOP
    IF entry.key IN ('and', 'or') THEN
      IF jsonb_typeof(entry.value) <> 'array' OR entry.value = '[]' THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
          MESSAGE = format('%s.%s must be an array of conditions, got %s', shown, entry.key, left(entry.value::text, 60));
      END IF;
      parts := '{}';
      FOR part IN SELECT each.value, each.number FROM jsonb_array_elements(entry.value) WITH ORDINALITY AS each (value, number) LOOP
        SELECT * INTO inner_part
        FROM where_condition(part.value, place || entry.key || (part.number - 1)::text, depth + 1, count);
        count := inner_part.count;
        parts := parts || inner_part.condition;
      END LOOP;
      conditions := conditions || ('(' || array_to_string(parts, CASE entry.key WHEN 'and' THEN ' AND ' ELSE ' OR ' END) || ')');
    ELSIF entry.key = 'not' THEN
      SELECT * INTO inner_part FROM where_condition(entry.value, place || entry.key, depth + 1, count);
      count := inner_part.count;
      conditions := conditions || ('((' || inner_part.condition || ') IS NOT TRUE)');
    ELSE
      SELECT * INTO inner_part FROM where_field_condition(entry.key, entry.value, place || entry.key, count);
      count := inner_part.count;
      conditions := conditions || inner_part.condition;
    END IF;
    IF count > most_conditions THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('filter.where may have %s conditions, got more', most_conditions);
    END IF;
  END LOOP;
  condition := '(' || array_to_string(conditions, ' AND ') || ')';
END
$$;
--> statement-breakpoint
-- source: src/sql/search/filter/where_field_condition.sql
-- The conditions on one field of filter.where: see where_condition. field is null for {"path": […], operator: value}.
-- place says where the operators are in the filter; each is one of the 1,000 conditions that are counted.
CREATE OR REPLACE FUNCTION where_field_condition(
  field text, operators jsonb, place text[], INOUT count integer, OUT condition text
)
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
#variable_conflict use_column
DECLARE
  texts CONSTANT text[] := '{id,namespace,speaker_id,document_id,superseded_by}';
  times CONSTANT text[] := '{created_at,updated_at,expires_at,valid_from,valid_to}';
  shown CONSTANT text := 'filter.' || array_to_string(place[1:8], '.');
  path text[];
  expected text[];
  conditions text[] := '{}';
  operator record;
BEGIN
  IF field IS NULL OR field LIKE 'metadata.%' THEN
    path := CASE
      WHEN field IS NOT NULL THEN string_to_array(substr(field, 10), '.')
      WHEN jsonb_typeof(operators -> 'path') = 'array' AND operators -> 'path' <> '[]'
        AND NOT jsonb_path_exists(operators -> 'path', 'strict $[*] ? (@.type() != "string")')
      THEN ARRAY(SELECT jsonb_array_elements_text(operators -> 'path'))
    END;
    IF path IS NULL OR path = '{}' OR '' = ANY (path) AND field IS NOT NULL THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('%s must name a path such as "metadata.a.b" or "path": ["a", "b"], got %s', shown,
          left(COALESCE(to_jsonb(field), operators -> 'path')::text, 60));
    END IF;
    operators := CASE WHEN field IS NULL THEN operators - 'path' ELSE operators END;
    expected := '{eq,ne,gt,gte,lt,lte,in,not_in,contains,exists}';
  ELSIF field = 'tags' THEN
    expected := '{any,all,none}';
  ELSIF field = 'importance' OR field = ANY (times) OR field = ANY (texts) THEN
    expected := '{eq,ne,gt,gte,lt,lte,in,not_in,exists}';
  ELSE
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: there is no field "%s", expected and, or, not, path, tags, importance, "metadata.…" or one of: %s',
        'filter.' || array_to_string(place[1:cardinality(place) - 1], '.'), left(field, 60), array_to_string(texts || times, ', '));
  END IF;
  IF jsonb_typeof(operators) <> 'object' OR operators = '{}' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s must be an object with operators such as {"eq": value}, got %s', shown, left(operators::text, 60));
  END IF;

  FOR operator IN SELECT given.key, given.value FROM jsonb_each(operators) AS given LOOP
    IF operator.key <> ALL (expected) THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('%s has the operator "%s", expected only: %s', shown, left(operator.key, 60), array_to_string(expected, ', '));
    END IF;
    count := count + 1;
    conditions := conditions || CASE
      WHEN path IS NOT NULL THEN metadata_comparison(path, operator.key, operator.value, place || operator.key)
      WHEN field = 'tags' THEN tags_comparison(operator.key, operator.value, place || operator.key)
      ELSE column_comparison(field, CASE WHEN field = 'importance' THEN 'real' WHEN field = ANY (times) THEN 'timestamptz' ELSE 'text' END,
        operator.key, operator.value, place || operator.key)
    END;
  END LOOP;
  condition := array_to_string(conditions, ' AND ');
END
$$;
--> statement-breakpoint
-- source: src/sql/search/ranking/check_cursor.sql
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
-- source: src/sql/search/ranking/check_min_score.sql
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
-- source: src/sql/search/ranking/check_ranking_options.sql
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
-- source: src/sql/search/ranking/check_search_limit.sql
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
-- source: src/sql/search/ranking/diverse_ids.sql
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
-- source: src/sql/search/ranking/is_after.sql
-- Whether a row comes after the cursor filter.after in a list that is sorted by score, best first, ties by id.
CREATE OR REPLACE FUNCTION is_after(score float8, id text, filter jsonb)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT score < (filter #>> '{after,score}')::float8
    OR (score = (filter #>> '{after,score}')::float8 AND id COLLATE "C" > (filter #>> '{after,id}') COLLATE "C")
$$;
--> statement-breakpoint
-- source: src/sql/search/ranking/memory_factor.sql
-- What recency and importance make of a row's score, where a search asks for them (filter.recency, filter.importance):
-- a factor from 0 to 1, and 1 for a row that is new and important.
--
-- recency: a half-life in days. The factor is 2 ^ -(age / recency), the age being that of created_at (when it was said
--   or learnt: updated_at also moves when an embedding is written); 1 for a time to come. It ends at 2 ^ -500, so that
--   nothing is ever too small for a number.
-- importance: how much the column counts, 0 to 1 (true is 1). The factor is 1 - filter.importance * (1 - importance).
CREATE OR REPLACE FUNCTION memory_factor(created_at timestamptz, importance real, filter jsonb)
RETURNS float8
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
  SELECT
    CASE WHEN filter ? 'recency' THEN
      power(2, -(
        least(
          greatest(extract(epoch FROM now() - created_at)::float8 / 86400, 0),
          500 * least((filter ->> 'recency')::float8, 1e9)
        ) / least((filter ->> 'recency')::float8, 1e9)
      ))
    ELSE 1 END
    * CASE jsonb_typeof(filter -> 'importance')
      WHEN 'number' THEN 1 - (filter ->> 'importance')::float8 * (1 - importance::float8)
      WHEN 'boolean' THEN CASE WHEN (filter -> 'importance')::boolean THEN importance::float8 ELSE 1 END
      ELSE 1
    END
$$;

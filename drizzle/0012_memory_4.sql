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
-- source: src/sql/memory/hybrid_factor_candidates.sql
-- The candidates of hybrid_search where recency or importance counts and the fusion is convex: those of
-- hybrid_candidates, and after that every row that could still be among the best k, so that the result is that of
-- scoring every match.
--
-- A leg offers its best rows without regard to the factor, so a new and important row may be missing. But what it could
-- score is known: what was not offered is worth at most what the last offered row is on each leg (nothing, where a leg
-- had no more rows), times a factor of at most 1. If the k-th best candidate reaches more, nothing is missing. If not,
-- only rows whose factor exceeds (k-th score / that bound) can be: the legs are asked again for those alone, and for
-- more of them, until it is proven or there are no others. The maxima that scores are divided by do not change
-- meanwhile: each leg's best row is there from the start.
-- As exact as the legs are: a vector index finds nearly all neighbours, the exact scan all.
--
-- nearest has all candidates; leg_filter is the filter without the options of hybrid_search.
CREATE OR REPLACE FUNCTION hybrid_factor_candidates(
  query record, query_embedding vector, condition text, query_tags text[],
  k integer, offered integer, bm25_weight float8, vector_weight float8, filter jsonb, leg_filter jsonb,
  OUT keyword_ids text[], OUT keyword_scores float8[], OUT nearest text[]
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  factor CONSTANT text := 'memory_factor(m.created_at, m.importance, $2) >= ($2 ->> ''least_factor'')::float8';
  narrowed text := condition;
  narrowed_filter jsonb := leg_filter;
  legs record;
  best_score float8;
  best_similarity float8;
  most float8;
  reached float8;
  least_factor float8;
  oldest float8;
BEGIN
  -- The cursor's row must be among the candidates, because its score moves with the time.
  EXECUTE format('SELECT ARRAY(SELECT m.id FROM memory_items AS m WHERE m.id = $4 AND %s'
    ' AND ($3 IS NULL OR m.search_vector @@ $3))', condition)
  INTO nearest
  USING query_tags, leg_filter, query.required, filter #>> '{after,id}';

  LOOP
    legs := hybrid_candidates(
      query, query_embedding, narrowed, query_tags, offered, narrowed_filter
    );
    keyword_ids := legs.keyword_ids;
    keyword_scores := legs.keyword_scores;
    nearest := ARRAY(SELECT unnest(nearest) UNION SELECT unnest(legs.nearest) UNION SELECT unnest(keyword_ids));
    best_score := COALESCE(best_score, keyword_scores[1]);
    best_similarity := COALESCE(best_similarity, legs.similarities[1]);
    EXIT WHEN cardinality(keyword_ids) < offered AND cardinality(legs.nearest) < offered;

    most := (
      bm25_weight * COALESCE(keyword_scores[offered] / NULLIF(best_score, 0), 0)
      + vector_weight * COALESCE((legs.similarities[offered] + 1) / NULLIF(best_similarity + 1, 0), 0)
    ) / (bm25_weight + vector_weight);
    reached := COALESCE((
      SELECT scored.score
      FROM hybrid_scores(
        nearest, keyword_ids, keyword_scores, query, query_embedding, bm25_weight, vector_weight,
        'convex', filter
      ) AS scored
      ORDER BY scored.score DESC
      LIMIT 1 OFFSET k - 1
    ), 0);
    EXIT WHEN reached > most * (1 + 1e-6);

    least_factor := reached / most * (1 - 1e-6);
    offered := offered * 8;
    narrowed := condition || ' AND ' || factor;
    narrowed_filter := leg_filter || jsonb_build_object('least_factor', least_factor)
      || COALESCE((SELECT jsonb_object_agg(key, value) FROM jsonb_each(filter) WHERE key IN ('recency', 'importance')), '{}');
    -- The same for recency alone, in words that an index understands.
    oldest := -log(2::numeric, greatest(least_factor, 1e-30)::numeric) * (filter ->> 'recency')::float8 + 1;
    IF oldest < 36500 THEN
      narrowed := narrowed || ' AND m.created_at >= now() - ($2 ->> ''oldest'')::float8 * interval ''1 day''';
      narrowed_filter := narrowed_filter || jsonb_build_object('oldest', oldest);
    END IF;
  END LOOP;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/hybrid_scores.sql
-- The candidates of hybrid_search with their score on both legs, their ranks among each other and the combined score:
-- the formulas are in hybrid_search's header. keyword_ids and keyword_scores are what the keyword leg has scored; the
-- others among the candidates are scored here, because they may share a word with the query all the same.
-- With filter.after only those behind the cursor. Its row is looked up, because its score moves with the time where
-- recency counts; where it is gone, the score that it had is taken.
CREATE OR REPLACE FUNCTION hybrid_scores(
  candidates text[], keyword_ids text[], keyword_scores float8[], query record,
  query_embedding vector, bm25_weight float8, vector_weight float8, fusion text, filter jsonb
)
RETURNS TABLE (
  id text, bm25 float8, similarity float8, score float8, bm25_rank bigint, vector_rank bigint
)
LANGUAGE plpgsql STABLE ROWS 100
AS $$
#variable_conflict use_column
DECLARE
  has_factor CONSTANT boolean := filter ?| '{recency,importance}';
  model CONSTANT integer := (current_embedding_model()).id;
BEGIN
  RETURN QUERY
    WITH keyword AS MATERIALIZED (
      SELECT hit.id, hit.score FROM unnest(keyword_ids, keyword_scores) AS hit (id, score)
      UNION ALL
      SELECT rest.id, rest.score
      FROM bm25_score_rows(
        query, ARRAY(SELECT unnest(candidates) EXCEPT SELECT unnest(keyword_ids))
      ) AS rest
    ),
    candidate AS (
      SELECT unnest(candidates) AS id
      UNION
      SELECT keyword.id FROM keyword
    ),
    scored AS (
      SELECT m.id, keyword.score AS bm25, 1 - (
          CASE WHEN m.embedding_model = model THEN m.embedding WHEN m.next_embedding_model = model THEN m.next_embedding END
          <=> l2_normalize(query_embedding)
        ) AS similarity,
        CASE WHEN has_factor THEN memory_factor(m.created_at, m.importance, filter) END AS factor
      FROM candidate
      JOIN memory_items AS m ON m.id = candidate.id
      LEFT JOIN keyword ON keyword.id = candidate.id
    ),
    ranked AS (
      SELECT scored.*,
        max(scored.bm25) OVER () AS best_bm25,
        max(scored.similarity) OVER () AS best_similarity,
        CASE WHEN scored.bm25 IS NOT NULL THEN
          row_number() OVER (ORDER BY scored.bm25 DESC NULLS LAST, scored.id COLLATE "C") END AS bm25_rank,
        CASE WHEN scored.similarity IS NOT NULL THEN
          row_number() OVER (ORDER BY scored.similarity DESC NULLS LAST, scored.id COLLATE "C") END AS vector_rank
      FROM scored
    ),
    fused AS (
      SELECT ranked.*,
        CASE fusion
          WHEN 'convex' THEN
            (bm25_weight * COALESCE(ranked.bm25 / NULLIF(ranked.best_bm25, 0), 0)
              + vector_weight * COALESCE((ranked.similarity + 1) / NULLIF(ranked.best_similarity + 1, 0), 0))
            / (bm25_weight + vector_weight)
          ELSE
            COALESCE(bm25_weight / (60 + ranked.bm25_rank), 0) + COALESCE(vector_weight / (60 + ranked.vector_rank), 0)
        END AS score
      FROM ranked
    ),
    combined AS (
      SELECT fused.id, fused.bm25, fused.similarity, fused.score * COALESCE(fused.factor, 1) AS score,
        fused.bm25_rank, fused.vector_rank
      FROM fused
    ),
    cursor AS (
      SELECT jsonb_build_object('after', jsonb_build_object(
        'id', filter #> '{after,id}',
        'score', COALESCE(
          (SELECT combined.score FROM combined WHERE combined.id = filter #>> '{after,id}'),
          (filter #>> '{after,score}')::float8
        )
      )) AS place
    )
    SELECT combined.*
    FROM combined
    WHERE NOT filter ? 'after' OR is_after(combined.score, combined.id, (SELECT cursor.place FROM cursor));
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/is_after.sql
-- Whether a row comes after the cursor filter.after in a list that is sorted by score, best first, ties by id.
CREATE OR REPLACE FUNCTION is_after(score float8, id text, filter jsonb)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT score < (filter #>> '{after,score}')::float8
    OR (score = (filter #>> '{after,score}')::float8 AND id COLLATE "C" > (filter #>> '{after,id}') COLLATE "C")
$$;
--> statement-breakpoint
-- source: src/sql/memory/is_trigram_similar.sql
-- Whether two words are as alike as pg_trgm.similarity_threshold asks: pg_trgm's operator %, bound like
-- trigram_similarity. It is inlined, so that an index of trigrams serves it.
CREATE OR REPLACE FUNCTION is_trigram_similar(one text, other text)
RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN one % other;
--> statement-breakpoint
-- source: src/sql/memory/lexeme_heads.sql
-- The text form of a tsvector or tsquery with each lexeme of more than six letters as its head: six letters and chr(2),
-- which no text can contain (the parser takes it for a blank). Endings differ beyond that in most languages whose stemmer
-- PostgreSQL does not have, or whose language nobody knows.
CREATE OR REPLACE FUNCTION lexeme_heads(lexemes text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
  SELECT regexp_replace(lexemes, '''([a-z\u00df-\u024f\u0370-\u052f\u0561-\u0587\u05d0-\u05ea\u0620-\u064a\u066e-\u06d3\u10d0-\u10ff\u1e00-\u1eff]{6})[a-z\u00df-\u024f\u0370-\u052f\u0561-\u0587\u05d0-\u05ea\u0620-\u064a\u066e-\u06d3\u10d0-\u10ff\u1e00-\u1eff]+''', E'''\\1\x02''', 'g')
$$;
--> statement-breakpoint
-- source: src/sql/memory/lexeme_query.sql
-- A tsquery that any of the lexemes satisfies; null for none. The text form of a one-lexeme tsvector is quoted just as
-- tsquery's input wants it, whatever characters the lexeme has. In groups, because PostgreSQL reads and evaluates a
-- tsquery by recursion: one chain of the 10,000 words of a long text would exceed the stack.
CREATE OR REPLACE FUNCTION lexeme_query(lexemes text[])
RETURNS tsquery
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
  SELECT string_agg('(' || chunk.query || ')', '|')::tsquery
  FROM (
    SELECT string_agg(array_to_tsvector(ARRAY[given.lexeme])::text, '|') AS query
    FROM unnest(lexemes) WITH ORDINALITY AS given (lexeme, place)
    GROUP BY (given.place - 1) / 128
  ) AS chunk
$$;
--> statement-breakpoint
-- source: src/sql/memory/mark_token.sql
-- A matching token of a text between the tags; of scripts without spaces only its characters that match: those of each pair
-- (or other lexeme) of the query that occurs in it.
CREATE OR REPLACE FUNCTION mark_token(token text, lexemes text[], start_tag text, stop_tag text, as_html boolean)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  spaceless CONSTANT text := '[\u0e00-\u0eff\u1000-\u109f\u1780-\u17d3\u2e80-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]';
  is_marked boolean[];
  characters CONSTANT text[] := string_to_array(token, NULL);
  at integer;
  lexeme text;
  piece text;
BEGIN
  IF token !~ spaceless THEN
    RETURN start_tag || shown_text(token, as_html) || stop_tag;
  END IF;
  is_marked := array_fill(false, ARRAY[cardinality(characters) + 1]);
  FOREACH lexeme IN ARRAY lexemes LOOP
    CONTINUE WHEN lexeme !~ spaceless OR strpos(token, lexeme) = 0;
    at := 0;
    FOREACH piece IN ARRAY string_to_array(token, lexeme) LOOP
      at := at + length(piece);
      FOR i IN at + 1 .. least(at + length(lexeme), cardinality(characters)) LOOP
        is_marked[i] := true;
      END LOOP;
      at := at + length(lexeme);
    END LOOP;
  END LOOP;
  -- A token that matches by another form than its own characters, such as a decomposed one, as a whole.
  IF true <> ALL (is_marked) THEN
    RETURN start_tag || shown_text(token, as_html) || stop_tag;
  END IF;
  RETURN (
    SELECT string_agg(
      CASE WHEN is_marked[i] AND NOT COALESCE(is_marked[i - 1], false) THEN start_tag ELSE '' END
        || characters[i] || CASE WHEN is_marked[i] AND NOT is_marked[i + 1] THEN stop_tag ELSE '' END, '' ORDER BY i)
    FROM generate_series(1, cardinality(characters)) AS i
  );
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/matching_lexeme.sql
-- The first of the lexemes that a token of a text has, in any form; null for none. A plain English word is stemmed by itself,
-- which is quick; anything else as a query would be.
CREATE OR REPLACE FUNCTION matching_lexeme(token text, lexemes text[])
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  stem text;
BEGIN
  IF token ~ '^[A-Z]?[a-z]+$' THEN
    stem := (ts_lexize('pg_catalog.english_stem', lower(token)))[1];
    RETURN CASE WHEN stem = ANY (lexemes) THEN stem
      WHEN length(stem) > 6 AND left(stem, 6) || E'\x02' = ANY (lexemes) THEN left(stem, 6) || E'\x02' END;
  END IF;
  RETURN (
    SELECT form.lexeme
    FROM (SELECT unnest((query_lexemes(token)).lexemes) UNION SELECT unnest(tsvector_to_array(search_units(token)))) AS form (lexeme)
    WHERE form.lexeme = ANY (lexemes)
    ORDER BY form.lexeme COLLATE "C" LIMIT 1
  );
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/memory_factor.sql
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
--> statement-breakpoint
-- source: src/sql/memory/memory_filter_condition.sql
-- The condition under which a row of memory_items (alias m) passes the caller's filters, as SQL that names the values
-- only as parameters: $1 is query_tags, $2 is filter. Conditions that were not asked for are left out, so that the
-- planner sees just the ones that count. Every search builds its query on this, and every check of a filter is here.
--
-- options: the keys beyond the common ones that the calling function supports.
--
-- filter.expired, filter.superseded: true where expired or superseded rows count as well; only where options name them.
-- filter.granted: what filter_by_grants says that a role may see; it only ever narrows.
-- filter.as_of: a timestamp: what was known then, so not yet superseded; or {"known": timestamp, "valid": timestamp}, where
-- valid asks what was true then, by valid_from and valid_to. Asked for both, the end of a validity counts only if it was
-- known: superseding sets it. Expired rows are never returned.
CREATE OR REPLACE FUNCTION memory_filter_condition(query_tags text[], filter jsonb, options text[] DEFAULT '{}')
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
  common constant text[] := '{namespace,speaker_id,all_tags,since,until,metadata,ids,fuzzy,operators,prefix,min_match,namespaces,namespace_under,where,as_of}';
  most_tags constant integer := 1000;
  conditions text[] := '{}';
  unknown text;
BEGIN
  IF array_position(query_tags, NULL) IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'query_tags must be strings, got a null among them';
  END IF;
  IF cardinality(query_tags) > most_tags THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('query_tags must have at most %s tags, got %s', most_tags, cardinality(query_tags));
  END IF;
  IF jsonb_typeof(filter) <> 'object' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter must be a JSON object, got %s %s', jsonb_typeof(filter), left(filter::text, 60));
  END IF;
  IF filter - 'fuzzy' <> '{}' OR jsonb_typeof(filter -> 'fuzzy') <> 'boolean' THEN
    SELECT given.key INTO unknown
    FROM jsonb_object_keys(filter) AS given (key)
    WHERE given.key <> ALL (common || options || '{granted}'::text[])
    ORDER BY given.key COLLATE "C"
    LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('filter has the key "%s", expected only: %s', left(unknown, 60), array_to_string(common || options, ', '));
    END IF;
    PERFORM check_filter_value(filter, key, expected)
    FROM unnest(
      '{namespace,speaker_id,all_tags,since,until,metadata,ids,fuzzy,operators,prefix,min_match,namespaces,namespace_under,where,expired,superseded}'::text[],
      '{string,string,boolean,string,string,object,array,boolean,boolean,boolean,number,array,string,object,boolean,boolean}'::text[]
    ) AS value (key, expected);
    IF (filter ->> 'min_match')::numeric NOT BETWEEN 0 AND 1 THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('filter.min_match must be from 0 to 1, got %s', left(filter ->> 'min_match', 60));
    END IF;
    PERFORM check_filter_texts(filter, 'ids'), check_filter_texts(filter, 'namespaces');
  END IF;

  IF (filter -> 'expired')::boolean IS NOT TRUE THEN
    conditions := ARRAY['(m.expires_at IS NULL OR m.expires_at > now())'];
  END IF;
  IF cardinality(query_tags) > 0 THEN
    conditions := conditions || CASE WHEN (filter -> 'all_tags')::boolean THEN 'm.tags @> $1' ELSE 'm.tags && $1' END;
  END IF;
  IF filter ? 'namespace' THEN
    conditions := conditions || 'm.namespace = ($2 ->> ''namespace'')'::text;
  END IF;
  IF filter ? 'namespaces' THEN
    conditions := conditions || 'm.namespace = ANY (ARRAY(SELECT jsonb_array_elements_text($2 -> ''namespaces'')))'::text;
  END IF;
  IF filter ? 'namespace_under' THEN
    conditions := conditions || '(m.namespace = ($2 ->> ''namespace_under'') OR starts_with(m.namespace, ($2 ->> ''namespace_under'') || ''/''))'::text;
  END IF;
  IF filter ? 'granted' THEN
    conditions := conditions || ('(m.namespace = ANY (ARRAY(SELECT jsonb_array_elements_text($2 #> ''{granted,namespaces}'')))'
      || CASE WHEN filter #> '{granted,below}' = '[]' THEN '' ELSE
        ' OR is_below(m.namespace, ARRAY(SELECT jsonb_array_elements_text($2 #> ''{granted,below}'')))' END || ')');
  END IF;
  IF filter ? 'speaker_id' THEN
    conditions := conditions || 'm.speaker_id = ($2 ->> ''speaker_id'')'::text;
  END IF;
  IF filter ? 'since' THEN
    conditions := conditions || ('m.created_at >= ' || filter_time(filter, 'since'));
  END IF;
  IF filter ? 'until' THEN
    conditions := conditions || ('m.created_at < ' || filter_time(filter, 'until'));
  END IF;
  IF filter ? 'metadata' THEN
    conditions := conditions || 'm.metadata @> ($2 -> ''metadata'')'::text;
  END IF;
  IF filter ? 'ids' THEN
    conditions := conditions || 'm.id = ANY (ARRAY(SELECT jsonb_array_elements_text($2 -> ''ids'')))'::text;
  END IF;
  IF filter ? 'where' THEN
    conditions := conditions || (where_condition(filter -> 'where', '{where}', 0, 0)).condition;
  END IF;
  conditions := conditions || CASE WHEN filter ?| '{as_of,superseded}' THEN as_of_condition(filter) ELSE 'm.superseded_at IS NULL' END;
  RETURN COALESCE(NULLIF(array_to_string(conditions, ' AND '), ''), 'true');
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/metadata_comparison.sql
-- One operator of filter.where on a path into metadata, as SQL. eq and in ask for containment as well, which the GIN index
-- on metadata answers; not where an element of the path could be the index of an array, which containment has no word for.
-- Order is asked only among values of one type: a number is neither below nor above a string.
CREATE OR REPLACE FUNCTION metadata_comparison(path text[], operator text, value jsonb, place text[])
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
#variable_conflict use_variable
DECLARE
  shown CONSTANT text := 'filter.' || array_to_string(place[1:8], '.');
  given CONSTANT text := format('($2 #> %L)', place);
  found CONSTANT text := format('(m.metadata #> %L)', path);
  is_indexed CONSTANT boolean := NOT EXISTS (SELECT FROM unnest(path) AS key WHERE key ~ '^-?\d+$');
  came CONSTANT text := jsonb_typeof(value);
  -- The value at the end of the path, in an object for each key before it.
  nested text := CASE operator WHEN 'in' THEN 'one.value' ELSE given END;
BEGIN
  IF operator IN ('in', 'not_in') AND came <> 'array' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('%s must be an array, got %s', shown, left(value::text, 60));
  ELSIF operator IN ('gt', 'gte', 'lt', 'lte') AND came NOT IN ('number', 'string') THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('%s must be a number or a string, got %s', shown, left(value::text, 60));
  ELSIF operator = 'exists' AND came <> 'boolean' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('%s must be true or false, got %s', shown, left(value::text, 60));
  END IF;
  FOR at IN REVERSE cardinality(path) .. 1 LOOP
    nested := format('jsonb_build_object(%L, %s)', path[at], nested);
  END LOOP;
  RETURN CASE operator
    WHEN 'eq' THEN
      CASE WHEN is_indexed THEN format('m.metadata @> %s AND ', nested) ELSE '' END || format('%s = %s', found, given)
    WHEN 'ne' THEN format('%s IS DISTINCT FROM %s', found, given)
    WHEN 'in' THEN
      CASE WHEN is_indexed THEN
        format('m.metadata @> ANY (ARRAY(SELECT %s FROM jsonb_array_elements(%s) AS one)) AND ', nested, given)
      ELSE '' END || format('%s = ANY (ARRAY(SELECT jsonb_array_elements(%s)))', found, given)
    WHEN 'not_in' THEN format('(%s = ANY (ARRAY(SELECT jsonb_array_elements(%s)))) IS NOT TRUE', found, given)
    WHEN 'contains' THEN format('%s @> %s', found, given)
    WHEN 'exists' THEN format('(%s IS NOT NULL) = %s::boolean', found, given)
    ELSE format('(jsonb_typeof(%1$s) = jsonb_typeof(%2$s) AND %1$s %3$s %2$s)', found, given,
      CASE operator WHEN 'gt' THEN '>' WHEN 'gte' THEN '>=' WHEN 'lt' THEN '<' ELSE '<=' END)
  END;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/name_embedding_model.sql
-- Gives the current model its name, which it does not have yet. Of two writers that name it at the same moment, the
-- second waits, and is refused if it named another.
CREATE OR REPLACE FUNCTION name_embedding_model(what text, given text)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
  model record;
BEGIN
  UPDATE embedding_models SET name = given WHERE state = 'current' AND name IS NULL;
  IF NOT FOUND THEN
    INSERT INTO embedding_models (id, name, dimensions, state)
    SELECT id, given, dimensions, 'current' FROM current_embedding_model() WHERE name IS NULL
    ON CONFLICT DO NOTHING;
  END IF;
  SELECT * INTO model FROM current_embedding_model();
  IF model.name <> given THEN
    PERFORM wrong_embedding(what, model.name, model.dimensions, given, model.dimensions);
  END IF;
END
$$;

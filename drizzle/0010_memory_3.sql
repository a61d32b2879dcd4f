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
  INOUT lexemes text[], is_fuzzy boolean, required tsquery, query_embedding vector, condition text, query_tags text[],
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
  USING query_tags, leg_filter, required, filter #>> '{after,id}';

  LOOP
    legs := hybrid_candidates(
      lexemes, is_fuzzy, required, query_embedding, narrowed, query_tags, offered, narrowed_filter
    );
    lexemes := legs.lexemes;
    is_fuzzy := false;
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
        nearest, keyword_ids, keyword_scores, lexemes, required, query_embedding, bm25_weight, vector_weight,
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
  candidates text[], keyword_ids text[], keyword_scores float8[], lexemes text[], required tsquery,
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
        lexemes, required, ARRAY(SELECT unnest(candidates) EXCEPT SELECT unnest(keyword_ids))
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
  common constant text[] := '{namespace,speaker_id,all_tags,since,until,metadata,ids,fuzzy,namespaces,namespace_under,where,as_of}';
  conditions text[] := '{}';
  unknown text;
BEGIN
  IF array_position(query_tags, NULL) IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'query_tags must be strings, got a null among them';
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
      '{namespace,speaker_id,all_tags,since,until,metadata,ids,fuzzy,namespaces,namespace_under,where,expired,superseded}'::text[],
      '{string,string,boolean,string,string,object,array,boolean,array,string,object,boolean,boolean}'::text[]
    ) AS value (key, expected);
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
  RETURN COALESCE(NULLIF(array_to_string(conditions || as_of_condition(filter), ' AND '), ''), 'true');
END
$$;

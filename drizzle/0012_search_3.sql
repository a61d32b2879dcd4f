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
-- source: src/sql/search/vector/exact_scan_limit.sql
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
-- source: src/sql/search/vector/vector_rows.sql
-- The limit_rows rows nearest to the query by cosine, among those with an embedding that meet what the query text
-- requires (null: nothing) and pass the condition, which speaks of $1 (query_tags) and $2 (filter).
--
-- Never fewer than limit_rows when so many pass: an approximate index is asked only where many rows pass, and what it
-- leaves short is read exactly. Where few pass, the exact scan over them is both faster and complete. How many pass is
-- the planner's estimate, which costs nothing; if it was far too low, the exact scan notices and the index is asked.
CREATE OR REPLACE FUNCTION vector_rows(
  query_embedding vector, required tsquery, condition text, query_tags text[], limit_rows integer, filter jsonb
)
RETURNS TABLE (id text, similarity float8)
LANGUAGE plpgsql STABLE ROWS 10
AS $$
#variable_conflict use_column
DECLARE
  query constant vector := l2_normalize(query_embedding);
  narrowed constant text := condition || CASE WHEN required IS NULL THEN '' ELSE ' AND m.search_vector @@ $3' END;
  index constant record := vector_index();
  expression constant text := embedding_expression(index.model);
  few constant bigint := exact_scan_limit(index.dimensions, index.row_estimate, limit_rows);
  passing float8 := index.row_estimate;
  scanned bigint;
  ids text[];
  similarities float8[];
  -- Under row-level security the planner cannot tell how few rows the policy lets pass, and would read the whole table.
  is_isolated constant boolean := row_security_active('memory_items');
  seqscan_before constant text := current_setting('enable_seqscan');
BEGIN
  IF is_isolated THEN
    PERFORM set_config('enable_seqscan', 'off', true);
  END IF;

  IF index.method IS NOT NULL THEN
    IF is_isolated THEN
      EXECUTE format(
        'SELECT count(*) FROM (SELECT FROM memory_items AS m WHERE (%s) IS NOT NULL AND %s LIMIT $4) AS passing',
        expression, narrowed
      )
      INTO passing
      USING query_tags, filter, required, few + 1;
    ELSIF required IS NOT NULL OR query_tags <> '{}' OR filter - 'fuzzy' <> '{}' THEN
      passing := passing * (estimate_filter(condition, query_tags, filter, required)).share;
    END IF;

    IF passing <= few THEN
      EXECUTE format(
        $query$
          WITH passing AS MATERIALIZED (
            SELECT m.id, 1 - ((%1$s) <=> $4) AS similarity
            FROM memory_items AS m
            WHERE (%1$s) IS NOT NULL AND %2$s
            LIMIT $6
          )
          SELECT array_agg(best.id ORDER BY best.similarity DESC, best.id COLLATE "C"),
            array_agg(best.similarity ORDER BY best.similarity DESC, best.id COLLATE "C"),
            (SELECT count(*) FROM passing)
          FROM (SELECT * FROM passing ORDER BY similarity DESC, id COLLATE "C" LIMIT $5) AS best
        $query$,
        expression, narrowed
      )
      INTO ids, similarities, scanned
      USING query_tags, filter, required, query, limit_rows, 2 * few;
      passing := scanned;
    END IF;
    IF scanned IS NULL OR scanned = 2 * few THEN
      SELECT array_agg(nearest.id), array_agg(nearest.similarity) INTO ids, similarities
      FROM vector_index_rows(query, required, narrowed, query_tags, limit_rows, filter,
        index.model, index.dimensions, index.method, index.lists) AS nearest;
      scanned := CASE WHEN cardinality(ids) = limit_rows THEN 0 END;
    END IF;
  END IF;

  IF scanned IS NULL THEN
    RETURN QUERY EXECUTE format(
      $query$
        SELECT m.id, 1 - ((%1$s) <=> $4) AS similarity
        FROM memory_items AS m
        WHERE (%1$s) IS NOT NULL AND %2$s
        ORDER BY similarity DESC, m.id COLLATE "C"
        LIMIT $5
      $query$,
      expression, narrowed
    )
    USING query_tags, filter, required, query, limit_rows;
  ELSE
    RETURN QUERY SELECT * FROM unnest(ids, similarities);
  END IF;
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
-- source: src/sql/search/vector/api/vector_index.sql
-- What a search by meaning goes by: the current model and its dimensions, the access method of the vector index (hnsw,
-- ivfflat; null for none, or one whose building was interrupted), its lists (ivfflat) and how many rows the table is
-- thought to have.
--
-- In PL/pgSQL, which keeps the plans: every search asks this first, and as an SQL function it was planned each time.
CREATE OR REPLACE FUNCTION vector_index(
  OUT model integer, OUT dimensions integer, OUT method text, OUT lists integer, OUT row_estimate float8
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
BEGIN
  SELECT searched.id, searched.dimensions INTO model, dimensions FROM current_embedding_model() AS searched;

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
-- source: src/sql/search/vector/api/vector_index_rows.sql
-- Asks the vector index for the rows nearest to the query (a unit vector) that pass the condition, which speaks of $1
-- (query_tags), $2 (filter) and $3 (required). The last four parameters are vector_index's. It may return fewer than
-- limit_rows.
--
-- The index holds half-precision vectors, so twice as many rows as wanted, and 40 at least, are taken and ordered anew by
-- the full ones. The scan goes on in relaxed order until the condition has let so many pass: in strict order a neighbour
-- that comes up late would be thrown away, which cost 3 % of recall under a filter that 5 % pass. ef_search and probes are
-- for a recall above 0.98 on real vectors (npm run bench -- vector): the more rows are wanted, the more lists they lie in.
CREATE OR REPLACE FUNCTION vector_index_rows(
  query vector, required tsquery, condition text, query_tags text[], limit_rows integer, filter jsonb,
  model integer, dimensions integer, method text, lists integer
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
        SELECT m.id, %1$s AS embedding
        FROM memory_items AS m
        WHERE (%1$s) IS NOT NULL AND %3$s
        ORDER BY (l2_normalize(%1$s)::halfvec(%2$s)) <=> $4::halfvec(%2$s)
        LIMIT greatest(2 * $5, 40)
      )
      SELECT nearest.id, 1 - (nearest.embedding <=> $4) AS similarity
      FROM nearest
      ORDER BY similarity DESC, nearest.id COLLATE "C"
      LIMIT $5
    $query$,
    embedding_expression(model), dimensions, condition
  )
  USING query_tags, filter, required, query, limit_rows;
  PERFORM set_config(setting.name, setting.value, true) FROM unnest(names, before) AS setting (name, value);
END
$$;
--> statement-breakpoint
-- source: src/sql/search/vector/api/vector_search.sql
-- Search by meaning: the k rows whose embeddings are nearest to the query's, by cosine. similarity = 1 - cosine
-- distance, from -1 to 1. Rows without an embedding are not found.
--
-- query_embedding: a vector of the current model, not zero
-- query_tags, k, filter: as in bm25_search (fuzzy has no effect here; the score of filter.after is the similarity), and
--   filter.model: the name of the model that made query_embedding, which is refused if another is the current one
--   filter.min_score: the least similarity that a row must have, -1 to 1
CREATE OR REPLACE FUNCTION vector_search(
  query_embedding vector, query_tags text[] DEFAULT '{}', k integer DEFAULT 10, filter jsonb DEFAULT '{}'
)
RETURNS TABLE (id text, text text, tags text[], created_at timestamptz, similarity float8)
LANGUAGE plpgsql STABLE ROWS 10
AS $$
#variable_conflict use_column
DECLARE
  condition text;
  ids text[];
  similarities float8[];
  sought integer := k;
  min_score float8;
BEGIN
  IF query_embedding IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
      MESSAGE = format('vector_search: query_embedding must be a vector of %s dimensions, got null',
        (current_embedding_model()).dimensions);
  END IF;
  PERFORM check_query_embedding('vector_search', query_embedding, filter);
  PERFORM check_search_limit('vector_search', k);
  query_tags := COALESCE(query_tags, '{}');
  filter := COALESCE(filter, '{}');
  IF filter -> 'model' IS NOT NULL THEN
    filter := filter - 'model';
  END IF;
  condition := memory_filter_condition(query_tags, filter, '{after,min_score}');
  min_score := COALESCE(check_min_score(filter, -1, 1), '-Infinity');
  filter := filter - 'min_score';

  IF NOT filter ? 'after' THEN
    RETURN QUERY
      SELECT m.id, m.text, m.tags, m.created_at, hit.similarity
      FROM vector_rows(query_embedding, NULL, condition, query_tags, k, filter) AS hit
      JOIN memory_items AS m ON m.id = hit.id
      WHERE hit.similarity >= min_score
      ORDER BY hit.similarity DESC, hit.id COLLATE "C";
    RETURN;
  END IF;

  PERFORM check_cursor(filter);
  LOOP
    SELECT array_agg(hit.id), array_agg(hit.similarity) INTO ids, similarities
    FROM vector_rows(query_embedding, NULL, condition, query_tags, sought, filter - 'after') AS hit;
    EXIT WHEN COALESCE(cardinality(ids), 0) < sought;
    EXIT WHEN (SELECT count(*) FROM unnest(ids, similarities) AS hit (id, similarity)
               WHERE is_after(hit.similarity, hit.id, filter)) >= k;
    sought := 4 * sought;
  END LOOP;

  RETURN QUERY
    SELECT m.id, m.text, m.tags, m.created_at, hit.similarity
    FROM unnest(ids, similarities) AS hit (id, similarity)
    JOIN memory_items AS m ON m.id = hit.id
    WHERE is_after(hit.similarity, hit.id, filter) AND hit.similarity >= min_score
    ORDER BY hit.similarity DESC, hit.id COLLATE "C"
    LIMIT k;
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/search/hybrid/check_fusion.sql
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
-- source: src/sql/search/hybrid/hybrid_candidates.sql
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
--> statement-breakpoint
-- source: src/sql/search/hybrid/hybrid_factor_candidates.sql
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
-- source: src/sql/search/hybrid/hybrid_scores.sql
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
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- path: of the functions above
ALTER FUNCTION vector_index(OUT model integer, OUT dimensions integer, OUT method text, OUT lists integer, OUT row_estimate float8) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION vector_index_rows(query vector, required tsquery, condition text, query_tags text[], limit_rows integer, filter jsonb, model integer, dimensions integer, method text, lists integer) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION vector_search(query_embedding vector, query_tags text[], k integer, filter jsonb) SET search_path FROM CURRENT;

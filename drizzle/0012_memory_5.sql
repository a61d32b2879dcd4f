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
--   model: the name of the model that made query_embedding, which is refused if another is the current one
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
  IF query_embedding IS NOT NULL OR filter ? 'model' THEN
    PERFORM check_query_embedding('hybrid_search', query_embedding, filter);
  END IF;
  PERFORM check_search_limit('hybrid_search', k);
  PERFORM check_fusion(bm25_weight, vector_weight, fusion);
  query_tags := COALESCE(query_tags, '{}');
  filter := COALESCE(filter, '{}');
  IF filter -> 'model' IS NOT NULL THEN
    filter := filter - 'model';
  END IF;
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
-- source: src/sql/memory/api/pending_embeddings.sql
-- How many memories are not expired and have no vector of the given model: of those that the current model finds, or
-- where of_all is true, of all; at most `most`. Literals, so that the planner sees that the index of a change serves.
CREATE OR REPLACE FUNCTION pending_embeddings(model integer, of_all boolean, most bigint)
RETURNS bigint
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  pending bigint;
BEGIN
  EXECUTE format(
    $query$
      SELECT count(*) FROM (
        SELECT FROM memory_items AS m
        WHERE m.embedding_model IS DISTINCT FROM %1$s AND m.next_embedding_model IS DISTINCT FROM %1$s
          AND ($1 OR m.embedding_model = $2 OR m.next_embedding_model = $2)
          AND (m.expires_at IS NULL OR m.expires_at > now())
        LIMIT $3
      ) AS pending
    $query$,
    model
  )
  INTO pending
  USING of_all, (current_embedding_model()).id, most;
  RETURN pending;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/settle_embeddings.sql
-- Tidies up after a change of the embedding model: looks at the next `most` memories after the id `after`, moves vectors
-- of the current model from next_embedding to embedding, and removes those of models that are no longer used. Rows that
-- another transaction is writing are passed over. Searches find the same before and after.
-- Returns the last id that was looked at (null: no more), how many rows were changed and how many are left to another call.
CREATE OR REPLACE FUNCTION settle_embeddings(after text, most integer, OUT last_id text, OUT settled bigint, OUT missed bigint)
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
DECLARE
  model integer;
  next integer;
  unsettled text[];
BEGIN
  -- The models stay what they are until this is committed.
  LOCK TABLE embedding_models IN ROW SHARE MODE;
  model := (current_embedding_model()).id;
  next := (next_embedding_model()).id;

  SELECT max(seen.id), array_agg(seen.id) FILTER (
    WHERE seen.embedding_model <> model OR seen.next_embedding_model IS NOT NULL AND seen.next_embedding_model IS DISTINCT FROM next
  )
  INTO last_id, unsettled
  FROM (
    SELECT m.id, m.embedding_model, m.next_embedding_model
    FROM memory_items AS m
    WHERE after IS NULL OR m.id > after
    ORDER BY m.id
    LIMIT most
  ) AS seen;

  WITH held AS MATERIALIZED (
    SELECT m.id FROM memory_items AS m WHERE m.id = ANY (unsettled) FOR UPDATE SKIP LOCKED
  )
  UPDATE memory_items AS m
  SET embedding = CASE
      WHEN m.next_embedding_model = model THEN m.next_embedding
      WHEN m.embedding_model = model THEN m.embedding
    END,
    next_embedding = CASE WHEN m.next_embedding_model = next THEN m.next_embedding END
  FROM held
  WHERE m.id = held.id;
  GET DIAGNOSTICS settled = ROW_COUNT;
  missed := COALESCE(cardinality(unsettled), 0) - settled;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/use_embedding_model.sql
-- Says which embedding model the vectors are of. While no vector is stored, any model is taken at once: the vector index
-- is made anew for its dimensions, which needs the rights of the table's owner. A model without a name yet takes the one
-- that is given. Once vectors of a model are stored, another is refused: begin_model_change is the way to it.
--
-- name: as the embedder says it; null where nobody knows. dimensions: 1 to 4000.
CREATE OR REPLACE FUNCTION use_embedding_model(name text, dimensions integer)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_variable
DECLARE
  model record;
  index record;
BEGIN
  PERFORM check_embedding_model('use_embedding_model', name, dimensions, true);
  -- Waits for transactions that have written a vector; searches go on.
  LOCK TABLE embedding_models IN EXCLUSIVE MODE;
  SELECT * INTO model FROM current_embedding_model();
  IF (name, dimensions) IS NOT DISTINCT FROM (model.name, model.dimensions) THEN
    RETURN;
  END IF;
  IF EXISTS (SELECT FROM embedding_models AS other WHERE other.state = 'next') THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = 'use_embedding_model: a change of the model is under way: finish_model_change or cancel_model_change first';
  END IF;
  IF (model.name IS NOT NULL OR model.dimensions <> dimensions)
    AND EXISTS (SELECT FROM memory_items AS m WHERE m.embedding IS NOT NULL OR m.next_embedding IS NOT NULL)
  THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('use_embedding_model: the stored embeddings are of the model %s of %s dimensions, got %s of %s',
        COALESCE('"' || model.name || '"', 'without a name'), model.dimensions, COALESCE('"' || name || '"', 'one without a name'), dimensions),
      HINT = 'begin_model_change keeps the old vectors searchable until the new ones are there.';
  END IF;

  INSERT INTO embedding_models AS known (id, name, dimensions, state)
  VALUES (model.id, name, dimensions, 'current')
  ON CONFLICT (id) DO UPDATE SET name = excluded.name, dimensions = excluded.dimensions, changed_at = now();
  IF dimensions <> model.dimensions THEN
    index := vector_index();
    IF index.method IS NOT NULL THEN
      DROP INDEX memory_items_embedding_idx;
      EXECUTE format('CREATE INDEX memory_items_embedding_idx ON memory_items USING hnsw %s',
        embedding_index_definition(model.id, dimensions));
    END IF;
    PERFORM store_embeddings_for(dimensions);
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/vector_index.sql
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
-- source: src/sql/memory/api/vector_index_rows.sql
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
-- source: src/sql/memory/api/vector_search.sql
-- Search by meaning: the k rows whose embeddings are nearest to the query's, by cosine. similarity = 1 - cosine
-- distance, from -1 to 1. Rows without an embedding are not found.
--
-- query_embedding: a vector of the current model, not zero
-- query_tags, k, filter: as in bm25_search (fuzzy has no effect here; the score of filter.after is the similarity), and
--   filter.model: the name of the model that made query_embedding, which is refused if another is the current one
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
  condition := memory_filter_condition(query_tags, filter, '{after}');

  IF NOT filter ? 'after' THEN
    RETURN QUERY
      SELECT m.id, m.text, m.tags, m.created_at, hit.similarity
      FROM vector_rows(query_embedding, NULL, condition, query_tags, k, filter) AS hit
      JOIN memory_items AS m ON m.id = hit.id
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
    WHERE is_after(hit.similarity, hit.id, filter)
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
-- path: of the functions above
ALTER FUNCTION finish_model_change(accept_pending boolean) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION highlight(document text, query_text text, start_tag text, stop_tag text, max_words integer) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION hybrid_search(query_text text, query_embedding vector, query_tags text[], k integer, bm25_weight float8, vector_weight float8, filter jsonb, fusion text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION pending_embeddings(model integer, of_all boolean, most bigint) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION settle_embeddings(after text, most integer, OUT last_id text, OUT settled bigint, OUT missed bigint) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION use_embedding_model(name text, dimensions integer) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION vector_index(OUT model integer, OUT dimensions integer, OUT method text, OUT lists integer, OUT row_estimate float8) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION vector_index_rows(query vector, required tsquery, condition text, query_tags text[], limit_rows integer, filter jsonb, model integer, dimensions integer, method text, lists integer) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION vector_search(query_embedding vector, query_tags text[], k integer, filter jsonb) SET search_path FROM CURRENT;

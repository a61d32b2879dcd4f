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
--   min_score: the least combined score that a row must have, 0 to 1
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
  options CONSTANT text[] := '{recency,importance,diversity,after,candidates,min_score}';
  condition text;
  leg_filter jsonb;
  lexemes text[];
  required tsquery;
  is_fuzzy boolean;
  offered integer;
  lambda float8;
  legs record;
  min_score float8;
BEGIN
  PERFORM check_query_text('hybrid_search', query_text);
  IF query_embedding IS NOT NULL THEN
    PERFORM check_query_embedding('hybrid_search', query_embedding);
  END IF;
  PERFORM check_search_limit('hybrid_search', k);
  PERFORM check_fusion(bm25_weight, vector_weight, fusion);
  query_tags := COALESCE(query_tags, '{}');
  filter := COALESCE(filter, '{}');
  IF row_security_active('memory_items') THEN
    IF may_search_by_grants() THEN
      RETURN QUERY SELECT * FROM hybrid_search_by_grants(
        query_text, query_embedding::text, query_tags, k, bm25_weight, vector_weight, filter, fusion
      );
      RETURN;
    END IF;
  END IF;
  condition := memory_filter_condition(query_tags, filter, options);
  IF filter ?| options THEN
    PERFORM check_ranking_options(filter, k), check_cursor(filter);
    min_score := check_min_score(filter, 0, 1);
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
      best.bm25_rank::integer, best.vector_rank::integer
    FROM best
    LEFT JOIN diverse ON diverse.id = best.id
    JOIN memory_items AS m ON m.id = best.id
    WHERE lambda IS NULL OR diverse.turn IS NOT NULL
    ORDER BY diverse.turn, best.score DESC, m.id COLLATE "C";
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/list_memories.sql
-- The memories that meet a filter, the newest first, without a query. query_tags and filter as in bm25_search, and
--   expired, superseded: true to list those that expired or were superseded as well
--   after: {"created_at": timestamp, "id": id} of the last row of the page before
-- k: 1 to 1001
--
--   SELECT * FROM list_memories(filter => '{"namespace": "ana", "where": {"tags": {"none": ["draft"]}}}', k => 50);
CREATE OR REPLACE FUNCTION list_memories(query_tags text[] DEFAULT '{}', k integer DEFAULT 50, filter jsonb DEFAULT '{}')
RETURNS TABLE (id text, text text, tags text[], created_at timestamptz)
LANGUAGE plpgsql STABLE ROWS 50
AS $$
#variable_conflict use_column
DECLARE
  condition text;
BEGIN
  IF k NOT BETWEEN 1 AND 1001 OR k IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('list_memories: k must be from 1 to 1001, got %s', COALESCE(k::text, 'null'));
  END IF;
  query_tags := COALESCE(query_tags, '{}');
  filter := COALESCE(filter, '{}');
  condition := memory_filter_condition(query_tags, filter, '{expired,superseded,after}');
  IF filter ? 'after' THEN
    IF jsonb_typeof(filter -> 'after') <> 'object' OR jsonb_typeof(filter #> '{after,id}') IS DISTINCT FROM 'string' THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('filter.after must be {"created_at": time, "id": string} of the last row before, got %s',
          left((filter -> 'after')::text, 60));
    END IF;
    PERFORM check_filter_time(jsonb_build_object('after.created_at', COALESCE(filter #> '{after,created_at}', '""')), 'after.created_at');
    condition := condition || ' AND (m.created_at, m.id) < (($2 #>> ''{after,created_at}'')::timestamptz, $2 #>> ''{after,id}'')';
  END IF;
  RETURN QUERY EXECUTE format(
    'SELECT m.id, m.text, m.tags, m.created_at FROM memory_items AS m WHERE %s ORDER BY m.created_at DESC, m.id DESC LIMIT $3',
    condition
  ) USING query_tags, filter, k;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/memory_history_of.sql
-- What memories were before their changes, oldest first: those of these ids that the caller may see. A column is null
-- where that change left it as it was.
CREATE OR REPLACE FUNCTION memory_history_of(ids text[])
RETURNS TABLE (
  entry bigint, memory_id text, namespace text, changed_at timestamptz, changed_by text, actor text,
  text text, tags text[], metadata jsonb, importance real
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    SELECT kept.entry, kept.memory_id, kept.namespace, kept.changed_at, kept.changed_by, kept.actor, kept.text, kept.tags,
      kept.metadata, kept.importance
    FROM memory_history AS kept
    WHERE kept.memory_id = ANY (ids)
    ORDER BY kept.entry;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/prune_memory_history.sql
-- Deletes what memories were before changes of before this time, up to `most` entries, and answers how many; of one
-- namespace, or of all (null). Call it until it answers 0.
--
--   SELECT prune_memory_history(now() - interval '1 year');
CREATE OR REPLACE FUNCTION prune_memory_history(before timestamptz, namespace text DEFAULT NULL, most integer DEFAULT 10000)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  pruned bigint;
BEGIN
  IF before IS NULL OR most IS NULL OR most < 1 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('prune_memory_history: expected a time and at least 1 entry, got %s and %s',
        COALESCE(before::text, 'null'), COALESCE(most::text, 'null'));
  END IF;
  DELETE FROM memory_history AS kept
  WHERE kept.entry IN (
    SELECT old.entry FROM memory_history AS old
    WHERE old.changed_at < before
      AND (prune_memory_history.namespace IS NULL OR old.namespace = prune_memory_history.namespace)
    LIMIT most
    FOR UPDATE SKIP LOCKED
  );
  GET DIAGNOSTICS pruned = ROW_COUNT;
  RETURN pruned;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/set_memory_history.sql
-- Turns the history of memories on or off for the whole database. Off, updates cost what they would without it; what was
-- kept stays until prune_memory_history. Only the owner of the tables may.
--
--   SELECT set_memory_history(false);
CREATE OR REPLACE FUNCTION set_memory_history(is_on boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  IF is_on IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'set_memory_history: is_on must be true or false, got null';
  END IF;
  IF is_on THEN
    ALTER TABLE memory_items ENABLE TRIGGER memory_items_keep_history;
  ELSE
    ALTER TABLE memory_items DISABLE TRIGGER memory_items_keep_history;
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/api/supersede_memory.sql
-- Says that one memory took the place of another: the old one stays, knows what replaced it, and is out of every search
-- that does not ask for the past (filter.as_of). The end of its validity is valid_to, or that which it has, or the
-- beginning of the other's, or now. Both must be of one namespace. Said again, nothing changes.
--
--   SELECT supersede_memory('old', 'new');
CREATE OR REPLACE FUNCTION supersede_memory(id text, by_id text, valid_to timestamptz DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
DECLARE
  replaced memory_items;
  successor memory_items;
  ending timestamptz;
BEGIN
  -- In the order of ids, so that two callers cannot deadlock.
  PERFORM FROM memory_items AS m WHERE m.id IN (supersede_memory.id, by_id) ORDER BY m.id FOR UPDATE;
  SELECT * INTO replaced FROM memory_items AS m WHERE m.id = supersede_memory.id;
  IF replaced.id IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = format('there is no memory "%s" to supersede', left(supersede_memory.id, 60));
  END IF;
  SELECT * INTO successor FROM memory_items AS m WHERE m.id = by_id AND m.namespace = replaced.namespace;
  IF successor.id IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'no_data_found',
      MESSAGE = format('there is no memory "%s" in the namespace "%s" to supersede "%s" by', left(by_id, 60), left(replaced.namespace, 60), left(replaced.id, 60));
  END IF;
  IF replaced.superseded_by = successor.id AND replaced.id <> successor.id THEN
    RETURN;
  END IF;
  IF replaced.superseded_at IS NOT NULL OR successor.superseded_at IS NOT NULL OR replaced.id = successor.id THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = format(CASE
      WHEN replaced.id = successor.id THEN 'the memory "%1$s" cannot supersede itself'
      WHEN replaced.superseded_at IS NOT NULL THEN 'the memory "%1$s" is superseded already, by "%3$s"'
      ELSE 'the memory "%2$s" is itself superseded and cannot replace another' END,
      left(replaced.id, 60), left(successor.id, 60), left(replaced.superseded_by, 60));
  END IF;
  ending := COALESCE(supersede_memory.valid_to, replaced.valid_to, successor.valid_from, now());
  UPDATE memory_items AS m
  SET superseded_at = now(), superseded_by = successor.id, valid_to = greatest(ending, m.valid_from)
  WHERE m.id = replaced.id;
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
ALTER FUNCTION explain_search(query_text text, query_tags text[], k integer, filter jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION find_words(words text[]) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION highlight(document text, query_text text, start_tag text, stop_tag text, max_words integer) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION hybrid_search(query_text text, query_embedding vector, query_tags text[], k integer, bm25_weight float8, vector_weight float8, filter jsonb, fusion text) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION list_memories(query_tags text[], k integer, filter jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION memory_history_of(ids text[]) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION prune_memory_history(before timestamptz, namespace text, most integer) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION set_memory_history(is_on boolean) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION supersede_memory(id text, by_id text, valid_to timestamptz) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION vector_index(OUT method text, OUT lists integer, OUT row_estimate float8) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION vector_index_rows(query vector, required tsquery, condition text, query_tags text[], limit_rows integer, filter jsonb, method text, lists integer) SET search_path FROM CURRENT;

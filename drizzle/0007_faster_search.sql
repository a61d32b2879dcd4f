SET LOCAL check_function_bodies = off;
--> statement-breakpoint
-- source: src/sql/storage/search_statistics.sql
-- Lexemes are updated at each fold: with room on the page, no index is written. The log is emptied all the time, so
-- vacuum must come by number and not by share; and its vectors are tested where they lie, uncompressed.
-- Nobody but the functions that own the statistics may read or write them.
ALTER TABLE public.search_lexemes SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.1);
--> statement-breakpoint
ALTER TABLE public.search_log SET (
  toast_tuple_target = 8160, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000
);
--> statement-breakpoint
ALTER TABLE public.search_log ALTER COLUMN lexemes SET STORAGE EXTERNAL;
--> statement-breakpoint
ALTER TABLE public.search_log_lexemes SET (
  toast_tuple_target = 8160, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000
);
--> statement-breakpoint
ALTER TABLE public.search_log_lexemes ALTER COLUMN lexemes SET STORAGE EXTERNAL, ALTER COLUMN documents SET STORAGE EXTERNAL;
--> statement-breakpoint
REVOKE ALL ON public.search_totals, public.search_lexemes, public.search_vocabulary, public.search_log, public.search_log_lexemes
FROM PUBLIC;
--> statement-breakpoint
-- source: src/sql/triggers/clear_search_statistics.sql
-- TRUNCATE of memory_items empties the statistics with it. Folds still due in this transaction happen before, because
-- a table with pending trigger events cannot be truncated.
CREATE OR REPLACE FUNCTION public.clear_search_statistics()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  SET CONSTRAINTS public.search_log_fold IMMEDIATE;
  TRUNCATE public.search_log, public.search_log_lexemes, public.search_lexemes, public.search_vocabulary, public.search_totals;
  SET CONSTRAINTS public.search_log_fold DEFERRED;
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- source: src/sql/statistics/fold_search_statistics.sql
-- Adds the log to the totals and empties it; answers the number of log entries folded. It waits for nobody: while
-- another session folds, it answers 0. Readers see the totals and the log of one snapshot, so they notice nothing.
--
-- Nothing here depends on how long other transactions last. The totals are a new row for each fold, found from the
-- newest backwards. A lexeme's row is updated in place for 64 folds (an epoch) and then written anew under the next
-- epoch, so that a reader never walks through more than 64 versions which an old snapshot keeps from being vacuumed.
-- horizon and running say which log rows this fold could not see; readers look at no others.
CREATE OR REPLACE FUNCTION public.fold_search_statistics()
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  folds_per_epoch CONSTANT integer := 64;
  totals public.search_totals;
  folded record;
  this_epoch integer;
  vanished text[];
BEGIN
  -- In a serializable transaction the fold would make the user's statements fail for reasons that are not theirs.
  IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted')
     OR NOT pg_try_advisory_xact_lock('public.search_totals'::regclass::bigint) THEN
    RETURN 0;
  END IF;
  SELECT * INTO totals FROM public.search_totals ORDER BY fold DESC LIMIT 1;
  totals.fold := coalesce(totals.fold, 0) + 1;
  this_epoch := totals.fold / folds_per_epoch;

  SELECT coalesce(array_agg(entry), '{}') AS entries, coalesce(sum(documents), 0) AS documents,
         coalesce(sum(total_length), 0) AS total_length, pg_current_snapshot() AS snapshot
    INTO folded
    FROM public.search_log_entries();
  IF folded.entries = '{}' THEN
    RETURN 0;
  END IF;

  -- Not SET on the function: only a superuser may make one with a setting that the server does not know.
  PERFORM set_config('opa.search_statistics', 'on', true);
  WITH documents AS (
    DELETE FROM public.search_log WHERE entry = ANY (folded.entries) RETURNING documents, lexemes
  ), lexemes AS (
    DELETE FROM public.search_log_lexemes WHERE entry = ANY (folded.entries) RETURNING lexemes, documents
  ), changes AS MATERIALIZED (
    SELECT lexeme, sum(documents) AS change
      FROM (SELECT word COLLATE "C" AS lexeme, documents FROM documents, unnest(tsvector_to_array(lexemes)) AS word
            UNION ALL
            SELECT word COLLATE "C", change FROM lexemes AS log, unnest(log.lexemes, log.documents) AS part (word, change)) AS change
     GROUP BY lexeme HAVING sum(documents) <> 0 ORDER BY lexeme
  ), earlier AS (
    DELETE FROM public.search_lexemes AS stored USING changes
     WHERE stored.lexeme = changes.lexeme AND stored.epoch < this_epoch
    RETURNING stored.lexeme, stored.document_frequency
  ), written AS (
    INSERT INTO public.search_lexemes AS stored (lexeme, epoch, document_frequency)
    SELECT lexeme, this_epoch, sum(change)
      FROM (SELECT lexeme, change FROM changes UNION ALL SELECT lexeme, document_frequency FROM earlier) AS part
     GROUP BY lexeme ORDER BY lexeme
    ON CONFLICT (lexeme, epoch) DO UPDATE SET document_frequency = stored.document_frequency + excluded.document_frequency
    RETURNING lexeme, document_frequency, xmax = 0 AS is_new
  ), named AS (
    -- New in the epoch: most of them have been in the corpus before.
    INSERT INTO public.search_vocabulary (lexeme)
    SELECT lexeme FROM written WHERE is_new AND document_frequency > 0 AND strpos(lexeme, chr(1)) = 0
    ON CONFLICT DO NOTHING
  )
  SELECT array_agg(lexeme) INTO vanished FROM written WHERE document_frequency = 0;

  DELETE FROM public.search_lexemes WHERE lexeme = ANY (vanished) AND document_frequency = 0;
  DELETE FROM public.search_vocabulary WHERE lexeme = ANY (vanished);
  DELETE FROM public.search_totals;
  INSERT INTO public.search_totals (fold, documents, total_length, horizon, running, folded_by, folded_in)
  VALUES (totals.fold, coalesce(totals.documents, 0) + folded.documents,
          coalesce(totals.total_length, 0) + folded.total_length, pg_snapshot_xmax(folded.snapshot),
          ARRAY(SELECT pg_snapshot_xip(folded.snapshot) UNION SELECT pg_current_xact_id()), pg_current_xact_id(),
          'public.search_totals'::regclass);
  PERFORM set_config('opa.search_statistics', 'off', true);
  RETURN cardinality(folded.entries);
END
$$;
--> statement-breakpoint
-- source: src/sql/statistics/rebuild_search_statistics.sql
-- Counts everything anew while writers go on. One statement, so one snapshot: the rows it counts are exactly those
-- whose log entries it removes; what commits later stays in the log. It waits for a fold in progress, and folds skip
-- their turn while it runs. The new counts start an epoch, so that no reader can meet a mixture.
CREATE OR REPLACE FUNCTION public.rebuild_search_statistics()
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  next_epoch integer;
BEGIN
  IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_transaction_state',
      MESSAGE = format('rebuild_search_statistics must be called in a READ COMMITTED transaction, got %s',
        upper(current_setting('transaction_isolation'))),
      DETAIL = 'An older snapshot would not see what others have folded since.';
  END IF;
  PERFORM FROM public.memory_items LIMIT 0;
  PERFORM pg_advisory_xact_lock('public.search_totals'::regclass::bigint);
  SELECT coalesce(max(fold), 0) / 64 + 1 INTO next_epoch FROM public.search_totals;

  PERFORM set_config('opa.search_statistics', 'on', true);
  WITH counted AS (
    INSERT INTO public.search_lexemes (lexeme, epoch, document_frequency)
    SELECT word COLLATE "C", next_epoch, count(*)
      FROM public.memory_items, unnest(tsvector_to_array(search_vector)) AS word
     GROUP BY 1 ORDER BY 1
  ), earlier_lexemes AS (
    DELETE FROM public.search_lexemes WHERE epoch < next_epoch
  ), counted_entries AS (
    DELETE FROM public.search_log
  ), counted_lexemes AS (
    DELETE FROM public.search_log_lexemes
  ), earlier_totals AS (
    DELETE FROM public.search_totals
  )
  INSERT INTO public.search_totals (fold, documents, total_length, horizon, running, folded_by, folded_in)
  SELECT next_epoch * 64::bigint, count(*), coalesce(sum(lexeme_count), 0), pg_snapshot_xmax(pg_current_snapshot()),
         ARRAY(SELECT pg_snapshot_xip(pg_current_snapshot()) UNION SELECT pg_current_xact_id()), pg_current_xact_id(),
         'public.search_totals'::regclass
    FROM public.memory_items;
  DELETE FROM public.search_vocabulary AS known
   WHERE NOT EXISTS (SELECT FROM public.search_lexemes AS counted WHERE counted.lexeme = known.lexeme);
  INSERT INTO public.search_vocabulary (lexeme)
  SELECT lexeme FROM public.search_lexemes WHERE strpos(lexeme, chr(1)) = 0
      ON CONFLICT DO NOTHING;
  PERFORM set_config('opa.search_statistics', 'off', true);
END
$$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION public.rebuild_search_statistics() FROM PUBLIC;
--> statement-breakpoint
-- source: src/sql/memory/bm25_find.sql
DROP FUNCTION IF EXISTS public.bm25_find; -- replaced below
--> statement-breakpoint
-- The k best documents for a set of lexemes, exactly as if every match had been scored; the lexemes that they were
-- scored by, misspelt ones corrected; and a report of how they were found (for explain_search). The steps, and why the answer is exact:
-- 1. Guess the score that the k-th document reaches (bm25_guess reads document frequencies, no rows).
-- 2. Read and score every document that can score more than the guess: bm25_arms proves that its queries miss none.
-- 3. k documents found, the k-th at least as good as the guess: nothing better was left out. Done.
--    k found, but some below the guess, or too many candidates: the k-th of these is a threshold that k documents are
--    known to reach. Read once more with it. Fewer than k: guess lower; in the end every match is read.
-- Where few documents match, or few of them can pass the filter, every match is read at once. Which indexes find the rows
-- (access): the search index, the filter's too where it spares more reading than it takes, or the filter's alone where
-- it finds few rows.
CREATE OR REPLACE FUNCTION public.bm25_find(
  INOUT lexemes text[], is_fuzzy boolean, required tsquery, condition text, query_tags text[], k integer, filter jsonb,
  OUT ids text[], OUT places tid[], OUT scores float8[], OUT report jsonb
)
LANGUAGE plpgsql STABLE
SET enable_seqscan = off
SET jit = off
SET max_parallel_workers_per_gather = 0
AS $$
#variable_conflict use_column
DECLARE
  -- So many lexemes have a statement whose plan is kept (bm25_scan); so many are taken apart by bm25_arms.
  most_kept CONSTANT integer := 8;
  most_pruned CONSTANT integer := 100;
  few_matches CONSTANT float8 := 100; -- scored sooner than a threshold is found
  -- Reading a row takes as long as reading so many entries of a filter's index.
  entries_per_row CONSTANT float8 := 50;
  is_filtered CONSTANT boolean := required IS NOT NULL OR condition <> public.memory_filter_condition('{}', '{}');
  query record;
  levels record;
  words integer;
  share float8 := 1;
  has_index boolean := false;
  path text := 'every match';
  access text := 'search';
  matches float8;
  wanted float8;
  statement text;
  threshold float8 := 0;
  arms tsquery[];
  candidates bigint;
  candidate_limit bigint;
  rounds jsonb := '[]';
BEGIN
  query := public.bm25_query(bm25_find.lexemes, is_fuzzy);
  lexemes := query.lexemes;
  words := cardinality(query.words);
  IF words = 0 THEN
    report := jsonb_build_object('path', 'no match', 'rounds', rounds);
    RETURN;
  END IF;
  matches := (SELECT sum(frequency) FROM unnest(query.frequencies) AS frequency);

  IF is_filtered THEN
    SELECT estimate.share, estimate.has_index
    INTO share, has_index
    FROM public.estimate_filter(condition, query_tags, filter, required) AS estimate;
  END IF;
  IF has_index AND share * query.documents * 20 < matches THEN
    path := 'filter';
    access := 'filter';
  ELSE
    wanted := matches;
    IF words <= most_pruned AND least(query.documents, matches) * share > few_matches + k THEN
      path := 'threshold';
      -- So many rows must pass the guess, whether the filter lets them pass or not, for k to be left.
      wanted := k / share * CASE WHEN words <= 3 OR is_filtered THEN 1 ELSE 0.5 END;
      levels := public.bm25_levels(query.words, query.frequencies, query.weights, query.average_length);
      threshold := public.bm25_guess(levels.impacts, levels.frequencies, query.documents, wanted);
    END IF;
    IF has_index AND share * query.documents < entries_per_row * wanted THEN
      access := 'both';
    END IF;
  END IF;

  -- What bm25_scan has no statement for is planned each time.
  IF words > most_kept OR required IS NOT NULL OR (filter ? 'namespace' AND access <> 'search')
    OR is_filtered AND condition <> public.memory_filter_condition(
      query_tags, CASE WHEN filter ? 'namespace' THEN jsonb_build_object('namespace', filter -> 'namespace') ELSE '{}' END
    )
  THEN
    -- IS TRUE keeps a condition's own index out of the plan.
    statement := public.bm25_statement(words, concat_ws(' AND ',
      format(CASE WHEN path = 'filter' THEN '(%s) IS TRUE' ELSE '%s' END, 'm.search_vector @@ ANY ($4)'),
      format(CASE WHEN access = 'search' AND path = 'threshold' THEN '(%s) IS TRUE' ELSE '(%s)' END, condition),
      CASE WHEN required IS NOT NULL THEN 'm.search_vector @@ $3' END));
  END IF;
  candidate_limit := 1500 + 20 * k;

  FOR round IN 1 .. 10 LOOP
    IF threshold > 0 THEN
      arms := public.bm25_arms(levels.terms, levels.bounds, levels.remaining, levels.frequencies, query.documents,
        threshold * (1 - 1e-9));
    ELSE
      arms := ARRAY[public.lexeme_query(query.words)];
      candidate_limit := NULL;
    END IF;
    IF statement IS NULL THEN
      SELECT scan.ids, scan.places, scan.scores, scan.candidates
      INTO ids, places, scores, candidates
      FROM public.bm25_scan(
        access, nullif(query_tags, '{}'), filter ->> 'namespace', arms, query.queries, query.weights,
        query.average_length, k, candidate_limit
      ) AS scan;
    ELSE
      EXECUTE statement
      INTO ids, places, scores, candidates
      USING query_tags, filter, required, arms, query.queries, query.weights, query.average_length,
        public.bm25_tf_thresholds(), k, candidate_limit, query.words;
    END IF;
    candidates := COALESCE(candidates, 0);
    rounds := rounds || jsonb_build_object('threshold', threshold, 'arms', cardinality(arms), 'candidates', candidates);
    EXIT WHEN threshold <= 0;
    IF cardinality(scores) >= k THEN
      EXIT WHEN scores[k] >= threshold AND (candidate_limit IS NULL OR candidates < candidate_limit);
      threshold := scores[k];
      candidate_limit := NULL;
    ELSIF round < 3 AND candidates > 0 THEN
      threshold := least(
        threshold * 0.85,
        public.bm25_guess(levels.impacts, levels.frequencies, query.documents, k / share * 10 ^ round)
      );
    ELSE
      threshold := 0;
    END IF;
  END LOOP;
  report := jsonb_build_object('path', path, 'access', access, 'share', share, 'rounds', rounds);
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/bm25_row_score.sql
-- The score of one row for at most eight lexemes: the sum of weight * tf / (tf + norm), written with tf once as
-- weight * (1 - norm / (tf + norm)). Absent lexemes have a null tsquery and the weight 0. tf comes from ts_rank, see
-- bm25_tf_thresholds; norm is 1.2 * (0.25 + 0.75 * length / average length).
-- A single expression, so that PostgreSQL puts it in place of the call.
CREATE OR REPLACE FUNCTION public.bm25_row_score(
  search_vector tsvector, norm float8, queries tsquery[], weights float8[], tfs float8[]
)
RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT weights[1] * (1 - norm / (width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[1])::float8, tfs) + norm))
    + weights[2] * (1 - norm / (coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[2])::float8, tfs), 0) + norm))
    + weights[3] * (1 - norm / (coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[3])::float8, tfs), 0) + norm))
    + weights[4] * (1 - norm / (coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[4])::float8, tfs), 0) + norm))
    + weights[5] * (1 - norm / (coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[5])::float8, tfs), 0) + norm))
    + weights[6] * (1 - norm / (coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[6])::float8, tfs), 0) + norm))
    + weights[7] * (1 - norm / (coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[7])::float8, tfs), 0) + norm))
    + weights[8] * (1 - norm / (coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[8])::float8, tfs), 0) + norm))
$$;
--> statement-breakpoint
-- source: src/sql/memory/bm25_scan.sql
DROP FUNCTION IF EXISTS public.bm25_scan; -- replaced below
--> statement-breakpoint
-- bm25_statement for the commonest searches as statements whose plans are kept, because planning anew takes as long as
-- finding: at most eight lexemes, and no filter but tags (any of query_tags, null for none) and a namespace.
-- access says which indexes find the candidates, and what is left is tested row by row:
--   'search': search_vector's alone · 'both': it and the tags' · 'filter': the tags' alone (these two do not look at a
--   namespace)
CREATE OR REPLACE FUNCTION public.bm25_scan(
  access text, query_tags text[], namespace text, arms tsquery[], queries tsquery[], weights float8[],
  average_length float8, k integer, candidate_limit bigint,
  OUT ids text[], OUT places tid[], OUT scores float8[], OUT candidates bigint
)
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
  tfs CONSTANT float8[] := public.bm25_tf_thresholds();
  w CONSTANT float8[] := weights || array_fill(0::float8, ARRAY[8]);
BEGIN
  IF access = 'search' THEN
    SELECT array_agg(id), array_agg(place), array_agg(score), max(candidates) INTO ids, places, scores, candidates
    FROM (
      SELECT id, place, count(*) OVER () AS candidates, public.bm25_row_score(search_vector, norm, queries, w, tfs) AS score
      FROM (
        SELECT m.id, m.ctid AS place, m.search_vector, 1.2 * (0.25 + 0.75 * m.lexeme_count / average_length) AS norm
        FROM public.memory_items AS m
        WHERE m.search_vector @@ ANY (arms)
          AND (query_tags IS NULL OR m.tags && query_tags)
          AND (bm25_scan.namespace IS NULL OR m.namespace = bm25_scan.namespace)
          AND (m.expires_at IS NULL OR m.expires_at > now())
        LIMIT candidate_limit
      ) AS candidate
      ORDER BY score DESC, id COLLATE "C" LIMIT k
    ) AS best;
  ELSIF access = 'both' THEN
    SELECT array_agg(id), array_agg(place), array_agg(score), max(candidates) INTO ids, places, scores, candidates
    FROM (
      SELECT id, place, count(*) OVER () AS candidates, public.bm25_row_score(search_vector, norm, queries, w, tfs) AS score
      FROM (
        SELECT m.id, m.ctid AS place, m.search_vector, 1.2 * (0.25 + 0.75 * m.lexeme_count / average_length) AS norm
        FROM public.memory_items AS m
        WHERE m.search_vector @@ ANY (arms) AND m.tags && query_tags AND (m.expires_at IS NULL OR m.expires_at > now())
        LIMIT candidate_limit
      ) AS candidate
      ORDER BY score DESC, id COLLATE "C" LIMIT k
    ) AS best;
  ELSE
    SELECT array_agg(id), array_agg(place), array_agg(score), max(candidates) INTO ids, places, scores, candidates
    FROM (
      SELECT id, place, count(*) OVER () AS candidates, public.bm25_row_score(search_vector, norm, queries, w, tfs) AS score
      FROM (
        SELECT m.id, m.ctid AS place, m.search_vector, 1.2 * (0.25 + 0.75 * m.lexeme_count / average_length) AS norm
        FROM public.memory_items AS m
        WHERE (m.search_vector @@ ANY (arms)) IS TRUE AND m.tags && query_tags AND (m.expires_at IS NULL OR m.expires_at > now())
        LIMIT candidate_limit
      ) AS candidate
      ORDER BY score DESC, id COLLATE "C" LIMIT k
    ) AS best;
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/bm25_score_rows.sql
-- The scores of given rows, for hybrid_search: by the same statement as a search, so the same bytes, without a search.
-- A row that shares no lexeme with the query, or does not meet `required`, is not answered.
CREATE OR REPLACE FUNCTION public.bm25_score_rows(lexemes text[], required tsquery, row_ids text[])
RETURNS TABLE (id text, score float8)
LANGUAGE plpgsql STABLE
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
  query := public.bm25_query(bm25_score_rows.lexemes, false);
  IF query.words = '{}' THEN
    RETURN;
  END IF;
  EXECUTE public.bm25_statement(
    cardinality(query.words),
    'm.id = ANY ($1) AND (m.search_vector @@ ANY ($4)) IS TRUE AND ($3 IS NULL OR (m.search_vector @@ $3) IS TRUE)'
  )
  INTO ids, places, scores
  USING row_ids, NULL::jsonb, required, ARRAY[public.lexeme_query(query.words)], query.queries, query.weights,
    query.average_length, public.bm25_tf_thresholds(), NULL::integer, NULL::bigint, query.words;
  RETURN QUERY SELECT * FROM unnest(ids, scores);
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/bm25_search.sql
-- Keyword search: the k best rows by BM25 (k1 = 1.2, b = 0.75) among those that share a lexeme with the query and pass
-- the filters. Statistics are over all rows, so a filter narrows the results and never changes a score. The result is
-- that of scoring every match, but few matches are read: see bm25_find.
--
-- query_text: words, "phrases", -exclusions; stop words alone find nothing
-- query_tags: any of them must be on a row; filter.all_tags = true: all of them; none: no tag filter
-- k: 1 to 1000
-- filter: namespace, speaker_id, all_tags, since, until, metadata, ids, fuzzy
CREATE OR REPLACE FUNCTION public.bm25_search(
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
BEGIN
  IF query_text IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'bm25_search: query_text must be text, got null';
  END IF;
  PERFORM public.check_query_text('bm25_search', query_text);
  PERFORM public.check_search_limit('bm25_search', k);
  query_tags := COALESCE(query_tags, '{}');
  filter := COALESCE(filter, '{}');
  condition := public.memory_filter_condition(query_tags, filter);

  parsed := public.parse_search_query(query_text);
  found := public.bm25_find(
    parsed.lexemes, COALESCE((filter -> 'fuzzy')::boolean, true), parsed.required, condition, query_tags, k, filter
  );

  -- By their places, which nobody changes for the snapshot that found them, and which cost no index.
  RETURN QUERY
    SELECT m.id, m.text, m.tags, m.created_at, best.score
    FROM unnest(found.places, found.scores) AS best (place, score)
    JOIN public.memory_items AS m ON m.ctid = best.place
    ORDER BY best.score DESC, m.id COLLATE "C";
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
CREATE OR REPLACE FUNCTION public.bm25_statement(lexemes integer, condition text)
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
    ' FROM (SELECT m.id, m.ctid AS place, 1.2 * (0.25 + 0.75 * m.lexeme_count / $7) AS norm, %s FROM public.memory_items AS m WHERE %s LIMIT $10) AS candidate'
    ' ORDER BY score DESC, id COLLATE "C" LIMIT $9) AS best',
    score, frequencies, condition
  );
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/explain_search.sql
-- Why bm25_search finds what it finds, and how: takes what bm25_search takes, and answers
--   documents, average_length: the corpus that the scores are about
--   path: 'every match' (few match), 'threshold' (only rows that can reach it are read), 'filter' (the filter's own index
--     finds so few rows that all of them are read) or 'no match'
--   access: the indexes that found the rows: 'search' (search_vector's), 'both' (also the filter's), 'filter' (only the filter's)
--   share: the share of rows that the filter is thought to pass
--   rounds: for each statement that was run the threshold, its arms (alternative conditions) and the candidates read
--   lexemes: what is ranked by, after correction: lexeme, times (in the query), document_frequency, idf
--   results: best first, id, score, length and, for each lexeme that the row has, tf and what it adds to the score
CREATE OR REPLACE FUNCTION public.explain_search(
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
  PERFORM public.check_query_text('explain_search', query_text);
  PERFORM public.check_search_limit('explain_search', k);
  query_tags := COALESCE(query_tags, '{}');
  filter := COALESCE(filter, '{}');
  parsed := public.parse_search_query(query_text);
  found := public.bm25_find(
    parsed.lexemes, COALESCE((filter -> 'fuzzy')::boolean, true), parsed.required,
    public.memory_filter_condition(query_tags, filter), query_tags, k, filter
  );
  query := public.bm25_query(found.lexemes, false);
  idfs := ARRAY(
    SELECT public.bm25_idf(query.documents::bigint, word.frequency::bigint)
    FROM unnest(query.frequencies) WITH ORDINALITY AS word (frequency, place)
    ORDER BY word.place
  );

  RETURN found.report || jsonb_build_object(
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
      JOIN public.memory_items AS m ON m.id = best.id
    )
  );
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/nearest_lexeme.sql
-- The lexeme of the corpus that is most like one that nobody wrote, or null when none is similar enough. A word with a
-- digit is never replaced: 2024 is not a misspelt 2023. Words that were written since the last fold are in the log, which
-- has no index for this: of them only those with the same first letter are compared, and where bulk statements wrote
-- many of these only some thousand, so that a misspelt word never costs what a large backlog holds.
-- SECURITY DEFINER, because nobody may read the vocabulary: it gives one word for one word.
CREATE OR REPLACE FUNCTION public.nearest_lexeme(lexeme text)
RETURNS text
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
  least_similarity CONSTANT real := 0.4;
  most_chunks CONSTANT integer := 16; -- of 64 words
  letter CONSTANT text := left(nearest_lexeme.lexeme, 1);
  after_letter CONSTANT text := letter || chr(1114111);
  threshold_before text;
  similar_lexemes text[];
  counted record;
BEGIN
  IF nearest_lexeme.lexeme ~ '\d' THEN
    RETURN NULL;
  END IF;
  -- The operator % can use the index, and takes its threshold from a setting (which is not SET on the function, because
  -- only a superuser may do that before pg_trgm is loaded). show_limit loads it.
  PERFORM show_limit();
  threshold_before := current_setting('pg_trgm.similarity_threshold');
  PERFORM set_config('pg_trgm.similarity_threshold', least_similarity::text, true);
  WITH log AS MATERIALIZED (
    SELECT entries.xid, entries.entry, entries.lexemes FROM public.search_log_entries() AS entries
  ), logged AS (
    SELECT unnest(tsvector_to_array(log.lexemes)) AS lexeme FROM log
    UNION ALL
    -- A chunk is a sorted part of an entry: these may have words with the letter.
    SELECT unnest(newest.lexemes)
    FROM (
      SELECT chunk.lexemes
      FROM log
      CROSS JOIN LATERAL (
        SELECT chunk.lexemes FROM public.search_log_lexemes AS chunk
        WHERE chunk.xid = log.xid AND chunk.entry = log.entry AND chunk.first_lexeme < after_letter
          AND chunk.first_lexeme >= COALESCE((
            SELECT max(before.first_lexeme) FROM public.search_log_lexemes AS before
            WHERE before.xid = log.xid AND before.entry = log.entry AND before.first_lexeme <= letter
          ), letter)
        LIMIT most_chunks
      ) AS chunk
      ORDER BY log.entry DESC
      LIMIT most_chunks
    ) AS newest
  )
  SELECT array_agg(DISTINCT written.lexeme)
  INTO similar_lexemes
  FROM (
    SELECT folded.lexeme FROM public.search_vocabulary AS folded WHERE folded.lexeme % nearest_lexeme.lexeme
    UNION ALL
    SELECT logged.lexeme
    FROM logged
    WHERE starts_with(logged.lexeme, letter) AND strpos(logged.lexeme, chr(1)) = 0
      AND logged.lexeme % nearest_lexeme.lexeme
  ) AS written;
  PERFORM set_config('pg_trgm.similarity_threshold', threshold_before, true);

  counted := public.search_statistics(COALESCE(similar_lexemes, '{}'));
  RETURN (
    SELECT candidate.lexeme
    FROM unnest(similar_lexemes, counted.document_frequencies) AS candidate (lexeme, frequency)
    WHERE candidate.frequency > 0 AND similarity(candidate.lexeme, nearest_lexeme.lexeme) >= least_similarity
    ORDER BY similarity(candidate.lexeme, nearest_lexeme.lexeme) DESC, candidate.frequency DESC, candidate.lexeme COLLATE "C"
    LIMIT 1
  );
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/parse_search_query.sql
-- What a person's query asks for. Plain words are ranked and all optional; `"a phrase"` must occur and is ranked too;
-- `-word` and `-"a phrase"` must not occur. Anything else, an unclosed quote or a lone minus among it, is plain text.
--
-- lexemes: the lexemes to rank by, in byte order, each as often as the query says it: what is repeated counts more, as
--   in BM25's usual definition (measured on the collection cisi, whose questions are long: nDCG@10 0.42 against 0.33
--   with distinct lexemes). Empty for stop words alone.
-- required: what must hold, null where nothing must. Of so many words only, because PostgreSQL reads and evaluates a
--   tsquery by recursion, and one of thousands of words in a row would exceed the stack.
CREATE OR REPLACE FUNCTION public.parse_search_query(query_text text, OUT lexemes text[], OUT required tsquery)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  english constant regconfig := 'pg_catalog.english';
  rest text := query_text;
  phrases text[] := '{}';
  exclusions text[] := '{}';
  most_required constant integer := 1000;
  words bigint;
BEGIN
  -- A minus counts only at the start of a word: state-of-the-art excludes nothing.
  IF rest ~ '["-]' THEN
    exclusions := ARRAY(SELECT hit[1] FROM regexp_matches(rest, '(?<!\S)-"([^"]*)"', 'g') AS hit);
    rest := regexp_replace(rest, '(?<!\S)-"[^"]*"', ' ', 'g');
    phrases := ARRAY(SELECT hit[1] FROM regexp_matches(rest, '"([^"]*)"', 'g') AS hit);
    rest := regexp_replace(rest, '"[^"]*"', ' ', 'g');
    exclusions := exclusions || ARRAY(SELECT hit[1] FROM regexp_matches(rest, '(?<!\S)-([^\s-]\S*)', 'g') AS hit);
    rest := regexp_replace(rest, '(?<!\S)-[^\s-]\S*', ' ', 'g');
  END IF;

  lexemes := ARRAY(
    SELECT given.lexeme
    FROM unnest(to_tsvector(english, concat_ws(' ', rest, array_to_string(phrases, ' ')))) AS given
    CROSS JOIN LATERAL unnest(given.positions) AS occurrence
    ORDER BY given.lexeme COLLATE "C"
  );
  IF phrases || exclusions = '{}' THEN
    RETURN;
  END IF;
  -- Counted before the phrases are put together, as deep as they may be.
  SELECT count(*) INTO words
  FROM unnest(phrases || exclusions) AS given (text)
  CROSS JOIN LATERAL ts_parse('pg_catalog.default', given.text) AS token
  WHERE token.tokid <> 12; -- 12 is the space between words
  IF words > most_required THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('query_text must have at most %s words in phrases and exclusions, got %s', most_required, words);
  END IF;
  SELECT string_agg('(' || part.query::text || ')', ' & ')::tsquery INTO required
  FROM (
    SELECT phraseto_tsquery(english, phrase) FROM unnest(phrases) AS phrase
    UNION ALL
    SELECT !!phraseto_tsquery(english, exclusion) FROM unnest(exclusions) AS exclusion
  ) AS part (query)
  WHERE numnode(part.query) > 0;
END
$$;
--> statement-breakpoint
-- source: trigger search_vocabulary_ignore_restored
CREATE OR REPLACE TRIGGER search_vocabulary_ignore_restored
  BEFORE INSERT ON public.search_vocabulary
  FOR EACH ROW
  WHEN (pg_trigger_depth() = 0 AND current_setting('opa.search_statistics', true) IS DISTINCT FROM 'on')
  EXECUTE FUNCTION public.ignore_restored_statistics();
--> statement-breakpoint
-- source: src/sql/data/fill_search_vocabulary.sql
-- The vocabulary of the last fold. The setting tells the table's trigger that these rows are not a dump's.
WITH written AS MATERIALIZED (SELECT set_config('opa.search_statistics', 'on', true))
INSERT INTO public.search_vocabulary (lexeme)
SELECT DISTINCT lexeme FROM written, public.search_lexemes WHERE strpos(lexeme, chr(1)) = 0
ON CONFLICT DO NOTHING;
--> statement-breakpoint
SELECT set_config('opa.search_statistics', 'off', true);

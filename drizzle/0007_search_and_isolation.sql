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
-- source: src/sql/triggers/fold_search_log.sql
-- At the end of a transaction that changed memory_items: keeps the log short, so that a reader's share of it stays under
-- a millisecond. 128 single documents become one entry; 16 entries, of this kind or of bulk statements, are folded into
-- the totals, and so is a corpus that grew by half. Deferred to the commit, so that the locks last no longer than that,
-- and once a transaction.
CREATE OR REPLACE FUNCTION public.fold_search_log()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  most_documents CONSTANT integer := 128;
  most_entries CONSTANT integer := 16;
  this_transaction CONSTANT text := pg_current_xact_id()::text;
  logged record;
BEGIN
  IF current_setting('opa.search_log_folded', true) IS DISTINCT FROM this_transaction THEN
    PERFORM set_config('opa.search_log_folded', this_transaction, true);
    SELECT count(log.lexemes) AS documents, count(*) - count(log.lexemes) AS entries,
        sum(abs(log.documents)) > (SELECT max(totals.documents) / 2 FROM public.search_totals AS totals) IS NOT FALSE AS is_large
      INTO logged
      FROM public.search_log_entries() AS log;
    IF logged.is_large OR logged.entries >= most_entries THEN
      PERFORM public.fold_search_statistics();
    ELSIF logged.documents >= most_documents THEN
      PERFORM public.compact_search_log();
    END IF;
  END IF;
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- source: src/sql/triggers/jobs_check_input.sql
-- Refuses what no job may be: names and keys that are empty or endless, documents that are not objects, numbers that make
-- no sense. A trigger and not checks, because it runs only when one of its columns is written: a check runs at every
-- update, and a heartbeat would have to read inputs of a megabyte to learn that they still are an object.
CREATE OR REPLACE FUNCTION public.jobs_check_input()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
  problem text;
BEGIN
  problem := CASE
    WHEN octet_length(NEW.id) NOT BETWEEN 1 AND 255 THEN format('id must have from 1 to 255 bytes, got %s', octet_length(NEW.id))
    WHEN octet_length(NEW.queue) NOT BETWEEN 1 AND 255 THEN
      format('queue must have from 1 to 255 bytes, got %s', octet_length(NEW.queue))
    WHEN octet_length(NEW.intent) NOT BETWEEN 1 AND 1024 THEN
      format('intent must have from 1 to 1024 bytes, got %s', octet_length(NEW.intent))
    WHEN octet_length(NEW.idempotency_key) NOT BETWEEN 1 AND 1024 THEN
      format('idempotency_key must have from 1 to 1024 bytes, got %s', octet_length(NEW.idempotency_key))
    WHEN octet_length(NEW.singleton_key) NOT BETWEEN 1 AND 1024 THEN
      format('singleton_key must have from 1 to 1024 bytes, got %s', octet_length(NEW.singleton_key))
    WHEN octet_length(NEW.worker_id) NOT BETWEEN 1 AND 255 THEN
      format('worker_id must have from 1 to 255 bytes, got %s', octet_length(NEW.worker_id))
    WHEN octet_length(NEW.trace_id) NOT BETWEEN 1 AND 255 THEN
      format('trace_id must have from 1 to 255 bytes, got %s', octet_length(NEW.trace_id))
    WHEN octet_length(NEW.callback_url) NOT BETWEEN 1 AND 4096 THEN
      format('callback_url must have from 1 to 4096 bytes, got %s', octet_length(NEW.callback_url))
    WHEN octet_length(NEW.progress_message) > 4096 THEN
      format('progress_message must have at most 4096 bytes, got %s', octet_length(NEW.progress_message))
    WHEN NEW.max_attempts < 1 THEN format('max_attempts must be at least 1, got %s', NEW.max_attempts)
    WHEN NOT (NEW.backoff_seconds >= 0 AND NEW.backoff_seconds <= 86400) THEN
      format('backoff_seconds must be from 0 to 86400 (a day), got %s', NEW.backoff_seconds)
    WHEN NEW.wait_reason NOT IN ('approval', 'input', 'children', 'external') THEN
      format('wait_reason must be approval, input, children or external, got %s', NEW.wait_reason)
    WHEN NEW.parent_id = NEW.id OR (NEW.parent_id IS NULL) <> (NEW.root_id IS NULL) THEN
      'parent_id must be another job, and have the root_id of the tree with it'
    WHEN jsonb_typeof(NEW.inputs) <> 'object' THEN format('inputs must be a JSON object, got %s', jsonb_typeof(NEW.inputs))
    WHEN jsonb_typeof(NEW.metadata) <> 'object' THEN format('metadata must be a JSON object, got %s', jsonb_typeof(NEW.metadata))
    WHEN jsonb_typeof(NEW.usage) <> 'object' THEN format('usage must be a JSON object, got %s', jsonb_typeof(NEW.usage))
    WHEN jsonb_typeof(NEW.required_action) <> 'object' THEN
      format('required_action must be a JSON object, got %s', jsonb_typeof(NEW.required_action))
    ELSE public.job_state_problem(NEW.status, NEW.lease_expires_at, NEW.completed_at, NEW.wait_reason, NEW.error,
      NEW.progress, NEW.attempt)
  END;
  IF problem IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = format('job %s: %s', NEW.id, problem);
  END IF;
  RETURN NEW;
END
$$;
--> statement-breakpoint
-- source: src/sql/triggers/jobs_check_transition.sql
-- Refuses what the life of a job does not have, whoever writes and by whatever path: nobody completes a job that nobody
-- runs, revives one that is completed, or hands out a fencing token twice. And sets updated_at when another column really
-- changed: the columns that change most are compared first, so that a heartbeat is decided before a large document is
-- read.
CREATE OR REPLACE FUNCTION public.jobs_check_transition()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
  problem text;
BEGIN
  -- One expression says that all is well, because PostgreSQL prepares every expression anew in each transaction that
  -- comes to it. What is wrong is asked only when something is.
  IF (NEW.id = OLD.id
    AND NEW.lease_token >= OLD.lease_token
    AND public.is_job_transition(OLD.status, NEW.status)
    AND (NEW.status <> 'running' OR OLD.status = 'running'
      OR NEW.lease_token > OLD.lease_token AND num_nulls(NEW.worker_id, NEW.heartbeat_at, NEW.started_at) = 0)
    AND public.job_state_problem(NEW.status, NEW.lease_expires_at, NEW.completed_at, NEW.wait_reason, NEW.error,
      NEW.progress, NEW.attempt) IS NULL) IS NOT TRUE
  THEN
    problem := CASE
      WHEN NEW.id <> OLD.id THEN format('the id of a job never changes, got %s', NEW.id)
      WHEN NEW.lease_token < OLD.lease_token THEN
        format('lease_token only grows, it is %s and would become %s', OLD.lease_token, NEW.lease_token)
      WHEN NOT public.is_job_transition(OLD.status, NEW.status) THEN
        format('status cannot change from %s to %s', OLD.status, NEW.status)
      WHEN NEW.status = 'running' AND OLD.status <> 'running'
        AND (NEW.lease_token = OLD.lease_token OR num_nulls(NEW.worker_id, NEW.heartbeat_at, NEW.started_at) > 0) THEN
        'to run it needs a new lease_token, a worker_id, heartbeat_at and started_at: use claim()'
    END;
    IF problem IS NOT NULL THEN
      RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = format('job %s: %s', OLD.id, problem);
    END IF;
    problem := public.job_state_problem(NEW.status, NEW.lease_expires_at, NEW.completed_at, NEW.wait_reason, NEW.error,
      NEW.progress, NEW.attempt);
    IF problem IS NOT NULL THEN
      RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = format('job %s: %s', OLD.id, problem);
    END IF;
    -- Something is null that may not be, which PostgreSQL itself refuses.
    RETURN NEW;
  END IF;

  IF NEW.status <> OLD.status THEN
    NEW.updated_at := now();
    RETURN NEW;
  END IF;
  IF NEW.heartbeat_at IS DISTINCT FROM OLD.heartbeat_at OR NEW.lease_expires_at IS DISTINCT FROM OLD.lease_expires_at
    OR NEW.progress <> OLD.progress OR NEW.progress_message IS DISTINCT FROM OLD.progress_message
    OR NEW.lease_token <> OLD.lease_token OR NEW.queue <> OLD.queue OR NEW.priority <> OLD.priority OR NEW.run_at <> OLD.run_at
    OR NEW.mode <> OLD.mode OR NEW.intent <> OLD.intent OR NEW.attempt <> OLD.attempt OR NEW.max_attempts <> OLD.max_attempts
    OR NEW.backoff_seconds <> OLD.backoff_seconds OR NEW.worker_id IS DISTINCT FROM OLD.worker_id
    OR NEW.deadline_at IS DISTINCT FROM OLD.deadline_at OR NEW.cancel_requested_at IS DISTINCT FROM OLD.cancel_requested_at
    OR NEW.created_at <> OLD.created_at OR NEW.started_at IS DISTINCT FROM OLD.started_at
    OR NEW.completed_at IS DISTINCT FROM OLD.completed_at OR NEW.wait_reason IS DISTINCT FROM OLD.wait_reason
    OR NEW.idempotency_key IS DISTINCT FROM OLD.idempotency_key OR NEW.singleton_key IS DISTINCT FROM OLD.singleton_key
    OR NEW.parent_id IS DISTINCT FROM OLD.parent_id OR NEW.root_id IS DISTINCT FROM OLD.root_id
    OR NEW.trace_id IS DISTINCT FROM OLD.trace_id OR NEW.callback_url IS DISTINCT FROM OLD.callback_url
    OR NEW.required_action IS DISTINCT FROM OLD.required_action OR NEW.usage <> OLD.usage
    OR NEW.error IS DISTINCT FROM OLD.error OR NEW.metadata <> OLD.metadata OR NEW.inputs <> OLD.inputs
    OR NEW.result IS DISTINCT FROM OLD.result THEN
    NEW.updated_at := now();
  ELSE
    NEW.updated_at := OLD.updated_at;
  END IF;
  RETURN NEW;
END
$$;
--> statement-breakpoint
-- source: src/sql/statistics/compact_search_log.sql
-- Adds up the log's single documents into one entry like a bulk statement's: a sixth of a fold's work, because nothing but
-- the log is written. It waits for nobody: while another session folds or compacts, it does nothing. A snapshot sees
-- either the documents or the entry.
CREATE OR REPLACE FUNCTION public.compact_search_log()
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
DECLARE
  logged record;
  changed record;
BEGIN
  -- As in fold_search_statistics.
  IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted')
     OR NOT pg_try_advisory_xact_lock('public.search_totals'::regclass::bigint) THEN
    RETURN;
  END IF;
  SELECT array_agg(log.xid) AS xids, array_agg(log.entry) AS entries, sum(log.documents) AS documents,
      sum(log.total_length) AS total_length
    INTO logged
    FROM public.search_log_entries() AS log WHERE log.lexemes IS NOT NULL;
  IF logged.entries IS NULL THEN
    RETURN;
  END IF;

  WITH single AS (
    DELETE FROM public.search_log AS log USING unnest(logged.xids, logged.entries) AS named (xid, entry)
    WHERE log.xid = named.xid AND log.entry = named.entry
    RETURNING log.documents, log.lexemes
  ), counted AS (
    SELECT word COLLATE "C" AS lexeme, sum(single.documents)::bigint AS change
    FROM single, unnest(tsvector_to_array(single.lexemes)) AS word
    GROUP BY 1 HAVING sum(single.documents) <> 0 ORDER BY 1
  )
  SELECT array_agg(lexeme) AS lexemes, array_agg(change) AS document_frequencies INTO changed FROM counted;
  PERFORM public.log_bulk_change(
    logged.documents::bigint, logged.total_length::bigint, changed.lexemes, changed.document_frequencies
  );
END
$$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION public.compact_search_log() FROM PUBLIC;
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
SET enable_seqscan = off
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

  SELECT array_agg(xid) AS xids, coalesce(array_agg(entry), '{}') AS entries, coalesce(sum(documents), 0) AS documents,
         coalesce(sum(total_length), 0) AS total_length, pg_current_snapshot() AS snapshot
    INTO folded
    FROM public.search_log_entries();
  IF folded.entries = '{}' THEN
    RETURN 0;
  END IF;

  -- Not SET on the function: only a superuser may make one with a setting that the server does not know.
  PERFORM set_config('opa.search_statistics', 'on', true);
  WITH documents AS (
    DELETE FROM public.search_log AS log USING unnest(folded.xids, folded.entries) AS named (xid, entry)
     WHERE log.xid = named.xid AND log.entry = named.entry
    RETURNING log.documents, log.lexemes
  ), lexemes AS (
    DELETE FROM public.search_log_lexemes AS log USING unnest(folded.xids, folded.entries) AS named (xid, entry)
     WHERE log.xid = named.xid AND log.entry = named.entry
    RETURNING log.lexemes, log.documents
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
-- Where few documents match, or few of them can pass the filter, every match is read at once; under row-level security
-- too: @@ is not leakproof, so that the search index may not be asked before the policy, and a threshold would save
-- nothing. Which indexes find the rows (access): the search index, the filter's too where it spares more reading than it
-- takes, or the filter's alone where it finds few rows.
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
    IF words <= most_pruned AND least(query.documents, matches) * share > few_matches + k
      AND NOT row_security_active('public.memory_items')
    THEN
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
-- filter: namespace, speaker_id, all_tags, since, until, metadata, ids, fuzzy;
--   after: {"score": score, "id": id} of the last row of the page before. Pages join to the list that a larger k gives.
--     The search is made longer until it reaches beyond the cursor, so a page costs more the further back it is.
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
  is_page boolean;
  sought integer := k;
BEGIN
  IF query_text IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'bm25_search: query_text must be text, got null';
  END IF;
  PERFORM public.check_query_text('bm25_search', query_text);
  PERFORM public.check_search_limit('bm25_search', k);
  query_tags := COALESCE(query_tags, '{}');
  filter := COALESCE(filter, '{}');
  condition := public.memory_filter_condition(query_tags, filter, '{after}');
  is_page := filter ? 'after';
  IF is_page THEN
    PERFORM public.check_cursor(filter);
  END IF;

  parsed := public.parse_search_query(query_text);
  LOOP
    found := public.bm25_find(
      parsed.lexemes, COALESCE((filter -> 'fuzzy')::boolean, true), parsed.required, condition, query_tags, sought, filter
    );
    EXIT WHEN NOT is_page OR COALESCE(cardinality(found.ids), 0) < sought;
    EXIT WHEN (SELECT count(*) FROM unnest(found.ids, found.scores) AS hit (id, score)
               WHERE public.is_after(hit.score, hit.id, filter)) >= k;
    sought := 4 * sought;
  END LOOP;

  -- By their places, which nobody changes for the snapshot that found them, and which cost no index.
  RETURN QUERY
    SELECT m.id, m.text, m.tags, m.created_at, best.score
    FROM unnest(found.ids, found.places, found.scores) AS best (id, place, score)
    JOIN public.memory_items AS m ON m.ctid = best.place
    WHERE NOT is_page OR public.is_after(best.score, best.id, filter)
    ORDER BY best.score DESC, m.id COLLATE "C"
    LIMIT k;
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
-- source: src/sql/memory/check_cursor.sql
-- Refuses a filter.after that is not the place of a row in a list: {"score": its score, "id": its id}.
CREATE OR REPLACE FUNCTION public.check_cursor(filter jsonb)
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
-- source: src/sql/memory/check_ranking_options.sql
-- Refuses values of the filter keys that only hybrid_search has (recency, importance, diversity, candidates), and a
-- diversity together with a cursor: what is most different depends on what was chosen before, which a cursor does not
-- say. Ranges are compared as numeric, because JSON has numbers that float8 has not.
CREATE OR REPLACE FUNCTION public.check_ranking_options(filter jsonb, k integer)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  most_candidates CONSTANT integer := 10000;
  came text;
  given numeric;
BEGIN
  PERFORM public.check_filter_value(filter, key, 'number') FROM unnest('{recency,diversity,candidates}'::text[]) AS key;
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
-- source: src/sql/memory/diverse_ids.sql
-- The order of maximal marginal relevance: row after row the one with the highest
--   lambda * score / best score - (1 - lambda) * (its highest cosine to a row chosen before),
-- ties by score, then id. lambda = 1 is the order of the scores, 0 looks at differences alone. A row without an embedding
-- is taken for unlike any other (cosine 0). Answers at most k of the ids, which come best first with their scores; null
-- for none (null).
-- Source: Carbonell and Goldstein, The Use of MMR, Diversity-Based Reranking, SIGIR 1998.
CREATE OR REPLACE FUNCTION public.diverse_ids(ids text[], scores float8[], lambda float8, k integer)
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
  JOIN public.memory_items AS m ON m.id = given.id;

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
-- source: src/sql/memory/hybrid_candidates.sql
-- What each leg of hybrid_search offers: its best `offered` rows, best first. lexemes are those that the keyword leg
-- ranked by, corrected; nearest and similarities are empty without a query_embedding.
CREATE OR REPLACE FUNCTION public.hybrid_candidates(
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
  found := public.bm25_find(hybrid_candidates.lexemes, is_fuzzy, required, condition, query_tags, offered, filter);
  lexemes := found.lexemes;
  keyword_ids := COALESCE(found.ids, '{}');
  keyword_scores := COALESCE(found.scores, '{}');
  IF query_embedding IS NOT NULL THEN
    SELECT array_agg(hit.id), array_agg(hit.similarity) INTO nearest, similarities
    FROM public.vector_rows(query_embedding, required, condition, query_tags, offered, filter) AS hit;
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
CREATE OR REPLACE FUNCTION public.hybrid_factor_candidates(
  INOUT lexemes text[], is_fuzzy boolean, required tsquery, query_embedding vector, condition text, query_tags text[],
  k integer, offered integer, bm25_weight float8, vector_weight float8, filter jsonb, leg_filter jsonb,
  OUT keyword_ids text[], OUT keyword_scores float8[], OUT nearest text[]
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  factor CONSTANT text := 'public.memory_factor(m.created_at, m.importance, $2) >= ($2 ->> ''least_factor'')::float8';
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
  EXECUTE format('SELECT ARRAY(SELECT m.id FROM public.memory_items AS m WHERE m.id = $4 AND %s'
    ' AND ($3 IS NULL OR m.search_vector @@ $3))', condition)
  INTO nearest
  USING query_tags, leg_filter, required, filter #>> '{after,id}';

  LOOP
    legs := public.hybrid_candidates(
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
      FROM public.hybrid_scores(
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
CREATE OR REPLACE FUNCTION public.hybrid_scores(
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
BEGIN
  RETURN QUERY
    WITH keyword AS MATERIALIZED (
      SELECT hit.id, hit.score FROM unnest(keyword_ids, keyword_scores) AS hit (id, score)
      UNION ALL
      SELECT rest.id, rest.score
      FROM public.bm25_score_rows(
        lexemes, required, ARRAY(SELECT unnest(candidates) EXCEPT SELECT unnest(keyword_ids))
      ) AS rest
    ),
    candidate AS (
      SELECT unnest(candidates) AS id
      UNION
      SELECT keyword.id FROM keyword
    ),
    scored AS (
      SELECT m.id, keyword.score AS bm25, 1 - (m.embedding <=> l2_normalize(query_embedding)) AS similarity,
        CASE WHEN has_factor THEN public.memory_factor(m.created_at, m.importance, filter) END AS factor
      FROM candidate
      JOIN public.memory_items AS m ON m.id = candidate.id
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
    WHERE NOT filter ? 'after' OR public.is_after(combined.score, combined.id, (SELECT cursor.place FROM cursor));
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/hybrid_search.sql
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
CREATE OR REPLACE FUNCTION public.hybrid_search(
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
  PERFORM public.check_query_text('hybrid_search', query_text);
  IF query_embedding IS NOT NULL THEN
    PERFORM public.check_query_embedding('hybrid_search', query_embedding);
  END IF;
  PERFORM public.check_search_limit('hybrid_search', k);
  PERFORM public.check_fusion(bm25_weight, vector_weight, fusion);
  query_tags := COALESCE(query_tags, '{}');
  filter := COALESCE(filter, '{}');
  condition := public.memory_filter_condition(query_tags, filter, options);
  IF filter ?| options THEN
    PERFORM public.check_ranking_options(filter, k), public.check_cursor(filter);
  END IF;
  leg_filter := filter - options;
  is_fuzzy := COALESCE((filter -> 'fuzzy')::boolean, true);
  offered := COALESCE((filter -> 'candidates')::integer, greatest(100, 4 * k));
  lambda := (filter -> 'diversity')::float8;

  SELECT parsed.lexemes, parsed.required INTO lexemes, required
  FROM public.parse_search_query(COALESCE(query_text, '')) AS parsed;
  IF cardinality(lexemes) = 0 AND query_embedding IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = 'hybrid_search: expected a query_text with a word to search by, or a query_embedding, or both; got neither';
  END IF;
  IF fusion = 'convex' AND filter ?| '{recency,importance}' THEN
    legs := public.hybrid_factor_candidates(
      lexemes, is_fuzzy, required, query_embedding, condition, query_tags,
      CASE WHEN lambda IS NULL THEN k ELSE offered END, offered, bm25_weight, vector_weight, filter, leg_filter
    );
  ELSE
    legs := public.hybrid_candidates(
      lexemes, is_fuzzy, required, query_embedding, condition, query_tags, offered, leg_filter
    );
  END IF;

  RETURN QUERY
    WITH best AS MATERIALIZED (
      SELECT scored.*
      FROM public.hybrid_scores(
        legs.nearest, legs.keyword_ids, legs.keyword_scores, legs.lexemes, required, query_embedding,
        bm25_weight, vector_weight, fusion, filter
      ) AS scored
      ORDER BY scored.score DESC, scored.id COLLATE "C"
      LIMIT CASE WHEN lambda IS NULL THEN k ELSE offered END
    ),
    diverse AS MATERIALIZED (
      SELECT picked.id, picked.turn
      FROM unnest((
        SELECT public.diverse_ids(
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
    JOIN public.memory_items AS m ON m.id = best.id
    WHERE lambda IS NULL OR diverse.turn IS NOT NULL
    ORDER BY diverse.turn, best.score DESC, m.id COLLATE "C";
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/is_after.sql
-- Whether a row comes after the cursor filter.after in a list that is sorted by score, best first, ties by id.
CREATE OR REPLACE FUNCTION public.is_after(score float8, id text, filter jsonb)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT score < (filter #>> '{after,score}')::float8
    OR (score = (filter #>> '{after,score}')::float8 AND id COLLATE "C" > (filter #>> '{after,id}') COLLATE "C")
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
CREATE OR REPLACE FUNCTION public.memory_factor(created_at timestamptz, importance real, filter jsonb)
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
-- source: src/sql/memory/nearest_lexeme.sql
-- The lexeme of the corpus that is most like one that nobody wrote, or null when none is similar enough. A word with a
-- digit is never replaced: 2024 is not a misspelt 2023. Words that were written since the last fold are in the log, which
-- has no index for this: of them only those with the same first letter are compared, and where bulk statements wrote
-- many of these only some thousand, so that a misspelt word never costs what a large backlog holds.
-- SECURITY DEFINER, because nobody may read the vocabulary: it gives one word for one word, and none to a role that
-- row-level security keeps from some rows, because the word may be in those alone.
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
  IF nearest_lexeme.lexeme ~ '\d' OR public.is_isolated_session() THEN
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
-- source: src/sql/memory/vector_index_rows.sql
-- Asks the vector index for the rows nearest to the query (a unit vector) that pass the condition, which speaks of $1
-- (query_tags), $2 (filter) and $3 (required). It may return fewer than limit_rows.
--
-- The index holds half-precision vectors, so twice as many rows as wanted, and 40 at least, are taken and ordered anew by
-- the full ones. The scan goes on in relaxed order until the condition has let so many pass: in strict order a neighbour
-- that comes up late would be thrown away, which cost 3 % of recall under a filter that 5 % pass. ef_search and probes are
-- for a recall above 0.98 on real vectors (npm run bench -- vector): the more rows are wanted, the more lists they lie in.
CREATE OR REPLACE FUNCTION public.vector_index_rows(
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
        FROM public.memory_items AS m
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
-- source: src/sql/memory/vector_rows.sql
-- The limit_rows rows nearest to the query by cosine, among those with an embedding that meet what the query text
-- requires (null: nothing) and pass the condition, which speaks of $1 (query_tags) and $2 (filter).
--
-- Never fewer than limit_rows when so many pass: an approximate index is asked only where many rows pass, and what it
-- leaves short is read exactly. Where few pass, the exact scan over them is both faster and complete (measured at
-- 200,000 rows with a filter that 0.1 % pass: HNSW with iterative scan took 50 ms for 7 of 10 rows).
CREATE OR REPLACE FUNCTION public.vector_rows(
  query_embedding vector, required tsquery, condition text, query_tags text[], limit_rows integer, filter jsonb
)
RETURNS TABLE (id text, similarity float8)
LANGUAGE plpgsql STABLE ROWS 10
AS $$
#variable_conflict use_column
DECLARE
  query constant vector := l2_normalize(query_embedding);
  method text;
  lists integer;
  row_estimate float8;
  -- Up to so many rows the exact scan is the better choice. It costs about 1.3 microseconds a row that passes; the index
  -- some 6 ms at the least, and 11 microseconds for each row that it meets, twice limit_rows for each that passes of all.
  -- So they meet at 4000 rows, or where the square of the passing rows is 12 * limit_rows * all rows (measured on 100,000).
  few bigint;
  passing bigint;
  ids text[];
  similarities float8[];
  -- Under row-level security the planner cannot tell how few rows the policy lets pass, and would read the whole table.
  is_isolated constant boolean := row_security_active('public.memory_items');
  seqscan_before constant text := current_setting('enable_seqscan');
BEGIN
  condition := condition || CASE WHEN required IS NULL THEN '' ELSE ' AND m.search_vector @@ $3' END;

  IF is_isolated THEN
    PERFORM set_config('enable_seqscan', 'off', true);
  END IF;
  SELECT indexed.method, indexed.lists, indexed.row_estimate,
    greatest(4000, limit_rows, sqrt(12 * limit_rows * indexed.row_estimate))
  INTO method, lists, row_estimate, few
  FROM public.vector_index() AS indexed;

  IF method IS NOT NULL AND row_estimate > few AND required IS NULL AND query_tags = '{}' AND filter - 'fuzzy' = '{}'
    AND NOT is_isolated
  THEN
    -- Nothing but expiry narrows the search: whoever is wrong about that is caught below, by too few rows.
    passing := row_estimate;
  ELSIF method IS NOT NULL THEN
    EXECUTE format(
      'SELECT count(*) FROM (SELECT FROM public.memory_items AS m WHERE m.embedding IS NOT NULL AND %s LIMIT $4) AS passing',
      condition
    )
    INTO passing
    USING query_tags, filter, required, few + 1;
  END IF;

  IF passing > few THEN
    SELECT array_agg(nearest.id), array_agg(nearest.similarity) INTO ids, similarities
    FROM public.vector_index_rows(query, required, condition, query_tags, limit_rows, filter, method, lists) AS nearest;
    IF cardinality(ids) = limit_rows THEN
      IF is_isolated THEN
        PERFORM set_config('enable_seqscan', seqscan_before, true);
      END IF;
      RETURN QUERY SELECT * FROM unnest(ids, similarities);
      RETURN;
    END IF;
  END IF;

  RETURN QUERY EXECUTE format(
    $query$
      SELECT m.id, 1 - (m.embedding <=> $4) AS similarity
      FROM public.memory_items AS m
      WHERE m.embedding IS NOT NULL AND %s
      ORDER BY similarity DESC, m.id COLLATE "C"
      LIMIT $5
    $query$,
    condition
  )
  USING query_tags, filter, required, query, limit_rows;
  IF is_isolated THEN
    PERFORM set_config('enable_seqscan', seqscan_before, true);
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/vector_search.sql
-- Search by meaning: the k rows whose embeddings are nearest to the query's, by cosine. similarity = 1 - cosine
-- distance, from -1 to 1. Rows without an embedding are not found.
--
-- query_embedding: 384 dimensions, not zero
-- query_tags, k, filter: as in bm25_search (fuzzy has no effect here; the score of filter.after is the similarity)
CREATE OR REPLACE FUNCTION public.vector_search(
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
      MESSAGE = 'vector_search: query_embedding must be a vector of 384 dimensions, got null';
  END IF;
  PERFORM public.check_query_embedding('vector_search', query_embedding);
  PERFORM public.check_search_limit('vector_search', k);
  query_tags := COALESCE(query_tags, '{}');
  filter := COALESCE(filter, '{}');
  condition := public.memory_filter_condition(query_tags, filter, '{after}');

  IF NOT filter ? 'after' THEN
    RETURN QUERY
      SELECT m.id, m.text, m.tags, m.created_at, hit.similarity
      FROM public.vector_rows(query_embedding, NULL, condition, query_tags, k, filter) AS hit
      JOIN public.memory_items AS m ON m.id = hit.id
      ORDER BY hit.similarity DESC, hit.id COLLATE "C";
    RETURN;
  END IF;

  PERFORM public.check_cursor(filter);
  LOOP
    SELECT array_agg(hit.id), array_agg(hit.similarity) INTO ids, similarities
    FROM public.vector_rows(query_embedding, NULL, condition, query_tags, sought, filter - 'after') AS hit;
    EXIT WHEN COALESCE(cardinality(ids), 0) < sought;
    EXIT WHEN (SELECT count(*) FROM unnest(ids, similarities) AS hit (id, similarity)
               WHERE public.is_after(hit.similarity, hit.id, filter)) >= k;
    sought := 4 * sought;
  END LOOP;

  RETURN QUERY
    SELECT m.id, m.text, m.tags, m.created_at, hit.similarity
    FROM unnest(ids, similarities) AS hit (id, similarity)
    JOIN public.memory_items AS m ON m.id = hit.id
    WHERE public.is_after(hit.similarity, hit.id, filter)
    ORDER BY hit.similarity DESC, hit.id COLLATE "C"
    LIMIT k;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/add_usage.sql
-- Adds to what a job has cost: tokens read and written by a model, and the price in whatever currency the caller counts.
-- usage keeps the totals (input_tokens, output_tokens, cost), the model used last (model), and the same by model
-- (by_model). Answers as complete() does; cancelled also when somebody asked for that while it runs (the usage is
-- counted: it was spent).
--
--   SELECT add_usage('job-1', lease_token => 4, model => 'small-1', input_tokens => 1200, output_tokens => 80, cost => 0.0021);
CREATE OR REPLACE FUNCTION public.add_usage(
  job_id text,
  lease_token bigint,
  model text,
  input_tokens bigint DEFAULT 0,
  output_tokens bigint DEFAULT 0,
  cost numeric DEFAULT 0
)
RETURNS text
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  is_cancelling boolean;
BEGIN
  IF add_usage.model IS NULL OR octet_length(add_usage.model) NOT BETWEEN 1 AND 255 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('add_usage: model must be text of 1 to 255 bytes, got %s', coalesce(octet_length(add_usage.model)::text, 'null'));
  END IF;
  -- NaN is greater than every number.
  IF (add_usage.input_tokens >= 0 AND add_usage.output_tokens >= 0 AND add_usage.cost >= 0 AND add_usage.cost < 'infinity') IS NOT TRUE THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('add_usage: input_tokens, output_tokens and cost must be 0 or more, got %s, %s and %s',
        coalesce(add_usage.input_tokens::text, 'null'), coalesce(add_usage.output_tokens::text, 'null'), coalesce(add_usage.cost::text, 'null'));
  END IF;
  UPDATE public.jobs AS job
  SET usage = public.sum_usage(job.usage, add_usage.input_tokens, add_usage.output_tokens, add_usage.cost)
    || jsonb_build_object(
      'model', add_usage.model,
      'by_model', coalesce(job.usage -> 'by_model', '{}') || jsonb_build_object(add_usage.model,
        public.sum_usage(job.usage -> 'by_model' -> add_usage.model, add_usage.input_tokens, add_usage.output_tokens, add_usage.cost))
    )
  WHERE job.id = add_usage.job_id AND job.lease_token = add_usage.lease_token AND job.lease_expires_at IS NOT NULL
  RETURNING job.cancel_requested_at IS NOT NULL INTO is_cancelling;
  IF FOUND THEN
    RETURN CASE WHEN is_cancelling THEN 'cancelled' ELSE 'ok' END;
  END IF;
  RETURN public.lease_refusal(add_usage.job_id, add_usage.lease_token);
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/claim.sql
-- Hands out up to max_jobs jobs of a queue, best priority first, then by run_at, then by id. Each comes as its row, now
-- running, with a lease of lease_seconds: nobody else gets it until the lease ends, and heartbeat() extends that. Its
-- lease_token must be shown at every later call about it, and is worth nothing once the lease was taken back.
--
--   SELECT id, intent, inputs, lease_token FROM claim('documents', 'worker-1', max_jobs => 10, lease_seconds => 60);
--
-- Before that it ends leases that ran out and fails jobs past their deadline, at most 100 of each (take_back_expired).
--
-- Speed does not depend on what is not ready. Jobs of the future may be many and of a high priority, and a scan of the
-- ready index would read past all of them; so the distinct priorities are walked, one probe of the index each, and in
-- each priority only run_at <= now is read. (A loop does what a recursive query would, whose setting up costs more than
-- the usual one or two probes.) Rows that others are claiming are skipped, never waited for. What is found is handed to
-- the update as an ARRAY, which is made once: the plan of a join may evaluate the subquery again for each row and hand
-- out far more than max_jobs.
--
-- Its plans are made once for each connection and never look at arguments or statistics, which would cost more than the
-- claim itself: the few ways to read the partial indexes are the best ones for any table.
CREATE OR REPLACE FUNCTION public.claim(
  queue text,
  worker_id text,
  max_jobs integer DEFAULT 1,
  lease_seconds double precision DEFAULT 60,
  modes public.execution_mode[] DEFAULT NULL
)
RETURNS SETOF public.jobs
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := public.jobs_now();
  remaining integer := claim.max_jobs;
  taken integer;
  is_due boolean;
  level smallint;
BEGIN
  IF (octet_length(claim.worker_id) BETWEEN 1 AND 255 AND claim.max_jobs BETWEEN 1 AND 10000
    AND claim.lease_seconds >= 0.01 AND claim.lease_seconds <= 604800) IS NOT TRUE THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = CASE
      WHEN (octet_length(claim.worker_id) BETWEEN 1 AND 255) IS NOT TRUE THEN
        format('claim: worker_id must be text of 1 to 255 bytes, got %s', coalesce(octet_length(claim.worker_id)::text, 'null'))
      WHEN (claim.max_jobs BETWEEN 1 AND 10000) IS NOT TRUE THEN
        format('claim: max_jobs must be from 1 to 10000, got %s', coalesce(claim.max_jobs::text, 'null'))
      ELSE format('claim: lease_seconds must be from 0.01 to 604800 (a week), got %s', coalesce(claim.lease_seconds::text, 'null'))
    END;
  END IF;

  -- Leases have no index by their end, or no heartbeat could be a HOT update. So the 200 jobs that have been running
  -- longest are looked at, and one claim in ten looks at all of them: what a claim costs on average hardly grows with the
  -- number of running jobs, and no expired lease is overlooked for long.
  SELECT
    EXISTS (
      SELECT FROM (
        SELECT job.lease_expires_at FROM public.jobs AS job
        WHERE job.queue = claim.queue AND job.status = 'running'
          AND job.started_at <= current_moment - interval '10 milliseconds'
        ORDER BY job.started_at
        LIMIT CASE WHEN random() < 0.9 THEN 200 END
      ) AS oldest
      WHERE oldest.lease_expires_at <= current_moment
    ) OR EXISTS (
      SELECT FROM public.jobs AS job
      WHERE job.queue = claim.queue AND job.status IN ('pending', 'waiting') AND job.deadline_at <= current_moment
    ),
    (
      SELECT job.priority FROM public.jobs AS job
      WHERE job.queue = claim.queue AND job.status = 'pending'
      ORDER BY job.priority DESC LIMIT 1
    )
  INTO is_due, level;
  IF is_due THEN
    PERFORM public.take_back_expired(claim.queue, 100);
    current_moment := public.jobs_now();
    level := (
      SELECT job.priority FROM public.jobs AS job
      WHERE job.queue = claim.queue AND job.status = 'pending'
      ORDER BY job.priority DESC LIMIT 1
    );
  END IF;

  WHILE level IS NOT NULL LOOP
    RETURN QUERY
      WITH leased AS (
        UPDATE public.jobs AS job
        SET status = 'running',
          lease_token = job.lease_token + 1,
          lease_expires_at = current_moment + make_interval(secs => claim.lease_seconds),
          heartbeat_at = current_moment,
          attempt = job.attempt + 1,
          worker_id = claim.worker_id,
          started_at = current_moment
        WHERE job.ctid = ANY (ARRAY(
          SELECT ready.ctid FROM public.jobs AS ready
          WHERE ready.queue = claim.queue AND ready.status = 'pending' AND ready.priority = level
            AND ready.run_at <= current_moment
            AND (ready.deadline_at IS NULL OR ready.deadline_at > current_moment)
            AND (claim.modes IS NULL OR ready.mode = ANY (claim.modes))
          ORDER BY ready.run_at, ready.id
          LIMIT remaining
          FOR NO KEY UPDATE SKIP LOCKED
        ))
        RETURNING job.*
      )
      SELECT * FROM leased ORDER BY leased.run_at, leased.id;
    GET DIAGNOSTICS taken = ROW_COUNT;
    remaining := remaining - taken;
    EXIT WHEN remaining <= 0;
    level := (
      SELECT job.priority FROM public.jobs AS job
      WHERE job.queue = claim.queue AND job.status = 'pending' AND job.priority < level
      ORDER BY job.priority DESC LIMIT 1
    );
  END LOOP;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/complete.sql
-- Ends a job well, with its result. Answers ok; stale_lease when the lease was taken back or is settled already;
-- cancelled when the job was cancelled; not_found. Anything but ok has changed nothing.
--
--   SELECT complete('job-1', lease_token => 4, result => '{"summary": "…"}');
--
-- A job whose cancellation was asked for, and which got done nevertheless, is completed.
--
-- Here and in the other functions about leases, lease_expires_at IS NOT NULL says that the job is running (a check of the
-- table makes it the same). status = 'running' would offer the planner the index of running jobs, and where statistics say
-- that few are running it reads all of them instead of the primary key.
CREATE OR REPLACE FUNCTION public.complete(job_id text, lease_token bigint, result jsonb DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := public.jobs_now();
BEGIN
  WITH settled AS (
    UPDATE public.jobs AS job
    SET status = 'completed', result = complete.result, error = NULL, progress = 1, lease_expires_at = NULL,
      completed_at = current_moment
    WHERE job.id = complete.job_id AND job.lease_token = complete.lease_token AND job.lease_expires_at IS NOT NULL
    RETURNING job.id, job.lease_token, job.started_at, job.attempt, job.worker_id
  )
  INSERT INTO public.job_attempts (job_id, lease_token, started_at, finished_at, attempt, outcome, worker_id)
  SELECT id, lease_token, started_at, current_moment, attempt, 'completed', worker_id FROM settled;
  IF FOUND THEN
    RETURN 'ok';
  END IF;
  RETURN public.lease_refusal(complete.job_id, complete.lease_token);
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/complete_many.sql
-- complete() for many leases in one statement; answers for each, in the order of the arguments. results may be null
-- (no job has one) or has one for each job.
--
--   SELECT * FROM complete_many(ARRAY['job-1', 'job-2'], ARRAY[4, 1]);
CREATE OR REPLACE FUNCTION public.complete_many(job_ids text[], lease_tokens bigint[], results jsonb[] DEFAULT NULL)
RETURNS TABLE (id text, outcome text)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := public.jobs_now();
  settled_ids text[];
BEGIN
  PERFORM public.check_leases('complete_many', complete_many.job_ids, complete_many.lease_tokens);
  IF cardinality(complete_many.results) <> cardinality(complete_many.job_ids) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('complete_many: results must be null or have one element for each of the %s jobs, got %s',
        cardinality(complete_many.job_ids), cardinality(complete_many.results));
  END IF;

  WITH settled AS (
    UPDATE public.jobs AS job
    SET status = 'completed', result = lease.result, error = NULL, progress = 1, lease_expires_at = NULL,
      completed_at = current_moment
    FROM (
      SELECT * FROM unnest(complete_many.job_ids, complete_many.lease_tokens, complete_many.results) AS one (id, token, result)
      ORDER BY one.id COLLATE "C"
    ) AS lease
    WHERE job.id = lease.id AND job.lease_token = lease.token AND job.lease_expires_at IS NOT NULL
    RETURNING job.id, job.lease_token, job.started_at, job.attempt, job.worker_id
  ), recorded AS (
    INSERT INTO public.job_attempts (job_id, lease_token, started_at, finished_at, attempt, outcome, worker_id)
    SELECT id, lease_token, started_at, current_moment, attempt, 'completed', worker_id FROM settled
  )
  SELECT array_agg(settled.id) INTO settled_ids FROM settled;

  IF cardinality(settled_ids) = cardinality(complete_many.job_ids) THEN
    RETURN QUERY SELECT one.id, 'ok' FROM unnest(complete_many.job_ids) AS one (id);
    RETURN;
  END IF;
  RETURN QUERY
    SELECT lease.id,
      CASE WHEN lease.id = ANY (settled_ids) AND job.lease_token = lease.token
        THEN 'ok' ELSE public.lease_refusal(lease.id, lease.token) END
    FROM unnest(complete_many.job_ids, complete_many.lease_tokens) WITH ORDINALITY AS lease (id, token, place)
    LEFT JOIN public.jobs AS job ON job.id = lease.id
    ORDER BY lease.place;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/continue_parent.sql
-- Ends the waiting of a job for its children if none of them is unfinished; does nothing otherwise. Called when a child
-- ends (trigger jobs_child_ended) and when the waiting begins, by which time the last child may have ended.
--
-- The job's row is touched first, although nothing in it changes: of two children that end at the same moment the
-- second waits here for the first to commit and then sees it, and under REPEATABLE READ it fails and is repeated.
-- Without that each would see the other one unfinished, and the parent would wait for ever.
CREATE OR REPLACE FUNCTION public.continue_parent(job_id text)
RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz;
  parent public.jobs;
  failed_child text;
BEGIN
  UPDATE public.jobs SET lease_token = lease_token WHERE id = continue_parent.job_id RETURNING * INTO parent;
  IF parent.status IS DISTINCT FROM 'waiting' OR parent.wait_reason <> 'children' THEN
    RETURN;
  END IF;
  IF EXISTS (SELECT FROM public.jobs WHERE parent_id = parent.id AND completed_at IS NULL) THEN
    RETURN;
  END IF;
  current_moment := public.jobs_now();
  IF parent.required_action ->> 'on_child_failure' = 'fail' THEN
    SELECT id INTO failed_child FROM public.jobs
    WHERE parent_id = parent.id AND status IN ('failed', 'cancelled')
    ORDER BY completed_at, id LIMIT 1;
  END IF;
  IF failed_child IS NULL THEN
    UPDATE public.jobs SET status = 'pending', wait_reason = NULL, run_at = current_moment WHERE id = parent.id;
  ELSE
    UPDATE public.jobs
    SET status = 'failed', wait_reason = NULL, completed_at = current_moment,
      error = jsonb_build_object('code', 'child_failed', 'message', format('child job %s did not complete', failed_child),
        'detail', jsonb_build_object('job_id', failed_child))
    WHERE id = parent.id;
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/end_lease.sql
-- Ends a lease without ending the job, which goes on as pending or waiting: the common part of release(), snooze() and
-- wait_for(). The attempt is given back, for nothing has failed. A job whose cancellation was asked for is cancelled
-- instead: this is the moment at which its worker lets go of it.
CREATE OR REPLACE FUNCTION public.end_lease(
  job_id text,
  lease_token bigint,
  next_status public.job_status,
  outcome text,
  run_at timestamptz DEFAULT NULL,
  wait_reason text DEFAULT NULL,
  required_action jsonb DEFAULT NULL
)
RETURNS text
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := public.jobs_now();
  job public.jobs;
BEGIN
  SELECT * INTO job FROM public.jobs
  WHERE id = end_lease.job_id AND lease_token = end_lease.lease_token AND lease_expires_at IS NOT NULL
  FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN public.lease_refusal(end_lease.job_id, end_lease.lease_token);
  END IF;
  IF job.cancel_requested_at IS NOT NULL THEN
    UPDATE public.jobs SET status = 'cancelled', completed_at = current_moment, lease_expires_at = NULL WHERE id = job.id;
  ELSE
    UPDATE public.jobs
    SET status = end_lease.next_status, lease_expires_at = NULL, attempt = job.attempt - 1,
      run_at = coalesce(end_lease.run_at, job.run_at), wait_reason = end_lease.wait_reason,
      required_action = coalesce(end_lease.required_action, job.required_action)
    WHERE id = job.id;
  END IF;
  INSERT INTO public.job_attempts (job_id, lease_token, started_at, finished_at, attempt, outcome, worker_id)
  VALUES (
    job.id, job.lease_token, job.started_at, current_moment, job.attempt,
    (CASE WHEN job.cancel_requested_at IS NULL THEN end_lease.outcome ELSE 'cancelled' END)::public.attempt_outcome,
    job.worker_id
  );
  RETURN CASE WHEN job.cancel_requested_at IS NULL THEN 'ok' ELSE 'cancelled' END;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/enqueue.sql
-- Accepts one piece of work and gives its id at once; nothing has run yet.
--
--   SELECT * FROM enqueue('summarise', '{"document": "d1"}', queue => 'documents', idempotency_key => 'd1:v3');
--
-- created is false when the work is there already: the same job_id, the same (queue, idempotency_key), ended or not, or
-- the same (queue, singleton_key) in a job that has not ended. Then id and status are those of that job and nothing was
-- written. With wait_reason the job is born waiting, and runs only after approve() or resume(). It belongs to the
-- caller's transaction: if that rolls back, the job was never there.
CREATE OR REPLACE FUNCTION public.enqueue(
  intent text,
  inputs jsonb DEFAULT '{}',
  queue text DEFAULT 'default',
  mode public.execution_mode DEFAULT 'auto',
  priority integer DEFAULT 0,
  run_at timestamptz DEFAULT NULL,
  job_id text DEFAULT NULL,
  idempotency_key text DEFAULT NULL,
  singleton_key text DEFAULT NULL,
  parent_id text DEFAULT NULL,
  deadline_at timestamptz DEFAULT NULL,
  max_attempts integer DEFAULT 3,
  backoff_seconds double precision DEFAULT 10,
  wait_reason text DEFAULT NULL,
  required_action jsonb DEFAULT NULL,
  metadata jsonb DEFAULT '{}',
  trace_id text DEFAULT NULL,
  callback_url text DEFAULT NULL
)
RETURNS TABLE (id text, status public.job_status, created boolean)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := public.jobs_now();
  new_root text;
BEGIN
  IF enqueue.inputs IS NULL OR jsonb_typeof(enqueue.inputs) <> 'object' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('enqueue: inputs must be a JSON object, got %s', coalesce(jsonb_typeof(enqueue.inputs), 'null'));
  END IF;
  IF enqueue.priority NOT BETWEEN -32768 AND 32767 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('enqueue: priority must be from -32768 to 32767, got %s', enqueue.priority);
  END IF;
  IF enqueue.wait_reason = 'children' OR enqueue.wait_reason IS NULL AND enqueue.required_action IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('enqueue: a new job can wait for approval, input or external (with a required_action), got wait_reason %s',
        coalesce(enqueue.wait_reason, 'null'));
  END IF;
  IF enqueue.parent_id IS NOT NULL THEN
    SELECT coalesce(parent.root_id, parent.id) INTO new_root FROM public.jobs AS parent WHERE parent.id = enqueue.parent_id;
    IF NOT FOUND THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('enqueue: parent_id must be the id of a job, got %s', enqueue.parent_id);
    END IF;
  END IF;

  -- The job that was in the way may end between the insert and the look at it; then there is room after all.
  FOR i IN 1..10 LOOP
    RETURN QUERY
      INSERT INTO public.jobs AS job (
        id, status, queue, priority, run_at, mode, intent, max_attempts, backoff_seconds, deadline_at, created_at,
        wait_reason, idempotency_key, singleton_key, parent_id, root_id, trace_id, callback_url, required_action,
        metadata, inputs
      )
      VALUES (
        coalesce(enqueue.job_id, public.new_job_id(current_moment)),
        CASE WHEN enqueue.wait_reason IS NULL THEN 'pending'::public.job_status ELSE 'waiting' END,
        enqueue.queue, enqueue.priority::smallint, coalesce(enqueue.run_at, current_moment), enqueue.mode, enqueue.intent,
        enqueue.max_attempts, enqueue.backoff_seconds, enqueue.deadline_at, current_moment, enqueue.wait_reason,
        enqueue.idempotency_key, enqueue.singleton_key, enqueue.parent_id, new_root, enqueue.trace_id,
        enqueue.callback_url, enqueue.required_action, coalesce(enqueue.metadata, '{}'), enqueue.inputs
      )
      ON CONFLICT DO NOTHING
      RETURNING job.id, job.status, true;
    IF FOUND THEN
      RETURN;
    END IF;
    RETURN QUERY
      SELECT found.id, found.status, false
      FROM public.find_duplicate(enqueue.queue, enqueue.job_id, enqueue.idempotency_key, enqueue.singleton_key) AS found;
    IF FOUND THEN
      RETURN;
    END IF;
  END LOOP;
  RAISE EXCEPTION USING ERRCODE = 'serialization_failure',
    MESSAGE = format('enqueue: jobs with the keys of this one came and went ten times in queue %s, try again', enqueue.queue);
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/enqueue_many.sql
-- enqueue() for many jobs in one statement: an array of objects whose keys are the arguments of enqueue(). Answers for
-- each, in the order of the array. All are accepted, or (on any error) none.
--
--   SELECT * FROM enqueue_many('[{"intent": "embed", "inputs": {"document": "d1"}}, {"intent": "embed", "priority": 5}]');
--
-- The ids are made before the insert, so that nothing has to be looked up again unless a job was there already.
CREATE OR REPLACE FUNCTION public.enqueue_many(jobs jsonb)
RETURNS TABLE (id text, status public.job_status, created boolean)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := public.jobs_now();
  known text[] := ARRAY['intent', 'inputs', 'queue', 'mode', 'priority', 'run_at', 'job_id', 'idempotency_key',
    'singleton_key', 'parent_id', 'deadline_at', 'max_attempts', 'backoff_seconds', 'wait_reason', 'required_action',
    'metadata', 'trace_id', 'callback_url'];
  wrong text;
  ids text[];
  waiting boolean;
  inserted text[];
BEGIN
  IF enqueue_many.jobs IS NULL OR jsonb_typeof(enqueue_many.jobs) <> 'array' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('enqueue_many: jobs must be a JSON array of objects, got %s', coalesce(jsonb_typeof(enqueue_many.jobs), 'null'));
  END IF;
  SELECT format('element %s%s', one.place - 1, checked.problem) INTO wrong
  FROM jsonb_array_elements(enqueue_many.jobs) WITH ORDINALITY AS one (job, place)
  CROSS JOIN LATERAL (
    SELECT CASE
      WHEN jsonb_typeof(one.job) <> 'object' THEN
        format(' must be an object, got %s', jsonb_typeof(one.job))
      WHEN one.job - known <> '{}' THEN
        format(' has an unknown key, %s; known are %s', (SELECT min(key) FROM jsonb_object_keys(one.job - known) AS key),
          array_to_string(known, ', '))
      WHEN jsonb_typeof(one.job -> 'inputs') <> 'object' THEN
        format(': inputs must be a JSON object, got %s', jsonb_typeof(one.job -> 'inputs'))
      WHEN one.job ->> 'wait_reason' = 'children'
        OR one.job ->> 'wait_reason' IS NULL AND one.job ->> 'required_action' IS NOT NULL THEN
        format(': a new job can wait for approval, input or external (with a required_action), got wait_reason %s',
          coalesce(one.job ->> 'wait_reason', 'null'))
      WHEN one.job ->> 'parent_id' IS NOT NULL
        AND (SELECT parent.id FROM public.jobs AS parent WHERE parent.id = one.job ->> 'parent_id') IS NULL THEN
        format(': parent_id must be the id of a job that is there already, got %s', one.job ->> 'parent_id')
    END AS problem
  ) AS checked
  WHERE checked.problem IS NOT NULL
  ORDER BY one.place
  LIMIT 1;
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('enqueue_many: %s', wrong);
  END IF;

  SELECT array_agg(coalesce(one.job ->> 'job_id', public.new_job_id(current_moment)) ORDER BY one.place),
    bool_or(one.job ->> 'wait_reason' IS NOT NULL)
  INTO ids, waiting
  FROM jsonb_array_elements(enqueue_many.jobs) WITH ORDINALITY AS one (job, place);

  WITH accepted AS (
    INSERT INTO public.jobs AS job (
      id, status, queue, priority, run_at, mode, intent, max_attempts, backoff_seconds, deadline_at, created_at,
      wait_reason, idempotency_key, singleton_key, parent_id, root_id, trace_id, callback_url, required_action,
      metadata, inputs
    )
    SELECT ids[one.place],
      CASE WHEN field.wait_reason IS NULL THEN 'pending'::public.job_status ELSE 'waiting' END,
      coalesce(field.queue, 'default'), coalesce(field.priority, 0), coalesce(field.run_at, current_moment),
      coalesce(field.mode, 'auto'), field.intent, coalesce(field.max_attempts, 3), coalesce(field.backoff_seconds, 10),
      field.deadline_at, current_moment, field.wait_reason, field.idempotency_key, field.singleton_key, field.parent_id,
      CASE WHEN field.parent_id IS NOT NULL THEN
        (SELECT coalesce(parent.root_id, parent.id) FROM public.jobs AS parent WHERE parent.id = field.parent_id)
      END,
      field.trace_id, field.callback_url, field.required_action, coalesce(field.metadata, '{}'), coalesce(field.inputs, '{}')
    FROM jsonb_array_elements(enqueue_many.jobs) WITH ORDINALITY AS one (job, place)
    CROSS JOIN LATERAL jsonb_to_record(one.job) AS field (
      intent text, inputs jsonb, queue text, mode public.execution_mode, priority smallint, run_at timestamptz,
      idempotency_key text, singleton_key text, parent_id text, deadline_at timestamptz, max_attempts integer,
      backoff_seconds double precision, wait_reason text, required_action jsonb, metadata jsonb, trace_id text,
      callback_url text
    )
    ORDER BY one.place
    ON CONFLICT DO NOTHING
    RETURNING job.id
  )
  SELECT array_agg(accepted.id) INTO inserted FROM accepted;

  IF cardinality(inserted) = cardinality(ids) AND NOT waiting THEN
    RETURN QUERY SELECT one.id, 'pending'::public.job_status, true FROM unnest(ids) AS one (id);
    RETURN;
  END IF;
  -- Some were there already, or came twice in the array.
  RETURN QUERY
    SELECT coalesce(made.id, found.id), coalesce(made.status, found.status), made.id IS NOT NULL
    FROM jsonb_array_elements(enqueue_many.jobs) WITH ORDINALITY AS one (job, place)
    LEFT JOIN (
      SELECT DISTINCT ON (mine.id) mine.id, mine.place,
        (SELECT job.status FROM public.jobs AS job WHERE job.id = mine.id) AS status
      FROM unnest(inserted) AS new (id)
      JOIN unnest(ids) WITH ORDINALITY AS mine (id, place) USING (id)
      ORDER BY mine.id, mine.place
    ) AS made ON made.place = one.place
    LEFT JOIN LATERAL public.find_duplicate(coalesce(one.job ->> 'queue', 'default'), one.job ->> 'job_id',
      one.job ->> 'idempotency_key', one.job ->> 'singleton_key') AS found ON made.id IS NULL
    ORDER BY one.place;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/fail.sql
-- Ends an attempt badly. If retryable and attempts are left, the job is pending again after a pause: retry_in_seconds,
-- or backoff_seconds doubled for each attempt made, a random half of it taken off so that jobs which failed together do
-- not come back together, a day at most. Else it has failed. Answers as complete() does; cancelled also when somebody
-- had asked for that, and then the job is cancelled now.
--
--   SELECT fail('job-1', lease_token => 4, error => '{"code": "timeout", "message": "no answer in 30 s"}');
--
-- error is an object with a message and, if possible, a stable code (default "error") and any detail.
CREATE OR REPLACE FUNCTION public.fail(
  job_id text,
  lease_token bigint,
  error jsonb,
  retryable boolean DEFAULT true,
  retry_in_seconds double precision DEFAULT NULL
)
RETURNS text
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := public.jobs_now();
  job public.jobs;
  next_status public.job_status;
  reason jsonb;
  pause double precision;
BEGIN
  IF fail.error IS NULL OR jsonb_typeof(fail.error) <> 'object' OR jsonb_typeof(fail.error -> 'message') IS DISTINCT FROM 'string'
    OR jsonb_typeof(coalesce(fail.error -> 'code', '""')) <> 'string' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('fail: error must be a JSON object with a message and a code that are strings, got %s', coalesce(left(fail.error::text, 200), 'null'));
  END IF;
  IF NOT (fail.retry_in_seconds >= 0 AND fail.retry_in_seconds <= 31536000) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('fail: retry_in_seconds must be from 0 to 31536000 (a year), got %s', fail.retry_in_seconds);
  END IF;
  reason := '{"code": "error"}'::jsonb || fail.error;

  SELECT * INTO job FROM public.jobs
  WHERE id = fail.job_id AND lease_token = fail.lease_token AND lease_expires_at IS NOT NULL
  FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN public.lease_refusal(fail.job_id, fail.lease_token);
  END IF;

  next_status := CASE
    WHEN job.cancel_requested_at IS NOT NULL THEN 'cancelled'
    WHEN fail.retryable AND job.attempt < job.max_attempts AND coalesce(job.deadline_at > current_moment, true) THEN 'pending'
    ELSE 'failed'
  END;
  IF next_status = 'pending' THEN
    pause := coalesce(
      fail.retry_in_seconds,
      least(job.backoff_seconds * 2 ^ least(job.attempt - 1, 30), 86400) * (0.5 + random() / 2)
    );
    UPDATE public.jobs
    SET status = 'pending', run_at = current_moment + make_interval(secs => pause), lease_expires_at = NULL, progress = 0,
      progress_message = NULL, error = reason
    WHERE id = job.id;
  ELSE
    UPDATE public.jobs
    SET status = next_status, completed_at = current_moment, lease_expires_at = NULL, error = reason
    WHERE id = job.id;
  END IF;
  INSERT INTO public.job_attempts (job_id, lease_token, started_at, finished_at, attempt, outcome, worker_id, error)
  VALUES (
    job.id, job.lease_token, job.started_at, current_moment, job.attempt,
    (CASE next_status WHEN 'pending' THEN 'retried' ELSE next_status::text END)::public.attempt_outcome, job.worker_id, reason
  );
  RETURN CASE next_status WHEN 'cancelled' THEN 'cancelled' ELSE 'ok' END;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/find_duplicate.sql
-- The job that stands in the way of a new one: of the same id, else of the same idempotency key, else the unfinished one
-- of the same singleton key. For enqueue() and enqueue_many().
CREATE OR REPLACE FUNCTION public.find_duplicate(queue text, job_id text, idempotency_key text, singleton_key text)
RETURNS TABLE (id text, status public.job_status)
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
  IF find_duplicate.job_id IS NOT NULL THEN
    RETURN QUERY SELECT job.id, job.status FROM public.jobs AS job WHERE job.id = find_duplicate.job_id;
    IF FOUND THEN
      RETURN;
    END IF;
  END IF;
  IF find_duplicate.idempotency_key IS NOT NULL THEN
    RETURN QUERY
      SELECT job.id, job.status FROM public.jobs AS job
      WHERE job.queue = find_duplicate.queue AND job.idempotency_key = find_duplicate.idempotency_key;
    IF FOUND THEN
      RETURN;
    END IF;
  END IF;
  RETURN QUERY
    SELECT job.id, job.status FROM public.jobs AS job
    WHERE job.queue = find_duplicate.queue AND job.singleton_key = find_duplicate.singleton_key
      AND job.status IN ('pending', 'running', 'waiting');
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/heartbeat.sql
-- Extends leases, all those of a worker in one call, and says of each what became of it, in the order of the arguments:
--   held              the lease now ends lease_seconds from now (never earlier than before)
--   cancel_requested  the same, and somebody asked for the job to be cancelled: stop, and release() or fail() it
--   lost              the lease was taken back or settled: stop, nothing that you do counts any more
--
--   SELECT * FROM heartbeat(ARRAY['job-1', 'job-2'], ARRAY[4, 1], lease_seconds => 60);
CREATE OR REPLACE FUNCTION public.heartbeat(job_ids text[], lease_tokens bigint[], lease_seconds double precision DEFAULT 60)
RETURNS TABLE (id text, lease_token bigint, state text, lease_expires_at timestamptz)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := public.jobs_now();
BEGIN
  PERFORM public.check_leases('heartbeat', heartbeat.job_ids, heartbeat.lease_tokens);
  IF (heartbeat.lease_seconds >= 0.01 AND heartbeat.lease_seconds <= 604800) IS NOT TRUE THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('heartbeat: lease_seconds must be from 0.01 to 604800 (a week), got %s', coalesce(heartbeat.lease_seconds::text, 'null'));
  END IF;

  -- In the order of their ids, so that two calls that share jobs never wait for each other in a ring.
  UPDATE public.jobs AS job
  SET heartbeat_at = current_moment,
    lease_expires_at = greatest(job.lease_expires_at, current_moment + make_interval(secs => heartbeat.lease_seconds))
  FROM (
    SELECT * FROM unnest(heartbeat.job_ids, heartbeat.lease_tokens) AS one (id, token) ORDER BY one.id COLLATE "C"
  ) AS lease
  WHERE job.id = lease.id AND job.lease_token = lease.token AND job.lease_expires_at IS NOT NULL;

  RETURN QUERY
    SELECT lease.id, lease.token,
      CASE WHEN job.id IS NULL THEN 'lost' WHEN job.cancel_requested_at IS NULL THEN 'held' ELSE 'cancel_requested' END,
      job.lease_expires_at
    FROM unnest(heartbeat.job_ids, heartbeat.lease_tokens) WITH ORDINALITY AS lease (id, token, place)
    LEFT JOIN public.jobs AS job
      ON job.id = lease.id AND job.lease_token = lease.token AND job.lease_expires_at IS NOT NULL
    ORDER BY lease.place;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/is_job_transition.sql
-- Whether the life of a job has this change of status.
CREATE OR REPLACE FUNCTION public.is_job_transition(old_status public.job_status, new_status public.job_status)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT CASE old_status
    WHEN new_status THEN true
    WHEN 'pending' THEN new_status <> 'completed'
    WHEN 'running' THEN true
    WHEN 'waiting' THEN new_status IN ('pending', 'failed', 'cancelled')
    WHEN 'completed' THEN false
    ELSE new_status = 'pending'
  END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/job_state_problem.sql
-- What is wrong with a job of this status and these columns; null if nothing is. The triggers of jobs ask. Constraints
-- would say the same, but PostgreSQL reads every check anew for each statement that writes: the six that these were cost
-- 40 of the 195 µs of one claim and one complete.
CREATE OR REPLACE FUNCTION public.job_state_problem(
  status public.job_status,
  lease_expires_at timestamptz,
  completed_at timestamptz,
  wait_reason text,
  error jsonb,
  progress real,
  attempt integer
)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT CASE
    WHEN (status = 'running') <> (lease_expires_at IS NOT NULL) THEN
      'lease_expires_at must be there while the job is running, and only then'
    WHEN (status IN ('pending', 'running', 'waiting')) <> (completed_at IS NULL) THEN
      'completed_at must be there when the job has ended, and only then'
    WHEN (status = 'waiting') <> (wait_reason IS NOT NULL) THEN
      'wait_reason must be there while the job is waiting, and only then'
    WHEN status = 'failed' AND error IS NULL THEN 'error must be there when the job has failed'
    WHEN NOT (progress >= 0 AND progress <= 1) THEN 'progress must be from 0 to 1'
    WHEN attempt < 0 THEN 'attempt must be 0 or more'
  END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/lease_refusal.sql
-- Why a lease could not be settled: the job is not_found, was cancelled, or this lease of it is over (stale_lease).
CREATE OR REPLACE FUNCTION public.lease_refusal(job_id text, lease_token bigint)
RETURNS text
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  job public.jobs;
BEGIN
  SELECT * INTO job FROM public.jobs WHERE id = lease_refusal.job_id;
  IF NOT FOUND THEN
    RETURN 'not_found';
  END IF;
  IF job.status = 'cancelled' AND job.lease_token = lease_refusal.lease_token THEN
    RETURN 'cancelled';
  END IF;
  RETURN 'stale_lease';
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/new_job_id.sql
-- A new id: a UUID of version 7, which begins with the milliseconds of its making. Jobs that are made together then lie
-- together in the indexes by id, where a random id touches another page for each row (measured: a tenth of the CPU of
-- claim and complete in batches).
CREATE OR REPLACE FUNCTION public.new_job_id(moment timestamptz)
RETURNS text
LANGUAGE sql VOLATILE PARALLEL SAFE
AS $$
  SELECT overlay(lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') PLACING '-' FROM 9 FOR 0)
    || '-7' || substr(gen_random_uuid()::text, 16)
$$;
--> statement-breakpoint
-- source: src/sql/jobs/report_progress.sql
-- Says how far a job is, from 0 to 1, and what it is doing. Answers as complete() does; cancelled also when somebody
-- asked for that while it runs (the progress is written: the worker is still at it). An argument that is null leaves
-- its column as it is.
--
--   SELECT report_progress('job-1', lease_token => 4, progress => 0.5, message => 'page 10 of 20');
CREATE OR REPLACE FUNCTION public.report_progress(
  job_id text,
  lease_token bigint,
  progress double precision DEFAULT NULL,
  message text DEFAULT NULL
)
RETURNS text
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  is_cancelling boolean;
BEGIN
  IF NOT (report_progress.progress >= 0 AND report_progress.progress <= 1) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('report_progress: progress must be from 0 to 1, got %s', report_progress.progress);
  END IF;
  UPDATE public.jobs AS job
  SET progress = coalesce(report_progress.progress, job.progress),
    progress_message = coalesce(report_progress.message, job.progress_message)
  WHERE job.id = report_progress.job_id AND job.lease_token = report_progress.lease_token AND job.lease_expires_at IS NOT NULL
  RETURNING job.cancel_requested_at IS NOT NULL INTO is_cancelling;
  IF FOUND THEN
    RETURN CASE WHEN is_cancelling THEN 'cancelled' ELSE 'ok' END;
  END IF;
  RETURN public.lease_refusal(report_progress.job_id, report_progress.lease_token);
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/take_back_expired.sql
-- Ends at most max_jobs leases of a queue that ran out, and fails as many jobs that are past their deadline; gives the
-- number of jobs changed. claim() does this by itself; a queue that nobody claims from may be swept by a cron job.
--
-- A job whose lease ran out becomes pending again; cancelled, if that was asked for; failed, if its attempts are used up
-- or its deadline is past. Its worker, should it still live, holds an old lease_token and can change nothing more once
-- the job is handed out again.
CREATE OR REPLACE FUNCTION public.take_back_expired(queue text DEFAULT 'default', max_jobs integer DEFAULT 100)
RETURNS integer
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := public.jobs_now();
  taken integer;
  overdue integer;
BEGIN
  IF take_back_expired.max_jobs IS NULL OR take_back_expired.max_jobs < 1 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('take_back_expired: max_jobs must be at least 1, got %s', coalesce(take_back_expired.max_jobs::text, 'null'));
  END IF;

  WITH expired AS MATERIALIZED (
    SELECT job.id,
      CASE
        WHEN job.cancel_requested_at IS NOT NULL THEN 'cancelled'
        WHEN job.deadline_at <= current_moment OR job.attempt >= job.max_attempts THEN 'failed'
        ELSE 'pending'
      END::public.job_status AS next_status,
      CASE
        WHEN job.deadline_at <= current_moment THEN public.deadline_error(job.deadline_at)
        ELSE jsonb_build_object('code', 'lease_lost',
          'message', format('worker %s did not renew its lease, which ended at %s', job.worker_id, job.lease_expires_at))
      END AS reason
    FROM public.jobs AS job
    -- No lease is shorter than this, so jobs that were claimed just now need not be looked at.
    WHERE job.queue = take_back_expired.queue AND job.status = 'running'
      AND job.started_at <= current_moment - interval '10 milliseconds' AND job.lease_expires_at <= current_moment
    ORDER BY job.started_at
    LIMIT take_back_expired.max_jobs
    FOR NO KEY UPDATE SKIP LOCKED
  ), lost AS (
    UPDATE public.jobs AS job
    SET status = expired.next_status,
      lease_expires_at = NULL,
      run_at = CASE WHEN expired.next_status = 'pending' THEN current_moment ELSE job.run_at END,
      completed_at = CASE WHEN expired.next_status = 'pending' THEN NULL ELSE current_moment END,
      progress = CASE WHEN expired.next_status = 'pending' THEN 0 ELSE job.progress END,
      progress_message = CASE WHEN expired.next_status = 'pending' THEN NULL ELSE job.progress_message END,
      error = CASE WHEN expired.next_status = 'cancelled' THEN job.error ELSE expired.reason END
    FROM expired
    WHERE job.id = expired.id
    RETURNING job.id, job.lease_token, job.started_at, job.attempt, job.worker_id, expired.reason
  )
  INSERT INTO public.job_attempts (job_id, lease_token, started_at, finished_at, attempt, outcome, worker_id, error)
  SELECT id, lease_token, started_at, current_moment, attempt, 'lease_lost', worker_id, reason FROM lost;
  GET DIAGNOSTICS taken = ROW_COUNT;

  WITH late AS MATERIALIZED (
    SELECT job.id FROM public.jobs AS job
    WHERE job.queue = take_back_expired.queue AND job.status IN ('pending', 'waiting') AND job.deadline_at <= current_moment
    ORDER BY job.deadline_at
    LIMIT take_back_expired.max_jobs
    FOR NO KEY UPDATE SKIP LOCKED
  )
  UPDATE public.jobs AS job
  SET status = 'failed', wait_reason = NULL, completed_at = current_moment, error = public.deadline_error(job.deadline_at)
  FROM late
  WHERE job.id = late.id;
  GET DIAGNOSTICS overdue = ROW_COUNT;
  RETURN taken + overdue;
END
$$;
--> statement-breakpoint
-- source: src/sql/rights/check_namespaces.sql
-- Refuses a role that is not there and namespaces that are none, in the name of the function that was called.
CREATE OR REPLACE FUNCTION public.check_namespaces(caller text, role_name text, namespaces text[])
RETURNS void
LANGUAGE plpgsql STABLE
AS $$
BEGIN
  IF role_name IS NULL OR to_regrole(quote_ident(role_name)) IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: role_name must be a role of this server, got %s', caller,
        COALESCE('"' || left(role_name, 60) || '"', 'null'));
  END IF;
  IF namespaces IS NULL OR array_position(namespaces, NULL) IS NOT NULL OR '' = ANY (namespaces) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: namespaces must be names, got %s', caller,
        COALESCE(left(namespaces::text, 60), 'null'));
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/rights/disable_namespace_isolation.sql
-- Undoes enable_namespace_isolation: whoever has rights on memory_items sees all of it again. What grant_namespaces gave
-- stays for the next time. Where memory_items has policies of somebody else's, row-level security stays on for them.
CREATE OR REPLACE FUNCTION public.disable_namespace_isolation()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning
AS $$
BEGIN
  DROP POLICY IF EXISTS memory_items_namespace ON public.memory_items;
  IF NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = 'public.memory_items'::regclass) THEN
    ALTER TABLE public.memory_items DISABLE ROW LEVEL SECURITY;
  END IF;
  REVOKE ALL ON public.namespace_roles FROM PUBLIC;
  DROP POLICY IF EXISTS namespace_roles_own ON public.namespace_roles;
  ALTER TABLE public.namespace_roles DISABLE ROW LEVEL SECURITY;
END
$$;
--> statement-breakpoint
-- source: src/sql/rights/enable_namespace_isolation.sql
-- Row-level security by namespace: from now on a role sees, finds, writes and deletes only rows of the namespaces that
-- grant_namespaces gave it, whatever it calls. The owner of the table, superusers and roles with BYPASSRLS still see
-- all, so services must not connect as one of them. Rights on the table itself are needed as well (GRANT). May be called
-- again; disable_namespace_isolation undoes it.
--
-- The policies name current_user, which is the login or what SET ROLE made of it, and which nobody can forge; a setting
-- could be set by whoever can run a statement. They read namespace_roles in place, not through a function: a policy is
-- parsed once, now, so that no search_path of the role changes what it means. Of that table a role sees its own rows.
--
-- Ids are unique over all namespaces, and two things follow from that. The WHERE of an INSERT … ON CONFLICT DO UPDATE is
-- asked of the row that has the id before row-level security is (PostgreSQL 15 to 18): by its answer the text of a row
-- of another namespace could be read. So an id that another namespace has is refused before that (may_take_id). And
-- default ids are hashes of namespace, text and tags: whoever could try any hash would learn whether a guessed memory
-- exists elsewhere. So an id that looks like a hash must be the row's own, or that of a row which the role already sees.
CREATE OR REPLACE FUNCTION public.enable_namespace_isolation()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning
AS $$
BEGIN
  DROP POLICY IF EXISTS namespace_roles_own ON public.namespace_roles;
  CREATE POLICY namespace_roles_own ON public.namespace_roles FOR SELECT
    USING (role = to_regrole(quote_ident(current_user)));
  ALTER TABLE public.namespace_roles ENABLE ROW LEVEL SECURITY;
  REVOKE ALL ON public.namespace_roles FROM PUBLIC;
  GRANT SELECT ON public.namespace_roles TO PUBLIC;

  DROP POLICY IF EXISTS memory_items_namespace ON public.memory_items;
  CREATE POLICY memory_items_namespace ON public.memory_items
    USING (
      namespace = ANY (ARRAY(
        SELECT own.namespace FROM public.namespace_roles AS own WHERE own.role = to_regrole(quote_ident(current_user))
      ))
    )
    WITH CHECK (
      namespace = ANY (ARRAY(
        SELECT own.namespace FROM public.namespace_roles AS own WHERE own.role = to_regrole(quote_ident(current_user))
      ))
      AND (public.may_take_id(id, namespace, text, tags) OR public.has_own_memory(id))
    );
  ALTER TABLE public.memory_items ENABLE ROW LEVEL SECURITY;
END
$$;
--> statement-breakpoint
-- source: src/sql/rights/grant_namespaces.sql
-- Gives a role the rows of these namespaces, beside those that it has: under enable_namespace_isolation it sees no
-- others. Answers how many are new. Who may write namespace_roles may call it with effect: its owner.
CREATE OR REPLACE FUNCTION public.grant_namespaces(role_name text, namespaces text[])
RETURNS integer
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  granted integer;
BEGIN
  PERFORM public.check_namespaces('grant_namespaces', role_name, namespaces);
  INSERT INTO public.namespace_roles (role, namespace)
  SELECT DISTINCT to_regrole(quote_ident(role_name)), given.namespace
  FROM unnest(namespaces) AS given (namespace)
  ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS granted = ROW_COUNT;
  RETURN granted;
END
$$;
--> statement-breakpoint
-- source: src/sql/rights/has_own_memory.sql
-- Whether a row of this id is there that the caller may see: for the policy of enable_namespace_isolation, which lets a
-- row keep its id. With the caller's rights, so that it says nothing about the rows of others; VOLATILE, so
-- that it sees what was committed during a long statement.
CREATE OR REPLACE FUNCTION public.has_own_memory(id text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN EXISTS (SELECT FROM public.memory_items AS m WHERE m.id = has_own_memory.id);
END
$$;
--> statement-breakpoint
-- source: src/sql/rights/is_isolated_session.sql
-- Whether row-level security keeps the rows of memory_items from whoever sent the statement. row_security_active asks
-- that for the current user, which in a SECURITY DEFINER function is its owner; this asks for the one outside: the role
-- that SET ROLE chose, else the session's. Neither can be set to a role that the session may not be.
CREATE OR REPLACE FUNCTION public.is_isolated_session()
RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT memory.relrowsecurity AND NOT (
    outside.rolsuper OR outside.rolbypassrls OR pg_has_role(outside.oid, memory.relowner, 'USAGE')
  )
  FROM pg_class AS memory, pg_roles AS outside
  WHERE memory.oid = 'public.memory_items'::regclass
    AND outside.rolname = COALESCE(NULLIF(current_setting('role'), 'none'), session_user)
$$;
--> statement-breakpoint
-- source: src/sql/rights/may_take_id.sql
-- Whether a new row may have this id, which is unique over all namespaces: not if a row of another namespace has it, and
-- not if it looks like a default id, the hash of a memory's content, and is not that of this very content. For the policy
-- of enable_namespace_isolation.
-- It reads all rows, but gives nothing away: of an id that is no hash anybody can learn whether it is taken by trying to
-- insert it, and for the hash of something else the answer is no, whether it is taken or not.
-- VOLATILE, so that it sees what was committed during a long statement.
CREATE OR REPLACE FUNCTION public.may_take_id(id text, namespace text, text text, tags text[])
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  IF may_take_id.id ~ '^[0-9a-f]{64}$'
    AND may_take_id.id <> public.memory_id(may_take_id.namespace, may_take_id.text, may_take_id.tags)
  THEN
    RETURN false;
  END IF;
  RETURN NOT EXISTS (
    SELECT FROM public.memory_items AS m WHERE m.id = may_take_id.id AND m.namespace <> may_take_id.namespace
  );
END
$$;
--> statement-breakpoint
-- source: src/sql/rights/revoke_namespaces.sql
-- Takes these namespaces from a role; all that it has where none are named (null). Answers how many it had of them.
CREATE OR REPLACE FUNCTION public.revoke_namespaces(role_name text, namespaces text[] DEFAULT NULL)
RETURNS integer
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  revoked integer;
BEGIN
  PERFORM public.check_namespaces('revoke_namespaces', role_name, COALESCE(namespaces, '{}'));
  DELETE FROM public.namespace_roles AS given
  WHERE given.role = to_regrole(quote_ident(role_name))
    AND (revoke_namespaces.namespaces IS NULL OR given.namespace = ANY (revoke_namespaces.namespaces));
  GET DIAGNOSTICS revoked = ROW_COUNT;
  RETURN revoked;
END
$$;
--> statement-breakpoint
-- source: trigger jobs_child_ended
DROP TRIGGER IF EXISTS jobs_child_ended ON public.jobs; -- replaced below
--> statement-breakpoint
CREATE OR REPLACE TRIGGER jobs_child_ended
  AFTER UPDATE OF completed_at ON public.jobs
  FOR EACH ROW
  WHEN (NEW.parent_id IS NOT NULL AND NEW.completed_at IS NOT NULL AND OLD.completed_at IS NULL)
  EXECUTE FUNCTION public.jobs_continue_parent();
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

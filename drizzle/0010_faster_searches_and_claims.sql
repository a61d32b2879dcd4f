SET LOCAL check_function_bodies = off;
--> statement-breakpoint
-- source: src/sql/statistics/folded_frequencies.sql
-- removed
DROP FUNCTION IF EXISTS public.folded_frequencies;
--> statement-breakpoint
-- source: src/sql/storage/jobs.sql
-- A heartbeat must find room on its page: then it is a HOT update, which writes no index. Measured: 99 % of the heartbeats at fillfactor 70. Rows change a few times and then never again, so vacuum comes early and often.
ALTER TABLE public.jobs SET (
  fillfactor = 70,
  autovacuum_vacuum_scale_factor = 0.01,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_scale_factor = 0.02,
  autovacuum_vacuum_cost_delay = 1
);
--> statement-breakpoint
-- Three versions of a row are written one after the other, and each is an entry beside the first: with room left for them
-- a full page need not be searched for dead entries and split in the middle of a claim.
ALTER INDEX public.jobs_pkey SET (fillfactor = 50);
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
    -- Who has set it already is spared the making of another row.
    IF NEW.updated_at <> now() THEN
      NEW.updated_at := now();
    END IF;
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
-- source: src/sql/triggers/log_memory_items_change.sql
-- Appends what one statement did to memory_items to the statistics log. Every row is the writer's own and only ever
-- inserted, so writers wait for nobody and cannot deadlock. A statement of a few rows leaves one log row a document
-- (a tsvector of its lexemes: cheap to write, tested in C by readers); a bulk statement is added up first, so that
-- readers need not walk through what it loaded.
-- An update counts only where the text changed: the statistics depend on nothing else.
CREATE OR REPLACE FUNCTION public.log_memory_items_change()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  few_rows CONSTANT integer := 32;
  documents bigint;
  total_length bigint;
  lexemes text[];
  document_frequencies bigint[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO public.search_log (documents, total_length, lexemes)
    SELECT 1, new_rows.lexeme_count, strip(new_rows.search_vector) FROM new_rows
    WHERE (SELECT count(*) FROM (SELECT FROM new_rows LIMIT few_rows + 1) AS changed) <= few_rows;
    IF FOUND THEN
      RETURN NULL;
    END IF;
    SELECT count(*), sum(new_rows.lexeme_count) INTO documents, total_length FROM new_rows;
    IF documents = 0 THEN
      RETURN NULL;
    END IF;
    SELECT array_agg(counted.lexeme), array_agg(counted.documents)
    INTO lexemes, document_frequencies
    FROM (
      SELECT word COLLATE "C" AS lexeme, count(*) AS documents
      FROM new_rows, unnest(tsvector_to_array(new_rows.search_vector)) AS word
      GROUP BY 1 ORDER BY 1
    ) AS counted;

  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO public.search_log (documents, total_length, lexemes)
    SELECT -1, -old_rows.lexeme_count, strip(old_rows.search_vector) FROM old_rows
    WHERE (SELECT count(*) FROM (SELECT FROM old_rows LIMIT few_rows + 1) AS changed) <= few_rows;
    IF FOUND THEN
      RETURN NULL;
    END IF;
    SELECT -count(*), -sum(old_rows.lexeme_count) INTO documents, total_length FROM old_rows;
    IF documents = 0 THEN
      RETURN NULL;
    END IF;
    SELECT array_agg(counted.lexeme), array_agg(counted.documents)
    INTO lexemes, document_frequencies
    FROM (
      SELECT word COLLATE "C" AS lexeme, -count(*) AS documents
      FROM old_rows, unnest(tsvector_to_array(old_rows.search_vector)) AS word
      GROUP BY 1 ORDER BY 1
    ) AS counted;

  ELSE
    IF (SELECT count(*) FROM (SELECT FROM new_rows LIMIT few_rows + 1) AS changed) <= few_rows THEN
      INSERT INTO public.search_log (documents, total_length, lexemes)
      SELECT -1, -before.lexeme_count, strip(before.search_vector) FROM old_rows AS before
      WHERE NOT EXISTS (SELECT FROM new_rows AS after WHERE after.id = before.id AND after.text = before.text)
      UNION ALL
      SELECT 1, after.lexeme_count, strip(after.search_vector) FROM new_rows AS after
      WHERE NOT EXISTS (SELECT FROM old_rows AS before WHERE before.id = after.id AND before.text = after.text);
      RETURN NULL;
    END IF;
    IF NOT EXISTS (SELECT new_rows.id, new_rows.text FROM new_rows EXCEPT SELECT old_rows.id, old_rows.text FROM old_rows) THEN
      RETURN NULL;
    END IF;
    documents := 0;
    total_length := (SELECT sum(lexeme_count) FROM new_rows) - (SELECT sum(lexeme_count) FROM old_rows);
    SELECT array_agg(counted.lexeme), array_agg(counted.documents)
    INTO lexemes, document_frequencies
    FROM (
      SELECT word COLLATE "C" AS lexeme, sum(changed.sign) AS documents
      FROM (
        SELECT 1 AS sign, new_rows.search_vector FROM new_rows
        UNION ALL
        SELECT -1, old_rows.search_vector FROM old_rows
      ) AS changed, unnest(tsvector_to_array(changed.search_vector)) AS word
      GROUP BY 1 HAVING sum(changed.sign) <> 0 ORDER BY 1
    ) AS counted;
  END IF;

  PERFORM public.log_bulk_change(documents, total_length, lexemes, document_frequencies);
  RETURN NULL;
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
SET jit = off
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
--
-- jit = off: see search_log_entries. A lexeme has one row that a snapshot sees, so each is found once, by the index,
-- and then written where it lies.
CREATE OR REPLACE FUNCTION public.fold_search_statistics()
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
  folds_per_epoch CONSTANT integer := 64;
  totals public.search_totals;
  folded record;
  this_epoch integer;
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
  ), words AS (
    SELECT word, sum(change::integer) AS change
      FROM (SELECT word COLLATE "C", documents FROM documents, unnest(tsvector_to_array(lexemes)) AS word
            UNION ALL
            SELECT word COLLATE "C", change FROM lexemes AS log, unnest(log.lexemes, log.documents) AS part (word, change)) AS part (word, change)
     GROUP BY word HAVING sum(change::integer) <> 0
  ), changes AS (
    SELECT lexeme, sum(CASE layer WHEN 0 THEN change ELSE 0 END) AS document_frequency,
           sum(CASE layer WHEN 1 THEN change ELSE 0 END) AS layer_1, sum(CASE layer WHEN 2 THEN change ELSE 0 END) AS layer_2,
           sum(CASE layer WHEN 3 THEN change ELSE 0 END) AS layer_3
      FROM (SELECT split_part(word, E'\x01', 1) AS lexeme, greatest(ascii(split_part(word, E'\x01', 2)) - 48, 0) AS layer, change::integer
              FROM words OFFSET 0) AS word
     GROUP BY lexeme ORDER BY lexeme
  ), counted AS MATERIALIZED (
    SELECT stored.ctid AS place, changes.lexeme, changes.document_frequency + coalesce(stored.document_frequency, 0) AS document_frequency,
           changes.layer_1 + coalesce(stored.layer_1, 0) AS layer_1, changes.layer_2 + coalesce(stored.layer_2, 0) AS layer_2,
           changes.layer_3 + coalesce(stored.layer_3, 0) AS layer_3
      FROM changes LEFT JOIN public.search_lexemes AS stored ON stored.lexeme = changes.lexeme
  ), updated AS (
    UPDATE public.search_lexemes AS stored
       SET epoch = this_epoch, document_frequency = counted.document_frequency, layer_1 = counted.layer_1,
           layer_2 = counted.layer_2, layer_3 = counted.layer_3
      FROM counted WHERE stored.ctid = counted.place AND counted.document_frequency <> 0
  ), vanished AS (
    DELETE FROM public.search_lexemes AS stored USING counted
     WHERE stored.ctid = counted.place AND counted.document_frequency = 0
    RETURNING stored.lexeme
  ), forgotten AS (
    DELETE FROM public.search_vocabulary AS known USING vanished WHERE known.lexeme = vanished.lexeme
  ), added AS (
    INSERT INTO public.search_lexemes (lexeme, epoch, document_frequency, layer_1, layer_2, layer_3)
    SELECT lexeme, this_epoch, document_frequency, layer_1, layer_2, layer_3 FROM counted WHERE place IS NULL
    RETURNING lexeme
  )
  INSERT INTO public.search_vocabulary (lexeme) SELECT lexeme FROM added ON CONFLICT DO NOTHING;

  DELETE FROM public.search_totals WHERE fold < totals.fold;
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
-- source: src/sql/statistics/log_bulk_change.sql
-- Logs what a bulk statement did as one entry: documents and total_length are what it added to the corpus, and each
-- lexeme (in byte order) is in so many more of its documents. In chunks of 64 lexemes, so that a reader finds the one
-- that it asks for by the index, and a writer makes a row for 64.
CREATE OR REPLACE FUNCTION public.log_bulk_change(
  documents bigint, total_length bigint, lexemes text[], document_frequencies bigint[]
)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  logged public.search_log;
BEGIN
  INSERT INTO public.search_log (documents, total_length)
  VALUES (log_bulk_change.documents, log_bulk_change.total_length)
  RETURNING * INTO logged;

  INSERT INTO public.search_log_lexemes (xid, entry, first_lexeme, lexemes, documents)
  SELECT logged.xid, logged.entry, (array_agg(change.lexeme))[1], array_agg(change.lexeme), array_agg(change.documents)
  FROM (
    SELECT changed.lexeme, changed.documents, (changed.place - 1) / 64 AS chunk
    FROM unnest(log_bulk_change.lexemes COLLATE "C", log_bulk_change.document_frequencies)
      WITH ORDINALITY AS changed (lexeme, documents, place)
    ORDER BY chunk, changed.place
  ) AS change
  GROUP BY change.chunk;
END
$$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION public.log_bulk_change(bigint, bigint, text[], bigint[]) FROM PUBLIC;
--> statement-breakpoint
-- source: src/sql/statistics/read_search_statistics.sql
DROP FUNCTION IF EXISTS public.read_search_statistics; -- replaced below
--> statement-breakpoint
-- The corpus as this snapshot sees it: how many documents, their total length, and in how many of them each of the
-- given lexemes occurs (in the order given; layer lexemes may be asked for like any other). Exact, because every
-- change is a row of the log or part of the totals, and both are read in the caller's one snapshot.
-- layer_frequencies[i] says in how many documents the i-th lexeme was in impact layer 1, 2 and 3 at the last fold. For
-- estimates alone, never for a score or a proof: the log is left out, which makes it a third of the work.
-- SECURITY DEFINER: whoever may search needs these numbers, and nobody may read or write the tables behind them. Call
-- it through search_statistics, which checks the caller's rights and locks in the right order.
CREATE OR REPLACE FUNCTION public.read_search_statistics(
  lexemes text[], OUT documents bigint, OUT total_length bigint, OUT document_frequencies bigint[],
  OUT layer_frequencies float8[]
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
  last_epoch integer;
  from_xid xid8;
  before_xid xid8 := pg_snapshot_xmax(pg_current_snapshot());
  other_xids xid8[];
  log_documents bigint;
  log_length bigint;
  small_documents bigint[];
  small_lexemes tsvector[];
  bulk_xids xid8[];
  bulk_entries bigint[];
BEGIN
  -- The totals, and which log rows they do not contain: see search_log_entries, which would read them again.
  SELECT totals.documents, totals.total_length, totals.fold / 64,
         CASE WHEN totals.xmin::text::bigint = (folded_by::text::bigint & 4294967295) AND totals.tableoid = folded_in
              THEN totals.horizon END, totals.running
    INTO documents, total_length, last_epoch, from_xid, other_xids
    FROM public.search_totals AS totals ORDER BY fold DESC LIMIT 1;
  IF from_xid IS NULL THEN
    from_xid := '0';
    before_xid := '18446744073709551615';
  END IF;
  other_xids := other_xids || pg_current_xact_id_if_assigned();
  SELECT array_agg(coalesce(CASE split_part(asked.lexeme, chr(1), 2) WHEN '' THEN stored.document_frequency
                            WHEN '1' THEN layer_1 WHEN '2' THEN layer_2 WHEN '3' THEN layer_3 END, 0) ORDER BY position),
         array_agg(ARRAY[coalesce(layer_1, 0), coalesce(layer_2, 0), coalesce(layer_3, 0)]::float8[] ORDER BY position)
    INTO document_frequencies, layer_frequencies
    FROM unnest(read_search_statistics.lexemes) WITH ORDINALITY AS asked (lexeme, position)
    LEFT JOIN LATERAL (
      SELECT document_frequency, layer_1, layer_2, layer_3 FROM public.search_lexemes AS stored
       WHERE stored.lexeme = split_part(asked.lexeme, chr(1), 1) AND stored.epoch <= last_epoch
       ORDER BY stored.epoch DESC LIMIT 1
    ) AS stored ON true;

  SELECT sum(log.documents), sum(log.total_length), array_agg(log.documents) FILTER (WHERE log.lexemes IS NOT NULL),
         array_agg(log.lexemes) FILTER (WHERE log.lexemes IS NOT NULL),
         array_agg(log.xid) FILTER (WHERE log.lexemes IS NULL), array_agg(log.entry) FILTER (WHERE log.lexemes IS NULL)
    INTO log_documents, log_length, small_documents, small_lexemes, bulk_xids, bulk_entries
    FROM (
      SELECT * FROM public.search_log WHERE xid >= from_xid AND xid < before_xid
      UNION ALL
      SELECT * FROM public.search_log WHERE xid = ANY (other_xids) AND NOT (xid >= from_xid AND xid < before_xid)
    ) AS log;
  document_frequencies := coalesce(document_frequencies, '{}');
  layer_frequencies := coalesce(layer_frequencies, '{}');
  documents := coalesce(documents, 0) + coalesce(log_documents, 0);
  total_length := coalesce(total_length, 0) + coalesce(log_length, 0);

  IF small_documents IS NOT NULL THEN
    SELECT array_agg(coalesce(stored + changes.change, stored) ORDER BY asked.position) INTO document_frequencies
      FROM unnest(document_frequencies) WITH ORDINALITY AS asked (stored, position)
      LEFT JOIN (
        SELECT position, sum(log.documents) AS change
          FROM unnest(small_documents, small_lexemes) AS log (documents, lexemes)
          JOIN (SELECT position, public.quote_lexeme(lexeme)::tsquery AS query
                  FROM unnest(read_search_statistics.lexemes) WITH ORDINALITY AS asked (lexeme, position) OFFSET 0) AS queries
            ON log.lexemes @@ query
         GROUP BY position
      ) AS changes USING (position);
  END IF;
  IF bulk_xids IS NOT NULL THEN
    SELECT array_agg(stored + (
             SELECT coalesce(sum(chunk.documents[array_position(chunk.lexemes COLLATE "C", asked.lexeme)]), 0)
               FROM unnest(bulk_xids, bulk_entries) AS bulk (xid, entry), LATERAL (
                 SELECT lexemes, documents FROM public.search_log_lexemes AS log
                  WHERE log.xid = bulk.xid AND log.entry = bulk.entry AND log.first_lexeme <= asked.lexeme
                  ORDER BY log.first_lexeme DESC LIMIT 1) AS chunk) ORDER BY position)
      INTO document_frequencies
      FROM (SELECT lexeme COLLATE "C", stored, position
              FROM unnest(read_search_statistics.lexemes, document_frequencies) WITH ORDINALITY AS asked (lexeme, stored, position)) AS asked;
  END IF;
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
    INSERT INTO public.search_lexemes (lexeme, epoch, document_frequency, layer_1, layer_2, layer_3)
    SELECT split_part(word, chr(1), 1) COLLATE "C", next_epoch, sum(documents) FILTER (WHERE layer = ''),
           coalesce(sum(documents) FILTER (WHERE layer = '1'), 0), coalesce(sum(documents) FILTER (WHERE layer = '2'), 0),
           coalesce(sum(documents) FILTER (WHERE layer = '3'), 0)
      FROM (SELECT word COLLATE "C", count(*) AS documents
              FROM public.memory_items, unnest(tsvector_to_array(search_vector)) AS word GROUP BY 1) AS counted,
           split_part(word, chr(1), 2) AS layer
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
  SELECT lexeme FROM public.search_lexemes
      ON CONFLICT DO NOTHING;
  PERFORM set_config('opa.search_statistics', 'off', true);
END
$$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION public.rebuild_search_statistics() FROM PUBLIC;
--> statement-breakpoint
-- source: src/sql/statistics/search_log_entries.sql
-- The log rows that the totals of the same snapshot do not contain, found without touching the folded ones, of which
-- a long transaction may keep millions from being vacuumed. They are those of transactions that the last fold could
-- not see (from its horizon on, and those it saw running), and this transaction's own.
-- The horizon means something only in the cluster that wrote it: after a dump and restore the row is in another table,
-- written by another transaction, and the whole log, which then holds no folded rows, is read.
-- jit = off, because up to PostgreSQL 17 a scan that is off and must be made all the same counts as dear enough to
-- compile, which takes 40 ms.
CREATE OR REPLACE FUNCTION public.search_log_entries()
RETURNS SETOF public.search_log
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  from_xid xid8;
  before_xid xid8 := pg_snapshot_xmax(pg_current_snapshot());
  other_xids xid8[];
BEGIN
  SELECT horizon, running INTO from_xid, other_xids
    FROM (SELECT totals.xmin::text::bigint = (folded_by::text::bigint & 4294967295) AND totals.tableoid = folded_in AS is_ours, horizon, running
            FROM public.search_totals AS totals ORDER BY fold DESC LIMIT 1) AS last_fold
   WHERE is_ours;
  IF NOT FOUND THEN
    RETURN QUERY SELECT * FROM public.search_log;
    RETURN;
  END IF;
  other_xids := other_xids || pg_current_xact_id_if_assigned();
  RETURN QUERY
    SELECT * FROM public.search_log WHERE xid >= from_xid AND xid < before_xid
    UNION ALL
    SELECT * FROM public.search_log WHERE xid = ANY (other_xids) AND NOT (xid >= from_xid AND xid < before_xid);
END
$$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION public.search_log_entries() FROM PUBLIC;
--> statement-breakpoint
-- source: src/sql/memory/bm25_arms.sql
-- The queries that together find every document which can score more than `threshold`: the argument is that of
-- bm25_companions, taken apart into one short query for each lexeme ("this one, and what it then needs"), because the
-- GIN index evaluates the whole of a tsquery for every posting. A lexeme with many documents is taken apart by
-- layer too: the higher its layer, the less company it needs.
CREATE OR REPLACE FUNCTION public.bm25_arms(
  terms text[], bounds float8[], remaining float8[], frequencies float8[], documents float8, threshold float8
)
RETURNS tsquery[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  lexemes CONSTANT integer := cardinality(remaining) - 1;
  depth CONSTANT integer := CASE WHEN lexemes <= 12 THEN 2 ELSE 1 END;
  many_documents CONSTANT float8 := CASE WHEN lexemes <= 3 THEN 3000 ELSE 30000 END;
  arms tsquery[] := '{}';
  singles text;
  companions text;
  base integer;
  alone integer;
  lowest integer;
  upper integer;
  lower integer;
BEGIN
  FOR i IN 1 .. lexemes LOOP
    EXIT WHEN remaining[i] <= threshold;
    base := 4 * i - 3;
    alone := width_bucket(threshold, bounds[base : base + 3]);
    lowest := width_bucket(threshold - remaining[i + 1], bounds[base : base + 3]);

    upper := alone - 1;
    WHILE upper >= lowest LOOP
      lower := upper;
      WHILE lower > lowest AND (frequencies[base + lowest] < many_documents OR frequencies[base + lower - 1] < many_documents) LOOP
        lower := lower - 1;
      END LOOP;
      companions := public.bm25_companions(terms, bounds, remaining, frequencies, documents, i + 1,
        threshold - bounds[base + upper], frequencies[base + lower], depth);
      IF companions IS NULL THEN
        alone := lower;
      ELSIF companions <> '' THEN
        arms := arms || (terms[base + lower] || '&(' || companions || ')')::tsquery;
      END IF;
      upper := lower - 1;
    END LOOP;
    IF alone < 4 THEN
      singles := concat_ws('|', singles, terms[base + alone]);
    END IF;
  END LOOP;
  RETURN CASE WHEN singles IS NULL THEN arms ELSE arms || singles::tsquery END;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/bm25_companions.sql
-- The text of a tsquery that no document fails whose lexemes from `first` on can add up to more than `need`. NULL
-- stands for "every document": right whenever it saves more than it costs, because extra candidates are only scored
-- in vain. '' stands for "no document".
--
-- Lexemes come rarest first; terms and bounds hold four levels each (any, layer 1, 2, 3), a bound being the most that a
-- document below the next layer gets, and remaining[i] the most that lexemes from i on can add. Why nothing is missed:
-- take the first lexeme i that the document has. If its level alone exceeds the need, the first half of the condition
-- holds. If not, its contribution is at most the bound of the level below that, so the lexemes after i add more than
-- need minus that bound, which is the same question again; and below the lowest level from which the remaining lexemes
-- could still fill the gap it cannot be at all.
CREATE OR REPLACE FUNCTION public.bm25_companions(
  terms text[], bounds float8[], remaining float8[], frequencies float8[], documents float8,
  first integer, need float8, expected float8, depth integer
)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  few_documents CONSTANT float8 := 30;   -- not worth a narrower condition
  togetherness CONSTANT float8 := 3;     -- words of one query meet more often than chance
  condition text := '';
  alternative text;
  companions text;
  base integer;
  alone integer;
  lowest integer;
BEGIN
  IF need < 0 OR depth = 0 OR expected <= few_documents THEN
    RETURN NULL;
  END IF;
  FOR i IN first .. cardinality(remaining) - 1 LOOP
    EXIT WHEN remaining[i] <= need;
    base := 4 * i - 3;
    alone := width_bucket(need, bounds[base : base + 3]);
    lowest := width_bucket(need - remaining[i + 1], bounds[base : base + 3]);

    alternative := CASE WHEN alone < 4 THEN terms[base + alone] ELSE '' END;
    IF lowest < alone THEN
      companions := public.bm25_companions(terms, bounds, remaining, frequencies, documents, i + 1,
        need - bounds[base + alone - 1],
        expected * least(1, togetherness * frequencies[base + lowest] / documents), depth - 1);
      IF companions IS NULL THEN
        alternative := terms[base + lowest];
      ELSIF companions <> '' THEN
        alternative := concat_ws('|', nullif(alternative, ''), '(' || terms[base + lowest] || '&(' || companions || '))');
      END IF;
    END IF;
    IF alternative <> '' THEN
      condition := concat_ws('|', nullif(condition, ''), alternative);
    END IF;
  END LOOP;
  RETURN condition;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/bm25_find.sql
DROP FUNCTION IF EXISTS public.bm25_find; -- replaced below
--> statement-breakpoint
-- The k best documents for a set of lexemes, exactly as if every match had been scored; the lexemes that they were
-- scored by, misspelt ones corrected; and how they were found (for explain_search). The steps, and why the answer is exact:
-- 1. Guess the score that the k-th document reaches (bm25_guess reads document frequencies, no rows).
-- 2. Read and score every document that can score more than the guess: bm25_arms proves that its queries miss none.
-- 3. k documents found, the k-th at least as good as the guess: nothing better was left out. Done.
--    k found, but some below the guess, or too many candidates: the k-th of these is a threshold that k documents are
--    known to reach. Read once more with it, unless its queries are those that have been read. Fewer than k: guess lower;
--    in the end every match is read.
-- Where few documents match, or few of them can pass the filter, every match is read at once; under row-level security
-- too: @@ is not leakproof, so that the search index may not be asked before the policy, and a threshold would save
-- nothing. Which indexes find the rows (access): the search index, the filter's too where it spares more reading than it
-- takes, or the filter's alone where it finds few rows.
--
-- condition: what memory_filter_condition makes of query_tags and filter. If it says more, filter has more keys.
-- path, access, share: as explain_search has them; thresholds, arm_counts, candidate_counts: one for each reading.
CREATE OR REPLACE FUNCTION public.bm25_find(
  INOUT lexemes text[], is_fuzzy boolean, required tsquery, condition text, query_tags text[], k integer, filter jsonb,
  OUT ids text[], OUT places tid[], OUT scores float8[],
  OUT path text, OUT access text, OUT share float8, OUT thresholds float8[], OUT arm_counts integer[], OUT candidate_counts bigint[]
)
LANGUAGE plpgsql STABLE
SET enable_seqscan = off
SET jit = off
SET max_parallel_workers_per_gather = 0
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
  -- So many words have a statement whose plan is kept (bm25_scan); so many are taken apart by bm25_arms.
  most_kept CONSTANT integer := 8;
  most_pruned CONSTANT integer := 100;
  -- Reading a row takes as long as reading so many entries of a filter's index.
  entries_per_row CONSTANT float8 := 10;
  -- Nothing narrows the search but what bm25_scan knows.
  is_plain CONSTANT boolean := required IS NULL AND filter - '{namespace,fuzzy,after}'::text[] = '{}';
  is_filtered CONSTANT boolean := NOT is_plain OR query_tags <> '{}' OR filter ? 'namespace';
  -- Scored sooner than a threshold is found. Under a filter more rows are read than pass.
  few_matches CONSTANT float8 := CASE WHEN is_filtered THEN 20 ELSE 100 END;
  query record;
  estimate record;
  levels record;
  scan record;
  word_count integer;
  matches float8 := 0;
  frequency float8;
  has_index boolean := false;
  wanted float8;
  statement text;
  threshold float8 := 0;
  arms tsquery[];
  arms_read tsquery[];
  is_complete boolean;
  candidates bigint;
  candidate_limit bigint := 1500 + 20 * k;
BEGIN
  query := public.bm25_query(bm25_find.lexemes, is_fuzzy);
  lexemes := query.lexemes;
  word_count := cardinality(query.words);
  IF word_count = 0 THEN
    path := 'no match';
    RETURN;
  END IF;
  FOREACH frequency IN ARRAY query.frequencies LOOP
    matches := matches + frequency;
  END LOOP;

  path := 'every match';
  access := 'search';
  share := 1;
  IF is_filtered THEN
    estimate := public.estimate_filter(condition, query_tags, filter, required);
    share := estimate.share;
    has_index := estimate.has_index;
  END IF;
  IF has_index AND share * query.documents * 20 < matches THEN
    path := 'filter';
    access := 'filter';
  ELSE
    wanted := matches;
    IF word_count <= most_pruned AND least(query.documents, matches) * share > few_matches + k
      AND NOT row_security_active('public.memory_items')
    THEN
      path := 'threshold';
      -- So many rows must pass the guess, whether the filter lets them pass or not, for k to be left.
      wanted := k / share * CASE WHEN word_count <= 3 OR is_filtered THEN 1 ELSE 0.5 END;
      levels := public.bm25_levels(
        query.words, query.frequencies, query.layer_frequencies, query.weights, query.average_length
      );
      threshold := public.bm25_guess(levels.impacts, levels.frequencies, query.documents, wanted);
    END IF;
    IF has_index AND share * query.documents < entries_per_row * wanted THEN
      access := 'both';
    END IF;
  END IF;

  -- What bm25_scan has no statement for is planned each time.
  IF word_count > most_kept OR NOT is_plain OR (filter ? 'namespace' AND access <> 'search') THEN
    -- IS TRUE keeps a condition's own index out of the plan.
    statement := public.bm25_statement(word_count, concat_ws(' AND ',
      format(CASE WHEN path = 'filter' THEN '(%s) IS TRUE' ELSE '%s' END, 'm.search_vector @@ ANY ($4)'),
      format(CASE WHEN access = 'search' AND path = 'threshold' THEN '(%s) IS TRUE' ELSE '(%s)' END, condition),
      CASE WHEN required IS NOT NULL THEN 'm.search_vector @@ $3' END));
  END IF;

  FOR round IN 1 .. 10 LOOP
    IF threshold > 0 THEN
      arms := public.bm25_arms(levels.terms, levels.bounds, levels.remaining, levels.frequencies, query.documents,
        threshold * (1 - 1e-9));
    ELSE
      arms := CASE WHEN word_count <= most_pruned THEN query.queries ELSE ARRAY[public.lexeme_query(query.words)] END;
      candidate_limit := NULL;
    END IF;
    IF arms IS DISTINCT FROM arms_read OR NOT is_complete THEN
      IF statement IS NULL THEN
        scan := public.bm25_scan(
          access, nullif(query_tags, '{}'), filter ->> 'namespace', arms, query.queries, query.weights,
          query.average_length, k, candidate_limit
        );
        ids := scan.ids;
        places := scan.places;
        scores := scan.scores;
        candidates := scan.candidates;
      ELSE
        EXECUTE statement
        INTO ids, places, scores, candidates
        USING query_tags, filter, required, arms, query.queries, query.weights, query.average_length,
          public.bm25_tf_thresholds(), k, candidate_limit, query.words;
      END IF;
      candidates := COALESCE(candidates, 0);
      arms_read := arms;
      is_complete := candidate_limit IS NULL OR candidates < candidate_limit;
      thresholds := thresholds || threshold;
      arm_counts := arm_counts || cardinality(arms);
      candidate_counts := candidate_counts || candidates;
    END IF;
    EXIT WHEN threshold <= 0;
    IF cardinality(scores) >= k THEN
      EXIT WHEN scores[k] >= threshold AND is_complete;
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
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/bm25_guess.sql
-- The score that about `wanted` documents can be expected to reach, from the document frequencies alone: the scores'
-- distribution over some steps, built up word by word as if words occurred independently of one another. Only a
-- guess: bm25_find proves it or lowers it. 0 if fewer documents match at all.
-- frequencies: for each word how many documents have it, and have it in layer 1, 2 and 3 (four numbers in a row).
CREATE OR REPLACE FUNCTION public.bm25_guess(impacts float8[], frequencies float8[], documents float8, wanted float8)
RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  steps CONSTANT integer := CASE WHEN cardinality(impacts) <= 3 THEN 24 ELSE 48 END;
  -- a typical contribution (as a share of idf) of a word in no layer, in the first, the second, the third
  typical CONSTANT float8[] := '{0.85, 1.25, 1.55, 1.85}';
  step_score float8 := 0;
  impact float8;
  expected float8[] := array_fill(0::float8, ARRAY[steps + 2]);  -- expected[s + 1]: documents that score s steps
  here float8;
  shares float8[];
  shifts integer[];
  reached integer;
  highest integer := 0;
  total float8 := 0;
BEGIN
  FOREACH impact IN ARRAY impacts LOOP
    step_score := step_score + impact * typical[4] / steps;
  END LOOP;
  expected[1] := documents;
  FOR word IN 1 .. cardinality(impacts) LOOP
    shares := ARRAY[
      frequencies[4 * word - 3] - frequencies[4 * word - 2], frequencies[4 * word - 2] - frequencies[4 * word - 1],
      frequencies[4 * word - 1] - frequencies[4 * word], frequencies[4 * word]
    ];
    impact := impacts[word] / step_score;
    shifts := ARRAY[impact * typical[1], impact * typical[2], impact * typical[3], impact * typical[4]];
    -- From the top, so that a document that was just moved up is not moved again.
    FOR score IN REVERSE highest .. 0 LOOP
      here := expected[score + 1] / documents;
      CONTINUE WHEN here <= 1e-9;
      FOR layer IN 1 .. 4 LOOP
        reached := least(score + shifts[layer], steps + 1) + 1;
        expected[reached] := expected[reached] + here * shares[layer];
      END LOOP;
    END LOOP;
    highest := least(highest + shifts[4], steps + 1);
  END LOOP;
  FOR score IN REVERSE highest .. 1 LOOP
    total := total + expected[score + 1];
    IF total >= wanted THEN
      RETURN score * step_score;
    END IF;
  END LOOP;
  RETURN 0;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/bm25_impact_bounds.sql
-- What a lexeme can be worth in a document, as a share of its idf, by the highest impact layer it has there: none, the
-- first, the second, any. (layered_search_vector sets the layers: u = tf / (0.25 + 0.75 * length / 43) >= 1.4, 2.4, 4.5.)
--
-- Why it is a bound: the contribution is 2.2 / (1 + 1.2 * x) with x = (0.25 + 0.75 * length / average_length) / tf. Below
-- the threshold t, the document is longer than 43 * (tf / t - 0.25) / 0.75, and not shorter than tf, which gives for each
-- tf the shortest length in whole numbers and so the least x. Ignoring that lengths are whole, the least x is linear in
-- 1 / tf, (0.25 - 10.75 / average_length) / tf + 43 / (t * average_length), so that the ends of any range of tf bound all
-- within it (255 is the most). The terms below are the first few tf with their shortest lengths and that line from where
-- it takes over; the tf left out have an x above the line between two of the terms, so they are never the least.
CREATE OR REPLACE FUNCTION public.bm25_impact_bounds(average_length float8)
RETURNS float8[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT ARRAY[
    2.2::float8 / (1 + 1.2 * least(
      0.25 + 20.25 / average_length, -- tf 1, length 27
      (0.25 - 10.75 / average_length) / 7 + 43 / 1.4 / average_length,
      (0.25 - 10.75 / average_length) / 255 + 43 / 1.4 / average_length)) * (1 + 1e-12),
    2.2::float8 / (1 + 1.2 * least(
      0.25 + 7.5 / average_length, -- tf 1, length 10
      (0.25 - 10.75 / average_length) / 6 + 43 / 2.4 / average_length,
      (0.25 - 10.75 / average_length) / 255 + 43 / 2.4 / average_length)) * (1 + 1e-12),
    2.2::float8 / (1 + 1.2 * least(
      0.25 + 0.75 / average_length, 0.125 + 4.5 / average_length, 0.25 / 3 + 6 / average_length, -- tf 1 to 3, length 1, 12, 24
      (0.25 - 10.75 / average_length) / 7 + 43 / 4.5 / average_length,
      (0.25 - 10.75 / average_length) / 255 + 43 / 4.5 / average_length)) * (1 + 1e-12),
    2.2::float8
  ]
$$;
--> statement-breakpoint
-- source: src/sql/memory/bm25_levels.sql
DROP FUNCTION IF EXISTS public.bm25_levels; -- replaced below
--> statement-breakpoint
-- What pruning needs to know about a query's words, rarest first. Each has four levels (any document; impact layer 1,
-- 2, 3 or higher): terms, the tsquery text that finds the documents; frequencies, their number; bounds, the most that
-- the word adds to a document below the next layer. impacts[i] is its idf, for each time that the query says it, and
-- remaining[i] the most that words from i on add together.
-- word_frequencies, layer_frequencies and weights as bm25_query gives them. The layers' numbers are estimates, and
-- that is all that pruning needs: nothing is proven by a count.
CREATE OR REPLACE FUNCTION public.bm25_levels(
  words text[], word_frequencies float8[], layer_frequencies float8[], weights float8[], average_length float8,
  OUT impacts float8[], OUT terms text[], OUT bounds float8[], OUT frequencies float8[], OUT remaining float8[]
)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
#variable_conflict use_column
DECLARE
  shares CONSTANT float8[] := public.bm25_impact_bounds(average_length);
  rarest_first CONSTANT integer[] := ARRAY(
    SELECT position FROM unnest(word_frequencies) WITH ORDINALITY AS word (frequency, position)
     ORDER BY frequency, position);
  position integer;
  impact float8;
  term text;
  layer text;
BEGIN
  FOREACH position IN ARRAY rarest_first LOOP
    impact := weights[position] / 2.2;
    term := public.quote_lexeme(words[position]);
    layer := left(term, -1) || chr(1);
    impacts := impacts || impact;
    terms := terms || ARRAY[term, layer || '1''', layer || '2''', layer || '3'''];
    bounds := bounds || ARRAY[impact * shares[1], impact * shares[2], impact * shares[3], impact * shares[4]];
    frequencies := frequencies || ARRAY[word_frequencies[position],
      layer_frequencies[position][1], layer_frequencies[position][2], layer_frequencies[position][3]];
  END LOOP;
  remaining := array_fill(0::float8, ARRAY[cardinality(impacts) + 1]);
  FOR i IN REVERSE cardinality(impacts) .. 1 LOOP
    remaining[i] := remaining[i + 1] + bounds[4 * i];
  END LOOP;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/bm25_query.sql
DROP FUNCTION IF EXISTS public.bm25_query; -- replaced below
--> statement-breakpoint
-- What scoring needs to know about a query: its words, which are the distinct lexemes in byte order, as a score sums
-- them; for each its document frequency, the tsquery that finds it, and its weight, idf * (k1 + 1) for each time that the
-- query says it. layer_frequencies[i] are three: in how many documents the word was in impact layer 1, 2, 3 at the last fold.
-- lexemes: in byte order, as parse_search_query gives them. Those that occur in no document are replaced by the nearest
-- ones that do, where is_fuzzy asks for it (lexemes has the new ones), and those that are left are not among the words:
-- they add nothing to a score.
CREATE OR REPLACE FUNCTION public.bm25_query(
  INOUT lexemes text[], is_fuzzy boolean, OUT documents float8, OUT average_length float8, OUT words text[],
  OUT frequencies float8[], OUT layer_frequencies float8[], OUT queries tsquery[], OUT weights float8[]
)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  counted record;
  asked text[];
  times bigint[];
  frequency float8;
BEGIN
  -- Touched before the statistics, as in search_statistics.
  PERFORM FROM public.memory_items LIMIT 0;
  LOOP
    asked := tsvector_to_array(array_to_tsvector(lexemes));
    counted := public.read_search_statistics(asked);
    EXIT WHEN NOT is_fuzzy OR 0 <> ALL (counted.document_frequencies);
    lexemes := public.correct_lexemes(lexemes);
    is_fuzzy := false;
  END LOOP;
  IF cardinality(asked) < cardinality(lexemes) THEN
    times := ARRAY(
      SELECT count(*) FROM unnest(lexemes) AS said (lexeme) GROUP BY said.lexeme ORDER BY said.lexeme COLLATE "C"
    );
  END IF;

  documents := counted.documents;
  average_length := greatest(counted.total_length, 1)::float8 / greatest(documents, 1);
  words := '{}';
  FOR i IN 1 .. cardinality(asked) LOOP
    frequency := counted.document_frequencies[i];
    CONTINUE WHEN frequency <= 0;
    words := words || asked[i];
    frequencies := frequencies || frequency;
    layer_frequencies := layer_frequencies || counted.layer_frequencies[i : i];
    queries := queries || public.quote_lexeme(asked[i])::tsquery;
    weights := weights || COALESCE(times[i], 1) * 2.2::float8 * ln(1 + (documents - frequency + 0.5) / (frequency + 0.5));
  END LOOP;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/bm25_row_score.sql
DROP FUNCTION IF EXISTS public.bm25_row_score; -- replaced below
--> statement-breakpoint
-- The score of one row for at most eight words: the sum of weight * tf / (tf + norm), written with tf once as
-- weight * (1 - norm / (tf + norm)). Absent words have a null tsquery and the weight 0; that there are more than three is
-- said apart, because most queries have not, and even nulls take time. tf comes from ts_rank, see bm25_tf_thresholds;
-- norm is 1.2 * (0.25 + 0.75 * length / average length).
-- A single expression, so that PostgreSQL puts it in place of the call.
CREATE OR REPLACE FUNCTION public.bm25_row_score(
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
CREATE OR REPLACE FUNCTION public.bm25_scan(
  access text, query_tags text[], namespace text, arms tsquery[], queries tsquery[], weights float8[],
  average_length float8, k integer, candidate_limit bigint,
  OUT ids text[], OUT places tid[], OUT scores float8[], OUT candidates bigint
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  tfs CONSTANT float8[] := public.bm25_tf_thresholds();
  w CONSTANT float8[] := weights || array_fill(0::float8, ARRAY[8]);
  is_long CONSTANT boolean := cardinality(weights) > 3;
BEGIN
  IF access = 'search' THEN
    SELECT array_agg(id), array_agg(place), array_agg(score), max(candidates) INTO ids, places, scores, candidates
    FROM (
      SELECT id, place, score, count(*) OVER () AS candidates
      FROM (
        SELECT id, place, public.bm25_row_score(search_vector, norm, queries, w, tfs, is_long) AS score
        FROM (
          SELECT m.id, m.ctid AS place, m.search_vector, 1.2 * (0.25 + 0.75::float8 * m.lexeme_count / average_length) AS norm
          FROM public.memory_items AS m
          WHERE m.search_vector @@ ANY (arms)
            AND (query_tags IS NULL OR m.tags && query_tags)
            AND (bm25_scan.namespace IS NULL OR m.namespace = bm25_scan.namespace)
            AND (m.expires_at IS NULL OR m.expires_at > now())
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
        SELECT id, place, public.bm25_row_score(search_vector, norm, queries, w, tfs, is_long) AS score
        FROM (
          SELECT m.id, m.ctid AS place, m.search_vector, 1.2 * (0.25 + 0.75::float8 * m.lexeme_count / average_length) AS norm
          FROM public.memory_items AS m
          WHERE m.search_vector @@ ANY (arms) AND m.tags && query_tags AND (m.expires_at IS NULL OR m.expires_at > now())
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
        SELECT id, place, public.bm25_row_score(search_vector, norm, queries, w, tfs, is_long) AS score
        FROM (
          SELECT m.id, m.ctid AS place, m.search_vector, 1.2 * (0.25 + 0.75::float8 * m.lexeme_count / average_length) AS norm
          FROM public.memory_items AS m
          WHERE (m.search_vector @@ ANY (arms)) IS TRUE AND m.tags && query_tags AND (m.expires_at IS NULL OR m.expires_at > now())
          LIMIT candidate_limit
        ) AS candidate OFFSET 0
      ) AS scored
      ORDER BY score DESC, id COLLATE "C" LIMIT k
    ) AS best;
  END IF;
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
  -- The checks have the details; asked only when something is wrong, they cost nothing.
  IF (octet_length(query_text) <= 65536 AND k BETWEEN 1 AND 1000) IS NOT TRUE THEN
    IF query_text IS NULL THEN
      RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'bm25_search: query_text must be text, got null';
    END IF;
    PERFORM public.check_query_text('bm25_search', query_text);
    PERFORM public.check_search_limit('bm25_search', k);
  END IF;
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
    ' FROM (SELECT m.id, m.ctid AS place, 1.2 * (0.25 + 0.75::float8 * m.lexeme_count / $7) AS norm, %s FROM public.memory_items AS m WHERE %s LIMIT $10) AS candidate'
    ' ORDER BY score DESC, id COLLATE "C" LIMIT $9) AS best',
    score, frequencies, condition
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
CREATE OR REPLACE FUNCTION public.estimate_filter(
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
  EXECUTE format('EXPLAIN (FORMAT json) SELECT FROM public.memory_items AS m WHERE (%s) AND ($3 IS NULL OR m.search_vector @@ $3)', condition)
    INTO plan USING query_tags, filter, required;
  SELECT greatest(reltuples, 1) INTO all_rows FROM pg_catalog.pg_class WHERE oid = 'public.memory_items'::regclass;
  share := least(1, (plan #>> '{0,Plan,Plan Rows}')::float8 / all_rows);
  has_index := plan #>> '{0,Plan,Node Type}' <> 'Seq Scan';
  PERFORM set_config(setting, concat_ws(' ', asked::float8, moment, share, has_index::integer), false);
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
      JOIN public.memory_items AS m ON m.id = best.id
    )
  );
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/memory_filter_condition.sql
-- The condition under which a row of memory_items (alias m) passes the caller's filters, as SQL that names the values
-- only as parameters: $1 is query_tags, $2 is filter. Conditions that were not asked for are left out, so that the
-- planner sees just the ones that count. Every search builds its query on this, and every check of a filter is here.
--
-- options: the keys beyond the common ones that the calling function supports.
CREATE OR REPLACE FUNCTION public.memory_filter_condition(query_tags text[], filter jsonb, options text[] DEFAULT '{}')
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
  common constant text[] := '{namespace,speaker_id,all_tags,since,until,metadata,ids,fuzzy}';
  conditions text[] := ARRAY['(m.expires_at IS NULL OR m.expires_at > now())'];
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
    WHERE given.key <> ALL (common || options)
    ORDER BY given.key COLLATE "C"
    LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('filter has the key "%s", expected only: %s', left(unknown, 60), array_to_string(common || options, ', '));
    END IF;
    PERFORM public.check_filter_value(filter, key, expected)
    FROM unnest(
      '{namespace,speaker_id,all_tags,since,until,metadata,ids,fuzzy}'::text[],
      '{string,string,boolean,string,string,object,array,boolean}'::text[]
    ) AS value (key, expected);
    -- Strict, because a lax path would look into an array among the ids; silent, because a strict one wants the key.
    IF jsonb_path_exists(filter, 'strict $.ids[*] ? (@.type() != "string")', silent => true) THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('filter.ids must be an array of strings, got %s', left((filter -> 'ids')::text, 60));
    END IF;
  END IF;

  IF cardinality(query_tags) > 0 THEN
    conditions := conditions || CASE WHEN (filter -> 'all_tags')::boolean THEN 'm.tags @> $1' ELSE 'm.tags && $1' END;
  END IF;
  IF filter ? 'namespace' THEN
    conditions := conditions || 'm.namespace = ($2 ->> ''namespace'')'::text;
  END IF;
  IF filter ? 'speaker_id' THEN
    conditions := conditions || 'm.speaker_id = ($2 ->> ''speaker_id'')'::text;
  END IF;
  IF filter ? 'since' THEN
    PERFORM public.check_filter_time(filter, 'since');
    conditions := conditions || 'm.created_at >= ($2 ->> ''since'')::timestamptz'::text;
  END IF;
  IF filter ? 'until' THEN
    PERFORM public.check_filter_time(filter, 'until');
    conditions := conditions || 'm.created_at < ($2 ->> ''until'')::timestamptz'::text;
  END IF;
  IF filter ? 'metadata' THEN
    conditions := conditions || 'm.metadata @> ($2 -> ''metadata'')'::text;
  END IF;
  IF filter ? 'ids' THEN
    conditions := conditions || 'm.id = ANY (ARRAY(SELECT jsonb_array_elements_text($2 -> ''ids'')))'::text;
  END IF;
  RETURN array_to_string(conditions, ' AND ');
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
-- the usual one or two probes.) What was claimed since the last vacuum leaves dead entries at the index's beginning: the
-- probe passes them, and what is read afterwards begins where it found the first living one.
--
-- Rows that others are claiming are skipped, never waited for. What is found is handed to the update as an ARRAY, which
-- is made once: the plan of a join may evaluate the subquery again for each row and hand out far more than max_jobs.
-- The rows come in the array's order, because each place is looked up in turn.
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
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := public.jobs_now();
  remaining integer := claim.max_jobs;
  taken integer;
  is_due boolean;
  level smallint;
  first_run_at timestamptz;
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
    )
  INTO is_due;
  IF is_due THEN
    PERFORM public.take_back_expired(claim.queue, 100);
    current_moment := public.jobs_now();
  END IF;

  SELECT job.priority, job.run_at INTO level, first_run_at FROM public.jobs AS job
  WHERE job.queue = claim.queue AND job.status = 'pending'
  ORDER BY job.priority DESC, job.run_at LIMIT 1;
  WHILE level IS NOT NULL LOOP
    RETURN QUERY
      UPDATE public.jobs AS job
      SET status = 'running',
        lease_token = job.lease_token + 1,
        lease_expires_at = current_moment + make_interval(secs => claim.lease_seconds),
        heartbeat_at = current_moment,
        attempt = job.attempt + 1,
        worker_id = claim.worker_id,
        started_at = current_moment,
        updated_at = now()
      FROM unnest(ARRAY(
        SELECT ready.ctid FROM public.jobs AS ready
        WHERE ready.queue = claim.queue AND ready.status = 'pending' AND ready.priority = level
          AND ready.run_at BETWEEN first_run_at AND current_moment
          AND (ready.deadline_at IS NULL OR ready.deadline_at > current_moment)
          AND (claim.modes IS NULL OR ready.mode = ANY (claim.modes))
        ORDER BY ready.run_at, ready.id
        LIMIT remaining
        FOR NO KEY UPDATE SKIP LOCKED
      )) AS next (place)
      WHERE job.ctid = next.place
      RETURNING job.*;
    GET DIAGNOSTICS taken = ROW_COUNT;
    remaining := remaining - taken;
    EXIT WHEN remaining <= 0;
    SELECT job.priority, job.run_at INTO level, first_run_at FROM public.jobs AS job
    WHERE job.queue = claim.queue AND job.status = 'pending' AND job.priority < level
    ORDER BY job.priority DESC, job.run_at LIMIT 1;
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
-- Here and in the other functions about leases, lease_expires_at IS NOT NULL says that the job is running (the table's
-- trigger makes it the same). status = 'running' would offer the planner the index of running jobs, and where statistics say
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
      completed_at = current_moment, updated_at = now()
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
-- source: src/sql/jobs/complete_and_claim.sql
-- complete() and then claim() in one call, for a worker that has done one job and wants the next: one round trip and one
-- transaction instead of two. Answers the outcome of complete(), in each row, and the jobs of claim(); a single row with a
-- null job if nothing is ready. The claim is made whatever the outcome.
--
--   SELECT outcome, (job).id, (job).lease_token, (job).inputs
--   FROM complete_and_claim('job-1', 4, '{"summary": "…"}', queue => 'documents', worker_id => 'worker-1');
--
-- If claiming fails, nothing is completed.
CREATE OR REPLACE FUNCTION public.complete_and_claim(
  job_id text,
  lease_token bigint,
  result jsonb,
  queue text,
  worker_id text,
  max_jobs integer DEFAULT 1,
  lease_seconds double precision DEFAULT 60,
  modes public.execution_mode[] DEFAULT NULL
)
RETURNS TABLE (outcome text, job public.jobs)
LANGUAGE plpgsql
AS $$
BEGIN
  outcome := public.complete(complete_and_claim.job_id, complete_and_claim.lease_token, complete_and_claim.result);
  FOR job IN
    SELECT * FROM public.claim(complete_and_claim.queue, complete_and_claim.worker_id, complete_and_claim.max_jobs,
      complete_and_claim.lease_seconds, complete_and_claim.modes)
  LOOP
    RETURN NEXT;
  END LOOP;
  IF NOT FOUND THEN
    RETURN NEXT;
  END IF;
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
      completed_at = current_moment, updated_at = now()
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
-- source: src/sql/jobs/list_jobs.sql
-- A page of jobs, the newest first. Every filter that is given must hold. For the next page call it again with after_id,
-- the id of the last row of this one; an empty page is the end.
--
--   SELECT id, status, intent FROM list_jobs(queue => 'documents', statuses => '{failed}', page_size => 20);
--
-- The plan is made anew for each call: then a filter that is not given costs nothing, and one that is can use its index.
--
-- The index of created_at is a BRIN, which has no order but says which pages have rows of a period. So a long table is
-- asked for the last second, minute, hour, two days and quarter until a page is full, and only then for all of time; of
-- all time at once where another index finds few rows.
CREATE OR REPLACE FUNCTION public.list_jobs(
  queue text DEFAULT NULL,
  statuses public.job_status[] DEFAULT NULL,
  intent text DEFAULT NULL,
  modes public.execution_mode[] DEFAULT NULL,
  worker_id text DEFAULT NULL,
  parent_id text DEFAULT NULL,
  root_id text DEFAULT NULL,
  trace_id text DEFAULT NULL,
  since timestamptz DEFAULT NULL,
  until timestamptz DEFAULT NULL,
  after_id text DEFAULT NULL,
  page_size integer DEFAULT 50
)
RETURNS SETOF public.jobs
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
  periods CONSTANT interval[] := '{1 second, 1 minute, 1 hour, 2 days, 90 days}';
  are_few CONSTANT boolean := list_jobs.statuses <@ '{running,waiting}' OR num_nonnulls(list_jobs.parent_id, list_jobs.root_id) > 0
    OR (SELECT reltuples < 10000 FROM pg_catalog.pg_class WHERE oid = 'public.jobs'::regclass);
  after_created_at timestamptz;
  newest timestamptz;
  earliest timestamptz;
  places tid[];
BEGIN
  IF list_jobs.page_size IS NULL OR list_jobs.page_size NOT BETWEEN 1 AND 10000 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('list_jobs: page_size must be from 1 to 10000, got %s', coalesce(list_jobs.page_size::text, 'null'));
  END IF;
  IF list_jobs.after_id IS NOT NULL THEN
    SELECT created_at INTO after_created_at FROM public.jobs WHERE id = list_jobs.after_id;
    IF NOT FOUND THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('list_jobs: after_id must be the id of a job (was it pruned meanwhile?), got %s', list_jobs.after_id);
    END IF;
  END IF;
  newest := least(public.jobs_now(), list_jobs.until, after_created_at);
  FOR part IN CASE WHEN are_few THEN 6 ELSE 1 END .. 6 LOOP
    -- None after the last period.
    earliest := greatest(coalesce(newest - periods[part], '-infinity'), list_jobs.since);
    places := ARRAY(
      SELECT job.ctid FROM public.jobs AS job
      WHERE (list_jobs.queue IS NULL OR job.queue = list_jobs.queue)
        AND (list_jobs.statuses IS NULL OR job.status = ANY (list_jobs.statuses))
        AND (list_jobs.intent IS NULL OR job.intent = list_jobs.intent)
        AND (list_jobs.modes IS NULL OR job.mode = ANY (list_jobs.modes))
        AND (list_jobs.worker_id IS NULL OR job.worker_id = list_jobs.worker_id)
        AND (list_jobs.parent_id IS NULL OR job.parent_id = list_jobs.parent_id)
        AND (list_jobs.root_id IS NULL OR job.root_id = list_jobs.root_id)
        AND (list_jobs.trace_id IS NULL OR job.trace_id = list_jobs.trace_id)
        AND (list_jobs.until IS NULL OR job.created_at < list_jobs.until)
        AND (list_jobs.after_id IS NULL OR job.created_at <= after_created_at
          AND (job.created_at, job.id) < (after_created_at, list_jobs.after_id))
        AND job.created_at >= earliest
      ORDER BY job.created_at DESC, job.id DESC
      LIMIT list_jobs.page_size
    );
    EXIT WHEN cardinality(places) = list_jobs.page_size OR earliest = list_jobs.since;
  END LOOP;
  RETURN QUERY
    SELECT job.* FROM unnest(places) WITH ORDINALITY AS listed (place, number)
    JOIN public.jobs AS job ON job.ctid = listed.place
    ORDER BY listed.number;
END
$$;
--> statement-breakpoint
-- source: src/sql/data/move_layer_frequencies.sql
-- Layer lexemes had rows of their own: their counts become columns of the lexeme's row. The log stays as it is.
UPDATE public.search_lexemes AS stored
SET layer_1 = layers.layer_1, layer_2 = layers.layer_2, layer_3 = layers.layer_3
FROM (
  SELECT split_part(lexeme, chr(1), 1) COLLATE "C" AS lexeme,
    COALESCE(sum(document_frequency) FILTER (WHERE split_part(lexeme, chr(1), 2) = '1'), 0) AS layer_1,
    COALESCE(sum(document_frequency) FILTER (WHERE split_part(lexeme, chr(1), 2) = '2'), 0) AS layer_2,
    COALESCE(sum(document_frequency) FILTER (WHERE split_part(lexeme, chr(1), 2) = '3'), 0) AS layer_3
  FROM public.search_lexemes WHERE strpos(lexeme, chr(1)) > 0 GROUP BY 1
) AS layers
WHERE stored.lexeme = layers.lexeme;
--> statement-breakpoint
DELETE FROM public.search_lexemes WHERE strpos(lexeme, chr(1)) > 0;

SET LOCAL check_function_bodies = off;
--> statement-breakpoint
-- source: src/sql/memory/search_statistics.sql
-- removed
DROP FUNCTION IF EXISTS public.search_statistics;
--> statement-breakpoint
-- source: src/sql/memory/bm25_rows.sql
-- removed
DROP FUNCTION IF EXISTS public.bm25_rows;
--> statement-breakpoint
-- source: src/sql/columns/memory_search_vector.sql
-- removed
DROP FUNCTION IF EXISTS public.memory_search_vector;
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
-- source: src/sql/storage/memory_items.sql
-- A search reads the search_vector of every candidate: inline and uncompressed it costs no more than its page, while
-- a compressed one cost 8 µs more for each candidate.
ALTER TABLE public.memory_items ALTER COLUMN search_vector SET STORAGE EXTERNAL;
--> statement-breakpoint
ALTER TABLE public.memory_items SET (toast_tuple_target = 8160);
--> statement-breakpoint
-- Dropping the column dropped its index with it, of which drizzle-kit knows nothing.
CREATE INDEX IF NOT EXISTS memory_items_search_vector_idx ON public.memory_items USING gin (search_vector);
--> statement-breakpoint
-- A column that was just added was compressed in long rows, because its storage is set only here.
UPDATE public.memory_items SET text = text WHERE pg_column_compression(search_vector) IS NOT NULL;
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
REVOKE ALL ON public.search_totals, public.search_lexemes, public.search_log, public.search_log_lexemes FROM PUBLIC;
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
  TRUNCATE public.search_log, public.search_log_lexemes, public.search_lexemes, public.search_totals;
  SET CONSTRAINTS public.search_log_fold DEFERRED;
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- source: src/sql/triggers/fold_search_log.sql
-- At the end of a transaction that changed memory_items: folds the log if it has grown. Deferred to the commit, so
-- that the fold's locks last no longer than that, and once a transaction. The bounds keep a reader's share of the log
-- under a millisecond: 128 single documents or 16 bulk statements; and a corpus that grows by half is counted at once.
CREATE OR REPLACE FUNCTION public.fold_search_log()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  this_transaction CONSTANT text := pg_current_xact_id()::text;
BEGIN
  IF current_setting('opa.search_log_folded', true) IS DISTINCT FROM this_transaction THEN
    PERFORM set_config('opa.search_log_folded', this_transaction, true);
    IF (SELECT count(lexemes) >= 128 OR count(*) - count(lexemes) >= 16
            OR sum(abs(documents)) > (SELECT max(totals.documents) / 2 FROM public.search_totals AS totals) IS NOT FALSE
          FROM public.search_log_entries()) THEN
      PERFORM public.fold_search_statistics();
    END IF;
  END IF;
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- source: src/sql/triggers/ignore_restored_statistics.sql
-- Rows that reach a statistics table other than through memory_items' triggers, a fold or a rebuild are those of a
-- data-only restore, whose COPY of memory_items has counted every row already: they are ignored.
CREATE OR REPLACE FUNCTION public.ignore_restored_statistics()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  RETURN NULL;
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
    IF (SELECT count(*) FROM (SELECT FROM new_rows LIMIT few_rows + 1) AS changed) <= few_rows THEN
      INSERT INTO public.search_log (documents, total_length, lexemes)
      SELECT 1, new_rows.lexeme_count, strip(new_rows.search_vector) FROM new_rows;
      RETURN NULL;
    END IF;
    SELECT count(*), sum(new_rows.lexeme_count) INTO documents, total_length FROM new_rows;
    SELECT array_agg(counted.lexeme), array_agg(counted.documents)
    INTO lexemes, document_frequencies
    FROM (
      SELECT word COLLATE "C" AS lexeme, count(*) AS documents
      FROM new_rows, unnest(tsvector_to_array(new_rows.search_vector)) AS word
      GROUP BY 1 ORDER BY 1
    ) AS counted;

  ELSIF TG_OP = 'DELETE' THEN
    IF (SELECT count(*) FROM (SELECT FROM old_rows LIMIT few_rows + 1) AS changed) <= few_rows THEN
      INSERT INTO public.search_log (documents, total_length, lexemes)
      SELECT -1, -old_rows.lexeme_count, strip(old_rows.search_vector) FROM old_rows;
      RETURN NULL;
    END IF;
    SELECT -count(*), -sum(old_rows.lexeme_count) INTO documents, total_length FROM old_rows;
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
    ON CONFLICT (lexeme, epoch) DO UPDATE
     
SET document_frequency = stored.document_frequency + excluded.document_frequency
    RETURNING lexeme, document_frequency
  )
  SELECT array_agg(lexeme) INTO vanished FROM written WHERE document_frequency = 0;

  DELETE FROM public.search_lexemes WHERE lexeme = ANY (vanished) AND document_frequency = 0;
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
-- source: src/sql/statistics/folded_frequencies.sql
-- The document frequencies at the last fold, for estimates alone: search_statistics without the log, and so at a third
-- of its cost. Never for a score or a proof.
CREATE OR REPLACE FUNCTION public.folded_frequencies(lexemes text[])
RETURNS float8[]
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
  RETURN (
    SELECT array_agg(coalesce(stored.document_frequency, 0)::float8 ORDER BY position)
      FROM unnest(folded_frequencies.lexemes) WITH ORDINALITY AS asked (lexeme, position)
      LEFT JOIN LATERAL (
        SELECT document_frequency FROM public.search_lexemes AS stored
         WHERE stored.lexeme = asked.lexeme
           AND stored.epoch <= (SELECT fold / 64 FROM public.search_totals ORDER BY fold DESC LIMIT 1)
         ORDER BY stored.epoch DESC LIMIT 1
      ) AS stored ON true);
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
LANGUAGE sql VOLATILE
AS $$
  WITH entry AS (
    INSERT INTO public.search_log (documents, total_length)
    VALUES (log_bulk_change.documents, log_bulk_change.total_length)
    RETURNING xid, entry
  )
  INSERT INTO public.search_log_lexemes (xid, entry, first_lexeme, lexemes, documents)
  SELECT entry.xid, entry.entry, min(change.lexeme), array_agg(change.lexeme ORDER BY change.place),
    array_agg(change.documents ORDER BY change.place)
  FROM entry
  CROSS JOIN unnest(log_bulk_change.lexemes COLLATE "C", log_bulk_change.document_frequencies)
    WITH ORDINALITY AS change (lexeme, documents, place)
  GROUP BY entry.xid, entry.entry, (change.place - 1) / 64
$$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION public.log_bulk_change(bigint, bigint, text[], bigint[]) FROM PUBLIC;
--> statement-breakpoint
-- source: src/sql/statistics/read_search_statistics.sql
-- The corpus as this snapshot sees it: how many documents, their total length, and in how many of them each of the
-- given lexemes occurs (in the order given; layer lexemes may be asked for like any other). Exact, because every
-- change is a row of the log or part of the totals, and both are read in the caller's one snapshot.
-- SECURITY DEFINER: whoever may search needs these numbers, and nobody may read or write the tables behind them. Call
-- it through search_statistics, which checks the caller's rights and locks in the right order.
CREATE OR REPLACE FUNCTION public.read_search_statistics(
  lexemes text[], OUT documents bigint, OUT total_length bigint, OUT document_frequencies bigint[]
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
  log_documents bigint;
  log_length bigint;
  small_documents bigint[];
  small_lexemes tsvector[];
  bulk_xids xid8[];
  bulk_entries bigint[];
BEGIN
  SELECT totals.documents, totals.total_length, totals.fold / 64 INTO documents, total_length, last_epoch
    FROM public.search_totals AS totals ORDER BY fold DESC LIMIT 1;
  SELECT array_agg(coalesce(stored.document_frequency, 0) ORDER BY position) INTO document_frequencies
    FROM unnest(read_search_statistics.lexemes) WITH ORDINALITY AS asked (lexeme, position)
    LEFT JOIN LATERAL (
      SELECT document_frequency FROM public.search_lexemes AS stored
       WHERE stored.lexeme = asked.lexeme AND stored.epoch <= last_epoch
       ORDER BY stored.epoch DESC LIMIT 1
    ) AS stored ON true;

  SELECT sum(log.documents), sum(log.total_length), array_agg(log.documents) FILTER (WHERE log.lexemes IS NOT NULL),
         array_agg(log.lexemes) FILTER (WHERE log.lexemes IS NOT NULL),
         array_agg(log.xid) FILTER (WHERE log.lexemes IS NULL), array_agg(log.entry) FILTER (WHERE log.lexemes IS NULL)
    INTO log_documents, log_length, small_documents, small_lexemes, bulk_xids, bulk_entries
    FROM public.search_log_entries() AS log;
  document_frequencies := coalesce(document_frequencies, '{}');
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
CREATE OR REPLACE FUNCTION public.search_log_entries()
RETURNS SETOF public.search_log
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
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
-- source: src/sql/statistics/search_statistics.sql
-- The numbers that BM25 needs of the whole corpus: how many documents there are, how many lexemes they have in all, and
-- in how many documents each of the given lexemes occurs (in their order). Exact in every snapshot.
-- memory_items is touched first: whoever may not read it is refused, and TRUNCATE locks it before the statistics.
CREATE OR REPLACE FUNCTION public.search_statistics(
  lexemes text[], OUT documents bigint, OUT total_length bigint, OUT document_frequencies bigint[]
)
LANGUAGE plpgsql STABLE
AS $$
BEGIN
  PERFORM FROM public.memory_items LIMIT 0;
  SELECT counted.documents, counted.total_length, counted.document_frequencies
  INTO documents, total_length, document_frequencies
  FROM public.read_search_statistics(lexemes) AS counted;
END
$$;
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
    alone := 0;
    WHILE alone < 4 AND bounds[base + alone] <= threshold LOOP
      alone := alone + 1;
    END LOOP;
    lowest := alone;
    WHILE lowest > 0 AND bounds[base + lowest - 1] + remaining[i + 1] > threshold LOOP
      lowest := lowest - 1;
    END LOOP;

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
    alone := 0;
    WHILE alone < 4 AND bounds[base + alone] <= need LOOP
      alone := alone + 1;
    END LOOP;
    lowest := alone;
    WHILE lowest > 0 AND bounds[base + lowest - 1] + remaining[i + 1] > need LOOP
      lowest := lowest - 1;
    END LOOP;

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
-- The k best documents for a set of lexemes, exactly as if every match had been scored; the lexemes that they were
-- scored by, misspelt ones corrected; and a report of how they were found (for explain_search). The steps, and why the answer is exact:
-- 1. Guess the score that the k-th document reaches (bm25_guess reads document frequencies, no rows).
-- 2. Read and score every document that can score more than the guess: bm25_arms proves that its queries miss none.
-- 3. k documents found, the k-th at least as good as the guess: nothing better was left out. Done.
--    k found, but some below the guess, or too many candidates: the k-th of these is a threshold that k documents are
--    known to reach. Read once more with it. Fewer than k: guess lower; in the end every match is read.
-- Where few documents match, or few of them can pass the filter, every match is read at once; where the filter's own
-- index finds few enough rows, without the search index.
CREATE OR REPLACE FUNCTION public.bm25_find(
  INOUT lexemes text[], is_fuzzy boolean, required tsquery, condition text, query_tags text[], k integer, filter jsonb,
  OUT ids text[], OUT scores float8[], OUT report jsonb
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
  is_filtered CONSTANT boolean := required IS NOT NULL OR condition <> public.memory_filter_condition('{}', '{}');
  -- Fewer are scored sooner than a threshold is found; under a filter the threshold is lower, so that it pays later.
  few_matches CONSTANT float8 := CASE WHEN is_filtered THEN 500 ELSE 200 END;
  query record;
  levels record;
  words integer;
  share float8 := 1;
  has_index boolean;
  path text := 'every match';
  matches float8;
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
  ELSIF words <= most_pruned AND least(query.documents, matches) * share > few_matches + k THEN
    path := 'threshold';
    levels := public.bm25_levels(query.words, query.frequencies, query.weights, query.average_length);
    threshold := public.bm25_guess(
      levels.impacts, levels.frequencies, query.documents, k / share * CASE WHEN words <= 3 THEN 2 ELSE 0.5 END
    );
  END IF;

  IF is_filtered OR words > most_kept THEN
    -- IS TRUE keeps a condition's own index out of the plan.
    statement := public.bm25_statement(words, concat_ws(' AND ',
      CASE WHEN path = 'filter' THEN '(m.search_vector @@ ANY ($4)) IS TRUE' ELSE 'm.search_vector @@ ANY ($4)' END,
      CASE WHEN path = 'threshold' THEN '(' || condition || ') IS TRUE' ELSE '(' || condition || ')' END,
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
      SELECT scan.ids, scan.scores, scan.candidates
      INTO ids, scores, candidates
      FROM public.bm25_scan(arms, query.queries, query.weights, query.average_length, k, candidate_limit) AS scan;
    ELSE
      EXECUTE statement
      INTO ids, scores, candidates
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
  report := jsonb_build_object('path', path, 'share', share, 'rounds', rounds);
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/bm25_guess.sql
-- The score that about `wanted` documents can be expected to reach, from the document frequencies alone: the scores'
-- distribution over 48 steps, built up lexeme by lexeme as if lexemes occurred independently of one another. Only a
-- guess: bm25_find proves it or lowers it. 0 if fewer documents match at all.
-- frequencies: for each lexeme how many documents have it, and have it in layer 1, 2 and 3 (four numbers in a row).
CREATE OR REPLACE FUNCTION public.bm25_guess(impacts float8[], frequencies float8[], documents float8, wanted float8)
RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  steps CONSTANT integer := 48;
  -- a typical contribution (as a share of idf) of a lexeme in no layer, in the first, the second, the third
  typical CONSTANT float8[] := '{0.85, 1.25, 1.55, 1.85}';
  step_score float8;
  expected float8[] := array_fill(0::float8, ARRAY[steps + 2]);  -- expected[s + 1]: documents that score s steps
  before float8[];
  share float8;
  shift integer;
  reached integer;
  highest integer := 0;
  highest_after integer;
  total float8 := 0;
BEGIN
  step_score := (SELECT sum(impact) FROM unnest(impacts) AS impact) * typical[4] / steps;
  expected[1] := documents;
  FOR lexeme IN 1 .. cardinality(impacts) LOOP
    before := expected;
    highest_after := highest;
    FOR layer IN 0 .. 3 LOOP
      share := (frequencies[4 * lexeme - 3 + layer] - CASE WHEN layer < 3 THEN frequencies[4 * lexeme - 2 + layer] ELSE 0 END)
             / documents;
      CONTINUE WHEN share <= 0;
      shift := round(impacts[lexeme] * typical[layer + 1] / step_score);
      highest_after := greatest(highest_after, highest + shift);
      FOR score IN 0 .. highest LOOP
        IF before[score + 1] > 1e-4 THEN
          reached := least(score + shift, steps + 1) + 1;
          expected[reached] := expected[reached] + before[score + 1] * share;
        END IF;
      END LOOP;
    END LOOP;
    highest := least(highest_after, steps + 1);
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
-- Why it is a bound: below a threshold, u < threshold says that the document is longer than
-- 43 * (tf / threshold - 0.25) / 0.75, and not shorter than tf. The contribution falls with the length, so for each tf
-- the shortest such whole length gives the most. From tf = 7 on the whole numbers are ignored; what is left of the
-- formula is monotonic in tf, so its ends (7 and 255) bound everything between.
CREATE OR REPLACE FUNCTION public.bm25_impact_bounds(average_length float8)
RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  bounds float8[] := '{}';
  threshold float8;
  shortest float8;
  bound float8;
  tf integer;
BEGIN
  FOREACH threshold IN ARRAY '{1.4, 2.4, 4.5}'::float8[] LOOP
    bound := 0;
    FOREACH tf IN ARRAY '{1, 2, 3, 4, 5, 6, 7, 255}'::integer[] LOOP
      shortest := 43 * (tf / threshold - 0.25) / 0.75;
      IF tf < 7 THEN
        shortest := greatest(tf, ceil(shortest - 1e-9));
      END IF;
      bound := greatest(bound, 2.2 * tf / (tf + 1.2 * (0.25 + 0.75 * shortest / average_length)));
    END LOOP;
    bounds := bounds || bound * (1 + 1e-12);
  END LOOP;
  RETURN bounds || 2.2::float8;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/bm25_levels.sql
-- What pruning needs to know about a query's lexemes, rarest first. Each has four levels (any document; impact layer 1,
-- 2, 3 or higher): terms, the tsquery text that finds the documents; frequencies, their number; bounds, the most that
-- the lexeme adds to a document below the next layer. impacts[i] is its idf, for each time that the query says it, and
-- remaining[i] the most that lexemes from i on add together.
CREATE OR REPLACE FUNCTION public.bm25_levels(
  lexemes text[], lexeme_frequencies float8[], weights float8[], average_length float8,
  OUT impacts float8[], OUT terms text[], OUT bounds float8[], OUT frequencies float8[], OUT remaining float8[]
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  shares CONSTANT float8[] := public.bm25_impact_bounds(average_length);
  layers CONSTANT text[] := ARRAY[E'\x01' || '1', E'\x01' || '2', E'\x01' || '3'];
  rarest_first CONSTANT integer[] := ARRAY(
    SELECT position FROM unnest(lexeme_frequencies) WITH ORDINALITY AS lexeme (frequency, position)
     ORDER BY frequency, position);
  asked text[] := '{}';
  layer_frequencies float8[];
  position integer;
  impact float8;
BEGIN
  FOREACH position IN ARRAY rarest_first LOOP
    asked := asked || ARRAY[lexemes[position] || layers[1], lexemes[position] || layers[2], lexemes[position] || layers[3]];
  END LOOP;
  -- Estimates are all that pruning needs: nothing is proven by a count.
  layer_frequencies := public.folded_frequencies(asked);

  FOR i IN 1 .. cardinality(rarest_first) LOOP
    position := rarest_first[i];
    impact := weights[position] / 2.2;
    impacts := impacts || impact;
    terms := terms || public.quote_lexeme(lexemes[position]) || public.quote_lexeme(asked[3 * i - 2])
      || public.quote_lexeme(asked[3 * i - 1]) || public.quote_lexeme(asked[3 * i]);
    bounds := bounds || ARRAY[impact * shares[1], impact * shares[2], impact * shares[3], impact * shares[4]];
    frequencies := frequencies || lexeme_frequencies[position] || layer_frequencies[3 * i - 2 : 3 * i];
  END LOOP;
  remaining := array_fill(0::float8, ARRAY[cardinality(impacts) + 1]);
  FOR i IN REVERSE cardinality(impacts) .. 1 LOOP
    remaining[i] := remaining[i + 1] + bounds[4 * i];
  END LOOP;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/bm25_query.sql
-- What scoring needs to know about a query: its words, which are the distinct lexemes in byte order, as a score sums
-- them; for each its document frequency, the tsquery that finds it, and its weight, idf * (k1 + 1) for each time that the
-- query says it. Lexemes that occur in no document are replaced by the nearest ones that do, where is_fuzzy asks for it
-- (lexemes has the new ones), and those that are left are not among the words: they add nothing to a score.
CREATE OR REPLACE FUNCTION public.bm25_query(
  INOUT lexemes text[], is_fuzzy boolean, OUT documents float8, OUT average_length float8, OUT words text[], OUT frequencies float8[],
  OUT queries tsquery[], OUT weights float8[]
)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  counted record;
  asked text[];
  times bigint[];
  frequency float8;
BEGIN
  LOOP
    SELECT array_agg(said.lexeme ORDER BY said.lexeme COLLATE "C"), array_agg(said.times ORDER BY said.lexeme COLLATE "C")
    INTO asked, times
    FROM (SELECT given.lexeme, count(*) AS times FROM unnest(lexemes) AS given (lexeme) GROUP BY given.lexeme) AS said;
    counted := public.search_statistics(COALESCE(asked, '{}'));
    EXIT WHEN NOT is_fuzzy OR 0 <> ALL (counted.document_frequencies);
    lexemes := public.correct_lexemes(lexemes);
    is_fuzzy := false;
  END LOOP;

  documents := counted.documents;
  average_length := greatest(counted.total_length, 1)::float8 / greatest(documents, 1);
  words := '{}';
  FOR i IN 1 .. COALESCE(cardinality(asked), 0) LOOP
    frequency := counted.document_frequencies[i];
    CONTINUE WHEN frequency <= 0;
    words := words || asked[i];
    frequencies := frequencies || frequency;
    queries := queries || public.quote_lexeme(asked[i])::tsquery;
    weights := weights || times[i] * 2.2 * ln(1 + (documents - frequency + 0.5) / (frequency + 0.5));
  END LOOP;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/bm25_scan.sql
-- bm25_statement for a search without filters and of at most eight lexemes, which most are, as a statement whose plan
-- is kept: planning anew would take as long as finding. Absent lexemes have a null tsquery and count as zero.
CREATE OR REPLACE FUNCTION public.bm25_scan(
  arms tsquery[], queries tsquery[], weights float8[], average_length float8, k integer, candidate_limit bigint,
  OUT ids text[], OUT scores float8[], OUT candidates bigint
)
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
  tfs CONSTANT float8[] := public.bm25_tf_thresholds();
  w CONSTANT float8[] := weights || array_fill(0::float8, ARRAY[8]);
BEGIN
  SELECT array_agg(id), array_agg(score), max(candidates) INTO ids, scores, candidates
    FROM (
      SELECT id, count(*) OVER () AS candidates,
             w[1] * tf1 / (tf1 + norm) + w[2] * tf2 / (tf2 + norm) + w[3] * tf3 / (tf3 + norm) + w[4] * tf4 / (tf4 + norm)
             + w[5] * tf5 / (tf5 + norm) + w[6] * tf6 / (tf6 + norm) + w[7] * tf7 / (tf7 + norm) + w[8] * tf8 / (tf8 + norm) AS score
        FROM (
          SELECT id, 1.2 * (0.25 + 0.75 * lexeme_count / average_length) AS norm,
                 width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[1])::float8, tfs) AS tf1,
                 coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[2])::float8, tfs), 0) AS tf2,
                 coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[3])::float8, tfs), 0) AS tf3,
                 coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[4])::float8, tfs), 0) AS tf4,
                 coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[5])::float8, tfs), 0) AS tf5,
                 coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[6])::float8, tfs), 0) AS tf6,
                 coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[7])::float8, tfs), 0) AS tf7,
                 coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[8])::float8, tfs), 0) AS tf8
            FROM public.memory_items
           WHERE search_vector @@ ANY (arms) AND (expires_at IS NULL OR expires_at > now())
           LIMIT candidate_limit
        ) AS candidate
       ORDER BY score DESC, id COLLATE "C" LIMIT k
    ) AS best;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/bm25_score.sql
-- The BM25 score that a text would have for a query if its statistics were the corpus's: STABLE, because they change.
-- Misspelt words are not corrected; 0 when a phrase does not occur or an exclusion does. On an empty corpus the average
-- length is the text's own.
CREATE OR REPLACE FUNCTION public.bm25_score(
  query_text text, doc_text text, k1 float8 DEFAULT 1.2, b float8 DEFAULT 0.75
)
RETURNS float8
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  parsed record;
  statistics record;
  document tsvector;
  length integer;
BEGIN
  IF query_text IS NULL OR doc_text IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
      MESSAGE = format('bm25_score: query_text and doc_text must be text, got null for %s',
        CASE WHEN query_text IS NULL THEN 'query_text' ELSE 'doc_text' END);
  END IF;
  IF k1 IS NULL OR NOT (k1 >= 0 AND k1 <= 1000) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('bm25_score: k1 must be from 0 to 1000, got %s', COALESCE(k1::text, 'null'));
  END IF;
  IF b IS NULL OR NOT (b >= 0 AND b <= 1) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('bm25_score: b must be from 0 to 1, got %s', COALESCE(b::text, 'null'));
  END IF;
  PERFORM public.check_query_text('bm25_score', query_text);

  SELECT * INTO parsed FROM public.parse_search_query(query_text);
  document := to_tsvector('pg_catalog.english', doc_text);
  IF cardinality(parsed.lexemes) = 0 OR document = '' OR (parsed.required IS NOT NULL AND NOT document @@ parsed.required) THEN
    RETURN 0;
  END IF;
  SELECT * INTO statistics FROM public.search_statistics(parsed.lexemes);
  length := public.lexeme_count(doc_text);
  RETURN public.bm25_document_score(
    document, length,
    CASE WHEN statistics.total_length > 0 THEN statistics.total_length::float8 / statistics.documents ELSE length END,
    parsed.lexemes,
    ARRAY(
      SELECT public.bm25_idf(statistics.documents, frequency.df)
      FROM unnest(statistics.document_frequencies) WITH ORDINALITY AS frequency (df, place)
      ORDER BY frequency.place
    ),
    k1, b
  );
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
  INTO ids, scores
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

  RETURN QUERY
    SELECT m.id, m.text, m.tags, m.created_at, best.score
    FROM unnest(found.ids, found.scores) AS best (id, score)
    JOIN public.memory_items AS m ON m.id = best.id
    ORDER BY best.score DESC, m.id COLLATE "C";
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/bm25_statement.sql
-- The statement that reads candidates, scores them exactly and answers the best: one row (ids, scores, candidates).
-- Written for the number of lexemes, so that a score is one expression that sums the lexemes in their order. A text
-- pasted as a query may have thousands: more than an expression can hold, so they are looked up in the vector instead.
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
    SELECT string_agg(format('$6[%1$s] * tf%1$s / (tf%1$s + norm)', i), ' + ' ORDER BY i),
      string_agg(format('width_bucket(ts_rank(''{1,1,1,1}'', m.search_vector, $5[%1$s])::float8, $8) AS tf%1$s', i), ', ' ORDER BY i)
    INTO score, frequencies
    FROM generate_series(1, lexemes) AS i;
  ELSE
    score := '(SELECT sum(query.weight * entry.tf / (entry.tf + norm) ORDER BY query.place)'
      ' FROM (SELECT word.lexeme, cardinality(word.positions) AS tf FROM unnest(search_vector) AS word) AS entry'
      ' JOIN unnest($11::text[], $6::float8[]) WITH ORDINALITY AS query (lexeme, weight, place) ON query.lexeme = entry.lexeme)';
    frequencies := 'm.search_vector';
  END IF;
  RETURN format(
    'SELECT array_agg(id), array_agg(score), max(candidates)'
    ' FROM (SELECT id, %s AS score, count(*) OVER () AS candidates'
    ' FROM (SELECT m.id, 1.2 * (0.25 + 0.75 * m.lexeme_count / $7) AS norm, %s FROM public.memory_items AS m WHERE %s LIMIT $10) AS candidate'
    ' ORDER BY score DESC, id COLLATE "C" LIMIT $9) AS best',
    score, frequencies, condition
  );
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/bm25_tf_thresholds.sql
-- From a rank back to a term frequency. For one lexeme and flat weights ts_rank gives (1 + 1/4 + … + 1/tf²) / 1.64493,
-- so width_bucket(ts_rank('{1,1,1,1}', search_vector, lexeme), these thresholds) is tf, and 0 where the lexeme is
-- absent: ten times cheaper than unnesting the vector. A tsvector keeps at most 255 positions a lexeme.
CREATE OR REPLACE FUNCTION public.bm25_tf_thresholds()
RETURNS float8[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT array_agg(partial_sum / 1.64493406685 - 3e-6 ORDER BY tf)
    FROM (SELECT tf, sum(1 / (tf * tf)::float8) OVER (ORDER BY tf) AS partial_sum
            FROM generate_series(1, 255) AS tf) AS frequencies
$$;
--> statement-breakpoint
-- source: src/sql/memory/estimate_filter.sql
-- The share of memory_items that a filter passes, and whether an index can find them: the planner's own estimate for
-- this very condition, which knows the commonest tags and namespaces and costs no reading.
-- (VOLATILE only because EXPLAIN demands it.)
CREATE OR REPLACE FUNCTION public.estimate_filter(
  condition text, query_tags text[], filter jsonb, required tsquery, OUT share float8, OUT has_index boolean
)
LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off
AS $$
DECLARE
  plan json;
  all_rows float8;
BEGIN
  EXECUTE format('EXPLAIN (FORMAT json) SELECT FROM public.memory_items AS m WHERE (%s) AND ($3 IS NULL OR m.search_vector @@ $3)', condition)
    INTO plan USING query_tags, filter, required;
  SELECT greatest(reltuples, 1) INTO all_rows FROM pg_catalog.pg_class WHERE oid = 'public.memory_items'::regclass;
  share := least(1, (plan #>> '{0,Plan,Plan Rows}')::float8 / all_rows);
  has_index := plan #>> '{0,Plan,Node Type}' <> 'Seq Scan';
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/explain_search.sql
-- Why bm25_search finds what it finds, and how: takes what bm25_search takes, and answers
--   documents, average_length: the corpus that the scores are about
--   path: 'every match' (few match), 'threshold' (only rows that can reach it are read), 'filter' (the filter's own index
--     finds so few rows that all of them are read) or 'no match'
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
-- source: src/sql/memory/highlight.sql
-- The part of a text that answers a query best, its matching words between start_tag and stop_tag: ts_headline for the
-- lexemes that bm25_search ranks by, misspelt words corrected likewise. The text is not escaped: whoever shows it as
-- HTML must escape it, and so chooses tags that survive it.
-- max_words: how long the part may be; 0 gives the whole text
-- Source: https://www.postgresql.org/docs/current/textsearch-controls.html#TEXTSEARCH-HEADLINE
CREATE OR REPLACE FUNCTION public.highlight(
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
  PERFORM public.check_query_text('highlight', query_text);
  query := public.lexeme_query(public.correct_lexemes((public.parse_search_query(query_text)).lexemes));
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
-- source: src/sql/memory/hybrid_search.sql
-- Search by keyword and by meaning together. Each leg offers its best max(100, 4k) rows; the union of both is scored on
-- both legs, so that no row gets a zero for not having been offered by a leg (without a second search: bm25_score_rows),
-- and the k best by the combined score are returned.
--
-- convex: (bm25_weight * bm25 / max(bm25) + vector_weight * (similarity + 1) / (max(similarity) + 1)) / (sum of weights);
--   a score that a row does not have, or a range of zero, counts as 0.
-- rrf: bm25_weight / (60 + bm25_rank) + vector_weight / (60 + vector_rank); a missing rank counts as nothing.
-- Phrases must occur and exclusions must not in every row that is returned, whichever leg found it.
--
-- Without words to rank by it is vector search; without a vector it is keyword search; with neither, an error.
-- query_tags, k, filter: as in bm25_search.
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
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  condition text;
  lexemes text[];
  required tsquery;
  offered integer;
  found record;
  nearest text[] := '{}';
BEGIN
  PERFORM public.check_query_text('hybrid_search', query_text);
  IF query_embedding IS NOT NULL THEN
    PERFORM public.check_query_embedding('hybrid_search', query_embedding);
  END IF;
  PERFORM public.check_search_limit('hybrid_search', k);
  PERFORM public.check_fusion(bm25_weight, vector_weight, fusion);
  query_tags := COALESCE(query_tags, '{}');
  filter := COALESCE(filter, '{}');
  condition := public.memory_filter_condition(query_tags, filter);

  SELECT parsed.lexemes, parsed.required INTO lexemes, required
  FROM public.parse_search_query(COALESCE(query_text, '')) AS parsed;
  IF cardinality(lexemes) = 0 AND query_embedding IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = 'hybrid_search: expected a query_text with a word to search by, or a query_embedding, or both; got neither';
  END IF;
  offered := greatest(100, 4 * k);
  found := public.bm25_find(
    lexemes, COALESCE((filter -> 'fuzzy')::boolean, true), required, condition, query_tags, offered, filter
  );
  IF query_embedding IS NOT NULL THEN
    nearest := ARRAY(
      SELECT hit.id FROM public.vector_rows(query_embedding, required, condition, query_tags, offered, filter) AS hit
    );
  END IF;

  RETURN QUERY
    WITH keyword AS MATERIALIZED (
      SELECT hit.id, hit.score FROM unnest(found.ids, found.scores) AS hit (id, score)
      UNION ALL
      -- What the keyword leg did not offer may share a word with the query all the same.
      SELECT rest.id, rest.score
      FROM public.bm25_score_rows(
        found.lexemes, required, ARRAY(SELECT unnest(nearest) EXCEPT SELECT unnest(found.ids))
      ) AS rest
    ),
    candidates AS (
      SELECT unnest(nearest) AS id
      UNION
      SELECT keyword.id FROM keyword
    ),
    scored AS (
      SELECT m.id, m.text, m.tags, m.created_at, keyword.score AS bm25,
        1 - (m.embedding <=> l2_normalize(query_embedding)) AS similarity
      FROM candidates
      JOIN public.memory_items AS m ON m.id = candidates.id
      LEFT JOIN keyword ON keyword.id = candidates.id
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
    combined AS (
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
    )
    SELECT combined.id, combined.text, combined.tags, combined.created_at, COALESCE(combined.bm25, 0),
      combined.similarity, combined.score, combined.bm25_rank::integer, combined.vector_rank::integer
    FROM combined
    ORDER BY combined.score DESC, combined.id COLLATE "C"
    LIMIT k;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/nearest_lexeme.sql
-- The lexeme of the corpus that is most like one that nobody wrote, or null when none is similar enough. A word with a
-- digit is never replaced: 2024 is not a misspelt 2023. Words that were written since the last fold are in the log; of a
-- large backlog of bulk statements only the newest words are looked at, or a misspelt word would cost what it all holds.
-- SECURITY DEFINER, because nobody may read the vocabulary: it gives one word for one word.
CREATE OR REPLACE FUNCTION public.nearest_lexeme(lexeme text)
RETURNS text
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
  least_similarity CONSTANT real := 0.4;
  most_chunks CONSTANT integer := 128;
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
  SELECT array_agg(DISTINCT written.lexeme)
  INTO similar_lexemes
  FROM (
    SELECT folded.lexeme
    FROM public.search_lexemes AS folded
    WHERE folded.lexeme % nearest_lexeme.lexeme AND strpos(folded.lexeme, chr(1)) = 0
    UNION ALL
    SELECT logged.lexeme
    FROM (
      SELECT unnest(tsvector_to_array(log.lexemes)) FROM public.search_log_entries() AS log
      UNION ALL
      SELECT unnest(newest.lexemes)
      FROM (
        SELECT chunk.lexemes
        FROM public.search_log_entries() AS log
        JOIN public.search_log_lexemes AS chunk ON chunk.xid = log.xid AND chunk.entry = log.entry
        ORDER BY log.entry DESC
        LIMIT most_chunks
      ) AS newest
    ) AS logged (lexeme)
    WHERE strpos(logged.lexeme, chr(1)) = 0 AND logged.lexeme % nearest_lexeme.lexeme
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
-- source: src/sql/memory/quote_lexeme.sql
-- A lexeme as the text of a tsquery that finds exactly it, whatever characters it has.
CREATE OR REPLACE FUNCTION public.quote_lexeme(lexeme text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT '''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || ''''
$$;
--> statement-breakpoint
-- source: src/sql/memory/vector_index.sql
-- The vector index that is there: its access method (hnsw, ivfflat; null for none, or one whose building was
-- interrupted), its lists (ivfflat) and how many rows the table is thought to have.
--
-- In PL/pgSQL, which keeps the plans: every search asks this first, and as an SQL function it was planned each time.
CREATE OR REPLACE FUNCTION public.vector_index(OUT method text, OUT lists integer, OUT row_estimate float8)
LANGUAGE plpgsql STABLE
AS $$
BEGIN
  SELECT greatest(memory.reltuples, 0) INTO row_estimate
  FROM pg_class AS memory
  WHERE memory.oid = 'public.memory_items'::regclass;

  SELECT access.amname,
    COALESCE(substring(array_to_string(index.reloptions, ',') FROM '(?:^|,)lists=(\d+)')::integer, 100)
  INTO method, lists
  FROM pg_class AS index
  JOIN pg_index AS entry ON entry.indexrelid = index.oid
  JOIN pg_am AS access ON access.oid = index.relam
  WHERE index.oid = to_regclass('public.memory_items_embedding_idx') AND entry.indisvalid;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/vector_index_rows.sql
-- Asks the vector index for the rows nearest to the query (a unit vector) that pass the condition, which speaks of $1
-- (query_tags), $2 (filter) and $3 (required). It may return fewer than limit_rows.
--
-- The index holds half-precision vectors, so twice as many rows as wanted are taken and ordered anew by the full ones.
-- The scan goes on in relaxed order until the condition has let so many pass: in strict order a neighbour that comes
-- up late would be thrown away, which cost 3 % of recall under a filter that 5 % pass. ef_search and probes are for a
-- recall above 0.98 on real vectors (npm run bench -- vector): the more rows are wanted, the more lists they lie in.
CREATE OR REPLACE FUNCTION public.vector_index_rows(
  query vector, required tsquery, condition text, query_tags text[], limit_rows integer, filter jsonb,
  method text, lists integer
)
RETURNS TABLE (id text, similarity float8)
LANGUAGE plpgsql STABLE
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
        LIMIT 2 * $5
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
LANGUAGE plpgsql STABLE
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
BEGIN
  condition := condition || CASE WHEN required IS NULL THEN '' ELSE ' AND m.search_vector @@ $3' END;

  SELECT indexed.method, indexed.lists, indexed.row_estimate,
    greatest(4000, limit_rows, sqrt(12 * limit_rows * indexed.row_estimate))
  INTO method, lists, row_estimate, few
  FROM public.vector_index() AS indexed;

  IF method IS NOT NULL AND row_estimate > few AND required IS NULL AND query_tags = '{}' AND filter - 'fuzzy' = '{}'
    AND NOT row_security_active('public.memory_items')
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
-- the usual one or two probes.) Rows that others are claiming are skipped, never waited for. What is found is locked in
-- a statement of its own: in one statement with the update a plan may evaluate the subquery again for each row and hand
-- out far more than max_jobs.
CREATE OR REPLACE FUNCTION public.claim(
  queue text,
  worker_id text,
  max_jobs integer DEFAULT 1,
  lease_seconds double precision DEFAULT 60,
  modes public.execution_mode[] DEFAULT NULL
)
RETURNS SETOF public.jobs
LANGUAGE plpgsql
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := public.jobs_now();
  seen integer;
  is_due boolean;
  level smallint;
  found_here tid[];
  found tid[];
BEGIN
  IF claim.worker_id IS NULL OR octet_length(claim.worker_id) NOT BETWEEN 1 AND 255 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('claim: worker_id must be text of 1 to 255 bytes, got %s', coalesce(octet_length(claim.worker_id)::text, 'null'));
  END IF;
  IF claim.max_jobs IS NULL OR claim.max_jobs NOT BETWEEN 1 AND 10000 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('claim: max_jobs must be from 1 to 10000, got %s', coalesce(claim.max_jobs::text, 'null'));
  END IF;
  IF (claim.lease_seconds >= 0.01 AND claim.lease_seconds <= 604800) IS NOT TRUE THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('claim: lease_seconds must be from 0.01 to 604800 (a week), got %s', coalesce(claim.lease_seconds::text, 'null'));
  END IF;

  -- Leases have no index by their end, or no heartbeat could be a HOT update. So the jobs that have been running longest
  -- are looked at, and where there are many, one claim in ten looks at all of them: what a claim costs on average hardly
  -- grows with the number of running jobs, and no expired lease is overlooked for long.
  SELECT count(*), coalesce(bool_or(oldest.lease_expires_at <= current_moment), false) INTO seen, is_due
  FROM (
    SELECT job.lease_expires_at FROM public.jobs AS job
    WHERE job.queue = claim.queue AND job.status = 'running' AND job.started_at <= current_moment - interval '10 milliseconds'
    ORDER BY job.started_at
    LIMIT 200
  ) AS oldest;
  IF is_due
    OR EXISTS (
      SELECT FROM public.jobs AS job
      WHERE job.queue = claim.queue AND job.status IN ('pending', 'waiting') AND job.deadline_at <= current_moment
    )
    OR (seen = 200 AND random() < 0.1)
  THEN
    PERFORM public.take_back_expired(claim.queue, 100);
    current_moment := public.jobs_now();
  END IF;

  level := (
    SELECT job.priority FROM public.jobs AS job
    WHERE job.queue = claim.queue AND job.status = 'pending'
    ORDER BY job.priority DESC LIMIT 1
  );
  WHILE level IS NOT NULL LOOP
    SELECT array_agg(ready.place) INTO found_here
    FROM (
      SELECT job.ctid AS place FROM public.jobs AS job
      WHERE job.queue = claim.queue AND job.status = 'pending' AND job.priority = level
        AND job.run_at <= current_moment
        AND (job.deadline_at IS NULL OR job.deadline_at > current_moment)
        AND (claim.modes IS NULL OR job.mode = ANY (claim.modes))
      ORDER BY job.run_at, job.id
      LIMIT claim.max_jobs - coalesce(cardinality(found), 0)
      FOR NO KEY UPDATE SKIP LOCKED
    ) AS ready;
    found := found || found_here;
    EXIT WHEN cardinality(found) >= claim.max_jobs;
    level := (
      SELECT job.priority FROM public.jobs AS job
      WHERE job.queue = claim.queue AND job.status = 'pending' AND job.priority < level
      ORDER BY job.priority DESC LIMIT 1
    );
  END LOOP;

  IF found IS NULL THEN
    RETURN;
  END IF;
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
      WHERE job.ctid = ANY (found)
      RETURNING job.*
    )
    SELECT * FROM leased ORDER BY leased.priority DESC, leased.run_at, leased.id;
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
-- source: trigger memory_items_clear_search_statistics
CREATE OR REPLACE TRIGGER memory_items_clear_search_statistics
  AFTER TRUNCATE ON public.memory_items
  FOR EACH STATEMENT
  EXECUTE FUNCTION public.clear_search_statistics();
--> statement-breakpoint
-- source: trigger memory_items_log_delete
CREATE OR REPLACE TRIGGER memory_items_log_delete
  AFTER DELETE ON public.memory_items
  REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT
  EXECUTE FUNCTION public.log_memory_items_change();
--> statement-breakpoint
-- source: trigger memory_items_log_insert
CREATE OR REPLACE TRIGGER memory_items_log_insert
  AFTER INSERT ON public.memory_items
  REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT
  EXECUTE FUNCTION public.log_memory_items_change();
--> statement-breakpoint
-- source: trigger memory_items_log_update
CREATE OR REPLACE TRIGGER memory_items_log_update
  AFTER UPDATE ON public.memory_items
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT
  EXECUTE FUNCTION public.log_memory_items_change();
--> statement-breakpoint
-- source: trigger memory_items_updated_at
DROP TRIGGER IF EXISTS memory_items_updated_at ON public.memory_items; -- replaced below
--> statement-breakpoint
CREATE OR REPLACE TRIGGER memory_items_updated_at
  BEFORE UPDATE ON public.memory_items
  FOR EACH ROW
  WHEN ((OLD.id, OLD.namespace, OLD.text, OLD.tags, OLD.speaker_id, OLD.metadata, OLD.importance, OLD.expires_at, OLD.created_at) IS DISTINCT FROM (NEW.id, NEW.namespace, NEW.text, NEW.tags, NEW.speaker_id, NEW.metadata, NEW.importance, NEW.expires_at, NEW.created_at)
    OR OLD.embedding::text IS DISTINCT FROM NEW.embedding::text)
  EXECUTE FUNCTION public.set_updated_at();
--> statement-breakpoint
-- source: trigger memory_items_updated_at_kept
DROP TRIGGER IF EXISTS memory_items_updated_at_kept ON public.memory_items; -- replaced below
--> statement-breakpoint
CREATE OR REPLACE TRIGGER memory_items_updated_at_kept
  BEFORE UPDATE ON public.memory_items
  FOR EACH ROW
  WHEN (OLD.updated_at IS DISTINCT FROM NEW.updated_at AND NOT ((OLD.id, OLD.namespace, OLD.text, OLD.tags, OLD.speaker_id, OLD.metadata, OLD.importance, OLD.expires_at, OLD.created_at) IS DISTINCT FROM (NEW.id, NEW.namespace, NEW.text, NEW.tags, NEW.speaker_id, NEW.metadata, NEW.importance, NEW.expires_at, NEW.created_at)
    OR OLD.embedding::text IS DISTINCT FROM NEW.embedding::text))
  EXECUTE FUNCTION public.keep_updated_at();
--> statement-breakpoint
-- source: trigger search_lexemes_ignore_restored
CREATE OR REPLACE TRIGGER search_lexemes_ignore_restored
  BEFORE INSERT ON public.search_lexemes
  FOR EACH ROW
  WHEN (pg_trigger_depth() = 0 AND current_setting('opa.search_statistics', true) IS DISTINCT FROM 'on')
  EXECUTE FUNCTION public.ignore_restored_statistics();
--> statement-breakpoint
-- source: trigger search_log_fold
DROP TRIGGER IF EXISTS search_log_fold ON public.search_log;
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER search_log_fold
  AFTER INSERT ON public.search_log
  DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW
  WHEN (NEW.lexemes IS NULL OR NEW.entry % 32 = 0)
  EXECUTE FUNCTION public.fold_search_log();
--> statement-breakpoint
-- source: trigger search_log_ignore_restored
CREATE OR REPLACE TRIGGER search_log_ignore_restored
  BEFORE INSERT ON public.search_log
  FOR EACH ROW
  WHEN (pg_trigger_depth() = 0 AND current_setting('opa.search_statistics', true) IS DISTINCT FROM 'on')
  EXECUTE FUNCTION public.ignore_restored_statistics();
--> statement-breakpoint
-- source: trigger search_log_lexemes_ignore_restored
CREATE OR REPLACE TRIGGER search_log_lexemes_ignore_restored
  BEFORE INSERT ON public.search_log_lexemes
  FOR EACH ROW
  WHEN (pg_trigger_depth() = 0 AND current_setting('opa.search_statistics', true) IS DISTINCT FROM 'on')
  EXECUTE FUNCTION public.ignore_restored_statistics();
--> statement-breakpoint
-- source: trigger search_totals_ignore_restored
CREATE OR REPLACE TRIGGER search_totals_ignore_restored
  BEFORE INSERT ON public.search_totals
  FOR EACH ROW
  WHEN (pg_trigger_depth() = 0 AND current_setting('opa.search_statistics', true) IS DISTINCT FROM 'on')
  EXECUTE FUNCTION public.ignore_restored_statistics();
--> statement-breakpoint
-- source: src/sql/data/rebuild_search_statistics.sql
-- The memories that were there before the statistics were kept.
SELECT public.rebuild_search_statistics();

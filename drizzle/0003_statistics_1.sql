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
-- source: src/sql/tables/keep_updated_at.sql
-- Undoes an update of updated_at alone: it says when something else changed, and a client may not say otherwise.
CREATE OR REPLACE FUNCTION keep_updated_at()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  NEW.updated_at := OLD.updated_at;
  RETURN NEW;
END
$$;
--> statement-breakpoint
-- source: src/sql/tables/move_internal_tables.sql
-- Tables that are no part of the API are made by the schema's migration beside the others, and belong in the internal schema.
DO $$
DECLARE
  table_name text;
BEGIN
  FOREACH table_name IN ARRAY ARRAY[
    'search_totals', 'search_lexemes', 'search_vocabulary', 'search_log', 'search_log_lexemes', 'search_dictionary',
    'namespace_roles', 'role_rights',
    'job_wakeups', 'job_limit_states',
    'embedding_models', 'memory_history'
  ] LOOP
    IF to_regclass(format('%I.%I', current_setting('opa.schema'), table_name)) IS NOT NULL THEN
      EXECUTE format('ALTER TABLE %I.%I SET SCHEMA %I', current_setting('opa.schema'), table_name,
        current_setting('opa.schema') || '_opa');
    END IF;
  END LOOP;
END
$$;
--> statement-breakpoint
-- source: src/sql/tables/set_updated_at.sql
-- Keeps updated_at. Whether another column really changed is decided by the trigger's WHEN (src/schema/trigger.ts),
-- so that an update that changes nothing costs no function call.
CREATE OR REPLACE FUNCTION set_updated_at()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END
$$;
--> statement-breakpoint
-- path: strict
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), 'pg_catalog', 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/statistics/compact_search_log.sql
-- Adds up the log's single documents into one entry like a bulk statement's: a sixth of a fold's work, because nothing but
-- the log is written. It waits for nobody: while another session folds or compacts, it does nothing. A snapshot sees
-- either the documents or the entry.
CREATE OR REPLACE FUNCTION compact_search_log()
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
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
     OR NOT take_fold_lock() THEN
    RETURN;
  END IF;
  SELECT array_agg(log.xid) AS xids, array_agg(log.entry) AS entries, sum(log.documents) AS documents,
      sum(log.total_length) AS total_length
    INTO logged
    FROM search_log_entries() AS log WHERE log.lexemes IS NOT NULL;
  IF logged.entries IS NULL THEN
    RETURN;
  END IF;

  WITH single AS (
    DELETE FROM search_log AS log USING unnest(logged.xids, logged.entries) AS named (xid, entry)
    WHERE log.xid = named.xid AND log.entry = named.entry
    RETURNING log.documents, log.lexemes
  ), counted AS (
    SELECT word COLLATE "C" AS lexeme, sum(single.documents)::bigint AS change
    FROM single, unnest(tsvector_to_array(single.lexemes)) AS word
    GROUP BY 1 HAVING sum(single.documents) <> 0 ORDER BY 1
  )
  SELECT array_agg(lexeme) AS lexemes, array_agg(change) AS document_frequencies INTO changed FROM counted;
  PERFORM log_bulk_change(
    logged.documents::bigint, logged.total_length::bigint, changed.lexemes, changed.document_frequencies
  );
END
$$;
--> statement-breakpoint
-- source: src/sql/statistics/fold_if_possible.sql
-- fold_statistics for every isolation level: writers that are all REPEATABLE READ fold too, each only if no other fold came
-- after its snapshot. What it would have to undo then is in a subtransaction, which READ COMMITTED needs none of.
CREATE OR REPLACE FUNCTION fold_if_possible()
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
  IF current_setting('transaction_isolation') <> 'repeatable read' THEN
    RETURN fold_statistics();
  END IF;
  BEGIN
    RETURN fold_statistics();
  EXCEPTION
    WHEN serialization_failure OR unique_violation THEN
      RETURN 0;
  END;
END
$$;
--> statement-breakpoint
-- source: src/sql/statistics/fold_statistics.sql
-- Adds the log to the totals and empties it; answers the number of log entries folded. It waits for nobody: while
-- another session folds, it answers 0. Readers see the totals and the log of one snapshot, so they notice nothing.
--
-- Nothing here depends on how long other transactions last. The totals are a new row for each fold, found from the
-- newest backwards. A lexeme's row is updated in place for 64 folds (an epoch) and then written anew under the next
-- epoch, so that a reader never walks through more than 64 versions which an old snapshot keeps from being vacuumed.
-- horizon and running say which log rows this fold could not see; readers look at no others.
--
-- In a REPEATABLE READ transaction it fails with serialization_failure or unique_violation where another fold came after
-- the snapshot: the caller catches that (fold_if_possible).
--
-- jit = off: see search_log_entries. A lexeme has one row that a snapshot sees, so each is found once, by the index,
-- and then written where it lies.
CREATE OR REPLACE FUNCTION fold_statistics()
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
  folds_per_epoch CONSTANT integer := 64;
  totals search_totals;
  folded record;
  this_epoch integer;
  writer bigint;
  this_transaction bigint;
BEGIN
  -- In a serializable transaction the fold would make the user's statements fail for reasons that are not theirs.
  IF current_setting('transaction_isolation') = 'serializable' OR NOT take_fold_lock() THEN
    RETURN 0;
  END IF;
  SELECT * INTO totals FROM search_totals ORDER BY fold DESC LIMIT 1;
  totals.fold := coalesce(totals.fold, 0) + 1;
  this_epoch := totals.fold / folds_per_epoch;

  SELECT array_agg(xid) AS xids, coalesce(array_agg(entry), '{}') AS entries, coalesce(sum(documents), 0) AS documents,
         coalesce(sum(total_length), 0) AS total_length, pg_current_snapshot() AS snapshot
    INTO folded
    FROM search_log_entries();
  IF folded.entries = '{}' THEN
    RETURN 0;
  END IF;

  -- Not SET on the function: only a superuser may make one with a setting that the server does not know.
  PERFORM set_config('opa.search_statistics', 'on', true);
  WITH documents AS (
    DELETE FROM search_log AS log USING unnest(folded.xids, folded.entries) AS named (xid, entry)
     WHERE log.xid = named.xid AND log.entry = named.entry
    RETURNING log.documents, log.lexemes
  ), lexemes AS (
    DELETE FROM search_log_lexemes AS log USING unnest(folded.xids, folded.entries) AS named (xid, entry)
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
      FROM changes LEFT JOIN search_lexemes AS stored ON stored.lexeme = changes.lexeme
  ), updated AS (
    UPDATE search_lexemes AS stored
       SET epoch = this_epoch, document_frequency = counted.document_frequency, layer_1 = counted.layer_1,
           layer_2 = counted.layer_2, layer_3 = counted.layer_3
      FROM counted WHERE stored.ctid = counted.place AND counted.document_frequency <> 0
  ), vanished AS (
    DELETE FROM search_lexemes AS stored USING counted
     WHERE stored.ctid = counted.place AND counted.document_frequency = 0
    RETURNING stored.lexeme
  ), forgotten AS (
    DELETE FROM search_vocabulary AS known USING vanished WHERE known.lexeme = vanished.lexeme
  ), added AS (
    INSERT INTO search_lexemes (lexeme, epoch, document_frequency, layer_1, layer_2, layer_3)
    SELECT lexeme, this_epoch, document_frequency, layer_1, layer_2, layer_3 FROM counted WHERE place IS NULL
    RETURNING lexeme
  )
  INSERT INTO search_vocabulary (lexeme) SELECT lexeme FROM added ON CONFLICT DO NOTHING;

  DELETE FROM search_totals WHERE fold < totals.fold;
  INSERT INTO search_totals (fold, documents, total_length, horizon, running, folded_by, folded_in)
  VALUES (totals.fold, coalesce(totals.documents, 0) + folded.documents,
          coalesce(totals.total_length, 0) + folded.total_length, pg_snapshot_xmax(folded.snapshot),
          ARRAY(SELECT pg_snapshot_xip(folded.snapshot) UNION SELECT pg_current_xact_id()), pg_current_xact_id(),
          'search_totals'::regclass)
  RETURNING xmin::text::bigint INTO writer;
  -- Below a savepoint the row has the number of the subtransaction, by which readers tell that the horizon is of this row.
  this_transaction := pg_current_xact_id()::text::bigint;
  IF writer <> this_transaction & 4294967295 THEN
    UPDATE search_totals AS written
       SET folded_by = (this_transaction - (this_transaction & 4294967295) + writer
                        + CASE WHEN writer < this_transaction & 4294967295 THEN 4294967296 ELSE 0 END)::text::xid8
     WHERE written.fold = totals.fold;
  END IF;
  PERFORM set_config('opa.search_statistics', 'off', true);
  RETURN cardinality(folded.entries);
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/statistics/log_bulk_change.sql
-- Logs what a bulk statement did as one entry: documents and total_length are what it added to the corpus, and each
-- lexeme (in byte order) is in so many more of its documents. In chunks of 64 lexemes, so that a reader finds the one
-- that it asks for by the index, and a writer makes a row for 64.
CREATE OR REPLACE FUNCTION log_bulk_change(
  documents bigint, total_length bigint, lexemes text[], document_frequencies bigint[]
)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  logged search_log;
BEGIN
  INSERT INTO search_log (documents, total_length)
  VALUES (log_bulk_change.documents, log_bulk_change.total_length)
  RETURNING * INTO logged;

  INSERT INTO search_log_lexemes (xid, entry, first_lexeme, lexemes, documents)
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
-- path: strict
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), 'pg_catalog', 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/statistics/read_search_statistics.sql
-- The corpus as this snapshot sees it: how many documents, their total length, and in how many of them each of the
-- given lexemes occurs (in the order given; layer lexemes may be asked for like any other). Exact, because every
-- change is a row of the log or part of the totals, and both are read in the caller's one snapshot.
-- layer_frequencies[i] says in how many documents the i-th lexeme was in impact layer 1, 2 and 3 at the last fold. For
-- estimates alone, never for a score or a proof: the log is left out, which makes it a third of the work.
-- SECURITY DEFINER: whoever may search needs these numbers, and nobody may read or write the tables behind them. Call
-- it through search_statistics, which checks the caller's rights and locks in the right order.
CREATE OR REPLACE FUNCTION read_search_statistics(
  lexemes text[], OUT documents bigint, OUT total_length bigint, OUT document_frequencies bigint[],
  OUT layer_frequencies float8[]
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path FROM CURRENT
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
    FROM search_totals AS totals ORDER BY fold DESC LIMIT 1;
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
      SELECT document_frequency, layer_1, layer_2, layer_3 FROM search_lexemes AS stored
       WHERE stored.lexeme = split_part(asked.lexeme, chr(1), 1) AND stored.epoch <= last_epoch
       ORDER BY stored.epoch DESC LIMIT 1
    ) AS stored ON true;

  SELECT sum(log.documents), sum(log.total_length), array_agg(log.documents) FILTER (WHERE log.lexemes IS NOT NULL),
         array_agg(log.lexemes) FILTER (WHERE log.lexemes IS NOT NULL),
         array_agg(log.xid) FILTER (WHERE log.lexemes IS NULL), array_agg(log.entry) FILTER (WHERE log.lexemes IS NULL)
    INTO log_documents, log_length, small_documents, small_lexemes, bulk_xids, bulk_entries
    FROM (
      SELECT * FROM search_log WHERE xid >= from_xid AND xid < before_xid
      UNION ALL
      SELECT * FROM search_log WHERE xid = ANY (other_xids) AND NOT (xid >= from_xid AND xid < before_xid)
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
          JOIN (SELECT position, quote_lexeme(lexeme)::tsquery AS query
                  FROM unnest(read_search_statistics.lexemes) WITH ORDINALITY AS asked (lexeme, position) OFFSET 0) AS queries
            ON log.lexemes @@ query
         GROUP BY position
      ) AS changes USING (position);
  END IF;
  IF bulk_xids IS NOT NULL THEN
    SELECT array_agg(stored + (
             SELECT coalesce(sum(chunk.documents[array_position(chunk.lexemes COLLATE "C", asked.lexeme)]), 0)
               FROM unnest(bulk_xids, bulk_entries) AS bulk (xid, entry), LATERAL (
                 SELECT lexemes, documents FROM search_log_lexemes AS log
                  WHERE log.xid = bulk.xid AND log.entry = bulk.entry AND log.first_lexeme <= asked.lexeme
                  ORDER BY log.first_lexeme DESC LIMIT 1) AS chunk) ORDER BY position)
      INTO document_frequencies
      FROM (SELECT lexeme COLLATE "C", stored, position
              FROM unnest(read_search_statistics.lexemes, document_frequencies) WITH ORDINALITY AS asked (lexeme, stored, position)) AS asked;
  END IF;
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/statistics/record_search_dictionary.sql
-- Notes what the stored lexemes were made by, where that is not known: in a new database, and in a restored one, whose rows were
-- taken apart anew as they were loaded (its note is about a table that is not this one).
CREATE OR REPLACE FUNCTION record_search_dictionary()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
BEGIN
  DELETE FROM search_dictionary WHERE indexed_in <> 'memory_items'::regclass;
  INSERT INTO search_dictionary (indexed_in, fingerprint, server_version)
  SELECT 'memory_items'::regclass, search_fingerprint(), current_setting('server_version_num')::integer / 10000
  WHERE NOT EXISTS (SELECT FROM search_dictionary);
END
$$;
--> statement-breakpoint
-- source: src/sql/statistics/search_fingerprint.sql
-- What search_words makes of fixed texts, as one hash: it differs where a newer server's stemmers, or newer functions, take
-- texts apart otherwise. The words have the endings that stemmers are about.
CREATE OR REPLACE FUNCTION search_fingerprint()
RETURNS text
LANGUAGE sql STABLE
AS $$
  SELECT md5(string_agg(search_words(fixed.text)::text || tsvector_to_array(layered_search_vector(fixed.text))::text, E'\n' ORDER BY fixed.place))
  FROM unnest(ARRAY[
    'added adding adds odd egged ebb inning outing owed evening everything herring proceeding succeeded exceeding feed freed bleed news',
    'skis dying lying tying idly gently ugly early only singly sky atlas cosmos bias andes howe',
    'universal university universe general generation generator generous communism community communicate arsenal arsenic',
    'relational conditional rationally digitizer conformably radically differently vilely analogously vietnamization predication operator',
    'feudalism decisiveness hopefulness callousness formality sensitivity triplicate formative formalize electricity electrical hopeful goodness',
    'revival allowance inference airliner gyroscopic adjustable defensible irritant replacement adjustment dependent adoption communism activate',
    'probate rate cease controlling rolling falling hissing fizzed failing filing happy hopping hoped sized troubled conflated plastered',
    'over overing past pastes interning internal international paste intense intensive lateral later evident eventful emerging emergency',
    'Die Mietverträge wurden gekündigt, und das Bügeleisen ist kaputt',
    'El presidente habló de las negociaciones económicas y la situación',
    'Встречи перенесены на четверги, договоры подписаны, красивейшие улицы', 'الكتب والمكتبات والمدرسون يكتبون الدروس',
    'Οι συναντήσεις αναβλήθηκαν για τις Πέμπτες', 'बैठकें गुरुवार को स्थगित कर दी गईं', 'கூட்டங்கள் ஒத்திவைக்கப்பட்டன', 'հանդիպումները հետաձգվել են',
    '会议改到星期四下午三点', '東京への出張は来週です', '회의는 목요일로 옮겼습니다', 'ประชุมเลื่อนไปวันพฤหัสบดี',
    'getUserById src/database/connect.ts F-35B $2,450.00 +44 (0)20 7946 0018 state-of-the-art U.S.'
  ]) WITH ORDINALITY AS fixed (text, place)
$$;
--> statement-breakpoint
-- path: strict
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), 'pg_catalog', 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/statistics/search_log_entries.sql
-- The log rows that the totals of the same snapshot do not contain, found without touching the folded ones, of which
-- a long transaction may keep millions from being vacuumed. They are those of transactions that the last fold could
-- not see (from its horizon on, and those it saw running), and this transaction's own.
-- The horizon means something only in the cluster that wrote it: after a dump and restore the row is in another table,
-- written by another transaction, and the whole log, which then holds no folded rows, is read.
-- jit = off, because up to PostgreSQL 17 a scan that is off and must be made all the same counts as dear enough to
-- compile, which takes 40 ms.
CREATE OR REPLACE FUNCTION search_log_entries()
RETURNS SETOF search_log
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path FROM CURRENT
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
            FROM search_totals AS totals ORDER BY fold DESC LIMIT 1) AS last_fold
   WHERE is_ours;
  IF NOT FOUND THEN
    RETURN QUERY SELECT * FROM search_log;
    RETURN;
  END IF;
  other_xids := other_xids || pg_current_xact_id_if_assigned();
  RETURN QUERY
    SELECT * FROM search_log WHERE xid >= from_xid AND xid < before_xid
    UNION ALL
    SELECT * FROM search_log WHERE xid = ANY (other_xids) AND NOT (xid >= from_xid AND xid < before_xid);
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/statistics/search_statistics.sql
-- The numbers that BM25 needs of the whole corpus: how many documents there are, how many lexemes they have in all, and
-- in how many documents each of the given lexemes occurs (in their order). Exact in every snapshot.
-- memory_items is touched first: whoever may not read it is refused, and TRUNCATE locks it before the statistics.
CREATE OR REPLACE FUNCTION search_statistics(
  lexemes text[], OUT documents bigint, OUT total_length bigint, OUT document_frequencies bigint[]
)
LANGUAGE plpgsql STABLE
AS $$
BEGIN
  PERFORM FROM memory_items LIMIT 0;
  SELECT counted.documents, counted.total_length, counted.document_frequencies
  INTO documents, total_length, document_frequencies
  FROM read_search_statistics(lexemes) AS counted;
END
$$;
--> statement-breakpoint
-- path: strict
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), 'pg_catalog', 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/statistics/take_fold_lock.sql
-- Whether this transaction may fold, compact or rebuild the statistics: one at a time, and nobody waits. The lock is on a
-- table on which others have no rights, so that no login can take it and stop folding, as it could an advisory lock.
CREATE OR REPLACE FUNCTION take_fold_lock()
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
  LOCK TABLE search_totals IN SHARE UPDATE EXCLUSIVE MODE NOWAIT;
  RETURN true;
EXCEPTION
  WHEN lock_not_available THEN
    RETURN false;
END
$$;
--> statement-breakpoint
-- path: schema
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema')), quote_ident(current_setting('opa.schema') || '_opa'), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/statistics/api/fold_search_statistics.sql
-- Adds the log of changes to the totals of keyword search and empties it; answers the number of log entries folded, 0 while
-- another session folds. Writers do it now and then by themselves (fold_search_log): this is for where none of them can.
CREATE OR REPLACE FUNCTION fold_search_statistics()
RETURNS bigint
LANGUAGE sql SECURITY DEFINER
AS $$
  SELECT fold_if_possible()
$$;
--> statement-breakpoint
-- source: src/sql/statistics/api/has_search_log.sql
-- Whether changes of memories wait in the log of the statistics, which is where the words of deleted ones are until a fold.
CREATE OR REPLACE FUNCTION has_search_log()
RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER
AS $$
  SELECT EXISTS (SELECT FROM search_log)
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- path: of the functions above
DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION %I.fold_search_statistics() SET search_path = %I, pg_catalog, pg_temp',
    current_setting('opa.schema'), current_setting('opa.schema') || '_opa');
END
$$;
--> statement-breakpoint
DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION %I.has_search_log() SET search_path = %I, pg_catalog, pg_temp',
    current_setting('opa.schema'), current_setting('opa.schema') || '_opa');
END
$$;

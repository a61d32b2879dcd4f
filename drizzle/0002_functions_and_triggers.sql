SET LOCAL check_function_bodies = off;
--> statement-breakpoint
-- source: src/sql/storage/jobs.sql
-- A heartbeat must find room on its page: then it is a HOT update, which writes no index. Measured: 100 % of the
-- heartbeats at fillfactor 70. Rows change a few times and then never again, so vacuum comes early and often.
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
  is_allowed boolean;
BEGIN
  IF NEW.lease_token < OLD.lease_token THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('job %s: lease_token only grows, it is %s and would become %s', OLD.id, OLD.lease_token, NEW.lease_token);
  END IF;
  IF NEW.status <> OLD.status THEN
    is_allowed := CASE OLD.status
      WHEN 'pending' THEN NEW.status <> 'completed'
      WHEN 'running' THEN true
      WHEN 'waiting' THEN NEW.status IN ('pending', 'failed', 'cancelled')
      WHEN 'completed' THEN false
      ELSE NEW.status = 'pending'
    END;
    IF NOT is_allowed THEN
      RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
        MESSAGE = format('job %s: status cannot change from %s to %s', OLD.id, OLD.status, NEW.status);
    END IF;
    IF NEW.status = 'running'
      AND (NEW.lease_token = OLD.lease_token OR num_nulls(NEW.worker_id, NEW.heartbeat_at, NEW.started_at) > 0) THEN
      RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
        MESSAGE = format('job %s: to run it needs a new lease_token, a worker_id, heartbeat_at and started_at: use claim()', OLD.id);
    END IF;
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
    OR NEW.result IS DISTINCT FROM OLD.result OR NEW.id <> OLD.id THEN
    NEW.updated_at := now();
  ELSE
    NEW.updated_at := OLD.updated_at;
  END IF;
  IF NEW.id <> OLD.id THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('job %s: the id of a job never changes, got %s', OLD.id, NEW.id);
  END IF;
  RETURN NEW;
END
$$;
--> statement-breakpoint
-- source: src/sql/triggers/jobs_continue_parent.sql
-- A child has ended: its parent may go on.
CREATE OR REPLACE FUNCTION public.jobs_continue_parent()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  PERFORM public.continue_parent(NEW.parent_id);
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- source: src/sql/triggers/jobs_delete_attempts.sql
-- Deletes the attempts of deleted jobs, as a cascading foreign key would.
CREATE OR REPLACE FUNCTION public.jobs_delete_attempts()
RETURNS trigger
LANGUAGE plpgsql
SET enable_seqscan = off
AS $$
BEGIN
  DELETE FROM public.job_attempts WHERE job_id = ANY (ARRAY(SELECT id FROM deleted));
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- source: src/sql/triggers/jobs_notify.sql
-- Sends the notifications of set_job_notifications(), at most one for each channel and statement. A payload may have
-- 7999 bytes; a longer list is sent as an empty one.
CREATE OR REPLACE FUNCTION public.jobs_notify()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
  queues text;
  ended text;
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT jsonb_agg(DISTINCT changed.queue)::text INTO queues FROM changed WHERE changed.status = 'pending';
  ELSE
    SELECT jsonb_agg(DISTINCT changed.queue) FILTER (WHERE changed.status = 'pending')::text,
      jsonb_agg(changed.id) FILTER (WHERE changed.completed_at IS NOT NULL)::text
    INTO queues, ended
    FROM changed JOIN previous ON previous.id = changed.id AND previous.status <> changed.status;
  END IF;
  IF queues IS NOT NULL THEN
    PERFORM pg_notify('opa_jobs_ready', CASE WHEN octet_length(queues) < 8000 THEN queues ELSE '' END);
  END IF;
  IF ended IS NOT NULL THEN
    PERFORM pg_notify('opa_jobs_ended', CASE WHEN octet_length(ended) < 8000 THEN ended ELSE '' END);
  END IF;
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- source: src/sql/triggers/keep_updated_at.sql
-- Undoes an update of updated_at alone: it says when something else changed, and a client may not say otherwise.
CREATE OR REPLACE FUNCTION public.keep_updated_at()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  NEW.updated_at := OLD.updated_at;
  RETURN NEW;
END
$$;
--> statement-breakpoint
-- source: src/sql/triggers/set_updated_at.sql
-- Keeps updated_at. Whether another column really changed is decided by the trigger's WHEN (src/schema/trigger.ts),
-- so that an update that changes nothing costs no function call.
CREATE OR REPLACE FUNCTION public.set_updated_at()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/bm25_document_score.sql
-- BM25 of one document: the sum over the query's lexemes, each as often as the query says it, of
--   idf * tf * (k1 + 1) / (tf + k1 * (1 - b + b * length / average_length)).
-- It is summed in lexeme order, so that the same data gives the same bytes.
-- Source: Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009.
CREATE OR REPLACE FUNCTION public.bm25_document_score(
  document tsvector, length float8, average_length float8, lexemes text[], idfs float8[], k1 float8, b float8
)
RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT COALESCE(
    sum(
      query.idf * frequency.tf * (k1 + 1) / (frequency.tf + k1 * (1 - b + b * length / average_length))
      ORDER BY query.lexeme COLLATE "C"
    ),
    0
  )
  FROM unnest(document) AS entry
  JOIN unnest(lexemes, idfs) AS query (lexeme, idf) ON query.lexeme = entry.lexeme
  CROSS JOIN LATERAL (SELECT cardinality(entry.positions)::float8 AS tf) AS frequency
$$;
--> statement-breakpoint
-- source: src/sql/memory/bm25_idf.sql
-- The weight of a lexeme that occurs in document_frequency of so many documents; never negative.
CREATE OR REPLACE FUNCTION public.bm25_idf(documents bigint, document_frequency bigint)
RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
  SELECT ln(1 + (documents - document_frequency + 0.5::float8) / (document_frequency + 0.5::float8))
$$;
--> statement-breakpoint
-- source: src/sql/memory/bm25_rows.sql
-- The BM25 score of every row that shares a lexeme with the query, meets what it requires and passes the condition, in
-- no order. The condition is memory_filter_condition's: it speaks of $1 (query_tags) and $2 (filter).
CREATE OR REPLACE FUNCTION public.bm25_rows(
  lexemes text[], required tsquery, condition text, query_tags text[], filter jsonb
)
RETURNS TABLE (id text, score float8)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  statistics record;
  idfs float8[];
BEGIN
  IF cardinality(lexemes) = 0 THEN
    RETURN;
  END IF;
  SELECT * INTO statistics FROM public.search_statistics(lexemes);
  IF statistics.total_length = 0 THEN
    RETURN;
  END IF;
  idfs := ARRAY(
    SELECT public.bm25_idf(statistics.documents, frequency.df)
    FROM unnest(statistics.document_frequencies) WITH ORDINALITY AS frequency (df, place)
    ORDER BY frequency.place
  );
  RETURN QUERY EXECUTE format(
    $query$
      SELECT m.id, public.bm25_document_score(m.search_vector, m.lexeme_count, $3, $4, $5, 1.2, 0.75)
      FROM public.memory_items AS m
      WHERE m.search_vector @@ $6 AND ($7 IS NULL OR m.search_vector @@ $7) AND %s
    $query$,
    condition
  )
  USING query_tags, filter, statistics.total_length::float8 / statistics.documents, lexemes, idfs,
    public.lexeme_query(lexemes), required;
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
  IF cardinality(parsed.lexemes) = 0 OR (parsed.required IS NOT NULL AND NOT document @@ parsed.required) THEN
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
-- source: src/sql/memory/bm25_search.sql
-- Keyword search: the k best rows by BM25 (k1 = 1.2, b = 0.75) among those that share a lexeme with the query and pass
-- the filters. Statistics are over all rows, so a filter narrows the results and never changes a score.
--
-- query_text: words, "phrases", -exclusions; stop words alone find nothing
-- query_tags: any of them must be on a row; filter.all_tags = true: all of them; none: no tag filter
-- k: 1 to 1000
-- filter: namespace, speaker_id, all_tags, since, until, metadata, ids, fuzzy
CREATE OR REPLACE FUNCTION public.bm25_search(
  query_text text, query_tags text[] DEFAULT '{}', k integer DEFAULT 10, filter jsonb DEFAULT '{}'
)
RETURNS TABLE (id text, text text, tags text[], created_at timestamptz, score float8)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  condition text;
  lexemes text[];
  required tsquery;
BEGIN
  IF query_text IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'bm25_search: query_text must be text, got null';
  END IF;
  PERFORM public.check_query_text('bm25_search', query_text);
  PERFORM public.check_search_limit('bm25_search', k);
  query_tags := COALESCE(query_tags, '{}');
  filter := COALESCE(filter, '{}');
  condition := public.memory_filter_condition(query_tags, filter);

  SELECT parsed.lexemes, parsed.required INTO lexemes, required FROM public.parse_search_query(query_text) AS parsed;
  IF COALESCE((filter -> 'fuzzy')::boolean, true) THEN
    lexemes := public.correct_lexemes(lexemes);
  END IF;

  RETURN QUERY
    SELECT m.id, m.text, m.tags, m.created_at, hit.score
    FROM (
      SELECT scored.id, scored.score
      FROM public.bm25_rows(lexemes, required, condition, query_tags, filter) AS scored
      ORDER BY scored.score DESC, scored.id COLLATE "C"
      LIMIT k
    ) AS hit
    JOIN public.memory_items AS m ON m.id = hit.id
    ORDER BY hit.score DESC, hit.id COLLATE "C";
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/check_filter_time.sql
-- Refuses a filter time that is not ISO 8601. The pattern comes first, because PostgreSQL's own input would also take
-- 'yesterday', 'now' and 'infinity'.
CREATE OR REPLACE FUNCTION public.check_filter_time(filter jsonb, key text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
  came text := filter ->> key;
BEGIN
  IF came ~ '^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?\s?(Z|[+-]\d{2}(:?\d{2})?)?)?$' THEN
    PERFORM came::timestamptz;
    RETURN;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'invalid_datetime_format';
EXCEPTION
  WHEN data_exception THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter.%s must be an ISO 8601 time such as 2026-01-31T09:00:00Z, got "%s"', key, left(came, 60));
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/check_filter_value.sql
-- Refuses a filter value of the wrong type, by name. An absent key is fine; a null is not, because a caller who passes
-- one by mistake would get everybody's rows.
CREATE OR REPLACE FUNCTION public.check_filter_value(filter jsonb, key text, expected text)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  came text := jsonb_typeof(filter -> key);
BEGIN
  IF came IS NULL OR came = expected THEN
    RETURN;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
    MESSAGE = format('filter.%s must be %s, got %s', key,
      CASE expected WHEN 'array' THEN 'an array of strings' WHEN 'object' THEN 'an object' ELSE 'a ' || expected END,
      CASE came WHEN 'null' THEN 'null' ELSE came || ' ' || left((filter -> key)::text, 60) END);
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/check_fusion.sql
-- Refuses weights and fusion methods that hybrid_search does not know.
CREATE OR REPLACE FUNCTION public.check_fusion(bm25_weight float8, vector_weight float8, fusion text)
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
-- source: src/sql/memory/check_query_embedding.sql
-- Refuses a query vector that has no direction in the space of the embeddings. PostgreSQL does not enforce a typmod on
-- a function's argument, so vector(384) as its type would accept any length.
CREATE OR REPLACE FUNCTION public.check_query_embedding(caller text, query_embedding vector)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  IF vector_dims(query_embedding) <> 384 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: query_embedding must have 384 dimensions, got %s', caller, vector_dims(query_embedding));
  END IF;
  IF vector_norm(query_embedding) = 0 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: query_embedding must have a direction, got a zero vector', caller);
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/check_query_text.sql
-- Refuses a query text that is longer than the longest memory: nobody asks it, and a dictionary of it would be read.
CREATE OR REPLACE FUNCTION public.check_query_text(caller text, query_text text)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  IF octet_length(query_text) > 65536 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: query_text must have at most 65536 bytes, got %s', caller, octet_length(query_text));
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/check_search_limit.sql
-- Refuses a k that no search takes, in the name of the function that was called.
CREATE OR REPLACE FUNCTION public.check_search_limit(caller text, k integer)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  IF k IS NULL OR k NOT BETWEEN 1 AND 1000 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: k must be from 1 to 1000, got %s', caller, COALESCE(k::text, 'null'));
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/correct_lexemes.sql
-- The lexemes of a query with each one that occurs in no document replaced by the nearest one that does; those with
-- nothing near stay. In byte order, as parse_search_query gives them.
CREATE OR REPLACE FUNCTION public.correct_lexemes(lexemes text[])
RETURNS text[]
LANGUAGE sql STABLE STRICT
AS $$
  SELECT ARRAY(
    SELECT corrected.lexeme
    FROM (
      SELECT
        CASE WHEN given.frequency > 0 THEN given.lexeme ELSE COALESCE(public.nearest_lexeme(given.lexeme), given.lexeme) END
      FROM unnest(lexemes, (public.search_statistics(lexemes)).document_frequencies) AS given (lexeme, frequency)
    ) AS corrected (lexeme)
    ORDER BY corrected.lexeme COLLATE "C"
  )
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
  IF COALESCE((filter -> 'fuzzy')::boolean, true) THEN
    lexemes := public.correct_lexemes(lexemes);
  END IF;
  offered := greatest(100, 4 * k);

  RETURN QUERY
    WITH keyword AS MATERIALIZED (
      SELECT hit.id, hit.score
      FROM public.bm25_rows(lexemes, required, condition, query_tags, filter) AS hit
    ),
    candidates AS MATERIALIZED (
      (SELECT keyword.id FROM keyword ORDER BY keyword.score DESC, keyword.id COLLATE "C" LIMIT offered)
      UNION
      SELECT nearest.id
      FROM public.vector_rows(query_embedding, required, condition, query_tags, offered, filter) AS nearest
      WHERE query_embedding IS NOT NULL
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
-- source: src/sql/memory/lexeme_query.sql
-- A tsquery that any of the lexemes satisfies; null for none. The text form of a one-lexeme tsvector is quoted just as
-- tsquery's input wants it, whatever characters the lexeme has. In groups, because PostgreSQL reads and evaluates a
-- tsquery by recursion: one chain of the 10,000 words of a long text would exceed the stack.
CREATE OR REPLACE FUNCTION public.lexeme_query(lexemes text[])
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
  IF filter <> '{}' THEN
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
-- source: src/sql/memory/nearest_lexeme.sql
-- The lexeme of the corpus that is most like one that nobody wrote, or null when none is similar enough. A word with a
-- digit is never replaced: 2024 is not a misspelt 2023.
CREATE OR REPLACE FUNCTION public.nearest_lexeme(lexeme text)
RETURNS text
LANGUAGE sql STABLE STRICT
AS $$
  SELECT written.word
  FROM ts_stat('SELECT m.search_vector FROM public.memory_items AS m') AS written
  WHERE nearest_lexeme.lexeme !~ '\d' AND similarity(written.word, nearest_lexeme.lexeme) >= 0.45
  ORDER BY similarity(written.word, nearest_lexeme.lexeme) DESC, written.ndoc DESC, written.word COLLATE "C"
  LIMIT 1
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
-- source: src/sql/memory/search_statistics.sql
-- The numbers that BM25 needs of the whole corpus: how many documents there are, how many lexemes they have in all, and
-- in how many documents each of the given lexemes occurs (in their order).
CREATE OR REPLACE FUNCTION public.search_statistics(
  lexemes text[], OUT documents bigint, OUT total_length bigint, OUT document_frequencies bigint[]
)
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
  SELECT
    count(*),
    COALESCE(sum(m.lexeme_count), 0)::bigint,
    ARRAY(
      SELECT (SELECT count(*) FROM public.memory_items AS m WHERE m.search_vector @@ public.lexeme_query(ARRAY[given.lexeme]))
      FROM unnest(search_statistics.lexemes) WITH ORDINALITY AS given (lexeme, place)
      ORDER BY given.place
    )
  FROM public.memory_items AS m
$$;
--> statement-breakpoint
-- source: src/sql/memory/vector_index.sql
-- The vector index that is there: its access method (hnsw, ivfflat; null for none, or one whose building was
-- interrupted), its lists (ivfflat) and how many rows the table is thought to have.
CREATE OR REPLACE FUNCTION public.vector_index(OUT method text, OUT lists integer, OUT row_estimate float8)
LANGUAGE sql STABLE
AS $$
  SELECT access.amname, options.lists, greatest(memory.reltuples, 0)
  FROM pg_class AS memory
  LEFT JOIN (
    pg_index AS entry
    JOIN pg_class AS index ON index.oid = entry.indexrelid AND index.relname = 'memory_items_embedding_idx'
    JOIN pg_am AS access ON access.oid = index.relam
  ) ON entry.indrelid = memory.oid AND entry.indisvalid
  LEFT JOIN LATERAL (
    SELECT substring(option FROM '^lists=(\d+)$')::integer AS lists
    FROM unnest(index.reloptions) AS option
    WHERE option LIKE 'lists=%'
  ) AS options ON true
  WHERE memory.oid = 'public.memory_items'::regclass
$$;
--> statement-breakpoint
-- source: src/sql/memory/vector_index_rows.sql
-- Asks the vector index for the rows nearest to the query (a unit vector) that pass the condition, which speaks of $1
-- (query_tags), $2 (filter) and $3 (required). It may return fewer than limit_rows.
--
-- The index holds half-precision vectors, so twice as many rows as wanted are taken and ordered anew by the full ones.
-- The scan goes on in relaxed order until the condition has let so many pass: in strict order a neighbour that comes
-- up late would be thrown away, which cost 3 % of recall under a filter that 5 % pass. ef_search and probes are for a
-- recall above 0.98 on real vectors (npm run bench -- vector).
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
    WHEN 'hnsw' THEN least(1000, greatest(300, 2 * limit_rows))
    ELSE least(lists, ceil(3 * sqrt(lists)))
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
  -- Up to so many rows the exact scan is the better choice: its cost grows with the rows that pass, the index's with the
  -- rows that do not, so they meet where the product of the two selectivities is constant.
  few bigint;
  passing bigint;
  ids text[];
  similarities float8[];
BEGIN
  condition := condition || CASE WHEN required IS NULL THEN '' ELSE ' AND m.search_vector @@ $3' END;

  SELECT indexed.method, indexed.lists, indexed.row_estimate, greatest(1000, limit_rows, sqrt(50 * indexed.row_estimate))
  INTO method, lists, row_estimate, few
  FROM public.vector_index() AS indexed;

  IF method IS NOT NULL AND row_estimate > few AND required IS NULL AND query_tags = '{}' AND filter - 'fuzzy' = '{}' THEN
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
-- source: src/sql/memory/vector_search.sql
-- Search by meaning: the k rows whose embeddings are nearest to the query's, by cosine. similarity = 1 - cosine
-- distance, from -1 to 1. Rows without an embedding are not found.
--
-- query_embedding: 384 dimensions, not zero
-- query_tags, k, filter: as in bm25_search (fuzzy has no effect here)
CREATE OR REPLACE FUNCTION public.vector_search(
  query_embedding vector, query_tags text[] DEFAULT '{}', k integer DEFAULT 10, filter jsonb DEFAULT '{}'
)
RETURNS TABLE (id text, text text, tags text[], created_at timestamptz, similarity float8)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  condition text;
BEGIN
  IF query_embedding IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
      MESSAGE = 'vector_search: query_embedding must be a vector of 384 dimensions, got null';
  END IF;
  PERFORM public.check_query_embedding('vector_search', query_embedding);
  PERFORM public.check_search_limit('vector_search', k);
  query_tags := COALESCE(query_tags, '{}');
  filter := COALESCE(filter, '{}');
  condition := public.memory_filter_condition(query_tags, filter);

  RETURN QUERY
    SELECT m.id, m.text, m.tags, m.created_at, hit.similarity
    FROM public.vector_rows(query_embedding, NULL, condition, query_tags, k, filter) AS hit
    JOIN public.memory_items AS m ON m.id = hit.id
    ORDER BY hit.similarity DESC, hit.id COLLATE "C";
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
-- source: src/sql/jobs/approve.sql
-- Says yes to a job that waits for approval: it is pending, with {"approved": true, "by": …, "comment": …} in
-- required_action.response. Answers ok; wrong_status when it does not wait for approval; not_found.
--
--   SELECT approve('job-1', approved_by => 'ada', comment => 'go ahead');
CREATE OR REPLACE FUNCTION public.approve(job_id text, approved_by text DEFAULT NULL, comment text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
  PERFORM FROM public.jobs
  WHERE id = approve.job_id AND status = 'waiting' AND wait_reason = 'approval'
  FOR NO KEY UPDATE;
  IF FOUND THEN
    RETURN public.resume(approve.job_id,
      jsonb_build_object('approved', true, 'by', approve.approved_by, 'comment', approve.comment));
  END IF;
  RETURN CASE WHEN EXISTS (SELECT FROM public.jobs WHERE id = approve.job_id) THEN 'wrong_status' ELSE 'not_found' END;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/cancel.sql
-- Stops a job. A pending or waiting one is cancelled at once; a running one by request: its worker learns of it at the
-- next heartbeat and lets go, and if it does not, the job is cancelled when its lease ends. With cascade the same
-- happens to all its descendants. Answers cancelled, cancel_requested, wrong_status (it has ended) or not_found.
--
--   SELECT cancel('job-1', cascade => true);
--
-- The rows are locked from the leaves up, as the end of a child goes up to its parent, and then changed from the root
-- down, so that no parent goes on because its last child was just cancelled.
CREATE OR REPLACE FUNCTION public.cancel(job_id text, cascade boolean DEFAULT false)
RETURNS text
LANGUAGE plpgsql
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := public.jobs_now();
  targets text[] := ARRAY[cancel.job_id];
  target text;
  answer text;
BEGIN
  IF cancel.cascade THEN
    WITH RECURSIVE descendant (id, depth) AS (
      SELECT cancel.job_id COLLATE "C", 0
      UNION ALL
      SELECT child.id, descendant.depth + 1
      FROM descendant JOIN public.jobs AS child ON child.parent_id = descendant.id
    )
    SELECT array_agg(descendant.id ORDER BY descendant.depth DESC, descendant.id) INTO targets FROM descendant;
  END IF;

  FOREACH target IN ARRAY targets LOOP
    PERFORM FROM public.jobs WHERE id = target FOR NO KEY UPDATE;
  END LOOP;

  FOR place IN REVERSE cardinality(targets)..1 LOOP
    UPDATE public.jobs
    SET status = CASE status WHEN 'running' THEN status ELSE 'cancelled' END,
      completed_at = CASE status WHEN 'running' THEN NULL ELSE current_moment END,
      wait_reason = NULL,
      cancel_requested_at = coalesce(cancel_requested_at, current_moment)
    WHERE id = targets[place] AND status IN ('pending', 'waiting', 'running')
    RETURNING CASE status WHEN 'cancelled' THEN 'cancelled' ELSE 'cancel_requested' END INTO target;
    -- The job itself comes first.
    answer := coalesce(answer, target, 'wrong_status');
  END LOOP;
  IF answer = 'wrong_status' AND NOT EXISTS (SELECT FROM public.jobs WHERE id = cancel.job_id) THEN
    RETURN 'not_found';
  END IF;
  RETURN answer;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/check_leases.sql
-- Refuses lists of leases that do not fit together, for the functions that take several at once.
CREATE OR REPLACE FUNCTION public.check_leases(caller text, job_ids text[], lease_tokens bigint[])
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  IF job_ids IS NULL OR lease_tokens IS NULL OR cardinality(job_ids) <> cardinality(lease_tokens) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: job_ids and lease_tokens must be arrays of the same length, got %s and %s', caller,
        coalesce(cardinality(job_ids)::text, 'null'), coalesce(cardinality(lease_tokens)::text, 'null'));
  END IF;
  IF array_position(job_ids, NULL) IS NOT NULL OR array_position(lease_tokens, NULL) IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: every job id and lease token must be given, got a null', caller);
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/check_period.sql
-- Refuses a period that is not one, for the functions that report about the recent past.
CREATE OR REPLACE FUNCTION public.check_period(caller text, period interval)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  IF period IS NULL OR period <= interval '0' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: period must be an interval greater than 0, got %s', caller, coalesce(period::text, 'null'));
  END IF;
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
-- each priority only run_at <= now is read. (A loop does what a recursive query would: that took 80 µs to set up, each
-- probe takes 5.) Rows that others are claiming are skipped, never waited for. What is found is locked in a statement of
-- its own: in one statement with the update a plan may evaluate the subquery again for each row and hand out far more
-- than max_jobs.
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
-- that few are running it reads all of them instead of the primary key: measured, 0.8 ms instead of 0.05.
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
-- source: src/sql/jobs/complete_many.sql
-- complete() for many leases in one statement; answers for each, in the order of the arguments. results may be null
-- (no job has one) or has one for each job.
--
--   SELECT * FROM complete_many(ARRAY['job-1', 'job-2'], ARRAY[4, 1]);
CREATE OR REPLACE FUNCTION public.complete_many(job_ids text[], lease_tokens bigint[], results jsonb[] DEFAULT NULL)
RETURNS TABLE (id text, outcome text)
LANGUAGE plpgsql
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
-- source: src/sql/jobs/deadline_error.sql
-- The error of a job that was not done by its deadline, the same wherever that is found out.
CREATE OR REPLACE FUNCTION public.deadline_error(deadline_at timestamptz)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
  SELECT jsonb_build_object('code', 'deadline_exceeded', 'message', format('the job was not done by its deadline, %s', deadline_at))
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
    CASE WHEN job.cancel_requested_at IS NULL THEN end_lease.outcome ELSE 'cancelled' END, job.worker_id
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
        coalesce(enqueue.job_id, gen_random_uuid()::text),
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

  SELECT array_agg(coalesce(one.job ->> 'job_id', gen_random_uuid()::text) ORDER BY one.place),
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
    CASE next_status WHEN 'pending' THEN 'retried' ELSE next_status::text END, job.worker_id, reason
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
-- source: src/sql/jobs/get_job.sql
-- The row of a job, or no row.
--
--   SELECT status, progress FROM get_job('job-1');
CREATE OR REPLACE FUNCTION public.get_job(job_id text)
RETURNS SETOF public.jobs
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
  SELECT * FROM public.jobs WHERE id = get_job.job_id
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
-- source: src/sql/jobs/job_attempts_of.sql
-- The leases of a job that have ended, in the order in which they were taken.
--
--   SELECT attempt, worker_id, outcome, error ->> 'message' FROM job_attempts_of('job-1');
CREATE OR REPLACE FUNCTION public.job_attempts_of(job_id text)
RETURNS SETOF public.job_attempts
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
  SELECT * FROM public.job_attempts WHERE job_id = job_attempts_of.job_id ORDER BY lease_token
$$;
--> statement-breakpoint
-- source: src/sql/jobs/job_tree.sql
-- A job with all its descendants: each parent before its children, brothers and sisters in the order of their creation.
-- depth is 0 for the job itself.
--
--   SELECT repeat('  ', depth) || intent, status, progress FROM job_tree('job-1');
CREATE OR REPLACE FUNCTION public.job_tree(job_id text)
RETURNS TABLE (
  depth integer,
  id text,
  parent_id text,
  queue text,
  intent text,
  mode public.execution_mode,
  status public.job_status,
  progress real,
  progress_message text,
  attempt integer,
  wait_reason text,
  error jsonb,
  usage jsonb,
  created_at timestamptz,
  started_at timestamptz,
  completed_at timestamptz
)
LANGUAGE plpgsql STABLE
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    WITH RECURSIVE tree (depth, id, created_at) AS (
      SELECT 0, job.id, job.created_at FROM public.jobs AS job WHERE job.id = job_tree.job_id
      UNION ALL
      SELECT tree.depth + 1, child.id, child.created_at
      FROM tree JOIN public.jobs AS child ON child.parent_id = tree.id
    ) SEARCH DEPTH FIRST BY created_at, id SET place
    SELECT tree.depth, job.id, job.parent_id, job.queue, job.intent, job.mode, job.status, job.progress,
      job.progress_message, job.attempt, job.wait_reason, job.error, job.usage, job.created_at, job.started_at,
      job.completed_at
    FROM tree JOIN public.jobs AS job USING (id)
    ORDER BY tree.place;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/latency_stats.sql
-- Throughput and latency of the jobs that ended within the last `period`, by queue, intent and mode. Seconds: queued is
-- from when a job might start (run_at) to its last start, running from there to its end, total from its acceptance to
-- its end; each as the median, the 95th and the 99th percentile.
--
--   SELECT intent, jobs, running_p95 FROM latency_stats(period => interval '1 day') ORDER BY running_p95 DESC;
CREATE OR REPLACE FUNCTION public.latency_stats(queue text DEFAULT NULL, period interval DEFAULT interval '1 hour')
RETURNS TABLE (
  queue_name text,
  intent text,
  mode public.execution_mode,
  jobs bigint,
  failed bigint,
  per_second double precision,
  queued_p50 double precision,
  queued_p95 double precision,
  queued_p99 double precision,
  running_p50 double precision,
  running_p95 double precision,
  running_p99 double precision,
  total_p50 double precision,
  total_p95 double precision,
  total_p99 double precision
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  ended_after timestamptz := public.jobs_now() - latency_stats.period;
BEGIN
  PERFORM public.check_period('latency_stats', latency_stats.period);
  RETURN QUERY
    SELECT summed.queue, summed.intent, summed.mode, summed.jobs, summed.failed,
      summed.jobs / extract(epoch FROM latency_stats.period)::double precision,
      summed.queued[1], summed.queued[2], summed.queued[3],
      summed.running[1], summed.running[2], summed.running[3],
      summed.total[1], summed.total[2], summed.total[3]
    FROM (
      SELECT ended.queue, ended.intent, ended.mode, count(*) AS jobs, count(*) FILTER (WHERE ended.status = 'failed') AS failed,
        percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY ended.queued) AS queued,
        percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY ended.running) AS running,
        percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY ended.total) AS total
      FROM (
        SELECT job.queue, job.intent, job.mode, job.status,
          extract(epoch FROM greatest(job.started_at - job.run_at, interval '0'))::double precision AS queued,
          extract(epoch FROM job.completed_at - job.started_at)::double precision AS running,
          extract(epoch FROM job.completed_at - job.created_at)::double precision AS total
        FROM public.jobs AS job
        WHERE job.completed_at IS NOT NULL AND job.completed_at > ended_after
          AND (latency_stats.queue IS NULL OR job.queue = latency_stats.queue)
      ) AS ended
      GROUP BY ended.queue, ended.intent, ended.mode
    ) AS summed
    ORDER BY summed.queue, summed.intent, summed.mode;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/lease_refusal.sql
-- Why a lease could not be settled: the job is not_found, was cancelled, or this lease of it is over (stale_lease).
CREATE OR REPLACE FUNCTION public.lease_refusal(job_id text, lease_token bigint)
RETURNS text
LANGUAGE plpgsql STABLE
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
-- source: src/sql/jobs/list_jobs.sql
-- A page of jobs, the newest first. Every filter that is given must hold. For the next page call it again with after_id,
-- the id of the last row of this one; an empty page is the end.
--
--   SELECT id, status, intent FROM list_jobs(queue => 'documents', statuses => '{failed}', page_size => 20);
--
-- The plan is made anew for each call: then a filter that is not given costs nothing, and one that is can use its index.
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
  after_created_at timestamptz;
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
  RETURN QUERY
    SELECT job.* FROM public.jobs AS job
    WHERE (list_jobs.queue IS NULL OR job.queue = list_jobs.queue)
      AND (list_jobs.statuses IS NULL OR job.status = ANY (list_jobs.statuses))
      AND (list_jobs.intent IS NULL OR job.intent = list_jobs.intent)
      AND (list_jobs.modes IS NULL OR job.mode = ANY (list_jobs.modes))
      AND (list_jobs.worker_id IS NULL OR job.worker_id = list_jobs.worker_id)
      AND (list_jobs.parent_id IS NULL OR job.parent_id = list_jobs.parent_id)
      AND (list_jobs.root_id IS NULL OR job.root_id = list_jobs.root_id)
      AND (list_jobs.trace_id IS NULL OR job.trace_id = list_jobs.trace_id)
      AND (list_jobs.since IS NULL OR job.created_at >= list_jobs.since)
      AND (list_jobs.until IS NULL OR job.created_at < list_jobs.until)
      AND (list_jobs.after_id IS NULL OR (job.created_at, job.id) < (after_created_at, list_jobs.after_id))
    ORDER BY job.created_at DESC, job.id DESC
    LIMIT list_jobs.page_size;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/prune.sql
-- Deletes jobs that ended more than older_than ago, with their attempts, the oldest first, at most batch of them; gives
-- how many. Call it again until it gives 0: small batches keep locks short and leave vacuum time to follow.
--
--   SELECT prune(older_than => interval '30 days', batch => 1000);
--
-- A job that still has children stays until they are pruned: an unfinished child never loses its parent.
CREATE OR REPLACE FUNCTION public.prune(
  older_than interval,
  batch integer DEFAULT 1000,
  queue text DEFAULT NULL,
  statuses public.job_status[] DEFAULT NULL
)
RETURNS integer
LANGUAGE plpgsql
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  ended_before timestamptz := public.jobs_now() - prune.older_than;
  pruned integer;
BEGIN
  IF prune.older_than IS NULL OR prune.older_than < interval '0' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('prune: older_than must be an interval of 0 or more, got %s', coalesce(prune.older_than::text, 'null'));
  END IF;
  IF prune.batch IS NULL OR prune.batch NOT BETWEEN 1 AND 100000 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('prune: batch must be from 1 to 100000, got %s', coalesce(prune.batch::text, 'null'));
  END IF;
  WITH old AS MATERIALIZED (
    SELECT job.id FROM public.jobs AS job
    WHERE job.completed_at IS NOT NULL AND job.completed_at <= ended_before
      AND (prune.queue IS NULL OR job.queue = prune.queue)
      AND (prune.statuses IS NULL OR job.status = ANY (prune.statuses))
      AND (SELECT child.id FROM public.jobs AS child WHERE child.parent_id = job.id LIMIT 1) IS NULL
    ORDER BY job.completed_at
    LIMIT prune.batch
    FOR UPDATE SKIP LOCKED
  )
  DELETE FROM public.jobs AS job USING old WHERE job.id = old.id;
  GET DIAGNOSTICS pruned = ROW_COUNT;
  RETURN pruned;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/queue_stats.sql
-- How each queue is doing now, and what it did in the last `period`. ready may run at once, scheduled have a run_at in
-- the future (retries among them); completed, failed and cancelled are those that ended within the period, and
-- per_second is their number by its length. oldest_ready_seconds is how long the first in line has been waiting.
--
--   SELECT * FROM queue_stats(period => interval '15 minutes');
--
-- Only the partial indexes are read, so an archive of millions of finished jobs costs nothing.
CREATE OR REPLACE FUNCTION public.queue_stats(queue text DEFAULT NULL, period interval DEFAULT interval '1 hour')
RETURNS TABLE (
  queue_name text,
  pending bigint,
  ready bigint,
  scheduled bigint,
  running bigint,
  waiting bigint,
  completed bigint,
  failed bigint,
  cancelled bigint,
  per_second double precision,
  oldest_pending_at timestamptz,
  oldest_ready_seconds double precision
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := public.jobs_now();
BEGIN
  PERFORM public.check_period('queue_stats', queue_stats.period);
  RETURN QUERY
    WITH counted AS (
      SELECT job.queue, 'pending' AS status, count(*) AS jobs, count(*) FILTER (WHERE job.run_at <= current_moment) AS ready,
        min(job.created_at) AS oldest, min(job.run_at) AS first_run_at
      FROM public.jobs AS job WHERE job.status = 'pending' GROUP BY job.queue
      UNION ALL
      SELECT job.queue, 'running', count(*), NULL, NULL, NULL
      FROM public.jobs AS job WHERE job.status = 'running' GROUP BY job.queue
      UNION ALL
      SELECT job.queue, 'waiting', count(*), NULL, NULL, NULL
      FROM public.jobs AS job WHERE job.status = 'waiting' GROUP BY job.queue
      UNION ALL
      SELECT job.queue, job.status::text, count(*), NULL, NULL, NULL
      FROM public.jobs AS job
      WHERE job.completed_at IS NOT NULL AND job.completed_at > current_moment - queue_stats.period
      GROUP BY job.queue, job.status
    ), summed AS (
      SELECT counted.queue,
        coalesce(sum(counted.jobs) FILTER (WHERE counted.status = 'pending'), 0)::bigint AS pending,
        coalesce(sum(counted.ready), 0)::bigint AS ready,
        coalesce(sum(counted.jobs) FILTER (WHERE counted.status = 'running'), 0)::bigint AS running,
        coalesce(sum(counted.jobs) FILTER (WHERE counted.status = 'waiting'), 0)::bigint AS waiting,
        coalesce(sum(counted.jobs) FILTER (WHERE counted.status = 'completed'), 0)::bigint AS completed,
        coalesce(sum(counted.jobs) FILTER (WHERE counted.status = 'failed'), 0)::bigint AS failed,
        coalesce(sum(counted.jobs) FILTER (WHERE counted.status = 'cancelled'), 0)::bigint AS cancelled,
        min(counted.oldest) AS oldest, min(counted.first_run_at) AS first_run_at
      FROM counted
      WHERE queue_stats.queue IS NULL OR counted.queue = queue_stats.queue
      GROUP BY counted.queue
    )
    SELECT summed.queue, summed.pending, summed.ready, summed.pending - summed.ready, summed.running, summed.waiting,
      summed.completed, summed.failed, summed.cancelled,
      (summed.completed + summed.failed + summed.cancelled) / extract(epoch FROM queue_stats.period)::double precision,
      summed.oldest,
      CASE WHEN summed.ready > 0 THEN extract(epoch FROM current_moment - summed.first_run_at)::double precision END
    FROM summed
    ORDER BY summed.queue;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/reject.sql
-- Says no to a job that waits for approval: it has failed, with the code "rejected" and the comment as its message.
-- Answers ok; wrong_status when it does not wait for approval; not_found.
--
--   SELECT reject('job-1', rejected_by => 'ada', comment => 'too expensive');
CREATE OR REPLACE FUNCTION public.reject(job_id text, rejected_by text DEFAULT NULL, comment text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
  UPDATE public.jobs
  SET status = 'failed', wait_reason = NULL, completed_at = public.jobs_now(),
    required_action = coalesce(required_action, '{}') || jsonb_build_object('response',
      jsonb_build_object('approved', false, 'by', reject.rejected_by, 'comment', reject.comment)),
    error = jsonb_build_object('code', 'rejected', 'message', coalesce(reject.comment, 'the approval was refused'),
      'detail', jsonb_build_object('by', reject.rejected_by))
  WHERE id = reject.job_id AND status = 'waiting' AND wait_reason = 'approval';
  IF FOUND THEN
    RETURN 'ok';
  END IF;
  RETURN CASE WHEN EXISTS (SELECT FROM public.jobs WHERE id = reject.job_id) THEN 'wrong_status' ELSE 'not_found' END;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/release.sql
-- Gives a job back undone, for anybody to claim at once: a worker that shuts down, or is not the right one. The attempt
-- does not count. Answers as complete() does; cancelled when somebody had asked for that, and then the job is cancelled
-- now: release() is how a worker obeys.
--
--   SELECT release('job-1', lease_token => 4);
CREATE OR REPLACE FUNCTION public.release(job_id text, lease_token bigint)
RETURNS text
LANGUAGE plpgsql
AS $$
BEGIN
  RETURN public.end_lease(release.job_id, release.lease_token, 'pending', 'released');
END
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
-- source: src/sql/jobs/resume.sql
-- Ends the waiting of a job: it is pending, with response in required_action.response for the worker that claims it
-- next. Answers ok; wrong_status when it is not waiting; not_found.
--
--   SELECT resume('job-1', '{"colour": "blue"}');
CREATE OR REPLACE FUNCTION public.resume(job_id text, response jsonb DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
  UPDATE public.jobs
  SET status = 'pending', wait_reason = NULL, run_at = public.jobs_now(),
    required_action = coalesce(required_action, '{}') || jsonb_build_object('response', resume.response)
  WHERE id = resume.job_id AND status = 'waiting';
  IF FOUND THEN
    RETURN 'ok';
  END IF;
  RETURN CASE WHEN EXISTS (SELECT FROM public.jobs WHERE id = resume.job_id) THEN 'wrong_status' ELSE 'not_found' END;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/retry.sql
-- Runs a failed or cancelled job again, from its first attempt; what happened before stays in job_attempts. Answers ok;
-- wrong_status when it is neither; conflict when another unfinished job has its singleton_key; not_found.
--
--   SELECT retry('job-1');
--
-- A deadline that is past is taken away, or the job would fail at once.
CREATE OR REPLACE FUNCTION public.retry(job_id text, run_at timestamptz DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := public.jobs_now();
BEGIN
  BEGIN
    UPDATE public.jobs AS job
    SET status = 'pending', attempt = 0, run_at = coalesce(retry.run_at, current_moment), error = NULL, result = NULL,
      progress = 0, progress_message = NULL, completed_at = NULL, cancel_requested_at = NULL,
      deadline_at = CASE WHEN job.deadline_at <= current_moment THEN NULL ELSE job.deadline_at END
    WHERE job.id = retry.job_id AND job.status IN ('failed', 'cancelled');
  EXCEPTION WHEN unique_violation THEN
    RETURN 'conflict';
  END;
  IF FOUND THEN
    RETURN 'ok';
  END IF;
  RETURN CASE WHEN EXISTS (SELECT FROM public.jobs WHERE id = retry.job_id) THEN 'wrong_status' ELSE 'not_found' END;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/set_job_notifications.sql
-- Turns notifications for LISTEN on or off; they are off until somebody asks, for a NOTIFY makes commits queue up behind
-- each other. Only the owner of the tables may. With them on, each statement sends at most one notification:
--   channel opa_jobs_ready   a JSON array of the queues in which jobs became pending
--   channel opa_jobs_ended   a JSON array of the ids of jobs that ended
-- An empty text instead means that there were too many to name: look for yourself.
--
--   SELECT set_job_notifications(true);
CREATE OR REPLACE FUNCTION public.set_job_notifications(is_on boolean)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  IF is_on IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'set_job_notifications: is_on must be true or false, got null';
  END IF;
  DROP TRIGGER IF EXISTS jobs_notify_insert ON public.jobs;
  DROP TRIGGER IF EXISTS jobs_notify_update ON public.jobs;
  IF is_on THEN
    CREATE TRIGGER jobs_notify_insert AFTER INSERT ON public.jobs
      REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.jobs_notify();
    CREATE TRIGGER jobs_notify_update AFTER UPDATE ON public.jobs
      REFERENCING OLD TABLE AS previous NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.jobs_notify();
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/snooze.sql
-- Gives a job back for later: it is pending, and handed out again after delay_seconds. The attempt does not count.
-- Answers as release() does.
--
--   SELECT snooze('job-1', lease_token => 4, delay_seconds => 300);
CREATE OR REPLACE FUNCTION public.snooze(job_id text, lease_token bigint, delay_seconds double precision)
RETURNS text
LANGUAGE plpgsql
AS $$
BEGIN
  IF snooze.delay_seconds IS NULL OR NOT (snooze.delay_seconds >= 0 AND snooze.delay_seconds <= 31536000) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('snooze: delay_seconds must be from 0 to 31536000 (a year), got %s', coalesce(snooze.delay_seconds::text, 'null'));
  END IF;
  RETURN public.end_lease(snooze.job_id, snooze.lease_token, 'pending', 'snoozed',
    run_at => public.jobs_now() + make_interval(secs => snooze.delay_seconds));
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/stuck_jobs.sql
-- Jobs that do not go on, with the reason, the longest first, one row for each reason:
--   lease_expired      its worker is gone, and nobody claims from the queue to take it back
--   ignores_cancel     runs on although somebody asked for its cancellation longer ago than `longer_than`
--   past_deadline      unfinished after its deadline
--   runs_long          runs for longer than `longer_than`
--   waits_long         waits (for approval, input, …) for longer than `longer_than`
--   not_picked_up      ready for longer than `longer_than`: no worker for its queue and mode, or too few
--
--   SELECT reason, id, queue, intent, since FROM stuck_jobs(longer_than => interval '15 minutes');
CREATE OR REPLACE FUNCTION public.stuck_jobs(
  queue text DEFAULT NULL,
  longer_than interval DEFAULT interval '15 minutes',
  max_jobs integer DEFAULT 100
)
RETURNS TABLE (
  reason text,
  id text,
  queue_name text,
  intent text,
  mode public.execution_mode,
  status public.job_status,
  worker_id text,
  since timestamptz
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  current_moment timestamptz := public.jobs_now();
BEGIN
  IF stuck_jobs.longer_than IS NULL OR stuck_jobs.longer_than < interval '0' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('stuck_jobs: longer_than must be an interval of 0 or more, got %s', coalesce(stuck_jobs.longer_than::text, 'null'));
  END IF;
  RETURN QUERY
    SELECT found.reason, found.id, found.queue, found.intent, found.mode, found.status, found.worker_id, found.since
    FROM (
      -- One part for each status, as literals, so that each reads only its own partial index.
      SELECT job.id, job.queue, job.intent, job.mode, job.status, job.worker_id, stuck.reason, stuck.since
      FROM public.jobs AS job
      CROSS JOIN LATERAL (
        VALUES
          ('lease_expired', job.lease_expires_at, interval '0'),
          ('ignores_cancel', job.cancel_requested_at, stuck_jobs.longer_than),
          ('past_deadline', job.deadline_at, interval '0'),
          ('runs_long', job.started_at, stuck_jobs.longer_than)
      ) AS stuck (reason, since, patience)
      WHERE job.status = 'running' AND stuck.since <= current_moment - stuck.patience
      UNION ALL
      SELECT job.id, job.queue, job.intent, job.mode, job.status, job.worker_id, stuck.reason, stuck.since
      FROM public.jobs AS job
      CROSS JOIN LATERAL (
        VALUES
          ('past_deadline', job.deadline_at, interval '0'),
          ('waits_long', job.updated_at, stuck_jobs.longer_than)
      ) AS stuck (reason, since, patience)
      WHERE job.status = 'waiting' AND stuck.since <= current_moment - stuck.patience
      UNION ALL
      SELECT job.id, job.queue, job.intent, job.mode, job.status, job.worker_id, stuck.reason, stuck.since
      FROM public.jobs AS job
      CROSS JOIN LATERAL (
        VALUES
          ('past_deadline', job.deadline_at, interval '0'),
          ('not_picked_up', job.run_at, stuck_jobs.longer_than)
      ) AS stuck (reason, since, patience)
      WHERE job.status = 'pending' AND stuck.since <= current_moment - stuck.patience
    ) AS found
    WHERE stuck_jobs.queue IS NULL OR found.queue = stuck_jobs.queue
    ORDER BY found.since, found.id, found.reason
    LIMIT stuck_jobs.max_jobs;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/sum_usage.sql
-- A usage (null counts as nothing) with more added to it. Costs are decimal, so that a thousand small ones add up.
CREATE OR REPLACE FUNCTION public.sum_usage(usage jsonb, input_tokens bigint, output_tokens bigint, cost numeric)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT jsonb_build_object(
    'input_tokens', coalesce((usage ->> 'input_tokens')::bigint, 0) + input_tokens,
    'output_tokens', coalesce((usage ->> 'output_tokens')::bigint, 0) + output_tokens,
    'cost', coalesce((usage ->> 'cost')::numeric, 0) + cost
  )
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
-- source: src/sql/jobs/usage_stats.sql
-- What the models cost: the usage of the jobs that ended within the last `period` and of those that have not ended,
-- summed by model, the dearest first.
--
--   SELECT model, jobs, input_tokens, output_tokens, cost FROM usage_stats(period => interval '30 days');
CREATE OR REPLACE FUNCTION public.usage_stats(queue text DEFAULT NULL, period interval DEFAULT interval '1 day')
RETURNS TABLE (model text, jobs bigint, input_tokens bigint, output_tokens bigint, cost numeric)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  ended_after timestamptz := public.jobs_now() - usage_stats.period;
BEGIN
  PERFORM public.check_period('usage_stats', usage_stats.period);
  RETURN QUERY
    SELECT share.key, count(*), sum((share.value ->> 'input_tokens')::bigint)::bigint,
      sum((share.value ->> 'output_tokens')::bigint)::bigint, sum((share.value ->> 'cost')::numeric)
    FROM (
      SELECT job.queue, job.usage FROM public.jobs AS job
      WHERE job.completed_at IS NOT NULL AND job.completed_at > ended_after
      UNION ALL
      SELECT job.queue, job.usage FROM public.jobs AS job WHERE job.status = 'pending'
      UNION ALL
      SELECT job.queue, job.usage FROM public.jobs AS job WHERE job.status = 'running'
      UNION ALL
      SELECT job.queue, job.usage FROM public.jobs AS job WHERE job.status = 'waiting'
    ) AS one
    CROSS JOIN LATERAL jsonb_each(one.usage -> 'by_model') AS share
    WHERE usage_stats.queue IS NULL OR one.queue = usage_stats.queue
    GROUP BY share.key
    ORDER BY sum((share.value ->> 'cost')::numeric) DESC, share.key;
END
$$;
--> statement-breakpoint
-- source: src/sql/jobs/wait_for.sql
-- Lets go of a job until something happens. reason says what:
--   approval   somebody calls approve() or reject()
--   input      somebody calls resume() with an answer
--   external   a callback, say, calls resume()
--   children   the last unfinished child ends, at once if none is unfinished; on_child_failure says whether children
--              that failed or were cancelled 'fail' this job as well, or it is to 'continue' and look for itself
-- required_action describes it for whoever has to act. The job is then pending, and claimed again as any other: the
-- answer is in required_action.response. The attempt does not count. Answers as release() does.
--
--   SELECT wait_for('job-1', lease_token => 4, reason => 'approval', required_action => '{"question": "Send it?"}');
--
-- With lease_token null a pending job is held back.
CREATE OR REPLACE FUNCTION public.wait_for(
  job_id text,
  lease_token bigint,
  reason text,
  required_action jsonb DEFAULT '{}',
  on_child_failure text DEFAULT 'fail'
)
RETURNS text
LANGUAGE plpgsql
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
  action jsonb := coalesce(wait_for.required_action, '{}');
  answer text;
BEGIN
  IF wait_for.reason IS NULL OR wait_for.reason NOT IN ('approval', 'input', 'children', 'external') THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('wait_for: reason must be approval, input, children or external, got %s', coalesce(wait_for.reason, 'null'));
  END IF;
  IF jsonb_typeof(action) <> 'object' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('wait_for: required_action must be a JSON object, got %s', jsonb_typeof(action));
  END IF;
  IF wait_for.on_child_failure IS NULL OR wait_for.on_child_failure NOT IN ('fail', 'continue') THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('wait_for: on_child_failure must be fail or continue, got %s', coalesce(wait_for.on_child_failure, 'null'));
  END IF;
  IF wait_for.reason = 'children' THEN
    action := action || jsonb_build_object('on_child_failure', wait_for.on_child_failure);
  END IF;

  IF wait_for.lease_token IS NULL THEN
    UPDATE public.jobs SET status = 'waiting', wait_reason = wait_for.reason, required_action = action
    WHERE id = wait_for.job_id AND status = 'pending';
    answer := CASE WHEN FOUND THEN 'ok' ELSE public.lease_refusal(wait_for.job_id, wait_for.lease_token) END;
  ELSE
    answer := public.end_lease(wait_for.job_id, wait_for.lease_token, 'waiting', 'waiting',
      wait_reason => wait_for.reason, required_action => action);
  END IF;
  IF answer = 'ok' AND wait_for.reason = 'children' THEN
    PERFORM public.continue_parent(wait_for.job_id);
  END IF;
  RETURN answer;
END
$$;
--> statement-breakpoint
-- source: src/sql/views/job_latency_stats.sql
-- For Studio and dashboards: throughput and latency of the last hour by queue, intent and mode.
CREATE OR REPLACE VIEW public.job_latency_stats AS
SELECT * FROM public.latency_stats();
--> statement-breakpoint
-- source: src/sql/views/job_queue_stats.sql
-- For Studio and dashboards: every queue now, and its last hour.
CREATE OR REPLACE VIEW public.job_queue_stats AS
SELECT * FROM public.queue_stats();
--> statement-breakpoint
-- source: src/sql/views/job_stuck.sql
-- For Studio and dashboards: the jobs that do not go on, and why.
CREATE OR REPLACE VIEW public.job_stuck AS
SELECT * FROM public.stuck_jobs();
--> statement-breakpoint
-- source: src/sql/views/job_usage_stats.sql
-- For Studio and dashboards: tokens and cost of the last day by model.
CREATE OR REPLACE VIEW public.job_usage_stats AS
SELECT * FROM public.usage_stats();
--> statement-breakpoint
-- source: trigger jobs_child_ended
CREATE OR REPLACE TRIGGER jobs_child_ended
  AFTER UPDATE ON public.jobs
  FOR EACH ROW
  WHEN (NEW.parent_id IS NOT NULL AND NEW.completed_at IS NOT NULL AND OLD.completed_at IS NULL)
  EXECUTE FUNCTION public.jobs_continue_parent();
--> statement-breakpoint
-- source: trigger jobs_deleted
CREATE OR REPLACE TRIGGER jobs_deleted
  AFTER DELETE ON public.jobs
  REFERENCING OLD TABLE AS deleted
  FOR EACH STATEMENT
  EXECUTE FUNCTION public.jobs_delete_attempts();
--> statement-breakpoint
-- source: trigger jobs_input
CREATE OR REPLACE TRIGGER jobs_input
  BEFORE INSERT OR UPDATE OF queue, intent, max_attempts, backoff_seconds, progress_message, wait_reason, idempotency_key, singleton_key, parent_id, root_id, trace_id, callback_url, required_action, usage, metadata, inputs ON public.jobs
  FOR EACH ROW
  EXECUTE FUNCTION public.jobs_check_input();
--> statement-breakpoint
-- source: trigger jobs_transition
CREATE OR REPLACE TRIGGER jobs_transition
  BEFORE UPDATE ON public.jobs
  FOR EACH ROW
  EXECUTE FUNCTION public.jobs_check_transition();
--> statement-breakpoint
-- source: trigger memory_items_updated_at
CREATE OR REPLACE TRIGGER memory_items_updated_at
  BEFORE UPDATE ON public.memory_items
  FOR EACH ROW
  WHEN ((OLD.id, OLD.namespace, OLD.text, OLD.tags, OLD.speaker_id, OLD.metadata, OLD.embedding, OLD.importance, OLD.expires_at, OLD.created_at) IS DISTINCT FROM (NEW.id, NEW.namespace, NEW.text, NEW.tags, NEW.speaker_id, NEW.metadata, NEW.embedding, NEW.importance, NEW.expires_at, NEW.created_at))
  EXECUTE FUNCTION public.set_updated_at();
--> statement-breakpoint
-- source: trigger memory_items_updated_at_kept
CREATE OR REPLACE TRIGGER memory_items_updated_at_kept
  BEFORE UPDATE ON public.memory_items
  FOR EACH ROW
  WHEN (OLD.updated_at IS DISTINCT FROM NEW.updated_at AND NOT ((OLD.id, OLD.namespace, OLD.text, OLD.tags, OLD.speaker_id, OLD.metadata, OLD.embedding, OLD.importance, OLD.expires_at, OLD.created_at) IS DISTINCT FROM (NEW.id, NEW.namespace, NEW.text, NEW.tags, NEW.speaker_id, NEW.metadata, NEW.embedding, NEW.importance, NEW.expires_at, NEW.created_at)))
  EXECUTE FUNCTION public.keep_updated_at();

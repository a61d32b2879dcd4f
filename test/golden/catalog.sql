-- The catalog that the migrations make. Rewritten by: npm run db:golden

EXTENSION pg_trgm

EXTENSION vector

ENUM execution_mode ('flow', 'mcp', 'agent', 'auto')

ENUM job_status ('pending', 'running', 'waiting', 'completed', 'failed', 'cancelled')

TABLE job_attempts
  COLUMN job_id text COLLATE "C" NOT NULL
  COLUMN lease_token bigint NOT NULL
  COLUMN started_at timestamp with time zone NOT NULL
  COLUMN finished_at timestamp with time zone NOT NULL
  COLUMN attempt integer NOT NULL
  COLUMN outcome text NOT NULL
  COLUMN worker_id text NOT NULL
  COLUMN error jsonb
  CONSTRAINT job_attempts_outcome_check CHECK ((outcome = ANY (ARRAY['completed'::text, 'failed'::text, 'retried'::text, 'released'::text, 'snoozed'::text, 'waiting'::text, 'cancelled'::text, 'lease_lost'::text])))
  CONSTRAINT job_attempts_pkey PRIMARY KEY (job_id, lease_token)
  CREATE UNIQUE INDEX job_attempts_pkey ON public.job_attempts USING btree (job_id, lease_token)

TABLE jobs WITH (fillfactor=70, autovacuum_vacuum_scale_factor=0.01, autovacuum_vacuum_threshold=1000, autovacuum_analyze_scale_factor=0.02, autovacuum_vacuum_cost_delay=1)
  COLUMN id text COLLATE "C" NOT NULL DEFAULT (gen_random_uuid())::text
  COLUMN status job_status NOT NULL DEFAULT 'pending'::job_status
  COLUMN lease_token bigint NOT NULL DEFAULT 0
  COLUMN lease_expires_at timestamp with time zone
  COLUMN heartbeat_at timestamp with time zone
  COLUMN progress real NOT NULL DEFAULT 0
  COLUMN progress_message text
  COLUMN queue text COLLATE "C" NOT NULL DEFAULT 'default'::text
  COLUMN priority smallint NOT NULL DEFAULT 0
  COLUMN run_at timestamp with time zone NOT NULL DEFAULT jobs_now()
  COLUMN mode execution_mode NOT NULL DEFAULT 'auto'::execution_mode
  COLUMN intent text NOT NULL
  COLUMN attempt integer NOT NULL DEFAULT 0
  COLUMN max_attempts integer NOT NULL DEFAULT 3
  COLUMN backoff_seconds double precision NOT NULL DEFAULT 10
  COLUMN worker_id text
  COLUMN deadline_at timestamp with time zone
  COLUMN cancel_requested_at timestamp with time zone
  COLUMN created_at timestamp with time zone NOT NULL DEFAULT jobs_now()
  COLUMN started_at timestamp with time zone
  COLUMN completed_at timestamp with time zone
  COLUMN updated_at timestamp with time zone NOT NULL DEFAULT now()
  COLUMN wait_reason text
  COLUMN idempotency_key text COLLATE "C"
  COLUMN singleton_key text COLLATE "C"
  COLUMN parent_id text COLLATE "C"
  COLUMN root_id text COLLATE "C"
  COLUMN trace_id text
  COLUMN callback_url text
  COLUMN required_action jsonb
  COLUMN usage jsonb NOT NULL DEFAULT '{}'::jsonb
  COLUMN error jsonb
  COLUMN metadata jsonb NOT NULL DEFAULT '{}'::jsonb
  COLUMN inputs jsonb NOT NULL DEFAULT '{}'::jsonb
  COLUMN result jsonb
  CONSTRAINT jobs_attempt_check CHECK ((attempt >= 0))
  CONSTRAINT jobs_completed_at_check CHECK (((completed_at IS NULL) = (status = ANY (ARRAY['pending'::job_status, 'running'::job_status, 'waiting'::job_status]))))
  CONSTRAINT jobs_error_check CHECK (((error IS NOT NULL) OR (status <> 'failed'::job_status)))
  CONSTRAINT jobs_lease_check CHECK (((status = 'running'::job_status) = (lease_expires_at IS NOT NULL)))
  CONSTRAINT jobs_parent_id_jobs_id_fk FOREIGN KEY (parent_id) REFERENCES jobs(id)
  CONSTRAINT jobs_pkey PRIMARY KEY (id)
  CONSTRAINT jobs_progress_check CHECK (((progress >= (0)::double precision) AND (progress <= (1)::double precision)))
  CONSTRAINT jobs_wait_reason_check CHECK (((wait_reason IS NULL) = (status <> 'waiting'::job_status)))
  CREATE INDEX jobs_created_at_idx ON public.jobs USING btree (created_at)
  CREATE INDEX jobs_deadline_at_idx ON public.jobs USING btree (queue, deadline_at) WHERE ((deadline_at IS NOT NULL) AND (status = ANY (ARRAY['pending'::job_status, 'waiting'::job_status])))
  CREATE INDEX jobs_finished_idx ON public.jobs USING btree (completed_at) WHERE (completed_at IS NOT NULL)
  CREATE UNIQUE INDEX jobs_idempotency_key_unique ON public.jobs USING btree (queue, idempotency_key) WHERE (idempotency_key IS NOT NULL)
  CREATE INDEX jobs_parent_id_idx ON public.jobs USING btree (parent_id, completed_at) WHERE (parent_id IS NOT NULL)
  CREATE UNIQUE INDEX jobs_pkey ON public.jobs USING btree (id)
  CREATE INDEX jobs_ready_idx ON public.jobs USING btree (queue, priority DESC, run_at, id) WHERE (status = 'pending'::job_status)
  CREATE INDEX jobs_root_id_idx ON public.jobs USING btree (root_id) WHERE (root_id IS NOT NULL)
  CREATE INDEX jobs_running_idx ON public.jobs USING btree (queue, started_at) WHERE (status = 'running'::job_status)
  CREATE UNIQUE INDEX jobs_singleton_key_unique ON public.jobs USING btree (queue, singleton_key) WHERE ((singleton_key IS NOT NULL) AND (status = ANY (ARRAY['pending'::job_status, 'running'::job_status, 'waiting'::job_status])))
  CREATE INDEX jobs_waiting_idx ON public.jobs USING btree (queue, created_at) WHERE (status = 'waiting'::job_status)
  CREATE TRIGGER jobs_child_ended AFTER UPDATE ON public.jobs FOR EACH ROW WHEN (((new.parent_id IS NOT NULL) AND (new.completed_at IS NOT NULL) AND (old.completed_at IS NULL))) EXECUTE FUNCTION jobs_continue_parent()
  CREATE TRIGGER jobs_deleted AFTER DELETE ON public.jobs REFERENCING OLD TABLE AS deleted FOR EACH STATEMENT EXECUTE FUNCTION jobs_delete_attempts()
  CREATE TRIGGER jobs_input BEFORE INSERT OR UPDATE OF queue, intent, max_attempts, backoff_seconds, progress_message, wait_reason, idempotency_key, singleton_key, parent_id, root_id, trace_id, callback_url, required_action, usage, metadata, inputs ON public.jobs FOR EACH ROW EXECUTE FUNCTION jobs_check_input()
  CREATE TRIGGER jobs_transition BEFORE UPDATE ON public.jobs FOR EACH ROW EXECUTE FUNCTION jobs_check_transition()

TABLE memory_items WITH (toast_tuple_target=8160)
  COLUMN id text NOT NULL
  COLUMN namespace text NOT NULL DEFAULT 'default'::text
  COLUMN text text NOT NULL
  COLUMN tags text[] NOT NULL DEFAULT '{}'::text[]
  COLUMN speaker_id text
  COLUMN metadata jsonb NOT NULL DEFAULT '{}'::jsonb
  COLUMN embedding vector(384)
  COLUMN importance real NOT NULL DEFAULT 0.5
  COLUMN expires_at timestamp with time zone
  COLUMN lexeme_count integer GENERATED lexeme_count(text)
  COLUMN created_at timestamp with time zone NOT NULL DEFAULT now()
  COLUMN updated_at timestamp with time zone NOT NULL DEFAULT now()
  COLUMN search_vector tsvector GENERATED layered_search_vector(text) STORAGE e
  CONSTRAINT memory_items_embedding_check CHECK (((vector_norm(embedding) >= (0.000000000000001)::double precision) AND (vector_norm(embedding) <= ('1000000000000000'::numeric)::double precision)))
  CONSTRAINT memory_items_id_check CHECK (((octet_length(id) >= 1) AND (octet_length(id) <= 1024)))
  CONSTRAINT memory_items_importance_check CHECK (((importance >= (0)::double precision) AND (importance <= (1)::double precision)))
  CONSTRAINT memory_items_metadata_check CHECK ((jsonb_typeof(metadata) = 'object'::text))
  CONSTRAINT memory_items_namespace_check CHECK (((octet_length(namespace) >= 1) AND (octet_length(namespace) <= 1024)))
  CONSTRAINT memory_items_pkey PRIMARY KEY (id)
  CONSTRAINT memory_items_tags_check CHECK ((array_position(tags, NULL::text) IS NULL))
  CONSTRAINT memory_items_text_check CHECK (((octet_length(text) >= 1) AND (octet_length(text) <= 65536)))
  CREATE INDEX memory_items_created_at_idx ON public.memory_items USING btree (created_at)
  CREATE INDEX memory_items_embedding_idx ON public.memory_items USING hnsw (((l2_normalize(embedding))::halfvec(384)) halfvec_cosine_ops)
  CREATE INDEX memory_items_namespace_created_at_idx ON public.memory_items USING btree (namespace, created_at)
  CREATE UNIQUE INDEX memory_items_pkey ON public.memory_items USING btree (id)
  CREATE INDEX memory_items_search_vector_idx ON public.memory_items USING gin (search_vector)
  CREATE INDEX memory_items_tags_idx ON public.memory_items USING gin (tags)
  CREATE INDEX memory_items_text_idx ON public.memory_items USING gin (text gin_trgm_ops)
  CREATE TRIGGER memory_items_clear_search_statistics AFTER TRUNCATE ON public.memory_items FOR EACH STATEMENT EXECUTE FUNCTION clear_search_statistics()
  CREATE TRIGGER memory_items_log_delete AFTER DELETE ON public.memory_items REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION log_memory_items_change()
  CREATE TRIGGER memory_items_log_insert AFTER INSERT ON public.memory_items REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION log_memory_items_change()
  CREATE TRIGGER memory_items_log_update AFTER UPDATE ON public.memory_items REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION log_memory_items_change()
  CREATE TRIGGER memory_items_updated_at BEFORE UPDATE ON public.memory_items FOR EACH ROW WHEN (((((((((((old.id IS DISTINCT FROM new.id) OR (old.namespace IS DISTINCT FROM new.namespace)) OR (old.text IS DISTINCT FROM new.text)) OR (old.tags IS DISTINCT FROM new.tags)) OR (old.speaker_id IS DISTINCT FROM new.speaker_id)) OR (old.metadata IS DISTINCT FROM new.metadata)) OR (old.importance IS DISTINCT FROM new.importance)) OR (old.expires_at IS DISTINCT FROM new.expires_at)) OR (old.created_at IS DISTINCT FROM new.created_at)) OR ((old.embedding)::text IS DISTINCT FROM (new.embedding)::text))) EXECUTE FUNCTION set_updated_at()
  CREATE TRIGGER memory_items_updated_at_kept BEFORE UPDATE ON public.memory_items FOR EACH ROW WHEN (((old.updated_at IS DISTINCT FROM new.updated_at) AND (NOT ((((((((((old.id IS DISTINCT FROM new.id) OR (old.namespace IS DISTINCT FROM new.namespace)) OR (old.text IS DISTINCT FROM new.text)) OR (old.tags IS DISTINCT FROM new.tags)) OR (old.speaker_id IS DISTINCT FROM new.speaker_id)) OR (old.metadata IS DISTINCT FROM new.metadata)) OR (old.importance IS DISTINCT FROM new.importance)) OR (old.expires_at IS DISTINCT FROM new.expires_at)) OR (old.created_at IS DISTINCT FROM new.created_at)) OR ((old.embedding)::text IS DISTINCT FROM (new.embedding)::text))))) EXECUTE FUNCTION keep_updated_at()

TABLE search_lexemes WITH (fillfactor=80, autovacuum_vacuum_scale_factor=0.1)
  COLUMN lexeme text COLLATE "C" NOT NULL
  COLUMN epoch integer NOT NULL
  COLUMN document_frequency bigint NOT NULL
  CONSTRAINT search_lexemes_pkey PRIMARY KEY (lexeme, epoch)
  CREATE INDEX search_lexemes_lexeme_idx ON public.search_lexemes USING gin (lexeme gin_trgm_ops) WHERE (strpos(lexeme, chr(1)) = 0)
  CREATE UNIQUE INDEX search_lexemes_pkey ON public.search_lexemes USING btree (lexeme, epoch)
  CREATE TRIGGER search_lexemes_ignore_restored BEFORE INSERT ON public.search_lexemes FOR EACH ROW WHEN (((pg_trigger_depth() = 0) AND (current_setting('opa.search_statistics'::text, true) IS DISTINCT FROM 'on'::text))) EXECUTE FUNCTION ignore_restored_statistics()

TABLE search_log WITH (toast_tuple_target=8160, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=2000)
  COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id()
  COLUMN entry bigint NOT NULL IDENTITY
  COLUMN documents bigint NOT NULL
  COLUMN total_length bigint NOT NULL
  COLUMN lexemes tsvector STORAGE e
  CONSTRAINT search_log_pkey PRIMARY KEY (xid, entry)
  CREATE UNIQUE INDEX search_log_pkey ON public.search_log USING btree (xid, entry)
  CREATE CONSTRAINT TRIGGER search_log_fold AFTER INSERT ON public.search_log DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (((new.lexemes IS NULL) OR ((new.entry % (32)::bigint) = 0))) EXECUTE FUNCTION fold_search_log()
  CREATE TRIGGER search_log_ignore_restored BEFORE INSERT ON public.search_log FOR EACH ROW WHEN (((pg_trigger_depth() = 0) AND (current_setting('opa.search_statistics'::text, true) IS DISTINCT FROM 'on'::text))) EXECUTE FUNCTION ignore_restored_statistics()

TABLE search_log_lexemes WITH (toast_tuple_target=8160, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=2000)
  COLUMN xid xid8 NOT NULL
  COLUMN entry bigint NOT NULL
  COLUMN first_lexeme text COLLATE "C" NOT NULL
  COLUMN lexemes text[] NOT NULL STORAGE e
  COLUMN documents bigint[] NOT NULL STORAGE e
  CONSTRAINT search_log_lexemes_pkey PRIMARY KEY (xid, entry, first_lexeme)
  CREATE UNIQUE INDEX search_log_lexemes_pkey ON public.search_log_lexemes USING btree (xid, entry, first_lexeme)
  CREATE TRIGGER search_log_lexemes_ignore_restored BEFORE INSERT ON public.search_log_lexemes FOR EACH ROW WHEN (((pg_trigger_depth() = 0) AND (current_setting('opa.search_statistics'::text, true) IS DISTINCT FROM 'on'::text))) EXECUTE FUNCTION ignore_restored_statistics()

TABLE search_totals
  COLUMN fold bigint NOT NULL
  COLUMN documents bigint NOT NULL
  COLUMN total_length bigint NOT NULL
  COLUMN horizon xid8 NOT NULL
  COLUMN running xid8[] NOT NULL
  COLUMN folded_by xid8 NOT NULL
  COLUMN folded_in oid NOT NULL
  CONSTRAINT search_totals_pkey PRIMARY KEY (fold)
  CREATE UNIQUE INDEX search_totals_pkey ON public.search_totals USING btree (fold)
  CREATE TRIGGER search_totals_ignore_restored BEFORE INSERT ON public.search_totals FOR EACH ROW WHEN (((pg_trigger_depth() = 0) AND (current_setting('opa.search_statistics'::text, true) IS DISTINCT FROM 'on'::text))) EXECUTE FUNCTION ignore_restored_statistics()

VIEW job_latency_stats
  COLUMN queue_name text
  COLUMN intent text
  COLUMN mode execution_mode
  COLUMN jobs bigint
  COLUMN failed bigint
  COLUMN per_second double precision
  COLUMN queued_p50 double precision
  COLUMN queued_p95 double precision
  COLUMN queued_p99 double precision
  COLUMN running_p50 double precision
  COLUMN running_p95 double precision
  COLUMN running_p99 double precision
  COLUMN total_p50 double precision
  COLUMN total_p95 double precision
  COLUMN total_p99 double precision

VIEW job_queue_stats
  COLUMN queue_name text
  COLUMN pending bigint
  COLUMN ready bigint
  COLUMN scheduled bigint
  COLUMN running bigint
  COLUMN waiting bigint
  COLUMN completed bigint
  COLUMN failed bigint
  COLUMN cancelled bigint
  COLUMN per_second double precision
  COLUMN oldest_pending_at timestamp with time zone
  COLUMN oldest_ready_seconds double precision

VIEW job_stuck
  COLUMN reason text
  COLUMN id text
  COLUMN queue_name text
  COLUMN intent text
  COLUMN mode execution_mode
  COLUMN status job_status
  COLUMN worker_id text
  COLUMN since timestamp with time zone

VIEW job_usage_stats
  COLUMN model text
  COLUMN jobs bigint
  COLUMN input_tokens bigint
  COLUMN output_tokens bigint
  COLUMN cost numeric

CREATE OR REPLACE FUNCTION public.add_usage(job_id text, lease_token bigint, model text, input_tokens bigint DEFAULT 0, output_tokens bigint DEFAULT 0, cost numeric DEFAULT 0)
 RETURNS text
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.approve(job_id text, approved_by text DEFAULT NULL::text, comment text DEFAULT NULL::text)
 RETURNS text
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.bm25_arms(terms text[], bounds double precision[], remaining double precision[], frequencies double precision[], documents double precision, threshold double precision)
 RETURNS tsquery[]
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.bm25_companions(terms text[], bounds double precision[], remaining double precision[], frequencies double precision[], documents double precision, first integer, need double precision, expected double precision, depth integer)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.bm25_document_score(document tsvector, length double precision, average_length double precision, lexemes text[], idfs double precision[], k1 double precision, b double precision)
 RETURNS double precision
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.bm25_find(INOUT lexemes text[], is_fuzzy boolean, required tsquery, condition text, query_tags text[], k integer, filter jsonb, OUT ids text[], OUT scores double precision[], OUT report jsonb)
 RETURNS record
 LANGUAGE plpgsql
 STABLE
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
 SET max_parallel_workers_per_gather TO '0'
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.bm25_guess(impacts double precision[], frequencies double precision[], documents double precision, wanted double precision)
 RETURNS double precision
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.bm25_idf(documents bigint, document_frequency bigint)
 RETURNS double precision
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
  SELECT ln(1 + (documents - document_frequency + 0.5::float8) / (document_frequency + 0.5::float8))
$function$


CREATE OR REPLACE FUNCTION public.bm25_impact_bounds(average_length double precision)
 RETURNS double precision[]
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.bm25_levels(lexemes text[], lexeme_frequencies double precision[], weights double precision[], average_length double precision, OUT impacts double precision[], OUT terms text[], OUT bounds double precision[], OUT frequencies double precision[], OUT remaining double precision[])
 RETURNS record
 LANGUAGE plpgsql
 STABLE
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.bm25_query(INOUT lexemes text[], is_fuzzy boolean, OUT documents double precision, OUT average_length double precision, OUT words text[], OUT frequencies double precision[], OUT queries tsquery[], OUT weights double precision[])
 RETURNS record
 LANGUAGE plpgsql
 STABLE
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.bm25_scan(arms tsquery[], queries tsquery[], weights double precision[], average_length double precision, k integer, candidate_limit bigint, OUT ids text[], OUT scores double precision[], OUT candidates bigint)
 RETURNS record
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.bm25_score(query_text text, doc_text text, k1 double precision DEFAULT 1.2, b double precision DEFAULT 0.75)
 RETURNS double precision
 LANGUAGE plpgsql
 STABLE
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.bm25_score_rows(lexemes text[], required tsquery, row_ids text[])
 RETURNS TABLE(id text, score double precision)
 LANGUAGE plpgsql
 STABLE
 SET jit TO 'off'
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.bm25_search(query_text text, query_tags text[] DEFAULT '{}'::text[], k integer DEFAULT 10, filter jsonb DEFAULT '{}'::jsonb)
 RETURNS TABLE(id text, text text, tags text[], created_at timestamp with time zone, score double precision)
 LANGUAGE plpgsql
 STABLE ROWS 10
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.bm25_statement(lexemes integer, condition text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.bm25_tf_thresholds()
 RETURNS double precision[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  SELECT array_agg(partial_sum / 1.64493406685 - 3e-6 ORDER BY tf)
    FROM (SELECT tf, sum(1 / (tf * tf)::float8) OVER (ORDER BY tf) AS partial_sum
            FROM generate_series(1, 255) AS tf) AS frequencies
$function$


CREATE OR REPLACE FUNCTION public.cancel(job_id text, cascade boolean DEFAULT false)
 RETURNS text
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.check_filter_time(filter jsonb, key text)
 RETURNS void
 LANGUAGE plpgsql
 STABLE PARALLEL SAFE
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.check_filter_value(filter jsonb, key text, expected text)
 RETURNS void
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.check_fusion(bm25_weight double precision, vector_weight double precision, fusion text)
 RETURNS void
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.check_leases(caller text, job_ids text[], lease_tokens bigint[])
 RETURNS void
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.check_period(caller text, period interval)
 RETURNS void
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
BEGIN
  IF period IS NULL OR period <= interval '0' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: period must be an interval greater than 0, got %s', caller, coalesce(period::text, 'null'));
  END IF;
END
$function$


CREATE OR REPLACE FUNCTION public.check_query_embedding(caller text, query_embedding vector)
 RETURNS void
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.check_query_text(caller text, query_text text)
 RETURNS void
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
BEGIN
  IF octet_length(query_text) > 65536 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: query_text must have at most 65536 bytes, got %s', caller, octet_length(query_text));
  END IF;
END
$function$


CREATE OR REPLACE FUNCTION public.check_search_limit(caller text, k integer)
 RETURNS void
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
BEGIN
  IF k IS NULL OR k NOT BETWEEN 1 AND 1000 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: k must be from 1 to 1000, got %s', caller, COALESCE(k::text, 'null'));
  END IF;
END
$function$


CREATE OR REPLACE FUNCTION public.claim(queue text, worker_id text, max_jobs integer DEFAULT 1, lease_seconds double precision DEFAULT 60, modes execution_mode[] DEFAULT NULL::execution_mode[])
 RETURNS SETOF jobs
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.clear_search_statistics()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
  SET CONSTRAINTS public.search_log_fold IMMEDIATE;
  TRUNCATE public.search_log, public.search_log_lexemes, public.search_lexemes, public.search_totals;
  SET CONSTRAINTS public.search_log_fold DEFERRED;
  RETURN NULL;
END
$function$


CREATE OR REPLACE FUNCTION public.complete(job_id text, lease_token bigint, result jsonb DEFAULT NULL::jsonb)
 RETURNS text
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.complete_many(job_ids text[], lease_tokens bigint[], results jsonb[] DEFAULT NULL::jsonb[])
 RETURNS TABLE(id text, outcome text)
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.continue_parent(job_id text)
 RETURNS void
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.correct_lexemes(lexemes text[])
 RETURNS text[]
 LANGUAGE sql
 STABLE STRICT
AS $function$
  SELECT ARRAY(
    SELECT corrected.lexeme
    FROM (
      SELECT
        CASE WHEN given.frequency > 0 THEN given.lexeme ELSE COALESCE(public.nearest_lexeme(given.lexeme), given.lexeme) END
      FROM unnest(lexemes, (public.search_statistics(lexemes)).document_frequencies) AS given (lexeme, frequency)
    ) AS corrected (lexeme)
    ORDER BY corrected.lexeme COLLATE "C"
  )
$function$


CREATE OR REPLACE FUNCTION public.deadline_error(deadline_at timestamp with time zone)
 RETURNS jsonb
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
  SELECT jsonb_build_object('code', 'deadline_exceeded', 'message', format('the job was not done by its deadline, %s', deadline_at))
$function$


CREATE OR REPLACE FUNCTION public.end_lease(job_id text, lease_token bigint, next_status job_status, outcome text, run_at timestamp with time zone DEFAULT NULL::timestamp with time zone, wait_reason text DEFAULT NULL::text, required_action jsonb DEFAULT NULL::jsonb)
 RETURNS text
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.enqueue(intent text, inputs jsonb DEFAULT '{}'::jsonb, queue text DEFAULT 'default'::text, mode execution_mode DEFAULT 'auto'::execution_mode, priority integer DEFAULT 0, run_at timestamp with time zone DEFAULT NULL::timestamp with time zone, job_id text DEFAULT NULL::text, idempotency_key text DEFAULT NULL::text, singleton_key text DEFAULT NULL::text, parent_id text DEFAULT NULL::text, deadline_at timestamp with time zone DEFAULT NULL::timestamp with time zone, max_attempts integer DEFAULT 3, backoff_seconds double precision DEFAULT 10, wait_reason text DEFAULT NULL::text, required_action jsonb DEFAULT NULL::jsonb, metadata jsonb DEFAULT '{}'::jsonb, trace_id text DEFAULT NULL::text, callback_url text DEFAULT NULL::text)
 RETURNS TABLE(id text, status job_status, created boolean)
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.enqueue_many(jobs jsonb)
 RETURNS TABLE(id text, status job_status, created boolean)
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.estimate_filter(condition text, query_tags text[], filter jsonb, required tsquery, OUT share double precision, OUT has_index boolean)
 RETURNS record
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.explain_search(query_text text, query_tags text[] DEFAULT '{}'::text[], k integer DEFAULT 10, filter jsonb DEFAULT '{}'::jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.fail(job_id text, lease_token bigint, error jsonb, retryable boolean DEFAULT true, retry_in_seconds double precision DEFAULT NULL::double precision)
 RETURNS text
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.find_duplicate(queue text, job_id text, idempotency_key text, singleton_key text)
 RETURNS TABLE(id text, status job_status)
 LANGUAGE plpgsql
 STABLE
 SET enable_seqscan TO 'off'
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.fold_search_log()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.fold_search_statistics()
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.folded_frequencies(lexemes text[])
 RETURNS double precision[]
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.get_job(job_id text)
 RETURNS SETOF jobs
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
  SELECT * FROM public.jobs WHERE id = get_job.job_id
$function$


CREATE OR REPLACE FUNCTION public.heartbeat(job_ids text[], lease_tokens bigint[], lease_seconds double precision DEFAULT 60)
 RETURNS TABLE(id text, lease_token bigint, state text, lease_expires_at timestamp with time zone)
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.highlight(document text, query_text text, start_tag text DEFAULT '<b>'::text, stop_tag text DEFAULT '</b>'::text, max_words integer DEFAULT 35)
 RETURNS text
 LANGUAGE plpgsql
 STABLE
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.hybrid_search(query_text text, query_embedding vector, query_tags text[] DEFAULT '{}'::text[], k integer DEFAULT 10, bm25_weight double precision DEFAULT 0.5, vector_weight double precision DEFAULT 0.5, filter jsonb DEFAULT '{}'::jsonb, fusion text DEFAULT 'convex'::text)
 RETURNS TABLE(id text, text text, tags text[], created_at timestamp with time zone, bm25_score double precision, vector_score double precision, combined_score double precision, bm25_rank integer, vector_rank integer)
 LANGUAGE plpgsql
 STABLE
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.ignore_restored_statistics()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  RETURN NULL;
END
$function$


CREATE OR REPLACE FUNCTION public.job_attempts_of(job_id text)
 RETURNS SETOF job_attempts
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
  SELECT * FROM public.job_attempts WHERE job_id = job_attempts_of.job_id ORDER BY lease_token
$function$


CREATE OR REPLACE FUNCTION public.job_tree(job_id text)
 RETURNS TABLE(depth integer, id text, parent_id text, queue text, intent text, mode execution_mode, status job_status, progress real, progress_message text, attempt integer, wait_reason text, error jsonb, usage jsonb, created_at timestamp with time zone, started_at timestamp with time zone, completed_at timestamp with time zone)
 LANGUAGE plpgsql
 STABLE
 SET enable_seqscan TO 'off'
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.jobs_check_input()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.jobs_check_transition()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.jobs_continue_parent()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  PERFORM public.continue_parent(NEW.parent_id);
  RETURN NULL;
END
$function$


CREATE OR REPLACE FUNCTION public.jobs_delete_attempts()
 RETURNS trigger
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
AS $function$
BEGIN
  DELETE FROM public.job_attempts WHERE job_id = ANY (ARRAY(SELECT id FROM deleted));
  RETURN NULL;
END
$function$


CREATE OR REPLACE FUNCTION public.jobs_notify()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.jobs_now()
 RETURNS timestamp with time zone
 LANGUAGE sql
 PARALLEL SAFE
AS $function$
  SELECT clock_timestamp()
$function$


CREATE OR REPLACE FUNCTION public.keep_updated_at()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  NEW.updated_at := OLD.updated_at;
  RETURN NEW;
END
$function$


CREATE OR REPLACE FUNCTION public.latency_stats(queue text DEFAULT NULL::text, period interval DEFAULT '01:00:00'::interval)
 RETURNS TABLE(queue_name text, intent text, mode execution_mode, jobs bigint, failed bigint, per_second double precision, queued_p50 double precision, queued_p95 double precision, queued_p99 double precision, running_p50 double precision, running_p95 double precision, running_p99 double precision, total_p50 double precision, total_p95 double precision, total_p99 double precision)
 LANGUAGE plpgsql
 STABLE
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.layered_search_vector(document text)
 RETURNS tsvector
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
DECLARE
  -- Names are qualified, because a restore runs with an empty search_path.
  words pg_catalog.tsvector := pg_catalog.to_tsvector('pg_catalog.english'::pg_catalog.regconfig, document);
  length_norm pg_catalog.float8;
  layers pg_catalog.text[];
BEGIN
  IF pg_catalog.length(words) = 0 THEN
    RETURN words;
  END IF;
  length_norm := 0.25 + 0.75 / 43 * pg_catalog.round(1e-20 / pg_catalog.ts_rank(words, E'''\x01'' & ''\x02''', 2));

  SELECT pg_catalog.array_agg(lexeme || E'\x01' || '1')
      || COALESCE(pg_catalog.array_agg(lexeme || E'\x01' || '2') FILTER (WHERE tf >= 2.4 * length_norm), '{}')
      || COALESCE(pg_catalog.array_agg(lexeme || E'\x01' || '3') FILTER (WHERE tf >= 4.5 * length_norm), '{}')
    INTO layers
    FROM (SELECT entry.lexeme, pg_catalog.cardinality(entry.positions) AS tf FROM pg_catalog.unnest(words) AS entry OFFSET 0) AS word
   WHERE tf >= 1.4 * length_norm;

  IF layers IS NULL THEN
    RETURN words;
  END IF;
  RETURN words || pg_catalog.array_to_tsvector(layers);
END
$function$


CREATE OR REPLACE FUNCTION public.lease_refusal(job_id text, lease_token bigint)
 RETURNS text
 LANGUAGE plpgsql
 STABLE
 SET enable_seqscan TO 'off'
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.lexeme_count(document text)
 RETURNS integer
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
DECLARE
  words pg_catalog.tsvector := pg_catalog.to_tsvector('pg_catalog.english'::pg_catalog.regconfig, document);
BEGIN
  IF pg_catalog.length(words) = 0 THEN
    RETURN 0;
  END IF;
  RETURN pg_catalog.round(1e-20 / pg_catalog.ts_rank(words, E'''\x01'' & ''\x02''', 2));
END
$function$


CREATE OR REPLACE FUNCTION public.lexeme_query(lexemes text[])
 RETURNS tsquery
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
  SELECT string_agg('(' || chunk.query || ')', '|')::tsquery
  FROM (
    SELECT string_agg(array_to_tsvector(ARRAY[given.lexeme])::text, '|') AS query
    FROM unnest(lexemes) WITH ORDINALITY AS given (lexeme, place)
    GROUP BY (given.place - 1) / 128
  ) AS chunk
$function$


CREATE OR REPLACE FUNCTION public.list_jobs(queue text DEFAULT NULL::text, statuses job_status[] DEFAULT NULL::job_status[], intent text DEFAULT NULL::text, modes execution_mode[] DEFAULT NULL::execution_mode[], worker_id text DEFAULT NULL::text, parent_id text DEFAULT NULL::text, root_id text DEFAULT NULL::text, trace_id text DEFAULT NULL::text, since timestamp with time zone DEFAULT NULL::timestamp with time zone, until timestamp with time zone DEFAULT NULL::timestamp with time zone, after_id text DEFAULT NULL::text, page_size integer DEFAULT 50)
 RETURNS SETOF jobs
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
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
$function$


-- not for everybody
CREATE OR REPLACE FUNCTION public.log_bulk_change(documents bigint, total_length bigint, lexemes text[], document_frequencies bigint[])
 RETURNS void
 LANGUAGE sql
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.log_memory_items_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.memory_filter_condition(query_tags text[], filter jsonb, options text[] DEFAULT '{}'::text[])
 RETURNS text
 LANGUAGE plpgsql
 STABLE PARALLEL SAFE
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.memory_id(namespace text, text text, tags text[])
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
DECLARE
  netstrings bytea;
BEGIN
  IF memory_id.namespace IS NULL OR memory_id.text IS NULL OR array_position(memory_id.tags, NULL) IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
      MESSAGE = 'memory_id: namespace, text and every tag must be text, got null';
  END IF;
  SELECT string_agg(convert_to(octet_length(part.value) || ':' || part.value || ',', 'UTF8'), ''::bytea ORDER BY part.place, part.value COLLATE "C")
  INTO netstrings
  FROM (
    VALUES (1, memory_id.namespace), (2, memory_id.text)
    UNION ALL
    SELECT DISTINCT 3, tag.value FROM unnest(memory_id.tags) AS tag (value)
  ) AS part (place, value);
  RETURN encode(sha256(netstrings), 'hex');
END
$function$


CREATE OR REPLACE FUNCTION public.nearest_lexeme(lexeme text)
 RETURNS text
 LANGUAGE plpgsql
 STABLE STRICT SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
 SET enable_seqscan TO 'off'
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.parse_search_query(query_text text, OUT lexemes text[], OUT required tsquery)
 RETURNS record
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.prune(older_than interval, batch integer DEFAULT 1000, queue text DEFAULT NULL::text, statuses job_status[] DEFAULT NULL::job_status[])
 RETURNS integer
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.queue_stats(queue text DEFAULT NULL::text, period interval DEFAULT '01:00:00'::interval)
 RETURNS TABLE(queue_name text, pending bigint, ready bigint, scheduled bigint, running bigint, waiting bigint, completed bigint, failed bigint, cancelled bigint, per_second double precision, oldest_pending_at timestamp with time zone, oldest_ready_seconds double precision)
 LANGUAGE plpgsql
 STABLE
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.quote_lexeme(lexeme text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  SELECT '''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || ''''
$function$


CREATE OR REPLACE FUNCTION public.read_search_statistics(lexemes text[], OUT documents bigint, OUT total_length bigint, OUT document_frequencies bigint[])
 RETURNS record
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
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
$function$


-- not for everybody
CREATE OR REPLACE FUNCTION public.rebuild_search_statistics()
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.reject(job_id text, rejected_by text DEFAULT NULL::text, comment text DEFAULT NULL::text)
 RETURNS text
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.release(job_id text, lease_token bigint)
 RETURNS text
 LANGUAGE plpgsql
AS $function$
BEGIN
  RETURN public.end_lease(release.job_id, release.lease_token, 'pending', 'released');
END
$function$


CREATE OR REPLACE FUNCTION public.report_progress(job_id text, lease_token bigint, progress double precision DEFAULT NULL::double precision, message text DEFAULT NULL::text)
 RETURNS text
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.resume(job_id text, response jsonb DEFAULT NULL::jsonb)
 RETURNS text
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.retry(job_id text, run_at timestamp with time zone DEFAULT NULL::timestamp with time zone)
 RETURNS text
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
AS $function$
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
$function$


-- not for everybody
CREATE OR REPLACE FUNCTION public.search_log_entries()
 RETURNS SETOF search_log
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.search_statistics(lexemes text[], OUT documents bigint, OUT total_length bigint, OUT document_frequencies bigint[])
 RETURNS record
 LANGUAGE plpgsql
 STABLE
AS $function$
BEGIN
  PERFORM FROM public.memory_items LIMIT 0;
  SELECT counted.documents, counted.total_length, counted.document_frequencies
  INTO documents, total_length, document_frequencies
  FROM public.read_search_statistics(lexemes) AS counted;
END
$function$


CREATE OR REPLACE FUNCTION public.set_job_notifications(is_on boolean)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.set_updated_at()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END
$function$


CREATE OR REPLACE FUNCTION public.snooze(job_id text, lease_token bigint, delay_seconds double precision)
 RETURNS text
 LANGUAGE plpgsql
AS $function$
BEGIN
  IF snooze.delay_seconds IS NULL OR NOT (snooze.delay_seconds >= 0 AND snooze.delay_seconds <= 31536000) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('snooze: delay_seconds must be from 0 to 31536000 (a year), got %s', coalesce(snooze.delay_seconds::text, 'null'));
  END IF;
  RETURN public.end_lease(snooze.job_id, snooze.lease_token, 'pending', 'snoozed',
    run_at => public.jobs_now() + make_interval(secs => snooze.delay_seconds));
END
$function$


CREATE OR REPLACE FUNCTION public.stuck_jobs(queue text DEFAULT NULL::text, longer_than interval DEFAULT '00:15:00'::interval, max_jobs integer DEFAULT 100)
 RETURNS TABLE(reason text, id text, queue_name text, intent text, mode execution_mode, status job_status, worker_id text, since timestamp with time zone)
 LANGUAGE plpgsql
 STABLE
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.sum_usage(usage jsonb, input_tokens bigint, output_tokens bigint, cost numeric)
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  SELECT jsonb_build_object(
    'input_tokens', coalesce((usage ->> 'input_tokens')::bigint, 0) + input_tokens,
    'output_tokens', coalesce((usage ->> 'output_tokens')::bigint, 0) + output_tokens,
    'cost', coalesce((usage ->> 'cost')::numeric, 0) + cost
  )
$function$


CREATE OR REPLACE FUNCTION public.take_back_expired(queue text DEFAULT 'default'::text, max_jobs integer DEFAULT 100)
 RETURNS integer
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.usage_stats(queue text DEFAULT NULL::text, period interval DEFAULT '1 day'::interval)
 RETURNS TABLE(model text, jobs bigint, input_tokens bigint, output_tokens bigint, cost numeric)
 LANGUAGE plpgsql
 STABLE
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.vector_index(OUT method text, OUT lists integer, OUT row_estimate double precision)
 RETURNS record
 LANGUAGE plpgsql
 STABLE
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.vector_index_rows(query vector, required tsquery, condition text, query_tags text[], limit_rows integer, filter jsonb, method text, lists integer)
 RETURNS TABLE(id text, similarity double precision)
 LANGUAGE plpgsql
 STABLE
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.vector_rows(query_embedding vector, required tsquery, condition text, query_tags text[], limit_rows integer, filter jsonb)
 RETURNS TABLE(id text, similarity double precision)
 LANGUAGE plpgsql
 STABLE
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.vector_search(query_embedding vector, query_tags text[] DEFAULT '{}'::text[], k integer DEFAULT 10, filter jsonb DEFAULT '{}'::jsonb)
 RETURNS TABLE(id text, text text, tags text[], created_at timestamp with time zone, similarity double precision)
 LANGUAGE plpgsql
 STABLE
AS $function$
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
$function$


CREATE OR REPLACE FUNCTION public.wait_for(job_id text, lease_token bigint, reason text, required_action jsonb DEFAULT '{}'::jsonb, on_child_failure text DEFAULT 'fail'::text)
 RETURNS text
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
AS $function$
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
$function$


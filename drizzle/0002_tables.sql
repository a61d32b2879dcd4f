-- path: of the installation
SELECT set_config('opa.schema', coalesce(nullif(current_setting('opa.schema', true), ''), current_schema(), ''), true);
--> statement-breakpoint
-- path: schema
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema')), quote_ident(current_setting('opa.schema') || '_opa'), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
CREATE TYPE "attempt_outcome" AS ENUM('completed', 'failed', 'retried', 'released', 'snoozed', 'waiting', 'cancelled', 'lease_lost');--> statement-breakpoint
CREATE TYPE "execution_mode" AS ENUM('flow', 'mcp', 'agent', 'auto');--> statement-breakpoint
CREATE TYPE "job_status" AS ENUM('pending', 'running', 'waiting', 'completed', 'failed', 'cancelled');--> statement-breakpoint
CREATE TABLE "embedding_models" (
	"id" integer PRIMARY KEY NOT NULL,
	"name" text,
	"dimensions" integer NOT NULL,
	"state" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"changed_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "embedding_models_name_check" CHECK (octet_length("embedding_models"."name") BETWEEN 1 AND 1024),
	CONSTRAINT "embedding_models_dimensions_check" CHECK ("embedding_models"."dimensions" BETWEEN 1 AND 4000),
	CONSTRAINT "embedding_models_state_check" CHECK ("embedding_models"."state" IN ('current', 'next', 'former', 'cancelled'))
);
--> statement-breakpoint
CREATE TABLE "job_answers" (
	"job_id" text COLLATE "C" NOT NULL,
	"wait_id" text COLLATE "C" NOT NULL,
	"answer" text NOT NULL,
	"answered_at" timestamp with time zone NOT NULL,
	"response" jsonb,
	CONSTRAINT "job_answers_pkey" PRIMARY KEY("job_id","wait_id")
);
--> statement-breakpoint
CREATE TABLE "job_attempts" (
	"job_id" text COLLATE "C" NOT NULL,
	"lease_token" bigint NOT NULL,
	"started_at" timestamp with time zone NOT NULL,
	"finished_at" timestamp with time zone NOT NULL,
	"attempt" integer NOT NULL,
	"outcome" "attempt_outcome" NOT NULL,
	"worker_id" text NOT NULL,
	"error" jsonb,
	CONSTRAINT "job_attempts_pkey" PRIMARY KEY("job_id","lease_token")
);
--> statement-breakpoint
CREATE TABLE "job_checkpoints" (
	"job_id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"lease_token" bigint NOT NULL,
	"saved_at" timestamp with time zone DEFAULT jobs_now() NOT NULL,
	"state" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "job_events" (
	"job_id" text COLLATE "C" NOT NULL,
	"seq" bigint NOT NULL,
	"at" timestamp with time zone DEFAULT jobs_now() NOT NULL,
	"kind" text NOT NULL,
	"data" jsonb NOT NULL,
	CONSTRAINT "job_events_pkey" PRIMARY KEY("job_id","seq"),
	CONSTRAINT "job_events_kind_check" CHECK (kind IN ('status', 'progress', 'output'))
);
--> statement-breakpoint
CREATE TABLE "job_limit_states" (
	"queue" text COLLATE "C" NOT NULL,
	"limit_key" text COLLATE "C" NOT NULL,
	"next_at" timestamp with time zone,
	CONSTRAINT "job_limit_states_pkey" PRIMARY KEY("queue","limit_key")
);
--> statement-breakpoint
CREATE TABLE "job_limits" (
	"queue" text COLLATE "C" NOT NULL,
	"limit_key" text COLLATE "C" NOT NULL,
	"max_running" integer,
	"rate_limit" double precision,
	"rate_period_seconds" double precision,
	"rate_burst" integer,
	CONSTRAINT "job_limits_pkey" PRIMARY KEY("queue","limit_key")
);
--> statement-breakpoint
CREATE TABLE "job_queues" (
	"queue" text COLLATE "C" PRIMARY KEY NOT NULL,
	"paused_at" timestamp with time zone NOT NULL,
	"reason" text
);
--> statement-breakpoint
CREATE TABLE "job_wakeups" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "job_wakeups_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"queue" text COLLATE "C" NOT NULL,
	"parent_id" text COLLATE "C" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "jobs" (
	"id" text COLLATE "C" PRIMARY KEY DEFAULT new_job_id(jobs_now()) NOT NULL,
	"status" "job_status" DEFAULT 'pending' NOT NULL,
	"lease_token" bigint DEFAULT 0 NOT NULL,
	"lease_expires_at" timestamp with time zone,
	"heartbeat_at" timestamp with time zone,
	"progress" real DEFAULT 0 NOT NULL,
	"progress_message" text,
	"queue" text COLLATE "C" DEFAULT 'default' NOT NULL,
	"priority" smallint DEFAULT 0 NOT NULL,
	"run_at" timestamp with time zone DEFAULT jobs_now() NOT NULL,
	"mode" "execution_mode" DEFAULT 'auto' NOT NULL,
	"intent" text COLLATE "C" NOT NULL,
	"attempt" integer DEFAULT 0 NOT NULL,
	"max_attempts" integer DEFAULT 3 NOT NULL,
	"backoff_seconds" double precision DEFAULT 10 NOT NULL,
	"worker_id" text,
	"deadline_at" timestamp with time zone,
	"cancel_requested_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT jobs_now() NOT NULL,
	"started_at" timestamp with time zone,
	"completed_at" timestamp with time zone,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"losses" integer DEFAULT 0 NOT NULL,
	"on_lost" text DEFAULT 'retry' NOT NULL,
	"attempt_timeout_seconds" double precision,
	"wait_reason" text,
	"wait_id" text COLLATE "C",
	"wait_expires_at" timestamp with time zone,
	"limit_key" text COLLATE "C",
	"idempotency_key" text COLLATE "C",
	"singleton_key" text COLLATE "C",
	"parent_id" text COLLATE "C",
	"root_id" text COLLATE "C",
	"trace_id" text,
	"callback_url" text,
	"required_action" jsonb,
	"usage" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"error" jsonb,
	"metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"inputs" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"result" jsonb
);
--> statement-breakpoint
CREATE TABLE "memory_history" (
	"entry" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "memory_history_entry_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"memory_id" text NOT NULL,
	"namespace" text NOT NULL,
	"changed_at" timestamp with time zone DEFAULT now() NOT NULL,
	"changed_by" text DEFAULT current_user NOT NULL,
	"actor" text,
	"text" text,
	"tags" text[],
	"metadata" jsonb,
	"importance" real
);
--> statement-breakpoint
CREATE TABLE "memory_items" (
	"id" text PRIMARY KEY DEFAULT NULL NOT NULL,
	"namespace" text DEFAULT 'default' NOT NULL,
	"text" text NOT NULL,
	"tags" text[] DEFAULT '{}' NOT NULL,
	"speaker_id" text,
	"metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"embedding" vector,
	"embedding_model" integer,
	"next_embedding" vector,
	"next_embedding_model" integer,
	"importance" real DEFAULT 0.5 NOT NULL,
	"expires_at" timestamp with time zone,
	"search_vector" "tsvector" GENERATED ALWAYS AS (layered_search_vector("text")) STORED,
	"lexeme_count" integer GENERATED ALWAYS AS (lexeme_count("text")) STORED,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"valid_from" timestamp with time zone,
	"valid_to" timestamp with time zone,
	"superseded_at" timestamp with time zone,
	"superseded_by" text,
	"document_id" text,
	"document_place" integer,
	"content_hash" bigint GENERATED ALWAYS AS (content_hash("namespace", "text")) STORED,
	CONSTRAINT "memory_items_id_check" CHECK (octet_length("memory_items"."id") BETWEEN 1 AND 1024),
	CONSTRAINT "memory_items_namespace_check" CHECK (octet_length("memory_items"."namespace") BETWEEN 1 AND 1024),
	CONSTRAINT "memory_items_text_check" CHECK (octet_length("memory_items"."text") BETWEEN 1 AND 65536),
	CONSTRAINT "memory_items_tags_check" CHECK (array_position("memory_items"."tags", NULL) IS NULL),
	CONSTRAINT "memory_items_metadata_check" CHECK (jsonb_typeof("memory_items"."metadata") = 'object'),
	CONSTRAINT "memory_items_valid_check" CHECK ("memory_items"."valid_from" <= "memory_items"."valid_to"),
	CONSTRAINT "memory_items_superseded_check" CHECK (("memory_items"."superseded_at" IS NULL) = ("memory_items"."superseded_by" IS NULL)),
	CONSTRAINT "memory_items_document_check" CHECK (("memory_items"."document_id" IS NULL) = ("memory_items"."document_place" IS NULL)),
	CONSTRAINT "memory_items_importance_check" CHECK ("memory_items"."importance" BETWEEN 0 AND 1),
	CONSTRAINT "memory_items_embedding_check" CHECK (vector_norm("memory_items"."embedding") BETWEEN 1e-15 AND 1e15),
	CONSTRAINT "memory_items_next_embedding_check" CHECK (vector_norm("memory_items"."next_embedding") BETWEEN 1e-15 AND 1e15)
);
--> statement-breakpoint
CREATE TABLE "namespace_roles" (
	"role" "regrole" NOT NULL,
	"namespace" text NOT NULL,
	"below" boolean DEFAULT false NOT NULL,
	CONSTRAINT "namespace_roles_pkey" PRIMARY KEY("role","namespace")
);
--> statement-breakpoint
CREATE TABLE "role_rights" (
	"role" "regrole" NOT NULL,
	"kind" text NOT NULL,
	CONSTRAINT "role_rights_pkey" PRIMARY KEY("role","kind")
);
--> statement-breakpoint
CREATE TABLE "schedules" (
	"key" text COLLATE "C" PRIMARY KEY NOT NULL,
	"cron" text,
	"time_zone" text DEFAULT 'UTC' NOT NULL,
	"every_seconds" double precision,
	"missed" text DEFAULT 'once' NOT NULL,
	"missed_limit" integer DEFAULT 100 NOT NULL,
	"late_seconds" double precision DEFAULT 60 NOT NULL,
	"slots_after" timestamp with time zone DEFAULT jobs_now() NOT NULL,
	"next_at" timestamp with time zone,
	"paused_at" timestamp with time zone,
	"error" text,
	"queue" text COLLATE "C" DEFAULT 'default' NOT NULL,
	"intent" text NOT NULL,
	"inputs" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"mode" "execution_mode" DEFAULT 'auto' NOT NULL,
	"priority" smallint DEFAULT 0 NOT NULL,
	"max_attempts" integer DEFAULT 3 NOT NULL,
	"backoff_seconds" double precision DEFAULT 10 NOT NULL,
	"singleton_key" text COLLATE "C",
	"metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "schedules_key_check" CHECK (octet_length(key) BETWEEN 1 AND 255),
	CONSTRAINT "schedules_queue_check" CHECK (octet_length(queue) BETWEEN 1 AND 255),
	CONSTRAINT "schedules_intent_check" CHECK (octet_length(intent) BETWEEN 1 AND 1024),
	CONSTRAINT "schedules_singleton_key_check" CHECK (octet_length(singleton_key) BETWEEN 1 AND 1024),
	CONSTRAINT "schedules_cron_check" CHECK (octet_length(cron) BETWEEN 1 AND 255 AND octet_length(time_zone) < 256),
	CONSTRAINT "schedules_every_seconds_check" CHECK (num_nonnulls(cron, every_seconds) = 1 AND (every_seconds IS NULL OR every_seconds >= 1 AND every_seconds <= 31536000)),
	CONSTRAINT "schedules_missed_check" CHECK (missed IN ('skip', 'once', 'all')),
	CONSTRAINT "schedules_missed_limit_check" CHECK (missed_limit BETWEEN 1 AND 1000),
	CONSTRAINT "schedules_late_seconds_check" CHECK (late_seconds >= 0 AND late_seconds <= 31536000),
	CONSTRAINT "schedules_max_attempts_check" CHECK (max_attempts >= 1),
	CONSTRAINT "schedules_backoff_seconds_check" CHECK (backoff_seconds >= 0 AND backoff_seconds <= 86400),
	CONSTRAINT "schedules_inputs_check" CHECK (jsonb_typeof(inputs) = 'object' AND jsonb_typeof(metadata) = 'object')
);
--> statement-breakpoint
CREATE TABLE "search_dictionary" (
	"indexed_in" "oid" PRIMARY KEY NOT NULL,
	"fingerprint" text NOT NULL,
	"server_version" integer NOT NULL,
	"reindexing" text,
	"reindexed_to" text
);
--> statement-breakpoint
CREATE TABLE "search_lexemes" (
	"lexeme" text COLLATE "C" NOT NULL,
	"epoch" integer NOT NULL,
	"document_frequency" bigint NOT NULL,
	"layer_1" bigint DEFAULT 0 NOT NULL,
	"layer_2" bigint DEFAULT 0 NOT NULL,
	"layer_3" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "search_lexemes_pkey" PRIMARY KEY("lexeme","epoch")
);
--> statement-breakpoint
CREATE TABLE "search_log" (
	"xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	"entry" bigint GENERATED ALWAYS AS IDENTITY (sequence name "search_log_entry_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"documents" bigint NOT NULL,
	"total_length" bigint NOT NULL,
	"lexemes" "tsvector",
	CONSTRAINT "search_log_pkey" PRIMARY KEY("xid","entry")
);
--> statement-breakpoint
CREATE TABLE "search_log_lexemes" (
	"xid" "xid8" NOT NULL,
	"entry" bigint NOT NULL,
	"first_lexeme" text COLLATE "C" NOT NULL,
	"lexemes" text[] NOT NULL,
	"documents" bigint[] NOT NULL,
	CONSTRAINT "search_log_lexemes_pkey" PRIMARY KEY("xid","entry","first_lexeme")
);
--> statement-breakpoint
CREATE TABLE "search_totals" (
	"fold" bigint PRIMARY KEY NOT NULL,
	"documents" bigint NOT NULL,
	"total_length" bigint NOT NULL,
	"horizon" "xid8" NOT NULL,
	"running" "xid8"[] NOT NULL,
	"folded_by" "xid8" NOT NULL,
	"folded_in" "oid" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "search_vocabulary" (
	"lexeme" text COLLATE "C" PRIMARY KEY NOT NULL
);
--> statement-breakpoint
ALTER TABLE "jobs" ADD CONSTRAINT "jobs_parent_id_jobs_id_fk" FOREIGN KEY ("parent_id") REFERENCES "jobs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "embedding_models_state_unique" ON "embedding_models" USING btree ("state") WHERE "embedding_models"."state" IN ('current', 'next');--> statement-breakpoint
CREATE INDEX "job_wakeups_queue_idx" ON "job_wakeups" USING btree ("queue","id");--> statement-breakpoint
CREATE INDEX "jobs_ready_idx" ON "jobs" USING btree ("queue","priority" DESC NULLS FIRST,"run_at","id") WHERE status = 'pending' AND limit_key IS NULL;--> statement-breakpoint
CREATE INDEX "jobs_ready_intent_idx" ON "jobs" USING btree ("queue","intent","mode","priority" DESC NULLS FIRST,"run_at","id") WHERE CASE WHEN limit_key IS NULL THEN status = 'pending' ELSE false END;--> statement-breakpoint
CREATE INDEX "jobs_ready_key_idx" ON "jobs" USING btree ("queue","priority" DESC NULLS FIRST,"limit_key","run_at","id") WHERE status = 'pending' AND limit_key IS NOT NULL;--> statement-breakpoint
CREATE INDEX "jobs_running_idx" ON "jobs" USING btree ("queue","started_at") WHERE status = 'running';--> statement-breakpoint
CREATE INDEX "jobs_running_key_idx" ON "jobs" USING btree ("queue","limit_key") WHERE status = 'running' AND limit_key IS NOT NULL;--> statement-breakpoint
CREATE INDEX "jobs_waiting_idx" ON "jobs" USING btree ("queue","created_at") WHERE status = 'waiting';--> statement-breakpoint
CREATE INDEX "jobs_finished_idx" ON "jobs" USING btree ("completed_at") WHERE completed_at IS NOT NULL;--> statement-breakpoint
CREATE INDEX "jobs_failed_idx" ON "jobs" USING btree ("queue","completed_at") WHERE status = 'failed';--> statement-breakpoint
CREATE INDEX "jobs_due_idx" ON "jobs" USING btree ("queue",least(deadline_at, wait_expires_at)) WHERE least(deadline_at, wait_expires_at) IS NOT NULL AND status IN ('pending', 'waiting');--> statement-breakpoint
CREATE INDEX "jobs_created_at_idx" ON "jobs" USING brin ("created_at") WITH (pages_per_range=32,autosummarize=on);--> statement-breakpoint
CREATE INDEX "jobs_parent_id_idx" ON "jobs" USING btree ("parent_id",(completed_at IS NULL),"id") WHERE parent_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX "jobs_root_id_idx" ON "jobs" USING btree ("root_id") WHERE root_id IS NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "jobs_idempotency_key_unique" ON "jobs" USING btree ("queue","idempotency_key") WHERE idempotency_key IS NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "jobs_singleton_key_unique" ON "jobs" USING btree ("queue","singleton_key") WHERE singleton_key IS NOT NULL AND status IN ('pending', 'running', 'waiting');--> statement-breakpoint
CREATE INDEX "memory_history_memory_id_idx" ON "memory_history" USING btree ("memory_id","entry");--> statement-breakpoint
CREATE INDEX "memory_history_changed_at_idx" ON "memory_history" USING btree ("changed_at");--> statement-breakpoint
CREATE INDEX "memory_items_tags_idx" ON "memory_items" USING gin ("tags");--> statement-breakpoint
CREATE INDEX "memory_items_embedding_idx" ON "memory_items" USING hnsw ((l2_normalize(CASE WHEN embedding_model = 1 THEN embedding WHEN next_embedding_model = 1 THEN next_embedding END)::halfvec(384)) halfvec_cosine_ops);--> statement-breakpoint
CREATE INDEX "memory_items_text_idx" ON "memory_items" USING gin ("text" gin_trgm_ops);--> statement-breakpoint
CREATE INDEX "memory_items_search_vector_idx" ON "memory_items" USING gin ("search_vector");--> statement-breakpoint
CREATE INDEX "memory_items_namespace_created_at_idx" ON "memory_items" USING btree ("namespace","created_at");--> statement-breakpoint
CREATE INDEX "memory_items_created_at_idx" ON "memory_items" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "memory_items_content_hash_idx" ON "memory_items" USING btree ("content_hash");--> statement-breakpoint
CREATE INDEX "memory_items_metadata_idx" ON "memory_items" USING gin ("metadata" jsonb_path_ops);--> statement-breakpoint
CREATE INDEX "memory_items_speaker_id_idx" ON "memory_items" USING btree ("speaker_id") WHERE "memory_items"."speaker_id" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "memory_items_document_idx" ON "memory_items" USING btree ("document_id","document_place") WHERE "memory_items"."document_id" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "memory_items_superseded_by_idx" ON "memory_items" USING btree ("superseded_by") WHERE "memory_items"."superseded_by" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "schedules_next_at_idx" ON "schedules" USING btree ("next_at" NULLS FIRST) WHERE paused_at IS NULL;--> statement-breakpoint
CREATE INDEX "search_vocabulary_lexeme_idx" ON "search_vocabulary" USING gin ("lexeme" gin_trgm_ops);

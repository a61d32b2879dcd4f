CREATE TYPE "public"."execution_mode" AS ENUM('flow', 'mcp', 'agent', 'auto');--> statement-breakpoint
CREATE TYPE "public"."job_status" AS ENUM('pending', 'running', 'waiting', 'completed', 'failed', 'cancelled');--> statement-breakpoint
CREATE TABLE "job_attempts" (
	"job_id" text COLLATE "C" NOT NULL,
	"lease_token" bigint NOT NULL,
	"started_at" timestamp with time zone NOT NULL,
	"finished_at" timestamp with time zone NOT NULL,
	"attempt" integer NOT NULL,
	"outcome" text NOT NULL,
	"worker_id" text NOT NULL,
	"error" jsonb,
	CONSTRAINT "job_attempts_pkey" PRIMARY KEY("job_id","lease_token"),
	CONSTRAINT "job_attempts_outcome_check" CHECK (outcome IN ('completed', 'failed', 'retried', 'released', 'snoozed', 'waiting', 'cancelled', 'lease_lost'))
);
--> statement-breakpoint
CREATE TABLE "jobs" (
	"id" text COLLATE "C" PRIMARY KEY DEFAULT gen_random_uuid()::text NOT NULL,
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
	"intent" text NOT NULL,
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
	"wait_reason" text,
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
	"result" jsonb,
	CONSTRAINT "jobs_lease_check" CHECK ((status = 'running') = (lease_expires_at IS NOT NULL)),
	CONSTRAINT "jobs_completed_at_check" CHECK ((completed_at IS NULL) = (status IN ('pending', 'running', 'waiting'))),
	CONSTRAINT "jobs_wait_reason_check" CHECK ((wait_reason IS NULL) = (status <> 'waiting')),
	CONSTRAINT "jobs_error_check" CHECK (error IS NOT NULL OR status <> 'failed'),
	CONSTRAINT "jobs_progress_check" CHECK (progress BETWEEN 0 AND 1),
	CONSTRAINT "jobs_attempt_check" CHECK (attempt >= 0)
);
--> statement-breakpoint
CREATE TABLE "memory_items" (
	"id" text PRIMARY KEY NOT NULL,
	"namespace" text DEFAULT 'default' NOT NULL,
	"text" text NOT NULL,
	"tags" text[] DEFAULT '{}' NOT NULL,
	"speaker_id" text,
	"metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"embedding" vector(384),
	"importance" real DEFAULT 0.5 NOT NULL,
	"expires_at" timestamp with time zone,
	"search_vector" "tsvector" GENERATED ALWAYS AS (memory_search_vector("text")) STORED,
	"lexeme_count" integer GENERATED ALWAYS AS (lexeme_count("text")) STORED,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "memory_items_id_check" CHECK (octet_length("memory_items"."id") BETWEEN 1 AND 1024),
	CONSTRAINT "memory_items_namespace_check" CHECK (octet_length("memory_items"."namespace") BETWEEN 1 AND 1024),
	CONSTRAINT "memory_items_text_check" CHECK (octet_length("memory_items"."text") BETWEEN 1 AND 65536),
	CONSTRAINT "memory_items_tags_check" CHECK (array_position("memory_items"."tags", NULL) IS NULL),
	CONSTRAINT "memory_items_metadata_check" CHECK (jsonb_typeof("memory_items"."metadata") = 'object'),
	CONSTRAINT "memory_items_importance_check" CHECK ("memory_items"."importance" BETWEEN 0 AND 1),
	CONSTRAINT "memory_items_embedding_check" CHECK (vector_norm("memory_items"."embedding") BETWEEN 1e-15 AND 1e15)
);
--> statement-breakpoint
ALTER TABLE "jobs" ADD CONSTRAINT "jobs_parent_id_jobs_id_fk" FOREIGN KEY ("parent_id") REFERENCES "public"."jobs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "jobs_ready_idx" ON "jobs" USING btree ("queue","priority" DESC NULLS FIRST,"run_at","id") WHERE status = 'pending';--> statement-breakpoint
CREATE INDEX "jobs_running_idx" ON "jobs" USING btree ("queue","started_at") WHERE status = 'running';--> statement-breakpoint
CREATE INDEX "jobs_waiting_idx" ON "jobs" USING btree ("queue","created_at") WHERE status = 'waiting';--> statement-breakpoint
CREATE INDEX "jobs_finished_idx" ON "jobs" USING btree ("completed_at") WHERE completed_at IS NOT NULL;--> statement-breakpoint
CREATE INDEX "jobs_deadline_at_idx" ON "jobs" USING btree ("queue","deadline_at") WHERE deadline_at IS NOT NULL AND status IN ('pending', 'waiting');--> statement-breakpoint
CREATE INDEX "jobs_created_at_idx" ON "jobs" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "jobs_parent_id_idx" ON "jobs" USING btree ("parent_id","completed_at") WHERE parent_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX "jobs_root_id_idx" ON "jobs" USING btree ("root_id") WHERE root_id IS NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "jobs_idempotency_key_unique" ON "jobs" USING btree ("queue","idempotency_key") WHERE idempotency_key IS NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "jobs_singleton_key_unique" ON "jobs" USING btree ("queue","singleton_key") WHERE singleton_key IS NOT NULL AND status IN ('pending', 'running', 'waiting');--> statement-breakpoint
CREATE INDEX "memory_items_tags_idx" ON "memory_items" USING gin ("tags");--> statement-breakpoint
CREATE INDEX "memory_items_embedding_idx" ON "memory_items" USING hnsw ((l2_normalize("embedding")::halfvec(384)) halfvec_cosine_ops);--> statement-breakpoint
CREATE INDEX "memory_items_text_idx" ON "memory_items" USING gin ("text" gin_trgm_ops);--> statement-breakpoint
CREATE INDEX "memory_items_search_vector_idx" ON "memory_items" USING gin ("search_vector");--> statement-breakpoint
CREATE INDEX "memory_items_namespace_created_at_idx" ON "memory_items" USING btree ("namespace","created_at");--> statement-breakpoint
CREATE INDEX "memory_items_created_at_idx" ON "memory_items" USING btree ("created_at");
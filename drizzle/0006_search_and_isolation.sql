CREATE TYPE "public"."attempt_outcome" AS ENUM('completed', 'failed', 'retried', 'released', 'snoozed', 'waiting', 'cancelled', 'lease_lost');--> statement-breakpoint
CREATE TABLE "namespace_roles" (
	"role" "regrole" NOT NULL,
	"namespace" text NOT NULL,
	CONSTRAINT "namespace_roles_pkey" PRIMARY KEY("role","namespace")
);
--> statement-breakpoint
CREATE TABLE "search_vocabulary" (
	"lexeme" text COLLATE "C" PRIMARY KEY NOT NULL
);
--> statement-breakpoint
ALTER TABLE "job_attempts" DROP CONSTRAINT "job_attempts_outcome_check";--> statement-breakpoint
ALTER TABLE "jobs" DROP CONSTRAINT "jobs_lease_check";--> statement-breakpoint
ALTER TABLE "jobs" DROP CONSTRAINT "jobs_completed_at_check";--> statement-breakpoint
ALTER TABLE "jobs" DROP CONSTRAINT "jobs_wait_reason_check";--> statement-breakpoint
ALTER TABLE "jobs" DROP CONSTRAINT "jobs_error_check";--> statement-breakpoint
ALTER TABLE "jobs" DROP CONSTRAINT "jobs_progress_check";--> statement-breakpoint
ALTER TABLE "jobs" DROP CONSTRAINT "jobs_attempt_check";--> statement-breakpoint
DROP INDEX "search_lexemes_lexeme_idx";--> statement-breakpoint
ALTER TABLE "job_attempts" ALTER COLUMN "outcome" SET DATA TYPE "public"."attempt_outcome" USING "outcome"::"public"."attempt_outcome";--> statement-breakpoint
CREATE INDEX "search_vocabulary_lexeme_idx" ON "search_vocabulary" USING gin ("lexeme" gin_trgm_ops);
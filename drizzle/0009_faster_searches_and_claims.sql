DROP INDEX "jobs_created_at_idx";--> statement-breakpoint
ALTER TABLE "search_lexemes" ADD COLUMN "layer_1" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "search_lexemes" ADD COLUMN "layer_2" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "search_lexemes" ADD COLUMN "layer_3" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX "jobs_created_at_idx" ON "jobs" USING brin ("created_at") WITH (pages_per_range=32,autosummarize=on);
CREATE TABLE "search_lexemes" (
	"lexeme" text COLLATE "C" NOT NULL,
	"epoch" integer NOT NULL,
	"document_frequency" bigint NOT NULL,
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
ALTER TABLE "memory_items" drop column "search_vector";--> statement-breakpoint
ALTER TABLE "memory_items" ADD COLUMN "search_vector" "tsvector" GENERATED ALWAYS AS (layered_search_vector("text")) STORED;--> statement-breakpoint
CREATE INDEX "search_lexemes_lexeme_idx" ON "search_lexemes" USING gin ("lexeme" gin_trgm_ops) WHERE strpos(lexeme, chr(1)) = 0;
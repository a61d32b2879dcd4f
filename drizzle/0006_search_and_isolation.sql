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
DROP INDEX "search_lexemes_lexeme_idx";--> statement-breakpoint
CREATE INDEX "search_vocabulary_lexeme_idx" ON "search_vocabulary" USING gin ("lexeme" gin_trgm_ops);
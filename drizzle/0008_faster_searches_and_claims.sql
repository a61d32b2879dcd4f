SET LOCAL check_function_bodies = off;
--> statement-breakpoint
-- source: src/sql/locks/search_lexemes.sql
-- No fold may run while a migration changes search_lexemes: one that waited for the table would go on by its old body
-- and write what the new ones do not read. Folds and compactions only try this lock: until the migration has ended they
-- skip their turn, and writers wait for nothing. Changed here: layer counts became columns.
SELECT pg_advisory_xact_lock('public.search_totals'::regclass::bigint);

-- The vocabulary of the last fold. The setting tells the table's trigger that these rows are not a dump's.
WITH written AS MATERIALIZED (SELECT set_config('opa.search_statistics', 'on', true))
INSERT INTO public.search_vocabulary (lexeme)
SELECT DISTINCT lexeme FROM written, public.search_lexemes WHERE strpos(lexeme, chr(1)) = 0
ON CONFLICT DO NOTHING;
--> statement-breakpoint
SELECT set_config('opa.search_statistics', 'off', true);

-- path: of the installation
SELECT set_config('opa.schema', coalesce(nullif(current_setting('opa.schema', true), ''), current_schema(), ''), true);
--> statement-breakpoint
-- path: checked when they run
SET LOCAL check_function_bodies = off;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/storage/jobs.sql
-- A heartbeat must find room on its page: then it is a HOT update, which writes no index. Measured: 99 % of the heartbeats at fillfactor 70. Rows change a few times and then never again, so vacuum comes early and often.
ALTER TABLE jobs SET (
  fillfactor = 70,
  autovacuum_vacuum_scale_factor = 0.01,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_scale_factor = 0.02,
  autovacuum_vacuum_cost_delay = 1
);
--> statement-breakpoint
-- Three versions of a row are written one after the other, and each is an entry beside the first: with room left for them
-- a full page need not be searched for dead entries and split in the middle of a claim.
ALTER INDEX jobs_pkey SET (fillfactor = 50);
--> statement-breakpoint
-- source: src/sql/storage/memory_history.sql
-- The history of a memory is seen by whoever sees the memory: the policy asks memory_items with the rights of the reader,
-- its row-level security included. Nobody but the triggers and the owner writes it.
ALTER TABLE memory_history ENABLE ROW LEVEL SECURITY;
--> statement-breakpoint
DROP POLICY IF EXISTS memory_history_of_visible ON memory_history;
--> statement-breakpoint
CREATE POLICY memory_history_of_visible ON memory_history FOR SELECT
  USING (EXISTS (SELECT FROM memory_items AS m WHERE m.id = memory_history.memory_id));
--> statement-breakpoint
-- source: src/sql/storage/memory_items.sql
-- A search reads the search_vector of every candidate: inline and uncompressed it costs no more than its page, while
-- a compressed one cost 8 µs more for each candidate.
ALTER TABLE memory_items ALTER COLUMN search_vector SET STORAGE EXTERNAL;
--> statement-breakpoint
ALTER TABLE memory_items SET (toast_tuple_target = 8160);
--> statement-breakpoint
-- Dropping the column dropped its index with it, of which drizzle-kit knows nothing.
CREATE INDEX IF NOT EXISTS memory_items_search_vector_idx ON memory_items USING gin (search_vector);
--> statement-breakpoint
-- A column that was just added was compressed in long rows, because its storage is set only here.
UPDATE memory_items SET text = text WHERE pg_column_compression(search_vector) IS NOT NULL;
--> statement-breakpoint
-- source: src/sql/storage/search_statistics.sql
-- Lexemes are updated at each fold: with room on the page, no index is written. The log is emptied all the time, so
-- vacuum must come by number and not by share; and its vectors are tested where they lie, uncompressed.
ALTER TABLE search_lexemes SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.1);
--> statement-breakpoint
ALTER TABLE search_log SET (
  toast_tuple_target = 8160, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000
);
--> statement-breakpoint
ALTER TABLE search_log ALTER COLUMN lexemes SET STORAGE EXTERNAL;
--> statement-breakpoint
ALTER TABLE search_log_lexemes SET (
  toast_tuple_target = 8160, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000
);
--> statement-breakpoint
ALTER TABLE search_log_lexemes ALTER COLUMN lexemes SET STORAGE EXTERNAL, ALTER COLUMN documents SET STORAGE EXTERNAL;

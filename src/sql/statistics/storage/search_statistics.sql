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

-- A search reads the search_vector of every candidate: inline and uncompressed it costs no more than its page, while
-- a compressed one cost 8 µs more for each candidate.
ALTER TABLE public.memory_items ALTER COLUMN search_vector SET STORAGE EXTERNAL;
--> statement-breakpoint
ALTER TABLE public.memory_items SET (toast_tuple_target = 8160);

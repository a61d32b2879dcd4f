-- The memories that were there before the statistics were kept.
SELECT public.rebuild_search_statistics();

-- What this session has read of the index of ready jobs since its statistics were last sent: pages, and entries, each of
-- which was looked up in the table and is half the work of a page. Only a difference says something.
CREATE OR REPLACE FUNCTION public.ready_index_reads()
RETURNS bigint
LANGUAGE sql VOLATILE
AS $$
  SELECT pg_stat_get_xact_blocks_fetched('public.jobs_ready_idx'::regclass)
    + pg_stat_get_xact_tuples_returned('public.jobs_ready_idx'::regclass) / 2
$$;

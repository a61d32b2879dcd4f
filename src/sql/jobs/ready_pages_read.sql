-- How many pages of the index of ready jobs this session has read since its statistics were last sent: only a difference
-- says something.
CREATE OR REPLACE FUNCTION ready_pages_read()
RETURNS bigint
LANGUAGE sql VOLATILE
AS $$
  SELECT pg_stat_get_xact_blocks_fetched('jobs_ready_idx'::regclass)
$$;

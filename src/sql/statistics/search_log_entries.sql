-- The log rows that the totals of the same snapshot do not contain, found without touching the folded ones, of which
-- a long transaction may keep millions from being vacuumed. They are those of transactions that the last fold could
-- not see (from its horizon on, and those it saw running), and this transaction's own.
-- The horizon means something only in the cluster that wrote it: after a dump and restore the row is in another table,
-- written by another transaction, and the whole log, which then holds no folded rows, is read.
-- jit = off, because up to PostgreSQL 17 a scan that is off and must be made all the same counts as dear enough to
-- compile, which takes 40 ms.
CREATE OR REPLACE FUNCTION search_log_entries()
RETURNS SETOF search_log
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path FROM CURRENT
SET enable_seqscan = off
SET enable_bitmapscan = off
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  from_xid xid8;
  before_xid xid8 := pg_snapshot_xmax(pg_current_snapshot());
  other_xids xid8[];
BEGIN
  SELECT horizon, running INTO from_xid, other_xids
    FROM (SELECT totals.xmin::text::bigint = (folded_by::text::bigint & 4294967295) AND totals.tableoid = folded_in AS is_ours, horizon, running
            FROM search_totals AS totals ORDER BY fold DESC LIMIT 1) AS last_fold
   WHERE is_ours;
  IF NOT FOUND THEN
    RETURN QUERY SELECT * FROM search_log;
    RETURN;
  END IF;
  other_xids := other_xids || pg_current_xact_id_if_assigned();
  RETURN QUERY
    SELECT * FROM search_log WHERE xid >= from_xid AND xid < before_xid
    UNION ALL
    SELECT * FROM search_log WHERE xid = ANY (other_xids) AND NOT (xid >= from_xid AND xid < before_xid);
END
$$;

-- Whether this transaction may fold, compact or rebuild the statistics: one at a time, and nobody waits. The lock is on a
-- table on which others have no rights, so that no login can take it and stop folding, as it could an advisory lock.
CREATE OR REPLACE FUNCTION take_fold_lock()
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
  LOCK TABLE search_totals IN SHARE UPDATE EXCLUSIVE MODE NOWAIT;
  RETURN true;
EXCEPTION
  WHEN lock_not_available THEN
    RETURN false;
END
$$;

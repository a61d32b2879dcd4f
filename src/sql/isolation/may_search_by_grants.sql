-- Whether a search may be made with the rights of the owner, narrowed by a filter to what grant_namespaces gave the caller
-- (bm25_search_by_grants): the caller is the role outside, so no function of somebody else's stands in between; namespace
-- isolation is the only policy that keeps rows from it; and it may read the table.
-- Asked with the rights of the caller.
CREATE OR REPLACE FUNCTION may_search_by_grants()
RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path FROM CURRENT
AS $$
BEGIN
  RETURN row_security_active('memory_items')
    AND current_setting('row_security') = 'on'
    AND current_user = COALESCE(NULLIF(current_setting('role'), 'none'), session_user)
    AND has_table_privilege('memory_items', 'SELECT')
    AND isolation_is_only_policy('memory_items'::regclass);
END
$$;

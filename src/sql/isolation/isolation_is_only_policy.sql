-- Whether the policy of enable_namespace_isolation is the only one that a table has.
CREATE OR REPLACE FUNCTION isolation_is_only_policy(place regclass)
RETURNS boolean
LANGUAGE sql STABLE
RETURN COALESCE((
  SELECT bool_and(policy.polname = 'memory_items_namespace') FROM pg_catalog.pg_policy AS policy WHERE policy.polrelid = place
), false);

-- A search's filter, narrowed to the namespaces that grant_namespaces gave the role outside: the one that SET ROLE chose,
-- else the login, which nobody can forge. Only within a SECURITY DEFINER function, whose current user is its owner.
-- Where the filter asks for one namespace that the role has, or it has but one, that is said in the words of a filter, for
-- which the searches keep plans.
CREATE OR REPLACE FUNCTION filter_by_grants(filter jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path FROM CURRENT
AS $$
DECLARE
  caller CONSTANT name := COALESCE(NULLIF(current_setting('role'), 'none'), session_user);
  place CONSTANT regclass := format('%I.memory_items', installation_schema())::regclass;
  own text[];
  roots text[];
BEGIN
  IF row_security_active(place) OR NOT isolation_is_only_policy(place) OR NOT has_table_privilege(caller, place, 'SELECT') THEN
    RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
      MESSAGE = format('permission denied: "%s" may not search by what it was granted', caller);
  END IF;
  SELECT COALESCE(array_agg(given.namespace ORDER BY given.namespace), '{}'),
    COALESCE(array_agg(given.namespace ORDER BY given.namespace) FILTER (WHERE given.below), '{}')
  INTO own, roots
  FROM namespace_roles AS given WHERE given.role = to_regrole(quote_ident(caller));

  IF filter ->> 'namespace' = ANY (own) OR is_below(filter ->> 'namespace', roots) THEN
    RETURN filter - 'granted';
  ELSIF roots = '{}' AND cardinality(own) = 1 AND NOT filter ? 'namespace' THEN
    RETURN filter - 'granted' || jsonb_build_object('namespace', own[1]);
  END IF;
  RETURN filter || jsonb_build_object('granted', jsonb_build_object('namespaces', own, 'below', roots));
END
$$;

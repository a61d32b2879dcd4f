-- Whether a new row may have this id, which is unique over all namespaces: not if a row of another namespace has it, and
-- not if it looks like a default id, the hash of a memory's content, and is not that of this very content, nor like that of
-- a key in another namespace. For the policy of enable_namespace_isolation.
-- It reads all rows, but gives nothing away: of an id that is no hash anybody can learn whether it is taken by trying to
-- insert it, and for the hash of something else the answer is no, whether it is taken or not.
-- VOLATILE, so that it sees what was committed during a long statement.
CREATE OR REPLACE FUNCTION may_take_id(id text, namespace text, text text, tags text[])
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
DECLARE
  is_allowed boolean;
BEGIN
  EXECUTE format($query$
    SELECT ($1 !~ '^[0-9a-f]{64}$' OR $1 = %1$I.memory_id($2, $3, $4))
      AND NOT is_key_of_other($1, $2)
      AND NOT EXISTS (SELECT FROM %1$I.memory_items AS m WHERE m.id = $1 AND m.namespace <> $2)
    $query$, installation_schema())
  INTO is_allowed USING may_take_id.id, may_take_id.namespace, may_take_id.text, may_take_id.tags;
  RETURN is_allowed;
END
$$;

-- Whether a new row may have this id, which is unique over all namespaces: not if a row of another namespace has it, and
-- not if it looks like a default id, the hash of a memory's content, and is not that of this very content. For the policy
-- of enable_namespace_isolation.
-- It reads all rows, but gives nothing away: of an id that is no hash anybody can learn whether it is taken by trying to
-- insert it, and for the hash of something else the answer is no, whether it is taken or not.
-- VOLATILE, so that it sees what was committed during a long statement.
CREATE OR REPLACE FUNCTION public.may_take_id(id text, namespace text, text text, tags text[])
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  IF may_take_id.id ~ '^[0-9a-f]{64}$'
    AND may_take_id.id <> public.memory_id(may_take_id.namespace, may_take_id.text, may_take_id.tags)
  THEN
    RETURN false;
  END IF;
  RETURN NOT EXISTS (
    SELECT FROM public.memory_items AS m WHERE m.id = may_take_id.id AND m.namespace <> may_take_id.namespace
  );
END
$$;

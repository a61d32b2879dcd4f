-- Whether a row of this id is there that the caller may see: for the policy of enable_namespace_isolation, which lets a
-- row keep its id. With the caller's rights, so that it says nothing about the rows of others; VOLATILE, so
-- that it sees what was committed during a long statement.
CREATE OR REPLACE FUNCTION has_own_memory(id text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
BEGIN
  RETURN EXISTS (SELECT FROM memory_items AS m WHERE m.id = has_own_memory.id);
END
$$;

-- Makes the policy of enable_namespace_isolation anew. It names the roots of paths only where somebody was granted one: what
-- it costs to look for them would be paid by every role for every row that is not its own, and no index would serve.
CREATE OR REPLACE FUNCTION set_namespace_policy()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
SET client_min_messages = warning
AS $$
DECLARE
  granted CONSTANT text := 'ARRAY(SELECT own.namespace FROM namespace_roles AS own'
    ' WHERE own.role = to_regrole(quote_ident(current_user))%s)';
  visible text := format('namespace = ANY (%s)', format(granted, ''));
BEGIN
  IF EXISTS (SELECT FROM namespace_roles AS given WHERE given.below) THEN
    visible := format('(%s OR is_below(namespace, %s))', visible, format(granted, ' AND own.below'));
  END IF;
  DROP POLICY IF EXISTS memory_items_namespace ON memory_items;
  EXECUTE format(
    'CREATE POLICY memory_items_namespace ON memory_items USING (%1$s)'
    ' WITH CHECK (%1$s AND (may_take_id(id, namespace, text, tags) OR has_own_memory(id)))', visible);
END
$$;

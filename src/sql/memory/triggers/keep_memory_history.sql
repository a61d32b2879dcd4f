-- Keeps what a memory was before an update (the trigger's condition says which columns count). A column that the update
-- left alone is kept as null. The rows of a memory go where it goes: to another id or namespace as well.
-- SECURITY DEFINER, because whoever may change memories need not be able to write their history; so who it was is asked of
-- the session: the role that SET ROLE chose, else the login.
CREATE OR REPLACE FUNCTION keep_memory_history()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
  IF OLD.id <> NEW.id OR OLD.namespace <> NEW.namespace THEN
    UPDATE memory_history AS kept SET memory_id = NEW.id, namespace = NEW.namespace WHERE kept.memory_id = OLD.id;
  END IF;
  INSERT INTO memory_history (memory_id, namespace, changed_by, actor, text, tags, metadata, importance)
  SELECT NEW.id, NEW.namespace, COALESCE(NULLIF(current_setting('role'), 'none'), session_user),
    NULLIF(current_setting('opa.actor', true), ''),
    CASE WHEN OLD.text <> NEW.text THEN OLD.text END,
    CASE WHEN OLD.tags <> NEW.tags THEN OLD.tags END,
    CASE WHEN OLD.metadata <> NEW.metadata THEN OLD.metadata END,
    CASE WHEN OLD.importance <> NEW.importance THEN OLD.importance END
  WHERE (OLD.text, OLD.tags, OLD.metadata, OLD.importance) <> (NEW.text, NEW.tags, NEW.metadata, NEW.importance);
  RETURN NULL;
END
$$;

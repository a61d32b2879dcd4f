-- Says that one memory took the place of another: the old one stays, knows what replaced it, and is out of every search
-- that does not ask for the past (filter.as_of). The end of its validity is valid_to, or that which it has, or the
-- beginning of the other's, or now. Both must be of one namespace. Said again, nothing changes.
--
--   SELECT supersede_memory('old', 'new');
CREATE OR REPLACE FUNCTION supersede_memory(id text, by_id text, valid_to timestamptz DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
DECLARE
  replaced memory_items;
  successor memory_items;
  ending timestamptz;
BEGIN
  -- In the order of ids, so that two callers cannot deadlock.
  PERFORM FROM memory_items AS m WHERE m.id IN (supersede_memory.id, by_id) ORDER BY m.id FOR UPDATE;
  SELECT * INTO replaced FROM memory_items AS m WHERE m.id = supersede_memory.id;
  IF replaced.id IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = format('there is no memory "%s" to supersede', left(supersede_memory.id, 60));
  END IF;
  SELECT * INTO successor FROM memory_items AS m WHERE m.id = by_id AND m.namespace = replaced.namespace;
  IF successor.id IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'no_data_found',
      MESSAGE = format('there is no memory "%s" in the namespace "%s" to supersede "%s" by', left(by_id, 60), left(replaced.namespace, 60), left(replaced.id, 60));
  END IF;
  IF replaced.superseded_by = successor.id AND replaced.id <> successor.id THEN
    RETURN;
  END IF;
  IF replaced.superseded_at IS NOT NULL OR successor.superseded_at IS NOT NULL OR replaced.id = successor.id THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = format(CASE
      WHEN replaced.id = successor.id THEN 'the memory "%1$s" cannot supersede itself'
      WHEN replaced.superseded_at IS NOT NULL THEN 'the memory "%1$s" is superseded already, by "%3$s"'
      ELSE 'the memory "%2$s" is itself superseded and cannot replace another' END,
      left(replaced.id, 60), left(successor.id, 60), left(replaced.superseded_by, 60));
  END IF;
  ending := COALESCE(supersede_memory.valid_to, replaced.valid_to, successor.valid_from, now());
  UPDATE memory_items AS m
  SET superseded_at = now(), superseded_by = successor.id, valid_to = greatest(ending, m.valid_from)
  WHERE m.id = replaced.id;
END
$$;

-- Deletes up to `most` memories of a scope with their history, expired and superseded ones too, and answers how many of
-- both; call it until it answers 0. scope is a filter as in bm25_search that says something: a namespace, a speaker_id, a
-- where. The ids of what is gone are taken from the memories that they superseded. The words leave the statistics by a
-- fold: fold_search_statistics().
CREATE OR REPLACE FUNCTION erase_memories(
  scope jsonb, most integer DEFAULT 1000, OUT memories bigint, OUT history_entries bigint
)
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  filter CONSTANT jsonb := scope || '{"expired": true, "superseded": true}';
  condition text;
  doomed text[];
BEGIN
  IF scope IS NULL OR jsonb_typeof(scope) <> 'object' OR scope = '{}' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('erase_memories: scope must say whose memories, for example {"namespace": "ana"}, got %s', COALESCE(left(scope::text, 60), 'null'));
  END IF;
  IF most IS NULL OR most NOT BETWEEN 1 AND 10000 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('erase_memories: most must be from 1 to 10000, got %s', COALESCE(most::text, 'null'));
  END IF;
  condition := memory_filter_condition('{}', filter, '{expired,superseded}');
  EXECUTE format('SELECT ARRAY(SELECT m.id FROM memory_items AS m WHERE %s ORDER BY m.id LIMIT $3 FOR UPDATE)', condition)
  INTO doomed
  USING '{}'::text[], filter, most;
  SELECT count(*) INTO history_entries FROM memory_history AS kept WHERE kept.memory_id = ANY (doomed);
  UPDATE memory_items AS m SET superseded_by = '(erased)' WHERE m.superseded_by = ANY (doomed) AND m.id <> ALL (doomed);
  DELETE FROM memory_items AS m WHERE m.id = ANY (doomed);
  GET DIAGNOSTICS memories = ROW_COUNT;
END
$$;

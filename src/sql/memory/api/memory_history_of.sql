-- What memories were before their changes, oldest first: those of these ids that the caller may see. A column is null
-- where that change left it as it was.
CREATE OR REPLACE FUNCTION memory_history_of(ids text[])
RETURNS TABLE (
  entry bigint, memory_id text, namespace text, changed_at timestamptz, changed_by text, actor text,
  text text, tags text[], metadata jsonb, importance real
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    SELECT kept.entry, kept.memory_id, kept.namespace, kept.changed_at, kept.changed_by, kept.actor, kept.text, kept.tags,
      kept.metadata, kept.importance
    FROM memory_history AS kept
    WHERE kept.memory_id = ANY (ids)
    ORDER BY kept.entry;
END
$$;

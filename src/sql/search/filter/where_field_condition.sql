-- The conditions on one field of filter.where: see where_condition. field is null for {"path": […], operator: value}.
-- place says where the operators are in the filter; each is one of the 1,000 conditions that are counted.
CREATE OR REPLACE FUNCTION where_field_condition(
  field text, operators jsonb, place text[], INOUT count integer, OUT condition text
)
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
#variable_conflict use_column
DECLARE
  texts CONSTANT text[] := '{id,namespace,speaker_id,document_id,superseded_by}';
  times CONSTANT text[] := '{created_at,updated_at,expires_at,valid_from,valid_to}';
  shown CONSTANT text := 'filter.' || array_to_string(place[1:8], '.');
  path text[];
  expected text[];
  conditions text[] := '{}';
  operator record;
BEGIN
  IF field IS NULL OR field LIKE 'metadata.%' THEN
    path := CASE
      WHEN field IS NOT NULL THEN string_to_array(substr(field, 10), '.')
      WHEN jsonb_typeof(operators -> 'path') = 'array' AND operators -> 'path' <> '[]'
        AND NOT jsonb_path_exists(operators -> 'path', 'strict $[*] ? (@.type() != "string")')
      THEN ARRAY(SELECT jsonb_array_elements_text(operators -> 'path'))
    END;
    IF path IS NULL OR path = '{}' OR '' = ANY (path) AND field IS NOT NULL THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('%s must name a path such as "metadata.a.b" or "path": ["a", "b"], got %s', shown,
          left(COALESCE(to_jsonb(field), operators -> 'path')::text, 60));
    END IF;
    operators := CASE WHEN field IS NULL THEN operators - 'path' ELSE operators END;
    expected := '{eq,ne,gt,gte,lt,lte,in,not_in,contains,exists}';
  ELSIF field = 'tags' THEN
    expected := '{any,all,none}';
  ELSIF field = 'importance' OR field = ANY (times) OR field = ANY (texts) THEN
    expected := '{eq,ne,gt,gte,lt,lte,in,not_in,exists}';
  ELSE
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: there is no field "%s", expected and, or, not, path, tags, importance, "metadata.…" or one of: %s',
        'filter.' || array_to_string(place[1:cardinality(place) - 1], '.'), left(field, 60), array_to_string(texts || times, ', '));
  END IF;
  IF jsonb_typeof(operators) <> 'object' OR operators = '{}' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s must be an object with operators such as {"eq": value}, got %s', shown, left(operators::text, 60));
  END IF;

  FOR operator IN SELECT given.key, given.value FROM jsonb_each(operators) AS given LOOP
    IF operator.key <> ALL (expected) THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('%s has the operator "%s", expected only: %s', shown, left(operator.key, 60), array_to_string(expected, ', '));
    END IF;
    count := count + 1;
    conditions := conditions || CASE
      WHEN path IS NOT NULL THEN metadata_comparison(path, operator.key, operator.value, place || operator.key)
      WHEN field = 'tags' THEN tags_comparison(operator.key, operator.value, place || operator.key)
      ELSE column_comparison(field, CASE WHEN field = 'importance' THEN 'real' WHEN field = ANY (times) THEN 'timestamptz' ELSE 'text' END,
        operator.key, operator.value, place || operator.key)
    END;
  END LOOP;
  condition := array_to_string(conditions, ' AND ');
END
$$;

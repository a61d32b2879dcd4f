-- The condition under which a row of memory_items (alias m) passes the caller's filters, as SQL that names the values
-- only as parameters: $1 is query_tags, $2 is filter. Conditions that were not asked for are left out, so that the
-- planner sees just the ones that count. Every search builds its query on this, and every check of a filter is here.
--
-- options: the keys beyond the common ones that the calling function supports.
--
-- filter.expired, filter.superseded: true where expired or superseded rows count as well; only where options name them.
-- filter.granted: what filter_by_grants says that a role may see; it only ever narrows.
-- filter.as_of: a timestamp: what was known then, so not yet superseded; or {"known": timestamp, "valid": timestamp}, where
-- valid asks what was true then, by valid_from and valid_to. Asked for both, the end of a validity counts only if it was
-- known: superseding sets it. Expired rows are never returned.
CREATE OR REPLACE FUNCTION memory_filter_condition(query_tags text[], filter jsonb, options text[] DEFAULT '{}')
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
  common constant text[] := '{namespace,speaker_id,all_tags,since,until,metadata,ids,fuzzy,operators,prefix,min_match,namespaces,namespace_under,where,as_of}';
  most_tags constant integer := 1000;
  conditions text[] := '{}';
  unknown text;
BEGIN
  IF array_position(query_tags, NULL) IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'query_tags must be strings, got a null among them';
  END IF;
  IF cardinality(query_tags) > most_tags THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('query_tags must have at most %s tags, got %s', most_tags, cardinality(query_tags));
  END IF;
  IF jsonb_typeof(filter) <> 'object' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter must be a JSON object, got %s %s', jsonb_typeof(filter), left(filter::text, 60));
  END IF;
  IF filter - 'fuzzy' <> '{}' OR jsonb_typeof(filter -> 'fuzzy') <> 'boolean' THEN
    SELECT given.key INTO unknown
    FROM jsonb_object_keys(filter) AS given (key)
    WHERE given.key <> ALL (common || options || '{granted}'::text[])
    ORDER BY given.key COLLATE "C"
    LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('filter has the key "%s", expected only: %s', left(unknown, 60), array_to_string(common || options, ', '));
    END IF;
    PERFORM check_filter_value(filter, key, expected)
    FROM unnest(
      '{namespace,speaker_id,all_tags,since,until,metadata,ids,fuzzy,operators,prefix,min_match,namespaces,namespace_under,where,expired,superseded}'::text[],
      '{string,string,boolean,string,string,object,array,boolean,boolean,boolean,number,array,string,object,boolean,boolean}'::text[]
    ) AS value (key, expected)
    WHERE jsonb_typeof(filter -> key) <> expected;
    IF (filter ->> 'min_match')::numeric NOT BETWEEN 0 AND 1 THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('filter.min_match must be from 0 to 1, got %s', left(filter ->> 'min_match', 60));
    END IF;
    IF filter ?| '{ids,namespaces}' THEN
      PERFORM check_filter_texts(filter, 'ids'), check_filter_texts(filter, 'namespaces');
    END IF;
  END IF;

  IF (filter -> 'expired')::boolean IS NOT TRUE THEN
    conditions := ARRAY['(m.expires_at IS NULL OR m.expires_at > now())'];
  END IF;
  IF cardinality(query_tags) > 0 THEN
    conditions := conditions || CASE WHEN (filter -> 'all_tags')::boolean THEN 'm.tags @> $1' ELSE 'm.tags && $1' END;
  END IF;
  IF filter ? 'namespace' THEN
    conditions := conditions || 'm.namespace = ($2 ->> ''namespace'')'::text;
  END IF;
  IF filter ? 'namespaces' THEN
    conditions := conditions || 'm.namespace = ANY (ARRAY(SELECT jsonb_array_elements_text($2 -> ''namespaces'')))'::text;
  END IF;
  IF filter ? 'namespace_under' THEN
    conditions := conditions || '(m.namespace = ($2 ->> ''namespace_under'') OR starts_with(m.namespace, ($2 ->> ''namespace_under'') || ''/''))'::text;
  END IF;
  IF filter ? 'granted' THEN
    conditions := conditions || ('(m.namespace = ANY (ARRAY(SELECT jsonb_array_elements_text($2 #> ''{granted,namespaces}'')))'
      || CASE WHEN filter #> '{granted,below}' = '[]' THEN '' ELSE
        ' OR is_below(m.namespace, ARRAY(SELECT jsonb_array_elements_text($2 #> ''{granted,below}'')))' END || ')');
  END IF;
  IF filter ? 'speaker_id' THEN
    conditions := conditions || 'm.speaker_id = ($2 ->> ''speaker_id'')'::text;
  END IF;
  IF filter ? 'since' THEN
    conditions := conditions || ('m.created_at >= ' || filter_time(filter, 'since'));
  END IF;
  IF filter ? 'until' THEN
    conditions := conditions || ('m.created_at < ' || filter_time(filter, 'until'));
  END IF;
  IF filter ? 'metadata' THEN
    conditions := conditions || 'm.metadata @> ($2 -> ''metadata'')'::text;
  END IF;
  IF filter ? 'ids' THEN
    conditions := conditions || 'm.id = ANY (ARRAY(SELECT jsonb_array_elements_text($2 -> ''ids'')))'::text;
  END IF;
  IF filter ? 'where' THEN
    conditions := conditions || (where_condition(filter -> 'where', '{where}', 0, 0)).condition;
  END IF;
  conditions := conditions || CASE WHEN filter ?| '{as_of,superseded}' THEN as_of_condition(filter) ELSE 'm.superseded_at IS NULL' END;
  RETURN COALESCE(NULLIF(array_to_string(conditions, ' AND '), ''), 'true');
END
$$;
